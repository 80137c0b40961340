//! Backpropagation through time, written for clarity: the oracle.
//!
//! One sequence at a time, kept whole in memory, loops over units and gates as the equations have them. It shares the cells'
//! partial derivatives and the losses with the window engine, and nothing else: no planes, no kernels, no windows, no traces. For
//! training by BPTT use a [`Learner`](crate::Learner) with [`Method::bptt`](crate::Method::bptt), which is fast; this is what it
//! is checked against.

use crate::batch::SequenceBatch;
use crate::dynamics::{PartialsColumnMut, UnitColumn, UnitColumnMut};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::Network;
use crate::real::Real;

/// The summed loss of a batch and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient<T> {
    /// Σ of the loss over all steps and streams that have a target.
    pub loss: T,
    /// ∂loss/∂θ, laid out as [`Network::parameters`].
    pub values: Vec<T>,
}

/// What one layer did at one step.
struct Frame<T> {
    x: Vec<T>,
    previous_y: Vec<T>,
    y: Vec<T>,
    units: Vec<UnitPartials<T>>,
}

/// The five partials of one unit, row by row.
#[derive(Clone)]
struct UnitPartials<T> {
    ds_ds: Vec<T>,
    ds_dy: Vec<T>,
    ds_da: Vec<T>,
    dy_ds: Vec<T>,
    dy_da: Vec<T>,
}

/// State of one layer: s (unit by unit) and y.
#[derive(Clone)]
struct State<T> {
    s: Vec<Vec<T>>,
    y: Vec<T>,
}

/// The readout's outputs for one sequence of a batch, step by step.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn outputs<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<T>> {
    forward(network, batch, stream).into_iter().map(|mut frames| frames.pop().map(|top| top.y).unwrap_or_default()).collect()
}

/// Every layer's outputs for one sequence of a batch: `[step][layer][unit]`.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn layer_outputs<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<Vec<T>>> {
    let frames = forward(network, batch, stream);
    frames.into_iter().map(|step| step.into_iter().map(|frame| frame.y).collect()).collect()
}

/// The summed loss of a batch, by forward passes alone: what finite differences are taken of.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn loss<T: Real>(network: &Network<T>, loss: Loss, batch: &SequenceBatch<T>) -> T {
    let mut signal = vec![T::zero(); network.outputs()];
    let mut total = T::zero();
    for stream in 0..batch.streams() {
        for (step, logits) in outputs(network, batch, stream).iter().enumerate() {
            if let Some(target) = batch.target(stream, step) {
                total += loss.evaluate(logits, target, &mut signal);
            }
        }
    }
    total
}

/// The summed loss of a batch and its gradient by a reverse sweep over each whole sequence.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn gradient<T: Real>(network: &Network<T>, loss: Loss, batch: &SequenceBatch<T>) -> Gradient<T> {
    let mut result = Gradient { loss: T::zero(), values: vec![T::zero(); network.parameters().len()] };
    for stream in 0..batch.streams() {
        let frames = forward(network, batch, stream);
        sweep(network, loss, batch, stream, &frames, &mut result);
    }
    network.clear_absent(&mut result.values);
    result
}

/// For each gate: its place among those that sum inputs, and among those that sum outputs.
fn places<T: Real>(layer: &crate::layer::Recurrent<T>) -> Vec<[Option<usize>; 2]> {
    let (mut x, mut y) = (0, 0);
    let mut places = Vec::new();
    for gate in layer.dynamics.gates() {
        places.push([gate.sums_input.then_some(x), gate.sums_output.then_some(y)]);
        x += usize::from(gate.sums_input);
        y += usize::from(gate.sums_output);
    }
    places
}

#[track_caller]
fn forward<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<Frame<T>>> {
    assert_eq!(
        (batch.inputs(), batch.outputs()),
        (network.inputs(), network.outputs()),
        "inputs and outputs of batch and network"
    );
    let fresh: Vec<State<T>> = network
        .layers
        .iter()
        .map(|layer| State {
            s: vec![vec![T::zero(); layer.recurrent().map_or(0, |l| l.states())]; layer.units()],
            y: vec![T::zero(); layer.units()],
        })
        .collect();
    let mut states = fresh.clone();
    let mut steps = Vec::new();
    for step in 0..batch.lengths()[stream] {
        if batch.is_reset(stream, step) {
            states.clone_from(&fresh);
        }
        let mut x = batch.input(stream, step).to_vec();
        let mut frames = Vec::new();
        for (index, state) in states.iter_mut().enumerate() {
            let frame = match &network.layers[index] {
                Layer::Recurrent(_) => recurrent_step(network, index, x, state),
                Layer::Dense(layer) => {
                    let (w, b) = (network.block(index, "W"), network.block(index, "b"));
                    let mut y: Vec<T> =
                        (0..layer.units).map(|i| b[i] + (0..x.len()).map(|j| w[(i, j)] * x[j]).sum::<T>()).collect();
                    layer.activation.apply(&mut y);
                    Frame { x, previous_y: Vec::new(), y, units: Vec::new() }
                }
            };
            x = frame.y.clone();
            frames.push(frame);
        }
        steps.push(frames);
    }
    steps
}

fn recurrent_step<T: Real>(network: &Network<T>, index: usize, x: Vec<T>, state: &mut State<T>) -> Frame<T> {
    let layer = network.layers[index].recurrent().expect("called for recurrent layers only");
    let (states, gates, n) = (layer.states(), layer.gates(), layer.units);
    let places = places(layer);
    let previous_y = state.y.clone();
    let mut units = Vec::new();
    for i in 0..n {
        let a: Vec<T> = (0..gates)
            .map(|g| {
                let mut sum = layer.constants[g].map_or(T::zero(), |offset| network.parameters()[offset + i]);
                if let Some(place) = places[g][0] {
                    let w = network.block(index, "W");
                    sum += (0..x.len()).map(|j| w[(place * n + i, j)] * x[j]).sum::<T>();
                }
                if let Some(place) = places[g][1] {
                    let h = network.block(index, "H");
                    sum += (0..n).map(|j| h[(place * n + i, j)] * previous_y[j]).sum::<T>();
                }
                sum
            })
            .collect();
        let zeros = |count: usize| vec![T::zero(); count];
        let mut partials = UnitPartials {
            ds_ds: zeros(states * states),
            ds_dy: zeros(states),
            ds_da: zeros(states * gates),
            dy_ds: zeros(states),
            dy_da: zeros(gates),
        };
        let previous_s = state.s[i].clone();
        layer.dynamics.linearise_unit(
            UnitColumn { state: &previous_s, output: &previous_y[i..=i], activation: &a },
            UnitColumnMut { state: &mut state.s[i], output: &mut state.y[i..=i] },
            PartialsColumnMut {
                ds_ds: &mut partials.ds_ds,
                ds_dy: &mut partials.ds_dy,
                ds_da: &mut partials.ds_da,
                dy_ds: &mut partials.dy_ds,
                dy_da: &mut partials.dy_da,
            },
        );
        units.push(partials);
    }
    Frame { x, previous_y, y: state.y.clone(), units }
}

fn sweep<T: Real>(
    network: &Network<T>,
    loss: Loss,
    batch: &SequenceBatch<T>,
    stream: usize,
    steps: &[Vec<Frame<T>>],
    result: &mut Gradient<T>,
) {
    // What the later steps want of each layer's s and y.
    let mut later_s: Vec<Vec<Vec<T>>> = network
        .layers
        .iter()
        .map(|layer| vec![vec![T::zero(); layer.recurrent().map_or(0, |l| l.states())]; layer.units()])
        .collect();
    let mut later_y: Vec<Vec<T>> = network.layers.iter().map(|layer| vec![T::zero(); layer.units()]).collect();
    for (step, frames) in steps.iter().enumerate().rev() {
        let mut from_above = vec![T::zero(); network.outputs()];
        if let (Some(target), Some(top)) = (batch.target(stream, step), frames.last()) {
            result.loss += loss.evaluate(&top.y, target, &mut from_above);
        }
        for (index, frame) in frames.iter().enumerate().rev() {
            let mut to_x = vec![T::zero(); frame.x.len()];
            match &network.layers[index] {
                Layer::Dense(layer) => {
                    let w = network.block(index, "W");
                    for i in 0..layer.units {
                        let delta = from_above[i] * layer.activation.derivative(frame.y[i]);
                        result.values[layer.b + i] += delta;
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
                        let to_y = from_above[i] + later_y[index][i];
                        let to_s: Vec<T> = (0..states).map(|v| later_s[index][i][v] + to_y * p.dy_ds[v]).collect();
                        for (g, place) in places.iter().enumerate() {
                            let delta = to_y * p.dy_da[g] + (0..states).map(|v| to_s[v] * p.ds_da[v * gates + g]).sum::<T>();
                            if let Some(offset) = layer.constants[g] {
                                result.values[offset + i] += delta;
                            }
                            if let Some(place) = place[0] {
                                let w = network.block(index, "W");
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
            from_above = to_x;
        }
        if batch.is_reset(stream, step) {
            later_s.iter_mut().flatten().flatten().for_each(|v| *v = T::zero());
            later_y.iter_mut().flatten().for_each(|v| *v = T::zero());
        }
    }
}
