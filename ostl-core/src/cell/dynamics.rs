//! A cell over the units of a layer, behind one object-safe face: the engine does not know `S` and `G` at compile time.
//!
//! Values lie in planes ([`UnitColumns`]). The hot loop loads a tile of units from the planes, calls
//! the scalar-looking cell, and stores; it is compiled for the widest vectors the processor has.

use std::sync::Arc;

use crate::cell::across;
use crate::cell::reverse::{self, Shape};
use crate::cell::tiles;
use crate::cell::{Cell, Gate, Leak, Partials, Unit};
use crate::linalg::real::Real;

pub(crate) use crate::cell::columns::{
    Across, PartialsColumn, PartialsColumns, PartialsColumnsMut, PartialsWindow, Paths, ReverseColumn, UnitColumns,
    UnitColumnsMut,
};

/// State variables a unit may have at most.
const MOST_STATES: usize = 8;
/// Variables of a unit that a trace may keep: its state and the filters of its output. What a kernel keeps of one unit on the stack.
pub(crate) const MOST_VARIABLES: usize = MOST_STATES + 3;

/// The dynamics of a layer of like units.
pub(crate) trait LayerDynamics<T: Real>: Send + Sync {
    /// Name of the cell.
    fn name(&self) -> &'static str;
    /// What it takes to make the cell again.
    fn settings(&self) -> Option<String>;
    /// Number of state variables S of a unit.
    fn states(&self) -> usize;
    /// The gates of a unit.
    fn gates(&self) -> &[Gate];
    /// ∂s_t/∂y_{t-1} may be other than zero.
    fn resets(&self) -> bool;
    /// The output is a differentiable function of the state.
    fn is_smooth(&self) -> bool;
    /// Which state variable is the membrane potential.
    fn potential(&self) -> usize;
    /// The units' leak, if they are leaky sums with a fixed factor.
    fn leak(&self) -> Option<Leak>;
    /// The output resets the state, and the partials leave that out.
    fn detaches_reset(&self) -> bool;
    /// Where the learnable constant of a gate starts, for one of `units` units.
    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64;
    /// One step of some columns of `units` units, without partials.
    fn step(&self, units: usize, previous: UnitColumns<'_, T>, next: UnitColumnsMut<'_, T>);
    /// One step of some columns of `units` units, with partials.
    fn linearise(
        &self,
        units: usize,
        previous: UnitColumns<'_, T>,
        next: UnitColumnsMut<'_, T>,
        partials: PartialsColumnsMut<'_, T>,
    );
    /// One step back through a column of units.
    fn reverse(&self, column: ReverseColumn<'_, T>);
    /// The way back through a window of one stream from each of its units' state variables at the end, inside the units.
    fn paths(&self, window: PartialsWindow<'_, T>, paths: Paths<'_, T>);
    /// The way back over the edges between windows, inside the units.
    fn across(&self, window: PartialsColumns<'_, T>, across: Across<'_, T>);
    /// One step of *one* unit with its partials, straight from the cell: no tile, no planes. What oracles call.
    fn linearise_unit(&self, previous: UnitColumns<'_, T>, next: UnitColumnsMut<'_, T>, partials: PartialsColumnsMut<'_, T>);
}

/// A cell's dynamics for one scalar: where its kernels are compiled. A crate of cells calls this once for each cell and scalar, and hands
/// the result to [`NetworkBuilder::recurrent_dynamics`](crate::NetworkBuilder::recurrent_dynamics), so that crates above need not compile them
/// again.
///
/// # Panics
/// If the cell's gates break the rules of [`Gate`].
#[track_caller]
#[inline(never)]
pub fn dynamics_of<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(cell: C) -> Dynamics<T> {
    Dynamics(Arc::new(Units::new(cell)))
}

/// The dynamics of a layer of like units, whatever their cell: what [`dynamics_of`] makes of one.
#[derive(Clone)]
pub struct Dynamics<T: Real>(pub(crate) Arc<dyn LayerDynamics<T>>);

impl<T: Real> Dynamics<T> {
    /// Name of the cell.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The gates of a unit.
    pub fn gates(&self) -> &[Gate] {
        self.0.gates()
    }
}

impl<T: Real> std::fmt::Debug for Dynamics<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dynamics<{}>({})", T::NAME, self.name())
    }
}

/// A layer's worth of one cell.
pub(crate) struct Units<C, const S: usize, const G: usize> {
    cell: C,
    gates: [Gate; G],
}

impl<C: Cell<S, G>, const S: usize, const G: usize> Units<C, S, G> {
    /// # Panics
    /// If the cell's gates break the rules of [`Gate`] (the sums over inputs, and those over outputs, must each be one run), or
    /// if it has no or too many state variables.
    #[track_caller]
    pub(crate) fn new(cell: C) -> Self {
        let gates = cell.gates();
        for (what, sums) in [("inputs", gates.map(|g| g.sums_input)), ("outputs", gates.map(|g| g.sums_output))] {
            let runs = (0..G).filter(|&g| sums[g] && (g == 0 || !sums[g - 1])).count();
            assert!(runs <= 1, "cell {}: the gates that sum {what} must stand next to each other", cell.name());
        }
        assert!(
            S > 0 && S <= MOST_STATES && G > 0,
            "cell {}: needs 1 to {MOST_STATES} state variables and at least one gate",
            cell.name()
        );
        Self { cell, gates }
    }
}

impl<T: Real, C: Cell<S, G>, const S: usize, const G: usize> LayerDynamics<T> for Units<C, S, G> {
    fn name(&self) -> &'static str {
        self.cell.name()
    }

    fn settings(&self) -> Option<String> {
        self.cell.settings()
    }

    fn states(&self) -> usize {
        S
    }

    fn gates(&self) -> &[Gate] {
        &self.gates
    }

    fn resets(&self) -> bool {
        self.cell.resets()
    }

    fn is_smooth(&self) -> bool {
        self.cell.is_smooth()
    }

    fn potential(&self) -> usize {
        self.cell.potential()
    }

    fn leak(&self) -> Option<Leak> {
        self.cell.leak()
    }

    fn detaches_reset(&self) -> bool {
        self.cell.detaches_reset()
    }

    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        self.cell.initial_constant_of(gate, unit, units)
    }

    fn step(&self, units: usize, previous: UnitColumns<'_, T>, next: UnitColumnsMut<'_, T>) {
        tiles::step(&self.cell, units, previous, next);
    }

    fn linearise(
        &self,
        units: usize,
        previous: UnitColumns<'_, T>,
        next: UnitColumnsMut<'_, T>,
        partials: PartialsColumnsMut<'_, T>,
    ) {
        tiles::linearise(&self.cell, units, previous, next, partials);
    }

    fn reverse(&self, column: ReverseColumn<'_, T>) {
        reverse::step::<T, S, G>(Shape { gates: &self.gates, resets: self.cell.resets() }, column);
    }

    fn paths(&self, window: PartialsWindow<'_, T>, paths: Paths<'_, T>) {
        reverse::window::<T, S, G>(Shape { gates: &self.gates, resets: self.cell.resets() }, window, paths);
    }

    fn across(&self, window: PartialsColumns<'_, T>, across: Across<'_, T>) {
        across::across::<T, S, G>(Shape { gates: &self.gates, resets: self.cell.resets() }, window, across);
    }

    fn linearise_unit(
        &self,
        previous: UnitColumns<'_, T>,
        next: UnitColumnsMut<'_, T>,
        partials: PartialsColumnsMut<'_, T>,
    ) {
        let unit = Unit { s: std::array::from_fn(|v| previous.state[v]), y: previous.output[0] };
        let (unit, found): (_, Partials<T, S, G>) =
            self.cell.linearise(unit, std::array::from_fn(|g| previous.activation[g]));
        next.state.copy_from_slice(&unit.s);
        next.output[0] = unit.y;
        partials.ds_ds.copy_from_slice(found.ds_ds.as_flattened());
        partials.ds_dy.copy_from_slice(&found.ds_dy);
        partials.ds_da.copy_from_slice(found.ds_da.as_flattened());
        partials.dy_ds.copy_from_slice(&found.dy_ds);
        partials.dy_da.copy_from_slice(&found.dy_da);
    }
}
