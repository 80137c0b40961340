//! A split as JSON Lines.

use std::io::Write;

use ostl_core::{SequenceBatch, Target};

use super::part::Place;
use super::write::{Failure, Sequences};

pub(super) fn split(sequences: &Sequences<'_>, place: Place, mut to: impl Write) -> Result<(), Failure> {
    for sequence in 0..sequences.len() {
        let batch = sequences.get(sequence)?;
        to.write_all(b"{\"inputs\":[")?;
        for step in 0..batch.steps() {
            separate(step, &mut to)?;
            values(&batch.input_values(0, step), &mut to)?;
        }
        match place {
            Place::End => {
                to.write_all(b"],\"target\":")?;
                target(&batch, batch.steps() - 1, &mut to)?;
                to.write_all(b"}\n")?;
            }
            Place::EachStep => {
                to.write_all(b"],\"targets\":[")?;
                for step in 0..batch.steps() {
                    separate(step, &mut to)?;
                    target(&batch, step, &mut to)?;
                }
                to.write_all(b"]}\n")?;
            }
        }
    }
    Ok(to.flush()?)
}

fn separate(step: usize, to: &mut impl Write) -> Result<(), Failure> {
    if step > 0 {
        to.write_all(b",")?;
    }
    Ok(())
}

fn target(batch: &SequenceBatch<f32>, step: usize, to: &mut impl Write) -> Result<(), Failure> {
    match batch.target(0, step) {
        None => Ok(to.write_all(b"null")?),
        Some(Target::Class(class)) => Ok(write!(to, "{class}")?),
        Some(Target::Values(list)) => values(list, to),
    }
}

/// The shortest decimals that give the same numbers back, whole numbers without a point.
fn values(list: &[f32], to: &mut impl Write) -> Result<(), Failure> {
    to.write_all(b"[")?;
    for (index, value) in list.iter().enumerate() {
        separate(index, to)?;
        write!(to, "{value}")?;
    }
    Ok(to.write_all(b"]")?)
}
