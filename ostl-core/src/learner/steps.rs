//! One step after another: an output for every input, and what is learned from its target.

use nalgebra::DMatrixView;

use super::Learner;
use super::scores::add_losses;
use crate::data::loss::Target;
use crate::data::score::Score;
use crate::data::target::Weighted;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::Update;

impl<T: Real> Learner<T> {
    /// One step of every stream: `inputs × streams` values, column by column. Returns the readout, `outputs × streams`.
    ///
    /// # Errors
    /// If the inputs have the wrong shape or are not finite; the learner is then as before the call. If the readout or a state would not be
    /// finite, or the gradient or update of a full window that is learned from first: the weights are then as before, and the streams
    /// start anew.
    #[inline(never)]
    pub fn predict(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, LearnError> {
        self.engine.check_step(inputs).map_err(|error| self.learn_error(error))?;
        if self.engine.window_is_full() {
            self.engine.close_window();
            self.update_after_window()?;
        }
        if let Err(error) = self.engine.step(inputs) {
            return Err(self.dropped(error));
        }
        Ok(self.engine.outputs())
    }

    /// Learns from the targets of the step just predicted, one entry a stream; `None` where there is none. The weights change
    /// when the window closes, or, with [`Update::Sequence`], at [`finish`](Learner::finish).
    ///
    /// # Errors
    /// If a target does not fit or is not finite, or nothing was predicted: the learner is then as before the call, and can be given the right
    /// targets. If the loss, the gradient or the update is not finite: the weights are then as before, and the streams start anew.
    #[inline(never)]
    pub fn learn(&mut self, targets: &[Option<Target<'_, T>>]) -> Result<Score, LearnError> {
        self.check_one_head(targets.iter().position(Option::is_some))?;
        self.learn_of(targets.len(), |stream, _| targets[stream].map(Weighted::from))
    }

    /// The same with targets that weigh more or less than others. The learner's mean over targets divides by their number, so that twice the
    /// weight moves the weights of the network twice as far.
    ///
    /// # Errors
    /// As [`learn`](Learner::learn), and if a weight is negative or not finite.
    #[inline(never)]
    pub fn learn_weighted(&mut self, targets: &[Option<Weighted<'_, T>>]) -> Result<Score, LearnError> {
        self.check_one_head(targets.iter().position(Option::is_some))?;
        self.learn_of(targets.len(), |stream, _| targets[stream])
    }

    /// [`learn`](Learner::learn) with several [heads](Learner::with_heads): a row for each stream, and in it an entry for each head in their order;
    /// `None` where there is no target. The score is that of all heads together; [`head_score`](Learner::head_score) has that of each.
    ///
    /// # Errors
    /// As [`learn`](Learner::learn); what does not fit is named with its stream and head.
    pub fn learn_heads<'t>(&mut self, targets: &[impl AsRef<[Option<Target<'t, T>>]>]) -> Result<Score, LearnError>
    where
        T: 't,
    {
        self.learn_rows(targets.len(), &|stream| targets[stream].as_ref())
    }

    /// The same with targets that weigh more or less than others, beside the weights of their heads.
    ///
    /// # Errors
    /// As [`learn_heads`](Learner::learn_heads), and if a weight is negative or not finite.
    pub fn learn_heads_weighted<'t>(
        &mut self,
        targets: &[impl AsRef<[Option<Weighted<'t, T>>]>],
    ) -> Result<Score, LearnError>
    where
        T: 't,
    {
        self.learn_rows(targets.len(), &|stream| targets[stream].as_ref())
    }

    /// Of rows of targets, weighted or not.
    #[inline(never)]
    pub(crate) fn learn_rows<'t, 'a, E: Copy + Into<Weighted<'t, T>> + 'a>(
        &mut self,
        count: usize,
        row: &dyn Fn(usize) -> &'a [Option<E>],
    ) -> Result<Score, LearnError>
    where
        T: 't,
    {
        (0..count).try_for_each(|stream| self.check_row(stream, row(stream).len()))?;
        self.learn_of(count, |stream, head| row(stream).get(head).copied().flatten().map(E::into))
    }

    /// Of every stream and head.
    fn learn_of<'t>(
        &mut self,
        count: usize,
        targets: impl Fn(usize, usize) -> Option<Weighted<'t, T>>,
    ) -> Result<Score, LearnError>
    where
        T: 't,
    {
        let streams = self.streams();
        if count != streams {
            return Err(LearnError::Shape { what: "targets", found: count, expected: streams });
        }
        self.engine.check_awaits_target().map_err(|error| self.learn_error(error))?;
        // Everything is looked at before anything is written.
        let heads = 0..self.heads.count();
        for stream in 0..streams {
            for head in heads.clone() {
                targets(stream, head).map_or(Ok(()), |target| self.check_target(stream, self.heads.at(head), &target))?;
            }
        }
        let (of_heads, mut score) = (self.scores.begin(), Score { steps: streams as u64, ..Score::default() });
        for stream in 0..streams {
            if heads.clone().any(|head| targets(stream, head).is_some()) {
                let column = self.engine.newest(stream);
                column.lane.has_error = true;
                add_losses(&self.heads, column, |head| targets(stream, head), of_heads, &mut score);
            }
        }
        self.scores.end(score.steps);
        if !self.is_frozen() {
            score.activity = self.engine.add_activity();
        }
        if !(score.loss + score.activity).is_finite() {
            let error = self.engine.broken("the loss");
            return Err(self.dropped(error));
        }
        if !self.is_frozen() {
            self.targets += score.targets;
        }
        if self.engine.close_if_due() {
            self.update_after_window()?;
        }
        Ok(score)
    }

    /// The streams end here: learns from an unfinished window, updates the weights if they wait for the sequence's end, and
    /// starts every stream anew.
    ///
    /// # Errors
    /// If the gradient or the update is not finite: the weights are then as before, and every stream starts anew all the same.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<(), LearnError> {
        if !self.is_frozen() {
            let closes = self.engine.has_open_window();
            self.engine.end();
            if closes || self.engine.method.update == Update::Sequence {
                self.update()?;
            }
            // Activity after the last target has nothing to be learned with.
            self.clear_gradient();
        }
        self.engine.streaming.restart();
        Ok(())
    }
}
