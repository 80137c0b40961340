//! The `[method]` section.

use std::fmt;

use ostl_core::{Carry, Feedback, Method, Update, Window};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A learning method as it stands in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodConfig {
    #[serde(with = "window")]
    window: Window,
    carry: Carry,
    #[serde(default)]
    feedback: Feedback,
    #[serde(default)]
    update: Update,
}

impl MethodConfig {
    pub(crate) fn method(&self) -> Method {
        Method { window: self.window, carry: self.carry, feedback: self.feedback, update: self.update }
    }
}

/// A number of steps or the word `sequence`.
mod window {
    use super::*;

    pub(super) fn serialize<S: Serializer>(window: &Window, serializer: S) -> Result<S::Ok, S::Error> {
        match window {
            Window::Steps(steps) => serializer.serialize_u64(*steps as u64),
            Window::Sequence => serializer.serialize_str("sequence"),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
        deserializer.deserialize_any(WindowVisitor)
    }

    struct WindowVisitor;

    impl Visitor<'_> for WindowVisitor {
        type Value = Window;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of steps, at least 1, or \"sequence\"")
        }

        fn visit_i64<E: Error>(self, steps: i64) -> Result<Window, E> {
            match usize::try_from(steps) {
                Ok(steps) if steps > 0 => Ok(Window::Steps(steps)),
                _ => Err(E::invalid_value(serde::de::Unexpected::Signed(steps), &self)),
            }
        }

        fn visit_u64<E: Error>(self, steps: u64) -> Result<Window, E> {
            i64::try_from(steps)
                .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(steps), &self))
                .and_then(|steps| self.visit_i64(steps))
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<Window, E> {
            match word {
                "sequence" => Ok(Window::Sequence),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
            }
        }
    }
}

/// The window in words, for reports: `5` or `sequence`.
pub(crate) fn window_name(window: Window) -> String {
    match window {
        Window::Steps(steps) => steps.to_string(),
        Window::Sequence => "sequence".into(),
    }
}

/// A window as it is written on the command line.
pub(crate) fn window(text: &str) -> Result<Window, String> {
    match text.parse() {
        Ok(steps) if steps > 0 => Ok(Window::Steps(steps)),
        _ if text == "sequence" => Ok(Window::Sequence),
        _ => Err("a number of steps, at least 1, or \"sequence\"".into()),
    }
}

/// A carry as it is written on the command line: as in a configuration.
pub(crate) fn carry(text: &str) -> Result<Carry, String> {
    Carry::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text))
        .map_err(|error| error.to_string())
}
