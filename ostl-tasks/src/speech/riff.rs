//! RIFF files: chunks of a name of four characters, a length and that many bytes, one after the other.
//!
//! `RIFX` is the same with the most significant byte first. `RF64` and `BW64` have lengths of 64 bits in a chunk `ds64`. A chunk of odd
//! length has a byte of padding after it, which some programs leave out. Programs that write to a pipe cannot go back to fill in a length:
//! they leave it 0 or as large as it goes.

use std::path::Path;

use super::recording::malformed;
use crate::error::DatasetError;

/// What begins a file.
pub(super) const MAGICS: [&[u8]; 4] = [b"RIFF", b"RIFX", b"RF64", b"BW64"];

/// Bytes of a chunk's name and length.
const HEADER: usize = 8;
/// Lengths from here on are what programs write that do not know better: no file that is read here is as long.
const UNKNOWN: u64 = 0x7fff_0000;

/// A RIFF file in memory.
#[derive(Clone, Copy)]
pub(super) struct Riff<'b> {
    bytes: &'b [u8],
    path: &'b Path,
    /// Whether the most significant byte comes first.
    pub(super) big_endian: bool,
}

/// A chunk's name and place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) name: [u8; 4],
    /// The first byte of its content.
    pub(super) start: usize,
    /// As its header says.
    length: u64,
}

impl<'b> Riff<'b> {
    /// Checks the first twelve bytes; `form` is what the file is to hold.
    pub(super) fn new(bytes: &'b [u8], form: &[u8; 4], path: &'b Path) -> Result<Self, DatasetError> {
        let Some((start, _)) = bytes.split_at_checked(12) else {
            return Err(malformed(path, bytes.len(), "the file ends in its header: copy or download it again"));
        };
        if !MAGICS.contains(&&start[..4]) {
            return Err(malformed(path, 0, "not a RIFF file: expected `RIFF` at the start"));
        }
        if &start[8..] != form {
            let problem = format!(
                "a RIFF file of `{}`, expected `{}`: convert it to WAV",
                start[8..].escape_ascii(),
                form.escape_ascii()
            );
            return Err(malformed(path, 8, problem));
        }
        Ok(Self { bytes, path, big_endian: start.starts_with(b"RIFX") })
    }

    /// Where the first chunk begins.
    pub(super) fn first(&self) -> usize {
        12
    }

    /// The chunk whose header begins at a byte, if there is room for a header.
    pub(super) fn chunk(&self, at: usize) -> Option<Chunk> {
        let header = self.bytes.get(at..at.checked_add(HEADER)?)?;
        let name = [header[0], header[1], header[2], header[3]];
        Some(Chunk { name, start: at + HEADER, length: self.u32(&header[4..])?.into() })
    }

    /// Where the chunk after this one begins.
    pub(super) fn after(&self, chunk: &Chunk) -> Option<usize> {
        let end = chunk.start.checked_add(usize::try_from(chunk.length).ok()?).filter(|&end| end <= self.bytes.len())?;
        if chunk.length.is_multiple_of(2) || end == self.bytes.len() {
            return Some(end);
        }
        // Padding is a zero, which no name begins with. Where a name might begin there it has been left out, unless a name that is known
        // follows what would then be the padding.
        Some(if self.is_name(end) && !self.is_known(end + 1) { end } else { end + 1 })
    }

    /// Whether a chunk's name, or the end of the file, is at a byte.
    fn is_name(&self, at: usize) -> bool {
        at == self.bytes.len()
            || self.bytes.get(at..at + 4).is_some_and(|name| name.iter().all(|byte| matches!(byte, b' '..=b'~')))
    }

    /// Whether one of the chunks that WAV files have begins at a byte.
    fn is_known(&self, at: usize) -> bool {
        const KNOWN: [&[u8]; 12] =
            [b"fmt ", b"data", b"LIST", b"fact", b"bext", b"iXML", b"JUNK", b"PEAK", b"cue ", b"smpl", b"id3 ", b"ID3 "];
        self.bytes.get(at..at + 4).is_some_and(|name| KNOWN.contains(&name))
    }

    /// The content of a chunk that has to be there whole.
    pub(super) fn content(&self, chunk: &Chunk) -> Result<&'b [u8], DatasetError> {
        let there = &self.bytes[chunk.start..];
        usize::try_from(chunk.length).ok().and_then(|length| there.get(..length)).ok_or_else(|| {
            let problem = format!(
                "the chunk `{}` announces {} bytes, and the file ends after {}: copy or download it again",
                chunk.name.escape_ascii(),
                chunk.length,
                there.len()
            );
            malformed(self.path, chunk.start, problem)
        })
    }

    /// The samples: the content of the chunk `data`, whose length `wide`, that of a chunk `ds64`, overrules. If the length was not known when
    /// the header was written, they reach to the end of the file.
    pub(super) fn samples(&self, chunk: &Chunk, wide: Option<u64>) -> Result<&'b [u8], DatasetError> {
        let there = &self.bytes[chunk.start..];
        let length = wide.filter(|_| chunk.length == u64::from(u32::MAX)).unwrap_or(chunk.length);
        if usize::try_from(length).is_ok_and(|length| length <= there.len()) {
            let unknown = length == 0 && !there.is_empty() && !self.are_chunks(chunk.start);
            return Ok(if unknown { there } else { &there[..length as usize] });
        }
        if length >= UNKNOWN {
            return Ok(there);
        }
        let problem = format!(
            "the file ends before its samples do: the chunk `data` announces {length} bytes, and {} are there; copy or download it again",
            there.len()
        );
        Err(malformed(self.path, self.bytes.len(), problem))
    }

    /// Whether chunks follow each other from here to the end of the file.
    fn are_chunks(&self, mut at: usize) -> bool {
        while at < self.bytes.len() {
            match self.chunk(at).filter(|_| self.is_name(at)).and_then(|chunk| self.after(&chunk)) {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    }

    /// Whether a chunk of this name comes after another one; what is no chunk ends the search.
    pub(super) fn has_another(&self, name: &[u8; 4], chunk: &Chunk) -> bool {
        let mut next = self.after(chunk);
        while let Some(found) = next.filter(|&at| self.is_name(at)).and_then(|at| self.chunk(at)) {
            if &found.name == name {
                return true;
            }
            next = self.after(&found);
        }
        false
    }

    /// A number of two bytes at the start of some.
    pub(super) fn u16(&self, bytes: &[u8]) -> Option<u16> {
        let bytes = *bytes.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    /// A number of four bytes at the start of some.
    pub(super) fn u32(&self, bytes: &[u8]) -> Option<u32> {
        let bytes = *bytes.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}
