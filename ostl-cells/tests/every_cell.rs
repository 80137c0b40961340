//! Every variant of every cell in a small network: exact online methods against the oracle, and the oracle against central
//! differences where the cell is smooth. This is what shows that the gates fit the engine's layout.

use ostl_cells::{CellConfig, CellVisitor};
use ostl_core::{Cell, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, bptt};

const INPUTS: usize = 3;
const UNITS: usize = 5;
const OUTPUTS: usize = 2;
const LENGTHS: [usize; 2] = [7, 4];

/// Two layers of the cell and a readout, away from the starting weights' zeros and symmetries.
struct Stack;

impl CellVisitor for Stack {
    type Output = Network<f64>;

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Network<f64> {
        let builder = Network::builder(INPUTS).seed(7).recurrent(cell, UNITS).recurrent(cell, UNITS);
        let mut network = builder.readout(OUTPUTS).unwrap();
        for (at, parameter) in network.parameters_mut().iter_mut().enumerate() {
            *parameter += 0.3 * wave(at);
        }
        network
    }
}

/// Numbers within ±1, the same at every run.
fn wave(at: usize) -> f64 {
    (1.0 + 2.3 * at as f64).sin()
}

fn batch() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(INPUTS, OUTPUTS, TargetKind::Classes, &LENGTHS);
    for (stream, &steps) in LENGTHS.iter().enumerate() {
        for step in 0..steps {
            for (j, x) in batch.input_mut(stream, step).iter_mut().enumerate() {
                *x = 1.5 * wave(100 * stream + 10 * step + j);
            }
            batch.set_class(stream, step, (stream + step) % OUTPUTS);
        }
    }
    batch
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    assert!(largest > 1e-3, "{what}: a gradient of nothing shows nothing");
    for (at, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance * largest, "{what}, parameter {at}: {f}, expected {e}");
    }
}

#[test]
fn exact_methods_have_the_oracle_s_gradient() {
    let batch = batch();
    for (name, config) in CellConfig::every() {
        let network = config.visit(Stack).unwrap();
        let oracle = bptt::gradient(&network, Loss::SoftmaxCrossEntropy, &batch);
        for method in [Method::bptt(), Method::rtrl(), Method::rtrl().with_window(3)] {
            let settings = OptimizerSettings::sgd(0.1);
            let network = network.clone();
            let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, settings, LENGTHS.len()).unwrap();
            let (_, gradient) = learner.gradient(&batch).unwrap();
            assert_close(gradient, &oracle.values, 1e-11, &format!("{name}, {method:?}"));
        }
    }
}

#[test]
fn smooth_cells_have_the_gradient_of_central_differences() {
    let (batch, loss) = (batch(), Loss::SoftmaxCrossEntropy);
    let mut smooth = 0;
    for (name, config) in CellConfig::every() {
        let mut network = config.visit(Stack).unwrap();
        if !network.is_smooth() {
            continue;
        }
        smooth += 1;
        let oracle = bptt::gradient(&network, loss, &batch);
        let slopes: Vec<f64> = (0..oracle.values.len())
            .map(|at| {
                let mut moved = |by: f64| {
                    let start = network.parameters()[at];
                    network.parameters_mut()[at] = start + by;
                    let moved = bptt::loss(&network, loss, &batch);
                    network.parameters_mut()[at] = start;
                    moved
                };
                (moved(1e-5) - moved(-1e-5)) / 2e-5
            })
            .collect();
        assert_close(&oracle.values, &slopes, 1e-8, &name);
    }
    assert_eq!(smooth, 12, "sSNU (three variants), RNN, LSTM, GRU, each with and without H");
}
