//! What heads say to their targets: the loss of a step, the signal it leaves with the engine, and a score for each head beside that of all.

use super::{Learner, Observation};
use crate::data::heads::{Head, Heads};
use crate::data::loss::Target;
use crate::data::loss_function::LossFunction;
use crate::data::score::{LaneScores, Score};
use crate::data::target::Weighted;
use crate::engine::Column;
use crate::linalg::real::Real;

/// The score of each head in the last call that returned one.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    of_heads: Vec<Score>,
    pub(super) of_lanes: Vec<LaneScores>,
}

impl Scores {
    pub(super) fn new(heads: usize, lanes: usize) -> Self {
        let none = vec![Score::default(); heads];
        let lane = LaneScores { window: Score::default(), of_heads: none.clone() };
        Self { of_lanes: vec![lane; lanes], of_heads: none }
    }

    /// Forgets what was; what comes is added here.
    pub(super) fn begin(&mut self) -> &mut [Score] {
        self.of_heads.fill(Score::default());
        &mut self.of_heads
    }

    /// A batch begins: what comes is added lane by lane.
    pub(super) fn begin_batch(&mut self) {
        self.begin();
        self.of_lanes.iter_mut().for_each(|lane| lane.of_heads.fill(Score::default()));
    }

    /// The batch has ended.
    pub(super) fn gather(&mut self) {
        for lane in &self.of_lanes {
            self.of_heads.iter_mut().zip(&lane.of_heads).for_each(|(sum, &score)| *sum += score);
        }
    }

    /// All took `steps` steps.
    pub(super) fn end(&mut self, steps: u64) {
        self.of_heads.iter_mut().for_each(|score| score.steps = steps);
    }
}

impl<T: Real> Learner<T> {
    /// The heads: one without a name, of all outputs, if it was not made [with several](Learner::with_heads).
    pub fn heads(&self) -> &Heads<T> {
        &self.heads
    }

    /// The score of one head in the last call that returned the score of all: its own loss, without the head's weight, over its own targets. After
    /// an error it is of no use.
    ///
    /// # Panics
    /// If there is no such head.
    #[track_caller]
    pub fn head_score(&self, name: &str) -> Score {
        self.scores.of_heads[self.heads.index(name)]
    }

    /// The same of every head, in the order of their outputs.
    pub fn head_scores(&self) -> impl Iterator<Item = (&str, Score)> {
        self.heads.iter().map(Head::name).zip(self.scores.of_heads.iter().copied())
    }
}

/// What the heads of one step of one stream say together.
#[derive(Default)]
struct Together {
    loss: f64,
    weight: f64,
    heads_with_target: u64,
    heads_with_class: u64,
    correct: u64,
}

impl Together {
    fn add<T: Real>(&mut self, head: &Head<T>, target: Target<'_, T>, score: Score) {
        self.loss += head.weight() * score.loss;
        self.weight += score.weight;
        self.heads_with_target += 1;
        self.heads_with_class += u64::from(matches!(target, Target::Class(_)));
        self.correct += score.correct;
    }

    /// The step counts once, however many of its heads have a target.
    fn add_to(self, score: &mut Score, heads: usize) {
        if self.heads_with_target > 0 {
            score.loss += self.loss;
            score.weight += if heads == 1 { self.weight } else { 1.0 };
            score.targets += 1;
            score.correct += u64::from(self.heads_with_class > 0 && self.correct == self.heads_with_class);
        }
    }
}

/// Adds the losses of one stream's step, of every head that has a target there, and leaves their learning signals with the engine.
pub(super) fn add_losses<'t, T: Real + 't>(
    heads: &Heads<T>,
    mut column: Column<'_, T>,
    target_of: impl Fn(usize) -> Option<Weighted<'t, T>>,
    of_heads: &mut [Score],
    score: &mut Score,
) {
    let mut together = Together::default();
    for (index, head) in heads.iter().enumerate() {
        let Some(weighted) = target_of(index) else { continue };
        let by = T::from_f64(head.weight()) * weighted.weight;
        let scale = |values: &mut [T]| {
            if by != T::one() {
                values.iter_mut().for_each(|value| *value *= by);
            }
        };
        column.set_target(|to| {
            let to = &mut to[head.range()];
            head.loss().write_target(weighted.target, to);
            scale(to);
        });
        let (outputs, signal) = column.outputs_and_signal();
        let (outputs, signal) = (&outputs[head.range()], &mut signal[head.range()]);
        let found = score_of(head.loss(), outputs, weighted, signal);
        scale(signal);
        together.add(head, weighted.target, found);
        of_heads[index] += found;
    }
    together.add_to(score, heads.count());
}

/// The scores of one stream's step by the plain losses, of every head that has a target there; `observe` is shown each, without stream and step.
pub(super) fn add_plain<'t, T: Real>(
    heads: &'t Heads<T>,
    outputs: &'t [T],
    target_of: impl Fn(usize) -> Option<Weighted<'t, T>>,
    signal: &mut [T],
    (of_heads, score): (&mut [Score], &mut Score),
    mut observe: impl FnMut(Observation<'t, T>),
) {
    let mut together = Together::default();
    for (index, head) in heads.iter().enumerate() {
        let Some(weighted) = target_of(index) else { continue };
        let outputs = &outputs[head.range()];
        let found = score_of(head.plain(), outputs, weighted, &mut signal[head.range()]);
        together.add(head, weighted.target, found);
        of_heads[index] += found;
        let (head, target, loss) = (head.name(), weighted.target, found.loss);
        observe(Observation { stream: 0, step: 0, head, outputs, target, loss });
    }
    together.add_to(score, heads.count());
}

/// The score of one answer; its ∂loss/∂outputs goes to `signal`.
fn score_of<T: Real>(
    loss: &dyn LossFunction<T>,
    outputs: &[T],
    Weighted { target, weight }: Weighted<'_, T>,
    signal: &mut [T],
) -> Score {
    let is_correct = matches!(target, Target::Class(class) if is_first_maximum(outputs, class));
    Score {
        loss: loss.evaluate(outputs, target, signal).to_f64() * weight.to_f64(),
        weight: loss.weight(target) * weight.to_f64(),
        targets: 1,
        correct: u64::from(is_correct),
        ..Score::default()
    }
}

/// Whether this is the largest value, and the first of its size.
fn is_first_maximum<T: Real>(values: &[T], index: usize) -> bool {
    let value = values[index];
    let (before, after) = values.split_at(index);
    let any = |found, beats: bool| found | beats;
    !before.iter().map(|&other| other >= value).fold(false, any)
        && !after.iter().map(|&other| other > value).fold(false, any)
}
