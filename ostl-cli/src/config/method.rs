//! The `[method]` section.

use std::fmt;

use ostl_core::{Carry, Feedback, Method, Network, Real, TraceFormat, Update, Window, WindowChoice, best_window};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A learning method as it stands in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodConfig {
    window: WindowSetting,
    /// What traces and windows may take in all when the window is chosen, MiB.
    #[serde(default = "memory", skip_serializing_if = "is_default_memory")]
    memory: usize,
    carry: Carry,
    #[serde(default)]
    feedback: Feedback,
    #[serde(default)]
    update: Update,
    #[serde(default)]
    trace: TraceFormat,
}

impl MethodConfig {
    /// The method. A window that is still to be chosen stands as one step.
    pub(crate) fn method(&self) -> Method {
        let window = match self.window {
            WindowSetting::Given(window) => window,
            WindowSetting::Auto => Window::Steps(1),
        };
        Method {
            window,
            carry: self.carry,
            feedback: self.feedback,
            update: self.update,
            trace: self.trace,
            ..Method::bptt()
        }
    }
}

/// What traces and windows may take by default, MiB.
const MEMORY: usize = 1024;

fn memory() -> usize {
    MEMORY
}

fn is_default_memory(memory: &usize) -> bool {
    *memory == MEMORY
}

impl MethodConfig {
    /// Chooses the window if the configuration leaves that open, for so many streams of at most `longest` steps.
    pub(crate) fn choose_window<T: Real>(
        &mut self,
        network: &Network<T>,
        streams: usize,
        longest: usize,
    ) -> Option<WindowChoice> {
        if self.window != WindowSetting::Auto {
            return None;
        }
        let choice = best_window(network, &self.method(), streams, longest, self.memory.saturating_mul(1 << 20));
        self.window = WindowSetting::Given(choice.window());
        Some(choice)
    }

    /// Whether the window is still to be chosen.
    pub(crate) fn leaves_window_open(&self) -> bool {
        self.window == WindowSetting::Auto
    }
}

/// A number of steps, or the word `sequence` or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WindowSetting {
    Given(Window),
    Auto,
}

impl Serialize for WindowSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given(Window::Steps(steps)) => serializer.serialize_u64(*steps as u64),
            Self::Given(window) => serializer.serialize_str(&window_name(*window)),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for WindowSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WindowVisitor)
    }
}

struct WindowVisitor;

impl Visitor<'_> for WindowVisitor {
    type Value = WindowSetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of steps, at least 1, \"sequence\" or \"auto\"")
    }

    fn visit_i64<E: Error>(self, steps: i64) -> Result<WindowSetting, E> {
        match usize::try_from(steps) {
            Ok(steps) if steps > 0 => Ok(WindowSetting::Given(Window::Steps(steps))),
            _ => Err(E::invalid_value(serde::de::Unexpected::Signed(steps), &self)),
        }
    }

    fn visit_u64<E: Error>(self, steps: u64) -> Result<WindowSetting, E> {
        i64::try_from(steps)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(steps), &self))
            .and_then(|steps| self.visit_i64(steps))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<WindowSetting, E> {
        match word {
            "sequence" => Ok(WindowSetting::Given(Window::Sequence)),
            "auto" => Ok(WindowSetting::Auto),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }
}

/// The window in words, for reports: `5` or `sequence`.
pub(crate) fn window_name(window: Window) -> String {
    match window {
        Window::Steps(steps) => steps.to_string(),
        Window::Sequence => "sequence".into(),
        Window::Rolling(steps) => format!("rolling-{steps}"),
    }
}

/// A window as it is written on the command line; nothing for `auto`.
pub(crate) type BenchWindow = Option<Window>;

/// Reads one.
pub(crate) fn window(text: &str) -> Result<BenchWindow, String> {
    match text.parse() {
        Ok(steps) if steps > 0 => Ok(Some(Window::Steps(steps))),
        _ if text == "sequence" => Ok(Some(Window::Sequence)),
        _ if text == "auto" => Ok(None),
        _ => Err("a number of steps, at least 1, \"sequence\" or \"auto\"".into()),
    }
}

/// A carry as it is written on the command line: as in a configuration.
pub(crate) fn carry(text: &str) -> Result<Carry, String> {
    word(text)
}

/// A format of traces as it is written on the command line.
pub(crate) fn trace(text: &str) -> Result<TraceFormat, String> {
    word(text)
}

fn word<'de, V: Deserialize<'de>>(text: &'de str) -> Result<V, String> {
    V::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text))
        .map_err(|error| error.to_string())
}
