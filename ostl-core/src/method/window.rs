//! How many steps the reverse sweep sees at once, and how that is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many steps the reverse sweep sees at once. Written as `7`, `sequence` or `rolling-7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Window {
    /// K steps; K = 1 is OSTL as published. Memory does not grow with the sequence.
    Steps(usize),
    /// The whole sequence: backpropagation through time, memory proportional to the longest sequence.
    Sequence,
    /// The last N steps, looked back over from every step; nothing is carried beyond them.
    Rolling(usize),
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Steps(steps) => f.pad(&steps.to_string()),
            Window::Sequence => f.pad("sequence"),
            Window::Rolling(steps) => f.pad(&format!("rolling-{steps}")),
        }
    }
}

impl FromStr for Window {
    type Err = String;

    /// Reads a number of steps or a word; `rolling_7` and `Rolling-7` are `rolling-7`.
    fn from_str(word: &str) -> Result<Self, String> {
        let bare = word.replace('_', "-").to_lowercase();
        let (steps, window): (&str, fn(usize) -> Self) = match bare.strip_prefix("rolling-") {
            Some(steps) => (steps, Window::Rolling),
            None if bare == "sequence" => return Ok(Window::Sequence),
            None => (&bare, Window::Steps),
        };
        match steps.parse() {
            Ok(steps) if steps > 0 => Ok(window(steps)),
            _ => Err(format!("unknown window `{word}`, expected a number of steps, `sequence`, or `rolling-` and a number")),
        }
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn words_and_windows() {
        for window in [Window::Steps(1), Window::Steps(700), Window::Sequence, Window::Rolling(20)] {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        assert_eq!("Rolling_7".parse(), Ok(Window::Rolling(7)));
        for wrong in ["0", "rolling-0", "-3", "rolling", "auto", ""] {
            assert!(wrong.parse::<Window>().unwrap_err().contains(&format!("`{wrong}`")));
        }
    }
}
