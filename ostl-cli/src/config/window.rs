//! The key `method.window`: a number of steps or a word.

use ostl_core::Window;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::steps_or_word::StepsOrWord;
use crate::names::bare;

/// What is allowed.
const EXPECTED: &str =
    "a number of steps, at least 1, \"sequence\", \"rolling-20\" or \"rolling-20-by-5\" (or other numbers) or \"auto\"";

/// A window, or the wish to have it chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowSetting {
    Given(Window),
    Auto,
}

impl WindowSetting {
    /// Reads a word, in whatever spelling.
    fn of_word(word: &str) -> Option<Self> {
        let steps = |text: &str| text.parse().ok().filter(|&steps: &usize| steps > 0);
        match bare(word).as_str() {
            "sequence" => Some(Self::Given(Window::Sequence)),
            "auto" => Some(Self::Auto),
            word => {
                let rolling = word.strip_prefix("rolling")?;
                let (back, every) = rolling.split_once("by").unwrap_or((rolling, "1"));
                Some(Self::Given(Window::Rolling { steps: steps(back)?, every: steps(every)? }))
            }
        }
    }

    /// Reads a window as it is written on the command line.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(steps) if steps > 0 => Ok(Self::Given(Window::Steps(steps))),
            _ => Self::of_word(text).ok_or_else(|| format!("must be {EXPECTED}")),
        }
    }
}

impl Serialize for WindowSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given(Window::Steps(steps)) => serializer.serialize_u64(*steps as u64),
            Self::Given(window) => serializer.serialize_str(&window.to_string()),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for WindowSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepsOrWord {
            expected: EXPECTED,
            of_steps: |steps| Self::Given(Window::Steps(steps)),
            of_word: Self::of_word,
        })
    }
}
