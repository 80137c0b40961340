//! The bytes of a file as a record; none of them is believed.

use std::path::Path;

use super::{CheckpointError, HEADER, Head, Kind, LONGEST_HEAD, MAGIC, VERSION};
use crate::linalg::bf16::Bf16;
use crate::record::{Entry, Record, Values};

/// The bytes of a file, and how far they have been read.
pub(super) struct Reader<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
    pub(super) path: &'b Path,
    /// A wrong checksum is an error.
    pub(super) sums_count: bool,
}

impl<'b> Reader<'b> {
    /// All of it.
    pub(super) fn record(&mut self) -> Result<Record, CheckpointError> {
        let magic = MAGIC.len();
        if self.bytes.len() < magic + 4 || &self.bytes[..magic] != MAGIC {
            let begin = String::from_utf8_lossy(MAGIC);
            return Err(self.malformed(format!("{} bytes that do not begin with {begin:?}", self.bytes.len())));
        }
        self.at = magic;
        let version = self.number()?;
        if version != VERSION {
            return Err(CheckpointError::Version { path: self.path.to_owned(), found: version, expected: VERSION });
        }
        let count = u64::from_le_bytes(self.array()?);
        self.check_sum(0)?;
        debug_assert_eq!(self.at, HEADER);
        let mut record = Record::new();
        for _ in 0..count {
            let (name, entry) = self.entry()?;
            if record.entries.contains_key(&name) {
                return Err(self.content(format!("`{name}` is there twice")));
            }
            record.entries.insert(name, entry);
        }
        match self.bytes.len() - self.at {
            0 => Ok(record),
            more => Err(self.malformed(format!("{more} bytes too many, from byte {}", self.at))),
        }
    }

    /// One entry, whose checksum is right.
    fn entry(&mut self) -> Result<(String, Entry), CheckpointError> {
        let start = self.at;
        let length = self.number()? as usize;
        if length > LONGEST_HEAD {
            return Err(self.malformed(format!("{length} bytes before an array at byte {start}")));
        }
        let head = self.take(length)?;
        self.check_sum(start)?;
        let limit = bincode::config::legacy().with_limit::<{ 2 * LONGEST_HEAD }>();
        let (head, used): (Head, usize) = bincode::serde::decode_from_slice(head, limit)
            .map_err(|error| self.malformed(format!("no array at byte {start}: {error}")))?;
        if used != length {
            return Err(self.malformed(format!("{} bytes too many before an array at byte {start}", length - used)));
        }
        let size = match head.kind {
            Kind::U8 | Kind::Bool | Kind::Text => 1,
            Kind::Bf16 => 2,
            Kind::F32 | Kind::U32 => 4,
            Kind::F64 | Kind::U64 => 8,
        };
        let too_long = || format!("cut short at byte {} in `{}` of shape {:?}", self.bytes.len(), head.name, head.shape);
        let bytes = head.shape.iter().try_fold(size, |bytes: u64, &length| bytes.checked_mul(length));
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).filter(|&bytes| bytes <= self.bytes.len() - self.at);
        let Some(bytes) = bytes else { return Err(self.malformed(too_long())) };
        let start = self.at;
        let values = self.take(bytes)?;
        self.check_sum(start)?;
        // Its lengths are no larger than the file unless one of them is zero.
        let shape = head.shape.iter().map(|&length| usize::try_from(length)).collect::<Result<Vec<_>, _>>();
        let Ok(shape) = shape else { return Err(self.content(format!("`{}` has the shape {:?}", head.name, head.shape))) };
        match values_of(head.kind, values) {
            Some(values) => Ok((head.name, Entry { shape, values })),
            None => Err(self.content(format!("`{}` holds bytes that no value has", head.name))),
        }
    }

    /// The checksum of everything from `start` on.
    fn check_sum(&mut self, start: usize) -> Result<(), CheckpointError> {
        let found = crc32fast::hash(&self.bytes[start..self.at]);
        let expected = self.number()?;
        if found == expected || !self.sums_count {
            return Ok(());
        }
        Err(CheckpointError::Corrupt { path: self.path.to_owned(), found, expected })
    }

    fn number(&mut self) -> Result<u32, CheckpointError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let bytes = self.take(N)?;
        Ok(std::array::from_fn(|i| bytes[i]))
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], CheckpointError> {
        let Some(taken) = self.bytes[self.at..].get(..count) else {
            return Err(self.malformed(format!("cut short at byte {}", self.bytes.len())));
        };
        self.at += count;
        Ok(taken)
    }

    fn malformed(&self, found: String) -> CheckpointError {
        CheckpointError::Malformed { path: self.path.to_owned(), found }
    }

    fn content(&self, reason: String) -> CheckpointError {
        CheckpointError::Content { path: self.path.to_owned(), reason }
    }
}

/// The values that bytes stand for; `None` for a truth that is neither 0 nor 1, and a text that is not UTF-8.
fn values_of(kind: Kind, bytes: &[u8]) -> Option<Values> {
    fn each<V, const N: usize>(bytes: &[u8], value: fn([u8; N]) -> V) -> Vec<V> {
        bytes.as_chunks().0.iter().map(|&bytes| value(bytes)).collect()
    }
    Some(match kind {
        Kind::F32 => Values::F32(each(bytes, f32::from_le_bytes)),
        Kind::F64 => Values::F64(each(bytes, f64::from_le_bytes)),
        Kind::Bf16 => Values::Bf16(each(bytes, |bytes| Bf16::of_bits(u16::from_le_bytes(bytes)))),
        Kind::U8 => Values::U8(bytes.to_vec()),
        Kind::U32 => Values::U32(each(bytes, u32::from_le_bytes)),
        Kind::U64 => Values::U64(each(bytes, u64::from_le_bytes)),
        Kind::Bool if bytes.iter().all(|&byte| byte < 2) => Values::Bool(bytes.iter().map(|&byte| byte == 1).collect()),
        Kind::Bool => return None,
        Kind::Text => Values::Text(String::from_utf8(bytes.to_vec()).ok()?),
    })
}
