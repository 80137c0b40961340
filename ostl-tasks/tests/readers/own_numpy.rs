//! Files that NumPy itself wrote (tests/numpy/make.py), and archives that nobody should.

use std::io::{Cursor, Write};
use std::path::Path;

use ostl_core::Target;
use ostl_tasks::own::{Encoding, Own, OwnConfig, Source};
use ostl_tasks::{Split, Task};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[test]
fn files_of_numpy() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy");
    let task = Own::open(Path::new(folder), &OwnConfig::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((task.inputs(), task.outputs(), task.has_test()), (2, 5, true));
    for (split, lengths) in [(Split::Train, [4, 2, 3]), (Split::Valid, [4, 4, 4]), (Split::Test, [1, 4, 4])] {
        let batch = task.batch(split, &[0, 1, 2]);
        assert_eq!(batch.lengths(), lengths, "{split}");
        for (sequence, &length) in lengths.iter().enumerate() {
            for step in 0..length {
                let first = sequence as f32 + step as f32 / 4.0;
                assert_eq!(batch.input(sequence, step), [first, first - 0.5], "{split}, sequence {sequence}, step {step}");
                let class = (sequence * 4 + step) % 5;
                let target = (split != Split::Train || class != 1).then_some(Target::Class(class));
                assert_eq!(batch.target(sequence, step), target, "{split}, sequence {sequence}, step {step}");
            }
        }
    }
}

/// An array file with this header and these bytes after it.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn array(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"), data)
}

fn archive(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn open(bytes: &[u8]) -> Result<Own, String> {
    let source = Source { bytes, encoding: Encoding::Npz, path: Path::new("x.npz") };
    Own::from_slices(source, source, None, &OwnConfig::default()).map_err(|error| error.to_string())
}

/// The error of an archive with these inputs and good targets.
fn refused(inputs: Vec<u8>) -> String {
    let targets = array("|u1", "(1,)", &[0]);
    let members = [("inputs.npy", inputs), ("targets.npy", targets)];
    open(&archive(&members, CompressionMethod::Stored)).map(|task| task.inputs()).unwrap_err()
}

#[test]
fn a_small_archive_by_hand() {
    let members = [("inputs.npy", array("|i1", "(1, 2, 1)", &[7, 0xff])), ("targets.npy", array("|b1", "(1,)", &[1]))];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let batch = open(&archive(&members, method)).unwrap().batch(Split::Train, &[0]);
        assert_eq!((batch.input(0, 0), batch.input(0, 1)), (&[7.0][..], &[-1.0][..]));
        assert_eq!(batch.target(0, 1), Some(Target::Class(1)));
    }
}

#[test]
fn arrays_that_are_none() {
    let brackets = "(".repeat(5_000);
    for (inputs, words) in [
        (npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {brackets}"), &[]), "not that of an array"),
        (array("|u1", "(4294967296, 4294967296, 2)", &[]), "not that of an array"),
        (array("|u1", "(0xffffffffff, 0xffffffffff, 2)", &[]), "not that of an array"),
        (array("<f8", "(9999999999, 99999999)", &[]), "it was cut off or changed"),
        (array("<f8", "(9999999, 9999, 9)", &[]), "it was cut off or changed"),
        (array("|u1", "(1, 2, 1)", &[1]), "takes 75 bytes, but 74 are there"),
        (array("|u1", "(1, 2, 1)", &[1, 2, 3]), "but 76 are there"),
        (array("|u1", "(2, 1)", &[1, 2]), "[2, 1], expected [sequences, steps, features]"),
        (array("|u1", "(0, 2, 1)", &[]), "expected at least one sequence"),
        (array("<c8", "(1, 1, 1)", &[0; 8]), "real and imaginary part as two features"),
        (
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (8,), }\n", b"\x80"),
            "pad them to the longest and give `lengths`, or write JSON Lines",
        ),
        (array("<M8[s]", "(1, 1, 1)", &[0; 8]), "save numbers"),
        (array("<U1", "(1, 1, 1)", &[0; 4]), "text that names a class"),
        (
            array("<f4", "(1, 1, 1)", &f32::NAN.to_le_bytes()),
            "sequence 0, step 0, feature 0 (counted from 0): NaN, and every number must be finite",
        ),
        (
            array("<f8", "(1, 1, 2)", &[0.0, 1e39].map(f64::to_le_bytes).concat()),
            "feature 1 (counted from 0): a number beyond single precision, expected one within ±3.4e38: scale the values",
        ),
        (
            array("<f8", "(1, 1, 2)", &[0.0, f64::NEG_INFINITY].map(f64::to_le_bytes).concat()),
            "feature 1 (counted from 0): -inf, and every number must be finite",
        ),
        (
            array("<i8", "(1, 1, 1)", &(1_i64 << 40).to_le_bytes()),
            "sequence 0, step 0, feature 0 (counted from 0): a whole number outside",
        ),
        (array("|b1", "(1, 1, 1)", &[2]), "invalid value for bool"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "a header of 4294967295 bytes"),
        (b"\x93NUMPY\x09\x00\x00\x00\x00\x00".to_vec(), "unsupported version"),
        (b"PK and more bytes".to_vec(), "not an array of NumPy"),
        (b"PK".to_vec(), "ends in the header"),
    ] {
        let error = refused(inputs);
        assert!(error.starts_with("x.npz: in `inputs`: ") && error.contains(words), "{words}: {error}");
    }
}

/// 2 sequences of 3 steps of 2 features, with one number changed, in C's order or Fortran's, of every kind of float.
#[test]
fn places_are_those_of_the_array_in_every_order() {
    let value =
        |sequence: usize, step: usize, feature: usize| if (sequence, step, feature) == (1, 2, 0) { f64::NAN } else { 1.0 };
    let c: Vec<f64> = (0..12).map(|i| value(i / 6, i / 2 % 3, i % 2)).collect();
    let fortran: Vec<f64> = (0..12).map(|i| value(i % 2, i / 2 % 3, i / 6)).collect();
    for (order, numbers) in [("False", c), ("True", fortran)] {
        let f4 = || numbers.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect::<Vec<u8>>();
        let data: [(&str, Vec<u8>); 4] = [
            ("<f8", numbers.iter().flat_map(|x| x.to_le_bytes()).collect()),
            (">f8", numbers.iter().flat_map(|x| x.to_be_bytes()).collect()),
            ("<f4", f4()),
            ("<f2", numbers.iter().flat_map(|x| if x.is_nan() { [0, 0x7e] } else { [0, 0x3c] }).collect()),
        ];
        for (kind, bytes) in data {
            let header = |shape: &str| format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
            let inputs = npy(&header("(2, 3, 2)"), &bytes);
            let error = open(&archive(
                &[("inputs.npy", inputs.clone()), ("targets.npy", array("|u1", "(2,)", &[0, 1]))],
                CompressionMethod::Stored,
            ));
            let error = error.unwrap_err();
            assert!(
                error.starts_with("x.npz: in `inputs`: sequence 1, step 2, feature 0 (counted from 0): NaN, "),
                "{kind} {order}: {error}"
            );
            // In padding it may lie: nobody reads it.
            let lengths = ("lengths.npy", array("|u1", "(2,)", &[3, 2]));
            let padded = [("inputs.npy", inputs.clone()), ("targets.npy", array("|u1", "(2,)", &[0, 1])), lengths];
            assert!(open(&archive(&padded, CompressionMethod::Stored)).is_ok());
            // As values to predict, at a step that has a target or not.
            let ones = || ("inputs.npy", array("|u1", "(2, 3, 1)", &[1; 6]));
            let error = open(&archive(&[ones(), ("targets.npy", inputs.clone())], CompressionMethod::Stored)).unwrap_err();
            assert!(error.contains("in `targets`: sequence 1, step 2, output 0 (counted from 0): NaN, "), "{error}");
            let mask = ("mask.npy", array("|b1", "(2, 3)", &[1, 1, 1, 1, 1, 0]));
            let masked = open(&archive(&[ones(), ("targets.npy", inputs), mask], CompressionMethod::Stored)).unwrap();
            assert_eq!(masked.batch(Split::Train, &[1]).target_count(), 2);
        }
    }
}

/// A class that a table held as a float, and what stands for none where there is no target.
#[test]
fn classes_as_floats_and_what_lies_in_their_padding() {
    let inputs = || ("inputs.npy", array("|u1", "(2, 2, 1)", &[0; 4]));
    let with = |members: Vec<(&'static str, Vec<u8>)>| {
        open(&archive(&[vec![inputs()], members].concat(), CompressionMethod::Stored))
    };
    let floats = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let task = with(vec![("targets.npy", array("<f8", "(2,)", &floats(&[0.0, 2.0])))]).unwrap();
    assert_eq!((task.outputs(), task.batch(Split::Train, &[1]).target(0, 1)), (3, Some(Target::Class(2))));
    for (wrong, words) in [(1.5, "class 1.5"), (-1.0, "class -1 "), (f64::NAN, "class NaN"), (1e300, "class 3.4e38")] {
        let error = with(vec![("targets.npy", array("<f8", "(2,)", &floats(&[0.0, wrong])))]).unwrap_err();
        assert!(error.contains("in `targets`: sequence 1: ") && error.contains(words), "{error}");
    }
    let wide: Vec<u8> = [1, i64::MIN, 0, 1 << 40].iter().flat_map(|n| n.to_le_bytes()).collect();
    let mask = || ("mask.npy", array("|u1", "(2, 2)", &[1, 0, 1, 0]));
    let targets = ("targets.npy", array("<i8", "(2, 2)", &wide));
    assert_eq!(with(vec![targets.clone(), mask()]).unwrap().outputs(), 2);
    let error = with(vec![targets]).unwrap_err();
    assert!(error.contains("sequence 0, step 1: class -2147483648"), "{error}");
    // What a mask says beyond a sequence's end does not count, nor what is no number there.
    let lengths = ("lengths.npy", array("<f8", "(2,)", &floats(&[1.0, 2.0])));
    let mask = ("mask.npy", array("<f8", "(2, 2)", &floats(&[1.0, f64::NAN, 1.0, 1.0])));
    let targets = ("targets.npy", array("|u1", "(2, 2)", &[1, 9, 0, 1]));
    assert_eq!(with(vec![targets, lengths, mask]).unwrap().outputs(), 2);
}

#[test]
fn archives_that_are_not_whole_or_not_the_right_ones() {
    let members = [("inputs.npy", array("|u1", "(1, 1, 1)", &[0])), ("targets.npy", array("|u1", "(1,)", &[0]))];
    let whole = archive(&members, CompressionMethod::Stored);
    assert!(open(&whole[..whole.len() - 30]).unwrap_err().contains("cut off or changed"));
    assert!(open(&members[0].1).unwrap_err().contains("np.savez(file, inputs=…, targets=…)"));
    for (name, meant) in
        [("X.npy", "`inputs`"), ("labels.npy", "`targets`"), ("target.npy", "`targets`"), ("Length.npy", "`lengths`")]
    {
        let error = open(&archive(&[(name, array("|u1", "(1,)", &[0]))], CompressionMethod::Stored)).unwrap_err();
        assert!(error.contains(&format!("did you mean {meant}?")), "{error}");
    }
}

#[test]
fn archives_that_are_bombs_or_lie() {
    let zeros = || vec![0; 10_000_000];
    let targets = || ("targets.npy", array("|u1", "(1,)", &[0]));
    let members = [("inputs.npy", array("|u1", "(1, 1000000, 10)", &zeros())), targets()];
    let error = open(&archive(&members, CompressionMethod::Deflated)).unwrap_err();
    assert!(error.contains("more than 200 times the file") && error.contains("np.savez,"), "{error}");
    assert!(open(&archive(&members, CompressionMethod::Stored)).is_ok());

    let small = [("inputs.npy", array("|u1", "(1, 2, 1)", &[77, 88])), targets()];
    let mut bytes = archive(&small, CompressionMethod::Stored);
    let at = bytes.windows(2).position(|pair| pair == [77, 88]).unwrap();
    bytes[at] = 78;
    let error = open(&bytes).unwrap_err();
    assert!(error.to_lowercase().contains("checksum"), "{error}");

    let error = open(&archive(&[("inputs.npy", array("|u1", "(1, 1, 1)", &[0]))], CompressionMethod::Stored)).unwrap_err();
    assert!(error.contains("in `targets`: missing"), "{error}");
    let stranger = [("labels.npy", array("|u1", "(1,)", &[0]))];
    let error = open(&archive(&stranger, CompressionMethod::Stored)).unwrap_err();
    assert!(error.contains("in `labels.npy`: an unknown array"), "{error}");
}

proptest! {
    /// Array files damaged before they were packed, so that no checksum tells.
    #[test]
    fn damaged_arrays_are_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        texts in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"(){}[]',:0123456789-.eTF<>|iufbOUSVc \n".to_vec())), 0..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = array("<f4", "(1, 3, 2)", &[1.0_f32, 2.0, -3.0, 4.0, 0.5, 6.0].map(f32::to_le_bytes).concat());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for (at, byte) in texts {
            let at = 10 + at.index(65);
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let targets = array("|u1", "(1,)", &[0]);
        match open(&archive(&[("inputs.npy", bytes), ("targets.npy", targets)], CompressionMethod::Stored)) {
            Ok(task) => prop_assert!(task.batch(Split::Train, &[0]).target_count() == 1),
            Err(error) => prop_assert!(error.starts_with("x.npz: in `inputs`: ") || error.contains("`targets`"), "{}", error),
        }
    }
}
