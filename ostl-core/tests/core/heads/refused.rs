//! What does not fit is named with its head, and changes nothing.

use super::{batch, heads, learner, networks, windows};
use crate::leaky::{Gated, builder, finish};
use ostl_core::{
    Head, Heads, LearnError, Learner, Loss, Method, OptimizerSettings, SequenceBatch, Target, TargetKind, Weighted,
};

#[test]
fn heads_and_network_have_to_fit() {
    let network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(7));
    let refused = Learner::with_heads(network, heads(), Method::ostl(), OptimizerSettings::sgd(0.1), 1).err().unwrap();
    let expected = r#"outputs of all heads = 6 (3 of "class", 2 of "value", 1 of "level"): must be as many as the network's, which are 7"#;
    assert_eq!(refused.to_string(), expected);
}

/// Whatever is wrong is named with stream and head, and nothing has changed.
#[test]
fn targets_that_do_not_fit_are_refused() {
    let [network, _] = networks();
    let (class, values) = (Some(Target::Class(1)), Some(Target::Values(&[0.5, -0.5][..])));
    let wrong: [(Option<Target<'_, f64>>, usize, &str); 6] = [
        (Some(Target::Class(3)), 0, r#"target of stream 1: head "class": class 3 where it has 3;"#),
        (values, 0, r#"target of stream 1: head "class": the loss wants a class;"#),
        (class, 1, r#"target of stream 1: head "value": the loss wants values;"#),
        (values, 2, r#"target of stream 1: head "level": 2 values where it has 1;"#),
        (Some(Target::Values(&[0.0, f64::NAN])), 1, r#"stream 1, head "value", output 1: the target is NaN;"#),
        (Some(Target::Values(&[f64::NEG_INFINITY])), 2, r#"stream 1, head "level", output 0: the target is -inf;"#),
    ];
    for method in windows() {
        let [mut told, mut asked] = [(); 2].map(|()| learner(&network, method, 2));
        for step in 0..9 {
            let inputs = [0.1 * f64::from(step), 0.4, -0.2, 0.3, 0.9, -0.1];
            let good = [[class, values, None], [None, values, None]];
            told.predict(&inputs).unwrap();
            asked.predict(&inputs).unwrap();
            for (target, head, words) in wrong {
                let mut rows = [[class, values, None], [class, None, None]];
                rows[1][head] = target;
                let error = told.learn_heads(&rows).unwrap_err();
                assert!(error.to_string().starts_with(words), "{error}");
            }
            let error = told.learn_heads(&[&good[0][..], &good[1][..2]]).unwrap_err().to_string();
            let words = r#"target of stream 1: 2 targets where the learner has 3 heads, "class", "value", "level";"#;
            assert!(error.starts_with(words), "{error}");
            let error = told.learn_heads(&good[..1]).unwrap_err();
            assert_eq!(error, LearnError::Shape { what: "targets", found: 1, expected: 2 });
            let error = told.learn(&[None, class]).unwrap_err().to_string();
            let words = r#"target of stream 1: the learner has the heads "class", "value", "level": learn_heads takes one for each;"#;
            assert!(error.starts_with(words), "{error}");
            let heavy = good.map(|row| row.map(|target| target.map(|target| Weighted { target, weight: f64::NAN })));
            let error = told.learn_heads_weighted(&heavy).unwrap_err().to_string();
            assert!(error.starts_with(r#"target of stream 0: head "class": a weight of NaN"#), "{error}");
            assert_eq!(told.learn_heads(&good).unwrap(), asked.learn_heads(&good).unwrap());
        }
        // At a step without any target nothing is said of heads.
        told.predict(&[0.0; 6]).unwrap();
        asked.predict(&[0.0; 6]).unwrap();
        assert_eq!(told.learn(&[None, None]).unwrap(), asked.learn_heads(&[[None; 3]; 2]).unwrap());
        told.finish().unwrap();
        asked.finish().unwrap();
        assert_eq!(told.network().parameters(), asked.network().parameters(), "{method:?}");
    }
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let ([network, _], batch) = (networks(), batch());
    let (class, loss) = (Loss::SoftmaxCrossEntropy, Loss::MeanSquaredError);
    let of = |heads: Vec<Head<f64>>| SequenceBatch::for_heads(3, &Heads::new(heads).unwrap(), &[3]);
    let two = of(vec![Head::new("class", 3, class), Head::new("value", 3, loss)]);
    let named = of(vec![Head::new("class", 3, class), Head::new("values", 2, loss), Head::new("level", 1, loss)]);
    let wide = of(vec![Head::new("class", 3, class), Head::new("value", 1, loss), Head::new("level", 2, loss)]);
    let kind = of(vec![Head::new("class", 3, class), Head::new("value", 2, class), Head::new("level", 1, loss)]);
    let mut broken = batch.clone();
    broken.head_mut("value").values_mut(3, 4)[1] = f64::INFINITY;
    let all = r#""class", "value", "level""#;
    let cases = [
        (
            SequenceBatch::new(3, 6, TargetKind::Classes, &[3]),
            format!(r#"the batch has targets for the heads [""], the learner has {all}"#),
        ),
        (two, format!(r#"the batch has targets for the heads ["class", "value"], the learner has {all}"#)),
        (named, r#"head "value": the batch has "values" in its place"#.into()),
        (wide, r#"head "value": the batch has targets for 1 outputs, it has 2"#.into()),
        (kind, r#"head "value": the batch holds Classes, the loss wants Values"#.into()),
        (broken, r#"stream 3, step 4, head "value", output 1: the target is inf"#.into()),
    ];
    for method in windows() {
        let [mut told, mut asked] = [(); 2].map(|()| learner(&network, method, batch.streams()));
        for (wrong, words) in &cases {
            let errors = [
                told.learn_batch(wrong).unwrap_err(),
                told.gradient(wrong).unwrap_err(),
                told.evaluate_batch(wrong).unwrap_err(),
            ];
            for error in errors {
                assert!(error.to_string().contains(words), "{error}");
            }
        }
        // What nobody learns from may be anything.
        let mut masked = cases[5].0.clone();
        masked.head_mut("value").mask(3, 4);
        told.evaluate_batch(&masked).unwrap();
        assert_eq!(told.learn_batch(&batch).unwrap(), asked.learn_batch(&batch).unwrap());
        assert_eq!(told.network().parameters(), asked.network().parameters(), "{method:?}");
    }
}

#[test]
fn batches_of_events_and_of_other_scalars_keep_their_heads() {
    let mut batch = SequenceBatch::<f64>::sparse_for_heads(3, &heads(), &[4, 2]);
    batch.push_event(1, 1, 2, 0.5);
    batch.head_mut("class").set_class(1, 1, 2);
    batch.head_mut("value").values_mut(0, 3).copy_from_slice(&[0.25, -1.0]);
    batch.head_mut("value").set_weight(0, 3, 2.0);
    let other = batch.cast::<f32>().to_dense();
    assert_eq!(other.head_target("class", 1, 1), Some(Weighted::from(Target::Class(2))));
    let value = Weighted { target: Target::Values(&[0.25, -1.0][..]), weight: 2.0 };
    assert_eq!(other.head_target("value", 0, 3), Some(value));
    assert_eq!(other.input(1, 1), [0.0, 0.0, 0.5]);
    assert_eq!((other.outputs(), other.target_count()), (6, 2));
    assert!(other.has_target(1, 1) && !other.has_target(0, 1) && other.head_target("level", 1, 1).is_none());
    batch.mask(1, 1);
    assert!(!batch.has_target(1, 1));
}

#[test]
#[should_panic(expected = "this batch has several heads: head_mut gives the targets of one")]
fn a_batch_of_several_heads_has_no_target_as_a_whole() {
    SequenceBatch::<f64>::for_heads(3, &heads(), &[4]).set_class(0, 0, 1);
}
