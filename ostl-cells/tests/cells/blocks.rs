//! The influence of whole layers over many blocks of steps: sequences much longer than a block, every window, at once and put off.

use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, claims};
use ostl_core::{Activity, Carry, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Target, Update, bptt};

use crate::stacks::{LayerPlan, Plan};

fn cell(name: &str) -> CellConfig {
    CellConfig::every().into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no cell {name}")).1
}

/// Wide inputs make long blocks: of a dozen steps here, in sequences of up to 70.
fn plan(cells: &[&str], resets: u32) -> Plan {
    Plan {
        inputs: 60,
        layers: cells.iter().map(|name| LayerPlan::Cell(cell(name), 12)).collect(),
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![70, 41, 70, 9, 1],
        targets: 70,
        resets,
        active: 30,
        seed: 5,
    }
}

fn learner(network: &Network<f64>, method: Method, streams: usize) -> Learner<f64> {
    Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(0.01), streams).unwrap()
}

fn method(carry: Carry, window: usize, update: Update) -> Method {
    Method::bptt().with_carry(carry).with_window(window).with_update(update)
}

/// The largest relative error of a block that is claimed exact.
fn worst(network: &Network<f64>, method: Method, found: &[f64], truth: &[f64]) -> f64 {
    let blocks = network.blocks().iter().zip(claims(network, &method)).filter(|(_, claim)| *claim == Claim::Exact);
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let errors = blocks.map(|(block, _)| {
        let (found, truth) = (&found[block.range()], &truth[block.range()]);
        norm(&mut found.iter().zip(truth).map(|(f, t)| f - t)) / norm(&mut truth.iter().copied())
    });
    errors.fold(0.0, f64::max)
}

#[test]
fn whole_influences_are_those_of_bptt_over_many_blocks() {
    for (cells, readout) in [
        (["rnn"].as_slice(), None),
        (&["lstm"], None),
        (&["gru"], Some("li")),
        (&["lif-soft"], Some("li-learnable-decay")),
        (&["ssnu-learnable-decay"], None),
        (&["lstm", "rnn"], None),
        (&["ssnu", "lif"], Some("li")),
    ] {
        for resets in [0, 5] {
            let plan = plan(cells, resets);
            let (network, batch) = (plan.network_with(readout.map(cell), Activity::default()), plan.batch());
            let truth = bptt::gradient(&network, Loss::SoftmaxCrossEntropy, &batch).values;
            for carry in [Carry::Layer, Carry::Network] {
                for (window, update) in [1, 2, 3, 7].into_iter().flat_map(|k| [(k, Update::Window), (k, Update::Sequence)]) {
                    let method = method(carry, window, update);
                    let found = learner(&network, method, batch.streams()).gradient(&batch).unwrap().1.to_vec();
                    let error = worst(&network, method, &found, &truth);
                    assert!(error < 1e-10, "{network:?} {carry} K={window} {update:?}, resets {resets}: {error}");
                }
            }
        }
    }
}

/// Saved anywhere within a block and restored, a learner goes on with the same bits, and learns what the one does that puts nothing off.
#[test]
fn a_stop_within_a_block_changes_no_bit() {
    for (cells, carry) in [(["lstm"].as_slice(), Carry::Layer), (&["ssnu", "rnn"], Carry::Network)] {
        let plan = plan(cells, 0);
        let network = plan.network_with(None, Activity::default());
        let batch: SequenceBatch<f64> = Plan { lengths: vec![70; 2], targets: 100, resets: 4, ..plan }.batch();
        for update in [Update::Window, Update::Sequence] {
            let new = || learner(&network, method(carry, 1, update), 2);
            let step = |learner: &mut Learner<f64>, step: usize| {
                (0..2).filter(|&stream| batch.is_reset(stream, step)).for_each(|stream| learner.reset(stream));
                let inputs: Vec<f64> = (0..2).flat_map(|stream| batch.input_values(stream, step)).collect();
                let outputs: Vec<f64> = learner.predict(&inputs).unwrap().iter().copied().collect();
                let targets: Vec<Option<Target<'_, f64>>> = (0..2).map(|stream| batch.target(stream, step)).collect();
                learner.learn(&targets).unwrap();
                outputs
            };
            let (mut one, mut other) = (new(), new());
            for at in 0..70 {
                if [5, 11, 26, 27, 50].contains(&at) {
                    let saved = other.save();
                    other = new();
                    other.restore(saved).unwrap();
                }
                assert_eq!(step(&mut one, at), step(&mut other, at), "step {at}");
                // What is shown of the traces is theirs at the last window's end.
                assert!(one.engine().traces() == other.engine().traces(), "step {at}");
            }
            one.finish().unwrap();
            other.finish().unwrap();
            assert_eq!(one.network().parameters(), other.network().parameters());
            assert_ne!(one.network().parameters(), network.parameters());
        }
    }
}

/// Damaged entries of a block are refused by name.
#[test]
fn a_block_that_does_not_fit_is_refused() {
    let plan = plan(&["rnn"], 0);
    let network = plan.network_with(None, Activity::default());
    let new = || learner(&network, method(Carry::Layer, 1, Update::Window), 1);
    let mut first = new();
    for step in 0..4 {
        first.predict(&vec![f64::from(step) / 10.0; 60]).unwrap();
        first.learn(&[Some(Target::Class(1))]).unwrap();
    }
    for damage in [9_u32, 2, 0] {
        let mut record = first.save();
        let name = "block.0.layers.0.windows";
        record.values_mut::<u32>(name).unwrap_or_else(|| panic!("no {name}"))[0] = damage;
        let refused = new().restore(record).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains("windows of 1 to 1 steps"), "{refused}");
    }
    // A block that is full is moved on at once: none is ever saved, and one window more would be out of place.
    let refusal = |count: usize| {
        let mut record = first.save();
        record.put("block.0.layers.0.windows", &[count], vec![1_u32; count]);
        new().restore(record).unwrap_err().to_string()
    };
    let words = refusal(1000);
    let full = words.split("fewer than ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    let full: usize = full.unwrap_or_else(|| panic!("{words}"));
    assert!(full > 4 && refusal(full).contains("fewer than") && !refusal(full - 1).contains("fewer than"));
}
