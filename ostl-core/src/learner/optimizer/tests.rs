//! What updates do, by hand; and that none leaves a number that is not finite, whatever the settings and the gradient.

use super::norm::{CHUNK, SHARED};
use super::*;
use proptest::prelude::*;

fn whole(count: usize) -> Vec<Range<usize>> {
    std::iter::once(0..count).collect()
}

fn run(settings: OptimizerSettings, gradients: &[f64]) -> f64 {
    let mut optimizer = Optimizer::<f64>::new(settings, 1).unwrap();
    let mut p = [1.0];
    for &g in gradients {
        optimizer.update(&mut p, &mut [g], 1.0, Ranges::all(&whole(1))).unwrap();
    }
    p[0]
}

#[test]
fn by_hand() {
    assert!((run(OptimizerSettings::sgd(0.1), &[2.0]) - 0.8).abs() < 1e-15);
    // v = 2, then 0.5·2 + 1 = 2.
    assert!((run(OptimizerSettings::momentum(0.1, 0.5), &[2.0, 1.0]) - 0.6).abs() < 1e-15);
    // Adam's first step is the rate itself, in the gradient's direction.
    assert!((run(OptimizerSettings::adam(0.01), &[3.0]) - 0.99).abs() < 1e-10);
    // Second step with gradient 1: m̂ = (0.9·0.3 + 0.1)/0.19, v̂ = (0.999·0.009 + 0.001)/0.001999.
    let truth = 0.99 - 0.01 * (0.37 / 0.19) / ((0.999 * 0.009 + 0.001) / 0.001999_f64).sqrt();
    assert!((run(OptimizerSettings::adam(0.01), &[3.0, 1.0]) - truth).abs() < 1e-9);
    // Decoupled decay: 1·(1 − 0.01·0.5) − 0.01.
    assert!((run(OptimizerSettings::adam_w(0.01, 0.5), &[3.0]) - 0.985).abs() < 1e-10);
}

#[test]
fn clipping_limits_the_global_norm() {
    let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::sgd(1.0).clipped(1.0), 2).unwrap();
    let mut p = [0.0, 0.0];
    optimizer.update(&mut p, &mut [3.0, 4.0], 1.0, Ranges::all(&whole(2))).unwrap();
    assert!((p[0] + 0.6).abs() < 1e-15 && (p[1] + 0.8).abs() < 1e-15);
    optimizer.update(&mut p, &mut [0.3, 0.4], 1.0, Ranges::all(&whole(2))).unwrap();
    assert!((p[0] + 0.9).abs() < 1e-15, "a short gradient is left alone");
}

#[test]
fn long_gradients_are_shared_and_summed_alike() {
    let count = SHARED + 3 * CHUNK + 5;
    let gradient: Vec<f32> = (0..count).map(|i| ((i % 101) as f32 - 50.0) / 50.0).collect();
    let expected: f64 = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
    let [one, two] = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| sum_of_squares(&gradient))
    });
    assert!((one - expected).abs() < 1e-12 * expected && one == two);
    let ranges = whole(count);
    let mut large = Optimizer::<f32>::new(OptimizerSettings::adam(0.01), count).unwrap();
    let mut p = vec![1.0; count];
    large.update(&mut p, &mut gradient.clone(), 1.0, Ranges::all(&ranges)).unwrap();
    let mut small = Optimizer::<f32>::new(OptimizerSettings::adam(0.01), 101).unwrap();
    let mut q = vec![1.0; 101];
    small.update(&mut q, &mut gradient[..101].to_vec(), 1.0, Ranges::all(&whole(101))).unwrap();
    assert!(p.chunks(101).all(|p| p == &q[..p.len()]));
}

#[test]
fn only_the_places_given_change() {
    let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::adam(0.1).clipped(1.0), 4).unwrap();
    let mut p = [1.0; 4];
    let ranges = Ranges { changed: &[0..1, 3..4], counted: &[0..1, 3..4] };
    optimizer.update(&mut p, &mut [3.0, 0.0, 0.0, 4.0], 1.0, ranges).unwrap();
    assert!(p[0] < 1.0 && p[3] < 1.0 && p[1..3] == [1.0; 2]);
    // The first moment of 3/5 after clipping, and none where nothing changed.
    assert!((optimizer.first[0] - 0.06).abs() < 1e-12 && optimizer.first[1] == 0.0);
}

#[test]
fn a_second_moment_that_would_be_infinite_is_refused_and_nothing_changes() {
    let mut optimizer = Optimizer::<f32>::new(OptimizerSettings::adam(0.01), 2).unwrap();
    let mut p = [1.0, 2.0];
    optimizer.update(&mut p, &mut [0.5, 0.5], 1.0, Ranges::all(&whole(2))).unwrap();
    let before = (optimizer.clone(), p);
    let refused = optimizer.update(&mut p, &mut [0.0, 1e26], 1.0, Ranges::all(&whole(2)));
    assert_eq!(refused, Err(Refusal { what: "the update", parameter: 1 }));
    assert_eq!((optimizer.clone(), p), before);
    optimizer.update(&mut p, &mut [0.5, 0.5], 1.0, Ranges::all(&whole(2))).unwrap();
    assert!(p[1] < before.1[1] - 0.005, "it still learns: {p:?}");
    // With clipping the same gradient is one like any other.
    let mut clipped = Optimizer::<f32>::new(OptimizerSettings::adam(0.01).clipped(1.0), 2).unwrap();
    clipped.update(&mut p, &mut [0.0, 1e26], 1.0, Ranges::all(&whole(2))).unwrap();
    assert!((clipped.first[1] - 0.1).abs() < 1e-6 && (clipped.second[1] - 1e-3).abs() < 1e-7, "{clipped:?}");
}

#[test]
fn clipping_works_where_the_factor_is_too_small_for_the_precision() {
    // 1e-5 / 3e38 is 3e-44: held in single precision with four bits.
    let mut optimizer = Optimizer::<f32>::new(OptimizerSettings::sgd(1.0).clipped(1e-5), 1).unwrap();
    let mut p = [0.0];
    optimizer.update(&mut p, &mut [-3e38], 1.0, Ranges::all(&whole(1))).unwrap();
    assert!((p[0] - 1e-5).abs() < 1e-11, "{p:?}");
}

#[test]
fn decay_too_small_for_one_update_is_made_in_several() {
    let mut optimizer = Optimizer::<f32>::new(OptimizerSettings::adam_w(1e-4, 1e-4), 1).unwrap();
    let mut p = [1.0];
    for _ in 0..20_000 {
        optimizer.update(&mut p, &mut [0.0], 1.0, Ranges::all(&whole(1))).unwrap();
    }
    let expected = (-2e-4_f64).exp();
    assert!((f64::from(p[0]) - expected).abs() < 1e-5, "{} for {expected}", p[0]);
}

/// A setting and a history of gradients, some far out.
#[derive(Clone, Debug)]
struct Extreme {
    settings: OptimizerSettings,
    weights: f64,
    gradients: Vec<[f64; 3]>,
}

fn far_out() -> impl Strategy<Value = f64> {
    let signed = (prop::sample::select(vec![-1.0, 1.0]), -330.0..309.0_f64).prop_map(|(sign, e)| sign * 10_f64.powf(e));
    let single = (prop::sample::select(vec![-1.0, 1.0]), -46.0..38.6_f64).prop_map(|(sign, e)| sign * 10_f64.powf(e));
    prop_oneof![3 => single, 1 => signed, 2 => -1.0..1.0, 1 => Just(0.0), 1 => Just(1e13)]
}

fn near_one() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => prop::sample::select(vec![0.0, 0.5, 0.9, 0.999, 1e-30]),
        1 => (1.0..17.0_f64).prop_map(|e| 1.0 - 10_f64.powf(-e)),
    ]
}

fn any_extreme() -> impl Strategy<Value = Extreme> {
    let positive = || far_out().prop_map(f64::abs);
    let epsilon = prop_oneof![2 => Just(1e-8), 1 => positive()];
    let rate = prop_oneof![1 => Just(1e-3), 1 => Just(1.0), 1 => Just(1e9), 1 => positive()];
    let clip = prop::option::weighted(0.4, positive());
    let betas = (near_one(), near_one());
    let decay = prop_oneof![2 => Just(0.01), 1 => positive()];
    let rule = (0..4_usize, betas, epsilon, decay).prop_map(|(rule, (beta1, beta2), epsilon, weight_decay)| match rule {
        0 => Rule::Sgd,
        1 => Rule::Momentum { momentum: beta1 },
        2 => Rule::Adam { beta1, beta2, epsilon },
        _ => Rule::AdamW { beta1, beta2, epsilon, weight_decay },
    });
    let gradients = prop::collection::vec((far_out(), far_out(), -1.0..1.0_f64), 1..6);
    let gradients = gradients.prop_map(|all| all.into_iter().map(<[f64; 3]>::from).collect());
    (rule, rate, clip, far_out(), gradients).prop_map(
        |(rule, learning_rate, clip_norm, weights, gradients): (_, _, _, _, Vec<_>)| Extreme {
            settings: OptimizerSettings { rule, learning_rate, clip_norm },
            weights,
            gradients,
        },
    )
}

/// Whether the settings made sense, and how many updates were made.
fn is_sound<T: Real>(extreme: &Extreme) -> Result<(bool, usize), TestCaseError> {
    let ranges = whole(3);
    let weights = T::from_f64(extreme.weights);
    let mut p = [if weights.is_finite() { weights } else { T::one() }, T::one(), T::zero()];
    let Ok(mut optimizer) = Optimizer::<T>::new(extreme.settings, 3) else { return Ok((false, 0)) };
    let mut made = 0;
    for gradient in &extreme.gradients {
        let before = (optimizer.clone(), p);
        let mut gradient = gradient.map(T::from_f64);
        let is_finite = gradient.iter().all(|g| g.is_finite());
        match optimizer.update(&mut p, &mut gradient, 0.5, Ranges::all(&ranges)) {
            Ok(()) => {
                made += 1;
                prop_assert!(is_finite);
                for values in [&p[..], &optimizer.first, &optimizer.second] {
                    prop_assert!(values.iter().all(|value| value.is_finite()), "{values:?} after {gradient:?}");
                }
            }
            Err(refusal) => {
                // In double precision a square may overflow where the value does not.
                prop_assert!(is_finite || refusal.what == "the gradient");
                prop_assert_eq!(&(optimizer.clone(), p), &before);
            }
        }
    }
    Ok((true, made))
}

#[test]
fn whatever_is_asked_of_it_an_update_leaves_finite_numbers_or_all_as_it_was() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 20_000, ..ProptestConfig::default() });
    let counts = std::cell::Cell::new([0; 4]);
    let outcome = runner.run(&any_extreme(), |extreme| {
        let [mut valid, mut all, mut made, of] = counts.get();
        for (sound, updates) in [is_sound::<f32>(&extreme)?, is_sound::<f64>(&extreme)?] {
            valid += usize::from(sound);
            made += updates;
            all += if sound { extreme.gradients.len() } else { 0 };
        }
        counts.set([valid, all, made, of + 2]);
        Ok(())
    });
    outcome.unwrap();
    // Neither are all settings refused nor all updates: of each some thousands, and of each some thousands are not.
    let [valid, all, made, of] = counts.get();
    assert!(valid > 8_000 && of - valid > 4_000 && made > 10_000 && all - made > 2_000, "{:?}", counts.get());
}
