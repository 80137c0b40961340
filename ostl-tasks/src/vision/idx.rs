//! The idx format: an array of numbers behind a short header, as MNIST and the sets made after it are published.

use std::path::{Path, PathBuf};

use crate::error::{At, DatasetError};
use crate::files;

/// The types of elements: their code, their name, how many bytes they take, and whether they are whole numbers.
const TYPES: [(u8, &str, usize, bool); 6] = [
    (0x08, "unsigned bytes", 1, true),
    (0x09, "signed bytes", 1, true),
    (0x0b, "whole numbers of 16 bits", 2, true),
    (0x0c, "whole numbers of 32 bits", 4, true),
    (0x0d, "floating point of 32 bits", 4, false),
    (0x0e, "floating point of 64 bits", 8, false),
];

/// An array of whole numbers from 0 to 255 from an idx file.
///
/// The file: two zero bytes; a byte for the type, 8 for unsigned bytes, 9, 11 and 12 for signed whole numbers of 8, 16 and 32 bits, which may
/// not be outside 0 … 255; a byte for the number of dimensions; each dimension as a big-endian u32; then the elements, big-endian, the last
/// dimension varying fastest (<http://yann.lecun.com/exdb/mnist/>).
#[derive(Clone, Debug)]
pub struct Idx {
    path: PathBuf,
    dimensions: Vec<usize>,
    /// The unpacked file, header and all, with a byte an element.
    content: Vec<u8>,
    header: usize,
    /// Bytes of an element in the file.
    width: usize,
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
    /// [`DatasetError::Malformed`] if this is not idx of whole numbers from 0 to 255 with at least one dimension, none of them zero, or has
    /// fewer or more elements than its header says; [`DatasetError::TooLarge`] above [`Idx::LARGEST_FILE`].
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
        let Some(&(_, name, width, is_whole)) = TYPES.iter().find(|(code, ..)| *code == kind) else {
            let problem = format!("element type {kind:#04x}, which idx does not have: is this the right file?");
            return Err(wrong(2, problem));
        };
        if !is_whole {
            let problem = format!(
                "element type {kind:#04x}, {name}, expected 0x08, unsigned bytes: convert the file, pixels to 0 … 255 and labels to whole \
                 numbers"
            );
            return Err(wrong(2, problem));
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
        let announced = elements.and_then(|elements| elements.checked_mul(width as u64));
        if announced != Some(there) {
            let said = announced.map_or("more than 2⁶⁴".to_owned(), |bytes| bytes.to_string());
            let problem = format!(
                "{there} bytes follow the header, which says {said} ({dimensions:?}): the file was cut off or changed, so download it again"
            );
            return Err(wrong(header, problem));
        }
        if kind != TYPES[0].0 {
            narrow(&mut content, header, width).map_err(|(element, number)| {
                let problem =
                    format!("element {element} is {number}, expected 0 to 255: convert the file to unsigned bytes (element type 0x08)");
                wrong(header + element * width, problem)
            })?;
        }
        content.shrink_to_fit();
        Ok(Self { path: path.to_owned(), dimensions, content, header, width })
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
        DatasetError::Malformed {
            path: self.path.clone(),
            at: At::Byte((self.header + element * self.width) as u64),
            problem,
        }
    }

    /// An error about the header's dimensions.
    pub(super) fn wrong_shape(&self, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.clone(), at: At::Byte(3), problem }
    }
}

/// Makes one byte of each big-endian signed number after the header, in place; the error is the first that does not fit, and its place.
fn narrow(content: &mut Vec<u8>, header: usize, width: usize) -> Result<(), (usize, i64)> {
    let elements = (content.len() - header) / width;
    for element in 0..elements {
        let start = header + element * width;
        let unsigned = content[start..start + width].iter().fold(0, |number, &byte| number << 8 | i64::from(byte));
        let spare = 64 - 8 * width;
        let number = unsigned << spare >> spare;
        content[header + element] = u8::try_from(number).map_err(|_| (element, number))?;
    }
    content.truncate(header + elements);
    Ok(())
}
