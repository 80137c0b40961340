//! A batch from rows of numbers, one a step: nothing to be counted beforehand, and nothing to be mixed up.

use super::{SequenceBatch, TargetKind};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

impl<T: Real> SequenceBatch<T> {
    /// Sequences of rows of inputs with a row of values for each step as its target: `inputs[stream][step]` and `targets[stream][step]`. Sequences
    /// may differ in length, rows may not; a step whose target is an empty row has none.
    ///
    /// ```
    /// use ostl_core::SequenceBatch;
    ///
    /// let long = ([[0.0, 1.0], [0.5, 0.0], [1.0, 1.0]], [vec![], vec![], vec![0.3]]);
    /// let short = ([[1.0, 0.0]], [vec![0.1]]);
    /// let batch = SequenceBatch::of_values(&[&long.0[..], &short.0[..]], &[&long.1[..], &short.1[..]])?;
    /// assert_eq!((batch.inputs(), batch.outputs(), batch.lengths(), batch.target_count()), (2, 1, &[3, 1][..], 2));
    /// # Ok::<(), ostl_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If there are no rows, rows differ in length, or a sequence does not have as many targets as inputs; the error names sequence and step.
    pub fn of_values<R: AsRef<[T]>, V: AsRef<[T]>>(
        inputs: &[impl AsRef<[R]>],
        targets: &[impl AsRef<[V]>],
    ) -> Result<Self, ConfigError> {
        let rows = |sequence: usize| targets.get(sequence).map_or(&[][..], |targets| targets.as_ref());
        let all = (0..targets.len()).flat_map(rows);
        let outputs = all.map(|row| row.as_ref().len()).find(|&length| length > 0);
        let Some(outputs) = outputs else {
            return Err(ConfigError::out_of_range("targets", "[]", "rows of values, one at the least not empty"));
        };
        let mut batch =
            Self::of_inputs(inputs, targets.len(), |sequence| rows(sequence).len(), (outputs, TargetKind::Values))?;
        for sequence in 0..targets.len() {
            for (step, row) in rows(sequence).iter().map(AsRef::as_ref).enumerate().filter(|(_, row)| !row.is_empty()) {
                check_row("target", sequence, step, row.len(), outputs)?;
                batch.values_mut(sequence, step).copy_from_slice(row);
            }
        }
        Ok(batch)
    }

    /// Sequences of rows of inputs with a class for each step, one of `classes`, or none: `inputs[stream][step]` and `targets[stream][step]`.
    ///
    /// ```
    /// use ostl_core::SequenceBatch;
    ///
    /// let batch = SequenceBatch::of_classes(&[[[0.0], [1.0]]], &[[None, Some(2)]], 3)?;
    /// assert_eq!((batch.inputs(), batch.outputs(), batch.target_count()), (1, 3, 1));
    /// # Ok::<(), ostl_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`of_values`](SequenceBatch::of_values), and if a class is out of range.
    pub fn of_classes<R: AsRef<[T]>>(
        inputs: &[impl AsRef<[R]>],
        targets: &[impl AsRef<[Option<usize>]>],
        classes: usize,
    ) -> Result<Self, ConfigError> {
        let of = |sequence: usize| targets.get(sequence).map_or(&[][..], |targets| targets.as_ref());
        let mut batch =
            Self::of_inputs(inputs, targets.len(), |sequence| of(sequence).len(), (classes, TargetKind::Classes))?;
        for sequence in 0..targets.len() {
            for (step, &class) in of(sequence).iter().enumerate() {
                let Some(class) = class else { continue };
                if class >= classes {
                    let field = format!("target of sequence {sequence}, step {step}");
                    return Err(ConfigError::out_of_range(field, class, format!("a class below {classes}")));
                }
                batch.set_class(sequence, step, class);
            }
        }
        Ok(batch)
    }

    /// The inputs alone, beside `sequences` sequences of targets, of the lengths that `targets` gives.
    fn of_inputs<R: AsRef<[T]>>(
        inputs: &[impl AsRef<[R]>],
        sequences: usize,
        targets: impl Fn(usize) -> usize,
        (outputs, kind): (usize, TargetKind),
    ) -> Result<Self, ConfigError> {
        if inputs.len() != sequences {
            let allowed = format!("as many as sequences of inputs: {}", inputs.len());
            return Err(ConfigError::out_of_range("sequences of targets", sequences, allowed));
        }
        let lengths: Vec<usize> = inputs.iter().map(|sequence| sequence.as_ref().len()).collect();
        let first = inputs.iter().find_map(|sequence| sequence.as_ref().first()).map(|row| row.as_ref().len());
        let Some(width) = first.filter(|&width| width > 0) else {
            return Err(ConfigError::out_of_range("inputs", "[]", "rows of values, one a step"));
        };
        let mut batch = Self::new(width, outputs, kind, &lengths);
        for (sequence, rows) in inputs.iter().map(AsRef::as_ref).enumerate() {
            if targets(sequence) != rows.len() {
                let field = format!("targets of sequence {sequence}");
                let allowed = format!("as many as its steps: {}", rows.len());
                return Err(ConfigError::out_of_range(field, targets(sequence), allowed));
            }
            for (step, row) in rows.iter().map(AsRef::as_ref).enumerate() {
                check_row("input", sequence, step, row.len(), width)?;
                batch.input_mut(sequence, step).copy_from_slice(row);
            }
        }
        Ok(batch)
    }
}

/// Refuses a row that is longer or shorter than others.
fn check_row(what: &str, sequence: usize, step: usize, found: usize, expected: usize) -> Result<(), ConfigError> {
    if found == expected {
        return Ok(());
    }
    let field = format!("values of the {what} at sequence {sequence}, step {step}");
    Err(ConfigError::out_of_range(field, found, format!("as many as in other steps: {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::target::Target;

    #[test]
    fn rows_are_where_they_were_given() {
        let inputs = [vec![[1.0, 2.0], [3.0, 4.0]], vec![[5.0, 6.0]]];
        let batch = SequenceBatch::of_values(&inputs, &[vec![vec![], vec![0.5, 0.25]], vec![vec![1.0, 2.0]]]).unwrap();
        assert_eq!((batch.input(0, 1), batch.input(1, 0)), ([3.0, 4.0].as_slice(), [5.0, 6.0].as_slice()));
        assert_eq!((batch.target(0, 0), batch.target(0, 1)), (None, Some(Target::Values(&[0.5, 0.25]))));
        let batch = SequenceBatch::of_classes(&inputs, &[vec![Some(1), None], vec![Some(0)]], 2).unwrap();
        assert_eq!((batch.target(0, 0), batch.target(0, 1)), (Some(Target::Class(1)), None));
        assert_eq!(batch.lengths(), [2, 1]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let says = |batch: Result<SequenceBatch<f64>, ConfigError>, words: &str| {
            let error = batch.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        let inputs = [vec![vec![1.0], vec![2.0]]];
        let none: [Vec<Vec<f64>>; 0] = [];
        says(SequenceBatch::of_values(&inputs, &none), "targets = []");
        says(SequenceBatch::of_values(&none, &none), "targets = []");
        says(
            SequenceBatch::of_values(&inputs, &[vec![vec![1.0]]]),
            "targets of sequence 0 = 1: must be as many as its steps: 2",
        );
        says(SequenceBatch::of_values(&inputs, &[vec![vec![1.0], vec![1.0, 2.0]]]), "the target at sequence 0, step 1 = 2");
        says(
            SequenceBatch::of_classes(&inputs, &[vec![Some(0), Some(3)]], 3),
            "target of sequence 0, step 1 = 3: must be a class below 3",
        );
        let ragged = [vec![vec![1.0], vec![2.0, 3.0]]];
        says(SequenceBatch::of_classes(&ragged, &[vec![None, None]], 3), "the input at sequence 0, step 1 = 2");
        says(
            SequenceBatch::of_classes(&none, &[[None]], 3),
            "sequences of targets = 1: must be as many as sequences of inputs: 0",
        );
    }
}
