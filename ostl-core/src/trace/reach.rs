//! Whom a unit reaches: the pattern that SnAp-n keeps of an influence matrix (Menick et al. 2020, § 3).

use crate::linalg::real::Real;
use crate::network::layer::Recurrent;

/// For each unit the units that it reaches through existing connections of H within some steps, itself included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reach {
    /// In order.
    pub(crate) units: Vec<Vec<u32>>,
    /// No unit reaches further, however many the steps: what is kept is all there is.
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
            // The last hop may have reached all of them.
            reached.shrink_to_fit();
            reached
        };
        let units = (0..n).map(reached).collect();
        Self { units, is_saturated }
    }

    /// Multiply–adds that moving them on takes.
    pub(crate) fn products<T: Real>(&self, layer: &Recurrent<T>, variables: usize) -> f64 {
        let rows = |unit: usize| (variables * self.units[unit].len()) as f64;
        (0..layer.units).map(|unit| rows(unit) * rows(unit) * parameters_of_unit(layer, unit).1 as f64).sum()
    }
}

/// The units that a unit receives input from.
pub(crate) fn heard<T: Real>(layer: &Recurrent<T>, unit: usize) -> Vec<u32> {
    let exists = |from: &u32| layer.connections.as_ref().is_none_or(|connections| connections.exists(*from as usize, unit));
    if layer.y_gates.is_empty() { Vec::new() } else { (0..layer.units as u32).filter(exists).collect() }
}

/// How many units a unit receives input from, and its parameters, as far as they exist and are not frozen.
pub(crate) fn parameters_of_unit<T: Real>(layer: &Recurrent<T>, unit: usize) -> (usize, usize) {
    let heard = heard(layer, unit).len();
    let [inputs, a_connection, constants] = layer.learned_by_a_unit();
    (heard, inputs + a_connection * heard + constants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Cell, Gate, Partials, Unit};
    use crate::network::Network;

    #[derive(Clone, Copy)]
    struct Sum;

    impl Cell<1, 1> for Sum {
        fn name(&self) -> &'static str {
            "sum"
        }
        fn gates(&self) -> [Gate; 1] {
            [Gate::new("current", true)]
        }
        fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> Unit<T, 1> {
            self.linearise(previous, a).0
        }
        fn linearise<T: Real>(&self, _: Unit<T, 1>, [a]: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
            (Unit { s: [a], y: a }, Partials::zero())
        }
    }

    /// Against powers of the matrix of connections.
    #[test]
    fn reaches_as_powers_of_the_connections_do() {
        for density in [0.0, 0.05, 0.15, 0.4, 1.0] {
            let n = 20;
            let network = Network::<f64>::builder(2).seed(4).recurrent(Sum, n).density(density).readout(1).unwrap();
            let layer = network.layers[0].recurrent().unwrap();
            let exists = |from, to| network.connections(0).is_none_or(|connections| connections.exists(from, to));
            let mut reached: Vec<Vec<bool>> = (0..n).map(|i| (0..n).map(|j| i == j).collect()).collect();
            for order in 1..8 {
                let next: Vec<Vec<bool>> = reached
                    .iter()
                    .map(|row| (0..n).map(|to| row[to] || (0..n).any(|via| row[via] && exists(via, to))).collect())
                    .collect();
                let reach = Reach::new(layer, order);
                assert_eq!(reach.is_saturated, next == reached, "density {density} order {order}");
                for (row, found) in reached.iter().zip(&reach.units) {
                    assert_eq!(&(0..n as u32).filter(|&j| row[j as usize]).collect::<Vec<_>>(), found);
                }
                reached = next;
            }
            let all: usize = (0..n).map(|unit| heard(layer, unit).len()).sum();
            assert_eq!(all, network.connections(0).map_or(n * n, crate::network::connections::Connections::count));
        }
    }
}
