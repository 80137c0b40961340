//! The targets without cargo-fuzz: files of the corpus, damaged as a seed says, one after the other for a given number of seconds.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::memory;
use crate::mutation::input;
use crate::targets::Target;

/// What an input may take beside 200 times its size, in bytes: tables, and small files that unpack to a megabyte.
const SMALL: usize = 64 << 20;
/// The longest that an input may take.
const LONGEST: Duration = Duration::from_secs(5);
/// After this many findings a target is left.
const ENOUGH: usize = 5;

struct Options {
    seconds: u64,
    seed: u64,
    from: u64,
    count: u64,
    keep: bool,
    files: Vec<PathBuf>,
}

const USAGE: &str = "usage: [--seconds N] [--seed N] [--from NUMBER] [--count N] [--keep-seeds] [FILE…]
  --seconds N     damage files for so long a target (20)
  --seed N        what the damage is drawn from (1)
  --from, --count the first input, and how many at most: to repeat one that was named
  --keep-seeds    write the files that are made anew every time to corpus/, for cargo-fuzz
  FILE…           read these files as they are instead";

/// Runs some targets as the command line says; the status is 1 if anything was found.
pub fn main(targets: &[Target]) -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // What is found is reported below, in a line.
    std::panic::set_hook(Box::new(|_| ()));
    let findings: usize = targets.iter().map(|target| run(target, &options)).sum();
    ExitCode::from(u8::from(findings > 0))
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { seconds: 20, seed: 1, from: 0, count: u64::MAX, keep: false, files: Vec::new() };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{argument} {value}: not a number"))
        };
        match argument.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--from" => options.from = number()?,
            "--count" => options.count = number()?,
            "--keep-seeds" => options.keep = true,
            flag if flag.starts_with('-') => return Err(format!("{flag} is unknown")),
            file => options.files.push(file.into()),
        }
    }
    Ok(options)
}

/// Runs a target and says what was found, and how often.
fn run(target: &Target, options: &Options) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = (target.made)();
    if options.keep {
        let corpus = folder.join("corpus").join(target.name);
        let written = fs::create_dir_all(&corpus).and_then(|()| {
            files.iter().enumerate().try_for_each(|(number, bytes)| fs::write(corpus.join(format!("made-{number}")), bytes))
        });
        written.expect("corpus/ can be written");
    }
    files.extend(kept(&folder.join("corpus").join(target.name)));
    assert!(!files.is_empty(), "{}: no file to start from", target.name);
    let as_they_are: Vec<Vec<u8>> = options
        .files
        .iter()
        .map(|path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect();
    let (start, mut number, mut findings, mut peak) = (Instant::now(), options.from, 0, 0);
    let end = options.from.saturating_add(options.count);
    loop {
        let alone = !options.files.is_empty();
        let done = if alone { number >= as_they_are.len() as u64 } else { start.elapsed().as_secs() >= options.seconds };
        if done || number >= end || findings >= ENOUGH {
            break;
        }
        // The first inputs are the files as they are.
        let bytes = match (alone, files.get(number as usize)) {
            (true, _) => as_they_are[number as usize].clone(),
            (false, Some(file)) => file.clone(),
            (false, None) => input(&files, options.seed, number),
        };
        let room = SMALL + 200 * bytes.len();
        let before = memory::held();
        memory::allow(room, options.seed, number);
        let began = Instant::now();
        let result = catch_unwind(|| (target.read)(&bytes));
        let took = began.elapsed();
        peak = peak.max(memory::stop().saturating_sub(before));
        let finding = match result {
            Err(panic) => Some(format!("panics: {}", words(panic.as_ref()))),
            Ok(()) if took > LONGEST => Some(format!("takes {:.1} s", took.as_secs_f64())),
            Ok(()) => None,
        };
        if let Some(what) = finding {
            findings += 1;
            let place = folder.join("artifacts").join(target.name).join(format!("{}-{number}", options.seed));
            let saved = place.parent().map(fs::create_dir_all).transpose().and_then(|_| fs::write(&place, &bytes));
            let place = saved.map_or_else(|error| error.to_string(), |()| place.display().to_string());
            println!("{}: input {number} of seed {} {what}; {place}", target.name, options.seed);
        }
        number += 1;
    }
    let inputs = number - options.from;
    let (seconds, megabytes) = (start.elapsed().as_secs_f64(), peak as f64 / 1e6);
    println!("{}: {inputs} inputs in {seconds:.0} s, {findings} findings, {megabytes:.1} MB at most", target.name);
    findings
}

/// The files of a folder, in the order of their names.
fn kept(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// What a panic says.
fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
