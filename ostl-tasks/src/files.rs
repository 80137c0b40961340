//! Finding and reading the files of a data set: names in capitals or not, contents plain or gzip, never more than may be.
//!
//! One rule holds for everything that is packed, gzip files and archives alike: [`room`].

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::{At, DatasetError};

/// What lies at a path, if anything does.
pub(crate) fn look(path: &Path) -> Result<Option<Metadata>, DatasetError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(reason) => Err(DatasetError::Unreadable { path: path.to_owned(), reason }),
    }
}

/// How many times its own size a packed file may unpack to. Data of any use stays far below; what is packed thousandfold is all the same.
pub(crate) const MOST_UNPACKED: u64 = 200;
/// What small packed files may unpack to in any case, in bytes.
const SMALL: u64 = 1 << 20;

/// The first of some names that is there, in a folder or in one of its subfolders `within`; `what` says what is looked for. A name that is
/// there as it is spelt is taken before one that differs in capitals.
pub(crate) fn find(folder: &Path, within: &[&str], names: &[&str], what: &str) -> Result<PathBuf, DatasetError> {
    let missing = |looked_at| Err(DatasetError::NotFound { file: what.to_owned(), looked_at });
    if look(folder)?.is_none() {
        return missing(vec![folder.to_owned()]);
    }
    let folders = std::iter::once(folder.to_owned()).chain(within.iter().map(|sub| folder.join(sub)));
    let places: Vec<PathBuf> =
        folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>()).collect();
    for place in &places {
        if look(place)?.is_some() {
            return Ok(place.clone());
        }
    }
    let subfolders = within.iter().map(|sub| entry(folder, sub));
    for folder in std::iter::once(Ok(Some(folder.to_owned()))).chain(subfolders) {
        let Some(folder) = folder? else { continue };
        let there = in_folder(&folder)?;
        for name in names {
            if let Some(path) = in_any_case(&there, name, &folder)? {
                return Ok(path);
            }
        }
    }
    missing(places)
}

/// The file or folder at a path below a folder, each part of which may be spelt in capitals or not.
///
/// # Errors
/// If several names differ in nothing but capitals and none is spelt exactly as `path`.
pub(crate) fn entry(folder: &Path, path: &str) -> Result<Option<PathBuf>, DatasetError> {
    let mut place = folder.to_owned();
    for name in path.split('/') {
        let exact = place.join(name);
        if look(&exact)?.is_some() {
            place = exact;
            continue;
        }
        let there = in_folder(&place)?;
        match in_any_case(&there, name, &place)? {
            Some(found) => place = found,
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}

/// The paths of what is in a folder, sorted; none if it is no folder, or not to be listed.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let unreadable = |reason| DatasetError::Unreadable { path: folder.to_owned(), reason };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // What may not be listed may still be opened by its name, which has been tried.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied) =>
        {
            return Ok(Vec::new());
        }
        Err(reason) => return Err(unreadable(reason)),
    };
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.sort_unstable();
    Ok(paths)
}

/// The one path whose last part is this name, capitals or not.
fn in_any_case(paths: &[PathBuf], name: &str, folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
    let mut alike = paths.iter().filter(|path| path.file_name().is_some_and(|found| found.eq_ignore_ascii_case(name)));
    match (alike.next(), alike.next()) {
        (Some(one), Some(other)) => {
            let at = At::Part(name_of(one));
            let problem =
                format!("there is `{}` as well, which differs in capitals alone: keep one of the two", name_of(other));
            Err(DatasetError::Malformed { path: folder.to_owned(), at, problem })
        }
        (one, _) => Ok(one.cloned()),
    }
}

/// Whether a name ends so, capitals or not; what comes before the ending if it does.
pub(crate) fn stem<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(stem)
}

/// A whole file as it lies on the disk, unless it is larger than `limit` bytes.
pub(crate) fn contents(path: &Path, limit: u64) -> Result<Vec<u8>, DatasetError> {
    let unreadable = |reason| DatasetError::Unreadable { path: path.to_owned(), reason };
    let Some(found) = look(path)? else {
        return Err(DatasetError::NotFound { file: name_of(path), looked_at: vec![path.to_owned()] });
    };
    // Opening a pipe would wait for a writer, and a device may never end.
    if !found.is_file() {
        return Err(DatasetError::NotAFile { path: path.to_owned() });
    }
    within_limit(found.len(), limit, path)?;
    let mut bytes = Vec::with_capacity(found.len() as usize + 1);
    // The file may grow while it is read: one byte beyond the limit is enough to see that it is too large.
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    within_limit(bytes.len() as u64, limit, path)?;
    Ok(bytes)
}

/// Refuses a file of more than `limit` bytes.
pub(crate) fn within_limit(bytes: u64, limit: u64, path: &Path) -> Result<(), DatasetError> {
    if bytes > limit { Err(DatasetError::TooLarge { path: path.to_owned(), bytes, limit }) } else { Ok(()) }
}

/// How much a packed file of `packed` bytes may unpack to: [`MOST_UNPACKED`] times that, and in no case more than `limit`.
pub(crate) fn room(packed: u64, limit: u64) -> u64 {
    packed.saturating_mul(MOST_UNPACKED).max(SMALL).min(limit)
}

/// Refuses a packed file that unpacks to more than its [`room`].
pub(crate) fn within_room(unpacked: u64, packed: u64, limit: u64, path: &Path) -> Result<(), DatasetError> {
    within_limit(unpacked, limit, path)?;
    let room = room(packed, limit);
    if unpacked > room {
        return Err(DatasetError::UnpacksTooFar { path: path.to_owned(), packed, room });
    }
    Ok(())
}

/// The content of a file, unpacked if it is gzip; at most `limit` bytes of it, packed or not, and of a packed one at most its [`room`].
pub(crate) fn unpacked(path: &Path, limit: u64) -> Result<Vec<u8>, DatasetError> {
    let bytes = contents(path, limit)?;
    unpack(bytes, path, limit)
}

/// The same, of a file in memory.
pub(crate) fn unpack(bytes: Vec<u8>, path: &Path, limit: u64) -> Result<Vec<u8>, DatasetError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let packed = bytes.len() as u64;
    let mut unpacked = Vec::new();
    // One byte beyond the room is enough to see that it is too much.
    let mut decoder = MultiGzDecoder::new(&bytes[..]).take(room(packed, limit) + 1);
    if let Err(reason) = decoder.read_to_end(&mut unpacked) {
        let problem = format!("not whole gzip data ({reason}): copy or download it again");
        let at = At::Byte(unpacked.len() as u64);
        return Err(DatasetError::Malformed { path: path.to_owned(), at: At::Unpacked(Box::new(at)), problem });
    }
    within_room(unpacked.len() as u64, packed, limit, path)?;
    Ok(unpacked)
}

/// The last part of a path, for messages.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn packed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("a"), folder.path().join("a.gz"));
        fs::write(&plain, "content").unwrap();
        let mut encoder = flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
        encoder.write_all(b"content").unwrap();
        encoder.finish().unwrap();
        assert_eq!(unpacked(&plain, 100).unwrap(), b"content");
        assert_eq!(unpacked(&packed, 100).unwrap(), b"content");
        assert!(matches!(unpacked(&packed, 6), Err(DatasetError::TooLarge { .. })));
        assert!(matches!(unpacked(&plain, 6), Err(DatasetError::TooLarge { bytes: 7, limit: 6, .. })));
        let whole = fs::read(&packed).unwrap();
        for length in 2..whole.len() {
            let error = unpack(whole[..length].to_vec(), &packed, 100).unwrap_err().to_string();
            assert!(error.contains("a.gz") && error.contains("gzip"), "{error}");
        }
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// A bomb is refused after 200 times its size, whatever the limit of its format, and several members count as one file.
    #[test]
    fn what_unpacks_too_far_is_refused_early() {
        let path = Path::new("bomb.gz");
        let zeros = gzip(&vec![0; 16 << 20]);
        let most = zeros.len() * MOST_UNPACKED as usize;
        assert!(most < 4 << 20, "{} bytes", zeros.len());
        let error = unpack(zeros.clone(), path, 1 << 34).unwrap_err();
        assert!(matches!(&error, DatasetError::UnpacksTooFar { room, .. } if *room == most as u64), "{error}");
        let message = error.to_string();
        assert!(message.contains("bomb.gz") && message.contains("200 times") && message.contains("gunzip"), "{message}");
        let twice = [gzip(&vec![0; 900_000]), gzip(&vec![0; 900_000])].concat();
        assert!(matches!(unpack(twice, path, 1 << 34), Err(DatasetError::UnpacksTooFar { room: 1_048_576, .. })));
        // A small file may unpack to a megabyte, and what packs badly to anything within the limit.
        assert_eq!(unpack(gzip(&vec![0; 1 << 20]), path, 1 << 34).unwrap().len(), 1 << 20);
        assert_eq!(unpack([gzip(b"a"), gzip(b"bc")].concat(), path, 3).unwrap(), b"abc");
        assert_eq!((room(10, 1 << 30), room(1 << 20, 1 << 30), room(1 << 30, 1 << 34)), (1 << 20, 200 << 20, 1 << 34));
    }

    #[test]
    fn names_count_in_capitals_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("Mnist/RAW")).unwrap();
        fs::write(at("Mnist/RAW/A.GZ"), "").unwrap();
        let found = |names: &[&str]| find(folder.path(), &["mnist/raw"], names, "a");
        assert_eq!(found(&["b", "a.gz"]).unwrap(), at("Mnist/RAW/A.GZ"));
        assert_eq!(entry(folder.path(), "MNIST/raw/a.gz").unwrap(), Some(at("Mnist/RAW/A.GZ")));
        assert_eq!(entry(folder.path(), "MNIST/raw/a").unwrap(), None);
        // Spelt exactly as requested comes first, wherever it lies.
        fs::create_dir_all(at("mnist/raw")).unwrap();
        fs::write(at("mnist/raw/a.gz"), "").unwrap();
        fs::write(at("A.gz"), "").unwrap();
        assert_eq!(found(&["a.gz"]).unwrap(), at("mnist/raw/a.gz"));
        fs::write(at("a.GZ"), "").unwrap();
        let error = entry(folder.path(), "a.gz").unwrap_err().to_string();
        assert!(error.contains("`A.gz`") && error.contains("`a.GZ`") && error.contains("keep one"), "{error}");
        assert_eq!((stem("x.WaV", ".wav"), stem("x.wave", ".wav"), stem("é", ".wav")), (Some("x"), None, None));
    }

    #[test]
    fn places_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(folder.path(), &["sub"], &["a", "b"], "a or b").unwrap_err();
        let DatasetError::NotFound { looked_at, .. } = &error else { panic!("{error}") };
        assert_eq!(looked_at.len(), 4);
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/b"), "").unwrap();
        assert_eq!(find(folder.path(), &["sub"], &["a", "b"], "a or b").unwrap(), folder.path().join("sub/b"));
        assert!(matches!(contents(folder.path(), 10), Err(DatasetError::NotAFile { .. })));
        assert!(matches!(contents(&folder.path().join("c"), 10), Err(DatasetError::NotFound { .. })));
    }
}
