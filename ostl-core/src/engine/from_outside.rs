//! What comes from outside beside the readout's errors: signals for hidden layers, and feedback matrices of one's own.

use super::Engine;
use crate::engine::error::EngineError;
use crate::linalg::real::Real;
use crate::method::Feedback;
use crate::method::feedback::FeedbackWeights;
use crate::record::refused;
use crate::refusal::ConfigError;

impl<T: Real> Engine<T> {
    /// ∂E/∂y of a hidden layer at the step just predicted, for one stream, one value per unit, beside what comes down from the layers above
    /// (an auxiliary error, a signal that another network makes). Goes between [`predict`](Engine::predict) and [`learn`](Engine::learn); given twice
    /// it is added twice. The gradient of this part is as exact for the layer and those below as if the layer were the topmost of its kind. While
    /// [frozen](Engine::set_frozen) it is only checked. The first signal for a layer makes room for those of a window.
    ///
    /// # Errors
    /// If the layer is the readout, whose errors `learn` takes, or there is none, the values are not one a unit or not finite, or nothing was
    /// predicted.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn signal_hidden(&mut self, layer: usize, stream: usize, error: &[T]) -> Result<(), EngineError> {
        assert!(stream < self.streams(), "stream {stream} of {}", self.streams());
        self.check_awaits_target()?;
        let hidden = self.network.depth() - 1;
        if layer >= hidden {
            let allowed = format!("a hidden layer: below {hidden}");
            return Err(ConfigError::out_of_range("layer", layer, allowed).into());
        }
        let units = self.network.layers[layer].units();
        if error.len() != units {
            return Err(EngineError::Shape {
                what: "values of a hidden layer's signal",
                found: error.len(),
                expected: units,
            });
        }
        if let Some(output) = error.iter().position(|value| !value.is_finite()) {
            let (part, value) = ("signal of a hidden layer", error[output].to_f64());
            return Err(EngineError::Signal { stream, output, part, value });
        }
        if self.frozen {
            return Ok(());
        }
        let step = self.streaming.lanes.steps() - 1;
        let (lane, place) = self.streaming.lanes.find(stream);
        let lane = &mut self.streaming.lanes.lanes[lane];
        lane.sweep.add_from_outside(layer, step * lane.tape.active + place, error);
        // A rolling window looks back from steps that have an error.
        lane.has_error = true;
        Ok(())
    }

    /// Puts matrices of one's own in the place of those that the method's seed draws ([`Feedback::Random`], [`Feedback::Direct`],
    /// [`Feedback::TargetProjection`]): take [`FeedbackWeights::new`], change them, and hand them over. They are saved with a learner.
    ///
    /// # Errors
    /// If the method's feedback is symmetric, the matrices have other shapes, or one holds a number that is not finite.
    pub fn set_feedback(&mut self, weights: FeedbackWeights<T>) -> Result<(), ConfigError> {
        if self.method.feedback == Feedback::Symmetric {
            let allowed = "random, direct or target-projection: symmetric feedback is made of the weights";
            return Err(ConfigError::out_of_range("feedback", "symmetric", allowed));
        }
        let drawn = FeedbackWeights::new(&self.network, &self.method);
        for layer in 1..self.network.depth() {
            let (own, expected) = (weights.shape(layer), drawn.shape(layer));
            if own != expected {
                return Err(refused(
                    &format!("feedback.layers.{layer}"),
                    &format!("{own:?}"),
                    &format!("of shape {expected:?}"),
                ));
            }
        }
        if let Some(value) = weights.first_not_finite() {
            return Err(ConfigError::out_of_range("feedback", value, "a finite number"));
        }
        self.close_past_windows();
        self.streaming.lanes.set_feedback(&weights);
        self.own_feedback = Some(weights);
        Ok(())
    }

    /// Own feedback in a state that was made anew.
    pub(crate) fn follow_feedback(&mut self) {
        if let Some(weights) = &self.own_feedback {
            self.streaming.lanes.set_feedback(weights);
        }
    }
}
