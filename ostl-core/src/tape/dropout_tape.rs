//! What dropout leaves of a window.

use crate::linalg::real::Real;

/// What a layer with dropout reads over a window.
#[derive(Clone, Debug, Default)]
pub(crate) struct DropoutTape<T: Real> {
    /// The masks: `m × columns`.
    pub(crate) mask: Vec<T>,
    /// The values below times the masks.
    pub(crate) values: Vec<T>,
}
