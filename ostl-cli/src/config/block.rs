//! The key `method.block`: a number of steps, or `auto`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::steps_or_word::StepsOrWord;
use crate::names::bare;

/// What is allowed.
const EXPECTED: &str = "a number of steps, at least 1, or \"auto\"";

/// Steps of a block, or the wish to have them chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlockSetting {
    #[default]
    Auto,
    Steps(usize),
}

impl BlockSetting {
    /// The steps, where they are given.
    pub(crate) fn steps(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Steps(steps) => Some(steps),
        }
    }

    /// Reads a block as it is written on the command line.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(steps) if steps > 0 => Ok(Self::Steps(steps)),
            _ if bare(text) == "auto" => Ok(Self::Auto),
            _ => Err(format!("must be {EXPECTED}")),
        }
    }

    pub(super) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl Serialize for BlockSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Steps(steps) => serializer.serialize_u64(*steps as u64),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for BlockSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepsOrWord {
            expected: EXPECTED,
            of_steps: Self::Steps,
            of_word: |word| Self::read(word).ok(),
        })
    }
}
