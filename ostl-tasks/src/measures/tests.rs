//! Against numbers worked out by hand, and against a second computation from the list of all answers.

use ostl_core::{Activation, Learner, Method, Network, OptimizerSettings, SequenceBatch};
use proptest::prelude::*;

use super::*;

fn answer<'a>(stream: usize, outputs: &'a [f64], target: Target<'a, f64>, loss: f64) -> Observation<'a, f64> {
    Observation { stream, step: 0, head: "", outputs, target, loss }
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found} {expected}");
}

#[test]
fn classes_by_hand() {
    let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 3, &[]);
    // Right; wrong; a tie, of which the first counts: wrong for class 2.
    measures.observe(&answer(0, &[2.0, 1.0, 0.0], Target::Class(0), 1.0));
    measures.observe(&answer(0, &[0.0, 1.0, 2.0], Target::Class(1), 2.0));
    measures.observe(&answer(1, &[0.0, 5.0, 5.0], Target::Class(2), 0.0));
    measures.observe(&answer(1, &[-3.0, -1.0, -2.0], Target::Class(1), 1.0));
    assert_eq!((measures.targets(), measures.value(Metric::Loss)), (4, Some(1.0)));
    assert_eq!(measures.value(Metric::Accuracy), Some(0.5));
    close(measures.value(Metric::Perplexity), std::f64::consts::E);
    close(measures.value(Metric::BitsPerCharacter), std::f64::consts::LOG2_E);
    for other in [Metric::SequenceAccuracy, Metric::R2, Metric::Nrmse, Metric::FrameAccuracy] {
        assert_eq!(measures.value(other), None, "{other}");
    }
    let confusion = measures.confusion().unwrap();
    assert_eq!([confusion.row(0), confusion.row(1), confusion.row(2)], [[1, 0, 0], [0, 1, 1], [0, 1, 0]]);
    assert_eq!((confusion.classes(), confusion.count(1, 2)), (3, 1));
    assert!(Measures::of(Loss::SoftmaxCrossEntropy, MOST_CLASSES + 1, &[]).confusion().is_none());
}

/// scikit-learn 1.x on y_true = [0, 0, 0, 0, 1, 1, 3], y_pred = [0, 0, 0, 1, 1, 0, 2]: recall_score(average=None) = [3/4, 1/2, 0, 0] (class 2
/// has no target: not in balanced_accuracy_score = (3/4 + 1/2 + 0) / 3), f1_score(average=None) = [3/4, 1/2, 0, 0], macro (over the union
/// of targets and answers) 5/16. Class 4 of the readout occurs nowhere.
#[test]
fn figures_by_class_by_hand() {
    let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 5, &[]);
    assert_eq!((measures.value(Metric::BalancedAccuracy), measures.value(Metric::MacroF1)), (None, None));
    for (class, said) in [(0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (3, 2)] {
        let mut outputs = [0.0; 5];
        outputs[said] = 1.0;
        measures.observe(&answer(0, &outputs, Target::Class(class), 0.0));
    }
    close(measures.value(Metric::BalancedAccuracy), 5.0 / 12.0);
    close(measures.value(Metric::MacroF1), 5.0 / 16.0);
    let recall: Vec<Option<f64>> = (0..6).map(|class| measures.value(Metric::Recall(class))).collect();
    assert_eq!(recall, [Some(0.75), Some(0.5), None, Some(0.0), None, None]);
    let classes = measures.by_class().unwrap();
    assert_eq!([classes.targets(), classes.answers(), classes.hits()], [[4, 2, 0, 1, 0], [4, 2, 1, 0, 0], [3, 1, 0, 0, 0]]);
    assert_eq!(
        (classes.precision(0), classes.precision(3), classes.f1(2), classes.f1(4)),
        (Some(0.75), None, Some(0.0), None)
    );
    // Whoever always answers the largest class is right nineteen times in twenty, and no better than a coin by class.
    let mut majority = Measures::of(Loss::SoftmaxCrossEntropy, 2, &[]);
    (0..20).for_each(|i| majority.observe(&answer(0, &[1.0, 0.0], Target::Class(usize::from(i == 7)), 0.0)));
    assert_eq!((majority.value(Metric::Accuracy), majority.value(Metric::BalancedAccuracy)), (Some(0.95), Some(0.5)));
    close(majority.value(Metric::MacroF1), 19.0 / 39.0);
}

/// Two steps say class 0 by a little, one says class 1 by a lot: most targets go to class 0, the sequence to class 1.
#[test]
fn a_sequence_is_judged_by_the_product_of_its_probabilities() {
    let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 2, &[Metric::SequenceAccuracy]);
    for (stream, class) in [(2, 1), (0, 0)] {
        measures.observe(&answer(stream, &[0.5, 0.0], Target::Class(class), 0.0));
        measures.observe(&answer(stream, &[100.5, 100.0], Target::Class(class), 0.0));
        measures.observe(&answer(stream, &[0.0, 3.0], Target::Class(class), 0.0));
    }
    assert_eq!(measures.value(Metric::SequenceAccuracy), None, "no sequence is over");
    measures.end_sequences();
    assert_eq!(measures.value(Metric::SequenceAccuracy), Some(0.5));
    assert_eq!(measures.value(Metric::Accuracy), Some(0.5));
    let confusion = measures.confusion().unwrap();
    assert_eq!([confusion.row(0), confusion.row(1)], [[0, 1], [0, 1]], "of the two sequences");
    // The next batch's streams start anew.
    measures.observe(&answer(2, &[0.5, 0.0], Target::Class(0), 0.0));
    measures.end_sequences();
    measures.end_sequences();
    assert_eq!(measures.value(Metric::SequenceAccuracy), Some(2.0 / 3.0));
}

#[test]
fn values_by_hand() {
    let mut measures = Measures::of(Loss::MeanSquaredError, 3, &[Metric::R2, Metric::Nrmse]);
    assert_eq!(measures.value(Metric::R2), None);
    // Output 0: targets 1, 2, 3 (mean 2, spread 2), errors 0, 1, 0: R² = 1/2. Output 1: targets 0, 0, 6 (mean 2, spread 24), errors
    // 2, 2, 2: R² = 1 − 12/24. Output 2 does not vary; its error is 3.
    for (outputs, targets) in [
        ([1.0, 2.0, 5.0], [1.0, 0.0, 5.0]),
        ([3.0, -2.0, 5.0], [2.0, 0.0, 5.0]),
        ([3.0, 4.0, 5.0 + 3_f64.sqrt()], [3.0, 6.0, 5.0]),
    ] {
        measures.observe(&answer(0, &outputs, Target::Values(&targets), 2.0));
    }
    close(measures.value(Metric::R2), 0.5);
    close(measures.value(Metric::Nrmse), (16.0_f64 / 26.0).sqrt());
    assert_eq!(measures.value(Metric::Loss), Some(2.0));
    for other in [Metric::Accuracy, Metric::Perplexity, Metric::BitsPerCharacter, Metric::FrameAccuracy] {
        assert_eq!(measures.value(other), None, "{other}");
    }
    assert!(measures.confusion().is_none());
}

#[test]
fn frames_by_hand() {
    let mut measures = Measures::of(Loss::BinaryCrossEntropy, 4, &[Metric::FrameAccuracy]);
    measures.observe(&answer(0, &[-1.0, -1.0, -1.0, 0.0], Target::Values(&[0.0; 4]), 0.0));
    assert_eq!(
        measures.value(Metric::FrameAccuracy),
        None,
        "silence, and a logit of 0 is a probability of one half: not above"
    );
    // Two hits, a miss, a false alarm.
    measures.observe(&answer(0, &[0.1, 3.0, -0.1, -2.0], Target::Values(&[1.0, 1.0, 1.0, 0.0]), 0.0));
    measures.observe(&answer(0, &[0.1, -3.0, -0.1, -2.0], Target::Values(&[0.0; 4]), 0.0));
    assert_eq!(measures.value(Metric::FrameAccuracy), Some(0.5));
    // Of outputs that are compared as they are, one half is the bound.
    let mut measures = Measures::of(Loss::MeanSquaredError, 2, &[Metric::FrameAccuracy]);
    measures.observe(&answer(0, &[0.4, 0.6], Target::Values(&[1.0, 1.0]), 0.0));
    assert_eq!(measures.value(Metric::FrameAccuracy), Some(0.5));
}

/// Large means must not swallow the variation.
#[test]
fn a_large_mean_loses_no_digits() {
    let mut measures = Measures::of(Loss::MeanSquaredError, 1, &[Metric::R2]);
    for target in [1e8, 1e8 + 1.0, 1e8 + 2.0] {
        measures.observe(&answer(0, &[1e8 + 1.0], Target::Values(&[target]), 0.0));
    }
    assert!(measures.value(Metric::R2).unwrap().abs() < 1e-7);
}

/// What a learner itself counts is what the answers that it shows come to.
#[test]
fn answers_come_to_the_learner_s_own_score() {
    let network = Network::<f32>::builder(2).dense(5, Activation::Tanh).readout(3).unwrap();
    let mut learner =
        Learner::new(network, Loss::SoftmaxCrossEntropy, Method::ostl(), OptimizerSettings::sgd(0.1), 4).unwrap();
    let mut batch = SequenceBatch::new(2, 3, TargetKind::Classes, &[9, 6, 2]);
    for (stream, steps) in [(0, 9), (1, 6), (2, 2)] {
        for step in 0..steps {
            batch.input_mut(stream, step).copy_from_slice(&[(step * 7 % 5) as f32 - 2.0, stream as f32]);
            if step % 2 == 0 {
                batch.set_class(stream, step, (stream + step) % 3);
            }
        }
    }
    let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 3, &[]);
    let score = learner.evaluate_batch_with(&batch, |answer| measures.observe(&answer)).unwrap();
    assert_eq!(measures.targets(), score.targets);
    assert_eq!(measures.value(Metric::Accuracy), Some(score.accuracy()));
    close(measures.value(Metric::Loss), score.mean_loss());
}

/// Answers: stream, outputs and the number that the target is made of.
fn answers() -> impl Strategy<Value = Vec<(usize, Vec<f64>, usize)>> {
    prop::collection::vec((0..4_usize, prop::collection::vec(-5.0..5.0_f64, 3), 0..3_usize), 1..40)
}

proptest! {
    /// From whole lists, by the definitions of [`Metric`], two-pass and with products of probabilities.
    #[test]
    fn a_second_computation_agrees(answers in answers(), cut in 0..40_usize) {
        let mut of_classes = Measures::of(Loss::SoftmaxCrossEntropy, 3, &[Metric::SequenceAccuracy]);
        let mut of_values = Measures::of(Loss::MeanSquaredError, 3, &[Metric::R2, Metric::Nrmse]);
        let values = |number: usize| [number as f64, if number == 1 { 1.0 } else { -2.0 }, 7.0];
        let cut = cut.min(answers.len());
        for (index, (stream, outputs, number)) in answers.iter().enumerate() {
            if index == cut {
                of_classes.end_sequences();
            }
            // All targets of a stream are of its class.
            of_classes.observe(&answer(*stream, outputs, Target::Class(stream % 3), 0.25));
            of_values.observe(&answer(*stream, outputs, Target::Values(&values(*number)), 0.25));
        }
        of_classes.end_sequences();

        let (mut right, mut all) = (0, 0);
        for part in [&answers[..cut], &answers[cut..]] {
            for stream in 0..4 {
                let mut product = [1.0_f64; 3];
                let own: Vec<_> = part.iter().filter(|(of, _, _)| *of == stream).collect();
                for (_, outputs, _) in &own {
                    let sum: f64 = outputs.iter().map(|o| o.exp()).sum();
                    (0..3).for_each(|class| product[class] *= outputs[class].exp() / sum);
                }
                if !own.is_empty() {
                    all += 1;
                    let class = stream % 3;
                    right += usize::from((0..3).all(|other| other == class || product[class] > product[other]));
                }
            }
        }
        prop_assert_eq!(of_classes.value(Metric::SequenceAccuracy), Some(right as f64 / all as f64));
        let diagonal: u64 = (0..3).map(|class| of_classes.confusion().unwrap().count(class, class)).sum();
        prop_assert_eq!(diagonal, right as u64);

        let count = answers.len() as f64;
        let (mut r2, mut errors, mut spreads) = (Vec::new(), 0.0, 0.0);
        for output in 0..3 {
            let targets: Vec<f64> = answers.iter().map(|(_, _, number)| values(*number)[output]).collect();
            let mean = targets.iter().sum::<f64>() / count;
            let spread: f64 = targets.iter().map(|target| (target - mean).powi(2)).sum();
            let error: f64 = answers.iter().zip(&targets).map(|((_, outputs, _), target)| (outputs[output] - target).powi(2)).sum();
            if targets.iter().any(|target| *target != targets[0]) {
                r2.push(1.0 - error / spread);
            }
            errors += error;
            spreads += spread;
        }
        if r2.is_empty() {
            prop_assert_eq!(of_values.value(Metric::R2), None);
            prop_assert_eq!(of_values.value(Metric::Nrmse), None);
        } else {
            let expected = r2.iter().sum::<f64>() / r2.len() as f64;
            let found = of_values.value(Metric::R2).unwrap();
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{} {}", found, expected);
            let (found, expected) = (of_values.value(Metric::Nrmse).unwrap(), (errors / spreads).sqrt());
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{} {}", found, expected);
        }
    }
}

/// Measured in three parts that were written and read on the way, and in one.
#[test]
fn parts_that_are_merged_are_the_whole() {
    let answers: Vec<[f64; 3]> = (0..30).map(|i| [1, 2, 3].map(|k| f64::from(i * k * 7 % 11) / 5.0 - 1.0)).collect();
    let values = |i: usize| [0.3 * i as f64, f64::from(i.is_multiple_of(2)), 5.0 + (i % 3) as f64];
    for (loss, wanted) in [
        (Loss::SoftmaxCrossEntropy, [Metric::SequenceAccuracy, Metric::Accuracy]),
        (Loss::MeanSquaredError, [Metric::R2, Metric::Nrmse]),
        (Loss::BinaryCrossEntropy, [Metric::FrameAccuracy, Metric::Loss]),
    ] {
        let measure = |range: std::ops::Range<usize>| {
            let mut measures = Measures::of(loss, 3, &wanted);
            for i in range {
                let (outputs, values) = (&answers[i], values(i));
                let target = match loss {
                    Loss::SoftmaxCrossEntropy => Target::Class(i % 3),
                    _ => Target::Values(&values),
                };
                measures.observe(&answer(0, outputs, target, 0.1 * i as f64));
                measures.end_sequences();
            }
            serde_json::from_str::<Measures>(&serde_json::to_string(&measures).unwrap()).unwrap()
        };
        let whole = measure(0..30);
        // One part saw nothing.
        let mut merged = measure(0..0);
        [measure(0..4), measure(4..4), measure(4..30)].iter().for_each(|part| merged.merge(part));
        assert_eq!((merged.targets(), merged.by_class()), (whole.targets(), whole.by_class()));
        assert_eq!(merged.confusion(), whole.confusion());
        for metric in wanted.into_iter().chain([Metric::Loss]) {
            close(merged.value(metric), whole.value(metric).unwrap());
        }
    }
}
