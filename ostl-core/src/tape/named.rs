//! What a tape holds between two calls, by name: the states that go from window to window, and the steps of an unfinished window.

use crate::linalg::real::Real;
use crate::network::Network;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::tape::{LayerOnTapeMut, Tape};

impl<T: Real> Tape<T> {
    /// s and y after the last step, and of the step before the window what its gradient can still reach.
    pub(crate) fn pass_states(
        &mut self,
        network: &Network<T>,
        lane: Streams,
        book: &mut Book<'_>,
    ) -> Result<(), ConfigError> {
        for (index, (layer, tape)) in network.layers.iter().zip(&mut self.layers).enumerate() {
            let LayerOnTapeMut::Recurrent(layer, tape) = LayerOnTapeMut::new(layer, tape) else { continue };
            let (n, s, g) = (layer.units, layer.states(), layer.gates());
            let state = |name: &str| format!("states.layers.{index}.{name}");
            book.streams(&state("s"), lane, &[s, n], &mut tape.state)?;
            book.streams(&state("y"), lane, &[n], &mut tape.last_output)?;
            if layer.activity.rate.is_some() {
                book.streams(&state("rate"), lane, &[n], &mut tape.activity.rate)?;
            }
            let before = |name: &str| format!("boundary.layers.{index}.{name}");
            book.streams(&before("x"), lane, &[layer.inputs], &mut tape.boundary.inputs)?;
            book.streams(&before("y"), lane, &[n], &mut tape.boundary.previous_output)?;
            book.streams(&before("dy_ds"), lane, &[s, n], &mut tape.boundary.dy_ds)?;
            book.streams(&before("dy_da"), lane, &[g, n], &mut tape.boundary.dy_da)?;
        }
        Ok(())
    }

    /// The steps taken so far in this window, but for inputs that are only listed.
    pub(crate) fn pass_window(
        &mut self,
        network: &Network<T>,
        (lane, steps): (Streams, usize),
        book: &mut Book<'_>,
    ) -> Result<(), ConfigError> {
        let at = (lane, steps);
        self.steps = steps;
        book.steps("window.not_reset", at, &[], &mut self.not_reset)?;
        book.steps("window.mask", at, &[], &mut self.mask)?;
        if !self.events[0].holds_all() {
            book.steps("window.x", at, &[network.inputs()], &mut self.inputs)?;
        }
        for (index, (layer, tape)) in network.layers.iter().zip(&mut self.layers).enumerate() {
            let name = |name: &str| format!("window.layers.{index}.{name}");
            let n = layer.units();
            if let Some(dropped) = &mut self.dropped[index] {
                book.steps(&name("dropout"), at, &[layer.inputs()], &mut dropped.mask)?;
                book.steps(&name("x"), at, &[layer.inputs()], &mut dropped.values)?;
            }
            match LayerOnTapeMut::new(layer, tape) {
                LayerOnTapeMut::Dense(_, tape) => book.steps(&name("y"), at, &[n], &mut tape.output)?,
                LayerOnTapeMut::Recurrent(layer, tape) => {
                    let (s, g) = (layer.states(), layer.gates());
                    book.steps(&name("y"), at, &[n], &mut tape.output)?;
                    book.steps(&name("previous_y"), at, &[n], &mut tape.previous_output)?;
                    book.steps(&name("ds_ds"), at, &[s, s, n], &mut tape.partials.ds_ds)?;
                    book.steps(&name("ds_dy"), at, &[s, n], &mut tape.partials.ds_dy)?;
                    book.steps(&name("ds_da"), at, &[s, g, n], &mut tape.partials.ds_da)?;
                    book.steps(&name("dy_ds"), at, &[s, n], &mut tape.partials.dy_ds)?;
                    book.steps(&name("dy_da"), at, &[g, n], &mut tape.partials.dy_da)?;
                    if layer.activity.rate.is_some() {
                        book.steps(&name("rate"), at, &[n], &mut tape.activity.rates)?;
                    }
                    if layer.activity.voltage.is_some() {
                        book.steps(&name("potential"), at, &[n], &mut tape.activity.potentials)?;
                    }
                }
            }
        }
        if book.restores() {
            self.list_again(network);
        }
        Ok(())
    }

    /// Lists the events of signals that are dense beside their lists, as the forward pass did.
    fn list_again(&mut self, network: &Network<T>) {
        let columns = self.steps * self.active;
        let mut all = std::mem::take(&mut self.events);
        for (index, events) in all.iter_mut().enumerate().filter(|(_, events)| !events.holds_all()) {
            events.append(0, &self.below(index)[..columns * network.layers[index].inputs()]);
        }
        self.events = all;
        for (layer, tape) in network.layers.iter().zip(&mut self.layers) {
            if let LayerOnTapeMut::Recurrent(layer, tape) = LayerOnTapeMut::new(layer, tape)
                && !layer.y_gates.is_empty()
            {
                tape.previous_events.append(0, &tape.previous_output[..columns * layer.units]);
            }
        }
    }

    /// The events of one column of inputs that are only listed; none where inputs are not.
    pub(crate) fn listed(&self, column: usize) -> Option<(&[u32], &[T])> {
        Some(&self.events[0]).filter(|events| events.holds_all()).map(|events| events.of_column(column))
    }

    /// Lists the inputs of the next column.
    pub(crate) fn list(&mut self, column: usize, rows: &[u32], values: &[T]) {
        self.events[0].push(column, rows, values);
    }
}
