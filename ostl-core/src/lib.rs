#![doc = include_str!("../README.md")]

// The rooms of the crate, in order: each uses only those before it, and `tests/core/rooms.rs` holds them to that.

// Why something is refused before it is begun: a setting out of range, more memory than there is.
mod refusal;

// Numbers, and what is done with many of them at once: vectors, products, sums of what events name.
mod linalg;

// Named arrays: a learner in the words of whoever saves it or looks at it.
mod record;

// The dynamics of one unit, and a layer's worth of them: forward, and one step or one window back.
mod cell;

// Layers and what they are made of, their parameters in one vector, how they are built and where they start.
mod network;

// What is learned from: sequences, losses, scores.
mod data;

// What a learning method is, and which are refused; the fixed matrices of feedback.
mod method;

// What a window keeps of its steps, and the forward pass that writes it.
mod tape;

// The reverse sweep over a window: δ, and the adjoints of what came before.
mod sweep;

// What is carried across windows, a file a carry, and what a method claims of it.
mod trace;

// Several processes that learn together: messages between them, and sums in one order.
pub mod ranks;

// A window's gradient put together: lanes on their threads, sums part by part, traces read out and moved on.
mod engine;

// Learning: engine, loss and optimiser, step by step or from batches, saved and taken up again.
mod learner;

// What gradients are held to: plain backpropagation through time, finite differences, claims.
mod check;

// What of all this is compiled here, once for each scalar.
#[cfg(not(test))]
mod compiled;

pub use cell::auto;
pub use cell::auto::{AutoCell, Equations, Number};
pub use cell::dynamics::{Dynamics, dynamics_of};
pub use cell::{Cell, Gate, Leak, PREPARED, Partials, Unit};
pub use check::{bptt, gradient_check};
pub use data::batch::{HeadTargets, SequenceBatch, TargetKind, Targets};
pub use data::heads::{Head, Heads};
pub use data::loss::{Loss, Target};
pub use data::loss_function::LossFunction;
pub use data::objective::Objective;
pub use data::score::Score;
pub use data::target::Weighted;
pub use data::{batch, loss};
pub use engine::error::EngineError;
pub use engine::predictor::{Latest, Predictor, Publisher};
pub use engine::streams::Streams;
pub use engine::window_choice::{WindowChoice, best_block, best_window};
pub use engine::{Engine, Gradient, Signal};
pub use learner::error::{Aftermath, LearnError};
pub use learner::optimizer::{Optimizer, OptimizerSettings, ParameterRun, Rule, UpdateRule, UpdateStep};
pub use learner::schedule::Schedule;
pub use learner::shards::{ShardedLearner, Traffic};
pub use learner::{Learner, Observation, UnitsSeen};
pub use learner::{checkpoint, optimizer, schedule, whole_file};
pub use linalg::processor::instructions;
pub use linalg::real;
pub use linalg::real::Real;
// For a benchmark of the workspace; not part of what is promised.
#[doc(hidden)]
pub use linalg::checked as product;
pub use method::feedback;
pub use method::{Carry, Edge, Feedback, Method, TraceFormat, Update, Window};
pub use network::activity::{Activity, RateTerm, VoltageTerm};
pub use network::connections::Connections;
pub use network::initialize::Initialization;
pub use network::layer::Activation;
pub use network::plan::{CellMaker, CellPlan, LayerKind, LayerPlan, NetworkPlan};
pub use network::rates::LearningRates;
pub use network::{Block, Network, NetworkBuilder};
pub use record::Record;
pub use refusal::{ConfigError, Counted, Fits, MemoryNeed, Part, TooLarge};

/// The linear algebra whose views outputs come in.
pub use nalgebra;
