//! Published methods in plain loops, written from their papers' equations, against the engine.
#![allow(clippy::needless_range_loop, reason = "indices as the equations have them")]

use crate::leaky::{KAPPA, LOSS, Leaky, Readout, batch, builder, finish, random};
use ostl_core::gradient_check::{agreement, audit};
use ostl_core::{Learner, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, Update};

/// Sparse inputs take the way of events.
#[test]
fn presynaptic_traces_of_events() {
    let leaky = Leaky { recurrent: true, detached: true, spikes: true };
    let mut network: Network<f64> = Network::builder(40).seed(2).recurrent(leaky, 20).readout(3).unwrap();
    network.block_mut(0, "W").iter_mut().for_each(|w| *w *= 2.0);
    network.block_mut(0, "threshold").fill(-1.2);
    let h = network.block(0, "H").into_owned();
    network.block_mut(0, "H").copy_from(&(0.2 * h));
    let mut sparse = SequenceBatch::new(40, 3, TargetKind::Classes, &[25; 3]);
    let mut next = random(1);
    for stream in 0..3 {
        for step in 0..25 {
            sparse.input_mut(stream, step).fill_with(|| f64::from(next() > 0.88));
            sparse.set_class(stream, step, step % 3);
        }
    }
    // By hand: ε = Σ λ^(t − k) z_k, times what the window wants of the state.
    for window in [1, 4] {
        let method = Method::ottt().with_window(window).with_update(Update::Sequence);
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 3).unwrap();
        let found = learner.gradient(&sparse).unwrap().1.to_vec();
        let rate = audit(&network, LOSS, &method, &sparse).unwrap().firing_rate.unwrap();
        assert!(rate > 0.02 && rate < 0.25, "{rate}");
        if window == 1 {
            let by_hand = ottt_by_hand(&network, &sparse);
            assert!(agreement(&found, &by_hand, 0.0).relative_error < 1e-10);
        }
    }
}

/// OTTT as its paper has it, one step at a time, for one recurrent layer and a dense readout.
fn ottt_by_hand(network: &Network<f64>, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let (w, h, b) = (network.block(0, "W"), network.block(0, "H"), network.block(0, "threshold"));
    let (v, c) = (network.block(1, "W"), network.block(1, "b"));
    let (n, m, o) = (w.nrows(), w.ncols(), v.nrows());
    let mut gradient = network.clone();
    gradient.parameters_mut().fill(0.0);
    for stream in 0..batch.streams() {
        let (mut s, mut y) = (vec![0.0; n], vec![0.0; n]);
        let (mut x_trace, mut y_trace) = (vec![0.0; m], vec![0.0; n]);
        for step in 0..batch.lengths()[stream] {
            let x = batch.input(stream, step);
            x_trace.iter_mut().zip(x).for_each(|(trace, x)| *trace = 0.7 * *trace + x);
            y_trace.iter_mut().zip(&y).for_each(|(trace, y)| *trace = 0.7 * *trace + y);
            let drive: Vec<f64> = (0..n)
                .map(|i| (0..m).map(|j| w[(i, j)] * x[j]).sum::<f64>() + (0..n).map(|j| h[(i, j)] * y[j]).sum::<f64>())
                .collect();
            for i in 0..n {
                s[i] = 0.7 * s[i] + drive[i] + network.block(0, "b")[i] - y[i];
            }
            y = (0..n).map(|i| f64::from(s[i] + b[i] > 0.0)).collect();
            let logits: Vec<f64> = (0..o).map(|k| c[k] + (0..n).map(|i| v[(k, i)] * y[i]).sum::<f64>()).collect();
            let mut error = vec![0.0; o];
            LOSS.evaluate(&logits, batch.target(stream, step).unwrap(), &mut error);
            for k in 0..o {
                gradient.block_mut(1, "b")[k] += error[k];
                for i in 0..n {
                    gradient.block_mut(1, "W")[(k, i)] += error[k] * y[i];
                }
            }
            let one_trace = (1.0 - 0.7_f64.powi(step as i32 + 1)) / 0.3;
            for i in 0..n {
                let soft = 1.0 / (1.0 + (-4.0 * (s[i] + b[i])).exp());
                let signal = (0..o).map(|k| v[(k, i)] * error[k]).sum::<f64>() * 4.0 * soft * (1.0 - soft);
                gradient.block_mut(0, "threshold")[i] += signal;
                gradient.block_mut(0, "b")[i] += signal * one_trace;
                for j in 0..m {
                    gradient.block_mut(0, "W")[(i, j)] += signal * x_trace[j];
                }
                for j in 0..n {
                    gradient.block_mut(0, "H")[(i, j)] += signal * y_trace[j];
                }
            }
        }
    }
    gradient.parameters().to_vec()
}

/// E-prop as its paper has it (Bellec et al. 2020, eq. 1–4, 13 and 28), symmetric and with random feedback, for one recurrent spiking layer
/// and a leaky readout: eligibility traces filtered with κ, times the error of the readout.
#[test]
fn e_prop_by_hand() {
    let cell = Leaky { recurrent: true, detached: true, spikes: true };
    let network = finish(builder().recurrent(cell, 6).readout_of(Readout, 4));
    let batch = batch(3, 4);
    for (method, is_random) in [(Method::e_prop(), false), (Method::e_prop_random().with_seed(4), true)] {
        let mut learner = Learner::new(
            network.clone(),
            LOSS,
            method.with_update(Update::Sequence),
            OptimizerSettings::sgd(1.0),
            batch.streams(),
        )
        .unwrap();
        let found = learner.gradient(&batch).unwrap().1.to_vec();
        let (w, h, b, v) =
            (network.block(0, "W"), network.block(0, "H"), network.block(0, "threshold"), network.block(1, "W"));
        let weights = ostl_core::feedback::FeedbackWeights::new(&network, &method);
        let (n, m, o) = (6, 3, 4);
        let mut gradient = network.clone();
        gradient.parameters_mut().fill(0.0);
        for stream in 0..batch.streams() {
            let (mut s, mut y, mut r) = (vec![0.0; n], vec![0.0; n], vec![0.0; o]);
            // ε, and F_κ of ψ ε, for every connection: x, y and 1; and F_κ of ψ for the threshold.
            let columns = m + n + 1;
            let (mut trace, mut filtered) = (vec![vec![0.0; columns]; n], vec![vec![0.0; columns + 1]; n]);
            for step in 0..batch.lengths()[stream] {
                if batch.is_reset(stream, step) {
                    (s, y, r) = (vec![0.0; n], vec![0.0; n], vec![0.0; o]);
                    trace = vec![vec![0.0; columns]; n];
                    filtered = vec![vec![0.0; columns + 1]; n];
                }
                let z: Vec<f64> = batch.input(stream, step).iter().chain(&y).copied().chain([1.0]).collect();
                let weight = |i: usize, j: usize| match j {
                    j if j < m => w[(i, j)],
                    j if j < m + n => h[(i, j - m)],
                    _ => network.block(0, "b")[i],
                };
                for i in 0..n {
                    s[i] = 0.7 * s[i] + (0..columns).map(|j| weight(i, j) * z[j]).sum::<f64>() - y[i];
                }
                y = (0..n).map(|i| f64::from(s[i] + b[i] > 0.0)).collect();
                for i in 0..n {
                    let soft = 1.0 / (1.0 + (-4.0 * (s[i] + b[i])).exp());
                    let psi = 4.0 * soft * (1.0 - soft);
                    for j in 0..columns {
                        trace[i][j] = 0.7 * trace[i][j] + z[j];
                        filtered[i][j] = KAPPA * filtered[i][j] + 0.5 * psi * trace[i][j];
                    }
                    filtered[i][columns] = KAPPA * filtered[i][columns] + 0.5 * psi;
                }
                for k in 0..o {
                    let drive = network.block(1, "b")[k] + (0..n).map(|i| v[(k, i)] * y[i]).sum::<f64>();
                    r[k] = KAPPA * r[k] + 0.5 * drive;
                }
                let Some(target) = batch.target(stream, step) else { continue };
                let mut error = vec![0.0; o];
                LOSS.evaluate(&r, target, &mut error);
                for i in 0..n {
                    let back = |k: usize| if is_random { weights.below(1)[(i, k)] } else { v[(k, i)] };
                    let signal: f64 = (0..o).map(|k| back(k) * error[k]).sum();
                    (0..m).for_each(|j| gradient.block_mut(0, "W")[(i, j)] += signal * filtered[i][j]);
                    (0..n).for_each(|j| gradient.block_mut(0, "H")[(i, j)] += signal * filtered[i][m + j]);
                    gradient.block_mut(0, "b")[i] += signal * filtered[i][m + n];
                    gradient.block_mut(0, "threshold")[i] += signal * filtered[i][columns];
                }
            }
        }
        for block in network.blocks().iter().filter(|block| block.layer == 0) {
            let (found, by_hand) = (&found[block.range()], &gradient.parameters()[block.range()]);
            let agreement = agreement(found, by_hand, 0.0);
            assert!(agreement.relative_error < 1e-10, "random {is_random}, {}: {agreement:?}", block.name);
        }
    }
}
