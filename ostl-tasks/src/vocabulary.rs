//! The words or characters of a text, numbered.

use std::collections::HashMap;

/// What stands between the tokens of a text when it is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Nothing: tokens are characters.
    Nothing,
    /// A space: tokens are words.
    Space,
}

/// The tokens of a text, numbered from 0 in the order in which they were first met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    tokens: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
    joint: Joint,
}

impl Vocabulary {
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

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// What stands between tokens.
    pub fn joint(&self) -> Joint {
        self.joint
    }
}
