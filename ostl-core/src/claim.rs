//! What a method promises: for which parameters its gradient is that of BPTT.

use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Recurrent};
use crate::method::{Carry, Method, TraceFormat, Window};
use crate::network::Network;
use crate::real::Real;

/// Whether a method's gradient of a block of parameters is that of BPTT, at fixed weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Equal but for rounding, for every sequence.
    Exact,
    /// Something that came before the window is dropped or rounded.
    Approximate,
}

/// The claim for each of [`Network::blocks`].
///
/// A parameter's influence crosses a window's start only through the states of recurrent layers at or above its own. So
/// parameters above the topmost recurrent layer are exact under every method. Below, `network` keeps everything; `layer` keeps
/// what reaches the state of the next recurrent layer, which is everything for the topmost one and the stateless layers just below
/// it; `local` keeps a unit's own parameters' influence on itself, which is everything for the topmost layer if it has no H
/// (and if the trace is not rounded).
pub fn claims<T: Real>(network: &Network<T>, method: &Method) -> Vec<Claim> {
    let recurrent: Vec<usize> = (0..network.depth()).filter(|&index| network.layers[index].recurrent().is_some()).collect();
    let top = recurrent.last().copied();
    let second = recurrent.len().checked_sub(2).map(|place| recurrent[place]);
    let is_exact = |layer: usize| match (top, method.window, method.carry) {
        (None, ..) | (_, Window::Sequence, _) | (_, _, Carry::Network) => true,
        (Some(top), _, Carry::None) => layer > top,
        (Some(top), _, Carry::Local) => {
            layer > top || method.trace == TraceFormat::Full && (layer == top && top_is_closed(&network.layers[top]))
        }
        (Some(_), _, Carry::Layer) => second.is_none_or(|second| layer > second),
    };
    let exact = network.blocks().iter().map(|block| is_exact(block.layer));
    exact.map(|exact| if exact { Claim::Exact } else { Claim::Approximate }).collect()
}

/// No unit of the layer hears another one's past.
fn top_is_closed<T: Real>(layer: &Layer<T>) -> bool {
    layer.recurrent().is_some_and(|layer: &Recurrent<T>| layer.y_gates.is_empty())
}
