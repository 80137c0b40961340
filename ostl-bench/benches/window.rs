//! Whole windows: 64 steps of 8 streams in windows of K, so that all windows but the first carry traces.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ostl_bench::{LOSS, batch, cell, network, windows};
use ostl_core::{Carry, Learner, OptimizerSettings};

const CELLS: [&str; 6] = ["snu-tanh", "snu-tanh-without-h", "ssnu", "rnn", "lstm", "gru"];
/// Each carry with as many units as it can afford.
const CARRIES: [(Carry, usize); 4] = [(Carry::None, 150), (Carry::Local, 150), (Carry::Layer, 64), (Carry::Network, 64)];
const INPUTS: usize = 88;
const OUTPUTS: usize = 88;
const STEPS: usize = 64;
const STREAMS: usize = 8;

/// The gradient of one batch; nothing is updated, so every repetition does the same work.
fn gradient(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, carry: Carry, units: usize, window: usize) {
    let batch = batch(INPUTS, OUTPUTS, STEPS, STREAMS);
    let network = network(cell(name), INPUTS, units, OUTPUTS);
    let optimizer = OptimizerSettings::sgd(1e-3);
    let mut learner =
        Learner::new(network, LOSS, windows(window, carry), optimizer, STREAMS).expect("a method of the benches");
    let id = BenchmarkId::new(name, format!("{}/{units}/K={window}", carry.name()));
    group.bench_function(id, |b| b.iter(|| learner.gradient(&batch).expect("finite gradients").0));
}

fn carries(c: &mut Criterion) {
    let mut group = c.benchmark_group("window/carries");
    group.throughput(Throughput::Elements((STEPS * STREAMS) as u64)).sampling_mode(SamplingMode::Flat);
    for name in CELLS {
        for (carry, units) in CARRIES {
            gradient(&mut group, name, carry, units, 16);
        }
    }
    group.finish();
}

fn lengths(c: &mut Criterion) {
    let mut group = c.benchmark_group("window/lengths");
    group.throughput(Throughput::Elements((STEPS * STREAMS) as u64)).sampling_mode(SamplingMode::Flat);
    for name in ["ssnu-without-h", "lstm"] {
        for window in [1, 4, 16, 64] {
            gradient(&mut group, name, Carry::Local, 150, window);
        }
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = carries, lengths }
criterion_main!(benches);
