//! Looking inside: states, outputs and traces as they are between two calls.

use super::Engine;
use crate::linalg::real::Real;
use crate::record::{Book, Record};
use crate::tape::{LayerTape, RecurrentTape};

impl<T: Real> Engine<T> {
    /// s of a recurrent layer in one stream after the last step: S·n values, all units' first variable, then all units' second, and so on. `None` for a
    /// stateless layer.
    ///
    /// # Panics
    /// If there is no such layer or stream.
    #[track_caller]
    pub fn state(&self, layer: usize, stream: usize) -> Option<&[T]> {
        let (tape, place) = self.recurrent_tape(layer, stream)?;
        let values = self.network.layers[layer].recurrent()?.states() * self.network.layers[layer].units();
        Some(&tape.state[place * values..(place + 1) * values])
    }

    /// y of a recurrent layer in one stream after the last step, one value per unit; of the readout, whatever it is, the last prediction. `None` for a
    /// stateless layer below it.
    ///
    /// # Panics
    /// If there is no such layer or stream.
    #[track_caller]
    pub fn output(&self, layer: usize, stream: usize) -> Option<&[T]> {
        if layer + 1 == self.network.depth() {
            let outputs = self.network.outputs();
            return Some(&self.streaming.outputs[stream * outputs..(stream + 1) * outputs]);
        }
        let (tape, place) = self.recurrent_tape(layer, stream)?;
        let units = self.network.layers[layer].units();
        Some(&tape.last_output[place * units..(place + 1) * units])
    }

    /// L, the learning signal of a layer in one stream: ∂E/∂y of the last step of the window that closed last, as it came down through the layers
    /// above at that step (the **L** of Bohnstingl et al. 2022, which they multiply with the trace). One value per unit; of a stateless layer ∂E/∂a
    /// instead. `None` before a window has closed, and of a stream that was not part of it.
    ///
    /// # Panics
    /// If there is no such layer or stream.
    #[track_caller]
    pub fn learning_signal(&self, layer: usize, stream: usize) -> Option<&[T]> {
        let units = self.network.layers[layer].units();
        let (lane, place) = self.streaming.lanes.find(stream);
        let lane = &self.streaming.lanes.lanes[lane];
        let column = lane.newest_swept.clone().nth(place)?;
        lane.sweep.layers[layer].signal.get(column * units..(column + 1) * units)
    }

    /// The eligibility traces of all layers and streams as they stood when the last window closed, by name: `traces.layers.0.W` and so on, as
    /// docs/checkpoints.md lists them for each carry; the first index is the stream. A stream that starts anew has zeros. A copy: it takes
    /// as long as the traces are large.
    #[inline(never)]
    pub fn traces(&self) -> Record {
        let mut record = Record::new();
        let passed = self.streaming.pass_traces(&self.network, &mut Book::saving(&mut record));
        debug_assert!(passed.is_ok(), "nothing is refused on the way in");
        let fresh: Vec<bool> = record.values("traces.fresh").unwrap_or_default().to_vec();
        let names: Vec<String> = record.names().map(str::to_owned).collect();
        for name in names {
            if let Some(values) = record.values_mut::<T>(&name) {
                let of_stream = values.len() / fresh.len();
                for (values, _) in values.chunks_exact_mut(of_stream.max(1)).zip(&fresh).filter(|(_, fresh)| **fresh) {
                    values.fill(T::zero());
                }
            }
        }
        record
    }

    /// A recurrent layer's tape, and the stream's place on it.
    fn recurrent_tape(&self, layer: usize, stream: usize) -> Option<(&RecurrentTape<T>, usize)> {
        let (lane, place) = self.streaming.lanes.find(stream);
        match &self.streaming.lanes.lanes[lane].tape.layers[layer] {
            LayerTape::Recurrent(tape) => Some((tape, place)),
            LayerTape::Dense(_) => None,
        }
    }
}
