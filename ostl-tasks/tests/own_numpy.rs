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
        (array("<c8", "(1, 1, 1)", &[0; 8]), "expected bool, whole numbers"),
        (array("<U1", "(1, 1, 1)", &[0; 4]), "text that names a class"),
        (array("<f4", "(1, 1, 1)", &f32::NAN.to_le_bytes()), "number 0, counted from 0: NaN is not a finite number"),
        (array("<f8", "(1, 1, 2)", &[0.0, 1e39].map(f64::to_le_bytes).concat()), "number 1"),
        (array("<i8", "(1, 1, 1)", &(1_i64 << 40).to_le_bytes()), "1099511627776 is outside"),
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
