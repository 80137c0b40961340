//! The words or characters of a text, numbered.

use std::borrow::Cow;
use std::collections::HashMap;

/// What stands between the tokens of a text when it is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Nothing: tokens are characters.
    Nothing,
    /// A space: tokens are words.
    Space,
}

/// A piece of text that a vocabulary has no number for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownToken {
    /// A character that the text did not hold.
    #[error("character {character:?} (number {position}, counted from 0) is not among the {known} known ones: leave it out")]
    Character {
        /// The character.
        character: char,
        /// How many characters come before it.
        position: usize,
        /// How many the vocabulary has.
        known: usize,
    },
    /// A word that the text did not hold, where there is no `<unk>` to stand for it.
    #[error("the word {word:?} is not among the {known} known ones, and there is no `<unk>`: use another")]
    Word {
        /// The word.
        word: String,
        /// How many the vocabulary has.
        known: usize,
    },
}

/// The tokens of a text, numbered from 0 in the order in which they were first met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    tokens: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
    joint: Joint,
}

impl Vocabulary {
    /// The word that ends a line.
    pub const END_OF_LINE: &'static str = "<eos>";

    /// The word that stands for all unknown ones.
    pub const UNKNOWN: &'static str = "<unk>";

    /// No tokens yet.
    pub fn new(joint: Joint) -> Self {
        Self { tokens: Vec::new(), numbers: HashMap::new(), joint }
    }

    /// The number of a token, a new one if it was not met before.
    pub fn add(&mut self, token: &str) -> u32 {
        if let Some(&number) = self.numbers.get(token) {
            return number;
        }
        let number = self.tokens.len() as u32;
        self.tokens.push(token.into());
        self.numbers.insert(token.into(), number);
        number
    }

    /// The number of a token.
    pub fn number(&self, token: &str) -> Option<u32> {
        self.numbers.get(token).copied()
    }

    /// The token of a number.
    ///
    /// # Panics
    /// If there is none of this number.
    #[track_caller]
    pub fn token(&self, number: usize) -> &str {
        &self.tokens[number]
    }

    /// The token of a number as it may stand in a line of a report: characters in single quotes, control characters escaped.
    ///
    /// # Panics
    /// If there is none of this number.
    #[track_caller]
    pub fn name(&self, number: usize) -> Cow<'_, str> {
        let token = self.token(number);
        match (self.joint, token.chars().next()) {
            (Joint::Nothing, Some(character)) => format!("{character:?}").into(),
            _ if token.chars().any(char::is_control) => token.escape_debug().to_string().into(),
            _ => token.into(),
        }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// A number that vocabularies of other tokens, or of the same in another order, have almost surely not: by it a network can be distinguished
    /// from one that has learned another text (FNV-1a of the tokens' bytes, a zero after each).
    pub fn fingerprint(&self) -> u64 {
        let bytes = self.tokens.iter().flat_map(|token| token.bytes().chain([0]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// What stands between tokens.
    pub fn joint(&self) -> Joint {
        self.joint
    }

    /// The numbers of a text's tokens.
    ///
    /// Characters: one by one. Words: what stands between white space; a line feed is [`END_OF_LINE`](Self::END_OF_LINE) where the
    /// vocabulary has that word; a word that it does not have is [`UNKNOWN`](Self::UNKNOWN).
    ///
    /// # Errors
    /// [`UnknownToken`] names the first character that the vocabulary does not have; or the first word, where it has no
    /// [`UNKNOWN`](Self::UNKNOWN) either.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, UnknownToken> {
        match self.joint {
            Joint::Nothing => text
                .chars()
                .enumerate()
                .map(|(position, character)| {
                    let unknown = UnknownToken::Character { character, position, known: self.len() };
                    self.number(character.encode_utf8(&mut [0; 4])).ok_or(unknown)
                })
                .collect(),
            Joint::Space => self.encode_words(text),
        }
    }

    fn encode_words(&self, text: &str) -> Result<Vec<u32>, UnknownToken> {
        let (end, unknown) = (self.number(Self::END_OF_LINE), self.number(Self::UNKNOWN));
        let mut numbers = Vec::new();
        for (line, words) in text.split('\n').enumerate() {
            if line > 0 {
                numbers.extend(end);
            }
            for word in words.split_whitespace() {
                let number = self.number(word).or(unknown);
                numbers.push(number.ok_or_else(|| UnknownToken::Word { word: word.to_owned(), known: self.len() })?);
            }
        }
        Ok(numbers)
    }

    /// The text that tokens make: characters side by side; words with a space between them, and a line feed for
    /// [`END_OF_LINE`](Self::END_OF_LINE).
    ///
    /// # Panics
    /// If a number is not one of the vocabulary's.
    #[track_caller]
    pub fn decode(&self, numbers: &[u32]) -> String {
        let mut text = String::new();
        let mut apart = false;
        for &number in numbers {
            let token = self.token(number as usize);
            match self.joint {
                Joint::Nothing => text.push_str(token),
                Joint::Space if token == Self::END_OF_LINE => {
                    text.push('\n');
                    apart = false;
                }
                Joint::Space => {
                    if apart {
                        text.push(' ');
                    }
                    text.push_str(token);
                    apart = true;
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(joint: Joint, tokens: &[&str]) -> Vocabulary {
        let mut vocabulary = Vocabulary::new(joint);
        tokens.iter().for_each(|token| {
            vocabulary.add(token);
        });
        vocabulary
    }

    #[test]
    fn numbers_are_given_in_order_and_once() {
        let mut vocabulary = Vocabulary::new(Joint::Space);
        assert!(vocabulary.is_empty());
        assert_eq!(["b", "a", "b", "c", "a"].map(|token| vocabulary.add(token)), [0, 1, 0, 2, 1]);
        assert_eq!((vocabulary.len(), vocabulary.number("c"), vocabulary.number("d")), (3, Some(2), None));
        assert_eq!(vocabulary.token(1), "a");
    }

    #[test]
    fn characters_there_and_back() {
        let vocabulary = of(Joint::Nothing, &["\n", "a", "ß", "😀"]);
        assert_eq!(vocabulary.encode("aß\n😀a"), Ok(vec![1, 2, 0, 3, 1]));
        assert_eq!(vocabulary.decode(&[1, 2, 0, 3, 1]), "aß\n😀a");
        let error = vocabulary.encode("aßx").unwrap_err();
        assert_eq!(error, UnknownToken::Character { character: 'x', position: 2, known: 4 });
        assert!(error.to_string().contains("'x'"), "{error}");
        assert_eq!([0, 1, 2].map(|number| vocabulary.name(number).into_owned()), ["'\\n'", "'a'", "'ß'"]);
    }

    #[test]
    fn words_there_and_back() {
        let vocabulary = of(Joint::Space, &["<eos>", "the", "cat", "<unk>"]);
        assert_eq!(vocabulary.encode(" the  dog\n\ncat "), Ok(vec![1, 3, 0, 0, 2]));
        assert_eq!(vocabulary.decode(&[1, 3, 0, 0, 2, 1]), "the <unk>\n\ncat the");
        assert_eq!(vocabulary.name(3), "<unk>");
        let without = of(Joint::Space, &["the"]);
        let error = without.encode("the dog").unwrap_err();
        assert_eq!(error, UnknownToken::Word { word: "dog".into(), known: 1 });
        assert_eq!(without.encode("the\nthe"), Ok(vec![0, 0]), "a vocabulary without an end of lines");
    }

    proptest! {
        #[test]
        fn any_text_of_known_characters_comes_back(text in any::<String>()) {
            let mut vocabulary = Vocabulary::new(Joint::Nothing);
            let numbers: Vec<u32> = text.chars().map(|c| vocabulary.add(&c.to_string())).collect();
            prop_assert_eq!(vocabulary.encode(&text), Ok(numbers.clone()));
            prop_assert_eq!(vocabulary.decode(&numbers), text);
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_tokens_and_order() {
        let of = |tokens: &[&str]| {
            let mut vocabulary = Vocabulary::new(Joint::Space);
            for token in tokens {
                vocabulary.add(token);
            }
            vocabulary.fingerprint()
        };
        // FNV-1a of "a" is af63dc4c8601ec8c, and a zero after it multiplies once more.
        assert_eq!(of(&["a"]), 0xaf63_dc4c_8601_ec8c_u64.wrapping_mul(0x0100_0000_01b3));
        assert_eq!(of(&["a", "b"]), of(&["a", "b", "a"]));
        let others = [of(&["b", "a"]), of(&["ab"]), of(&["a"]), of(&["a", "b", "c"]), of(&[])];
        assert!(!others.contains(&of(&["a", "b"])));
    }
}
