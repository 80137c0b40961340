//! A readout whose weights are the transpose of the embedding's: one matrix in two places.
//!
//! Both copies lie among the parameters, each as its layer reads it. They start equal, each gets the sum of both gradients, and an optimiser
//! treats every parameter alike, so they stay equal.

use std::ops::Range;

use super::Network;
use crate::linalg::real::Real;

/// Rows and columns of a block that is moved at a time: neither side strides through the cache.
const BLOCK: usize = 16;

/// The two copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tie {
    /// W of the embedding: units × words, a column a word.
    pub(super) embedding: Range<usize>,
    /// W of the readout: words × units.
    pub(crate) readout: Range<usize>,
    pub(super) units: usize,
}

impl Tie {
    /// Calls `f` with the two places of each weight.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        let words = self.readout.len() / self.units;
        for first_word in (0..words).step_by(BLOCK) {
            for first_unit in (0..self.units).step_by(BLOCK) {
                for word in first_word..words.min(first_word + BLOCK) {
                    for unit in first_unit..self.units.min(first_unit + BLOCK) {
                        f(self.embedding.start + word * self.units + unit, self.readout.start + unit * words + word);
                    }
                }
            }
        }
    }
}

impl<T: Real> Network<T> {
    /// A gradient laid out as the parameters: both copies of a weight get the sum of what was found for each.
    pub(crate) fn tie(&self, gradient: &mut [T]) {
        if let Some(tie) = &self.tied {
            tie.each(|a, b| {
                let sum = gradient[a] + gradient[b];
                (gradient[a], gradient[b]) = (sum, sum);
            });
        }
    }

    /// The readout takes over the embedding's weights, where they are tied.
    pub(crate) fn copy_tied(&mut self) {
        if let Some(tie) = self.tied.clone() {
            tie.each(|a, b| self.parameters[b] = self.parameters[a]);
        }
    }

    /// Which of the [blocks](Self::blocks) hold the two copies.
    pub(crate) fn tied_blocks(&self) -> Option<[usize; 2]> {
        let tie = self.tied.as_ref()?;
        let place = |copy: &Range<usize>| self.blocks.iter().position(|block| block.range() == *copy);
        Some([place(&tie.embedding)?, place(&tie.readout)?])
    }

    /// The other copy of a parameter.
    pub(crate) fn partner(&self, parameter: usize) -> Option<usize> {
        let mut partner = None;
        if let Some(tie) = &self.tied {
            tie.each(|a, b| {
                if parameter == a {
                    partner = Some(b);
                } else if parameter == b {
                    partner = Some(a);
                }
            });
        }
        partner
    }
}
