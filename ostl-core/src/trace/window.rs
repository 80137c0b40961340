//! What a window leaves for the traces: of each lane of streams its tape and its sweep.

use std::ops::Range;

use super::LanePaths;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::sweep::Sweep;
use crate::tape::{Moment, Tape};

/// A block of streams.
#[derive(Clone, Debug)]
pub(crate) struct Lane<T: Real> {
    /// Its first stream.
    pub(crate) first: usize,
    pub(crate) tape: Tape<T>,
    pub(crate) sweep: Sweep<T>,
    /// The steps at hand have an error: a learning signal, or activity that costs.
    pub(crate) has_error: bool,
    /// Columns of the last step that a reverse sweep has seen; none before the first, and of a window without an error.
    pub(crate) newest_swept: Range<usize>,
}

/// A window as it stands when it closes: what gradients are summed from, and traces read out and moved on by.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a, T: Real> {
    pub(crate) network: &'a Network<T>,
    pub(crate) lanes: &'a [Lane<T>],
    /// Of each lane the paths through its units.
    pub(crate) paths: &'a [LanePaths<T>],
    /// For each stream, whether it goes on after this window; an ended stream needs no trace any more.
    pub(crate) continues: &'a [bool],
    /// For each stream, whether its trace is zero: it started with this window.
    pub(crate) fresh: &'a [bool],
    /// Steps that the learner has seen (no two windows close at the same), and which its first stream is.
    pub(crate) moment: Moment,
    /// What traces add to the gradient may wait for a later window.
    pub(crate) may_defer: bool,
    /// Traces are only read out and stay where they are: they will move on over the window's first steps later.
    pub(crate) stays: bool,
}

impl<'a, T: Real> Window<'a, T> {
    /// Each lane with the paths through its units.
    pub(crate) fn each_lane(&self) -> impl Iterator<Item = (&'a Lane<T>, &'a LanePaths<T>)> + use<'a, T> {
        self.lanes.iter().zip(self.paths)
    }
}
