//! What a message is made of: numbers one after another, little-endian, as they lie in memory nearly everywhere.

use super::RanksError;
use crate::linalg::real::Real;

/// A message that is being written.
#[derive(Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    /// Nothing yet, in the memory of a message that is over.
    pub(crate) fn begin(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self(bytes)
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn real(&mut self, value: f64) -> &mut Self {
        self.number(value.to_bits())
    }

    pub(crate) fn indices(&mut self, indices: &[u32]) -> &mut Self {
        self.number(indices.len() as u64);
        indices.iter().for_each(|index| self.0.extend_from_slice(&index.to_le_bytes()));
        self
    }

    pub(crate) fn values<T: Real>(&mut self, values: &[T]) -> &mut Self {
        self.number(values.len() as u64);
        T::to_bytes(values, &mut self.0);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }
}

/// A message that is being read. No length in it is believed.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Whose message it is.
    from: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8], from: usize) -> Self {
        Self { rest: message, from }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], RanksError> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(self.refuse());
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The error for what was not expected.
    pub(crate) fn refuse(&self) -> RanksError {
        RanksError::new(self.from, "its message is not what was expected: do all ranks run the same program and settings?")
    }

    pub(crate) fn number(&mut self) -> Result<u64, RanksError> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(std::array::from_fn(|i| bytes[i])))
    }

    pub(crate) fn real(&mut self) -> Result<f64, RanksError> {
        self.number().map(f64::from_bits)
    }

    fn length(&mut self, each: usize) -> Result<&'a [u8], RanksError> {
        let length = usize::try_from(self.number()?).ok().and_then(|length| length.checked_mul(each));
        match length {
            Some(bytes) => self.take(bytes),
            None => Err(self.refuse()),
        }
    }

    pub(crate) fn indices(&mut self) -> Result<Vec<u32>, RanksError> {
        let bytes = self.length(4)?;
        Ok(bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
    }

    pub(crate) fn values<T: Real>(&mut self) -> Result<Vec<T>, RanksError> {
        let bytes = self.length(size_of::<T>())?;
        Ok(T::of_bytes(bytes))
    }

    pub(crate) fn text(&mut self) -> Result<String, RanksError> {
        let bytes = self.length(1)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.refuse())
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), RanksError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_a_broken_message_is_refused() {
        let mut message = Message::default();
        message.number(7).real(-0.0).indices(&[3, 9]).values(&[1.5_f32, f32::NAN]).values(&[0.1_f64]).text("ä");
        let mut reader = Reader::new(&message.0, 1);
        assert_eq!(reader.number().unwrap(), 7);
        assert_eq!(reader.real().unwrap().to_bits(), (-0.0_f64).to_bits());
        assert_eq!(reader.indices().unwrap(), [3, 9]);
        let values: Vec<f32> = reader.values().unwrap();
        assert!(values[0] == 1.5 && values[1].is_nan());
        assert_eq!(reader.values::<f64>().unwrap(), [0.1]);
        assert_eq!(reader.text().unwrap(), "ä");
        reader.end().unwrap();
        // A length that no message can have, and one that ends too early or too late.
        let mut long = Message::default();
        long.number(u64::MAX / 2);
        assert!(Reader::new(&long.0, 1).values::<f32>().unwrap_err().to_string().contains("rank 1"));
        assert!(Reader::new(&message.0[..5], 1).number().is_err());
        assert!(Reader::new(&message.0, 1).end().is_err());
    }
}
