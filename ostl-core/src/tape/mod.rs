//! What a network did over one window of steps: the forward pass, and everything a reverse sweep needs of it.
//!
//! Columns are samples: the column of step t (from 0, within the window) and stream b is `t·active + b`, where `active` is the number
//! of streams that take part in this window (a prefix of all streams). Buffers are as large as the largest window seen and are
//! used over and over; a step allocates nothing.

mod dropout_tape;
pub(crate) mod events;
mod forward;
mod layer_tape;
mod lists;
mod load;
mod named;
mod rolling;
mod size;
pub(crate) mod width;

use crate::linalg::real::{Real, all_finite};
use crate::network::Network;
use crate::network::layer::Layer;
use events::Events;
use forward::{Below, Span, dense_forward, recurrent_forward};

use dropout_tape::DropoutTape;
pub(crate) use layer_tape::{
    ActivityTape, Boundary, DenseTape, LayerOnTape, LayerOnTapeMut, LayerTape, PartialPlanes, RecurrentTape,
};
pub(crate) use lists::{Lists, listing_below, listing_of_outputs};
pub(crate) use load::BatchStreams;

/// Whether a forward pass keeps what a reverse sweep needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Partials,
    Nothing,
}

/// A network over one window.
#[derive(Clone, Debug)]
pub(crate) struct Tape<T: Real> {
    streams: usize,
    capacity: usize,
    /// Streams that take part in this window: a prefix.
    pub(crate) active: usize,
    /// Steps taken so far in this window.
    pub(crate) steps: usize,
    /// Steps from the first on whose errors an earlier sweep has started from: none but where the window rolls.
    pub(crate) swept: usize,
    /// No error is taken of this window: stateless layers on top are left out, and there is nothing to sweep back.
    is_without_error: bool,
    /// x: `m × columns`; empty where it is listed alone.
    inputs: Vec<T>,
    /// Whether a stream goes on from the step before (false: it was reset): one a column.
    pub(crate) not_reset: Vec<bool>,
    /// Whether the step is one of the sequence's, and its activity counts (false: padding): one a column.
    pub(crate) mask: Vec<bool>,
    pub(crate) layers: Vec<LayerTape<T>>,
    /// For each layer the events of what it reads.
    events: Vec<Events<T>>,
    /// For each layer with dropout what it reads.
    dropped: Vec<Option<DropoutTape<T>>>,
}

/// When and where a forward pass takes place, which masks are drawn from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// Steps that the learner had seen before the first one.
    pub(crate) step: u64,
    /// Number of the tape's first stream.
    pub(crate) stream: usize,
}

impl Moment {
    /// The same of streams that come later by so many.
    pub(crate) fn of(self, later: usize) -> Self {
        Self { stream: self.stream + later, ..self }
    }
}

impl<T: Real> Tape<T> {
    /// For `streams` streams and windows of up to `capacity` steps (it grows if a window is longer).
    pub(crate) fn new(network: &Network<T>, streams: usize, capacity: usize, lists: Lists) -> Self {
        let layers = network.layers.iter().map(|layer| match layer {
            Layer::Recurrent(layer) => {
                let (n, sn, gn) =
                    (layer.units * streams, layer.states() * layer.units * streams, layer.gates() * layer.units * streams);
                let zeros = |count: usize| vec![T::zero(); count];
                LayerTape::Recurrent(Box::new(RecurrentTape {
                    state: zeros(sn),
                    last_output: zeros(n),
                    previous_state: zeros(sn),
                    boundary: Boundary {
                        inputs: zeros(layer.inputs * streams),
                        previous_output: zeros(n),
                        dy_ds: zeros(sn),
                        dy_da: zeros(gn),
                    },
                    previous_events: Events::new(layer.units, listing_of_outputs(layer, lists)),
                    activity: ActivityTape {
                        rate: zeros(if layer.activity.rate.is_some() { n } else { 0 }),
                        ..ActivityTape::default()
                    },
                    previous_output: Vec::new(),
                    activation: Vec::new(),
                    output: Vec::new(),
                    partials: PartialPlanes::default(),
                }))
            }
            Layer::Dense(_) => LayerTape::Dense(DenseTape::default()),
        });
        let events = |(index, layer): (usize, &Layer<T>)| Events::new(layer.inputs(), listing_below(network, index, lists));
        let mut tape = Self {
            streams,
            capacity: 0,
            active: streams,
            steps: 0,
            swept: 0,
            is_without_error: false,
            inputs: Vec::new(),
            not_reset: Vec::new(),
            mask: Vec::new(),
            layers: layers.collect(),
            events: network.layers.iter().enumerate().map(events).collect(),
            dropped: network.layers.iter().map(|layer| layer.dropout().map(|_| DropoutTape::default())).collect(),
        };
        tape.reserve(network, capacity);
        tape
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams
    }

    /// Steps that there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes room for windows of `steps` steps.
    pub(crate) fn reserve(&mut self, network: &Network<T>, steps: usize) {
        if steps <= self.capacity {
            return;
        }
        self.capacity = steps;
        let size = steps * self.streams;
        let grow = |buffer: &mut Vec<T>, rows: usize| buffer.resize(rows * size, T::zero());
        if !self.events[0].holds_all() {
            grow(&mut self.inputs, network.inputs());
        }
        for (layer, dropped) in network.layers.iter().zip(&mut self.dropped) {
            if let Some(dropped) = dropped {
                grow(&mut dropped.mask, layer.inputs());
                grow(&mut dropped.values, layer.inputs());
            }
        }
        self.not_reset.resize(size, false);
        self.mask.resize(size, false);
        self.events.iter_mut().for_each(|events| events.reserve(size));
        for (layer, tape) in network.layers.iter().zip(&mut self.layers) {
            let n = layer.units();
            match LayerOnTapeMut::new(layer, tape) {
                LayerOnTapeMut::Recurrent(layer, tape) => {
                    let (s, g) = (layer.states(), layer.gates());
                    grow(&mut tape.previous_output, n);
                    grow(&mut tape.activation, g * n);
                    grow(&mut tape.output, n);
                    grow(&mut tape.partials.ds_ds, s * s * n);
                    grow(&mut tape.partials.ds_dy, s * n);
                    grow(&mut tape.partials.ds_da, s * g * n);
                    grow(&mut tape.partials.dy_ds, s * n);
                    grow(&mut tape.partials.dy_da, g * n);
                    if layer.activity.rate.is_some() {
                        grow(&mut tape.activity.rates, n);
                    }
                    if layer.activity.voltage.is_some() {
                        grow(&mut tape.activity.potentials, n);
                    }
                    tape.previous_events.reserve(size);
                }
                LayerOnTapeMut::Dense(_, tape) => grow(&mut tape.output, n),
            }
        }
    }

    /// Whether there is room for another step.
    pub(crate) fn has_room(&self) -> bool {
        self.steps < self.capacity
    }

    /// Nothing before the next window can be reached by its gradient.
    pub(crate) fn forget_boundary(&mut self) {
        for layer in &mut self.layers {
            if let LayerTape::Recurrent(tape) = layer {
                tape.boundary.dy_ds.fill(T::zero());
                tape.boundary.dy_da.fill(T::zero());
            }
        }
    }

    /// Columns taken so far in this window.
    pub(crate) fn columns(&self) -> usize {
        self.steps * self.active
    }

    /// Starts a new window with the first `active` streams; the states stay.
    pub(crate) fn open(&mut self, active: usize) {
        self.active = active;
        self.steps = 0;
        self.swept = 0;
        self.is_without_error = false;
        for events in &mut self.events {
            events.open();
        }
        for layer in &mut self.layers {
            if let LayerTape::Recurrent(layer) = layer {
                layer.previous_events.open();
            }
        }
    }

    /// Neither this window's outputs nor its error's gradient will be read.
    pub(crate) fn ignore_error(&mut self) {
        self.is_without_error = true;
    }

    /// Whether no error is taken of this window.
    pub(crate) fn is_without_error(&self) -> bool {
        self.is_without_error
    }

    /// The layers that take part in this window.
    pub(crate) fn layers_at_work(&self, network: &Network<T>) -> usize {
        if self.is_without_error { network.first_of_top() } else { network.layers.len() }
    }

    /// Sorts the window's events by row, for gradients and traces.
    pub(crate) fn sort_events(&mut self, network: &Network<T>) {
        let (active, steps, at_work) = (self.active, self.steps, self.layers_at_work(network));
        for events in &mut self.events[..at_work] {
            events.sort(active, steps);
        }
        for layer in &mut self.layers {
            if let LayerTape::Recurrent(layer) = layer {
                layer.previous_events.sort(active, steps);
            }
        }
    }

    /// What layer `index` reads, as a list of events, where the whole window was sparse.
    pub(crate) fn events_below(&self, index: usize) -> Option<&Events<T>> {
        Some(&self.events[index]).filter(|events| events.is_sparse())
    }

    /// What layer `index` reads: the outputs below, or the network's inputs (empty where they are only listed), after dropout.
    pub(crate) fn below(&self, index: usize) -> &[T] {
        match &self.dropped[index] {
            Some(dropped) => &dropped.values,
            None if index == 0 => &self.inputs,
            None => self.layers[index - 1].output(),
        }
    }

    /// The masks of layer `index`, if it has dropout: inputs × columns.
    pub(crate) fn masks(&self, index: usize) -> Option<&[T]> {
        self.dropped[index].as_ref().map(|dropped| dropped.mask.as_slice())
    }

    /// The inputs that had an event in this window, some perhaps more than once; `None` where inputs are not listed.
    pub(crate) fn inputs_seen(&self) -> Option<&[u32]> {
        Some(&self.events[0]).filter(|events| events.holds_all()).map(Events::rows_seen)
    }

    /// What the activity of one step adds to the error, over all streams.
    pub(crate) fn activity(&self, network: &Network<T>, step: usize) -> f64 {
        let mut error = 0.0;
        for (layer, tape) in network.layers.iter().zip(&self.layers) {
            let (Layer::Recurrent(layer), LayerTape::Recurrent(tape)) = (layer, tape) else { continue };
            let n = layer.units;
            for column in (step * self.active..(step + 1) * self.active).filter(|&column| self.mask[column]) {
                let place = column * n..(column + 1) * n;
                if let Some(term) = layer.activity.rate {
                    error += tape.activity.rates[place.clone()].iter().map(|&r| term.error(r).to_f64()).sum::<f64>();
                }
                if let Some(term) = layer.activity.voltage {
                    error += tape.activity.potentials[place].iter().map(|&v| term.error(v).to_f64()).sum::<f64>();
                }
            }
        }
        error
    }

    /// The readout's outputs at one step: `outputs × active`.
    pub(crate) fn logits(&self, outputs: usize, step: usize) -> &[T] {
        let top = self.layers.last().map_or(&[] as &[T], LayerTape::output);
        &top[step * self.active * outputs..(step + 1) * self.active * outputs]
    }

    /// Takes `count` further steps, whose inputs and resets are already in place, layer by layer.
    pub(crate) fn forward(&mut self, network: &Network<T>, count: usize, keep: Keep, moment: Moment) {
        let (from, active) = (self.steps, self.active);
        self.steps += count;
        if active == 0 {
            return;
        }
        let span = Span { from, count, active };
        for (index, layer) in network.layers.iter().enumerate().take(self.layers_at_work(network)) {
            let (lower, rest) = self.layers.split_at_mut(index);
            let below = lower.last().map_or(self.inputs.as_slice(), LayerTape::output);
            let m = layer.inputs();
            let place = from * active * m..(from + count) * active * m;
            let mut values = if below.is_empty() { below } else { &below[place.clone()] };
            if let (Some(dropout), Some(dropped), Keep::Partials) = (layer.dropout(), &mut self.dropped[index], keep) {
                let (mask, to) = (&mut dropped.mask[place.clone()], &mut dropped.values[place]);
                for (column, mask) in mask.chunks_exact_mut(m).enumerate() {
                    dropout.draw(moment.step + (column / active) as u64, moment.stream + column % active, mask);
                }
                for ((to, &mask), &value) in to.iter_mut().zip(&*mask).zip(values) {
                    *to = mask * value;
                }
                values = to;
            }
            let below = Below { values, rows: m, first: from * active, events: &mut self.events[index] };
            match LayerOnTapeMut::new(layer, &mut rest[0]) {
                LayerOnTapeMut::Recurrent(layer, tape) => {
                    recurrent_forward(layer, &network.parameters, below, tape, &self.not_reset, span, keep);
                }
                LayerOnTapeMut::Dense(layer, tape) => {
                    dense_forward(layer, &network.parameters, below, &mut tape.output, span);
                }
            }
        }
    }

    /// Keeps of the window's last step what the next window's gradient can reach, for the streams that take part.
    pub(crate) fn keep_boundary(&mut self, network: &Network<T>) {
        let Some(last) = self.steps.checked_sub(1) else { return };
        let active = self.active;
        for (index, layer) in network.layers.iter().enumerate() {
            let Layer::Recurrent(layer) = layer else { continue };
            let (lower, rest) = self.layers.split_at_mut(index);
            let below = match &self.dropped[index] {
                Some(dropped) => &dropped.values,
                None => lower.last().map_or(self.inputs.as_slice(), LayerTape::output),
            };
            let LayerTape::Recurrent(tape) = &mut rest[0] else { continue };
            let copy = |to: &mut [T], from: &[T], rows: usize| {
                to[..rows * active].copy_from_slice(&from[last * active * rows..(last + 1) * active * rows]);
            };
            let (n, s, g) = (layer.units, layer.states(), layer.gates());
            if index == 0 && self.events[0].holds_all() {
                for (b, to) in tape.boundary.inputs.chunks_exact_mut(layer.inputs).take(active).enumerate() {
                    to.fill(T::zero());
                    let (rows, values) = self.events[0].of_column(last * active + b);
                    rows.iter().zip(values).for_each(|(&row, &value)| to[row as usize] += value);
                }
            } else {
                copy(&mut tape.boundary.inputs, below, layer.inputs);
            }
            copy(&mut tape.boundary.previous_output, &tape.previous_output, n);
            copy(&mut tape.boundary.dy_ds, &tape.partials.dy_ds, s * n);
            copy(&mut tape.boundary.dy_da, &tape.partials.dy_da, g * n);
        }
    }

    /// First layer (from below) with a non-finite output in this window or state after it, if any.
    pub(crate) fn first_broken_layer(&self) -> Option<usize> {
        self.layers.iter().position(|layer| {
            let output = layer.output();
            let rows = output.len() / (self.capacity * self.streams).max(1);
            let columns = self.steps * self.active;
            !all_finite(&output[..rows * columns]) || !self.state_is_finite(layer)
        })
    }

    /// Whether states and outputs of recurrent layers after the last step taken are finite.
    pub(crate) fn states_are_finite(&self) -> bool {
        self.layers.iter().all(|layer| self.state_is_finite(layer))
    }

    fn state_is_finite(&self, layer: &LayerTape<T>) -> bool {
        let LayerTape::Recurrent(tape) = layer else { return true };
        let of_live = |values: &'_ [T]| values.len() / self.streams * self.active;
        [&tape.state, &tape.last_output, &tape.activity.rate]
            .into_iter()
            .all(|values| all_finite(&values[..of_live(values)]))
    }
}
