//! Polyphonic music as piano rolls: predict the next chord.

mod chords;
pub mod collection;
pub mod polyphonic;
mod reader;

pub use polyphonic::{JsbChorales, MuseData, Nottingham, PianoMidi, PolyphonicMusic};
