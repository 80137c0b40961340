//! Tasks by name, as they stand in a configuration.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DatasetError, TaskError};
use crate::events::{EventLists, EventListsConfig, NMnist, NMnistConfig, ShdConfig, SscConfig};
use crate::music::JsbChorales;
use crate::synthetic::{StoreRecall, StoreRecallConfig};
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
}

/// Settings of [`JsbChorales`]: there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JsbConfig {}

impl TaskConfig {
    /// The task's name, as [`Task::name`] gives it.
    pub fn name(&self) -> &'static str {
        match self {
            TaskConfig::Jsb(_) => "jsb",
            TaskConfig::StoreRecall(_) => "store-recall",
            TaskConfig::Mnist(_) => "mnist",
            TaskConfig::NMnist(_) => "n-mnist",
            TaskConfig::EventList(_) => "event-list",
            TaskConfig::Shd(_) => "shd",
            TaskConfig::Ssc(_) => "ssc",
        }
    }

    /// Opens the task; `data` is the folder that data sets lie in, which only tasks with data look at.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if the data is missing or broken, [`TaskError::Config`] if a setting is out of range,
    /// [`TaskError::NotBuilt`] if the program was built without the cargo feature that the task needs.
    pub fn open(&self, data: Option<&Path>) -> Result<Box<dyn Task>, TaskError> {
        Ok(match self {
            TaskConfig::Jsb(JsbConfig {}) => {
                let missing = DatasetError::NotGiven { task: self.name(), file: JsbChorales::FILE.to_owned() };
                Box::new(JsbChorales::open(data.ok_or(missing)?)?)
            }
            TaskConfig::StoreRecall(config) => Box::new(StoreRecall::new(config.clone())?),
            TaskConfig::Mnist(config) => {
                Box::new(Mnist::open(self.folder(data, "train-images-idx3-ubyte.gz and its three companions")?, config)?)
            }
            TaskConfig::NMnist(config) => Box::new(NMnist::open(
                self.folder(data, "train1K.txt or Train/0/00002.bin, and what belongs to it")?,
                config,
            )?),
            TaskConfig::EventList(config) => {
                Box::new(EventLists::open(self.folder(data, "train.csv, valid.csv and test.csv")?, config)?)
            }
            #[cfg(feature = "hdf5")]
            TaskConfig::Shd(config) => {
                Box::new(crate::Shd::open(self.folder(data, "shd_train.h5 and shd_test.h5")?, config)?)
            }
            #[cfg(feature = "hdf5")]
            TaskConfig::Ssc(config) => {
                Box::new(crate::Ssc::open(self.folder(data, "ssc_train.h5, ssc_valid.h5 and ssc_test.h5")?, config)?)
            }
            #[cfg(not(feature = "hdf5"))]
            TaskConfig::Shd(_) | TaskConfig::Ssc(_) => {
                return Err(TaskError::NotBuilt { task: self.name(), feature: "hdf5" });
            }
        })
    }

    /// The folder of the data, which the task needs: `what` lies in it.
    fn folder<'a>(&self, data: Option<&'a Path>, what: &str) -> Result<&'a Path, DatasetError> {
        data.ok_or_else(|| DatasetError::NotGiven { task: self.name(), file: what.to_owned() })
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
        for config in [TaskConfig::Jsb(JsbConfig::default()), store_recall] {
            assert_eq!(parse(&serde_json::to_string(&config).unwrap()), Ok(config));
        }
    }

    #[test]
    fn errors_name_the_key() {
        says(r#"{"name": "bach"}"#, &["`bach`", "`jsb`", "`store-recall`"]);
        says(r#"{"name": "jsb", "voices": 4}"#, &["`voices`"]);
        says(r#"{"name": "store-recall", "dealy": 4}"#, &["`dealy`", "`delay`"]);
        says(r#"{"delay": 4}"#, &["`name`"]);
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
}
