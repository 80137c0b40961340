//! The gradient of a window put together: lanes of streams on their threads, the sums over them, traces read out and moved on, how long a
//! window should be, and how much memory that takes.

pub(crate) mod accumulate;
pub(crate) mod lanes;
mod size;
pub(crate) mod traces;
pub(crate) mod window_choice;
