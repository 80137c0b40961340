//! Inference alone beside the learner that the weights come from.

use std::sync::Arc;
use std::thread;

use crate::stacks::{LayerPlan, Plan};
use ostl_cells::CellConfig;
use ostl_core::{
    Carry, EngineError, Learner, Loss, Method, Network, OptimizerSettings, Predictor, Publisher, SequenceBatch, Target,
    Update, Window,
};

fn plan(streams: usize, cell: &CellConfig) -> Plan {
    Plan {
        inputs: 4,
        layers: vec![LayerPlan::Cell(*cell, 9), LayerPlan::Cell(*cell, 5)],
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![24; streams],
        targets: 100,
        resets: 10,
        active: 40,
        seed: 5,
    }
}

fn inputs<T: ostl_core::Real>(batch: &SequenceBatch<T>, at: usize) -> Vec<T> {
    (0..batch.streams()).flat_map(|stream| batch.input(stream, at).to_vec()).collect()
}

/// Every cell, one lane and several, resets, weights that change at every third step: the bits of a frozen learner with the same weights, and
/// what the learning one says but for rounding, since sums over the events of a window are taken in another order.
#[test]
fn it_says_what_the_learner_says() {
    for (name, cell) in CellConfig::every() {
        for streams in [1, 3, 19] {
            let plan = plan(streams, &cell);
            let (network, batch) = (plan.network::<f64>(), plan.batch());
            let method =
                Method { carry: Carry::Local, window: Window::Steps(3), ..Method::ostl() }.with_update(Update::Window);
            let learner =
                || Learner::new(network.clone(), plan.loss, method, OptimizerSettings::adam(0.01), streams).unwrap();
            let (mut learner, mut frozen) = (learner(), learner());
            frozen.set_frozen(true).unwrap();
            let mut publisher = Publisher::new(&network);
            let latest = publisher.latest();
            let mut predictor = Predictor::new(latest.get(), streams).unwrap();
            for at in 0..batch.steps() {
                for stream in (0..streams).filter(|&stream| batch.is_reset(stream, at)) {
                    learner.reset(stream);
                    frozen.reset(stream);
                    predictor.reset(stream);
                }
                let inputs = inputs(&batch, at);
                predictor.set_network(latest.get()).unwrap();
                frozen.network_mut().copy_parameters(learner.network().parameters()).unwrap();
                let said = predictor.predict(&inputs).unwrap();
                assert_eq!(said, frozen.predict(&inputs).unwrap(), "{name}, step {at}");
                for (said, learned) in said.iter().zip(learner.predict(&inputs).unwrap().iter()) {
                    assert!((said - learned).abs() < 1e-12 * (1.0 + said.abs()), "{name}, step {at}: {said} {learned}");
                }
                let targets: Vec<_> = (0..streams).map(|stream| batch.target(stream, at)).collect();
                learner.learn(&targets).unwrap();
                publisher.publish(learner.network());
            }
            assert!(learner.network().parameters() != network.parameters());
        }
    }
}

/// A predictor in a thread of its own keeps up with a learner that goes on: what it says is what weights say that were published.
#[test]
fn it_lives_in_another_thread() {
    let plan = plan(2, &CellConfig::every().into_iter().find(|(name, _)| name == "gru").unwrap().1);
    let (network, batch) = (plan.network::<f64>(), plan.batch());
    let method = Method { carry: Carry::Local, window: Window::Steps(1), ..Method::ostl() }.with_update(Update::Window);
    let mut learner = Learner::new(network.clone(), plan.loss, method, OptimizerSettings::sgd(0.1), 2).unwrap();
    let mut publisher = Publisher::new(&network);
    let latest = publisher.latest();
    let x = inputs(&batch, 0);
    let known = x.clone();
    let other = thread::spawn(move || {
        let mut seen: Vec<(Arc<Network<f64>>, f64)> = Vec::new();
        while seen.len() < 20 {
            let network = latest.get();
            if seen.last().is_none_or(|(last, _)| !Arc::ptr_eq(last, &network)) {
                let mut predictor = Predictor::new(network.clone(), 2).unwrap();
                seen.push((network, predictor.predict(&known).unwrap()[0]));
            }
            thread::yield_now();
        }
        seen
    });
    while !other.is_finished() {
        for at in 0..batch.steps() {
            learner.predict(&inputs(&batch, at)).unwrap();
            learner.learn(&[batch.target(0, at), batch.target(1, at)]).unwrap();
            publisher.publish(learner.network());
        }
    }
    for (network, said) in other.join().unwrap() {
        assert_eq!(Predictor::new(network, 2).unwrap().predict(&x).unwrap()[0], said);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let plan = plan(1, &CellConfig::every().into_iter().find(|(name, _)| name == "lstm").unwrap().1);
    let network = Arc::new(plan.network::<f32>());
    assert!(Predictor::new(network.clone(), 0).unwrap_err().to_string().contains("streams = 0"));
    let mut predictor = Predictor::new(network, 1).unwrap();
    let other = Arc::new(Network::builder(4).readout(3).unwrap());
    assert!(predictor.set_network(other).unwrap_err().to_string().contains("network = "));
    assert!(matches!(predictor.predict(&[0.0; 3]), Err(EngineError::Shape { found: 3, expected: 4, .. })));
    let error = predictor.predict(&[0.0, 0.0, f32::NAN, 0.0]).unwrap_err();
    assert!(matches!(error, EngineError::Input { stream: 0, feature: 2, .. }), "{error}");
    assert!(predictor.predict(&[0.5; 4]).is_ok());
}

/// A target of weight w is as much as w of them: loss, learning signal, and what is reported.
#[test]
fn targets_may_weigh_more_or_less() {
    let plan = plan(2, &CellConfig::every().into_iter().find(|(name, _)| name == "lstm").unwrap().1);
    let (network, plain) = (plan.network::<f64>(), plan.batch());
    let learner = || Learner::new(network.clone(), plan.loss, Method::bptt(), OptimizerSettings::sgd(0.1), 2).unwrap();
    let only = |stream: usize, step: usize| {
        let mut batch = SequenceBatch::new(4, 3, ostl_core::TargetKind::Classes, plain.lengths());
        for stream in 0..2 {
            for at in 0..24 {
                batch.input_mut(stream, at).copy_from_slice(plain.input(stream, at));
            }
        }
        let Some(Target::Class(class)) = plain.target(stream, step) else { panic!("a target at every step") };
        batch.set_class(stream, step, class);
        batch
    };
    let (mut both, single) = (only(0, 7), only(1, 20));
    let Some(Target::Class(class)) = plain.target(1, 20) else { panic!("a target at every step") };
    both.set_class(1, 20, class);
    both.set_weight(0, 7, 2.5);
    both.set_weight(1, 20, 0.25);
    let of = |batch: &SequenceBatch<f64>| {
        let mut learner = learner();
        let (score, gradient) = learner.gradient(batch).unwrap();
        (score, gradient.to_vec())
    };
    let ((first, a), (second, b), (score, found)) = (of(&only(0, 7)), of(&single), of(&both));
    for ((a, b), found) in a.iter().zip(&b).zip(&found) {
        assert!((2.5 * a + 0.25 * b - found).abs() < 1e-13 * (1.0 + found.abs()));
    }
    assert!(
        (score.loss - 2.5 * first.loss - 0.25 * second.loss).abs() < 1e-12 && score.weight == 2.75 && score.targets == 2
    );
    let evaluated = learner().evaluate_batch(&both).unwrap();
    assert!((evaluated.mean_loss() - score.loss / 2.75).abs() < 1e-12);
}
