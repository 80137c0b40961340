use ostl_cells::{Lstm, Snu, TanhDerivative};
use ostl_core::{Carry, Engine, Loss, Signal, TargetKind, TraceFormat};

use super::*;

const ALL: Wanted = Wanted { outputs: true, states: true, traces: true, signals: true };

/// Seven steps of two inputs, a class at every other step, one reset.
fn batch() -> SequenceBatch<f32> {
    let mut batch = SequenceBatch::new(2, 3, TargetKind::Classes, &[7]);
    for step in 0..7 {
        let input = [(step as f32).sin().abs() * 3.0, 2.0 - 0.2 * step as f32];
        batch.input_mut(0, step).copy_from_slice(&input);
        if step % 2 == 1 {
            batch.set_class(0, step, step % 3);
        }
    }
    batch.reset_before(0, 5);
    batch
}

/// What an engine of its own, led by hand, shows at every step.
#[test]
fn what_an_engine_shows_step_by_step() {
    let builder = || Network::<f32>::builder(2).seed(3).recurrent(Snu::spiking(TanhDerivative), 6);
    let network = builder().recurrent(Lstm::new(), 4).readout(3).unwrap();
    let method = Method { carry: Carry::Local, window: Window::Steps(5), ..Method::ostl() };
    let recording = record(network.clone(), Loss::SoftmaxCrossEntropy.into(), &method, &batch(), ALL).unwrap();
    let by_hand = Method { window: Window::Steps(1), ..method };
    let mut engine = Engine::new(network, by_hand, 1).unwrap();
    for step in 0..7 {
        if step == 5 {
            engine.reset(0);
        }
        let predicted: Vec<f32> = engine.predict(batch().input(0, step)).unwrap().iter().copied().collect();
        assert_eq!(recording.predictions.at(step), predicted);
        let mut error = [0.0; 3];
        let has_target = step % 2 == 1;
        if has_target {
            Objective::from(Loss::SoftmaxCrossEntropy).evaluate(&predicted, Target::Class(step % 3), &mut error);
        }
        engine.learn(&[has_target.then_some(Signal::of_error(&error))]).unwrap();
        for layer in &recording.layers {
            let at = |course: &Option<Course>| course.as_ref().unwrap().at(step).to_vec();
            assert_eq!(at(&layer.outputs), engine.output(layer.layer, 0).unwrap());
            assert_eq!(at(&layer.states), engine.state(layer.layer, 0).unwrap());
            assert_eq!(at(&layer.signals), engine.learning_signal(layer.layer, 0).unwrap());
            assert_eq!(at(&layer.signals).iter().any(|&signal| signal != 0.0), has_target, "step {step}");
        }
        let traces = engine.traces();
        assert!(recording.traces.contains_key("traces.layers.0.W") && recording.traces.contains_key("traces.layers.1.H"));
        for (name, course) in &recording.traces {
            assert_eq!(course.at(step), traces.values::<f32>(name).unwrap(), "{name} at {step}");
        }
    }
    assert_eq!(recording.layers.iter().map(|layer| layer.spikes).collect::<Vec<_>>(), [true, false]);
    let spikes = recording.layers[0].outputs.as_ref().unwrap();
    let fired = spikes.values.iter().filter(|&&y| y == 1.0).count();
    assert!(fired > 3 && spikes.values.iter().all(|&y| y == 0.0 || y == 1.0), "{fired}");
    assert_eq!(
        (recording.layers[1].states.as_ref().unwrap().shape.as_slice(), recording.layers.len()),
        ([1, 4].as_slice(), 2)
    );
    let classes = [None, Some(1), None, Some(0), None, Some(2), None];
    assert_eq!(recording.targets, TargetCourse::Classes(classes.to_vec()));
    assert!(recording.losses[1] > 0.0 && recording.losses[2] == 0.0);
}

/// Traces that are kept in sixteen bits are recorded, too, and are close to those that are not.
#[test]
fn traces_of_sixteen_bits_are_recorded() {
    let network = Network::<f32>::builder(2).seed(3).recurrent(Lstm::new(), 4).readout(3).unwrap();
    let method = Method { carry: Carry::Local, ..Method::ostl() };
    let [full, short] = [TraceFormat::Full, TraceFormat::Bf16].map(|format| {
        let method = method.with_trace(format);
        record(network.clone(), Loss::SoftmaxCrossEntropy.into(), &method, &batch(), ALL).unwrap().traces
    });
    assert_eq!(full.keys().collect::<Vec<_>>(), short.keys().collect::<Vec<_>>());
    let (full, short) = (&full["traces.layers.0.W"], &short["traces.layers.0.W"]);
    assert_eq!(full.shape, short.shape);
    let worst = full.values.iter().zip(&short.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst > 0.0 && worst < 0.02 && full.values.iter().any(|trace| trace.abs() > 0.1), "{worst}");
}

#[test]
fn what_was_not_asked_for_is_not_kept() {
    let network = Network::<f32>::builder(2).recurrent(Lstm::new(), 4).readout(3).unwrap();
    let loss = || Loss::SoftmaxCrossEntropy.into();
    let recording = record(network.clone(), loss(), &Method::bptt(), &batch(), Wanted::default()).unwrap();
    assert!(recording.traces.is_empty() && recording.layers[0].outputs.is_none() && recording.layers[0].signals.is_none());
    assert_eq!((recording.predictions.values.len(), recording.inputs.width()), (7 * 3, 2));
}

/// What does not fit is refused before a step is taken, with what would.
#[test]
fn a_recording_beyond_all_memory_is_refused() {
    let network = Network::<f32>::builder(2).recurrent(Lstm::new(), 400).readout(3).unwrap();
    let long = SequenceBatch::new(2, 3, TargetKind::Classes, &[1000]);
    let method = Method { carry: Carry::Layer, window: Window::Steps(1), ..Method::ostl() };
    let error = check_size(&network, &method, &long, ALL).unwrap_err().to_string();
    assert!(error.contains("1000 steps") && (error.contains("--steps") || error.contains("`trace`")), "{error}");
    check_size(&network, &method, &long, Wanted { traces: false, ..ALL }).unwrap();
}
