//! What a learner makes small: a loss, perhaps with a weight for each class and with smoothed labels.

use std::sync::Arc;

use crate::data::batch::TargetKind;
use crate::data::loss::{Loss, Target, softmax};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// Largest weight of a class; beyond it, numbers of single precision break.
const LARGEST_WEIGHT: f64 = 1e9;

/// A [`Loss`], and for the softmax cross-entropy perhaps a weight for each class and smoothed labels.
///
/// With weights w, smoothing ε and C classes, a target y costs, as in PyTorch's `CrossEntropyLoss(weight=w, label_smoothing=ε)`,
///
/// > (1 − ε) · w_y · (−ln p_y) + ε / C · Σ_c w_c · (−ln p_c),   p = softmax(logits).
///
/// **The mean.** An update is the sum of this over its targets, divided by *how many* there are, so that a target of weight w moves the weights
/// w times as far, be it the only one of an update or one of many. PyTorch's `reduction="mean"` divides by the sum of the
/// targets' w instead; there a batch of one target is not weighted at all. Over targets whose mean weight is 1
/// both are the same: `"balanced"` weights n / (C · count of c) are such ([`balanced`](Objective::balanced)). What is *reported*
/// ([`Score::mean_loss`](crate::Score::mean_loss)) is divided by the sum of the targets' w, as PyTorch does.
///
/// ```
/// use ostl_core::{Loss, Objective, Target};
///
/// let objective = Objective::from(Loss::SoftmaxCrossEntropy).with_class_weights(&[1.0, 3.0])?.with_label_smoothing(0.1)?;
/// let mut signal = [0.0; 2];
/// let loss = objective.evaluate(&[0.0, 0.0], Target::Class(1), &mut signal);
/// // 0.9 · 3 · ln 2 + 0.05 · (1 + 3) · ln 2
/// assert!((loss - 2.9 * 2_f64.ln()).abs() < 1e-12);
/// # Ok::<(), ostl_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    loss: Loss,
    /// A weight for each class; all 1 if there are none.
    weights: Option<Arc<[f64]>>,
    /// Share of a target that is spread evenly over all classes.
    smoothing: f64,
}

impl From<Loss> for Objective {
    fn from(loss: Loss) -> Self {
        Self { loss, weights: None, smoothing: 0.0 }
    }
}

impl From<&Objective> for Objective {
    fn from(objective: &Objective) -> Self {
        objective.clone()
    }
}

impl Objective {
    /// The same with a weight for each class.
    ///
    /// # Errors
    /// If the loss is one of values, or a weight is negative, not a number or larger than 10⁹, or all of them are zero.
    pub fn with_class_weights(self, weights: &[f64]) -> Result<Self, ConfigError> {
        let refuse = |value: String, allowed: &str| Err(ConfigError::out_of_range("class_weights", value, allowed));
        if self.loss.target_kind() != TargetKind::Classes {
            return refuse(format!("[{} weights]", weights.len()), "left out: the targets are values and not classes");
        }
        if let Some((class, &weight)) =
            weights.iter().enumerate().find(|(_, weight)| !(0.0..=LARGEST_WEIGHT).contains(*weight))
        {
            return refuse(
                weight.to_string(),
                &format!("a number from 0 to 1e9 for each class (here that of class {class})"),
            );
        }
        if !weights.iter().any(|&weight| weight > 0.0) {
            return refuse(format!("[{} weights, all 0]", weights.len()), "more than 0 for one class at least");
        }
        Ok(Self { weights: Some(weights.into()), ..self })
    }

    /// The same with labels smoothed by a share ε (Szegedy et al. 2016): each target is its class by 1 − ε + ε/C, and every other by ε/C.
    ///
    /// # Errors
    /// If the loss is one of values, or the share is not in 0 … 1, without 1.
    pub fn with_label_smoothing(self, smoothing: f64) -> Result<Self, ConfigError> {
        let allowed = match self.loss.target_kind() {
            TargetKind::Classes if (0.0..1.0).contains(&smoothing) => return Ok(Self { smoothing, ..self }),
            TargetKind::Classes => "0 (none) or more, and less than 1",
            TargetKind::Values => "left out: the targets are values and not classes",
        };
        Err(ConfigError::out_of_range("label_smoothing", smoothing, allowed))
    }

    /// The weights of classes that occur so often which make all classes count the same: n / (C · count), with n targets and C
    /// classes in all (scikit-learn's "balanced"). A class that does not occur weighs 0 and is not one of the C, so that the mean weight of a target is 1.
    ///
    /// ```
    /// assert_eq!(ostl_core::Objective::balanced(&[30, 10, 0]), [40.0 / 60.0, 2.0, 0.0]);
    /// ```
    pub fn balanced(counts: &[u64]) -> Vec<f64> {
        let targets = counts.iter().map(|&count| count as f64).sum::<f64>();
        let classes = counts.iter().filter(|&&count| count > 0).count() as f64;
        counts.iter().map(|&count| if count > 0 { targets / (classes * count as f64) } else { 0.0 }).collect()
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The weight of each class, where there are such.
    pub fn class_weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The share ε of smoothed labels.
    pub fn label_smoothing(&self) -> f64 {
        self.smoothing
    }

    /// Whether it is the loss alone.
    pub fn is_plain(&self) -> bool {
        self.weights.is_none() && self.smoothing == 0.0
    }

    /// What a target weighs.
    pub fn weight<T>(&self, target: Target<'_, T>) -> f64 {
        match target {
            Target::Class(class) => self.weight_of(class),
            Target::Values(_) => 1.0,
        }
    }

    fn weight_of(&self, class: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    /// Refuses weights that are not one for each of a readout's outputs.
    pub(crate) fn check_outputs(&self, outputs: usize) -> Result<(), ConfigError> {
        match &self.weights {
            Some(weights) if weights.len() != outputs => {
                let allowed = format!("a list of {outputs} weights, one for each class");
                Err(ConfigError::out_of_range("class_weights", format!("[{} weights]", weights.len()), allowed))
            }
            _ => Ok(()),
        }
    }

    /// The loss of one column of `logits`; writes ∂E/∂logits to `signal`.
    ///
    /// # Panics
    /// If the target is of the wrong kind or length, the class out of range, or there are weights for another number of classes.
    #[track_caller]
    #[inline(never)]
    pub fn evaluate<T: Real>(&self, logits: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        let Target::Class(class) = target else { return self.loss.evaluate(logits, target, signal) };
        let weight = T::from_f64(self.weight_of(class));
        if self.smoothing == 0.0 {
            let loss = self.loss.evaluate(logits, target, signal);
            if self.weights.is_some() {
                signal.iter_mut().for_each(|s| *s *= weight);
                return weight * loss;
            }
            return loss;
        }
        assert!(self.loss.target_kind() == TargetKind::Classes, "{:?} wants values", self.loss);
        assert!(class < logits.len(), "class {class} of {}", logits.len());
        let own = T::from_f64(1.0 - self.smoothing) * weight;
        let share = self.smoothing / logits.len() as f64;
        let shares = |class| T::from_f64(share * self.weight_of(class));
        let log_sum = softmax(logits, signal);
        let mut loss = own * (log_sum - logits[class]);
        let mut all = own;
        for (class, &logit) in logits.iter().enumerate() {
            loss += shares(class) * (log_sum - logit);
            all += shares(class);
        }
        for (class, p) in signal.iter_mut().enumerate() {
            *p = all * *p - shares(class);
        }
        signal[class] -= own;
        loss
    }

    /// What is set in place of a target where layers receive nothing else (target projection): what the learning signal holds of it whatever
    /// the logits. A class is its one-hot vector, times its weight and smoothed.
    pub(crate) fn write_target<T: Real>(&self, target: Target<'_, T>, to: &mut [T]) {
        match target {
            Target::Values(values) => to.copy_from_slice(values),
            Target::Class(class) => {
                let share = self.smoothing / to.len() as f64;
                for (class, place) in to.iter_mut().enumerate() {
                    *place = T::from_f64(if share == 0.0 { 0.0 } else { share * self.weight_of(class) });
                }
                to[class] += T::from_f64((1.0 - self.smoothing) * self.weight_of(class));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSS: Loss = Loss::SoftmaxCrossEntropy;
    const WEIGHTS: [f64; 5] = [0.5, 2.0, 0.0, 1.0, 3.5];

    fn objectives() -> Vec<Objective> {
        let plain = Objective::from(LOSS);
        vec![
            plain.clone().with_class_weights(&WEIGHTS).unwrap(),
            plain.clone().with_label_smoothing(0.3).unwrap(),
            plain.with_class_weights(&WEIGHTS).unwrap().with_label_smoothing(0.3).unwrap(),
        ]
    }

    #[test]
    fn signals_are_derivatives() {
        let logits = [0.3, -1.0, 2.0, 0.7, -0.2];
        for objective in objectives() {
            for class in 0..5 {
                let (mut signal, mut scratch) = ([0.0; 5], [0.0; 5]);
                objective.evaluate(&logits, Target::Class(class), &mut signal);
                for i in 0..5 {
                    let mut at = |shift: f64| {
                        let mut moved = logits;
                        moved[i] += shift;
                        objective.evaluate(&moved, Target::Class(class), &mut scratch)
                    };
                    let slope: f64 = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((slope - signal[i]).abs() < 1e-9, "{objective:?} {class} {i}: {slope} {}", signal[i]);
                }
            }
        }
    }

    /// PyTorch's formula, term by term, with p by hand: softmax of (ln 1, ln 2, ln 5) is (1/8, 2/8, 5/8).
    #[test]
    fn values_by_hand() {
        let logits = [1_f64, 2.0, 5.0].map(f64::ln);
        let costs = [8_f64, 4.0, 1.6].map(f64::ln);
        let mut signal = [0.0; 3];
        let weighted = Objective::from(LOSS).with_class_weights(&[1.0, 3.0, 0.5]).unwrap();
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        close(weighted.evaluate(&logits, Target::Class(1), &mut signal), 3.0 * costs[1]);
        signal.into_iter().zip([0.375, -2.25, 1.875]).for_each(|(found, expected)| close(found, expected));
        let smoothed = Objective::from(LOSS).with_label_smoothing(0.3).unwrap();
        let all: f64 = costs.iter().sum();
        close(smoothed.evaluate(&logits, Target::Class(1), &mut signal), 0.7 * costs[1] + 0.1 * all);
        signal.into_iter().zip([0.025, -0.55, 0.525]).for_each(|(found, expected)| close(found, expected));
        let both = weighted.with_label_smoothing(0.3).unwrap();
        let all = costs[0] + 3.0 * costs[1] + 0.5 * costs[2];
        close(both.evaluate(&logits, Target::Class(1), &mut signal), 0.7 * 3.0 * costs[1] + 0.1 * all);
        // (2.1 + 0.45) p − 2.1 at the class − 0.1 w.
        signal.into_iter().zip([0.21875, -1.7625, 1.54375]).for_each(|(found, expected)| close(found, expected));
        let mut told = [9.0; 3];
        both.write_target(Target::Class(1), &mut told);
        told.into_iter().zip([0.1, 2.4, 0.05]).for_each(|(found, expected)| close(found, expected));
    }

    #[test]
    fn without_weights_and_smoothing_nothing_changes() {
        let logits: Vec<f32> = (0..70).map(|i| (i as f32 * 0.7).sin()).collect();
        let (mut plain, mut found) = (vec![0.0; 70], vec![0.0; 70]);
        let expected = LOSS.evaluate(&logits, Target::Class(9), &mut plain);
        let ones = Objective::from(LOSS).with_class_weights(&[1.0; 70]).unwrap();
        for objective in [Objective::from(LOSS), ones] {
            assert_eq!(objective.evaluate(&logits, Target::Class(9), &mut found), expected);
            assert_eq!(plain, found);
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let objective = Objective::from(LOSS).with_class_weights(&[2.0, 0.0]).unwrap().with_label_smoothing(0.1).unwrap();
        let mut signal = [0.0_f32; 2];
        for x in [1e4_f32, 1e30] {
            for class in 0..2 {
                let loss = objective.evaluate(&[x, -x], Target::Class(class), &mut signal);
                assert!(loss.is_finite() && loss >= 0.0 && signal.iter().all(|s| s.is_finite()), "{loss} {signal:?}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let says = |result: Result<Objective, ConfigError>, words: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        let weights = |weights: &[f64]| Objective::from(LOSS).with_class_weights(weights);
        says(
            weights(&[1.0, -0.5]),
            "class_weights = -0.5: must be a number from 0 to 1e9 for each class (here that of class 1)",
        );
        says(weights(&[f64::NAN]), "class_weights = NaN");
        says(weights(&[f64::INFINITY]), "class_weights = inf");
        says(weights(&[0.0, 0.0]), "class_weights = [2 weights, all 0]: must be more than 0");
        says(
            Objective::from(Loss::MeanSquaredError).with_class_weights(&[1.0]),
            "class_weights = [1 weights]: must be left out",
        );
        for wrong in [1.0, -0.1, f64::NAN] {
            says(Objective::from(LOSS).with_label_smoothing(wrong), "label_smoothing = ");
        }
        says(Objective::from(Loss::BinaryCrossEntropy).with_label_smoothing(0.0), "label_smoothing = 0: must be left out");
        assert!(weights(&[1.0, 2.0]).unwrap().check_outputs(3).unwrap_err().to_string().contains("a list of 3 weights"));
    }

    #[test]
    fn balanced_weights_have_the_mean_one() {
        let counts = [95_u64, 5];
        let weights = Objective::balanced(&counts);
        assert_eq!(weights, [100.0 / 190.0, 10.0]);
        let counts = [7_u64, 0, 1, 4];
        let mean: f64 = Objective::balanced(&counts).iter().zip(counts).map(|(w, n)| w * n as f64).sum::<f64>() / 12.0;
        assert!((mean - 1.0).abs() < 1e-15);
        assert_eq!(Objective::balanced(&[0, 0]), [0.0, 0.0]);
    }
}
