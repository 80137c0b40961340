//! A call that is refused is as if it had not been made, and nothing that was only looked at is learned from.

use crate::leaky::{self, Gated, LOSS, batch, finish};
use ostl_core::{
    Carry, LearnError, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Target, TargetKind, Update, Window,
};

fn network() -> Network<f64> {
    finish(leaky::builder().recurrent(Gated { recurrent: true }, 4).readout(2))
}

fn learner_of(method: Method, streams: usize) -> Learner<f64> {
    Learner::new(network(), LOSS, method, OptimizerSettings::adam(0.05), streams).unwrap()
}

fn windows() -> [Method; 5] {
    let method = |window| Method { window, carry: Carry::Network, update: Update::Window, ..Method::ostl() };
    let rolling = Method { carry: Carry::None, ..method(Window::rolling(3)) };
    let whole = Method { carry: Carry::None, update: Update::Sequence, ..method(Window::Sequence) };
    [method(Window::Steps(1)), method(Window::Steps(3)), method(Window::Steps(7)), rolling, whole]
}

const INPUTS: [f64; 6] = [0.4, -1.0, 0.3, 0.9, 0.2, -0.5];

fn steps(learner: &mut Learner<f64>, count: usize, targets: &[Option<Target<'_, f64>>]) {
    for step in 0..count {
        let inputs = INPUTS.map(|x| x + 0.1 * step as f64);
        learner.predict(&inputs[..3 * learner.streams()]).unwrap();
        learner.learn(targets).unwrap();
    }
}

#[test]
fn refused_targets_leave_no_signal() {
    let good = Some(Target::Class(1));
    for method in windows() {
        for wrong in [Target::Class(7), Target::Values(&[0.0, 0.0])] {
            let (mut told, mut asked) = (learner_of(method, 2), learner_of(method, 2));
            for learner in [&mut told, &mut asked] {
                steps(learner, 2, &[good, None]);
                learner.predict(&INPUTS).unwrap();
            }
            assert!(matches!(told.learn(&[good, Some(wrong)]), Err(LearnError::Target { stream: 1, .. })));
            for learner in [&mut told, &mut asked] {
                steps(learner, 8, &[good, good]);
                learner.finish().unwrap();
            }
            assert_eq!(told.network().parameters(), asked.network().parameters(), "{method:?}");
        }
    }
}

#[test]
fn after_a_refusal_the_right_targets_are_taken() {
    let good = Some(Target::Class(1));
    let (mut told, mut asked) = (learner_of(Method::ostl(), 2), learner_of(Method::ostl(), 2));
    told.predict(&INPUTS).unwrap();
    told.learn(&[good, Some(Target::Class(2))]).unwrap_err();
    assert_eq!(told.learn(&[good, None]).unwrap().targets, 1);
    asked.predict(&INPUTS).unwrap();
    asked.learn(&[good, None]).unwrap();
    assert_eq!(told.network().parameters(), asked.network().parameters());
}

/// What may come after [`Learner::gradient`].
type WayOn = fn(&mut Learner<f64>);

#[test]
fn a_gradient_that_was_shown_is_not_learned_from() {
    let ways: [(&str, WayOn); 6] = [
        ("predict", |learner| {
            for _ in 0..3 {
                learner.predict(&[0.1; 15]).unwrap();
                learner.learn(&[Some(Target::Class(0)); 5]).unwrap();
            }
            learner.finish().unwrap();
        }),
        ("learn_next", |learner| {
            learner.learn_next(&batch(3, 2)).unwrap();
            learner.finish().unwrap();
        }),
        ("learn_batch", |learner| {
            learner.learn_batch(&batch(3, 2)).unwrap();
        }),
        ("finish", |learner| {
            learner.finish().unwrap();
            learner.learn_next(&batch(3, 2)).unwrap();
        }),
        ("freeze", |learner| {
            learner.set_frozen(true).unwrap();
            learner.set_frozen(false).unwrap();
            learner.learn_next(&batch(3, 2)).unwrap();
        }),
        ("save", |learner| {
            let state = learner.save();
            learner.restore(state).unwrap();
            learner.learn_next(&batch(3, 2)).unwrap();
        }),
    ];
    for method in windows() {
        for (name, way) in ways {
            let [mut shown, mut plain] = [learner_of(method, 5), learner_of(method, 5)];
            // A stream in progress starts anew, as before every batch.
            shown.predict(&[0.1; 15]).unwrap();
            let gradient = shown.gradient(&batch(3, 2)).unwrap().1.to_vec();
            assert!(gradient.iter().any(|g| g.abs() > 1e-3));
            for learner in [&mut shown, &mut plain] {
                way(learner);
            }
            assert_eq!(shown.network().parameters(), plain.network().parameters(), "{name} {method:?}");
            assert_ne!(plain.network().parameters(), network().parameters());
        }
    }
}

#[test]
fn a_prediction_before_a_stretch_is_no_longer_awaited() {
    for method in windows() {
        let mut learner = learner_of(method, 5);
        learner.predict(&[0.1; 15]).unwrap();
        learner.learn_next(&batch(3, 2)).unwrap();
        assert_eq!(learner.learn(&[Some(Target::Class(0)); 5]), Err(LearnError::NothingPredicted), "{method:?}");
    }
}

#[test]
fn a_sequence_that_ended_in_a_stretch_does_not_go_on_in_the_next() {
    let stretch = |lengths: &[usize]| {
        let mut stretch = SequenceBatch::new(3, 2, TargetKind::Classes, lengths);
        let mut next = leaky::random(3);
        for (stream, &length) in lengths.iter().enumerate() {
            for step in 0..length {
                stretch.input_mut(stream, step).fill_with(&mut next);
                stretch.set_class(stream, step, (step + stream) % 2);
            }
        }
        stretch
    };
    for method in windows() {
        for ended in [0, 2] {
            let [mut ends, mut resets] = [learner_of(method, 3), learner_of(method, 3)];
            for learner in [&mut ends, &mut resets] {
                learner.learn_next(&stretch(&[6, ended, ended])).unwrap();
            }
            resets.reset(1);
            resets.reset(2);
            for learner in [&mut ends, &mut resets] {
                learner.learn_next(&stretch(&[6; 3])).unwrap();
                learner.finish().unwrap();
            }
            assert_eq!(ends.network().parameters(), resets.network().parameters(), "{method:?}");
        }
    }
    // And it is learned from: nothing is left out where a window rolls.
    let mut narrow = learner_of(windows()[3], 3);
    let mut score = narrow.learn_next(&stretch(&[6, 0, 0])).unwrap();
    score += narrow.learn_next(&stretch(&[6; 3])).unwrap();
    assert_eq!((score.targets, score.steps), (24, 24));
    // The same when it is evaluated.
    let mut scores = Vec::new();
    for apart in [false, true] {
        narrow.restart_evaluation();
        narrow.evaluate_next_with(&stretch(&[6, 2, 2]), |_| ()).unwrap();
        if apart {
            narrow.restart_evaluation();
        }
        let mut second = Vec::new();
        narrow.evaluate_next_with(&stretch(&[6; 3]), |seen| second.push((seen.stream, seen.loss))).unwrap();
        second.retain(|seen| seen.0 > 0);
        scores.push(second);
    }
    assert!(scores[0].iter().zip(&scores[1]).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-12));
}

#[test]
fn too_wide_an_evaluation_is_refused_and_the_one_under_way_goes_on() {
    let whole = batch(3, 2);
    let mut narrow = SequenceBatch::new(3, 2, TargetKind::Classes, &[4]);
    narrow.set_class(0, 3, 1);
    narrow.input_mut(0, 0).fill(3.0);
    let [mut interrupted, mut straight] = [learner_of(Method::ostl(), 5), learner_of(Method::ostl(), 5)];
    let mut losses = Vec::new();
    for learner in [&mut interrupted, &mut straight] {
        learner.evaluate_next_with(&narrow, |_| ()).unwrap();
        if losses.is_empty() {
            assert!(matches!(learner.evaluate_next_with(&whole, |_| ()), Err(LearnError::Shape { found: 5, .. })));
        }
        losses.push(learner.evaluate_next_with(&narrow, |_| ()).unwrap().loss);
    }
    assert_eq!(losses[0], losses[1]);
}

#[test]
fn frozen_is_saved() {
    let mut learner = learner_of(Method::ostl(), 1);
    steps(&mut learner, 3, &[Some(Target::Class(1))]);
    for frozen in [true, false] {
        learner.set_frozen(frozen).unwrap();
        for in_progress in [false, true] {
            if in_progress {
                learner.predict(&INPUTS[..3]).unwrap();
            }
            let mut restored = learner_of(Method::ostl(), 1);
            restored.set_frozen(!frozen).unwrap();
            restored.restore(learner.save()).unwrap();
            assert_eq!(restored.is_frozen(), frozen);
            let before = restored.network().parameters().to_vec();
            steps(&mut restored, 3, &[Some(Target::Class(1))]);
            assert_eq!(restored.network().parameters() == before, frozen, "{in_progress}");
        }
    }
}

#[test]
fn a_changed_rate_is_saved() {
    let mut learner = learner_of(Method::ostl(), 1);
    learner.set_learning_rate(0.25).unwrap();
    learner.set_clip_norm(Some(0.5)).unwrap();
    let mut restored = learner_of(Method::ostl(), 1);
    restored.restore(learner.save()).unwrap();
    let optimizer = restored.optimizer();
    assert_eq!((optimizer.learning_rate(), optimizer.clip_norm()), (0.25, Some(0.5)));
    for (rate, allowed) in [(0.0, true), (-0.1, false), (f64::NAN, false), (f64::INFINITY, false), (1e9, true)] {
        assert_eq!(restored.set_learning_rate(rate).is_ok(), allowed, "{rate}");
    }
    for (norm, allowed) in [(Some(0.0), false), (Some(f64::NAN), false), (None, true)] {
        assert_eq!(restored.set_clip_norm(norm).is_ok(), allowed, "{norm:?}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_named_where_they_stand() {
    let mut learner = learner_of(windows()[1], 2);
    steps(&mut learner, 2, &[Some(Target::Class(1)), None]);
    let mut twin = learner_of(windows()[1], 2);
    twin.restore(learner.save()).unwrap();
    let error = learner.predict(&[0.0, 0.1, 0.2, 0.3, f64::NAN, 0.5]).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, LearnError::Input { stream: 1, step: None, feature: 1, value } if value.is_nan()));
    assert!(said.contains("stream 1, feature 1") && said.contains("NaN") && said.contains("leave the step out"), "{said}");
    assert!(!said.contains("learning rate") && !said.contains("clip") && !error.is_non_finite(), "{said}");

    let mut broken = batch(3, 2);
    broken.input_mut(3, 4)[2] = f64::NEG_INFINITY;
    let with_values = |learner: &mut Learner<f64>| {
        vec![
            learner.learn_batch(&broken).unwrap_err(),
            learner.learn_next(&broken).unwrap_err(),
            learner.gradient(&broken).unwrap_err(),
            learner.evaluate_batch(&broken).unwrap_err(),
        ]
    };
    let mut wide = learner_of(windows()[1], 5);
    for error in with_values(&mut wide) {
        let expected = LearnError::Input { stream: 3, step: Some(4), feature: 2, value: f64::NEG_INFINITY };
        assert_eq!(error, expected);
        assert!(error.to_string().starts_with("stream 3, step 4, feature 2: the input is -inf"), "{error}");
    }
    for learner in [&mut learner, &mut twin] {
        steps(learner, 5, &[Some(Target::Class(1)), None]);
        learner.finish().unwrap();
    }
    assert_eq!(learner.network().parameters(), twin.network().parameters());

    let squared = Learner::new(network(), Loss::MeanSquaredError, Method::ostl(), OptimizerSettings::sgd(0.1), 1);
    let mut squared = squared.unwrap();
    squared.predict(&INPUTS[..3]).unwrap();
    let error = squared.learn(&[Some(Target::Values(&[0.0, f64::INFINITY]))]).unwrap_err();
    assert_eq!(error, LearnError::TargetValue { stream: 0, step: None, head: None, output: 1, value: f64::INFINITY });
    assert!(error.to_string().contains("stream 0, output 1: the target is inf"), "{error}");
    squared.learn(&[Some(Target::Values(&[0.0, 1.0]))]).unwrap();
    let mut values = SequenceBatch::new(3, 2, TargetKind::Values, &[3]);
    values.values_mut(0, 2)[0] = f64::INFINITY;
    let error = squared.learn_batch(&values).unwrap_err();
    assert_eq!(error, LearnError::TargetValue { stream: 0, step: Some(2), head: None, output: 0, value: f64::INFINITY });
}

/// One sample of 1e13 among good ones, in single precision.
#[test]
fn a_sample_far_out_is_refused_and_no_weight_stops_learning() {
    let network = Network::<f32>::builder(1).seed(1).dense(2, ostl_core::Activation::Identity).readout(1).unwrap();
    let settings = OptimizerSettings::adam(0.01);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, Method::ostl(), settings, 1).unwrap();
    let step = |learner: &mut Learner<f32>, x: f32| {
        learner.predict(&[x])?;
        learner.learn(&[Some(Target::Values(&[0.5]))])
    };
    step(&mut learner, 1.0).unwrap();
    let before = learner.network().parameters().to_vec();
    let error = step(&mut learner, 1e13).unwrap_err();
    assert!(matches!(error, LearnError::NonFinite { what: "the update", updates: 1, .. }), "{error}");
    assert!(error.is_non_finite() && error.aftermath() == ostl_core::Aftermath::StreamsStartAnew);
    assert!(error.to_string().contains("gradient clipping"), "{error}");
    assert_eq!(learner.network().parameters(), before);
    let losses: Vec<f64> = (0..400).map(|_| step(&mut learner, 1.0).unwrap().loss).collect();
    assert!(losses[399] < 1e-3 * losses[0].max(1e-3), "{} {}", losses[0], losses[399]);
    assert!(learner.network().parameters().iter().zip(&before).all(|(a, b)| a != b));
    // With clipping on the sample is learned from, and nobody advises it.
    assert!(
        learner.set_learning_rate(1e300).unwrap_err().to_string().starts_with("learning_rate = 1e300: must be 0 to 3.4")
    );
    learner.set_clip_norm(Some(1.0)).unwrap();
    step(&mut learner, 1e13).unwrap();
    let error = step(&mut learner, 1e30).unwrap_err();
    assert!(error.to_string().contains("the 1 in force") && !error.to_string().contains("or gradient clipping"), "{error}");
}

/// A state breaks that no output tells of: a unit that only spikes.
#[test]
fn a_state_that_breaks_behind_finite_outputs_is_noticed() {
    let spiking = crate::leaky::Leaky { recurrent: false, detached: false, spikes: true };
    let mut network = finish(leaky::builder().recurrent(spiking, 3).readout(2));
    network.block_mut(0, "W").fill(1e200);
    for method in windows() {
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(0.1), 1).unwrap();
        let error = learner.predict(&[1e200; 3]).map(|_| ()).unwrap_err();
        assert!(matches!(error, LearnError::NonFinite { what: "the state", layer: 0, .. }), "{error}");
        let mut silent = SequenceBatch::new(3, 2, TargetKind::Classes, &[2]);
        silent.input_mut(0, 1).fill(1e200);
        let error = learner.learn_batch(&silent).unwrap_err();
        assert!(matches!(error, LearnError::NonFinite { what: "the state", layer: 0, .. }), "{error}");
        learner.predict(&[0.0; 3]).unwrap();
    }
}
