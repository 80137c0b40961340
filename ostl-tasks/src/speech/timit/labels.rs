//! Transcriptions: which phone sounds from which sample to which.

use std::path::Path;

use super::phones;
use crate::encoding::{lines, unmarked};
use crate::error::{At, DatasetError};

/// The largest transcription that is read, in bytes. A sentence has some forty lines.
pub(super) const LARGEST_FILE: u64 = 1 << 20;

/// A phone's place in a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first sample.
    start: usize,
    /// The first sample after it.
    end: usize,
    /// The phone's number among the 61.
    phone: u8,
}

/// Takes a `.PHN` file apart: lines `start end phone`, in the order of their starts.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Vec<Segment>, DatasetError> {
    let mut segments: Vec<Segment> = Vec::new();
    let malformed =
        |line: u64, problem: String| Err(DatasetError::Malformed { path: path.to_owned(), at: At::Line(line), problem });
    for (at, line) in lines(unmarked(bytes, path)?) {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let [start, end, phone] = words[..] else {
            if words.is_empty() {
                continue;
            }
            return malformed(at, "expected `start end phone`, as `0 3050 h#`: copy the file again".to_owned());
        };
        let (Ok(start), Ok(end)) = (start.parse(), end.parse()) else {
            return malformed(at, "expected two sample numbers before the phone: copy the file again".to_owned());
        };
        let Some(phone) = phones::number(&phone.to_ascii_lowercase()) else {
            let phone: String = phone.chars().take(20).flat_map(char::escape_debug).collect();
            return malformed(at, format!("`{phone}` is none of the 61 phones of TIMIT: correct the line"));
        };
        let before = segments.last().map_or(0, |segment| segment.start);
        if start > end || start < before {
            let problem = format!(
                "from sample {start} to {end}, after a phone that starts at {before}: expected starts in order and no end \
                                   before its start; correct the line"
            );
            return malformed(at, problem);
        }
        segments.push(Segment { start, end, phone });
    }
    if segments.is_empty() {
        return malformed(1, "no phones: copy the file again".to_owned());
    }
    Ok(segments)
}

/// The phone at a sample: of the phones that have begun and not ended there, the one that began last.
pub(super) fn at(segments: &[Segment], sample: usize) -> Option<u8> {
    let begun = segments.partition_point(|segment| segment.start <= sample);
    segments[..begun].last().filter(|segment| sample < segment.end).map(|segment| segment.phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Vec<Segment>, String> {
        read(text, Path::new("a.phn")).map_err(|error| error.to_string())
    }

    #[test]
    fn by_hand() {
        let segments = parse(b"\xef\xbb\xbf0 10 h#\r\n10 15 AX-H\r\n\r20 25 q\n").unwrap();
        let phone = |name| phones::number(name);
        let found = [0, 9, 10, 14, 15, 19, 20, 24, 25].map(|sample| at(&segments, sample));
        let (silence, vowel, stop) = (phone("h#"), phone("ax-h"), phone("q"));
        assert_eq!(found, [silence, silence, vowel, vowel, None, None, stop, stop, None]);
    }

    #[test]
    fn lines_are_told() {
        for (text, words) in [
            ("0 10 h#\n10 aa", "line 2: expected `start end phone`"),
            ("0 10 h#\n10 20 aa b", "line 2"),
            ("0 x h#", "line 1: expected two sample numbers"),
            ("0 -1 h#", "line 1: expected two sample numbers"),
            ("0 10 \u{7}sil", "line 1: `\\u{7}sil` is none of the 61"),
            ("5 9 aa\n\n4 8 b", "line 3: from sample 4 to 8"),
            ("5 4 aa", "line 1: from sample 5 to 4"),
            ("\n", "no phones"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains("a.phn") && error.contains(words), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = read(&bytes, Path::new("x"));
        }

        #[test]
        fn mutations_are_read_or_refused(at in 0_usize..30, byte: u8) {
            let mut bytes = b"0 10 h#\n10 15 ax-h\n20 25 q\n".to_vec();
            let end = bytes.len() - 1;
            bytes[at.min(end)] = byte;
            if let Ok(segments) = read(&bytes, Path::new("x")) {
                proptest::prop_assert!((0..40).all(|sample| super::at(&segments, sample).is_none_or(|phone| phone < 61)));
            }
        }
    }
}
