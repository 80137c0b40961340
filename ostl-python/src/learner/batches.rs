//! Whole sequences side by side: made into a batch, and learned from, evaluated, or only shown to the network.

use ostl_core::{Head, Learner, SequenceBatch, TargetKind};
use pyo3::prelude::*;

use super::steps::block_array;
use crate::arrays::{Scalar, Values, array, floats, integers, is_integer, truths, written, wrong_shape};
use crate::errors::{of_learn, refuse};
use crate::inputs::input;
use crate::score::Score;
use crate::targets::{check_names, class, part};

/// A batch as Python gives it: streams first, then steps.
pub(super) struct Given<'a, 'py> {
    pub(super) inputs: &'a Bound<'py, PyAny>,
    pub(super) targets: Option<&'a Bound<'py, PyAny>>,
    pub(super) lengths: Option<&'a Bound<'py, PyAny>>,
    pub(super) mask: Option<&'a Bound<'py, PyAny>>,
    pub(super) weights: Option<&'a Bound<'py, PyAny>>,
    pub(super) resets: Option<&'a Bound<'py, PyAny>>,
}

/// The shape of a batch, and which steps have a target.
struct Frame<'a> {
    streams: usize,
    steps: usize,
    lengths: &'a [usize],
    mask: Option<&'a [bool]>,
    weights: Option<&'a [f64]>,
}

impl Frame<'_> {
    /// Every step of every sequence that may have a target.
    fn places(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        let all = self.lengths.iter().enumerate().flat_map(|(stream, &length)| (0..length).map(move |step| [stream, step]));
        all.filter(|&[stream, step]| self.mask.is_none_or(|mask| mask[stream * self.steps + step]))
    }

    fn weight<T: Scalar>(&self, [stream, step]: [usize; 2]) -> Option<T> {
        self.weights.map(|weights| T::from_f64(weights[stream * self.steps + step]))
    }
}

pub(super) fn work<'py, T: Scalar>(
    py: Python<'py>,
    learner: &mut Learner<T>,
    work: &str,
    given: &Given<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut batch = given.batch(learner)?;
    let learned = |error| of_learn("inputs", error);
    let score = match work {
        "learn" => py.detach(|| learner.learn_batch(&batch)).map_err(learned)?,
        "learn_next" => py.detach(|| learner.learn_next(&batch)).map_err(learned)?,
        "evaluate" => py.detach(|| learner.evaluate_batch(&batch)).map_err(learned)?,
        "gradient" => return gradient(py, learner, &batch),
        "outputs" => return outputs(py, learner, &mut batch),
        other => return Err(refuse("work", other)),
    };
    Ok(Bound::new(py, Score::from(score))?.into_any())
}

fn gradient<'py, T: Scalar>(
    py: Python<'py>,
    learner: &mut Learner<T>,
    batch: &SequenceBatch<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let found = py.detach(|| learner.gradient(batch).map(|(score, gradient)| (score, gradient.to_vec())));
    let (score, values) = found.map_err(|error| of_learn("inputs", error))?;
    let dict = pyo3::types::PyDict::new(py);
    for block in learner.network().blocks() {
        let name = format!("layers.{}.{}", block.layer, block.name);
        dict.set_item(name, block_array(py, block, &values[block.range()])?)?;
    }
    Ok((Score::from(score), dict).into_pyobject(py)?.into_any())
}

/// The outputs at every step: targets of no meaning make the network show them.
fn outputs<'py, T: Scalar>(
    py: Python<'py>,
    learner: &mut Learner<T>,
    batch: &mut SequenceBatch<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let (streams, steps, outputs) = (batch.streams(), batch.steps(), learner.network().outputs());
    let ranges: Vec<(String, usize)> = {
        let mut first = 0;
        let range = |head: &Head<T>| {
            first += head.outputs();
            (head.name().to_owned(), first - head.outputs())
        };
        learner.heads().iter().map(range).collect()
    };
    for (stream, length) in batch.lengths().to_vec().into_iter().enumerate() {
        for step in 0..length {
            for head in learner.heads().iter() {
                let is_class = head.loss().target_kind() == TargetKind::Classes;
                match (is_class, head.name()) {
                    (true, "") => batch.set_class(stream, step, 0),
                    (true, name) => batch.head_mut(name).set_class(stream, step, 0),
                    (false, "") => batch.values_mut(stream, step).fill(T::zero()),
                    (false, name) => batch.head_mut(name).values_mut(stream, step).fill(T::zero()),
                }
            }
        }
    }
    let mut values = vec![T::zero(); streams * steps * outputs];
    let shown = py.detach(|| {
        learner.evaluate_batch_with(batch, |said| {
            let first = ranges.iter().find(|(name, _)| name == said.head).map_or(0, |(_, first)| *first);
            let at = (said.stream * steps + said.step) * outputs + first;
            values[at..at + said.outputs.len()].copy_from_slice(said.outputs);
        })
    });
    shown.map_err(|error| of_learn("inputs", error))?;
    array(py, &[streams, steps, outputs], values)
}

impl<'py> Given<'_, 'py> {
    /// The batch for a learner, everything checked.
    pub(super) fn batch<T: Scalar>(&self, learner: &Learner<T>) -> PyResult<SequenceBatch<T>> {
        let network = learner.network();
        let inputs = network.inputs();
        if network.plan().events && is_integer(self.inputs) {
            let events = integers("inputs", self.inputs)?;
            let &[streams, steps] = events.shape() else {
                return Err(wrong_shape("inputs", "(streams, steps) of the one input that is 1", events.shape()));
            };
            let lengths = self.lengths([streams, steps])?;
            let mut batch = SequenceBatch::sparse_for_heads(inputs, learner.heads(), &lengths);
            for (stream, events) in events.slice()?.chunks_exact(steps.max(1)).enumerate() {
                for (step, &event) in events.iter().take(lengths[stream]).enumerate() {
                    batch.push_event(stream, step, input("inputs", event, inputs)?, T::one());
                }
            }
            return self.filled(learner, batch, [streams, steps], &lengths);
        }
        let values = floats::<T>("inputs", self.inputs)?;
        let &[streams, steps, found] = values.shape() else {
            return Err(wrong_shape("inputs", &format!("(streams, steps, {inputs})"), values.shape()));
        };
        if found != inputs {
            return Err(wrong_shape("inputs", &format!("(streams, steps, {inputs})"), values.shape()));
        }
        let lengths = self.lengths([streams, steps])?;
        let mut batch = SequenceBatch::for_heads(inputs, learner.heads(), &lengths);
        for (stream, rows) in values.slice()?.chunks_exact((steps * inputs).max(1)).enumerate() {
            for (step, row) in rows.chunks_exact(inputs).take(lengths[stream]).enumerate() {
                batch.input_mut(stream, step).copy_from_slice(row);
            }
        }
        self.filled(learner, batch, [streams, steps], &lengths)
    }

    /// Steps of each sequence.
    fn lengths(&self, [streams, steps]: [usize; 2]) -> PyResult<Vec<usize>> {
        let Some(given) = self.lengths else { return Ok(vec![steps; streams]) };
        let lengths = integers("lengths", given)?;
        if lengths.shape() != [streams] {
            return Err(wrong_shape("lengths", &written(&[streams]), lengths.shape()));
        }
        let read = |&length: &i64| match usize::try_from(length) {
            Ok(length) if length <= steps => Ok(length),
            _ => Err(refuse("lengths", format!("expected 0 to {steps} steps, found {length}"))),
        };
        lengths.slice()?.iter().map(read).collect()
    }

    /// The batch with its targets, weights and resets.
    fn filled<T: Scalar>(
        &self,
        learner: &Learner<T>,
        mut batch: SequenceBatch<T>,
        [streams, steps]: [usize; 2],
        lengths: &[usize],
    ) -> PyResult<SequenceBatch<T>> {
        let flags = |name: &str, given: Option<&Bound<'py, PyAny>>| {
            let values = given.map(|given| truths(name, given)).transpose()?;
            match &values {
                Some(values) if values.shape() != [streams, steps] => {
                    Err(wrong_shape(name, &format!("{} (streams, steps)", written(&[streams, steps])), values.shape()))
                }
                _ => Ok(values),
            }
        };
        let (mask, resets) = (flags("mask", self.mask)?, flags("resets", self.resets)?);
        let weights = self.weights.map(|given| floats::<f64>("weights", given)).transpose()?;
        if let Some(weights) = &weights {
            if weights.shape() != [streams, steps] {
                return Err(wrong_shape("weights", &written(&[streams, steps]), weights.shape()));
            }
            if let Some(weight) = weights.slice()?.iter().find(|weight| !weight.is_finite() || **weight < 0.0) {
                return Err(refuse("weights", format!("expected finite numbers of at least 0, found {weight}")));
            }
        }
        let mask = mask.as_ref().map(Values::slice).transpose()?;
        let weights = weights.as_ref().map(Values::slice).transpose()?;
        let frame = Frame { streams, steps, lengths, mask, weights };
        if let Some(resets) = &resets {
            for (at, _) in resets.slice()?.iter().enumerate().filter(|(_, resets)| **resets) {
                let (stream, step) = (at / steps, at % steps);
                if step < lengths[stream] {
                    batch.reset_before(stream, step);
                }
            }
        }
        let names: Vec<&str> = learner.heads().iter().map(Head::name).collect();
        if names != [""] {
            check_names("targets", self.targets, &names)?;
        }
        for head in learner.heads().iter() {
            if let Some(given) = part("targets", self.targets, head)? {
                fill_head(&mut batch, &given, head, &frame)?;
            }
        }
        Ok(batch)
    }
}

/// Writes the targets of one head.
fn fill_head<T: Scalar>(
    batch: &mut SequenceBatch<T>,
    given: &Bound<'_, PyAny>,
    head: &Head<T>,
    frame: &Frame<'_>,
) -> PyResult<()> {
    let (outputs, [streams, steps]) = (head.outputs(), [frame.streams, frame.steps]);
    // Where the target of a step is, or of the last step of a sequence where there is one for each.
    let at_end = |[stream, step]: [usize; 2]| step + 1 == frame.lengths[stream];
    if head.loss().target_kind() == TargetKind::Classes {
        let classes = integers("targets", given)?;
        let shape = classes.shape();
        let of_steps = shape == [streams, steps];
        if !of_steps && shape != [streams] {
            let expected = format!(
                "{} (streams, steps), or {} for the last step of each",
                written(&[streams, steps]),
                written(&[streams])
            );
            return Err(wrong_shape("targets", &expected, shape));
        }
        let classes = classes.slice()?;
        for place in frame.places().filter(|&place| of_steps || at_end(place)) {
            let [stream, step] = place;
            let value = if of_steps { classes[stream * steps + step] } else { classes[stream] };
            let Some(class) = class("targets", value, outputs)? else { continue };
            match head.name() {
                "" => batch.set_class(stream, step, class),
                name => batch.head_mut(name).set_class(stream, step, class),
            }
            set_weight(batch, head, place, frame);
        }
        return Ok(());
    }
    let values = floats::<T>("targets", given)?;
    let shape = values.shape();
    let of_steps = shape == [streams, steps, outputs] || outputs == 1 && steps != 1 && shape == [streams, steps];
    if !of_steps && shape != [streams, outputs] && !(outputs == 1 && shape == [streams]) {
        let expected = format!(
            "{} (streams, steps, outputs), or {} for the last step of each",
            written(&[streams, steps, outputs]),
            written(&[streams, outputs])
        );
        return Err(wrong_shape("targets", &expected, shape));
    }
    let values = values.slice()?;
    for place in frame.places().filter(|&place| of_steps || at_end(place)) {
        let [stream, step] = place;
        let row = if of_steps { stream * steps + step } else { stream };
        let to = match head.name() {
            "" => batch.values_mut(stream, step),
            name => {
                batch.head_mut(name).values_mut(stream, step).copy_from_slice(&values[row * outputs..(row + 1) * outputs]);
                set_weight(batch, head, place, frame);
                continue;
            }
        };
        to.copy_from_slice(&values[row * outputs..(row + 1) * outputs]);
        set_weight(batch, head, place, frame);
    }
    Ok(())
}

fn set_weight<T: Scalar>(batch: &mut SequenceBatch<T>, head: &Head<T>, place: [usize; 2], frame: &Frame<'_>) {
    let [stream, step] = place;
    match (frame.weight(place), head.name()) {
        (None, _) => {}
        (Some(weight), "") => batch.set_weight(stream, step, weight),
        (Some(weight), name) => batch.head_mut(name).set_weight(stream, step, weight),
    }
}
