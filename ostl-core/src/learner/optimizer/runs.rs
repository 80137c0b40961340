//! Ranges of parameters handed to a rule run by run: to change them, or a copy first.

use std::array;

use super::in_use::AtStep;
use super::norm::{CHUNK, SHARED};
use super::rule::{MOST_STATE, ParameterRun};
use crate::linalg::real::Real;
use crate::network::rates::RatedRange;

/// Parameters that an update is tried on at a time.
const TRIED: usize = 256;

/// The factors to the learning rate that there are among some ranges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub(super) smallest: f64,
    pub(super) largest: f64,
}

impl Rates {
    pub(super) fn of(ranges: &[RatedRange]) -> Self {
        let mut scales = ranges.iter().map(|rated| rated.scale);
        let first = scales.next().unwrap_or(1.0);
        let all = Self { smallest: first, largest: first };
        scales.fold(all, |all, scale| Self { smallest: all.smallest.min(scale), largest: all.largest.max(scale) })
    }

    /// Each of them once, from the smallest up.
    pub(super) fn each(self, ranges: &[RatedRange]) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(self.smallest), move |&last| {
            let larger = ranges.iter().map(|rated| rated.scale).filter(|&scale| scale > last);
            larger.reduce(f64::min)
        })
    }
}

/// What one update changes, and by what.
#[derive(Clone, Copy)]
pub(super) struct Runs<'a, T> {
    pub(super) ranges: &'a [RatedRange],
    pub(super) gradient: &'a [T],
    pub(super) scale: T,
}

impl<T: Real> Runs<'_, T> {
    /// Room to try updates of a rule that keeps `kept` values per parameter.
    pub(super) fn copy(kept: usize) -> Vec<T> {
        vec![T::zero(); TRIED * (1 + kept)]
    }

    /// Changes the parameters that learn at this factor.
    pub(super) fn change(&self, scale: f64, rule: &AtStep<'_, T>, parameters: &mut [T], state: &mut [Vec<T>]) {
        for RatedRange { range, .. } in self.ranges.iter().filter(|rated| rated.scale == scale) {
            let mut kept = state.iter_mut();
            let kept = array::from_fn(|_| kept.next().map_or(&mut [][..], |values| &mut values[range.clone()]));
            let gradient = &self.gradient[range.clone()];
            let run = ParameterRun::new(&mut parameters[range.clone()], gradient, self.scale, kept);
            if run.len() < SHARED { rule.update(run) } else { share(rule, run) }
        }
    }

    /// The first parameter that the same update would leave, or what is kept for it, without a finite value; only the copy changes.
    pub(super) fn first_broken(
        &self,
        scale: f64,
        rule: &AtStep<'_, T>,
        parameters: &[T],
        state: &[Vec<T>],
        copy: &mut [T],
    ) -> Option<usize> {
        for RatedRange { range, .. } in self.ranges.iter().filter(|rated| rated.scale == scale) {
            for start in range.clone().step_by(TRIED) {
                let all = start..range.end.min(start + TRIED);
                let values = || std::iter::once(parameters).chain(state.iter().map(Vec::as_slice));
                for (copy, values) in copy.chunks_exact_mut(TRIED).zip(values()) {
                    copy[..all.len()].copy_from_slice(&values[all.clone()]);
                }
                let mut copies = copy.chunks_exact_mut(TRIED).map(|copy| &mut copy[..all.len()]);
                let tried = copies.next().unwrap_or_default();
                let kept: [&mut [T]; MOST_STATE] = array::from_fn(|_| copies.next().unwrap_or_default());
                rule.update(ParameterRun::new(tried, &self.gradient[all.clone()], self.scale, kept));
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
fn share<T: Real>(rule: &AtStep<'_, T>, run: ParameterRun<'_, T>) {
    if run.len() <= CHUNK {
        return rule.update(run);
    }
    let half = (run.len() / CHUNK).div_ceil(2) * CHUNK;
    let (left, right) = run.split_at(half);
    rayon::join(|| share(rule, left), || share(rule, right));
}
