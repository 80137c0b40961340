//! Checkpoints: everything needed to go on bit for bit, in one file that is whole or is not there.
//!
//! A checkpoint is a [`Record`]: named arrays, so that another program can read the weights, and a change of how things lie in memory breaks no
//! file. docs/checkpoints.md describes the format byte by byte and lists the names. The only file of the project that knows bincode, which
//! writes what stands before each array. It is written as a [whole file](crate::whole_file), so that a full disk or a kill
//! in mid-write leaves the previous one.
//!
//! No checkpoint holds a number that is infinite or none: no run goes on from that. Neither is one written nor taken for good, and the error
//! names the array and the index. And no length in a file is believed: nothing is allocated that the file is too short to hold.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::learner::whole_file;
use crate::linalg::bf16::Bf16;
use crate::record::{Entry, Record, Values};

const MAGIC: &[u8; 8] = b"OSTLCKPT";
/// Version of the format; a file of another version is refused by name.
const VERSION: u32 = 7;
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

fn encode_to(file: &mut dyn Write, record: &Record) -> io::Result<()> {
    let mut header = MAGIC.to_vec();
    header.extend(VERSION.to_le_bytes());
    header.extend((record.entries.len() as u64).to_le_bytes());
    header.extend(crc32fast::hash(&header).to_le_bytes());
    file.write_all(&header)?;
    for (name, entry) in &record.entries {
        let shape = entry.shape.iter().map(|&length| length as u64).collect();
        let head = Head { name: name.clone(), kind: kind_of(&entry.values), shape };
        let head = bincode::serde::encode_to_vec(&head, bincode::config::legacy()).map_err(io::Error::other)?;
        let mut before = (head.len() as u32).to_le_bytes().to_vec();
        before.extend(head);
        before.extend(crc32fast::hash(&before).to_le_bytes());
        file.write_all(&before)?;
        let mut file = Summed { to: file, sum: crc32fast::Hasher::new() };
        write_values(&mut file, &entry.values)?;
        let Summed { to, sum } = file;
        to.write_all(&sum.finalize().to_le_bytes())?;
    }
    Ok(())
}

fn kind_of(values: &Values) -> Kind {
    match values {
        Values::F32(_) => Kind::F32,
        Values::F64(_) => Kind::F64,
        Values::Bf16(_) => Kind::Bf16,
        Values::U8(_) => Kind::U8,
        Values::U32(_) => Kind::U32,
        Values::U64(_) => Kind::U64,
        Values::Bool(_) => Kind::Bool,
        Values::Text(_) => Kind::Text,
    }
}

fn write_values(file: &mut dyn Write, values: &Values) -> io::Result<()> {
    fn each<V: Copy, const N: usize>(file: &mut dyn Write, values: &[V], bytes: fn(V) -> [u8; N]) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(4096 * N);
        for some in values.chunks(4096) {
            buffer.clear();
            some.iter().for_each(|&value| buffer.extend(bytes(value)));
            file.write_all(&buffer)?;
        }
        Ok(())
    }
    match values {
        Values::F32(values) => each(file, values, f32::to_le_bytes),
        Values::F64(values) => each(file, values, f64::to_le_bytes),
        Values::Bf16(values) => each(file, values, |value| value.to_bits().to_le_bytes()),
        Values::U8(values) => file.write_all(values),
        Values::U32(values) => each(file, values, u32::to_le_bytes),
        Values::U64(values) => each(file, values, u64::to_le_bytes),
        Values::Bool(values) => each(file, values, |value| [u8::from(value)]),
        Values::Text(text) => file.write_all(text.as_bytes()),
    }
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

/// The bytes of a file, and how far they have been read.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    path: &'b Path,
    /// A wrong checksum is an error.
    sums_count: bool,
}

impl<'b> Reader<'b> {
    fn record(&mut self) -> Result<Record, CheckpointError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: f32) -> Record {
        let mut record = Record::new();
        record.put("layers.0.W", &[2, 2], vec![1.0_f32, -2.5, f32::MIN_POSITIVE, value]);
        record.put("layers.0.b", &[1], vec![f64::MAX]);
        record.put("trace", &[2], vec![Bf16::of_bits(0x3F80), Bf16::of_bits(0)]);
        record.put("flags", &[2], vec![true, false]);
        record.put("counts", &[], vec![u64::MAX]);
        record.put("rows", &[3], vec![1_u32, 2, 3]);
        record.put("slots", &[2], vec![255_u8, 0]);
        record.put_text("network", "3 > lstm 4");
        record
    }

    #[test]
    fn round_trip_and_every_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        let record = record(0.5);
        write(&path, &record).unwrap();
        assert_eq!(read_of(&path, "3 > lstm 4").unwrap(), record);
        assert!(matches!(read_of(&path, "3 > gru 4"), Err(CheckpointError::OtherNetwork { .. })));
        let whole = fs::read(&path).unwrap();
        assert_eq!(encode(&record), whole);
        for cut in 0..whole.len() {
            let error = decode(&whole[..cut], &path).unwrap_err();
            assert!(matches!(error, CheckpointError::Malformed { .. }), "cut at {cut}: {error}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x10;
            let error = decode(&broken, &path).unwrap_err();
            assert!(error.to_string().contains("x.ckpt"), "{error}");
            if (8..12).contains(&at) {
                assert!(matches!(error, CheckpointError::Version { .. }));
            }
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(decode(&longer, &path).unwrap_err().to_string().contains("1 bytes too many"));
        assert!(matches!(read(&folder.path().join("missing")).unwrap_err(), CheckpointError::Read { .. }));
    }

    /// The bytes of a small checkpoint, worked out by hand from docs/checkpoints.md.
    #[test]
    fn the_format_is_the_one_described() {
        let mut record = Record::new();
        record.put("b", &[2], vec![1.0_f32, -2.0]);
        let mut header = b"OSTLCKPT\x07\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        header.extend(crc32fast::hash(&header).to_le_bytes());
        let mut entry = vec![29, 0, 0, 0];
        entry.extend(b"\x01\0\0\0\0\0\0\0b\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0");
        entry.extend(crc32fast::hash(&entry).to_le_bytes());
        let values = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0];
        entry.extend(values);
        entry.extend(crc32fast::hash(&values).to_le_bytes());
        header.extend(entry);
        assert_eq!(encode(&record), header);
    }

    #[test]
    fn an_older_version_is_refused_with_the_way_out() {
        let mut bytes = encode(&record(1.0));
        bytes[8] = 6;
        let error = decode(&bytes, Path::new("x.ckpt")).unwrap_err().to_string();
        assert!(error.contains("format version 6") && error.contains("train anew"), "{error}");
    }

    /// A right checksum around wrong contents.
    #[test]
    fn lengths_that_the_file_cannot_hold_are_refused() {
        let path = Path::new("x.ckpt");
        let file = |head: &Head, values: &[u8]| {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(VERSION.to_le_bytes());
            bytes.extend(1_u64.to_le_bytes());
            bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
            let head = bincode::serde::encode_to_vec(head, bincode::config::legacy()).unwrap();
            let mut entry = (head.len() as u32).to_le_bytes().to_vec();
            entry.extend(head);
            entry.extend(crc32fast::hash(&entry).to_le_bytes());
            entry.extend(values);
            entry.extend(crc32fast::hash(values).to_le_bytes());
            bytes.extend(entry);
            bytes
        };
        for shift in [10, 25, 31, 32, 40, 62, 63] {
            for shape in [vec![1 << shift], vec![1 << shift, 1 << shift], vec![2, 1 << shift]] {
                let head = Head { name: "a".into(), kind: Kind::F64, shape };
                let error = decode(&file(&head, &[0; 100]), path).unwrap_err();
                assert!(matches!(&error, CheckpointError::Malformed { .. }), "2^{shift}: {error}");
            }
        }
        let head = |kind, length| Head { name: "a".into(), kind, shape: vec![length] };
        for (head, values) in [(head(Kind::Bool, 1), [2]), (head(Kind::Text, 1), [0xFF])] {
            let error = decode(&file(&head, &values), path).unwrap_err();
            assert!(matches!(&error, CheckpointError::Content { .. }), "{error}");
        }
        assert!(decode(&file(&head(Kind::U8, 1), &[2]), path).is_ok());
    }

    #[test]
    fn what_is_not_finite_is_neither_written_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        write(&path, &record(3.0)).unwrap();
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = write(&path, &record(value)).unwrap_err().to_string();
            let words = format!("x.ckpt: was not written, since layers.0.W[1][1] is {value}");
            assert!(error.contains(&words), "{error}");
            let error = decode(&encode(&record(value)), &path).unwrap_err();
            assert!(matches!(&error, CheckpointError::NotFinite { place, .. } if place == "layers.0.W[1][1]"), "{error}");
        }
        assert_eq!(read(&path).unwrap(), record(3.0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failing_write_leaves_the_former_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ckpt");
        write(&path, &record(1.0)).unwrap();
        assert!(write(&folder.path().join("no such folder").join("x.ckpt"), &record(2.0)).is_err());
        assert_eq!(read(&path).unwrap(), record(1.0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
    }
}
