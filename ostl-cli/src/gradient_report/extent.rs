//! How much of its sequences an audit looks at: whole ones, unless that takes long.

use ostl_core::gradient_check::{Claim, claims};
use ostl_core::{Carry, Method, Network, Window, best_block};

/// Multiply–adds that the audit of whole sequences may take, about: some seconds.
const MOST_PRODUCTS: f64 = 2e11;
/// Bytes that the oracle may keep of a whole sequence, about.
const MOST_BYTES: f64 = (1_u64 << 29) as f64;
/// What the oracle's plain loops take for a parameter and step, in multiply–adds of the engine, and what a pass over traces takes for each of them.
const ORACLE: f64 = 1000.0;
const PASS: f64 = 10.0;
/// Bytes that the oracle keeps of a unit and step.
const FRAME: f64 = 512.0;

/// Whether sequences of these lengths are audited as a whole.
pub(super) fn takes_whole(network: &Network<f64>, method: &Method, lengths: &[usize]) -> bool {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let signals = signals(network) as f64;
    products(network, method, lengths) <= MOST_PRODUCTS && signals * longest as f64 * FRAME <= MOST_BYTES
}

/// About the multiply–adds of an audit.
fn products(network: &Network<f64>, method: &Method, lengths: &[usize]) -> f64 {
    let steps = lengths.iter().sum::<usize>() as f64;
    let parameters = network.parameters().len() as f64;
    let swept = ORACLE * parameters * steps;
    match method.window {
        Window::Sequence => swept,
        // As far back each time, for the method and for R.
        Window::Rolling { steps: back, every } => {
            let looked_back = 2.0 * back as f64 * parameters * steps / every as f64;
            swept + looked_back + moved(network, &method.with_window(every), every, lengths)
        }
        Window::Steps(window) => swept + moved(network, method, window, lengths),
    }
}

/// About the multiply–adds that what is carried takes to move on over all edges of windows of so many steps, for the method and for R.
fn moved(network: &Network<f64>, method: &Method, window: usize, lengths: &[usize]) -> f64 {
    let edges = lengths.iter().map(|length| length / window.max(1)).sum::<usize>() as f64;
    edges * (moved_on(network, method) + residual(network, window))
}

/// About the multiply–adds that what is carried takes to move on over a window's edge.
fn moved_on(network: &Network<f64>, method: &Method) -> f64 {
    let traces = best_block(network, method, 1, usize::MAX, usize::MAX).map_or(0, |choice| choice.trace_bytes);
    let traces = (traces / size_of::<f64>()) as f64;
    match method.carry {
        Carry::None => 0.0,
        Carry::Local | Carry::Uoro(_) | Carry::LocalUoro(_) | Carry::Presynaptic | Carry::Postsynaptic => PASS * traces,
        // Layer, Network, Snap, KfRtrl: a row of the matrix for each variable; a unit has two as a rule.
        _ => 2.0 * signals(network) as f64 * traces,
    }
}

/// The same for finding R, which takes the carry `layer` whatever the method's own.
fn residual(network: &Network<f64>, window: usize) -> f64 {
    let by_layer = Method::bptt().with_carry(Carry::Layer).with_window(window);
    if claims(network, &by_layer).contains(&Claim::Approximate) { moved_on(network, &by_layer) } else { 0.0 }
}

/// Inputs and outputs of all layers: what a step keeps.
fn signals(network: &Network<f64>) -> usize {
    let inputs = network.blocks().iter().filter(|block| block.name == "W").map(|block| block.columns);
    inputs.fold(network.outputs(), usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use ostl_cells::CellConfig;

    use super::*;

    fn lstm(units: usize) -> Network<f64> {
        let (_, cell) = CellConfig::every().into_iter().find(|(name, _)| name == "lstm").unwrap();
        cell.add_to(Network::builder(4), units).unwrap().readout(2).unwrap()
    }

    /// A small network is audited over long sequences, a large one with an influence matrix over short ones, and a cheaper method over longer ones.
    #[test]
    fn whole_sequences_are_taken_where_they_cost_little() {
        let (small, large) = (lstm(16), lstm(256));
        let layer = Method::ostl().with_window(5);
        assert!(takes_whole(&small, &layer, &[1000, 900]));
        assert!(!takes_whole(&small, &layer, &[10_000_000]));
        assert!(!takes_whole(&large, &layer, &[200]));
        assert!(takes_whole(&large, &Method::tbptt(5), &[200]) && takes_whole(&large, &Method::bptt(), &[200]));
        // Long sequences of a tiny network are no work, but have to be kept.
        assert!(takes_whole(&lstm(1), &Method::bptt(), &[100_000]));
        assert!(!takes_whole(&lstm(1), &Method::bptt(), &[1_000_000]));
    }
}
