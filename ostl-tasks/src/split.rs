//! The three parts of a data set.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of a data set: what is learned from, what settings are chosen on, what is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The sequences that the weights are learned from.
    Train,
    /// The sequences that hyperparameters and stopping are chosen on.
    Valid,
    /// The sequences that the reported number is measured on.
    Test,
}

/// The text is not the name of a [`Split`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no split is called `{0}`; expected `train`, `valid` or `test`")]
pub struct UnknownSplit(pub String);

impl Split {
    /// All splits, in the order train, valid, test.
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    /// The split's name in files and configurations.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }

    /// The split's place in [`Split::ALL`]. Generators draw from it, so it must never change.
    pub(crate) fn position(self) -> usize {
        match self {
            Split::Train => 0,
            Split::Valid => 1,
            Split::Test => 2,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(text: &str) -> Result<Self, UnknownSplit> {
        Split::ALL.into_iter().find(|split| split.name() == text).ok_or_else(|| UnknownSplit(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (position, split) in Split::ALL.into_iter().enumerate() {
            assert_eq!(split.position(), position);
            assert_eq!(split.to_string().parse(), Ok(split));
            assert_eq!(serde_json::to_string(&split).unwrap(), format!("\"{split}\""));
        }
        assert_eq!(format!("{:>6}|", Split::Test), "  test|");
        let error = "dev".parse::<Split>().unwrap_err().to_string();
        assert!(error.contains("`dev`") && error.contains("`valid`"), "{error}");
    }
}
