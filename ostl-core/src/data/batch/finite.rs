//! Where a batch holds a number that is infinite or NaN.

use super::{Inputs, SequenceBatch, Targets};
use crate::data::target::Target;
use crate::linalg::real::{Real, all_finite};

/// A place in a batch, and what stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place<T> {
    pub(crate) stream: usize,
    pub(crate) step: usize,
    /// Which of the inputs or outputs.
    pub(crate) row: usize,
    pub(crate) value: T,
}

impl<T: Real> SequenceBatch<T> {
    /// The first input that is not finite, step after step, stream after stream.
    pub(crate) fn first_broken_input(&self) -> Option<Place<T>> {
        let is_sound = match &self.inputs {
            Inputs::Dense(matrix) => all_finite(matrix.as_slice()),
            Inputs::Sparse { streams, .. } => streams.iter().all(|list| all_finite(list.values())),
        };
        if is_sound {
            return None;
        }
        self.places().find_map(|(stream, step)| match &self.inputs {
            Inputs::Dense(_) => broken(stream, step, self.input(stream, step)),
            Inputs::Sparse { .. } => {
                let (rows, values) = self.events(stream, step);
                broken(stream, step, values).map(|place| Place { row: rows[place.row] as usize, ..place })
            }
        })
    }

    /// The first value of a target that is not finite, and the number of its head.
    pub(crate) fn first_broken_target(&self) -> Option<(usize, Place<T>)> {
        self.targets.iter().enumerate().find_map(|(head, table)| {
            match &table.targets {
                Targets::Values(values) if !all_finite(values.as_slice()) => {}
                _ => return None,
            }
            let place = self.places().find_map(|(stream, step)| match table.target(step * self.streams() + stream) {
                Some(Target::Values(values)) => broken(stream, step, values),
                _ => None,
            });
            place.map(|place| (head, place))
        })
    }

    /// Every step of every stream.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let steps = (0..self.steps()).flat_map(|step| (0..self.streams()).map(move |stream| (stream, step)));
        steps.filter(|&(stream, step)| step < self.lengths()[stream])
    }
}

fn broken<T: Real>(stream: usize, step: usize, values: &[T]) -> Option<Place<T>> {
    let row = values.iter().position(|value| !value.is_finite())?;
    Some(Place { stream, step, row, value: values[row] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::batch::TargetKind;

    #[test]
    fn what_is_broken_is_found_where_it_is() {
        let mut dense = SequenceBatch::<f32>::new(3, 2, TargetKind::Values, &[4, 2]);
        assert_eq!(dense.first_broken_input(), None);
        dense.input_mut(1, 1)[2] = f32::INFINITY;
        dense.input_mut(0, 3)[0] = f32::NAN;
        let place = Place { stream: 1, step: 1, row: 2, value: f32::INFINITY };
        assert_eq!(dense.first_broken_input(), Some(place));

        let mut sparse = SequenceBatch::<f32>::sparse(3, 2, TargetKind::Values, &[4, 2]);
        sparse.push_event(1, 0, 1, 1.0);
        sparse.push_event(1, 1, 0, 1.0);
        assert_eq!(sparse.first_broken_input(), None);
        sparse.push_event(1, 1, 2, f32::INFINITY);
        assert_eq!(sparse.first_broken_input(), Some(place));

        dense.values_mut(0, 2)[1] = f32::NEG_INFINITY;
        let place = Place { stream: 0, step: 2, row: 1, value: f32::NEG_INFINITY };
        assert_eq!(dense.first_broken_target(), Some((0, place)));
        dense.mask(0, 2);
        assert_eq!(dense.first_broken_target(), None, "nobody learns from a step without a target");
    }
}
