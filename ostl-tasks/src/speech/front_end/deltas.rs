//! Slopes over time.

use super::features::Features;

/// The features with their slopes beside them, `order` times over: with order 2, width w becomes 3w (values, slopes, slopes of the slopes).
///
/// The slope of frame t is the regression formula of the HTK book, `Σ n (c[t + n] − c[t − n]) / (2 Σ n²)` over n = 1 … `reach`, where the
/// first and last frame stand for those beyond them. As `librosa.feature.delta(x, width=2 * reach + 1, order=1, mode='nearest')`, applied
/// once more for the second order. A slope looks `reach` frames ahead.
pub fn with_deltas(features: &Features, order: usize, reach: usize) -> Features {
    let (width, frames) = (features.width(), features.len());
    let norm = 2.0 * (1..=reach).map(|n| (n * n) as f64).sum::<f64>();
    // Of each order, all frames: slopes of slopes need their neighbours.
    let mut orders: Vec<Vec<f64>> = vec![features.frames().flatten().map(|&value| f64::from(value)).collect()];
    for _ in 0..order {
        let of = &orders[orders.len() - 1];
        let at = |frame: usize, i: usize| of[frame * width + i];
        let slope = |(frame, i): (usize, usize)| {
            let ahead = |n: usize| at((frame + n).min(frames - 1), i);
            let behind = |n: usize| at(frame.saturating_sub(n), i);
            (1..=reach).map(|n| n as f64 * (ahead(n) - behind(n))).sum::<f64>() / norm
        };
        let slopes = (0..frames).flat_map(|frame| (0..width).map(move |i| (frame, i))).map(slope).collect();
        orders.push(slopes);
    }
    let mut output = Features::with_capacity(width * (order + 1), frames);
    for frame in 0..frames {
        output.push(orders.iter().flat_map(|of| &of[frame * width..(frame + 1) * width]).map(|&value| value as f32));
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut features = Features::with_capacity(1, 4);
        [1.0, 2.0, 4.0, 8.0].into_iter().for_each(|value| features.push([value]));
        let found = with_deltas(&features, 2, 1);
        // Slopes: (2 − 1)/2, (4 − 1)/2, (8 − 2)/2, (8 − 4)/2, and of those (1.5 − 0.5)/2, (3 − 0.5)/2, (2 − 1.5)/2, (2 − 3)/2.
        let expected = [[1.0, 0.5, 0.5], [2.0, 1.5, 1.25], [4.0, 3.0, 0.25], [8.0, 2.0, -0.5]];
        assert_eq!(found.frames().collect::<Vec<_>>(), expected);
        // Reach 2 at the second frame: (1·(4 − 1) + 2·(8 − 1)) / 10.
        assert_eq!(with_deltas(&features, 1, 2).frame(1), [2.0, 1.7]);
        assert_eq!(with_deltas(&features, 0, 2), features);
    }
}
