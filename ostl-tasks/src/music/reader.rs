//! JSON → chord sequences, in one pass and without an intermediate tree, knowing at every byte which step it belongs to.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::chords::ChordSequences;
use crate::encoding::unmarked;
use crate::error::{DatasetError, Defect, Place};
use crate::split::Split;

/// The lowest note of the piano in MIDI's numbering.
pub(crate) const LOWEST_NOTE: u8 = 21;
/// The highest note of the piano in MIDI's numbering.
pub(crate) const HIGHEST_NOTE: u8 = 108;

/// The longest piece of a file that is repeated in an error.
const QUOTE: usize = 200;

/// The three splits of a file of chord sequences, in the order of [`Split::ALL`].
///
/// # Errors
/// [`DatasetError::Empty`] and [`DatasetError::Content`], in the name of `path`.
pub(crate) fn read(json: &[u8], path: &Path) -> Result<[ChordSequences; 3], DatasetError> {
    let json = unmarked(json, path)?;
    if json.iter().all(u8::is_ascii_whitespace) {
        return Err(DatasetError::Empty { path: path.to_owned() });
    }
    let mut reader = Reader::default();
    let mut parser = serde_json::Deserializer::from_slice(json);
    let result = Part(Level::File, &mut reader).deserialize(&mut parser).and_then(|()| parser.end());
    match result {
        Ok(()) => {
            reader.splits.iter_mut().for_each(ChordSequences::shrink);
            Ok(reader.splits)
        }
        Err(error) => Err(DatasetError::Content {
            path: path.to_owned(),
            line: error.line(),
            column: error.column(),
            place: reader.place,
            defect: match reader.defect {
                // A file that is cut off within a number ends in another number, usually too small a note.
                Some(Defect::NotMidi(_) | Defect::OffKeyboard(_) | Defect::RepeatedNote(_)) if ends_at(json, &error) => {
                    Defect::Truncated
                }
                Some(defect) => defect,
                None => in_json(json, &error),
            },
        }),
    }
}

/// Whether the parser stopped at the very end.
fn ends_at(json: &[u8], error: &serde_json::Error) -> bool {
    let mut lines = json.split(|&byte| byte == b'\n');
    let last = lines.next_back().map_or(0, <[u8]>::len);
    (error.line(), error.column()) == (lines.count() + 1, last)
}

/// What the parser itself found wrong.
fn in_json(json: &[u8], error: &serde_json::Error) -> Defect {
    if error.is_eof() {
        return Defect::Truncated;
    }
    if let Some(word) = not_finite(json, error) {
        return Defect::NotFinite(word);
    }
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Defect::Json(quote(message.strip_suffix(&place).unwrap_or(&message)))
}

/// What programs write for numbers that JSON does not have, where the parser stopped.
fn not_finite(json: &[u8], error: &serde_json::Error) -> Option<&'static str> {
    let line = json.split(|&byte| byte == b'\n').nth(error.line().checked_sub(1)?)?;
    // It stops at the word, or within it after a sign or a letter that might have begun another.
    let stop = error.column().min(line.len());
    let begins =
        |at: usize, word: &str| line[at..].get(..3).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    let places = stop.saturating_sub(2)..=stop;
    let words = [("nan", "NaN"), ("inf", "Infinity")];
    words.into_iter().find_map(|(word, name)| places.clone().any(|at| begins(at, word)).then_some(name))
}

/// The beginning of a text from a file that may be anything, fit for a terminal.
fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}

/// What has been read, and where reading is.
#[derive(Default)]
struct Reader {
    splits: [ChordSequences; 3],
    seen: [bool; 3],
    /// Position in `splits` of the one that is being read.
    current: usize,
    /// The notes of the chord that is being read, bit n for MIDI note n.
    sounding: u128,
    place: Place,
    defect: Option<Defect>,
}

impl Reader {
    /// Notes what is wrong and stops the parser, which adds line and column.
    fn stop<E: Error>(&mut self, defect: Defect) -> E {
        let error = E::custom(&defect);
        self.defect = Some(defect);
        error
    }

    fn begin_split<E: Error>(&mut self, key: &str) -> Result<(), E> {
        let Ok(split) = key.parse::<Split>() else { return Err(self.stop(Defect::UnknownKey(quote(key)))) };
        self.place.split = Some(split);
        self.current = split.position();
        if std::mem::replace(&mut self.seen[self.current], true) {
            return Err(self.stop(Defect::RepeatedSplit));
        }
        Ok(())
    }

    fn end_sequence<E: Error>(&mut self, chords: usize) -> Result<(), E> {
        match chords {
            0 => Err(self.stop(Defect::EmptySequence)),
            1 => Err(self.stop(Defect::SingleChord)),
            _ => {
                self.splits[self.current].end_sequence();
                Ok(())
            }
        }
    }

    fn note<E: Error>(&mut self, number: i128) -> Result<(), E> {
        let note = match u8::try_from(number) {
            Ok(note @ LOWEST_NOTE..=HIGHEST_NOTE) => note,
            Ok(note @ 0..=127) => return Err(self.stop(Defect::OffKeyboard(note))),
            _ => return Err(self.stop(Defect::NotMidi(number))),
        };
        let bit = 1 << note;
        if self.sounding & bit != 0 {
            return Err(self.stop(Defect::RepeatedNote(note)));
        }
        self.sounding |= bit;
        self.splits[self.current].push_note(note);
        Ok(())
    }
}

/// What the parser is about to read.
#[derive(Clone, Copy)]
enum Level {
    /// The whole file: an object of splits.
    File,
    /// One split: a list of sequences.
    Sequences,
    /// One sequence: a list of chords.
    Chords,
    /// One chord: a list of notes.
    Notes,
    /// One note.
    Note,
}

/// Reads one thing of a level into the reader.
struct Part<'r>(Level, &'r mut Reader);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Level::File => deserializer.deserialize_map(self),
            Level::Sequences | Level::Chords | Level::Notes => deserializer.deserialize_seq(self),
            Level::Note => deserializer.deserialize_u64(self),
        }
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Level::File => "an object of the splits `train`, `valid` and `test`",
            Level::Sequences => "a split, a list of sequences",
            Level::Chords => "a sequence, a list of chords",
            Level::Notes => "a chord, a list of notes",
            Level::Note => "a MIDI note number, an integer from 0 to 127",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reader = self.1;
        while let Some(key) = map.next_key::<String>()? {
            reader.begin_split(&key)?;
            map.next_value_seed(Part(Level::Sequences, &mut *reader))?;
            reader.place = Place::default();
        }
        match Split::ALL.into_iter().find(|split| !reader.seen[split.position()]) {
            Some(split) => Err(reader.stop(Defect::MissingSplit(split))),
            None => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let Part(level, reader) = self;
        match level {
            Level::Sequences => {
                let sequences = each(list, reader, Level::Chords, |place, index| place.sequence = index)?;
                if sequences == 0 { Err(reader.stop(Defect::NoSequences)) } else { Ok(()) }
            }
            Level::Chords => {
                let chords = each(list, reader, Level::Notes, |place, index| place.step = index)?;
                reader.end_sequence(chords)
            }
            Level::Notes => {
                reader.sounding = 0;
                each(list, reader, Level::Note, |_, _| ())?;
                let current = reader.current;
                reader.splits[current].end_chord();
                Ok(())
            }
            Level::File | Level::Note => Err(Error::invalid_type(Unexpected::Seq, &Part(level, reader))),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.1.note(i128::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.1.note(i128::from(number))
    }

    /// Programs that compute with floating-point numbers write note 64 as `64.0`.
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let Part(level, reader) = self;
        if matches!(level, Level::Note) && number.fract() == 0.0 {
            return reader.note(number as i128);
        }
        Err(Error::invalid_type(Unexpected::Float(number), &Part(level, reader)))
    }
}

/// Reads all elements of a list, keeping the reader's place, and says how many there were.
fn each<'de, A: SeqAccess<'de>>(
    mut list: A,
    reader: &mut Reader,
    level: Level,
    set: impl Fn(&mut Place, Option<usize>),
) -> Result<usize, A::Error> {
    let mut count = 0;
    set(&mut reader.place, Some(0));
    while list.next_element_seed(Part(level, &mut *reader))?.is_some() {
        count += 1;
        set(&mut reader.place, Some(count));
    }
    set(&mut reader.place, None);
    Ok(count)
}
