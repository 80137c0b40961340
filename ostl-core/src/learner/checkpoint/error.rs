//! What can be wrong with a checkpoint.

use std::path::PathBuf;

use thiserror::Error;

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
        /// Which array, and where in it.
        place: String,
        /// What stands there: `inf`, `-inf` or `NaN`.
        value: String,
    },
    /// It holds a number that is infinite or none.
    #[error("checkpoint {path}: {place} is {value}, and no run goes on from that; use an older checkpoint")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Which array, and where in it.
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
