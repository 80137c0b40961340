//! The table holds together, and a check finds what is wrong.

use std::fs;
use std::io::Write;

use super::*;

/// "abc", FIPS 180-2, appendix B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn file(sum: Sum) -> DataFile {
    DataFile { path: "a".into(), name: "a".into(), sum }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_table_holds_together() {
    let mut names = std::collections::HashSet::new();
    for set in DATA_SETS {
        assert!(names.insert(set.name), "{}", set.name);
        assert_eq!(DataSet::named(set.name).unwrap().name, set.name);
        assert!(!set.tasks.is_empty() && !set.licence.is_empty() && !set.citation.is_empty());
        let Origin::Files { base, many, .. } = set.origin else { continue };
        assert!(base.starts_with("https://") && base.ends_with('/'), "{base}");
        let files = set.files();
        assert!(!files.is_empty());
        let mut places = std::collections::HashSet::new();
        for file in &files {
            assert!(places.insert(file.name.clone()), "{}", file.name);
            assert!(!file.name.starts_with('/') && !file.name.contains("..") && !file.path.starts_with('/'));
            let (digits, length) = match file.sum {
                Sum::Plain { sha256, .. } | Sum::Unpacked { sha256, .. } => (sha256, 64),
                Sum::Begins(digits) => (digits, 12),
            };
            assert!(digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        }
        assert!(many.is_none_or(|many| many.together.len() == 64));
    }
    let count = |name: &str| DataSet::named(name).unwrap().files().len();
    assert_eq!([count("fsdd"), count("nmnist-small"), count("mnist"), count("shd")], [3000, 1102, 4, 0]);
    let recording = &DataSet::named("n-mnist").unwrap().files()[2];
    assert_eq!((&*recording.path, &*recording.name), ("example/NMNISTsmall/1.bs2", "events/1.bs2"));
    // Six speakers say ten digits fifty times.
    for file in DataSet::named("fsdd").unwrap().files() {
        let name = file.name.strip_prefix("recordings/").and_then(|name| name.strip_suffix(".wav")).unwrap();
        let parts: Vec<&str> = name.split('_').collect();
        assert!(parts[0].parse::<u8>().unwrap() < 10 && parts[2].parse::<u8>().unwrap() < 50, "{name}");
        assert!(["george", "jackson", "lucas", "nicolas", "theo", "yweweler"].contains(&parts[1]), "{name}");
    }
    assert!(DataSet::named("imagenet").is_none());
}

#[test]
fn a_check_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let plain = file(Sum::Plain { bytes: 3, sha256: ABC });
    assert_eq!(plain.check(&path).unwrap(), Verdict::Missing);
    for (content, verdict) in
        [("abc", None), ("abd", Some("sha256")), ("abcd", Some("4 bytes, not 3")), ("", Some("0 bytes"))]
    {
        fs::write(&path, content).unwrap();
        match (plain.check(&path).unwrap(), verdict) {
            (Verdict::Right, None) => {}
            (Verdict::Differs(what), Some(words)) => assert!(what.contains(words), "{what}"),
            (found, _) => panic!("{content}: {found:?}"),
        }
    }
    fs::write(&path, "abc").unwrap();
    assert_eq!(sha256_of(&path).unwrap(), ABC);
    assert_eq!(file(Sum::Begins(&ABC[..12])).check(&path).unwrap(), Verdict::Right);
    assert!(matches!(file(Sum::Begins("ba7816bf8f00")).check(&path).unwrap(), Verdict::Differs(_)));
    assert!(matches!(plain.check(folder.path()), Err(DatasetError::NotAFile { .. })));

    let unpacked = file(Sum::Unpacked { bytes: 3, sha256: ABC });
    let packed = gzip(b"abc");
    for (content, verdict) in [
        (packed.clone(), None),
        ([gzip(b"a"), gzip(b"bc")].concat(), None),
        (gzip(b"abcd"), Some("more than 3")),
        (gzip(b"ab"), Some("to 2 bytes")),
        (gzip(b"abd"), Some("sha256")),
        (packed[..packed.len() - 4].to_vec(), Some("gzip")),
        (b"abc".to_vec(), Some("gzip")),
    ] {
        fs::write(&path, &content).unwrap();
        match (unpacked.check(&path).unwrap(), verdict) {
            (Verdict::Right, None) => {}
            (Verdict::Differs(what), Some(words)) => assert!(what.contains(words), "{what}"),
            (found, _) => panic!("{content:?}: {found:?}"),
        }
    }
}

/// The sum of `sha256sum b c` was taken with coreutils, of files that hold "abc" and nothing.
#[test]
fn files_are_summed_together() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c"), "").unwrap();
    fs::write(folder.path().join("b"), "abc").unwrap();
    let named = |name: &'static str| DataFile { path: name.into(), name: name.into(), sum: Sum::Begins("") };
    let found = check::together(folder.path(), &[named("c"), named("b")]).unwrap();
    assert_eq!(found, "43e63796e91fb40ffa06257e9ca342b2cc91819c1181143461501024bde8ddb0");
    assert!(matches!(check::together(folder.path(), &[named("d")]), Err(DatasetError::Unreadable { .. })));
}
