//! Piano rolls: predict the next chord.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ostl_core::{Loss, SequenceBatch};

use super::chords::ChordSequences;
use super::collection::{Collection, Jsb, MuseDataPieces, NottinghamTunes, PianoMidiPieces};
use super::reader::{HIGHEST_NOTE, LOWEST_NOTE, read};
use crate::error::DatasetError;
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;

/// Keys of the piano: MIDI notes 21 to 108.
const KEYS: usize = (HIGHEST_NOTE - LOWEST_NOTE) as usize + 1;

/// Polyphonic music: from the chords so far, which of the 88 keys sound at the next step?
///
/// Boulanger-Lewandowski, Bengio and Vincent, "Modeling temporal dependencies in high-dimensional sequences", ICML 2012,
/// whose splits these are. The input of step t is chord t and its target chord t + 1, both as 88 zeros and ones (key = MIDI
/// note − 21), so that L chords make L − 1 steps. The loss of a step is the negative log-likelihood summed over the keys,
/// in nats.
///
/// Any music in the same file format can be opened. In memory a chord takes its notes, a byte each, and four bytes.
#[derive(Clone, Debug)]
pub struct PolyphonicMusic<C: Collection> {
    splits: [ChordSequences; 3],
    chance: f64,
    collection: PhantomData<C>,
}

/// JSB Chorales: four voices, one chord a quarter note.
pub type JsbChorales = PolyphonicMusic<Jsb>;
/// Nottingham: folk tunes with chords.
pub type Nottingham = PolyphonicMusic<NottinghamTunes>;
/// MuseData: orchestral and piano music.
pub type MuseData = PolyphonicMusic<MuseDataPieces>;
/// Piano-midi.de: classical piano music.
pub type PianoMidi = PolyphonicMusic<PianoMidiPieces>;

impl<C: Collection> PolyphonicMusic<C> {
    /// The file's name in a data folder.
    pub const FILE: &'static str = C::FILE;

    /// The largest file that is read, in bytes. The chorales take 0.4 MB; no collection of piano music comes near.
    pub const LARGEST_FILE: u64 = 1 << 30;

    /// Opens [`FILE`](Self::FILE) in a folder or in its subfolder of the collection's name, or a JSON file by its own path. Gzip is
    /// unpacked.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such file, it cannot be read, is larger than [`LARGEST_FILE`](Self::LARGEST_FILE), or
    /// [`from_slice`](Self::from_slice) rejects its content.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let path = find::<C>(path)?;
        Self::from_slice(&files::unpacked(&path, Self::LARGEST_FILE)?, &path)
    }

    /// Takes the file's content from memory; `path` is only the name it has in errors.
    ///
    /// # Errors
    /// [`DatasetError::Empty`] or [`DatasetError::Content`] if the content is not three splits (`train`, `valid`, `test`,
    /// and no other key), each of at least one sequence of at least two chords of distinct MIDI notes from 21 to 108;
    /// [`DatasetError::TooLarge`] above [`LARGEST_FILE`](Self::LARGEST_FILE).
    pub fn from_slice(json: &[u8], path: &Path) -> Result<Self, DatasetError> {
        files::within_limit(json.len() as u64, Self::LARGEST_FILE, path)?;
        let splits = read(json, path)?;
        let chance = chance(&splits);
        Ok(Self { splits, chance, collection: PhantomData })
    }

    /// Number of chords in a sequence, one more than its steps.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    pub fn chords(&self, split: Split, sequence: usize) -> usize {
        self.split(split).chords(sequence)
    }

    /// The MIDI notes of one chord, ascending.
    ///
    /// # Panics
    /// If the split has no such sequence or the sequence no such chord.
    #[track_caller]
    pub fn chord(&self, split: Split, sequence: usize, index: usize) -> &[u8] {
        self.split(split).chord(sequence, index)
    }

    fn split(&self, split: Split) -> &ChordSequences {
        &self.splits[split.position()]
    }
}

impl<C: Collection> Task for PolyphonicMusic<C> {
    fn name(&self) -> &str {
        C::NAME
    }

    fn inputs(&self) -> usize {
        KEYS
    }

    fn outputs(&self) -> usize {
        KEYS
    }

    fn loss(&self) -> Loss {
        Loss::BinaryCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        self.split(split).sequences()
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.chords(split, index) - 1
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        for step in 0..self.steps(split, index) {
            press(self.chord(split, index, step), batch.input_mut(stream, step));
            press(self.chord(split, index, step + 1), batch.values_mut(stream, step));
        }
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Loss, Metric::FrameAccuracy]
    }

    /// The loss of one who knows how often each key sounds in the train split, and nothing of what came before.
    fn chance(&self) -> Option<f64> {
        Some(self.chance)
    }
}

/// Writes a chord as zeros and ones.
fn press(notes: &[u8], keys: &mut [f32]) {
    keys.fill(0.0);
    for &note in notes {
        keys[usize::from(note - LOWEST_NOTE)] = 1.0;
    }
}

/// How often each key sounds in the chords from `first` of every sequence, and the number of these chords.
fn key_counts(split: &ChordSequences, first: usize) -> ([u64; KEYS], u64) {
    let mut counts = [0; KEYS];
    let mut chords = 0;
    for sequence in 0..split.sequences() {
        for step in first..split.chords(sequence) {
            chords += 1;
            split.chord(sequence, step).iter().for_each(|&note| counts[usize::from(note - LOWEST_NOTE)] += 1);
        }
    }
    (counts, chords)
}

/// Mean loss of a target of the test split if each key is guessed with its frequency in the train split.
fn chance(splits: &[ChordSequences; 3]) -> f64 {
    let (known, known_chords) = key_counts(&splits[Split::Train.position()], 0);
    let (asked, asked_chords) = key_counts(&splits[Split::Test.position()], 1);
    let mut loss = 0.0;
    for (known, asked) in known.into_iter().zip(asked) {
        // One more of each kind (Laplace's rule of succession), lest a key that is new to the test split cost infinitely
        // much.
        let frequency = (known as f64 + 1.0) / (known_chords as f64 + 2.0);
        loss -= asked as f64 * frequency.ln() + (asked_chords - asked) as f64 * (1.0 - frequency).ln();
    }
    loss / asked_chords as f64
}

/// The file that a path stands for.
fn find<C: Collection>(path: &Path) -> Result<PathBuf, DatasetError> {
    if !files::look(path)?.is_some_and(|found| found.is_dir()) {
        return Ok(path.to_owned());
    }
    let packed = format!("{}.gz", C::FILE);
    files::find(path, C::FOLDERS, &[C::FILE, &packed], C::FILE)
}
