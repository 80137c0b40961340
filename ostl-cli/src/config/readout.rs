//! `readout`: the last layer, whose outputs are the logits; its size follows from the task.

use ostl_cells::CellConfig;
use ostl_core::{Activation, Network, NetworkBuilder, Real};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;
use super::layer::{cell_error, check_dropout};
use super::rates::RatesConfig;

/// The readout as it stands in a configuration: dense and stateless, unless it has a `cell`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ReadoutConfig {
    /// Share of what the readout reads that is left out while learning.
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,
    /// Its weights are those of the embedding.
    tied: bool,
    #[serde(flatten)]
    rates: RatesConfig,
    #[serde(flatten)]
    cell: Option<CellConfig>,
}

impl<'de> Deserialize<'de> for ReadoutConfig {
    /// Takes the readout's own keys out and leaves the rest to the cell, so that its own message about an unknown key arrives unchanged.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let dropout = table.remove("dropout").map(f64::deserialize).transpose();
        let rates = RatesConfig::take(&mut table)?;
        let tied = table.remove("tied").map(bool::deserialize).transpose();
        let cell = (!table.is_empty()).then(|| CellConfig::deserialize(Value::Table(table))).transpose();
        let said = |error: toml::de::Error| D::Error::custom(error.message());
        Ok(Self {
            dropout: dropout.map_err(said)?,
            tied: tied.map_err(said)?.unwrap_or(false),
            rates,
            cell: cell.map_err(said)?,
        })
    }
}

impl ReadoutConfig {
    pub(super) fn validate(&self) -> Result<(), OutOfRange> {
        check_dropout(self.dropout)?;
        if self.tied && self.cell.is_some() {
            return Err(OutOfRange::new("tied", true, "false: a readout of a cell has weights of its own"));
        }
        if let Some(cell) = self.cell {
            cell.validate().map_err(cell_error)?;
        }
        if self.rates.is_default() {
            return Ok(());
        }
        // What blocks it has does not depend on its size.
        let plain = Self { rates: RatesConfig::default(), ..self.clone() };
        let small = plain.on_top_of(Network::<f64>::builder(1), 1)?.finish()?;
        let blocks: Vec<&str> = small.blocks().iter().map(|block| block.name).collect();
        self.rates.validate(&blocks)
    }

    /// The layers with the readout among them if it is one of a cell or learns at rates of its own, and else how many outputs it has.
    pub(super) fn outline<T: Real>(
        &self,
        builder: NetworkBuilder<T>,
        outputs: usize,
    ) -> Result<(NetworkBuilder<T>, Option<usize>), OutOfRange> {
        match &self.cell {
            None if self.rates.is_default() => Ok((builder, Some(outputs))),
            _ => Ok((self.on_top_of(builder, outputs)?, None)),
        }
    }

    /// Puts the readout on top of a network.
    pub(super) fn finish<T: Real>(&self, builder: NetworkBuilder<T>, outputs: usize) -> Result<Network<T>, OutOfRange> {
        let builder = builder.dropout(self.dropout.unwrap_or(0.0));
        let builder = if self.tied { builder.tied() } else { builder };
        Ok(self.on_top_of(builder, outputs)?.finish()?)
    }

    /// The readout as one more layer.
    fn on_top_of<T: Real>(&self, builder: NetworkBuilder<T>, outputs: usize) -> Result<NetworkBuilder<T>, OutOfRange> {
        let builder = match &self.cell {
            None => builder.dense(outputs, Activation::Identity),
            Some(cell) => cell.add_to(builder, outputs).map_err(cell_error)?,
        };
        Ok(self.rates.of_last(builder))
    }
}
