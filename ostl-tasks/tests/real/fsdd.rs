//! The spoken digits themselves, where they are at hand, against the counts published with them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ostl_core::Target;
use ostl_tasks::speech::{FrontEnd, Recording};
use ostl_tasks::{Batches, Fsdd, FsddConfig, Split, TargetSteps, Task};

use crate::{Missing, Outcome, folder, trials};

trials![
    the_counts_are_the_published_ones,
    splits_classes_and_features,
    spikes_tell_the_levels_that_bands_are_above,
    a_speaker_held_out,
];

/// The folder of the recordings.
fn recordings() -> Result<PathBuf, Missing> {
    folder("fsdd/recordings", "0_george_0.wav").or_else(|_| folder("recordings", "0_george_0.wav"))
}

fn open(config: &FsddConfig) -> Result<Fsdd, Missing> {
    Ok(Fsdd::open(&recordings()?, config).unwrap_or_else(|error| panic!("{error}")))
}

fn the_counts_are_the_published_ones() -> Outcome {
    let recordings = recordings()?;
    let (mut files, mut samples) = ([0; 2], [0; 2]);
    for entry in fs::read_dir(recordings).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_train = usize::from(name.rsplit('_').next().unwrap().parse::<u32>().unwrap() >= 5);
        let recording = Recording::open(&path).unwrap();
        assert_eq!(recording.rate, Fsdd::RATE);
        assert!(recording.samples.iter().all(|sample| (-1.0..1.0).contains(sample)));
        files[is_train] += 1;
        samples[is_train] += recording.samples.len();
    }
    assert_eq!((files, samples), ([300, 2_700], [1_034_030, 9_464_394]));
    Ok(())
}

fn splits_classes_and_features() -> Outcome {
    let task = open(&FsddConfig::default())?;
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [2_400, 300, 300]);
    assert_eq!((task.inputs(), task.outputs(), task.is_sparse()), (39, 10, false));
    let (mut sums, mut squares, mut steps) = ([0.0; 39], [0.0; 39], 0.0);
    for split in Split::ALL {
        let mut of_digit = [0; 10];
        let mut speakers = BTreeSet::new();
        for index in 0..task.sequences(split) {
            of_digit[task.digit(split, index)] += 1;
            speakers.insert(task.speaker(split, index).to_owned());
        }
        assert_eq!(of_digit, [task.sequences(split) / 10; 10]);
        assert_eq!(Vec::from_iter(speakers), ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]);
        for batch in Batches::in_order(&task, split, 100).iter() {
            assert_eq!(batch.target_count(), batch.lengths().iter().sum::<usize>());
            for (stream, &length) in batch.lengths().iter().enumerate() {
                for step in 0..length {
                    let input = batch.input(stream, step);
                    assert!(input.iter().all(|value| value.is_finite()));
                    if split == Split::Train {
                        steps += 1.0;
                        for (i, &value) in input.iter().enumerate() {
                            sums[i] += f64::from(value);
                            squares[i] += f64::from(value).powi(2);
                        }
                    }
                }
            }
        }
    }
    for (sum, square) in sums.into_iter().zip(squares) {
        let mean: f64 = sum / steps;
        assert!(mean.abs() < 1e-5 && (square / steps - 1.0).abs() < 1e-4, "{mean} {}", square / steps);
    }
    // Digits are equally frequent, but some take longer to say.
    let (chance, accuracy) = (task.chance().unwrap(), task.chance_accuracy().unwrap());
    assert!((chance - 10.0_f64.ln()).abs() < 0.02 && (0.08..0.15).contains(&accuracy), "{chance} {accuracy}");
    Ok(())
}

fn spikes_tell_the_levels_that_bands_are_above() -> Outcome {
    let config = FsddConfig { front_end: FrontEnd::Spikes, targets: TargetSteps::Last, ..FsddConfig::default() };
    let task = open(&config)?;
    assert_eq!((task.inputs(), task.is_sparse()), (2 * 32 * 7, true));
    assert_eq!((task.chance().map(|chance| (chance * 1e6).round()), task.chance_accuracy()), (Some(2_302_585.0), Some(0.1)));
    // The same values as a matrix, to hold the spikes against.
    let mut dense = FsddConfig { front_end: FrontEnd::LogMel, ..FsddConfig::default() };
    (dense.mel.hop_ms, dense.mel.bands) = (Some(5.0), Some(32));
    let values = open(&dense)?;
    let mut events = 0;
    for index in (0..300).step_by(17) {
        let (batch, values) = (task.batch(Split::Test, &[index]), values.batch(Split::Test, &[index]));
        assert_eq!(batch.lengths(), values.lengths());
        assert_eq!(batch.target_count(), 1);
        assert_eq!(batch.target(0, batch.steps() - 1), Some(Target::Class(task.digit(Split::Test, index))));
        let mut above = [0_i32; 32 * 7];
        for step in 0..batch.steps() {
            let (inputs, sizes) = batch.events(0, step);
            assert!(sizes.iter().all(|&size| size == 1.0) && inputs.is_sorted_by(|a, b| a < b));
            inputs.iter().for_each(|&input| above[input as usize / 2] += if input % 2 == 0 { 1 } else { -1 });
            events += inputs.len();
            for (band, &value) in values.input(0, step).iter().enumerate() {
                for (level, of) in [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5].into_iter().enumerate() {
                    assert_eq!(above[7 * band + level], i32::from(value >= of), "{index} {step} {band} {level}");
                }
            }
        }
    }
    assert!(events > 0);
    Ok(())
}

fn a_speaker_held_out() -> Outcome {
    let config = FsddConfig { held_out: Some("theo".to_owned()), ..FsddConfig::default() };
    let task = open(&config)?;
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [5 * 450, 5 * 50, 500]);
    assert!((0..500).all(|index| task.speaker(Split::Test, index) == "theo"));
    assert!((0..250).all(|index| task.speaker(Split::Valid, index) != "theo"));
    let nobody = FsddConfig { held_out: Some("fred".to_owned()), ..FsddConfig::default() };
    let error = Fsdd::open(&recordings()?, &nobody).unwrap_err().to_string();
    assert!(error.contains("\"fred\"") && error.contains("george, jackson, lucas, nicolas, theo, yweweler"), "{error}");
    Ok(())
}
