//! Checkpoints with a right checksum and wrong contents: thousands of changed payloads are read, restored and then used, without a panic.

#[path = "cells/stacks.rs"]
mod stacks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ostl_cells::CellConfig;
use ostl_core::checkpoint::{self, CheckpointError};
use ostl_core::{
    Activation, Activity, Carry, Learner, LearnerState, Loss, Method, Network, NetworkBuilder, OptimizerSettings, RateTerm,
    SequenceBatch, Target, TargetKind, TraceFormat, Update, Window,
};

use stacks::Random;

const OUTPUTS: usize = 3;
const INPUTS: usize = 4;

fn cell(name: &str, builder: NetworkBuilder<f32>, units: usize) -> NetworkBuilder<f32> {
    let (_, config) = CellConfig::every().into_iter().find(|(of, _)| of == name).unwrap();
    config.add_to(builder, units).unwrap()
}

/// Learners in mid-stream, each with buffers of its own kind.
fn learners() -> Vec<Learner<f32>> {
    let lstm = || cell("lstm", Network::builder(INPUTS).seed(2), 3).readout(OUTPUTS).unwrap();
    let spiking = || cell("lif-unreset-without-h", Network::builder(INPUTS).seed(2), 5);
    let rate = RateTerm { target: 0.1, weight: 0.1, decay: 0.9 };
    let busy = cell("snu-tanh", Network::builder(INPUTS).dense(4, Activation::Relu).dropout(0.2), 5).density(0.5);
    let busy = busy.activity(Activity { rate: Some(rate), voltage: None });
    let leaky = cell("li", busy, OUTPUTS).finish().unwrap();
    let words = || cell("gru", Network::builder(INPUTS).embedding(3), 3);
    let base = Method::ostl().with_window(2);
    let mut made = Vec::new();
    let mut add = |network: Network<f32>, method: Method, streams: usize| {
        let optimizer = OptimizerSettings::adam(0.01);
        made.push(Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, streams).unwrap());
    };
    for carry in [Carry::Layer, Carry::Network, Carry::Snap(1), Carry::Snap(2), Carry::KfRtrl, Carry::Uoro] {
        add(lstm(), base.with_carry(carry), 2);
    }
    let local = base.with_carry(Carry::Local);
    add(lstm(), local.with_update(Update::Sequence), 5);
    add(lstm(), local.with_trace(TraceFormat::Bf16), 1);
    add(spiking().readout(OUTPUTS).unwrap(), local.with_update(Update::Sequence), 2);
    add(spiking().readout(OUTPUTS).unwrap(), base.with_carry(Carry::Presynaptic), 2);
    add(cell("lif-unreset", spiking(), 3).readout(OUTPUTS).unwrap(), base.with_carry(Carry::Postsynaptic), 2);
    add(leaky, local.with_update(Update::Sequence), 3);
    add(words().readout(OUTPUTS).unwrap(), local, 2);
    add(words().tied().readout(INPUTS).unwrap(), base.with_carry(Carry::None), 2);
    add(lstm(), Method { window: Window::Rolling(2), ..base.with_carry(Carry::None) }, 2);
    add(lstm(), Method::bptt(), 2);
    made
}

/// Some steps, so that windows are open, traces are full and events are listed.
fn go_on(learner: &mut Learner<f32>, steps: usize, random: &mut Random) -> bool {
    for _ in 0..steps {
        let count = learner.network().inputs() * learner.streams();
        let inputs: Vec<f32> = (0..count).map(|_| if random.below(3) > 0 { 0.0 } else { random.uniform() as f32 }).collect();
        if learner.predict(&inputs).is_err() {
            return false;
        }
        let targets: Vec<_> =
            (0..learner.streams()).map(|b| (b != 1).then_some(Target::Class(random.below(OUTPUTS)))).collect();
        if learner.learn(&targets).is_err() {
            return false;
        }
    }
    true
}

/// Everything that a learner is asked for.
fn use_up(learner: &mut Learner<f32>, random: &mut Random) {
    let (inputs, outputs) = (learner.network().inputs(), learner.network().outputs());
    let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &vec![3; learner.streams()]);
    batch.input_mut(0, 1)[0] = 1.0;
    batch.set_class(0, 2, 1);
    // What was in hand may break at once, or be gone on with.
    let _ = learner.learn(&vec![Some(Target::Class(0)); learner.streams()]);
    go_on(learner, 3, random);
    let _ = learner.learn_next(&batch);
    let _ = learner.save();
    learner.reset(0);
    go_on(learner, 2, random);
    let _ = learner.finish();
    let _ = learner.learn_batch(&batch);
    let _ = learner.evaluate_batch(&batch);
    go_on(learner, 1, random);
    let _ = learner.save();
}

/// Where a list of numbers ends whose length this byte is, if it looks like one.
fn end_of_list(bytes: &[u8], at: usize) -> Option<usize> {
    let length = usize::from(bytes[at]);
    let values = bytes.get(at + 1..at + 1 + 4 * length).filter(|_| (2..127).contains(&length))?;
    let (values, _) = values.as_chunks();
    let looks_like_one = |value: &[u8; 4]| {
        let value = f32::from_le_bytes(*value).abs();
        value == 0.0 || (1e-6..1e4).contains(&value)
    };
    values.iter().all(looks_like_one).then_some(at + 1 + 4 * length)
}

/// Changes a few bytes: one bit, one byte, a run taken out or put in, a length beyond all files, what is no number, or a list that is one
/// value shorter or longer and otherwise whole.
fn mutate(payload: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = payload.to_vec();
    for _ in 0..1 + random.below(2) {
        let at = random.below(bytes.len());
        match random.below(12) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 1, 2, 0x7f, 0x80, 0xff][random.below(6)],
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => drop(bytes.drain(at..(at + 1 + random.below(8)).min(bytes.len()))),
            5 => drop(bytes.splice(at..at, vec![random.next() as u8; 1 + random.below(8)])),
            6 => drop(bytes.splice(at..at, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40])),
            kind @ 7..=10 => {
                let Some((at, end)) = (at..bytes.len()).find_map(|at| Some((at, end_of_list(&bytes, at)?))) else {
                    continue;
                };
                if kind % 2 == 0 {
                    bytes[at] -= 1;
                    drop(bytes.drain(end - 4..end));
                } else {
                    bytes[at] += 1;
                    drop(bytes.splice(end..end, [0; 4]));
                }
            }
            _ => {
                let broken = [f32::NAN, f32::INFINITY, f32::MAX, -f32::MAX][random.below(4)].to_le_bytes();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&broken[..end - at]);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[test]
fn changed_payloads_are_refused_or_used_without_a_panic() {
    const MUTANTS: usize = 2000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    let (mut unread, mut refused, mut used) = (0, 0, 0);
    for (number, mut learner) in learners().into_iter().enumerate() {
        let description = learner.network().description();
        let mut random = Random(number as u64);
        assert!(go_on(&mut learner, 7, &mut random));
        checkpoint::write(&path, &description, &learner.save()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let payload = checkpoint::payload_of(&whole, &path, &description).unwrap();
        // Unchanged it is taken, whatever the learner did since, and goes on to the same.
        let other = checkpoint::decode::<LearnerState<f32>>(&whole, &path, &description).unwrap();
        let mut straight = Random(99);
        assert!(go_on(&mut learner, 2, &mut straight));
        let expected = learner.network().parameters().to_vec();
        learner.restore(other).unwrap_or_else(|error| panic!("learner {number}: {error}"));
        assert!(go_on(&mut learner, 2, &mut Random(99)));
        assert_eq!(learner.network().parameters(), expected, "learner {number}");
        for mutant in 0..MUTANTS {
            let seed = (number * MUTANTS + mutant) as u64;
            let mut random = Random(seed ^ 0xFACE);
            let bytes = checkpoint::assemble(&description, &mutate(payload, &mut random));
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let state = match checkpoint::decode::<LearnerState<f32>>(&bytes, Path::new("mutant"), &description) {
                    Ok(state) => state,
                    Err(error) => {
                        assert!(matches!(error, CheckpointError::Content { .. } | CheckpointError::NotFinite { .. }));
                        return 0;
                    }
                };
                if learner.restore(state).is_err() {
                    return 1;
                }
                use_up(&mut learner, &mut random);
                2
            }));
            match outcome {
                Ok(0) => unread += 1,
                Ok(1) => refused += 1,
                Ok(_) => used += 1,
                Err(_) => panic!("mutant {seed} of learner {number} ({description}) panicked"),
            }
        }
    }
    // All three happen often, so that each is put to the test.
    assert!(unread > 2000 && refused > 2000 && used > 2000, "{unread} not read, {refused} refused, {used} used");
}

#[test]
fn a_planted_number_is_named_with_its_place() {
    let mut learner = learners().remove(0);
    assert!(go_on(&mut learner, 3, &mut Random(1)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    learner.network_mut().parameters_mut()[5] = f32::NAN;
    let error = checkpoint::write(&path, "n", &learner.save()).unwrap_err().to_string();
    assert!(error.contains("parameters[5] is NaN") && !path.exists(), "{error}");
}

/// Numbers that broke leave nothing behind that a checkpoint would be refused for.
#[test]
fn a_learner_that_broke_can_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    for (number, mut learner) in learners().into_iter().enumerate() {
        let description = learner.network().description();
        assert!(go_on(&mut learner, 3, &mut Random(1)));
        let sound = learner.network().parameters().to_vec();
        learner.network_mut().parameters_mut().fill(f32::MAX);
        let inputs = vec![1.0; learner.network().inputs() * learner.streams()];
        let broke = (0..4).any(|_| {
            let predicted = learner.predict(&inputs).is_err();
            predicted || learner.learn(&vec![Some(Target::Class(0)); learner.streams()]).is_err()
        });
        learner.network_mut().copy_parameters(&sound).unwrap();
        assert!(broke, "learner {number} did not break");
        assert!(go_on(&mut learner, 3, &mut Random(2)), "learner {number} does not go on");
        checkpoint::write(&path, &description, &learner.save()).unwrap_or_else(|error| panic!("learner {number}: {error}"));
    }
}
