//! The `layer` carry by the number n of units: one window of 16 steps of an endless stream, tanh units.
//!
//! An element is one floating-point operation of the dense product J ε, 2n²P a window: the rate printed is that of the product,
//! if nothing else took time.
//!
//! Then what is kept instead of it, side by side: 128 tanh units, H whole or with a tenth of its connections, one stream, a step at a
//! time and 16 at a time. An element is a step.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ostl_bench::{LOSS, cell, network, steps, windows};
use ostl_core::{Carry, Learner, Network, OptimizerSettings, Update};

const INPUTS: usize = 64;
const OUTPUTS: usize = 16;
const WINDOW: usize = 16;

fn layer(c: &mut Criterion) {
    let mut group = c.benchmark_group("carries/layer");
    group.sampling_mode(SamplingMode::Flat);
    let steps = steps(INPUTS, OUTPUTS, WINDOW, 1);
    for units in [64, 128, 256] {
        let method = windows(WINDOW, Carry::Layer).with_update(Update::Window);
        // So slow a rate that the network stays what it is, however often the bench repeats the steps.
        let optimizer = OptimizerSettings::sgd(1e-6);
        let mut learner = Learner::new(network(cell("rnn"), INPUTS, units, OUTPUTS), LOSS, method, optimizer, 1)
            .expect("a method of the benches");
        let parameters = units * (INPUTS + units + 1);
        group.throughput(Throughput::Elements((2 * units * units * parameters) as u64));
        group.bench_function(BenchmarkId::new("rnn", format!("n={units}")), |b| {
            b.iter(|| {
                for (inputs, targets) in &steps {
                    learner.predict(inputs).expect("finite outputs");
                    learner.learn(targets).expect("finite gradients");
                }
            });
        });
    }
    group.finish();
}

fn kinds(c: &mut Criterion) {
    let mut group = c.benchmark_group("carries/kinds");
    group.sampling_mode(SamplingMode::Flat);
    let steps = steps(INPUTS, OUTPUTS, WINDOW, 1);
    group.throughput(Throughput::Elements(WINDOW as u64));
    for density in [1.0, 0.1] {
        for window in [1, WINDOW] {
            for carry in
                [Carry::None, Carry::Local, Carry::Snap(1), Carry::Snap(2), Carry::Uoro(1), Carry::KfRtrl, Carry::Layer]
            {
                let builder = cell("rnn").add_to(Network::<f32>::builder(INPUTS), 128).expect("a cell of the benches");
                let network = builder.density(density).readout(OUTPUTS).expect("a network of the benches");
                let method = windows(window, carry).with_update(Update::Window);
                let mut learner =
                    Learner::new(network, LOSS, method, OptimizerSettings::sgd(1e-6), 1).expect("a method of the benches");
                println!("{carry} density={density} K={window}: {} bytes", learner.trace_bytes());
                group.bench_function(BenchmarkId::new(carry.name(), format!("density={density}/K={window}")), |b| {
                    b.iter(|| {
                        for (inputs, targets) in &steps {
                            learner.predict(inputs).expect("finite outputs");
                            learner.learn(targets).expect("finite gradients");
                        }
                    });
                });
            }
        }
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = settings(); targets = layer, kinds }
criterion_main!(benches);
