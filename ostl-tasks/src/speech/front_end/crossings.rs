//! Spikes where a value crosses a level.

use super::features::Features;

/// Which events a step has.
///
/// A value x of the frame (a band's log-energy, normalised) is compared with levels ℓ. Between the frame before and this one it crosses ℓ
/// **up** if before < ℓ ≤ now and **down** if now < ℓ ≤ before; a value that equals a level counts as having reached it. Before the first
/// frame everything is below every level, so the events so far always determine which levels each value is above. A large jump crosses several
/// levels at once. Input number of an event: 2 · (value · levels + level), plus 1 if it is down.
///
/// This is delta modulation with fixed steps, the code of a silicon cochlea's or an event camera's channels (the levels are where the
/// comparator switches).
#[derive(Clone, Debug, PartialEq)]
pub struct LevelCrossings {
    levels: Vec<f32>,
}

impl LevelCrossings {
    /// For levels in ascending order.
    ///
    /// # Panics
    /// If they are not.
    #[track_caller]
    pub fn new(levels: Vec<f32>) -> Self {
        assert!(levels.is_sorted_by(|a, b| a < b), "levels in ascending order");
        Self { levels }
    }

    /// Inputs for frames of `width` values.
    pub fn inputs(&self, width: usize) -> usize {
        2 * width * self.levels.len()
    }

    /// Calls `event` with the step and the input number of each event, in the order of steps and, within one, of inputs.
    pub fn events(&self, features: &Features, mut event: impl FnMut(usize, usize)) {
        let mut above = vec![0; features.width()];
        for (step, frame) in features.frames().enumerate() {
            for (index, (before, &value)) in above.iter_mut().zip(frame).enumerate() {
                let now = self.levels.partition_point(|&level| level <= value);
                let first = 2 * index * self.levels.len();
                (*before..now).for_each(|level| event(step, first + 2 * level));
                (now..*before).for_each(|level| event(step, first + 2 * level + 1));
                *before = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut features = Features::with_capacity(2, 5);
        for frame in [[-2.0, 0.5], [0.0, 0.4], [1.5, 1.0], [0.9, -9.0], [0.9, -9.0]] {
            features.push(frame);
        }
        let crossings = LevelCrossings::new(vec![-1.0, 0.0, 1.0]);
        assert_eq!(crossings.inputs(2), 12);
        let mut events = Vec::new();
        crossings.events(&features, |step, input| events.push((step, input)));
        // Value 0 has inputs 0, 2, 4 up and 1, 3, 5 down through −1, 0, 1; value 1 has 6, 8, 10 and 7, 9, 11.
        let expected = [(0, 6), (0, 8), (1, 0), (1, 2), (2, 4), (2, 10), (3, 5), (3, 7), (3, 9), (3, 11)];
        assert_eq!(events, expected);
    }
}
