//! N-MNIST itself, or the published part of it, where it is at hand, against the counts known of it.

use std::time::Instant;

use ostl_tasks::{Bin, BinValue, NMnist, NMnistConfig, Split, Task};

use crate::{Missing, Outcome, folder, trials};

trials![the_counts_are_the_known_ones, no_event_is_lost_in_the_bins];

fn nmnist(config: NMnistConfig) -> Result<NMnist, Missing> {
    let folder = folder("nmnist-small", "train1K.txt")?;
    let start = Instant::now();
    let task = NMnist::open(&folder, &config).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("opened in {:.2} s", start.elapsed().as_secs_f64());
    if task.sequences(Split::Test) != 100 {
        return Err(Missing(format!("{} has other than the first 1000 and 100 recordings", folder.display())));
    }
    Ok(task)
}

/// What is known of the training recordings (train and valid) and the test recordings.
struct Known {
    splits: &'static [Split],
    events: usize,
    fewest_and_most: (usize, usize),
    last_ms: (u32, u32),
    classes: [usize; 10],
}

const KNOWN: [Known; 2] = [
    Known {
        splits: &[Split::Train, Split::Valid],
        events: 4_133_231,
        fewest_and_most: (1112, 7152),
        last_ms: (297, 315),
        classes: [97, 116, 99, 93, 105, 92, 94, 117, 87, 100],
    },
    Known {
        splits: &[Split::Test],
        events: 385_596,
        fewest_and_most: (1069, 6326),
        last_ms: (302, 336),
        classes: [8, 14, 8, 11, 14, 7, 10, 15, 2, 11],
    },
];

fn the_counts_are_the_known_ones() -> Outcome {
    let task = nmnist(NMnistConfig::default())?;
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [900, 100, 100]);
    for known in KNOWN {
        let places = known.splits.iter().flat_map(|&split| (0..task.sequences(split)).map(move |index| (split, index)));
        let recordings: Vec<_> = places.map(|(split, index)| task.recording(split, index)).collect();
        let lengths: Vec<usize> = recordings.iter().map(|recording| recording.len()).collect();
        assert_eq!(lengths.iter().sum::<usize>(), known.events);
        assert_eq!((*lengths.iter().min().unwrap(), *lengths.iter().max().unwrap()), known.fewest_and_most);
        let last = || recordings.iter().map(|recording| recording.times[recording.len() - 1]);
        let milliseconds = |time: u32| (f64::from(time) / 1000.0).round() as u32;
        assert_eq!((milliseconds(last().min().unwrap()), milliseconds(last().max().unwrap())), known.last_ms);
        let mut classes = [0; 10];
        recordings.iter().for_each(|recording| classes[recording.class] += 1);
        assert_eq!(classes, known.classes);
        // About half get brighter.
        let on = recordings.iter().flat_map(|recording| recording.channels).filter(|&&channel| channel >= 34 * 34).count();
        assert!((0.4..0.6).contains(&(on as f64 / known.events as f64)), "{on} of {}", known.events);
    }
    Ok(())
}

fn no_event_is_lost_in_the_bins() -> Outcome {
    let config = NMnistConfig { bin: Bin::WidthMs(1.0), value: BinValue::Count, ..Default::default() };
    let task = nmnist(config)?;
    let start = Instant::now();
    for split in Split::ALL {
        let (mut counted, mut events) = (0.0, 0);
        for index in 0..task.sequences(split) {
            let batch = task.batch(split, &[index]);
            for step in 0..batch.steps() {
                counted += batch.events(0, step).1.iter().map(|&value| f64::from(value)).sum::<f64>();
            }
            events += task.recording(split, index).len();
            assert!(!batch.events(0, batch.steps() - 1).0.is_empty(), "the last step is that of the last event");
        }
        assert_eq!(counted, events as f64, "{split}");
    }
    eprintln!("all recordings binned in {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
