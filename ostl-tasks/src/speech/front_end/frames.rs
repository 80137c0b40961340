//! Pre-emphasis and frames.

/// Raises the high frequencies: `y[t] = x[t] − coefficient · x[t − 1]`, with silence before the start (`y[0] = x[0]`).
///
/// As `librosa.effects.preemphasis(x, coef=coefficient, zi=[0])`.
pub fn pre_emphasise(samples: &[f32], coefficient: f64) -> Vec<f64> {
    let mut before = 0.0;
    let mut output = Vec::with_capacity(samples.len());
    for &sample in samples {
        let sample = f64::from(sample);
        output.push(sample - coefficient * before);
        before = sample;
    }
    output
}

/// Frames of `length` samples that fit into a recording, `hop` samples from one's start to the next's: 1 + ⌊(samples − length) / hop⌋; one
/// if the recording is shorter than a frame (it is then filled up with zeros).
///
/// # Panics
/// If `hop` is 0.
pub fn frame_count(samples: usize, length: usize, hop: usize) -> usize {
    1 + samples.saturating_sub(length) / hop
}

/// Writes frame `index` into `frame`, zeros past the recording's end.
pub fn frame(samples: &[f64], index: usize, hop: usize, frame: &mut [f64]) {
    let start = (index * hop).min(samples.len());
    let there = (samples.len() - start).min(frame.len());
    frame[..there].copy_from_slice(&samples[start..start + there]);
    frame[there..].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(pre_emphasise(&[1.0, 1.0, -2.0], 0.5), [1.0, 0.5, -2.5]);
        assert_eq!([frame_count(0, 4, 2), frame_count(3, 4, 2), frame_count(4, 4, 2), frame_count(7, 4, 2)], [1, 1, 1, 2]);
        let samples = [1.0, 2.0, 3.0, 4.0, 5.0];
        let mut out = [9.0; 3];
        frame(&samples, 1, 2, &mut out);
        assert_eq!(out, [3.0, 4.0, 5.0]);
        frame(&samples, 2, 2, &mut out);
        assert_eq!(out, [5.0, 0.0, 0.0]);
        frame(&samples, 9, 2, &mut out);
        assert_eq!(out, [0.0; 3]);
    }
}
