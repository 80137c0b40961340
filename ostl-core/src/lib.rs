#![doc = include_str!("../README.md")]

mod accumulate;
pub mod batch;
pub mod bptt;
pub mod cell;
pub mod checkpoint;
mod claim;
pub mod dynamics;
mod error;
pub mod gradient_check;
mod initialize;
pub mod kernel;
mod lane;
mod layer;
mod learner;
pub mod loss;
pub mod method;
pub mod network;
pub mod optimizer;
mod presynaptic;
pub mod real;
mod score;
mod sweep;
mod trace;
mod window;

pub use batch::{SequenceBatch, TargetKind, Targets};
pub use cell::{Cell, Gate, Partials, Unit};
pub use error::{ConfigError, LearnError};
pub use initialize::Initialization;
pub use layer::Activation;
pub use learner::{Learner, LearnerState};
pub use loss::{Loss, Target};
pub use method::{Carry, Feedback, Method, Update, Window};
pub use network::{Block, Network, NetworkBuilder};
pub use optimizer::{Optimizer, OptimizerSettings, Rule, Schedule};
pub use real::Real;
pub use score::Score;
