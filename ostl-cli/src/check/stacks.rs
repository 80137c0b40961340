//! The fixed set of small networks that `ostl check` audits by itself.

use anyhow::Result;
use ostl_cells::CellConfig;
use ostl_core::{Activation, Carry, Loss, Method, Network, Window};

use super::random;
use crate::config::LayerConfig;
use crate::gradient_report::Report;

const INPUTS: usize = 4;
const OUTPUTS: usize = 3;
const LENGTHS: [usize; 3] = [21, 20, 17];
const CARRIES: [Carry; 4] = [Carry::None, Carry::Local, Carry::Layer, Carry::Network];
/// Divides no length, or divides one, or is the whole sequence.
const WINDOWS: [Window; 3] = [Window::Steps(1), Window::Steps(4), Window::Sequence];

/// Stacks of the named cells (without a number: six units) with stateless layers between.
const DEEP: [&[&str]; 6] = [
    &["tanh", "ssnu-without-h"],
    &["lstm", "tanh", "lstm"],
    &["ssnu-without-h", "sigmoid", "ssnu-without-h"],
    &["snu-tanh", "identity", "snu-fast-sigmoid-without-h"],
    &["gru", "relu", "rnn"],
    &["snu-tanh", "tanh", "lstm", "identity", "gru"],
];

/// One network to audit with one method.
pub(super) struct Case {
    name: String,
    layers: Vec<LayerConfig>,
    method: Method,
}

/// Every case of the fixed set.
pub(super) fn all() -> Vec<Case> {
    let every = CellConfig::every();
    let single = every.iter().map(|(name, cell)| (name.clone(), vec![LayerConfig::of_cell(6, *cell)]));
    let deep = DEEP.iter().map(|names| {
        let layers = names.iter().enumerate().map(|(index, name)| layer(&every, name, 4 + index)).collect();
        (names.join(" > "), layers)
    });
    let networks: Vec<(String, Vec<LayerConfig>)> = single.chain(deep).collect();
    let mut cases = Vec::new();
    for (name, layers) in &networks {
        for carry in CARRIES {
            for window in WINDOWS {
                let method = Method { window, carry, ..Method::bptt() };
                cases.push(Case { name: name.clone(), layers: layers.clone(), method });
            }
        }
    }
    cases
}

fn layer(every: &[(String, CellConfig)], name: &str, units: usize) -> LayerConfig {
    match every.iter().find(|(known, _)| known == name) {
        Some((_, cell)) => LayerConfig::of_cell(units, *cell),
        None => LayerConfig::of_dense(units, activation(name)),
    }
}

fn activation(name: &str) -> Activation {
    let all = [Activation::Identity, Activation::Tanh, Activation::Sigmoid, Activation::Relu];
    all.into_iter().find(|activation| activation.name() == name).unwrap_or_else(|| panic!("no cell or activation {name}"))
}

impl Case {
    pub(super) fn audit(&self) -> Result<Report> {
        let mut builder = Network::builder(INPUTS).seed(1);
        for layer in &self.layers {
            builder =
                layer.add_to(builder).map_err(|error| anyhow::anyhow!("{}: {} = {}", self.name, error.key, error.value))?;
        }
        let network = builder.readout(OUTPUTS)?;
        let batch = random::batch(INPUTS, OUTPUTS, Loss::SoftmaxCrossEntropy, &LENGTHS, 1);
        Report::new(self.name.clone(), &network, Loss::SoftmaxCrossEntropy, &self.method, &batch, String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_holds_every_cell_carry_and_window() {
        let cases = all();
        assert_eq!(cases.len(), (CellConfig::every().len() + DEEP.len()) * CARRIES.len() * WINDOWS.len());
        for (name, _) in CellConfig::every() {
            assert_eq!(cases.iter().filter(|case| case.name == name).count(), CARRIES.len() * WINDOWS.len());
        }
    }
}
