//! One point of the first picture, measured in a process of its own, so that the peak of its memory is its own.

use std::error::Error;
use std::process::Command;
use std::time::Instant;

use ostl_bench::memory::resident_kib;
use ostl_bench::{LOSS, batch, cell, draws, network};
use ostl_core::{LearnError, Learner, Method, OptimizerSettings, Target};

pub(crate) const INPUTS: usize = 32;
pub(crate) const UNITS: usize = 64;
pub(crate) const CLASSES: usize = 8;
const WINDOW: usize = 20;

/// The argument that asks this program for a point.
pub(crate) const FLAG: &str = "--point";

/// Steps of a stream before the clock starts.
const WARM_UP: usize = 10 * WINDOW;

/// How a sequence is learned from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Step by step, in windows with local traces; nothing is kept but the learner.
    Stream,
    /// By BPTT over all of it; timed at the second time, when the memory is there.
    Whole,
}

impl Way {
    const ALL: [Self; 2] = [Self::Stream, Self::Whole];

    pub(crate) fn label(self) -> String {
        match self {
            Self::Stream => format!("local carry, K = {WINDOW}"),
            Self::Whole => "BPTT over the whole sequence".into(),
        }
    }
}

/// What was measured.
pub(crate) struct Point {
    /// Of a step.
    pub(crate) milliseconds: f64,
    /// The most memory that the process had.
    pub(crate) peak_kib: u64,
}

impl Point {
    pub(crate) fn mebibytes(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    /// The fastest of `runs` runs, each in a fresh process.
    pub(crate) fn best_of(runs: usize, way: Way, steps: usize) -> Result<Self, Box<dyn Error>> {
        let mut best = Self::ask(way, steps)?;
        for _ in 1..runs {
            let point = Self::ask(way, steps)?;
            if point.milliseconds < best.milliseconds {
                best = point;
            }
        }
        Ok(best)
    }

    fn ask(way: Way, steps: usize) -> Result<Self, Box<dyn Error>> {
        let output = Command::new(std::env::current_exe()?).args([FLAG, &way.label(), &steps.to_string()]).output()?;
        if !output.status.success() {
            return Err(format!("{}, {steps} steps: {}", way.label(), String::from_utf8_lossy(&output.stderr)).into());
        }
        let answer = String::from_utf8(output.stdout)?;
        let (milliseconds, peak) = answer.trim().split_once(' ').ok_or_else(|| format!("not an answer: {answer}"))?;
        Ok(Self { milliseconds: milliseconds.parse()?, peak_kib: peak.parse()? })
    }
}

/// Measures a point and prints it for the process that started it.
pub(crate) fn answer(way: &str, steps: &str) -> Result<(), Box<dyn Error>> {
    let steps: usize = steps.parse()?;
    let way = Way::ALL.into_iter().find(|known| known.label() == way).ok_or("no such way to learn")?;
    let seconds = match way {
        Way::Stream => stream(steps)?,
        Way::Whole => whole(steps)?,
    };
    println!("{} {}", seconds * 1e3 / steps as f64, resident_kib("VmHWM")?);
    Ok(())
}

fn learner(method: Method) -> Result<Learner<f32>, Box<dyn Error>> {
    // So slow a rate that the network stays what it is, however long the sequence.
    Ok(Learner::new(network(cell("lstm"), INPUTS, UNITS, CLASSES), LOSS, method, OptimizerSettings::sgd(1e-9), 1)?)
}

fn stream(steps: usize) -> Result<f64, Box<dyn Error>> {
    let mut learner = learner(Method::ostl_without_h().with_window(WINDOW))?;
    let mut next = draws(1);
    let mut input = [0.0; INPUTS];
    let mut step = || -> Result<(), LearnError> {
        input.fill_with(|| (next() % 2001) as f32 / 1000.0 - 1.0);
        learner.predict(&input)?;
        learner.learn(&[Some(Target::Class((next() % CLASSES as u64) as usize))])?;
        Ok(())
    };
    (0..WARM_UP).try_for_each(|_| step())?;
    let start = Instant::now();
    (0..steps).try_for_each(|_| step())?;
    Ok(start.elapsed().as_secs_f64())
}

fn whole(steps: usize) -> Result<f64, Box<dyn Error>> {
    let mut learner = learner(Method::bptt())?;
    let batch = batch(INPUTS, CLASSES, steps, 1);
    learner.learn_batch(&batch)?;
    let start = Instant::now();
    learner.learn_batch(&batch)?;
    Ok(start.elapsed().as_secs_f64())
}
