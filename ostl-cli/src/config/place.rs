//! Where in a file a key stands.

use toml::de::{DeArray, DeTable, DeValue};

/// Line and column of a byte of a text, counted from 1.
pub(super) fn position(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("line {}, column {column}", line(text, byte))
}

/// The line of a byte of a text, counted from 1.
pub(super) fn line(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).matches('\n').count() + 1
}

/// The line that a key stands on, or else the innermost table around it that stands on a line of its own. Keys that are the same name in another
/// spelling count as found.
pub(super) fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table = Some(root.get_ref());
    let mut array: Option<&DeArray<'_>> = None;
    for key in path {
        let value = if let Some(entries) = table {
            let exact = entries.iter().find(|(known, _)| known.get_ref() == key);
            let entry = exact.or_else(|| entries.iter().find(|(known, _)| crate::names::same(known.get_ref(), key)));
            let Some((known, value)) = entry else { break };
            found = Some(line(text, known.span().start));
            value
        } else {
            let Some(value) = array.and_then(|elements| elements.get(key.parse::<usize>().ok()?)) else { break };
            found = Some(line(text, value.span().start));
            value
        };
        (table, array) = match value.get_ref() {
            DeValue::Table(entries) => (Some(entries), None),
            DeValue::Array(elements) => (None, Some(elements)),
            _ => (None, None),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one() {
        assert_eq!(position("ab\ncd", 4), "line 2, column 2");
        assert_eq!(position("", 9), "line 1, column 1");
    }

    #[test]
    fn keys_are_found_on_their_lines() {
        let text = "seed = 1\n[task]\nname = 'x'\n\n[[layers]]\ncell = 'a'\n[[layers]]\n\nunits = 2\n[method]\nWindow-x = {a = 1}\nb.c = 2\n";
        for (path, expected) in [
            ("seed", Some(1)),
            ("task", Some(2)),
            ("task.name", Some(3)),
            ("task.missing", Some(2)),
            ("layers.0.cell", Some(6)),
            ("layers.0.units", Some(5)),
            ("layers.1", Some(7)),
            ("layers.1.units", Some(9)),
            ("method.window_x.a", Some(11)),
            ("method.b.c", Some(12)),
            ("training", None),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(line_of(text, &path), expected, "{path:?}");
        }
    }
}
