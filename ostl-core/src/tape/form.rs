//! Whether a tape that was saved is one that could have been here.

use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::tape::{LayerTape, Tape};

impl<T: Real> Tape<T> {
    /// Whether this is a tape that one like `own` could be after so many steps; a window that `rolls` may begin later.
    pub(crate) fn check(&self, own: &Self, steps: usize, rolls: bool) -> Result<(), String> {
        let first = if rolls { steps } else { 0 };
        if self.live != self.streams || self.steps != steps || steps > self.capacity || self.seen_from > first {
            return Err(format!(
                "a window has {} steps, seen from step {}, of {} streams, where {steps} steps of {} have room for {}",
                self.steps, self.seen_from, self.live, self.streams, self.capacity
            ));
        }
        let columns = self.live * steps;
        let mut lists: Vec<_> = self.events.iter().zip(&own.events).collect();
        for (saved, own) in self.layers.iter().zip(&own.layers) {
            if let (LayerTape::Recurrent(saved), LayerTape::Recurrent(own)) = (saved, own) {
                lists.push((&saved.previous_events, &own.previous_events));
            }
        }
        let number = self.events.len() == own.events.len();
        let checked = lists.into_iter().try_for_each(|(saved, own)| saved.check(own, columns));
        let checked = if number { checked } else { Err("there are more or fewer of them than layers") };
        checked.map_err(|problem| format!("of the lists of events {problem}"))
    }

    /// Whether the buffers are as large as the room that it says it has: of each layer one is looked at, and nothing is believed.
    pub(crate) fn is_as_large_as_it_says(&self, network: &Network<T>) -> bool {
        let Some(columns) = self.capacity.checked_mul(self.streams) else { return false };
        let holds = |(layer, tape): (&Layer<T>, &LayerTape<T>)| {
            layer.units().checked_mul(columns).is_some_and(|values| tape.output().len() == values)
        };
        self.goes_on.len() == columns
            && self.layers.len() == network.layers.len()
            && network.layers.iter().zip(&self.layers).all(holds)
    }
}
