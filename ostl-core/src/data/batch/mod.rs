//! Sequences side by side: what a task hands to a learner.

mod finite;
mod from_rows;
mod inputs;

use std::ops::Range;

use nalgebra::DMatrix;

pub use crate::data::target::TargetKind;
use crate::data::target::{Target, Weighted};
use crate::linalg::real::Real;

pub(crate) use finite::Place;
use inputs::{EventList, Inputs};

/// What the readout should have said.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets<T: Real> {
    /// The index of the right class, one per column ([`Loss::SoftmaxCrossEntropy`](crate::Loss::SoftmaxCrossEntropy)).
    Classes(Vec<usize>),
    /// One value per output, `outputs × columns` (the other losses).
    Values(DMatrix<T>),
}

impl<T: Real> Targets<T> {
    /// Which of the two kinds these are.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Classes(_) => TargetKind::Classes,
            Self::Values(_) => TargetKind::Values,
        }
    }
}

/// Several sequences (streams) side by side, ragged at the end: stream b has `lengths()[b]` steps.
///
/// Everything is stored in columns: the column of step t and stream b is `t·streams + b`. A step without a target is masked.
/// A stream may be reset before any step. The engine is fastest when the longest sequences come first.
///
/// Inputs are a matrix, or, in a batch made with [`sparse`](SequenceBatch::sparse), lists of events: what is not listed is zero. A word
/// among 33,278 is one event, and a network whose first layer can do so reads the lists as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceBatch<T: Real> {
    streams: usize,
    steps: usize,
    outputs: usize,
    inputs: Inputs<T>,
    targets: Targets<T>,
    has_target: Vec<bool>,
    /// Of each target beside others; empty where all count alike.
    weights: Vec<T>,
    resets: Vec<bool>,
    lengths: Vec<usize>,
}

impl<T: Real> SequenceBatch<T> {
    /// Zero inputs, no targets, no resets; stream b has `lengths[b]` steps of `inputs` values; the readout has `outputs`.
    #[inline(never)]
    pub fn new(inputs: usize, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let columns = lengths.len() * lengths.iter().copied().max().unwrap_or(0);
        Self::with_inputs(Inputs::Dense(DMatrix::zeros(inputs, columns)), outputs, kind, lengths)
    }

    /// The same with inputs as lists of events, none yet: see [`push_event`](SequenceBatch::push_event).
    #[inline(never)]
    pub fn sparse(inputs: usize, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let streams = lengths.iter().map(|_| EventList::new()).collect();
        Self::with_inputs(Inputs::Sparse { rows: inputs, streams }, outputs, kind, lengths)
    }

    fn with_inputs(inputs: Inputs<T>, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let streams = lengths.len();
        let steps = lengths.iter().copied().max().unwrap_or(0);
        let columns = streams * steps;
        Self {
            streams,
            steps,
            outputs,
            inputs,
            targets: match kind {
                TargetKind::Classes => Targets::Classes(vec![0; columns]),
                TargetKind::Values => Targets::Values(DMatrix::zeros(outputs, columns)),
            },
            has_target: vec![false; columns],
            weights: Vec::new(),
            resets: vec![false; columns],
            lengths: lengths.to_vec(),
        }
    }

    #[track_caller]
    fn column(&self, stream: usize, step: usize) -> usize {
        assert!(
            stream < self.streams && step < self.lengths[stream],
            "stream {stream}, step {step}: the batch has {} streams and this one {} steps",
            self.streams,
            self.lengths.get(stream).copied().unwrap_or(0)
        );
        step * self.streams + stream
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
        let mut dense =
            Self { inputs: Inputs::Dense(DMatrix::zeros(self.inputs(), self.streams * self.steps)), ..self.clone() };
        if let Inputs::Sparse { .. } = self.inputs {
            for stream in 0..self.streams {
                for step in 0..self.lengths[stream] {
                    let (rows, values) = self.events(stream, step);
                    let input = dense.input_mut(stream, step);
                    rows.iter().zip(values).for_each(|(&row, &value)| input[row as usize] += value);
                }
            }
            return dense;
        }
        self.clone()
    }

    /// Sets the class that is right at one step of one stream.
    ///
    /// # Panics
    /// If the stream or step does not exist, the class is out of range, or the batch holds values.
    #[track_caller]
    pub fn set_class(&mut self, stream: usize, step: usize, class: usize) {
        let column = self.column(stream, step);
        assert!(class < self.outputs, "class {class} of {}", self.outputs);
        match &mut self.targets {
            Targets::Classes(classes) => classes[column] = class,
            Targets::Values(_) => panic!("this batch holds values, not classes"),
        }
        self.has_target[column] = true;
    }

    /// The target values of one step of one stream, to be filled in; the step counts as having a target from now on.
    ///
    /// # Panics
    /// If the stream or step does not exist, or the batch holds classes.
    #[track_caller]
    pub fn values_mut(&mut self, stream: usize, step: usize) -> &mut [T] {
        let column = self.column(stream, step);
        self.has_target[column] = true;
        let outputs = self.outputs;
        match &mut self.targets {
            Targets::Values(values) => &mut values.as_mut_slice()[column * outputs..(column + 1) * outputs],
            Targets::Classes(_) => panic!("this batch holds classes, not values"),
        }
    }

    /// Takes the target of one step away again.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn mask(&mut self, stream: usize, step: usize) {
        let column = self.column(stream, step);
        self.has_target[column] = false;
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
        self.streams
    }

    /// Steps of the longest sequence.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Steps of each sequence.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Values in an input.
    pub fn inputs(&self) -> usize {
        match &self.inputs {
            Inputs::Dense(matrix) => matrix.nrows(),
            Inputs::Sparse { rows, .. } => *rows,
        }
    }

    /// Outputs that the targets are made for.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of targets in the batch.
    pub fn target_count(&self) -> usize {
        self.has_target.iter().filter(|&&there| there).count()
    }

    /// The targets, one column a step and stream.
    pub fn targets(&self) -> &Targets<T> {
        &self.targets
    }

    /// Whether this step of this stream has a target. `false` past the end of the stream.
    pub fn has_target(&self, stream: usize, step: usize) -> bool {
        stream < self.streams && step < self.steps && self.has_target[step * self.streams + stream]
    }

    /// Whether any of these streams has a target at any of these steps.
    pub(crate) fn has_targets(&self, streams: Range<usize>, mut steps: Range<usize>) -> bool {
        steps.any(|step| streams.clone().any(|stream| self.has_target(stream, step)))
    }

    /// The target of this step of this stream, if it has one.
    pub fn target(&self, stream: usize, step: usize) -> Option<Target<'_, T>> {
        self.has_target(stream, step).then(|| {
            let column = step * self.streams + stream;
            match &self.targets {
                Targets::Classes(classes) => Target::Class(classes[column]),
                Targets::Values(values) => {
                    Target::Values(&values.as_slice()[column * self.outputs..(column + 1) * self.outputs])
                }
            }
        })
    }

    /// The same with its weight.
    pub fn weighted_target(&self, stream: usize, step: usize) -> Option<Weighted<'_, T>> {
        let weight = self.weights.get(step * self.streams + stream).copied().unwrap_or(T::one());
        self.target(stream, step).map(|target| Weighted { target, weight })
    }

    /// How much the target of this step of this stream counts beside others: its loss and learning signal are multiplied by that. 1 for
    /// targets that were not given a weight.
    ///
    /// # Panics
    /// If the stream or the step does not exist, or the weight is negative or not finite.
    #[track_caller]
    pub fn set_weight(&mut self, stream: usize, step: usize, weight: T) {
        assert!(weight.is_finite() && weight >= T::zero(), "a weight of {weight:?}, expected a finite number, 0 or more");
        let column = self.column(stream, step);
        if self.weights.is_empty() {
            self.weights = vec![T::one(); self.streams * self.steps];
        }
        self.weights[column] = weight;
    }

    /// Whether this stream is reset before this step.
    pub fn is_reset(&self, stream: usize, step: usize) -> bool {
        stream < self.streams && step < self.steps && self.resets[step * self.streams + stream]
    }

    /// Writes the inputs of `to.len() / inputs` streams from `first` on at one step, a column each; zero where a stream has ended.
    pub(crate) fn copy_inputs(&self, step: usize, first: usize, to: &mut [T]) {
        let start = step * self.streams + first;
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
        let cast = |matrix: &DMatrix<T>| matrix.map(|value| U::from_f64(value.to_f64()));
        SequenceBatch {
            streams: self.streams,
            steps: self.steps,
            outputs: self.outputs,
            inputs: match &self.inputs {
                Inputs::Dense(matrix) => Inputs::Dense(cast(matrix)),
                Inputs::Sparse { rows, streams } => {
                    Inputs::Sparse { rows: *rows, streams: streams.iter().map(EventList::cast).collect() }
                }
            },
            targets: match &self.targets {
                Targets::Classes(classes) => Targets::Classes(classes.clone()),
                Targets::Values(values) => Targets::Values(cast(values)),
            },
            has_target: self.has_target.clone(),
            weights: self.weights.iter().map(|weight| U::from_f64(weight.to_f64())).collect(),
            resets: self.resets.clone(),
            lengths: self.lengths.clone(),
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
