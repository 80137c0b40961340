//! The names of all tasks, as the deserialiser of [`TaskConfig`] knows them.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, value::MapDeserializer};

use crate::config::TaskConfig;

impl TaskConfig {
    /// The names of all tasks.
    pub fn names() -> Vec<&'static str> {
        // No task has an empty name, and what is said about that lists those that there are.
        let nameless = MapDeserializer::<_, Names>::new([("name", "")].into_iter());
        match TaskConfig::deserialize(nameless) {
            Ok(config) => vec![config.name()],
            Err(Names(names)) => names,
        }
    }
}

/// An error that keeps nothing but the names that were expected.
#[derive(Debug, Default)]
struct Names(Vec<&'static str>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Names {}

impl de::Error for Names {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::default()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_task() {
        let names = TaskConfig::names();
        assert!(names.contains(&"jsb") && names.contains(&"store-recall"), "{names:?}");
        for name in names {
            let config: TaskConfig = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
            assert_eq!(config.name(), name);
        }
    }
}
