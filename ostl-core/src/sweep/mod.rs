//! The reverse sweep over a window, or over the windows of a block: δ_t = ∂E/∂a_t for their steps, each from its own window's error, and the adjoint
//! of the state that each window started from.

mod cuts;
pub(crate) mod immediate;
mod size;
mod transposed;
mod turned;
mod walk;

use std::ops::Range;

use crate::cell::filter::{Filter, Source};
use crate::linalg::product::Assignment;
use crate::linalg::real::Real;
use crate::method::{Feedback, Method};
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::tape::{LayerOnTapeMut, LayerTape, RecurrentTape, Tape};
pub(crate) use cuts::Cuts;
use immediate::folded_signal_at;
pub(crate) use transposed::{ThroughH, Transposed, transpose_into};
use turned::{Right, Turned};
pub(crate) use walk::{LayerAdjoints, StreamWalk};
use walk::{StepAdjoints, TapeColumns, Walk, send_down};

/// Adjoints of one layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSweep<T: Real> {
    /// ∂E/∂s before the first step of each window, at fixed y: `S·n × active`, window after window.
    pub(crate) to_state: Vec<T>,
    /// ∂E/∂y before the first step of each window: `n × active`.
    pub(crate) to_output: Vec<T>,
    /// ∂E/∂y of the layer as the layers above send it: `n × columns`; for a stateless layer, δ after the sweep.
    pub(crate) signal: Vec<T>,
    /// Filters of y beyond the step, each with its adjoint at each window's start: `n × active`.
    pub(crate) filters: Vec<(Filter, Vec<T>)>,
    /// ∂E/∂y of the layer that comes from outside: `n × columns`, empty until there is some.
    from_outside: Vec<T>,
    /// ∂E/∂r of the firing rates at a window's start: `n × active`, empty without a rate term.
    to_rate: Vec<T>,
}

/// Buffers of the reverse sweep.
#[derive(Clone, Debug)]
pub(crate) struct Sweep<T: Real> {
    pub(crate) layers: Vec<LayerSweep<T>>,
    /// Targets where a signal is made of them, `outputs × columns`: a class as its one-hot vector (times its weight, and smoothed), zero where
    /// there is none.
    targets: Vec<T>,
    /// σ of a layer whose state is a filter of the one below, at each window's start.
    folded: Vec<T>,
    streams: usize,
    capacity: usize,
    cuts: Cuts,
}

impl<T: Real> Sweep<T> {
    /// For `streams` streams and windows of up to `capacity` steps; `filters` has those of each layer's outputs.
    pub(crate) fn new(
        network: &Network<T>,
        filters: &[Vec<Filter>],
        method: &Method,
        streams: usize,
        (capacity, cuts): (usize, Cuts),
    ) -> Self {
        let zeros = |count: usize| vec![T::zero(); count];
        let layers = network.layers.iter().zip(filters).map(|(layer, filters)| match layer {
            Layer::Recurrent(layer) => LayerSweep {
                filters: filters.iter().map(|&filter| (filter, Vec::new())).collect(),
                to_rate: zeros(if layer.activity.rate.is_some() { layer.units * streams } else { 0 }),
                ..LayerSweep::default()
            },
            Layer::Dense(_) => LayerSweep::default(),
        });
        let layers = layers.collect();
        let mut sweep = Self { layers, targets: Vec::new(), folded: Vec::new(), streams, capacity: 0, cuts };
        if method.feedback == Feedback::TargetProjection {
            sweep.targets = zeros(network.outputs());
        }
        sweep.reserve(network, capacity);
        sweep
    }

    /// Makes room for windows of `steps` steps.
    pub(crate) fn reserve(&mut self, network: &Network<T>, steps: usize) {
        if steps > self.capacity {
            self.capacity = steps;
            let starts = self.cuts.starts(steps) * self.streams;
            for (index, layer) in network.layers.iter().enumerate() {
                let (lower, rest) = self.layers.split_at_mut(index);
                let sweep = &mut rest[0];
                sweep.signal.resize(layer.units() * steps * self.streams, T::zero());
                if !sweep.from_outside.is_empty() {
                    sweep.from_outside.resize(sweep.signal.len(), T::zero());
                }
                let Layer::Recurrent(layer) = layer else { continue };
                sweep.to_state.resize(layer.states() * layer.units * starts, T::zero());
                sweep.to_output.resize(layer.units * starts, T::zero());
                sweep.filters.iter_mut().for_each(|(_, adjoint)| adjoint.resize(layer.units * starts, T::zero()));
                let folds = |(filter, _): &(Filter, _)| filter.source == Source::Above;
                if lower.last().is_some_and(|below| below.filters.iter().any(folds)) {
                    let folded = self.folded.len().max(layer.states() * layer.units * starts);
                    self.folded.resize(folded, T::zero());
                }
            }
            if !self.targets.is_empty() {
                self.targets.resize(network.outputs() * steps * self.streams, T::zero());
            }
        }
    }

    /// Steps of each window but the last, where a tape of `steps` steps holds several and what each asks of its start is there.
    pub(crate) fn cut_of(&self, steps: usize) -> Option<usize> {
        self.cuts.every.filter(|&every| self.cuts.keeps_all && steps > every)
    }

    /// The readout's learning signal ∂E/∂logits, to be filled in by the loss: `outputs × columns`.
    pub(crate) fn readout_signal(&mut self) -> &mut [T] {
        self.layers.last_mut().map_or(&mut [], |top| &mut top.signal)
    }

    /// No learning signal and no target in these columns.
    pub(crate) fn clear(&mut self, outputs: usize, columns: Range<usize>) {
        let place = columns.start * outputs..columns.end * outputs;
        self.readout_signal()[place.clone()].fill(T::zero());
        for layer in self.layers.iter_mut().filter(|layer| !layer.from_outside.is_empty()) {
            let rows = layer.signal.len() / (self.capacity * self.streams);
            layer.from_outside[columns.start * rows..columns.end * rows].fill(T::zero());
        }
        if !self.targets.is_empty() {
            self.targets[place].fill(T::zero());
        }
    }

    /// The learning signals of the first columns are done with; those after them, of `columns` in all, move to the front.
    pub(crate) fn drop_front(&mut self, dropped: usize, columns: usize) {
        let (capacity, streams) = (self.capacity, self.streams);
        let shift = |buffer: &mut Vec<T>| {
            let rows = buffer.len() / (capacity * streams);
            buffer.copy_within(dropped * rows..columns * rows, 0);
        };
        self.layers.iter_mut().map(|layer| &mut layer.from_outside).for_each(shift);
        self.layers.last_mut().map(|top| &mut top.signal).into_iter().for_each(shift);
        shift(&mut self.targets);
    }

    /// The learning signals of an unfinished window by name, and the targets where signals are made of them.
    pub(crate) fn pass(
        &mut self,
        outputs: usize,
        (lane, steps): (Streams, usize),
        book: &mut Book<'_>,
    ) -> Result<(), ConfigError> {
        book.steps("window.signal", (lane, steps), &[outputs], self.readout_signal())?;
        if !self.targets.is_empty() {
            book.steps("window.target", (lane, steps), &[outputs], &mut self.targets)?;
        }
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let name = format!("window.layers.{index}.signal");
            if book.restores() && book.has(&name) || !layer.from_outside.is_empty() {
                layer.from_outside.resize(layer.signal.len(), T::zero());
                let rows = layer.signal.len() / (self.capacity * self.streams);
                book.steps(&name, (lane, steps), &[rows], &mut layer.from_outside)?;
            }
        }
        Ok(())
    }

    /// Adds to the learning signal that a hidden layer gets from outside at one column.
    pub(crate) fn add_from_outside(&mut self, layer: usize, column: usize, error: &[T]) {
        let LayerSweep { signal, from_outside, .. } = &mut self.layers[layer];
        from_outside.resize(signal.len(), T::zero());
        let place = &mut from_outside[column * error.len()..(column + 1) * error.len()];
        place.iter_mut().zip(error).for_each(|(sum, &error)| *sum += error);
    }

    /// Keeps a target, if signals are made of targets.
    pub(crate) fn set_target(&mut self, outputs: usize, column: usize, write: impl FnOnce(&mut [T])) {
        if !self.targets.is_empty() {
            write(&mut self.targets[column * outputs..(column + 1) * outputs]);
        }
    }

    /// δ = ∂E/∂a of a layer, once the sweep has been there.
    pub(crate) fn delta<'a>(&'a self, tape: &'a Tape<T>, index: usize) -> &'a [T] {
        match &tape.layers[index] {
            LayerTape::Recurrent(tape) => &tape.activation,
            LayerTape::Dense(_) => &self.layers[index].signal,
        }
    }

    /// What the sweep comes to where there is no error: adjoints of zero. δ would be zero, too, and is not written: nothing reads it.
    pub(crate) fn zero_adjoints(&mut self) {
        for layer in &mut self.layers {
            let filters = layer.filters.iter_mut().map(|(_, adjoint)| adjoint);
            for adjoint in filters.chain([&mut layer.to_state, &mut layer.to_output, &mut layer.to_rate]) {
                adjoint.fill(T::zero());
            }
        }
    }

    /// Sweeps back over the window from the learning signals at the readout and leaves δ, and the adjoints of the state that the
    /// window started from.
    pub(crate) fn run(&mut self, network: &Network<T>, transposed: &Transposed<T>, tape: &mut Tape<T>) {
        let (steps, width, cuts) = (0..tape.steps, tape.columns(), self.cuts);
        for index in (0..network.layers.len()).rev() {
            let layer = &network.layers[index];
            let first = tape.first_column(network, index);
            let all = |rows: usize| first * rows..width * rows;
            let h = transposed.h(network, index);
            let sweep = &mut self.layers[index];
            match LayerOnTapeMut::new(layer, &mut tape.layers[index]) {
                LayerOnTapeMut::Dense(layer, dense) => {
                    layer.activation.through(&dense.output[all(layer.units)], &mut sweep.signal[all(layer.units)]);
                }
                LayerOnTapeMut::Recurrent(layer, recurrent) => {
                    for (place, steps) in cuts.windows(steps.clone()).rev() {
                        let (not_reset, mask, active) = (&tape.not_reset, &tape.mask, tape.active);
                        let window = WindowColumns { not_reset, mask, active, steps, place };
                        add_rates(layer, recurrent, sweep, &window);
                        reverse(layer, h, transposed.at_edge, recurrent, sweep, &window);
                    }
                }
            }
            if index > 0 {
                self.send_down(network, transposed, tape, index);
                if let Some(masks) = tape.masks(index) {
                    let place = all(network.layers[index].inputs());
                    let signal = &mut self.layers[index - 1].signal[place.clone()];
                    signal.iter_mut().zip(&masks[place]).for_each(|(signal, &mask)| *signal *= mask);
                }
                let LayerSweep { signal, from_outside, .. } = &mut self.layers[index - 1];
                if !from_outside.is_empty() {
                    let place = all(network.layers[index].inputs());
                    signal[place.clone()].iter_mut().zip(&from_outside[place]).for_each(|(signal, &error)| *signal += error);
                }
                self.reach_filter(network, transposed, tape, index - 1);
            }
        }
    }

    /// The learning signal of the layer below: the adjoint of this layer's inputs, or what the method's feedback has for it.
    fn send_down(&mut self, network: &Network<T>, transposed: &Transposed<T>, tape: &Tape<T>, index: usize) {
        let (layer, width) = (&network.layers[index], tape.columns());
        let first = tape.first_column(network, index);
        let (m, down) = (layer.inputs(), transposed.down(network, index));
        let from = match transposed.feedback {
            Feedback::Symmetric | Feedback::Random => index,
            Feedback::Direct | Feedback::TargetProjection => network.layers.len() - 1,
        };
        let (lower, upper) = self.layers.split_at_mut(index);
        let (earlier, signal) = lower[index - 1].signal[..m * width].split_at_mut(m * first);
        earlier.fill(T::zero());
        if transposed.feedback == Feedback::TargetProjection {
            let o = network.outputs();
            let targets = Right { values: &self.targets[first * o..], rows: o, stride: o, count: width - first };
            down.multiply(Assignment::Replace, targets, signal);
            signal.iter_mut().for_each(|signal| *signal = -*signal);
            return;
        }
        let delta = match &tape.layers[from] {
            LayerTape::Recurrent(tape) => &tape.activation,
            LayerTape::Dense(_) => &upper[from - index].signal,
        };
        let rows = network.layers[from].activations();
        send_down(down, &network.layers[from], &delta[first * rows..], signal);
    }

    /// The adjoint of a layer's filtered outputs at each window's start, from the adjoint of the state above, which is made of them.
    fn reach_filter(&mut self, network: &Network<T>, transposed: &Transposed<T>, tape: &Tape<T>, index: usize) {
        let (lower, upper) = self.layers.split_at_mut(index + 1);
        let filter = lower[index].filters.iter_mut().find(|(filter, _)| filter.source == Source::Above);
        let (Some((_, adjoint)), Layer::Recurrent(above), LayerTape::Recurrent(above_tape)) =
            (filter, &network.layers[index + 1], &tape.layers[index + 1])
        else {
            return;
        };
        let (states, active, m) = (above.states() * above.units, tape.active, above.inputs);
        let mut count = 0;
        for (place, steps) in self.cuts.windows(0..tape.steps) {
            for b in 0..active {
                let to = &mut self.folded[count * states..(count + 1) * states];
                let (dy_ds, at) = match place {
                    0 => (&above_tape.boundary.dy_ds, b),
                    _ => (&above_tape.partials.dy_ds, (steps.start - 1) * active + b),
                };
                folded_signal_at(above, Some(dy_ds), &upper[0], [place * active + b, at], to);
                count += 1;
            }
        }
        let folded = Right { values: &self.folded, rows: above.units, stride: states, count };
        transposed.down(network, index + 1).multiply(Assignment::Replace, folded, &mut adjoint[..m * count]);
    }
}

/// The columns of a layer's tape that belong to a window.
struct WindowColumns<'a> {
    /// Whether a column went on from the step before.
    not_reset: &'a [bool],
    /// Whether a column's activity is part of the error.
    mask: &'a [bool],
    /// Streams side by side.
    active: usize,
    steps: Range<usize>,
    /// Where what the window asks of its start is left.
    place: usize,
}

/// Adds ∂E/∂y of each step through the firing rates: through r_t directly, and through later rates by way of r_t.
fn add_rates<T: Real>(
    layer: &Recurrent<T>,
    tape: &RecurrentTape<T>,
    sweep: &mut LayerSweep<T>,
    columns: &WindowColumns<'_>,
) {
    let Some(term) = layer.activity.rate else { return };
    let (n, active, beta) = (layer.units, columns.active, T::from_f64(term.decay));
    // Adjoints of r, later β times those: of r before the window in the end, for the filter that carries it.
    let adjoint = &mut sweep.to_rate;
    adjoint[..n * active].fill(T::zero());
    for step in columns.steps.clone().rev() {
        for b in 0..active {
            let column = step * active + b;
            let place = column * n..(column + 1) * n;
            let (signal, rates) = (&mut sweep.signal[place.clone()], &tape.activity.rates[place]);
            for ((adjoint, signal), &rate) in adjoint[b * n..(b + 1) * n].iter_mut().zip(signal).zip(rates) {
                if columns.mask[column] {
                    *adjoint += term.slope(rate);
                }
                *signal += (T::one() - beta) * *adjoint;
                *adjoint = (beta * *adjoint).if_or(columns.not_reset[column], T::zero());
            }
        }
    }
    if let Some((_, of_filter)) = sweep.filters.iter_mut().find(|(filter, _)| filter.source == Source::Rate) {
        of_filter[columns.place * n * active..][..n * active].copy_from_slice(&adjoint[..n * active]);
    }
}

/// δ_t for a window's steps, last first, from the signals above and from later steps.
fn reverse<T: Real>(
    layer: &Recurrent<T>,
    transposed_h: Turned<'_, T>,
    at_edge: ThroughH,
    tape: &mut RecurrentTape<T>,
    sweep: &mut LayerSweep<T>,
    columns: &WindowColumns<'_>,
) {
    let (n, s, g, active) = (layer.units, layer.states(), layer.gates(), columns.active);
    let to_state = &mut sweep.to_state[columns.place * s * n * active..][..s * n * active];
    let to_output = &mut sweep.to_output[columns.place * n * active..][..n * active];
    to_state.fill(T::zero());
    to_output.fill(T::zero());
    let walk = Walk { layer, partials: &tape.partials, not_reset: columns.not_reset, transposed_h };
    for step in columns.steps.clone().rev() {
        let (first, end) = (step * active, (step + 1) * active);
        if let Some(term) = layer.activity.voltage {
            for column in (first..end).filter(|&column| columns.mask[column]) {
                let potentials = &tape.activity.potentials[column * n..(column + 1) * n];
                let place = ((column - first) * s + layer.dynamics.potential()) * n;
                let adjoint = to_state[place..place + n].iter_mut();
                adjoint.zip(potentials).for_each(|(adjoint, &v)| *adjoint += term.slope(v));
            }
        }
        let adjoints = StepAdjoints {
            to_state: &mut *to_state,
            to_output: &mut *to_output,
            signal: &sweep.signal[first * n..end * n],
            delta: &mut tape.activation[first * g * n..end * g * n],
        };
        let through_h = if step == columns.steps.start { at_edge } else { ThroughH::All };
        walk.step(TapeColumns::From(first), through_h, adjoints);
    }
}
