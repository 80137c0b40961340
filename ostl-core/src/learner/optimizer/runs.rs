//! Ranges of parameters handed to a rule run by run: to change them, or a copy first.

use std::array;
use std::ops::Range;

use super::norm::{CHUNK, SHARED};
use super::rule::{MOST_STATE, ParameterRun};
use crate::linalg::real::Real;

/// Parameters that an update is tried on at a time.
const TRIED: usize = 256;

/// What a rule does with a run.
type Change<'a, T> = &'a (dyn Fn(ParameterRun<'_, T>) + Sync);

/// What one update changes, and by what.
#[derive(Clone, Copy)]
pub(super) struct Runs<'a, T> {
    pub(super) ranges: &'a [Range<usize>],
    pub(super) gradient: &'a [T],
    pub(super) scale: T,
}

impl<T: Real> Runs<'_, T> {
    /// Room to try updates of a rule that keeps so many values a parameter.
    pub(super) fn copy(kept: usize) -> Vec<T> {
        vec![T::zero(); TRIED * (1 + kept)]
    }

    /// Changes the parameters.
    pub(super) fn change(&self, change: Change<'_, T>, parameters: &mut [T], state: &mut [Vec<T>]) {
        for range in self.ranges {
            let mut kept = state.iter_mut();
            let kept = array::from_fn(|_| kept.next().map_or(&mut [][..], |values| &mut values[range.clone()]));
            let gradient = &self.gradient[range.clone()];
            let run = ParameterRun::new(&mut parameters[range.clone()], gradient, self.scale, kept);
            if run.len() < SHARED { change(run) } else { share(change, run) }
        }
    }

    /// The first parameter that the same update would leave, or what is kept for it, without a finite value; only the copy changes.
    pub(super) fn first_broken(
        &self,
        change: Change<'_, T>,
        parameters: &[T],
        state: &[Vec<T>],
        copy: &mut [T],
    ) -> Option<usize> {
        for range in self.ranges {
            for start in range.clone().step_by(TRIED) {
                let all = start..range.end.min(start + TRIED);
                let values = || std::iter::once(parameters).chain(state.iter().map(Vec::as_slice));
                for (copy, values) in copy.chunks_exact_mut(TRIED).zip(values()) {
                    copy[..all.len()].copy_from_slice(&values[all.clone()]);
                }
                let mut copies = copy.chunks_exact_mut(TRIED).map(|copy| &mut copy[..all.len()]);
                let tried = copies.next().unwrap_or_default();
                let kept: [&mut [T]; MOST_STATE] = array::from_fn(|_| copies.next().unwrap_or_default());
                change(ParameterRun::new(tried, &self.gradient[all.clone()], self.scale, kept));
                let is_broken = |at: &usize| copy.chunks_exact(TRIED).any(|copy| !copy[*at].is_finite());
                if let Some(at) = (0..all.len()).find(is_broken) {
                    return Some(start + at);
                }
            }
        }
        None
    }
}

/// The same in parts that threads share.
fn share<T: Real>(change: Change<'_, T>, run: ParameterRun<'_, T>) {
    if run.len() <= CHUNK {
        return change(run);
    }
    let half = (run.len() / CHUNK).div_ceil(2) * CHUNK;
    let (left, right) = run.split_at(half);
    rayon::join(|| share(change, left), || share(change, right));
}
