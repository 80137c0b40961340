//! Several heads on one network: ranges of its outputs side by side, each with a loss and a weight of its own.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::data::loss_function::LossFunction;
use crate::data::objective::Objective;
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// One head: some of a network's outputs, and the loss that they are learned by.
#[derive(Clone)]
pub struct Head<T: Real> {
    /// Empty where it is the readout as a whole, and it was given no name.
    name: Arc<str>,
    first: usize,
    outputs: usize,
    weight: f64,
    loss: Arc<dyn LossFunction<T>>,
    /// What is reported: the loss without the weights of classes and smoothed labels.
    plain: Arc<dyn LossFunction<T>>,
}

impl<T: Real> Head<T> {
    /// A head with `outputs` outputs, of a [`Loss`](crate::Loss) or of an [`Objective`] with weights for classes or smoothed labels. Its weight is 1.
    pub fn new(name: impl Into<Arc<str>>, outputs: usize, objective: impl Into<Objective>) -> Self {
        let objective = objective.into();
        let plain = Arc::new(objective.loss());
        Self::of_losses(name, outputs, [Arc::new(objective), plain])
    }

    /// The same with any loss, which it is evaluated by, too.
    pub fn with_loss(name: impl Into<Arc<str>>, outputs: usize, loss: Arc<dyn LossFunction<T>>) -> Self {
        Self::of_losses(name, outputs, [loss.clone(), loss])
    }

    /// Learned by one loss and reported by another.
    pub(crate) fn of_losses(
        name: impl Into<Arc<str>>,
        outputs: usize,
        [loss, plain]: [Arc<dyn LossFunction<T>>; 2],
    ) -> Self {
        Self { name: name.into(), first: 0, outputs, weight: 1.0, loss, plain }
    }

    /// The same with a weight: its loss and learning signal are multiplied by that, beside those of other heads.
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// What its loss is multiplied by.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The loss, without the head's weight.
    pub fn loss(&self) -> &dyn LossFunction<T> {
        &*self.loss
    }

    pub(crate) fn plain(&self) -> &dyn LossFunction<T> {
        &*self.plain
    }

    /// Its place among the network's outputs.
    pub(crate) fn range(&self) -> Range<usize> {
        self.first..self.first + self.outputs
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// What goes before words about this head: nothing where it is the readout as a whole.
    pub(crate) fn in_words(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!("head {:?}: ", self.name) }
    }
}

impl<T: Real> fmt::Debug for Head<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, outputs, weight, .. } = self;
        f.debug_struct("Head").field("name", name).field("outputs", outputs).field("weight", weight).finish_non_exhaustive()
    }
}

/// The heads of a network: they lie side by side in its outputs, in this order. [`Learner::with_heads`](crate::Learner::with_heads) learns them
/// together, [`SequenceBatch::for_heads`](crate::SequenceBatch::for_heads) has targets for each.
///
/// With heads h of weights w_h, the error is E = Σ_h w_h Σ (loss of h over its targets). At any step of any stream any head may have no target:
/// its outputs then have no error.
///
/// **The mean.** An update is ∇E divided by the number of *steps that have a target*, summed over streams: a step counts once, however many
/// heads have a target there. So the error of a step is Σ_h w_h · loss_h, a head more does not make the others learn more slowly, and
/// a head with few targets has, of the mean, the share of its targets; its weight is there to give it more.
///
/// ```
/// use ostl_core::{Head, Heads, Loss};
///
/// let class = Head::new("class", 3, Loss::SoftmaxCrossEntropy).weighted(0.5);
/// let heads = Heads::<f32>::new([class, Head::new("value", 1, Loss::MeanSquaredError)])?;
/// assert_eq!((heads.range("value"), heads.outputs()), (3..4, 4));
/// # Ok::<(), ostl_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Heads<T: Real> {
    heads: Vec<Head<T>>,
}

impl<T: Real> Heads<T> {
    /// These heads, the first with the first outputs.
    ///
    /// # Errors
    /// If there are none, a name is empty or given twice, a head has no output or more than its loss is made for, or a weight is not a positive finite
    /// number in the scalar's precision.
    pub fn new(heads: impl IntoIterator<Item = Head<T>>) -> Result<Self, ConfigError> {
        Self::checked(heads.into_iter().collect())
    }

    #[inline(never)]
    pub(crate) fn checked(mut heads: Vec<Head<T>>) -> Result<Self, ConfigError> {
        if heads.is_empty() {
            return Err(ConfigError::out_of_range("heads", 0, "at least 1"));
        }
        let mut first = 0_usize;
        for index in 0..heads.len() {
            let (before, rest) = heads.split_at_mut(index);
            let head = &mut rest[0];
            let refuse = |field: &str, value: String, allowed: &str| {
                Err(ConfigError::out_of_range(format!("{field} of head {:?}", head.name), value, allowed))
            };
            if head.name.is_empty() || before.iter().any(|other| other.name == head.name) {
                let allowed = "a name that no other head has, and not empty";
                return Err(ConfigError::out_of_range(format!("name of head {index}"), format!("{:?}", head.name), allowed));
            }
            let Some(next) = first.checked_add(head.outputs).filter(|_| head.outputs > 0) else {
                return refuse("outputs", head.outputs.to_string(), "at least 1, and as many as the network has in all");
            };
            let weight = T::from_f64(head.weight);
            if !weight.is_finite() || weight <= T::zero() {
                return refuse("weight", head.weight.to_string(), &format!("a positive number that {} can hold", T::NAME));
            }
            head.loss.check_outputs(head.outputs).map_err(|error| of_head(&head.name, error))?;
            head.first = first;
            first = next;
        }
        Ok(Self { heads })
    }

    /// The readout as a whole, learned by one loss and reported by another.
    pub(crate) fn whole(outputs: usize, losses: [Arc<dyn LossFunction<T>>; 2]) -> Result<Self, ConfigError> {
        losses[0].check_outputs(outputs)?;
        Ok(Self { heads: vec![Head::of_losses("", outputs, losses)] })
    }

    /// Whether it is the readout as a whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.heads[0].name.is_empty()
    }

    /// The same, of a network with `outputs` outputs; refuses any other number.
    pub(crate) fn fitted(self, outputs: usize) -> Result<Self, ConfigError> {
        if self.outputs() == outputs {
            return Ok(self);
        }
        let found: Vec<String> = self.heads.iter().map(|head| format!("{} of {:?}", head.outputs, head.name)).collect();
        let allowed = format!("as many as the network's, which are {outputs}");
        Err(ConfigError::out_of_range("outputs of all heads", format!("{} ({})", self.outputs(), found.join(", ")), allowed))
    }

    /// The heads in the order of their outputs.
    pub fn iter(&self) -> std::slice::Iter<'_, Head<T>> {
        self.heads.iter()
    }

    pub(crate) fn count(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn first(&self) -> &Head<T> {
        &self.heads[0]
    }

    pub(crate) fn at(&self, index: usize) -> &Head<T> {
        &self.heads[index]
    }

    /// Outputs of all heads.
    pub fn outputs(&self) -> usize {
        self.heads.last().map_or(0, |last| last.range().end)
    }

    /// The head of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Head<T>> {
        self.heads.iter().find(|head| &*head.name == name)
    }

    /// Where the outputs of the head of this name are among those of the network.
    ///
    /// # Panics
    /// If there is no such head.
    #[track_caller]
    pub fn range(&self, name: &str) -> Range<usize> {
        self.heads[self.index(name)].range()
    }

    /// # Panics
    /// If there is no such head.
    #[track_caller]
    pub(crate) fn index(&self, name: &str) -> usize {
        let found = self.heads.iter().position(|head| &*head.name == name);
        found.unwrap_or_else(|| panic!("no head {name:?} among {}", self.names()))
    }

    /// All names, in words.
    pub(crate) fn names(&self) -> String {
        self.heads.iter().map(|head| format!("{:?}", head.name)).collect::<Vec<_>>().join(", ")
    }
}

/// What a loss said of its outputs, and of which head.
fn of_head(name: &str, error: ConfigError) -> ConfigError {
    match error {
        ConfigError::OutOfRange { field, value, allowed } => {
            ConfigError::out_of_range(format!("{field} of head {name:?}"), value, allowed)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::loss::Loss;

    const CLASS: Loss = Loss::SoftmaxCrossEntropy;

    fn says(heads: Vec<Head<f32>>, words: &str) {
        let error = Heads::new(heads).unwrap_err().to_string();
        assert_eq!(error, words);
    }

    #[test]
    fn ranges_lie_side_by_side() {
        let heads = Heads::<f32>::new([
            Head::new("a", 3, CLASS),
            Head::new("b", 1, Loss::MeanSquaredError).weighted(0.25),
            Head::new("c", 2, Loss::BinaryCrossEntropy),
        ]);
        let heads = heads.unwrap();
        assert_eq!(["a", "b", "c"].map(|name| heads.range(name)), [0..3, 3..4, 4..6]);
        assert_eq!((heads.outputs(), heads.get("b").unwrap().weight()), (6, 0.25));
        assert!(heads.get("d").is_none());
        let error = heads.fitted(7).unwrap_err().to_string();
        let expected =
            r#"outputs of all heads = 6 (3 of "a", 1 of "b", 2 of "c"): must be as many as the network's, which are 7"#;
        assert_eq!(error, expected);
    }

    #[test]
    #[should_panic(expected = r#"no head "clas" among "class""#)]
    fn a_name_that_nobody_has_is_said() {
        Heads::<f32>::new([Head::new("class", 3, CLASS)]).unwrap().range("clas");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let head = |name: &str, outputs| Head::new(name, outputs, CLASS);
        says(vec![], "heads = 0: must be at least 1");
        let name = |index, name: &str| {
            format!("name of head {index} = {name:?}: must be a name that no other head has, and not empty")
        };
        says(vec![head("a", 2), head("", 2)], &name(1, ""));
        says(vec![head("a", 2), head("b", 2), head("a", 3)], &name(2, "a"));
        let outputs = r#"must be at least 1, and as many as the network has in all"#;
        says(vec![head("a", 0)], &format!(r#"outputs of head "a" = 0: {outputs}"#));
        says(vec![head("a", 2), head("b", usize::MAX)], &format!(r#"outputs of head "b" = {}: {outputs}"#, usize::MAX));
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            let allowed = "must be a positive number that f32 can hold";
            says(vec![head("a", 2).weighted(weight)], &format!(r#"weight of head "a" = {weight}: {allowed}"#));
        }
        let weighted = Objective::from(CLASS).with_class_weights(&[1.0, 2.0]).unwrap();
        says(
            vec![head("a", 2), Head::new("b", 3, weighted)],
            r#"class_weights of head "b" = [2 weights]: must be a list of 3 weights, one for each class"#,
        );
    }
}
