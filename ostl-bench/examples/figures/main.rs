//! Measures and draws two pictures: time and memory of an endless stream beside those of backpropagation through all of it, and
//! the time of a gradient by the window's length K. The points are printed as well.
//!
//! `cargo run --release -p ostl-bench --example figures -- [--quick] [OUT_DIR]`; OUT_DIR is `docs` unless given. All on one
//! thread, the fastest of three runs; with `--quick`, few points of one run each.

mod picture;
mod point;

use std::error::Error;
use std::path::{Path, PathBuf};

use ostl_bench::cases::{Case, Units};
use ostl_bench::{gradient, windows};
use ostl_core::Carry;
use picture::{Axis, BLUE, GREEN, Line, Panel, RED, draw};
use point::{CLASSES, INPUTS, Point, UNITS, Way};

const LENGTHS: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const QUICK_LENGTHS: usize = 3;
/// A whole sequence is tried if it is not longer, and if memory in proportion to the one before stays below 4 GiB.
const LONGEST_WHOLE: usize = 100_000;
const MEMORY_KIB: u64 = 4 << 20;
const WINDOWS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];
const QUICK_WINDOWS: [usize; 2] = [1, 20];
const CASES: [&str; 3] = ["music", "spikes", "wide"];
const RUNS: usize = 3;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    // Inside the pool, so that work is not handed over from outside it.
    pool.install(|| run(&arguments).map_err(|error| error.to_string())).map_err(Into::into)
}

fn run(arguments: &[String]) -> Outcome {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (quick, folder) = match arguments[..] {
        [point::FLAG, way, steps] => return point::answer(way, steps),
        ["--quick"] => (true, "docs"),
        ["--quick", folder] => (true, folder),
        [] => (false, "docs"),
        [folder] if !folder.starts_with('-') => (false, folder),
        _ => return Err("usage: figures [--quick] [OUT_DIR]".into()),
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    time_and_memory(quick, &folder.join("time-and-memory.svg"))?;
    time_by_window(quick, &folder.join("time-by-window.svg"))
}

fn time_and_memory(quick: bool, path: &Path) -> Outcome {
    let (lengths, runs) = if quick { (&LENGTHS[..QUICK_LENGTHS], 1) } else { (&LENGTHS[..], RUNS) };
    println!("{:>9}  {:28}  {:>11}  {:>16}", "T (steps)", "method", "ms per step", "peak memory, MiB");
    let mut times = Vec::new();
    let mut memories = Vec::new();
    for (way, color) in [(Way::Stream, BLUE), (Way::Whole, RED)] {
        let mut points: Vec<(usize, Point)> = Vec::new();
        for &steps in lengths {
            let expected = points.last().map_or(0, |(before, point)| point.peak_kib * steps as u64 / *before as u64);
            if way == Way::Whole && (steps > LONGEST_WHOLE || expected > MEMORY_KIB) {
                break;
            }
            let point = Point::best_of(runs, way, steps)?;
            println!("{steps:9}  {:28}  {:11.5}  {:16.2}", way.label(), point.milliseconds, point.mebibytes());
            points.push((steps, point));
        }
        let line = |value: fn(&Point) -> f64| {
            Line::new(&way.label(), color, points.iter().map(|(steps, point)| (*steps as f64, value(point))).collect())
        };
        times.push(line(|point| point.milliseconds));
        memories.push(line(Point::mebibytes));
    }
    println!();
    let steps = Axis::new("steps T of the sequence", lengths.iter().map(|&steps| steps as f64).collect());
    let panel = |title: &str, label: &str, lines| Panel::new(title, steps.clone(), label, lines);
    let title = format!("LSTM of {UNITS} units, {INPUTS} inputs, {CLASSES} classes, one stream, one thread");
    let panels =
        [panel("Time of a step", "milliseconds per step", times), panel("Memory", "peak resident memory, MiB", memories)];
    draw(path, &title, &panels)
}

fn time_by_window(quick: bool, path: &Path) -> Outcome {
    let (lengths, runs) = if quick { (&QUICK_WINDOWS[..], 1) } else { (&WINDOWS[..], RUNS) };
    println!("{:>9}  {:28}  {:>11}", "K (steps)", "case", "ms");
    let mut lines = Vec::new();
    for (name, color) in CASES.into_iter().zip([BLUE, RED, GREEN]) {
        let case = Case::all().into_iter().find(|case| case.name == name).ok_or("a case has another name")?;
        let mut points: Vec<(f64, f64)> = Vec::new();
        for &window in lengths {
            let row = gradient::time(&case, Units::Snu { recurrent: false }, windows(window, Carry::Local), runs)?;
            println!("{:9}  {name:28}  {:11.2}", row.window, row.ms);
            points.push((row.window as f64, row.ms));
        }
        let Case { inputs, units, outputs, steps, .. } = case;
        let label = format!("{name}: {inputs}–{units}–{outputs}, T = {steps}");
        lines.push(Line::new(&label, color, points));
    }
    let axis = Axis::new("steps K of a window", lengths.iter().map(|&window| window as f64).collect());
    let panel = Panel::new("SNU without H, local carry, one thread", axis, "milliseconds of one gradient", lines);
    draw(path, "Time of one gradient by the window's length", &[panel])
}
