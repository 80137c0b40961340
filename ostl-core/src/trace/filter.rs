//! Filters: leaky sums of a layer's outputs that something beyond the unit keeps, F_t = λ F_{t-1} + gain · y_t, unit by unit.
//!
//! A leaky readout r_t = λ r_{t-1} + W y_t + b with one λ for all its units is W applied to such a filter: r_t = W F_t + … . So where the
//! influence of a layer's parameters on the readout's *state* is needed, the influence on F is enough, one variable a unit more, instead of
//! one an output; the adjoint of F is Wᵀ times the adjoint of r (Bellec et al. 2020, eq. 28: the eligibility trace filtered
//! with the readout's κ). The same holds, as an approximation, for the potentials of a spiking layer above (Summe et al. 2024).

use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::method::{Carry, Feedback, Method};
use crate::network::Network;
use crate::network::layer::Recurrent;
use crate::trace::reads_own_output;

/// Filters of each layer's outputs under a method.
pub(crate) fn filters<T: Real>(network: &Network<T>, method: &Method) -> Vec<Vec<Filter>> {
    (0..network.layers.len()).map(|index| of_layer(network, method, index)).collect()
}

fn of_layer<T: Real>(network: &Network<T>, method: &Method, index: usize) -> Vec<Filter> {
    let mut filters = Vec::new();
    let Some(layer) = network.layers[index].recurrent() else { return filters };
    let carry = method.carry_in_use();
    let has_traces = !(matches!(carry, Carry::None | Carry::Presynaptic) || carry.vectors().is_some());
    if !has_traces {
        return filters;
    }
    // With dropout between the two, what the layer above sums is not y.
    let heard = |above: &&Recurrent<T>| above.dropout.is_none();
    if let Some(above) = network.layers.get(index + 1).and_then(|above| above.recurrent()).filter(heard) {
        let is_readout = index + 2 == network.layers.len();
        let leak = above.leak_of_inputs().filter(|_| match carry {
            Carry::Network => false,
            Carry::Postsynaptic => true,
            _ => is_readout && above.only_leaks(),
        });
        if let Some(leak) = leak.filter(|_| method.feedback != Feedback::TargetProjection) {
            filters.push(Filter { factor: leak.factor, gain: leak.gain, source: Source::Above });
        }
    }
    if let Some(rate) = layer.activity.rate {
        filters.push(Filter { factor: rate.decay, gain: 1.0 - rate.decay, source: Source::Rate });
    }
    if reads_own_output(network, method, index) && layer.output_has_memory() {
        filters.push(Filter { factor: 0.0, gain: 1.0, source: Source::Itself });
    }
    filters
}
