//! One entry of `[[layers]]`: a recurrent cell with its options, a stateless dense layer, or an embedding.

use ostl_cells::{CellConfig, CellError};
use ostl_core::{Activation, Activity, Network, NetworkBuilder, Real};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;
use super::rates::RatesConfig;
use crate::names::nearest;

/// A layer as it stands in a configuration: `units`, and either `cell` with the cell's options, perhaps with `activity`, or `dense`, or
/// `embedding`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct LayerConfig {
    pub(super) units: usize,
    /// What the layer's activity adds to the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<Activity>,
    /// The share of the connections of H that exist; all if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    density: Option<f64>,
    /// Share of what the layer reads from below that is left out while learning; none if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,
    #[serde(flatten)]
    rates: RatesConfig,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Kind {
    Cell(CellConfig),
    Dense { dense: Activation },
    Embedding { embedding: bool },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DenseConfig {
    dense: Activation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingConfig {
    embedding: bool,
}

impl<'de> Deserialize<'de> for LayerConfig {
    /// Takes out what every layer of its kind has and leaves the rest to the cell, so that its own message about an unknown key arrives
    /// unchanged. What is unknown is reported before what is missing, since it may be that, misspelt.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let kinds: Vec<&str> = ["embedding", "cell", "dense"].into_iter().filter(|kind| table.contains_key(*kind)).collect();
        let kind = match kinds[..] {
            [kind] => kind,
            [one, other, ..] => {
                return Err(D::Error::custom(format!("has both `{one}` and `{other}`; a layer is one or the other")));
            }
            [] => return Err(kindless(&table)),
        };
        let units = taken(&mut table, "units")?;
        let dropout = taken(&mut table, "dropout")?;
        let rates = RatesConfig::take(&mut table)?;
        let (mut activity, mut density) = (None, None);
        let kind = match kind {
            "embedding" => {
                let EmbeddingConfig { embedding } = rest(table)?;
                if !embedding {
                    return Err(D::Error::custom("`embedding` is true, or left out"));
                }
                Kind::Embedding { embedding }
            }
            "dense" => Kind::Dense { dense: rest::<DenseConfig, _>(table)?.dense },
            _ => {
                activity = taken(&mut table, "activity")?;
                density = taken(&mut table, "density")?;
                Kind::Cell(rest(table)?)
            }
        };
        let units = units.ok_or_else(|| D::Error::missing_field("units"))?;
        Ok(Self { units, activity, density, dropout, rates, kind })
    }
}

/// The value of a key that is taken out of a table, if it is there.
pub(super) fn taken<V: DeserializeOwned, E: Error>(table: &mut Table, key: &str) -> Result<Option<V>, E> {
    table.remove(key).map(V::deserialize).transpose().map_err(|error| E::custom(error.message()))
}

/// What is left of a table.
fn rest<V: DeserializeOwned, E: Error>(table: Table) -> Result<V, E> {
    V::deserialize(Value::Table(table)).map_err(|error| E::custom(error.message()))
}

/// A layer that does not say what it is: perhaps it does, in a key that is misspelt.
fn kindless<E: Error>(table: &Table) -> E {
    const KNOWN: &[&str] =
        &["cell", "dense", "embedding", "units", "activity", "density", "dropout", "learning_rate_scale", "frozen"];
    let unknown = table.keys().filter(|key| !KNOWN.contains(&key.as_str()));
    match unknown.into_iter().find(|key| nearest(key, KNOWN.iter().copied().take(3)).is_some()) {
        Some(key) => E::unknown_field(key, KNOWN),
        None => E::custom(
            "has neither `cell` nor `dense` nor `embedding`: write cell = \"lstm\" (or another cell), dense = \"tanh\" or embedding = true",
        ),
    }
}

impl LayerConfig {
    /// A layer of a cell.
    pub(crate) fn of_cell(units: usize, cell: CellConfig) -> Self {
        Self::plain(units, Kind::Cell(cell))
    }

    /// A stateless layer.
    pub(crate) fn of_dense(units: usize, dense: Activation) -> Self {
        Self::plain(units, Kind::Dense { dense })
    }

    fn plain(units: usize, kind: Kind) -> Self {
        Self { units, activity: None, density: None, dropout: None, rates: RatesConfig::default(), kind }
    }

    /// The cell's or the activation's name.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::Cell(cell) => cell.name().into(),
            Kind::Dense { dense } => dense.name().into(),
            Kind::Embedding { .. } => "embedding".into(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), OutOfRange> {
        if self.units == 0 {
            return Err(OutOfRange::new("units", 0, "at least 1"));
        }
        if let Some(activity) = self.activity {
            activity.validate().map_err(|error| OutOfRange::from(error).within("activity"))?;
        }
        check_dropout(self.dropout)?;
        if let (Some(density), Kind::Cell(cell)) = (self.density, self.kind) {
            if !cell.is_recurrent() {
                return Err(OutOfRange::new("density", density, "left out: this layer has no H"));
            }
            if !(0.0..=1.0).contains(&density) {
                return Err(OutOfRange::new("density", density, "between 0 and 1"));
            }
        }
        if let Kind::Cell(cell) = self.kind {
            cell.validate().map_err(cell_error)?;
        }
        self.validate_rates()
    }

    fn validate_rates(&self) -> Result<(), OutOfRange> {
        if self.rates.is_default() {
            return Ok(());
        }
        // What blocks the layer has does not depend on its size.
        let small = Self::plain(1, self.kind).add_to(Network::<f64>::builder(1))?.readout(1)?;
        let blocks: Vec<&str> = small.blocks().iter().filter(|block| block.layer == 0).map(|block| block.name).collect();
        self.rates.validate(&blocks)
    }

    /// Puts the layer on top of a network.
    pub(crate) fn add_to<T: Real>(&self, builder: NetworkBuilder<T>) -> Result<NetworkBuilder<T>, OutOfRange> {
        let builder = builder.dropout(self.dropout.unwrap_or(0.0));
        let builder = match self.kind {
            Kind::Cell(cell) => {
                let builder = cell.add_to(builder, self.units).map_err(cell_error)?;
                let builder = builder.activity(self.activity.unwrap_or_default());
                match self.density {
                    Some(density) => builder.density(density),
                    None => builder,
                }
            }
            Kind::Dense { dense } => builder.dense(self.units, dense),
            Kind::Embedding { .. } => builder.embedding(self.units),
        };
        Ok(self.rates.of_last(builder))
    }
}

/// Refuses a share that is none.
pub(super) fn check_dropout(dropout: Option<f64>) -> Result<(), OutOfRange> {
    match dropout {
        Some(rate) if !(0.0..1.0).contains(&rate) => Err(OutOfRange::new("dropout", rate, "at least 0 and less than 1")),
        _ => Ok(()),
    }
}

pub(super) fn cell_error(error: CellError) -> OutOfRange {
    match error {
        CellError::OutOfRange { key, value, allowed } => OutOfRange::new(key, value, allowed),
        CellError::Exclusive { keys: [one, other] } => {
            OutOfRange::new(other, "", format!("left out where `{one}` is given: both say how fast the unit forgets"))
        }
        other => OutOfRange::new("cell", "", other.to_string()),
    }
}
