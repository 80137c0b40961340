//! Small idx files written here: what they become, and what the errors say about broken ones.

use std::io::Write;
use std::path::Path;

use ostl_core::Target;
use ostl_tasks::{
    At, Batches, DatasetError, Idx, Metric, Mnist, MnistConfig, MnistForm, Split, TargetSteps, Task, TaskError,
};
use proptest::prelude::*;

/// An idx file of bytes.
fn idx(dimensions: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(elements);
    file
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn read(bytes: Vec<u8>) -> Result<Idx, DatasetError> {
    Idx::from_bytes(bytes, Path::new("some-idx"))
}

/// Pixel (row, column) of image i is (31 i + 7 row + 3 column) mod 256, or 0 where row + column is divisible by 5.
fn pixel(image: usize, row: usize, column: usize) -> u8 {
    if (row + column).is_multiple_of(5) { 0 } else { ((31 * image + 7 * row + 3 * column) % 256) as u8 }
}

fn images(first: usize, count: usize) -> Vec<u8> {
    let at = |i: usize| pixel(first + i / 784, i % 784 / 28, i % 28);
    idx(&[count as u32, 28, 28], &(0..count * 784).map(at).collect::<Vec<u8>>())
}

fn labels(count: usize) -> Vec<u8> {
    idx(&[count as u32], &(0..count).map(|i| (i * 3 % 10) as u8).collect::<Vec<u8>>())
}

/// Ten training images, three test images.
fn small(config: MnistConfig) -> Result<Mnist, TaskError> {
    let pair = |images, labels| [read(images).unwrap(), read(labels).unwrap()];
    Mnist::new(pair(images(0, 10), labels(10)), pair(images(100, 3), labels(3)), &config)
}

fn config(form: MnistForm) -> MnistConfig {
    MnistConfig { form, valid: 4, ..Default::default() }
}

#[test]
fn idx_by_hand() {
    let file = idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 255]);
    for bytes in [file.clone(), gzip(&file)] {
        let array = read(bytes).unwrap();
        assert_eq!(array.dimensions(), [2, 1, 3]);
        assert_eq!((array.item(0), array.item(1)), (&[1, 2, 3][..], &[4, 5, 255][..]));
        assert_eq!(array.elements().len(), 6);
    }
}

#[test]
fn broken_idx_files_name_the_byte() {
    let broken = |bytes: &[u8], byte: u64, words: &[&str]| {
        let error = read(bytes.to_vec()).unwrap_err();
        let message = error.to_string();
        let DatasetError::Malformed { path, at, .. } = error else { panic!("{message}") };
        assert_eq!((path.as_path(), at), (Path::new("some-idx"), At::Byte(byte)), "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    broken(b"", 0, &["ends here", "download"]);
    broken(b"\0\0\x08", 3, &["ends here"]);
    broken(b"PK\x03\x04", 0, &["0x50", "two zero bytes"]);
    broken(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 5], 2, &["0x0d", "unsigned bytes"]);
    broken(&[0, 0, 8, 0], 3, &["no dimensions"]);
    broken(&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0], 10, &["dimensions"]);
    broken(&idx(&[3, 0], &[]), 8, &["dimension 1 is 0"]);
    broken(&idx(&[2, 3], &[0; 5]), 12, &["5 bytes", "6", "[2, 3]"]);
    broken(&idx(&[2, 3], &[0; 7]), 12, &["7 bytes"]);
    broken(&idx(&[u32::MAX, u32::MAX], &[0; 7]), 12, &["7 bytes", "18446744065119617025"]);
    broken(&idx(&[u32::MAX; 3], &[0; 7]), 16, &["more than 2⁶⁴"]);

    let packed = gzip(&idx(&[300], &[7; 300]));
    let error = read(packed[..packed.len() - 9].to_vec()).unwrap_err();
    assert!(matches!(&error, DatasetError::Malformed { at: At::Unpacked(_), .. }), "{error}");
}

#[test]
fn files_that_do_not_fit_together() {
    let error = |train: [Vec<u8>; 2]| {
        let train = train.map(|bytes| read(bytes).unwrap());
        let test = [images(0, 2), labels(2)].map(|bytes| read(bytes).unwrap());
        Mnist::new(train, test, &config(MnistForm::Rows)).unwrap_err().to_string()
    };
    assert!(error([idx(&[10, 28, 27], &[0; 7560]), labels(10)]).contains("[10, 28, 27], expected images × 28 × 28"));
    assert!(error([labels(10), labels(10)]).contains("[10], expected images"));
    assert!(error([images(0, 10), labels(9)]).contains("[9], expected [10]"));
    let mut wrong = labels(10);
    wrong[8 + 6] = 10;
    let message = error([images(0, 10), wrong]);
    assert!(message.contains("byte 14") && message.contains("label 10 of image 6"), "{message}");
}

#[test]
fn targets_of_each_class_are_known() {
    for targets in [TargetSteps::Every, TargetSteps::Last] {
        let task = small(MnistConfig { targets: Some(targets), ..config(MnistForm::Rows) }).unwrap();
        for split in Split::ALL {
            let mut counts = vec![0_u64; 10];
            for index in 0..task.sequences(split) {
                let batch = task.batch(split, &[index]);
                for step in 0..batch.steps() {
                    if let Some(Target::Class(class)) = batch.target(0, step) {
                        counts[class] += 1;
                    }
                }
            }
            assert_eq!(task.class_counts(split), Some(counts), "{split} {targets:?}");
        }
    }
}

#[test]
fn settings_out_of_range() {
    let says = |config: MnistConfig, words: &[&str]| {
        let Err(TaskError::Config(error)) = small(config) else { panic!("accepted") };
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    let base = config(MnistForm::Rate);
    says(MnistConfig { valid: 10, ..base.clone() }, &["valid = 10", "from 1 to 9"]);
    says(MnistConfig { valid: 0, ..base.clone() }, &["valid = 0"]);
    says(MnistConfig { steps: 0, ..base.clone() }, &["steps = 0"]);
    says(MnistConfig { limit: Some(0), ..base.clone() }, &["limit = 0"]);
    for gain in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        says(MnistConfig { gain, ..base.clone() }, &["gain"]);
    }
}

#[test]
fn splits_are_the_first_the_last_and_the_others() {
    let task = small(config(MnistForm::Rows)).unwrap();
    let counts = Split::ALL.map(|split| task.sequences(split));
    assert_eq!(counts, [6, 4, 3]);
    assert_eq!((task.image(Split::Train, 5)[1], task.class(Split::Train, 5)), (pixel(5, 0, 1), 5));
    assert_eq!((task.image(Split::Valid, 0)[1], task.class(Split::Valid, 0)), (pixel(6, 0, 1), 8));
    assert_eq!((task.image(Split::Test, 2)[1], task.class(Split::Test, 2)), (pixel(102, 0, 1), 6));
    assert_eq!(task.class_name(3), "digit 3");

    let limited = small(MnistConfig { limit: Some(2), ..config(MnistForm::Rows) }).unwrap();
    assert_eq!(Split::ALL.map(|split| limited.sequences(split)), [2, 4, 3]);
    assert_eq!(limited.image(Split::Valid, 0), task.image(Split::Valid, 0));
    // Known: a 0 and a 3. Asked: 0, 3, 6. With one more of each of the ten digits: 2/12, 2/12, 1/12.
    let chance = -(2.0 * (1.0_f64 / 6.0).ln() + (1.0_f64 / 12.0).ln()) / 3.0;
    assert!((limited.chance().unwrap() - chance).abs() < 1e-12);
    assert_eq!(limited.chance_accuracy(), Some(1.0 / 3.0));
}

#[test]
fn rows_and_pixels_are_the_picture() {
    let rows = small(config(MnistForm::Rows)).unwrap();
    let pixels = small(config(MnistForm::Pixels)).unwrap();
    let permuted = small(config(MnistForm::Permuted)).unwrap();
    assert_eq!((rows.inputs(), rows.steps(Split::Test, 0), rows.is_sparse()), (28, 28, false));
    assert_eq!((pixels.inputs(), permuted.steps(Split::Test, 0)), (1, 784));
    let [by_row, by_pixel, mixed] = [&rows, &pixels, &permuted].map(|task| task.batch(Split::Valid, &[3, 1]));
    let mut order = permuted.order().to_vec();
    for (stream, image) in [(0, 9), (1, 7)] {
        for row in 0..28 {
            for column in 0..28 {
                let value = f32::from(pixel(image, row, column)) / 255.0;
                assert_eq!(by_row.input(stream, row)[column], value);
                assert_eq!(by_pixel.input(stream, row * 28 + column), [value]);
                let step = order.iter().position(|&at| usize::from(at) == row * 28 + column).unwrap();
                assert_eq!(mixed.input(stream, step), [value]);
            }
        }
        assert_eq!(by_row.target(stream, 27), Some(Target::Class(image * 3 % 10)));
    }
    assert_eq!((by_row.target_count(), by_pixel.target_count()), (2, 2));
    assert!(by_pixel.has_target(0, 783) && rows.metrics() == [Metric::Accuracy]);

    order.sort_unstable();
    assert!(order.iter().copied().eq(0..784));
    let other = small(MnistConfig { seed: 2, ..config(MnistForm::Permuted) }).unwrap();
    assert_ne!(other.order(), permuted.order());
    // What a seed gives may never change: published runs depend on it.
    assert_eq!(permuted.order()[..8], PERMUTATION_OF_SEED_1);
    let every = small(MnistConfig { targets: Some(TargetSteps::Every), ..config(MnistForm::Rows) }).unwrap();
    assert_eq!(every.batch(Split::Test, &[0]).target_count(), 28);
}

const PERMUTATION_OF_SEED_1: [u16; 8] = [730, 564, 309, 102, 4, 710, 100, 715];

#[test]
fn means_of_pixels_that_follow_one_another() {
    // In the first row of image 0, 3 · column where the column is not divisible by 5: 0 3 6 9 12 0 18 21, 24 27 0 33 36 39 42 0,
    // 48 51 54 57 0 63 66 69, 72 0 78 81; the second row goes on with 7 10 13 16. White is 255.
    let task = small(config(MnistForm::Means)).unwrap();
    assert_eq!((task.inputs(), task.outputs(), task.is_sparse()), (1, 10, false));
    assert_eq!(Split::ALL.map(|split| task.steps(split, 2)), [98; 3]);
    let batch = task.batch(Split::Train, &[0, 3]);
    for (step, sum) in [(0, 69.0), (1, 201.0), (2, 408.0), (3, 72.0 + 78.0 + 81.0 + 7.0 + 10.0 + 13.0 + 16.0)] {
        assert_eq!(batch.input(0, step), [sum / 2040.0], "step {step}");
    }
    assert_eq!((batch.steps(), batch.target_count(), batch.target(1, 97)), (98, 2, Some(Target::Class(9))));
    assert_eq!(task.metrics(), [Metric::Accuracy]);

    // The splits are those of every other form, and every pixel is in one mean.
    let [by_row, by_pixel] = [MnistForm::Rows, MnistForm::Pixels].map(|form| small(config(form)).unwrap());
    let means = |pool| small(MnistConfig { pool, ..config(MnistForm::Means) });
    for split in Split::ALL {
        assert_eq!(task.sequences(split), by_row.sequences(split));
        for index in 0..task.sequences(split) {
            assert_eq!(
                (task.image(split, index), task.class(split, index)),
                (by_row.image(split, index), by_row.class(split, index))
            );
            assert_eq!(means(1).unwrap().batch(split, &[index]), by_pixel.batch(split, &[index]));
            let whole = means(784).unwrap().batch(split, &[index]);
            let sum: u32 = by_row.image(split, index).iter().map(|&pixel| u32::from(pixel)).sum();
            assert_eq!((whole.steps(), whole.input(0, 0)[0]), (1, sum as f32 / 199_920.0));
        }
    }

    for pool in [0, 3, 9, 785, usize::MAX] {
        let Err(TaskError::Config(error)) = means(pool) else { panic!("accepted {pool}") };
        let message = error.to_string();
        assert!(message.contains(&format!("pool = {pool}")) && message.contains("a divisor of 784"), "{message}");
        assert!(message.contains("1, 2, 4, 7, 8, 14, 16, 28, 49, 56, 98, 112, 196, 392, 784"), "{message}");
    }
}

#[test]
fn spikes_come_as_often_as_pixels_are_bright() {
    let steps = 2000;
    let task = small(MnistConfig { steps, gain: 0.8, ..config(MnistForm::Rate) }).unwrap();
    assert!(task.is_sparse() && task.metrics()[0] == Metric::SequenceAccuracy);
    let batch = task.batch(Split::Train, &[2]);
    assert_eq!((batch.inputs(), batch.steps(), batch.target_count()), (784, steps, steps));
    let mut counts = vec![0_u32; 784];
    for step in 0..steps {
        let (rows, values) = batch.events(0, step);
        assert!(rows.is_sorted_by(|a, b| a < b) && values.iter().all(|&value| value == 1.0));
        rows.iter().for_each(|&row| counts[row as usize] += 1);
    }
    let mut deviations = 0.0;
    for (row, &count) in counts.iter().enumerate() {
        let p = 0.8 * f64::from(pixel(2, row / 28, row % 28)) / 255.0;
        if p == 0.0 {
            assert_eq!(count, 0);
            continue;
        }
        let deviation = (f64::from(count) - steps as f64 * p) / (steps as f64 * p * (1.0 - p)).sqrt();
        assert!(deviation.abs() < 5.0, "row {row}: {count} spikes at {p}");
        deviations += deviation * deviation;
    }
    let bright = counts.iter().filter(|&&count| count > 0).count() as f64;
    assert!((deviations / bright - 1.0).abs() < 0.3, "mean squared deviation {}", deviations / bright);
}

#[test]
fn spikes_depend_on_seed_split_and_index_alone() {
    let task = |seed| small(MnistConfig { seed, ..config(MnistForm::Rate) }).unwrap();
    let one = task(1);
    let alone = one.batch(Split::Train, &[3]);
    let amid = one.batch(Split::Train, &[0, 3, 5]);
    for step in 0..20 {
        assert_eq!(alone.events(0, step), amid.events(1, step));
    }
    assert_ne!(alone, task(2).batch(Split::Train, &[3]));
    // All but the draws is the same in these.
    let moved = small(MnistConfig { valid: 7, ..config(MnistForm::Rate) }).unwrap();
    assert_eq!(moved.image(Split::Valid, 0), one.image(Split::Train, 3));
    assert_ne!(moved.batch(Split::Valid, &[0]), alone);
    let always = small(MnistConfig { gain: 255.0, steps: 2, ..config(MnistForm::Rate) }).unwrap();
    let lit = always.image(Split::Test, 1).iter().filter(|&&pixel| pixel > 0).count();
    assert_eq!(always.batch(Split::Test, &[1]).events(0, 1).0.len(), lit);
}

#[test]
fn files_are_found_under_their_usual_names() {
    let write = |folder: &Path, names: [&str; 4], packed: bool| {
        std::fs::create_dir_all(folder).unwrap();
        let contents = [images(0, 10), labels(10), images(100, 3), labels(3)];
        for (name, content) in names.into_iter().zip(contents) {
            std::fs::write(folder.join(name), if packed { gzip(&content) } else { content }).unwrap();
        }
    };
    let dashed = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    let dotted = dashed.map(|name| name.replace("-idx", ".idx"));
    let packed = dashed.map(|name| format!("{name}.gz"));
    let expected = small(config(MnistForm::Rows)).unwrap().batch(Split::Train, &[0, 1, 2, 3, 4, 5]);
    for (subfolder, names, is_packed) in [
        ("", dashed, false),
        ("mnist", packed.each_ref().map(String::as_str), true),
        ("MNIST/raw", dotted.each_ref().map(String::as_str), false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join(subfolder), names, is_packed);
        let task = Mnist::open(folder.path(), &config(MnistForm::Rows)).unwrap();
        assert_eq!(task.batch(Split::Train, &[0, 1, 2, 3, 4, 5]), expected, "{subfolder}");
        std::fs::remove_file(folder.path().join(subfolder).join(names[3])).unwrap();
        let error = Mnist::open(folder.path(), &config(MnistForm::Rows)).unwrap_err().to_string();
        assert!(error.contains("t10k-labels-idx1-ubyte") && error.contains("--data DIR"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), header: bool) {
        let bytes = if header { [&[0, 0, 8][..], &bytes].concat() } else { bytes };
        if let Ok(array) = read(bytes) {
            prop_assert_eq!(array.dimensions().iter().product::<usize>(), array.elements().len());
        }
    }

    #[test]
    fn what_is_written_is_read(dimensions in proptest::collection::vec(1_u32..6, 1..4), packed: bool) {
        let elements: Vec<u8> = (0..dimensions.iter().product::<u32>()).map(|i| i as u8).collect();
        let file = idx(&dimensions, &elements);
        let array = read(if packed { gzip(&file) } else { file }).unwrap();
        prop_assert_eq!(array.elements(), &elements[..]);
        prop_assert!(array.dimensions().iter().zip(&dimensions).all(|(&a, &b)| a == b as usize));
    }

    #[test]
    fn flips_and_cuts_are_read_or_refused(
        packed: bool, cut in any::<Option<prop::sample::Index>>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..4),
    ) {
        let mut files = [images(0, 3), labels(3)];
        for file in &mut files {
            if packed {
                *file = gzip(file);
            }
            for (at, bit) in &flips {
                // Mostly the header: that is where the reader can go wrong.
                let at = at.index(file.len() * 2) % 40 % file.len();
                file[at] ^= 1 << bit;
            }
            if let Some(cut) = &cut {
                file.truncate(cut.index(file.len()));
            }
        }
        if let (Ok(images), Ok(labels)) = (read(files[0].clone()), read(files[1].clone())) {
            let test = || [read(self::images(0, 1)).unwrap(), read(self::labels(1)).unwrap()];
            if let Ok(task) = Mnist::new([images, labels], test(), &MnistConfig { valid: 1, ..Default::default() }) {
                prop_assert!(Batches::in_order(&task, Split::Train, 2).iter().all(|batch| batch.target_count() > 0));
            }
        }
    }
}

/// Whole numbers of more bytes are read as long as they are those of a byte; floating point is refused by its name.
#[test]
fn every_type_of_element() {
    let file = |kind: u8, elements: &[u8], count: u32| [&[0, 0, kind, 1][..], &count.to_be_bytes(), elements].concat();
    for (kind, elements) in [
        (8, vec![7, 100, 0]),
        (9, vec![7, 100, 0]),
        (0x0b, vec![0, 7, 0, 100, 0, 0]),
        (0x0c, vec![0, 0, 0, 7, 0, 0, 0, 100, 0, 0, 0, 0]),
    ] {
        assert_eq!(read(file(kind, &elements, 3)).unwrap().elements(), [7, 100, 0], "{kind:#x}");
    }
    for (bytes, byte, words) in [
        (file(9, &[1, 0xff], 2), 9, "element 1 is -1, expected 0 to 255"),
        (file(0x0b, &[0, 1, 1, 0], 2), 10, "element 1 is 256"),
        (file(0x0c, &[0xff, 0xff, 0xff, 0xfe], 1), 8, "element 0 is -2"),
        (file(0x0d, &[0; 4], 1), 2, "element type 0x0d, floating point of 32 bits, expected 0x08, unsigned bytes"),
        (file(0x0e, &[0; 8], 1), 2, "floating point of 64 bits"),
        (file(0x0a, &[0; 8], 1), 2, "which idx does not have"),
        (file(0x0c, &[0; 7], 2), 8, "7 bytes follow the header, which says 8"),
        (file(0x0c, &[0; 4], u32::MAX), 8, "4 bytes follow the header, which says 17179869180"),
    ] {
        let error = read(bytes).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, DatasetError::Malformed { at: At::Byte(at), .. } if at == byte), "{message}");
        assert!(message.contains(words), "{message}");
    }
    // A label's place is that of its element in the file.
    let labels = read(file(0x0b, &[0, 1, 0, 10], 2)).unwrap();
    let test = [images(0, 2), self::labels(2)].map(|bytes| read(bytes).unwrap());
    let error = Mnist::new([read(images(0, 2)).unwrap(), labels], test, &config(MnistForm::Rows)).unwrap_err().to_string();
    assert!(error.contains("byte 10: label 10 of image 1"), "{error}");
}

/// A file of a megabyte that unpacks to a gigabyte is refused after a fifth of that.
#[test]
fn what_unpacks_too_far_is_refused() {
    let bomb = gzip(&idx(&[64 << 20], &vec![0; 64 << 20]));
    let size = bomb.len() as u64;
    let error = read(bomb).unwrap_err();
    assert!(matches!(&error, DatasetError::UnpacksTooFar { room, .. } if *room == 200 * size), "{error}");
    assert!(error.to_string().contains("some-idx") && error.to_string().contains("gunzip"), "{error}");
}
