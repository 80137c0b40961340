//! Checkpoints: everything needed to go on bit for bit, in one file that is whole or is not there.
//!
//! The only file that knows bincode. A checkpoint is, little-endian: 8 bytes of magic, the format's version (u32), the length
//! (u32) and text of the network's description, the payload, its length (u64), and the CRC-32 (u32) of all before it. It is
//! written as a [whole file](crate::learner::whole_file), so that a full disk or a kill in mid-write leaves the previous one.
//!
//! No checkpoint holds a number that is infinite or none: no run goes on from that. Neither is one written nor taken for good, and the error
//! names the value's place. And no length in a file is believed: nothing is allocated that the file is too short to hold.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bincode::error::{DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::learner::walk::first_not_finite;
use crate::learner::whole_file;

const MAGIC: &[u8; 8] = b"OSTLCKPT";
/// Version of the format; a file of another version is refused by name.
const VERSION: u32 = 6;
const HEADER: usize = MAGIC.len() + 4 + 4;
/// The payload's length and the checksum.
const TRAILER: usize = 8 + 4;
/// A description is a line; more than this is a broken file.
const LONGEST_DESCRIPTION: usize = 1 << 16;

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file could not be read.
    #[error("checkpoint {path}: cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file could not be written; what stood there before still does.
    #[error("checkpoint {path}: cannot be written: {source}; the former file, if any, is untouched")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a checkpoint, or cut short.
    #[error("checkpoint {path}: {found}; expected a whole ostl checkpoint")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found instead, and where.
        found: String,
    },
    /// Written by another version of the format.
    #[error(
        "checkpoint {path}: format version {found}, this program reads version {expected}; go on with the version of the program that wrote it, or train anew"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Version that this program reads.
        expected: u32,
    },
    /// Of another network.
    #[error(
        "checkpoint {path}: is of `{found}`, not of `{expected}`; use the configuration and the data it was written with"
    )]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// Description in the file.
        found: String,
        /// Description of the network at hand.
        expected: String,
    },
    /// The checksum does not fit: some byte changed after writing.
    #[error("checkpoint {path}: corrupt (checksum {found:08x} where {expected:08x} was written); use an older checkpoint")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Checksum of what is there.
        found: u32,
        /// Checksum that was written.
        expected: u32,
    },
    /// A number that is infinite or none was to be written.
    #[error(
        "checkpoint {path}: was not written, since {place} is {value} and no run goes on from that; the former file, if any, is untouched"
    )]
    Unsound {
        /// The file.
        path: PathBuf,
        /// Where in the payload, field by field.
        place: String,
        /// What stands there: `inf`, `-inf` or `NaN`.
        value: String,
    },
    /// It holds a number that is infinite or none.
    #[error("checkpoint {path}: {place} is {value}, and no run goes on from that; use an older checkpoint")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Where in the payload, field by field.
        place: String,
        /// What stands there: `inf`, `-inf` or `NaN`.
        value: String,
    },
    /// The content does not have the expected form.
    #[error("checkpoint {path}: its content is not what this program writes: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

/// Writes a checkpoint of a network with this description.
///
/// # Errors
/// If the payload holds a number that is not finite, or cannot be written; a file that stood there before is then untouched.
pub fn write(path: &Path, network: &str, payload: &impl Serialize) -> Result<(), CheckpointError> {
    if let Some(stop) = first_not_finite(payload) {
        return Err(CheckpointError::Unsound { path: path.to_owned(), place: stop.place, value: stop.found });
    }
    let written = whole_file::write(path, |file| {
        let mut file = Summed { to: file, sum: crc32fast::Hasher::new() };
        file.write_all(&header(network))?;
        let encoded = bincode::serde::encode_into_std_write(payload, &mut file, bincode::config::standard());
        let length = encoded.map_err(|error| match error {
            EncodeError::Io { inner, .. } => inner,
            other => io::Error::other(other),
        })? as u64;
        file.write_all(&length.to_le_bytes())?;
        let sum = file.sum.clone().finalize();
        file.write_all(&sum.to_le_bytes())
    });
    written.map_err(|source| CheckpointError::Write { path: path.to_owned(), source })
}

/// The bytes of a checkpoint with a payload that is encoded already: for tests and fuzzing, which change one and see what becomes of it.
#[must_use]
pub fn assemble(network: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(network);
    bytes.extend(payload);
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn header(network: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((network.len() as u32).to_le_bytes());
    bytes.extend(network.as_bytes());
    bytes
}

/// Sums what passes through.
struct Summed<'a> {
    to: &'a mut dyn Write,
    sum: crc32fast::Hasher,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads the payload of a checkpoint of a network with this description.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read<P: Serialize + DeserializeOwned>(path: &Path, network: &str) -> Result<P, CheckpointError> {
    let bytes = fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
    decode(&bytes, path, network)
}

/// Reads the payload of a checkpoint from the bytes of its file; `path` is what errors call it.
///
/// # Errors
/// As [`read`]. Whatever the bytes are, nothing panics and no more is allocated than a small multiple of their number.
pub fn decode<P: Serialize + DeserializeOwned>(bytes: &[u8], path: &Path, network: &str) -> Result<P, CheckpointError> {
    let payload = payload_of(bytes, path, network)?;
    let content = |reason: String| CheckpointError::Content { path: path.to_owned(), reason };
    let (decoded, used) = within_limit::<P>(payload).map_err(|error| content(error.to_string()))?;
    if used != payload.len() {
        return Err(content(format!("{} bytes too many", payload.len() - used)));
    }
    match first_not_finite(&decoded) {
        Some(stop) => Err(CheckpointError::NotFinite { path: path.to_owned(), place: stop.place, value: stop.found }),
        None => Ok(decoded),
    }
}

/// Decodes a payload and says how many bytes of it were used. Lists are taken value by value; a text of bincode's is allocated as long as it
/// says, so that all together may claim 16 times as much as the payload has, or rather the next limit above, which has to be known
/// to the compiler: a whole number of one byte counts for its eight in memory.
fn within_limit<P: DeserializeOwned>(payload: &[u8]) -> Result<(P, usize), DecodeError> {
    const MEBI: usize = 1 << 20;
    fn decoded<P: DeserializeOwned, const MOST: usize>(payload: &[u8]) -> Result<(P, usize), DecodeError> {
        bincode::serde::decode_from_slice(payload, bincode::config::standard().with_limit::<MOST>())
    }
    match payload.len() {
        length if length <= MEBI => decoded::<P, { MEBI << 4 }>(payload),
        length if length <= MEBI << 4 => decoded::<P, { MEBI << 8 }>(payload),
        length if length <= MEBI << 8 => decoded::<P, { MEBI << 12 }>(payload),
        _ => decoded::<P, { MEBI << 24 }>(payload),
    }
}

/// The payload's bytes, if all around them is as it was written.
///
/// # Errors
/// As [`read`].
pub fn payload_of<'b>(bytes: &'b [u8], path: &Path, network: &str) -> Result<&'b [u8], CheckpointError> {
    let malformed = |found: String| CheckpointError::Malformed { path: path.to_owned(), found };
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if bytes.len() < HEADER || &bytes[..MAGIC.len()] != MAGIC {
        return Err(malformed(format!("{} bytes that do not begin with {:?}", bytes.len(), String::from_utf8_lossy(MAGIC))));
    }
    let version = number(MAGIC.len());
    if version != VERSION {
        return Err(CheckpointError::Version { path: path.to_owned(), found: version, expected: VERSION });
    }
    let description = number(MAGIC.len() + 4) as usize;
    if description > LONGEST_DESCRIPTION || bytes.len() < HEADER + description + TRAILER {
        return Err(malformed(format!("cut short at byte {}", bytes.len())));
    }
    let (payload_at, end) = (HEADER + description, bytes.len() - TRAILER);
    let length = u64::from_le_bytes(std::array::from_fn(|i| bytes[end + i]));
    let there = (end - payload_at) as u64;
    if length != there {
        return Err(malformed(format!("{there} bytes of content at byte {payload_at} where {length} were written")));
    }
    let (found, expected) = (crc32fast::hash(&bytes[..end + 8]), number(end + 8));
    if found != expected {
        return Err(CheckpointError::Corrupt { path: path.to_owned(), found, expected });
    }
    let text = String::from_utf8_lossy(&bytes[HEADER..payload_at]);
    if text != network {
        return Err(CheckpointError::OtherNetwork {
            path: path.to_owned(),
            found: text.into_owned(),
            expected: network.to_owned(),
        });
    }
    Ok(&bytes[payload_at..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        let payload = (vec![1.0_f64, -2.5, f64::MIN_POSITIVE], "text".to_owned(), 7_u64);
        write(&path, "3 > lstm 4", &payload).unwrap();
        assert_eq!(read::<(Vec<f64>, String, u64)>(&path, "3 > lstm 4").unwrap(), payload);
        let refuse = |path: &Path| read::<(Vec<f64>, String, u64)>(path, "3 > lstm 4").unwrap_err();
        assert!(matches!(read::<u64>(&path, "3 > gru 4"), Err(CheckpointError::OtherNetwork { .. })));

        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(
                matches!(refuse(&path), CheckpointError::Malformed { .. } | CheckpointError::Corrupt { .. }),
                "cut at {cut}"
            );
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x10;
            fs::write(&path, &broken).unwrap();
            let error = refuse(&path);
            assert!(error.to_string().contains("x.ckpt"), "{error}");
            if (8..12).contains(&at) {
                assert!(matches!(error, CheckpointError::Version { .. }));
            }
        }
        fs::write(&path, assemble("3 > lstm 4", payload_of(&whole, &path, "3 > lstm 4").unwrap())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert!(matches!(refuse(&folder.path().join("missing")), CheckpointError::Read { .. }));
    }

    #[test]
    fn an_older_version_is_refused_with_the_way_out() {
        let path = Path::new("x.ckpt");
        let mut bytes = assemble("n", &[]);
        bytes[8] = 4;
        let error = decode::<u8>(&bytes, path, "n").unwrap_err().to_string();
        assert!(error.contains("format version 4") && error.contains("train anew"), "{error}");
    }

    /// A right checksum around wrong contents.
    #[test]
    fn lengths_that_the_file_cannot_hold_are_refused() {
        let path = Path::new("x.ckpt");
        for shift in [10, 25, 31, 32, 40, 62, 63] {
            // 253: a number of eight bytes follows.
            let mut varint = vec![253];
            varint.extend((1_u64 << shift).to_le_bytes());
            varint.extend([b'a'; 100]);
            let bytes = assemble("n", &varint);
            let text = decode::<String>(&bytes, path, "n").unwrap_err();
            let list = decode::<Vec<f64>>(&bytes, path, "n").unwrap_err();
            let nested = decode::<Vec<Vec<u32>>>(&bytes, path, "n").unwrap_err();
            for error in [text, list, nested] {
                assert!(matches!(&error, CheckpointError::Content { .. }), "2^{shift}: {error}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_neither_written_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        let payload = |value: f32| (vec![1.0, 2.0], vec![vec![0.5, value]], "text".to_owned());
        write(&path, "n", &payload(3.0)).unwrap();
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = write(&path, "n", &payload(value)).unwrap_err().to_string();
            let words = format!("x.ckpt: was not written, since [1][0][1] is {value}");
            assert!(error.contains(&words), "{error}");
            let planted =
                assemble("n", &bincode::serde::encode_to_vec(payload(value), bincode::config::standard()).unwrap());
            let error = decode::<(Vec<f32>, Vec<Vec<f32>>, String)>(&planted, &path, "n").unwrap_err();
            assert!(matches!(&error, CheckpointError::NotFinite { place, .. } if place == "[1][0][1]"), "{error}");
        }
        assert_eq!(read::<(Vec<f32>, Vec<Vec<f32>>, String)>(&path, "n").unwrap(), payload(3.0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failing_write_leaves_the_former_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        write(&path, "n", &1_u64).unwrap();
        assert!(write(&folder.path().join("no such folder").join("x.ckpt"), "n", &2_u64).is_err());
        assert_eq!(read::<u64>(&path, "n").unwrap(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
    }
}
