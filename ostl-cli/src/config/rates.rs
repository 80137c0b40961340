//! `learning_rate_scale` and `frozen` of a layer or the readout: how fast its blocks learn.

use std::collections::BTreeMap;

use ostl_core::{LearningRates, NetworkBuilder, Real};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

use super::OutOfRange;
use super::layer::taken;

/// The keys, as they stand beside a layer's others.
pub(super) const KEYS: [&str; 2] = ["learning_rate_scale", "frozen"];

/// Factors to the learning rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct RatesConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate_scale: Option<Scale>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Frozen>,
}

/// Of the whole layer, or of some of its blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Scale {
    Layer(f64),
    Blocks(BTreeMap<String, f64>),
}

/// The whole layer or not, or some of its blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Frozen {
    Layer(bool),
    Blocks(Vec<String>),
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        let value = Value::deserialize(deserializer)?;
        let blocks = |table: &Table| table.iter().map(|(name, value)| Some((name.clone(), number(value)?))).collect();
        let read = number(&value).map(Self::Layer).or_else(|| value.as_table().and_then(blocks).map(Self::Blocks));
        read.ok_or_else(|| unexpected(&value, "a number for the whole layer, or one for each of some blocks: { H = 0.1 }"))
    }
}

impl<'de> Deserialize<'de> for Frozen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let names = |list: &Vec<Value>| list.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        let read = value.as_bool().map(Self::Layer).or_else(|| value.as_array().and_then(names).map(Self::Blocks));
        read.ok_or_else(|| unexpected(&value, "true for the whole layer, or a list of blocks: [\"W\", \"H\"]"))
    }
}

/// A value of another type than is expected.
fn unexpected<E: Error>(value: &Value, expected: &str) -> E {
    let found = match value {
        Value::String(text) => Unexpected::Str(text),
        Value::Integer(whole) => Unexpected::Signed(*whole),
        Value::Float(number) => Unexpected::Float(*number),
        Value::Boolean(truth) => Unexpected::Bool(*truth),
        Value::Datetime(_) => Unexpected::Other("date"),
        Value::Array(_) => Unexpected::Seq,
        Value::Table(_) => Unexpected::Map,
    };
    E::invalid_type(found, &expected)
}

impl RatesConfig {
    /// Takes the keys out of a layer's table.
    pub(super) fn take<E: Error>(table: &mut Table) -> Result<Self, E> {
        let [scale, frozen] = KEYS;
        Ok(Self { learning_rate_scale: taken(table, scale)?, frozen: taken(table, frozen)? })
    }

    /// Whether every block learns at the learning rate itself.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the whole layer is frozen.
    fn is_frozen(&self) -> bool {
        self.frozen == Some(Frozen::Layer(true))
    }

    /// Refuses factors that make no sense; `blocks` are the names of those that the layer has.
    pub(super) fn validate(&self, blocks: &[&str]) -> Result<(), OutOfRange> {
        let [scale_key, frozen_key] = KEYS;
        let known = |key: &str, name: &String| {
            if blocks.contains(&name.as_str()) {
                return Ok(());
            }
            Err(OutOfRange::new(key, name, format!("a block that this layer has: {}", blocks.join(", "))))
        };
        let in_range = |key: String, scale: f64| {
            if (LearningRates::SMALLEST..=LearningRates::LARGEST).contains(&scale) {
                return Ok(());
            }
            let [named, frozen] = [key == scale_key, scale == 0.0];
            let instead = match (frozen, named) {
                (true, true) => "; what is not to learn at all is frozen = true",
                (true, false) => "; what is not to learn at all is listed in frozen",
                _ => "",
            };
            let allowed = format!("{:e} to {:e}{instead}", LearningRates::SMALLEST, LearningRates::LARGEST);
            Err(OutOfRange::new(key, scale, allowed))
        };
        let frozen = match &self.frozen {
            Some(Frozen::Blocks(names)) => names.as_slice(),
            _ => &[],
        };
        frozen.iter().try_for_each(|name| known(frozen_key, name))?;
        match &self.learning_rate_scale {
            Some(_) if self.is_frozen() => Err(OutOfRange::new(scale_key, "", "left out where the layer is frozen")),
            Some(Scale::Layer(scale)) => in_range(scale_key.into(), *scale),
            Some(Scale::Blocks(scales)) => scales.iter().try_for_each(|(name, &scale)| {
                known(scale_key, name)?;
                let key = format!("{scale_key}.{name}");
                if frozen.contains(name) {
                    return Err(OutOfRange::new(key, scale, "left out: this block is frozen"));
                }
                in_range(key, scale)
            }),
            None => Ok(()),
        }
    }

    /// The same of the layer that a builder was given last.
    pub(super) fn of_last<T: Real>(&self, mut builder: NetworkBuilder<T>) -> NetworkBuilder<T> {
        builder = match &self.learning_rate_scale {
            None => builder,
            Some(Scale::Layer(scale)) => builder.learning_rate_scale(*scale),
            Some(Scale::Blocks(scales)) => {
                scales.iter().fold(builder, |builder, (name, &scale)| builder.block_learning_rate_scale(name, scale))
            }
        };
        match &self.frozen {
            None | Some(Frozen::Layer(false)) => builder,
            Some(Frozen::Layer(true)) => builder.frozen(),
            Some(Frozen::Blocks(names)) => names.iter().fold(builder, |builder, name| builder.frozen_block(name)),
        }
    }
}
