//! What updates do, by hand; and that none leaves a number that is not finite, whatever the settings and the gradient.

use super::norm::{CHUNK, SHARED};
use super::*;
use crate::network::Network;
use crate::network::layer::Activation;
use crate::record::{Book, Record};
use proptest::prelude::*;
use std::ops::Range;

fn whole(count: usize) -> Vec<RatedRange> {
    vec![RatedRange { range: 0..count, scale: 1.0 }]
}

fn rated<const R: usize>(ranges: [Range<usize>; R]) -> Vec<RatedRange> {
    ranges.map(|range| RatedRange { range, scale: 1.0 }).to_vec()
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

/// As `torch.optim.RMSprop` writes it: `square_avg`, `grad_avg`, `momentum_buffer`.
#[test]
fn rms_prop_by_hand() {
    let rms_prop =
        |momentum, centred| OptimizerSettings::new(Rule::RmsProp { alpha: 0.9, epsilon: 0.1, momentum, centred }, 0.01);
    // r = 0.1·9 = 0.9, then 0.81 + 0.1·1 = 0.91.
    let (first, second) = (3.0 / (0.9_f64.sqrt() + 0.1), 1.0 / (0.91_f64.sqrt() + 0.1));
    let plain = run(rms_prop(0.0, false), &[3.0, 1.0]);
    assert!((plain - (1.0 - 0.01 * (first + second))).abs() < 1e-14, "{plain}");
    // v = d₁, then 0.5 d₁ + d₂.
    let with_momentum = run(rms_prop(0.5, false), &[3.0, 1.0]);
    assert!((with_momentum - (1.0 - 0.01 * (1.5 * first + second))).abs() < 1e-14, "{with_momentum}");
    // m = 0.3, then 0.27 + 0.1 = 0.37.
    let (first, second) = (3.0 / ((0.9 - 0.09_f64).sqrt() + 0.1), 1.0 / ((0.91 - 0.1369_f64).sqrt() + 0.1));
    let centred = run(rms_prop(0.0, true), &[3.0, 1.0]);
    assert!((centred - (1.0 - 0.01 * (first + second))).abs() < 1e-14, "{centred}");
    let both = run(rms_prop(0.5, true), &[3.0, 1.0]);
    assert!((both - (1.0 - 0.01 * (1.5 * first + second))).abs() < 1e-14, "{both}");
    let optimizer = Optimizer::<f64>::new(rms_prop(0.5, true), 3).unwrap();
    let kept: Vec<_> = optimizer.state().map(|(name, values)| (name, values.len())).collect();
    assert_eq!(kept, [("square", 3), ("mean", 3), ("velocity", 3)]);
}

/// Lion, but for a momentum of the gradient's cube, which overflows early.
#[derive(Debug)]
struct Lion {
    weight_decay: f64,
}

impl<T: Real> UpdateRule<T> for Lion {
    fn name(&self) -> &str {
        "lion"
    }
    fn state(&self) -> &[&str] {
        &["momentum"]
    }
    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }
    fn update(&self, step: UpdateStep, run: ParameterRun<'_, T>) {
        let (rate, keep) = (T::from_f64(step.learning_rate), T::from_f64(step.keep));
        let [early, late] = [0.9, 0.99].map(T::from_f64);
        let (weights, gradient, [momentum]) = run.split();
        for ((w, g), m) in weights.iter_mut().zip(gradient).zip(momentum) {
            let direction = early * *m + (T::one() - early) * g;
            *w = keep * *w - if direction > T::zero() { rate } else { -rate };
            *m = late * *m + (T::one() - late) * g * g * g;
        }
    }
}

#[test]
fn a_rule_of_ones_own_by_hand() {
    let lion = || OptimizerSettings::new(Lion { weight_decay: 0.5 }, 0.01);
    let mut optimizer = Optimizer::<f64>::new(lion(), 2).unwrap();
    let mut p = [1.0, 1.0];
    // 1·(1 − 0.01·0.5) ∓ 0.01, and once more.
    optimizer.update(&mut p, &mut [4.0, -4.0], 0.5, Ranges::all(&whole(2))).unwrap();
    optimizer.update(&mut p, &mut [4.0, -4.0], 0.5, Ranges::all(&whole(2))).unwrap();
    assert!((p[0] - (0.985 * 0.995 - 0.01)).abs() < 1e-15 && (p[1] - (1.005 * 0.995 + 0.01)).abs() < 1e-15, "{p:?}");
    let momentum = optimizer.state_of("momentum").unwrap();
    assert!((momentum[0] - 0.08 * 1.99).abs() < 1e-15 && momentum[1] == -momentum[0], "{momentum:?}");
    assert!(optimizer.state_of("velocity").is_none());
    // Clipped, and at the places given alone.
    let mut clipped = Optimizer::<f64>::new(lion().clipped(1.0), 3).unwrap();
    let mut p = [1.0; 3];
    let ranges = rated([0..1, 2..3]);
    let ranges = Ranges::all(&ranges);
    clipped.update(&mut p, &mut [3.0, 7.0, 4.0], 1.0, ranges).unwrap();
    let momentum = clipped.state_of("momentum").unwrap();
    assert!((momentum[2] - 0.01 * 0.8_f64.powi(3)).abs() < 1e-15 && momentum[1] == 0.0 && p[1] == 1.0, "{momentum:?}");
}

/// The first parameters are as they were, too, if one far behind them breaks.
#[test]
fn an_own_rule_changes_everything_or_nothing() {
    let count = 1000;
    let mut optimizer = Optimizer::<f32>::new(OptimizerSettings::new(Lion { weight_decay: 0.0 }, 0.01), count).unwrap();
    let mut p = vec![1.0; count];
    let mut gradient = vec![0.5; count];
    gradient[613] = 1e14;
    optimizer.update(&mut p, &mut vec![0.5; count], 1.0, Ranges::all(&whole(count))).unwrap();
    let before = (optimizer.clone(), p.clone());
    let refused = optimizer.update(&mut p, &mut gradient, 1.0, Ranges::all(&rated([3..400, 500..count])));
    assert_eq!(refused, Err(Refusal { what: "the update", parameter: 613 }));
    assert_eq!((optimizer.clone(), p.clone()), before);
    optimizer.update(&mut p, &mut gradient, 1.0, Ranges::all(&rated([3..400, 700..count]))).unwrap();
    assert!(p[0] == before.1[0] && p[3] < before.1[3] && p[613] == before.1[613] && p[999] < before.1[999]);
}

#[test]
fn a_saved_rule_goes_where_it_belongs() {
    let network = Network::<f64>::builder(1).dense(1, Activation::Tanh).readout(1).unwrap();
    let count = network.parameters.len();
    let save = |optimizer: &Optimizer<f64>| {
        let mut record = Record::new();
        optimizer.clone().pass(&network, &mut Book::saving(&mut record)).unwrap();
        record
    };
    let restore = |mut own: Optimizer<f64>, mut record: Record| {
        let mut book = Book::restoring(&mut record);
        own.pass(&network, &mut book).and_then(|()| book.finish()).map(|()| own)
    };
    let lion = || Optimizer::new(OptimizerSettings::new(Lion { weight_decay: 0.5 }, 0.01), count).unwrap();
    let adam = || Optimizer::new(OptimizerSettings::adam(0.1), count).unwrap();
    let rms_prop = Rule::RmsProp { alpha: 0.9, epsilon: 0.1, momentum: 0.5, centred: true };
    for mut saved in [lion(), adam(), Optimizer::new(OptimizerSettings::new(rms_prop, 0.1), count).unwrap()] {
        saved.update(&mut vec![1.0; count], &mut vec![1.5; count], 1.0, Ranges::all(&whole(count))).unwrap();
        saved.set_learning_rate(0.25).unwrap();
        let own = if matches!(saved.settings.rule, InUse::Own(_)) { lion() } else { adam() };
        assert_eq!(restore(own, save(&saved)).unwrap(), saved);
        assert!(save(&saved).names().any(|name| name.ends_with("layers.0.W")));
    }
    for (own, saved, words) in [(adam(), lion(), ["lion", "adam"]), (lion(), adam(), ["Adam", "lion"])] {
        let said = restore(own, save(&saved)).unwrap_err().to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
    let said = restore(adam(), {
        let mut record = save(&adam());
        record.values_mut::<f64>("optimizer.second.layers.0.W").unwrap()[0] = -1.0;
        record
    });
    assert!(said.unwrap_err().to_string().contains("optimizer.second = -1"));
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
    let ranges = rated([0..1, 3..4]);
    let ranges = Ranges::all(&ranges);
    optimizer.update(&mut p, &mut [3.0, 0.0, 0.0, 4.0], 1.0, ranges).unwrap();
    assert!(p[0] < 1.0 && p[3] < 1.0 && p[1..3] == [1.0; 2]);
    // The first moment of 3/5 after clipping, and none where nothing changed.
    assert!((optimizer.state[0][0] - 0.06).abs() < 1e-12 && optimizer.state[0][1] == 0.0);
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
    assert!((clipped.state[0][1] - 0.1).abs() < 1e-6 && (clipped.state[1][1] - 1e-3).abs() < 1e-7, "{clipped:?}");
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
    let rule = (0..6_usize, betas, epsilon, decay).prop_map(|(rule, (beta1, beta2), epsilon, weight_decay)| match rule {
        0 => Rule::Sgd,
        1 => Rule::Momentum { momentum: beta1 },
        2 => Rule::Adam { beta1, beta2, epsilon },
        3 => Rule::AdamW { beta1, beta2, epsilon, weight_decay },
        centred => Rule::RmsProp { alpha: beta1, epsilon, momentum: beta2, centred: centred == 5 },
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
                for values in optimizer.state.iter().map(Vec::as_slice).chain([&p[..]]) {
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
