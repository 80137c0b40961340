//! A split as an archive of arrays of NumPy.

use std::io::{Seek, Write};

use ostl_core::{Target, TargetKind};

use super::part::Place;
use super::write::{Failure, Sequences};
use crate::numpy::ArchiveWriter;

/// Targets, and the steps that have one, of all sequences, padded.
#[derive(Default)]
struct Collected {
    classes: Vec<i32>,
    values: Vec<f32>,
    there: Vec<bool>,
}

pub(super) fn split(sequences: &Sequences<'_>, place: Place, to: impl Write + Seek) -> Result<(), Failure> {
    let lengths: Vec<usize> = (0..sequences.len()).map(|sequence| sequences.steps(sequence)).collect();
    let (count, steps) = (lengths.len(), lengths.iter().copied().max().unwrap_or(0));
    let (inputs, outputs) = (sequences.task.inputs(), sequences.task.outputs());
    let mut archive = ArchiveWriter::new(to);
    let mut collected = Collected::default();

    let mut array = archive.begin::<f32>("inputs", &[count, steps, inputs])?;
    for (sequence, &length) in lengths.iter().enumerate() {
        let batch = sequences.get(sequence)?;
        for step in 0..length {
            array.extend(batch.input_values(0, step))?;
        }
        array.extend(std::iter::repeat_n(0.0, (steps - length) * inputs))?;
        let asked = match place {
            Place::End => length - 1..length,
            Place::EachStep => 0..steps,
        };
        for step in asked {
            match batch.target(0, step) {
                Some(Target::Class(class)) => collected.classes.push(class as i32),
                Some(Target::Values(values)) => collected.values.extend(values),
                None => {
                    collected.classes.push(0);
                    collected.values.extend(std::iter::repeat_n(0.0, outputs));
                }
            }
            // Beyond a sequence's end the mask says nothing that `lengths` does not.
            collected.there.push(step >= length || batch.has_target(0, step));
        }
    }
    array.finish()?;

    let mut shape = match place {
        Place::End => vec![count],
        Place::EachStep => vec![count, steps],
    };
    if place == Place::EachStep && collected.there.contains(&false) {
        archive.put("mask", &shape, collected.there)?;
    }
    match sequences.task.loss().target_kind() {
        TargetKind::Classes => archive.put("targets", &shape, collected.classes)?,
        TargetKind::Values => {
            shape.push(outputs);
            archive.put("targets", &shape, collected.values)?;
        }
    }
    if lengths.iter().any(|&length| length < steps) {
        archive.put("lengths", &[count], lengths.iter().map(|&length| length as i64))?;
    }
    Ok(archive.finish()?)
}
