//! One stream's reverse sweep from every carried variable at once: J and A of equation (2).

use serde::{Deserialize, Serialize};

use super::span::{SpanLayer, recurrent_at};
use crate::linalg::product::{Into, columns, columns_mut, multiply_shared, plain_operand, transposed_operand};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::sweep::Transposed;
use crate::sweep::immediate::folded_signal;
use crate::tape::{LayerTape, RecurrentTape, Tape};
use crate::trace::Lane;

/// One stream's reverse sweep from all carried variables.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Stream<T: Real> {
    /// σ: what the window wants of each carried variable at its start.
    pub(super) signal: Vec<T>,
    /// J: C × C.
    pub(super) jacobian: Vec<T>,
    pub(super) layers: Vec<LayerPaths<T>>,
}

/// Adjoints of one layer, the carried variable running fastest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct LayerPaths<T: Real> {
    /// Of s: variables × `S·n`.
    pub(super) to_state: Vec<T>,
    pub(super) to_earlier: Vec<T>,
    /// Of y: variables × n.
    pub(super) to_output: Vec<T>,
    /// A: variables × `G·n`, for the step before the window (through its y) and then each of its steps.
    pub(super) influence: Vec<T>,
    /// What of A at the window's last step is not zero: for each row of a each variable of its own unit.
    own: Vec<T>,
    /// What is sent through a mask: variables × inputs, empty without dropout.
    masked: Vec<T>,
    /// For each filter what it takes, at the window's end, of y at the step at hand, and what is left then of what it held before.
    pub(super) shares: Vec<(T, T)>,
}

impl<T: Real> Stream<T> {
    /// Room for a span of so many variables and windows of up to `capacity` steps.
    pub(super) fn new(network: &Network<T>, layers: &[SpanLayer], variables: usize, capacity: usize) -> Self {
        let paths = layers.iter().map(|layer| {
            let (c, n) = (variables - layer.first, network.layers[layer.index].units());
            let zeros = |count: usize| vec![T::zero(); count];
            let recurrent = network.layers[layer.index].recurrent();
            let (s, g) = recurrent.map_or((0, 1), |layer| (layer.states(), layer.gates()));
            LayerPaths {
                to_state: zeros(c * s * n),
                to_earlier: zeros(c * s * n),
                to_output: zeros(c * n),
                influence: zeros((capacity + 1) * c * g * n),
                own: zeros(c * g),
                masked: zeros(network.layers[layer.index].dropout().map_or(0, |_| c * network.layers[layer.index].inputs())),
                shares: vec![(T::zero(), T::zero()); layer.filters.len()],
            }
        });
        Self {
            signal: vec![T::zero(); variables],
            jacobian: vec![T::zero(); variables * variables],
            layers: paths.collect(),
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
    pub(super) fn sweep(
        &mut self,
        layers: &[SpanLayer],
        variables: usize,
        network: &Network<T>,
        transposed: &Transposed<T>,
        tape: &Tape<T>,
        b: usize,
    ) {
        for (layer, paths) in layers.iter().zip(&mut self.layers) {
            paths.to_state.fill(T::zero());
            paths.to_output.fill(T::zero());
            let Some(recurrent) = network.layers[layer.index].recurrent() else { continue };
            let c = variables - layer.first;
            let states = recurrent.states() * recurrent.units;
            for variable in 0..states {
                paths.to_state[variable * c + variable] = T::one();
            }
            for (share, filter) in paths.shares.iter_mut().zip(&layer.filters) {
                *share = (T::from_f64(filter.gain), T::one());
            }
            if layer.carries_output {
                for i in 0..recurrent.units {
                    paths.to_output[i * c + states + i] = T::one();
                }
            }
        }
        for step in (0..tape.steps).rev() {
            for place in (0..layers.len()).rev() {
                let (lower, rest) = self.layers.split_at_mut(place);
                let layer = &layers[place];
                let c = variables - layer.first;
                let paths = &mut rest[0];
                match (&network.layers[layer.index], &tape.layers[layer.index]) {
                    (Layer::Recurrent(recurrent), LayerTape::Recurrent(recurrent_tape)) => {
                        let column = step * tape.live + b;
                        paths.listen(recurrent, layer, tape.goes_on[column], c);
                        paths.recurrent_step(
                            recurrent,
                            &network.parameters,
                            recurrent_tape,
                            tape.goes_on[column],
                            step,
                            column,
                            c,
                            step + 1 == tape.steps && place + 1 == layers.len(),
                        );
                    }
                    (Layer::Dense(dense), LayerTape::Dense(dense_tape)) => {
                        let n = dense.units;
                        let outputs = &dense_tape.output[(step * tape.live + b) * n..][..n];
                        let influence = &mut paths.influence[(step + 1) * c * n..][..c * n];
                        let columns = influence.chunks_exact_mut(c).zip(paths.to_output.chunks_exact(c)).zip(outputs);
                        for ((influence, to_y), &y) in columns {
                            set_scaled(influence, to_y, dense.activation.derivative(y));
                        }
                    }
                    _ => unreachable!("tape and network are built together"),
                }
                if let Some(below) = lower.last_mut() {
                    let lower_c = variables - layers[place - 1].first;
                    let below_is_recurrent = network.layers[layer.index - 1].recurrent().is_some();
                    let weights = &network.parameters[network.layers[layer.index].w_range()];
                    paths.send_down(
                        &network.layers[layer.index],
                        transposed.fixed(layer.index).map_or(Down::Weights(weights), Down::Fixed),
                        step,
                        c,
                        below,
                        lower_c,
                        below_is_recurrent,
                        tape.masks(layer.index).map(|masks| {
                            let m = network.layers[layer.index].inputs();
                            &masks[(step * tape.live + b) * m..][..m]
                        }),
                    );
                }
            }
        }
        for (layer, paths) in layers.iter().zip(&mut self.layers) {
            if let Some((recurrent, recurrent_tape)) = recurrent_at(network, tape, layer.index) {
                paths.reach_boundary(recurrent, recurrent_tape, layer, variables, b, &mut self.jacobian);
            }
        }
    }
}

/// What brings adjoints from a layer's a to its inputs.
#[derive(Clone, Copy)]
enum Down<'a, T> {
    /// W.
    Weights(&'a [T]),
    /// Fixed feedback B in Wᵀ's place, as in the window's own sweep.
    Fixed(&'a [T]),
}

/// x = y·factor.
#[inline(always)]
fn set_scaled<T: Real>(x: &mut [T], y: &[T], factor: T) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x = y * factor;
    }
}

/// x += y·factor.
#[inline(always)]
fn add_scaled<T: Real>(x: &mut [T], y: &[T], factor: T) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y * factor;
    }
}

impl<T: Real> LayerPaths<T> {
    /// The filters at the window's end want their share of this step's y.
    fn listen(&mut self, layer: &Recurrent<T>, span_layer: &SpanLayer, goes_on: bool, c: usize) {
        let first = span_layer.first_filter(layer);
        for (f, (filter, (share, kept))) in span_layer.filters.iter().zip(&mut self.shares).enumerate() {
            for i in 0..layer.units {
                self.to_output[i * c + first + f * layer.units + i] += *share;
            }
            let factor = if goes_on { T::from_f64(filter.factor) } else { T::zero() };
            *share *= factor;
            *kept *= factor;
        }
    }

    /// One step back through a recurrent layer: A of this step, and the adjoints of the step before. At the window's last step
    /// (`is_last`) of the topmost layer a unit's a only moves the unit itself.
    #[allow(clippy::too_many_arguments, reason = "one column of one layer's tape")]
    fn recurrent_step(
        &mut self,
        layer: &Recurrent<T>,
        parameters: &[T],
        tape: &RecurrentTape<T>,
        goes_on: bool,
        step: usize,
        column: usize,
        c: usize,
        is_last: bool,
    ) {
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let gates = layer.dynamics.gates();
        let at = column * n;
        let partials = &tape.partials;
        let influence = &mut self.influence[(step + 1) * c * g * n..][..c * g * n];
        for i in 0..n {
            let to_y = &self.to_output[i * c..(i + 1) * c];
            for v in 0..s {
                add_scaled(&mut self.to_state[(v * n + i) * c..][..c], to_y, partials.dy_ds[at * s + v * n + i]);
            }
            for (k, gate) in gates.iter().enumerate() {
                let influence = &mut influence[(k * n + i) * c..][..c];
                if gate.drives_output {
                    set_scaled(influence, to_y, partials.dy_da[at * g + k * n + i]);
                } else {
                    influence.fill(T::zero());
                }
                if gate.drives_state {
                    for v in 0..s {
                        let factor = partials.ds_da[at * s * g + (v * g + k) * n + i];
                        add_scaled(influence, &self.to_state[(v * n + i) * c..][..c], factor);
                    }
                }
            }
        }
        self.to_output.fill(T::zero());
        self.to_earlier.fill(T::zero());
        if goes_on {
            for i in 0..n {
                for v in 0..s {
                    let to_s = &self.to_state[(v * n + i) * c..][..c];
                    for w in 0..s {
                        let factor = partials.ds_ds[at * s * s + (v * s + w) * n + i];
                        add_scaled(&mut self.to_earlier[(w * n + i) * c..][..c], to_s, factor);
                    }
                    if layer.dynamics.resets() {
                        add_scaled(&mut self.to_output[i * c..][..c], to_s, partials.ds_dy[at * s + v * n + i]);
                    }
                }
            }
            let rows = layer.y_rows();
            if is_last {
                for (k, own) in self.own.chunks_exact_mut(c).enumerate() {
                    for (variable, own) in own.iter_mut().enumerate() {
                        *own = influence[(k * n + variable % n) * c + variable];
                    }
                }
                let h = parameters[layer.h_range()].chunks_exact(rows.len().max(1));
                for (to_y, h) in self.to_output.chunks_exact_mut(c).zip(h) {
                    for (h, own) in h.chunks_exact(n).zip(self.own[layer.y_gates.start * c..].chunks_exact(c)) {
                        for (to_y, own) in to_y.chunks_exact_mut(n).zip(own.chunks_exact(n)) {
                            for ((to_y, &own), &h) in to_y.iter_mut().zip(own).zip(h) {
                                *to_y += own * h;
                            }
                        }
                    }
                }
            } else if !rows.is_empty() {
                multiply_shared(
                    Into::Add,
                    columns(&influence[rows.start * c..], c, rows.len(), c),
                    plain_operand(&parameters[layer.h_range()], rows.len(), n, rows.len()),
                    columns_mut(&mut self.to_output, c, n, c),
                );
            }
        }
        std::mem::swap(&mut self.to_state, &mut self.to_earlier);
    }

    /// Brings the adjoints of this step's inputs to the layer below.
    #[allow(clippy::too_many_arguments, reason = "two layers and their shapes")]
    fn send_down(
        &mut self,
        layer: &Layer<T>,
        down: Down<'_, T>,
        step: usize,
        c: usize,
        below: &mut Self,
        lower_c: usize,
        below_is_recurrent: bool,
        mask: Option<&[T]>,
    ) {
        let (rows, all) = (layer.x_rows(), layer.activations());
        let m = layer.inputs();
        // The layer below also carries its own variables, in the rows before these.
        let skipped = lower_c - c;
        if rows.is_empty() {
            if !below_is_recurrent {
                below.to_output.fill(T::zero());
            }
            return;
        }
        let influence = columns(&self.influence[(step + 1) * c * all + rows.start * c..], c, rows.len(), c);
        let weights = match down {
            Down::Weights(weights) => plain_operand(weights, rows.len(), m, rows.len()),
            Down::Fixed(feedback) => transposed_operand(feedback, rows.len(), m, m),
        };
        let Some(mask) = mask else {
            let into = if below_is_recurrent { Into::Add } else { Into::Replace };
            return multiply_shared(into, influence, weights, columns_mut(&mut below.to_output[skipped..], c, m, lower_c));
        };
        multiply_shared(Into::Replace, influence, weights, columns_mut(&mut self.masked, c, m, c));
        for ((to, from), &mask) in below.to_output.chunks_exact_mut(lower_c).zip(self.masked.chunks_exact(c)).zip(mask) {
            if below_is_recurrent {
                add_scaled(&mut to[skipped..], from, mask);
            } else {
                set_scaled(&mut to[skipped..], from, mask);
            }
        }
    }

    /// Adjoints of the step before the window: columns of J, and the immediate influence of constants that only drive y.
    fn reach_boundary(
        &mut self,
        layer: &Recurrent<T>,
        tape: &RecurrentTape<T>,
        span_layer: &SpanLayer,
        variables: usize,
        b: usize,
        jacobian: &mut [T],
    ) {
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let (first, c) = (span_layer.first, variables - span_layer.first);
        let folds = !span_layer.carries_output;
        for variable in 0..s * n {
            let column = &mut jacobian[(first + variable) * variables + first..][..c];
            column.copy_from_slice(&self.to_state[variable * c..][..c]);
            if folds {
                let to_y = &self.to_output[variable % n * c..][..c];
                add_scaled(column, to_y, tape.boundary.dy_ds[b * s * n + variable]);
            }
        }
        for (f, &(_, kept)) in self.shares.iter().enumerate() {
            for variable in span_layer.first_filter(layer) + f * n..span_layer.first_filter(layer) + (f + 1) * n {
                let column = &mut jacobian[(first + variable) * variables + first..][..c];
                column.fill(T::zero());
                column[variable] = kept;
            }
        }
        for i in 0..n {
            let to_y = &self.to_output[i * c..][..c];
            if span_layer.carries_output {
                jacobian[(first + s * n + i) * variables + first..][..c].copy_from_slice(to_y);
            }
            for (k, gate) in layer.dynamics.gates().iter().enumerate() {
                let before = &mut self.influence[(k * n + i) * c..][..c];
                if folds && gate.drives_output {
                    set_scaled(before, to_y, tape.boundary.dy_da[(b * g + k) * n + i]);
                } else {
                    before.fill(T::zero());
                }
            }
        }
    }
}
