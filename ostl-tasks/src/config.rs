//! Tasks by name, as they stand in a configuration.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DatasetError, TaskError};
use crate::events::{EventLists, EventListsConfig, NMnist, NMnistConfig, ShdConfig, SscConfig};
use crate::language::{Characters, CharactersConfig, Words, WordsConfig};
use crate::music::{JsbChorales, MuseData, Nottingham, PianoMidi};
use crate::own::{Own, OwnConfig};
use crate::speech::{Fsdd, FsddConfig, Timit, TimitConfig};
use crate::synthetic::{
    Adding, AddingConfig, CopyMemory, CopyMemoryConfig, EvidenceAccumulation, EvidenceAccumulationConfig, Lorenz,
    LorenzConfig, MackeyGlass, MackeyGlassConfig, PatternGeneration, PatternGenerationConfig, Reber, ReberConfig,
    StoreRecall, StoreRecallConfig, TemporalXor, TemporalXorConfig,
};
use crate::task::Task;
use crate::vision::{Mnist, MnistConfig};

/// A task and its settings; in a configuration the key `name` says which task, and the other keys are its settings.
///
/// An unknown name or key is an error that repeats it and lists the known ones.
///
/// ```
/// use ostl_tasks::{Split, TaskConfig};
///
/// let config: TaskConfig = serde_json::from_str(r#"{"name": "store-recall", "delay": 40, "train": 100}"#)?;
/// let task = config.open(None)?;
/// assert_eq!(task.sequences(Split::Train), 100);
///
/// let typo = serde_json::from_str::<TaskConfig>(r#"{"name": "store-recall", "dealy": 40}"#);
/// assert!(typo.unwrap_err().to_string().contains("unknown field `dealy`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TaskConfig {
    /// [`JsbChorales`].
    Jsb(JsbConfig),
    /// [`StoreRecall`].
    StoreRecall(StoreRecallConfig),
    /// [`Nottingham`].
    Nottingham(MusicConfig),
    /// [`MuseData`].
    MuseData(MusicConfig),
    /// [`PianoMidi`].
    PianoMidi(MusicConfig),
    /// [`Words`].
    Words(WordsConfig),
    /// [`Characters`].
    Characters(CharactersConfig),
    /// [`Own`].
    Own(OwnConfig),
    /// [`Fsdd`].
    Fsdd(FsddConfig),
    /// [`Timit`].
    Timit(TimitConfig),
    /// [`Mnist`].
    Mnist(MnistConfig),
    /// [`NMnist`].
    NMnist(NMnistConfig),
    /// [`EventLists`].
    EventList(EventListsConfig),
    /// `Shd`; opened only where the cargo feature `hdf5` is on.
    Shd(ShdConfig),
    /// `Ssc`; opened only where the cargo feature `hdf5` is on.
    Ssc(SscConfig),
    /// [`CopyMemory`].
    CopyMemory(CopyMemoryConfig),
    /// [`Adding`].
    Adding(AddingConfig),
    /// [`TemporalXor`].
    TemporalXor(TemporalXorConfig),
    /// [`EvidenceAccumulation`].
    EvidenceAccumulation(EvidenceAccumulationConfig),
    /// [`PatternGeneration`].
    PatternGeneration(PatternGenerationConfig),
    /// [`Reber`].
    Reber(ReberConfig),
    /// [`MackeyGlass`].
    MackeyGlass(MackeyGlassConfig),
    /// [`Lorenz`].
    Lorenz(LorenzConfig),
}

/// Settings of [`JsbChorales`] and the other collections of music: there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MusicConfig {}

/// The name that the settings of [`JsbChorales`] had first.
pub type JsbConfig = MusicConfig;

impl TaskConfig {
    /// The task's name, as [`Task::name`] gives it.
    pub fn name(&self) -> &'static str {
        match self {
            TaskConfig::Jsb(_) => "jsb",
            TaskConfig::StoreRecall(_) => "store-recall",
            TaskConfig::Nottingham(_) => "nottingham",
            TaskConfig::MuseData(_) => "muse-data",
            TaskConfig::PianoMidi(_) => "piano-midi",
            TaskConfig::Words(_) => "words",
            TaskConfig::Characters(_) => "characters",
            TaskConfig::Own(_) => "own",
            TaskConfig::Fsdd(_) => "fsdd",
            TaskConfig::Timit(_) => "timit",
            TaskConfig::Mnist(_) => "mnist",
            TaskConfig::NMnist(_) => "n-mnist",
            TaskConfig::EventList(_) => "event-list",
            TaskConfig::Shd(_) => "shd",
            TaskConfig::Ssc(_) => "ssc",
            TaskConfig::CopyMemory(_) => "copy-memory",
            TaskConfig::Adding(_) => "adding",
            TaskConfig::TemporalXor(_) => "temporal-xor",
            TaskConfig::EvidenceAccumulation(_) => "evidence-accumulation",
            TaskConfig::PatternGeneration(_) => "pattern-generation",
            TaskConfig::Reber(_) => "reber",
            TaskConfig::MackeyGlass(_) => "mackey-glass",
            TaskConfig::Lorenz(_) => "lorenz",
        }
    }

    /// Opens the task; `data` is the folder that data sets lie in, which only tasks with data look at.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if the data is missing or broken, [`TaskError::Config`] if a setting is out of range,
    /// [`TaskError::NotBuilt`] if the program was built without the cargo feature that the task needs.
    pub fn open(&self, data: Option<&Path>) -> Result<Box<dyn Task>, TaskError> {
        let given = |file: &str| data.ok_or_else(|| DatasetError::NotGiven { task: self.name(), file: file.to_owned() });
        Ok(match self {
            TaskConfig::Jsb(MusicConfig {}) => Box::new(JsbChorales::open(given(JsbChorales::FILE)?)?),
            TaskConfig::StoreRecall(config) => Box::new(StoreRecall::new(config.clone())?),
            TaskConfig::Nottingham(MusicConfig {}) => Box::new(Nottingham::open(given(Nottingham::FILE)?)?),
            TaskConfig::MuseData(MusicConfig {}) => Box::new(MuseData::open(given(MuseData::FILE)?)?),
            TaskConfig::PianoMidi(MusicConfig {}) => Box::new(PianoMidi::open(given(PianoMidi::FILE)?)?),
            TaskConfig::Words(config) => {
                Box::new(Words::open(given("wiki.train.tokens, ptb.train.txt or train.txt")?, config)?)
            }
            TaskConfig::Own(config) => {
                Box::new(Own::open(given("train.npz, train.jsonl, train.ts or train/inputs.npy")?, config)?)
            }
            TaskConfig::Characters(config) => Box::new(Characters::open(given(Characters::FILE)?, config)?),
            TaskConfig::Fsdd(config) => Box::new(Fsdd::open(given("recordings/0_george_0.wav")?, config)?),
            TaskConfig::Timit(config) => Box::new(Timit::open(given("TRAIN/DR1/FCJF0/SI1027.WAV")?, config)?),
            TaskConfig::Mnist(config) => {
                Box::new(Mnist::open(given("train-images-idx3-ubyte.gz and its three companions")?, config)?)
            }
            TaskConfig::NMnist(config) => {
                Box::new(NMnist::open(given("train1K.txt or Train/0/00002.bin, and what belongs to it")?, config)?)
            }
            TaskConfig::EventList(config) => {
                Box::new(EventLists::open(given("train.csv, valid.csv and test.csv")?, config)?)
            }
            #[cfg(feature = "hdf5")]
            TaskConfig::Shd(config) => Box::new(crate::Shd::open(given("shd_train.h5 and shd_test.h5")?, config)?),
            #[cfg(feature = "hdf5")]
            TaskConfig::Ssc(config) => {
                Box::new(crate::Ssc::open(given("ssc_train.h5, ssc_valid.h5 and ssc_test.h5")?, config)?)
            }
            #[cfg(not(feature = "hdf5"))]
            TaskConfig::Shd(_) | TaskConfig::Ssc(_) => {
                return Err(TaskError::NotBuilt { task: self.name(), feature: "hdf5" });
            }
            TaskConfig::CopyMemory(config) => Box::new(CopyMemory::new(config.clone())?),
            TaskConfig::Adding(config) => Box::new(Adding::new(config.clone())?),
            TaskConfig::TemporalXor(config) => Box::new(TemporalXor::new(config.clone())?),
            TaskConfig::EvidenceAccumulation(config) => Box::new(EvidenceAccumulation::new(config.clone())?),
            TaskConfig::PatternGeneration(config) => Box::new(PatternGeneration::new(config.clone())?),
            TaskConfig::Reber(config) => Box::new(Reber::new(config.clone())?),
            TaskConfig::MackeyGlass(config) => Box::new(MackeyGlass::new(config.clone())?),
            TaskConfig::Lorenz(config) => Box::new(Lorenz::new(config.clone())?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Split;

    fn parse(json: &str) -> Result<TaskConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn says(json: &str, words: &[&str]) {
        let error = parse(json).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }

    #[test]
    fn names_and_settings() {
        assert_eq!(parse(r#"{"name": "jsb"}"#), Ok(TaskConfig::Jsb(JsbConfig::default())));
        let store_recall = TaskConfig::StoreRecall(StoreRecallConfig { delay: 7, ..Default::default() });
        assert_eq!(parse(r#"{"name": "store-recall", "delay": 7}"#), Ok(store_recall.clone()));
        let words = TaskConfig::Words(WordsConfig { min_count: 3, ..Default::default() });
        assert_eq!(parse(r#"{"name": "words", "min_count": 3}"#), Ok(words.clone()));
        let characters = TaskConfig::Characters(CharactersConfig { test: 0.05, ..Default::default() });
        assert_eq!(parse(r#"{"name": "characters", "test": 0.05}"#), Ok(characters.clone()));
        let own = TaskConfig::Own(OwnConfig { loss: Some(ostl_core::Loss::BinaryCrossEntropy), classes: None });
        assert_eq!(parse(r#"{"name": "own", "loss": "binary-cross-entropy"}"#), Ok(own.clone()));
        let muse_data = TaskConfig::MuseData(MusicConfig::default());
        let others = [words, characters, own, muse_data];
        let fsdd = FsddConfig { held_out: Some("theo".to_owned()), ..Default::default() };
        assert_eq!(parse(r#"{"name": "fsdd", "held_out": "theo"}"#), Ok(TaskConfig::Fsdd(fsdd.clone())));
        let speech = [TaskConfig::Fsdd(fsdd), TaskConfig::Timit(TimitConfig { phones: 48, ..Default::default() })];
        for config in speech.into_iter().chain(others).chain([TaskConfig::Jsb(JsbConfig::default()), store_recall]) {
            assert_eq!(parse(&serde_json::to_string(&config).unwrap()), Ok(config));
        }
    }

    #[test]
    fn errors_name_the_key() {
        says(r#"{"name": "bach"}"#, &["`bach`", "`jsb`", "`store-recall`"]);
        says(r#"{"name": "jsb", "voices": 4}"#, &["`voices`"]);
        says(r#"{"name": "store-recall", "dealy": 4}"#, &["`dealy`", "`delay`"]);
        says(r#"{"name": "words", "stream": 4}"#, &["`stream`", "`streams`"]);
        says(r#"{"name": "characters", "validate": 0.1}"#, &["`validate`", "`valid`"]);
        says(r#"{"name": "own", "los": "x"}"#, &["`los`", "`loss`"]);
        says(r#"{"delay": 4}"#, &["`name`"]);
        says(r#"{"name": "fsdd", "front_end": "mel"}"#, &["`mel`", "`mfcc`", "`log-mel`", "`spikes`"]);
        says(r#"{"name": "fsdd", "mel": {"hop": 5}}"#, &["`hop`", "`hop_ms`"]);
        says(r#"{"name": "timit", "phone": 39}"#, &["`phone`", "`phones`"]);
        says(r#"{"name": "store-recall", "delay": -4}"#, &["-4"]);
    }

    #[test]
    fn opening() {
        let jsb = TaskConfig::Jsb(JsbConfig::default());
        let error = jsb.open(None).err().unwrap().to_string();
        assert!(error.contains("--data DIR") && error.contains("jsb-chorales-quarter.json"), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let error = jsb.open(Some(folder.path())).err().unwrap();
        assert!(matches!(error, TaskError::Dataset(DatasetError::NotFound { .. })), "{error}");
        let json = r#"{"train": [[[60], [62]]], "valid": [[[60], [62]]], "test": [[[60], [62]]]}"#;
        std::fs::write(folder.path().join(JsbChorales::FILE), json).unwrap();
        let task = jsb.open(Some(folder.path())).unwrap();
        assert_eq!((task.name(), task.sequences(Split::Test)), (jsb.name(), 1));

        for (name, file) in
            [("nottingham", Nottingham::FILE), ("muse-data", MuseData::FILE), ("piano-midi", PianoMidi::FILE)]
        {
            let config = parse(&format!(r#"{{"name": "{name}"}}"#)).unwrap();
            let error = config.open(Some(folder.path())).err().unwrap().to_string();
            assert!(error.contains(file), "{error}");
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join(file), json).unwrap();
            let task = config.open(Some(folder.path())).unwrap();
            assert_eq!((task.name(), config.name(), task.metrics().len()), (name, name, 2));
        }
        for (name, file) in [("words", "wiki.train.tokens"), ("characters", "input.txt")] {
            let error = parse(&format!(r#"{{"name": "{name}"}}"#)).unwrap().open(None).err().unwrap().to_string();
            assert!(error.contains(name) && error.contains(file), "{error}");
        }

        let store_recall = TaskConfig::StoreRecall(StoreRecallConfig::default());
        assert_eq!(store_recall.open(None).unwrap().name(), store_recall.name());
        let wrong = TaskConfig::StoreRecall(StoreRecallConfig { delay: 0, ..Default::default() });
        assert!(matches!(wrong.open(None).err().unwrap(), TaskError::Config(error) if error.to_string().contains("delay")));
    }

    #[test]
    fn pictures_and_events() {
        let folder = tempfile::tempdir().unwrap();
        for (json, file) in [
            (r#"{"name": "mnist", "form": "permuted", "limit": 10, "targets": "every"}"#, "train-images-idx3-ubyte"),
            (r#"{"name": "mnist", "form": "means", "pool": 16}"#, "train-images-idx3-ubyte"),
            (r#"{"name": "n-mnist", "bin": {"width_ms": 5}, "value": "count", "polarity": false}"#, "train1K.txt"),
            (r#"{"name": "event-list", "bin": {"count": 50}, "channels": 8}"#, "train.csv"),
            (r#"{"name": "shd", "bin": {"width_ms": 2.5}, "valid_speakers": [3, 4]}"#, "shd_train.h5"),
            (r#"{"name": "ssc", "max_steps": 100, "pool": 5}"#, "ssc_train.h5"),
        ] {
            let config = parse(json).unwrap();
            assert!(json.contains(&format!("\"{}\"", config.name())));
            assert_eq!(parse(&serde_json::to_string(&config).unwrap()).as_ref(), Ok(&config));
            for data in [None, Some(folder.path())] {
                let error = config.open(data).err().unwrap();
                if cfg!(not(feature = "hdf5")) && matches!(config, TaskConfig::Shd(_) | TaskConfig::Ssc(_)) {
                    assert!(error.to_string().contains("`--features hdf5`"), "{error}");
                    continue;
                }
                assert!(error.to_string().contains(file) && error.to_string().contains("--data DIR"), "{error}");
            }
        }
        says(r#"{"name": "mnist", "form": "row"}"#, &["`row`", "`rows`"]);
        says(r#"{"name": "n-mnist", "bin": {"width": 5}}"#, &["`width`", "`width_ms`", "`count`"]);
        says(r#"{"name": "shd", "speakers": [1]}"#, &["`speakers`", "`valid_speakers`"]);
    }

    /// Every generator opens by its name alone, with its defaults, and keeps them through a file.
    #[test]
    fn generators_by_name() {
        for name in [
            "copy-memory",
            "adding",
            "temporal-xor",
            "evidence-accumulation",
            "pattern-generation",
            "reber",
            "mackey-glass",
            "lorenz",
            "store-recall",
        ] {
            let config = parse(&format!(r#"{{"name": "{name}"}}"#)).unwrap();
            assert_eq!(parse(&serde_json::to_string(&config).unwrap()), Ok(config.clone()));
            let task = config.open(None).unwrap();
            assert_eq!((task.name(), config.name()), (name, name));
            assert!(task.chance().unwrap() > 0.0 && task.goal().is_some());
            says(&format!(r#"{{"name": "{name}", "trian": 4}}"#), &["`trian`", "`train`", "`valid`", "`test`", "`seed`"]);
        }
    }
}
