//! What a guesser reaches who never looks at the inputs.

use crate::split::Split;

/// How often each class is the target, split by split (train, valid, test).
#[derive(Clone, Debug)]
pub(crate) struct ClassCounts([Vec<u64>; 3]);

impl ClassCounts {
    pub(crate) fn new(classes: usize) -> Self {
        Self([vec![0; classes], vec![0; classes], vec![0; classes]])
    }

    pub(crate) fn add(&mut self, split: Split, class: usize, targets: u64) {
        self.0[split.position()][class] += targets;
    }

    /// Mean loss at a target of the test split, in nats, and fraction of these targets that are right, of one who knows how often each class
    /// is the target in the train split (one more of each, Laplace's rule of succession).
    pub(crate) fn chance(&self) -> (f64, f64) {
        let (known, asked) = (&self.0[Split::Train.position()], &self.0[Split::Test.position()]);
        let known_total = known.iter().sum::<u64>() + known.len() as u64;
        let asked_total = asked.iter().sum::<u64>().max(1) as f64;
        let loss = |(&known, &asked): (&u64, &u64)| -(asked as f64) * ((known + 1) as f64 / known_total as f64).ln();
        let most = known.iter().max();
        let favourite = known.iter().position(|count| Some(count) == most).unwrap_or(0);
        (known.iter().zip(asked).map(loss).sum::<f64>() / asked_total, asked[favourite] as f64 / asked_total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut counts = ClassCounts::new(2);
        counts.add(Split::Train, 0, 2);
        counts.add(Split::Train, 1, 5);
        counts.add(Split::Valid, 0, 100);
        counts.add(Split::Test, 0, 1);
        counts.add(Split::Test, 1, 3);
        // Shares (2 + 1)/9 and (5 + 1)/9.
        let (loss, accuracy) = counts.chance();
        assert!((loss + ((3.0_f64 / 9.0).ln() + 3.0 * (6.0_f64 / 9.0).ln()) / 4.0).abs() < 1e-12);
        assert_eq!(accuracy, 0.75);
    }
}
