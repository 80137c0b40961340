//! Safetensors files and records.

use std::collections::HashMap;

use ostl_core::Record;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::wide;

/// The tensors of real numbers of such a file, and its metadata as texts.
pub(super) fn decoded(bytes: &[u8]) -> Result<Record, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let mut record = Record::new();
    for (name, text) in header.metadata().iter().flatten() {
        record.put_text(name, text);
    }
    for (name, tensor) in tensors.iter() {
        let (shape, data) = (tensor.shape(), tensor.data());
        match tensor.dtype() {
            Dtype::F32 => record.put(name, shape, each(data, f32::from_le_bytes)),
            Dtype::F64 => record.put(name, shape, each(data, f64::from_le_bytes)),
            Dtype::BF16 => record.put(name, shape, each(data, |bytes| wide(u16::from_le_bytes(bytes)))),
            Dtype::F16 => record.put(name, shape, each(data, |bytes| half::f16::from_le_bytes(bytes).to_f32())),
            // No weights are such; of traces and counts nothing is started with.
            _ => {}
        }
    }
    Ok(record)
}

/// Numbers of so many bytes, converted one by one.
fn each<const BYTES: usize, T>(data: &[u8], convert: impl Fn([u8; BYTES]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|&bytes| convert(bytes)).collect()
}

/// The content of such a file.
pub(super) fn encoded(record: &Record) -> anyhow::Result<Vec<u8>> {
    let (mut texts, mut arrays) = (HashMap::new(), Vec::new());
    for name in record.names() {
        match record.text(name) {
            Some(text) => drop(texts.insert(name.to_owned(), text.to_owned())),
            None => arrays.extend(bytes_of(record, name).map(|(kind, bytes)| (name, kind, bytes))),
        }
    }
    let views = arrays.iter().map(|(name, kind, bytes)| {
        let shape = record.shape(name).unwrap_or_default().to_vec();
        Ok((*name, TensorView::new(*kind, shape, bytes)?))
    });
    let views: Vec<_> = views.collect::<anyhow::Result<_>>()?;
    Ok(safetensors::serialize(views, Some(texts))?)
}

/// What an array is made of.
fn bytes_of(record: &Record, name: &str) -> Option<(Dtype, Vec<u8>)> {
    macro_rules! of {
        ($($scalar:ty => $kind:ident),*) => {
            $(if let Some(values) = record.values::<$scalar>(name) {
                return Some((Dtype::$kind, values.iter().flat_map(|value| value.to_le_bytes()).collect()));
            })*
        };
    }
    of!(f32 => F32, f64 => F64, u8 => U8, u32 => U32, u64 => U64);
    if let Some(values) = record.values::<bool>(name) {
        return Some((Dtype::BOOL, values.iter().map(|&value| u8::from(value)).collect()));
    }
    let bits = record.bf16_bits(name)?;
    Some((Dtype::BF16, bits.into_iter().flat_map(u16::to_le_bytes).collect()))
}
