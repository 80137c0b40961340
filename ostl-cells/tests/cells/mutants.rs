//! Checkpoints with right checksums and wrong contents: thousands of changed records are written, read, restored and then used, without a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ostl_cells::CellConfig;
use ostl_core::checkpoint::{self, CheckpointError};
use ostl_core::{
    Activation, Activity, Carry, Learner, Loss, Method, Network, NetworkBuilder, OptimizerSettings, RateTerm, Record,
    SequenceBatch, Target, TargetKind, TraceFormat, Update, Window,
};

use crate::stacks::Random;

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
    for carry in
        [Carry::Layer, Carry::Network, Carry::Snap(1), Carry::Snap(2), Carry::KfRtrl, Carry::Uoro(1), Carry::LocalUoro(2)]
    {
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
    add(lstm(), Method { window: Window::rolling(2), ..base.with_carry(Carry::None) }, 2);
    add(lstm(), Method { window: Window::Rolling { steps: 4, every: 2 }, ..local }, 2);
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

/// Changes one array or text, or two.
fn mutate(record: &mut Record, random: &mut Random) {
    for _ in 0..1 + random.below(2) {
        let names: Vec<String> = record.names().map(str::to_owned).collect();
        let name = &names[random.below(names.len())];
        match record.kind(name).unwrap() {
            "f32" => change::<f32>(record, name, random, |value, random| match random.below(4) {
                0 => [f32::NAN, f32::INFINITY, f32::MAX, -f32::MAX, 0.0][random.below(5)],
                _ => f32::from_bits(value.to_bits() ^ 1 << random.below(32)),
            }),
            "f64" => {
                change::<f64>(record, name, random, |value, random| f64::from_bits(value.to_bits() ^ 1 << random.below(64)))
            }
            "u8" => change::<u8>(record, name, random, |value, random| value ^ 1 << random.below(8)),
            "u32" => change::<u32>(record, name, random, |value, random| value ^ 1 << random.below(32)),
            "u64" => change::<u64>(record, name, random, |value, random| value ^ 1 << random.below(64)),
            "bool" => change::<bool>(record, name, random, |value, _| !value),
            "text" => {
                let mut text = record.text(name).unwrap().to_owned();
                text.insert(random.below(text.len() + 1).min(text.len()), '7');
                record.put_text(name, text);
            }
            _ => assert!(record.remove(name)),
        }
    }
}

/// Changes a value of an array, its shape, its length or its scalar, or takes it away.
fn change<V: Copy + Default + 'static>(
    record: &mut Record,
    name: &str,
    random: &mut Random,
    value: impl Fn(V, &mut Random) -> V,
) {
    let (mut shape, mut values) = (record.shape(name).unwrap().to_vec(), record.values::<V>(name).unwrap().to_vec());
    match random.below(12) {
        0 => {
            record.remove(name);
            return;
        }
        1 => return record.put(name, &shape, vec![1.0_f64; values.len()]),
        2 => shape.push(1),
        3 => {
            values.push(V::default());
            shape = vec![values.len()];
        }
        4 => {
            values.pop();
            shape = vec![values.len()];
        }
        5 => record.put(&format!("{name}.more"), &[1], vec![V::default()]),
        _ if values.is_empty() => {}
        _ => {
            let at = random.below(values.len());
            values[at] = value(values[at], random);
        }
    }
    record.put(name, &shape, values);
}

#[test]
fn changed_records_are_refused_or_used_without_a_panic() {
    const MUTANTS: usize = 2000;
    let (mut unread, mut refused, mut used) = (0, 0, 0);
    for (number, mut learner) in learners().into_iter().enumerate() {
        let description = learner.network().description();
        let mut random = Random(number as u64);
        assert!(go_on(&mut learner, 7, &mut random));
        let whole = learner.save();
        // Unchanged it is taken, whatever the learner did since, and goes on to the same.
        let other = checkpoint::decode(&checkpoint::encode(&whole), Path::new("whole")).unwrap();
        assert!(go_on(&mut learner, 2, &mut Random(99)));
        let expected = learner.network().parameters().to_vec();
        learner.restore(other).unwrap_or_else(|error| panic!("learner {number}: {error}"));
        assert!(go_on(&mut learner, 2, &mut Random(99)));
        assert_eq!(learner.network().parameters(), expected, "learner {number}");
        for mutant in 0..MUTANTS {
            let seed = (number * MUTANTS + mutant) as u64;
            let mut random = Random(seed ^ 0xFACE);
            let mut record = whole.clone();
            mutate(&mut record, &mut random);
            let bytes = checkpoint::encode(&record);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let record = match checkpoint::decode(&bytes, Path::new("mutant")) {
                    Ok(record) => record,
                    Err(error) => {
                        assert!(matches!(error, CheckpointError::NotFinite { .. }), "{error}");
                        return 0;
                    }
                };
                let before = learner.save();
                if learner.restore(record).is_err() {
                    assert!(learner.save() == before, "a refused record changed the learner");
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
    assert!(unread > 500 && refused > 5000 && used > 5000, "{unread} not read, {refused} refused, {used} used");
}

#[test]
fn a_planted_number_is_named_with_its_place() {
    let mut learner = learners().remove(0);
    assert!(go_on(&mut learner, 3, &mut Random(1)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    learner.network_mut().parameters_mut()[5] = f32::NAN;
    let error = checkpoint::write(&path, &learner.save()).unwrap_err().to_string();
    // The sixth weight of W, which lies column by column: of twelve rows the sixth, of four columns the first.
    assert!(error.contains("layers.0.W[5][0] is NaN") && !path.exists(), "{error}");
}

/// Numbers that broke leave nothing behind that a checkpoint would be refused for.
#[test]
fn a_learner_that_broke_can_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    for (number, mut learner) in learners().into_iter().enumerate() {
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
        checkpoint::write(&path, &learner.save()).unwrap_or_else(|error| panic!("learner {number}: {error}"));
    }
}
