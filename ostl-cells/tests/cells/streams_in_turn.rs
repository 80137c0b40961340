//! One learner whose streams take turns does to each what a learner of its own would.

use ostl_cells::prelude::*;
use ostl_core::{Engine, Signal, Streams};

const INPUTS: usize = 3;

/// Numbers within ±1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    }
}

fn rows(seed: u64, count: usize) -> Vec<[f64; INPUTS]> {
    let mut next = noise(seed);
    (0..count).map(|_| [next(), next(), next()]).collect()
}

fn networks() -> Vec<(&'static str, Network<f64>)> {
    let builder = || Network::<f64>::builder(INPUTS).seed(3);
    vec![
        ("lstm", builder().recurrent(Lstm::new(), 5).readout(2).unwrap()),
        ("lru", builder().recurrent(Lru::new(), 5).readout(2).unwrap()),
        ("two layers", builder().recurrent(Gru::new(), 4).recurrent(Lstm::new(), 3).readout(2).unwrap()),
    ]
}

fn methods() -> Vec<Method> {
    [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2)]
        .into_iter()
        .flat_map(|carry| [1, 3].map(|window| Method::ostl().with_carry(carry).with_window(window)))
        .collect()
}

/// ∂E/∂y of a row.
fn error(row: &[f64; INPUTS]) -> [f64; 2] {
    [row[0] - 0.3, row[2] * row[1]]
}

/// The gradient that was gathered.
fn gathered(engine: &mut Engine<f64>) -> Vec<f64> {
    engine.gradient().unwrap().blocks().flat_map(|(_, values)| values.to_vec()).collect()
}

/// Gradient of a stream of its own.
fn alone(network: &Network<f64>, method: &Method, rows: &[[f64; INPUTS]]) -> Vec<f64> {
    let mut engine = Engine::new(network.clone(), *method, 1).unwrap();
    for row in rows {
        engine.predict(row).unwrap();
        engine.learn(&[Some(Signal::of_error(&error(row)))]).unwrap();
    }
    engine.close_window();
    gathered(&mut engine)
}

#[test]
fn gradients_are_the_sum_of_those_of_each_stream_alone() {
    for (name, network) in networks() {
        for method in methods() {
            let Window::Steps(window) = method.window else { panic!("{method:?}") };
            let both = [rows(5, 24), rows(6, 24)];
            let mut engine = Engine::new(network.clone(), method, 1).unwrap();
            let mut aside = engine.fresh_streams().unwrap();
            for at in (0..24).step_by(window) {
                for rows in &both {
                    for row in &rows[at..at + window] {
                        engine.predict(row).unwrap();
                        engine.learn(&[Some(Signal::of_error(&error(row)))]).unwrap();
                    }
                    engine.exchange_streams(&mut aside).unwrap();
                }
            }
            let found = gathered(&mut engine);
            let apart = both.each_ref().map(|rows| alone(&network, &method, rows));
            let expected: Vec<f64> = apart[0].iter().zip(&apart[1]).map(|(a, b)| a + b).collect();
            let size = expected.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
            assert!(size > 1e-3);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12 * size, "{name} {method:?}: {found} and {expected}");
            }
            // Were they one stream, it would be another gradient.
            let mixed: Vec<_> =
                both[0].chunks(window).zip(both[1].chunks(window)).flat_map(|(a, b)| [a, b].concat()).collect();
            let mixed = alone(&network, &method, &mixed);
            assert!(mixed.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-3 * size), "{name} {method:?}");
        }
    }
}

/// A learner of one stream, and how it takes a row.
fn learner<T: Real>(network: Network<T>, method: &Method) -> Learner<T> {
    Learner::new(network, Loss::MeanSquaredError, *method, OptimizerSettings::adam(0.01), 1).unwrap()
}

#[test]
fn a_frozen_network_answers_each_stream_as_if_it_were_alone() {
    for (name, network) in networks() {
        let both = [rows(7, 40), rows(8, 40)];
        let answers = |rows: &[[f64; INPUTS]]| -> Vec<Vec<f64>> {
            let mut alone = learner(network.clone(), &Method::ostl());
            alone.set_frozen(true).unwrap();
            rows.iter().map(|row| alone.predict(row).unwrap().iter().copied().collect()).collect()
        };
        let expected = both.each_ref().map(|rows| answers(rows));
        let mut learner = learner(network.clone(), &Method::ostl());
        learner.set_frozen(true).unwrap();
        let mut aside = learner.fresh_streams().unwrap();
        for row in 0..40 {
            for stream in 0..2 {
                let found: Vec<f64> = learner.predict(&both[stream][row]).unwrap().iter().copied().collect();
                assert_eq!(found, expected[stream][row], "{name}, stream {stream}, row {row}");
                learner.exchange_streams(&mut aside).unwrap();
            }
        }
    }
}

/// Takes turns over three streams; at row `stop` everything is saved and read again.
fn turns<T: Real>(network: &Network<T>, method: &Method, stop: Option<usize>) -> Vec<T> {
    let mut learners = learner(network.clone(), method);
    let mut aside: Vec<Streams<T>> = (0..2).map(|_| learners.fresh_streams().unwrap()).collect();
    let mut next = noise(9);
    let mut said = Vec::new();
    for row in 0..60 {
        if stop == Some(row) {
            let (record, streams) = (learners.save(), aside.iter().map(|streams| learners.save_streams(streams)));
            let streams: Vec<_> = streams.collect();
            learners = learner(network.clone(), method);
            learners.restore(record).unwrap();
            aside = streams.into_iter().map(|record| learners.restore_streams(record).unwrap()).collect();
        }
        let inputs: Vec<T> = (0..INPUTS).map(|_| T::from_f64(next())).collect();
        said.extend(learners.predict(&inputs).unwrap().iter().copied());
        let target = [T::from_f64(next()), T::from_f64(next())];
        learners.learn(&[Some(Target::Values(&target))]).unwrap();
        if next() > -0.3 {
            learners.exchange_streams(&mut aside[row % 2]).unwrap();
        }
    }
    said.extend(learners.network().parameters());
    said
}

#[test]
fn saved_and_read_again_they_go_on_bit_for_bit() {
    for method in methods() {
        for (name, network) in networks() {
            let expected = turns(&network, &method, None);
            assert!(expected.iter().all(|value| value.is_finite()));
            for stop in [1, 20, 41] {
                assert_eq!(turns(&network, &method, Some(stop)), expected, "{name} {method:?} {stop}");
            }
        }
        let network = Network::<f32>::builder(INPUTS).seed(3).recurrent(Lstm::new(), 5).readout(2).unwrap();
        assert_eq!(turns(&network, &method, Some(23)), turns(&network, &method, None));
    }
}

#[test]
fn streams_that_start_anew_are_as_fresh_ones() {
    for method in methods() {
        let (_, network) = networks().swap_remove(0);
        let gradient = |used: bool| {
            let mut engine = Engine::new(network.clone(), method, 1).unwrap();
            let mut streams = engine.fresh_streams().unwrap();
            if used {
                engine.exchange_streams(&mut streams).unwrap();
                for row in rows(13, 10) {
                    engine.predict(&row).unwrap();
                    engine.learn(&[Some(Signal::of_error(&error(&row)))]).unwrap();
                }
                engine.exchange_streams(&mut streams).unwrap();
                assert!(!streams.is_fresh());
                streams.restart();
                engine.clear_gradient();
            }
            assert!(streams.is_fresh());
            engine.exchange_streams(&mut streams).unwrap();
            for row in rows(14, 12) {
                engine.predict(&row).unwrap();
                engine.learn(&[Some(Signal::of_error(&error(&row)))]).unwrap();
            }
            engine.close_window();
            gathered(&mut engine)
        };
        assert_eq!(gradient(true), gradient(false), "{method:?}");
    }
}

#[test]
fn streams_of_something_else_are_refused_and_nothing_has_changed() {
    let [(_, lstm), (_, lru), _] = networks().try_into().map_err(|_| ()).unwrap();
    let mut own = learner(lstm.clone(), &Method::ostl());
    own.predict(&[0.1, 0.2, 0.3]).unwrap();
    let before = own.save();
    let other_method = learner(lstm.clone(), &Method::ostl().with_window(7));
    for mut streams in [learner(lru, &Method::ostl()).fresh_streams().unwrap(), other_method.fresh_streams().unwrap()] {
        let error = own.exchange_streams(&mut streams).unwrap_err();
        assert!(error.to_string().contains("streams"), "{error}");
        assert!(!error.is_non_finite());
    }
    let mut two = Learner::new(lstm, Loss::MeanSquaredError, Method::ostl(), OptimizerSettings::adam(0.01), 2).unwrap();
    assert!(two.exchange_streams(&mut own.fresh_streams().unwrap()).is_err());
    let after = own.save();
    assert!(before.names().eq(after.names()));
    assert!(before.names().all(|name| before.values::<f64>(name) == after.values::<f64>(name)));
    // A damaged record is refused as a learner's is.
    let mut record = own.save_streams(&own.fresh_streams().unwrap());
    record.values_mut::<f64>("streams.outputs").unwrap()[0] = f64::NAN;
    assert!(own.restore_streams(record).unwrap_err().to_string().contains("streams.outputs"));
}

#[test]
fn forgotten_traces_leave_states_and_cut_the_gradient() {
    let (_, network) = networks().swap_remove(0);
    let method = Method::ostl().with_carry(Carry::Layer);
    let both = rows(11, 20);
    let gradient = |forget: bool, from: usize| {
        let mut engine = Engine::new(network.clone(), method, 1).unwrap();
        let mut outputs = Vec::new();
        for (at, row) in both.iter().enumerate() {
            if at == 19 {
                if forget {
                    engine.forget_traces();
                }
                engine.clear_gradient();
            }
            if at >= from {
                outputs.extend(engine.predict(row).unwrap().iter().copied());
                engine.learn(&[(at == 19).then_some(Signal::of_error(&error(row)))]).unwrap();
            }
        }
        (outputs, gathered(&mut engine))
    };
    let ((kept, whole), (said, cut)) = (gradient(false, 0), gradient(true, 0));
    assert_eq!(kept, said);
    assert_ne!(whole, cut);
    // What is left is the gradient of the last step alone: that of truncated BPTT with K = 1.
    let none = Method::ostl().with_carry(Carry::None);
    let mut engine = Engine::new(network.clone(), none, 1).unwrap();
    for (at, row) in both.iter().enumerate() {
        engine.predict(row).unwrap();
        engine.learn(&[(at == 19).then_some(Signal::of_error(&error(row)))]).unwrap();
    }
    let expected = gathered(&mut engine);
    let size = expected.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
    assert!(cut.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12 * size), "{cut:?}\n{expected:?}");
}
