//! One voice, sampled.

use std::path::Path;

use super::{riff, sphere, wav};
use crate::error::{At, DatasetError};
use crate::files;

/// The largest recording that is read, in bytes: an hour at 16,000 samples a second takes 115 MB.
pub const LARGEST_FILE: u64 = 1 << 28;

/// Samples of one channel, −1 … 1, and how many of them a second has.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The samples; full scale is 1.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub rate: u32,
}

impl Recording {
    /// Takes a file's content from memory, RIFF WAVE (or RIFX, RF64) or NIST SPHERE, whichever it begins with; `path` is only the name it has in errors.
    ///
    /// # Errors
    /// [`DatasetError::Malformed`] if it is neither or broken.
    pub fn from_slice(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        if riff::MAGICS.iter().any(|magic| bytes.starts_with(magic)) {
            wav::read(bytes, path)
        } else if bytes.starts_with(sphere::MAGIC) {
            sphere::read(bytes, path)
        } else if bytes.is_empty() {
            Err(malformed(path, 0, "the file is empty: copy or download it again"))
        } else {
            let found = match other_kind(bytes) {
                Some(name) => format!(" but {name}"),
                None => " (`RIFF` or `NIST_1A` at the start)".to_owned(),
            };
            let problem =
                format!("neither a RIFF WAVE nor a NIST SPHERE file{found}: convert it to WAV (`ffmpeg -i FILE NEW.wav`)");
            Err(malformed(path, 0, problem))
        }
    }

    /// Reads a file, gzip or not.
    ///
    /// # Errors
    /// [`DatasetError`] if it cannot be read, is larger than [`LARGEST_FILE`], or [`from_slice`](Recording::from_slice) rejects it.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Self::from_slice(&files::unpacked(path, LARGEST_FILE)?, path)
    }

    /// The recording, if it has this many samples a second and at least one sample.
    pub(crate) fn expect(self, rate: u32, path: &Path) -> Result<Self, DatasetError> {
        if self.rate != rate {
            let problem = format!("{} samples a second, expected {rate}: resample it", self.rate);
            return Err(DatasetError::Malformed { path: path.to_owned(), at: At::Part("header".to_owned()), problem });
        }
        if self.samples.is_empty() {
            return Err(DatasetError::Malformed {
                path: path.to_owned(),
                at: At::Part("data".to_owned()),
                problem: "no samples: copy or download the file again, or remove it".to_owned(),
            });
        }
        Ok(self)
    }
}

/// What kind of sound file begins so, of those that are not read.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'f', b'L', b'a', b'C', ..] => Some("FLAC"),
        [b'O', b'g', b'g', b'S', ..] => Some("Ogg"),
        [b'I', b'D', b'3', ..] | [0xff, 0xf2 | 0xf3 | 0xfa | 0xfb, ..] => Some("MP3"),
        [b'F', b'O', b'R', b'M', ..] => Some("AIFF"),
        [b'.', b's', b'n', b'd', ..] => Some("AU"),
        [b'c', b'a', b'f', b'f', ..] => Some("CAF"),
        [b'a', b'j', b'k', b'g', ..] => Some("Shorten"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("MP4"),
        _ => None,
    }
}

/// The mean of each group of `channels` values.
pub(crate) fn mix(interleaved: Vec<f32>, channels: usize) -> Vec<f32> {
    if channels == 1 {
        return interleaved;
    }
    interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
}

pub(crate) fn malformed(path: &Path, byte: usize, problem: impl Into<String>) -> DatasetError {
    DatasetError::Malformed { path: path.to_owned(), at: At::Byte(byte as u64), problem: problem.into() }
}
