//! Truncated BPTT that looks back from every step, against plain loops: one sweep a step, and nothing shared with the engine.

use crate::persistence::config;
use crate::stacks::{LayerPlan, Plan, Random, any_plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Activation, Feedback, Learner, Loss, Method, OptimizerSettings, SequenceBatch, TargetKind, Update, bptt, checkpoint,
};
use proptest::prelude::*;

/// Rounding, and nothing else.
const EQUAL: f64 = 1e-10;

fn cell(name: &str) -> CellConfig {
    let found = CellConfig::every().into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no cell {name}")).1
}

fn plan(lengths: Vec<usize>, resets: u32) -> Plan {
    Plan {
        inputs: 3,
        layers: vec![
            LayerPlan::Cell(cell("lstm"), 4),
            LayerPlan::Dense(Activation::Tanh, 3),
            LayerPlan::Cell(cell("snu-tanh"), 5),
        ],
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths,
        targets: 60,
        resets,
        active: 100,
        seed: 5,
    }
}

fn learner(plan: &Plan, method: Method) -> Learner<f64> {
    Learner::new(plan.network(), plan.loss, method, OptimizerSettings::adam(0.01), plan.lengths.len()).unwrap()
}

fn gradient(plan: &Plan, method: Method) -> Vec<f64> {
    learner(plan, method).gradient(&plan.batch()).unwrap().1.to_vec()
}

fn error(found: &[f64], truth: &[f64]) -> f64 {
    let norm = truth.iter().map(|g| g * g).sum::<f64>().sqrt();
    agreement(found, truth, 1e-6 * norm).relative_error
}

/// One step of every stream.
pub(crate) fn step(learner: &mut Learner<f64>, batch: &SequenceBatch<f64>, at: usize) {
    let mut inputs = Vec::new();
    for stream in 0..batch.streams() {
        inputs.extend_from_slice(batch.input(stream, at));
        if batch.is_reset(stream, at) {
            learner.reset(stream);
        }
    }
    learner.predict(&inputs).unwrap();
    let targets: Vec<_> = (0..batch.streams()).map(|stream| batch.target(stream, at)).collect();
    if targets.iter().any(Option::is_some) {
        learner.learn(&targets).unwrap();
    }
}

fn every_cell() -> Vec<CellConfig> {
    CellConfig::every().into_iter().map(|(_, cell)| cell).collect()
}

proptest! {
    #![proptest_config(config(300, file!()))]

    #[test]
    fn every_step_looks_back_over_so_many(
        plan in any_plan(every_cell(), false, 20),
        steps in prop::sample::select(vec![1_usize, 2, 3, 7, 20, 50]),
        feedback in prop::sample::select(vec![Feedback::Symmetric, Feedback::Random, Feedback::Direct, Feedback::TargetProjection]),
    ) {
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        let method = Method::rolling_tbptt(steps).with_seed(plan.seed).with_feedback(feedback);
        let truth = bptt::rolling_gradient(&network, plan.loss, &batch, steps, &method);
        let found = gradient(&plan, method);
        prop_assert!(error(&found, &truth.values) < EQUAL, "{}", error(&found, &truth.values));
        if steps >= batch.steps() {
            let whole = bptt::gradient_with_feedback(&network, plan.loss, &batch, &method).values;
            prop_assert!(error(&found, &whole) < EQUAL);
        }
    }
}

#[test]
fn chunks_are_something_else() {
    let plan = plan(vec![20, 19, 13], 0);
    let (network, batch) = (plan.network::<f64>(), plan.batch());
    let whole = bptt::gradient(&network, plan.loss, &batch).values;
    for steps in [2, 3, 7] {
        let rolling = gradient(&plan, Method::rolling_tbptt(steps));
        let chunked = gradient(&plan, Method::tbptt(steps));
        assert!(error(&chunked, &rolling) > 1e-3, "{steps}");
        assert!(error(&rolling, &whole) > 1e-3, "{steps}");
    }
    // Over one step there is nothing to tell them apart.
    assert!(error(&gradient(&plan, Method::tbptt(1)), &gradient(&plan, Method::rolling_tbptt(1))) < EQUAL);
}

#[test]
fn streaming_gives_the_bits_of_whole_batches() {
    for steps in [1, 3, 7, 40] {
        for update in [Update::Window, Update::Sequence] {
            for feedback in [Feedback::Symmetric, Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
                let plan = plan(vec![17; 3], 15);
                let method = Method::rolling_tbptt(steps).with_update(update).with_feedback(feedback);
                let (mut whole, mut stepwise) = (learner(&plan, method), learner(&plan, method));
                for _ in 0..3 {
                    whole.learn_batch(&plan.batch()).unwrap();
                    (0..17).for_each(|at| step(&mut stepwise, &plan.batch(), at));
                    stepwise.finish().unwrap();
                }
                assert_eq!(whole.network().parameters(), stepwise.network().parameters(), "{steps} {update:?} {feedback:?}");
                assert_ne!(whole.network().parameters(), plan.network::<f64>().parameters());
            }
        }
    }
}

/// The weights change at every step that is learned from, and at no other time.
#[test]
fn weights_change_at_once_or_at_the_end() {
    let plan = plan(vec![12; 2], 0);
    for update in [Update::Window, Update::Sequence] {
        let mut learner = learner(&plan, Method::rolling_tbptt(4).with_update(update));
        for at in 0..12 {
            let before = learner.network().parameters().to_vec();
            let learns = (0..2).any(|stream| plan.batch().has_target(stream, at));
            step(&mut learner, &plan.batch(), at);
            assert_eq!(before != learner.network().parameters(), learns && update == Update::Window, "{at}");
        }
        let before = learner.network().parameters().to_vec();
        learner.finish().unwrap();
        assert_eq!(before != learner.network().parameters(), update == Update::Sequence);
    }
}

#[test]
fn nothing_is_learned_from_a_step_or_across_a_time_while_frozen() {
    let plan = plan(vec![18; 2], 0);
    let batch = plan.batch();
    let method = Method::rolling_tbptt(5).with_update(Update::Sequence);
    let mut learner = learner(&plan, method);
    let outset = learner.network().weights();
    (0..6).for_each(|at| step(&mut learner, &batch, at));
    let before = learner.network().parameters().to_vec();
    learner.set_frozen(true).unwrap();
    (6..10).for_each(|at| step(&mut learner, &batch, at));
    learner.set_frozen(false).unwrap();
    assert_eq!(before, learner.network().parameters());
    (10..18).for_each(|at| step(&mut learner, &batch, at));
    let found = learner.save();
    // Rolling on from step 10 sees nothing before: as if it had been given only what came before and what came after.
    let mut other = self::learner(&plan, method);
    (0..6).for_each(|at| step(&mut other, &batch, at));
    other.set_frozen(true).unwrap();
    for at in 6..10 {
        let inputs: Vec<f64> = (0..2).flat_map(|stream| batch.input(stream, at).to_vec()).collect();
        other.predict(&inputs).unwrap();
    }
    other.set_frozen(false).unwrap();
    (10..18).for_each(|at| step(&mut other, &batch, at));
    learner.finish().unwrap();
    other.finish().unwrap();
    assert_eq!(learner.network().parameters(), other.network().parameters());
    assert_eq!(found.values::<f64>("layers.1.W"), outset.values::<f64>("layers.1.W"), "nothing changed before the end");
}

#[test]
fn saved_in_mid_stream_and_restored_goes_on_bit_for_bit() {
    let plan = plan(vec![30; 2], 10);
    let batch = plan.batch();
    for (steps, saved_at) in [(1, 3), (4, 2), (4, 9), (4, 17), (50, 11)] {
        for update in [Update::Window, Update::Sequence] {
            let method = Method::rolling_tbptt(steps).with_update(update);
            let mut straight = learner(&plan, method);
            (0..saved_at).for_each(|at| step(&mut straight, &batch, at));
            let folder = tempfile();
            let description = straight.network().description();
            checkpoint::write(&folder, &straight.save()).unwrap();
            let mut resumed = learner(&plan, method);
            resumed.restore(checkpoint::read_of(&folder, &description).unwrap()).unwrap();
            std::fs::remove_file(&folder).unwrap();
            for at in saved_at..30 {
                step(&mut straight, &batch, at);
                step(&mut resumed, &batch, at);
            }
            straight.finish().unwrap();
            resumed.finish().unwrap();
            assert_eq!(straight.network().parameters(), resumed.network().parameters(), "{steps} {saved_at} {update:?}");
        }
    }
}

fn tempfile() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("ostl-rolling-{}", std::process::id()))
}

#[test]
fn the_same_bits_whatever_the_number_of_threads() {
    let lengths: Vec<usize> = (0..24).map(|stream| 30 - stream).collect();
    let mut random = Random(8);
    let mut batch = SequenceBatch::<f32>::new(60, 20, TargetKind::Classes, &lengths);
    for (stream, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            batch.input_mut(stream, step).fill_with(|| random.uniform() as f32);
            if random.below(3) > 0 {
                batch.set_class(stream, step, random.below(20));
            }
        }
    }
    for name in ["lstm", "snu-tanh"] {
        let train = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let builder = cell(name).add_to(ostl_core::Network::<f32>::builder(60).seed(3), 70).unwrap();
                let network = builder.dense(33, Activation::Relu).readout(20).unwrap();
                let (loss, method) = (Loss::SoftmaxCrossEntropy, Method::rolling_tbptt(6));
                let mut learner = Learner::new(network, loss, method, OptimizerSettings::adam(0.01), 24).unwrap();
                learner.learn_batch(&batch).unwrap();
                learner.network().parameters().to_vec()
            })
        };
        let alone = train(1);
        for threads in [2, 3, 16] {
            assert!(alone == train(threads), "{name}: {threads} threads change the bits");
        }
    }
}

/// The first stream's target is good and its loss is taken before the second's is refused.
#[test]
fn a_refused_target_leaves_nothing_behind() {
    let plan = plan(vec![16; 2], 0);
    let batch = plan.batch();
    let mut careless = learner(&plan, Method::rolling_tbptt(4));
    let mut careful = learner(&plan, Method::rolling_tbptt(4));
    for at in 0..16 {
        if at % 5 == 2 {
            let inputs: Vec<f64> = (0..2).flat_map(|stream| batch.input(stream, at).to_vec()).collect();
            careless.predict(&inputs).unwrap();
            careful.predict(&inputs).unwrap();
            let targets = [Some(ostl_core::Target::Class(1)), Some(ostl_core::Target::Class(9))];
            assert!(careless.learn(&targets).is_err());
        } else {
            step(&mut careless, &batch, at);
            step(&mut careful, &batch, at);
        }
    }
    assert_eq!(careless.network().parameters(), careful.network().parameters());
}
