//! The engine with an error from outside: its gradient beside BPTT's and the learner's, by hand-made signals and updates.

use crate::persistence::config;
use crate::stacks::{Plan, any_plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Carry, Engine, EngineError, Feedback, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Signal, Target,
    Update, Window, bptt,
};
use proptest::prelude::*;

/// Rounding, and nothing else.
const EQUAL: f64 = 1e-10;

fn error(found: &[f64], truth: &[f64]) -> f64 {
    let norm = truth.iter().map(|g| g * g).sum::<f64>().sqrt();
    agreement(found, truth, 1e-6 * norm).relative_error
}

/// ∂E/∂y of the three losses as a textbook has them, and the target as a vector: nothing of ours.
fn by_hand(loss: Loss, outputs: &[f64], target: Target<'_, f64>) -> (Vec<f64>, Vec<f64>) {
    let target = match target {
        Target::Class(class) => (0..outputs.len()).map(|output| f64::from(u8::from(output == class))).collect(),
        Target::Values(values) => values.to_vec(),
    };
    let said: Vec<f64> = match loss {
        Loss::SoftmaxCrossEntropy => {
            let sum: f64 = outputs.iter().map(|y| y.exp()).sum();
            outputs.iter().map(|y| y.exp() / sum).collect()
        }
        Loss::BinaryCrossEntropy => outputs.iter().map(|y| 1.0 / (1.0 + (-y).exp())).collect(),
        _ => outputs.to_vec(),
    };
    let factor = if loss == Loss::MeanSquaredError { 2.0 / outputs.len() as f64 } else { 1.0 };
    (said.iter().zip(&target).map(|(y, t)| factor * (y - t)).collect(), target)
}

/// One step of a batch; says whether a window closed. Streams that have ended go on with zeros, without an error.
fn step(engine: &mut Engine<f64>, loss: Loss, batch: &SequenceBatch<f64>, at: usize) -> bool {
    let (mut inputs, outputs) = (Vec::new(), engine.network().outputs());
    for stream in 0..batch.streams() {
        if at < batch.lengths()[stream] {
            inputs.extend_from_slice(batch.input(stream, at));
            if batch.is_reset(stream, at) {
                engine.reset(stream);
            }
        } else {
            inputs.resize(inputs.len() + batch.inputs(), 0.0);
        }
    }
    let said = engine.predict(&inputs).unwrap().iter().copied().collect::<Vec<_>>();
    let signals: Vec<_> = (0..batch.streams())
        .map(|stream| {
            let target = (at < batch.lengths()[stream]).then(|| batch.target(stream, at)).flatten();
            target.map(|target| by_hand(loss, &said[stream * outputs..(stream + 1) * outputs], target))
        })
        .collect();
    let signals: Vec<_> =
        signals.iter().map(|signal| signal.as_ref().map(|(error, target)| Signal::with_target(error, target))).collect();
    engine.learn(&signals).unwrap()
}

fn run(engine: &mut Engine<f64>, loss: Loss, batch: &SequenceBatch<f64>) {
    for at in 0..batch.steps() {
        step(engine, loss, batch, at);
    }
    engine.finish();
}

fn every_cell() -> Vec<CellConfig> {
    CellConfig::every().into_iter().map(|(_, cell)| cell).collect()
}

fn small(carry: Carry, window: Window) -> Method {
    Method { carry, window, ..Method::ostl() }
}

/// Two layers of spiking units, which fire, and one target a step.
fn spiking(streams: usize) -> (Network<f64>, SequenceBatch<f64>) {
    let plan = Plan {
        inputs: 4,
        layers: vec![
            crate::stacks::LayerPlan::Cell(
                CellConfig::every().into_iter().find(|(name, _)| name == "snu-tanh").unwrap().1,
                9,
            ),
            crate::stacks::LayerPlan::Cell(CellConfig::every().into_iter().find(|(name, _)| name == "lif").unwrap().1, 7),
        ],
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![40; streams],
        targets: 100,
        resets: 5,
        active: 100,
        seed: 11,
    };
    (plan.network(), plan.batch())
}

proptest! {
    #![proptest_config(config(150, file!()))]

    #[test]
    fn signals_from_outside_give_the_gradient_of_bptt(
        plan in any_plan(every_cell(), false, 15),
        window in prop::sample::select(vec![
            Window::Steps(1), Window::Steps(2), Window::Steps(3), Window::Steps(7), Window::Sequence,
        ]),
    ) {
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        let truth = bptt::gradient(&network, plan.loss, &batch).values;
        let mut engine = Engine::new(network, small(Carry::Network, window), batch.streams()).unwrap();
        run(&mut engine, plan.loss, &batch);
        let found = engine.gradient().unwrap();
        prop_assert!(error(&found, &truth) < EQUAL, "{}", error(&found, &truth));
        // What is seen is not taken: the same again.
        let again = found.to_vec();
        prop_assert_eq!(engine.gradient().unwrap().to_vec(), again);
    }

    /// Approximate methods, too, are what the learner makes of them.
    #[test]
    fn any_method_is_that_of_the_learner(
        plan in any_plan(every_cell(), false, 15),
        carry in prop::sample::select(vec![Carry::None, Carry::Local, Carry::Layer, Carry::Snap(2)]),
        feedback in prop::sample::select(vec![Feedback::Symmetric, Feedback::Random, Feedback::Direct, Feedback::TargetProjection]),
        steps in prop::sample::select(vec![1_usize, 2, 3, 7]),
    ) {
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        let method = Method { feedback, ..small(carry, Window::Steps(steps)) };
        prop_assume!(method.validate_for(&network).is_ok());
        let mut learner = Learner::new(network.clone(), plan.loss, method, OptimizerSettings::sgd(0.1), batch.streams()).unwrap();
        let truth = learner.gradient(&batch).unwrap().1.to_vec();
        let mut engine = Engine::new(network, method, batch.streams()).unwrap();
        run(&mut engine, plan.loss, &batch);
        let found = engine.gradient().unwrap();
        prop_assert!(error(&found, &truth) < EQUAL, "{}", error(&found, &truth));
    }
}

/// Plain descent by the caller, window after window, is the learner's to the last bit: one stream with a target at the last step of every window,
/// so that the learner's mean is over one.
#[test]
fn an_update_from_outside_is_the_optimiser_s() {
    let (network, batch) = spiking(1);
    let method = small(Carry::Local, Window::Steps(4)).with_update(Update::Window);
    let mut learner =
        Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.25), 1).unwrap();
    let mut engine = Engine::new(network.clone(), method, 1).unwrap();
    let (mut closed, mut fired) = (0, false);
    for at in 0..batch.steps() {
        let target = (at % 4 == 3).then(|| batch.target(0, at).unwrap());
        learner.predict(batch.input(0, at)).unwrap();
        learner.learn(&[target]).unwrap();
        let said = engine.predict(batch.input(0, at)).unwrap().iter().copied().collect::<Vec<_>>();
        let mut signal = [0.0; 3];
        if let Some(target) = target {
            Loss::SoftmaxCrossEntropy.evaluate(&said, target, &mut signal);
        }
        if engine.learn(&[target.map(|_| Signal::of_error(&signal))]).unwrap() {
            closed += 1;
            fired |= engine.gradient().unwrap().block(1, "W").unwrap().iter().any(|g| *g != 0.0);
            engine.update(|weights, gradient| weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.25 * g)).unwrap();
            assert!(engine.gradient().unwrap().iter().all(|g| *g == 0.0));
        }
    }
    assert!(closed == 10 && fired, "{closed} {fired}");
    assert_eq!(learner.network().parameters(), engine.network().parameters());
    assert!(learner.network().parameters() != network.parameters());
}

#[test]
fn a_window_may_be_closed_when_the_caller_likes() {
    let (network, batch) = spiking(2);
    let loss = Loss::SoftmaxCrossEntropy;
    let mut every_three = Engine::new(network.clone(), small(Carry::Layer, Window::Steps(3)), 2).unwrap();
    let mut by_hand = Engine::new(network, small(Carry::Layer, Window::Steps(1000)), 2).unwrap();
    for at in 0..batch.steps() {
        let closed = step(&mut every_three, loss, &batch, at);
        assert!(!step(&mut by_hand, loss, &batch, at));
        if closed {
            by_hand.close_window();
        }
        assert_eq!(every_three.gradient().unwrap().to_vec(), by_hand.gradient().unwrap().to_vec());
    }
    assert!(every_three.trace_bytes() > 0 && every_three.gradient().unwrap().iter().any(|g| *g != 0.0));
}

#[test]
fn blocks_are_found_by_name_and_make_up_all_of_it() {
    let (network, batch) = spiking(1);
    let mut engine = Engine::new(network, Method::ostl(), 1).unwrap();
    run(&mut engine, Loss::SoftmaxCrossEntropy, &batch);
    let gradient = engine.gradient().unwrap();
    let joined: Vec<f64> = gradient.blocks().flat_map(|(_, values)| values.to_vec()).collect();
    assert_eq!(joined, gradient.to_vec());
    let (block, values) = gradient.blocks().find(|(block, _)| block.layer == 2 && block.name == "W").unwrap();
    assert_eq!((block.rows, block.columns, values), (3, 7, gradient.block(2, "W").unwrap()));
    assert!(gradient.block(2, "H").is_none());
    engine.clear_gradient();
    assert!(engine.gradient().unwrap().iter().all(|g| *g == 0.0));
}

/// Both copies of a tied weight show the sum of both gradients, however often it is looked at in mid-stream.
#[test]
fn looking_at_a_tied_gradient_does_not_change_it() {
    let network = || {
        let builder = Network::<f64>::builder(5).seed(1).tied().embedding(4);
        let lstm = CellConfig::every().into_iter().find(|(name, _)| name == "lstm").unwrap().1;
        lstm.add_to(builder, 4).unwrap().readout(5).unwrap()
    };
    let once = |looks: bool| {
        let mut engine = Engine::new(network(), small(Carry::Local, Window::Steps(2)), 1).unwrap();
        for at in 0..12 {
            let mut input = [0.0; 5];
            input[(at * 3) % 5] = 1.0;
            let said = engine.predict(&input).unwrap().iter().copied().collect::<Vec<_>>();
            let (signal, _) = by_hand(Loss::SoftmaxCrossEntropy, &said, Target::Class(at % 5));
            engine.learn(&[Some(Signal::of_error(&signal))]).unwrap();
            if looks {
                engine.gradient().unwrap();
            }
        }
        engine.finish();
        engine.gradient().unwrap().to_vec()
    };
    assert!(once(true) == once(false) && once(true).iter().any(|g| *g != 0.0));
}

#[test]
fn what_is_refused_leaves_the_engine_as_it_was() {
    let (network, batch) = spiking(2);
    let method = Method { feedback: Feedback::TargetProjection, ..small(Carry::Local, Window::Steps(3)) };
    let mut plain = Engine::new(network.clone(), method, 2).unwrap();
    let mut tried = Engine::new(network, method, 2).unwrap();
    let (signal, broken) = ([0.5, -0.5, 0.1], [0.5, f64::NAN, 0.1]);
    for at in 0..9 {
        let inputs: Vec<f64> = (0..2).flat_map(|stream| batch.input(stream, at).to_vec()).collect();
        assert!(matches!(tried.predict(&inputs[1..]), Err(EngineError::Shape { found: 7, expected: 8, .. })));
        assert!(matches!(tried.predict(&[f64::INFINITY; 8]), Err(EngineError::Input { stream: 0, feature: 0, .. })));
        assert_eq!(plain.predict(&inputs).unwrap(), tried.predict(&inputs).unwrap());
        let good = Some(Signal::with_target(&signal, &signal));
        for wrong in [
            vec![good],
            vec![good, Some(Signal::with_target(&broken, &signal))],
            vec![good, Some(Signal::with_target(&signal, &broken))],
            vec![good, Some(Signal::with_target(&signal[1..], &signal))],
            vec![good, Some(Signal::of_error(&signal))],
        ] {
            tried.learn(&wrong).unwrap_err();
        }
        assert_eq!(plain.learn(&[good, None]), tried.learn(&[good, None]));
        assert!(matches!(tried.learn(&[good, None]), Err(EngineError::NothingPredicted)));
        assert_eq!(plain.gradient().unwrap().to_vec(), tried.gradient().unwrap().to_vec());
    }
    assert!(plain.gradient().unwrap().iter().any(|g| *g != 0.0));
}

/// An engine that only predicts keeps no gradient and no trace.
#[test]
fn frozen_it_only_predicts() {
    let (network, batch) = spiking(2);
    let mut engine = Engine::new(network, small(Carry::Local, Window::Steps(3)), 2).unwrap();
    for at in 0..4 {
        step(&mut engine, Loss::SoftmaxCrossEntropy, &batch, at);
    }
    engine.set_frozen(true);
    let before = engine.gradient().unwrap().to_vec();
    for at in 4..20 {
        assert!(!step(&mut engine, Loss::SoftmaxCrossEntropy, &batch, at));
    }
    assert!(engine.is_frozen() && before.iter().any(|g| *g != 0.0));
    assert_eq!(engine.gradient().unwrap().to_vec(), before);
    engine.set_frozen(false);
    for at in 20..30 {
        step(&mut engine, Loss::SoftmaxCrossEntropy, &batch, at);
    }
    assert!(engine.gradient().unwrap().to_vec() != before);
}

#[test]
fn a_method_is_what_it_was_when_it_is_read_again() {
    let plain = Method::ostl();
    for method in [
        plain,
        Method { window: Window::rolling(9), carry: Carry::None, update: Update::Window, ..plain },
        Method { carry: Carry::Snap(3), feedback: Feedback::Direct, seed: 77, ..plain },
    ] {
        let written = serde_json::to_string(&method).unwrap();
        assert_eq!(serde_json::from_str::<Method>(&written).unwrap(), method, "{written}");
    }
    let wrong = serde_json::to_string(&plain).unwrap().replace("\"1\"", "\"0\"");
    assert!(serde_json::from_str::<Method>(&wrong).unwrap_err().to_string().contains("unknown window `0`"), "{wrong}");
}
