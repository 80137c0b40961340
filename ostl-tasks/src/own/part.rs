//! One split in memory, from whichever encoding.

use crate::numpy::Numbers;

/// Sequences with their targets.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Values in the input of a step.
    pub(super) features: usize,
    /// All steps' inputs end to end; what lies between sequences is padding.
    pub(super) inputs: Numbers,
    /// For each sequence its first step in the lists and its number of steps, at least one.
    pub(super) sequences: Vec<(usize, usize)>,
    pub(super) targets: Answers,
    /// Where targets lie.
    pub(super) place: Place,
    /// Which steps have a target, where targets lie at every step.
    pub(super) there: There,
}

/// Which steps of the lists have a target.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum There {
    /// All.
    Everywhere,
    /// Those that say so.
    Masked(Vec<bool>),
    /// Each step's number in the list of targets, or [`NONE`].
    Listed(Vec<u32>),
}

/// No target.
pub(super) const NONE: u32 = u32::MAX;

/// Targets of one kind.
#[derive(Clone, Debug)]
pub(super) enum Answers {
    /// A class each: whole numbers from 0.
    Classes(Numbers),
    /// This many values each, end to end.
    Values(usize, Numbers),
}

/// Where in a sequence targets lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One a sequence, at its last step.
    End,
    /// One a step, as the steps lie in the lists.
    EachStep,
}

impl Part {
    /// The target of a step of a sequence, as its number in the list of targets.
    pub(super) fn target(&self, sequence: usize, step: usize) -> Option<usize> {
        let (first, steps) = self.sequences[sequence];
        match self.place {
            Place::End => (step + 1 == steps).then_some(sequence),
            Place::EachStep => {
                let at = first + step;
                match &self.there {
                    There::Everywhere => Some(at),
                    There::Masked(there) => there[at].then_some(at),
                    There::Listed(numbers) => (numbers[at] != NONE).then(|| numbers[at] as usize),
                }
            }
        }
    }

    /// All targets, as their numbers in the list of targets.
    pub(super) fn all_targets(&self) -> impl Iterator<Item = usize> + '_ {
        let steps = |sequence: usize| (0..self.sequences[sequence].1).map(move |step| (sequence, step));
        (0..self.sequences.len()).flat_map(steps).filter_map(|(sequence, step)| self.target(sequence, step))
    }

    /// Values in a target, or `None` if targets are classes.
    pub(super) fn outputs(&self) -> Option<usize> {
        match &self.targets {
            Answers::Classes(_) => None,
            Answers::Values(outputs, _) => Some(*outputs),
        }
    }
}
