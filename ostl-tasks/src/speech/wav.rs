//! RIFF WAVE files: PCM of any depth, floating point of 32 or 64 bits, A-law or µ-law; any number of channels.

use std::path::Path;

use super::companding::{a_law, mu_law};
use super::recording::{Recording, malformed};
use super::riff::Riff;
use super::wav_format::{Coding, Format};
use crate::error::DatasetError;

/// The samples of a WAVE file, the channels averaged; `path` is only the name it has in errors.
///
/// A whole number is divided by full scale, which is that of the bytes it lies in (2^(bits − 1), as numbers of fewer bits lie at the upper
/// end), so that samples are −1 … 1; floating point is taken as it is. Chunks other than `fmt ` and `data` are passed over, wherever
/// they are. A file written to a pipe, whose lengths were not filled in, is read to its end, and what is left over after the last whole
/// frame is no sample.
///
/// # Errors
/// [`DatasetError::Malformed`] with the byte if the file is not WAVE, is compressed, ends before its samples do, or holds a sample that is
/// not a finite number.
pub fn read(bytes: &[u8], path: &Path) -> Result<Recording, DatasetError> {
    let riff = Riff::new(bytes, b"WAVE", path)?;
    let (mut format, mut wide) = (None, None);
    let mut at = riff.first();
    while let Some(chunk) = riff.chunk(at) {
        match &chunk.name {
            b"fmt " => format = Some(Format::parse(&riff, riff.content(&chunk)?, chunk.start, path)?),
            b"ds64" => {
                let length = riff.content(&chunk)?.get(8..).and_then(<[u8]>::first_chunk);
                wide = length.map(|&length| u64::from_le_bytes(length));
            }
            b"data" => {
                let Some(format) = format else {
                    let problem =
                        "samples come before the chunk `fmt ` that says how they are written: write the file again";
                    return Err(malformed(path, at, problem));
                };
                let data = riff.samples(&chunk, wide)?;
                if riff.has_another(b"data", &chunk) {
                    return Err(malformed(path, at, "a second chunk `data` follows: write the samples as one"));
                }
                let samples = decoded(data, &format, riff.big_endian, chunk.start, path)?;
                return Ok(Recording { samples, rate: format.rate });
            }
            _ => {
                riff.content(&chunk)?;
            }
        }
        at = riff.after(&chunk).unwrap_or(bytes.len());
    }
    Err(malformed(
        path,
        bytes.len(),
        "the file ends before its samples do, without a chunk `data`: copy or download it again",
    ))
}

/// The samples, the channels averaged; `start` is where they begin in the file.
fn decoded(data: &[u8], format: &Format, big_endian: bool, start: usize, path: &Path) -> Result<Vec<f32>, DatasetError> {
    let &Format { coding, channels, rate, width } = format;
    let frame_bytes = channels * width;
    let mut samples = Vec::with_capacity(data.len() / frame_bytes);
    for (number, frame) in data.chunks_exact(frame_bytes).enumerate() {
        let mut sum = 0.0;
        for (channel, sample) in frame.chunks_exact(width).enumerate() {
            let value = match coding {
                Coding::Whole => whole(sample, big_endian),
                Coding::Float => float(sample, big_endian),
                Coding::ALaw => a_law(sample[0]),
                Coding::MuLaw => mu_law(sample[0]),
            };
            // Sums and squares of anything larger would no longer be finite, and no microphone says it.
            if !value.is_finite() || value.abs() > 1e6 {
                let which = if channels > 1 { format!(" of channel {channel}") } else { String::new() };
                let seconds = number as f64 / f64::from(rate);
                let problem = format!(
                    "sample {number}{which} is {value} (counted from 0, at {seconds:.3} s), expected a number from −1 to 1: replace it and \
                     write the file again"
                );
                return Err(malformed(path, start + number * frame_bytes + channel * width, problem));
            }
            sum += value;
        }
        samples.push(if channels == 1 { sum } else { sum / channels as f32 });
    }
    Ok(samples)
}

/// A whole number of one to eight bytes, full scale 1.
pub(super) fn whole(bytes: &[u8], big_endian: bool) -> f32 {
    if let &[byte] = bytes {
        return (f32::from(byte) - 128.0) / 128.0;
    }
    let join = |number: i64, &byte: &u8| number << 8 | i64::from(byte);
    let number = if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) };
    let spare = 64 - 8 * bytes.len();
    (number << spare >> spare) as f32 * 0.5_f32.powi(8 * bytes.len() as i32 - 1)
}

/// A floating-point number of four or eight bytes.
fn float(bytes: &[u8], big_endian: bool) -> f32 {
    match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>()) {
        (Some(&bytes), _) => (if big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) }) as f32,
        (None, Some(&bytes)) => {
            if big_endian {
                f32::from_be_bytes(bytes)
            } else {
                f32::from_le_bytes(bytes)
            }
        }
        (None, None) => f32::NAN,
    }
}

#[cfg(test)]
#[path = "wav_tests.rs"]
mod tests;
