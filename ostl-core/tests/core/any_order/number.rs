//! Numbers that carry their derivatives by every parameter forward.

/// A value and its derivatives by all parameters; none where it is a constant.
#[derive(Clone, Debug, Default)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) slope: Vec<f64>,
}

impl Number {
    pub(super) fn constant(value: f64) -> Self {
        Self { value, slope: Vec::new() }
    }

    /// Adds another, `factor` times.
    pub(super) fn add(&mut self, factor: f64, other: &Self) {
        self.value += factor * other.value;
        if !other.slope.is_empty() {
            self.slope.resize(other.slope.len(), 0.0);
            self.slope.iter_mut().zip(&other.slope).for_each(|(a, b)| *a += factor * b);
        }
    }

    /// Adds a parameter, `factor` times.
    pub(super) fn add_parameter(&mut self, factor: f64, parameters: &[f64], index: usize) {
        self.value += factor * parameters[index];
        self.slope.resize(parameters.len(), 0.0);
        self.slope[index] += factor;
    }

    /// A function of one number.
    pub(super) fn map(&self, value: f64, slope: f64) -> Self {
        Self { value, slope: self.slope.iter().map(|d| slope * d).collect() }
    }

    pub(super) fn sigmoid(&self) -> Self {
        let y = 1.0 / (1.0 + (-self.value).exp());
        self.map(y, y * (1.0 - y))
    }

    pub(super) fn tanh(&self) -> Self {
        let y = self.value.tanh();
        self.map(y, 1.0 - y * y)
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = self.map(0.0, other.value);
        product.add(self.value, other);
        product
    }

    pub(super) fn detached(&self) -> Self {
        Self::constant(self.value)
    }
}
