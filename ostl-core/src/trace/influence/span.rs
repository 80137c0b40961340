//! The shape of a span: which layers it holds, where their carried variables stand, and which blocks of parameters move them.

use std::ops::Range;

use super::stream::Stream;
use crate::cell::filter::Filter;
use crate::linalg::product::{Strided, transposed_operand};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::tape::events::Signal;
use crate::tape::{LayerTape, Moment, RecurrentTape, Tape};

/// One layer of a span.
#[derive(Clone, Debug)]
pub(super) struct SpanLayer {
    pub(super) index: usize,
    pub(super) units: usize,
    /// First carried variable that this layer can influence; for a recurrent layer its own first variable.
    pub(super) first: usize,
    /// y is carried beside s.
    pub(super) carries_output: bool,
    /// Filters of y, carried behind the layer's other variables.
    pub(super) filters: Vec<Filter>,
    pub(super) blocks: Vec<Block>,
}

/// A block of parameters: which of a layer's rows of a it feeds, and where it lies.
#[derive(Clone, Debug)]
pub(in crate::trace) struct Block {
    pub(in crate::trace) signal: Signal,
    /// Rows of a that it feeds.
    pub(in crate::trace) rows: Range<usize>,
    pub(in crate::trace) columns: usize,
    /// Place among all parameters.
    pub(in crate::trace) gradient: Range<usize>,
    /// First parameter among those of the layer that are not frozen.
    pub(in crate::trace) offset: usize,
}

/// One stream of a tape.
#[derive(Clone, Copy)]
pub(in crate::trace) struct StreamTape<'a, T: Real> {
    pub(in crate::trace) tape: &'a Tape<T>,
    /// The stream's place.
    pub(in crate::trace) b: usize,
    /// 1 for every step that a window may have: z of the constants.
    pub(in crate::trace) ones: &'a [T],
}

/// One stream's window as those see it who keep the influence of a span.
#[derive(Clone, Copy)]
pub(super) struct StreamWindow<'a, T: Real> {
    pub(super) stream: StreamTape<'a, T>,
    /// σ, J and A.
    pub(super) paths: &'a Stream<T>,
    /// Carried variables C of the span.
    pub(super) variables: usize,
    /// ε is zero: the stream started with this window.
    pub(super) fresh: bool,
    /// What is added to the gradient may wait for a later window.
    pub(super) may_defer: bool,
    /// The stream goes on after this window.
    pub(super) continues: bool,
    /// ε is only read out and stays where it is.
    pub(super) stays: bool,
    /// Steps seen when the window closed (no two windows have the same), and which stream it is.
    pub(super) moment: Moment,
}

impl<'a, T: Real> StreamWindow<'a, T> {
    /// A of a layer at the step before the window (0) and each of its steps (from 1): `rows of a` columns of the variables from
    /// the layer's first on.
    pub(super) fn influence(&self, layer: &SpanLayer, place: usize, step: usize, rows: Range<usize>) -> &'a [T] {
        let c = self.variables - layer.first;
        let stride = self.influence_stride(place);
        &self.paths.layers[place].influence[step * stride + rows.start * c..step * stride + rows.end * c]
    }

    /// Values of A of a layer from one step to the next.
    pub(super) fn influence_stride(&self, place: usize) -> usize {
        self.paths.layers[place].influence.len() / (self.stream.ones.len() + 1)
    }

    /// J, from a variable of the span on, with columns [`variables`](Self::variables) apart.
    pub(super) fn jacobian(&self, first: usize) -> &'a [T] {
        &self.paths.jacobian[first * self.variables + first..]
    }
}

impl SpanLayer {
    /// The first variable of the filters, counted from the layer's own first.
    pub(super) fn first_filter<T: Real>(&self, layer: &Recurrent<T>) -> usize {
        (layer.states() + usize::from(self.carries_output)) * layer.units
    }

    /// Parameters of the layer.
    pub(super) fn parameters(&self) -> usize {
        self.blocks.iter().map(|block| block.gradient.len()).sum()
    }
}

impl Block {
    /// Some columns of z over the window, steps × columns, for the layer at `index`.
    pub(in crate::trace) fn signal_of<'a, T: Real>(
        &self,
        stream: StreamTape<'a, T>,
        index: usize,
        columns: Range<usize>,
    ) -> Strided<'a, T> {
        let StreamTape { tape, b, ones } = stream;
        match self.values(tape, index) {
            Some(values) => transposed_operand(
                &values[b * self.columns + columns.start..],
                tape.steps,
                columns.len(),
                tape.active * self.columns,
            ),
            None => transposed_operand(ones, tape.steps, 1, 1),
        }
    }

    /// z at one step of the window.
    pub(in crate::trace) fn signal_at<'a, T: Real>(&self, stream: StreamTape<'a, T>, index: usize, step: usize) -> &'a [T] {
        let StreamTape { tape, b, ones } = stream;
        match self.values(tape, index) {
            Some(values) => &values[(step * tape.active + b) * self.columns..][..self.columns],
            None => &ones[..1],
        }
    }

    /// z, a column of the window after the other; nothing for the constant 1.
    fn values<'a, T: Real>(&self, tape: &'a Tape<T>, index: usize) -> Option<&'a [T]> {
        match (self.signal, &tape.layers[index]) {
            (Signal::Input, _) => Some(tape.below(index)),
            (Signal::Output, LayerTape::Recurrent(tape)) => Some(&tape.previous_output),
            _ => None,
        }
    }
}

/// Whether a layer's y has a memory of its own and is carried beside s.
pub(crate) fn carries_output<T: Real>(layer: &Recurrent<T>) -> bool {
    layer.output_has_memory() && (!layer.y_gates.is_empty() || layer.dynamics.resets())
}

/// Whether constants of a layer that are not frozen drive y at once, so that those of the step before a window count in it.
pub(crate) fn has_before<T: Real>(layer: &Layer<T>) -> bool {
    let Some(layer) = layer.recurrent().filter(|layer| !carries_output(layer)) else { return false };
    let drives = |g: usize| layer.dynamics.gates()[g].drives_output && layer.rates.learns(layer.constants_name(g));
    (0..layer.gates()).any(|g| layer.constants[g].is_some() && drives(g))
}

/// The variables that a layer carries for each unit.
pub(super) fn carried<T: Real>(layer: &Recurrent<T>, filters: &[Filter]) -> usize {
    layer.states() + usize::from(carries_output(layer)) + filters.len()
}

/// A layer's recurrent face, if it is recurrent.
pub(super) fn recurrent_at<'a, T: Real>(
    network: &'a Network<T>,
    tape: &'a Tape<T>,
    index: usize,
) -> Option<(&'a Recurrent<T>, &'a RecurrentTape<T>)> {
    match (&network.layers[index], &tape.layers[index]) {
        (Layer::Recurrent(layer), LayerTape::Recurrent(tape)) => Some((layer, tape)),
        _ => None,
    }
}

/// The blocks of a layer that are not frozen, in the order of its parameters.
pub(in crate::trace) fn blocks_of<T: Real>(layer: &Layer<T>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut offset = 0;
    let mut add = |name, signal, rows: Range<usize>, columns: usize, gradient: Range<usize>| {
        if !gradient.is_empty() && layer.rates().learns(name) {
            let length = gradient.len();
            blocks.push(Block { signal, rows, columns, gradient, offset });
            offset += length;
        }
    };
    match layer {
        Layer::Dense(layer) => {
            add("W", Signal::Input, 0..layer.units, layer.inputs, layer.w_range());
            add("b", Signal::One, 0..layer.units, 1, layer.b_range());
        }
        Layer::Recurrent(layer) => {
            let n = layer.units;
            add("W", Signal::Input, layer.x_rows(), layer.inputs, layer.w_range());
            add("H", Signal::Output, layer.y_rows(), n, layer.h_range());
            for (g, offset) in layer.constants.iter().enumerate() {
                if let Some(offset) = *offset {
                    add(layer.constants_name(g), Signal::One, g * n..(g + 1) * n, 1, offset..offset + n);
                }
            }
        }
    }
    blocks
}
