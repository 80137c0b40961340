//! How fast the blocks of a layer learn: factors to the learning rate, 0 for what is frozen.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::builder::Planned;
use super::size::blocks_of;
use super::{Network, NetworkBuilder};
use crate::linalg::real::Real;
use crate::network::layer::Layer;
use crate::refusal::ConfigError;

/// Factors to the learning rate of a layer's blocks; 0 for those that are frozen: they get no gradient and keep no trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LearningRates {
    /// Of every block that has none of its own.
    pub layer: f64,
    /// Of single blocks, by name.
    #[serde(default)]
    pub blocks: BTreeMap<String, f64>,
}

impl Default for LearningRates {
    fn default() -> Self {
        Self { layer: 1.0, blocks: BTreeMap::new() }
    }
}

impl LearningRates {
    /// The smallest factor that is not 0: factors between this and the [largest](Self::LARGEST) keep a learning rate what it is meant to be.
    pub const SMALLEST: f64 = 1e-6;
    /// The largest factor.
    pub const LARGEST: f64 = 1e6;

    /// A block's factor.
    pub fn of(&self, block: &str) -> f64 {
        self.blocks.get(block).copied().unwrap_or(self.layer)
    }

    /// Whether a block learns at all.
    pub fn learns(&self, block: &str) -> bool {
        self.of(block) != 0.0
    }

    /// Whether every block learns at the learning rate itself.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses factors that are out of range, and blocks that the layer does not have.
    pub(super) fn check<T: Real>(&self, index: usize, layer: &Layer<T>) -> Result<(), ConfigError> {
        let names: Vec<&str> = blocks_of(layer).iter().map(|block| block.name).collect();
        for (name, &scale) in std::iter::once((None, &self.layer)).chain(self.blocks.iter().map(|(n, s)| (Some(n), s))) {
            let field = match name {
                Some(name) => format!("learning rate scale of {name} in layer {index}"),
                None => format!("learning rate scale of layer {index}"),
            };
            if !(scale == 0.0 || (Self::SMALLEST..=Self::LARGEST).contains(&scale)) {
                let allowed = format!("0, for what is frozen, or {:e} to {:e}", Self::SMALLEST, Self::LARGEST);
                return Err(ConfigError::out_of_range(field, scale, allowed));
            }
            let gates = layer.recurrent().map_or(&[][..], |layer| layer.dynamics.gates());
            if scale != 0.0 && gates.iter().any(|gate| gate.is_fixed && Some(gate.name) == name.map(String::as_str)) {
                return Err(ConfigError::out_of_range(field, scale, "left out: the cell's values of it are fixed"));
            }
            if let Some(name) = name.filter(|name| !names.contains(&name.as_str())) {
                let allowed = format!("one of the layer's blocks: {}", names.join(", "));
                return Err(ConfigError::out_of_range(format!("block of layer {index}"), name, allowed));
            }
        }
        Ok(())
    }
}

impl<T: Real> NetworkBuilder<T> {
    /// Every block of the layer added last learns at this times the learning rate, 0 or 1e-6 to 1e6: what has learned before
    /// may need smaller steps than what is new. Readouts are layers, too: `.dense(outputs, Activation::Identity)`, then this, then [`finish`](Self::finish).
    ///
    /// # Panics
    /// If there is no layer yet.
    #[track_caller]
    pub fn learning_rate_scale(mut self, scale: f64) -> Self {
        self.rates_of_last().layer = scale;
        self
    }

    /// The same of one block of the layer added last: `"W"`, `"H"`, `"b"`, or a constant's name ([`Block::name`](crate::Block::name)). It counts instead of the layer's.
    ///
    /// # Panics
    /// If there is no layer yet.
    #[track_caller]
    pub fn block_learning_rate_scale(mut self, block: &str, scale: f64) -> Self {
        self.rates_of_last().blocks.insert(block.into(), scale);
        self
    }

    /// The layer added last stays as it is: it gets no gradient, no trace is kept for its parameters, no weight decays, and nothing of it counts
    /// towards a norm that is clipped. Errors still pass through it to the layers below.
    ///
    /// # Panics
    /// If there is no layer yet.
    #[track_caller]
    pub fn frozen(self) -> Self {
        self.learning_rate_scale(0.0)
    }

    /// The same of one block of the layer added last.
    ///
    /// # Panics
    /// If there is no layer yet.
    #[track_caller]
    pub fn frozen_block(self, block: &str) -> Self {
        self.block_learning_rate_scale(block, 0.0)
    }

    #[track_caller]
    fn rates_of_last(&mut self) -> &mut LearningRates {
        assert!(!self.layers.is_empty(), "a learning rate belongs to a layer, and none has been added yet");
        self.rates.resize(self.layers.len(), LearningRates::default());
        &mut self.rates[self.layers.len() - 1]
    }

    /// Factors to the learning rate of a layer.
    pub(super) fn rates_of(&self, index: usize) -> LearningRates {
        let mut rates = self.rates.get(index).cloned().unwrap_or_default();
        if let Some(Planned::Recurrent { dynamics, .. }) = self.layers.get(index) {
            for gate in dynamics.gates().iter().filter(|gate| gate.is_fixed) {
                rates.blocks.entry(gate.name.to_owned()).or_insert(0.0);
            }
        }
        rates
    }
}

/// A run of parameters that learn at one rate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RatedRange {
    pub(crate) range: Range<usize>,
    /// Factor to the learning rate; never 0.
    pub(crate) scale: f64,
}

impl<T: Real> Network<T> {
    /// The factor to the learning rate of a [block](Self::blocks); 0 if it is frozen.
    ///
    /// # Panics
    /// If the layer has no such block.
    #[track_caller]
    pub fn learning_rate_scale(&self, layer: usize, name: &str) -> f64 {
        self.layers[self.find(layer, name).layer].rates().of(name)
    }

    /// The parameters that learn, in order, as few runs as there can be.
    pub(super) fn learned(&self) -> Vec<RatedRange> {
        let mut runs: Vec<RatedRange> = Vec::new();
        for block in self.blocks() {
            let scale = self.layers[block.layer].rates().of(block.name);
            match runs.last_mut() {
                _ if scale == 0.0 => {}
                Some(last) if last.scale == scale && last.range.end == block.offset => last.range.end = block.range().end,
                _ => runs.push(RatedRange { range: block.range(), scale }),
            }
        }
        runs
    }

    /// Sets to zero what belongs to frozen blocks, in values laid out as the parameters.
    pub(crate) fn clear_frozen(&self, values: &mut [T]) {
        let mut end = 0;
        for learned in &self.learned {
            values[end..learned.range.start].fill(T::zero());
            end = learned.range.end;
        }
        values[end..].fill(T::zero());
    }
}
