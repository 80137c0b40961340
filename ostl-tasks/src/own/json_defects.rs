//! What is wrong with a line of JSON, in the words of one's own data instead of the parser's.

use serde_json::error::Category;

use super::meant::meant;

/// The keys of a sequence.
const KEYS: [&str; 3] = ["inputs", "target", "targets"];

/// The problem of a line that is no JSON: `place` says where in the sequence the parser was, `follows` whether more lines come.
pub(super) fn defect(line: &[u8], error: &serde_json::Error, place: &str, follows: bool) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    let at = if place.is_empty() { format!("column {}", error.column()) } else { place.to_owned() };
    let token = token(line, error.column());
    match error.classify() {
        // Our own words.
        Category::Data => format!("{at}: {message}"),
        Category::Eof if follows => {
            "the sequence goes on after this line, expected one sequence a line: write each on a line of its own \
                                     (`jq -c . FILE` makes such lines of indented JSON)"
                .into()
        }
        Category::Eof => "the line ends in the middle of a sequence: the file was cut off, so copy or write it again".into(),
        _ if is_not_finite(&token) => not_finite(&at, &token),
        _ if message == "number out of range" => {
            format!("{at}: a number too large to be read: every number must be finite, so scale the values")
        }
        _ if message == "trailing characters" => match line.get(error.column().saturating_sub(1)) {
            Some(b'{') => "a second sequence on the line, expected one sequence a line: begin a new line for each".into(),
            Some(b',') => "a comma after the sequence, expected one sequence a line and nothing between: remove it".into(),
            _ => format!("column {}: more after the end of the sequence, expected one sequence a line", error.column()),
        },
        _ => format!(
            "{at}: not JSON ({message} at column {}): write the file with a JSON library, one sequence a line",
            error.column()
        ),
    }
}

/// The refusal of a number that is none.
pub(super) fn not_finite(at: &str, token: &str) -> String {
    format!("{at}: {token}, and every number must be finite: remove or replace it")
}

/// Whether a text is one of the many spellings of NaN and the infinities.
pub(super) fn is_not_finite(token: &str) -> bool {
    let bare = token.trim_start_matches(['-', '+']).to_ascii_lowercase();
    matches!(bare.as_str(), "nan" | "inf" | "infinity" | "1.#inf" | "1.#ind" | "1.#qnan")
}

/// The word or number around a column, counted from 1.
fn token(line: &[u8], column: usize) -> String {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.#".contains(byte);
    let at = column.saturating_sub(1).min(line.len());
    let before = line[..at].iter().rev().take_while(|byte| is_part(byte)).count();
    let after = line[at..].iter().take_while(|byte| is_part(byte)).count();
    String::from_utf8_lossy(&line[at - before..at + after]).chars().take(40).collect()
}

/// The problem of a line that does not begin as a sequence does; nothing of one that does.
pub(super) fn beginning(line: &[u8]) -> Option<String> {
    match line.iter().find(|byte| !byte.is_ascii_whitespace())? {
        b'{' => None,
        b'[' => Some(
            "begins with `[`, expected one sequence a line, each as {\"inputs\": …, \"target\": …}: of a file that is one list of all sequences, \
             `jq -c '.[]' FILE` makes such lines"
                .into(),
        ),
        _ => Some("no sequence, expected one sequence a line, each as {\"inputs\": [[0.5], [1]], \"target\": 3}".into()),
    }
}

/// The refusal of a key that is not known.
pub(super) fn unknown_key(key: &str) -> String {
    let shown: String = key.chars().take(40).collect();
    let known = "expected `inputs` and one of `target` (at the end) and `targets` (at each step)";
    if matches!(key, "train" | "valid" | "validation" | "val" | "test") {
        return format!(
            "the key {shown:?}: one file holds one split, as train.jsonl, valid.jsonl and test.jsonl, with one sequence a line; {known}"
        );
    }
    let meant = meant(key, &KEYS);
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
    format!("unknown key {shown:?}: {meant}{known}")
}
