//! SnAp-1 is kept in two ways: unit by unit beside `local`, and as the sparse pattern of order 1. At K = 1 they are the same.

use super::Learner;
use crate::cell::{Cell, Gate, Partials, Unit};
use crate::data::batch::{SequenceBatch, TargetKind};
use crate::data::loss::Loss;
use crate::learner::optimizer::OptimizerSettings;
use crate::linalg::real::Real;
use crate::method::{Carry, Method};
use crate::network::Network;

/// s = 0.8 s⁻ + a₀ − 0.3 y⁻ (if it resets), y = tanh(s + θ).
#[derive(Clone, Copy)]
struct Threshold {
    resets: bool,
}

impl Cell<1, 2> for Threshold {
    fn name(&self) -> &'static str {
        "threshold"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", true), Gate::constant("threshold").on_output()]
    }
    fn resets(&self) -> bool {
        self.resets
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> Unit<T, 1> {
        self.linearise(previous, a).0
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let (keep, reset) = (T::from_f64(0.8), T::from_f64(if self.resets { -0.3 } else { 0.0 }));
        let s = keep * previous.s[0] + a[0] + reset * previous.y;
        let y = (s + a[1]).tanh();
        let mut partials = Partials::zero();
        (partials.ds_ds, partials.ds_dy, partials.ds_da[0][0]) = ([[keep]], [reset], T::one());
        (partials.dy_ds[0], partials.dy_da[1]) = (T::one() - y * y, T::one() - y * y);
        (Unit { s: [s], y }, partials)
    }
}

/// s = 0.8 s⁻ + a₀, y = σ(a₁) tanh s: the output gate sums signals, so that y has a memory of its own.
#[derive(Clone, Copy)]
struct Gated;

impl Cell<1, 2> for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", true), Gate::new("output", true).on_output()]
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> Unit<T, 1> {
        self.linearise(previous, a).0
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let keep = T::from_f64(0.8);
        let s = keep * previous.s[0] + a[0];
        let (open, squashed) = (a[1].sigmoid(), s.tanh());
        let mut partials = Partials::zero();
        (partials.ds_ds, partials.ds_da[0][0]) = ([[keep]], T::one());
        partials.dy_ds[0] = open * (T::one() - squashed * squashed);
        partials.dy_da[1] = squashed * open * (T::one() - open);
        (Unit { s: [s], y: open * squashed }, partials)
    }
}

fn both_ways(network: &Network<f64>) {
    let mut batch = SequenceBatch::new(3, 2, TargetKind::Values, &[15, 11, 4]);
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    };
    for stream in 0..3 {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(&mut next);
            batch.values_mut(stream, step).fill_with(&mut next);
        }
    }
    batch.reset_before(0, 6);
    let new = |order| {
        let method = Method::bptt().with_carry(Carry::Snap(order)).with_window(1);
        Learner::new(network.clone(), Loss::MeanSquaredError, method, OptimizerSettings::sgd(1.0), 3).unwrap()
    };
    let (mut local, mut sparse) = (new(1), new(2));
    let second = sparse.gradient(&batch).unwrap().1.to_vec();
    sparse.engine.streaming.trace.influence().keep_pattern(network, 1, 3, 1);
    let (local, sparse) = (local.gradient(&batch).unwrap().1, sparse.gradient(&batch).unwrap().1);
    let norm = local.iter().map(|g| g * g).sum::<f64>().sqrt();
    let distance = |other: &[f64]| local.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() / norm;
    assert!(distance(sparse) < 1e-12, "{network:?}: {}", distance(sparse));
    assert!(distance(&second) > 1e-3, "{network:?}: order 2 is something else");
}

#[test]
fn snap_1_unit_by_unit_is_the_pattern_of_order_1() {
    for density in [1.0, 0.4] {
        let builder = || Network::<f64>::builder(3).seed(2);
        for resets in [false, true] {
            let cell = Threshold { resets };
            both_ways(&builder().recurrent(cell, 5).density(density).readout(2).unwrap());
            both_ways(&builder().recurrent(cell, 4).recurrent(cell, 5).density(density).readout(2).unwrap());
        }
        both_ways(&builder().recurrent(Gated, 5).density(density).readout(2).unwrap());
    }
}
