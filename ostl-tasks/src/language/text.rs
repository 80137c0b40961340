//! What the word and the character task share: a text as streams side by side, each step a token and its target the next.

use std::ops::Range;
use std::path::Path;

use ostl_core::{ConfigError, SequenceBatch};

use super::tokens::{Tokens, stream, streams};
use crate::encoding::unmarked;
use crate::error::{At, DatasetError};
use crate::split::Split;
use crate::vocabulary::Vocabulary;

/// The largest text that is read, in bytes; WikiText-103 has 0.54 GB.
pub(super) const LARGEST_TEXT: u64 = 1 << 32;
/// Most streams that are accepted.
const MOST_STREAMS: usize = 65_536;
/// The longest stretch that is accepted, in steps.
const LONGEST_STRETCH: usize = 1_000_000;

/// The error of a setting that is out of range.
pub(super) fn out_of_range(field: &str, value: impl ToString, allowed: impl Into<String>) -> ConfigError {
    ConfigError::OutOfRange { field: field.to_owned(), value: value.to_string(), allowed: allowed.into() }
}

/// Whether a whole number is in range.
pub(super) fn within(field: &str, value: usize, low: usize, high: usize) -> Result<(), ConfigError> {
    let allowed = || format!("a whole number from {low} to {high}");
    if (low..=high).contains(&value) { Ok(()) } else { Err(out_of_range(field, value, allowed())) }
}

/// Checks the two settings that both tasks have.
pub(super) fn validate(streams: usize, stretch: usize) -> Result<(), ConfigError> {
    within("streams", streams, 1, MOST_STREAMS)?;
    within("stretch", stretch, 1, LONGEST_STRETCH)
}

/// A file's content as text, without the byte order mark that some editors write.
pub(super) fn utf8<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b str, DatasetError> {
    let text = unmarked(bytes, path)?;
    std::str::from_utf8(text).map_err(|error| {
        let line = text[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let byte = text.get(error.valid_up_to()).copied().unwrap_or_default();
        let problem = format!("byte 0x{byte:02x} in line {line} is not UTF-8: convert the file to UTF-8");
        malformed(path, At::Byte((bytes.len() - text.len() + error.valid_up_to()) as u64), problem)
    })
}

pub(super) fn malformed(path: &Path, at: At, problem: impl Into<String>) -> DatasetError {
    DatasetError::Malformed { path: path.to_owned(), at, problem: problem.into() }
}

/// A text in three splits, as the numbers of its tokens.
#[derive(Clone, Debug)]
pub(super) struct Text {
    vocabulary: Vocabulary,
    /// In the order of [`Split::ALL`]; `None` for a test split that is the valid one.
    splits: [Tokens; 2],
    test: Option<Tokens>,
    streams: usize,
    stretch: usize,
    chance: f64,
    chance_accuracy: f64,
}

impl Text {
    /// Every split has two tokens at least; every number is one of the vocabulary's.
    pub(super) fn new(vocabulary: Vocabulary, train: Tokens, valid: Tokens, test: Option<Tokens>) -> Self {
        let (chance, chance_accuracy) = chance(vocabulary.len(), &train, test.as_ref().unwrap_or(&valid));
        let mut text = Self { vocabulary, splits: [train, valid], test, streams: 1, stretch: 1, chance, chance_accuracy };
        text.splits.iter_mut().chain(&mut text.test).for_each(Tokens::shrink);
        text
    }

    /// The same text cut into other streams and stretches.
    pub(super) fn cut(self, streams: usize, stretch: usize) -> Self {
        Self { streams, stretch, ..self }
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(super) fn has_test(&self) -> bool {
        self.test.is_some()
    }

    pub(super) fn tokens(&self, split: Split) -> &Tokens {
        match (split, &self.test) {
            (Split::Train, _) => &self.splits[0],
            (Split::Test, Some(test)) => test,
            (Split::Valid | Split::Test, _) => &self.splits[1],
        }
    }

    pub(super) fn stretch(&self) -> usize {
        self.stretch
    }

    pub(super) fn sequences(&self, split: Split) -> usize {
        streams(self.tokens(split).len(), self.streams)
    }

    #[track_caller]
    fn range(&self, split: Split, index: usize) -> Range<usize> {
        stream(self.tokens(split).len(), self.sequences(split), index)
    }

    #[track_caller]
    pub(super) fn steps(&self, split: Split, index: usize) -> usize {
        self.range(split, index).len()
    }

    #[track_caller]
    pub(super) fn write(
        &self,
        split: Split,
        index: usize,
        steps: Range<usize>,
        batch: &mut SequenceBatch<f32>,
        stream: usize,
    ) {
        let inputs = self.range(split, index);
        assert!(steps.end <= inputs.len(), "steps up to {} of {}", steps.end, inputs.len());
        let tokens = self.tokens(split);
        for (step, t) in steps.enumerate() {
            batch.push_event(stream, step, tokens.get(inputs.start + t) as usize, 1.0);
            batch.set_class(stream, step, tokens.get(inputs.start + t + 1) as usize);
        }
    }

    /// Mean loss, in nats, of one who knows only how often each token stands in the train split.
    pub(super) fn chance(&self) -> f64 {
        self.chance
    }

    /// How often the most frequent token of the train split is right.
    pub(super) fn chance_accuracy(&self) -> f64 {
        self.chance_accuracy
    }
}

/// Mean cross-entropy, in nats, of the tokens after the first of `asked` under the frequencies of `known`, each token counted once
/// more than it is there (Laplace's rule of succession); and the fraction that are the most frequent token of `known`.
fn chance(vocabulary: usize, known: &Tokens, asked: &Tokens) -> (f64, f64) {
    let count = |tokens: &Tokens, first: usize| {
        let mut counts = vec![0_u64; vocabulary];
        tokens.iter().skip(first).for_each(|number| counts[number as usize] += 1);
        counts
    };
    let (frequency, targets) = (count(known, 0), count(asked, 1));
    let all = (known.len() + vocabulary) as f64;
    let loss: f64 = frequency.iter().zip(&targets).map(|(&n, &times)| times as f64 * (all / (n as f64 + 1.0)).ln()).sum();
    // The first of the most frequent.
    let most = (0..vocabulary).rev().max_by_key(|&number| frequency[number]).unwrap_or(0);
    let total = (asked.len() - 1) as f64;
    (loss / total, targets[most] as f64 / total)
}
