//! What is worked out of memory beforehand is what learners of every carry then allocate; alone in its binary, because it counts bytes.
#![allow(unsafe_code, reason = "a counting allocator has to implement GlobalAlloc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use ostl_cells::CellConfig;
use ostl_core::{
    Activation, Activity, Carry, ConfigError, Edge, Feedback, Learner, Loss, Method, Network, NetworkBuilder,
    OptimizerSettings, Part, RateTerm, Real, SequenceBatch, TargetKind, TraceFormat, Update, VoltageTerm, Window,
    best_window,
};

struct Counting;

/// Bytes in use.
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_add(size, Ordering::Relaxed);
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What something leaves allocated.
fn bytes_of<R>(make: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.load(Ordering::Relaxed);
    let made = make();
    (made, BYTES.load(Ordering::Relaxed) - before)
}

fn cell(name: &str) -> CellConfig {
    CellConfig::every().into_iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("no cell {name}")).1
}

fn stack<T: Real>(inputs: usize, cells: &[(&str, usize)]) -> NetworkBuilder<T> {
    let builder = Network::builder(inputs).seed(3);
    cells.iter().fold(builder, |builder, &(name, units)| cell(name).add_to(builder, units).unwrap())
}

/// Networks that differ in what is allocated for them.
fn networks<T: Real>() -> Vec<(&'static str, Network<T>)> {
    let rate = RateTerm { weight: 0.1, target: 0.1, decay: 0.9 };
    let activity = Activity { rate: Some(rate), voltage: Some(VoltageTerm { weight: 0.1, bound: 1.0 }) };
    let events = || Network::builder(300).embedding(24);
    vec![
        ("lstm", stack(17, &[("lstm", 33)]).readout(9).unwrap()),
        ("two layers and one between", stack(20, &[("gru", 20)]).dense(30, Activation::Relu).readout(9).unwrap()),
        (
            "dense below",
            cell("lstm").add_to(Network::builder(25).dense(21, Activation::Tanh), 30).unwrap().readout(4).unwrap(),
        ),
        ("stack", stack(12, &[("snu-tanh", 40), ("lstm", 18), ("alif", 24)]).readout(7).unwrap()),
        ("feed-forward snu", stack(60, &[("snu-tanh-without-h", 70), ("lif-unreset-without-h", 40)]).readout(9).unwrap()),
        ("leaky readout", cell("li").add_to(stack(30, &[("snu-tanh", 40)]), 6).unwrap().finish().unwrap()),
        ("activity", stack(20, &[("lif", 45)]).activity(activity).readout(5).unwrap()),
        ("sparse H", stack(20, &[("rnn", 50)]).density(0.1).readout(5).unwrap()),
        ("dropout", stack(40, &[("rnn", 30)]).dropout(0.3).readout(40).unwrap()),
        ("embedding", cell("lstm").add_to(events(), 24).unwrap().tied().readout(300).unwrap()),
        ("a frozen layer", stack(12, &[("snu-tanh-without-h", 40), ("lstm", 18)]).frozen().readout(7).unwrap()),
        ("frozen blocks", stack(12, &[("alif", 40)]).frozen_block("W").readout(7).unwrap()),
        ("frozen H", stack(20, &[("rnn", 50)]).density(0.1).frozen_block("H").readout(5).unwrap()),
        ("frozen readout", stack(20, &[("gru", 20)]).dense(9, Activation::Identity).frozen().finish().unwrap()),
        ("all frozen", stack(20, &[("lif", 30)]).frozen().dense(9, Activation::Identity).frozen().finish().unwrap()),
        ("events", stack::<T>(200, &[("snu-tanh", 30)]).events().readout(5).unwrap()),
    ]
}

fn methods() -> Vec<Method> {
    let mut methods: Vec<Method> = Method::every().into_iter().map(|(_, method)| method).collect();
    let base = Method { edge: Edge::Heard, ..Method::ostl() };
    for carry in [
        Carry::None,
        Carry::Local,
        Carry::Layer,
        Carry::Network,
        Carry::Snap(1),
        Carry::Snap(2),
        Carry::Snap(3),
        Carry::KfRtrl,
        Carry::Uoro(1),
        Carry::Uoro(3),
        Carry::LocalUoro(2),
        Carry::Presynaptic,
        Carry::Postsynaptic,
    ] {
        for update in [Update::Window, Update::Sequence] {
            methods.push(Method { carry, update, ..base }.with_window(1));
            methods.push(Method { carry, update, ..base }.with_window(6));
        }
        for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
            methods.push(Method { carry, feedback, ..base }.with_window(3));
        }
    }
    for carry in [Carry::Local, Carry::Layer, Carry::Network] {
        methods.push(Method { trace: TraceFormat::Bf16, ..base.with_carry(carry) }.with_window(2));
    }
    for carry in
        [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2), Carry::KfRtrl, Carry::LocalUoro(1)]
    {
        methods.push(Method { window: Window::Rolling { steps: 5, every: 2 }, ..base.with_carry(carry) });
    }
    methods.push(Method { window: Window::Sequence, ..base });
    methods
}

#[test]
fn what_is_predicted_is_what_is_allocated() {
    let counted = bytes_of(|| vec![0_u8; 1000]).1;
    assert_eq!(counted, 1000, "the counter counts");
    let mut checked = 0;
    for (name, network) in networks::<f32>() {
        for method in methods() {
            if method.validate_for(&network).is_err() {
                continue;
            }
            for (streams, optimizer) in [(1, OptimizerSettings::sgd(0.1)), (11, OptimizerSettings::adam(0.1))] {
                holds(name, network.clone(), method, optimizer, streams);
                checked += 1;
            }
        }
    }
    for (name, network) in networks::<f64>().into_iter().take(4) {
        for carry in [Carry::Local, Carry::Layer, Carry::Network, Carry::KfRtrl, Carry::Uoro(1)] {
            let method = Method { carry, ..Method::ostl() }.with_window(4);
            if method.validate_for(&network).is_ok() {
                holds(name, network.clone(), method, OptimizerSettings::momentum(0.1, 0.9), 3);
            }
        }
    }
    assert!(checked > 500, "{checked} learners");
    sequences_grow();
    the_chosen_window();
    what_is_too_large();
    words_by_the_hundred_thousand();
}

fn holds<T: Real>(name: &str, network: Network<T>, method: Method, optimizer: OptimizerSettings, streams: usize) {
    let need = network.memory(&method, &optimizer, streams, 1);
    let (learner, bytes) =
        bytes_of(|| Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, streams).unwrap());
    let words = format!("{name}, {streams} streams, {method:?}: {need:?}, and {bytes} bytes were allocated");
    assert_eq!(learner.trace_bytes() as u64, need.traces, "{words}");
    // Beside the values there are small things of a fixed size for each layer and lane, and the patterns of SnAp.
    let predicted = (need.updates + need.traces + need.windows) as f64;
    let small = 6000.0 * learner.network().depth() as f64 + 0.03 * predicted;
    assert!((predicted - bytes as f64).abs() < small, "{words} where {predicted} were predicted");
    let weights = size_of_val(learner.network().parameters()) as u64;
    let connections = (0..learner.network().depth()).filter(|&layer| learner.network().connections(layer).is_some());
    let connections: usize = connections.map(|_| 50 * 50).sum();
    assert_eq!(need.weights, weights + connections as u64, "{name}");
}

/// A window that holds the whole sequence grows with the longest.
fn sequences_grow() {
    let network: Network<f32> = stack(30, &[("lstm", 40)]).readout(8).unwrap();
    let (method, optimizer) = (Method::bptt(), OptimizerSettings::sgd(0.1));
    let need = network.memory(&method, &optimizer, 3, 50);
    let mut batch = SequenceBatch::new(30, 8, TargetKind::Classes, &[50; 3]);
    batch.set_class(0, 49, 1);
    let (_, bytes) = bytes_of(|| {
        let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, 3).unwrap();
        learner.learn_batch(&batch).unwrap();
        learner
    });
    let predicted = (need.updates + need.windows) as f64;
    assert!((predicted - bytes as f64).abs() < 12_000.0 + 0.03 * predicted, "{bytes} where {predicted} were predicted");
}

/// `window = "auto"` counts what the traces take, those of `presynaptic` too.
fn the_chosen_window() {
    for (name, network) in networks::<f32>() {
        for method in methods() {
            if method.validate_for(&network).is_err() || !matches!(method.window, Window::Steps(_)) {
                continue;
            }
            let choice = best_window(&network, &method, 5, 40, usize::MAX);
            let chosen = method.with_window(choice.steps);
            let learner =
                Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, chosen, OptimizerSettings::sgd(0.1), 5).unwrap();
            assert_eq!(choice.trace_bytes, learner.trace_bytes(), "{name} {chosen:?}");
            let has_recurrent_layers = name != "all frozen" && !matches!(method.carry, Carry::None);
            assert!(choice.window_bytes > 0 && (choice.trace_bytes > 0 || !has_recurrent_layers), "{name} {chosen:?}");
            let budget = choice.trace_bytes + choice.window_bytes;
            let less = best_window(&network, &method, 5, 40, budget - 1);
            assert!(less.steps < choice.steps || less.steps == 1, "{name} {chosen:?}");
        }
    }
}

/// More than any machine has is refused before it is allocated: the part that takes most, and what would fit.
fn what_is_too_large() {
    let network: Network<f32> = stack(100, &[("lstm", 128)]).readout(8).unwrap();
    let refused = |method: Method, streams: usize| {
        let before = BYTES.load(Ordering::Relaxed);
        let learner =
            Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.1), streams);
        let Err(ConfigError::TooLarge(error)) = learner else { panic!("{method:?} in {streams} streams was not refused") };
        assert!(BYTES.load(Ordering::Relaxed) - before < 100_000, "{error}");
        error
    };
    let method = Method { carry: Carry::Network, ..Method::ostl() };
    let error = refused(method, 10_000_000);
    assert_eq!((error.part, error.value.as_str()), (Part::Carry, "network"));
    let words = error.to_string();
    assert!(words.starts_with("carry = network: ") && words.contains("GiB would be needed (traces "), "{words}");
    assert!(words.contains("streams = "), "{words}");
    // What is said to fit does.
    let (_, streams, _) = error.fits.parts.iter().find(|(part, ..)| *part == Part::Streams).unwrap();
    let streams: usize = streams.parse().unwrap();
    assert!(network.check_memory(&method, &OptimizerSettings::adam(0.1), [streams / 2, 1], 0, None).is_ok());

    let error = refused(Method::tbptt(usize::MAX), 2);
    assert_eq!((error.part, error.need.windows), (Part::Window, u64::MAX), "{error}");
    assert!(error.to_string().contains("more than can be counted") && error.to_string().contains("window = "), "{error}");
    assert_eq!(refused(Method::ostl(), usize::MAX).need.traces, u64::MAX);

    // Of a layer's own size nothing is allocated either, and it is named.
    let build = |units: usize| stack::<f32>(10, &[("gru", units)]).readout(3);
    for units in [3_000_000, 1 << 40, usize::MAX] {
        let Err(ConfigError::TooLarge(error)) = build(units) else { panic!("{units} units were not refused") };
        assert_eq!(error.part, Part::Units { layer: 0 });
        assert!(error.to_string().starts_with(&format!("units of layer 0 = {units}: ")), "{error}");
        assert!(error.to_string().contains("units of layer 0 = "), "{error}");
    }
    let inputs = stack::<f32>(usize::MAX, &[("gru", 4)]).readout(3);
    assert!(inputs.unwrap_err().to_string().contains("inputs"));
}

/// Without H a layer of n units has no n² weights: a vocabulary of any size can be learned.
fn words_by_the_hundred_thousand() {
    let words = 267_735;
    let builder = Network::<f32>::builder(words).embedding(2);
    let network = cell("lstm").add_to(builder, 2).unwrap().tied().readout(words).unwrap();
    let expected = words * 2 + (4 * 2 * (2 + 2) + 8) + words * 2 + words;
    assert_eq!(network.parameters().len(), expected);
    let snu = stack::<f32>(1, &[("snu-tanh-without-h", 46_342)]).readout(1).unwrap();
    assert!(snu.parameters().len() < 200_000);
}
