//! Passes over local traces: the gradient of the case `spikes`, shortened, with its 2 % of spikes and with Gaussian inputs, in
//! windows of one step and of twenty. `none` is the same work without traces.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ostl_bench::cases::{Case, Units};
use ostl_bench::{LOSS, windows};
use ostl_core::{Carry, Learner, OptimizerSettings};

const STEPS: usize = 60;
const STREAMS: usize = 8;

fn passes(c: &mut Criterion) {
    let mut group = c.benchmark_group("trace");
    group.throughput(Throughput::Elements((STEPS * STREAMS) as u64)).sampling_mode(SamplingMode::Flat);
    let spikes = Case::all().into_iter().find(|case| case.name == "spikes").expect("a case of the peers");
    let spikes = Case { steps: STEPS, batch: STREAMS, ..spikes };
    for (name, active) in [("spikes", spikes.active), ("gaussian", 1.0)] {
        let case = Case { active, ..spikes.clone() };
        let batch = case.sequences();
        for carry in [Carry::None, Carry::Local] {
            for window in [1, 20] {
                let network = case.network(Units::Snu { recurrent: false });
                let optimizer = OptimizerSettings::sgd(1e-3);
                let mut learner = Learner::new(network, LOSS, windows(window, carry), optimizer, STREAMS)
                    .expect("a method of the benches");
                let id = BenchmarkId::new(name, format!("{}/K={window}", carry.name()));
                group.bench_function(id, |b| b.iter(|| learner.gradient(&batch).expect("finite gradients").0));
            }
        }
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = passes }
criterion_main!(benches);
