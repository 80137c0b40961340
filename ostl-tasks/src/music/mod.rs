//! Polyphonic music as piano rolls: predict the next chord.

mod chords;
pub mod jsb;
mod reader;

pub use jsb::JsbChorales;
