//! A cell is the dynamics of *one* unit: a step and its five partial derivatives.
//!
//! Every recurrent layer is an affine map followed by dynamics that stay inside the unit,
//!
//! ```text
//! a_t = Θ z_t,   z_t = [x_t ; y_{t-1} ; 1],   Θ = [W | H | b]
//! (s_t, y_t) = φ(s_{t-1}, y_{t-1}, a_t)
//! ```
//!
//! with `S` state variables s and `G` gates (pre-activations) a in each unit. Forward pass, reverse sweep and eligibility
//! traces are derived from [`Cell::linearise`] once, by the engine; nothing else is written per cell.

mod across;
pub mod auto;
mod columns;
pub(crate) mod dynamics;
pub(crate) mod filter;
mod reverse;
mod tiles;

use crate::linalg::real::Real;

/// What one gate of a unit sums, and what it acts on.
///
/// The gates that sum the inputs must stand next to each other in [`Cell::gates`], and so must those that sum the layer's
/// previous outputs (the engine multiplies whole runs of gates at once).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gate {
    /// Name of the gate: `"current"`, `"forget"`, `"threshold"`, …
    pub name: &'static str,
    /// Sums the layer's inputs x_t (a row of W).
    pub sums_input: bool,
    /// Sums the layer's own previous outputs y_{t-1} (a row of H).
    pub sums_output: bool,
    /// Has a learnable constant (an entry of b). A learnable value per unit (a threshold, a decay) is a gate that sums only this.
    pub sums_one: bool,
    /// ∂s_t/∂a_t may be other than zero for this gate.
    pub drives_state: bool,
    /// ∂y_t/∂a_t at fixed s_t may be other than zero for this gate.
    pub drives_output: bool,
    /// Its constant is a value of the unit that is given and not learned: no partial derivative with respect to it is needed.
    pub is_fixed: bool,
}

impl Gate {
    /// A gate that sums inputs, previous outputs (if `recurrent`) and a constant, and acts on the state only.
    pub const fn new(name: &'static str, recurrent: bool) -> Self {
        Self {
            name,
            sums_input: true,
            sums_output: recurrent,
            sums_one: true,
            drives_state: true,
            drives_output: false,
            is_fixed: false,
        }
    }

    /// A learnable value per unit that acts on the state only.
    pub const fn constant(name: &'static str) -> Self {
        Self { sums_input: false, ..Self::new(name, false) }
    }

    /// A value per unit that is given and not learned: a time constant drawn for each, a place in a map. Units start with
    /// [`Cell::initial_constant_of`], and [`Network::block_mut`](crate::Network::block_mut) sets others under the gate's name. It is a
    /// [frozen](crate::NetworkBuilder::frozen_block) block of the network; whatever [`Cell::linearise`] says of it, nothing is learned from it.
    pub const fn fixed(name: &'static str) -> Self {
        Self { drives_state: false, is_fixed: true, ..Self::constant(name) }
    }

    /// Whether the gate is a value of the unit, learnable or [fixed](Self::fixed): it sums neither inputs nor outputs.
    pub const fn is_constant(&self) -> bool {
        !self.sums_input && !self.sums_output
    }

    /// The same gate, without a learnable constant.
    pub const fn without_constant(self) -> Self {
        Self { sums_one: false, ..self }
    }

    /// The same gate, summing previous outputs (a row of H) or not.
    pub const fn summing_outputs(self, sums_output: bool) -> Self {
        Self { sums_output, ..self }
    }

    /// The same gate, acting on the output at fixed state and not on the state.
    pub const fn on_output(self) -> Self {
        Self { drives_state: false, drives_output: true, ..self }
    }
}

/// The leak of a unit whose first state variable is a leaky sum of what the gate that sums the inputs brings:
/// s_t = factor · s_{t-1} + gain · a_t, but for resets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leak {
    /// λ, the share of s that is left after a step.
    pub factor: f64,
    /// ∂s_t/∂a_t of the gate that sums the inputs.
    pub gain: f64,
    /// The partials are just that, at every step: ∂s_t/∂s_{t-1} = factor and ∂s_t/∂y_{t-1} = 0, so that nothing but the leak carries
    /// the past on (a reset that [detaches](Cell::detaches_reset) by subtraction, or no reset at all).
    pub is_all: bool,
}

/// State variables and output of one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit<T, const S: usize> {
    /// State variables s_t.
    pub s: [T; S],
    /// Output y_t.
    pub y: T,
}

/// The five partial derivatives of one unit's step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partials<T, const S: usize, const G: usize> {
    /// ∂s_t/∂s_{t-1}; row = the new variable, column = the previous one.
    pub ds_ds: [[T; S]; S],
    /// ∂s_t/∂y_{t-1} of the same unit, other than through the gates (a reset).
    pub ds_dy: [T; S],
    /// ∂s_t/∂a_t; row = variable, column = gate.
    pub ds_da: [[T; G]; S],
    /// ∂y_t/∂s_t at fixed a_t (for a spiking unit: its pseudo-derivative).
    pub dy_ds: [T; S],
    /// ∂y_t/∂a_t at fixed s_t.
    pub dy_da: [T; G],
}

impl<T: Real, const S: usize, const G: usize> Partials<T, S, G> {
    /// All partials zero, to be filled in.
    #[inline(always)]
    pub fn zero() -> Self {
        let zero = T::zero();
        Self { ds_ds: [[zero; S]; S], ds_dy: [zero; S], ds_da: [[zero; G]; S], dy_ds: [zero; S], dy_da: [zero; G] }
    }
}

/// Values that a cell may [prepare](Cell::prepare).
pub const PREPARED: usize = 8;

/// The dynamics of one recurrent unit with `S` state variables and `G` gates.
///
/// Implement this for a custom cell, check it with [`gradient_check::check_cell`](crate::check::gradient_check::check_cell), and
/// put it into a network with [`NetworkBuilder::recurrent`](crate::NetworkBuilder::recurrent). Mark both functions
/// `#[inline(always)]` and keep them free of branches on values: the engine runs them on tiles of units, which the compiler
/// then vectorises.
///
/// A unit starts, and restarts after a reset, with s = 0 and y = 0.
pub trait Cell<const S: usize, const G: usize>: Copy + Send + Sync + 'static {
    /// Name of the cell, for reports and checkpoints.
    fn name(&self) -> &'static str;

    /// The gates: which signals each sums and what it acts on.
    fn gates(&self) -> [Gate; G];

    /// What it takes to make this cell again, beside its name: `ostl-cells` has its options there, as JSON. `None` for a cell that only its
    /// author can make again.
    fn settings(&self) -> Option<String> {
        None
    }

    /// ∂s_t/∂y_{t-1} may be other than zero (the unit's own output resets its state).
    fn resets(&self) -> bool {
        false
    }

    /// The output is a differentiable function of the state. A spiking cell says `false`: its `dy_ds` and `dy_da` are
    /// pseudo-derivatives, which finite differences cannot confirm.
    fn is_smooth(&self) -> bool {
        true
    }

    /// The output does reset the state in [`step`](Cell::step), and [`linearise`](Cell::linearise) leaves that path out on purpose:
    /// checks then let entries of `ds_dy` be zero whatever differences say. [`resets`](Cell::resets) is `false` unless another
    /// state variable depends on the output.
    fn detaches_reset(&self) -> bool {
        false
    }

    /// The unit's leak, if its units are leaky sums with one fixed factor that they all share. Methods that filter what
    /// comes before a layer, or after it, need it ([`Carry::Presynaptic`](crate::Carry::Presynaptic)).
    fn leak(&self) -> Option<Leak> {
        None
    }

    /// Which state variable is the membrane potential, for voltage terms ([`Activity`](crate::Activity)).
    fn potential(&self) -> usize {
        0
    }

    /// Where the learnable constant of a gate starts (its entries of b), for gates that sum one.
    fn initial_constant(&self, gate: usize) -> f64 {
        let _ = gate;
        0.0
    }

    /// The same for one unit of a layer of `units`, where they do not all start alike.
    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        let _ = (unit, units);
        self.initial_constant(gate)
    }

    /// [`prepare`](Cell::prepare) does something: a tile of units then stays at hand while all streams pass by. Otherwise a stream stays
    /// while all units do, which is kinder to the caches.
    fn prepares(&self) -> bool {
        false
    }

    /// What follows from the learnable constants alone and is dear, such as an eigenvalue from its logarithm. The engine works it out once
    /// for all streams of a step and hands it to [`step_prepared`](Cell::step_prepared) and
    /// [`linearise_prepared`](Cell::linearise_prepared). Of `a` only [constant gates](Gate::is_constant) may be read; the others are 0 here.
    #[inline(always)]
    fn prepare<T: Real>(&self, a: [T; G]) -> [T; PREPARED] {
        let _ = a;
        [T::zero(); PREPARED]
    }

    /// [`step`](Cell::step), with what [`prepare`](Cell::prepare) found.
    #[inline(always)]
    fn step_prepared<T: Real>(&self, previous: Unit<T, S>, a: [T; G], prepared: [T; PREPARED]) -> Unit<T, S> {
        let _ = prepared;
        self.step(previous, a)
    }

    /// [`linearise`](Cell::linearise), with what [`prepare`](Cell::prepare) found.
    #[inline(always)]
    fn linearise_prepared<T: Real>(
        &self,
        previous: Unit<T, S>,
        a: [T; G],
        prepared: [T; PREPARED],
    ) -> (Unit<T, S>, Partials<T, S, G>) {
        let _ = prepared;
        self.linearise(previous, a)
    }

    /// One step: (s_{t-1}, y_{t-1}), a_t → (s_t, y_t).
    fn step<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> Unit<T, S>;

    /// One step and its partial derivatives at the same point.
    fn linearise<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> (Unit<T, S>, Partials<T, S, G>);
}
