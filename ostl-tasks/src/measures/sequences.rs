//! Sequences that belong to one class each, judged by all their steps together.

use ostl_core::Real;
use serde::{Deserialize, Serialize};

use super::{fraction, largest};

/// What the steps of the sequences in progress came to, and how many sequences were right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sequences {
    outputs: usize,
    /// By stream.
    open: Vec<Open>,
    done: u64,
    correct: u64,
}

/// A sequence in progress: Σ over its targets of ln softmax, and the class of its last target; nothing if it had none yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Open {
    log_probabilities: Vec<f64>,
    class: usize,
}

impl Sequences {
    pub(super) fn new(outputs: usize) -> Self {
        Self { outputs, open: Vec::new(), done: 0, correct: 0 }
    }

    pub(super) fn add<T: Real>(&mut self, stream: usize, outputs: &[T], class: usize) {
        if stream >= self.open.len() {
            self.open.resize_with(stream + 1, Open::default);
        }
        let open = &mut self.open[stream];
        open.class = class;
        open.log_probabilities.resize(self.outputs, 0.0);
        let highest = outputs.iter().map(|output| output.to_f64()).fold(f64::NEG_INFINITY, f64::max);
        let log_sum = outputs.iter().map(|output| (output.to_f64() - highest).exp()).sum::<f64>().ln() + highest;
        for (sum, output) in open.log_probabilities.iter_mut().zip(outputs) {
            *sum += output.to_f64() - log_sum;
        }
    }

    /// Ends all sequences in progress; `judged` receives the right and the answered class of each.
    pub(super) fn end(&mut self, mut judged: impl FnMut(usize, usize)) {
        for open in self.open.drain(..).filter(|open| !open.log_probabilities.is_empty()) {
            let said = largest(open.log_probabilities.iter().copied());
            self.done += 1;
            self.correct += u64::from(said == open.class);
            judged(open.class, said);
        }
    }

    /// Adds what another has judged; sequences under way stay apart.
    pub(super) fn merge(&mut self, other: &Self) {
        self.done += other.done;
        self.correct += other.correct;
    }

    pub(super) fn accuracy(&self) -> Option<f64> {
        fraction(self.correct, self.done)
    }
}
