//! The chunk `fmt ` of a WAVE file: how its samples are written.

use std::path::Path;

use super::recording::malformed;
use super::riff::Riff;
use crate::error::DatasetError;

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// A whole number, as far up in its bytes as it goes; of one byte from 0 to 255 around 128, of more in two's complement.
    Whole,
    /// A floating-point number of 4 or 8 bytes.
    Float,
    /// A byte of A-law.
    ALaw,
    /// A byte of µ-law.
    MuLaw,
}

/// How the samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) coding: Coding,
    pub(super) channels: usize,
    /// Samples a second.
    pub(super) rate: u32,
    /// Bytes of a sample of one channel.
    pub(super) width: usize,
}

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// Formats that are not read, by the number they have.
const OTHERS: [(u16, &str); 12] = [
    (0x0002, "Microsoft ADPCM"),
    (0x0011, "IMA ADPCM"),
    (0x0031, "GSM 6.10"),
    (0x0040, "G.721"),
    (0x0045, "G.726"),
    (0x0050, "MPEG"),
    (0x0055, "MP3"),
    (0x00ff, "AAC"),
    (0x0161, "Windows Media Audio"),
    (0x0162, "Windows Media Audio"),
    (0x674f, "Ogg Vorbis"),
    (0xf1ac, "FLAC"),
];

/// What follows the format's number in an identifier of WAVE_FORMAT_EXTENSIBLE.
const IDENTIFIER: [u8; 8] = [0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];

impl Format {
    /// Takes the chunk apart; `start` is where it begins in the file.
    pub(super) fn parse(riff: &Riff<'_>, chunk: &[u8], start: usize, path: &Path) -> Result<Self, DatasetError> {
        let wrong = |at: usize, problem: String| Err(malformed(path, start + at, problem));
        let short = |expected: usize| {
            let problem =
                format!("the chunk `fmt ` has {} bytes, expected {expected}: copy or download the file again", chunk.len());
            malformed(path, start, problem)
        };
        let word = |at: usize| chunk.get(at..).and_then(|rest| riff.u16(rest)).ok_or_else(|| short(16));
        let long = |at: usize| chunk.get(at..).and_then(|rest| riff.u32(rest)).ok_or_else(|| short(16));
        let (tag, channels, rate) = (word(0)?, usize::from(word(2)?), long(4)?);
        let (bytes_a_second, block) = (u64::from(long(8)?), usize::from(word(12)?));
        if channels == 0 {
            return wrong(2, "0 channels: the header is broken, copy or download the file again".to_owned());
        }
        if rate == 0 {
            return wrong(4, "0 samples a second: the header is broken, copy or download the file again".to_owned());
        }
        // The oldest headers end before the bits.
        let bits = if chunk.len() == 14 { (8 * (block / channels)).min(64) } else { usize::from(word(14)?) };
        let tag = if tag == EXTENSIBLE { extended(riff, chunk).ok_or_else(|| short(40))? } else { u32::from(tag) };
        let (coding, allowed) = match u16::try_from(tag) {
            Ok(PCM) => (Coding::Whole, (1..=64).contains(&bits)),
            Ok(FLOAT) => (Coding::Float, [32, 64].contains(&bits)),
            Ok(A_LAW) => (Coding::ALaw, bits == 8),
            Ok(MU_LAW) => (Coding::MuLaw, bits == 8),
            other => {
                let known = other.ok().and_then(|tag| OTHERS.iter().find(|(number, _)| *number == tag));
                let name = known.map_or_else(|| "is not known here".to_owned(), |(_, name)| format!("is {name}"));
                let problem = format!(
                    "the format {tag:#06x}, which {name}: convert the file to PCM (`ffmpeg -i FILE -c:a pcm_s16le NEW.wav`)"
                );
                return wrong(0, problem);
            }
        };
        if !allowed {
            let expected = match coding {
                Coding::Whole => "1 to 64 bits of PCM",
                Coding::Float => "32 or 64 bits of floating point",
                Coding::ALaw | Coding::MuLaw => "8 bits of A-law or µ-law",
            };
            return wrong(14, format!("{bits} bits a sample, expected {expected}: convert the file to 16-bit PCM"));
        }
        let width = bits.div_ceil(8);
        let says = |width: usize| bytes_a_second == u64::from(rate) * (channels * width) as u64;
        let wider = block / channels;
        let width = if block == channels * width || block == 0 || says(width) {
            // A wrong length of a frame that nothing else bears out is passed over.
            width
        } else if coding == Coding::Whole && block == channels * wider && (width..=8).contains(&wider) && says(wider) {
            wider
        } else {
            let problem = format!(
                "a frame of {block} bytes, but {channels} channels of {bits} bits take {}: the header is broken, write the file again",
                channels * width
            );
            return wrong(12, problem);
        };
        Ok(Self { coding, channels, rate, width })
    }
}

/// The format's number in a chunk of WAVE_FORMAT_EXTENSIBLE; one that no format has where the identifier is another kind.
fn extended(riff: &Riff<'_>, chunk: &[u8]) -> Option<u32> {
    let identifier = chunk.get(24..40)?;
    let number = riff.u32(identifier)?;
    let kind = [riff.u16(&identifier[4..])?, riff.u16(&identifier[6..])?];
    Some(if kind == [0, 0x10] && identifier[8..] == IDENTIFIER { number } else { u32::MAX })
}
