//! A record as the bytes of a file.

use std::io::{self, Write};

use super::{Head, Kind, MAGIC, VERSION};
use crate::record::{Record, Values};

/// Writes header and entries.
pub(super) fn encode_to(file: &mut dyn Write, record: &Record) -> io::Result<()> {
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
