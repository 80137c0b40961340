//! The training loop, and the state that it can be stopped in and gone on from bit for bit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ostl_core::{Learner, Network, Score};
use ostl_tasks::{Metric, Split, Task};
use serde::{Deserialize, Serialize};

use crate::config::{Config, OutOfRange, Source};
use crate::feed::{self, Epoch, Feed};
use crate::figures::{self, Figures};
use crate::forecast;
use crate::progress::Progress;
use crate::run_directory::{BestWeights, Checkpoint, Metrics, MetricsRow, RunDirectory};
use crate::signals::Stop;
use crate::summary::reaches;

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Counted from 1.
    pub(crate) epoch: u64,
    pub(crate) valid: Figures,
}

/// How far training has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub(crate) epochs: u64,
    /// Steps taken in them, summed over streams.
    steps: u64,
    /// Batches or stretches done of the epoch after them.
    batch: u64,
    /// What those came to.
    train: Score,
    pub(crate) best: Option<Best>,
    /// Steps taken when the validation figure first was as good as the task's goal.
    pub(crate) steps_to_goal: Option<u64>,
}

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
    learner: Learner<f32>,
    description: String,
    /// What the best weights are known by.
    identity: String,
    /// What the checkpoint to go on from is known by: on other data the rest of a run would not be the rest of this run.
    run_identity: String,
    /// Steps of an epoch.
    epoch_steps: u64,
    state: State,
    /// Time spent learning, in this process.
    train_time: Duration,
    /// How long an epoch will take has been said, or is not worth saying.
    foretold: bool,
}

/// The network of a configuration and a learner around it, for so many streams; `source` is whom to blame if it cannot be built.
pub(crate) fn learner(config: &Config, source: &Source, task: &dyn Task, streams: usize) -> Result<Learner<f32>> {
    let network: Network<f32> = config.network_for(task).map_err(|error| source.out_of_range(error))?;
    let method = config.method().for_sequences_of(feed::longest(task));
    let objective = config.objective(task).map_err(|error| source.out_of_range(error))?;
    let learner = Learner::new(network, objective, method, config.optimizer(), streams);
    learner.map_err(|error| source.out_of_range(error.into()))
}

impl<'a> Trainer<'a> {
    /// From the start.
    pub(crate) fn new(config: &'a Config, task: &'a dyn Task, feed: Feed, learner: Learner<f32>) -> Self {
        let (description, figures) = (learner.network().description(), figures::reported(task));
        let identity = identity(&learner, task);
        let sequences = task.sequences(Split::Train);
        let epoch_steps = (0..sequences).map(|index| task.steps(Split::Train, index) as u64).sum();
        let run_identity = format!("{identity}, {sequences} training sequences of {epoch_steps} steps");
        Self {
            config,
            task,
            feed,
            figures,
            learner,
            description,
            identity,
            run_identity,
            epoch_steps,
            state: State::default(),
            train_time: Duration::ZERO,
            foretold: false,
        }
    }

    /// From where a run stopped.
    pub(crate) fn resume(mut self, run: &RunDirectory, source: &Source) -> Result<Self> {
        let checkpoint = run.read_last(&self.run_identity)?;
        self.learner
            .restore(checkpoint.learner)
            .with_context(|| format!("{}: does not fit its config", run.path().display()))?;
        self.state = checkpoint.state;
        let (epochs, done) = (self.config.training.epochs, self.state.epochs);
        if epochs < done {
            let allowed = format!("at least {done}: so many epochs of the run are done");
            return Err(source.out_of_range(OutOfRange::new("training.epochs", epochs, allowed)));
        }
        Ok(self)
    }

    pub(crate) fn learner(&self) -> &Learner<f32> {
        &self.learner
    }

    /// The network in a line.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The figures that are reported.
    pub(crate) fn figures(&self) -> &[Metric] {
        &self.figures
    }

    /// Time spent learning, in this process.
    pub(crate) fn train_time(&self) -> Duration {
        self.train_time
    }

    /// Steps of an epoch, and steps done, for the progress bar.
    pub(crate) fn steps(&self) -> (u64, u64) {
        (self.epoch_steps, self.state.steps + self.state.train.steps)
    }

    /// Writes the checkpoint to go on from.
    pub(crate) fn save(&self, run: &RunDirectory) -> Result<()> {
        run.write_last(&self.run_identity, &Checkpoint { state: self.state.clone(), learner: self.learner.save() })
    }

    /// Trains until all epochs are done, validation has not improved for as long as it may, or somebody asks to stop.
    pub(crate) fn train(
        &mut self,
        run: &RunDirectory,
        metrics: &mut Metrics,
        progress: &Progress,
        stop: &Stop,
    ) -> Result<Ending> {
        while !self.is_finished() {
            if self.epoch(run, metrics, progress, stop)? == Ending::Stopped {
                self.save(run)?;
                return Ok(Ending::Stopped);
            }
            self.save(run)?;
        }
        Ok(Ending::Finished)
    }

    pub(crate) fn is_finished(&self) -> bool {
        let State { epochs, best, .. } = &self.state;
        let training = &self.config.training;
        let waited = epochs - best.as_ref().map_or(0, |best| best.epoch);
        *epochs >= training.epochs || training.patience.is_some_and(|patience| waited >= patience)
    }

    /// One epoch, or the rest of one.
    fn epoch(&mut self, run: &RunDirectory, metrics: &mut Metrics, progress: &Progress, stop: &Stop) -> Result<Ending> {
        let number = self.state.epochs + 1;
        let start = Instant::now();
        let steps_before = self.state.train.steps;
        let parts = self.feed.epoch(self.task, self.config.seed, self.state.epochs);
        let learning_rate = self.learning_rate(0, parts.len());
        let learned = self.learn(&parts, run, progress, stop);
        let train_time = start.elapsed();
        self.train_time += train_time;
        if learned.with_context(|| format!("epoch {number}"))? == Ending::Stopped {
            return Ok(Ending::Stopped);
        }
        let Some(measures) = self.feed.evaluate(&mut self.learner, self.task, Split::Valid, stop)? else {
            return Ok(Ending::Stopped);
        };
        let valid = Figures::new(&measures, &self.figures);
        let steps = self.state.steps + self.state.train.steps;
        let is_best = self.keep_if_best(run, number, &valid)?;
        let row = MetricsRow {
            epoch: number,
            learning_rate,
            train_loss: self.state.train.mean_loss(),
            seconds: start.elapsed().as_secs_f64(),
            steps_per_second: (self.state.train.steps - steps_before) as f64 / train_time.as_secs_f64().max(1e-9),
            steps,
            valid,
        };
        metrics.add(&row)?;
        progress.epoch(&row, is_best);
        let solved = self.task.goal().is_some_and(|goal| reaches(&goal, &row.valid) == Some(true));
        let steps_to_goal = self.state.steps_to_goal.or(solved.then_some(steps));
        let best = self.state.best.take();
        self.state = State { epochs: number, steps, best, steps_to_goal, ..State::default() };
        Ok(Ending::Finished)
    }

    /// The parts of an epoch that are still to be learned from.
    fn learn(&mut self, parts: &Epoch<'_>, run: &RunDirectory, progress: &Progress, stop: &Stop) -> Result<Ending> {
        let pause = Duration::try_from_secs_f64(60.0 * self.config.training.checkpoint_minutes).unwrap_or(Duration::MAX);
        let mut saved = Instant::now();
        for index in self.state.batch as usize..parts.len() {
            if stop.requested() {
                return Ok(Ending::Stopped);
            }
            self.learner.set_learning_rate(self.learning_rate(index, parts.len())).context("optimizer.schedule")?;
            let began = Instant::now();
            let score = parts.learn(&mut self.learner, index)?;
            if !self.foretold {
                self.foretold = true;
                self.foretell(began.elapsed(), score.steps, parts, index, progress);
            }
            self.state.train += score;
            self.state.batch += 1;
            progress.part(self.state.epochs + 1, score.steps, &self.state.train);
            if saved.elapsed() >= pause && self.state.batch < parts.len() as u64 {
                self.save(run)?;
                saved = Instant::now();
            }
        }
        // Where a run was stopped after this, it is done again and finds nothing to do.
        parts.finish(&mut self.learner)?;
        Ok(Ending::Finished)
    }

    /// Says how long an epoch will take, from what its first part has taken, and what would be cheaper.
    fn foretell(&self, time: Duration, steps: u64, parts: &Epoch<'_>, part: usize, progress: &Progress) {
        let measured = forecast::Measured {
            time,
            steps,
            epoch_steps: self.epoch_steps,
            epochs: self.config.training.epochs.saturating_sub(self.state.epochs),
            trace_bytes: self.learner.trace_bytes(),
            peak_bytes: ostl_bench::memory::resident_kib("VmHWM").ok().map(|kib| kib.saturating_mul(1024)),
        };
        if progress.is_seen() && measured.is_long() {
            progress.say(&measured.in_words());
            let method = self.config.method().for_sequences_of(feed::longest(self.task));
            let cheaper = measured.cheaper(self.learner.network(), self.task.loss(), &method, &parts.build(part));
            cheaper.into_iter().for_each(|line| progress.say(&line));
        }
    }

    /// The learning rate for one of the parts of the epoch at hand.
    fn learning_rate(&self, part: usize, parts: usize) -> f64 {
        let (schedule, every) = self.config.schedule();
        self.config.optimizer().learning_rate * schedule.factor(every.position(self.state.epochs, part, parts))
    }

    /// Writes the weights down if no epoch before was as good, and says whether it was so. The first epoch is the best so far, whatever it
    /// comes to.
    fn keep_if_best(&mut self, run: &RunDirectory, epoch: u64, valid: &Figures) -> Result<bool> {
        let by = self.config.training.best;
        let best = self.state.best.as_ref().map(|best| best.valid.get(by));
        let is_best = best.is_none_or(|best| feed::is_better(by, valid.get(by), best));
        if is_best {
            let best = Best { epoch, valid: valid.clone() };
            let parameters = self.learner.network().parameters().to_vec();
            run.write_best(&self.identity, &BestWeights { best: best.clone(), parameters })?;
            self.state.best = Some(best);
        }
        Ok(is_best)
    }

    /// The learner with the best weights of the run.
    pub(crate) fn into_best(self, run: &RunDirectory) -> Result<(Learner<f32>, Best)> {
        with_best(self.learner, self.task, run)
    }
}

/// What a checkpoint is known by: the network, and the vocabulary where its inputs are words or characters, whose numbers would mean others
/// in another text.
fn identity(learner: &Learner<f32>, task: &dyn Task) -> String {
    let description = learner.network().description();
    match task.vocabulary() {
        Some(vocabulary) => format!("{description}, vocabulary {:016x}", vocabulary.fingerprint()),
        None => description,
    }
}

/// The learner with the best weights of a run.
pub(crate) fn with_best(mut learner: Learner<f32>, task: &dyn Task, run: &RunDirectory) -> Result<(Learner<f32>, Best)> {
    let BestWeights { best, parameters } = run.read_best(&identity(&learner, task))?;
    learner.network_mut().copy_parameters(&parameters)?;
    Ok((learner, best))
}

#[cfg(test)]
mod tests;
