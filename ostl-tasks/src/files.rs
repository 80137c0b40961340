//! Finding and reading the files of a data set: plain or gzip, never more than may be.

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

/// The first of some names that is there, in a folder or in one of its subfolders `within`; `what` says what is looked for.
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
    missing(places)
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

/// The content of a file, unpacked if it is gzip; at most `limit` bytes of it, packed or not.
pub(crate) fn unpacked(path: &Path, limit: u64) -> Result<Vec<u8>, DatasetError> {
    let bytes = contents(path, limit)?;
    unpack(bytes, path, limit)
}

/// The same, of a file in memory.
pub(crate) fn unpack(bytes: Vec<u8>, path: &Path, limit: u64) -> Result<Vec<u8>, DatasetError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(&bytes[..]).take(limit + 1);
    if let Err(reason) = decoder.read_to_end(&mut unpacked) {
        let problem = format!("not whole gzip data ({reason}): copy or download it again");
        let at = At::Byte(unpacked.len() as u64);
        return Err(DatasetError::Malformed { path: path.to_owned(), at: At::Unpacked(Box::new(at)), problem });
    }
    within_limit(unpacked.len() as u64, limit, path)?;
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
