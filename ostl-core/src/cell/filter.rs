//! A leaky sum of a unit's outputs that something beyond the unit keeps: one more variable of the unit.

/// A leaky sum of a layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Filter {
    /// λ.
    pub(crate) factor: f64,
    /// What y_t counts in F_t.
    pub(crate) gain: f64,
    pub(crate) source: Source,
}

/// What reads the filtered output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The state of the layer above.
    Above,
    /// The units' firing rates, which the error counts.
    Rate,
    /// The unit itself, at the next step, through its own connection in H: F is y.
    Itself,
}
