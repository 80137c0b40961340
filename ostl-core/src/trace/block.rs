//! How many steps lie on the tape between two passes over the traces that units keep for themselves: a window, or a block of windows.
//!
//! Where the weights stay as they are until a sequence ends, nothing that a trace adds to the gradient is needed before, and neither is the sum of
//! any window's steps. So the tape holds a block of windows, *cut* where one ends: each is swept back from its own error alone, what it asks of the
//! steps before it is passed on inside the units (`cell/across.rs`), and then all of the block is closed as one window is: one product for
//! Σ δ zᵀ, one pass over ε. A small window then costs little more than a long one, and a sequence no longer than a block never touches ε.

use crate::cell::filter::Filter;
use crate::linalg::real::Real;
use crate::method::{Carry, Method, Update, Window};
use crate::network::Network;
use crate::network::size::learned_blocks_of;
use crate::refusal::{Count, count};
use crate::sweep::{Cuts, Sweep};
use crate::tape::width::width;
use crate::tape::{Lists, Tape};
use crate::trace::influence::spans;
use crate::trace::is_local;

/// Values that a block may always take beside the traces: for each lane, of the first lanes.
const ROOM_OF_A_LANE: u64 = 8 << 20;
/// See there.
const LANES: usize = 4;
/// Values that it may take at most, however large the traces.
const MOST_ROOM: u64 = 64 << 20;
/// Steps whose room a step is reckoned from.
const SAMPLE: usize = 64;

/// What lies on a tape when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnTape {
    /// Steps; `None` where it is the whole sequence.
    pub(crate) steps: Option<usize>,
    pub(crate) cuts: Cuts,
}

impl OnTape {
    /// Under a method, for so many streams.
    pub(crate) fn of<T: Real>(network: &Network<T>, method: &Method, filters: &[Vec<Filter>], streams: usize) -> Self {
        let one = |steps| Self { steps, cuts: Cuts::NONE };
        let every = match method.window {
            Window::Sequence => return one(None),
            Window::Rolling { steps, .. } => return one(Some(steps)),
            Window::Steps(steps) => steps,
        };
        if method.update == Update::Window || !waits(network, method) {
            return one(Some(every));
        }
        let windows = match method.block {
            Some(steps) => steps / every,
            None => room(network, method, streams) / step(network, method, filters, streams) / every,
        };
        if windows < 2 {
            return one(Some(every));
        }
        let keeps_all = (0..network.depth()).any(|index| is_local(network, method, index));
        Self { steps: Some(windows.saturating_mul(every)), cuts: Cuts { every: Some(every), keeps_all } }
    }
}

/// Whether all that is kept of the past is kept by units for themselves, or nothing is.
fn waits<T: Real>(network: &Network<T>, method: &Method) -> bool {
    match method.carry_in_use() {
        Carry::None | Carry::Local | Carry::Postsynaptic => true,
        Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl => spans(network, method).is_empty(),
        Carry::Presynaptic | Carry::Uoro(_) | Carry::LocalUoro(_) => false,
    }
}

/// Values that the blocks of all lanes together may take: as many as the traces, within bounds.
fn room<T: Real>(network: &Network<T>, method: &Method, streams: usize) -> usize {
    let traced = (0..network.depth()).filter(|&index| is_local(network, method, index));
    let traces: Count = traced
        .flat_map(|index| {
            let layer = &network.layers[index];
            let states = layer.recurrent().map_or(1, |layer| layer.states());
            learned_blocks_of(layer).into_iter().map(move |block| block.rows * block.columns * states * streams)
        })
        .sum();
    let lanes = streams.div_ceil(width(streams).max(1)).clamp(1, LANES);
    Count(traces.0.clamp(ROOM_OF_A_LANE * lanes as u64, MOST_ROOM)).size()
}

/// Values that a step takes, all streams together.
fn step<T: Real>(network: &Network<T>, method: &Method, filters: &[Vec<Filter>], streams: usize) -> usize {
    let cuts = Cuts { every: Some(SAMPLE), keeps_all: false };
    let bytes = |steps: usize| {
        Tape::bytes(network, streams, steps, Lists::Sparse) + Sweep::bytes(network, filters, method, streams, (steps, cuts))
    };
    let of_paths: Count = (0..network.depth())
        .filter(|&index| is_local(network, method, index))
        .filter_map(|index| Some((index, network.layers[index].recurrent()?)))
        .map(|(index, layer)| count(layer.units) * layer.gates() * (layer.states() + filters[index].len()) * streams)
        .sum();
    let of_tape = bytes(2 * SAMPLE).0.saturating_sub(bytes(SAMPLE).0) / (SAMPLE * size_of::<T>()) as u64;
    (Count(of_tape) + of_paths).size().max(1)
}
