//! One entry of `[[layers]]`: a recurrent cell with its options, a stateless dense layer, or an embedding.

use ostl_cells::{CellConfig, CellError};
use ostl_core::{Activation, Activity, NetworkBuilder, Real};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;

/// A layer as it stands in a configuration: `units`, and either `cell` with the cell's options, perhaps with `activity`, or `dense`, or
/// `embedding`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct LayerConfig {
    units: usize,
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

impl<'de> Deserialize<'de> for LayerConfig {
    /// Takes `units` out and leaves the rest to the cell, so that its own message about an unknown key arrives unchanged.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let units = table.remove("units").ok_or_else(|| D::Error::missing_field("units"))?;
        let units = usize::deserialize(units).map_err(|error| D::Error::custom(error.message()))?;
        let activity = table.remove("activity").map(Activity::deserialize).transpose();
        let activity = activity.map_err(|error| D::Error::custom(error.message()))?;
        let density = table.remove("density").map(f64::deserialize).transpose();
        let density = density.map_err(|error| D::Error::custom(error.message()))?;
        if density.is_some() && table.contains_key("dense") {
            return Err(D::Error::custom("`density` is that of a cell's H, and this layer is dense"));
        }
        if activity.is_some() && table.contains_key("dense") {
            return Err(D::Error::custom("`activity` belongs to a layer of a cell, and this one is dense"));
        }
        let dropout = table.remove("dropout").map(f64::deserialize).transpose();
        let dropout = dropout.map_err(|error| D::Error::custom(error.message()))?;
        if let Some(embedding) = table.remove("embedding") {
            let others = ["cell", "dense"].into_iter().find(|other| table.contains_key(*other));
            if let Some(other) = others {
                return Err(D::Error::custom(format!("has both `embedding` and `{other}`; a layer is one or the other")));
            }
            if let Some(other) = table.keys().next() {
                return Err(D::Error::custom(format!("unknown field `{other}`: an embedding has `units` alone")));
            }
            if activity.is_some() || density.is_some() {
                return Err(D::Error::custom(
                    "`activity` and `density` belong to a layer of a cell, and this is an embedding",
                ));
            }
            if !bool::deserialize(embedding).map_err(|error| D::Error::custom(error.message()))? {
                return Err(D::Error::custom("`embedding` is true, or left out"));
            }
            return Ok(Self { units, activity, density, dropout, kind: Kind::Embedding { embedding: true } });
        }
        let kind = match (table.contains_key("cell"), table.contains_key("dense")) {
            (true, false) => CellConfig::deserialize(Value::Table(table)).map(Kind::Cell),
            (false, true) => DenseConfig::deserialize(Value::Table(table)).map(|config| Kind::Dense { dense: config.dense }),
            (true, true) => return Err(D::Error::custom("has both `cell` and `dense`; a layer is one or the other")),
            (false, false) => {
                return Err(D::Error::custom(
                    "has neither `cell` nor `dense` nor `embedding`: write cell = \"lstm\" (or another cell), dense = \"tanh\" or embedding = true",
                ));
            }
        };
        Ok(Self { units, activity, density, dropout, kind: kind.map_err(|error| D::Error::custom(error.message()))? })
    }
}

impl LayerConfig {
    /// A layer of a cell.
    pub(crate) fn of_cell(units: usize, cell: CellConfig) -> Self {
        Self { units, activity: None, density: None, dropout: None, kind: Kind::Cell(cell) }
    }

    /// A stateless layer.
    pub(crate) fn of_dense(units: usize, dense: Activation) -> Self {
        Self { units, activity: None, density: None, dropout: None, kind: Kind::Dense { dense } }
    }

    pub(super) fn units(&self) -> usize {
        self.units
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
        match self.kind {
            Kind::Cell(cell) => cell.validate().map_err(cell_error),
            Kind::Dense { .. } | Kind::Embedding { .. } => Ok(()),
        }
    }

    /// Puts the layer on top of a network.
    pub(crate) fn add_to<T: Real>(&self, builder: NetworkBuilder<T>) -> Result<NetworkBuilder<T>, OutOfRange> {
        let builder = builder.dropout(self.dropout.unwrap_or(0.0));
        match self.kind {
            Kind::Cell(cell) => {
                let builder = cell.add_to(builder, self.units).map_err(cell_error)?;
                let builder = builder.activity(self.activity.unwrap_or_default());
                Ok(match self.density {
                    Some(density) => builder.density(density),
                    None => builder,
                })
            }
            Kind::Dense { dense } => Ok(builder.dense(self.units, dense)),
            Kind::Embedding { .. } => Ok(builder.embedding(self.units)),
        }
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
        other => OutOfRange::new("cell", "", other.to_string()),
    }
}
