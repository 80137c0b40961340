//! The text of a configuration file, or why there is none to be had: each cause in its own words.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use ostl_tasks::TaskConfig;

use super::keys::elsewhere as elsewhere_key;
use super::place::position;
use crate::names::{did_you_mean, spelled};

/// Most bytes of a configuration; whatever is longer is another kind of file, or never ends.
const MOST_BYTES: u64 = 1 << 20;

/// How files begin that are taken for a configuration by mistake, what they are, and what to do.
const KINDS: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "is packed with gzip: unpack it first (gunzip)"),
    (b"PK\x03\x04", "is a zip archive: unpack it first (unzip)"),
    (b"(\xb5\x2f\xfd", "is packed with zstd: unpack it first (zstd -d)"),
    (b"\xfd7zXZ", "is packed with xz: unpack it first (unxz)"),
    (b"BZh", "is packed with bzip2: unpack it first (bunzip2)"),
    (b"\x93NUMPY", "is a NumPy array, not a configuration: data go into --data"),
];

/// The text of a configuration file, without a byte order mark; or the problem, without the file's name.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    if path.is_dir() {
        return Err("is a folder: name the configuration file in it".into());
    }
    read.map_err(|error| unread(path, &error))?;
    decoded(bytes)
}

fn decoded(bytes: Vec<u8>) -> Result<String, String> {
    let too_long = bytes.len() as u64 > MOST_BYTES;
    if let Some((_, what)) = KINDS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err((*what).into());
    }
    if let Some(byte_order) =
        [(b"\xff\xfe", "little"), (b"\xfe\xff", "big")].iter().find(|(mark, _)| bytes.starts_with(*mark))
    {
        return Err(format!("is UTF-16 text ({}-endian): save it as UTF-8", byte_order.1));
    }
    if let Some(place) = bytes.iter().position(|&byte| byte == 0) {
        let half =
            bytes.iter().take(64).filter(|&&byte| byte == 0).count() > 16 && bytes.iter().take(64).any(|&byte| byte != 0);
        let what =
            if half { "perhaps UTF-16 text without a mark: save it as UTF-8" } else { "a configuration is UTF-8 text" };
        return Err(format!("is no text: byte {} is zero; {what}", place + 1));
    }
    if too_long {
        return Err(format!("is longer than {MOST_BYTES} bytes: that is no configuration"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..start]).into_owned();
        let byte = error.as_bytes()[start];
        format!("{}: byte 0x{byte:02X} is not UTF-8: save the file as UTF-8", position(&before, start))
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        return Err("is empty: copy one of configs/, or leave CONFIG out for the built-in default".into());
    }
    Ok(text)
}

/// Why a file could not be read, with the name that was probably meant where there is no such file.
fn unread(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("cannot be read: there is no such file{}", elsewhere(path)),
        ErrorKind::NotADirectory => "cannot be read: a part of its path is a file, not a folder".into(),
        ErrorKind::PermissionDenied => "cannot be read: you have no permission to (chmod +r)".into(),
        _ => format!("cannot be read: {error}"),
    }
}

/// What the path of a file that is not there may have meant.
fn elsewhere(path: &Path) -> String {
    let name = path.to_string_lossy();
    if let Some((key, value)) = name.split_once('=').filter(|(key, _)| !key.is_empty()) {
        return format!("; did you mean --set {}={value}?", elsewhere_key(key).unwrap_or(key));
    }
    if let Some(task) = spelled(&name, TaskConfig::names()) {
        return format!("; did you mean --set task.name={task}?");
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Some(file) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { return String::new() };
    if !folder.is_dir() {
        return format!(" (nor a folder {})", folder.display());
    }
    let there: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    match did_you_mean(&file, there.iter().map(String::as_str)) {
        nearest if nearest.is_empty() => String::new(),
        nearest => format!("; {nearest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> String {
        decoded(bytes.to_vec()).unwrap_err()
    }

    #[test]
    fn marks_and_line_ends_are_text() {
        assert_eq!(decoded(b"\xef\xbb\xbfseed = 1\r\n".to_vec()).unwrap(), "seed = 1\r\n");
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, words) in [
            (&b"\x1f\x8b\x08\x00"[..], "gunzip"),
            (b"PK\x03\x04abc", "zip archive"),
            (b"\xff\xfes\x00", "UTF-16"),
            (b"\xfe\xff\x00s", "UTF-16"),
            (b"s\x00e\x00e\x00d\x00 \x00=\x00 \x001\x00s\x00e\x00e\x00d\x00 \x00=\x00 \x001\x00s\x00e\x00", "UTF-16"),
            (b"seed = 1\x00", "byte 9 is zero"),
            (b"seed = 1\n# \xe4", "line 2, column 3: byte 0xE4 is not UTF-8"),
            (b" \n\t\r\n", "is empty"),
            (b"", "is empty"),
            (b"\xef\xbb\xbf", "is empty"),
        ] {
            assert!(problem(bytes).contains(words), "{}", problem(bytes));
        }
        assert!(problem(&vec![b'#'; MOST_BYTES as usize + 1]).contains("longer than 1048576 bytes"));
        assert!(problem(&vec![0; MOST_BYTES as usize + 1]).contains("byte 1 is zero"));
    }
}
