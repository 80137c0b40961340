//! Weights of classes and smoothed labels are part of the loss, for the engine as for BPTT and finite differences.

use crate::persistence::config;
use crate::stacks::{LayerPlan, Plan, any_plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{agreement, audit, central_differences};
use ostl_core::{
    Carry, Feedback, Learner, Loss, Method, Objective, OptimizerSettings, Score, SequenceBatch, Target, Update, bptt,
};
use proptest::prelude::*;

const LOSS: Loss = Loss::SoftmaxCrossEntropy;

fn cells(smooth: bool) -> Vec<CellConfig> {
    let every = CellConfig::every().into_iter().map(|(_, cell)| cell);
    every.filter(|cell| !smooth || (!cell.is_spiking() && !cell.has_kinks())).collect()
}

/// Weights, one of which may be zero, and a share that may be none.
fn any_objective() -> impl Strategy<Value = Objective> {
    let weight = prop_oneof![1 => Just(0.0), 4 => 0.1..9.0_f64];
    (prop::collection::vec(weight, 3), prop_oneof![Just(0.0), 0.01..0.9_f64], any::<bool>()).prop_map(
        |(mut weights, smoothing, weighted)| {
            weights[2] += 0.5;
            let smoothed = Objective::from(LOSS).with_label_smoothing(smoothing).unwrap();
            if weighted { smoothed.with_class_weights(&weights).unwrap() } else { smoothed }
        },
    )
}

/// The plan with three classes.
fn of_classes(plan: Plan) -> Plan {
    Plan { loss: LOSS, outputs: 3, ..plan }
}

proptest! {
    #![proptest_config(config(60, file!()))]

    #[test]
    fn claims_hold_whatever_the_objective(
        plan in any_plan(cells(false), false, 12).prop_map(of_classes), objective in any_objective(),
        window in prop::sample::select(vec![1_usize, 3, 7]),
    ) {
        for carry in [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2)] {
            let method = Method { carry, ..Method::bptt() }.with_window(window);
            let audit = audit(&plan.network(), &objective, &method, &plan.batch()).unwrap();
            prop_assert!(audit.holds(), "{carry:?} K={window}: {:?}", audit.blocks);
        }
    }

    /// Also where layers are told nothing but targets: with weights and smoothed, they are what the error holds of them.
    #[test]
    fn feedback_is_that_of_the_oracle(
        plan in any_plan(cells(false), false, 9).prop_map(of_classes), objective in any_objective(),
        feedback in prop::sample::select(vec![Feedback::Random, Feedback::Direct, Feedback::TargetProjection]),
    ) {
        let method = Method { feedback, ..Method::bptt() };
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        prop_assume!(method.validate_for(&network).is_ok());
        let truth = bptt::gradient_with_feedback(&network, &objective, &batch, &method);
        let mut learner = Learner::new(network, &objective, method, OptimizerSettings::sgd(1.0), batch.streams()).unwrap();
        let (score, found) = learner.gradient(&batch).unwrap();
        let agreement = agreement(found, &truth.values, 1e-6);
        prop_assert!(agreement.relative_error < 1e-10, "{feedback:?}: {agreement:?}");
        prop_assert!((score.loss - truth.loss).abs() < 1e-10 * (1.0 + truth.loss.abs()));
    }

    #[test]
    fn bptt_against_central_differences(plan in any_plan(cells(true), true, 9).prop_map(of_classes), objective in any_objective()) {
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        let truth = central_differences(&network, &objective, &batch, 1e-5);
        let agreement = agreement(&bptt::gradient(&network, &objective, &batch).values, &truth, 1e-4);
        prop_assert!(agreement.relative_error < 1e-6, "{agreement:?}");
    }
}

fn plan() -> Plan {
    let lstm = CellConfig::every().into_iter().find(|(name, _)| name.starts_with("lstm")).unwrap().1;
    Plan {
        inputs: 3,
        layers: vec![LayerPlan::Cell(lstm, 5)],
        outputs: 3,
        loss: LOSS,
        lengths: vec![9, 9, 4],
        targets: 100,
        resets: 0,
        active: 100,
        seed: 7,
    }
}

fn objective() -> Objective {
    Objective::from(LOSS).with_class_weights(&[0.5, 2.0, 4.0]).unwrap().with_label_smoothing(0.2).unwrap()
}

/// What each target weighs, by hand.
fn weights(batch: &SequenceBatch<f64>) -> Vec<f64> {
    let steps = (0..batch.streams()).flat_map(|stream| (0..batch.steps()).map(move |step| (stream, step)));
    let classes = steps.filter_map(|(stream, step)| match batch.target(stream, step) {
        Some(Target::Class(class)) => Some(class),
        _ => None,
    });
    classes.map(|class| [0.5, 2.0, 4.0][class]).collect()
}

/// An update goes by the sum over the number of targets, the reported mean by the sum of their weights; evaluation by the plain loss.
#[test]
fn the_mean_that_is_learned_from_and_the_mean_that_is_reported() {
    let (network, batch) = (plan().network::<f64>(), plan().batch());
    let truth = bptt::gradient(&network, objective(), &batch);
    let weights = weights(&batch);
    let method = Method::bptt();
    let mut learner = Learner::new(network.clone(), objective(), method, OptimizerSettings::sgd(0.5), 3).unwrap();
    let plain = learner.evaluate_batch(&batch).unwrap();
    let expected = bptt::loss(&network, LOSS, &batch);
    assert!((plain.loss - expected).abs() < 1e-12 && plain.weight == weights.len() as f64, "{plain:?} {expected}");
    let score = learner.learn_batch(&batch).unwrap();
    assert_eq!((score.targets, score.weight), (weights.len() as u64, weights.iter().sum()));
    assert!((score.mean_loss() - truth.loss / score.weight).abs() < 1e-12);
    for ((after, before), gradient) in learner.network().parameters().iter().zip(network.parameters()).zip(&truth.values) {
        let expected = before - 0.5 * gradient / weights.len() as f64;
        assert!((after - expected).abs() < 1e-12, "{after} {expected}");
    }
}

/// Step by step as in whole batches; a class that weighs nothing teaches nothing.
#[test]
fn streaming_is_the_same_and_no_weight_is_no_learning() {
    let (network, batch) = (plan().network::<f64>(), plan().batch());
    let method = Method { carry: Carry::Layer, ..Method::bptt() }.with_window(2).with_update(Update::Window);
    let learner =
        |objective: Objective| Learner::new(network.clone(), objective, method, OptimizerSettings::sgd(0.1), 3).unwrap();
    let stream = |learner: &mut Learner<f64>| {
        let mut score = Score::default();
        for step in 0..4 {
            let inputs: Vec<f64> = (0..3).flat_map(|stream| batch.input(stream, step).to_vec()).collect();
            learner.predict(&inputs).unwrap();
            let targets: Vec<_> = (0..3).map(|stream| batch.target(stream, step)).collect();
            score += learner.learn(&targets).unwrap();
        }
        learner.finish().unwrap();
        score
    };
    let mut short = SequenceBatch::new(3, 3, ostl_core::TargetKind::Classes, &[4, 4, 4]);
    for stream in 0..3 {
        for step in 0..4 {
            short.input_mut(stream, step).copy_from_slice(batch.input(stream, step));
            if let Some(Target::Class(class)) = batch.target(stream, step) {
                short.set_class(stream, step, class);
            }
        }
    }
    let (mut by_step, mut by_batch) = (learner(objective()), learner(objective()));
    let (one, other) = (stream(&mut by_step), by_batch.learn_batch(&short).unwrap());
    assert_eq!((one.weight, one.targets), (other.weight, other.targets));
    assert!((one.loss - other.loss).abs() < 1e-12 && one.weight != one.targets as f64);
    for (a, b) in by_step.network().parameters().iter().zip(by_batch.network().parameters()) {
        assert!((a - b).abs() < 1e-12);
    }
    assert_ne!(by_step.network().parameters(), network.parameters());

    let mut one_class = short.clone();
    (0..3).for_each(|stream| (0..4).for_each(|step| one_class.set_class(stream, step, 1)));
    let mut ignoring = learner(Objective::from(LOSS).with_class_weights(&[1.0, 0.0, 1.0]).unwrap());
    ignoring.learn_batch(&one_class).unwrap();
    assert_eq!(ignoring.network().parameters(), network.parameters());
}

#[test]
fn weights_are_one_for_each_output() {
    let wrong = Objective::from(LOSS).with_class_weights(&[1.0, 2.0]).unwrap();
    let error = Learner::new(plan().network::<f32>(), wrong, Method::bptt(), OptimizerSettings::sgd(0.1), 1).err().unwrap();
    assert_eq!(error.to_string(), "class_weights = [2 weights]: must be a list of 3 weights, one for each class");
}
