//! Tasks by name, as they stand in a configuration.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DatasetError, TaskError};
use crate::music::JsbChorales;
use crate::synthetic::{
    Adding, AddingConfig, CopyMemory, CopyMemoryConfig, EvidenceAccumulation, EvidenceAccumulationConfig, Lorenz,
    LorenzConfig, MackeyGlass, MackeyGlassConfig, PatternGeneration, PatternGenerationConfig, Reber, ReberConfig,
    StoreRecall, StoreRecallConfig, TemporalXor, TemporalXorConfig,
};
use crate::task::Task;

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
    /// [`TaskError::Dataset`] if the data is missing or broken, [`TaskError::Config`] if a setting is out of range.
    pub fn open(&self, data: Option<&Path>) -> Result<Box<dyn Task>, TaskError> {
        Ok(match self {
            TaskConfig::Jsb(JsbConfig {}) => {
                let missing = DatasetError::NotGiven { task: self.name(), file: JsbChorales::FILE.to_owned() };
                Box::new(JsbChorales::open(data.ok_or(missing)?)?)
            }
            TaskConfig::StoreRecall(config) => Box::new(StoreRecall::new(config.clone())?),
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
