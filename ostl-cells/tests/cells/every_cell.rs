//! Every variant of every cell in a small network: exact online methods against the oracle, and the oracle against central
//! differences where the cell is smooth. This is what shows that the gates fit the engine's layout.

use ostl_cells::CellConfig;
use ostl_core::{Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, bptt};

const INPUTS: usize = 3;
const UNITS: usize = 5;
const OUTPUTS: usize = 2;
const LENGTHS: [usize; 2] = [7, 4];

/// Two layers of the cell and a readout, away from the starting weights' zeros and symmetries.
fn stack(config: &CellConfig) -> Network<f64> {
    let builder = config.add_to(Network::builder(INPUTS).seed(7), UNITS).unwrap();
    let mut network = config.add_to(builder, UNITS).unwrap().readout(OUTPUTS).unwrap();
    for (at, parameter) in network.parameters_mut().iter_mut().enumerate() {
        *parameter += 0.3 * wave(at);
    }
    network
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
        let network = stack(&config);
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
    for (name, config) in CellConfig::every() {
        let mut network = stack(&config);
        assert_eq!(network.is_smooth(), !config.is_spiking(), "{name}");
        if !network.is_smooth() {
            continue;
        }
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
}

/// Driven hard enough, every spiking cell spikes, and not always; so the tests of spiking cells are tests of spikes.
#[test]
fn spiking_cells_spike() {
    let batch = batch();
    for (name, config) in CellConfig::every().into_iter().filter(|(_, config)| config.is_spiking()) {
        let mut network = stack(&config);
        for layer in 0..2 {
            network.block_mut(layer, "W").apply(|w| *w = 2.0 * w.abs());
        }
        for layer in 0..2 {
            let outputs =
                |stream| bptt::layer_outputs(&network, &batch, stream).into_iter().flat_map(move |y| y[layer].clone());
            let spikes: Vec<f64> = (0..LENGTHS.len()).flat_map(outputs).collect();
            assert!(spikes.iter().all(|&y| y == 0.0 || y == 1.0), "{name}, layer {layer}");
            let rate = spikes.iter().sum::<f64>() / spikes.len() as f64;
            assert!(rate > 0.02 && rate < 0.98, "{name}, layer {layer}: {rate}");
        }
    }
}
