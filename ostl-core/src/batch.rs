//! Sequences side by side: what a task hands to a learner.

use nalgebra::DMatrix;

use crate::loss::Target;
use crate::real::Real;

/// What the readout should have said.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets<T: Real> {
    /// The index of the right class, one per column ([`Loss::SoftmaxCrossEntropy`](crate::Loss::SoftmaxCrossEntropy)).
    Classes(Vec<usize>),
    /// One value per output, `outputs × columns` (the other losses).
    Values(DMatrix<T>),
}

/// Which of the two kinds of [`Targets`] a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class of so many.
    Classes,
    /// A value for each of so many outputs.
    Values,
}

/// Several sequences (streams) side by side, ragged at the end: stream b has `lengths()[b]` steps.
///
/// Everything is stored in columns: the column of step t and stream b is `t·streams + b`. A step without a target is masked.
/// A stream may be reset before any step. The engine is fastest when the longest sequences come first.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceBatch<T: Real> {
    streams: usize,
    steps: usize,
    outputs: usize,
    inputs: DMatrix<T>,
    targets: Targets<T>,
    has_target: Vec<bool>,
    resets: Vec<bool>,
    lengths: Vec<usize>,
}

impl<T: Real> SequenceBatch<T> {
    /// Zero inputs, no targets, no resets; stream b has `lengths[b]` steps of `inputs` values; the readout has `outputs`.
    pub fn new(inputs: usize, outputs: usize, kind: TargetKind, lengths: &[usize]) -> Self {
        let streams = lengths.len();
        let steps = lengths.iter().copied().max().unwrap_or(0);
        let columns = streams * steps;
        Self {
            streams,
            steps,
            outputs,
            inputs: DMatrix::zeros(inputs, columns),
            targets: match kind {
                TargetKind::Classes => Targets::Classes(vec![0; columns]),
                TargetKind::Values => Targets::Values(DMatrix::zeros(outputs, columns)),
            },
            has_target: vec![false; columns],
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
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn input_mut(&mut self, stream: usize, step: usize) -> &mut [T] {
        let column = self.column(stream, step);
        let rows = self.inputs.nrows();
        &mut self.inputs.as_mut_slice()[column * rows..(column + 1) * rows]
    }

    /// The input of one step of one stream.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn input(&self, stream: usize, step: usize) -> &[T] {
        let column = self.column(stream, step);
        let rows = self.inputs.nrows();
        &self.inputs.as_slice()[column * rows..(column + 1) * rows]
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
        self.inputs.nrows()
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

    /// Whether this stream is reset before this step.
    pub fn is_reset(&self, stream: usize, step: usize) -> bool {
        stream < self.streams && step < self.steps && self.resets[step * self.streams + stream]
    }

    /// The inputs of `count` streams from `first` on at one step, `inputs × count`.
    pub(crate) fn step_inputs(&self, step: usize, first: usize, count: usize) -> &[T] {
        let rows = self.inputs.nrows();
        let start = (step * self.streams + first) * rows;
        &self.inputs.as_slice()[start..start + count * rows]
    }

    /// The same batch in another scalar type.
    pub fn cast<U: Real>(&self) -> SequenceBatch<U> {
        let cast = |matrix: &DMatrix<T>| matrix.map(|value| U::from_f64(value.to_f64()));
        SequenceBatch {
            streams: self.streams,
            steps: self.steps,
            outputs: self.outputs,
            inputs: cast(&self.inputs),
            targets: match &self.targets {
                Targets::Classes(classes) => Targets::Classes(classes.clone()),
                Targets::Values(values) => Targets::Values(cast(values)),
            },
            has_target: self.has_target.clone(),
            resets: self.resets.clone(),
            lengths: self.lengths.clone(),
        }
    }
}
