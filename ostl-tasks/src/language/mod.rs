//! Texts, word by word or character by character: predict the next.

pub mod characters;
mod text;
mod tokens;
mod word_counts;
pub mod words;

pub use characters::{Characters, CharactersConfig};
pub use words::{Words, WordsConfig};
