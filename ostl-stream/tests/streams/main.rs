//! Every part beside sums over the whole history, and saved and gone on from.

mod common;
mod drift;
mod long;
mod normaliser;
mod prequential;
mod quantile;
mod saved;
mod tables;
