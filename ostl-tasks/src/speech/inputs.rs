//! The inputs of all recordings of a task, as a batch takes them.

use std::ops::Range;

use ostl_core::SequenceBatch;
use rayon::prelude::*;

use super::front_end::config::{Extractor, SpikeEncoder};
use super::front_end::{Features, Normaliser};
use super::recording::Recording;
use crate::error::DatasetError;
use crate::split::Split;

/// Recordings numbered from 0: first those of the train split, then valid, then test.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    starts: [usize; 4],
}

impl Numbering {
    pub(crate) fn new(counts: [usize; 3]) -> Self {
        let [train, valid, test] = counts;
        Self { starts: [0, train, train + valid, train + valid + test] }
    }

    /// The numbers of a split.
    pub(crate) fn of(&self, split: Split) -> Range<usize> {
        self.starts[split.position()]..self.starts[split.position() + 1]
    }

    /// The number of a sequence of a split.
    #[track_caller]
    pub(crate) fn number(&self, split: Split, index: usize) -> usize {
        let range = self.of(split);
        assert!(index < range.len(), "sequence {index} of the {} of {split}", range.len());
        range.start + index
    }

    fn all(&self) -> usize {
        self.starts[3]
    }
}

/// The inputs of every recording.
#[derive(Clone, Debug)]
pub(crate) enum Inputs {
    /// Values of every frame.
    Dense { width: usize, recordings: Vec<Features> },
    /// Events of every frame.
    Sparse { inputs: usize, recordings: Vec<Events> },
}

/// The events of a recording, two bytes each: inputs in the order of the steps, and for each step where its events end.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    inputs: Vec<u16>,
    ends: Vec<u32>,
}

impl Inputs {
    /// Reads recording after recording, on all threads, and makes of each what the front end says; mean and variance are the train split's.
    pub(crate) fn prepare(
        extractor: &Extractor,
        numbering: &Numbering,
        read: impl Fn(usize) -> Result<Recording, DatasetError> + Sync,
    ) -> Result<Self, DatasetError> {
        let extracted: Vec<Result<Features, DatasetError>> = (0..numbering.all())
            .into_par_iter()
            .map_init(|| extractor.clone(), |extractor, number| Ok(extractor.extract(&read(number)?.samples)))
            .collect();
        let mut recordings = extracted.into_iter().collect::<Result<Vec<Features>, _>>()?;
        let width = extractor.width();
        let normaliser = Normaliser::learn(width, &recordings[numbering.of(Split::Train)]);
        recordings.par_iter_mut().for_each(|features| normaliser.apply(features));
        Ok(match extractor.encoder() {
            None => Inputs::Dense { width, recordings },
            Some(encoder) => {
                let recordings = recordings.into_par_iter().map(|features| Events::of(&features, encoder)).collect();
                Inputs::Sparse { inputs: encoder.inputs(width), recordings }
            }
        })
    }

    /// Values in the input of a step.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Inputs::Dense { width, .. } => *width,
            Inputs::Sparse { inputs, .. } => *inputs,
        }
    }

    pub(crate) fn is_sparse(&self) -> bool {
        matches!(self, Inputs::Sparse { .. })
    }

    /// Steps of a recording.
    pub(crate) fn steps(&self, number: usize) -> usize {
        match self {
            Inputs::Dense { recordings, .. } => recordings[number].len(),
            Inputs::Sparse { recordings, .. } => recordings[number].ends.len(),
        }
    }

    /// Writes a recording's inputs into a stream.
    #[track_caller]
    pub(crate) fn write(&self, number: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        match self {
            Inputs::Dense { recordings, .. } => {
                for (step, frame) in recordings[number].frames().enumerate() {
                    batch.input_mut(stream, step).copy_from_slice(frame);
                }
            }
            Inputs::Sparse { recordings, .. } => {
                let events = &recordings[number];
                let mut start = 0;
                for (step, &end) in events.ends.iter().enumerate() {
                    for &input in &events.inputs[start..end as usize] {
                        batch.push_event(stream, step, usize::from(input), 1.0);
                    }
                    start = end as usize;
                }
            }
        }
    }
}

impl Events {
    fn of(features: &Features, encoder: &SpikeEncoder) -> Self {
        let mut inputs = Vec::new();
        let mut ends = vec![0_u32; features.len()];
        // At most 256 bands and 64 levels in two directions: an input's number fits into 16 bits.
        encoder.events(features, |step, input| {
            inputs.push(input as u16);
            ends[step] += 1;
        });
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        inputs.shrink_to_fit();
        Self { inputs, ends }
    }
}
