//! What the machine's memory allows: a plain pass that reads, changes and writes every value once.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use rayon::prelude::*;

use crate::clock::median_seconds;

/// Bytes beyond which no cache holds them, and time only grows in proportion.
const LARGEST: usize = 256 << 20;

/// Seconds that a pass over `bytes` bytes of `f32` takes on the threads of the pool it is called in, a run of values each. It is measured
/// in place, again and again, so that what a cache holds stays there; beyond 256 MiB it is that of 256 MiB in proportion.
///
/// # Panics
/// If there is not one value to pass over.
#[must_use]
pub fn seconds(bytes: usize, sample: Duration) -> f64 {
    let held = bytes.min(LARGEST);
    let mut values = vec![1.0_f32; held / size_of::<f32>()];
    let run = values.len().div_ceil(rayon::current_num_threads());
    let Ok(seconds) = median_seconds(sample, || {
        black_box(&mut values).par_chunks_mut(run).for_each(|values| {
            for value in values {
                *value = *value * 0.5 + 0.5;
            }
        });
        Ok::<(), Infallible>(())
    });
    seconds * (bytes as f64 / held as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_bytes_take_longer() {
        let [few, many] = [1 << 14, 1 << 20].map(|bytes| seconds(bytes, Duration::from_millis(5)));
        assert!(0.0 < few && few < many, "{few} {many}");
    }
}
