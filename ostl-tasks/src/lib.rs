#![doc = include_str!("../README.md")]

pub mod batching;
pub mod catalogue;
mod class_counts;
pub mod config;
mod encoding;
pub mod error;
pub mod events;
mod files;
pub mod labels;
pub mod language;
pub mod measures;
pub mod metric;
pub mod music;
mod names;
pub mod numpy;
pub mod own;
mod random;
pub mod sampling;
pub mod speech;
pub mod split;
pub mod stretches;
pub mod synthetic;
pub mod task;
pub mod vision;
pub mod vocabulary;

pub use batching::Batches;
pub use class_counts::{class_counts, odd_classes};
pub use config::{JsbConfig, MusicConfig, TaskConfig};
pub use error::{At, DatasetError, Defect, Place, TaskError};
pub use events::{
    Bin, BinValue, EventLists, EventListsConfig, NMnist, NMnistConfig, Recording, Recordings, ShdConfig, SscConfig,
};
#[cfg(feature = "hdf5")]
pub use events::{Shd, Ssc};
pub use labels::TargetSteps;
pub use language::{Characters, CharactersConfig, Words, WordsConfig};
pub use measures::{ByClass, Confusion, Measures};
pub use metric::Metric;
pub use music::{JsbChorales, MuseData, Nottingham, PianoMidi};
pub use own::{Own, OwnConfig};
pub use sampling::Sampler;
pub use speech::{Fsdd, FsddConfig, Timit, TimitConfig};
pub use split::{Split, UnknownSplit};
pub use stretches::Stretches;
pub use synthetic::{
    Adding, AddingConfig, CopyMemory, CopyMemoryConfig, CopyTargets, EvidenceAccumulation, EvidenceAccumulationConfig,
    Lorenz, LorenzConfig, MackeyGlass, MackeyGlassConfig, PatternGeneration, PatternGenerationConfig, PatternInput, Reber,
    ReberConfig, ReberTargets, StoreRecall, StoreRecallConfig, TemporalXor, TemporalXorConfig,
};
pub use task::{Goal, Task};
pub use vision::{Idx, Mnist, MnistConfig, MnistForm};
pub use vocabulary::{Joint, UnknownToken, Vocabulary};
