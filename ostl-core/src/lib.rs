//! x
pub mod batch;
pub mod cell;
pub mod dynamics;
pub mod kernel;
pub mod loss;
pub mod real;
pub use batch::{SequenceBatch, TargetKind, Targets};
pub use cell::{Cell, Gate, Partials, Unit};
pub use loss::{Loss, Target};
pub use real::Real;
