//! What is made of one recording: N values per frame.

/// Frames of the same number of values, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    width: usize,
    values: Vec<f32>,
}

impl Features {
    /// No frames yet, room for `frames` of `width` values.
    ///
    /// # Panics
    /// If `width` is 0.
    #[track_caller]
    pub fn with_capacity(width: usize, frames: usize) -> Self {
        assert!(width > 0, "frames without values");
        Self { width, values: Vec::with_capacity(width * frames) }
    }

    /// Adds a frame.
    ///
    /// # Panics
    /// If it does not have `width` values.
    #[track_caller]
    pub fn push(&mut self, frame: impl IntoIterator<Item = f32>) {
        let before = self.values.len();
        self.values.extend(frame);
        assert_eq!(self.values.len() - before, self.width, "values in a frame");
    }

    /// Values in a frame.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of frame `index`.
    ///
    /// # Panics
    /// If there is no such frame.
    #[track_caller]
    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// The frames in their order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// The frames in their order, to be changed.
    pub fn frames_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.width)
    }
}
