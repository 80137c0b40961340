//! A rolling window over a trace: the last steps through everything, what lies before them through what is carried.
//!
//! What its gradient has to be follows from windows that do not roll: the errors of the newest steps alone, in one window that begins where the
//! tape does, and the trace moved there by windows as long as the steps that left the tape at a time.

use crate::equivalences::{self, assert_equal, gradient, plan, spikes};
use crate::rolling::step;
use crate::stacks::{LayerPlan, Plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, agreement, claims};
use ostl_core::{
    Activation, Carry, Edge, Engine, Feedback, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Signal,
    Target, Update, Window, bptt,
};

const LOSS: Loss = Loss::SoftmaxCrossEntropy;
/// Steps that a sweep goes back, and from one to the next.
const WINDOWS: [[usize; 2]; 9] = [[1, 1], [2, 1], [3, 2], [3, 3], [7, 1], [7, 3], [7, 7], [8, 4], [40, 5]];

const CARRIES: [Carry; 8] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Snap(2),
    Carry::Presynaptic,
    Carry::Postsynaptic,
];

fn rolling([steps, every]: [usize; 2]) -> Window {
    Window::Rolling { steps, every }
}

fn layer(name: &str, units: usize) -> LayerPlan {
    let found = CellConfig::every().into_iter().find(|(known, _)| known == name);
    LayerPlan::Cell(found.unwrap_or_else(|| panic!("no cell {name}")).1, units)
}

fn stacks() -> Vec<Plan> {
    vec![
        plan(vec![layer("lstm", 5)]),
        plan(vec![layer("gru", 4), LayerPlan::Dense(Activation::Tanh, 3), layer("ssnu", 5)]),
        plan(vec![layer("snu-tanh", 6), layer("snu-tanh", 5)]),
        plan(vec![layer("lif-detached-without-h", 6), layer("lif-detached-without-h", 5)]),
        plan(vec![layer("lru", 4), layer("e-lstm", 4), layer("rnn", 3)]),
    ]
}

/// With its spiking units seen to spike.
fn network(plan: &Plan) -> Network<f64> {
    let network = equivalences::network(plan);
    spikes(&network, &plan.batch());
    network
}

fn learner(network: &Network<f64>, method: Method, streams: usize) -> Learner<f64> {
    Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), streams).unwrap()
}

fn methods(window: Window) -> impl Iterator<Item = Method> {
    let symmetric = CARRIES.map(|carry| Method { window, carry, ..Method::bptt() });
    let others = [Carry::Local, Carry::Layer].into_iter().flat_map(move |carry| {
        [Feedback::Random, Feedback::Direct, Feedback::TargetProjection].map(|feedback| Method {
            window,
            carry,
            feedback,
            seed: 4,
            ..Method::bptt()
        })
    });
    let cut = Method { window, carry: Carry::Local, edge: Edge::Cut, ..Method::bptt() };
    symmetric.into_iter().chain(others).chain([cut])
}

fn class(batch: &SequenceBatch<f64>, stream: usize, step: usize) -> Option<usize> {
    match batch.target(stream, step)? {
        Target::Class(class) => Some(class),
        _ => None,
    }
}

/// ∂E/∂logits of softmax cross-entropy, and the target as a one-hot vector.
fn signal(logits: &[f64], class: usize) -> [Vec<f64>; 2] {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    let target: Vec<f64> = (0..logits.len()).map(|output| f64::from(u8::from(output == class))).collect();
    [exponentials.iter().zip(&target).map(|(e, target)| e / sum - target).collect(), target]
}

/// The sum over groups of new steps of what windows that do not roll find for their errors alone.
fn by_hand(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>, [steps, every]: [usize; 2]) -> Vec<f64> {
    let mut sum = vec![0.0; network.parameters().len()];
    for stream in 0..batch.streams() {
        let length = batch.lengths()[stream];
        // Where the tape begins, and where the trace was moved on to before.
        let (mut start, mut moves) = (0, Vec::new());
        for new in (0..length).step_by(every) {
            let end = length.min(new + every);
            let plain = Method { window: Window::Steps(100), ..method };
            let mut engine = Engine::new(network.clone(), plain, 1).unwrap();
            for step in 0..end {
                if moves.contains(&step) || (step == start && step > 0) {
                    engine.close_window();
                }
                if batch.is_reset(stream, step) {
                    engine.reset(0);
                }
                let logits: Vec<f64> = engine.predict(batch.input(stream, step)).unwrap().iter().copied().collect();
                let class = class(batch, stream, step).filter(|_| step >= new);
                let found = class.map(|class| signal(&logits, class));
                let learned = found.as_ref().map(|[error, target]| {
                    let wants_target = method.feedback == Feedback::TargetProjection;
                    Signal { error, target: wants_target.then_some(target.as_slice()) }
                });
                engine.learn(&[learned]).unwrap();
            }
            engine.finish();
            let found = engine.gradient().unwrap();
            sum.iter_mut().zip(found.iter()).for_each(|(sum, found)| *sum += found);
            // What leaves the tape before the next.
            if end - start > steps - every {
                moves.push(start);
                start = end - (steps - every);
            }
        }
    }
    sum
}

#[test]
fn the_last_steps_whole_and_what_lies_before_them_from_the_trace() {
    for plan in stacks() {
        let (network, batch) = (network(&plan), plan.batch());
        for window in WINDOWS {
            let mut tried = 0;
            for method in methods(rolling(window)).filter(|method| method.validate_for(&network).is_ok()) {
                let truth = by_hand(&network, method, &batch, window);
                let what =
                    format!("{network:?} {} {} {} {:?}", method.window, method.carry, method.feedback.name(), method.edge);
                assert_equal(&gradient(&network, method, &batch), &truth, &what);
                tried += 1;
            }
            assert!(tried >= 12);
        }
    }
}

/// Sweeps that go back as far as the last one are windows one after another.
#[test]
fn steps_that_all_leave_at_once_are_windows() {
    for plan in stacks() {
        let (network, batch) = (network(&plan), plan.batch());
        for steps in [1, 2, 3, 7] {
            for method in methods(rolling([steps, steps])).filter(|method| method.validate_for(&network).is_ok()) {
                let truth = gradient(&network, method.with_window(steps), &batch);
                let what = format!("{network:?} {} {} {}", method.window, method.carry, method.feedback.name());
                assert_equal(&gradient(&network, method, &batch), &truth, &what);
            }
        }
    }
}

/// In a stack `local` and `layer` drop most of what a lower layer does, the less the further a sweep goes back; in one layer without H nothing.
#[test]
fn the_further_back_the_less_is_dropped() {
    let deep = plan(vec![layer("lru", 5), layer("lru", 4), layer("lru", 3)]);
    let (deep, batch) = (network(&deep), SequenceBatch::clone(&deep.batch()));
    let truth = bptt::gradient(&deep, LOSS, &batch).values;
    let error = |method: Method| agreement(&gradient(&deep, method, &batch), &truth, 0.0).relative_error;
    let of = |window| error(Method { window, carry: Carry::Local, ..Method::bptt() });
    let errors = [1, 4, 8, 16].map(|steps| of(rolling([steps, 1])));
    println!("rolling over 1, 4, 8, 16: {errors:?}; windows of 8: {}", of(Window::Steps(8)));
    assert!(errors.windows(2).all(|pair| pair[1] < pair[0]) && errors[0] > 0.01, "{errors:?}");
    assert!(errors[2] < of(Window::Steps(8)) / 2.0);
    let alone = error(Method { window: rolling([8, 1]), carry: Carry::None, ..Method::bptt() });
    assert!(errors[2] < alone, "{errors:?} {alone}");
    let shallow = network(&plan(vec![layer("lru", 5)]));
    let method = Method { window: rolling([3, 2]), carry: Carry::Local, ..Method::bptt() };
    assert!(claims(&shallow, &method).iter().all(|claim| *claim == Claim::Exact));
    assert!(claims(&deep, &method).contains(&Claim::Approximate));
}

fn even() -> Plan {
    let mut plan = plan(vec![layer("lstm", 4), layer("snu-tanh", 5)]);
    plan.lengths = vec![18; 3];
    plan
}

#[test]
fn streaming_and_stops_give_the_bits_of_whole_batches() {
    let plan = even();
    let (network, batch) = (network(&plan), plan.batch());
    let carries = [Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2), Carry::LocalUoro(2), Carry::KfRtrl];
    for (window, carry) in
        [[4, 1], [7, 3], [8, 4], [5, 5]].into_iter().flat_map(|window| carries.map(|carry| (window, carry)))
    {
        for update in [Update::Window, Update::Sequence] {
            let method = Method { window: rolling(window), carry, update, ..Method::bptt() };
            let (mut whole, mut stepwise) = (learner(&network, method, 3), learner(&network, method, 3));
            for round in 0..2 {
                whole.learn_batch(&batch).unwrap();
                for at in 0..18 {
                    step(&mut stepwise, &batch, at);
                    if at % 5 == round {
                        let saved = stepwise.save();
                        stepwise = learner(&network, method, 3);
                        stepwise.restore(saved).unwrap();
                    }
                }
                stepwise.finish().unwrap();
            }
            assert_eq!(
                whole.network().parameters(),
                stepwise.network().parameters(),
                "{} {carry} {update:?}",
                method.window
            );
            assert_ne!(whole.network().parameters(), network.parameters());
        }
    }
}

/// Streams that take turns: each exchange sweeps from the steps that are there, so that every sweep starts from one and has the three that stay behind it.
#[test]
fn streams_that_take_turns() {
    let plan = even();
    let (network, batch) = (network(&plan), plan.batch());
    for carry in [Carry::None, Carry::Local, Carry::Layer] {
        let method = Method { window: rolling([6, 3]), carry, ..Method::bptt() };
        let mut engine = Engine::new(network.clone(), method, 1).unwrap();
        let mut waiting: Vec<_> = (0..3).map(|_| engine.fresh_streams().unwrap()).collect();
        for at in 0..18 {
            for (stream, streams) in waiting.iter_mut().enumerate() {
                engine.exchange_streams(streams).unwrap();
                if batch.is_reset(stream, at) {
                    engine.reset(0);
                }
                let logits: Vec<f64> = engine.predict(batch.input(stream, at)).unwrap().iter().copied().collect();
                let found = class(&batch, stream, at).map(|class| signal(&logits, class));
                engine.learn(&[found.as_ref().map(|[error, _]| Signal::of_error(error))]).unwrap();
                engine.exchange_streams(streams).unwrap();
            }
        }
        let truth = gradient(&network, Method { window: rolling([4, 1]), ..method }, &batch);
        assert_equal(&engine.gradient().unwrap(), &truth, &carry.to_string());
    }
}

/// Some steps of a batch, as a batch of their own.
fn piece(batch: &SequenceBatch<f64>, steps: std::ops::Range<usize>) -> SequenceBatch<f64> {
    let mut piece = SequenceBatch::new(3, 3, LOSS.target_kind(), &vec![steps.len(); batch.streams()]);
    for (stream, (place, at)) in
        (0..batch.streams()).flat_map(|stream| steps.clone().enumerate().map(move |at| (stream, at)))
    {
        piece.input_mut(stream, place).copy_from_slice(batch.input(stream, at));
        if let Some(class) = class(batch, stream, at) {
            piece.set_class(stream, place, class);
        }
        if batch.is_reset(stream, at) {
            piece.reset_before(stream, place);
        }
    }
    piece
}

/// The weights change where a stretch ends, and what was put off until then is in their gradient, also where the last steps have no target.
#[test]
fn what_is_put_off_is_there_where_a_stretch_ends() {
    let mut plan = even();
    plan.targets = 0;
    let network = network(&plan);
    let mut batch = plan.batch();
    (0..3).for_each(|stream| batch.set_class(stream, 12, 1));
    for carry in [Carry::Local, Carry::Layer, Carry::Network] {
        let method = Method { window: rolling([4, 2]), carry, ..Method::bptt() };
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1e-6), 3).unwrap();
        learner.learn_next(&piece(&batch, 0..16)).unwrap();
        let moved = learner.network().parameters().iter().zip(network.parameters());
        let moved: Vec<f64> = moved.map(|(after, before)| before - after).collect();
        let whole = gradient(&network, method, &piece(&batch, 0..16));
        let cosine = agreement(&moved, &whole, 0.0).cosine;
        assert!(cosine > 1.0 - 1e-9, "{carry}: {cosine}");
    }
}

#[test]
fn a_recording_in_stretches_is_the_recording() {
    let plan = even();
    let (network, batch) = (network(&plan), plan.batch());
    for carry in [Carry::None, Carry::Local, Carry::Layer, Carry::Uoro(1)] {
        let method = Method { window: rolling([8, 3]), carry, update: Update::Window, ..Method::bptt() };
        let (mut whole, mut pieces) = (learner(&network, method, 3), learner(&network, method, 3));
        for _ in 0..2 {
            whole.learn_next(&batch).unwrap();
            for steps in [0..6, 6..9, 9..18] {
                pieces.learn_next(&piece(&batch, steps)).unwrap();
            }
        }
        assert_eq!(whole.network().parameters(), pieces.network().parameters(), "{carry}");
        assert_ne!(whole.network().parameters(), network.parameters());
    }
}
