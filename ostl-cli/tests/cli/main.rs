//! The program as its users run it.

mod check;
mod compared;
mod data;
mod exported;
mod fetching;
mod figures;
mod non_finite;
mod own_data;
mod plotted;
mod recorded;
mod refusals;
mod reported;
mod runs;
mod sampling;
mod settings;
mod shells;
mod sizes;
mod streaming;
mod support;
mod swept;
mod timing;
mod training;
#[cfg(unix)]
mod unheard;
