//! How far training has come.

use ostl_core::{Optimizer, Score};
use serde::{Deserialize, Serialize};

use crate::config::{Config, OnNonFinite};
use crate::figures::Figures;
use crate::run_directory::Row;

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Counted from 1.
    pub(crate) epoch: u64,
    pub(crate) valid: Figures,
}

/// How far training has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub(crate) epochs: u64,
    /// Steps taken in them, summed over streams.
    pub(super) steps: u64,
    /// Batches or stretches done of the epoch after them.
    pub(super) batch: u64,
    /// What those came to.
    pub(super) train: Score,
    /// Norms of the gradients of those.
    #[serde(default)]
    pub(super) norms: Norms,
    /// How many updates were refused in that epoch.
    pub(super) skipped: u64,
    /// How often the learning rate was halved.
    pub(crate) halvings: u32,
    pub(crate) best: Option<Best>,
    /// Epochs that were done when the best one so far was lost, with its weights; 0 as a rule.
    pub(super) best_lost_after: u64,
    /// Steps taken when the validation figure first was as good as the task's goal.
    pub(crate) steps_to_goal: Option<u64>,
    /// What each epoch came to.
    pub(crate) rows: Vec<Row>,
    /// The settings that may be set anew, as they are.
    pub(super) in_force: InForce,
    /// What was set anew when the run was resumed.
    pub(crate) changes: Vec<Change>,
}

/// Norms of gradients, for their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Norms {
    sum: f64,
    count: u64,
}

impl Norms {
    /// That of the last update, if there were any since the first `updates`.
    pub(super) fn add_since(&mut self, updates: u64, optimizer: &Optimizer<f32>) {
        if let Some(norm) = optimizer.gradient_norm().filter(|_| optimizer.updates() > updates) {
            self.sum += norm;
            self.count += 1;
        }
    }

    pub(super) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Settings that decide what is learned and may be set anew when a run is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InForce {
    pub(super) learning_rate: f64,
    pub(super) clip_norm: Option<f64>,
    on_non_finite: OnNonFinite,
}

/// Something that a resumed run does not do as it did before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Epochs done when it was changed, and batches or stretches of the next.
    pub(crate) after_epochs: u64,
    pub(crate) after_batches: u64,
    /// A key of the configuration, or `data`.
    pub(crate) key: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl InForce {
    fn of(config: &Config) -> Self {
        let optimizer = config.optimizer();
        Self {
            learning_rate: optimizer.learning_rate,
            clip_norm: optimizer.clip_norm,
            on_non_finite: config.training.on_non_finite,
        }
    }

    /// Each by its key and in words.
    fn in_words(self) -> [(&'static str, String); 3] {
        [
            ("optimizer.learning_rate", self.learning_rate.to_string()),
            ("optimizer.clip_norm", self.clip_norm.map_or_else(|| "none".into(), |norm| norm.to_string())),
            ("training.on_non_finite", self.on_non_finite.name().into()),
        ]
    }
}

impl State {
    /// Before the first step.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            epochs: 0,
            steps: 0,
            batch: 0,
            train: Score::default(),
            norms: Norms::default(),
            skipped: 0,
            halvings: 0,
            best: None,
            best_lost_after: 0,
            steps_to_goal: None,
            rows: Vec::new(),
            in_force: InForce::of(config),
            changes: Vec::new(),
        }
    }

    /// Whether the epoch at hand is begun.
    pub(crate) fn is_within(&self) -> bool {
        self.batch > 0
    }

    /// Updates that were refused in all.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped + self.rows.iter().map(|row| row.skipped).sum::<u64>()
    }

    /// Takes over what a resumed run sets anew, and writes it down.
    pub(super) fn set_anew(&mut self, config: &Config) {
        let (before, now) = (self.in_force, InForce::of(config));
        for ((key, from), (_, to)) in before.in_words().into_iter().zip(now.in_words()) {
            if from != to {
                self.note(key, from, to);
            }
        }
        if before.learning_rate != now.learning_rate {
            self.halvings = 0;
        }
        self.in_force = now;
    }

    /// Writes down that something is not as it was.
    pub(super) fn note(&mut self, key: &str, from: String, to: String) {
        let change = Change { after_epochs: self.epochs, after_batches: self.batch, key: key.to_owned(), from, to };
        self.changes.push(change);
    }

    /// Whether training has come to its end.
    pub(super) fn is_finished(&self, config: &Config) -> bool {
        let waited = self.epochs - self.best.as_ref().map_or(self.best_lost_after, |best| best.epoch);
        self.epochs >= config.training.epochs || config.training.patience.is_some_and(|patience| waited >= patience)
    }
}
