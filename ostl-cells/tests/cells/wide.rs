//! Random networks and batches of every size: from one unit and one stream to several tiles of units and lanes of streams, read as a matrix, as lists
//! of events or as words, sparse, tied, with activity terms and readouts of any kind.

use ostl_cells::CellConfig;
use ostl_core::{Activation, Activity, Initialization, Loss, Network, RateTerm, SequenceBatch, TargetKind};
use proptest::prelude::*;

use crate::stacks::{Random, any_loss};

/// One layer of a stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WideLayer {
    /// Units of a cell, and the share of H's connections that exist.
    Cell(CellConfig, usize, f64),
    Dense(Activation, usize),
}

/// What the first layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// A matrix, of which so many per cent are not zero.
    Matrix(u32),
    /// Lists of events.
    Events,
    /// A word a step, through an embedding of `units` units.
    Words(usize),
}

/// A network and a batch for it, all of it from one seed.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    pub(crate) inputs: usize,
    pub(crate) reads: Reads,
    pub(crate) layers: Vec<WideLayer>,
    /// A readout of these units instead of a dense one.
    pub(crate) readout: Option<CellConfig>,
    pub(crate) outputs: usize,
    /// The readout's weights are the embedding's.
    pub(crate) tied: bool,
    pub(crate) is_active: bool,
    /// What a layer reads from the one below is dropped out now and then.
    pub(crate) drops: bool,
    /// Units are driven hard enough that those which can spike do.
    pub(crate) is_driven: bool,
    pub(crate) loss: Loss,
    pub(crate) lengths: Vec<usize>,
    /// Per cent of the steps that have a target, besides one in each stream, and of those that begin with a reset.
    pub(crate) targets: u32,
    pub(crate) resets: u32,
    pub(crate) seed: u64,
}

impl Wide {
    pub(crate) fn network(&self) -> Network<f64> {
        let mut builder =
            Network::builder(self.inputs).seed(self.seed).initialization(Initialization::Glorot, Initialization::Glorot);
        builder = match self.reads {
            Reads::Matrix(_) => builder,
            Reads::Events => builder.events(),
            Reads::Words(units) => builder.embedding(units),
        };
        let rate = RateTerm { target: 0.2, weight: 0.7, decay: 0.8 };
        let activity = Activity { rate: Some(rate), voltage: None }.with_voltage(0.3, 0.4);
        for (index, layer) in self.layers.iter().enumerate() {
            // Events are not left out.
            if self.drops && (index > 0 || self.reads != Reads::Events) {
                builder = builder.dropout(0.3);
            }
            builder = match *layer {
                WideLayer::Cell(cell, units, density) => {
                    let builder = cell.add_to(builder, units).unwrap();
                    let builder = if density < 1.0 && cell.is_recurrent() { builder.density(density) } else { builder };
                    if self.is_active { builder.activity(activity) } else { builder }
                }
                WideLayer::Dense(activation, units) => builder.dense(units, activation),
            };
        }
        let builder = if self.tied { builder.tied() } else { builder };
        let builder = if self.drops { builder.dropout(0.2) } else { builder };
        let mut network = match self.readout {
            None => builder.readout(self.outputs).unwrap(),
            Some(cell) => cell.add_to(builder, self.outputs).unwrap().finish().unwrap(),
        };
        // Constants away from their starting values too, so that their gradients are not special.
        let mut random = Random(self.seed ^ 0xABCD);
        network.parameters_mut().iter_mut().for_each(|parameter| *parameter += 0.3 * (random.uniform() - 0.5));
        if self.is_driven {
            self.drive(&mut network);
        }
        network.prune();
        network
    }

    /// Low thresholds, and weights that excite.
    fn drive(&self, network: &mut Network<f64>) {
        for block in network.blocks().to_vec() {
            if block.name == "threshold" {
                network.parameters_mut()[block.range()].fill(-0.2);
            }
            if block.name == "W" && block.layer + 1 < network.depth() {
                network.parameters_mut()[block.range()].iter_mut().for_each(|w| *w = w.abs() * 1.5);
            }
        }
    }

    pub(crate) fn batch(&self) -> SequenceBatch<f64> {
        let mut random = Random(self.seed.wrapping_mul(31) ^ 0x1234);
        let (inputs, kind) = (self.inputs, self.loss.target_kind());
        let mut batch = match self.reads {
            Reads::Matrix(_) => SequenceBatch::new(inputs, self.outputs, kind, &self.lengths),
            _ => SequenceBatch::sparse(inputs, self.outputs, kind, &self.lengths),
        };
        for stream in 0..self.lengths.len() {
            let always = random.below(self.lengths[stream]);
            for step in 0..self.lengths[stream] {
                self.read(&mut batch, stream, step, &mut random);
                if step == always || (random.below(100) as u32) < self.targets {
                    match kind {
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

    fn read(&self, batch: &mut SequenceBatch<f64>, stream: usize, step: usize, random: &mut Random) {
        match self.reads {
            Reads::Matrix(active) => batch.input_mut(stream, step).fill_with(|| {
                let value = 4.0 * random.uniform() - 2.0;
                if (random.below(100) as u32) < active { value } else { 0.0 }
            }),
            // Some twice at a place, some steps without any.
            Reads::Events => (0..random.below(1 + self.inputs)).for_each(|_| {
                let (row, value) = (random.below(self.inputs), 2.0 * random.uniform() - 0.5);
                batch.push_event(stream, step, row, value);
            }),
            Reads::Words(_) => batch.push_event(stream, step, random.below(self.inputs), 1.0),
        }
    }
}

/// How large: units of a layer, streams, steps and recurrent layers at most.
#[derive(Clone, Copy, Debug)]
struct Size {
    units: usize,
    streams: usize,
    steps: usize,
    layers: usize,
}

const SIZES: [(u32, Size); 3] = [
    (12, Size { units: 4, streams: 4, steps: 20, layers: 3 }),
    (4, Size { units: 17, streams: 9, steps: 12, layers: 2 }),
    (3, Size { units: 40, streams: 20, steps: 9, layers: 2 }),
];

/// A stack of recurrent layers of these cells with and without H, perhaps with stateless ones before, between and after, and a ragged batch for it.
pub(crate) fn any_stack(cells: Vec<CellConfig>) -> impl Strategy<Value = Wide> {
    let cells: Vec<CellConfig> =
        cells.into_iter().flat_map(|cell| [cell.with_recurrent(true), cell.with_recurrent(false)]).collect();
    let sizes = SIZES.map(|(weight, size)| (weight, Just(size)));
    let [small, middle, large] = sizes;
    prop_oneof![small.0 => small.1, middle.0 => middle.1, large.0 => large.1]
        .prop_flat_map(move |size| of_size(cells.clone(), size))
}

fn of_size(cells: Vec<CellConfig>, size: Size) -> impl Strategy<Value = Wide> {
    let dense = move || {
        let activation =
            prop::sample::select(vec![Activation::Tanh, Activation::Sigmoid, Activation::Identity, Activation::Relu]);
        prop::option::weighted(0.3, (activation, 1..=size.units))
            .prop_map(|dense| dense.map(|(activation, units)| WideLayer::Dense(activation, units)))
    };
    let density = prop_oneof![3 => Just(1.0), 1 => Just(0.5), 1 => Just(0.15)];
    let cell = (prop::sample::select(cells), 1..=size.units, density)
        .prop_map(|(cell, units, density)| WideLayer::Cell(cell, units, density));
    let layers = (prop::collection::vec((dense(), cell), 1..=size.layers), dense()).prop_map(|(layers, last)| {
        layers.into_iter().flat_map(|(dense, cell)| [dense, Some(cell)]).chain([last]).flatten().collect::<Vec<_>>()
    });
    let reads = prop_oneof![
        4 => Just(Reads::Matrix(100)),
        2 => Just(Reads::Matrix(15)),
        2 => Just(Reads::Events),
        3 => (1..=size.units).prop_map(Reads::Words),
    ];
    let named = |name: &str| CellConfig::every().into_iter().find(|(known, _)| known == name).unwrap().1;
    let readouts = ["li", "li-learnable-decay", "lru", "lstm", "snu-tanh"].map(named);
    let readout = prop::option::weighted(0.25, prop_oneof![Just(readouts[0]), prop::sample::select(readouts.to_vec())]);
    let lengths = prop::collection::vec(1..=size.steps, 1..=size.streams);
    let shape = (1..=size.units + 3, reads, layers, readout, 2..=size.units + 1, prop::bool::weighted(0.5));
    let rest = (
        any_loss(),
        (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.6)),
        lengths,
        prop::sample::select(vec![0_u32, 30, 100]),
        prop::sample::select(vec![0_u32, 15]),
        any::<u64>(),
    );
    (shape, rest).prop_map(|((inputs, reads, layers, readout, outputs, tied), rest)| {
        let (loss, (is_active, drops, is_driven), lengths, targets, resets, seed) = rest;
        let wide = Wide {
            inputs,
            reads,
            layers,
            readout,
            outputs,
            tied,
            is_active,
            drops,
            is_driven,
            loss,
            lengths,
            targets,
            resets,
            seed,
        };
        wide.tie()
    })
}

impl Wide {
    /// A tied readout wants an embedding, as many outputs as there are words, and a layer as wide as the embedding below it.
    fn tie(mut self) -> Self {
        let Reads::Words(width) = self.reads else { return Self { tied: false, ..self } };
        if self.tied {
            (self.readout, self.inputs) = (None, self.inputs.max(2));
            self.outputs = self.inputs;
            match self.layers.last_mut() {
                Some(WideLayer::Cell(_, units, _) | WideLayer::Dense(_, units)) => *units = width,
                None => {}
            }
        }
        self
    }
}
