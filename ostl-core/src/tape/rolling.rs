//! A window that rolls: the tape keeps the last steps, and every reverse sweep goes back over all of them from the errors of the newest.

use crate::data::batch::SequenceBatch;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::tape::{LayerOnTapeMut, Tape};

impl<T: Real> Tape<T> {
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
        self.swept = self.swept.saturating_sub(steps);
    }

    /// Starts anew with those of the streams from `first` on that a batch has.
    pub(crate) fn open_for(&mut self, batch: &SequenceBatch<T>, first: usize) {
        self.open(self.streams_after(batch, first, 0));
    }

    /// Of the activity only that of steps that no sweep has started from counts in the next; without an error there is nothing to sweep.
    pub(crate) fn look_back(&mut self, has_error: bool) {
        let earlier = self.swept * self.active;
        self.mask[..earlier].fill(false);
        self.is_without_error = !has_error;
    }

    /// The first column with a signal in a layer. Above the topmost recurrent layer an error stays in its step, so that those steps have none whose
    /// errors an earlier sweep started from.
    pub(crate) fn first_column(&self, network: &Network<T>, layer: usize) -> usize {
        let is_top = (1..=layer).contains(&network.first_of_top());
        if is_top { self.swept * self.active } else { 0 }
    }

    /// All steps have been swept from.
    pub(crate) fn looked_back(&mut self) {
        self.swept = self.steps;
        self.is_without_error = false;
    }
}
