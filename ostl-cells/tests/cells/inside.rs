//! States, outputs, traces and gates as they can be looked at, against numbers worked out by hand.

use ostl_cells::{Gru, Li, Lstm, Snu, TanhDerivative};
use ostl_core::{Activation, Carry, Engine, Method, Network, Signal, Window};

const DECAY: f64 = 0.9;

#[test]
fn traces_of_leaky_units_are_leaky_sums_of_their_inputs() {
    let network = Network::<f64>::builder(2).seed(1).recurrent(Li::new(), 20).readout(1).unwrap();
    let method = Method { window: Window::Steps(2), carry: Carry::Local, ..Method::ostl() };
    let mut engine = Engine::new(network, method, 10).unwrap();
    let x = |stream: usize, step: usize, input: usize| ((stream * 5 + step * 3 + input) as f64).sin();
    engine.reset(3);
    for step in 0..6 {
        if step == 4 {
            engine.reset(9);
        }
        let inputs: Vec<f64> = (0..20).map(|at| x(at / 2, step, at % 2)).collect();
        engine.predict(&inputs).unwrap();
        engine.learn(&vec![Some(Signal::of_error(&[0.1])); 10]).unwrap();
    }
    let traces = engine.traces();
    assert_eq!(traces.shape("traces.layers.0.W"), Some([10, 1, 1, 20, 2].as_slice()));
    let constants = format!("traces.layers.0.b.{}", engine.network().block_gates(0, "b")[0]);
    let (w, b) = (traces.values::<f64>("traces.layers.0.W").unwrap(), traces.values::<f64>(&constants).unwrap());
    for stream in 0..10 {
        let from = if stream == 9 { 4 } else { 0 };
        let sum = |of: &dyn Fn(usize) -> f64| (from..6).map(|step| DECAY.powi(5 - step as i32) * of(step)).sum::<f64>();
        for unit in 0..20 {
            for input in 0..2 {
                let found = w[(stream * 20 + unit) * 2 + input];
                let expected = sum(&|step| x(stream, step, input));
                assert!((found - expected).abs() < 1e-13, "stream {stream}, unit {unit}: {found}, expected {expected}");
            }
            assert!((b[stream * 20 + unit] - sum(&|_| 1.0)).abs() < 1e-13);
        }
        // And so the state is the trace times the weights.
        let (state, weights) = (engine.state(0, stream).unwrap(), engine.network().block(0, "W"));
        let expected: f64 = (0..2).map(|input| weights[(7, input)] * w[(stream * 20 + 7) * 2 + input]).sum();
        assert!((state[7] - expected - engine.network().block(0, "b")[(7, 0)] * b[stream * 20 + 7]).abs() < 1e-12);
    }
    engine.finish();
    let after = engine.traces();
    assert!(after.values::<f64>("traces.layers.0.W").unwrap().iter().all(|&trace| trace == 0.0), "nothing is remembered");
}

#[test]
fn states_and_outputs_are_those_of_the_last_step() {
    let network = Network::<f64>::builder(2).seed(1).recurrent(Lstm::new(), 3).dense(4, Activation::Tanh);
    let network = network.recurrent(Gru::new(), 2).readout(1).unwrap();
    let mut engine = Engine::new(network, Method { window: Window::Steps(2), ..Method::ostl() }, 9).unwrap();
    for step in 0..3 {
        let inputs: Vec<f64> = (0..18).map(|at| ((at + 4 * step) as f64).cos()).collect();
        let predicted: Vec<f64> = engine.predict(&inputs).unwrap().iter().copied().collect();
        for (stream, &predicted) in predicted.iter().enumerate() {
            let (s, y) = (engine.state(2, stream).unwrap().to_vec(), engine.output(2, stream).unwrap().to_vec());
            assert_eq!((s.len(), s == y), (2, true), "a GRU's state is its output");
            assert_eq!(
                (engine.state(0, stream).unwrap().len(), engine.state(1, stream), engine.output(1, stream)),
                (3, None, None)
            );
            let (w, b) = (engine.network().block(3, "W"), engine.network().block(3, "b"));
            assert!((w[(0, 0)] * y[0] + w[(0, 1)] * y[1] + b[(0, 0)] - predicted).abs() < 1e-14);
            assert_eq!(engine.output(3, stream).unwrap(), [predicted]);
        }
        engine.learn(&vec![Some(Signal::of_error(&[1.0])); 9]).unwrap();
    }
    engine.close_window();
    let gradient = engine.gradient().unwrap();
    let norms: Vec<f64> = gradient.norms().map(|(_, norm)| norm).collect();
    let sum_of_squares: f64 = gradient.iter().map(|g| g * g).sum();
    assert!(norms.len() == 10 && (norms.iter().map(|norm| norm * norm).sum::<f64>() / sum_of_squares - 1.0).abs() < 1e-13);
}

/// Through a dense layer, by hand: L = W₁ᵀ((1 − y₁²) ∘ W₂ᵀe), of the last step of a window, whatever its length.
#[test]
fn learning_signals_come_down_through_the_layers_above() {
    for steps in [1, 3] {
        let network = Network::<f64>::builder(2).seed(1).recurrent(Lstm::new(), 3).dense(4, Activation::Tanh);
        let network = network.readout(2).unwrap();
        let mut engine = Engine::new(network, Method { window: Window::Steps(steps), ..Method::ostl() }, 9).unwrap();
        assert_eq!(engine.learning_signal(0, 8), None, "nothing has been learned from");
        for step in 0..6 {
            let inputs: Vec<f64> = (0..18).map(|at| ((at + 4 * step) as f64).cos()).collect();
            engine.predict(&inputs).unwrap();
            let y: Vec<Vec<f64>> = (0..9).map(|stream| engine.output(0, stream).unwrap().to_vec()).collect();
            let error = |stream: usize| [0.3 + 0.1 * stream as f64, -0.2 * step as f64];
            let errors: Vec<[f64; 2]> = (0..9).map(error).collect();
            // Stream 4 has no error.
            let signals: Vec<_> =
                errors.iter().enumerate().map(|(stream, e)| (stream != 4).then_some(Signal::of_error(e))).collect();
            let closed = engine.learn(&signals).unwrap();
            assert_eq!(closed, (step + 1) % steps == 0);
            if !closed {
                continue;
            }
            let (w1, b1, w2) =
                (engine.network().block(1, "W"), engine.network().block(1, "b"), engine.network().block(2, "W"));
            for (stream, y0) in y.iter().enumerate() {
                let e = if stream == 4 { [0.0; 2] } else { error(stream) };
                let y1 = |j: usize| ((0..3).map(|i| w1[(j, i)] * y0[i]).sum::<f64>() + b1[(j, 0)]).tanh();
                let at_dense: Vec<f64> =
                    (0..4).map(|j| (1.0 - y1(j).powi(2)) * (0..2).map(|o| w2[(o, j)] * e[o]).sum::<f64>()).collect();
                let found = [0, 1, 2].map(|layer| engine.learning_signal(layer, stream).unwrap());
                let close = |found: &[f64], expected: &[f64]| {
                    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(
                        found.len() == expected.len() && worst < 1e-14,
                        "K = {steps}, {stream}: {found:?}, {expected:?}"
                    );
                };
                let lowest: Vec<f64> = (0..3).map(|i| (0..4).map(|j| w1[(j, i)] * at_dense[j]).sum()).collect();
                close(found[0], &lowest);
                close(found[1], &at_dense);
                close(found[2], &e);
                assert!(stream == 4 || lowest.iter().all(|signal| signal.abs() > 1e-3));
            }
        }
    }
}

#[test]
fn gates_of_blocks_stand_in_the_order_of_their_rows() {
    let network = Network::<f64>::builder(2).recurrent(Lstm::new(), 3).recurrent(Snu::spiking(TanhDerivative), 3);
    let network = network.dense(2, Activation::Tanh).readout(1).unwrap();
    for name in ["W", "H", "b"] {
        assert_eq!(network.block_gates(0, name), ["input", "forget", "cell", "output"], "{name}");
    }
    // The forget gate's constants start at 1, and no others.
    let b = network.block(0, "b");
    let ones: Vec<usize> = (0..12).filter(|&row| b[(row, 0)] == 1.0).collect();
    assert_eq!(ones, [3, 4, 5]);
    assert_eq!(network.block_gates(1, "W"), ["current"]);
    for block in network.blocks() {
        let gates = network.block_gates(block.layer, block.name);
        assert_eq!(gates.len() * 3, if block.layer < 2 { block.rows } else { 0 }, "{}", block.name);
    }
    assert!(network.block_gates(0, "no such").is_empty() && network.block_gates(9, "W").is_empty());
}
