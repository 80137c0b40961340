//! The streaming face: equal to batches, exact under resets, the same bits everywhere, and safe when numbers break.

use crate::stacks::{LayerPlan, Plan, Random};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Activation, Carry, LearnError, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Target, TargetKind,
    Update, bptt,
};

fn cell(name: &str) -> CellConfig {
    let found = CellConfig::every().into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no cell {name}")).1
}

fn plan(layers: Vec<LayerPlan>, lengths: Vec<usize>, resets: u32) -> Plan {
    Plan {
        inputs: 3,
        layers,
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths,
        targets: 70,
        resets,
        active: 100,
        seed: 11,
    }
}

fn method(carry: Carry, window: usize, update: Update) -> Method {
    Method { carry, ..Method::bptt() }.with_window(window).with_update(update)
}

/// Feeds a batch of equally long sequences step by step.
fn stream(learner: &mut Learner<f64>, batch: &SequenceBatch<f64>) {
    for step in 0..batch.steps() {
        let mut inputs = Vec::new();
        for stream in 0..batch.streams() {
            inputs.extend_from_slice(batch.input(stream, step));
            if batch.is_reset(stream, step) {
                learner.reset(stream);
            }
        }
        learner.predict(&inputs).unwrap();
        let targets: Vec<_> = (0..batch.streams()).map(|stream| batch.target(stream, step)).collect();
        // A step nobody has a target for need not be learned from at all.
        if targets.iter().any(Option::is_some) {
            learner.learn(&targets).unwrap();
        }
    }
    learner.finish().unwrap();
}

#[test]
fn streaming_gives_the_bits_of_whole_batches() {
    for (name, carry, window) in
        [("lstm", Carry::Layer, 3), ("snu-tanh", Carry::Local, 4), ("gru", Carry::Network, 1), ("ssnu", Carry::None, 5)]
    {
        for update in [Update::Window, Update::Sequence] {
            let plan = plan(vec![LayerPlan::Cell(cell(name), 4), LayerPlan::Dense(Activation::Tanh, 3)], vec![13; 3], 15);
            let new = || {
                Learner::new(plan.network(), plan.loss, method(carry, window, update), OptimizerSettings::adam(0.01), 3)
                    .unwrap()
            };
            let (mut whole, mut stepwise) = (new(), new());
            for _ in 0..3 {
                whole.learn_batch(&plan.batch()).unwrap();
                stream(&mut stepwise, &plan.batch());
            }
            assert_eq!(whole.network().parameters(), stepwise.network().parameters(), "{name} {carry:?} {update:?}");
        }
    }
}

/// Streams that stop exactly where a window does: what traces still owe the gradient is added at the end.
#[test]
fn streams_that_stop_at_a_window_s_edge_have_the_gradient_of_bptt() {
    for (name, window) in [("snu-tanh-without-h", 1), ("ssnu-without-h", 2), ("lstm-without-h", 4)] {
        let mut plan = plan(vec![LayerPlan::Cell(cell(name), 6)], vec![24; 5], 0);
        (plan.inputs, plan.active) = (40, 3);
        let rate = 0.5;
        let method = method(Carry::Local, window, Update::Sequence);
        let network = plan.network::<f64>();
        let truth = bptt::gradient(&network, plan.loss, &plan.batch());
        let targets = plan.batch().target_count() as f64;
        let mut learner = Learner::new(network.clone(), plan.loss, method, OptimizerSettings::sgd(rate), 5).unwrap();
        stream(&mut learner, &plan.batch());
        for ((after, before), gradient) in learner.network().parameters().iter().zip(network.parameters()).zip(&truth.values)
        {
            let moved = before - rate * gradient / targets;
            assert!((after - moved).abs() < 1e-12 * (1.0 + moved.abs()), "{name} K={window}: {after} {moved}");
        }
    }
}

#[test]
fn streaming_by_bptt_keeps_the_whole_sequence_until_it_ends() {
    let plan = plan(vec![LayerPlan::Cell(cell("gru"), 4)], vec![13; 3], 15);
    let new = || Learner::new(plan.network(), plan.loss, Method::bptt(), OptimizerSettings::adam(0.01), 3).unwrap();
    let (mut whole, mut stepwise) = (new(), new());
    for _ in 0..3 {
        whole.learn_batch(&plan.batch()).unwrap();
        stream(&mut stepwise, &plan.batch());
    }
    assert_eq!(whole.network().parameters(), stepwise.network().parameters());
}

/// One plain gradient step of rate 1 reveals the gradient that a stream gathered.
#[test]
fn resets_at_different_steps_of_different_streams_against_bptt() {
    for (name, carry) in
        [("lstm", Carry::Network), ("snu-tanh-without-h", Carry::Local), ("ssnu", Carry::Layer), ("gru", Carry::Layer)]
    {
        for window in [1, 2, 3, 7, 17] {
            let plan = plan(vec![LayerPlan::Cell(cell(name), 5)], vec![17; 4], 25);
            let batch = plan.batch();
            let resets = (0..4).map(|stream| (1..17).filter(|&step| batch.is_reset(stream, step)).count());
            assert!(resets.clone().all(|count| count > 0) && resets.sum::<usize>() > 8, "every stream is reset within");
            let network = plan.network::<f64>();
            let mut learner = Learner::new(
                network.clone(),
                plan.loss,
                method(carry, window, Update::Sequence),
                OptimizerSettings::sgd(1.0),
                4,
            )
            .unwrap();
            stream(&mut learner, &batch);
            let targets = batch.target_count() as f64;
            let moved = network.parameters().iter().zip(learner.network().parameters());
            let found: Vec<f64> = moved.map(|(before, after)| (before - after) * targets).collect();
            let truth = bptt::gradient(&network, plan.loss, &batch).values;
            let agreement = agreement(&found, &truth, 0.0);
            assert!(agreement.relative_error < 1e-10, "{name} {carry:?} K={window}: {agreement:?}");
        }
    }
}

#[test]
fn a_reset_stream_forgets_everything_before() {
    let plan = plan(vec![LayerPlan::Cell(cell("lstm"), 5)], vec![1], 0);
    let new = || Learner::new(plan.network::<f64>(), plan.loss, Method::ostl(), OptimizerSettings::sgd(0.1), 1).unwrap();
    let (mut used, mut fresh) = (new(), new());
    used.set_frozen(true).unwrap();
    for step in 0..9 {
        used.predict(&[f64::from(step), -1.0, 0.5]).unwrap();
    }
    used.set_frozen(false).unwrap();
    used.reset(0);
    for _ in 0..5 {
        let a = used.predict(&[0.3, 0.1, -0.2]).unwrap().clone_owned();
        let b = fresh.predict(&[0.3, 0.1, -0.2]).unwrap().clone_owned();
        assert_eq!(a, b);
        used.learn(&[Some(Target::Class(1))]).unwrap();
        fresh.learn(&[Some(Target::Class(1))]).unwrap();
    }
    assert_eq!(used.network().parameters(), fresh.network().parameters());
}

#[test]
fn frozen_predicts_and_changes_nothing() {
    let plan = plan(vec![LayerPlan::Cell(cell("ssnu"), 4)], vec![8; 2], 0);
    let mut learner =
        Learner::new(plan.network::<f64>(), plan.loss, Method::ostl(), OptimizerSettings::sgd(0.5), 2).unwrap();
    learner.set_frozen(true).unwrap();
    let before = learner.network().parameters().to_vec();
    stream(&mut learner, &plan.batch());
    assert_eq!(learner.network().parameters(), before);
    let score = learner.learn_batch(&plan.batch()).unwrap();
    assert_eq!(score, learner.evaluate_batch(&plan.batch()).unwrap());
    assert_eq!(learner.network().parameters(), before, "whole batches leave a frozen learner alone too");
    let outputs = bptt::outputs(learner.network(), &plan.batch(), 0);
    let mut inputs = plan.batch().input(0, 0).to_vec();
    inputs.extend_from_slice(plan.batch().input(1, 0));
    let predicted = learner.predict(&inputs).unwrap();
    for (found, truth) in predicted.column(0).iter().zip(&outputs[0]) {
        assert!((found - truth).abs() < 1e-14);
    }
}

#[test]
fn evaluation_is_the_loss_by_the_oracle_and_disturbs_nothing() {
    let plan = plan(vec![LayerPlan::Cell(cell("gru"), 4)], vec![50, 33, 9], 5);
    let mut learner =
        Learner::new(plan.network::<f64>(), plan.loss, Method::ostl(), OptimizerSettings::sgd(0.5), 1).unwrap();
    learner.predict(&[0.1, 0.2, 0.3]).unwrap();
    let score = learner.evaluate_batch(&plan.batch()).unwrap();
    let truth = bptt::loss(learner.network(), plan.loss, &plan.batch());
    assert!((score.loss - truth).abs() < 1e-10 * truth);
    assert_eq!((score.targets as usize, score.steps), (plan.batch().target_count(), 92));
    learner.learn(&[Some(Target::Class(0))]).unwrap();
}

#[test]
fn the_same_bits_whatever_the_number_of_threads() {
    let lengths: Vec<usize> = (0..24).map(|stream| 40 - stream).collect();
    let batch = |active: usize| {
        let mut random = Random(8);
        let mut batch = SequenceBatch::<f32>::new(80, 30, TargetKind::Classes, &lengths);
        for (stream, &length) in lengths.iter().enumerate() {
            for step in 0..length {
                let mut value = || if random.below(100) < active { random.uniform() as f32 } else { 0.0 };
                batch.input_mut(stream, step).fill_with(&mut value);
                batch.set_class(stream, step, random.below(30));
            }
        }
        batch
    };
    for (name, carry, window, update, active) in [
        ("lstm", Carry::Local, 16, Update::Window, 100),
        ("ssnu", Carry::Layer, 16, Update::Window, 100),
        ("snu-tanh", Carry::Network, 16, Update::Window, 100),
        ("gru", Carry::None, 16, Update::Window, 100),
        // Events, traces left alone for many windows, and in between.
        ("snu-tanh", Carry::Local, 2, Update::Sequence, 2),
        ("lstm", Carry::Local, 7, Update::Sequence, 10),
    ] {
        let batch = batch(active);
        let train = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                // Large enough that work is shared out.
                let builder =
                    cell(name).add_to(Network::<f32>::builder(80).seed(3), 70).unwrap().dense(33, Activation::Relu);
                let network = cell(name).add_to(builder, 50).unwrap().readout(30).unwrap();
                let method = method(carry, window, update);
                let mut learner =
                    Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.01), 24).unwrap();
                learner.learn_batch(&batch).unwrap();
                learner.network().parameters().to_vec()
            })
        };
        let alone = train(1);
        for threads in [2, 3, 16] {
            assert!(alone == train(threads), "{name} {carry:?}: {threads} threads change the bits");
        }
    }
}

#[test]
fn saved_in_mid_window_and_restored_goes_on_bit_for_bit() {
    let plan = plan(vec![LayerPlan::Cell(cell("lstm"), 4)], vec![20; 2], 10);
    let batch = plan.batch();
    for carry in [Carry::Local, Carry::Network] {
        let new = || {
            Learner::new(
                plan.network::<f64>(),
                plan.loss,
                method(carry, 4, Update::Window),
                OptimizerSettings::adam(0.05),
                2,
            )
            .unwrap()
        };
        let step = |learner: &mut Learner<f64>, at: usize| {
            let inputs: Vec<f64> = (0..2).flat_map(|stream| batch.input(stream, at).to_vec()).collect();
            learner.predict(&inputs).unwrap();
            let targets: Vec<_> = (0..2).map(|stream| batch.target(stream, at)).collect();
            learner.learn(&targets).unwrap();
        };
        let mut straight = new();
        let folder = std::env::temp_dir().join(format!("ostl-learner-{}-{}", std::process::id(), carry.name()));
        for at in 0..10 {
            step(&mut straight, at);
        }
        let description = straight.network().description();
        ostl_core::checkpoint::write(&folder, &straight.save()).unwrap();
        let mut resumed = new();
        resumed.restore(ostl_core::checkpoint::read_of(&folder, &description).unwrap()).unwrap();
        std::fs::remove_file(&folder).unwrap();
        for at in 10..20 {
            step(&mut straight, at);
            step(&mut resumed, at);
        }
        assert_eq!(straight.network().parameters(), resumed.network().parameters(), "{carry:?}");
        let mut other =
            Learner::new(plan.network::<f64>(), plan.loss, method(carry, 5, Update::Window), OptimizerSettings::sgd(0.1), 2)
                .unwrap();
        assert!(other.restore(straight.save()).unwrap_err().to_string().contains("method"));
    }
}

#[test]
fn a_number_that_breaks_stops_the_step_and_is_named() {
    let plan = plan(vec![LayerPlan::Cell(cell("rnn"), 4)], vec![6; 1], 0);
    let new = || {
        Learner::new(plan.network::<f64>(), plan.loss, Method::ostl().with_window(2), OptimizerSettings::sgd(0.1), 1)
            .unwrap()
    };
    let mut learner = new();
    let error = learner.predict(&[0.0, f64::NAN, 0.0]).unwrap_err();
    assert!(matches!(error, LearnError::Input { stream: 0, step: None, feature: 1, .. }), "{error}");

    let mut learner = new();
    learner.network_mut().block_mut(1, "W")[(0, 0)] = f64::INFINITY;
    let before = learner.network().parameters().to_vec();
    let error = learner.learn_batch(&plan.batch()).unwrap_err();
    assert!(matches!(error, LearnError::NonFinite { what: "the loss", layer: 1, .. }), "{error}");
    assert_eq!(learner.network().parameters(), before);

    // A finite loss with a gradient beyond the largest number: the readout's weights are 1e200 and so is what comes down.
    let mut learner =
        Learner::new(plan.network::<f64>(), Loss::MeanSquaredError, Method::bptt(), OptimizerSettings::sgd(0.1), 1).unwrap();
    learner.network_mut().block_mut(1, "W").fill(1e140);
    let mut batch = SequenceBatch::new(3, 3, TargetKind::Values, &[3]);
    for step in 0..3 {
        batch.input_mut(0, step).fill(0.5);
        batch.values_mut(0, step).fill(0.0);
    }
    let before = learner.network().parameters().to_vec();
    let error = learner.learn_batch(&batch).unwrap_err();
    assert!(matches!(error, LearnError::NonFinite { what: "the gradient", layer: 0, .. }), "{error}");
    assert_eq!(learner.network().parameters(), before);
    assert!(error.to_string().contains("rnn") && error.to_string().contains("step 3"), "{error}");
}

#[test]
fn after_a_number_broke_the_learner_goes_on_from_a_fresh_state() {
    let plan = plan(vec![LayerPlan::Cell(cell("ssnu"), 4)], vec![1], 0);
    for carry in [Carry::Local, Carry::Layer] {
        let method = method(carry, 2, Update::Window);
        let new = || Learner::new(plan.network::<f64>(), plan.loss, method, OptimizerSettings::sgd(0.1), 1).unwrap();
        let (mut broken, mut fresh) = (new(), new());
        broken.predict(&[0.1, 0.2, 0.3]).unwrap();
        broken.learn(&[Some(Target::Class(0))]).unwrap();
        let before = broken.network().parameters().to_vec();
        // Finite inputs that overflow inside.
        broken.network_mut().block_mut(1, "W").fill(f64::MAX);
        broken.predict(&[1.0, 2.0, -1.0]).unwrap_err();
        broken.network_mut().parameters_mut().copy_from_slice(&before);
        for step in 0..9 {
            let inputs = [0.1 * f64::from(step), -0.3, 0.2];
            assert_eq!(broken.predict(&inputs).unwrap().clone_owned(), fresh.predict(&inputs).unwrap().clone_owned());
            broken.learn(&[Some(Target::Class(1))]).unwrap();
            fresh.learn(&[Some(Target::Class(1))]).unwrap();
        }
        assert_eq!(broken.network().parameters(), fresh.network().parameters());
    }
}

#[test]
fn misuse_is_an_error_not_a_panic() {
    let plan = plan(vec![LayerPlan::Cell(cell("rnn"), 2)], vec![6; 2], 0);
    let mut learner =
        Learner::new(plan.network::<f64>(), plan.loss, Method::ostl(), OptimizerSettings::sgd(0.1), 2).unwrap();
    assert!(matches!(learner.learn(&[None, None]), Err(LearnError::NothingPredicted)));
    assert!(matches!(learner.predict(&[0.0; 5]), Err(LearnError::Shape { found: 5, expected: 6, .. })));
    learner.predict(&[0.0; 6]).unwrap();
    assert!(matches!(learner.learn(&[None]), Err(LearnError::Shape { .. })));
    assert!(matches!(learner.learn(&[Some(Target::Class(3)), None]), Err(LearnError::Target { stream: 0, .. })));
    assert!(matches!(learner.learn(&[None, Some(Target::Values(&[0.0; 3]))]), Err(LearnError::Target { stream: 1, .. })));
    let wrong = SequenceBatch::new(4, 3, TargetKind::Classes, &[3]);
    assert!(matches!(learner.learn_batch(&wrong), Err(LearnError::Shape { .. })));
    let wrong = SequenceBatch::new(3, 3, TargetKind::Values, &[3]);
    assert!(matches!(learner.evaluate_batch(&wrong), Err(LearnError::Target { .. })));
    let wide = SequenceBatch::new(3, 3, TargetKind::Classes, &[3, 3, 3]);
    assert!(matches!(learner.learn_batch(&wide), Err(LearnError::Shape { .. })));
    // Nothing to do is nothing done.
    assert_eq!(learner.learn_batch(&SequenceBatch::new(3, 3, TargetKind::Classes, &[])).unwrap().targets, 0);
    assert_eq!(learner.evaluate_batch(&SequenceBatch::new(3, 3, TargetKind::Classes, &[0, 2])).unwrap().steps, 2);
    for (window, streams) in [(0, 1), (1, 0)] {
        let built = Learner::new(
            plan.network::<f64>(),
            plan.loss,
            Method::ostl().with_window(window),
            OptimizerSettings::sgd(0.1),
            streams,
        );
        assert!(built.is_err());
    }
}

/// Learns to say what it saw two steps ago, online, one step at a time: the gradient must cross windows for that.
#[test]
fn learns_a_delay_online() {
    for (name, carry) in [("rnn", Carry::Layer), ("lstm", Carry::Local), ("gru", Carry::Network)] {
        let network = cell(name).add_to(Network::<f32>::builder(1).seed(1), 16).unwrap().readout(2).unwrap();
        let settings = OptimizerSettings::adam(0.01);
        let mut learner =
            Learner::new(network, Loss::SoftmaxCrossEntropy, method(carry, 1, Update::Window), settings, 1).unwrap();
        let mut random = Random(4);
        let mut seen = [0_usize; 3];
        let mut late_hits = 0.0;
        for step in 0..6000 {
            seen = [random.below(2), seen[0], seen[1]];
            learner.predict(&[seen[0] as f32]).unwrap();
            let score = learner.learn(&[Some(Target::Class(seen[2]))]).unwrap();
            if step >= 5000 {
                late_hits += score.correct as f64;
            }
        }
        assert!(late_hits > 950.0, "{name}: {late_hits} of 1000");
    }
}

/// One unit never fires, one always does, one does when its input is there.
#[test]
fn silent_and_saturated_units_are_seen() {
    let builder = Network::<f64>::builder(2).seed(3);
    let network = cell("lif").add_to(builder, 3).unwrap().dense(2, Activation::Relu).readout(2).unwrap();
    let mut learner = Learner::new(
        network,
        Loss::SoftmaxCrossEntropy,
        method(Carry::Local, 2, Update::Sequence),
        OptimizerSettings::sgd(0.1),
        2,
    )
    .unwrap();
    let mut parameters = vec![0.0; learner.network().parameters().len()];
    let range = |layer: usize, name: &str| {
        learner.network().blocks().iter().find(|block| block.layer == layer && block.name == name).unwrap().range()
    };
    // The first input is always there, the second at one step.
    parameters[range(0, "W")].copy_from_slice(&[-9.0, 9.0, -9.0, 0.0, 0.0, 99.0]);
    // Of the two above, one hears nothing but a negative constant.
    parameters[range(1, "b")].copy_from_slice(&[-1.0, 1.0]);
    learner.network_mut().copy_parameters(&parameters).unwrap();
    let mut batch = SequenceBatch::new(2, 2, TargetKind::Classes, &[50, 40]);
    for stream in 0..2 {
        (0..batch.lengths()[stream]).for_each(|step| batch.input_mut(stream, step)[0] = 1.0);
        batch.input_mut(stream, 7)[1] = 1.0;
        batch.set_class(stream, 39, 0);
    }
    assert_eq!(learner.units_seen(), None);
    learner.watch_units();
    learner.evaluate_batch(&batch).unwrap();
    let seen = learner.units_seen().unwrap();
    let counts: Vec<_> = seen.iter().map(|seen| (seen.layer, seen.units, seen.silent, seen.saturated)).collect();
    assert_eq!(counts, [(0, 3, 1, 1), (1, 2, 1, 1)]);
    assert_eq!((seen[0].name, learner.units_seen()), ("lif", None));
    // Nothing was evaluated: nobody is called silent.
    learner.watch_units();
    assert!(learner.units_seen().unwrap().iter().all(|seen| seen.silent + seen.saturated == 0));
}
