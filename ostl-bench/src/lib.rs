//! What the benches share: networks of one described cell, and random batches.

use ostl_cells::{CellConfig, CellVisitor};
use ostl_core::{Cell, Loss, Network, NetworkBuilder, Real, SequenceBatch, TargetKind};

/// Adds a described cell to a network under construction.
struct Add<T>(NetworkBuilder<T>, usize);

impl<T: Real> CellVisitor for Add<T> {
    type Output = NetworkBuilder<T>;
    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> NetworkBuilder<T> {
        self.0.recurrent(cell, self.1)
    }
}

/// One recurrent layer of `units` and a readout.
///
/// # Panics
/// If the cell's options or a size are out of range: benches use known ones.
#[must_use]
pub fn network(cell: CellConfig, inputs: usize, units: usize, outputs: usize) -> Network<f32> {
    let builder = cell.visit(Add(Network::builder(inputs).seed(1), units)).expect("a cell of the benches");
    builder.readout(outputs).expect("sizes of the benches")
}

/// Sequences of equal length with random inputs in ±1 and a class at every step, the same on every call.
#[must_use]
pub fn batch(inputs: usize, outputs: usize, steps: usize, streams: usize) -> SequenceBatch<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &vec![steps; streams]);
    for stream in 0..streams {
        for step in 0..steps {
            batch.input_mut(stream, step).fill_with(|| (next() % 2001) as f32 / 1000.0 - 1.0);
            batch.set_class(stream, step, (next() % outputs as u64) as usize);
        }
    }
    batch
}

/// The loss that [`batch`] has targets for.
pub const LOSS: Loss = Loss::SoftmaxCrossEntropy;
