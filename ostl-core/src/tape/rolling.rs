//! A window that rolls: the tape keeps the last steps, and every reverse sweep looks back over them from the newest.

use crate::data::batch::SequenceBatch;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::tape::{BatchStreams, LayerOnTapeMut, Tape};

impl<T: Real> Tape<T> {
    /// Makes room for another step where there is none, by forgetting all but the last `kept`. With twice as much room as is kept, every step
    /// is moved once.
    pub(crate) fn make_room(&mut self, network: &Network<T>, kept: usize) {
        if self.has_room() {
            return;
        }
        self.drop_front(network, self.steps.saturating_sub(kept));
        self.seen_from = 0;
    }

    /// Forgets the first `steps` steps; those after them move to the front.
    pub(crate) fn drop_front(&mut self, network: &Network<T>, steps: usize) {
        let (from, to) = (steps * self.active, self.steps * self.active);
        let shift = |buffer: &mut [T], rows: usize| buffer.copy_within(from * rows..to * rows, 0);
        if !self.events[0].holds_all() {
            shift(&mut self.inputs, network.inputs());
        }
        for (layer, dropped) in network.layers.iter().zip(&mut self.dropped) {
            if let Some(dropped) = dropped {
                shift(&mut dropped.mask, layer.inputs());
                shift(&mut dropped.values, layer.inputs());
            }
        }
        self.not_reset.copy_within(from..to, 0);
        self.mask.copy_within(from..to, 0);
        for (layer, tape) in network.layers.iter().zip(&mut self.layers) {
            let n = layer.units();
            match LayerOnTapeMut::new(layer, tape) {
                LayerOnTapeMut::Recurrent(layer, tape) => {
                    let (s, g) = (layer.states(), layer.gates());
                    tape.previous_events.drop_front(from);
                    shift(&mut tape.previous_output, n);
                    shift(&mut tape.output, n);
                    shift(&mut tape.partials.ds_ds, s * s * n);
                    shift(&mut tape.partials.ds_dy, s * n);
                    shift(&mut tape.partials.ds_da, s * g * n);
                    shift(&mut tape.partials.dy_ds, s * n);
                    shift(&mut tape.partials.dy_da, g * n);
                    if layer.activity.rate.is_some() {
                        shift(&mut tape.activity.rates, n);
                    }
                    if layer.activity.voltage.is_some() {
                        shift(&mut tape.activity.potentials, n);
                    }
                }
                LayerOnTapeMut::Dense(_, tape) => shift(&mut tape.output, n),
            }
        }
        self.events.iter_mut().for_each(|events| events.drop_front(from));
        self.steps -= steps;
    }

    /// Starts anew with those of the streams from `first` on that a batch has.
    pub(crate) fn open_for(&mut self, batch: &SequenceBatch<T>, first: usize) {
        self.open(self.streams_after(batch, first, 0));
    }

    /// Puts one step of a batch's streams after those of which `kept` must stay. Streams that have ended are padded as by
    /// [`load`](Tape::load), up to the end of the longest.
    pub(crate) fn roll(
        &mut self,
        network: &Network<T>,
        batch: &SequenceBatch<T>,
        streams: BatchStreams<'_>,
        step: usize,
        kept: usize,
    ) {
        self.make_room(network, kept);
        self.put(batch, streams, step, 1);
    }

    /// The next reverse sweep sees the last `steps` steps, or none; of their activity only the newest counts.
    pub(crate) fn look_back(&mut self, steps: usize) {
        self.seen_from = self.steps.saturating_sub(steps);
        let newest = self.steps.saturating_sub(1) * self.active;
        self.mask[..newest].fill(false);
    }
}
