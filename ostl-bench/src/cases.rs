//! The cases that ostl and its peers are timed on: sizes, inputs, and the network that learns.

use ostl_cells::CellConfig;
use ostl_cells::config::{GruConfig, LruConfig, LstmConfig, PseudoDerivativeKind, RnnConfig, SnuConfig};
use ostl_core::{Network, SequenceBatch, TargetKind};
use serde::{Deserialize, Serialize};

use crate::{draws, network};

/// One case: the sizes of a network with one recurrent layer and of the sequences it sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `music`, `spikes`, `digits`, `wide` or `long`.
    pub name: String,
    /// Values in an input.
    pub inputs: usize,
    /// Units of the recurrent layer.
    pub units: usize,
    /// Classes that the readout distinguishes.
    pub outputs: usize,
    /// Steps T of every sequence.
    pub steps: usize,
    /// Sequences side by side.
    pub batch: usize,
    /// Share of the inputs that are 1 (the others 0); where it is 1, inputs are Gaussian instead.
    pub active: f64,
}

/// What the recurrent layer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// s = W x + \[H y⁻\] + 0.9 s⁻ (1 − y⁻), y = step(s − 0.5), pseudo-derivative 1/(1 + |s − 0.5|)².
    Snu {
        /// With H.
        recurrent: bool,
    },
    /// The four-gate LSTM with H.
    Lstm,
    /// The tanh unit with H: what braintrace is timed with.
    Rnn,
    /// The GRU with H.
    Gru,
    /// The linear recurrent unit, which has no H.
    Lru,
}

impl Units {
    /// The kinds that one gradient is timed of; of these the tanh unit is only timed when it is requested.
    pub const OF_GRADIENTS: [Self; 4] =
        [Self::Snu { recurrent: false }, Self::Snu { recurrent: true }, Self::Lstm, Self::Rnn];

    /// The kinds that learning from a stream is timed of.
    pub const OF_STREAMS: [Self; 4] = [Self::Lstm, Self::Gru, Self::Snu { recurrent: true }, Self::Lru];

    /// `snu`, `lstm`, `rnn`, `gru` or `lru`.
    #[must_use]
    pub const fn cell_name(self) -> &'static str {
        match self {
            Self::Snu { .. } => "snu",
            Self::Lstm => "lstm",
            Self::Rnn => "rnn",
            Self::Gru => "gru",
            Self::Lru => "lru",
        }
    }

    /// Whether there is an H.
    #[must_use]
    pub const fn is_recurrent(self) -> bool {
        !matches!(self, Self::Snu { recurrent: false } | Self::Lru)
    }

    /// The cell as a configuration describes it.
    #[must_use]
    pub fn cell(self) -> CellConfig {
        match self {
            Self::Snu { recurrent } => CellConfig::Snu(SnuConfig {
                recurrent,
                decay: 0.9,
                pseudo_derivative: PseudoDerivativeKind::FastSigmoid,
                initial_bias: -0.5,
                ..SnuConfig::default()
            }),
            Self::Lstm => CellConfig::Lstm(LstmConfig::default()),
            Self::Rnn => CellConfig::Rnn(RnnConfig::default()),
            Self::Gru => CellConfig::Gru(GruConfig::default()),
            Self::Lru => CellConfig::Lru(LruConfig::default()),
        }
    }
}

impl Case {
    /// All of them, as they stand in `cases.json`.
    ///
    /// # Panics
    /// If that file, which is compiled in, is broken.
    #[must_use]
    pub fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("cases.json")).expect("cases.json is compiled in and tested")
    }

    /// The network, its weights Gaussian with variance 1/columns, as the peers draw them.
    #[must_use]
    pub fn network(&self, units: Units) -> Network<f32> {
        drawn(network(units.cell(), self.inputs, self.units, self.outputs))
    }

    /// The sequences, with a random class at every step; the same on every call.
    #[must_use]
    pub fn sequences(&self) -> SequenceBatch<f32> {
        let mut next = draws(1);
        let mut gaussian = gaussians(3);
        let active = (self.active * (1_u64 << 32) as f64) as u64;
        let mut batch = SequenceBatch::new(self.inputs, self.outputs, TargetKind::Classes, &vec![self.steps; self.batch]);
        for stream in 0..self.batch {
            for step in 0..self.steps {
                let x = batch.input_mut(stream, step);
                if self.active < 1.0 {
                    x.fill_with(|| f32::from(u8::from(next() & 0xFFFF_FFFF < active)));
                } else {
                    x.fill_with(&mut gaussian);
                }
                batch.set_class(stream, step, (next() % self.outputs as u64) as usize);
            }
        }
        batch
    }
}

/// The network with Gaussian weights of variance 1/columns; constants of units stay as they are.
pub(crate) fn drawn(mut network: Network<f32>) -> Network<f32> {
    let mut gaussian = gaussians(2);
    for block in network.blocks().to_vec() {
        if block.columns > 1 {
            let scale = 1.0 / (block.columns as f32).sqrt();
            network.parameters_mut()[block.range()].fill_with(|| scale * gaussian());
        }
    }
    network
}

/// Standard normal numbers, the same on every machine (Box & Muller 1958).
fn gaussians(seed: u64) -> impl FnMut() -> f32 {
    let mut next = draws(seed);
    let mut uniform = move || ((next() & 0xFFFF_FFFF) as f64 + 0.5) / (1_u64 << 32) as f64;
    move || ((-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_are_those_of_the_peers() {
        let cases = Case::all();
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["music", "spikes", "digits", "wide", "long"]);
        assert_eq!((cases[1].inputs, cases[1].units, cases[1].outputs), (700, 450, 20));
    }

    #[test]
    fn inputs_are_as_active_as_they_say() {
        for case in Case::all() {
            let batch = case.sequences();
            let values: Vec<f32> = (0..case.batch)
                .flat_map(|b| (0..case.steps).flat_map(move |t| [(b, t)]))
                .flat_map(|(b, t)| batch.input(b, t).to_vec())
                .collect();
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let square = values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32;
            let (expected_mean, expected_square) =
                if case.active < 1.0 { (case.active as f32, case.active as f32) } else { (0.0, 1.0) };
            assert!(
                (mean - expected_mean).abs() < 0.02 && (square - expected_square).abs() < 0.03,
                "{}: {mean} {square}",
                case.name
            );
        }
    }
}
