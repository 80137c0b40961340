//! The targets of a batch: a table for the readout as a whole, or one for each head.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::SequenceBatch;
use crate::data::heads::Heads;
use crate::data::target::{Target, TargetKind, Weighted};
use crate::linalg::real::Real;

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

/// How many streams of how many steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) streams: usize,
    pub(super) steps: usize,
    pub(super) lengths: Vec<usize>,
}

impl Shape {
    pub(super) fn new(lengths: &[usize]) -> Self {
        Self { streams: lengths.len(), steps: lengths.iter().copied().max().unwrap_or(0), lengths: lengths.to_vec() }
    }

    pub(super) fn columns(&self) -> usize {
        self.streams * self.steps
    }

    #[track_caller]
    pub(super) fn column(&self, stream: usize, step: usize) -> usize {
        assert!(
            stream < self.streams && step < self.lengths[stream],
            "stream {stream}, step {step}: the batch has {} streams and this one {} steps",
            self.streams,
            self.lengths.get(stream).copied().unwrap_or(0)
        );
        step * self.streams + stream
    }
}

/// The targets of one head, one column per step and stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table<T: Real> {
    /// The head's; empty where it is the readout as a whole.
    pub(super) name: Arc<str>,
    pub(super) outputs: usize,
    pub(super) targets: Targets<T>,
    pub(super) has_target: Vec<bool>,
    /// Of each target beside others; empty where all count alike.
    weights: Vec<T>,
}

impl<T: Real> Table<T> {
    /// Without a target so far.
    pub(super) fn new(name: Arc<str>, outputs: usize, kind: TargetKind, columns: usize) -> Self {
        let targets = match kind {
            TargetKind::Classes => Targets::Classes(vec![0; columns]),
            TargetKind::Values => Targets::Values(DMatrix::zeros(outputs, columns)),
        };
        Self { name, outputs, targets, has_target: vec![false; columns], weights: Vec::new() }
    }

    /// One for each head, without a target so far.
    pub(super) fn of_heads(heads: &Heads<T>, columns: usize) -> Vec<Self> {
        heads.iter().map(|head| Self::new(head.shared_name(), head.outputs(), head.loss().target_kind(), columns)).collect()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn kind(&self) -> TargetKind {
        self.targets.kind()
    }

    pub(super) fn count(&self) -> usize {
        self.has_target.iter().filter(|&&there| there).count()
    }

    /// The target of a column that exists, if it has one.
    pub(super) fn target(&self, column: usize) -> Option<Target<'_, T>> {
        self.has_target[column].then(|| match &self.targets {
            Targets::Classes(classes) => Target::Class(classes[column]),
            Targets::Values(values) => {
                Target::Values(&values.as_slice()[column * self.outputs..(column + 1) * self.outputs])
            }
        })
    }

    /// The same with its weight.
    pub(super) fn weighted(&self, column: usize) -> Option<Weighted<'_, T>> {
        let weight = self.weights.get(column).copied().unwrap_or(T::one());
        self.target(column).map(|target| Weighted { target, weight })
    }

    #[track_caller]
    pub(super) fn set_class(&mut self, column: usize, class: usize) {
        assert!(class < self.outputs, "class {class} of {}", self.outputs);
        match &mut self.targets {
            Targets::Classes(classes) => classes[column] = class,
            Targets::Values(_) => panic!("this batch holds values, not classes"),
        }
        self.has_target[column] = true;
    }

    #[track_caller]
    pub(super) fn values_mut(&mut self, column: usize) -> &mut [T] {
        let outputs = self.outputs;
        match &mut self.targets {
            Targets::Values(values) => {
                self.has_target[column] = true;
                &mut values.as_mut_slice()[column * outputs..(column + 1) * outputs]
            }
            Targets::Classes(_) => panic!("this batch holds classes, not values"),
        }
    }

    #[track_caller]
    pub(super) fn set_weight(&mut self, column: usize, weight: T) {
        assert!(weight.is_finite() && weight >= T::zero(), "a weight of {weight:?}, expected a finite number, 0 or more");
        if self.weights.is_empty() {
            self.weights = vec![T::one(); self.has_target.len()];
        }
        self.weights[column] = weight;
    }

    pub(super) fn cast<U: Real>(&self) -> Table<U> {
        let cast = |value: &T| U::from_f64(value.to_f64());
        Table {
            name: self.name.clone(),
            outputs: self.outputs,
            targets: match &self.targets {
                Targets::Classes(classes) => Targets::Classes(classes.clone()),
                Targets::Values(values) => Targets::Values(values.map(|value| cast(&value))),
            },
            has_target: self.has_target.clone(),
            weights: self.weights.iter().map(cast).collect(),
        }
    }
}

/// The targets of one head of a batch, to be filled in: [`SequenceBatch::head_mut`](crate::SequenceBatch::head_mut).
#[derive(Debug)]
pub struct HeadTargets<'a, T: Real> {
    pub(super) shape: &'a Shape,
    pub(super) table: &'a mut Table<T>,
}

impl<T: Real> HeadTargets<'_, T> {
    /// Sets the class that is right at one step of one stream.
    ///
    /// # Panics
    /// If the stream or step does not exist, the class is out of the head's range, or the head's loss is one of values.
    #[track_caller]
    pub fn set_class(&mut self, stream: usize, step: usize, class: usize) {
        self.table.set_class(self.shape.column(stream, step), class);
    }

    /// The target values of one step of one stream, one for each output of the head, to be filled in; the step counts as having a target from now on.
    ///
    /// # Panics
    /// If the stream or step does not exist, or the head's loss is one of classes.
    #[track_caller]
    pub fn values_mut(&mut self, stream: usize, step: usize) -> &mut [T] {
        self.table.values_mut(self.shape.column(stream, step))
    }

    /// How much the head's target of this step of this stream counts beside others, as [`SequenceBatch::set_weight`](crate::SequenceBatch::set_weight).
    ///
    /// # Panics
    /// If the stream or the step does not exist, or the weight is negative or not finite.
    #[track_caller]
    pub fn set_weight(&mut self, stream: usize, step: usize, weight: T) {
        self.table.set_weight(self.shape.column(stream, step), weight);
    }

    /// Takes the head's target of one step away again.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn mask(&mut self, stream: usize, step: usize) {
        self.table.has_target[self.shape.column(stream, step)] = false;
    }
}

impl<T: Real> SequenceBatch<T> {
    /// The targets where there is one for the readout as a whole, or one head.
    #[track_caller]
    fn table(&self) -> &Table<T> {
        assert!(self.targets.len() == 1, "this batch has several heads: head_target gives the target of one");
        &self.targets[0]
    }

    #[track_caller]
    fn table_mut(&mut self) -> HeadTargets<'_, T> {
        assert!(self.targets.len() == 1, "this batch has several heads: head_mut gives the targets of one");
        HeadTargets { shape: &self.shape, table: &mut self.targets[0] }
    }

    /// The targets of a head, to be filled in.
    ///
    /// # Panics
    /// If the batch was not made [for heads](SequenceBatch::for_heads), or none of them has this name.
    #[track_caller]
    pub fn head_mut(&mut self, name: &str) -> HeadTargets<'_, T> {
        let index = self.index(name);
        HeadTargets { shape: &self.shape, table: &mut self.targets[index] }
    }

    /// The target of a head at this step of this stream, if it has one, with its weight.
    ///
    /// # Panics
    /// As [`head_mut`](SequenceBatch::head_mut).
    #[track_caller]
    pub fn head_target(&self, name: &str, stream: usize, step: usize) -> Option<Weighted<'_, T>> {
        self.target_of(self.index(name), stream, step)
    }

    #[track_caller]
    fn index(&self, name: &str) -> usize {
        let found = self.targets.iter().position(|table| table.name() == name && !name.is_empty());
        found.unwrap_or_else(|| {
            let names: Vec<_> = self.targets.iter().map(Table::name).collect();
            panic!("no head {name:?} among {names:?}")
        })
    }

    /// The targets of each head, or of the readout as a whole.
    pub(crate) fn tables(&self) -> &[Table<T>] {
        &self.targets
    }

    /// The target of a head, by its number, at this step of this stream.
    pub(crate) fn target_of(&self, head: usize, stream: usize, step: usize) -> Option<Weighted<'_, T>> {
        let exists = stream < self.streams() && step < self.steps();
        exists.then(|| self.targets[head].weighted(step * self.streams() + stream)).flatten()
    }

    /// Sets the class that is right at one step of one stream.
    ///
    /// # Panics
    /// If the stream or step does not exist, the class is out of range, or the batch holds values or has several heads.
    #[track_caller]
    pub fn set_class(&mut self, stream: usize, step: usize, class: usize) {
        self.table_mut().set_class(stream, step, class);
    }

    /// The target values of one step of one stream, to be filled in; the step counts as having a target from now on.
    ///
    /// # Panics
    /// If the stream or step does not exist, or the batch holds classes or has several heads.
    #[track_caller]
    pub fn values_mut(&mut self, stream: usize, step: usize) -> &mut [T] {
        let column = self.column(stream, step);
        self.table_mut().table.values_mut(column)
    }

    /// Takes the target of one step away again, of every head.
    ///
    /// # Panics
    /// If the stream or the step does not exist.
    #[track_caller]
    pub fn mask(&mut self, stream: usize, step: usize) {
        let column = self.column(stream, step);
        self.targets.iter_mut().for_each(|table| table.has_target[column] = false);
    }

    /// Outputs that the targets are made for, of all heads.
    pub fn outputs(&self) -> usize {
        self.targets.iter().map(Table::outputs).sum()
    }

    /// Number of targets in the batch, of all heads.
    pub fn target_count(&self) -> usize {
        self.targets.iter().map(Table::count).sum()
    }

    /// The targets, one column a step and stream.
    ///
    /// # Panics
    /// If the batch has several heads.
    #[track_caller]
    pub fn targets(&self) -> &Targets<T> {
        &self.table().targets
    }

    /// Whether this step of this stream has a target, for any head. `false` past the end of the stream.
    pub fn has_target(&self, stream: usize, step: usize) -> bool {
        let (exists, column) = (stream < self.streams() && step < self.steps(), step * self.streams() + stream);
        exists && self.targets.iter().any(|table| table.has_target[column])
    }

    /// Whether any of these streams has a target at any of these steps.
    pub(crate) fn has_targets(&self, streams: Range<usize>, mut steps: Range<usize>) -> bool {
        steps.any(|step| streams.clone().any(|stream| self.has_target(stream, step)))
    }

    /// The target of this step of this stream, if it has one.
    ///
    /// # Panics
    /// If the batch has several heads.
    #[track_caller]
    pub fn target(&self, stream: usize, step: usize) -> Option<Target<'_, T>> {
        self.weighted_target(stream, step).map(|weighted| weighted.target)
    }

    /// The same with its weight.
    ///
    /// # Panics
    /// If the batch has several heads.
    #[track_caller]
    pub fn weighted_target(&self, stream: usize, step: usize) -> Option<Weighted<'_, T>> {
        self.table();
        self.target_of(0, stream, step)
    }

    /// How much the target of this step of this stream counts beside others: its loss and learning signal are multiplied by that. 1 for
    /// targets that were not given a weight.
    ///
    /// # Panics
    /// If the stream or the step does not exist, the weight is negative or not finite, or the batch has several heads.
    #[track_caller]
    pub fn set_weight(&mut self, stream: usize, step: usize, weight: T) {
        self.table_mut().set_weight(stream, step, weight);
    }
}
