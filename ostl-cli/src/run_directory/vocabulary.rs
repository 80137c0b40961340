//! `vocabulary.json`: the words or characters that a run's inputs and classes stand for, so that it can be sampled without its text.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ostl_tasks::{Joint, Vocabulary};
use serde::{Deserialize, Serialize};

/// A vocabulary as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Whether tokens stand side by side (characters) or with a space between them (words).
    tokens_are: Tokens,
    /// In the order of their numbers, from 0.
    tokens: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tokens {
    Characters,
    Words,
}

/// A vocabulary as text.
pub(super) fn written(vocabulary: &Vocabulary) -> Result<String> {
    let tokens_are = match vocabulary.joint() {
        Joint::Nothing => Tokens::Characters,
        Joint::Space => Tokens::Words,
    };
    let tokens = (0..vocabulary.len()).map(|number| vocabulary.token(number).to_owned()).collect();
    serde_json::to_string(&Written { tokens_are, tokens }).context("the vocabulary cannot be written as JSON")
}

/// Reads one back; nothing if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vocabulary>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{}: cannot be read", path.display())),
    };
    let Written { tokens_are, tokens } = serde_json::from_str(&text)
        .with_context(|| format!("{}: is not the vocabulary that was written there", path.display()))?;
    let mut vocabulary = Vocabulary::new(if tokens_are == Tokens::Characters { Joint::Nothing } else { Joint::Space });
    for (number, token) in tokens.iter().enumerate() {
        let is_one = tokens_are == Tokens::Words || token.chars().count() == 1;
        if !is_one || vocabulary.add(token) as usize != number {
            bail!("{}: entry {number}, {token:?}, is there twice or is no single character", path.display());
        }
    }
    Ok(Some(vocabulary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.json");
        assert!(read(&path).unwrap().is_none());
        for (joint, tokens) in
            [(Joint::Nothing, vec!["\n", "\"", "ß", "😀", "\u{fffd}"]), (Joint::Space, vec!["<eos>", "don't", "ß"])]
        {
            let mut vocabulary = Vocabulary::new(joint);
            tokens.iter().for_each(|token| {
                vocabulary.add(token);
            });
            fs::write(&path, written(&vocabulary).unwrap()).unwrap();
            assert_eq!(read(&path).unwrap(), Some(vocabulary));
        }
        for broken in
            ["", "{", r#"{"tokens_are":"characters","tokens":["ab"]}"#, r#"{"tokens_are":"words","tokens":["a","a"]}"#]
        {
            fs::write(&path, broken).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("vocabulary.json"), "{error}");
        }
    }
}
