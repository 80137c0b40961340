//! A recording handed over in stretches is learned from, and evaluated, as if it had come in one piece.

use crate::leaky::{self, Gated, LOSS, Leaky, batch, finish};
use ostl_core::{
    Carry, LearnError, Learner, Method, Network, OptimizerSettings, Score, SequenceBatch, Target, TargetKind, Update, Window,
};

const LENGTH: usize = 24;

/// All streams of one length but the last two, which end with a stretch and in the middle of one.
fn recording() -> SequenceBatch<f64> {
    let mut recording = SequenceBatch::new(3, 4, TargetKind::Classes, &[LENGTH, LENGTH, LENGTH, 12, 7]);
    let mut next = leaky::random(11);
    for stream in 0..5 {
        for step in 0..recording.lengths()[stream] {
            recording.input_mut(stream, step).fill_with(|| 1.6 * next() + 0.4);
            if next() > -0.4 {
                recording.set_class(stream, step, (step + stream) % 4);
            }
            if next() > 0.9 {
                recording.reset_before(stream, step);
            }
        }
    }
    recording
}

fn piece(whole: &SequenceBatch<f64>, from: usize, to: usize) -> SequenceBatch<f64> {
    let lengths: Vec<usize> = whole.lengths().iter().map(|&length| length.clamp(from, to) - from).collect();
    let mut piece = SequenceBatch::new(3, 4, TargetKind::Classes, &lengths);
    for (stream, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            piece.input_mut(stream, step).copy_from_slice(whole.input(stream, from + step));
            if let Some(Target::Class(class)) = whole.target(stream, from + step) {
                piece.set_class(stream, step, class);
            }
            if whole.is_reset(stream, from + step) {
                piece.reset_before(stream, step);
            }
        }
    }
    piece
}

fn networks() -> Vec<Network<f64>> {
    let spiking = Leaky { recurrent: true, detached: false, spikes: true };
    vec![
        finish(leaky::builder().recurrent(spiking, 6).readout(4)),
        finish(leaky::builder().recurrent(Gated { recurrent: true }, 4).recurrent(Gated { recurrent: true }, 3).readout(4)),
    ]
}

fn learner(network: &Network<f64>, method: Method) -> Learner<f64> {
    Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), 5).unwrap()
}

fn methods() -> Vec<Method> {
    let mut methods = Vec::new();
    for carry in [Carry::None, Carry::Local, Carry::Layer, Carry::Network] {
        for window in [1, 2, 3, 6] {
            methods.push(Method { window: Window::Steps(window), carry, update: Update::Window, ..Method::ostl() });
        }
    }
    for (carry, window) in [Carry::None, Carry::Local, Carry::Layer, Carry::Network]
        .into_iter()
        .flat_map(|carry| [Window::rolling(4), Window::Rolling { steps: 7, every: 3 }].map(|window| (carry, window)))
    {
        methods.push(Method { window, carry, update: Update::Window, ..Method::ostl() });
    }
    methods
}

#[test]
fn the_same_as_in_one_piece() {
    let whole = recording();
    for network in networks() {
        for method in methods() {
            let mut at_once = learner(&network, method);
            let expected = at_once.learn_batch(&whole).unwrap();
            let mut stretches = learner(&network, method);
            let mut score = Score::default();
            for from in (0..LENGTH).step_by(6) {
                score += stretches.learn_next(&piece(&whole, from, from + 6)).unwrap();
            }
            stretches.finish().unwrap();
            assert_eq!((score.targets, score.correct, score.steps), (expected.targets, expected.correct, expected.steps));
            assert!((score.loss - expected.loss).abs() < 1e-10 * expected.loss, "{method:?}");
            assert_ne!(stretches.network().parameters(), network.parameters(), "it learned");
            assert_eq!(stretches.network().parameters(), at_once.network().parameters(), "{method:?}");
            // After the end, the next recording starts from rest.
            let again = [at_once.learn_batch(&whole).unwrap(), stretches.learn_batch(&whole).unwrap()];
            assert_eq!(again[0], again[1]);
        }
    }
}

#[test]
fn a_stretch_matters_to_the_next() {
    let whole = recording();
    let network = &networks()[1];
    let method = Method { window: Window::Steps(3), carry: Carry::Network, update: Update::Window, ..Method::ostl() };
    let (mut carried, mut apart) = (learner(network, method), learner(network, method));
    for from in (0..LENGTH).step_by(6) {
        carried.learn_next(&piece(&whole, from, from + 6)).unwrap();
        apart.learn_batch(&piece(&whole, from, from + 6)).unwrap();
    }
    assert_ne!(carried.network().parameters(), apart.network().parameters());
}

#[test]
fn saved_between_stretches() {
    let whole = recording();
    let network = &networks()[1];
    let method = Method { window: Window::Steps(3), carry: Carry::Layer, update: Update::Window, ..Method::ostl() };
    let mut straight = learner(network, method);
    straight.learn_next(&piece(&whole, 0, 6)).unwrap();
    let mut restored = learner(network, method);
    restored.restore(straight.save()).unwrap();
    for learner in [&mut straight, &mut restored] {
        learner.learn_next(&piece(&whole, 6, 18)).unwrap();
    }
    assert_eq!(straight.network().parameters(), restored.network().parameters());
}

#[test]
fn evaluated_in_stretches() {
    let whole = recording();
    for network in networks() {
        let mut learner = learner(&network, Method::ostl());
        let mut seen = Vec::new();
        let expected =
            learner.evaluate_batch_with(&whole, |o| seen.push((o.stream, o.step, o.outputs.to_vec(), o.loss))).unwrap();
        assert!((seen.iter().map(|seen| seen.3).sum::<f64>() - expected.loss).abs() < 1e-12 * expected.loss);
        assert_eq!(seen.len() as u64, expected.targets);
        let (mut score, mut again) = (Score::default(), Vec::new());
        for from in [0, 5, 12, 20] {
            let to = [5, 12, 20, LENGTH][[0, 5, 12, 20].iter().position(|&f| f == from).unwrap()];
            let observed =
                |o: ostl_core::Observation<'_, f64>| again.push((o.stream, o.step + from, o.outputs.to_vec(), o.loss));
            score += learner.evaluate_next_with(&piece(&whole, from, to), observed).unwrap();
            // What is learned from in between is another matter.
            learner.learn_batch(&batch(3, 4)).err();
            learner.network_mut().copy_parameters(network.parameters()).unwrap();
        }
        assert_eq!((score.targets, score.steps), (expected.targets, expected.steps));
        assert!(again.iter().zip(&seen).all(|(a, b)| (a.0, a.1) == (b.0, b.1) && a.2 == b.2));
        learner.restart_evaluation();
        assert_eq!(learner.evaluate_batch(&whole).unwrap(), expected);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let whole = recording();
    let mut learner = learner(&networks()[0], Method::ostl());
    let few = SequenceBatch::new(3, 4, TargetKind::Classes, &[3, 3]);
    assert!(matches!(learner.learn_next(&few), Err(LearnError::Shape { found: 2, expected: 5, .. })));
    learner.set_frozen(true).unwrap();
    assert_eq!(learner.learn_next(&whole), Err(LearnError::Frozen));
}

/// A last batch that is much smaller than the learner is wide leaves whole lanes without a stream.
#[test]
fn a_small_last_batch() {
    let network = &networks()[1];
    let mut batch = SequenceBatch::new(3, 4, TargetKind::Classes, &[9, 7]);
    let mut next = leaky::random(5);
    for stream in 0..2 {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(&mut next);
            batch.set_class(stream, step, (step + stream) % 4);
        }
    }
    for window in [1, 4, 20] {
        let method = Method::ostl().with_window(window).with_carry(Carry::Layer);
        let wide = |streams| Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(0.1), streams).unwrap();
        let (mut wide, mut narrow) = (wide(40), wide(2));
        assert_eq!(wide.learn_batch(&batch).unwrap().targets, 16);
        narrow.learn_batch(&batch).unwrap();
        let apart = wide.network().parameters().iter().zip(narrow.network().parameters()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-14);
    }
}
