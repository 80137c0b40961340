//! Text as it lies in files: byte order marks, encodings that are not read, and the ends of lines.

use std::path::Path;

use crate::error::{At, DatasetError};

/// What follows the byte order mark that some editors put before UTF-8 text, or everything where there is none.
///
/// # Errors
/// [`DatasetError::Malformed`] if the text is in UTF-16 or UTF-32, with or without a mark.
pub(crate) fn unmarked<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b [u8], DatasetError> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok(rest);
    }
    match wide(bytes) {
        None => Ok(bytes),
        Some(encoding) => {
            let problem = format!(
                "text in {encoding}, expected UTF-8: save it as UTF-8, or convert it with `iconv -f {encoding} -t UTF-8`"
            );
            Err(DatasetError::Malformed { path: path.to_owned(), at: At::Byte(0), problem })
        }
    }
}

/// The encoding of text that takes two or four bytes a character, as its mark or its first characters show it.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    match *bytes {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32BE"),
        [0xff, 0xfe, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] => Some("UTF-16BE"),
        // Without a mark: characters of plain text, none of which is a zero.
        [1..=0x7f, 0, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0, 1..=0x7f, ..] => Some("UTF-32BE"),
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => Some("UTF-16LE"),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => Some("UTF-16BE"),
        _ => None,
    }
}

/// The lines of a text, numbered from 1: each ends with a line feed, a carriage return, or both.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = Some(bytes);
    let each = std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            rest = None;
            return Some(text);
        };
        let after = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[after..]);
        Some(&text[..end])
    });
    (1..).zip(each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_utf_8_are_passed_over_and_others_named() {
        let of = |bytes: &[u8]| unmarked(bytes, Path::new("a.csv")).map(<[u8]>::to_vec).map_err(|error| error.to_string());
        assert_eq!(of(b"\xef\xbb\xbfa"), Ok(b"a".to_vec()));
        for plain in [&b""[..], b"a", b"\xef\xbb", b"a,b", b"\0\0", b"\xc3\xa9"] {
            assert_eq!(of(plain), Ok(plain.to_vec()));
        }
        for (bytes, encoding) in [
            (&b"\xff\xfea\0"[..], "UTF-16LE"),
            (b"\xfe\xff\0a", "UTF-16BE"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32LE"),
            (b"\0\0\xfe\xff\0\0\0a", "UTF-32BE"),
            (b"a\0b\0", "UTF-16LE"),
            (b"\0a\0b", "UTF-16BE"),
            (b"a\0\0\0", "UTF-32LE"),
            (b"\0\0\0a", "UTF-32BE"),
        ] {
            let error = of(bytes).unwrap_err();
            let command = format!("`iconv -f {encoding} -t UTF-8`");
            assert!(error.contains("a.csv") && error.contains(&command) && error.contains("expected UTF-8"), "{error}");
        }
    }

    #[test]
    fn lines_end_in_any_way() {
        let of = |text: &'static str| {
            lines(text.as_bytes()).map(|(at, line)| (at, str::from_utf8(line).unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(of("a\nb\r\nc\rd"), [(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
        assert_eq!(of("\n\r\r\n"), [(1, ""), (2, ""), (3, ""), (4, "")]);
        assert_eq!(of(""), [(1, "")]);
    }
}
