//! A text word by word: Penn Treebank, WikiText and any other in three files.

use std::ops::Range;
use std::path::{Path, PathBuf};

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::text::{LARGEST_TEXT, Text, malformed, out_of_range, utf8, validate, within};
use super::tokens::Tokens;
use super::word_counts::WordCounts;
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;
use crate::vocabulary::Vocabulary;

/// Settings of [`Words`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `folder` | the first of the usual ones that is there | subfolder of the data folder that the text lies in | a name |
/// | `streams` | 32 | pieces that a split is cut into and that are read side by side | 1 … 65 536 |
/// | `stretch` | 200 | steps that are handed over at a time, with the state carried on to the next | 1 … 1 000 000 |
/// | `min_count` | 1 | how often a word stands in the train split at least to be known | 1 … 2³² − 1 |
/// | `max_vocabulary` | no limit | most words that are known, the most frequent, `<eos>` and `<unk>` among them | 2 … 2³² − 1 |
/// | `limit` | no limit | words of the train split that are learned from, its first; all of them are in the vocabulary | 2 … 2³² − 1 |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WordsConfig {
    /// Subfolder of the data folder that the text lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Pieces that a split is cut into and that are read side by side.
    pub streams: usize,
    /// Steps that are handed over at a time, with the state carried on to the next.
    pub stretch: usize,
    /// How often a word stands in the train split at least to be known.
    pub min_count: usize,
    /// Most words that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_vocabulary: Option<usize>,
    /// Words of the train split that are learned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for WordsConfig {
    fn default() -> Self {
        Self { folder: None, streams: 32, stretch: 200, min_count: 1, max_vocabulary: None, limit: None }
    }
}

impl WordsConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        validate(self.streams, self.stretch)?;
        within("min_count", self.min_count, 1, u32::MAX as usize)?;
        within("max_vocabulary", self.max_vocabulary.unwrap_or(2), 2, u32::MAX as usize)?;
        within("limit", self.limit.unwrap_or(2), 2, u32::MAX as usize)?;
        match &self.folder {
            Some(name) if Path::new(name).components().count() != 1 || Path::new(name).file_name().is_none() => {
                Err(out_of_range("folder", format!("{name:?}"), "the name of a subfolder of the data folder, not a path"))
            }
            _ => Ok(()),
        }
    }
}

/// Language modelling word by word: from the words so far, which is the next?
///
/// Words are what stands between white space, and every line ends in the word `<eos>`, blank lines too. The vocabulary is that of the
/// train split in the order of the words' first occurrence, and `<unk>`, which stands for all words that it lacks. Made for:
///
/// - the Penn Treebank as prepared by Mikolov ("Statistical language models based on neural networks", 2012): `ptb.train.txt`, …;
///   10,000 words;
/// - WikiText-2 and WikiText-103 (Merity, Xiong, Bradbury and Socher, "Pointer sentinel mixture models", ICLR 2017):
///   `wiki.train.tokens`, …; 33,278 and 267,735 words;
/// - any other text in the files `train.txt`, `valid.txt` and `test.txt`.
///
/// A split of N words is cut into `streams` pieces that are read side by side: the input of a step is a word (one event, row = number of
/// the word, value 1) and its target the next word of the text, so that each word but the split's first is predicted once. Pieces differ in
/// length by at most one step, the longest first. A split of fewer than `streams` + 1 words has fewer pieces.
#[derive(Clone, Debug)]
pub struct Words {
    text: Text,
}

/// The folders in which one looks, after the given one.
const FOLDERS: [&str; 7] =
    ["wikitext-2", "ptb", "penn-treebank", "penn", "wikitext-103", "wikitext-2-v1", "wikitext-103-v1"];

impl Words {
    /// The names that the train split's file may have; the other splits' have `valid` and `test` in place of `train`.
    pub const FILES: [&'static str; 6] =
        ["wiki.train.tokens", "wiki.train.tokens.gz", "ptb.train.txt", "ptb.train.txt.gz", "train.txt", "train.txt.gz"];

    /// Opens the three files in a folder or one of its usual subfolders (`wikitext-2`, `ptb`, `penn-treebank`, `penn`, `wikitext-103`,
    /// …), or, with the setting `folder`, in that one.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`TaskError::Dataset`] if a file is missing or cannot be read, or
    /// [`from_slices`](Words::from_slices) rejects the content.
    pub fn open(folder: &Path, config: &WordsConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let what = "wiki.train.tokens, ptb.train.txt or train.txt, and the files of valid and test";
        let train = match &config.folder {
            Some(name) => files::find(&folder.join(name), &[], &Self::FILES, what)?,
            None => files::find(folder, &FOLDERS, &Self::FILES, what)?,
        };
        let read = |split: Split| -> Result<(Vec<u8>, PathBuf), DatasetError> {
            let path = if split == Split::Train { train.clone() } else { beside(&train, split)? };
            Ok((files::unpacked(&path, LARGEST_TEXT)?, path))
        };
        let [train, valid, test] = [read(Split::Train)?, read(Split::Valid)?, read(Split::Test)?];
        Self::from_slices([(&train.0, &train.1), (&valid.0, &valid.1), (&test.0, &test.1)], config)
    }

    /// Takes the contents of the files of train, valid and test from memory; the paths are only the names they have in errors.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`DatasetError::Malformed`] if a text is not UTF-8 or has fewer than two
    /// words, ends of lines counted.
    pub fn from_slices(files: [(&[u8], &Path); 3], config: &WordsConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let [train, valid, test] = files;
        let mut counts = WordCounts::default();
        let train_words = split(train, |word| counts.add(word))?;
        let (vocabulary, renumbered) = counts.vocabulary(config.min_count, config.max_vocabulary);
        // Present in every vocabulary that WordCounts gives.
        let unknown = vocabulary.number(Vocabulary::UNKNOWN).unwrap_or(0);
        let train_words = match renumbered {
            Some(numbers) => {
                let mut words = Tokens::default();
                train_words.iter().for_each(|number| words.push(numbers[number as usize].unwrap_or(unknown)));
                words
            }
            None => train_words,
        };
        let train_words = match config.limit {
            Some(limit) if limit < train_words.len() => {
                let mut first = Tokens::default();
                train_words.iter().take(limit).for_each(|word| first.push(word));
                first
            }
            _ => train_words,
        };
        let number = |word: &str| vocabulary.number(word).unwrap_or(unknown);
        let (valid, test) = (split(valid, number)?, split(test, number)?);
        Ok(Self { text: Text::new(vocabulary, train_words, valid, Some(test)).cut(config.streams, config.stretch) })
    }

    /// Number of words in a split, ends of lines counted.
    pub fn words(&self, split: Split) -> usize {
        self.text.tokens(split).len()
    }

    /// The number of a word of a split.
    ///
    /// # Panics
    /// If the split has no such word.
    #[track_caller]
    pub fn word(&self, split: Split, index: usize) -> usize {
        self.text.tokens(split).get(index) as usize
    }
}

/// The file of another split beside that of the train split, packed or not, in capitals or not.
fn beside(train: &Path, split: Split) -> Result<PathBuf, DatasetError> {
    let name = files::name_of(train).to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name).replace("train", split.name());
    let folder = train.parent().unwrap_or(train);
    files::find(folder, &[], &[&plain, &format!("{plain}.gz")], &plain)
}

/// The words of a file, each as the number that `number` gives it.
fn split((bytes, path): (&[u8], &Path), mut number: impl FnMut(&str) -> u32) -> Result<Tokens, DatasetError> {
    let text = utf8(bytes, path)?;
    let mut words = Tokens::default();
    // A carriage return alone ends a line as well, as on old Macintoshes.
    let lines = text.split_terminator('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    for line in lines {
        line.split_whitespace().for_each(|word| words.push(number(word)));
        words.push(number(Vocabulary::END_OF_LINE));
    }
    if words.len() < 2 {
        let problem = "fewer than two words, so there is nothing to predict: is this the right file?";
        return Err(malformed(path, At::Line(1), problem));
    }
    Ok(words)
}

impl Task for Words {
    fn name(&self) -> &str {
        "words"
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
        &[Metric::Perplexity, Metric::Accuracy]
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        self.text.vocabulary().name(class)
    }

    fn vocabulary(&self) -> Option<&Vocabulary> {
        Some(self.text.vocabulary())
    }

    /// The loss of one who knows how often each word stands in the train split (each counted once more), and nothing of what came
    /// before.
    fn chance(&self) -> Option<f64> {
        Some(self.text.chance())
    }

    /// How often the train split's most frequent word is right.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(self.text.chance_accuracy())
    }
}
