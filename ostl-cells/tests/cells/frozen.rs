//! Blocks that learn at rates of their own, and frozen ones: what is kept for them, and what updates make of them.

use std::collections::BTreeMap;

use ostl_cells::{Lstm, load, ready};
use ostl_core::gradient_check::{audit, check_cell};
use ostl_core::{
    Activation, Carry, Cell, Gate, Learner, LearningRates, Loss, Method, Network, NetworkBuilder, OptimizerSettings,
    Partials, Real, Rule, SequenceBatch, Target, TargetKind, Unit, bptt, checkpoint,
};

use crate::stacks::Random;

/// The same network and weights, its blocks at these rates.
fn with_rates(network: &Network<f64>, rate: impl Fn(usize, &'static str) -> f64) -> Network<f64> {
    let mut plan = network.plan().clone();
    for (index, layer) in plan.layers.iter_mut().enumerate() {
        let blocks = network.blocks().iter().filter(|block| block.layer == index);
        let mut rates = LearningRates::default();
        rates.blocks = blocks.map(|block| (block.name.to_owned(), rate(index, block.name))).collect();
        layer.learning_rates = rates;
    }
    let mut again = NetworkBuilder::of_plan(&plan, &ready).unwrap().finish().unwrap();
    again.copy_parameters(network.parameters()).unwrap();
    again
}

/// Some layers wholly frozen, of the others some blocks; where embedding and readout share W, both or neither.
pub(crate) fn with_some_frozen(network: &Network<f64>, tied: bool, seed: u64) -> Network<f64> {
    let mut random = Random(seed);
    let layers: Vec<bool> = (0..network.depth()).map(|_| random.below(4) == 0).collect();
    let blocks = network.blocks().iter();
    let mut frozen: BTreeMap<_, _> =
        blocks.map(|block| ((block.layer, block.name), layers[block.layer] || random.below(3) == 0)).collect();
    if tied {
        frozen.insert((network.depth() - 1, "W"), frozen[&(0, "W")]);
    }
    with_rates(network, |layer, name| if frozen[&(layer, name)] { 0.0 } else { 1.0 })
}

fn lstm(freeze: impl Fn(NetworkBuilder<f64>) -> NetworkBuilder<f64>) -> Network<f64> {
    freeze(Network::builder(3).seed(4).recurrent(Lstm::new(), 5)).readout(2).unwrap()
}

fn batch() -> SequenceBatch<f64> {
    let mut random = Random(8);
    let mut batch = SequenceBatch::new(3, 2, TargetKind::Classes, &[9, 6]);
    for stream in 0..2 {
        for step in 0..[9, 6][stream] {
            batch.input_mut(stream, step).fill_with(|| 2.0 * random.uniform() - 1.0);
            batch.set_class(stream, step, random.below(2));
        }
    }
    batch
}

fn learner(network: Network<f64>, method: Method, optimizer: OptimizerSettings) -> Learner<f64> {
    Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, 2).unwrap()
}

/// Of what is kept for an LSTM, frozen blocks' share is not: by hand, in values of the trace.
#[test]
fn no_trace_is_kept_of_frozen_blocks() {
    let sgd = OptimizerSettings::sgd(0.1);
    let bytes = |network: Network<f64>, carry| {
        learner(network, Method::ostl().with_carry(carry).with_window(2), sgd).trace_bytes() / (2 * size_of::<f64>())
    };
    // W: 4·5·3, H: 4·5·5, b: 4·5. `layer` keeps s and y, 10 variables, and one room more to build the next in for two streams.
    let [w, h, b] = [60, 100, 20];
    let layer = |parameters: usize| 10 * parameters * 3 / 2;
    assert_eq!(bytes(lstm(|builder| builder), Carry::Layer), layer(w + h + b));
    assert_eq!(bytes(lstm(|builder| builder.frozen_block("H")), Carry::Layer), layer(w + b));
    assert_eq!(bytes(lstm(|builder| builder.frozen_block("H").frozen_block("W")), Carry::Layer), layer(b));
    // v̂ of s and y, ν as long, and θ̂.
    assert_eq!(bytes(lstm(|builder| builder), Carry::Uoro(1)), 20 + w + h + b);
    assert_eq!(bytes(lstm(|builder| builder.frozen_block("W")), Carry::Uoro(1)), 20 + h + b);
    for carry in [Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(1), Carry::Snap(2), Carry::KfRtrl] {
        assert_eq!(bytes(lstm(NetworkBuilder::frozen), carry), 0, "{carry}");
        let [all, some] = [lstm(|b| b), lstm(|b| b.frozen_block("H"))].map(|network| bytes(network, carry));
        assert!(some > 0 && some < all, "{carry}: {some} of {all}");
    }
    let without = learner(lstm(|builder| builder.frozen_block("H")), Method::ostl().with_carry(Carry::Local), sgd);
    let names: Vec<String> = without.engine().traces().names().map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "traces.layers.0.W") && !names.iter().any(|name| name == "traces.layers.0.H"));
}

/// Errors pass through a frozen layer to those below, which learn as they would.
#[test]
fn layers_below_a_frozen_one_learn_as_before() {
    let stack = |frozen: bool| {
        let builder = Network::<f64>::builder(3).seed(4).recurrent(Lstm::new(), 5).recurrent(Lstm::new(), 4);
        if frozen { builder.frozen() } else { builder }.readout(2).unwrap()
    };
    let (whole, part) = (stack(false), stack(true));
    assert_eq!(whole.parameters(), part.parameters());
    let method = Method::ostl().with_carry(Carry::Network).with_window(2);
    let audited = audit(&part, Loss::SoftmaxCrossEntropy, &method, &batch()).unwrap();
    assert!(audited.holds());
    let truth = bptt::gradient(&whole, Loss::SoftmaxCrossEntropy, &batch()).values;
    let found = learner(part, method, OptimizerSettings::sgd(0.1)).gradient(&batch()).unwrap().1.to_vec();
    for block in whole.blocks() {
        let (found, truth) = (&found[block.range()], &truth[block.range()]);
        let size = truth.iter().map(|g| g * g).sum::<f64>().sqrt();
        let error = found.iter().zip(truth).map(|(f, t)| (f - t) * (f - t)).sum::<f64>().sqrt() / size;
        assert!(size > 1e-4 && if block.layer == 1 { error == 1.0 } else { error < 1e-12 }, "{block:?}: {error}");
    }
}

/// Several updates against the rule by hand, one parameter at a time, with clipping over what is not frozen and decay in the same proportion.
#[test]
fn every_block_moves_at_its_rate() {
    let scale = |layer: usize, name: &str| match (layer, name) {
        (0, "W") => 0.0,
        (0, "H") => 0.5,
        (1, "b") => 10.0,
        _ => 1.0,
    };
    let (eta, limit, decay) = (0.01, 0.3, 0.1);
    let network = with_rates(&lstm(|builder| builder), scale);
    for rule in [
        Rule::Sgd,
        Rule::Momentum { momentum: 0.8 },
        Rule::AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: decay },
    ] {
        let mut learner = learner(network.clone(), Method::bptt(), OptimizerSettings::new(rule, eta).clipped(limit));
        let mut by_hand = network.clone();
        let mut kept = vec![[0.0; 2]; network.parameters().len()];
        let mut clipped = 0;
        for update in 1..=6 {
            learner.learn_batch(&batch()).unwrap();
            let mut gradient = bptt::gradient(&by_hand, Loss::SoftmaxCrossEntropy, &batch()).values;
            gradient.iter_mut().for_each(|g| *g /= 15.0);
            let learns = |block: &&ostl_core::Block| scale(block.layer, block.name) > 0.0;
            let squares = network.blocks().iter().filter(learns).flat_map(|block| &gradient[block.range()]);
            let norm = squares.map(|g| g * g).sum::<f64>().sqrt();
            clipped += usize::from(norm > limit);
            let shrink = (limit / norm).min(1.0);
            for block in network.blocks() {
                let eta = eta * scale(block.layer, block.name);
                for place in block.range() {
                    let (w, [m, v]) = (&mut by_hand.parameters_mut()[place], &mut kept[place]);
                    let g = shrink * gradient[place];
                    match rule {
                        Rule::Sgd => *w -= eta * g,
                        Rule::Momentum { momentum } => {
                            *m = momentum * *m + g;
                            *w -= eta * *m;
                        }
                        _ => {
                            (*m, *v) = (0.9 * *m + 0.1 * g, 0.99 * *v + 0.01 * g * g);
                            let (mean, square) = (*m / (1.0 - 0.9_f64.powi(update)), *v / (1.0 - 0.99_f64.powi(update)));
                            *w -= eta * (decay * *w + mean / (square.sqrt() + 1e-8));
                        }
                    }
                }
            }
        }
        assert!(clipped > 0, "nothing was clipped");
        for block in network.blocks() {
            let [now, hand, before] =
                [learner.network(), &by_hand, &network].map(|network| &network.parameters()[block.range()]);
            let worst = now.iter().zip(hand).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-13, "{rule:?} {block:?}: {worst}");
            assert_eq!(now == before, scale(block.layer, block.name) == 0.0, "{rule:?} {block:?}");
        }
    }
}

/// A step overshoots in one block alone: nothing moves in any.
#[test]
fn an_update_that_one_rate_makes_too_large_is_not_made_at_all() {
    let network = with_rates(&lstm(|builder| builder), |layer, _| if layer == 1 { 1e6 } else { 1.0 });
    let mut learner = learner(network.clone(), Method::bptt(), OptimizerSettings::sgd(1e307));
    let error = learner.learn_batch(&batch()).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
    assert_eq!(learner.network().parameters(), network.parameters());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refusal = |builder: NetworkBuilder<f64>| builder.readout(2).unwrap_err().to_string();
    let layer = || Network::builder(3).recurrent(Lstm::new(), 5);
    for scale in [-1.0, f64::NAN, f64::INFINITY, 1e-7, 1e7] {
        let words = refusal(layer().learning_rate_scale(scale));
        assert!(words.contains("learning rate scale of layer 0") && words.contains("1e-6 to 1e6"), "{words}");
    }
    let words = refusal(layer().frozen_block("theta"));
    assert!(words.contains("theta") && words.contains("W, H, b"), "{words}");
    let tied =
        || Network::<f64>::builder(4).embedding(5).frozen().recurrent(Lstm::new(), 5).dense(4, Activation::Identity).tied();
    let words = tied().finish().unwrap_err().to_string();
    assert!(words.contains("the embedding's factor is 0, the readout's 1"), "{words}");
    assert!(tied().frozen_block("W").finish().is_ok());
}

/// A learner that is saved in mid-window goes on with the same bits, and one whose rates differ does not take the file.
#[test]
fn rates_are_part_of_what_is_saved() {
    let build = |scale: f64| lstm(|builder| builder.learning_rate_scale(scale).frozen_block("H"));
    let method = Method::ostl().with_window(3);
    let new = |scale| learner(build(scale), method, OptimizerSettings::adam(0.01));
    let step = |learner: &mut Learner<f64>, step: usize| {
        let x = [0.1, -0.3, 0.7, 0.2, 0.9, -0.5].map(|x| x * (step as f64).sin());
        let outputs: Vec<f64> = learner.predict(&x).unwrap().iter().copied().collect();
        learner.learn(&[Some(Target::Class(step % 2)), None]).unwrap();
        outputs
    };
    let mut first = new(0.5);
    (0..11).for_each(|at| drop(step(&mut first, at)));
    let mut second = new(0.5);
    second.restore(first.save()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learner.ckpt");
    checkpoint::write(&path, &first.save()).unwrap();
    let mut third = load::<f64>(&path).unwrap();
    let refused = new(0.25).restore(first.save()).unwrap_err().to_string();
    assert!(refused.contains("learning rates of layer 0"), "{refused}");
    for at in 11..30 {
        let outputs = step(&mut first, at);
        assert!(step(&mut second, at) == outputs && step(&mut third, at) == outputs, "step {at}");
    }
    assert_eq!(first.network().block(0, "H"), build(0.5).block(0, "H"));
}

/// s_t = d_i s_{t-1} + a_t, y = tanh s, with a decay for each unit that is given.
#[derive(Clone, Copy)]
struct ManyDecays {
    learned: bool,
}

impl Cell<1, 2> for ManyDecays {
    fn name(&self) -> &'static str {
        "many-decays"
    }
    fn gates(&self) -> [Gate; 2] {
        let decay = if self.learned { Gate::constant("decay") } else { Gate::fixed("decay") };
        [Gate::new("current", true), decay]
    }
    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        if gate == 1 { (1 + unit) as f64 / (1 + units) as f64 } else { 0.0 }
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a, d]: [T; 2]) -> Unit<T, 1> {
        let s = d * previous.s[0] + a;
        Unit { s: [s], y: s.tanh() }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, [a, d]: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let unit = self.step(previous, [a, d]);
        let ds_da = [[T::one(), if self.learned { previous.s[0] } else { T::zero() }]];
        (unit, Partials { ds_ds: [[d]], ds_da, dy_ds: [T::one() - unit.y * unit.y], ..Partials::zero() })
    }
}

/// Values that a cell says are fixed are parameters that never move, and the others' gradient is that of the cell that learns them.
#[test]
fn fixed_gates_are_frozen_from_the_start() {
    for learned in [true, false] {
        let check = check_cell(ManyDecays { learned }, 100, 1);
        assert!(check.worst() < 1e-8, "{check}");
    }
    let build = |learned| Network::<f64>::builder(3).seed(2).recurrent(ManyDecays { learned }, 4);
    let (fixed, free) = (build(false).readout(2).unwrap(), build(true).readout(2).unwrap());
    assert_eq!(fixed.block(0, "decay").iter().copied().collect::<Vec<_>>(), [0.2, 0.4, 0.6, 0.8]);
    assert_eq!(fixed.learning_rate_scale(0, "decay"), 0.0);
    for carry in [Carry::Local, Carry::Layer, Carry::Snap(2), Carry::Network] {
        for window in [1, 2, 3, 7] {
            let method = Method::bptt().with_carry(carry).with_window(window);
            let found = |network: &Network<f64>| {
                learner(network.clone(), method, OptimizerSettings::sgd(0.1)).gradient(&batch()).unwrap().1.to_vec()
            };
            let (of_fixed, of_free) = (found(&fixed), found(&free));
            for block in fixed.blocks() {
                let (a, b) = (&of_fixed[block.range()], &of_free[block.range()]);
                let is_same = a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
                assert!(if block.name == "decay" { a.iter().all(|g| *g == 0.0) && !is_same } else { is_same }, "{block:?}");
            }
        }
    }
    let whole = Method::ostl().with_carry(Carry::Layer).with_window(2);
    assert!(audit(&fixed, Loss::SoftmaxCrossEntropy, &whole, &batch()).unwrap().holds());
    let mut learner = learner(fixed.clone(), whole, OptimizerSettings::adam_w(0.1, 0.1));
    for _ in 0..5 {
        learner.learn_batch(&batch()).unwrap();
    }
    assert_eq!(learner.network().block(0, "decay"), fixed.block(0, "decay"));
    assert_ne!(learner.network().block(0, "W"), fixed.block(0, "W"));
    // A scale of the whole layer does not concern it, and one of its own is refused.
    assert_eq!(build(false).learning_rate_scale(2.0).readout(2).unwrap().learning_rate_scale(0, "decay"), 0.0);
    let refused = build(false).block_learning_rate_scale("decay", 1.0).readout(2).unwrap_err().to_string();
    assert!(refused.contains("fixed"), "{refused}");
}
