//! A training epoch on the JSB chorales: 150 units, batch 8, windows of 16 steps or the whole sequence, Adam.
//!
//! Where the data are missing (see [`ostl_bench::data`]), random chords of the same shape take their place: the time means the
//! same, the loss does not.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ostl_bench::{cell, data, draws, network, train_epoch, windows};
use ostl_core::{Carry, Learner, Loss, Method, OptimizerSettings, SequenceBatch};
use ostl_tasks::{JsbChorales, Split, Task};

/// As many sequences as the chorales' training split has, of such lengths, of four random keys a step.
struct RandomChords;

const KEYS: usize = 88;

impl Task for RandomChords {
    fn name(&self) -> &str {
        "random-chords"
    }

    fn inputs(&self) -> usize {
        KEYS
    }

    fn outputs(&self) -> usize {
        KEYS
    }

    fn loss(&self) -> Loss {
        Loss::BinaryCrossEntropy
    }

    fn sequences(&self, _: Split) -> usize {
        229
    }

    fn steps(&self, _: Split, index: usize) -> usize {
        32 + 7 * index % 57
    }

    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let mut next = draws(index as u64 + 1);
        for step in 0..self.steps(split, index) {
            for _ in 0..4 {
                batch.input_mut(stream, step)[(next() % KEYS as u64) as usize] = 1.0;
                batch.values_mut(stream, step)[(next() % KEYS as u64) as usize] = 1.0;
            }
        }
    }
}

fn task() -> Box<dyn Task> {
    let folder = data().join("jsb");
    if !folder.exists() {
        println!("skipped: {} is not here; random chords instead", folder.display());
        return Box::new(RandomChords);
    }
    Box::new(JsbChorales::open(&folder).unwrap_or_else(|error| panic!("{error}")))
}

fn epochs(c: &mut Criterion) {
    let task = task();
    let steps: usize = (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index)).sum();
    let mut group = c.benchmark_group(format!("epoch/{}", task.name()));
    group.throughput(Throughput::Elements(steps as u64)).sampling_mode(SamplingMode::Flat);
    for (name, label, method) in [
        ("ssnu-without-h", "local", windows(16, Carry::Local)),
        ("lstm", "local", windows(16, Carry::Local)),
        ("ssnu", "none", windows(16, Carry::None)),
        ("ssnu", "bptt", Method::bptt()),
    ] {
        let network = network(cell(name), task.inputs(), 150, task.outputs());
        let mut learner =
            Learner::new(network, task.loss(), method, OptimizerSettings::adam(0.003), 8).expect("a method of the benches");
        group.bench_function(BenchmarkId::new(name, label), |b| {
            b.iter(|| train_epoch(&mut learner, &*task, 0).expect("finite gradients"));
        });
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = settings(); targets = epochs }
criterion_main!(benches);
