//! What a tape takes, before it is there: as its `new` and `reserve` allocate it.

use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::activity::Activity;
use crate::network::layer::Layer;
use crate::refusal::{Count, count};
use crate::tape::events::Events;
use crate::tape::{Lists, Tape, listing_below, listing_of_outputs};

impl<T: Real> Tape<T> {
    /// Bytes that a tape takes with room for windows of `steps` steps.
    pub(crate) fn bytes(network: &Network<T>, streams: usize, steps: usize, lists: Lists) -> Count {
        let columns = count(steps) * streams;
        let mut values = Count(0);
        let mut bytes = columns * 2;
        if !matches!(lists, Lists::AllInputs | Lists::InputsAlone) {
            values += columns * network.inputs();
        }
        for (index, layer) in network.layers.iter().enumerate() {
            let n = count(layer.units());
            bytes += Events::<T>::bytes(layer.inputs(), listing_below(network, index, lists), columns);
            if layer.dropout().is_some() {
                values += columns * layer.inputs() * 2;
            }
            match layer {
                Layer::Dense(_) => values += n * columns,
                Layer::Recurrent(layer) => {
                    let (s, g) = (layer.states(), layer.gates());
                    let Activity { rate, voltage } = layer.activity;
                    let (rate, voltage) = (usize::from(rate.is_some()), usize::from(voltage.is_some()));
                    // s and y after the last step, s before it, and of the step before the window y, ∂y/∂s, ∂y/∂a and x.
                    values += (n * (3 * s + g + 2 + rate) + layer.inputs) * streams;
                    // y before and after each step, a, five partials.
                    values += n * (2 + g + s * s + 2 * s + s * g + g + rate + voltage) * columns;
                    bytes += Events::<T>::bytes(layer.units, listing_of_outputs(layer, lists), columns);
                }
            }
        }
        bytes + values * size_of::<T>()
    }
}
