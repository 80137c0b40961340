//! Readers of data sets: opening the JSB chorales, and building the batches of an epoch of them.
//!
//! Skipped where the data are missing; see [`ostl_bench::data`].

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ostl_bench::data;
use ostl_tasks::{Batches, JsbChorales, Split, Task};

fn jsb(c: &mut Criterion) {
    let file = data().join("jsb").join(JsbChorales::FILE);
    let bytes = match file.metadata() {
        Ok(found) => found.len(),
        Err(error) => return println!("skipped: {}: {error}", file.display()),
    };
    let mut group = c.benchmark_group("readers/jsb");
    let open = || JsbChorales::open(&file).unwrap_or_else(|error| panic!("{error}"));
    group.throughput(Throughput::Bytes(bytes)).bench_function("open", |b| b.iter(open));
    let task = open();
    let steps: usize = (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index)).sum();
    group.throughput(Throughput::Elements(steps as u64)).bench_function("batches", |b| {
        b.iter(|| Batches::shuffled(&task, Split::Train, 8, 0, 0).iter().count());
    });
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = jsb }
criterion_main!(benches);
