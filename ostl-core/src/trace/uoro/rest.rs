//! What units keep for themselves is exact; estimated is only the rest.
//!
//! With E the influence that the carry `local` keeps (a unit's own parameters on its own s, and through that on its y) and G the whole influence,
//! the difference D = G − E moves on over a window as G does, but for what E's own step leaves out:
//!
//! ```text
//! D_end = J D + R,    R = J E + Σ_t A_t ⊗ z_t − E_end
//! ```
//!
//! So the two vectors of UORO estimate D when g = νᵀ R takes the place of νᵀ Σ_t A_t ⊗ z_t, and what they add to the gradient is that of D alone: its
//! mean is the whole gradient, its variance that of what `local` drops. With w = Jᵀν from the sweep that finds νᵀA_t, and E_end = C E + Σ_t A°_t ⊗ z_t,
//!
//! ```text
//! g = (w − Cᵀν)·E + Σ_t (νᵀA_t − νᵀA°_t) ⊗ z_t
//! ```
//!
//! is one more pass over ε. y of the step before a window is folded into s and that step's a, as `local` does, and y of the window's last step likewise.

use super::{PlacedBlock, Product, UoroLayer};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, transposed_operand};
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::Network;
use crate::network::layer::Recurrent;
use crate::sweep::StreamWalk;
use crate::tape::events::Signal;
use crate::tape::{LayerOnTape, RecurrentTape};
use crate::trace::LanePaths;
use crate::trace::influence::StreamTape;

/// ε of the units of one stream, read with a signal: for each layer `S` planes of whole panels of units in, a sum for each parameter out.
pub(crate) type ReadOwn<'a, T> = &'a (dyn Fn(usize, &[Vec<T>], &mut [T]) + Sync);

/// What units keep for themselves, and what moves it on over the window at hand.
#[derive(Clone, Copy)]
pub(super) struct Own<'a, T: Real> {
    pub(super) paths: &'a LanePaths<T>,
    pub(super) read: ReadOwn<'a, T>,
    /// The stream's number among all.
    pub(super) stream: usize,
}

/// Room for g.
#[derive(Clone, Debug)]
pub(super) struct RestRoom<T: Real> {
    /// For each layer of the network w − Cᵀν: `S` planes of whole panels of units; empty where units keep nothing.
    signals: Vec<Vec<T>>,
    /// δ of the step before the window, for each layer `G·n`.
    edges: Vec<Vec<T>>,
    /// ν, y folded into s: `S·n` of the largest layer.
    folded: Vec<T>,
    /// g, laid out as all parameters.
    pub(super) sum: Vec<T>,
}

impl<T: Real> RestRoom<T> {
    pub(super) fn new(network: &Network<T>, layers: &[UoroLayer]) -> Self {
        let zeros = |count: usize| vec![T::zero(); count];
        // Of a layer whose units keep all there is nothing is left.
        let recurrent = |at: &UoroLayer| network.layers[at.index].recurrent().filter(|_| !at.blocks.is_empty());
        let signal =
            |at: &UoroLayer| zeros(recurrent(at).map_or(0, |layer| layer.states() * layer.units.next_multiple_of(TILE)));
        let edge = |at: &UoroLayer| zeros(recurrent(at).map_or(0, |layer| layer.gates() * layer.units));
        let end = layers.iter().flat_map(|at| &at.blocks).map(|placed| placed.block.gradient.end).max().unwrap_or(0);
        Self {
            signals: layers.iter().map(signal).collect(),
            edges: layers.iter().map(edge).collect(),
            folded: zeros(layers.iter().map(|at| at.state.len()).max().unwrap_or(0)),
            sum: zeros(end),
        }
    }
}

impl<T: Real> Product<T> {
    /// g of the rest, once [`pull`](Product::pull) has left νᵀA_t and w: in the room's sum.
    pub(super) fn pull_rest(
        &mut self,
        layers: &[UoroLayer],
        walk: &StreamWalk<'_, T>,
        own: Own<'_, T>,
        ones: &[T],
        fresh: bool,
    ) {
        let StreamWalk { network, tape, stream: b, .. } = *walk;
        for (place, at) in layers.iter().enumerate().filter(|(_, at)| !at.blocks.is_empty()) {
            if let LayerOnTape::Recurrent(layer, recurrent) =
                LayerOnTape::new(&network.layers[at.index], &tape.layers[at.index])
            {
                self.without_own(place, at, layer, (recurrent, [tape.steps, tape.active, b]), own.paths);
            }
        }
        let Some(room) = &mut self.rest else { return };
        for (place, at) in layers.iter().enumerate() {
            let all = self.layers[place].activation.len();
            for PlacedBlock { block, .. } in &at.blocks {
                let rows = block.rows.len();
                let sum = &mut room.sum[block.gradient.clone()];
                multiply(
                    Assignment::Replace,
                    columns(&self.layers[place].delta[block.rows.start..], rows, tape.steps, all),
                    block.signal_of(StreamTape { tape, b, ones }, at.index, 0..block.columns),
                    columns_mut(sum, rows, block.columns, rows),
                );
                let LayerOnTape::Recurrent(layer, recurrent) =
                    LayerOnTape::new(&network.layers[at.index], &tape.layers[at.index])
                else {
                    continue;
                };
                let before: &[T] = match block.signal {
                    Signal::Input => &recurrent.boundary.inputs[b * layer.inputs..(b + 1) * layer.inputs],
                    Signal::Output => &recurrent.boundary.previous_output[b * layer.units..(b + 1) * layer.units],
                    Signal::One => &ones[..1],
                };
                if !fresh {
                    multiply(
                        Assignment::Add,
                        columns(&room.edges[place][block.rows.start..], rows, 1, all),
                        transposed_operand(before, 1, block.columns, block.columns),
                        columns_mut(sum, rows, block.columns, rows),
                    );
                }
            }
        }
        if !fresh {
            (own.read)(own.stream, &room.signals, &mut room.sum);
        }
    }

    /// ‖g‖.
    pub(super) fn rest_norm(&self, layers: &[UoroLayer]) -> T {
        let Some(room) = &self.rest else { return T::zero() };
        let blocks = layers.iter().flat_map(|at| &at.blocks);
        let of = |placed: &PlacedBlock| &room.sum[placed.block.gradient.clone()];
        blocks.map(|placed| dot(of(placed), of(placed))).fold(T::zero(), |sum, square| sum + square).sqrt()
    }

    /// θ̂ += scale · g.
    pub(super) fn add_rest(&mut self, layers: &[UoroLayer], scale: T) {
        let Self { rest: Some(room), parameters, .. } = self else { return };
        for PlacedBlock { block, place } in layers.iter().flat_map(|at| &at.blocks) {
            let found = &room.sum[block.gradient.clone()];
            parameters[place.clone()].iter_mut().zip(found).for_each(|(theta, &g)| *theta += scale * g);
        }
    }

    /// What the units' own trace moves on by is taken from the δ of a layer's steps, and from w.
    fn without_own(
        &mut self,
        place: usize,
        at: &UoroLayer,
        layer: &Recurrent<T>,
        (tape, [steps, active, b]): (&RecurrentTape<T>, [usize; 3]),
        paths: &LanePaths<T>,
    ) {
        let Some(room) = &mut self.rest else { return };
        let (n, states, gates) = (layer.units, layer.states(), layer.gates());
        let padded = n.next_multiple_of(TILE);
        let (view, adjoints) = (paths.of_stream(at.index, b), &self.adjoints[place]);
        let (signal, edge, delta) = (&mut room.signals[place], &mut room.edges[place], &mut self.layers[place].delta);
        let (of_state, of_output) = (&self.signs[at.state.clone()], &self.signs[at.output.clone()]);
        let last = (steps - 1) * active + b;
        let partials = tape.partials.column(last, [n, states, gates]);
        // ν of y at the last step goes through s and a of that step, as far as it is the unit's own.
        let folded = &mut room.folded[..states * n];
        folded.copy_from_slice(of_state);
        if !of_output.is_empty() {
            for (folded, dy_ds) in folded.chunks_exact_mut(n).zip(partials.dy_ds.chunks_exact(n)) {
                (0..n).for_each(|i| folded[i] += dy_ds[i] * of_output[i]);
            }
            let delta = &mut delta[(steps - 1) * gates * n..steps * gates * n];
            for g in (0..gates).filter(|&g| layer.dynamics.gates()[g].drives_output) {
                (0..n).for_each(|i| delta[g * n + i] -= partials.dy_da[g * n + i] * of_output[i]);
            }
        }
        // w, y of the step before folded likewise.
        edge.fill(T::zero());
        for (v, signal) in signal.chunks_exact_mut(padded).enumerate() {
            let dy_ds = &tape.boundary.dy_ds[(b * states + v) * n..(b * states + v + 1) * n];
            let to_state = &adjoints.to_state[v * n..(v + 1) * n];
            (0..n).for_each(|i| signal[i] = to_state[i] + dy_ds[i] * adjoints.to_output[i]);
        }
        for g in (0..gates).filter(|&g| layer.dynamics.gates()[g].drives_output) {
            let dy_da = &tape.boundary.dy_da[(b * gates + g) * n..(b * gates + g + 1) * n];
            (0..n).for_each(|i| edge[g * n + i] = dy_da[i] * adjoints.to_output[i]);
        }
        for end in 0..states {
            let folded = &folded[end * n..(end + 1) * n];
            for (v, signal) in signal.chunks_exact_mut(padded).enumerate() {
                let jacobian = view.jacobian(end, v);
                (0..n).for_each(|i| signal[i] -= folded[i] * jacobian[i]);
            }
            for (k, &g) in view.traced.iter().enumerate() {
                for i in 0..n {
                    edge[g * n + i] -= folded[i] * view.influence(end, k, i, 0);
                    for step in 0..steps {
                        delta[(step * gates + g) * n + i] -= folded[i] * view.influence(end, k, i, step + 1);
                    }
                }
            }
        }
    }
}
