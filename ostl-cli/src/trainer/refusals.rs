//! What becomes of an update that would not be finite, as `training.on_non_finite` says.

use anyhow::{Context, Error, Result, anyhow};
use ostl_core::LearnError;

use super::Trainer;
use crate::config::{Config, OnNonFinite};
use crate::progress::Progress;
use crate::run_directory::RunDirectory;

/// Halvings of the learning rate after which nothing more is to be hoped for.
const MOST_HALVINGS: u32 = 30;

/// How training goes on after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next batch or stretch.
    PassOver,
    /// With the epoch's first.
    StartOver,
}

/// Where the number that is not finite was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Learning,
    Validating,
}

impl Trainer<'_> {
    /// After an error: how to go on, if it was a number that is not finite and the configuration says so; else the error, with advice that
    /// fits the run.
    pub(super) fn refused(&mut self, error: Error, met: Met, run: &RunDirectory, progress: &Progress) -> Result<Next> {
        let Some((what, is_first)) = in_words(&error) else {
            return Err(error.context(format!("epoch {}", self.state.epochs + 1)));
        };
        let policy = self.config.training.on_non_finite;
        // Passing over a part of what is learned from does not mend weights that are far too large.
        if policy == OnNonFinite::Stop || (policy, met) == (OnNonFinite::Skip, Met::Validating) {
            return Err(self.advised(&what, is_first, run));
        }
        self.state.skipped += 1;
        if policy == OnNonFinite::Skip {
            if self.state.skipped == 1 {
                progress.say(&format!("epoch {}: {what}; passed over, as others will be", self.state.epochs + 1));
            }
            return Ok(Next::PassOver);
        }
        if self.state.halvings == MOST_HALVINGS {
            let what = format!("{what}, after {MOST_HALVINGS} halvings of the learning rate");
            return Err(self.advised(&what, is_first, run));
        }
        self.state.halvings += 1;
        let rate = self.base_rate();
        // A run that was set to back off in the middle of an epoch does not have its start.
        let Some(outset) = self.outset.clone() else {
            progress.say(&format!("epoch {}: {what}; passed over, on at half the rate ({rate})", self.state.epochs + 1));
            return if met == Met::Learning { Ok(Next::PassOver) } else { Err(self.advised(&what, is_first, run)) };
        };
        progress.say(&format!("epoch {}: {what}; the epoch is done over at half the rate ({rate})", self.state.epochs + 1));
        self.learner.restore(outset, Vec::new()).context("going back to the start of the epoch")?;
        self.learner.learner_mut().set_clip_norm(self.config.optimizer().clip_norm).context("optimizer.clip_norm")?;
        self.state.batch = 0;
        self.state.train = ostl_core::Score::default();
        Ok(Next::StartOver)
    }

    /// The error of a run that ends for a number that is not finite.
    pub(super) fn advised(&self, what: &str, is_first: bool, run: &RunDirectory) -> Error {
        let epoch = self.state.epochs + 1;
        if is_first {
            return anyhow!(
                "epoch {epoch}: {what}. No update was made yet: look at the data for values that are far too large"
            );
        }
        let advice = advice(self.config, self.base_rate());
        anyhow!(
            "epoch {epoch}: {what}; the last checkpoint is sound. Go on from it with ostl train --resume {} and {advice}",
            run.path().display()
        )
    }

    /// The learning rate before its schedule.
    pub(super) fn base_rate(&self) -> f64 {
        self.config.optimizer().learning_rate * 0.5_f64.powi(self.state.halvings as i32)
    }
}

/// What might help a run with these settings.
fn advice(config: &Config, rate: f64) -> String {
    let optimizer = config.optimizer();
    let mut advice = format!("a smaller rate (--set optimizer.learning_rate={})", short(rate / 10.0));
    // Where gradients are clipped, it is not the size of single ones.
    if optimizer.clip_norm.is_none() {
        advice += ", with clipping (--set optimizer.clip_norm=1)";
    }
    match config.training.on_non_finite {
        OnNonFinite::Stop => advice += ", or passing such batches over (--set training.on_non_finite=skip; or back-off)",
        OnNonFinite::Skip => advice += ", or backing off (--set training.on_non_finite=back-off)",
        OnNonFinite::BackOff => {}
    }
    advice
}

/// A number with few digits.
fn short(value: f64) -> String {
    let digits = format!("{value:.1e}");
    digits.parse::<f64>().map_or(
        digits,
        |value| {
            if (1e-4..1e6).contains(&value) { value.to_string() } else { format!("{value:e}") }
        },
    )
}

/// What was not finite, and where, and whether it was so before any update could be to blame; nothing if the error is of another kind.
fn in_words(error: &Error) -> Option<(String, bool)> {
    let found = error.chain().find_map(|cause| cause.downcast_ref::<LearnError>())?;
    let LearnError::NonFinite { what, layer, name, step, updates, .. } = found else { return None };
    // Batch 3, or whatever else there is to say of the place.
    let place = error.chain().take_while(|cause| !cause.is::<LearnError>()).map(|cause| format!("{cause}: "));
    let place: String = place.collect();
    let words =
        format!("{place}step {step}: {what} is not finite, first in layer {layer} ({name}); the weights were not changed");
    Some((words, *updates == 0 && *what != "the update"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::ConfigArguments;

    #[test]
    fn advice_fits_the_settings() {
        let of = |set: &[&str]| {
            let set = set.iter().map(|&text| text.to_owned()).collect();
            let (config, _) =
                crate::config::load(&ConfigArguments { config: None, data: None, set, unset: Vec::new() }, None).unwrap();
            advice(&config, config.optimizer().learning_rate)
        };
        // The default clips to 1.
        let clipped = of(&["optimizer.learning_rate=0.5"]);
        assert!(clipped.contains("learning_rate=0.05") && !clipped.contains("clip"), "{clipped}");
        assert!(of(&["optimizer={rule='sgd', learning_rate=1e-6}"]).contains("learning_rate=1e-7"));
        assert!(of(&["optimizer={rule='sgd', learning_rate=1}"]).contains("--set optimizer.clip_norm=1"));
        assert!(of(&["training.on_non_finite=skip"]).contains("back-off"));
        assert!(!of(&["training.on_non_finite=back-off"]).contains("on_non_finite"));
    }
}
