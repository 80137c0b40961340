//! One array of NumPy, from a file or from a member of an archive.

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::path::Path;

use half::f16;
use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar};

use super::numbers::Numbers;
use crate::error::{At, DatasetError};

/// The longest header that is read, in bytes; NumPy itself stops at 10,000.
const LONGEST_HEADER: usize = 10_000;
/// Most numbers for which room is made before they have been read.
const FIRST_ROOM: u64 = 1 << 16;

/// An array in C's order. Its numbers may be anything yet: what lies in padding is never looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers,
    /// Whole numbers beyond 32 bits have become the least or the largest of them.
    pub(crate) is_clipped: bool,
}

/// Where an array lies, for errors.
#[derive(Clone, Copy)]
pub(crate) struct Named<'p> {
    pub(crate) path: &'p Path,
    pub(crate) name: &'p str,
}

impl Named<'_> {
    pub(crate) fn broken(&self, problem: impl Into<String>) -> DatasetError {
        DatasetError::Malformed { path: self.path.to_owned(), at: At::Part(self.name.to_owned()), problem: problem.into() }
    }

    fn unreadable(&self, reason: impl std::fmt::Display) -> DatasetError {
        self.broken(format!("cannot be read: {reason}; save it again"))
    }
}

/// Reads an array that takes `bytes` bytes, header and all.
pub(crate) fn read(source: impl Read, bytes: u64, named: Named<'_>) -> Result<Array, DatasetError> {
    let mut source = BufReader::new(source);
    let (header, header_bytes) = read_header(&mut source, named)?;
    let DType::Plain(kind) = header.dtype() else {
        return Err(named.broken("an array of structures, expected one of plain numbers: save each field by itself"));
    };
    let shape: Vec<usize> = header.shape().iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
    let turned = header.order() == Order::Fortran && shape.len() > 1;
    // How many bytes a file takes is only known of the types below.
    let file = || {
        let declared = header.len().checked_mul(kind.size_field()).and_then(|data| data.checked_add(header_bytes));
        if declared == Some(bytes) {
            return Ok(NpyFile::with_header(header, &mut source));
        }
        let takes = declared.map_or("more bytes than can be counted".to_owned(), |declared| format!("{declared} bytes"));
        Err(named.broken(format!(
            "an array of the shape {shape:?} and the type `{kind}` takes {takes}, but {bytes} are there: it was cut off or changed, so \
             save it again"
        )))
    };
    let is_clipped = Cell::new(false);
    let numbers = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Bool, 1) => Numbers::U8(list(file()?, named, |truth: bool| u8::from(truth))?),
        (TypeChar::Uint, 1) => Numbers::U8(list(file()?, named, |n: u8| n)?),
        (TypeChar::Int, 1) => Numbers::I8(list(file()?, named, |n: i8| n)?),
        (TypeChar::Uint, 2) => Numbers::U16(list(file()?, named, |n: u16| n)?),
        (TypeChar::Int, 2) => Numbers::I16(list(file()?, named, |n: i16| n)?),
        (TypeChar::Int, 4) => Numbers::I32(list(file()?, named, |n: i32| n)?),
        (TypeChar::Uint, 4) => Numbers::I32(list(file()?, named, |n: u32| whole(n, false, &is_clipped))?),
        (TypeChar::Int, 8) => Numbers::I32(list(file()?, named, |n: i64| whole(n, n < 0, &is_clipped))?),
        (TypeChar::Uint, 8) => Numbers::I32(list(file()?, named, |n: u64| whole(n, false, &is_clipped))?),
        (TypeChar::Float, 2) => Numbers::F32(list(file()?, named, f16::to_f32)?),
        (TypeChar::Float, 4) => Numbers::F32(list(file()?, named, |n: f32| n)?),
        (TypeChar::Float, 8) => Numbers::F32(list(file()?, named, |n: f64| single(n, &is_clipped))?),
        (other, _) => {
            let known = "expected bool, whole numbers of 8 to 64 bits or floats of 16 to 64 bits";
            return Err(named.broken(format!("values of the type `{kind}`, {known}: {}", remedy(other, named.name))));
        }
    };
    // Reading on until nothing comes lets an archive compare its checksum.
    match source.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => return Err(named.broken("there is more after the last number: save it again")),
        Err(reason) => return Err(named.unreadable(reason)),
    }
    let numbers = if turned { numbers.in_c_order(&shape) } else { numbers };
    Ok(Array { shape, numbers, is_clipped: is_clipped.get() })
}

/// A number in single precision. What is beyond becomes the largest there is, and that is noted.
fn single(number: f64, is_clipped: &Cell<bool>) -> f32 {
    let single = number as f32;
    if single.is_infinite() && number.is_finite() {
        is_clipped.set(true);
        return f32::MAX.copysign(single);
    }
    single
}

/// What to do about values of a type that is not read.
fn remedy(kind: TypeChar, name: &str) -> String {
    match kind {
        TypeChar::Object if matches!(name, "inputs" | "targets") => {
            "NumPy makes such arrays of Python objects of sequences of unequal length: \
             pad them to the longest and give `lengths`, or write JSON Lines"
                .into()
        }
        TypeChar::Object => "an array of Python objects: make it one of numbers with np.array(list(…), dtype=int)".into(),
        TypeChar::Complex => "save real and imaginary part as two features, np.stack([x.real, x.imag], axis=-1)".into(),
        TypeChar::ByteStr | TypeChar::UnicodeStr => {
            "text that names a class becomes its number, counted from 0, as np.unique(targets, \
             return_inverse=True) gives it, and the names go into classes.json"
                .into()
        }
        TypeChar::Float | TypeChar::Int | TypeChar::Uint | TypeChar::Bool => {
            "convert them with astype, as in astype('float32')".into()
        }
        _ => "save numbers, as in astype('float64')".into(),
    }
}

/// The header and how many bytes it takes, and nothing of what comes after it.
fn read_header(source: &mut impl Read, named: Named<'_>) -> Result<(NpyHeader, u64), DatasetError> {
    let cut = |reason| named.broken(format!("the file ends in the header ({reason}): save it again"));
    let mut bytes = vec![0; 10];
    source.read_exact(&mut bytes).map_err(cut)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(named.broken("not an array of NumPy: save it with np.save or np.savez"));
    }
    let mut length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    if bytes[6] > 1 {
        let mut high = [0; 2];
        source.read_exact(&mut high).map_err(cut)?;
        bytes.extend(high);
        length |= usize::from(u16::from_le_bytes(high)) << 16;
    }
    if length > LONGEST_HEADER {
        let problem = format!("a header of {length} bytes, expected at most {LONGEST_HEADER}: save the array again");
        return Err(named.broken(problem));
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    source.read_exact(&mut bytes[start..]).map_err(cut)?;
    // The library goes deeper into brackets with every one, and multiplies sizes unchecked: with 19 decimal digits in all, and no `0x`, no
    // product reaches 2⁶⁴.
    let text = &bytes[start..];
    let brackets = text.iter().filter(|byte| b"([{".contains(byte)).count();
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if brackets > 8 || digits > 19 || text.iter().any(|byte| b"xX".contains(byte)) {
        return Err(named.broken("the header is not that of an array of plain numbers with up to three axes: save it again"));
    }
    let header = NpyHeader::from_reader(&bytes[..]).map_err(|reason| named.unreadable(reason))?;
    Ok((header, bytes.len() as u64))
}

/// All numbers, converted one by one.
fn list<T: Deserialize, U>(
    file: NpyFile<impl Read>,
    named: Named<'_>,
    convert: impl Fn(T) -> U,
) -> Result<Vec<U>, DatasetError> {
    let numbers = file.data::<T>().map_err(|reason| named.unreadable(reason))?;
    let mut list = Vec::with_capacity(numbers.len().min(FIRST_ROOM) as usize);
    for number in numbers {
        list.push(convert(number.map_err(|reason| named.unreadable(reason))?));
    }
    list.shrink_to_fit();
    Ok(list)
}

/// A whole number, or the nearest of 32 bits.
fn whole<T: TryInto<i32>>(number: T, is_negative: bool, is_clipped: &Cell<bool>) -> i32 {
    number.try_into().unwrap_or_else(|_| {
        is_clipped.set(true);
        if is_negative { i32::MIN } else { i32::MAX }
    })
}
