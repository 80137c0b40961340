//! Checkpoints: everything needed to go on bit for bit, in one file that is whole or is not there.
//!
//! The only file that knows bincode. A checkpoint is, little-endian: 8 bytes of magic, the format's version (u32), the length
//! (u32) and text of the network's description, the length (u64) and bytes of the payload, and the CRC-32 (u32) of all before it.
//! It is written beside its place, flushed to the disk and then moved there, so that a full disk or a kill in mid-write leaves the
//! previous one whole.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"OSTLCKPT";
/// Version of the format; a file of another version is refused by name.
const VERSION: u32 = 4;
const HEADER: usize = MAGIC.len() + 4 + 4;
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
        "checkpoint {path}: format version {found}, this program reads version {expected}; use the program that wrote it"
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
/// If it cannot be encoded or written; a file that stood there before is then untouched.
pub fn write(path: &Path, network: &str, payload: &impl Serialize) -> Result<(), CheckpointError> {
    let fail = |source: std::io::Error| CheckpointError::Write { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((network.len() as u32).to_le_bytes());
    bytes.extend(network.as_bytes());
    let length_at = bytes.len();
    bytes.extend(0_u64.to_le_bytes());
    let length = bincode::serde::encode_into_std_write(payload, &mut bytes, bincode::config::standard())
        .map_err(|error| fail(std::io::Error::other(error)))?;
    bytes[length_at..length_at + 8].copy_from_slice(&(length as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());

    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".checkpoint-").suffix(".tmp");
    // Readable by whom the user's umask lets read files, not only by the user as temporary files are.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(fail)?;
    file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// Reads the payload of a checkpoint of a network with this description.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read<P: DeserializeOwned>(path: &Path, network: &str) -> Result<P, CheckpointError> {
    let bytes = fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
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
    let payload_at = HEADER + description + 8;
    if description > LONGEST_DESCRIPTION || bytes.len() < payload_at + 4 {
        return Err(malformed(format!("cut short at byte {}", bytes.len())));
    }
    let length = u64::from_le_bytes(std::array::from_fn(|i| bytes[HEADER + description + i]));
    let there = (bytes.len() - payload_at - 4) as u64;
    if length != there {
        return Err(malformed(format!("{there} bytes of content at byte {payload_at} where {length} were announced")));
    }
    let end = bytes.len() - 4;
    let (found, expected) = (crc32fast::hash(&bytes[..end]), number(end));
    if found != expected {
        return Err(CheckpointError::Corrupt { path: path.to_owned(), found, expected });
    }
    let text = String::from_utf8_lossy(&bytes[HEADER..HEADER + description]);
    if text != network {
        return Err(CheckpointError::OtherNetwork {
            path: path.to_owned(),
            found: text.into_owned(),
            expected: network.to_owned(),
        });
    }
    let content = |reason: String| CheckpointError::Content { path: path.to_owned(), reason };
    let (payload, used) = bincode::serde::decode_from_slice(&bytes[payload_at..end], bincode::config::standard())
        .map_err(|error| content(error.to_string()))?;
    if used != end - payload_at {
        return Err(content(format!("{} bytes too many", end - payload_at - used)));
    }
    Ok(payload)
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
        assert!(matches!(refuse(&folder.path().join("missing")), CheckpointError::Read { .. }));
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
