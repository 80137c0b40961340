//! How many steps the reverse sweep sees at once, and how that is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many steps the reverse sweep sees at once. Written as `7`, `sequence`, `rolling-7` or `rolling-20-by-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Window {
    /// K steps; K = 1 is OSTL as published. Memory does not grow with the sequence.
    Steps(usize),
    /// The whole sequence: backpropagation through time, memory proportional to the longest sequence.
    Sequence,
    /// The last steps, looked back over again and again: truncated BPTT(h; h') of Williams & Peng (1990), h = `steps` and h' = `every`. What
    /// lies before them comes from what is carried, if anything is: its trace stands where they begin, and follows `every` steps at a time.
    Rolling {
        /// Steps that each sweep goes back.
        steps: usize,
        /// Steps from one sweep to the next, at most `steps`: each starts from the errors of the newest `every`.
        every: usize,
    },
}

impl Window {
    /// The last `steps` steps, looked back over from every step.
    pub const fn rolling(steps: usize) -> Self {
        Self::Rolling { steps, every: 1 }
    }

    /// The same window with another number of steps; of one that rolls, the steps from one sweep to the next are no more than that.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        match self {
            Self::Rolling { every, .. } => Self::Rolling { steps, every: every.min(steps) },
            _ => Self::Steps(steps),
        }
    }

    /// Steps that a sweep goes back at most; `None` if that is the whole sequence.
    pub const fn steps(self) -> Option<usize> {
        match self {
            Self::Steps(steps) | Self::Rolling { steps, .. } => Some(steps),
            Self::Sequence => None,
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Steps(steps) => f.pad(&steps.to_string()),
            Window::Sequence => f.pad("sequence"),
            Window::Rolling { steps, every: 1 } => f.pad(&format!("rolling-{steps}")),
            Window::Rolling { steps, every } => f.pad(&format!("rolling-{steps}-by-{every}")),
        }
    }
}

impl FromStr for Window {
    type Err = String;

    /// Reads a number of steps or a word; `rolling_7` and `Rolling-7` are `rolling-7`.
    fn from_str(word: &str) -> Result<Self, String> {
        let bare = word.replace('_', "-").to_lowercase();
        let number = |text: &str| text.parse().ok().filter(|&number: &usize| number > 0);
        let window = match (bare.strip_prefix("rolling-"), bare.as_str()) {
            (Some(rolling), _) => {
                let (steps, every) = rolling.split_once("-by-").unwrap_or((rolling, "1"));
                number(steps).zip(number(every)).map(|(steps, every)| Window::Rolling { steps, every })
            }
            (None, "sequence") => Some(Window::Sequence),
            (None, steps) => number(steps).map(Window::Steps),
        };
        window.ok_or_else(|| {
            format!(
                "unknown window `{word}`, expected a number of steps, `sequence`, or `rolling-` and a number, with `-by-` and another if not from every step"
            )
        })
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
        let by_five = Window::Rolling { steps: 20, every: 5 };
        for window in [Window::Steps(1), Window::Steps(700), Window::Sequence, Window::rolling(20), by_five] {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        assert_eq!("Rolling_7".parse(), Ok(Window::rolling(7)));
        assert_eq!("rolling_20_by_5".parse(), Ok(by_five));
        for wrong in ["0", "rolling-0", "-3", "rolling", "rolling-3-by-0", "rolling-3-by", "auto", ""] {
            assert!(wrong.parse::<Window>().unwrap_err().contains(&format!("`{wrong}`")));
        }
    }
}
