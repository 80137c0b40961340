//! Sequences side by side: what a task hands to a learner.

mod finite;
mod from_rows;
mod inputs;
mod targets;

use std::sync::Arc;

use crate::data::heads::Heads;
pub use crate::data::target::TargetKind;
use crate::linalg::real::Real;

pub(crate) use finite::Place;
use inputs::Inputs;
use targets::Shape;
pub(crate) use targets::Table;
pub use targets::{HeadTargets, Targets};

/// Several sequences (streams) side by side, ragged at the end: stream b has `lengths()[b]` steps.
///
/// Everything is stored in columns: the column of step t and stream b is `t·streams + b`. A step without a target is masked.
/// A stream may be reset before any step. The engine is fastest when the longest sequences come first.
///
/// Inputs are a matrix, or, in a batch made with [`sparse`](SequenceBatch::sparse), lists of events: what is not listed is zero. A word
/// among 33,278 is one event, and a network whose first layer can do so reads the lists as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceBatch<T: Real> {
    shape: Shape,
    inputs: Inputs<T>,
    /// Of the readout as a whole, or of each head; never empty.
    targets: Vec<Table<T>>,
    resets: Vec<bool>,
}

impl<T: Real> SequenceBatch<T> {
    /// Zero inputs, no targets, no resets; stream b has `lengths[b]` steps of `inputs` values; the readout has `outputs`.
    #[inline(never)]
    pub fn new(inputs: usize, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let shape = Shape::new(lengths);
        Self::with(Inputs::dense(inputs, &shape), vec![Table::new(Arc::default(), outputs, kind, shape.columns())], shape)
    }

    /// The same with inputs as lists of events, none yet: see [`push_event`](SequenceBatch::push_event).
    #[inline(never)]
    pub fn sparse(inputs: usize, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let shape = Shape::new(lengths);
        Self::with(Inputs::sparse(inputs, &shape), vec![Table::new(Arc::default(), outputs, kind, shape.columns())], shape)
    }

    /// Zero inputs, no resets, and room for targets of each of these heads, none yet: [`head_mut`](SequenceBatch::head_mut) sets them.
    #[inline(never)]
    pub fn for_heads(inputs: usize, heads: &Heads<T>, lengths: &[usize]) -> Self {
        let shape = Shape::new(lengths);
        Self::with(Inputs::dense(inputs, &shape), Table::of_heads(heads, shape.columns()), shape)
    }

    /// The same with inputs as lists of events.
    #[inline(never)]
    pub fn sparse_for_heads(inputs: usize, heads: &Heads<T>, lengths: &[usize]) -> Self {
        let shape = Shape::new(lengths);
        Self::with(Inputs::sparse(inputs, &shape), Table::of_heads(heads, shape.columns()), shape)
    }

    fn with(inputs: Inputs<T>, targets: Vec<Table<T>>, shape: Shape) -> Self {
        Self { resets: vec![false; shape.columns()], shape, inputs, targets }
    }

    #[track_caller]
    fn column(&self, stream: usize, step: usize) -> usize {
        self.shape.column(stream, step)
    }

    /// The input of one step of one stream, to be filled in.
    ///
    /// # Panics
    /// If the stream or the step does not exist, or the inputs are lists of events.
    #[track_caller]
    pub fn input_mut(&mut self, stream: usize, step: usize) -> &mut [T] {
        let column = self.column(stream, step);
        match &mut self.inputs {
            Inputs::Dense(matrix) => {
                let rows = matrix.nrows();
                &mut matrix.as_mut_slice()[column * rows..(column + 1) * rows]
            }
            Inputs::Sparse { .. } => panic!("the inputs of this batch are lists of events: push_event adds one"),
        }
    }

    /// The input of one step of one stream.
    ///
    /// # Panics
    /// If the stream or the step does not exist, or the inputs are lists of events.
    #[track_caller]
    pub fn input(&self, stream: usize, step: usize) -> &[T] {
        let column = self.column(stream, step);
        match &self.inputs {
            Inputs::Dense(matrix) => {
                let rows = matrix.nrows();
                &matrix.as_slice()[column * rows..(column + 1) * rows]
            }
            Inputs::Sparse { .. } => panic!("the inputs of this batch are lists of events: events gives one"),
        }
    }

    /// Adds an event to a step of a stream: its input `row` is `value`, or more by `value` if the step has an event there already.
    /// The events of a stream come in the order of its steps.
    ///
    /// # Panics
    /// If the stream, the step or the row does not exist, a later step of the stream has an event already, or the inputs are a matrix.
    #[track_caller]
    #[inline(never)]
    pub fn push_event(&mut self, stream: usize, step: usize, row: usize, value: T) {
        self.column(stream, step);
        match &mut self.inputs {
            Inputs::Sparse { rows, streams } => {
                assert!(row < *rows, "row {row} of {rows} inputs");
                streams[stream].push(step, row, value);
            }
            Inputs::Dense(_) => panic!("the inputs of this batch are a matrix: input_mut gives a column"),
        }
    }

    /// The events of a step of a stream: the inputs they concern and their values.
    ///
    /// # Panics
    /// If the stream or the step does not exist, or the inputs are a matrix.
    #[track_caller]
    pub fn events(&self, stream: usize, step: usize) -> (&[u32], &[T]) {
        self.column(stream, step);
        match &self.inputs {
            Inputs::Sparse { streams, .. } => streams[stream].of_step(step),
            Inputs::Dense(_) => panic!("the inputs of this batch are a matrix: input gives a column"),
        }
    }

    /// The input of one step of one stream with its zeros, however the batch holds it.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn input_values(&self, stream: usize, step: usize) -> Vec<T> {
        self.column(stream, step);
        let mut values = vec![T::zero(); self.inputs()];
        self.copy_inputs(step, stream, &mut values);
        values
    }

    /// Whether the inputs are lists of events.
    pub fn is_sparse(&self) -> bool {
        matches!(self.inputs, Inputs::Sparse { .. })
    }

    /// The same batch with its inputs as a matrix.
    #[inline(never)]
    pub fn to_dense(&self) -> Self {
        let mut dense = Self { inputs: Inputs::dense(self.inputs(), &self.shape), ..self.clone() };
        if let Inputs::Sparse { .. } = self.inputs {
            for stream in 0..self.streams() {
                for step in 0..self.lengths()[stream] {
                    let (rows, values) = self.events(stream, step);
                    let input = dense.input_mut(stream, step);
                    rows.iter().zip(values).for_each(|(&row, &value)| input[row as usize] += value);
                }
            }
            return dense;
        }
        self.clone()
    }

    /// Resets a stream before one of its steps: it starts that step from s = 0, y = 0.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn reset_before(&mut self, stream: usize, step: usize) {
        let column = self.column(stream, step);
        self.resets[column] = true;
    }

    /// Number of sequences side by side.
    pub fn streams(&self) -> usize {
        self.shape.streams
    }

    /// Steps of the longest sequence.
    pub fn steps(&self) -> usize {
        self.shape.steps
    }

    /// Steps of each sequence.
    pub fn lengths(&self) -> &[usize] {
        &self.shape.lengths
    }

    /// Values in an input.
    pub fn inputs(&self) -> usize {
        match &self.inputs {
            Inputs::Dense(matrix) => matrix.nrows(),
            Inputs::Sparse { rows, .. } => *rows,
        }
    }

    /// Whether this stream is reset before this step.
    pub fn is_reset(&self, stream: usize, step: usize) -> bool {
        stream < self.streams() && step < self.steps() && self.resets[step * self.streams() + stream]
    }

    /// Writes the inputs of `to.len() / inputs` streams from `first` on at one step, a column each; zero where a stream has ended.
    pub(crate) fn copy_inputs(&self, step: usize, first: usize, to: &mut [T]) {
        let start = step * self.streams() + first;
        match &self.inputs {
            Inputs::Dense(matrix) => {
                let start = start * matrix.nrows();
                to.copy_from_slice(&matrix.as_slice()[start..start + to.len()]);
            }
            Inputs::Sparse { rows, streams } => {
                to.fill(T::zero());
                for (column, list) in to.chunks_exact_mut(*rows).zip(&streams[first..]) {
                    let (rows, values) = list.of_step(step);
                    rows.iter().zip(values).for_each(|(&row, &value)| column[row as usize] += value);
                }
            }
        }
    }

    /// The events of the column of a stream that has not ended; nothing if the inputs are a matrix.
    pub(crate) fn listed(&self, step: usize, stream: usize) -> Option<(&[u32], &[T])> {
        match &self.inputs {
            Inputs::Dense(_) => None,
            Inputs::Sparse { streams, .. } => Some(streams[stream].of_step(step)),
        }
    }

    /// The same batch in another scalar type.
    pub fn cast<U: Real>(&self) -> SequenceBatch<U> {
        SequenceBatch {
            shape: self.shape.clone(),
            inputs: self.inputs.cast(),
            targets: self.targets.iter().map(Table::cast).collect(),
            resets: self.resets.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_matrix_hold_the_same_inputs() {
        let mut batch = SequenceBatch::<f32>::sparse(5, 1, TargetKind::Classes, &[4, 2]);
        batch.push_event(0, 1, 3, 2.0);
        batch.push_event(1, 0, 4, 1.0);
        batch.push_event(0, 1, 3, 0.5);
        batch.push_event(0, 3, 0, 1.0);
        assert_eq!(batch.events(0, 0), (&[][..], &[][..]));
        assert_eq!(batch.events(0, 1), (&[3, 3][..], &[2.0, 0.5][..]));
        assert_eq!(batch.events(0, 2).0.len() + batch.events(1, 1).0.len(), 0);
        let dense = batch.to_dense();
        assert_eq!(dense.input(0, 1), [0.0, 0.0, 0.0, 2.5, 0.0]);
        assert_eq!(dense.input(0, 3), [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(!dense.is_sparse() && batch.is_sparse() && dense.to_dense() == dense);
        for step in 0..4 {
            let (mut listed, mut copied) = ([9.0; 10], [9.0; 10]);
            batch.copy_inputs(step, 0, &mut listed);
            dense.copy_inputs(step, 0, &mut copied);
            assert_eq!(listed, copied);
        }
        assert_eq!(batch.cast::<f64>().to_dense(), dense.cast::<f64>());
    }

    #[test]
    #[should_panic(expected = "step 1 is over")]
    fn events_come_in_order() {
        let mut batch = SequenceBatch::<f32>::sparse(5, 1, TargetKind::Classes, &[4]);
        batch.push_event(0, 2, 3, 2.0);
        batch.push_event(0, 1, 3, 2.0);
    }
}
