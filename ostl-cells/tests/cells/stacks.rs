//! Random networks and batches that the property tests share.
#![allow(dead_code, reason = "each test binary uses a part")]

use ostl_cells::CellConfig;
use ostl_core::{Activation, Activity, Initialization, Loss, Network, NetworkBuilder, Real, SequenceBatch, TargetKind};
use proptest::prelude::*;

/// One layer of a stack.
#[derive(Clone, Debug)]
pub(crate) enum LayerPlan {
    Cell(CellConfig, usize),
    Dense(Activation, usize),
}

/// A network and a batch for it, all of it from one seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) inputs: usize,
    pub(crate) layers: Vec<LayerPlan>,
    pub(crate) outputs: usize,
    pub(crate) loss: Loss,
    pub(crate) lengths: Vec<usize>,
    /// Per cent of the steps that have a target, besides one in each stream.
    pub(crate) targets: u32,
    /// Per cent of the steps that begin with a reset.
    pub(crate) resets: u32,
    /// Per cent of the inputs that are not zero.
    pub(crate) active: u32,
    pub(crate) seed: u64,
}

/// Splitmix64: enough for test data.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

impl Plan {
    fn layers<T: Real>(&self, activity: Activity) -> NetworkBuilder<T> {
        let mut builder =
            Network::builder(self.inputs).seed(self.seed).initialization(Initialization::Glorot, Initialization::Glorot);
        for layer in &self.layers {
            builder = match layer {
                LayerPlan::Cell(config, units) => config.add_to(builder, *units).unwrap().activity(activity),
                LayerPlan::Dense(activation, units) => builder.dense(*units, *activation),
            };
        }
        builder
    }

    pub(crate) fn network<T: Real>(&self) -> Network<T> {
        self.network_with(None, Activity::default())
    }

    /// The same with a readout of these units.
    pub(crate) fn network_with_readout<T: Real>(&self, cell: CellConfig) -> Network<T> {
        self.network_with(Some(cell), Activity::default())
    }

    /// The same with a readout of these units, if any, and activity terms on every recurrent layer but the readout.
    pub(crate) fn network_with<T: Real>(&self, readout: Option<CellConfig>, activity: Activity) -> Network<T> {
        let layers = self.layers(activity);
        self.away_from_start(match readout {
            None => layers.readout(self.outputs).unwrap(),
            Some(cell) => cell.add_to(layers, self.outputs).unwrap().finish().unwrap(),
        })
    }

    fn away_from_start<T: Real>(&self, mut network: Network<T>) -> Network<T> {
        // Constants away from their starting values too, so that their gradients are not special.
        let mut random = Random(self.seed ^ 0xABCD);
        for parameter in network.parameters_mut() {
            *parameter += T::from_f64(0.3 * (random.uniform() - 0.5));
        }
        network
    }

    pub(crate) fn batch(&self) -> SequenceBatch<f64> {
        let mut random = Random(self.seed.wrapping_mul(31) ^ 0x1234);
        let mut batch = SequenceBatch::new(self.inputs, self.outputs, self.loss.target_kind(), &self.lengths);
        for stream in 0..self.lengths.len() {
            let always = random.below(self.lengths[stream]);
            for step in 0..self.lengths[stream] {
                batch.input_mut(stream, step).fill_with(|| {
                    let value = 4.0 * random.uniform() - 2.0;
                    if self.active == 100 || (random.below(100) as u32) < self.active { value } else { 0.0 }
                });
                if step == always || (random.below(100) as u32) < self.targets {
                    match self.loss.target_kind() {
                        TargetKind::Classes => batch.set_class(stream, step, random.below(self.outputs)),
                        TargetKind::Values => {
                            let bits = self.loss == Loss::BinaryCrossEntropy;
                            batch.values_mut(stream, step).fill_with(|| {
                                let value = random.uniform();
                                if bits { value.round() } else { 2.0 * value - 1.0 }
                            });
                        }
                    }
                }
                if (random.below(100) as u32) < self.resets {
                    batch.reset_before(stream, step);
                }
            }
        }
        batch
    }
}

pub(crate) fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![Just(Loss::SoftmaxCrossEntropy), Just(Loss::BinaryCrossEntropy), Just(Loss::MeanSquaredError)]
}

fn any_activation(smooth: bool) -> impl Strategy<Value = Activation> {
    let all = vec![Activation::Tanh, Activation::Sigmoid, Activation::Identity, Activation::Relu];
    prop::sample::select(if smooth { all[..3].to_vec() } else { all })
}

fn any_dense(smooth: bool) -> impl Strategy<Value = Option<LayerPlan>> {
    let dense = prop::option::weighted(0.35, (any_activation(smooth), 1..4_usize));
    dense.prop_map(|dense| dense.map(|(activation, units)| LayerPlan::Dense(activation, units)))
}

/// A stack of 1 to 3 recurrent layers, perhaps with stateless ones before, between and after, and a ragged batch for it.
pub(crate) fn any_plan(cells: Vec<CellConfig>, smooth: bool, longest: usize) -> impl Strategy<Value = Plan> {
    let cells: Vec<CellConfig> =
        cells.into_iter().flat_map(|cell| [cell.with_recurrent(true), cell.with_recurrent(false)]).collect();
    let recurrent = (prop::sample::select(cells), 1..5_usize).prop_map(|(cell, units)| LayerPlan::Cell(cell, units));
    let layers = prop::collection::vec((any_dense(smooth), recurrent), 1..4);
    let sizes = (1..4_usize, 2..4_usize, prop::collection::vec(1..=longest, 1..5));
    (
        sizes,
        layers,
        any_dense(smooth),
        any_loss(),
        prop::sample::select(vec![0_u32, 30, 100]),
        prop::sample::select(vec![0_u32, 15]),
        any::<u64>(),
    )
        .prop_map(|((inputs, outputs, lengths), layers, last, loss, targets, resets, seed)| Plan {
            inputs,
            layers: layers
                .into_iter()
                .flat_map(|(dense, recurrent)| [dense, Some(recurrent)])
                .chain([last])
                .flatten()
                .collect(),
            outputs,
            loss,
            lengths,
            targets,
            resets,
            active: 100,
            seed,
        })
}

/// Blocks of one window, of two, of three, and as many as the sizes suggest, in turn.
pub(crate) fn block_of(seed: u64, window: usize) -> Option<usize> {
    [Some(1), Some(2 * window), Some(3 * window), None][(seed % 4) as usize]
}
