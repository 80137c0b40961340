//! Handwritten digits, shown as spikes, row by row, pixel by pixel or some pixels at a time.

use std::borrow::Cow;
use std::path::Path;

use ostl_core::{Loss, SequenceBatch};

use super::config::{MnistConfig, MnistForm};
use super::idx::Idx;
use super::rate::RateCode;
use crate::error::{DatasetError, TaskError};
use crate::files;
use crate::labels::LabelChance;
use crate::labels::TargetSteps;
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::Task;

/// Rows of an image, and pixels of a row.
const SIDE: usize = 28;
/// Pixels of an image.
pub(super) const PIXELS: usize = SIDE * SIDE;
/// The ten digits.
const CLASSES: usize = 10;

/// MNIST: which of the ten digits is this?
///
/// LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 1998: 60,000
/// training and 10,000 test images of 28 × 28 pixels from 0 to 255. An image becomes a sequence in one of five
/// [forms](MnistForm): `rate` has 784 spike trains in a sparse batch, the others have the pixels divided by 255. The valid split is the
/// last [`valid`](MnistConfig::valid) of the training images.
///
/// Spikes of sequence i of a split are drawn from (seed, split, i) when it is written, and are the same on every machine. In memory are the
/// files' own bytes, 55 MB. Sets published in the same files, such as Fashion-MNIST, can be opened as well.
#[derive(Clone, Debug)]
pub struct Mnist {
    config: MnistConfig,
    train: Labelled,
    test: Labelled,
    rate: RateCode,
    /// The pixel shown at each step of the permuted form.
    order: Vec<u16>,
    chance: LabelChance,
}

/// Images and their classes.
#[derive(Clone, Debug)]
struct Labelled {
    images: Idx,
    labels: Idx,
}

impl Labelled {
    fn new([images, labels]: [Idx; 2]) -> Result<Self, DatasetError> {
        let &[count, SIDE, SIDE] = images.dimensions() else {
            let problem = format!(
                "dimensions {:?}, expected images × 28 × 28: is this the file of the images of MNIST?",
                images.dimensions()
            );
            return Err(images.wrong_shape(problem));
        };
        if labels.dimensions() != [count] {
            let problem = format!(
                "dimensions {:?}, expected [{count}], a label for each image in {}: take both from the same source",
                labels.dimensions(),
                images.path().display()
            );
            return Err(labels.wrong_shape(problem));
        }
        if let Some(index) = labels.elements().iter().position(|&label| usize::from(label) >= CLASSES) {
            let problem = format!("label {} of image {index}, expected a digit from 0 to 9", labels.elements()[index]);
            return Err(labels.wrong_at(index, problem));
        }
        Ok(Self { images, labels })
    }

    fn count(&self) -> usize {
        self.images.dimensions()[0]
    }

    fn class(&self, index: usize) -> usize {
        usize::from(self.labels.elements()[index])
    }
}

impl Mnist {
    /// Opens the four files in a folder or in its subfolder `mnist` or `MNIST/raw`: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each also as `….gz` or with a dot before `idx`.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if a file is missing or cannot be read or [`Idx::open`] rejects it; else as [`new`](Mnist::new).
    pub fn open(folder: &Path, config: &MnistConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let read = |part: &str, what: &str| {
            let dash = format!("{part}-{what}-ubyte");
            let dot = dash.replace("-idx", ".idx");
            let packed = [format!("{dash}.gz"), format!("{dot}.gz")];
            let names = [&dash, &packed[0], &dot, &packed[1]].map(String::as_str);
            Idx::open(&files::find(folder, &["mnist", "MNIST/raw"], &names, &packed[0])?)
        };
        let both = |part| Ok::<_, DatasetError>([read(part, "images-idx3")?, read(part, "labels-idx1")?]);
        Self::new(both("train")?, both("t10k")?, config)
    }

    /// The task from files that have been read: the images and the labels of the training set, and those of the test set.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if images are not 28 × 28, there is not one label an image, or a label is above 9;
    /// [`TaskError::Config`] if a setting is outside the range that [`MnistConfig`] gives.
    pub fn new(train: [Idx; 2], test: [Idx; 2], config: &MnistConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let (train, test) = (Labelled::new(train)?, Labelled::new(test)?);
        config.validate_for(train.count())?;
        let mut order: Vec<u16> = (0..PIXELS as u16).collect();
        if config.form == MnistForm::Permuted {
            Draws::new(config.seed, Purpose::Permutation, [PIXELS as u64, 0]).shuffle(&mut order);
        }
        // As many targets an image everywhere.
        let known = (0..config.train_images(train.count())).map(|index| (train.class(index), 1));
        let chance = LabelChance::new(CLASSES, known, (0..test.count()).map(|index| (test.class(index), 1)));
        Ok(Self { config: config.clone(), train, test, rate: RateCode::new(config.gain), order, chance })
    }

    /// The settings.
    pub fn config(&self) -> &MnistConfig {
        &self.config
    }

    /// The 784 pixels of an image, 0 to 255, row by row.
    ///
    /// # Panics
    /// If the split has no such image.
    #[track_caller]
    pub fn image(&self, split: Split, index: usize) -> &[u8] {
        let (from, index) = self.place(split, index);
        from.images.item(index)
    }

    /// The digit on an image.
    ///
    /// # Panics
    /// If the split has no such image.
    #[track_caller]
    pub fn class(&self, split: Split, index: usize) -> usize {
        let (from, index) = self.place(split, index);
        from.class(index)
    }

    /// For each step of the permuted form the pixel it shows, row · 28 + column; in order in the other forms.
    pub fn order(&self) -> &[u16] {
        &self.order
    }

    /// Where an image of a split lies in its file.
    #[track_caller]
    fn place(&self, split: Split, index: usize) -> (&Labelled, usize) {
        let images = self.sequences(split);
        assert!(index < images, "image {index} of the {images} of {split}");
        match split {
            Split::Train => (&self.train, index),
            Split::Valid => (&self.train, self.train.count() - self.config.valid + index),
            Split::Test => (&self.test, index),
        }
    }

    fn shown_steps(&self) -> usize {
        match self.config.form {
            MnistForm::Rate => self.config.steps,
            MnistForm::Rows => SIDE,
            MnistForm::Pixels | MnistForm::Permuted => PIXELS,
            MnistForm::Means => PIXELS / self.config.pool,
        }
    }
}

impl Task for Mnist {
    fn name(&self) -> &str {
        "mnist"
    }

    fn inputs(&self) -> usize {
        match self.config.form {
            MnistForm::Rate => PIXELS,
            MnistForm::Rows => SIDE,
            MnistForm::Pixels | MnistForm::Permuted | MnistForm::Means => 1,
        }
    }

    fn outputs(&self) -> usize {
        CLASSES
    }

    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        match split {
            Split::Train => self.config.train_images(self.train.count()),
            Split::Valid => self.config.valid,
            Split::Test => self.test.count(),
        }
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.place(split, index);
        self.shown_steps()
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let image = self.image(split, index);
        let steps = self.shown_steps();
        let brightness = |&pixel: &u8| f32::from(pixel) / 255.0;
        match self.config.form {
            MnistForm::Rate => {
                let draws = Draws::new(self.config.seed, Purpose::MnistRate, [split.position() as u64, index as u64]);
                self.rate.write(image, steps, draws, batch, stream);
            }
            MnistForm::Rows => {
                for (step, row) in image.chunks_exact(SIDE).enumerate() {
                    let input = batch.input_mut(stream, step);
                    input.iter_mut().zip(row).for_each(|(input, pixel)| *input = brightness(pixel));
                }
            }
            MnistForm::Pixels | MnistForm::Permuted => {
                for (step, &pixel) in self.order.iter().enumerate() {
                    batch.input_mut(stream, step)[0] = brightness(&image[usize::from(pixel)]);
                }
            }
            MnistForm::Means => {
                let white = (255 * self.config.pool) as f32;
                for (step, run) in image.chunks_exact(self.config.pool).enumerate() {
                    let sum: u32 = run.iter().map(|&pixel| u32::from(pixel)).sum();
                    batch.input_mut(stream, step)[0] = sum as f32 / white;
                }
            }
        }
        self.config.target_steps().write(batch, stream, steps, self.class(split, index));
    }

    fn is_sparse(&self) -> bool {
        self.config.form == MnistForm::Rate
    }

    fn metrics(&self) -> &[Metric] {
        match (self.config.form, self.config.target_steps()) {
            (MnistForm::Rate, _) | (_, TargetSteps::Every) => &[Metric::SequenceAccuracy, Metric::Accuracy],
            _ => &[Metric::Accuracy],
        }
    }

    /// `digit 0` to `digit 9`.
    fn class_name(&self, class: usize) -> Cow<'_, str> {
        format!("digit {class}").into()
    }

    fn class_counts(&self, split: Split) -> Option<Vec<u64>> {
        let mut counts = vec![0; CLASSES];
        (0..self.sequences(split)).for_each(|index| {
            counts[self.class(split, index)] += self.config.target_steps().of(self.shown_steps()).len() as u64;
        });
        Some(counts)
    }

    /// The loss of one who knows how often each digit comes in the train split.
    fn chance(&self) -> Option<f64> {
        Some(self.chance.loss)
    }

    /// How many of the test images show the most frequent digit of the train split.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(self.chance.accuracy)
    }
}
