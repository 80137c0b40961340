//! How a block of parameters keeps its traces: sizes, what they are multiplied with, and how values are stored.

use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::tape::events::Events;

/// Columns of a tile.
pub(crate) const COLUMNS: usize = 8;

/// Sizes of a block's trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Units n.
    pub(crate) units: usize,
    /// State variables S.
    pub(crate) states: usize,
    /// Gates of this block.
    pub(crate) gates: usize,
    /// The first of them, among the traced gates.
    pub(crate) first_gate: usize,
    /// Traced gates of the layer.
    pub(crate) traced: usize,
    /// Rows of the block in the gradient, and the one where the first traced gate starts.
    pub(crate) gradient_rows: usize,
    /// See there.
    pub(crate) first_row: usize,
}

/// One parameter's trace in a tile.
#[derive(Clone, Copy)]
pub(crate) struct TracePlace {
    /// Of the lane.
    pub(crate) stream: usize,
    pub(crate) variable: usize,
    pub(crate) gate: usize,
    pub(crate) unit: usize,
    /// Of the tile.
    pub(crate) column: usize,
}

impl Shape {
    /// Panels of 16 units that hold a gate.
    pub(crate) fn panels(&self) -> usize {
        self.units.div_ceil(TILE)
    }

    /// Where the trace of a parameter lies among the values that a lane of `streams` streams keeps of a tile of columns.
    pub(crate) fn place(&self, at: TracePlace, streams: usize) -> usize {
        let (of_gate, panels) = (at.gate * self.panels() + at.unit / TILE, self.panels());
        let panel = at.variable * self.gates * panels + of_gate;
        // Panels of one stream do not share cache sets: each begins with another.
        let turned = (at.stream + of_gate % streams) % streams;
        ((panel * streams + turned) * COLUMNS + at.column) * TILE + at.unit % TILE
    }

    /// Values that one stream keeps of a tile of columns.
    pub(crate) fn tile_values(&self) -> usize {
        COLUMNS * self.states * self.gates * self.panels() * TILE
    }
}

/// What a block's parameters are multiplied with, for one lane of streams.
#[derive(Clone, Copy)]
pub(crate) enum Presynaptic<'a, T: Real> {
    /// z of the window, `rows × columns`.
    Dense {
        /// The values.
        now: &'a [T],
        /// Their rows.
        rows: usize,
    },
    /// Its events.
    Sparse(&'a Events<T>),
    /// The constant 1.
    One,
}

/// One lane's streams in one tile of columns.
pub(crate) struct LaneTile<'a, T: Real, V> {
    pub(crate) shape: Shape,
    /// ε of the lane's streams.
    pub(crate) values: &'a mut [V],
    /// Streams that the lane has room for.
    pub(crate) streams: usize,
    /// The gradient of the tile's columns.
    pub(crate) gradient: &'a mut [T],
    /// First column, and how many there are (the last tile may have fewer than 8).
    pub(crate) first: usize,
    /// See there.
    pub(crate) columns: usize,
    pub(crate) window: LaneWindow<'a, T>,
}

/// What one lane's window does to all tiles of a block.
#[derive(Clone, Copy)]
pub(crate) struct LaneWindow<'a, T: Real> {
    /// σ of each stream: `S` planes of panels.
    pub(crate) signal: &'a [T],
    /// C of each stream.
    pub(crate) jacobian: &'a [T],
    /// A of each stream, panel by panel, with room for `capacity` steps.
    pub(crate) influence: &'a [T],
    /// See there.
    pub(crate) capacity: usize,
    pub(crate) presynaptic: Presynaptic<'a, T>,
    /// z of the step before the window, `rows × streams`, where it reaches s through y; empty where it does not.
    pub(crate) before: &'a [T],
    pub(crate) steps: usize,
    /// Streams that are at work.
    pub(crate) active: usize,
    /// For each stream, whether its trace is zero.
    pub(crate) fresh: &'a [bool],
    /// For each stream, whether its trace will be needed again.
    pub(crate) continues: &'a [bool],
}

/// A panel of 16 units of one gate.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub(super) gate: usize,
    pub(super) panel: usize,
    /// The stream it begins with: panels of one stream shall not share cache sets.
    pub(super) turn: usize,
}
