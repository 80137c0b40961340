//! The temporal part: eligibility traces, one file a carry, and what a method claims of them (`claim.rs`).
//!
//! A trace holds ε = ds/dθ at the window's start, as far as its carry keeps it. When a window closes it is *read out* into the
//! gradient (σ·ε, the second term of equation 1) and *advanced* to the window's end (equation 2). `equations.rs` is both in plain loops:
//! read it first.

mod block;
pub(crate) mod claim;
#[cfg(test)]
mod equations;
mod filter;
pub(crate) mod influence;
pub(crate) mod local;
mod locality;
pub(crate) mod presynaptic;
mod reach;
mod signs;
mod size;
pub(crate) mod uoro;
mod window;

pub(crate) use block::OnTape;
pub(crate) use filter::filters;
pub(crate) use local::{LanePaths, PathsView};
pub(crate) use locality::{carries_those_below, is_local, reads_own_output};
pub(crate) use reach::Reach;
pub(crate) use size::{Sizing, TraceBytes};
pub(crate) use window::{Lane, Window};
