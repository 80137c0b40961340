//! The `presynaptic` carry: OTTT (Xiao et al. 2022, "Online training through time for spiking neural networks", arXiv 2210.04195, eq. 4–6).
//!
//! Where units are leaky sums with one λ, s_t = λ s_{t-1} + gain · a_t, all units of a layer have filtered the same signals alike:
//! ds_t/dΘ is one trace of the presynaptic side,
//!
//! ```text
//! ẑ_t = λ ẑ_{t-1} + gain · z_t,    ∇E(window) = Σ_t δ_t z_tᵀ + σ ẑ_{t₀}ᵀ
//! ```
//!
//! so m + n + 1 values a stream instead of one a parameter, and one outer product a window. What a reset, an adaptation or H takes from the
//! state besides is left out, so it is exact only where units do nothing but leak. Time n(m + n + 1) a window, memory m + n + 1.

use crate::linalg::product::{Assignment, columns, columns_mut, multiply, transposed_operand};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::network::size::is_frozen;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::sweep::immediate::folded_signal;
use crate::tape::{LayerTape, Tape};
use crate::trace::Window;

/// The presynaptic traces of every recurrent layer.
#[derive(Clone, Debug)]
pub(crate) struct Presynaptic<T: Real> {
    layers: Vec<LayerTraces<T>>,
}

#[derive(Clone, Debug)]
struct LayerTraces<T: Real> {
    index: usize,
    streams: usize,
    factor: T,
    gain: T,
    /// x̂: `m × streams`; empty where W is frozen.
    inputs: Vec<T>,
    /// ŷ of the step before: `n × streams`, empty without H and where it is frozen.
    outputs: Vec<T>,
    /// The filtered constant 1 of each stream; empty where no constants learn.
    ones: Vec<T>,
    /// σ of one lane: `n × active`.
    signal: Vec<T>,
}

impl<T: Real> Presynaptic<T> {
    pub(crate) fn new(network: &Network<T>, streams: usize) -> Self {
        let layers = network.layers.iter().enumerate().filter_map(|(index, layer)| {
            let layer = layer.recurrent().filter(|_| !is_frozen(layer))?;
            let leak = layer.leak_of_inputs()?;
            let zeros = |rows: usize| vec![T::zero(); rows * streams];
            let [inputs, outputs, ones] = presynaptic_traces(layer);
            Some(LayerTraces {
                index,
                streams,
                factor: T::from_f64(leak.factor),
                gain: T::from_f64(leak.gain),
                inputs: zeros(inputs),
                outputs: zeros(outputs),
                ones: zeros(ones),
                signal: zeros(layer.units),
            })
        });
        Self { layers: layers.collect() }
    }

    pub(crate) fn bytes(&self) -> usize {
        let values = |layer: &LayerTraces<T>| layer.inputs.len() + layer.outputs.len() + layer.ones.len();
        self.layers.iter().map(values).sum::<usize>() * size_of::<T>()
    }

    /// ẑ of every layer by name.
    pub(crate) fn pass(&mut self, book: &mut Book<'_>) -> Result<(), ConfigError> {
        for traces in &mut self.layers {
            let streams = traces.streams;
            let lane = Streams { first: 0, count: streams, all: streams };
            let name = |name: &str| format!("traces.layers.{}.{name}", traces.index);
            for (name, values) in
                [(name("x"), &mut traces.inputs), (name("y"), &mut traces.outputs), (name("one"), &mut traces.ones)]
            {
                book.streams(&name, lane, &[values.len() / streams], values)?;
            }
        }
        Ok(())
    }

    /// gradient += σ ẑᵀ, and ẑ moved on over the window.
    pub(crate) fn close(&mut self, window: &Window<'_, T>, gradient: &mut [T]) {
        for traces in &mut self.layers {
            for lane in window.lanes.iter().filter(|lane| lane.tape.columns() > 0) {
                let streams = lane.first..lane.first + lane.tape.active;
                for stream in streams.clone().filter(|&stream| window.fresh[stream]) {
                    traces.forget(stream);
                }
                if let LayerTape::Recurrent(tape) = &lane.tape.layers[traces.index]
                    && let Layer::Recurrent(layer) = &window.network.layers[traces.index]
                {
                    for b in 0..lane.tape.active {
                        let to = &mut traces.signal[b * layer.units..(b + 1) * layer.units];
                        folded_signal(layer, &tape.boundary, &lane.sweep.layers[traces.index], b, false, to);
                    }
                }
                traces.read_out(window.network, streams.clone(), gradient);
                for stream in streams.filter(|&stream| window.continues[stream]) {
                    traces.advance(&lane.tape, stream, stream - lane.first);
                }
            }
        }
    }
}

impl<T: Real> LayerTraces<T> {
    fn forget(&mut self, stream: usize) {
        let streams = self.streams;
        for traces in [&mut self.inputs, &mut self.outputs, &mut self.ones] {
            of_stream(traces, streams, stream).fill(T::zero());
        }
    }

    /// gradient += σ ẑᵀ over the streams of a lane.
    fn read_out(&self, network: &Network<T>, streams: std::ops::Range<usize>, gradient: &mut [T]) {
        let Some(layer) = network.layers[self.index].recurrent() else { return };
        let (n, active, gate) = (layer.units, streams.len(), layer.x_gates.start);
        let constants = layer.constants[gate].map_or(0..0, |offset| offset..offset + n);
        for (trace, rows, place) in
            [(&self.inputs, layer.inputs, layer.w_range()), (&self.outputs, n, layer.h_range()), (&self.ones, 1, constants)]
        {
            if trace.is_empty() || place.is_empty() {
                continue;
            }
            multiply(
                Assignment::Add,
                columns(&self.signal, n, active, n),
                transposed_operand(&trace[streams.start * rows..], active, rows, rows),
                columns_mut(&mut gradient[place], n, rows, n),
            );
        }
    }

    /// ẑ over the steps of a window.
    fn advance(&mut self, tape: &Tape<T>, stream: usize, b: usize) {
        let LayerTape::Recurrent(layer) = &tape.layers[self.index] else { return };
        for step in 0..tape.steps {
            let column = step * tape.active + b;
            let factor = if tape.not_reset[column] { self.factor } else { T::zero() };
            let gain = self.gain;
            let follow = |trace: &mut [T], signal: &[T]| {
                for (trace, &z) in trace.iter_mut().zip(signal) {
                    *trace = factor * *trace + gain * z;
                }
            };
            let streams = self.streams;
            for (traces, values) in [(&mut self.inputs, tape.below(self.index)), (&mut self.outputs, &layer.previous_output)]
            {
                let trace = of_stream(traces, streams, stream);
                let rows = trace.len();
                follow(trace, &values[column * rows..(column + 1) * rows]);
            }
            follow(of_stream(&mut self.ones, streams, stream), &[T::one()]);
        }
    }
}

/// Values of the traces that a layer keeps for one stream: of its inputs, of its own outputs, and of the constant 1.
pub(super) fn presynaptic_traces<T: Real>(layer: &Recurrent<T>) -> [usize; 3] {
    let learns = |block: &str| layer.rates.learns(block);
    let gate = layer.x_gates.start;
    let hears_outputs = layer.y_gates == layer.x_gates && learns("H");
    let has_constants = layer.constants[gate].is_some() && learns(layer.constants_name(gate));
    [if learns("W") { layer.inputs } else { 0 }, if hears_outputs { layer.units } else { 0 }, usize::from(has_constants)]
}

/// One stream's part of traces of `streams` streams.
fn of_stream<T>(traces: &mut [T], streams: usize, stream: usize) -> &mut [T] {
    let rows = traces.len() / streams;
    &mut traces[stream * rows..(stream + 1) * rows]
}
