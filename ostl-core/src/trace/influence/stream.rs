//! One stream's reverse sweep from every carried variable at once: J and A of equation (2).

use super::span::{SpanLayer, recurrent_at};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::Recurrent;
use crate::sweep::immediate::folded_signal;
use crate::sweep::{LayerAdjoints, StreamWalk, ThroughH, transpose_into};
use crate::tape::RecurrentTape;
use crate::trace::Lane;

/// One stream's reverse sweep from all carried variables.
#[derive(Clone, Debug)]
pub(super) struct Stream<T: Real> {
    /// σ: the adjoint of each carried variable at the window's start.
    pub(super) signal: Vec<T>,
    /// J: C × C.
    pub(super) jacobian: Vec<T>,
    pub(super) layers: Vec<LayerPaths<T>>,
    /// A column for each carried variable at the window's end that the layer can influence, at the step at hand.
    adjoints: Vec<LayerAdjoints<T>>,
}

/// What is found of one layer.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerPaths<T: Real> {
    /// A: variables × `G·n`, the variable running fastest, for the step before the window (through its y) and then each of its steps.
    pub(super) influence: Vec<T>,
    pub(super) filters: Vec<FilterPath<T>>,
}

/// How a filter at the window's end depends on the step at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilterPath<T: Real> {
    /// What it takes of y.
    share: T,
    /// What is left of what it held before.
    pub(super) kept: T,
}

impl<T: Real> Stream<T> {
    /// Room for a span of `variables` variables and windows of up to `capacity` steps.
    pub(super) fn new(network: &Network<T>, layers: &[SpanLayer], variables: usize, capacity: usize) -> Self {
        let paths = layers.iter().map(|layer| LayerPaths {
            influence: vec![
                T::zero();
                (capacity + 1) * (variables - layer.first) * network.layers[layer.index].activations()
            ],
            filters: vec![FilterPath { share: T::zero(), kept: T::zero() }; layer.filters.len()],
        });
        let adjoints = |layer: &SpanLayer| LayerAdjoints::new(&network.layers[layer.index], variables - layer.first);
        Self {
            signal: vec![T::zero(); variables],
            jacobian: vec![T::zero(); variables * variables],
            layers: paths.collect(),
            adjoints: layers.iter().map(adjoints).collect(),
        }
    }

    /// Gathers σ from the adjoints that the window's own sweep left.
    pub(super) fn read_signal(&mut self, layers: &[SpanLayer], network: &Network<T>, lane: &Lane<T>, b: usize) {
        for layer in layers {
            let Some((recurrent, tape)) = recurrent_at(network, &lane.tape, layer.index) else { continue };
            let sweep = &lane.sweep.layers[layer.index];
            let (n, states) = (recurrent.units, recurrent.states() * recurrent.units);
            let signal = &mut self.signal[layer.first..];
            if layer.carries_output {
                signal[..states].copy_from_slice(&sweep.to_state[b * states..(b + 1) * states]);
                signal[states..states + n].copy_from_slice(&sweep.to_output[b * n..(b + 1) * n]);
            } else {
                folded_signal(recurrent, &tape.boundary, sweep, b, false, &mut signal[..states]);
            }
            let listening = &mut signal[layer.first_filter(recurrent)..];
            for (signal, (_, adjoint)) in listening.chunks_exact_mut(n).zip(&sweep.filters) {
                signal.copy_from_slice(&adjoint[b * n..(b + 1) * n]);
            }
        }
    }

    /// The reverse sweep from every carried variable at the window's end.
    pub(super) fn sweep(&mut self, layers: &[SpanLayer], walk: &StreamWalk<'_, T>) {
        let StreamWalk { network, tape, stream, .. } = *walk;
        for ((layer, paths), adjoints) in layers.iter().zip(&mut self.layers).zip(&mut self.adjoints) {
            adjoints.clear();
            let Some(recurrent) = network.layers[layer.index].recurrent() else { continue };
            let (n, states) = (recurrent.units, recurrent.states() * recurrent.units);
            for variable in 0..states {
                adjoints.to_state[variable * states + variable] = T::one();
            }
            if layer.carries_output {
                for i in 0..n {
                    adjoints.to_output[(states + i) * n + i] = T::one();
                }
            }
            for (path, filter) in paths.filters.iter_mut().zip(&layer.filters) {
                *path = FilterPath { share: T::from_f64(filter.gain), kept: T::one() };
            }
        }
        for step in (0..tape.steps).rev() {
            let not_reset = tape.not_reset[step * tape.active + stream];
            for ((layer, paths), adjoints) in layers.iter().zip(&mut self.layers).zip(&mut self.adjoints) {
                if let Some(recurrent) = network.layers[layer.index].recurrent() {
                    paths.listen(recurrent, layer, not_reset, &mut adjoints.to_output);
                }
            }
            // At the window's last step the a of a unit in the topmost layer only moves the unit itself.
            let at_top = if step + 1 == tape.steps { ThroughH::OwnUnit } else { ThroughH::All };
            walk.step(step, at_top, &mut self.adjoints);
            for ((layer, paths), adjoints) in layers.iter().zip(&mut self.layers).zip(&self.adjoints) {
                let (size, rows) = (adjoints.delta.len(), network.layers[layer.index].activations());
                let influence = &mut paths.influence[(step + 1) * size..(step + 2) * size];
                transpose_into(&adjoints.delta, rows, influence, size / rows);
            }
        }
        for ((layer, paths), adjoints) in layers.iter().zip(&mut self.layers).zip(&mut self.adjoints) {
            if let Some((recurrent, recurrent_tape)) = recurrent_at(network, tape, layer.index) {
                paths.reach_boundary(recurrent, recurrent_tape, layer, stream, adjoints, &mut self.jacobian);
            }
        }
    }
}

impl<T: Real> LayerPaths<T> {
    /// The filters' adjoints at the window's end add their share to that of this step's y.
    fn listen(&mut self, layer: &Recurrent<T>, span_layer: &SpanLayer, not_reset: bool, to_output: &mut [T]) {
        let (n, first) = (layer.units, span_layer.first_filter(layer));
        for (f, (filter, path)) in span_layer.filters.iter().zip(&mut self.filters).enumerate() {
            for i in 0..n {
                to_output[(first + f * n + i) * n + i] += path.share;
            }
            let factor = if not_reset { T::from_f64(filter.factor) } else { T::zero() };
            path.share *= factor;
            path.kept *= factor;
        }
    }

    /// Adjoints of the step before the window: columns of J, and the immediate influence of constants that only drive y.
    fn reach_boundary(
        &mut self,
        layer: &Recurrent<T>,
        tape: &RecurrentTape<T>,
        span_layer: &SpanLayer,
        b: usize,
        adjoints: &mut LayerAdjoints<T>,
        jacobian: &mut [T],
    ) {
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let first = span_layer.first;
        let (c, folds) = (adjoints.to_output.len() / n, !span_layer.carries_output);
        let variables = first + c;
        let first_filter = span_layer.first_filter(layer);
        for (f, path) in self.filters.iter().enumerate() {
            for variable in first_filter + f * n..first_filter + (f + 1) * n {
                let column = &mut jacobian[(first + variable) * variables + first..][..c];
                column.fill(T::zero());
                column[variable] = path.kept;
            }
        }
        // Rows of J, one for each variable at the end, become columns for each at the start.
        let LayerAdjoints { to_state, to_output, delta, .. } = adjoints;
        if folds {
            let dy_ds = &tape.boundary.dy_ds[b * s * n..(b + 1) * s * n];
            for (to_state, to_output) in to_state.chunks_exact_mut(s * n).zip(to_output.chunks_exact(n)) {
                for (to_state, dy_ds) in to_state.chunks_exact_mut(n).zip(dy_ds.chunks_exact(n)) {
                    add_products(to_state, to_output, dy_ds);
                }
            }
        }
        transpose_into(to_state, s * n, &mut jacobian[first * variables + first..], variables);
        if span_layer.carries_output {
            transpose_into(to_output, n, &mut jacobian[(first + s * n) * variables + first..], variables);
        }
        let influence = &mut self.influence[..c * g * n];
        if !folds || !layer.dynamics.gates().iter().any(|gate| gate.drives_output) {
            return influence.fill(T::zero());
        }
        delta.fill(T::zero());
        for (delta, to_output) in delta.chunks_exact_mut(g * n).zip(to_output.chunks_exact(n)) {
            for (k, _) in layer.dynamics.gates().iter().enumerate().filter(|(_, gate)| gate.drives_output) {
                let dy_da = &tape.boundary.dy_da[(b * g + k) * n..(b * g + k + 1) * n];
                add_products(&mut delta[k * n..(k + 1) * n], to_output, dy_da);
            }
        }
        transpose_into(delta, g * n, influence, c);
    }
}

/// x += y·z, value by value.
fn add_products<T: Real>(x: &mut [T], y: &[T], z: &[T]) {
    for ((x, &y), &z) in x.iter_mut().zip(y).zip(z) {
        *x += y * z;
    }
}
