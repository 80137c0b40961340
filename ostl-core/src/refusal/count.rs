//! Whole numbers that stop at the largest one instead of starting over.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul};

/// A number of values or bytes. What is more than can be counted is as many as can be, which is more than any machine has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Count(pub(crate) u64);

/// A count of `number`.
pub(crate) fn count(number: usize) -> Count {
    Count(number as u64)
}

impl Count {
    /// The same as a size, if it can be one.
    pub(crate) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Rounded up to whole groups of `group`.
    pub(crate) fn in_groups_of(self, group: usize) -> Self {
        self.groups_of(group) * group
    }

    /// How many groups of `group` it takes to hold them.
    pub(crate) fn groups_of(self, group: usize) -> Self {
        Self(self.0.div_ceil(group as u64))
    }
}

impl Add for Count {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul for Count {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0.saturating_mul(other.0))
    }
}

impl Add<usize> for Count {
    type Output = Self;
    fn add(self, other: usize) -> Self {
        self + count(other)
    }
}

impl Mul<usize> for Count {
    type Output = Self;
    fn mul(self, other: usize) -> Self {
        self * count(other)
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self(0), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_is_as_much_as_can_be() {
        let most = Count(u64::MAX);
        assert_eq!([count(1 << 40) * (1 << 40), most + 1, [most, count(7)].into_iter().sum(), most * 3], [most; 4]);
        assert_eq!((count(3) * 4 + 5, count(17).in_groups_of(16), count(17).groups_of(8)), (Count(17), Count(32), Count(3)));
        assert_eq!(most.groups_of(8) * 8, Count(u64::MAX));
    }
}
