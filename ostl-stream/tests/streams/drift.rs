//! Whether changes are found, and nothing else.

use crate::common::{Noise, close};
use ostl_stream::{Adwin, AdwinConfig, Direction, DriftConfig, DriftDetector, PageHinkley, PageHinkleyConfig};
use proptest::prelude::*;

fn adwin(direction: Direction) -> DriftDetector {
    DriftDetector::new(DriftConfig::Adwin(AdwinConfig { direction, ..Default::default() })).unwrap()
}

fn page_hinkley(direction: Direction) -> DriftDetector {
    let config = PageHinkleyConfig { tolerance: 0.1, threshold: 20.0, direction, ..Default::default() };
    DriftDetector::new(DriftConfig::PageHinkley(config)).unwrap()
}

#[test]
fn a_step_is_found_soon() {
    for seed in 1..=20 {
        for mut detector in [adwin(Direction::Rise), page_hinkley(Direction::Rise)] {
            let mut noise = Noise::new(seed);
            let mut miss = |share: f64| f64::from(u8::from(noise.unit() < share));
            assert!((0..2000).all(|_| !detector.observe(miss(0.2))), "seed {seed}: {detector:?}");
            let delay = (0..1000).position(|_| detector.observe(miss(0.7))).unwrap();
            assert!(delay < 150, "seed {seed}: {delay}");
            (0..1000).for_each(|_| {
                detector.observe(miss(0.7));
            });
            assert!((detector.mean().unwrap() - 0.7).abs() < 0.06, "seed {seed}: {:?}", detector.mean());
        }
    }
}

#[test]
fn a_fall_is_found_where_that_is_asked_for() {
    for (mut rise, mut both) in
        [(adwin(Direction::Rise), adwin(Direction::Both)), (page_hinkley(Direction::Rise), page_hinkley(Direction::Both))]
    {
        let mut noise = Noise::new(2);
        for row in 0..3000 {
            let loss = noise.unit() * 0.4 + if row < 1500 { 0.6 } else { 0.0 };
            assert!(!rise.observe(loss), "row {row}");
            both.observe(loss);
        }
        assert!(both.raised() >= 1 && (both.mean().unwrap() - 0.2).abs() < 0.02, "{both:?}");
    }
    // A window is cut at a fall all the same, so that a later rise is seen.
    let mut rise = adwin(Direction::Rise);
    (0..4000).for_each(|row| assert!(!rise.observe(if row < 2000 { 1.0 } else { 0.0 })));
    assert!(rise.mean().unwrap() < 0.01 && rise.rows() <= 2010 && rise.raised() == 0);
}

#[test]
fn few_false_alarms() {
    let mut alarms = [0; 2];
    for seed in 1..=50 {
        for (of, mut detector) in [adwin(Direction::Both), page_hinkley(Direction::Both)].into_iter().enumerate() {
            let mut noise = Noise::new(seed + 100);
            alarms[of] += (0..10_000).filter(|_| detector.observe(noise.unit())).count();
        }
    }
    // Half a million rows of each.
    assert!(alarms[0] <= 5 && alarms[1] <= 5, "{alarms:?}");
}

#[test]
fn losses_of_another_range() {
    // Cross-entropy in nats, about exponential, that doubles.
    let config = AdwinConfig { range: 10.0, ..Default::default() };
    let mut detector = Adwin::new(config).unwrap();
    let mut noise = Noise::new(31);
    let mut nats = |mean: f64| -mean * (1.0 - noise.unit()).ln();
    assert!((0..20_000).all(|_| !detector.observe(nats(1.0))));
    assert!((0..300).any(|_| detector.observe(nats(2.0))));
    // Equal losses, however large, are no change.
    let mut detector = Adwin::new(AdwinConfig { direction: Direction::Both, ..Default::default() }).unwrap();
    assert!((0..5000).all(|_| !detector.observe(1.234e17)) && detector.rows() == 5000);
}

#[test]
fn page_hinkley_by_its_definition() {
    let config = PageHinkleyConfig { tolerance: 0.05, threshold: 8.0, warm_up: 10, direction: Direction::Rise };
    let mut detector = PageHinkley::new(config.clone()).unwrap();
    let mut noise = Noise::new(7);
    let mut losses: Vec<f64> = Vec::new();
    let mut alarms = 0;
    for row in 0..2000 {
        losses.push(noise.unit() + 0.5 * (row / 300) as f64);
        // mₜ over all losses since the last alarm, and its least value.
        let (mut sum, mut m, mut least) = (0.0, 0.0, 0.0f64);
        for (i, loss) in losses.iter().enumerate() {
            sum += loss;
            m += loss - sum / (i + 1) as f64 - config.tolerance;
            least = least.min(m);
        }
        let expected = losses.len() >= 10 && m - least > config.threshold;
        assert_eq!(detector.observe(losses[losses.len() - 1]), expected, "row {row}");
        if expected {
            losses.clear();
            alarms += 1;
        }
    }
    assert!(alarms == 6 && detector.raised() == 6, "{alarms}");
}

#[test]
fn a_window_is_the_last_losses() {
    let mut detector = Adwin::new(AdwinConfig { direction: Direction::Both, ..Default::default() }).unwrap();
    let mut noise = Noise::new(13);
    let mut losses = Vec::new();
    for row in 0..20_000 {
        losses.push(noise.unit() + f64::from(u8::from(row / 3000 % 2 == 1)));
        detector.observe(losses[row]);
        let rows = detector.rows() as usize;
        if row % 53 == 0 {
            let mean = losses[losses.len() - rows..].iter().sum::<f64>() / rows as f64;
            assert!(close(detector.mean().unwrap(), mean), "row {row}: {rows}");
        }
        assert!(detector.buckets() as f64 <= 5.0 * ((rows + 1) as f64).log2().ceil() + 5.0, "row {row}");
    }
    assert!(detector.raised() >= 6);
}

#[test]
fn refused_and_ignored() {
    for mut detector in [adwin(Direction::Both), page_hinkley(Direction::Both)] {
        assert!(![f64::NAN, f64::INFINITY, -1e101].map(|loss| detector.observe(loss)).contains(&true));
        assert_eq!((detector.ignored(), detector.rows(), detector.mean()), (3, 0, None));
    }
    for wrong in [
        AdwinConfig { confidence: 0.0, ..Default::default() },
        AdwinConfig { confidence: 1.0, ..Default::default() },
        AdwinConfig { range: f64::NAN, ..Default::default() },
        AdwinConfig { every: 0, ..Default::default() },
        AdwinConfig { shortest: 0, ..Default::default() },
    ] {
        assert!(Adwin::new(wrong).is_err());
    }
    for wrong in [
        PageHinkleyConfig { tolerance: -1.0, ..Default::default() },
        PageHinkleyConfig { threshold: 0.0, ..Default::default() },
        PageHinkleyConfig { threshold: f64::INFINITY, ..Default::default() },
    ] {
        assert!(PageHinkley::new(wrong).is_err());
    }
}

proptest! {
    #[test]
    fn whatever_comes(
        losses in prop::collection::vec(prop_oneof![prop::num::f64::ANY, 0.0..1.0, Just(1e100), Just(-1e100)], 0..300),
        every in 1u64..10,
        shortest in 1u64..10,
    ) {
        let config = AdwinConfig { every, shortest, direction: Direction::Both, ..Default::default() };
        for mut detector in [Adwin::new(config).unwrap().into(), page_hinkley(Direction::Both)] {
            let (mut least, mut most, mut taken) = (f64::INFINITY, f64::NEG_INFINITY, 0);
            for &loss in &losses {
                detector.observe(loss);
                if loss.abs() <= 1e100 {
                    (least, most, taken) = (least.min(loss), most.max(loss), taken + 1);
                }
                let slack = 1e-9 * least.abs().max(most.abs());
                prop_assert!(detector.mean().is_none_or(|mean| mean >= least - slack && mean <= most + slack));
                prop_assert!(detector.rows() <= taken);
            }
        }
    }
}
