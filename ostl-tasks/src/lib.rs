#![doc = include_str!("../README.md")]

pub mod batching;
pub mod config;
pub mod error;
mod files;
pub mod language;
pub mod metric;
pub mod music;
pub mod own;
mod random;
pub mod speech;
pub mod split;
pub mod synthetic;
pub mod task;
pub mod vocabulary;

pub use batching::Batches;
pub use config::{JsbConfig, MusicConfig, TaskConfig};
pub use error::{At, DatasetError, Defect, Place, TaskError};
pub use language::{Characters, CharactersConfig, Words, WordsConfig};
pub use metric::Metric;
pub use music::{JsbChorales, MuseData, Nottingham, PianoMidi};
pub use own::{Own, OwnConfig};
pub use speech::{Fsdd, FsddConfig, Timit, TimitConfig};
pub use split::{Split, UnknownSplit};
pub use synthetic::{StoreRecall, StoreRecallConfig};
pub use task::{Goal, Task};
pub use vocabulary::{Joint, UnknownToken, Vocabulary};
