//! How often each word stands in a text, and which of them make its vocabulary.

use crate::vocabulary::{Joint, Vocabulary};

/// The words of a text in the order in which they were first met, with their counts.
#[derive(Debug)]
pub(super) struct WordCounts {
    words: Vocabulary,
    counts: Vec<u64>,
}

impl Default for WordCounts {
    fn default() -> Self {
        Self { words: Vocabulary::new(Joint::Space), counts: Vec::new() }
    }
}

impl WordCounts {
    /// Counts a word and gives its number.
    pub(super) fn add(&mut self, word: &str) -> u32 {
        let number = self.words.add(word);
        if self.counts.len() == number as usize {
            self.counts.push(0);
        }
        self.counts[number as usize] += 1;
        number
    }

    /// The words that were met `min_count` times at least, the most frequent (of equals the first met) if there are more than
    /// `most`, in the order of their first occurrence; `<eos>` and `<unk>` are among them in any case. With it the new numbers of all
    /// words, where they changed.
    pub(super) fn vocabulary(mut self, min_count: usize, most: Option<usize>) -> (Vocabulary, Option<Vec<Option<u32>>>) {
        for word in [Vocabulary::END_OF_LINE, Vocabulary::UNKNOWN] {
            if self.words.number(word).is_none() {
                self.add(word);
            }
        }
        let special = |number: &usize| [Vocabulary::END_OF_LINE, Vocabulary::UNKNOWN].contains(&self.words.token(*number));
        let mut kept: Vec<usize> =
            (0..self.words.len()).filter(|number| special(number) || self.counts[*number] >= min_count as u64).collect();
        if let Some(most) = most
            && kept.len() > most
        {
            kept.sort_by_key(|number| (!special(number), std::cmp::Reverse(self.counts[*number]), *number));
            kept.truncate(most);
            kept.sort_unstable();
        }
        if kept.len() == self.words.len() {
            return (self.words, None);
        }
        let mut vocabulary = Vocabulary::new(Joint::Space);
        let mut numbers = vec![None; self.words.len()];
        for number in kept {
            numbers[number] = Some(vocabulary.add(self.words.token(number)));
        }
        (vocabulary, Some(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vocabulary of a text, and the text in it.
    fn of(text: &str, min_count: usize, most: Option<usize>) -> String {
        let mut counts = WordCounts::default();
        text.split(' ').for_each(|word| {
            counts.add(word);
        });
        let (vocabulary, _) = counts.vocabulary(min_count, most);
        (0..vocabulary.len()).map(|number| vocabulary.token(number)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn which_words_are_kept() {
        assert_eq!(of("b a <eos> b c <eos>", 1, None), "b a <eos> c <unk>");
        assert_eq!(of("b a <eos> b c <eos>", 2, None), "b <eos> <unk>");
        assert_eq!(of("b a <unk> <eos> c c c b <eos>", 9, None), "<unk> <eos>");
        assert_eq!(of("b a <eos> a c c b d", 1, Some(4)), "b a <eos> <unk>", "of equals the first met");
        assert_eq!(of("b a <eos> a c c c b d", 1, Some(4)), "b <eos> c <unk>");
        assert_eq!(of("b a <eos> a c", 1, Some(2)), "<eos> <unk>");
    }
}
