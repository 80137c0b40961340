//! MNIST itself, where it is at hand, against the counts published with it.

use std::time::Instant;

use ostl_tasks::{Mnist, MnistConfig, MnistForm, Split, Task};

use crate::{Missing, Outcome, folder, trials};

trials![labels_and_brightness_are_the_published_ones, an_epoch_of_spikes];

fn mnist(config: MnistConfig) -> Result<Mnist, Missing> {
    // Packed or not.
    let labels = "train-labels-idx1-ubyte";
    let folder = folder("mnist", &format!("{labels}.gz")).or_else(|_| folder("mnist", labels))?;
    let start = Instant::now();
    let task = Mnist::open(&folder, &config).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("opened in {:.2} s", start.elapsed().as_secs_f64());
    Ok(task)
}

const TRAIN_LABELS: [usize; 10] = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
const TEST_LABELS: [usize; 10] = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];

fn label_counts(task: &Mnist, splits: &[Split]) -> [usize; 10] {
    let mut counts = [0; 10];
    for &split in splits {
        (0..task.sequences(split)).for_each(|index| counts[task.class(split, index)] += 1);
    }
    counts
}

fn mean_pixel(task: &Mnist, splits: &[Split]) -> f64 {
    let (mut sum, mut pixels) = (0_u64, 0);
    for &split in splits {
        for index in 0..task.sequences(split) {
            sum += task.image(split, index).iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
            pixels += task.image(split, index).len();
        }
    }
    sum as f64 / 255.0 / pixels as f64
}

fn labels_and_brightness_are_the_published_ones() -> Outcome {
    let task = mnist(MnistConfig { form: MnistForm::Rows, ..Default::default() })?;
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [55_000, 5_000, 10_000]);
    assert_eq!(label_counts(&task, &[Split::Train, Split::Valid]), TRAIN_LABELS);
    assert_eq!(label_counts(&task, &[Split::Test]), TEST_LABELS);
    assert!((mean_pixel(&task, &[Split::Train, Split::Valid]) - 0.13066).abs() < 5e-6);
    assert!((mean_pixel(&task, &[Split::Test]) - 0.13251).abs() < 5e-6);
    // The first image of each file is a five, a seven.
    assert_eq!((task.class(Split::Train, 0), task.class(Split::Test, 0)), (5, 7));
    let chance = task.chance().unwrap();
    assert!((chance - 2.301).abs() < 0.001, "the README's table says 2.301: {chance}");
    assert_eq!(task.chance_accuracy(), Some(0.1135), "the ones");
    Ok(())
}

fn an_epoch_of_spikes() -> Outcome {
    let task = mnist(MnistConfig::default())?;
    let start = Instant::now();
    let (mut events, mut spikes) = (0_u64, 0.0);
    let indices: Vec<usize> = (0..task.sequences(Split::Train)).collect();
    for batch in indices.chunks(100).map(|indices| task.batch(Split::Train, indices)) {
        for stream in 0..batch.streams() {
            events += (0..20).map(|step| batch.events(stream, step).0.len() as u64).sum::<u64>();
        }
    }
    eprintln!("{events} spikes in {:.2} s", start.elapsed().as_secs_f64());
    for index in indices {
        spikes += 20.0 / 255.0 * task.image(Split::Train, index).iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
    }
    // The standard deviation is below √(events), 1e-4 of them.
    assert!((events as f64 / spikes - 1.0).abs() < 5e-4, "{events} spikes, {spikes} expected");
    Ok(())
}
