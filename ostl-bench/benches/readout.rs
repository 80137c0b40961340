//! A readout that is wide as a vocabulary: 33,278 classes over 256 tanh units, one gradient of 20 steps of 20 streams by BPTT.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ostl_bench::{LOSS, batch, cell, network};
use ostl_core::{Learner, Method, OptimizerSettings};

const INPUTS: usize = 64;
const UNITS: usize = 256;
const CLASSES: usize = 33_278;
const STEPS: usize = 20;
const STREAMS: usize = 20;

fn vocabulary(c: &mut Criterion) {
    let mut group = c.benchmark_group("readout");
    group.throughput(Throughput::Elements((STEPS * STREAMS) as u64)).sampling_mode(SamplingMode::Flat);
    let batch = batch(INPUTS, CLASSES, STEPS, STREAMS);
    let network = network(cell("rnn"), INPUTS, UNITS, CLASSES);
    let mut learner =
        Learner::new(network, LOSS, Method::bptt(), OptimizerSettings::sgd(1e-3), STREAMS).expect("a method of the benches");
    group.bench_function("33278-classes", |b| b.iter(|| learner.gradient(&batch).expect("finite gradients").0));
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = vocabulary }
criterion_main!(benches);
