//! From the values of a row to the network's inputs.

use anyhow::Result;
use ostl_stream::{Categories, Normaliser, NormaliserConfig};
use serde::{Deserialize, Serialize};

use super::columns::{Columns, Values};
use super::settings::Settings;
use crate::arguments::MissingPolicy;

/// Numbers normalised, perhaps with what was missing; words as ones among zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Encoder {
    missing: MissingPolicy,
    normaliser: Normaliser,
    /// Of each column of numbers, the last one.
    last: Vec<Option<f64>>,
    words: Vec<Categories>,
}

impl Encoder {
    pub(super) fn new(columns: &Columns, settings: &Settings) -> Result<Self> {
        let config = NormaliserConfig { half_life: settings.half_life, ..Default::default() };
        let (numbers, words) = (columns.numbers.len(), columns.words.len());
        Ok(Self {
            missing: settings.missing,
            normaliser: Normaliser::new(numbers, config)?,
            last: vec![None; numbers],
            words: vec![Categories::new(settings.max_categories); words],
        })
    }

    /// Number of inputs.
    pub(super) fn width(&self) -> usize {
        let masks = if self.missing == MissingPolicy::ZeroMask { self.last.len() } else { 0 };
        self.last.len() + masks + self.words.iter().map(Categories::limit).sum::<usize>()
    }

    /// Writes the inputs of a row; means, deviations and categories are of this row, too, if it may be learned from.
    pub(super) fn write(&mut self, values: &Values<'_>, learns: bool, inputs: &mut Vec<f32>) -> Result<()> {
        let raw: Vec<f64> = values.numbers.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        if learns {
            self.normaliser.observe(&raw)?;
        }
        for (last, value) in self.last.iter_mut().zip(&values.numbers) {
            *last = value.or(*last);
        }
        let filled: Vec<f64> = match self.missing {
            MissingPolicy::Last => self.last.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            MissingPolicy::Mean | MissingPolicy::ZeroMask => raw,
        };
        let mut normalised = vec![0.0; filled.len()];
        self.normaliser.normalise(&filled, &mut normalised)?;
        inputs.extend(normalised.into_iter().map(|value| value as f32));
        if self.missing == MissingPolicy::ZeroMask {
            inputs.extend(values.numbers.iter().map(|value| if value.is_none() { 1.0 } else { 0.0 }));
        }
        for (known, word) in self.words.iter_mut().zip(&values.words) {
            let number = word.and_then(|word| if learns { known.number(word) } else { known.get(word) });
            inputs.extend((0..known.limit()).map(|place| if Some(place) == number { 1.0_f32 } else { 0.0 }));
        }
        Ok(())
    }
}
