//! What is learned step by step and from batches, and the scores of it.

use std::sync::Arc;

use super::{LENGTHS, NAMES, RANGES, WEIGHTS, batch, exact, heads, learner, losses, networks, places, windows};
use crate::leaky::{self, Gated, builder, finish};
use ostl_core::{
    Carry, Engine, Feedback, Head, Heads, Learner, Loss, LossFunction, Method, OptimizerSettings, Score, SequenceBatch,
    Signal, Target, Update, Weighted, Window, bptt,
};

type Row<'a> = [Option<Weighted<'a, f64>>; 3];

/// The targets of one step of a stream.
fn row(batch: &SequenceBatch<f64>, stream: usize, step: usize) -> Row<'_> {
    NAMES.map(|name| batch.head_target(name, stream, step))
}

/// Step by step beside an engine that is given ∂E/∂y and the targets summed up by hand.
#[test]
fn the_learner_is_an_engine_with_the_summed_signal_bit_for_bit() {
    let (batch, losses) = (batch(), losses());
    let methods =
        windows().chain([exact(Window::Steps(2)).with_feedback(Feedback::TargetProjection).with_carry(Carry::Layer)]);
    for method in methods {
        let [network, _] = networks();
        let (mut learner, mut engine) = (learner(&network, method, 2), Engine::new(network, method, 2).unwrap());
        let (mut steps_with_target, mut missing) = (0, 0);
        let update = |engine: &mut Engine<f64>, steps_with_target: &mut u32| {
            let scale = 1.0 / f64::from(*steps_with_target);
            if *steps_with_target > 0 {
                *steps_with_target = 0;
                // The rate is a power of two: it rounds nothing.
                let by = |weights: &mut [f64], gradient: &[f64]| {
                    weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.25 * (g * scale));
                };
                engine.update(by).unwrap();
            }
        };
        for step in 0..14 {
            let inputs = [batch.input(0, step), batch.input(1, step)].concat();
            for stream in 0..2 {
                if batch.is_reset(stream, step) {
                    learner.reset(stream);
                    engine.reset(stream);
                }
            }
            learner.predict(&inputs).unwrap();
            let outputs = engine.predict(&inputs).unwrap().into_owned();
            let rows = [row(&batch, 0, step), row(&batch, 1, step)];
            let (mut signals, mut targets) = ([[0.0; 6]; 2], [[0.0; 6]; 2]);
            let mut sum = 0.0;
            for stream in 0..2 {
                for head in 0..3 {
                    let Some(Weighted { target, weight }) = rows[stream][head] else { continue };
                    let (range, by) = (RANGES[head].clone(), WEIGHTS[head] * weight);
                    let outputs = &outputs.as_slice()[6 * stream..][range.clone()];
                    sum += by * losses[head].evaluate(outputs, target, &mut signals[stream][range.clone()]);
                    losses[head].write_target(target, &mut targets[stream][range.clone()]);
                    signals[stream][range.clone()].iter_mut().for_each(|s| *s *= by);
                    targets[stream][range].iter_mut().for_each(|t| *t *= by);
                }
                missing += rows[stream].iter().filter(|target| target.is_none()).count();
            }
            let has_target = |stream: usize| rows[stream].iter().any(Option::is_some);
            steps_with_target += (0..2).map(|stream| u32::from(has_target(stream))).sum::<u32>();
            let score = learner.learn_heads_weighted(&rows).unwrap();
            assert!((score.loss - sum).abs() < 1e-12, "{score:?} {sum}");
            assert_eq!(score.targets, (0..2).filter(|&stream| has_target(stream)).count() as u64);
            let signal = |stream| has_target(stream).then(|| Signal::with_target(&signals[stream], &targets[stream]));
            if engine.learn(&[signal(0), signal(1)]).unwrap() {
                update(&mut engine, &mut steps_with_target);
            }
        }
        learner.finish().unwrap();
        engine.finish();
        update(&mut engine, &mut steps_with_target);
        assert!(missing > 20 && engine.network().parameters() != networks()[0].parameters());
        assert_eq!(learner.network().parameters(), engine.network().parameters(), "{method:?}");
    }
}

/// A step counts once in the mean, however many of its heads have a target.
#[test]
fn an_update_is_the_summed_gradient_over_the_steps_that_have_a_target() {
    let (batch, [network, _]) = (batch(), networks());
    let truth = bptt::gradient_of_heads(&network, &heads(), &batch, &Method::bptt());
    let mut learner = learner(&network, Method::bptt(), batch.streams());
    let score = learner.learn_batch(&batch).unwrap();
    let count = places(&batch).len();
    assert!(batch.target_count() > count + 20);
    assert_eq!(
        (score.targets, score.weight, score.steps),
        (count as u64, count as f64, LENGTHS.iter().sum::<usize>() as u64)
    );
    assert!((score.mean_loss() - truth.loss / count as f64).abs() < 1e-12);
    for ((after, before), g) in learner.network().parameters().iter().zip(network.parameters()).zip(&truth.values) {
        assert!((after - (before - 0.25 * g / count as f64)).abs() < 1e-13);
    }
}

/// Counts and losses of each head by hand, learned from with class weights and smoothed labels and evaluated without.
#[test]
fn each_head_has_its_score() {
    let (batch, [network, _]) = (batch(), networks());
    let mut learner = learner(&network, exact(Window::Steps(3)).with_update(Update::Sequence), batch.streams());
    let plain: [Arc<dyn LossFunction<f64>>; 3] =
        [Arc::new(Loss::SoftmaxCrossEntropy), losses()[1].clone(), losses()[2].clone()];
    let by_hand = |losses: [Arc<dyn LossFunction<f64>>; 3]| {
        let (mut scores, mut total) = ([Score::default(); 3], Score::default());
        for [stream, step] in places(&batch) {
            let outputs = &bptt::outputs(&network, &batch, stream)[step];
            let (mut asked, mut hits) = (0, 0);
            for head in 0..3 {
                let Some(Weighted { target, weight }) = row(&batch, stream, step)[head] else { continue };
                let outputs = &outputs[RANGES[head].clone()];
                let mut signal = vec![0.0; outputs.len()];
                let loss = weight * losses[head].evaluate(outputs, target, &mut signal);
                scores[head].loss += loss;
                scores[head].targets += 1;
                scores[head].weight += weight * losses[head].weight(target);
                total.loss += WEIGHTS[head] * loss;
                if let Target::Class(class) = target {
                    let hit = outputs.iter().all(|&y| y <= outputs[class]);
                    (asked, hits) = (asked + 1, hits + u64::from(hit));
                    scores[head].correct += u64::from(hit);
                }
            }
            total.targets += 1;
            total.correct += u64::from(asked > 0 && asked == hits);
        }
        (scores, total)
    };
    let compare = |learner: &Learner<f64>, total: Score, losses| {
        let (scores, expected) = by_hand(losses);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-10 * (1.0 + b.abs());
        for (head, expected) in scores.iter().enumerate() {
            let score = learner.head_score(NAMES[head]);
            assert!(
                close(score.loss, expected.loss) && close(score.weight, expected.weight),
                "{head} {score:?} {expected:?}"
            );
            assert_eq!((score.targets, score.correct, score.steps), (expected.targets, expected.correct, total.steps));
        }
        assert!(close(total.loss, expected.loss), "{total:?} {expected:?}");
        assert_eq!((total.targets, total.correct), (expected.targets, expected.correct));
        assert!(scores[0].correct > 0 && scores[0].correct < scores[0].targets);
        assert!(learner.head_scores().map(|(name, _)| name).eq(NAMES));
    };
    let mut seen = Vec::new();
    let total = learner
        .evaluate_batch_with(&batch, |answer| seen.push((answer.head.to_owned(), answer.outputs.len(), answer.loss)))
        .unwrap();
    compare(&learner, total, plain);
    assert_eq!(seen.len(), batch.target_count());
    for (head, range) in RANGES.into_iter().enumerate() {
        let own = seen.iter().filter(|(name, ..)| name == NAMES[head]);
        assert!(own.clone().all(|(_, outputs, _)| *outputs == range.len()));
        assert!((own.map(|(.., loss)| loss).sum::<f64>() - learner.head_score(NAMES[head]).loss).abs() < 1e-10);
    }
    // At the same weights: they change at the end.
    let total = learner.learn_batch(&batch).unwrap();
    compare(&learner, total, losses());
    // And of a step alone.
    learner.predict(&[0.5; 33]).unwrap();
    let mut rows = [[None; 3]; 11];
    rows[4][1] = Some(Target::Values(&[0.0, 1.0]));
    let total = learner.learn_heads(&rows).unwrap();
    let of = NAMES.map(|name| learner.head_score(name));
    assert_eq!(of.map(|score| (score.targets, score.steps)), [(0, 11), (1, 11), (0, 11)]);
    assert!((total.loss - 1.75 * of[1].loss).abs() < 1e-14 && total.targets == 1);
}

/// A learner of one loss is one of a single head, bit for bit.
#[test]
fn one_head_is_the_readout_as_a_whole() {
    let batch = leaky::batch(3, 4);
    let network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let one = Heads::new([Head::new("all", 4, leaky::LOSS)]).unwrap();
    for method in windows() {
        let settings = OptimizerSettings::adam(0.01);
        let mut plain = Learner::new(network.clone(), leaky::LOSS, method, settings, 5).unwrap();
        let mut headed = Learner::with_heads(network.clone(), one.clone(), method, settings, 5).unwrap();
        assert_eq!(plain.learn_batch(&batch), headed.learn_batch(&batch));
        assert_eq!(plain.head_score(""), headed.head_score("all"));
        for learner in [&mut plain, &mut headed] {
            learner.predict(&[0.3; 15]).unwrap();
        }
        let target = Some(Target::Class(2));
        assert_eq!(plain.learn(&[target; 5]), headed.learn_heads(&[[target]; 5]));
        assert_eq!(plain.network().parameters(), headed.network().parameters(), "{method:?}");
    }
}
