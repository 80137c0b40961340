//! Runs that were made, read again to be laid beside each other: what they were set to, what they came to, and their way there.

mod curve;
mod given;
mod group;
mod run;
mod settings;
mod subject;

#[cfg(test)]
pub(crate) use curve::Point;
pub(crate) use curve::{Band, Curve};
pub(crate) use given::given;
pub(crate) use group::{Group, Spread, by_settings};
pub(crate) use run::{Run, finished, is_finished, tasks};
pub(crate) use settings::{MOST_SETTINGS, called, differing, flattened, short};
pub(crate) use subject::Subject;
