//! The three products of a readout that is wide as a vocabulary, on one thread, for a lane of 8 streams and 20 steps: logits W·h, the signal
//! for the layer below Wᵀ·δ, and the gradient δ·hᵀ; and the same three for a layer of 1,024 gates over 256 inputs.
//!
//! An element is one floating-point operation, two a multiply–add.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ostl_core::product::{Assignment, Matrix, multiply};

const COLUMNS: usize = 8 * 20;

fn product(c: &mut Criterion) {
    let mut group = c.benchmark_group("product");
    for (name, rows, inputs) in [("vocabulary", 33_278, 256), ("gates", 1024, 256)] {
        let weights = vec![0.01_f32; rows * inputs];
        let below = vec![0.5_f32; inputs * COLUMNS];
        let mut above = vec![0.25_f32; rows * COLUMNS];
        group.throughput(Throughput::Elements(2 * (rows * inputs * COLUMNS) as u64));
        group.bench_function(BenchmarkId::new("forward", name), |b| {
            b.iter(|| {
                multiply(
                    Assignment::Replace,
                    Matrix::new(&weights, rows, inputs, rows),
                    Matrix::new(&below, inputs, COLUMNS, inputs),
                    &mut above,
                    rows,
                );
            });
        });
        let mut signal = vec![0.0_f32; inputs * COLUMNS];
        group.bench_function(BenchmarkId::new("signal", name), |b| {
            b.iter(|| {
                multiply(
                    Assignment::Replace,
                    Matrix::new(&weights, inputs, rows, inputs),
                    Matrix::new(&above, rows, COLUMNS, rows),
                    &mut signal,
                    inputs,
                );
            });
        });
        let mut gradient = vec![0.0_f32; rows * inputs];
        group.bench_function(BenchmarkId::new("gradient", name), |b| {
            b.iter(|| {
                for (part, gradient) in gradient.chunks_mut(64 * rows).enumerate() {
                    multiply(
                        Assignment::Add,
                        Matrix::new(&above, rows, COLUMNS, rows),
                        Matrix::new(&below[part * 64..], 64, COLUMNS, inputs).transposed(),
                        gradient,
                        rows,
                    );
                }
            });
        });
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = settings(); targets = product }
criterion_main!(benches);
