//! Arrays of NumPy: archives (`.npz`) of numbers by name, read and written whole.

mod archive;
mod npy;
mod numbers;
mod writer;

pub(crate) use archive::{LARGEST_FILE, packed_too_well, shown, unlisted};
pub use archive::{NamedArray, read_archive};
pub(crate) use npy::{Array, Named, read};
pub(crate) use numbers::Numbers;
pub use writer::ArchiveWriter;
