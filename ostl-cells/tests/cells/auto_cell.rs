//! Cells from equations alone are the cells whose partials were worked out by hand: the LSTM, and the spiking SNU.

use ostl_cells::{FastSigmoid, Lstm, PseudoDerivative, Snu};
use ostl_core::{
    AutoCell, Cell, Equations, Gate, Learner, Loss, Method, Network, Number, OptimizerSettings, SequenceBatch, TargetKind,
    Unit,
};

#[derive(Clone, Copy)]
struct LstmEquations;

impl Equations<1, 4> for LstmEquations {
    fn name(&self) -> &'static str {
        "lstm"
    }
    fn gates(&self) -> [Gate; 4] {
        let gate = |name| Gate::new(name, true);
        [gate("input"), gate("forget"), gate("cell"), gate("output").on_output()]
    }
    fn initial_constant_of(&self, gate: usize, _unit: usize, _units: usize) -> f64 {
        f64::from(u8::from(gate == 1))
    }
    fn state<N: Number>(&self, previous: Unit<N, 1>, [i, f, u, _]: [N; 4]) -> [N; 1] {
        [f.sigmoid() * previous.s[0] + i.sigmoid() * u.tanh()]
    }
    fn output<N: Number>(&self, [s]: [N; 1], [_, _, _, o]: [N; 4]) -> N {
        o.sigmoid() * s.tanh()
    }
}

#[derive(Clone, Copy)]
struct SnuEquations;

impl Equations<1, 2> for SnuEquations {
    fn name(&self) -> &'static str {
        "snu"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", true).without_constant(), Gate::constant("threshold").on_output()]
    }
    fn resets(&self) -> bool {
        true
    }
    fn is_smooth(&self) -> bool {
        false
    }
    fn initial_constant_of(&self, gate: usize, _unit: usize, _units: usize) -> f64 {
        if gate == 1 { -0.5 } else { 0.0 }
    }
    fn state<N: Number>(&self, previous: Unit<N, 1>, [current, _]: [N; 2]) -> [N; 1] {
        [current + N::constant(0.8) * previous.s[0] * (N::constant(1.0) - previous.y)]
    }
    fn output<N: Number>(&self, [s]: [N; 1], [_, bias]: [N; 2]) -> N {
        let above = s + bias;
        above.spike(FastSigmoid.at(above))
    }
}

/// Numbers within ±1, the same at every run.
fn wave(at: usize) -> f64 {
    (1.0 + 2.3 * at as f64).sin()
}

#[track_caller]
fn assert_same(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (at, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-12 * (1.0 + e.abs()), "{what}, {at}: {f}, expected {e}");
    }
}

/// The same units and partials at many points, and the same outputs and gradients of a network.
#[track_caller]
fn assert_same_cell<A: Cell<1, G>, B: Cell<1, G>, const G: usize>(auto: A, by_hand: B) {
    for point in 0..200 {
        let unit = Unit { s: [2.0 * wave(10 * point)], y: (point % 3) as f64 / 2.0 };
        let a = std::array::from_fn(|g| 2.0 * wave(10 * point + g + 1));
        let ((next, found), (expected_next, expected)) = (auto.linearise(unit, a), by_hand.linearise(unit, a));
        assert_eq!(auto.step(unit, a), next);
        assert_same(&[next.s[0], next.y], &[expected_next.s[0], expected_next.y], "unit");
        assert_same(&[found.ds_ds[0][0], found.ds_dy[0]], &[expected.ds_ds[0][0], expected.ds_dy[0]], "ds_ds, ds_dy");
        assert_same(&found.ds_da[0], &expected.ds_da[0], "ds_da");
        assert_same(&found.dy_ds, &expected.dy_ds, "dy_ds");
        assert_same(&found.dy_da, &expected.dy_da, "dy_da");
    }
    let mut batch = SequenceBatch::new(3, 2, TargetKind::Classes, &[25, 19]);
    for (stream, steps) in [(0, 25), (1, 19)] {
        for step in 0..steps {
            batch.input_mut(stream, step).iter_mut().enumerate().for_each(|(j, x)| *x = wave(100 * stream + 4 * step + j));
            batch.set_class(stream, step, (stream + step) % 2);
        }
    }
    let gradient = |network: Network<f64>, method| {
        let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.1), 2).unwrap();
        learner.gradient(&batch).unwrap().1.to_vec()
    };
    let builder = || Network::builder(3).seed(3);
    let auto = builder().recurrent(auto, 7).recurrent(auto, 5).readout(2).unwrap();
    let by_hand = builder().recurrent(by_hand, 7).recurrent(by_hand, 5).readout(2).unwrap();
    assert_eq!(auto.parameters(), by_hand.parameters());
    assert_eq!(auto.description(), by_hand.description());
    for method in [Method::bptt(), Method::ostl_without_h(), Method::ostl().with_window(4)] {
        assert_same(&gradient(auto.clone(), method), &gradient(by_hand.clone(), method), "gradient");
    }
}

#[test]
fn the_lstm() {
    assert_same_cell(AutoCell(LstmEquations), Lstm::new());
}

#[test]
fn the_spiking_snu() {
    assert_same_cell(AutoCell(SnuEquations), Snu::spiking(FastSigmoid));
}
