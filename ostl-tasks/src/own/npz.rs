//! The arrays of a split: an archive of them, or a folder.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::meant::meant;
use crate::error::DatasetError;
use crate::files;
use crate::numpy::{Array, LARGEST_FILE, Named, packed_too_well, read, shown, unlisted};

/// The arrays that are known, with or without `.npy`.
const NAMES: [&str; 4] = ["inputs", "targets", "lengths", "mask"];

/// Arrays by name.
pub(super) type Arrays = BTreeMap<&'static str, Array>;

/// The arrays of a folder: `inputs.npy`, `targets.npy` and, where they are there, `lengths.npy` and `mask.npy`.
pub(super) fn from_folder(folder: &Path) -> Result<Arrays, DatasetError> {
    let mut arrays = Arrays::new();
    for name in NAMES {
        if let Some(path) = files::entry(folder, &format!("{name}.npy"))? {
            let bytes = files::unpacked(&path, LARGEST_FILE)?;
            arrays.insert(name, read(&bytes[..], bytes.len() as u64, Named { path: &path, name })?);
        }
    }
    Ok(arrays)
}

/// The arrays of an archive.
pub(super) fn from_archive(bytes: &[u8], path: &Path) -> Result<Arrays, DatasetError> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|reason| unlisted(bytes, path, &reason, "inputs=…, targets=…"))?;
    let stranger = archive.file_names_raw().find(|name| !NAMES.iter().any(|known| is_file_of(name, known)));
    if let Some(name) = stranger {
        let name = shown(&String::from_utf8_lossy(name));
        let meant = meant(name.strip_suffix(".npy").unwrap_or(&name), &NAMES);
        let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
        let problem = format!(
            "an unknown array{meant}, expected `inputs`, `targets` and maybe `lengths` and `mask`: rename it or leave it out"
        );
        return Err(Named { path, name: &name }.broken(problem));
    }
    let mut room = files::room(bytes.len() as u64, LARGEST_FILE);
    let mut arrays = Arrays::new();
    for name in NAMES {
        let named = Named { path, name };
        let member = match archive.by_name(&format!("{name}.npy")) {
            Ok(member) => member,
            Err(ZipError::FileNotFound) => continue,
            Err(reason) => return Err(named.broken(format!("cannot be unpacked: {reason}; save it again"))),
        };
        let size = member.size();
        room = room.checked_sub(size).ok_or_else(|| packed_too_well(named, size))?;
        arrays.insert(name, read(member.take(size + 1), size, named)?);
    }
    Ok(arrays)
}

/// Whether a member's name is that of an array.
fn is_file_of(name: &[u8], array: &str) -> bool {
    name.strip_suffix(b".npy") == Some(array.as_bytes())
}
