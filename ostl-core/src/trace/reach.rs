//! Whom a unit reaches: the pattern that SnAp-n keeps of an influence matrix (Menick et al. 2020, § 3).

use crate::layer::Recurrent;
use crate::real::Real;

/// For each unit the units that it reaches through existing connections of H within some steps, itself included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reach {
    /// In order.
    pub(crate) units: Vec<Vec<u32>>,
    /// Nobody reaches further, however many the steps: what is kept is all there is.
    pub(crate) is_saturated: bool,
}

impl Reach {
    /// Within `order` steps: the first reaches the unit itself, every further one goes over one connection.
    pub(crate) fn new<T: Real>(layer: &Recurrent<T>, order: usize) -> Self {
        let n = layer.units;
        let exists = |from: usize, to: usize| {
            !layer.y_gates.is_empty() && layer.connections.as_ref().is_none_or(|connections| connections.exists(from, to))
        };
        let listeners: Vec<Vec<u32>> =
            (0..n).map(|from| (0..n as u32).filter(|&to| exists(from, to as usize)).collect()).collect();
        let mut is_saturated = true;
        let mut seen = vec![usize::MAX; n];
        let reached = |unit: usize| {
            let mut reached = vec![unit as u32];
            seen[unit] = unit;
            let mut last = 0;
            // One hop more than counts, to see whether it adds anything.
            for hop in 1..=order {
                let counted = reached.len();
                for place in last..counted {
                    for &to in &listeners[reached[place] as usize] {
                        if seen[to as usize] != unit {
                            seen[to as usize] = unit;
                            reached.push(to);
                        }
                    }
                }
                if reached.len() == counted {
                    break;
                }
                if hop == order {
                    is_saturated = false;
                    reached.truncate(counted);
                }
                last = counted;
            }
            reached.sort_unstable();
            reached
        };
        let units = (0..n).map(reached).collect();
        Self { units, is_saturated }
    }

    /// Values that SnAp-n keeps for one stream with so many variables a unit: those of the units reached, for each of a unit's
    /// parameters.
    pub(crate) fn values<T: Real>(&self, layer: &Recurrent<T>, variables: usize) -> usize {
        (0..layer.units).map(|unit| variables * self.units[unit].len() * parameters_of(layer, unit)).sum()
    }
}

/// The units that a unit hears.
pub(crate) fn heard<T: Real>(layer: &Recurrent<T>, unit: usize) -> Vec<u32> {
    let exists = |from: &u32| layer.connections.as_ref().is_none_or(|connections| connections.exists(*from as usize, unit));
    if layer.y_gates.is_empty() { Vec::new() } else { (0..layer.units as u32).filter(exists).collect() }
}

/// Parameters of one unit, as far as they exist.
pub(crate) fn parameters_of<T: Real>(layer: &Recurrent<T>, unit: usize) -> usize {
    let h = layer.y_gates.len() * heard(layer, unit).len();
    layer.x_gates.len() * layer.inputs + h + layer.constants.iter().flatten().count()
}
