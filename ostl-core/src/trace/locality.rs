//! Which layers' units keep traces of their own under a method, and what of others' influence is carried with them.

use crate::linalg::real::Real;
use crate::method::{Carry, Feedback, Method, Window};
use crate::network::Network;
use crate::network::layer::Layer;

/// Which recurrent layers keep a trace for each unit under a method. A layer without H needs no more where nothing stateless below it
/// shares its influence: there `layer` is `local`, and SnAp, which leaves those below out anyway, is so whatever is there. With H, SnAp-1 is so
/// in windows of one step, within which nothing leaves a unit and comes back to it.
pub(crate) fn is_local<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let Some(layer) = network.layers[index].recurrent() else { return false };
    let is_closed = layer.y_gates.is_empty();
    match method.carry_in_use() {
        Carry::Local | Carry::Postsynaptic | Carry::LocalUoro(_) => true,
        Carry::Snap(1) if method.window == Window::Steps(1) => true,
        Carry::Snap(_) => is_closed,
        Carry::Layer | Carry::KfRtrl => is_closed && !carries_those_below(network, method, index),
        _ => false,
    }
}

/// Whether the influence of stateless layers just below a recurrent one is carried with its own. It is where their learning signal
/// comes from that layer, step by step. Feedback that brings every layer the readout's error or the target alone has no way through a layer: what a
/// stateless one receives at a step is all there is.
pub(crate) fn carries_those_below<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let has_stateless_below = index > 0 && matches!(network.layers[index - 1], Layer::Dense(_));
    let passes_through = matches!(method.feedback, Feedback::Symmetric | Feedback::Random);
    has_stateless_below && passes_through && !matches!(method.carry_in_use(), Carry::Snap(_))
}

/// Whether a unit's own connection in H counts as its own in a trace that it keeps for itself.
pub(crate) fn reads_own_output<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let has_h = network.layers[index].recurrent().is_some_and(|layer| !layer.y_gates.is_empty());
    method.carry_in_use() == Carry::Snap(1) && has_h && is_local(network, method, index)
}
