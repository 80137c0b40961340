//! One entry of `[[layers]]`: a recurrent cell with its options, or a stateless dense layer.

use ostl_cells::{CellConfig, CellError};
use ostl_core::{Activation, Activity, NetworkBuilder, Real};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;

/// A layer as it stands in a configuration: `units`, and either `cell` with the cell's options, perhaps with `activity`, or `dense`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct LayerConfig {
    units: usize,
    /// What the layer's activity adds to the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<Activity>,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Kind {
    Cell(CellConfig),
    Dense { dense: Activation },
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
        if activity.is_some() && table.contains_key("dense") {
            return Err(D::Error::custom("`activity` belongs to a layer of a cell, and this one is dense"));
        }
        let kind = match (table.contains_key("cell"), table.contains_key("dense")) {
            (true, false) => CellConfig::deserialize(Value::Table(table)).map(Kind::Cell),
            (false, true) => DenseConfig::deserialize(Value::Table(table)).map(|config| Kind::Dense { dense: config.dense }),
            (true, true) => return Err(D::Error::custom("has both `cell` and `dense`; a layer is one or the other")),
            (false, false) => {
                return Err(D::Error::custom(
                    "has neither `cell` nor `dense`: write cell = \"lstm\" (or another cell) or dense = \"tanh\"",
                ));
            }
        };
        Ok(Self { units, activity, kind: kind.map_err(|error| D::Error::custom(error.message()))? })
    }
}

impl LayerConfig {
    /// A layer of a cell.
    pub(crate) fn of_cell(units: usize, cell: CellConfig) -> Self {
        Self { units, activity: None, kind: Kind::Cell(cell) }
    }

    /// A stateless layer.
    pub(crate) fn of_dense(units: usize, dense: Activation) -> Self {
        Self { units, activity: None, kind: Kind::Dense { dense } }
    }

    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// The cell's or the activation's name.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::Cell(cell) => cell.name().into(),
            Kind::Dense { dense } => dense.name().into(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), OutOfRange> {
        if self.units == 0 {
            return Err(OutOfRange::new("units", 0, "at least 1"));
        }
        if let Some(activity) = self.activity {
            activity.validate().map_err(|error| OutOfRange::from(error).within("activity"))?;
        }
        match self.kind {
            Kind::Cell(cell) => cell.validate().map_err(cell_error),
            Kind::Dense { .. } => Ok(()),
        }
    }

    /// Puts the layer on top of a network.
    pub(crate) fn add_to<T: Real>(&self, builder: NetworkBuilder<T>) -> Result<NetworkBuilder<T>, OutOfRange> {
        match self.kind {
            Kind::Cell(cell) => {
                let builder = cell.add_to(builder, self.units).map_err(cell_error)?;
                Ok(builder.activity(self.activity.unwrap_or_default()))
            }
            Kind::Dense { dense } => Ok(builder.dense(self.units, dense)),
        }
    }
}

pub(super) fn cell_error(error: CellError) -> OutOfRange {
    match error {
        CellError::OutOfRange { key, value, allowed } => OutOfRange::new(key, value, allowed),
        other => OutOfRange::new("cell", "", other.to_string()),
    }
}
