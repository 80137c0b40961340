use std::fs;
use std::path::Path;

use super::*;
use crate::linalg::bf16::Bf16;

fn record(value: f32) -> Record {
    let mut record = Record::new();
    record.put("layers.0.W", &[2, 2], vec![1.0_f32, -2.5, f32::MIN_POSITIVE, value]);
    record.put("layers.0.b", &[1], vec![f64::MAX]);
    record.put("trace", &[2], vec![Bf16::of_bits(0x3F80), Bf16::of_bits(0)]);
    record.put("flags", &[2], vec![true, false]);
    record.put("counts", &[], vec![u64::MAX]);
    record.put("rows", &[3], vec![1_u32, 2, 3]);
    record.put("slots", &[2], vec![255_u8, 0]);
    record.put_text("network", "3 > lstm 4");
    record
}

#[test]
fn round_trip_and_every_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    let record = record(0.5);
    write(&path, &record).unwrap();
    assert_eq!(read_of(&path, "3 > lstm 4").unwrap(), record);
    assert!(matches!(read_of(&path, "3 > gru 4"), Err(CheckpointError::OtherNetwork { .. })));
    let whole = fs::read(&path).unwrap();
    assert_eq!(encode(&record), whole);
    for cut in 0..whole.len() {
        let error = decode(&whole[..cut], &path).unwrap_err();
        assert!(matches!(error, CheckpointError::Malformed { .. }), "cut at {cut}: {error}");
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        let error = decode(&broken, &path).unwrap_err();
        assert!(error.to_string().contains("x.ckpt"), "{error}");
        if (8..12).contains(&at) {
            assert!(matches!(error, CheckpointError::Version { .. }));
        }
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(decode(&longer, &path).unwrap_err().to_string().contains("1 bytes too many"));
    assert!(matches!(read(&folder.path().join("missing")).unwrap_err(), CheckpointError::Read { .. }));
}

/// The bytes of a small checkpoint, worked out by hand from docs/checkpoints.md.
#[test]
fn the_format_is_the_one_described() {
    let mut record = Record::new();
    record.put("b", &[2], vec![1.0_f32, -2.0]);
    let mut header = b"OSTLCKPT\x08\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    header.extend(crc32fast::hash(&header).to_le_bytes());
    let mut entry = vec![29, 0, 0, 0];
    entry.extend(b"\x01\0\0\0\0\0\0\0b\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0");
    entry.extend(crc32fast::hash(&entry).to_le_bytes());
    let values = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0];
    entry.extend(values);
    entry.extend(crc32fast::hash(&values).to_le_bytes());
    header.extend(entry);
    assert_eq!(encode(&record), header);
}

#[test]
fn an_older_version_is_refused_with_the_way_out() {
    let mut bytes = encode(&record(1.0));
    bytes[8] = 6;
    let error = decode(&bytes, Path::new("x.ckpt")).unwrap_err().to_string();
    assert!(error.contains("format version 6") && error.contains("train anew"), "{error}");
}

/// A right checksum around wrong contents.
#[test]
fn lengths_that_the_file_cannot_hold_are_refused() {
    let path = Path::new("x.ckpt");
    let file = |head: &Head, values: &[u8]| {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let head = bincode::serde::encode_to_vec(head, bincode::config::legacy()).unwrap();
        let mut entry = (head.len() as u32).to_le_bytes().to_vec();
        entry.extend(head);
        entry.extend(crc32fast::hash(&entry).to_le_bytes());
        entry.extend(values);
        entry.extend(crc32fast::hash(values).to_le_bytes());
        bytes.extend(entry);
        bytes
    };
    for shift in [10, 25, 31, 32, 40, 62, 63] {
        for shape in [vec![1 << shift], vec![1 << shift, 1 << shift], vec![2, 1 << shift]] {
            let head = Head { name: "a".into(), kind: Kind::F64, shape };
            let error = decode(&file(&head, &[0; 100]), path).unwrap_err();
            assert!(matches!(&error, CheckpointError::Malformed { .. }), "2^{shift}: {error}");
        }
    }
    let head = |kind, length| Head { name: "a".into(), kind, shape: vec![length] };
    for (head, values) in [(head(Kind::Bool, 1), [2]), (head(Kind::Text, 1), [0xFF])] {
        let error = decode(&file(&head, &values), path).unwrap_err();
        assert!(matches!(&error, CheckpointError::Content { .. }), "{error}");
    }
    assert!(decode(&file(&head(Kind::U8, 1), &[2]), path).is_ok());
}

#[test]
fn what_is_not_finite_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    write(&path, &record(3.0)).unwrap();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = write(&path, &record(value)).unwrap_err().to_string();
        let words = format!("x.ckpt: was not written, since layers.0.W[1][1] is {value}");
        assert!(error.contains(&words), "{error}");
        let error = decode(&encode(&record(value)), &path).unwrap_err();
        assert!(matches!(&error, CheckpointError::NotFinite { place, .. } if place == "layers.0.W[1][1]"), "{error}");
    }
    assert_eq!(read(&path).unwrap(), record(3.0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_failing_write_leaves_the_former_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    write(&path, &record(1.0)).unwrap();
    assert!(write(&folder.path().join("no such folder").join("x.ckpt"), &record(2.0)).is_err());
    assert_eq!(read(&path).unwrap(), record(1.0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
}
