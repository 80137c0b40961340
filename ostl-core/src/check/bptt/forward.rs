//! The oracle's forward pass: one sequence, unit by unit, with everything kept that the sweep needs.

use crate::cell::dynamics::{PartialsColumnsMut, UnitColumns, UnitColumnsMut};
use crate::data::batch::SequenceBatch;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};

/// What one layer did at one step.
pub(super) struct Frame<T> {
    /// What the layer read, after dropout, and the mask.
    pub(super) x: Vec<T>,
    pub(super) mask: Option<Vec<T>>,
    pub(super) previous_y: Vec<T>,
    pub(super) y: Vec<T>,
    pub(super) units: Vec<UnitPartials<T>>,
    /// Firing rates and first state variables, where the layer's activity counts.
    pub(super) rates: Vec<T>,
    pub(super) potentials: Vec<T>,
}

/// The five partials of one unit, row by row.
#[derive(Clone)]
pub(super) struct UnitPartials<T> {
    pub(super) ds_ds: Vec<T>,
    pub(super) ds_dy: Vec<T>,
    pub(super) ds_da: Vec<T>,
    pub(super) dy_ds: Vec<T>,
    pub(super) dy_da: Vec<T>,
}

/// State of one layer: s (unit by unit) and y.
#[derive(Clone)]
struct State<T> {
    s: Vec<Vec<T>>,
    y: Vec<T>,
    /// The firing rate of each unit; `None` at a start.
    rate: Option<Vec<T>>,
}

/// For each gate: its place among those that sum inputs, and among those that sum outputs.
pub(super) fn places<T: Real>(layer: &Recurrent<T>) -> Vec<[Option<usize>; 2]> {
    let (mut x, mut y) = (0, 0);
    let mut places = Vec::new();
    for gate in layer.dynamics.gates() {
        places.push([gate.sums_input.then_some(x), gate.sums_output.then_some(y)]);
        x += usize::from(gate.sums_input);
        y += usize::from(gate.sums_output);
    }
    places
}

/// What a network does with one sequence of a batch, step by step and layer by layer.
#[track_caller]
#[inline(never)]
pub(super) fn forward<T: Real>(network: &Network<T>, batch: &SequenceBatch<T>, stream: usize) -> Vec<Vec<Frame<T>>> {
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
            rate: None,
        })
        .collect();
    let mut states = fresh.clone();
    let mut steps = Vec::new();
    for step in 0..batch.lengths()[stream] {
        if batch.is_reset(stream, step) {
            states.clone_from(&fresh);
        }
        let mut x = batch.input_values(stream, step);
        let mut frames = Vec::new();
        for (index, state) in states.iter_mut().enumerate() {
            let mask = network.layers[index].dropout().map(|dropout| {
                let mut mask = vec![T::zero(); x.len()];
                dropout.draw(step as u64, stream, &mut mask);
                x.iter_mut().zip(&mask).for_each(|(x, &mask)| *x *= mask);
                mask
            });
            let mut frame = match &network.layers[index] {
                Layer::Recurrent(_) => recurrent_step(network, index, x, state),
                Layer::Dense(layer) => {
                    let w = network.block(index, "W");
                    let b = |i: usize| layer.b.map_or(T::zero(), |offset| network.parameters()[offset + i]);
                    let mut y: Vec<T> =
                        (0..layer.units).map(|i| b(i) + (0..x.len()).map(|j| w[(i, j)] * x[j]).sum::<T>()).collect();
                    layer.activation.apply(&mut y);
                    let (units, rates, potentials) = (Vec::new(), Vec::new(), Vec::new());
                    Frame { x, mask: None, previous_y: Vec::new(), y, units, rates, potentials }
                }
            };
            frame.mask = mask;
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
            UnitColumns { state: &previous_s, output: &previous_y[i..=i], activation: &a },
            UnitColumnsMut { state: &mut state.s[i], output: &mut state.y[i..=i] },
            PartialsColumnsMut {
                ds_ds: &mut partials.ds_ds,
                ds_dy: &mut partials.ds_dy,
                ds_da: &mut partials.ds_da,
                dy_ds: &mut partials.dy_ds,
                dy_da: &mut partials.dy_da,
            },
        );
        units.push(partials);
    }
    let mut rates = Vec::new();
    if let Some(term) = layer.activity.rate {
        let beta = T::from_f64(term.decay);
        let before = state.rate.take().unwrap_or(vec![T::from_f64(term.target); n]);
        rates = (0..n).map(|i| beta * before[i] + (T::one() - beta) * state.y[i]).collect();
        state.rate = Some(rates.clone());
    }
    Frame {
        x,
        mask: None,
        previous_y,
        y: state.y.clone(),
        units,
        rates,
        potentials: state.s.iter().map(|s| s[layer.dynamics.potential()]).collect(),
    }
}
