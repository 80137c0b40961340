//! The machine and the command line, in a line each: what a figure is worth nothing without.

use std::fs;

/// `AMD EPYC 7763 (2 cores, avx2), linux x86_64`.
pub(crate) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    let instructions = ostl_core::instructions().unwrap_or("unknown instructions");
    let processor = processor().unwrap_or_else(|| "unknown processor".to_owned());
    format!("{processor} ({cores}, {instructions}), {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// What was typed, quoted where a shell would need it.
pub(crate) fn command() -> String {
    let quoted = |word: String| {
        let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=,:@+%".contains(letter);
        if !word.is_empty() && word.chars().all(is_plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let words = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("ostl".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The most that this process has had in memory, MiB; Linux says so.
pub(crate) fn peak_mib() -> Option<f64> {
    ostl_bench::memory::resident_kib("VmHWM").ok().map(|kib| kib as f64 / 1024.0)
}

/// The processor's name, where the system has a file that says so (Linux).
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned()).filter(|name| !name.is_empty())
}
