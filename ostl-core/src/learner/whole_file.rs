//! Files that are whole or not there: written beside their place, flushed to the disk, moved there, and the folder flushed too.
//!
//! A full disk or a kill in mid-write leaves what stood there before. What a killed process leaves is a file of a name that
//! [`remove_left_over`] knows.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How the names of unfinished files end.
const UNFINISHED: &str = ".tmp";

/// Writes a whole file or nothing: `contents` writes it, beside `path` at first; then it takes the place of what stood there. Whoever the
/// user's umask lets read files may read it.
///
/// # Errors
/// What the system or `contents` says; what stood there before is then untouched, unless it was only the folder that could not be flushed.
pub fn write(path: &Path, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let begin = beginning(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(&begin).suffix(UNFINISHED);
    // Temporary files are readable by their user alone, unless set otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    let mut buffered = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    contents(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    flush_folder(folder)
}

/// Removes what processes that were killed while they wrote this file have left beside it, and says how many files that were. No process may be
/// writing it.
///
/// # Errors
/// What the system says. A folder that is not there holds nothing.
pub fn remove_left_over(path: &Path) -> io::Result<usize> {
    let begin = beginning(path)?.into_encoded_bytes();
    let entries = match fs::read_dir(folder_of(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_encoded_bytes();
        if name.starts_with(&begin) && name.ends_with(UNFINISHED.as_bytes()) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// How the names of a file's unfinished versions begin.
fn beginning(path: &Path) -> io::Result<OsString> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, format!("{}: is no name of a file", path.display()));
    let name = path.file_name().ok_or_else(no_name)?;
    let mut begin = OsString::from(".");
    begin.push(name);
    begin.push("-");
    Ok(begin)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Sees to it that the new name outlives a power cut: a name is the folder's content, not the file's.
#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder)?.sync_all() {
        // Some file systems have nothing of the kind.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

/// Elsewhere a folder cannot be opened as a file.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Files of names like `.NAME-XXXXXX.tmp`.
    fn unfinished(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "tmp")).collect()
    }

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        write(&path, |file| file.write_all(b"one")).unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"tw")?;
            assert_eq!(unfinished(folder.path()).len(), 1, "beside its place");
            Err(io::Error::other("full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays behind");
        assert!(write(&folder.path().join("none").join("x"), |_| Ok(())).is_err());
        assert!(write(Path::new("/"), |_| Ok(())).is_err());
    }

    #[test]
    fn what_a_kill_leaves_is_found_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.ckpt");
        // As a process that is killed leaves it: not removed on the way out.
        let _ = write(&path, |_| {
            let left = unfinished(folder.path()).remove(0);
            fs::copy(&left, left.with_file_name(".last.ckpt-killed.tmp")).unwrap();
            Err(io::Error::other("killed"))
        });
        for other in [".best.ckpt-killed.tmp", "last.ckpt-notes.tmp", ".last.ckpt-notes", "last.ckpt"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        assert_eq!(remove_left_over(&path).unwrap(), 1);
        assert_eq!(remove_left_over(&path).unwrap(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!(remove_left_over(&folder.path().join("none").join("x")).unwrap(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn is_as_readable_as_any_other_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let (whole, plain) = (folder.path().join("whole"), folder.path().join("plain"));
        write(&whole, |_| Ok(())).unwrap();
        fs::write(&plain, "").unwrap();
        assert_eq!(mode(&whole), mode(&plain));
    }
}
