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
    /// How many numbers a row has.
    numbers: usize,
    words: Vec<Categories>,
}

impl Encoder {
    pub(super) fn new(columns: &Columns, settings: &Settings) -> Result<Self> {
        let config = NormaliserConfig { half_life: settings.half_life, ..Default::default() };
        // The time since the row before is one, too.
        let numbers = columns.numbers.len() + usize::from(settings.dt);
        let words = columns.words.len();
        Ok(Self {
            missing: settings.missing,
            normaliser: Normaliser::new(numbers, config)?,
            numbers,
            words: vec![Categories::new(settings.max_categories); words],
        })
    }

    /// Number of inputs.
    pub(super) fn width(&self) -> usize {
        let masks = if self.missing == MissingPolicy::ZeroMask { self.numbers } else { 0 };
        self.numbers + masks + self.words.iter().map(Categories::limit).sum::<usize>()
    }

    /// Writes the inputs of a row; means, deviations and categories are of this row, too, if it may be learned from. `last` are the last numbers of its
    /// stream.
    pub(super) fn write(
        &mut self,
        values: &Values<'_>,
        last: &mut Vec<Option<f64>>,
        learns: bool,
        inputs: &mut Vec<f32>,
    ) -> Result<()> {
        let raw: Vec<f64> = values.numbers.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        if learns {
            self.normaliser.observe(&raw)?;
        }
        last.resize(self.numbers, None);
        for (last, value) in last.iter_mut().zip(&values.numbers) {
            *last = value.or(*last);
        }
        let filled: Vec<f64> = match self.missing {
            MissingPolicy::Last => last.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
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

#[cfg(test)]
mod tests {
    use super::super::rows::Row;
    use super::super::settings;
    use super::*;

    /// The inputs that rows of two numbers and a word become.
    fn inputs(options: &str, rows: &[[&str; 3]], learns: bool) -> Vec<Vec<f32>> {
        let settings = settings::of(&format!("--target y --max-categories 2 --categorical w {options}"));
        let row = |fields: &[&str; 3]| {
            let fields = fields.iter().map(|field| (*field).to_owned()).chain(["c".to_owned()]).collect();
            Row { line: 1, fields }
        };
        let names = ["a", "b", "w", "y"].map(str::to_owned).to_vec();
        let (columns, _) = Columns::new(names, &settings, &row(&rows[0])).unwrap();
        let mut encoder = Encoder::new(&columns, &settings).unwrap();
        let mut last = Vec::new();
        let encoded = rows.iter().map(|fields| {
            let mut inputs = Vec::new();
            let row = row(fields);
            let values = columns.values(&row).unwrap();
            encoder.write(&values, &mut last, learns, &mut inputs).unwrap();
            assert_eq!(inputs.len(), encoder.width());
            inputs
        });
        encoded.collect()
    }

    #[test]
    fn what_takes_the_place_of_missing_numbers() {
        let rows = [["1", "5", "x"], ["3", "", "y"], ["", "?", "x"], ["2", "NaN", ""]];
        let last = inputs("--missing last", &rows, true);
        // b never changed but for being missing: it stays what it was, its mean.
        assert!(last.iter().all(|row| row[1] == 0.0), "{last:?}");
        // a was last 3, above its mean of 2.
        assert!(last[2][0] > 0.5 && last[3][0] == 0.0, "{last:?}");
        let mean = inputs("--missing mean", &rows, true);
        assert_eq!(mean[2][0], 0.0);
        let masks = inputs("--missing zero-mask", &rows, true);
        assert_eq!(masks.iter().map(|row| [row[2], row[3]]).collect::<Vec<_>>(), [[0., 0.], [0., 1.], [1., 1.], [0., 1.]]);
    }

    #[test]
    fn words_are_ones_among_zeros_up_to_a_limit() {
        let rows = [["1", "1", "x"], ["1", "1", "y"], ["1", "1", "z"], ["1", "1", "x"], ["1", "1", ""]];
        let words = |learns| inputs("", &rows, learns).iter().map(|row| [row[2], row[3]]).collect::<Vec<_>>();
        assert_eq!(words(true), [[1., 0.], [0., 1.], [0., 0.], [1., 0.], [0., 0.]]);
        // Where nothing is learned no word is new, nor is any mean.
        assert_eq!(words(false), [[0., 0.]; 5]);
        assert!(inputs("", &[["7", "1", "x"]], false)[0].iter().all(|value| *value == 0.0));
    }
}
