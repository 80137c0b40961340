//! Checkpoints: everything needed to go on bit for bit, in one file that is whole or is not there.
//!
//! A checkpoint is a [`Record`]: named arrays, so that another program can read the weights, and a change of how things lie in memory breaks no
//! file. docs/checkpoints.md describes the format byte by byte and lists the names. Nothing else in the project knows bincode, which
//! writes what stands before each array. It is written as a [whole file](crate::whole_file), so that a full disk or a kill
//! in mid-write leaves the previous one.
//!
//! No checkpoint holds a number that is infinite or none: no run goes on from that. Neither is one written nor taken for good, and the error
//! names the array and the index. And no length in a file is believed: nothing is allocated that the file is too short to hold.

mod decode;
mod encode;
mod error;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::learner::whole_file;
use crate::record::Record;
use decode::Reader;
use encode::encode_to;

pub use error::CheckpointError;

const MAGIC: &[u8; 8] = b"OSTLCKPT";
/// Version of the format; a file of another version is refused by name.
const VERSION: u32 = 8;
/// Magic, version, number of entries, checksum of these.
const HEADER: usize = 8 + 4 + 8 + 4;
/// What stands before an array is short; more than this is a broken file.
const LONGEST_HEAD: usize = 1 << 16;

/// What stands before the values of an entry.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    kind: Kind,
    shape: Vec<u64>,
}

/// What the values of an entry are.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    F32,
    F64,
    Bf16,
    U8,
    U32,
    U64,
    Bool,
    Text,
}

/// Writes a record as a checkpoint.
///
/// # Errors
/// If it holds a number that is not finite, or cannot be written; a file that stood there before is then untouched.
pub fn write(path: &Path, record: &Record) -> Result<(), CheckpointError> {
    if let Some(found) = record.first_not_finite() {
        return Err(CheckpointError::Unsound { path: path.to_owned(), place: found.place, value: found.value });
    }
    whole_file::write(path, |file| encode_to(file, record))
        .map_err(|source| CheckpointError::Write { path: path.to_owned(), source })
}

/// The bytes of a checkpoint, whatever its record holds: for tests and fuzzing, which change one and see what becomes of it.
#[must_use]
pub fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = encode_to(&mut bytes, record);
    debug_assert!(written.is_ok(), "memory takes what it is given");
    bytes
}

/// Reads a checkpoint, of whatever learner.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read(path: &Path) -> Result<Record, CheckpointError> {
    let bytes = fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
    decode(&bytes, path)
}

/// Reads a checkpoint of a network with this [description](crate::Network::description).
///
/// # Errors
/// As [`read`], and if it is of another network.
pub fn read_of(path: &Path, network: &str) -> Result<Record, CheckpointError> {
    let record = read(path)?;
    let found = record.text("network").unwrap_or("no network");
    if found != network {
        return Err(CheckpointError::OtherNetwork {
            path: path.to_owned(),
            found: found.to_owned(),
            expected: network.to_owned(),
        });
    }
    Ok(record)
}

/// Reads a checkpoint from the bytes of its file; `path` is what errors call it.
///
/// # Errors
/// As [`read`]. Whatever the bytes are, nothing panics and no more is allocated than a small multiple of their number.
pub fn decode(bytes: &[u8], path: &Path) -> Result<Record, CheckpointError> {
    sound(Reader { bytes, at: 0, path, sums_count: true }.record()?, path)
}

/// The same as if all checksums were right: for fuzzing, which changes what they are of.
///
/// # Errors
/// As [`decode`].
pub fn decode_whatever_the_sums(bytes: &[u8], path: &Path) -> Result<Record, CheckpointError> {
    sound(Reader { bytes, at: 0, path, sums_count: false }.record()?, path)
}

/// A record without a number that is infinite or NaN.
fn sound(record: Record, path: &Path) -> Result<Record, CheckpointError> {
    match record.first_not_finite() {
        Some(found) => Err(CheckpointError::NotFinite { path: path.to_owned(), place: found.place, value: found.value }),
        None => Ok(record),
    }
}
