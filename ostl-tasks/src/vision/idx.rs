//! The idx format: an array of bytes behind a short header, as MNIST and the sets made after it are published.

use std::path::{Path, PathBuf};

use crate::error::{At, DatasetError};
use crate::files;

/// Type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// An array of bytes from an idx file.
///
/// The file: two zero bytes; a byte for the type, 8 for the unsigned bytes that alone are read here; a byte for the number of
/// dimensions; each dimension as a big-endian u32; then the elements, the last dimension varying fastest
/// (<http://yann.lecun.com/exdb/mnist/>).
#[derive(Clone, Debug)]
pub struct Idx {
    path: PathBuf,
    dimensions: Vec<usize>,
    /// The unpacked file, header and all.
    content: Vec<u8>,
    header: usize,
}

impl Idx {
    /// The largest file that is read, in bytes, packed or not.
    pub const LARGEST_FILE: u64 = 1 << 30;

    /// Reads a file, gzip or not.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such file, it cannot be read, is larger than [`Idx::LARGEST_FILE`], or
    /// [`from_bytes`](Idx::from_bytes) rejects its content.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Self::from_unpacked(files::unpacked(path, Self::LARGEST_FILE)?, path)
    }

    /// Takes a file's content, gzip or not, from memory; `path` is only the name it has in errors.
    ///
    /// # Errors
    /// [`DatasetError::Malformed`] if this is not idx of unsigned bytes with at least one dimension, none of them zero, or has fewer or
    /// more elements than its header says; [`DatasetError::TooLarge`] above [`Idx::LARGEST_FILE`].
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, DatasetError> {
        files::within_limit(bytes.len() as u64, Self::LARGEST_FILE, path)?;
        Self::from_unpacked(files::unpack(bytes, path, Self::LARGEST_FILE)?, path)
    }

    fn from_unpacked(mut content: Vec<u8>, path: &Path) -> Result<Self, DatasetError> {
        let wrong = |byte: usize, problem: String| DatasetError::Malformed {
            path: path.to_owned(),
            at: At::Byte(byte as u64),
            problem,
        };
        let cut_off = |expected: &str| {
            wrong(content.len(), format!("the file ends here, expected {expected}: copy or download it again"))
        };
        let &[zero, also_zero, kind, count] = content.first_chunk::<4>().ok_or_else(|| cut_off("an idx header"))?;
        if (zero, also_zero) != (0, 0) {
            let problem =
                format!("{zero:#04x} {also_zero:#04x}, but an idx file starts with two zero bytes: is this the right file?");
            return Err(wrong(0, problem));
        }
        if kind != UNSIGNED_BYTE {
            return Err(wrong(
                2,
                format!("element type {kind:#04x}, but only 0x08, unsigned bytes, is read: convert the file"),
            ));
        }
        if count == 0 {
            return Err(wrong(3, "no dimensions, expected at least one: is this the right file?".to_owned()));
        }
        let header = 4 + 4 * usize::from(count);
        let fields = content.get(4..header).ok_or_else(|| cut_off("the header's list of dimensions"))?;
        let mut dimensions = Vec::with_capacity(usize::from(count));
        let mut elements = Some(1_u64);
        for (number, field) in fields.chunks_exact(4).enumerate() {
            let size = field.iter().fold(0_u32, |size, &byte| size << 8 | u32::from(byte));
            if size == 0 {
                return Err(wrong(
                    4 + 4 * number,
                    format!("dimension {number} is 0, so there is nothing in the file: download it again"),
                ));
            }
            elements = elements.and_then(|elements| elements.checked_mul(u64::from(size)));
            dimensions.push(size as usize);
        }
        let there = (content.len() - header) as u64;
        if elements != Some(there) {
            let said = elements.map_or("more than 2⁶⁴".to_owned(), |elements| elements.to_string());
            let problem = format!(
                "{there} bytes follow the header, which says {said} ({dimensions:?}): the file was cut off or changed, so download it again"
            );
            return Err(wrong(header, problem));
        }
        content.shrink_to_fit();
        Ok(Self { path: path.to_owned(), dimensions, content, header })
    }

    /// The file's path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The size of each dimension; there is at least one and none is 0.
    pub fn dimensions(&self) -> &[usize] {
        &self.dimensions
    }

    /// All elements, the last dimension varying fastest.
    pub fn elements(&self) -> &[u8] {
        &self.content[self.header..]
    }

    /// The elements that have the first index `index`: one image, one label.
    ///
    /// # Panics
    /// If the first dimension has no such index.
    #[track_caller]
    pub fn item(&self, index: usize) -> &[u8] {
        let size = self.dimensions[1..].iter().product::<usize>();
        &self.elements()[index * size..(index + 1) * size]
    }

    /// An error about an element.
    pub(super) fn wrong_at(&self, element: usize, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.clone(), at: At::Byte((self.header + element) as u64), problem }
    }

    /// An error about the header's dimensions.
    pub(super) fn wrong_shape(&self, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.clone(), at: At::Byte(3), problem }
    }
}
