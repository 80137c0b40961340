//! How many streams a tape holds side by side: the width of a lane.

/// Streams that a lane has at most: as many columns as a product's tile is wide.
pub(crate) const WIDEST: usize = 8;
/// Streams below which a lane is not cut further: narrower products waste the weights they load.
const NARROWEST: usize = 4;

/// Streams of a lane where there are `streams` in all.
pub(crate) fn width(streams: usize) -> usize {
    if streams <= NARROWEST { streams } else { streams.div_ceil(2).clamp(NARROWEST, WIDEST) }
}

/// The streams of each lane.
pub(crate) fn lanes(streams: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let width = width(streams).max(1);
    (0..streams).step_by(width).map(move |first| first..streams.min(first + width))
}

#[cfg(test)]
mod tests {
    use super::width;

    #[test]
    fn lanes_are_narrow_enough_to_share_and_wide_enough_to_pay() {
        assert_eq!([1, 2, 4, 5, 8, 11, 16, 32, 64].map(width), [1, 2, 4, 4, 4, 6, 8, 8, 8]);
    }
}
