//! Backpropagation through time, written for clarity: the oracle.
//!
//! One sequence at a time, kept whole in memory, loops over units and gates as the equations have them. It shares the cells'
//! partial derivatives and the losses with the window engine, and nothing else: no planes, no kernels, no windows, no traces. For
//! training by BPTT use a [`Learner`](crate::Learner) with [`Method::bptt`](crate::Method::bptt), which is fast; this is what it
//! is checked against.
//!
//! Dropout is on, with the masks of a learner's first steps. Connections that a sparse H does not have count as nothing, whatever is written
//! there, and have no gradient; a tied readout reads the embedding's weights, and both copies have the sum of both gradients: as for a learner.

mod error;
mod forward;

use std::ops::Range;

use crate::data::batch::SequenceBatch;
use crate::data::heads::Heads;
use crate::data::objective::Objective;
use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Feedback, Method};
use crate::network::Network;
use crate::network::layer::Layer;
use error::Error;
use forward::{Frame, forward, places};

/// The summed loss of a batch and its gradient.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gradient<T> {
    /// Σ of the loss over all steps and streams that have a target.
    pub loss: T,
    /// ∂loss/∂θ, laid out as [`Network::parameters`].
    pub values: Vec<T>,
}

/// The readout's outputs for one sequence of a batch, step by step.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
#[inline(never)]
pub fn outputs<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<T>> {
    let network = &*network.pruned();
    forward(network, batch, stream).into_iter().map(|mut frames| frames.pop().map(|top| top.y).unwrap_or_default()).collect()
}

/// Every layer's outputs for one sequence of a batch: `[step][layer][unit]`.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
#[inline(never)]
pub fn layer_outputs<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<Vec<T>>> {
    let frames = forward(&network.pruned(), batch, stream);
    frames.into_iter().map(|step| step.into_iter().map(|frame| frame.y).collect()).collect()
}

/// The summed loss of a batch, by forward passes alone: what finite differences are taken of.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn loss<T: Real>(network: &Network<T>, objective: impl Into<Objective>, batch: &SequenceBatch<T>) -> T {
    summed_loss(network, &objective.into(), batch)
}

/// The same of several heads: Σ over heads of the head's weight times its summed loss.
///
/// # Panics
/// If the batch does not have the network's shape, or other heads.
#[track_caller]
#[inline(never)]
pub fn loss_of_heads<T: Real>(network: &Network<T>, heads: &Heads<T>, batch: &SequenceBatch<T>) -> T {
    summed_error(network, &Error::Heads(heads), batch)
}

#[track_caller]
#[inline(never)]
pub(crate) fn summed_loss<T: Real>(network: &Network<T>, objective: &Objective, batch: &SequenceBatch<T>) -> T {
    summed_error(network, &Error::Whole(objective), batch)
}

#[track_caller]
fn summed_error<T: Real>(network: &Network<T>, error: &Error<'_, T>, batch: &SequenceBatch<T>) -> T {
    let network = &*network.pruned();
    let [mut signal, mut target] = [(); 2].map(|()| vec![T::zero(); network.outputs()]);
    let mut total = T::zero();
    for stream in 0..batch.streams() {
        for (step, frames) in forward(network, batch, stream).iter().enumerate() {
            if let Some(top) = frames.last() {
                total += error.of_step(batch, [stream, step], &top.y, &mut signal, &mut target);
            }
            total += activity(network, frames);
        }
    }
    total
}

/// What the layers' activity adds to the error of a step.
fn activity<T: Real>(network: &Network<T>, frames: &[Frame<T>]) -> T {
    let mut error = T::zero();
    for (layer, frame) in network.layers.iter().zip(frames) {
        let Some(layer) = layer.recurrent() else { continue };
        if let Some(term) = layer.activity.rate {
            error += frame.rates.iter().map(|&rate| term.error(rate)).sum::<T>();
        }
        if let Some(term) = layer.activity.voltage {
            error += frame.potentials.iter().map(|&v| term.error(v)).sum::<T>();
        }
    }
    error
}

/// The summed loss of a batch and its gradient by a reverse sweep over each whole sequence.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn gradient<T: Real>(network: &Network<T>, objective: impl Into<Objective>, batch: &SequenceBatch<T>) -> Gradient<T> {
    gradient_with_feedback(network, objective, batch, &Method::bptt())
}

/// The same with the learning signals of a method's [`Feedback`]: the sweep of BPTT, in which fixed matrices bring each layer
/// its learning signal from the layers above. Of the method only feedback and seed count.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn gradient_with_feedback<T: Real>(
    network: &Network<T>,
    objective: impl Into<Objective>,
    batch: &SequenceBatch<T>,
    method: &Method,
) -> Gradient<T> {
    whole_gradient(network, &objective.into(), batch, method)
}

#[track_caller]
#[inline(never)]
pub(crate) fn whole_gradient<T: Real>(
    network: &Network<T>,
    objective: &Objective,
    batch: &SequenceBatch<T>,
    method: &Method,
) -> Gradient<T> {
    swept(network, &Error::Whole(objective), batch, method, &whole_sequence)
}

/// The summed loss of several heads over a batch, each head's times its weight, and its gradient by a reverse sweep over each whole sequence, with
/// the learning signals of a method's [`Feedback`]. Of the method only feedback and seed count.
///
/// # Panics
/// If the batch does not have the network's shape, or other heads.
#[track_caller]
#[inline(never)]
pub fn gradient_of_heads<T: Real>(
    network: &Network<T>,
    heads: &Heads<T>,
    batch: &SequenceBatch<T>,
    method: &Method,
) -> Gradient<T> {
    swept(network, &Error::Heads(heads), batch, method, &whole_sequence)
}

fn whole_sequence<T: Real>(sequence: &Sequence<'_, T>, result: &mut Gradient<T>) {
    sequence.sweep(0..sequence.steps.len(), &|_| true, result);
}

/// The summed loss of a batch and its gradient by truncated BPTT that looks back from every step: the loss of each step, swept back over that
/// step and those before it, `steps` in all (Williams & Peng 1990, BPTT(h)), with the learning signals of a method's [`Feedback`]. Of the
/// method only feedback and seed count.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn rolling_gradient<T: Real>(
    network: &Network<T>,
    objective: impl Into<Objective>,
    batch: &SequenceBatch<T>,
    steps: usize,
    method: &Method,
) -> Gradient<T> {
    swept(network, &Error::Whole(&objective.into()), batch, method, &|sequence, result| {
        for newest in 0..sequence.steps.len() {
            sequence.sweep((newest + 1).saturating_sub(steps)..newest + 1, &|step| step == newest, result);
        }
    })
}

/// The summed loss of a batch and its gradient by truncated BPTT in chunks of `steps`: each chunk swept back over alone (Williams & Peng
/// 1990, BPTT(h; h)).
///
/// # Panics
/// If the batch does not have the network's shape, or a chunk has no steps.
#[track_caller]
pub fn chunked_gradient<T: Real>(
    network: &Network<T>,
    objective: impl Into<Objective>,
    batch: &SequenceBatch<T>,
    steps: usize,
) -> Gradient<T> {
    swept(network, &Error::Whole(&objective.into()), batch, &Method::bptt(), &|sequence, result| {
        for start in (0..sequence.steps.len()).step_by(steps) {
            sequence.sweep(start..sequence.steps.len().min(start + steps), &|_| true, result);
        }
    })
}

/// Σ of what `sweep` finds of each sequence. Whatever it is, connections that do not exist have no gradient, and a weight in two places has
/// the sum of both in each.
#[track_caller]
#[inline(never)]
fn swept<T: Real>(
    network: &Network<T>,
    error: &Error<'_, T>,
    batch: &SequenceBatch<T>,
    method: &Method,
    sweep: &dyn Fn(&Sequence<'_, T>, &mut Gradient<T>),
) -> Gradient<T> {
    let network = &*network.pruned();
    let feedback = (method.feedback, FeedbackWeights::new(network, method));
    let mut result = Gradient { loss: T::zero(), values: vec![T::zero(); network.parameters().len()] };
    for stream in 0..batch.streams() {
        let steps = forward(network, batch, stream);
        sweep(&Sequence { network, error, batch, stream, steps, feedback: &feedback }, &mut result);
    }
    network.apply_mask(&mut result.values);
    network.tie(&mut result.values);
    result
}

/// What a network did with one sequence of a batch.
struct Sequence<'a, T: Real> {
    network: &'a Network<T>,
    error: &'a Error<'a, T>,
    batch: &'a SequenceBatch<T>,
    stream: usize,
    steps: Vec<Vec<Frame<T>>>,
    feedback: &'a (Feedback, FeedbackWeights<T>),
}

/// The feedback signal of a layer, in place of the adjoint that comes down from the layer above. `deltas` are δ of the layer above, gate by gate
/// of those that sum inputs, and of the readout.
fn feedback_signal<T: Real>(
    (feedback, weights): &(Feedback, FeedbackWeights<T>),
    above: usize,
    deltas: [&[T]; 2],
    target: &[T],
    adjoint: Vec<T>,
) -> Vec<T> {
    let b = weights.below(above);
    let project =
        |signal: &[T]| -> Vec<T> { (0..b.nrows()).map(|i| (0..b.ncols()).map(|j| b[(i, j)] * signal[j]).sum()).collect() };
    match feedback {
        Feedback::Symmetric => adjoint,
        Feedback::Random => project(deltas[0]),
        Feedback::Direct => project(deltas[1]),
        Feedback::TargetProjection => project(target).into_iter().map(|v| -v).collect(),
    }
}

impl<T: Real> Sequence<'_, T> {
    /// Sweeps back over some steps from the errors of those that count.
    #[inline(never)]
    fn sweep(&self, seen: Range<usize>, counts: &dyn Fn(usize) -> bool, result: &mut Gradient<T>) {
        let Self { network, error, batch, stream, feedback, .. } = *self;
        // Adjoints of each layer's s and y from later steps.
        let mut later_s: Vec<Vec<Vec<T>>> = network
            .layers
            .iter()
            .map(|layer| vec![vec![T::zero(); layer.recurrent().map_or(0, |l| l.states())]; layer.units()])
            .collect();
        let mut later_y: Vec<Vec<T>> = network.layers.iter().map(|layer| vec![T::zero(); layer.units()]).collect();
        let mut later_rate = later_y.clone();
        for (step, frames) in seen.clone().zip(&self.steps[seen]).rev() {
            let counts = counts(step);
            if counts {
                result.loss += activity(network, frames);
            }
            let mut from_above = vec![T::zero(); network.outputs()];
            let mut target = from_above.clone();
            if let Some(top) = frames.last().filter(|_| counts) {
                result.loss += error.of_step(batch, [stream, step], &top.y, &mut from_above, &mut target);
            }
            let mut readout_delta = Vec::new();
            for (index, frame) in frames.iter().enumerate().rev() {
                let mut deltas = vec![T::zero(); network.layers[index].x_rows().len()];
                let mut to_x = vec![T::zero(); frame.x.len()];
                match &network.layers[index] {
                    Layer::Dense(layer) => {
                        let w = network.block(index, "W");
                        for i in 0..layer.units {
                            let delta = from_above[i] * layer.activation.derivative(frame.y[i]);
                            if let Some(b) = layer.b {
                                result.values[b + i] += delta;
                            }
                            deltas[i] = delta;
                            for j in 0..frame.x.len() {
                                result.values[layer.w + i + j * layer.units] += delta * frame.x[j];
                                to_x[j] += delta * w[(i, j)];
                            }
                        }
                    }
                    Layer::Recurrent(layer) => {
                        let (states, gates, n) = (layer.states(), layer.gates(), layer.units);
                        let places = places(layer);
                        let (x_rows, y_rows) = (layer.x_gates.len() * n, layer.y_gates.len() * n);
                        let mut to_previous_y = vec![T::zero(); n];
                        for i in 0..n {
                            let p = &frame.units[i];
                            let mut to_y = from_above[i] + later_y[index][i];
                            if let Some(term) = layer.activity.rate {
                                let own = term.slope(frame.rates[i]).if_or(counts, T::zero());
                                let to_rate = own + later_rate[index][i];
                                to_y += T::from_f64(1.0 - term.decay) * to_rate;
                                later_rate[index][i] = T::from_f64(term.decay) * to_rate;
                            }
                            let mut to_s: Vec<T> = (0..states).map(|v| later_s[index][i][v] + to_y * p.dy_ds[v]).collect();
                            if let Some(term) = layer.activity.voltage.filter(|_| counts) {
                                to_s[layer.dynamics.potential()] += term.slope(frame.potentials[i]);
                            }
                            for (g, place) in places.iter().enumerate() {
                                let delta =
                                    to_y * p.dy_da[g] + (0..states).map(|v| to_s[v] * p.ds_da[v * gates + g]).sum::<T>();
                                if let Some(offset) = layer.constants[g] {
                                    result.values[offset + i] += delta;
                                }
                                if let Some(place) = place[0] {
                                    let w = network.block(index, "W");
                                    deltas[place * n + i] = delta;
                                    for j in 0..frame.x.len() {
                                        result.values[layer.w + place * n + i + j * x_rows] += delta * frame.x[j];
                                        to_x[j] += delta * w[(place * n + i, j)];
                                    }
                                }
                                if let Some(place) = place[1] {
                                    let h = network.block(index, "H");
                                    for j in 0..n {
                                        result.values[layer.h + place * n + i + j * y_rows] += delta * frame.previous_y[j];
                                        to_previous_y[j] += delta * h[(place * n + i, j)];
                                    }
                                }
                            }
                            to_previous_y[i] += (0..states).map(|v| to_s[v] * p.ds_dy[v]).sum::<T>();
                            for (w, later) in later_s[index][i].iter_mut().enumerate() {
                                *later = (0..states).map(|v| to_s[v] * p.ds_ds[v * states + w]).sum();
                            }
                        }
                        later_y[index] = to_previous_y;
                    }
                }
                if index + 1 == frames.len() {
                    readout_delta.clone_from(&deltas);
                }
                if index > 0 {
                    from_above = feedback_signal(feedback, index, [&deltas, &readout_delta], &target, to_x);
                    if let Some(mask) = &frame.mask {
                        from_above.iter_mut().zip(mask).for_each(|(adjoint, &mask)| *adjoint *= mask);
                    }
                }
            }
            if batch.is_reset(stream, step) {
                later_s.iter_mut().flatten().flatten().for_each(|v| *v = T::zero());
                later_y.iter_mut().flatten().for_each(|v| *v = T::zero());
                later_rate.iter_mut().flatten().for_each(|v| *v = T::zero());
            }
        }
    }
}
