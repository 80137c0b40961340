//! A text character by character.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::text::{LARGEST_TEXT, Text, malformed, out_of_range, utf8, validate};
use super::tokens::Tokens;
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;
use crate::vocabulary::{Joint, Vocabulary};

/// Settings of [`Characters`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `valid` | 0.1 | fraction of the text to choose settings on | above 0, below 1 |
/// | `test` | 0 | fraction of the text to report on, the last of it; 0: the valid split is the test split too | 0 … below 1 − `valid` |
/// | `streams` | 32 | pieces that a split is cut into and that are read side by side | 1 … 65 536 |
/// | `stretch` | 200 | steps that are handed over at a time, with the state carried on to the next | 1 … 1 000 000 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CharactersConfig {
    /// Fraction of the text to choose settings on.
    pub valid: f64,
    /// Fraction of the text to report on.
    pub test: f64,
    /// Pieces that a split is cut into and that are read side by side.
    pub streams: usize,
    /// Steps that are handed over at a time, with the state carried on to the next.
    pub stretch: usize,
}

impl Default for CharactersConfig {
    fn default() -> Self {
        Self { valid: 0.1, test: 0.0, streams: 32, stretch: 200 }
    }
}

impl CharactersConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        if !(self.valid > 0.0 && self.valid < 1.0) {
            return Err(out_of_range("valid", self.valid, "a number above 0 and below 1"));
        }
        if !(self.test >= 0.0 && self.test < 1.0 - self.valid) {
            let allowed = format!("a number from 0 to below {}, 1 − `valid`", 1.0 - self.valid);
            return Err(out_of_range("test", self.test, allowed));
        }
        validate(self.streams, self.stretch)
    }

    /// Where the train split and the valid split end in a text of `characters` characters.
    fn ends(&self, characters: usize) -> [usize; 2] {
        // A millionth more, lest 10 characters times 1 − 0.9 be less than one.
        let end = |after: f64| (characters as f64 * (1.0 - after) + 1e-6) as usize;
        [end(self.valid + self.test), if self.test > 0.0 { end(self.test) } else { characters }]
    }
}

/// Language modelling character by character: from the characters so far, which is the next?
///
/// One text file, cut into train, valid and test in this order; characters are Unicode scalar values, line feeds among them. Made for
/// tiny-shakespeare (Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015), of which the first 90 % are usually
/// learned from, the last 10 % validated on, and nothing is left to test. So it is here unless the setting `test` says otherwise:
/// [`Split::Test`] then **is** the valid split ([`has_test`](Task::has_test) is `false`), and a figure measured on it is a figure of
/// the text that settings were chosen on.
///
/// The classes are the characters of the train split in the order in which they are first met. Characters of the other splits that it
/// lacks are one more class, `U+FFFD`, which is there only if it is needed.
///
/// A split of N characters is cut into `streams` pieces that are read side by side: the input of a step is a character (one event, row =
/// its number, value 1) and its target the next character of the text, so that each but the split's first is predicted once. Pieces differ
/// in length by at most one step, the longest first. A split of fewer than `streams` + 1 characters has fewer pieces.
#[derive(Clone, Debug)]
pub struct Characters {
    text: Text,
}

/// What stands for characters that the train split lacks.
const UNKNOWN: &str = "\u{fffd}";

impl Characters {
    /// The file's name in a data folder.
    pub const FILE: &'static str = "input.txt";

    /// Opens [`Characters::FILE`] (or the same with `.gz`) in a folder or in its subfolder `tinyshakespeare` or `tiny-shakespeare`, or any
    /// text file by its own path.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`TaskError::Dataset`] if there is no such file, it cannot be read, or
    /// [`from_slice`](Characters::from_slice) rejects its content.
    pub fn open(path: &Path, config: &CharactersConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let path = find(path)?;
        Self::from_slice(&files::unpacked(&path, LARGEST_TEXT)?, &path, config)
    }

    /// Takes the file's content from memory; `path` is only the name it has in errors.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`DatasetError::Malformed`] if the text is not UTF-8, or so short that a
    /// split has fewer than two characters.
    pub fn from_slice(text: &[u8], path: &Path, config: &CharactersConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let text = utf8(text, path)?;
        let length = text.chars().count();
        let [train_end, valid_end] = config.ends(length);
        let rest = if config.test > 0.0 { length - valid_end } else { 2 };
        if train_end.min(valid_end.saturating_sub(train_end)).min(rest) < 2 {
            let problem = format!(
                "{length} characters are too few for splits of at least two characters each: is this the right file, or is `valid` or \
                 `test` too small?"
            );
            return Err(malformed(path, At::Byte(0), problem).into());
        }
        let mut vocabulary = Vocabulary::new(Joint::Nothing);
        let mut tokens = Tokens::default();
        for (index, character) in text.chars().enumerate() {
            let mut buffer = [0; 4];
            let character: &str = character.encode_utf8(&mut buffer);
            let number = if index < train_end { None } else { vocabulary.number(character).or(vocabulary.number(UNKNOWN)) };
            tokens.push(match number {
                Some(number) => number,
                None => vocabulary.add(if index < train_end { character } else { UNKNOWN }),
            });
        }
        let (train, rest) = tokens.split(train_end);
        let (valid, test) = rest.split(valid_end - train_end);
        let test = (config.test > 0.0).then_some(test);
        Ok(Self { text: Text::new(vocabulary, train, valid, test).cut(config.streams, config.stretch) })
    }

    /// Number of characters in a split.
    pub fn characters(&self, split: Split) -> usize {
        self.text.tokens(split).len()
    }

    /// The number of a character of a split.
    ///
    /// # Panics
    /// If the split has no such character.
    #[track_caller]
    pub fn character(&self, split: Split, index: usize) -> usize {
        self.text.tokens(split).get(index) as usize
    }
}

/// The file that a path stands for.
fn find(path: &Path) -> Result<PathBuf, DatasetError> {
    if !files::look(path)?.is_some_and(|found| found.is_dir()) {
        return Ok(path.to_owned());
    }
    files::find(path, &["tinyshakespeare", "tiny-shakespeare"], &[Characters::FILE, "input.txt.gz"], Characters::FILE)
}

impl Task for Characters {
    fn name(&self) -> &str {
        "characters"
    }

    fn inputs(&self) -> usize {
        self.text.vocabulary().len()
    }

    fn outputs(&self) -> usize {
        self.text.vocabulary().len()
    }

    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        self.text.sequences(split)
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.text.steps(split, index)
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        self.text.write(split, index, 0..self.steps(split, index), batch, stream);
    }

    fn has_test(&self) -> bool {
        self.text.has_test()
    }

    fn is_sparse(&self) -> bool {
        true
    }

    fn stretch(&self) -> Option<usize> {
        Some(self.text.stretch())
    }

    #[track_caller]
    fn write_stretch(&self, split: Split, index: usize, steps: Range<usize>, batch: &mut SequenceBatch<f32>, stream: usize) {
        self.text.write(split, index, steps, batch, stream);
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::BitsPerCharacter, Metric::Accuracy]
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        self.text.vocabulary().name(class)
    }

    fn vocabulary(&self) -> Option<&Vocabulary> {
        Some(self.text.vocabulary())
    }

    /// The loss of one who knows how often each character stands in the train split (each counted once more), and nothing of what came
    /// before.
    fn chance(&self) -> Option<f64> {
        Some(self.text.chance())
    }

    /// How often the train split's most frequent character is right.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(self.text.chance_accuracy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_end_where_arithmetic_says() {
        let ends = |valid, test, length| CharactersConfig { valid, test, ..Default::default() }.ends(length);
        assert_eq!(ends(0.1, 0.0, 1_115_394), [1_003_854, 1_115_394]);
        assert_eq!(ends(0.9, 0.0, 10), [1, 10]);
        assert_eq!(ends(0.2, 0.1, 100), [70, 90]);
        assert_eq!(ends(0.05, 0.05, 1000), [900, 950]);
    }
}
