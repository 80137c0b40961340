//! The HDF5 files of the Heidelberg spike data sets.
//!
//! What libhdf5 hands over is checked here. Libhdf5 itself trusts the lengths and addresses inside a file: one whose bits were changed on the
//! disk, rather than cut off, can make it crash or take very long. Hence the advice to compare checksums, and the feature that is off.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use hdf5_metno::types::{TypeDescriptor, VarLenArray};
use hdf5_metno::{Dataset, H5Type};
use tempfile::NamedTempFile;

use super::recordings::Recordings;
use crate::error::{At, DatasetError};
use crate::files;

/// Channels of the artificial cochlea.
pub(super) const CHANNELS: usize = 700;
/// Recordings that are read from the file at a time.
const CHUNK: usize = 64;

const TIMES: &str = "spikes/times";
const UNITS: &str = "spikes/units";
const LABELS: &str = "labels";
const SPEAKERS: &str = "extra/speaker";

/// An open file of recordings: `spikes/times` (for each recording its times in seconds, 16, 32 or 64 bits), `spikes/units` (their
/// channels), `labels`, and in the digits `extra/speaker`.
#[derive(Debug)]
pub(super) struct SpikeFile {
    path: PathBuf,
    file: hdf5_metno::File,
    /// Bytes of the file as it is read.
    size: u64,
    /// What a packed file unpacks to; removed when this is dropped.
    _unpacked: Option<NamedTempFile>,
}

impl SpikeFile {
    /// The largest content of a packed file, in bytes.
    const LARGEST_FILE: u64 = 1 << 35;

    /// Opens a file, gzip or not; what a packed one unpacks to lies in a temporary file as long as this is there.
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let unreadable = |reason| DatasetError::Unreadable { path: path.to_owned(), reason };
        let Some(found) = files::look(path)? else {
            return Err(DatasetError::NotFound { file: files::name_of(path), looked_at: vec![path.to_owned()] });
        };
        if !found.is_file() {
            return Err(DatasetError::NotAFile { path: path.to_owned() });
        }
        let mut start = Vec::new();
        File::open(path).and_then(|file| file.take(2).read_to_end(&mut start)).map_err(unreadable)?;
        if start == [0x1f, 0x8b] {
            let packed = File::open(path).map_err(unreadable)?;
            return Self::of_temporary(unpacked(packed, found.len(), path)?, path);
        }
        Self::new(path, found.len(), None, path)
    }

    /// The same of a file in memory, gzip or not, which is written to a temporary file; `path` is only the name it has in errors.
    pub(super) fn from_slice(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Self::of_temporary(unpacked(bytes, bytes.len() as u64, path)?, path);
        }
        let mut temporary = temporary(path)?;
        temporary.write_all(bytes).map_err(|reason| not_unpacked(path, &reason))?;
        Self::of_temporary(temporary, path)
    }

    fn of_temporary(unpacked: NamedTempFile, path: &Path) -> Result<Self, DatasetError> {
        let size = unpacked.as_file().metadata().map_err(|reason| not_unpacked(path, &reason))?.len();
        let lies_at = unpacked.path().to_owned();
        Self::new(&lies_at, size, Some(unpacked), path)
    }

    fn new(lies_at: &Path, size: u64, unpacked: Option<NamedTempFile>, path: &Path) -> Result<Self, DatasetError> {
        let file = hdf5_metno::File::open(lies_at).map_err(|error| DatasetError::Malformed {
            path: path.to_owned(),
            at: At::Byte(0),
            problem: format!("not a whole HDF5 file ({}): copy or download it again", said(&error)),
        })?;
        Ok(Self { path: path.to_owned(), file, size, _unpacked: unpacked })
    }

    /// The file's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn wrong(&self, part: &str, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.clone(), at: At::Part(part.to_owned()), problem }
    }

    /// A data set of one dimension whose elements are what `is_right` says, in words `form`, and how many it has.
    fn part(&self, part: &str, is_right: fn(&TypeDescriptor) -> bool, form: &str) -> Result<(Dataset, usize), DatasetError> {
        let broken = |error| self.wrong(part, format!("cannot be read ({}): download the file again", said(&error)));
        let data = self.file.dataset(part).map_err(|error| {
            self.wrong(
                part,
                format!("there is no such data set ({}): is this a file of the Heidelberg spike data sets?", said(&error)),
            )
        })?;
        let kind = data.dtype().and_then(|kind| kind.to_descriptor()).map_err(broken)?;
        let shape = data.space().map_err(broken)?.shape();
        let &[count] = &shape[..] else {
            return Err(self.wrong(part, format!("shape {shape:?}, expected one dimension, the recordings")));
        };
        if !is_right(&kind) {
            return Err(self.wrong(part, format!("elements of type {kind}, expected {form}")));
        }
        // Nothing has to be stored for elements that were not written: their number alone proves nothing.
        if count as u64 > self.size {
            return Err(self.wrong(part, format!("{count} recordings in a file of {} bytes: download it again", self.size)));
        }
        if count == 0 {
            return Err(self.wrong(part, "no recordings, expected at least one: download the file again".to_owned()));
        }
        Ok((data, count))
    }

    /// A whole number for each recording.
    fn numbers(&self, part: &str) -> Result<Vec<i64>, DatasetError> {
        let is_right = |kind: &TypeDescriptor| matches!(kind, TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_));
        let (data, _) = self.part(part, is_right, "whole numbers")?;
        data.read_raw()
            .map_err(|error| self.wrong(part, format!("cannot be read ({}): download the file again", said(&error))))
    }

    /// The class of each recording.
    pub(super) fn labels(&self, classes: usize) -> Result<Vec<u32>, DatasetError> {
        let checked = |(index, label): (usize, i64)| {
            let class = u32::try_from(label).ok().filter(|&class| (class as usize) < classes);
            class.ok_or_else(|| {
                self.wrong(LABELS, format!("label {label} of recording {index}, expected 0 to {}", classes - 1))
            })
        };
        self.numbers(LABELS)?.into_iter().enumerate().map(checked).collect()
    }

    /// The speaker of each recording, of which there are `recordings`.
    pub(super) fn speakers(&self, recordings: usize) -> Result<Vec<i64>, DatasetError> {
        let speakers = self.numbers(SPEAKERS)?;
        self.same_count(SPEAKERS, speakers.len(), recordings)?;
        Ok(speakers)
    }

    fn same_count(&self, part: &str, found: usize, labels: usize) -> Result<(), DatasetError> {
        if found == labels {
            return Ok(());
        }
        Err(self.wrong(part, format!("{found} recordings, but there are {labels} labels: download the file again")))
    }

    /// Adds each recording to the one of the lists that `place` says, with its class; `pool` neighbouring channels become one.
    pub(super) fn read(
        &self,
        classes: &[u32],
        pool: usize,
        lists: &mut [Recordings],
        place: impl Fn(usize) -> usize,
    ) -> Result<(), DatasetError> {
        let is_times = |kind: &TypeDescriptor| matches!(kind, TypeDescriptor::VarLenArray(of) if matches!(**of, TypeDescriptor::Float(_)));
        let is_units = |kind: &TypeDescriptor| {
            matches!(kind, TypeDescriptor::VarLenArray(of)
                if matches!(**of, TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_)))
        };
        let (times, count) = self.part(TIMES, is_times, "lists of floating-point numbers")?;
        self.same_count(TIMES, count, classes.len())?;
        let (units, count) = self.part(UNITS, is_units, "lists of whole numbers")?;
        self.same_count(UNITS, count, classes.len())?;
        let mut events = 0_u64;
        for start in (0..count).step_by(CHUNK) {
            let range = start..count.min(start + CHUNK);
            // Libhdf5 turns the 16 bits of the published files into 32, and whole numbers of any size into 64, which loses none.
            let times: Vec<VarLenArray<f32>> = self.slice(&times, TIMES, range.clone())?;
            let units: Vec<VarLenArray<i64>> = self.slice(&units, UNITS, range)?;
            for (index, (times, units)) in (start..).zip(times.iter().zip(&units)) {
                events += times.len() as u64;
                if events > self.size {
                    let problem = format!("{events} spikes and more in a file of {} bytes: download it again", self.size);
                    return Err(self.wrong(TIMES, problem));
                }
                let list = &mut lists[place(index)];
                self.add(index, times, units, pool, list)?;
                list.finish(classes[index]);
            }
        }
        Ok(())
    }

    /// Some elements of a data set.
    fn slice<T: H5Type>(&self, data: &Dataset, part: &str, range: std::ops::Range<usize>) -> Result<Vec<T>, DatasetError> {
        let problem = |error| format!("recordings {range:?} cannot be read ({}): download the file again", said(&error));
        let read = data.read_slice_1d(range.clone()).map_err(|error| self.wrong(part, problem(error)))?;
        Ok(read.into_raw_vec_and_offset().0)
    }

    /// Adds the spikes of one recording to a list.
    fn add(
        &self,
        index: usize,
        times: &[f32],
        units: &[i64],
        pool: usize,
        list: &mut Recordings,
    ) -> Result<(), DatasetError> {
        if times.len() != units.len() {
            let problem =
                format!("recording {index} has {} channels for {} times: download the file again", units.len(), times.len());
            return Err(self.wrong(UNITS, problem));
        }
        for (event, (&time, &unit)) in times.iter().zip(units).enumerate() {
            let microseconds = (f64::from(time) * 1e6).round();
            if !(0.0..=f64::from(u32::MAX)).contains(&microseconds) {
                let problem = format!(
                    "spike {event} of recording {index} is at {time} s, expected 0 to 4294 s: download the file again"
                );
                return Err(self.wrong(TIMES, problem));
            }
            if !(0..CHANNELS as i64).contains(&unit) {
                let problem =
                    format!("spike {event} of recording {index} is of channel {unit}, expected 0 to {}", CHANNELS - 1);
                return Err(self.wrong(UNITS, problem));
            }
            list.push(microseconds as u32, (unit as usize / pool) as u32, 1.0);
        }
        Ok(())
    }
}

/// What libhdf5 says about an error, in one line.
fn said(error: &hdf5_metno::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn not_unpacked(path: &Path, reason: &std::io::Error) -> DatasetError {
    let reason = std::io::Error::new(reason.kind(), format!("unpacking it to a temporary file failed: {reason}"));
    DatasetError::Unreadable { path: path.to_owned(), reason }
}

fn temporary(path: &Path) -> Result<NamedTempFile, DatasetError> {
    NamedTempFile::new().map_err(|reason| not_unpacked(path, &reason))
}

/// A temporary file with what gzip data of `bytes` bytes unpacks to.
fn unpacked(packed: impl Read, bytes: u64, path: &Path) -> Result<NamedTempFile, DatasetError> {
    let mut temporary = temporary(path)?;
    let mut content = MultiGzDecoder::new(BufReader::new(packed));
    let mut piece = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = content.read(&mut piece).map_err(|reason| DatasetError::Malformed {
            path: path.to_owned(),
            at: At::Unpacked(Box::new(At::Byte(size))),
            problem: format!("not whole gzip data ({reason}): copy or download it again"),
        })?;
        if read == 0 {
            return Ok(temporary);
        }
        size += read as u64;
        files::within_room(size, bytes, SpikeFile::LARGEST_FILE, path)?;
        temporary.write_all(&piece[..read]).map_err(|reason| not_unpacked(path, &reason))?;
    }
}
