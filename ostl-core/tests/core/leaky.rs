//! Cells, networks and a batch that the tests of what leaks share.

use ostl_core::{Cell, Gate, Leak, Network, NetworkBuilder, Partials, Real, SequenceBatch, TargetKind, Unit};

pub(crate) const KAPPA: f64 = 0.85;

/// s = κ s⁻ + ½ a, y = s.
#[derive(Clone, Copy)]
pub(crate) struct Readout;

impl Cell<1, 1> for Readout {
    fn name(&self) -> &'static str {
        "leak"
    }
    fn gates(&self) -> [Gate; 1] {
        [Gate::new("current", false)]
    }
    fn leak(&self) -> Option<Leak> {
        Some(Leak { factor: KAPPA, gain: 0.5, is_all: true })
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> Unit<T, 1> {
        let s = T::from_f64(KAPPA) * previous.s[0] + T::from_f64(0.5) * a;
        Unit { s: [s], y: s }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::from_f64(KAPPA)]];
        partials.ds_da = [[T::from_f64(0.5)]];
        partials.dy_ds = [T::one()];
        (self.step(previous, a), partials)
    }
}

/// s = 0.7 s⁻ + a₀ − y⁻, y = step or σ of 4 (s + a₁); the reset may carry a gradient or not.
#[derive(Clone, Copy)]
pub(crate) struct Leaky {
    pub(crate) recurrent: bool,
    pub(crate) detached: bool,
    pub(crate) spikes: bool,
}

impl Cell<1, 2> for Leaky {
    fn name(&self) -> &'static str {
        "leaky"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", self.recurrent), Gate::constant("threshold").on_output()]
    }
    fn resets(&self) -> bool {
        !self.detached
    }
    fn detaches_reset(&self) -> bool {
        self.detached
    }
    fn is_smooth(&self) -> bool {
        !self.spikes
    }
    fn leak(&self) -> Option<Leak> {
        Some(Leak { factor: 0.7, gain: 1.0, is_all: self.detached })
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a, b]: [T; 2]) -> Unit<T, 1> {
        let s = T::from_f64(0.7) * previous.s[0] + a - previous.y;
        let soft = (T::from_f64(4.0) * (s + b)).sigmoid();
        let hard = T::one().if_or(s + b > T::zero(), T::zero());
        Unit { s: [s], y: hard.if_or(self.spikes, soft) }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let unit = self.step(previous, a);
        let soft = (T::from_f64(4.0) * (unit.s[0] + a[1])).sigmoid();
        let slope = T::from_f64(4.0) * soft * (T::one() - soft);
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::from_f64(0.7)]];
        partials.ds_dy = [T::zero().if_or(self.detached, -T::one())];
        partials.ds_da = [[T::one(), T::zero()]];
        partials.dy_ds = [slope];
        partials.dy_da = [T::zero(), slope];
        (unit, partials)
    }
}

/// An LSTM's essence: s = σ(a₀) s⁻ + tanh a₁, y = σ(a₂) tanh s, so that y has a memory of its own.
#[derive(Clone, Copy)]
pub(crate) struct Gated {
    pub(crate) recurrent: bool,
}

impl Cell<1, 3> for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }
    fn gates(&self) -> [Gate; 3] {
        let gate = |name| Gate::new(name, self.recurrent);
        [gate("forget"), gate("input"), gate("output").on_output()]
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> Unit<T, 1> {
        let s = a[0].sigmoid() * previous.s[0] + a[1].tanh();
        Unit { s: [s], y: a[2].sigmoid() * s.tanh() }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> (Unit<T, 1>, Partials<T, 1, 3>) {
        let one = T::one();
        let unit = self.step(previous, a);
        let (f, u, o, squashed) = (a[0].sigmoid(), a[1].tanh(), a[2].sigmoid(), unit.s[0].tanh());
        let mut partials = Partials::zero();
        partials.ds_ds = [[f]];
        partials.ds_da = [[previous.s[0] * f * (one - f), one - u * u, T::zero()]];
        partials.dy_ds = [o * (one - squashed * squashed)];
        partials.dy_da = [T::zero(), T::zero(), squashed * o * (one - o)];
        (unit, partials)
    }
}

pub(crate) fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    }
}

/// Ragged, with resets, targets at some steps.
pub(crate) fn batch(inputs: usize, outputs: usize) -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &[19, 16, 16, 9, 1]);
    let mut next = random(7);
    for stream in 0..5 {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(|| 1.6 * next() + 0.4);
            if next() > -0.2 || step == 0 {
                batch.set_class(stream, step, (step + stream) % outputs);
            }
            if next() > 0.8 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

pub(crate) fn finish(network: Result<Network<f64>, ostl_core::ConfigError>) -> Network<f64> {
    let mut network = network.unwrap();
    let mut next = random(3);
    network.parameters_mut().iter_mut().for_each(|p| *p += 0.2 * next());
    network
}

pub(crate) fn builder() -> NetworkBuilder<f64> {
    Network::builder(3).seed(5)
}

pub(crate) const LOSS: ostl_core::Loss = ostl_core::Loss::SoftmaxCrossEntropy;
