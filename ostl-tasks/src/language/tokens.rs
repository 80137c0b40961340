//! The numbers of a text's tokens, and how a text is cut into streams.

use std::ops::Range;

/// A list of token numbers, two bytes each until one needs four.
#[derive(Clone, Debug)]
pub(super) enum Tokens {
    Short(Vec<u16>),
    Long(Vec<u32>),
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens::Short(Vec::new())
    }
}

impl Tokens {
    pub(super) fn push(&mut self, number: u32) {
        match self {
            Tokens::Long(list) => list.push(number),
            Tokens::Short(list) => match u16::try_from(number) {
                Ok(short) => list.push(short),
                Err(_) => {
                    let mut long: Vec<u32> = list.iter().map(|&short| short.into()).collect();
                    long.push(number);
                    *self = Tokens::Long(long);
                }
            },
        }
    }

    pub(super) fn get(&self, index: usize) -> u32 {
        match self {
            Tokens::Short(list) => list[index].into(),
            Tokens::Long(list) => list[index],
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Tokens::Short(list) => list.len(),
            Tokens::Long(list) => list.len(),
        }
    }

    /// Gives back what the list has reserved and not used.
    pub(super) fn shrink(&mut self) {
        match self {
            Tokens::Short(list) => list.shrink_to_fit(),
            Tokens::Long(list) => list.shrink_to_fit(),
        }
    }

    /// The tokens from `first` on as lists of their own, cut at `at`.
    pub(super) fn split(self, at: usize) -> (Self, Self) {
        match self {
            Tokens::Short(mut list) => {
                let rest = list.split_off(at);
                (Tokens::Short(list), Tokens::Short(rest))
            }
            Tokens::Long(mut list) => {
                let rest = list.split_off(at);
                (Tokens::Long(list), Tokens::Long(rest))
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// The streams that a text of `tokens` tokens is cut into: as many as requested, or one for each prediction if there are fewer.
pub(super) fn streams(tokens: usize, wanted: usize) -> usize {
    wanted.min(tokens.saturating_sub(1))
}

/// The inputs of a stream: token t of this range is an input and token t + 1 its target. Every token but the first of the text is a
/// target once; lengths differ by at most one, the longest first.
///
/// # Panics
/// If there is no such stream.
#[track_caller]
pub(super) fn stream(tokens: usize, streams: usize, index: usize) -> Range<usize> {
    assert!(index < streams, "stream {index} of {streams}");
    let (length, longer) = ((tokens - 1) / streams, (tokens - 1) % streams);
    let start = |index: usize| index * length + index.min(longer);
    start(index)..start(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn streams_by_hand() {
        let cut = |tokens, wanted| -> Vec<Range<usize>> {
            let streams = streams(tokens, wanted);
            (0..streams).map(|index| stream(tokens, streams, index)).collect()
        };
        assert_eq!(cut(11, 4), [0..3, 3..6, 6..8, 8..10]);
        assert_eq!(cut(3, 4), [0..1, 1..2]);
        assert_eq!(cut(2, 1), [Range { start: 0, end: 1 }]);
    }

    proptest! {
        #[test]
        fn every_token_but_the_first_is_a_target_once(tokens in 2_usize..500, wanted in 1_usize..60) {
            let streams = streams(tokens, wanted);
            let ranges: Vec<_> = (0..streams).map(|index| stream(tokens, streams, index)).collect();
            let targets: Vec<usize> = ranges.iter().cloned().flatten().map(|input| input + 1).collect();
            prop_assert_eq!(targets, (1..tokens).collect::<Vec<_>>());
            prop_assert!(ranges.is_sorted_by(|a, b| a.len() >= b.len()));
            prop_assert!(ranges[0].len() - ranges[streams - 1].len() <= 1);
        }

        #[test]
        fn numbers_are_kept(numbers in proptest::collection::vec(prop_oneof![0..70_000_u32, any::<u32>()], 0..50), at in 0_usize..50) {
            let mut tokens = Tokens::default();
            numbers.iter().for_each(|&number| tokens.push(number));
            tokens.shrink();
            prop_assert_eq!(tokens.iter().collect::<Vec<_>>(), numbers.clone());
            let at = at.min(numbers.len());
            let (before, after) = tokens.split(at);
            prop_assert_eq!(before.iter().collect::<Vec<_>>(), &numbers[..at]);
            prop_assert_eq!(after.iter().collect::<Vec<_>>(), &numbers[at..]);
        }
    }
}
