//! Weights in files that other programs know: read to start from, written to be taken elsewhere.

mod safe_tensors;
mod starting;

use std::io::{Cursor, Read};
use std::path::Path;

use ostl_core::Record;
use ostl_tasks::numpy::{self, ArchiveWriter};

use crate::failure::UsageError;

pub(crate) use starting::Starting;

/// How checkpoints and archives begin.
const CHECKPOINT: &[u8] = b"OSTLCKPT";
const ARCHIVE: &[u8] = b"PK";

/// The arrays of a checkpoint, a safetensors file or an archive of NumPy, whichever it is by its content.
pub(crate) fn read(path: &Path) -> Result<Record, UsageError> {
    let refused = |problem: &dyn std::fmt::Display| UsageError::Other(format!("{}: {problem}", path.display()));
    let cannot = |error: std::io::Error| refused(&format!("cannot be read: {error}"));
    if !path.is_file() {
        let problem = if path.exists() { "is not a file" } else { "there is no such file" };
        return Err(refused(&problem));
    }
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(CHECKPOINT.len() as u64).read_to_end(&mut start).map_err(cannot)?;
    // These two say in their errors which file it is.
    if start == CHECKPOINT {
        return ostl_core::checkpoint::read(path).map_err(|error| UsageError::Other(error.to_string()));
    }
    if start.starts_with(ARCHIVE) {
        let arrays = numpy::read_archive(path).map_err(|error| UsageError::Other(error.to_string()))?;
        let mut record = Record::new();
        arrays.into_iter().for_each(|array| record.put(&array.name, &array.shape, array.values));
        return Ok(record);
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    safe_tensors::decoded(&bytes).map_err(|reason| {
        let expected = "expected a safetensors file, an archive of NumPy (.npz), or a checkpoint of ostl";
        refused(&format!("{expected}; as a safetensors file it is broken: {reason}"))
    })
}

/// The content of a safetensors file: arrays as tensors, texts as metadata.
pub(crate) fn as_safe_tensors(record: &Record) -> anyhow::Result<Vec<u8>> {
    safe_tensors::encoded(record)
}

/// The content of an archive of NumPy; it has no place for texts, and bfloat16 becomes single precision.
pub(crate) fn as_archive(record: &Record) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = ArchiveWriter::new(&mut bytes);
    for name in record.names() {
        let shape = record.shape(name).unwrap_or_default();
        macro_rules! put_if {
            ($($scalar:ty),*) => {
                $(if let Some(values) = record.values::<$scalar>(name) {
                    archive.put(name, shape, values.iter().copied())?;
                })*
            };
        }
        put_if!(f32, f64, u8, u32, u64, bool);
        if let Some(bits) = record.bf16_bits(name) {
            archive.put(name, shape, bits.into_iter().map(wide))?;
        }
    }
    archive.finish()?;
    Ok(bytes.into_inner())
}

/// A bfloat16 by its bits.
pub(crate) fn wide(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
