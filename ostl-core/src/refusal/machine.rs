//! How much memory can still be had: what the machine has free, and what this process is allowed.
//!
//! Linux reports it: `MemAvailable` of `/proc/meminfo`, the limits of the control groups that the process is in (a container's, a job's),
//! and its own limit of address space. Elsewhere that much is allocated at once and freed unused.

#[cfg(not(target_os = "linux"))]
use std::alloc::Layout;
use std::path::Path;

/// Requests up to this size are not checked.
const LITTLE: u64 = 64 << 20;
/// Of what is free one part in this many is left to others.
const LEFT: u64 = 16;

/// Whether this many bytes can be had; if not, how many can.
///
/// # Errors
/// The bytes that can be had.
pub(crate) fn can_have(bytes: u64) -> Result<(), u64> {
    if bytes <= LITTLE {
        return Ok(());
    }
    match available() {
        Some(available) if bytes > available => Err(available),
        _ => Ok(()),
    }
}

/// Bytes that can be had now, as far as the system reports.
#[cfg(target_os = "linux")]
pub(super) fn available() -> Option<u64> {
    available_under(Path::new("/")).map(|free| free - free / LEFT)
}

/// Without anybody to ask, whatever is likely to be granted.
#[cfg(not(target_os = "linux"))]
pub(super) fn available() -> Option<u64> {
    let is_granted = |bytes: u64| {
        usize::try_from(bytes).is_ok_and(|bytes| {
            Layout::from_size_align(bytes, 16).is_ok() && Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
        })
    };
    (16..u64::BITS).rev().map(|power| 1_u64 << power).find(|&bytes| is_granted(bytes)).map(|free| free - free / LEFT)
}

/// What the files of a Linux system say whose root is this folder.
fn available_under(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path.trim_start_matches('/'))).ok();
    let free = read("proc/meminfo").and_then(|text| line_of(&text, "MemAvailable:")).map(|kib| kib.saturating_mul(1024));
    let memberships = read("proc/self/cgroup").unwrap_or_default();
    let groups = memberships.lines().filter_map(|line| group(line, &read)).min();
    let may = read("proc/self/limits").and_then(|text| line_of(&text, "Max address space"));
    let has = read("proc/self/status").and_then(|text| line_of(&text, "VmSize:")).unwrap_or(0).saturating_mul(1024);
    [free, groups, may.map(|may| may.saturating_sub(has))].into_iter().flatten().min()
}

/// The number behind a word in the line that begins with it, if there is one.
fn line_of(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.split_whitespace().next()?.parse().ok())
}

/// What is left of the narrowest limit of one membership, a line of `/proc/self/cgroup`: `0::/a/b` (version 2) or `4:memory:/a/b`. A process
/// in a container may see a path from outside, which is not there; then the folder's root counts.
fn group(line: &str, read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (root, limit, usage, idle) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        some if some.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        }
        _ => return None,
    };
    let paths = std::iter::successors(Some(path.trim_end_matches('/')), |path| path.rfind('/').map(|end| &path[..end]));
    let left = |path: &str| {
        let number = |file: &str| read(&format!("{root}{path}/{file}"))?.trim().parse::<u64>().ok();
        let limit = number(limit)?;
        // Files that were read long ago stay in memory for as long as it is not needed.
        let files = read(&format!("{root}{path}/memory.stat")).and_then(|text| line_of(&text, &format!("{idle} ")));
        Some(limit.saturating_sub(number(usage)?.saturating_sub(files.unwrap_or(0))))
    };
    paths.filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system of these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    4000 kB\n");
    const LIMITS: &str = "Limit Soft Hard Units\nMax cpu time unlimited unlimited seconds\nMax address space         ";

    #[test]
    fn the_narrowest_limit_counts() {
        let of = |files: &[(&str, &str)]| available_under(system(files).path());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[MEMINFO]), Some(4000 << 10));
        let unlimited = format!("{LIMITS}unlimited unlimited bytes\n");
        assert_eq!(of(&[MEMINFO, ("proc/self/limits", &unlimited)]), Some(4000 << 10));
        let limited = format!("{LIMITS}3000000 unlimited bytes\n");
        let status = ("proc/self/status", "Name: x\nVmSize:     1000 kB\n");
        assert_eq!(of(&[MEMINFO, ("proc/self/limits", &limited), status]), Some(3_000_000 - 1_024_000));
        // A job within a machine's slice: the slice is narrower.
        let nested = [
            MEMINFO,
            ("proc/self/cgroup", "0::/slice/job\n"),
            ("sys/fs/cgroup/slice/job/memory.max", "2000000\n"),
            ("sys/fs/cgroup/slice/job/memory.current", "100\n"),
            ("sys/fs/cgroup/slice/memory.max", "1000000\n"),
            ("sys/fs/cgroup/slice/memory.current", "400000\n"),
            ("sys/fs/cgroup/slice/memory.stat", "anon 5\ninactive_file 300000\n"),
        ];
        assert_eq!(of(&nested), Some(900_000));
        // In a container the path is another's, and there may be no limit at all.
        let container = [
            MEMINFO,
            ("proc/self/cgroup", "0::/docker/abc\n"),
            ("sys/fs/cgroup/memory.max", "2000000\n"),
            ("sys/fs/cgroup/memory.current", "500000\n"),
        ];
        assert_eq!(of(&container), Some(1_500_000));
        assert_eq!(of(&[MEMINFO, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")]), Some(4000 << 10));
        let first_version = [
            MEMINFO,
            ("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/job\n"),
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "800000\n"),
            ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "700000\n"),
            ("sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 200000\n"),
        ];
        assert_eq!(of(&first_version), Some(300_000));
    }

    #[test]
    fn this_machine_has_some_memory_and_no_machine_has_all() {
        assert!(available().is_none_or(|bytes| bytes > 0));
        assert_eq!(can_have(1000), Ok(()));
        assert!(can_have(u64::MAX).is_err());
    }
}
