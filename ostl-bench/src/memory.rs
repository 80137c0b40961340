//! What Linux reports of this process's memory.

use std::fs;

const STATUS: &str = "/proc/self/status";

/// A line of `/proc/self/status` in KiB: `VmHWM` is the most that was resident since the last [`forget_peak`], `RssAnon` what is
/// resident without the pages of files, whose number differs a little from run to run.
///
/// # Errors
/// If there is no such file (it is Linux's) or no such line in it.
pub fn resident_kib(name: &str) -> Result<u64, String> {
    let status = fs::read_to_string(STATUS)
        .map_err(|error| format!("{STATUS}: {error}; resident memory is read there, on Linux only"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib =
        value.and_then(|value| value.trim().strip_suffix("kB")).ok_or_else(|| format!("{STATUS} has no line {name}"))?;
    kib.trim().parse().map_err(|_| format!("{STATUS}: {name} is {kib}, not a number"))
}

/// Starts the peak over from what is resident now. Where the system does not let us, the peak stays that of the whole process.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
