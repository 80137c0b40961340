//! The names of classes: from the configuration, from `classes.json`, or from the header of a `.ts` file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use ostl_core::ConfigError;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::config::MOST;
use crate::encoding::unmarked;
use crate::error::{At, DatasetError};
use crate::files;

/// How many classes there are, or what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classes {
    /// Their number.
    Count(usize),
    /// These, from class 0 on.
    Names(Vec<String>),
}

impl Classes {
    /// Number of classes.
    pub fn count(&self) -> usize {
        match self {
            Classes::Count(count) => *count,
            Classes::Names(names) => names.len(),
        }
    }

    pub(super) fn names(&self) -> Option<&[String]> {
        match self {
            Classes::Count(_) => None,
            Classes::Names(names) => Some(names),
        }
    }

    /// Refuses numbers of classes that make no sense, and names that do not distinguish classes.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let refuse =
            |value: String, allowed: String| Err(ConfigError::OutOfRange { field: "classes".into(), value, allowed });
        let count = self.count();
        if !(2..=MOST).contains(&count) {
            let value = if self.names().is_some() { format!("[{count} names]") } else { count.to_string() };
            return refuse(value, format!("a whole number from 2 to {MOST}, or as many names"));
        }
        match self.names().and_then(|names| odd_name(names)) {
            Some((name, problem)) => {
                refuse(format!("{name:?}"), format!("a name of each class that no other has: {problem}"))
            }
            None => Ok(()),
        }
    }
}

impl From<usize> for Classes {
    fn from(count: usize) -> Self {
        Classes::Count(count)
    }
}

/// The first name that is empty or that another class has too.
fn odd_name(names: &[String]) -> Option<(&str, String)> {
    let mut seen = BTreeMap::new();
    names.iter().enumerate().find_map(|(class, name)| {
        if name.trim().is_empty() {
            return Some((name.as_str(), format!("class {class} has none")));
        }
        seen.insert(name, class).map(|other| (name.as_str(), format!("classes {other} and {class} have the same")))
    })
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Classes::Count(count) => count.serialize(serializer),
            Classes::Names(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Classes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of classes, or a list of their names such as [\"left\", \"right\"]")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<Classes, E> {
                Ok(Classes::Count(usize::try_from(count).unwrap_or(usize::MAX)))
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<Classes, E> {
                let negative = || E::invalid_value(serde::de::Unexpected::Signed(count), &self);
                u64::try_from(count).map_err(|_| negative()).and_then(|count| self.visit_u64(count))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Classes, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(Classes::Names(names))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// The largest file of names that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 26;

/// Reads the names in `classes.json`: one list of texts.
pub(super) fn from_file(path: &Path) -> Result<Vec<String>, DatasetError> {
    let broken = |at: At, problem: String| DatasetError::Malformed { path: path.to_owned(), at, problem };
    let bytes = files::contents(path, LARGEST_FILE)?;
    let names: Vec<String> = serde_json::from_slice(unmarked(&bytes, path)?).map_err(|error| {
        let problem = "expected a list of the names of all classes, from class 0 on, such as [\"left\", \"right\"]";
        broken(At::Line(error.line() as u64), problem.into())
    })?;
    if !(2..=MOST).contains(&names.len()) {
        return Err(broken(At::Line(1), format!("{} names, expected one for each class, 2 to {MOST}", names.len())));
    }
    match odd_name(&names) {
        Some((name, problem)) => Err(broken(At::Line(1), format!("{name:?} as a name: {problem}, expected one for each"))),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_names() {
        let read = |text: &str| serde_json::from_str::<Classes>(text).map_err(|error| error.to_string());
        let names = Classes::Names(vec!["up".into(), "down".into()]);
        assert_eq!((read("3"), read("[\"up\", \"down\"]")), (Ok(Classes::Count(3)), Ok(names.clone())));
        assert_eq!(serde_json::to_string(&[Classes::Count(3), names]).unwrap(), "[3,[\"up\",\"down\"]]");
        for wrong in ["-1", "\"up\"", "true", "2.5"] {
            assert!(read(wrong).unwrap_err().contains("or a list of their names"), "{wrong}");
        }
        for (wrong, words) in [
            ("1", "classes = 1: must be a whole number from 2"),
            ("[\"a\"]", "classes = [1 names]"),
            ("[\"a\", \" \"]", "class 1 has none"),
            ("[\"a\", \"b\", \"a\"]", "classes 0 and 2 have the same"),
        ] {
            let error = read(wrong).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn names_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classes.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            from_file(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read("\u{feff}[\"a\",\n\"b\"]"), Ok(vec!["a".into(), "b".into()]));
        for (text, words) in [
            ("{\"a\": 0}", "line 1: expected a list of the names"),
            ("[\"a\",\n1]", "line 2: expected a list"),
            ("[\"a\"]", "1 names, expected one for each class"),
            ("[\"a\", \"a\"]", "classes 0 and 1 have the same"),
            ("", "expected a list"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("classes.json: ") && error.contains(words), "{error}");
        }
    }
}
