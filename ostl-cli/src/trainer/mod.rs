//! The training loop, and the state that it can be stopped in and gone on from bit for bit.

mod idle;
mod learners;
mod parts;
mod refusals;
mod rows;
mod state;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ostl_core::{Learner, Record, Score, ShardedLearner};
use ostl_tasks::{Metric, Split, Task};

use crate::config::{Config, OnNonFinite, OutOfRange, Source};
use crate::feed::{self, Epoch, Feed};
use crate::figures::{self, Figures};
use crate::fingerprint::Fingerprint;
use crate::forecast;
use crate::progress::Progress;
use crate::ranks::Group;
use crate::run_directory::{Checkpoint, Clock, History, LAST, Metrics, Pace, Row, RunDirectory};
use crate::signals::Stop;

use learners::identity;
pub(crate) use learners::{learner, put_best, sharded, with_best};
use refusals::{Met, Next};
pub(crate) use state::{Best, Change, State};

/// Whether training came to its end or was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished,
    Stopped,
}

/// A learner on its way through the epochs.
pub(crate) struct Trainer<'a> {
    config: &'a Config,
    task: &'a dyn Task,
    feed: Feed,
    /// The figures that are reported.
    figures: Vec<Metric>,
    learner: ShardedLearner<f32>,
    /// The processes that train together.
    group: &'a Group,
    description: String,
    /// What the best weights are known by.
    identity: String,
    data: Fingerprint,
    /// Steps of an epoch.
    epoch_steps: u64,
    state: State,
    clock: Clock,
    /// The learner at the start of the epoch, where the run may have to go back to it.
    outset: Option<Record>,
    /// Idle units were reported.
    has_warned: bool,
    /// How long an epoch will take has been said, or is not worth saying.
    foretold: bool,
}

impl<'a> Trainer<'a> {
    /// From the start.
    pub(crate) fn new(
        config: &'a Config,
        task: &'a dyn Task,
        feed: Feed,
        learner: ShardedLearner<f32>,
        group: &'a Group,
    ) -> Self {
        let (description, figures) = (learner.learner().network().description(), figures::reported(task));
        let identity = identity(learner.learner(), task);
        let epoch_steps = (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index) as u64).sum();
        Self {
            config,
            task,
            feed,
            figures,
            learner,
            group,
            description,
            identity,
            data: Fingerprint::of(task),
            epoch_steps,
            state: State::new(config),
            clock: Clock::start(History::default(), 0, false),
            outset: None,
            has_warned: false,
            foretold: false,
        }
    }

    /// From where a run stopped, and what there is to say of that; on other data only by `force`.
    pub(crate) fn resume(mut self, run: &RunDirectory, source: &Source, force: bool) -> Result<(Self, Vec<String>)> {
        let bytes = self.group.of_first(|| run.read_last())?;
        let Checkpoint { state, data, learner, outset, parts } = run.decode_last(&bytes, &self.run_identity())?;
        let mut notes = Vec::new();
        let other = data.difference(&self.data);
        if let Some(difference) = other.as_ref().filter(|_| !force) {
            bail!(
                "{}: the data are not those that the run has learned from ({difference}); put those back (--data DIR says where \
                 they are), or go on with the data at hand (--force)",
                run.path().join(LAST).display()
            );
        }
        let shards = self.group.all_well(self.read_parts(run, parts))?;
        let restored = self.learner.restore(learner, shards);
        restored.with_context(|| format!("{}: does not fit its config", run.path().display()))?;
        self.learner.learner_mut().set_clip_norm(self.config.optimizer().clip_norm).context("optimizer.clip_norm")?;
        (self.state, self.outset) = (state, outset);
        let (epochs, done) = (self.config.training.epochs, self.state.epochs);
        if epochs < done {
            let allowed = format!("at least {done}: so many epochs of the run are done");
            return Err(source.out_of_range(OutOfRange::new("training.epochs", epochs, allowed)));
        }
        self.state.set_anew(self.config);
        if let Some(difference) = other {
            self.state.note("data", data.to_string(), self.data.to_string());
            notes.push(format!("going on with other data: {difference}"));
        }
        notes.extend(self.agree_on_best(run)?);
        let history = run.read_history();
        if history.is_none() {
            notes.push("history.json was lost: the times of earlier sessions are not known".into());
        }
        self.clock = Clock::start(history.unwrap_or_default(), done, self.state.is_within());
        Ok((self, notes))
    }

    /// Sees to it that `best.ckpt` is of the epoch that the checkpoint takes for the best, and says what could not be.
    fn agree_on_best(&mut self, run: &RunDirectory) -> Result<Option<String>> {
        let Some(best) = self.state.best.clone() else { return Ok(None) };
        let is_there = || {
            let bytes = run.read_best()?;
            run.decode_best(&bytes, &self.identity).map(|(found, _)| found == best)
        };
        if self.group.any(self.group.is_first() && is_there().unwrap_or(false))? {
            return Ok(None);
        }
        if best.epoch == self.state.epochs && !self.state.is_within() {
            // Killed after the one and before the other: these are the weights.
            self.write_best(run, best)?;
            return Ok(None);
        }
        self.state.best = None;
        self.state.best_lost_after = self.state.epochs;
        if self.state.is_finished(self.config) {
            bail!(
                "{}: its best weights, of epoch {}, are lost (best.ckpt is missing or broken), and there is no epoch left to \
                 choose anew from: make the run longer with --set training.epochs=N",
                run.path().display(),
                best.epoch
            );
        }
        Ok(Some(format!(
            "the best weights, of epoch {}, are lost (best.ckpt is missing or broken): the best epoch is chosen anew from here on",
            best.epoch
        )))
    }

    pub(crate) fn learner(&self) -> &Learner<f32> {
        self.learner.learner()
    }

    /// The processes that train together.
    pub(crate) fn group(&self) -> &Group {
        self.group
    }

    /// The network in a line.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The data that are learned from.
    pub(crate) fn data(&self) -> &Fingerprint {
        &self.data
    }

    /// The figures that are reported.
    pub(crate) fn figures(&self) -> &[Metric] {
        &self.figures
    }

    /// The sessions so far, this one too.
    pub(crate) fn history(&mut self) -> History {
        self.clock.now(self.state.is_within())
    }

    /// The table of epochs so far.
    pub(crate) fn rows(&self) -> Vec<(Row, Option<Pace>)> {
        self.state.rows.iter().enumerate().map(|(index, row)| (row.clone(), self.clock.pace(index))).collect()
    }

    /// Steps of an epoch, and steps done, for the progress bar.
    pub(crate) fn steps(&self) -> (u64, u64) {
        (self.epoch_steps, self.state.steps + self.state.train.steps)
    }

    /// What the checkpoint to go on from is known by: it cannot be taken for the best weights.
    fn run_identity(&self) -> String {
        format!("{}, in training", self.identity)
    }

    /// Writes the checkpoint to go on from. Never one with weights that are not finite: the former one then stays.
    pub(crate) fn save(&mut self, run: &RunDirectory) -> Result<()> {
        if !self.learner().network().parameters().iter().all(|weight| weight.is_finite()) {
            return Err(self.advised("weights are not finite, and were not saved", false, run));
        }
        self.learner.check_together()?;
        run.write_history(&self.history())?;
        let parts = self.write_parts(run)?;
        let checkpoint = Checkpoint {
            state: self.state.clone(),
            data: self.data.clone(),
            learner: self.learner.save(),
            outset: self.outset.clone().filter(|_| self.state.is_within()),
            parts,
        };
        run.write_last(&self.run_identity(), checkpoint).context("the former checkpoint is kept")?;
        if self.group.is_first() { run.remove_parts_but(parts) } else { Ok(()) }
    }

    /// Trains until all epochs are done, validation has not improved for as long as it may, or a stop is requested.
    pub(crate) fn train(
        &mut self,
        run: &RunDirectory,
        metrics: &mut Metrics,
        progress: &Progress,
        stop: &Stop,
    ) -> Result<Ending> {
        while !self.state.is_finished(self.config) {
            if self.epoch(run, metrics, progress, stop)? == Ending::Stopped {
                self.save(run)?;
                return Ok(Ending::Stopped);
            }
        }
        Ok(Ending::Finished)
    }

    /// One epoch, or the rest of one.
    fn epoch(&mut self, run: &RunDirectory, metrics: &mut Metrics, progress: &Progress, stop: &Stop) -> Result<Ending> {
        self.clock.begin();
        if self.config.training.on_non_finite == OnNonFinite::BackOff && !self.state.is_within() {
            self.outset = Some(self.learner.save());
        }
        let parts = self.feed.epoch(self.task, self.config.seed, self.state.epochs);
        let measures = loop {
            let start = Instant::now();
            let learned = self.learn(&parts, run, progress, stop);
            self.clock.learned(start.elapsed());
            if learned? == Ending::Stopped {
                return Ok(Ending::Stopped);
            }
            self.learner.learner_mut().watch_units();
            match self.feed.evaluate(&mut self.learner, self.task, Split::Valid, stop) {
                Ok(Some(measures)) => break measures,
                Ok(None) => return Ok(Ending::Stopped),
                Err(error) => self.refused(error, Met::Validating, run, progress)?,
            };
        };
        let valid = Figures::new(&measures, &self.figures);
        let units = self.learner.units_seen()?.unwrap_or_default();
        let row = self.row(valid, self.learning_rate(0, parts.len()), &units);
        let by = self.config.training.best;
        let best = self.state.best.as_ref().map(|best| best.valid.get(by));
        // The first epoch is the best so far, whatever it comes to.
        let is_best = best.is_none_or(|best| feed::is_better(by, row.valid.get(by), best));
        let pace = self.clock.epoch_done(self.state.train.steps);
        self.close_epoch(&row, is_best);
        // In this order: whenever the process is killed, the checkpoint is ahead of all that is made from it.
        self.save(run)?;
        if let Some(best) = self.state.best.clone().filter(|_| is_best) {
            self.write_best(run, best)?;
        }
        metrics.add(&row, pace)?;
        progress.epoch(&row, pace, is_best);
        if let Some(warning) = idle::warning(&units).filter(|_| !self.has_warned) {
            progress.say(&warning);
            self.has_warned = true;
        }
        Ok(Ending::Finished)
    }

    /// The parts of an epoch that are still to be learned from.
    fn learn(&mut self, parts: &Epoch<'_>, run: &RunDirectory, progress: &Progress, stop: &Stop) -> Result<Ending> {
        let pause = Duration::try_from_secs_f64(60.0 * self.config.training.checkpoint_minutes).unwrap_or(Duration::MAX);
        let mut saved = Instant::now();
        loop {
            let index = self.state.batch as usize;
            if index >= parts.len() {
                // Where a run was stopped after this, it is done again and finds nothing to do.
                match parts.finish(&mut self.learner).map_err(|error| self.refused(error, Met::Learning, run, progress)) {
                    Err(Ok(Next::StartOver)) => continue,
                    Err(Err(error)) => return Err(error),
                    Ok(()) | Err(Ok(Next::PassOver)) => break,
                }
            }
            // All stop where one was asked to.
            if self.group.any(stop.requested())? {
                return Ok(Ending::Stopped);
            }
            let rate = self.learning_rate(index, parts.len());
            self.learner.learner_mut().set_learning_rate(rate).context("optimizer.schedule")?;
            let (began, updates) = (Instant::now(), self.learner().optimizer().updates());
            let score = match parts.learn(&mut self.learner, index) {
                Ok(score) => score,
                Err(error) => match self.refused(error, Met::Learning, run, progress)? {
                    Next::PassOver => Score::default(),
                    Next::StartOver => continue,
                },
            };
            if !self.foretold && score.steps > 0 {
                self.foretold = true;
                self.foretell(began.elapsed(), score.steps, parts, index, progress);
            }
            self.state.norms.add_since(updates, self.learner.learner().optimizer());
            self.state.train += score;
            self.state.batch += 1;
            progress.part(self.state.epochs + 1, score.steps, &self.state.train);
            let is_time = self.group.is_first() && saved.elapsed() >= pause;
            if self.state.batch < parts.len() as u64 && self.group.any(is_time)? {
                self.save(run)?;
                saved = Instant::now();
            }
        }
        if self.state.skipped >= parts.len() as u64 && self.state.train.targets == 0 {
            let what = "every update was refused, since the loss or the gradient is not finite";
            return Err(self.advised(what, false, run));
        }
        Ok(Ending::Finished)
    }

    /// Says how long an epoch will take, from what its first part has taken, and what would be cheaper.
    fn foretell(&self, time: Duration, steps: u64, parts: &Epoch<'_>, part: usize, progress: &Progress) {
        let measured = forecast::Measured {
            time,
            steps,
            epoch_steps: self.epoch_steps,
            epochs: self.config.training.epochs.saturating_sub(self.state.epochs),
            trace_bytes: self.learner().trace_bytes(),
            peak_bytes: ostl_bench::memory::resident_kib("VmHWM").ok().map(|kib| kib.saturating_mul(1024)),
        };
        if progress.is_seen() && measured.is_long() {
            progress.say(&measured.in_words());
            let method = self.config.method().for_sequences_of(feed::longest(self.task));
            let share = parts.share(part, [0, self.learner.cut().shards()]);
            let cheaper = measured.cheaper(self.learner().network(), self.task.loss(), &method, &share);
            cheaper.into_iter().for_each(|line| progress.say(&line));
        }
    }

    /// The learning rate for one of the parts of the epoch at hand.
    fn learning_rate(&self, part: usize, parts: usize) -> f64 {
        let (schedule, every) = self.config.schedule();
        self.base_rate() * schedule.factor(every.position(self.state.epochs, part, parts))
    }

    /// Writes down the present weights as the best.
    fn write_best(&self, run: &RunDirectory, best: Best) -> Result<()> {
        run.write_best(&self.identity, &best, self.learner().network())
    }

    /// The learner with the best weights of the run.
    pub(crate) fn into_best(mut self, run: &RunDirectory) -> Result<(ShardedLearner<f32>, Best)> {
        let best = put_best(self.learner.learner_mut(), self.task, run, self.group)?;
        Ok((self.learner, best))
    }
}

#[cfg(test)]
mod tests;
