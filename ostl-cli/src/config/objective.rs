//! What the loss of a task with classes is learned with: weights of classes and smoothed labels, which stand among the task's settings.

use ostl_core::{Loss, Objective};
use ostl_tasks::{Split, Task, TaskConfig, class_counts};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;

/// The `[task]` section: a task with its settings, and what its loss is learned with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TaskSection {
    #[serde(flatten)]
    pub(crate) of: TaskConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<ClassWeights>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_smoothing: Option<f64>,
}

/// How much each class weighs in the loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum ClassWeights {
    Balanced(Balanced),
    List(Vec<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Balanced {
    #[serde(rename = "balanced")]
    Balanced,
}

/// The keys that are taken out before the task sees its settings.
pub(super) const KEYS: [&str; 2] = ["class_weights", "label_smoothing"];

/// The mean weight of a training target is 1 as nearly as this: then a list is left as it is, so that a run keeps its own.
const NEARLY: f64 = 1e-9;

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = |value: &Value| match value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            _ => None,
        };
        let value = Value::deserialize(deserializer)?;
        let list = value.as_array().and_then(|list| list.iter().map(number).collect());
        match (list, value.as_str()) {
            (Some(list), _) => Ok(Self::List(list)),
            (None, Some("balanced")) => Ok(Self::Balanced(Balanced::Balanced)),
            _ => Err(D::Error::custom("expected \"balanced\" or a list of numbers, one for each class, such as [1, 19]")),
        }
    }
}

impl<'de> Deserialize<'de> for TaskSection {
    /// Takes its own keys out and leaves the rest to the task, so that its own message about an unknown key arrives unchanged.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let custom = |error: toml::de::Error| D::Error::custom(error.message());
        let mut value = Value::deserialize(deserializer)?;
        let mut take = |key: &str| value.as_table_mut().and_then(|table: &mut Table| table.remove(key));
        let [weights, smoothing] = KEYS.map(&mut take);
        Ok(Self {
            class_weights: weights.map(ClassWeights::deserialize).transpose().map_err(custom)?,
            label_smoothing: smoothing.map(f64::deserialize).transpose().map_err(custom)?,
            of: TaskConfig::deserialize(value).map_err(custom)?,
        })
    }
}

impl TaskSection {
    /// The task's name.
    pub(crate) fn name(&self) -> &'static str {
        self.of.name()
    }

    /// Whether some classes count for more than others.
    pub(crate) fn weighs_classes(&self) -> bool {
        self.class_weights.is_some()
    }

    /// Checks what can be checked without the task.
    pub(super) fn validate(&self) -> Result<(), OutOfRange> {
        let smoothing = self.label_smoothing.unwrap_or_default();
        let objective = Objective::from(Loss::SoftmaxCrossEntropy).with_label_smoothing(smoothing)?;
        match &self.class_weights {
            Some(ClassWeights::List(weights)) => objective.with_class_weights(weights).map(drop).map_err(|error| {
                let OutOfRange { key, allowed, .. } = error.into();
                OutOfRange { key, value: listed(weights), allowed }
            }),
            _ => Ok(()),
        }
    }

    /// Puts numbers in the place of `"balanced"` and makes the mean weight of a target of the train split 1, so that the weights change what is
    /// learned and not how fast. Gives what is to be said of it.
    pub(super) fn resolve(&mut self, task: &dyn Task) -> Result<Option<String>, OutOfRange> {
        self.objective(task.loss(), task.outputs())?;
        let Some(setting) = &self.class_weights else { return Ok(None) };
        let counts = class_counts(task, Split::Train);
        let weights = match setting {
            ClassWeights::Balanced(_) => Objective::balanced(&counts),
            ClassWeights::List(list) => {
                let targets: f64 = counts.iter().map(|&count| count as f64).sum();
                let mean = list.iter().zip(&counts).map(|(weight, &count)| weight * count as f64).sum::<f64>() / targets;
                if mean.is_nan() || mean <= 0.0 {
                    let allowed = "more than 0 for one at least of the classes that occur in the train split";
                    return Err(OutOfRange::new("class_weights", listed(list), allowed));
                }
                if (mean - 1.0).abs() < NEARLY { list.clone() } else { list.iter().map(|weight| weight / mean).collect() }
            }
        };
        let shown: Vec<String> = (0..weights.len())
            .take(MOST_SHOWN)
            .map(|class| format!("{} {}", task.class_name(class), rounded(weights[class])))
            .collect();
        let more = if weights.len() > MOST_SHOWN { ", …" } else { "" };
        let without = counts.iter().filter(|&&count| count == 0).count();
        let without = match (setting, without) {
            (ClassWeights::Balanced(_), 1..) => format!("; {without} without a training target weigh 0"),
            _ => String::new(),
        };
        let note =
            format!("task.class_weights: {}{more} (the mean weight of a training target is 1{without})", shown.join(", "));
        self.class_weights = Some(ClassWeights::List(weights));
        Ok(Some(note))
    }

    /// What a task with this loss and `outputs` outputs is learned with. `"balanced"` weighs nothing before it is [resolved](Self::resolve).
    pub(super) fn objective(&self, loss: Loss, outputs: usize) -> Result<Objective, OutOfRange> {
        let mut objective = Objective::from(loss);
        if let Some(smoothing) = self.label_smoothing {
            objective = objective.with_label_smoothing(smoothing)?;
        }
        match &self.class_weights {
            None => Ok(objective),
            Some(ClassWeights::Balanced(_)) => {
                // Any weights do to see whether the loss takes some.
                objective.clone().with_class_weights(&[1.0]).map_err(|error| {
                    let OutOfRange { key, allowed, .. } = error.into();
                    OutOfRange { key, value: "\"balanced\"".into(), allowed }
                })?;
                Ok(objective)
            }
            Some(ClassWeights::List(weights)) => {
                let refuse = |allowed: String| OutOfRange::new("class_weights", listed(weights), allowed);
                let weighted =
                    objective.with_class_weights(weights).map_err(|error| refuse(OutOfRange::from(error).allowed))?;
                if weights.len() != outputs {
                    return Err(refuse(format!(
                        "a list of {outputs} numbers, one for each class (here are {})",
                        weights.len()
                    )));
                }
                Ok(weighted)
            }
        }
    }
}

/// Most classes whose weights are shown.
const MOST_SHOWN: usize = 12;

fn rounded(weight: f64) -> String {
    if weight == 0.0 || (1e-3..1e6).contains(&weight) { format!("{weight:.3}") } else { format!("{weight:.2e}") }
}

/// A list of weights as it stands in a configuration, cut short.
fn listed(weights: &[f64]) -> String {
    let shown: Vec<String> = weights.iter().take(MOST_SHOWN).map(f64::to_string).collect();
    let more = if weights.len() > MOST_SHOWN { ", …" } else { "" };
    format!("[{}{more}]", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use ostl_tasks::{StoreRecall, StoreRecallConfig};

    use super::*;

    fn section(text: &str) -> Result<TaskSection, String> {
        let table: Table = text.parse().unwrap();
        TaskSection::deserialize(Value::Table(table)).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn keys_of_the_loss_stand_beside_the_tasks_own() {
        let text = "name = \"store-recall\"\ndelay = 7\nclass_weights = [1, 2.5]\nlabel_smoothing = 0.1";
        let read = section(text).unwrap();
        assert_eq!(read.of, TaskConfig::StoreRecall(StoreRecallConfig { delay: 7, ..Default::default() }));
        assert_eq!(read.class_weights, Some(ClassWeights::List(vec![1.0, 2.5])));
        assert_eq!(section(&toml::to_string(&read).unwrap()), Ok(read));
        let balanced = section("name = \"own\"\nclass_weights = \"balanced\"").unwrap();
        assert_eq!(section(&toml::to_string(&balanced).unwrap()), Ok(balanced));
        for wrong in ["\"equal\"", "3", "[1, \"2\"]", "{a = 1}"] {
            let error = section(&format!("name = \"own\"\nclass_weights = {wrong}")).unwrap_err();
            assert!(error.contains("\"balanced\" or a list of numbers"), "{error}");
        }
        assert!(section("name = \"own\"\nclas_weights = []").unwrap_err().contains("unknown field `clas_weights`"));
    }

    #[test]
    fn weights_become_numbers_of_mean_one_and_stay_so() {
        let task = StoreRecall::new(StoreRecallConfig { train: 37, ..Default::default() }).unwrap();
        let counts = class_counts(&task, Split::Train);
        let mut balanced = section("name = \"store-recall\"\nclass_weights = \"balanced\"").unwrap();
        let note = balanced.resolve(&task).unwrap().unwrap();
        assert!(note.starts_with("task.class_weights: 0 ") && note.ends_with("target is 1)"), "{note}");
        let Some(ClassWeights::List(weights)) = &balanced.class_weights else { panic!("{balanced:?}") };
        assert_eq!(*weights, Objective::balanced(&counts));
        // Weights in the same proportion are the same, whatever their size, and resolving once more changes no bit.
        let proportion = format!("name = \"store-recall\"\nclass_weights = [{}, {}]", 30 * counts[1], 30 * counts[0]);
        let mut given = section(&proportion).unwrap();
        given.resolve(&task).unwrap();
        let Some(ClassWeights::List(same)) = &given.class_weights else { panic!("{given:?}") };
        assert!(same.iter().zip(weights).all(|(a, b)| (a - b).abs() < 1e-12));
        let once = given.clone();
        given.resolve(&task).unwrap();
        assert_eq!(given, once);
    }

    #[test]
    fn what_cannot_be_names_its_key() {
        let task = StoreRecall::new(StoreRecallConfig::default()).unwrap();
        for (setting, key, words) in [
            ("class_weights = [1, 2, 3]", "class_weights", "a list of 2 numbers, one for each class (here are 3)"),
            ("class_weights = [1, -2]", "class_weights", "that of class 1"),
            ("class_weights = [1, nan]", "class_weights", "that of class 1"),
            ("class_weights = [0, 0]", "class_weights", "more than 0"),
            ("class_weights = []", "class_weights", "more than 0"),
            ("label_smoothing = 1", "label_smoothing", "less than 1"),
            ("label_smoothing = nan", "label_smoothing", "less than 1"),
        ] {
            let mut section = section(&format!("name = \"store-recall\"\n{setting}")).unwrap();
            let error = section.validate().and_then(|()| section.resolve(&task).map(drop)).unwrap_err();
            assert!(error.key == key && error.allowed.contains(words), "{setting}: {error:?}");
        }
        let adding = ostl_tasks::Adding::new(ostl_tasks::AddingConfig::default()).unwrap();
        for setting in ["class_weights = \"balanced\"", "class_weights = [1]", "label_smoothing = 0.1"] {
            let error = section(&format!("name = \"adding\"\n{setting}")).unwrap().resolve(&adding).unwrap_err();
            assert!(error.allowed.contains("the targets are values"), "{error:?}");
        }
    }
}
