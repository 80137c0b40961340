//! Signals for hidden layers and feedback matrices of one's own, against networks that do without them.

use ostl_cells::{Gru, Lif, Lstm, Rnn, TanhDerivative, load};
use ostl_core::feedback::FeedbackWeights;
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Activation, Carry, Engine, EngineError, Feedback, LearnError, Learner, Loss, Method, Network, OptimizerSettings,
    SequenceBatch, Signal, Target, TargetKind, Update, Window, bptt, checkpoint,
};

const STEPS: usize = 14;
const STREAMS: usize = 2;
const INPUTS: usize = 3;

fn wave(at: usize) -> f64 {
    (1.0 + 2.3 * at as f64).sin()
}

fn inputs(step: usize) -> Vec<f64> {
    (0..INPUTS * STREAMS).map(|at| wave(step * 17 + at)).collect()
}

/// What a hidden layer of n units is told at a step of a stream; nothing at some.
fn told(step: usize, stream: usize, n: usize) -> Option<Vec<f64>> {
    (!(step + stream).is_multiple_of(3)).then(|| (0..n).map(|unit| 0.3 * wave(step * 31 + stream * 7 + unit)).collect())
}

fn windows() -> Vec<Window> {
    [1, 2, 3, 7].map(Window::Steps).into_iter().chain([Window::Sequence]).collect()
}

/// The gradient of E = Σ c·y of a hidden layer, and Σ (0.1 + 0.2 step)·y of the output at every other step; stream 1 starts anew at step 5.
fn gradient(network: &Network<f64>, method: Method, layer: usize) -> Vec<f64> {
    let mut engine = Engine::new(network.clone(), method, STREAMS).unwrap();
    let n = network.block(layer + 1, "W").ncols();
    for step in 0..STEPS {
        if step == 5 {
            engine.reset(1);
        }
        engine.predict(&inputs(step)).unwrap();
        for stream in 0..STREAMS {
            if let Some(error) = told(step, stream, n) {
                engine.signal_hidden(layer, stream, &error).unwrap();
            }
        }
        let of_output = [0.1 + 0.2 * step as f64];
        engine.learn(&[(step % 2 == 0).then(|| Signal::of_error(&of_output)); STREAMS]).unwrap();
    }
    engine.finish();
    engine.gradient().unwrap().to_vec()
}

/// The same E by forward passes alone.
fn error(network: &Network<f64>, layer: usize) -> f64 {
    let mut batch = SequenceBatch::new(INPUTS, 1, TargetKind::Values, &[STEPS; STREAMS]);
    batch.reset_before(1, 5);
    let mut error = 0.0;
    for stream in 0..STREAMS {
        for step in 0..STEPS {
            batch.input_mut(stream, step).copy_from_slice(&inputs(step)[stream * INPUTS..(stream + 1) * INPUTS]);
        }
        for (step, outputs) in bptt::layer_outputs(network, &batch, stream).into_iter().enumerate() {
            let hidden = &outputs[layer];
            if let Some(told) = told(step, stream, hidden.len()) {
                error += told.iter().zip(hidden).map(|(c, y)| c * y).sum::<f64>();
            }
            if step % 2 == 0 {
                error += (0.1 + 0.2 * step as f64) * outputs.last().unwrap()[0];
            }
        }
    }
    error
}

fn differences(network: &Network<f64>, layer: usize) -> Vec<f64> {
    let (mut moved, h) = (network.clone(), 1e-5);
    (0..network.parameters().len())
        .map(|p| {
            let at = network.parameters()[p];
            let mut by = |shift: f64| {
                moved.parameters_mut()[p] = at + shift;
                error(&moved, layer)
            };
            let slope = (by(h) - by(-h)) / (2.0 * h);
            by(0.0);
            slope
        })
        .collect()
}

#[test]
fn a_hidden_layers_signal_is_part_of_the_gradient() {
    let builder = || Network::<f64>::builder(INPUTS).seed(3).recurrent(Lstm::new(), 4).dense(3, Activation::Tanh);
    let network = builder().recurrent(Gru::new(), 3).readout(1).unwrap();
    for layer in 0..3 {
        let truth = differences(&network, layer);
        for window in windows() {
            let method = Method { window, carry: Carry::Network, ..Method::ostl() };
            let found = gradient(&network, method, layer);
            assert!(agreement(&found, &truth, 1e-6).relative_error < 1e-7, "layer {layer}, {window:?}");
        }
    }
}

/// A readout that also shows each hidden unit as it is takes the same signals as errors.
#[test]
fn it_is_the_error_of_a_readout_that_shows_the_layer() {
    let spiking = Lif::spiking(TanhDerivative).threshold(0.3).unwrap();
    for cell in 0..3 {
        let of = |outputs: usize| {
            let builder = Network::<f64>::builder(INPUTS).seed(4);
            let builder = match cell {
                0 => builder.recurrent(Lstm::new(), 5),
                1 => builder.recurrent(Rnn::new(), 5),
                _ => builder.recurrent(spiking, 5),
            };
            builder.readout(outputs).unwrap()
        };
        let (network, mut shown) = (of(1), of(6));
        let of_layer =
            network.blocks().iter().filter(|block| block.layer == 0).map(|block| block.range().len()).sum::<usize>();
        shown.parameters_mut().fill(0.0);
        shown.parameters_mut()[..of_layer].copy_from_slice(&network.parameters()[..of_layer]);
        for unit in 0..5 {
            shown.block_mut(1, "W")[(0, unit)] = network.block(1, "W")[(0, unit)];
            shown.block_mut(1, "W")[(1 + unit, unit)] = 1.0;
        }
        shown.block_mut(1, "b")[(0, 0)] = network.block(1, "b")[(0, 0)];
        for (carry, window) in
            [Carry::None, Carry::Local, Carry::Layer].into_iter().flat_map(|c| windows().into_iter().map(move |w| (c, w)))
        {
            let method = Method { window, carry, ..Method::ostl() };
            let found = gradient(&network, method, 0);
            let mut engine = Engine::new(shown.clone(), method, STREAMS).unwrap();
            let mut spikes = 0.0;
            for step in 0..STEPS {
                if step == 5 {
                    engine.reset(1);
                }
                spikes += engine.predict(&inputs(step)).unwrap().rows(1, 5).sum();
                let signals: Vec<Vec<f64>> = (0..STREAMS)
                    .map(|stream| {
                        let mut error = vec![if step % 2 == 0 { 0.1 + 0.2 * step as f64 } else { 0.0 }];
                        error.extend(told(step, stream, 5).unwrap_or(vec![0.0; 5]));
                        error
                    })
                    .collect();
                engine.learn(&signals.iter().map(|error| Some(Signal::of_error(error))).collect::<Vec<_>>()).unwrap();
            }
            engine.finish();
            let expected = engine.gradient().unwrap().to_vec();
            assert!(cell < 2 || (spikes > 5.0 && spikes < 100.0), "{spikes} spikes");
            let agrees = agreement(&found[..of_layer], &expected[..of_layer], 1e-9);
            assert!(agrees.relative_error < 1e-10, "cell {cell}, {carry:?}, {window:?}: {agrees:?}");
        }
    }
}

#[test]
fn signals_that_do_not_fit_are_refused() {
    let network = Network::<f64>::builder(INPUTS).seed(3).recurrent(Lstm::new(), 4).readout(1).unwrap();
    let mut engine = Engine::new(network, Method::ostl(), STREAMS).unwrap();
    assert_eq!(engine.signal_hidden(0, 0, &[0.0; 4]).unwrap_err(), EngineError::NothingPredicted);
    engine.predict(&inputs(0)).unwrap();
    assert!(engine.signal_hidden(1, 0, &[0.0]).unwrap_err().to_string().contains("a hidden layer: below 1"));
    assert!(matches!(engine.signal_hidden(0, 0, &[0.0; 3]).unwrap_err(), EngineError::Shape { found: 3, expected: 4, .. }));
    let error = engine.signal_hidden(0, 1, &[0.0, 0.0, f64::NAN, 0.0]).unwrap_err().to_string();
    assert!(error.contains("stream 1") && error.contains("NaN"), "{error}");
    engine.learn(&[None, None]).unwrap();
    engine.finish();
    assert!(engine.gradient().unwrap().iter().all(|&g| g == 0.0), "nothing refused was added");
}

fn stack() -> Network<f64> {
    let builder = Network::<f64>::builder(INPUTS).seed(3).recurrent(Lstm::new(), 4).dense(3, Activation::Tanh);
    builder.recurrent(Gru::new(), 3).readout(2).unwrap()
}

fn batch() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(INPUTS, 2, TargetKind::Classes, &[9, 6]);
    for (stream, length) in [(0, 9), (1, 6)] {
        for step in 0..length {
            batch.input_mut(stream, step).copy_from_slice(&inputs(step + 20 * stream)[..INPUTS]);
            batch.set_class(stream, step, (step + stream) % 2);
        }
    }
    batch
}

/// With the transposed weights as feedback it is backpropagation.
#[test]
fn the_transposed_weights_as_own_feedback_are_backpropagation() {
    let network = Network::<f64>::builder(INPUTS).seed(3).dense(3, Activation::Tanh).recurrent(Gru::new(), 4);
    let (network, batch) = (network.dense(3, Activation::Tanh).readout(2).unwrap(), batch());
    let truth = bptt::gradient(&network, Loss::SoftmaxCrossEntropy, &batch).values;
    for window in windows() {
        let method = Method { window, carry: Carry::Layer, ..Method::ostl() }.with_feedback(Feedback::Random);
        let mut learner =
            Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.1), 2).unwrap();
        let (_, drawn) = learner.gradient(&batch).unwrap();
        assert!(agreement(drawn, &truth, 1e-6).relative_error > 0.01, "drawn matrices are others");
        let mut own = FeedbackWeights::new(&network, &method);
        for layer in 1..4 {
            own.below_mut(layer).copy_from(&network.block(layer, "W").transpose());
        }
        learner.set_feedback(own).unwrap();
        let (_, found) = learner.gradient(&batch).unwrap();
        assert!(agreement(found, &truth, 1e-9).relative_error < 1e-10, "{window:?}");
    }
}

#[test]
fn own_feedback_is_saved_and_what_does_not_fit_is_refused() {
    let network = stack();
    let method = Method::ostl().with_window(2).with_feedback(Feedback::Direct);
    let learner =
        |method| Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.1), 2).unwrap();
    let mut own = FeedbackWeights::new(&network, &method);
    own.below_mut(1).fill(0.7);
    let (mut straight, mut drawn) = (learner(method), learner(method));
    straight.set_feedback(own.clone()).unwrap();
    straight.learn_batch(&batch()).unwrap();
    drawn.learn_batch(&batch()).unwrap();
    assert_ne!(straight.network().parameters(), drawn.network().parameters());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    checkpoint::write(&path, &straight.save()).unwrap();
    let mut loaded = load::<f64>(&path).unwrap();
    // One that was drawn takes over what is saved, and the other way round.
    let before = drawn.save();
    drawn.restore(checkpoint::read(&path).unwrap()).unwrap();
    for learner in [&mut straight, &mut loaded, &mut drawn] {
        learner.learn_batch(&batch()).unwrap();
    }
    assert_eq!(straight.network().parameters(), loaded.network().parameters());
    assert_eq!(straight.network().parameters(), drawn.network().parameters());
    let mut again = learner(method);
    again.restore(before.clone()).unwrap();
    straight.restore(before).unwrap();
    for learner in [&mut straight, &mut again] {
        learner.learn_batch(&batch()).unwrap();
    }
    assert_eq!(straight.network().parameters(), again.network().parameters());

    let refused = |mut learner: Learner<f64>, own: FeedbackWeights<f64>| learner.set_feedback(own).unwrap_err().to_string();
    assert!(refused(learner(Method::ostl()), own.clone()).contains("feedback = symmetric"));
    let random = Method::ostl().with_feedback(Feedback::Random);
    assert!(refused(learner(random), own.clone()).contains("of shape [4, 3]"));
    own.below_mut(2)[(0, 0)] = f64::NAN;
    assert!(refused(learner(method), own).contains("feedback = NaN"));
}

/// In mid-window, after some steps with such signals and before others.
#[test]
fn signals_of_hidden_layers_are_saved_with_the_window() {
    let method = Method::ostl().with_window(4);
    let mut straight =
        Learner::new(stack(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.3), STREAMS).unwrap();
    let run = |learner: &mut Learner<f64>, steps: std::ops::Range<usize>, with_signals: bool| {
        for step in steps {
            learner.predict(&inputs(step)).unwrap();
            for (layer, stream) in [(0, 1), (1, 0), (2, 1)] {
                if let Some(error) = told(step, stream, [4, 3, 3][layer]).filter(|_| with_signals) {
                    learner.signal_hidden(layer, stream, &error).unwrap();
                }
            }
            learner.learn(&[Some(ostl_core::Target::Class(step % 2)), None]).unwrap();
        }
    };
    run(&mut straight, 0..6, true);
    let mut resumed =
        Learner::new(stack(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.3), STREAMS).unwrap();
    let mut without =
        Learner::new(stack(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.3), STREAMS).unwrap();
    run(&mut without, 0..6, false);
    resumed.restore(straight.save()).unwrap();
    for learner in [&mut straight, &mut resumed, &mut without] {
        run(learner, 6..13, true);
        learner.finish().unwrap();
    }
    assert_eq!(straight.network().parameters(), resumed.network().parameters());
    assert_ne!(straight.network().parameters(), without.network().parameters());
}

/// A learner that is told ∂E/∂y of its own loss from outside goes where the one that has the loss goes, to the bit; what it has gathered in between is
/// the engine's gradient.
#[test]
fn an_error_from_outside_takes_the_place_of_the_loss() {
    let network = Network::<f64>::builder(INPUTS).seed(4).recurrent(Lstm::new(), 5).readout(2).unwrap();
    for method in [Method::ostl(), Method::tbptt(3), Method::rolling_tbptt(3)] {
        let new = || {
            let optimizer = OptimizerSettings::adam(0.01);
            Learner::new(network.clone(), Loss::MeanSquaredError, method, optimizer, STREAMS).unwrap()
        };
        let (mut by_loss, mut from_outside) = (new(), new());
        for step in 0..STEPS {
            let target = [wave(step), wave(step + 5)];
            by_loss.predict(&inputs(step)).unwrap();
            let told: Vec<Vec<f64>> = {
                let outputs = from_outside.predict(&inputs(step)).unwrap();
                let error = |stream: usize| {
                    let mut signal = vec![0.0; 2];
                    let outputs: Vec<f64> = outputs.column(stream).iter().copied().collect();
                    Loss::MeanSquaredError.evaluate(&outputs, Target::Values(&target), &mut signal);
                    signal
                };
                (0..STREAMS).map(error).collect()
            };
            // The second stream has an error at every other step.
            let has = |stream: usize| stream == 0 || step % 2 == 0;
            let targets: Vec<_> = (0..STREAMS).map(|stream| has(stream).then_some(Target::Values(&target))).collect();
            by_loss.learn(&targets).unwrap();
            let signals: Vec<_> = (0..STREAMS).map(|stream| has(stream).then(|| Signal::of_error(&told[stream]))).collect();
            from_outside.learn_signals(&signals).unwrap();
        }
        by_loss.finish().unwrap();
        from_outside.finish().unwrap();
        assert!(by_loss.optimizer().updates() > 2 && from_outside.optimizer() == by_loss.optimizer(), "{method:?}");
        assert_eq!(from_outside.network().parameters(), by_loss.network().parameters(), "{method:?}");
        let wrong = from_outside.learn_signals(&[None]).unwrap_err();
        assert!(matches!(wrong, LearnError::Shape { found: 1, expected: STREAMS, .. }), "{wrong}");
        from_outside.predict(&inputs(0)).unwrap();
        let error = [f64::NAN, 0.0];
        let wrong = from_outside.learn_signals(&[Some(Signal::of_error(&error)), None]).unwrap_err();
        assert!(matches!(wrong, LearnError::Target { stream: 0, .. }), "{wrong}");
    }
}

#[test]
fn what_is_gathered_is_the_engines_gradient() {
    let network = Network::<f64>::builder(INPUTS).seed(4).recurrent(Gru::new(), 4).readout(1).unwrap();
    let method = Method::ostl().with_update(Update::Sequence);
    let mut engine = Engine::new(network.clone(), method, STREAMS).unwrap();
    let mut learner =
        Learner::new(network, Loss::MeanSquaredError, method.with_block(1), OptimizerSettings::sgd(0.1), STREAMS).unwrap();
    for step in 0..STEPS {
        let error = [wave(step)];
        engine.predict(&inputs(step)).unwrap();
        learner.predict(&inputs(step)).unwrap();
        engine.learn(&[Some(Signal::of_error(&error)); STREAMS]).unwrap();
        learner.learn_signals(&[Some(Signal::of_error(&error)); STREAMS]).unwrap();
        let (found, expected) = (learner.gathered().unwrap().to_vec(), engine.gradient().unwrap().to_vec());
        assert!(agreement(&found, &expected, 0.0).relative_error < 1e-13, "step {step}");
        assert!(expected.iter().any(|g| *g != 0.0));
    }
    learner.finish().unwrap();
    assert!(learner.gathered().unwrap().iter().all(|g| *g == 0.0));
}
