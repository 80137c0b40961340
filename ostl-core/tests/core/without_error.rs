//! Windows without a target: whatever is left out of them, nothing comes out otherwise.

use crate::leaky::{self, Gated, LOSS, Leaky, Readout, finish};
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Activation, Activity, Carry, Learner, Method, Network, NetworkBuilder, OptimizerSettings, SequenceBatch, TargetKind,
    Update, Window, bptt,
};

const LENGTH: usize = 21;
const STREAMS: usize = 6;

/// Two lanes. Targets stand at the end, of one stream early on, and of the last stream nowhere.
fn batch() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(3, 4, TargetKind::Classes, &[LENGTH, LENGTH, 20, 17, 17, 9]);
    let mut next = leaky::random(23);
    for stream in 0..STREAMS {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(|| 1.6 * next() + 0.4);
            if next() > 0.9 {
                batch.reset_before(stream, step);
            }
        }
        if stream < 5 {
            batch.set_class(stream, batch.lengths()[stream] - 1, stream % 4);
        }
    }
    batch.set_class(1, 8, 3);
    batch
}

/// Pairs of networks that differ in a term of no weight, which asks for every window's error, targets or not.
fn networks() -> Vec<[Network<f64>; 2]> {
    let mut pairs = Vec::new();
    for stack in 0..3 {
        let terms = [Activity::default(), Activity::default().with_voltage(0.1, 0.0)];
        pairs.push(terms.map(|term| finish(below(stack).activity(term).dense(7, Activation::Relu).readout(4))));
        pairs.push(terms.map(|term| finish(below(stack).activity(term).readout_of(Readout, 4))));
    }
    pairs
}

/// What stands below the readout, up to the last recurrent layer.
fn below(stack: usize) -> NetworkBuilder<f64> {
    let spiking = Leaky { recurrent: true, detached: false, spikes: true };
    let gated = Gated { recurrent: true };
    match stack {
        0 => leaky::builder().recurrent(spiking, 6),
        1 => leaky::builder().dense(5, Activation::Tanh).recurrent(gated, 4).recurrent(gated, 3),
        _ => leaky::builder().recurrent(gated, 4).recurrent(spiking, 5),
    }
}

const CARRIES: [Carry; 8] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Uoro(1),
    Carry::LocalUoro(2),
    Carry::KfRtrl,
];

fn methods() -> impl Iterator<Item = Method> {
    let windows = [1, 2, 3, 7].map(Window::Steps);
    let carried = CARRIES.into_iter().flat_map(move |carry| windows.map(|window| (window, carry)));
    let rolling = CARRIES
        .into_iter()
        .flat_map(|carry| [[1, 1], [4, 1], [5, 3]].map(|[steps, every]| (Window::Rolling { steps, every }, carry)));
    let all = carried.chain(rolling).chain([(Window::Sequence, Carry::None)]);
    all.map(|(window, carry)| Method { window, carry, ..Method::ostl() })
}

fn learner(network: &Network<f64>, method: Method) -> Option<Learner<f64>> {
    Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), STREAMS).ok()
}

#[test]
fn spiking_layers_spike() {
    for (network, layer) in [(&networks()[0][0], 0), (&networks()[4][0], 1)] {
        let steps = bptt::layer_outputs(network, &batch(), 0);
        let outputs = steps.iter().flat_map(|layers| &layers[layer]);
        let (places, spikes) = (outputs.clone().count(), outputs.filter(|&&y| y == 1.0).count());
        assert!((10..places - 10).contains(&spikes), "{spikes} of {places}");
    }
}

#[test]
fn the_gradient_is_that_of_a_window_that_was_swept() {
    let (batch, mut compared) = (batch(), 0);
    for [plain, asked] in networks() {
        for method in methods() {
            let (Some(mut plain), Some(mut asked)) = (learner(&plain, method), learner(&asked, method)) else { continue };
            compared += 1;
            let found = plain.gradient(&batch).unwrap();
            assert!(found.1.iter().any(|&g| g != 0.0));
            assert_eq!(found, asked.gradient(&batch).unwrap(), "{method:?}");
            // And so it is while weights change from window to window.
            let mut learned = [plain, asked].map(|learner| {
                let every = Method { update: Update::Window, ..*learner.method() };
                self::learner(learner.network(), every).unwrap()
            });
            for learner in &mut learned {
                learner.learn_batch(&batch).unwrap();
                learner.learn_batch(&batch).unwrap();
            }
            assert_eq!(learned[0].network().parameters(), learned[1].network().parameters(), "{method:?}");
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn an_exact_carry_stays_exact() {
    let batch = batch();
    for [network, _] in networks() {
        let truth = bptt::gradient(&network, LOSS, &batch);
        for steps in [1, 2, 3, 7] {
            let method = Method { window: Window::Steps(steps), carry: Carry::Network, ..Method::ostl() };
            let mut learner = learner(&network, method).unwrap();
            let (score, found) = learner.gradient(&batch).unwrap();
            assert_eq!(score.targets, 6);
            let error = agreement(found, &truth.values, 0.0).relative_error;
            assert!(error < 1e-10, "{steps}: {error:e} {network:?}");
        }
    }
}

#[test]
fn answers_are_those_of_a_window_that_was_taken_whole() {
    let sparse = batch();
    let mut dense = sparse.clone();
    for stream in 0..STREAMS {
        for step in 0..sparse.lengths()[stream] {
            dense.set_class(stream, step, 0);
        }
    }
    for [network, _] in networks() {
        let mut learner = learner(&network, Method::bptt()).unwrap();
        let (mut all, mut few) = (Vec::new(), Vec::new());
        learner.evaluate_batch_with(&dense, |seen| all.push((seen.stream, seen.step, seen.outputs.to_vec()))).unwrap();
        learner.evaluate_batch_with(&sparse, |seen| few.push((seen.stream, seen.step, seen.outputs.to_vec()))).unwrap();
        assert_eq!(few.len(), 6);
        assert!(few.iter().all(|answer| all.contains(answer)));
    }
}
