//! A split as an archive of arrays of NumPy.

use std::io::{self, Seek, Write};

use npyz::{AutoSerialize, NpyWriter, WriteOptions, WriterBuilder};
use ostl_core::{Target, TargetKind};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::part::Place;
use super::write::{Failure, Sequences};

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
    let mut archive = ZipWriter::new(to);
    let mut collected = Collected::default();

    begin(&mut archive, "inputs")?;
    let mut array = array::<f32, _>(&mut archive, &[count, steps, inputs])?;
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
        whole(&mut archive, "mask", &shape, collected.there)?;
    }
    match sequences.task.loss().target_kind() {
        TargetKind::Classes => whole(&mut archive, "targets", &shape, collected.classes)?,
        TargetKind::Values => {
            shape.push(outputs);
            whole(&mut archive, "targets", &shape, collected.values)?;
        }
    }
    if lengths.iter().any(|&length| length < steps) {
        whole(&mut archive, "lengths", &[count], lengths.iter().map(|&length| length as i64))?;
    }
    archive.finish().map_err(io::Error::from)?.flush()?;
    Ok(())
}

/// Begins a member. It is not packed: what packs more than 200 times is not read again.
fn begin(archive: &mut ZipWriter<impl Write + Seek>, name: &str) -> Result<(), Failure> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    Ok(archive.start_file(format!("{name}.npy"), options).map_err(io::Error::from)?)
}

/// Writes an array's header; its numbers are to follow.
fn array<T: AutoSerialize, W: Write>(to: W, shape: &[usize]) -> io::Result<NpyWriter<T, impl Write + use<T, W>>> {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    WriteOptions::new().default_dtype().shape(&shape).writer(to).begin_nd()
}

/// Writes an array.
fn whole<T: AutoSerialize>(
    archive: &mut ZipWriter<impl Write + Seek>,
    name: &str,
    shape: &[usize],
    numbers: impl IntoIterator<Item = T>,
) -> Result<(), Failure> {
    begin(archive, name)?;
    let mut array = array::<T, _>(archive, shape)?;
    array.extend(numbers)?;
    Ok(array.finish()?)
}
