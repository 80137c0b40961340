//! The layers of the plain model, unit by unit as their equations stand.

use super::number::Number;
use ostl_core::Network;

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// No constants.
    Embedding,
    /// tanh.
    Tanh,
    /// The readout.
    Linear,
    /// [`Leaky`](crate::leaky::Leaky) without a detached reset.
    Leaky { spikes: bool },
    /// [`Gated`](crate::leaky::Gated).
    Gated,
    /// [`Readout`](crate::leaky::Readout).
    Leak,
}

/// State and output of a layer's units.
#[derive(Clone, Debug)]
pub(super) struct Units {
    pub(super) s: Vec<Number>,
    pub(super) y: Vec<Number>,
}

/// One step of all layers from what came before, if it did not start anew.
pub(super) fn forward(network: &Network<f64>, kinds: &[Kind], before: Option<Vec<Units>>, x: &[f64]) -> Vec<Units> {
    let mut below: Vec<Number> = x.iter().map(|&x| Number::constant(x)).collect();
    let mut layers = Vec::new();
    for (index, &kind) in kinds.iter().enumerate() {
        let units = layer(network, index, kind, &below, before.as_ref().map(|before| &before[index]));
        below = units.y.clone();
        layers.push(units);
    }
    layers
}

fn layer(network: &Network<f64>, index: usize, kind: Kind, below: &[Number], before: Option<&Units>) -> Units {
    let parameters = network.parameters();
    let block = |name: &str| network.blocks().iter().find(|block| block.layer == index && block.name == name);
    // a: rows of W, H and b, gate after gate.
    let rows = block("W").unwrap().rows;
    let mut a = vec![Number::default(); rows];
    let heard = [("W", Some(below)), ("H", before.map(|before| before.y.as_slice()))];
    for (name, signal) in heard {
        let (Some(block), Some(signal)) = (block(name), signal) else { continue };
        for (column, z) in signal.iter().enumerate() {
            for (row, a) in a.iter_mut().enumerate() {
                let place = block.offset + column * block.rows + row;
                a.add(parameters[place], z);
                if z.value != 0.0 {
                    a.slope.resize(parameters.len(), 0.0);
                    a.slope[place] += z.value;
                }
            }
        }
    }
    if let Some(b) = block("b") {
        a.iter_mut().enumerate().for_each(|(row, a)| a.add_parameter(1.0, parameters, b.offset + row));
    }
    let nothing = Number::default();
    let old_s = |unit: usize| before.map_or(&nothing, |before| &before.s[unit]);
    let old_y = |unit: usize| before.map_or(&nothing, |before| &before.y[unit]);
    match kind {
        Kind::Embedding | Kind::Linear => Units { s: Vec::new(), y: a },
        Kind::Tanh => Units { s: Vec::new(), y: a.iter().map(Number::tanh).collect() },
        Kind::Leak => {
            let s = a.iter().enumerate().map(|(unit, a)| {
                let mut s = a.map(0.5 * a.value, 0.5);
                s.add(crate::leaky::KAPPA, old_s(unit));
                s
            });
            let s: Vec<Number> = s.collect();
            Units { y: s.clone(), s }
        }
        Kind::Leaky { spikes } => {
            let (mut states, mut outputs) = (Vec::new(), Vec::new());
            for (unit, a) in a.iter().enumerate() {
                let mut s = a.clone();
                s.add(0.7, old_s(unit));
                s.add(-1.0, old_y(unit));
                let mut potential = s.clone();
                potential.add_parameter(1.0, parameters, block("threshold").unwrap().offset + unit);
                let soft = 1.0 / (1.0 + (-4.0 * potential.value).exp());
                let value = if spikes { f64::from(u8::from(potential.value > 0.0)) } else { soft };
                outputs.push(potential.map(value, 4.0 * soft * (1.0 - soft)));
                states.push(s);
            }
            Units { s: states, y: outputs }
        }
        Kind::Gated => {
            let units = rows / 3;
            let (mut states, mut outputs) = (Vec::new(), Vec::new());
            for unit in 0..units {
                let [f, u, o] = [0, 1, 2].map(|gate| &a[gate * units + unit]);
                let mut s = f.sigmoid().times(old_s(unit));
                s.add(1.0, &u.tanh());
                outputs.push(o.sigmoid().times(&s.tanh()));
                states.push(s);
            }
            Units { s: states, y: outputs }
        }
    }
}

/// Constants from here on.
pub(super) fn detach(layers: &mut [Units]) {
    for units in layers {
        units.s.iter_mut().chain(&mut units.y).for_each(|number| *number = number.detached());
    }
}
