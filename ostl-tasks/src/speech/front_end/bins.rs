//! Spikes that say, at every step, between which levels a value lies.

use super::features::Features;

/// One event a value and step: at the input of the bin that the value lies in.
///
/// L levels part the values into L + 1 bins: bin b holds those with level b − 1 ≤ value < level b, the first everything below and the last
/// everything above. Input number of an event: value · (levels + 1) + bin. A population code: the neurons of a bin fire as long as the value
/// stays there, so a leaky unit sees what is the case now, and not only what has changed, as with [crossings](super::crossings).
#[derive(Clone, Debug, PartialEq)]
pub struct LevelBins {
    levels: Vec<f32>,
}

impl LevelBins {
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
        width * (self.levels.len() + 1)
    }

    /// Calls `event` with the step and the input number of each event, in the order of steps and, within one, of inputs.
    pub fn events(&self, features: &Features, mut event: impl FnMut(usize, usize)) {
        for (step, frame) in features.frames().enumerate() {
            for (index, &value) in frame.iter().enumerate() {
                let bin = self.levels.partition_point(|&level| level <= value);
                event(step, index * (self.levels.len() + 1) + bin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut features = Features::with_capacity(2, 3);
        for frame in [[-2.0, 0.5], [0.0, 1.0], [-1.0, -1.1]] {
            features.push(frame);
        }
        let bins = LevelBins::new(vec![-1.0, 0.0, 1.0]);
        assert_eq!(bins.inputs(2), 8);
        let mut events = Vec::new();
        bins.events(&features, |step, input| events.push((step, input)));
        // Value 0 has inputs 0 to 3, value 1 has 4 to 7: below −1, below 0, below 1, from 1 on.
        assert_eq!(events, [(0, 0), (0, 6), (1, 2), (1, 7), (2, 1), (2, 4)]);
    }
}
