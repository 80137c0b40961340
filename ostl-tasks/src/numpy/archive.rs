//! Archives of arrays, by name.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::npy::{Named, read};
use crate::error::{At, DatasetError};
use crate::files;

/// The largest file that is read, in bytes.
pub(crate) const LARGEST_FILE: u64 = 1 << 34;
/// Characters of a name that are shown.
const LONGEST_NAME: usize = 100;

/// An array of real numbers with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Its name in the archive, without `.npy`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers in C order, whatever kind they were saved as; of what is beyond single precision the largest there is.
    pub values: Vec<f32>,
}

/// Reads all arrays of an archive that `np.savez` wrote, packed or not, in the archive's order.
///
/// # Errors
/// If the file cannot be read, is no whole archive, holds anything but arrays of plain numbers with up to three axes, or unpacks to more than
/// 200 times its size.
pub fn read_archive(path: &Path) -> Result<Vec<NamedArray>, DatasetError> {
    let bytes = files::contents(path, LARGEST_FILE)?;
    let mut archive =
        ZipArchive::new(Cursor::new(&bytes[..])).map_err(|reason| unlisted(&bytes, path, &reason, "name=…"))?;
    let mut room = files::room(bytes.len() as u64, LARGEST_FILE);
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let unpacked = |reason: ZipError| {
            let problem = format!("member {index} cannot be unpacked: {reason}; save it again");
            DatasetError::Malformed { path: path.to_owned(), at: At::Byte(0), problem }
        };
        let member = archive.by_index(index).map_err(unpacked)?;
        let name = shown(&String::from_utf8_lossy(member.name_raw()));
        let name = name.strip_suffix(".npy").unwrap_or(&name);
        let named = Named { path, name };
        let size = member.size();
        room = room.checked_sub(size).ok_or_else(|| packed_too_well(named, size))?;
        let array = read(member.take(size + 1), size, named)?;
        let mut values = vec![0.0; array.numbers.len()];
        array.numbers.copy(0..array.numbers.len(), &mut values);
        arrays.push(NamedArray { name: name.to_owned(), shape: array.shape, values });
    }
    Ok(arrays)
}

/// A member's name, as it may be shown.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// A member that unpacks to more than there is room for.
pub(crate) fn packed_too_well(named: Named<'_>, size: u64) -> DatasetError {
    named.broken(format!(
        "unpacks to {size} bytes, with what came before it more than {} times the file: save it with np.savez, which does not pack",
        files::MOST_UNPACKED
    ))
}

/// A file that has no list of members; `saved` is what is to be given to NumPy.
pub(crate) fn unlisted(bytes: &[u8], path: &Path, reason: &ZipError, saved: &str) -> DatasetError {
    let problem = match bytes {
        [0x93, b'N', b'U', b'M', ..] => {
            format!("one array (np.save), not an archive: save all by their names with np.savez(file, {saved})")
        }
        [b'P', b'K', ..] => format!(
            "the archive has no whole list of its content ({reason}): it was cut off or changed, so copy it or save it with np.savez again"
        ),
        _ => format!("not an archive of NumPy ({reason}): save it with np.savez or np.savez_compressed"),
    };
    DatasetError::Malformed { path: path.to_owned(), at: At::Byte(0), problem }
}
