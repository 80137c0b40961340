//! RIFF WAVE files: PCM of 8 to 32 bits or 32-bit floating point, any number of channels.

use std::io::Cursor;
use std::path::Path;

use hound::{SampleFormat, WavReader};

use super::recording::{Recording, malformed, mix};
use crate::error::DatasetError;

/// The samples of a WAVE file, the channels averaged; `path` is only the name it has in errors.
///
/// A whole number is divided by full scale (2^(bits − 1)), so that samples are −1 … 1; floating point is taken as it is.
///
/// # Errors
/// [`DatasetError::Malformed`] with the byte if the file is not WAVE, is compressed, ends before its samples do, or holds a sample that is
/// not a finite number.
pub fn read(bytes: &[u8], path: &Path) -> Result<Recording, DatasetError> {
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(|reason| broken(path, bytes.len(), &reason))?;
    let spec = reader.spec();
    let first = reader.len();
    let bits = u32::from(spec.bits_per_sample);
    if spec.sample_rate == 0 {
        return Err(malformed(path, 24, "0 samples a second: the header is broken, copy or download the file again"));
    }
    // The header's length is a claim: no more room is made than the file can fill at a byte a sample.
    let mut samples = Vec::with_capacity((first as usize).min(bytes.len() / (bits as usize).div_ceil(8).max(1)));
    match spec.sample_format {
        SampleFormat::Int => {
            let scale = 0.5_f32.powi(bits as i32 - 1);
            for sample in reader.samples::<i32>() {
                samples.push(sample.map_err(|reason| broken(path, bytes.len(), &reason))? as f32 * scale);
            }
        }
        SampleFormat::Float => {
            for sample in reader.samples::<f32>() {
                let sample = sample.map_err(|reason| broken(path, bytes.len(), &reason))?;
                // Sums and squares of anything larger would no longer be finite, and no microphone says it.
                if !sample.is_finite() || sample.abs() > 1e6 {
                    let problem = format!(
                        "sample {} is {sample}, expected a number from −1 to 1: write the file again",
                        samples.len()
                    );
                    return Err(malformed(path, 44 + 4 * samples.len(), problem));
                }
                samples.push(sample);
            }
        }
    }
    Ok(Recording { samples: mix(samples, usize::from(spec.channels)), rate: spec.sample_rate })
}

/// What the library says, with a way out.
fn broken(path: &Path, length: usize, reason: &hound::Error) -> DatasetError {
    match reason {
        hound::Error::IoError(_) => {
            malformed(path, length, "the file ends before its samples do: copy or download it again")
        }
        hound::Error::Unsupported => {
            malformed(path, 20, "a WAVE file that is neither PCM nor 32-bit floating point: convert it to PCM")
        }
        other => malformed(path, 0, format!("not a WAVE file that can be read ({other}): convert it to PCM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as the format's description has it, byte by byte, and the samples.
    fn file(tag: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + data.len() as u32).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0");
        bytes.extend(tag.to_le_bytes());
        bytes.extend(channels.to_le_bytes());
        bytes.extend(8_000_u32.to_le_bytes());
        bytes.extend((8_000 * u32::from(block)).to_le_bytes());
        bytes.extend(block.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes
    }

    fn samples(bytes: &[u8]) -> Result<Vec<f32>, String> {
        let read = read(bytes, Path::new("a.wav")).map_err(|error| error.to_string())?;
        assert_eq!(read.rate, 8_000);
        Ok(read.samples)
    }

    #[test]
    fn every_depth() {
        assert_eq!(samples(&file(1, 1, 8, &[0, 128, 255])).unwrap(), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(samples(&file(1, 1, 16, &[0, 0x80, 0, 0x40, 1, 0])).unwrap(), [-1.0, 0.5, 1.0 / 32768.0]);
        assert_eq!(samples(&file(1, 1, 24, &[0, 0, 0x80, 0, 0, 0x20])).unwrap(), [-1.0, 0.25]);
        assert_eq!(samples(&file(1, 1, 32, &[0, 0, 0, 0xc0])).unwrap(), [-0.5]);
        assert_eq!(samples(&file(3, 1, 32, &0.125_f32.to_le_bytes())).unwrap(), [0.125]);
        let stereo = [0x00, 0x40, 0x00, 0x20, 0x00, 0xc0, 0x00, 0x40];
        assert_eq!(samples(&file(1, 2, 16, &stereo)).unwrap(), [0.375, 0.0]);
        assert_eq!(samples(&file(1, 1, 16, &[])).unwrap(), [0.0_f32; 0]);
    }

    #[test]
    fn broken_files_are_told() {
        let whole = file(1, 1, 16, &[1, 2, 3, 4]);
        for end in 4..whole.len() {
            assert!(samples(&whole[..end]).unwrap_err().contains("a.wav: byte"), "{end}");
        }
        assert!(samples(&whole[..46]).unwrap_err().contains("byte 46: the file ends before its samples do"));
        let error = samples(&file(3, 1, 32, &f32::NAN.to_le_bytes())).unwrap_err();
        assert!(error.contains("byte 44: sample 0 is NaN"), "{error}");
        assert!(samples(&file(7, 1, 16, &[0, 0])).unwrap_err().contains("convert it to PCM"));
        // A length of four gigabytes takes no room.
        let mut claims = whole;
        claims[40..44].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
        assert!(samples(&claims).unwrap_err().contains("ends before"));
    }
}
