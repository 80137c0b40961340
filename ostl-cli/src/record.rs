//! `ostl record`: a sequence as a run's network goes through it, for programs that draw or work with it.

use std::borrow::Cow;
use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use ostl_core::Carry;
use ostl_tasks::numpy::ArchiveWriter;

use crate::arguments::{RecordArguments, What};
use crate::failure::UsageError;
use crate::made_file;
use crate::names::counted;
use crate::output::Out;
use crate::recording::{self, Course, Recording, TargetCourse, Wanted};
use crate::runs::Subject;
use crate::train::in_pool;

pub(crate) fn run(arguments: &RecordArguments) -> Result<()> {
    let to = arguments.out.clone().unwrap_or_else(|| arguments.run.join("recording.npz"));
    made_file::check_free(&to, arguments.force)?;
    let Subject { config, source, task, network } = Subject::open(&arguments.run, arguments.data.as_deref())?;
    let wants = |what| arguments.what.contains(&what);
    let wanted = Wanted {
        outputs: wants(What::Spikes),
        states: wants(What::State),
        traces: wants(What::Trace),
        signals: wants(What::Signal),
    };
    let method = config.method();
    if wanted.traces && matches!(method.carry, Carry::None) {
        let problem =
            "--what trace: the run carries nothing from window to window (method.carry = \"none\"), so it has no traces";
        return Err(UsageError::Other(problem.into()).into());
    }
    let (split, index, count) = (arguments.split, arguments.sequence, task.sequences(arguments.split));
    if index >= count {
        let problem = format!("--sequence {index}: the {split} split of `{}` has {count} sequences, from 0", task.name());
        return Err(UsageError::Other(problem).into());
    }
    let objective = config.objective(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    let recording = in_pool(config.threads, || -> Result<Recording> {
        let batch = recording::sequence(task.as_ref(), split, index, arguments.steps.map(Into::into));
        recording::record(network, objective, &method, &batch, wanted)
    })??;
    let arrays = arrays(&recording);
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = ArchiveWriter::new(&mut bytes);
    for array in &arrays {
        archive.put(&array.name, &array.shape, array.values.iter().copied())?;
    }
    archive.finish()?;
    let bytes = bytes.into_inner();
    made_file::write(&to, &bytes, arguments.force).context("nothing was recorded")?;
    let mut out = Out::new();
    writeln!(
        out,
        "{}: {} of sequence {index} of the {split} split, {} bytes",
        to.display(),
        counted(recording.steps, "step"),
        bytes.len()
    )?;
    for Array { name, shape, .. } in &arrays {
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        writeln!(out, "  {name}  {shape}")?;
    }
    Ok(out.flush()?)
}

/// An array of the archive; the first index is the step.
struct Array<'a> {
    name: String,
    shape: Vec<usize>,
    values: Cow<'a, [f32]>,
}

impl<'a> Array<'a> {
    fn of(name: impl Into<String>, steps: usize, course: &'a Course) -> Self {
        let shape = std::iter::once(steps).chain(course.shape.iter().copied()).collect();
        Self { name: name.into(), shape, values: Cow::Borrowed(&course.values) }
    }
}

/// Everything that was recorded, by the names that the book lists.
fn arrays(recording: &Recording) -> Vec<Array<'_>> {
    let steps = recording.steps;
    let targets = match &recording.targets {
        TargetCourse::Values(course) => Array::of("targets", steps, course),
        TargetCourse::Classes(classes) => {
            let number = |class: &Option<usize>| class.map_or(f32::NAN, |class| class as f32);
            Array { name: "targets".into(), shape: vec![steps], values: classes.iter().map(number).collect() }
        }
    };
    let losses = Array { name: "losses".into(), shape: vec![steps], values: Cow::Borrowed(&recording.losses) };
    let mut arrays = vec![
        Array::of("inputs", steps, &recording.inputs),
        targets,
        Array::of("predictions", steps, &recording.predictions),
        losses,
    ];
    for layer in &recording.layers {
        let parts = [("y", &layer.outputs), ("s", &layer.states), ("signal", &layer.signals)];
        for (part, course) in parts.into_iter().filter_map(|(part, course)| Some((part, course.as_ref()?))) {
            arrays.push(Array::of(format!("layers.{}.{part}", layer.layer), steps, course));
        }
    }
    arrays.extend(recording.traces.iter().map(|(name, course)| Array::of(name, steps, course)));
    arrays
}
