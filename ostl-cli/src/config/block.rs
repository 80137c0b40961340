//! The key `method.block`: a number of steps, or `auto`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
        deserializer.deserialize_any(BlockVisitor)
    }
}

struct BlockVisitor;

impl Visitor<'_> for BlockVisitor {
    type Value = BlockSetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_i64<E: Error>(self, steps: i64) -> Result<BlockSetting, E> {
        match usize::try_from(steps) {
            Ok(steps) if steps > 0 => Ok(BlockSetting::Steps(steps)),
            _ => Err(E::invalid_value(Unexpected::Signed(steps), &self)),
        }
    }

    fn visit_u64<E: Error>(self, steps: u64) -> Result<BlockSetting, E> {
        i64::try_from(steps)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(steps), &self))
            .and_then(|steps| self.visit_i64(steps))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<BlockSetting, E> {
        BlockSetting::read(word).map_err(|_| E::invalid_value(Unexpected::Str(word), &self))
    }
}
