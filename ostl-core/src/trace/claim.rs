//! What a method promises: for which parameters its gradient is that of BPTT.

use serde::{Deserialize, Serialize};

use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::method::{Carry, Feedback, Method, TraceFormat, Window};
use crate::network::layer::Recurrent;
use crate::network::{Block, Network};
use crate::trace::{Reach, filters, is_local};

/// Whether a method's gradient of a block of parameters is that of BPTT, at fixed weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Equal but for rounding, for every sequence.
    Exact,
    /// Something that came before the window is dropped or rounded.
    Approximate,
    /// The block is frozen and has no gradient.
    Frozen,
}

/// The claim for each of [`Network::blocks`].
///
/// A parameter's influence crosses a window's start only through the states of recurrent layers at or above its own. So
/// parameters above the topmost recurrent layer are exact under every method. Below, `network` keeps everything; `layer` keeps
/// what reaches the state of the next recurrent layer, which is everything for the topmost one and the stateless layers just below
/// it; `local` keeps a unit's own parameters' influence on itself, which is everything for the topmost layer if it has no H
/// (and if the trace is not rounded); `snap-n` is exact there for the layer's own parameters once no unit reaches further through H than
/// within n steps; `kf-rtrl` where it is `local`, and for constants wherever `layer` is. Where the topmost is a leaky readout, the layer below it counts as topmost, too: its filtered
/// influence is all that the readout's state holds of it.
///
/// With another feedback than the symmetric one only the readout's learning signal is the true one.
///
/// A weight in two places, a [tied](crate::NetworkBuilder::tied) readout's, gets the sum of what is found in both: it is exact only if both
/// are, and the readout's copy is claimed no better than the embedding's.
pub fn claims<T: Real>(network: &Network<T>, method: &Method) -> Vec<Claim> {
    let claims = Claims { network, method, filters: filters(network, method) };
    let mut exact: Vec<bool> = network.blocks().iter().map(|block| claims.is_exact(block)).collect();
    if let Some(copies) = network.tied_blocks() {
        let both = copies.iter().all(|&copy| exact[copy]);
        copies.into_iter().for_each(|copy| exact[copy] = both);
    }
    let claim = |(block, exact): (&Block, bool)| match exact {
        _ if !network.layers[block.layer].rates().learns(block.name) => Claim::Frozen,
        true => Claim::Exact,
        false => Claim::Approximate,
    };
    network.blocks().iter().zip(exact).map(claim).collect()
}

struct Claims<'a, T: Real> {
    network: &'a Network<T>,
    method: &'a Method,
    filters: Vec<Vec<Filter>>,
}

impl<T: Real> Claims<'_, T> {
    fn recurrent(&self, index: usize) -> Option<&Recurrent<T>> {
        self.network.layers.get(index)?.recurrent()
    }

    fn is_exact(&self, block: &Block) -> bool {
        let layer = block.layer;
        let depth = self.network.depth();
        if self.method.feedback != Feedback::Symmetric && layer + 1 < depth {
            return false;
        }
        let top = (0..depth).rfind(|&index| self.recurrent(index).is_some());
        // The recurrent layer that the parameters reach first.
        let first = (layer..depth).find(|&index| self.recurrent(index).is_some());
        let (Some(top), Some(first)) = (top, first) else { return true };
        match (self.method.window, self.method.carry) {
            (Window::Sequence, _) => true,
            (_, Carry::Network) => self.method.trace == TraceFormat::Full,
            (Window::Rolling { .. }, Carry::None) => false,
            _ => (first == top || self.is_all_that_the_top_hears(first, top)) && self.keeps(block, first),
        }
    }

    /// The topmost layer is a leaky sum of this one and nothing else.
    fn is_all_that_the_top_hears(&self, index: usize, top: usize) -> bool {
        let is_filtered = self.filters[index].iter().any(|filter| filter.source == Source::Above);
        // A firing rate of the topmost layer is a further state, of which the filter below it knows nothing.
        let is_all = |layer: &Recurrent<T>| layer.only_leaks() && layer.activity.rate.is_none();
        index + 1 == top && is_filtered && self.recurrent(top).is_some_and(is_all)
    }

    /// The carry keeps the whole influence of a block of parameters on the states of the recurrent layer that they reach first.
    fn keeps(&self, block: &Block, first: usize) -> bool {
        let Some(recurrent) = self.recurrent(first) else { return false };
        let is_closed = recurrent.y_gates.is_empty();
        let carry = self.method.carry;
        match carry {
            Carry::Layer => self.method.trace == TraceFormat::Full,
            Carry::KfRtrl if !is_local(self.network, self.method, first) => block.name != "W" && block.name != "H",
            _ if block.layer != first => false,
            Carry::Presynaptic => recurrent.only_leaks() && recurrent.activity.rate.is_none(),
            Carry::Snap(order) => Reach::new(recurrent, order).is_saturated,
            _ if is_local(self.network, self.method, first) => is_closed && self.method.trace == TraceFormat::Full,
            _ => false,
        }
    }
}
