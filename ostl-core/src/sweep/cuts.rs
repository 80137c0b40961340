//! Where a tape of several windows is cut: no error goes back over a cut but what a trace takes.

use std::ops::Range;

/// The windows on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cuts {
    /// Steps of a window; `None` where the tape holds one.
    pub(crate) every: Option<usize>,
    /// The adjoint at each window's start is asked for, not only that at the first's.
    pub(crate) keeps_all: bool,
}

impl Cuts {
    /// A tape of one window.
    pub(crate) const NONE: Self = Self { every: None, keeps_all: false };

    /// Starts that there must be room for.
    pub(crate) fn starts(self, steps: usize) -> usize {
        match self.every {
            Some(every) if self.keeps_all => steps.div_ceil(every).max(1),
            _ => 1,
        }
    }

    /// The windows of some steps, and for each the place of its start.
    pub(super) fn windows(self, steps: Range<usize>) -> impl DoubleEndedIterator<Item = (usize, Range<usize>)> {
        let every = self.every.unwrap_or(steps.len()).max(1);
        (0..steps.len().div_ceil(every)).map(move |window| {
            let start = steps.start + window * every;
            let place = if self.keeps_all { window } else { 0 };
            (place, start..steps.end.min(start + every))
        })
    }
}
