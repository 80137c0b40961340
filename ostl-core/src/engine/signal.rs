//! What comes from outside after a prediction: how the error changes with the outputs.

/// The error of one stream's step, as far as the network has to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal<'a, T> {
    /// ∂E/∂y of the step's outputs, one for each.
    pub error: &'a [T],
    /// The target y* itself, one value for each output: only [`Feedback::TargetProjection`](crate::Feedback::TargetProjection) reads it.
    pub target: Option<&'a [T]>,
}

impl<'a, T> Signal<'a, T> {
    /// An error without its target.
    pub fn of_error(error: &'a [T]) -> Self {
        Self { error, target: None }
    }

    /// An error and the target that it comes from.
    pub fn with_target(error: &'a [T], target: &'a [T]) -> Self {
        Self { error, target: Some(target) }
    }
}
