//! The inputs of a batch: a matrix, or lists of what is other than zero.

use nalgebra::DMatrix;

use super::targets::Shape;
use crate::linalg::real::Real;

/// What goes into a network.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Inputs<T: Real> {
    /// One column per step and stream.
    Dense(DMatrix<T>),
    /// Of `rows` rows, one list per stream.
    Sparse { rows: usize, streams: Vec<EventList<T>> },
}

impl<T: Real> Inputs<T> {
    /// A matrix of zeros.
    pub(super) fn dense(rows: usize, shape: &Shape) -> Self {
        Self::Dense(DMatrix::zeros(rows, shape.columns()))
    }

    /// Lists without an event.
    pub(super) fn sparse(rows: usize, shape: &Shape) -> Self {
        Self::Sparse { rows, streams: shape.lengths.iter().map(|_| EventList::new()).collect() }
    }

    pub(super) fn cast<U: Real>(&self) -> Inputs<U> {
        match self {
            Self::Dense(matrix) => Inputs::Dense(matrix.map(|value| U::from_f64(value.to_f64()))),
            Self::Sparse { rows, streams } => {
                Inputs::Sparse { rows: *rows, streams: streams.iter().map(EventList::cast).collect() }
            }
        }
    }
}

/// The events of one stream in the order of its steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventList<T> {
    /// Where the events of each step begun so far start.
    starts: Vec<u32>,
    rows: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> EventList<T> {
    fn new() -> Self {
        Self { starts: Vec::new(), rows: Vec::new(), values: Vec::new() }
    }

    /// Adds an event, not earlier than the last one.
    #[track_caller]
    pub(super) fn push(&mut self, step: usize, row: usize, value: T) {
        assert!(step + 1 >= self.starts.len(), "events come in the order of their steps, and step {step} is over");
        let next = self.rows.len() as u32;
        self.starts.resize(step + 1, next);
        self.rows.push(row as u32);
        self.values.push(value);
    }

    /// The events of a step: rows and values.
    pub(super) fn of_step(&self, step: usize) -> (&[u32], &[T]) {
        let start_of = |step: usize| self.starts.get(step).map_or(self.rows.len(), |&start| start as usize);
        let range = start_of(step)..start_of(step + 1);
        (&self.rows[range.clone()], &self.values[range])
    }

    /// The values of all events.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    fn cast<U: Real>(&self) -> EventList<U> {
        EventList {
            starts: self.starts.clone(),
            rows: self.rows.clone(),
            values: self.values.iter().map(|value| U::from_f64(value.to_f64())).collect(),
        }
    }
}
