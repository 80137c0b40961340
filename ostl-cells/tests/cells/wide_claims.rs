//! Every carry on random networks of every size, in every way of handing steps over: what is claimed exact is, and what is claimed approximate
//! differs somewhere.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, claims};
use ostl_core::{Carry, Edge, Feedback, Learner, Method, Network, OptimizerSettings, SequenceBatch, Update, Window, bptt};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};

use crate::frozen::with_some_frozen;
use crate::persistence::config;
use crate::stacks::block_of;
use crate::wide::{Reads, Wide, WideLayer, any_stack};

/// Where this is written: seeds of cases that failed are kept under its name.
pub(crate) const SOURCE: &str = file!();

const CARRIES: [Carry; 12] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Snap(2),
    Carry::Snap(3),
    Carry::Snap(50),
    Carry::Uoro(1),
    Carry::KfRtrl,
    Carry::Presynaptic,
    Carry::Postsynaptic,
];

/// Multiply–adds that a carry may take in one case.
const MOST_PRODUCTS: f64 = 1e9;

/// How steps are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// A batch whose gradient is asked for.
    Gradient,
    /// A batch that is learned from: what its weights move by.
    Batch,
    /// Step by step.
    Steps,
}

/// A random network, how it is learned from, and by which methods.
#[derive(Clone, Debug)]
struct Case {
    wide: Wide,
    window: usize,
    way: Way,
    edge: Edge,
    feedback: Feedback,
    /// Streams that the learner has room for beyond those of the batch.
    spare: usize,
    /// The window is the whole sequence, however long.
    is_endless: bool,
    /// The gradient is found again with blocks frozen that follow from this seed.
    frozen: Option<u64>,
}

fn any_case(cells: Vec<CellConfig>) -> impl Strategy<Value = Case> {
    let way = prop::sample::select(vec![Way::Gradient, Way::Batch, Way::Steps]);
    let edge = prop_oneof![3 => Just(Edge::Heard), 1 => Just(Edge::Cut)];
    let feedback = prop_oneof![
        6 => Just(Feedback::Symmetric),
        2 => Just(Feedback::Random),
        1 => Just(Feedback::Direct),
        1 => Just(Feedback::TargetProjection),
    ];
    let window = prop::sample::select(vec![1_usize, 2, 3, 7, 0]);
    // What is drawn last may be added to without changing what the kept seeds stand for.
    let all = (
        any_stack(cells),
        window,
        way,
        edge,
        feedback,
        0..3_usize,
        any::<bool>(),
        prop::option::weighted(0.3, any::<u64>()),
    );
    all.prop_map(|(mut wide, window, way, edge, feedback, spare, is_endless, frozen)| {
        let longest = *wide.lengths.iter().max().unwrap();
        if way == Way::Steps {
            // Streams that are predicted side by side end together.
            wide.lengths.fill(longest);
        }
        let spare = if way == Way::Steps { 0 } else { spare };
        let (window, is_endless) = if window == 0 { (longest, is_endless) } else { (window, false) };
        Case { wide, window, way, edge, feedback, spare, is_endless, frozen }
    })
}

impl Case {
    fn changes_weights_every_window(&self) -> bool {
        self.way == Way::Gradient && self.wide.seed.is_multiple_of(2)
    }
}

/// The gradient that a learner finds, as far as it shows.
fn found(
    case: &Case,
    network: &Network<f64>,
    batch: &SequenceBatch<f64>,
    method: Method,
) -> Result<Vec<f64>, TestCaseError> {
    let fail = |error: ostl_core::LearnError| TestCaseError::fail(format!("{method:?}: {error}"));
    let streams = batch.streams() + case.spare;
    // One plain step of rate 1 is the mean gradient.
    let mut learner = Learner::new(network.clone(), case.wide.loss, method, OptimizerSettings::sgd(1.0), streams)
        .map_err(|error| TestCaseError::fail(format!("{method:?}: {error}")))?;
    match case.way {
        Way::Gradient => return Ok(learner.gradient(batch).map_err(fail)?.1.to_vec()),
        Way::Batch => drop(learner.learn_batch(batch).map_err(fail)?),
        Way::Steps => {
            for step in 0..batch.steps() {
                (0..streams).filter(|&stream| batch.is_reset(stream, step)).for_each(|stream| learner.reset(stream));
                let inputs: Vec<f64> = (0..streams).flat_map(|stream| batch.input_values(stream, step)).collect();
                learner.predict(&inputs).map_err(fail)?;
                let targets: Vec<_> = (0..streams).map(|stream| batch.target(stream, step)).collect();
                learner.learn(&targets).map_err(fail)?;
            }
            learner.finish().map_err(fail)?;
        }
    }
    let moved = network.parameters().iter().zip(learner.network().parameters());
    Ok(moved.map(|(before, after)| (before - after) * batch.target_count() as f64).collect())
}

fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// About the multiply–adds that a carry takes at all its windows.
fn products(case: &Case, network: &Network<f64>, carry: Carry) -> f64 {
    let windows = case.wide.lengths.iter().map(|length| length / case.window).sum::<usize>() as f64;
    let (mut variables, mut parameters, mut products) = (0.0, 0.0, 0.0_f64);
    for (layer, blocks) in network.blocks().chunk_by(|a, b| a.layer == b.layer).enumerate() {
        parameters += blocks.iter().map(|block| block.range().len() as f64).sum::<f64>();
        let units = network.blocks().iter().find(|block| block.layer == layer + 1).map_or(case.wide.outputs, |w| w.columns);
        // At the most three variables a unit.
        variables += 3.0 * units as f64;
        products = if carry == Carry::Network { 0.0 } else { products } + variables * variables * parameters * windows;
        if carry != Carry::Network {
            (variables, parameters) = (0.0, 0.0);
        }
    }
    match carry {
        Carry::Layer | Carry::Network | Carry::Snap(_) => products,
        _ => 0.0,
    }
}

/// What the cases held, to be looked at when all have passed.
#[derive(Debug, Default)]
struct Tally {
    /// For each carry: blocks found exact as claimed; claimed approximate where a window ends within a sequence; and of these those that differ.
    carries: BTreeMap<String, [usize; 3]>,
    /// How often each kind of case came up.
    kinds: BTreeMap<&'static str, usize>,
    /// Layers of spiking units, and those of them in which some spike and not always all.
    spiking: [usize; 2],
}

impl Tally {
    fn count(&mut self, case: &Case) {
        let wide = &case.wide;
        let cells = || {
            wide.layers.iter().filter_map(|layer| match layer {
                WideLayer::Cell(cell, units, density) => Some((cell, *units, *density)),
                WideLayer::Dense(..) => None,
            })
        };
        let kinds = [
            ("more than a tile of units", cells().any(|(_, units, _)| units > 16)),
            ("more than two tiles", cells().any(|(_, units, _)| units > 32)),
            ("more than a lane of streams", wide.lengths.len() > 4),
            ("more than two lanes", wide.lengths.len() > 16),
            ("tiles and lanes", wide.lengths.len() > 4 && cells().any(|(_, units, _)| units > 16)),
            ("events", wide.reads == Reads::Events),
            ("words", matches!(wide.reads, Reads::Words(_))),
            ("a sparse matrix", wide.reads == Reads::Matrix(15)),
            ("tied", wide.tied),
            ("a sparse H", cells().any(|(cell, _, density)| density < 1.0 && cell.is_recurrent())),
            ("activity", wide.is_active),
            ("dropout", wide.drops),
            ("a readout with a memory", wide.readout.is_some()),
            ("ragged", wide.lengths.iter().any(|&length| length != wide.lengths[0])),
            ("resets", wide.resets > 0),
            ("several layers", cells().count() > 1),
            ("spikes", cells().any(|(cell, ..)| cell.is_spiking())),
            ("fixed feedback", case.feedback != Feedback::Symmetric),
            ("a cut edge", case.edge == Edge::Cut),
            ("a gradient", case.way == Way::Gradient),
            ("a gradient by weights in place", case.changes_weights_every_window() && case.window < 3),
            ("a batch", case.way == Way::Batch),
            ("step by step", case.way == Way::Steps),
            ("frozen blocks", case.frozen.is_some()),
            ("windows without end", case.is_endless),
            ("windows without end, step by step", case.is_endless && case.way == Way::Steps),
            ("step by step, lists", case.way == Way::Steps && !matches!(wide.reads, Reads::Matrix(_))),
        ];
        for (kind, is_so) in kinds {
            *self.kinds.entry(kind).or_default() += usize::from(is_so);
        }
    }

    fn count_spikes(&mut self, case: &Case, network: &Network<f64>, batch: &SequenceBatch<f64>) {
        let first = usize::from(matches!(case.wide.reads, Reads::Words(_)));
        let outputs: Vec<_> = (0..batch.streams()).flat_map(|stream| bptt::layer_outputs(network, batch, stream)).collect();
        for (index, layer) in case.wide.layers.iter().enumerate() {
            if matches!(layer, WideLayer::Cell(cell, ..) if cell.is_spiking()) {
                let spikes: Vec<f64> = outputs.iter().flat_map(|step| step[first + index].iter().copied()).collect();
                let rate = spikes.iter().sum::<f64>() / spikes.len() as f64;
                self.spiking[0] += 1;
                self.spiking[1] += usize::from(rate > 0.02 && rate < 0.98);
            }
        }
    }
}

/// Whether what a block is told by fixed feedback is all kept, so that it has the gradient of the plain sweep with the same matrices.
fn follows_the_feedback(case: &Case, network: &Network<f64>, method: &Method, layer: usize, symmetric: Claim) -> bool {
    match method.feedback {
        Feedback::Symmetric => false,
        // As through W.
        Feedback::Random => symmetric == Claim::Exact,
        // A layer hears of the readout alone: it keeps all if it keeps what its own states hold. A readout with a memory hears more.
        _ if case.wide.readout.is_some() || case.wide.tied => false,
        _ => {
            let is_recurrent = network.blocks().iter().any(|block| block.layer == layer && block.name == "H");
            let is_stateless = network.layer_name(layer) == "readout"
                || ["tanh", "sigmoid", "identity", "relu", "embedding"].contains(&network.layer_name(layer));
            is_stateless || method.carry == Carry::Layer || method.carry == Carry::Local && !is_recurrent
        }
    }
}

/// With some blocks frozen the others' gradient is what it was, and those have none. Random carries draw anew.
fn goes_on_without_frozen_blocks(
    case: &Case,
    network: &Network<f64>,
    batch: &SequenceBatch<f64>,
    method: Method,
    (seed, whole): (u64, &[f64]),
) -> TestCaseResult {
    let frozen = with_some_frozen(network, case.wide.tied, seed);
    let part = found(case, &frozen, batch, method)?;
    let is_random = method.carry.is_random();
    for (block, claim) in frozen.blocks().iter().zip(claims(&frozen, &method)) {
        let (now, before) = (&part[block.range()], &whole[block.range()]);
        let what = format!("{} K={} {block:?} of {:?}", method.carry, case.window, frozen.plan());
        let is_frozen = frozen.learning_rate_scale(block.layer, block.name) == 0.0;
        prop_assert_eq!(claim == Claim::Frozen, is_frozen, "{}", what);
        if is_frozen {
            prop_assert!(now.iter().all(|&g| g == 0.0), "{what}");
        } else if is_random {
            prop_assert!(now.iter().all(|g| g.is_finite()), "{what}");
        } else {
            let distance = norm(now.iter().zip(before).map(|(a, b)| a - b));
            prop_assert!(distance <= 1e-12 * norm(before.iter().copied()), "{what}: {distance}");
        }
    }
    Ok(())
}

fn check(case: &Case, tally: &RefCell<Tally>) -> TestCaseResult {
    let (network, batch) = (case.wide.network(), case.wide.batch());
    let truth = bptt::gradient(&network, case.wide.loss, &batch).values;
    prop_assert!(truth.iter().all(|g| g.is_finite()));
    tally.borrow_mut().count(case);
    tally.borrow_mut().count_spikes(case, &network, &batch);
    let told = Method::bptt().with_feedback(case.feedback).with_seed(7);
    let as_told = bptt::gradient_with_feedback(&network, case.wide.loss, &batch, &told).values;
    let whole = norm(truth.iter().copied());
    for carry in CARRIES {
        let method = told.with_carry(carry).with_window(case.window).with_edge(case.edge);
        let method = Method { block: block_of(case.wide.seed / 2, case.window), ..method };
        let method = if case.is_endless { Method { window: Window::Sequence, ..method } } else { method };
        // A gradient that is asked for is the same whenever weights would change; short windows then take them where they lie.
        let method = if case.changes_weights_every_window() { Method { update: Update::Window, ..method } } else { method };
        if method.validate_for(&network).is_err() || products(case, &network, carry) > MOST_PRODUCTS {
            continue;
        }
        let found = found(case, &network, &batch, method)?;
        if let Some(seed) = case.frozen {
            goes_on_without_frozen_blocks(case, &network, &batch, method, (seed, &found))?;
        }
        let symmetric = claims(&network, &method.with_feedback(Feedback::Symmetric));
        for ((block, claim), symmetric) in network.blocks().iter().zip(claims(&network, &method)).zip(symmetric) {
            let (f, t) = (&found[block.range()], &truth[block.range()]);
            let distance = |truth: &[f64]| norm(f.iter().zip(truth).map(|(f, t)| f - t));
            let size = norm(t.iter().copied()).max(1e-6 * whole);
            // Where the gradient is seen in the weights it is rounded as they are.
            let rounding = match case.way {
                Way::Gradient => 0.0,
                _ => 1e-15 * batch.target_count() as f64 * norm(network.parameters()[block.range()].iter().copied()),
            };
            let what = format!("{carry} K={} {block:?}: {} of {size}", case.window, distance(t));
            prop_assert!(f.iter().all(|f| f.is_finite()), "{what}");
            // One window over everything is BPTT whatever the carry and the claim.
            let is_whole = case.wide.lengths.iter().all(|&length| length <= case.window);
            if claim == Claim::Exact || is_whole && case.feedback == Feedback::Symmetric {
                prop_assert!(distance(t) <= 1e-10 * size + rounding, "{what}");
            }
            if is_whole || follows_the_feedback(case, &network, &method, block.layer, symmetric) {
                let a = &as_told[block.range()];
                let size = norm(a.iter().copied()).max(1e-6 * norm(as_told.iter().copied()));
                prop_assert!(
                    distance(a) <= 1e-10 * size + rounding,
                    "as told by {:?}, {what}, {}",
                    case.feedback,
                    distance(a)
                );
            }
            let mut tally = tally.borrow_mut();
            let counts = tally.carries.entry(carry.to_string()).or_default();
            if claim == Claim::Exact {
                counts[0] += 1;
            } else if !is_whole && case.feedback == Feedback::Symmetric {
                counts[1] += 1;
                counts[2] += usize::from(distance(t) > 1e-6 * size + rounding);
            }
        }
    }
    Ok(())
}

#[test]
fn claims_hold_whatever_the_size_and_the_way() {
    let cells = CellConfig::every().into_iter().map(|(_, cell)| cell).collect();
    let tally = RefCell::new(Tally::default());
    let config = config(1200, SOURCE);
    let cases = config.cases as usize;
    let mut runner = TestRunner::new(config);
    runner.run(&any_case(cells), |case| check(&case, &tally)).unwrap_or_else(|error| panic!("{error}"));
    let tally = tally.into_inner();
    println!("{tally:?}");
    if cases < 300 {
        // Too few to hold some of everything.
        return;
    }
    for (kind, count) in &tally.kinds {
        assert!(*count >= cases / 100, "only {count} cases of {kind}");
    }
    let [layers, spiking] = tally.spiking;
    assert!(layers > cases / 5 && 2 * spiking > layers, "{spiking} of {layers} layers of spiking units spike");
    for carry in CARRIES {
        let [exact, approximate, different] = tally.carries[&carry.to_string()];
        assert!(exact > cases / 12, "{carry}: {exact} blocks claimed exact");
        // Were it exact after all, the claim would be idle, and a carry that keeps too little could hide behind it.
        let is_exact = carry == Carry::Network;
        assert!(
            is_exact == (approximate == 0) && 2 * different >= approximate,
            "{carry}: {different} of {approximate} differ"
        );
    }
}
