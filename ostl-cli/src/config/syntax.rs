//! What is said of a file that is no TOML: where, what stands there, and how it is written.

use super::place::position;

/// Place, what is wrong there, and what to write instead.
pub(super) fn explained(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let place = position(text, start);
    let line = line_at(text, start);
    let found = error.span().and_then(|span| text.get(span)).unwrap_or_default();
    format!("{place}: {}", in_words(text, line.trim(), found.trim(), error.message()))
}

fn line_at(text: &str, byte: usize) -> &str {
    let from = text.get(..byte).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    text[from..].lines().next().unwrap_or_default()
}

fn in_words(text: &str, line: &str, found: &str, error: &str) -> String {
    let shown = cut(line);
    let (key, value) = match line.split_once('=') {
        Some((key, value)) => (key.trim(), value.split('#').next().unwrap_or_default().trim()),
        None => (line, ""),
    };
    if text.trim_start().starts_with('{') {
        return "this looks like JSON, and a configuration is TOML: key = value, a line each, in [sections]".into();
    }
    if let Some(quote) = line.chars().find(|letter| matches!(letter, '“' | '”' | '„' | '‘' | '’' | '«' | '»')) {
        return format!("{quote} is no quote that TOML knows: write straight ones, \" or '");
    }
    if ["//", ";", "--", "/*"].iter().any(|start| line.starts_with(start)) {
        return "a comment begins with #".into();
    }
    if error.contains("carriage return") || (text.contains('\r') && !text.contains('\n')) {
        return "a line ends with a carriage return alone: save the file with line ends of Unix or Windows".into();
    }
    if error.contains("recurs") {
        return "brackets nested too deeply".into();
    }
    if error.starts_with("duplicate key") {
        let header = if line.starts_with('[') { "section" } else { "key" };
        let name = if found.is_empty() { key } else { found };
        return format!("the {header} `{}` is there twice: keep one of them", cut(name.trim_matches(['[', ']'])));
    }
    if error.contains("unclosed") || error.contains("invalid basic string") || error.contains("invalid literal string") {
        return format!("a quote or bracket that opens here is not closed: `{shown}`");
    }
    if let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.contains('=') && is_key(key.trim())) {
        return format!("keys and values are joined by =, not by a colon: write {} = {}", key.trim(), cut(value.trim()));
    }
    if error.starts_with("key with no value")
        || error.starts_with("missing value")
        || (line.contains('=') && value.is_empty())
    {
        return format!("`{}` has no value: write {} = …", cut(key), cut(key));
    }
    if error.contains("must be quoted") || (!value.is_empty() && value.chars().next().is_some_and(char::is_alphabetic)) {
        let lower = value.to_lowercase();
        return match lower.as_str() {
            "true" | "false" => format!("write {lower} in small letters"),
            "none" | "null" | "nil" => format!("there is no {value}: leave the key out"),
            "yes" | "on" => "write true".into(),
            "no" | "off" => "write false".into(),
            _ => format!("text needs quotes: write {key} = \"{}\"", cut(value)),
        };
    }
    if !line.starts_with('[')
        && value.chars().next().is_some_and(|first| first.is_ascii_digit() || matches!(first, '.' | '-' | '+'))
    {
        return format!("`{}` is no number that TOML knows: write it like 1000, 0.5 or 1e-3", cut(value));
    }
    if line.starts_with('[') {
        return format!("`{shown}` is no section: write it like [training] or [[layers]], alone on its line");
    }
    if error.contains("unexpected key or value") {
        return format!("one key = value a line: `{shown}`");
    }
    if error.contains("comma") {
        return format!("the parts of a list or table are separated by one comma each: `{shown}`");
    }
    format!("this is no TOML: `{shown}`; a line is key = value, [section] or # a comment")
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

/// The beginning of a text that may be long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let error = text.parse::<toml::Table>().expect_err(text);
        explained(text, &error)
    }

    #[test]
    fn each_slip_is_told_with_its_place_and_remedy() {
        for (text, words) in [
            ("a = 1\ncell = lstm\n", &["line 2, column", "write cell = \"lstm\""][..]),
            ("a = True", &["line 1, column", "write true"]),
            ("a = None", &["leave the key out"]),
            ("a = yes", &["write true"]),
            ("a: 1", &["line 1", "by =", "write a = 1"]),
            ("{\"a\": 1}", &["JSON"]),
            ("a = 1\n// why\n", &["line 2", "begins with #"]),
            ("a = 1\n; why\n", &["line 2", "begins with #"]),
            ("a = “x”", &["“", "straight"]),
            ("a = 1\nb = 2\na = 3\n", &["line 3", "key `a`", "twice"]),
            ("[a]\nb = 1\n[a]\n", &["line 3", "section `a`", "twice"]),
            ("a =\n", &["`a` has no value"]),
            ("a\n", &["`a` has no value"]),
            ("a = 1,000", &["`1,000`", "write it like 1000"]),
            ("a = .5", &["`.5`", "0.5"]),
            ("a = 5.", &["`5.`"]),
            ("a = 01", &["`01`"]),
            ("a = 'x", &["not closed"]),
            ("a = \"x", &["not closed"]),
            ("a = [1, 2", &["not closed"]),
            ("[training\na = 1", &["not closed"]),
            ("[training] a = 1", &["line 1", "[training]"]),
            ("a = {b = 1", &["not closed"]),
            ("a = 1\rb = 2\r", &["carriage return"]),
            ("a = 1 b = 2", &["1 b = 2"]),
        ] {
            let problem = problem(text);
            assert!(words.iter().all(|word| problem.contains(word)), "{text:?}: {problem}");
            assert!(!problem.contains('\n'), "{problem}");
        }
        assert!(problem(&format!("a = {}", "[".repeat(10_000))).contains("nested too deeply"));
    }
}
