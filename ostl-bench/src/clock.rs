//! How long something takes that can be repeated.

use std::time::{Duration, Instant};

/// Samples, of which the middle one counts.
const SAMPLES: usize = 5;

/// Seconds a call takes: after calls to warm up for as long as a sample is to last at least, the median of five samples of several calls each.
///
/// # Errors
/// The first error of a call.
pub fn median_seconds<E>(sample: Duration, mut call: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let (start, mut calls) = (Instant::now(), 0_u32);
    while calls == 0 || start.elapsed() < sample {
        call()?;
        calls += 1;
    }
    let mut samples = [0.0; SAMPLES];
    for seconds in &mut samples {
        let start = Instant::now();
        (0..calls).try_for_each(|_| call())?;
        *seconds = start.elapsed().as_secs_f64() / f64::from(calls);
    }
    samples.sort_by(f64::total_cmp);
    Ok(samples[SAMPLES / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_as_long_as_it_takes() {
        let nap = Duration::from_millis(2);
        let seconds = median_seconds(Duration::from_millis(5), || {
            std::thread::sleep(nap);
            Ok::<(), ()>(())
        });
        assert!(seconds.unwrap() >= nap.as_secs_f64());
        assert_eq!(median_seconds(nap, || Err("it failed")), Err("it failed"));
    }
}
