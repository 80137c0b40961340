//! Cells with two states, resets and gates that only drive the output: what the cells of `ostl-cells` do not have together.

use ostl_core::gradient_check::{agreement, audit, central_differences, check_cell};
use ostl_core::{
    Activation, Carry, Cell, Gate, Learner, Loss, Method, Network, OptimizerSettings, Partials, Real, SequenceBatch,
    TargetKind, Unit, bptt,
};

const CARRIES: [Carry; 8] =
    [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(1), Carry::Snap(2), Carry::Uoro(1), Carry::KfRtrl];

/// v = 0.7 v⁻ + a₀ − 0.4 w⁻ y⁻, w = 0.9 w⁻ + 0.2 v⁻ y⁻ + tanh a₁, y = σ(a₂)·tanh(v + w): everything depends on everything.
#[derive(Clone, Copy)]
struct Tangled {
    recurrent: bool,
}

impl Cell<2, 3> for Tangled {
    fn name(&self) -> &'static str {
        "tangled"
    }
    fn gates(&self) -> [Gate; 3] {
        let constant = Gate::constant("leak");
        [Gate::new("current", self.recurrent), Gate::new("output", self.recurrent).on_output(), constant]
    }
    fn resets(&self) -> bool {
        true
    }
    fn initial_constant(&self, gate: usize) -> f64 {
        [0.1, 0.2, -0.3][gate]
    }
    fn step<T: Real>(&self, previous: Unit<T, 2>, a: [T; 3]) -> Unit<T, 2> {
        self.linearise(previous, a).0
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; 3]) -> (Unit<T, 2>, Partials<T, 2, 3>) {
        let (c, one) = (T::from_f64, T::one());
        let ([v0, w0], y0) = (previous.s, previous.y);
        let leak = a[2].tanh();
        let v = c(0.7) * v0 + a[0] - c(0.4) * w0 * y0;
        let w = c(0.9) * w0 + c(0.2) * v0 * y0 + leak;
        let (open, squashed) = (a[1].sigmoid(), (v + w).tanh());
        let dy = open * (one - squashed * squashed);
        let partials = Partials {
            ds_ds: [[c(0.7), -c(0.4) * y0], [c(0.2) * y0, c(0.9)]],
            ds_dy: [-c(0.4) * w0, c(0.2) * v0],
            ds_da: [[one, T::zero(), T::zero()], [T::zero(), T::zero(), one - leak * leak]],
            dy_ds: [dy, dy],
            dy_da: [T::zero(), squashed * open * (one - open), T::zero()],
        };
        (Unit { s: [v, w], y: open * squashed }, partials)
    }
}

fn batch() -> SequenceBatch<f64> {
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
    batch.reset_before(1, 9);
    batch.mask(0, 3);
    batch
}

fn networks(recurrent: bool) -> Vec<Network<f64>> {
    let builder = || Network::builder(3).seed(2);
    let cell = Tangled { recurrent };
    vec![
        builder().recurrent(cell, 4).readout(2).unwrap(),
        builder().dense(3, Activation::Tanh).recurrent(cell, 3).dense(2, Activation::Sigmoid).readout(2).unwrap(),
        builder().recurrent(cell, 3).dense(3, Activation::Tanh).recurrent(cell, 4).readout(2).unwrap(),
    ]
}

#[test]
fn partials_and_flags_hold() {
    let check = check_cell(Tangled { recurrent: true }, 500, 1);
    assert!(check.worst() < 1e-8, "{check}");
}

#[test]
fn a_wrong_partial_or_flag_is_found() {
    #[derive(Clone, Copy)]
    struct Wrong(u8);
    impl Cell<1, 1> for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn gates(&self) -> [Gate; 1] {
            let gate = Gate::new("current", false);
            [if self.0 == 2 { gate.on_output() } else { gate }]
        }
        fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> Unit<T, 1> {
            self.linearise(previous, a).0
        }
        fn linearise<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
            let half = T::from_f64(0.5);
            let s = half * previous.s[0] + a;
            let mut partials = Partials::zero();
            partials.ds_ds = [[if self.0 == 1 { T::one() } else { half }]];
            partials.ds_da = [[T::one()]];
            partials.dy_ds = [T::one()];
            (Unit { s: [s], y: s }, partials)
        }
    }
    assert!(check_cell(Wrong(0), 50, 1).worst() < 1e-8);
    assert!(check_cell(Wrong(1), 50, 1).ds_ds > 0.1);
    let wrong = check_cell(Wrong(2), 50, 1);
    assert!(wrong.worst().is_infinite() && wrong.to_string().contains("current"), "{wrong}");
    assert!(wrong.to_string().contains("set its drives_state to true in gates()"), "{wrong}");
    let wrong = check_cell(Silent, 50, 1);
    assert!(wrong.worst().is_infinite() && wrong.to_string().contains("return true from resets()"), "{wrong}");
}

/// A cell whose output takes from its state, and which does not say so.
#[derive(Clone, Copy)]
struct Silent;

impl Cell<1, 1> for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }
    fn gates(&self) -> [Gate; 1] {
        [Gate::new("current", true)]
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> Unit<T, 1> {
        self.linearise(previous, a).0
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
        let half = T::from_f64(0.5);
        let s = half * previous.s[0] - previous.y + a;
        let mut partials = Partials::zero();
        (partials.ds_ds, partials.ds_da) = ([[half]], [[T::one()]]);
        (partials.ds_dy, partials.dy_ds) = ([-T::one()], [T::one()]);
        (Unit { s: [s], y: s }, partials)
    }
}

#[test]
fn bptt_against_central_differences() {
    for recurrent in [false, true] {
        for network in networks(recurrent) {
            let truth = central_differences(&network, Loss::MeanSquaredError, &batch(), 1e-5);
            let found = bptt::gradient(&network, Loss::MeanSquaredError, &batch()).values;
            let agreement = agreement(&found, &truth, 0.0);
            assert!(agreement.relative_error < 1e-7, "{network:?}: {agreement:?}");
        }
    }
}

#[test]
fn every_carry_against_bptt() {
    let mut exact = 0;
    for recurrent in [false, true] {
        for network in networks(recurrent) {
            for carry in CARRIES {
                for window in [1, 2, 3, 7, 15] {
                    let method = Method { carry, ..Method::bptt() }.with_window(window);
                    let audit = audit(&network, Loss::MeanSquaredError, &method, &batch()).unwrap();
                    for block in &audit.blocks {
                        assert!(block.holds(), "{network:?} {carry:?} K={window}: {block:?}");
                        assert!(window < 15 || block.relative_error < 1e-10);
                        exact += usize::from(block.claim == ostl_core::gradient_check::Claim::Exact);
                    }
                }
            }
        }
    }
    assert!(exact > 300);
}

/// y is a variable of its own, the state resets, and everything depends on everything: the mean of many estimates is still the gradient.
#[test]
fn random_carries_are_right_on_average() {
    for network in networks(true) {
        for (carry, window) in [
            (Carry::Uoro(1), 1),
            (Carry::Uoro(1), 4),
            (Carry::LocalUoro(1), 1),
            (Carry::LocalUoro(1), 4),
            (Carry::KfRtrl, 1),
            (Carry::KfRtrl, 4),
        ] {
            let new = |carry| {
                let method = Method { carry, ..Method::bptt() }.with_window(window);
                Learner::new(network.clone(), Loss::MeanSquaredError, method, OptimizerSettings::sgd(1.0), 3).unwrap()
            };
            let exact = if carry != Carry::KfRtrl { Carry::Network } else { Carry::Layer };
            let truth = new(exact).gradient(&batch()).unwrap().1.to_vec();
            let none = new(Carry::None).gradient(&batch()).unwrap().1.to_vec();
            let mut learner = new(carry);
            let (mut sums, mut squares) = (vec![0.0; truth.len()], vec![0.0; truth.len()]);
            let (count, batch) = (1500.0, batch());
            for _ in 0..count as usize {
                let found = learner.gradient(&batch).unwrap().1;
                for (((sum, square), g), truth) in sums.iter_mut().zip(&mut squares).zip(found).zip(&truth) {
                    *sum += g - truth;
                    *square += (g - truth) * (g - truth);
                }
            }
            let (mut worst, mut of_none) = (0.0_f64, 0.0_f64);
            for (((sum, square), none), truth) in sums.iter().zip(&squares).zip(&none).zip(&truth) {
                let (mean, error) = (sum / count, (square / count).sqrt() / f64::sqrt(count));
                assert!(error > 1e-12 || mean.abs() < 1e-12);
                if error > 1e-12 {
                    worst = worst.max((mean / error).abs());
                    of_none = of_none.max(((none - truth) / error).abs());
                }
            }
            assert!(worst < 5.0 && of_none > 10.0, "{network:?} {carry:?} K={window}: {worst}, {of_none}");
        }
    }
}
