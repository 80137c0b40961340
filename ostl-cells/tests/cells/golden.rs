//! The LSTM, GRU and tanh unit against PyTorch: outputs, loss and every gradient of a small recurrent network, as
//! `ostl-bench/peers/golden_torch.py` computed them in double precision.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::DMatrix;
use ostl_cells::CellConfig;
use ostl_core::{Learner, Loss, Method, Network, OptimizerSettings, Real, SequenceBatch, TargetKind, bptt};
use serde::Deserialize;
use serde_json::json;

/// One file of golden vectors. Sequences are indexed `[step][stream][component]`.
#[derive(Deserialize)]
struct Golden {
    cell: String,
    inputs: Vec<Vec<Vec<f64>>>,
    classes: Vec<Vec<usize>>,
    parameters: BTreeMap<String, Values>,
    y: Vec<Vec<Vec<f64>>>,
    logits: Vec<Vec<Vec<f64>>>,
    loss: f64,
    gradient: BTreeMap<String, Values>,
}

/// A bias, or a matrix row by row.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Vector(Vec<f64>),
    Matrix(Vec<Vec<f64>>),
}

impl Values {
    fn matrix(&self) -> DMatrix<f64> {
        match self {
            Self::Vector(values) => DMatrix::from_column_slice(values.len(), 1, values),
            Self::Matrix(rows) => DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j]),
        }
    }
}

/// Where each block of a golden file stands in the network: layer 0 is the recurrent one, layer 1 the readout.
const BLOCKS: [(&str, usize, &str); 5] =
    [("W", 0, "W"), ("H", 0, "H"), ("b", 0, "b"), ("readout_W", 1, "W"), ("readout_b", 1, "b")];

impl Golden {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn streams(&self) -> usize {
        self.inputs[0].len()
    }

    fn steps(&self) -> usize {
        self.inputs.len()
    }

    /// The same network, with the golden parameters.
    fn network<T: Real>(&self) -> Network<T> {
        let config: CellConfig = serde_json::from_value(json!({"cell": self.cell})).unwrap();
        let (inputs, units, outputs) = (self.inputs[0][0].len(), self.y[0][0].len(), self.logits[0][0].len());
        let mut network = config.add_to(Network::builder(inputs), units).unwrap().readout(outputs).unwrap();
        for (name, layer, block) in BLOCKS {
            let golden = self.parameters[name].matrix().map(T::from_f64);
            network.block_mut(layer, block).copy_from(&golden);
        }
        network
    }

    fn batch<T: Real>(&self) -> SequenceBatch<T> {
        let (inputs, outputs) = (self.inputs[0][0].len(), self.logits[0][0].len());
        let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &vec![self.steps(); self.streams()]);
        for step in 0..self.steps() {
            for stream in 0..self.streams() {
                let golden = &self.inputs[step][stream];
                batch.input_mut(stream, step).iter_mut().zip(golden).for_each(|(x, &value)| *x = T::from_f64(value));
                batch.set_class(stream, step, self.classes[step][stream]);
            }
        }
        batch
    }

    /// `values` is laid out as the network's parameters.
    #[track_caller]
    fn assert_gradient<T: Real>(&self, network: &Network<T>, loss: f64, values: &[T], tolerance: f64, what: &str) {
        assert_close(&[loss], &[self.loss], tolerance, &format!("{what}, loss"));
        assert_eq!(network.blocks().len(), BLOCKS.len(), "{what}: every block has a golden gradient");
        for (key, layer, block) in BLOCKS {
            let place = network.blocks().iter().find(|b| b.layer == layer && b.name == block).unwrap();
            let gradient = self.gradient[key].matrix();
            assert_close(&values[place.range()], gradient.as_slice(), tolerance, &format!("{what}, gradient of {key}"));
        }
    }
}

/// Equal up to `tolerance` times the largest golden value.
#[track_caller]
fn assert_close<'a, T: Real>(found: &[T], golden: impl IntoIterator<Item = &'a f64>, tolerance: f64, what: &str) {
    let golden: Vec<f64> = golden.into_iter().copied().collect();
    assert_eq!(found.len(), golden.len(), "{what}: number of values");
    let largest = golden.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (at, (f, g)) in found.iter().zip(&golden).enumerate() {
        assert!((f.to_f64() - g).abs() <= tolerance * largest, "{what}, value {at}: found {f}, PyTorch has {g}");
    }
}

fn assert_golden<T: Real>(name: &str, tolerance: f64) {
    let golden = Golden::read(name);
    let (network, batch) = (golden.network::<T>(), golden.batch::<T>());
    for stream in 0..golden.streams() {
        for (step, layers) in bptt::layer_outputs(&network, &batch, stream).iter().enumerate() {
            let at = |what| format!("{name}, {what} of stream {stream}, step {step}");
            assert_close(&layers[0], &golden.y[step][stream], tolerance, &at("y"));
            assert_close(&layers[1], &golden.logits[step][stream], tolerance, &at("logits"));
        }
    }
    let found = bptt::gradient(&network, Loss::SoftmaxCrossEntropy, &batch);
    golden.assert_gradient(&network, found.loss.to_f64(), &found.values, tolerance, &format!("{name}, oracle"));

    // One recurrent layer: the whole window, and a carry of the layer's or the network's influence, are all exact.
    let methods =
        [Method::bptt(), Method::ostl(), Method::ostl().with_window(4), Method::rtrl(), Method::rtrl().with_window(4)];
    for method in methods {
        let settings = OptimizerSettings::sgd(0.1);
        let loss = Loss::SoftmaxCrossEntropy;
        let mut learner = Learner::new(network.clone(), loss, method, settings, golden.streams()).unwrap();
        let (score, gradient) = learner.gradient(&batch).unwrap();
        golden.assert_gradient(&network, score.loss, gradient, tolerance, &format!("{name}, {method:?}"));
    }
}

#[test]
fn rnn_is_pytorch_s() {
    assert_golden::<f64>("rnn", 1e-12);
    assert_golden::<f32>("rnn", 1e-5);
}

#[test]
fn lstm_is_pytorch_s() {
    assert_golden::<f64>("lstm", 1e-12);
    assert_golden::<f32>("lstm", 1e-5);
}

#[test]
fn gru_is_pytorch_s() {
    assert_golden::<f64>("gru", 1e-12);
    assert_golden::<f32>("gru", 1e-5);
}
