//! The training loop, and the state that it can be stopped in and gone on from bit for bit.

use std::time::Instant;

use anyhow::{Context, Result};
use ostl_core::{Learner, Network, Score, SequenceBatch};
use ostl_tasks::{Batches, Split, Task};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Source};
use crate::progress::Progress;
use crate::run_directory::{BestWeights, Checkpoint, Metrics, MetricsRow, RunDirectory};
use crate::signals::Stop;

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Counted from 1.
    pub(crate) epoch: u64,
    pub(crate) valid: Score,
}

/// How far training has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub(crate) epochs: u64,
    /// Batches done of the epoch after them.
    batch: u64,
    /// What those batches came to.
    train: Score,
    pub(crate) best: Option<Best>,
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
    learner: Learner<f32>,
    description: String,
    state: State,
}

/// The network of a configuration and a learner around it; `source` is whom to blame if it cannot be built.
pub(crate) fn learner(config: &Config, source: &Source, task: &dyn Task) -> Result<Learner<f32>> {
    let network: Network<f32> = config.network(task.inputs(), task.outputs()).map_err(|error| source.out_of_range(error))?;
    // No batch is larger than the largest split, whatever the configuration says.
    let sequences = Split::ALL.into_iter().map(|split| task.sequences(split)).max().unwrap_or(1);
    let streams = config.training.batch.min(sequences).max(1);
    let longest = (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index)).max().unwrap_or(1);
    let method = config.method().for_sequences_of(longest);
    let learner = Learner::new(network, task.loss(), method, config.optimizer(), streams);
    learner.map_err(|error| source.out_of_range(error.into()))
}

/// What the learner's network does on a split, without learning. Nothing if it was asked to stop on the way.
pub(crate) fn evaluate(
    learner: &mut Learner<f32>,
    task: &dyn Task,
    split: Split,
    batch: usize,
    stop: &Stop,
) -> Result<Option<Score>> {
    let mut sums = Score::default();
    for batch in Batches::in_order(task, split, batch).iter() {
        if stop.requested() {
            return Ok(None);
        }
        sums += learner.evaluate_batch(&batch).with_context(|| format!("evaluating the {split} split"))?;
    }
    Ok(Some(sums))
}

impl<'a> Trainer<'a> {
    /// From the start.
    pub(crate) fn new(config: &'a Config, task: &'a dyn Task, learner: Learner<f32>) -> Self {
        let description = learner.network().description();
        Self { config, task, learner, description, state: State::default() }
    }

    /// From where a run stopped.
    pub(crate) fn resume(mut self, run: &RunDirectory) -> Result<Self> {
        let checkpoint = run.read_last(&self.description)?;
        self.learner
            .restore(checkpoint.learner)
            .with_context(|| format!("{}: does not fit its config", run.path().display()))?;
        self.state = checkpoint.state;
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

    /// Steps of an epoch, and steps done, for the progress bar.
    pub(crate) fn steps(&self) -> (u64, u64) {
        let epoch = (0..self.task.sequences(Split::Train)).map(|index| self.task.steps(Split::Train, index) as u64).sum();
        (epoch, self.state.epochs.saturating_mul(epoch) + self.state.train.steps)
    }

    /// Writes the checkpoint to go on from.
    pub(crate) fn save(&self, run: &RunDirectory) -> Result<()> {
        run.write_last(&self.description, &Checkpoint { state: self.state.clone(), learner: self.learner.save() })
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
        let waited = epochs - best.map_or(0, |best| best.epoch);
        *epochs >= training.epochs || training.patience.is_some_and(|patience| waited >= patience)
    }

    /// One epoch, or the rest of one.
    fn epoch(&mut self, run: &RunDirectory, metrics: &mut Metrics, progress: &Progress, stop: &Stop) -> Result<Ending> {
        let number = self.state.epochs + 1;
        let learning_rate = self.config.optimizer().learning_rate * self.config.schedule().factor(self.state.epochs);
        self.learner.set_learning_rate(learning_rate).context("optimizer.schedule")?;

        let start = Instant::now();
        let steps_before = self.state.train.steps;
        let batches =
            Batches::shuffled(self.task, Split::Train, self.config.training.batch, self.config.seed, self.state.epochs);
        for index in self.state.batch as usize..batches.len() {
            if stop.requested() {
                return Ok(Ending::Stopped);
            }
            self.learn(&batches.build(index), number, progress)?;
        }
        let train_seconds = start.elapsed().as_secs_f64();

        let batch = self.config.training.batch;
        let Some(valid) = evaluate(&mut self.learner, self.task, Split::Valid, batch, stop)? else {
            return Ok(Ending::Stopped);
        };
        let is_best = self.state.best.is_none_or(|best| valid.mean_loss() < best.valid.mean_loss());
        if is_best {
            let best = Best { epoch: number, valid };
            run.write_best(
                &self.description,
                &BestWeights { best, parameters: self.learner.network().parameters().to_vec() },
            )?;
            self.state.best = Some(best);
        }
        let measured = crate::summary::Measured::new(&valid, self.task.loss());
        let row = MetricsRow {
            epoch: number,
            learning_rate,
            train_loss: self.state.train.mean_loss(),
            valid_loss: measured.loss,
            valid_accuracy: measured.accuracy,
            seconds: start.elapsed().as_secs_f64(),
            steps_per_second: (self.state.train.steps - steps_before) as f64 / train_seconds.max(1e-9),
        };
        metrics.add(&row)?;
        progress.epoch(&row, is_best);
        self.state = State { epochs: number, best: self.state.best, ..State::default() };
        Ok(Ending::Finished)
    }

    fn learn(&mut self, batch: &SequenceBatch<f32>, epoch: u64, progress: &Progress) -> Result<()> {
        let score =
            self.learner.learn_batch(batch).with_context(|| format!("epoch {epoch}, batch {}", self.state.batch + 1))?;
        self.state.train += score;
        self.state.batch += 1;
        progress.batch(epoch, score.steps, self.state.train.mean_loss());
        Ok(())
    }

    /// The learner with the best weights of the run.
    pub(crate) fn into_best(self, run: &RunDirectory) -> Result<(Learner<f32>, Best)> {
        with_best(self.learner, run)
    }
}

/// The learner with the best weights of a run.
pub(crate) fn with_best(mut learner: Learner<f32>, run: &RunDirectory) -> Result<(Learner<f32>, Best)> {
    let BestWeights { best, parameters } = run.read_best(&learner.network().description())?;
    learner.network_mut().copy_parameters(&parameters)?;
    Ok((learner, best))
}
