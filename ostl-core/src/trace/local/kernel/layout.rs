//! How a block of parameters keeps its traces: sizes, what they are multiplied with, and how values are stored.

use serde::{Deserialize, Serialize};

use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::tape::events::Events;

/// Columns of a tile.
pub(crate) const COLUMNS: usize = 8;

/// Windows that a column can be left alone.
pub(crate) const SLOTS: usize = 8;
/// The column's trace is zero.
pub(crate) const ZERO: u8 = u8::MAX;
/// For each column of a tile the slot it was last touched in.
pub(crate) type Touched = [u8; COLUMNS];

/// Sizes of a block's trace.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
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
    /// Most steps of a window.
    pub(crate) capacity: usize,
    /// Rows of the block in the gradient, and the one where the first traced gate starts.
    pub(crate) gradient_rows: usize,
    /// See there.
    pub(crate) first_row: usize,
}

impl Shape {
    /// Panels of 16 units that hold a gate.
    pub(crate) fn panels(&self) -> usize {
        self.units.div_ceil(TILE)
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
