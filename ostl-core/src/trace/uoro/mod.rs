//! Unbiased online recurrent optimisation, UORO (Tallec & Ollivier 2017, arXiv 1702.05043): the influence of every parameter on
//! every state as one random product of two vectors.
//!
//! The carried variables v are s of every recurrent layer and, where it is read at the next step, y, each a variable of its
//! own. ε ≈ v̂ ⊗ θ̂, for each stream. Over a window, with random signs ν,
//!
//! ```text
//! ṽ = J v̂                    a forward pass of tangents through the window         (push.rs)
//! g = νᵀ Σ_t A_t ⊗ z_t        a reverse sweep from ν at the window's end            (pull.rs)
//! v̂ ← ρ₀ ṽ + ρ₁ ν,   θ̂ ← θ̂/ρ₀ + g/ρ₁,   ρ₀ = √(‖θ̂‖/‖ṽ‖),   ρ₁ = √(‖g‖/‖ν‖)          (their eq. 9–11)
//! ```
//!
//! E[ν νᵀ] = 1, and ν is independent of what came before, so the mean of v̂ ⊗ θ̂ is the influence itself, for any window. What it adds
//! to the gradient is (σ·v̂) θ̂.
//!
//! For one stream and P parameters: P values and two for each variable. A step takes P multiply–adds forward, P back, P for g, and a
//! window 3·P more to read out, measure and rescale θ̂: about 6·P at K = 1, 3·P in long windows; the norm of g takes K/2
//! times a matrix's rows and columns besides, which counts once K nears its sides.
//! Measured with n = 128 tanh units and 64 inputs, one stream: 25 µs a step at K = 1, 8 µs at K = 16, 101 KB.

mod pull;
mod push;
mod rest;

use std::ops::Range;

use rest::{Own, ReadOwn, RestRoom};

use super::influence::{Block, StreamTape, blocks_of};
use super::signs::{Signs, balance, norm};
use crate::linalg::dot::dot;
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::network::Network;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::sweep::{LayerAdjoints, StreamWalk, Transposed};
use crate::tape::events::Signal;
use crate::trace::Lane;
use crate::trace::Window;
use rayon::prelude::*;

/// Parameters that a thread reads out at a time.
const CHUNK: usize = 16 * 1024;

/// The random products of all streams, one stream's after the other's.
#[derive(Clone, Debug)]
pub(crate) struct Uoro<T: Real> {
    seed: u64,
    /// Everything up to the topmost recurrent layer.
    layers: Vec<UoroLayer>,
    streams: Vec<Product<T>>,
    /// Products of each stream, whose mean is taken.
    vectors: usize,
    /// Variables on which nothing is left to be estimated beside what units keep for themselves.
    settled: Range<usize>,
    /// σ·v̂ of each product.
    shares: Vec<T>,
    /// 1 for every step: what the constants are multiplied with.
    ones: Vec<T>,
}

/// A layer's place among the variables.
#[derive(Clone, Debug)]
struct UoroLayer {
    index: usize,
    state: Range<usize>,
    /// Empty where no unit reads y at the next step.
    output: Range<usize>,
    blocks: Vec<PlacedBlock>,
}

/// A block of parameters that are not frozen.
#[derive(Clone, Debug)]
struct PlacedBlock {
    block: Block,
    /// Its place in θ̂.
    place: Range<usize>,
}

/// ε of one stream, and room to move it on.
#[derive(Clone, Debug)]
struct Product<T: Real> {
    /// v̂.
    variables: Vec<T>,
    /// θ̂: of the parameters up to the topmost recurrent layer's those that are not frozen.
    parameters: Vec<T>,
    /// ν.
    signs: Vec<T>,
    layers: Vec<Room<T>>,
    /// The adjoints of the random signs in each layer, at the step at hand.
    adjoints: Vec<LayerAdjoints<T>>,
    /// Where only the rest is estimated beside what units keep.
    rest: Option<RestRoom<T>>,
}

/// One layer's room.
#[derive(Clone, Debug)]
struct Room<T: Real> {
    /// Tangent of a, then of s, at the step at hand.
    activation: Vec<T>,
    state: Vec<T>,
    /// Tangent of y at the step at hand.
    output: Vec<T>,
    /// δ of every step.
    delta: Vec<T>,
}

/// Whether units keep all of their parameters' influence for themselves: those of the topmost recurrent layer, without H.
pub(crate) fn keeps_all<T: Real>(network: &Network<T>, index: usize) -> bool {
    index + 1 == network.first_of_top() && network.layers[index].recurrent().is_some_and(|layer| layer.y_gates.is_empty())
}

impl<T: Real> Uoro<T> {
    /// For so many streams, and vectors for each; `rest` says that what units keep for themselves is not estimated.
    pub(crate) fn new(network: &Network<T>, seed: u64, [streams, vectors]: [usize; 2], capacity: usize, rest: bool) -> Self {
        let (mut layers, mut variables, mut parameters) = (Vec::new(), 0, 0);
        for (index, layer) in network.layers.iter().enumerate().take(network.first_of_top()) {
            let (states, heard) = layer.recurrent().map_or((0, false), |layer| {
                (layer.states() * layer.units, !layer.y_gates.is_empty() || layer.dynamics.resets())
            });
            let state = variables..variables + states;
            let output = state.end..state.end + if heard { layer.units() } else { 0 };
            variables = output.end;
            let mut blocks = if rest && keeps_all(network, index) { Vec::new() } else { blocks_of(layer) };
            blocks.sort_by_key(|block| block.gradient.start);
            let place = |block: Block| {
                let place = parameters..parameters + block.gradient.len();
                parameters = place.end;
                PlacedBlock { block, place }
            };
            layers.push(UoroLayer { index, state, output, blocks: blocks.into_iter().map(place).collect() });
        }
        let zeros = |count: usize| vec![T::zero(); count];
        let room = |place: &UoroLayer| {
            let layer = &network.layers[place.index];
            let (n, rows, states) = (layer.units(), layer.activations(), place.state.len());
            Room { activation: zeros(rows), state: zeros(states), output: zeros(n), delta: zeros(rows * capacity) }
        };
        let product = Product {
            variables: zeros(variables),
            parameters: zeros(parameters),
            signs: zeros(variables),
            layers: layers.iter().map(room).collect(),
            adjoints: layers.iter().map(|place| LayerAdjoints::new(&network.layers[place.index], 1)).collect(),
            rest: rest.then(|| RestRoom::new(network, &layers)),
        };
        // The lowest layer without H is moved by nothing but its units' own parameters.
        let is_settled =
            |at: &&UoroLayer| network.layers[at.index].recurrent().is_some_and(|layer| layer.y_gates.is_empty());
        let settled = layers.first().filter(is_settled).filter(|_| rest).map_or(0..0, |at| at.state.start..at.output.end);
        let count = streams * vectors;
        let ones = vec![T::one(); capacity.max(1)];
        Self { seed, layers, streams: vec![product; count], vectors, settled, shares: zeros(count), ones }
    }

    pub(crate) fn bytes(&self) -> usize {
        let values = |product: &Product<T>| product.parameters.len() + product.variables.len() + product.signs.len();
        self.streams.iter().map(values).sum::<usize>() * size_of::<T>()
    }

    /// v̂ and θ̂ of every stream, by name.
    pub(crate) fn pass(&mut self, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let all = self.streams.len() / self.vectors;
        for (place, product) in self.streams.iter_mut().enumerate() {
            let lane = Streams { first: place / self.vectors, count: 1, all };
            let name = |what: &str| match place % self.vectors {
                0 => format!("traces.{what}"),
                vector => format!("traces.{what}.{vector}"),
            };
            book.streams(&name("variables"), lane, &[product.variables.len()], &mut product.variables)?;
            book.streams(&name("parameters"), lane, &[product.parameters.len()], &mut product.parameters)?;
        }
        Ok(())
    }

    /// `transposed` is what brought the window's signals down; `read` reads what units keep for themselves.
    pub(crate) fn close(
        &mut self,
        window: &Window<'_, T>,
        transposed: &Transposed<T>,
        gradient: &mut [T],
        read: ReadOwn<'_, T>,
    ) {
        let Window { network, lanes, paths, continues, fresh, moment, .. } = *window;
        let Self { seed, layers, streams, vectors, settled, shares, ones } = self;
        let vectors = *vectors;
        let of_all = T::one() / T::from_f64(vectors as f64);
        let width = lanes[0].tape.streams();
        let lane_of = |stream: usize| {
            let (lane, b) = (&lanes[stream / width], stream % width);
            (b < lane.tape.active).then_some((lane, b))
        };
        for (place, (share, product)) in shares.iter_mut().zip(&*streams).enumerate() {
            let stream = place / vectors;
            *share = match lane_of(stream) {
                Some((lane, b)) if !fresh[stream] => of_all * product.share(layers, lane, b),
                _ => T::zero(),
            };
        }
        let parameters = streams.first().map_or(0, |product| product.parameters.len());
        for PlacedBlock { block, place } in layers.iter().flat_map(|layer| &layer.blocks) {
            let read_out = |(chunk, sums): (usize, &mut [T])| {
                for (product, &share) in streams.iter().zip(&*shares).filter(|(_, share)| **share != T::zero()) {
                    for (sum, &theta) in sums.iter_mut().zip(&product.parameters[place.start + chunk * CHUNK..]) {
                        *sum += share * theta;
                    }
                }
            };
            let gradient = &mut gradient[block.gradient.clone()];
            if is_worth_sharing(place.len() * streams.len()) {
                gradient.par_chunks_mut(CHUNK).enumerate().for_each(read_out);
            } else {
                gradient.chunks_mut(CHUNK).enumerate().for_each(read_out);
            }
        }
        let advance = |(place, product): (usize, &mut Product<T>)| {
            let stream = place / vectors;
            if let Some((lane, b)) = lane_of(stream).filter(|_| continues[stream]) {
                let mut signs = Signs::new(*seed, place % vectors, moment.of(stream));
                product.signs.fill_with(|| signs.next());
                product.signs[settled.clone()].fill(T::zero());
                let walk = StreamWalk { network, transposed, tape: &lane.tape, stream: b, first_layer: 0 };
                let own = Own { paths: &paths[stream / width], read, stream };
                product.advance(layers, &walk, own, ones, fresh[stream]);
            }
        };
        let columns: usize = lanes.iter().map(|lane| lane.tape.columns()).sum();
        if is_worth_sharing(parameters * 3 * (columns + streams.len())) {
            streams.par_iter_mut().enumerate().for_each(advance);
        } else {
            streams.iter_mut().enumerate().for_each(advance);
        }
    }
}

impl<T: Real> Product<T> {
    /// σ·v̂, with σ the adjoint of the state that the window started from.
    fn share(&self, layers: &[UoroLayer], lane: &Lane<T>, b: usize) -> T {
        let mut sum = T::zero();
        for place in layers {
            let (sweep, states, n) = (&lane.sweep.layers[place.index], place.state.len(), place.output.len());
            sum += dot(&sweep.to_state[b * states..(b + 1) * states], &self.variables[place.state.clone()]);
            sum += dot(&sweep.to_output[b * n..(b + 1) * n], &self.variables[place.output.clone()]);
        }
        sum
    }

    /// Connections that do not exist have no influence.
    fn apply_mask(&mut self, layers: &[UoroLayer], network: &Network<T>) {
        for layer in layers {
            let Some(recurrent) = network.layers[layer.index].recurrent() else { continue };
            let h = layer.blocks.iter().find(|placed| placed.block.signal == Signal::Output);
            if let (Some(h), Some(connections)) = (h, &recurrent.connections) {
                connections.apply_mask(recurrent.y_gates.len(), &mut self.parameters[h.place.clone()]);
            }
        }
    }

    /// The next v̂ and θ̂.
    fn advance(&mut self, layers: &[UoroLayer], walk: &StreamWalk<'_, T>, own: Own<'_, T>, ones: &[T], fresh: bool) {
        let StreamWalk { network, tape, stream: b, .. } = *walk;
        let stream = StreamTape { tape, b, ones };
        let kept = if fresh {
            None
        } else {
            self.push(layers, network, tape, b);
            balance(norm(&self.parameters), norm(&self.variables))
        };
        self.pull(layers, walk);
        let found = if self.rest.is_some() {
            self.pull_rest(layers, walk, own, ones, fresh);
            self.rest_norm(layers)
        } else {
            self.pulled_norm(layers, stream)
        };
        let added = balance(found, norm(&self.signs));
        let Self { variables, parameters, signs, .. } = self;
        match kept {
            Some(scale) => {
                variables.iter_mut().for_each(|v| *v *= scale);
                let rest = T::one() / scale;
                parameters.iter_mut().for_each(|theta| *theta *= rest);
            }
            None => {
                variables.fill(T::zero());
                parameters.fill(T::zero());
            }
        }
        if let Some(scale) = added {
            for (v, &sign) in variables.iter_mut().zip(&*signs) {
                *v += scale * sign;
            }
            if self.rest.is_some() {
                self.add_rest(layers, T::one() / scale);
            } else {
                self.add_pulled(layers, stream, T::one() / scale);
            }
            self.apply_mask(layers, network);
        }
    }
}
