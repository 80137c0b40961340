//! One streaming step: predicting and learning with windows of one step; and predicting alone, by every cell that has an H.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ostl_bench::{LOSS, cell, network, steps};
use ostl_cells::CellConfig;
use ostl_core::{Carry, Learner, Method, OptimizerSettings, Update};

const CELLS: [&str; 6] = ["snu-tanh", "snu-tanh-without-h", "ssnu", "rnn", "lstm", "gru"];
const INPUTS: usize = 88;
const OUTPUTS: usize = 88;

/// Each carry with as many units as it can afford, and the number of streams.
const CARRIES: [(Carry, usize, usize); 5] =
    [(Carry::None, 150, 1), (Carry::Local, 150, 1), (Carry::Local, 150, 8), (Carry::Layer, 64, 1), (Carry::Network, 64, 1)];

fn learner(cell: CellConfig, carry: Carry, units: usize, streams: usize) -> Learner<f32> {
    let method = Method { carry, ..Method::ostl() }.with_update(Update::Window);
    // So slow a rate that the network stays what it is, however often the bench repeats the steps.
    let optimizer = OptimizerSettings::sgd(1e-6);
    Learner::new(network(cell, INPUTS, units, OUTPUTS), LOSS, method, optimizer, streams).expect("a method of the benches")
}

fn learn(c: &mut Criterion) {
    let mut group = c.benchmark_group("step/learn");
    for name in CELLS {
        for (carry, units, streams) in CARRIES {
            let mut learner = learner(cell(name), carry, units, streams);
            let steps = steps(INPUTS, OUTPUTS, 64, streams);
            let mut endless = steps.iter().cycle();
            let id = BenchmarkId::new(name, format!("{}/{units}x{streams}", carry.name()));
            group.throughput(Throughput::Elements(streams as u64)).bench_function(id, |b| {
                b.iter(|| {
                    let (inputs, targets) = endless.next().expect("a cycle has no end");
                    learner.predict(inputs).expect("finite outputs");
                    learner.learn(targets).expect("finite gradients")
                });
            });
        }
    }
    group.finish();
}

fn predict(c: &mut Criterion) {
    let mut group = c.benchmark_group("step/predict");
    group.throughput(Throughput::Elements(1));
    for (name, cell) in CellConfig::every().into_iter().filter(|(_, cell)| cell.is_recurrent()) {
        let mut learner = learner(cell, Carry::Local, 150, 1);
        learner.set_frozen(true).expect("nothing to learn from yet");
        let steps = steps(INPUTS, OUTPUTS, 64, 1);
        let mut endless = steps.iter().cycle();
        group.bench_function(BenchmarkId::new(name, "150x1"), |b| {
            b.iter(|| {
                let (inputs, _) = endless.next().expect("a cycle has no end");
                learner.predict(inputs).expect("finite outputs")[0]
            });
        });
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = learn, predict }
criterion_main!(benches);
