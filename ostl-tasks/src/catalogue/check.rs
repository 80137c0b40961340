//! Whether a file is what was published.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::{DataFile, Sum};
use crate::error::DatasetError;
use crate::files;

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is the one that was published.
    Right,
    /// It is another one; in words, what differs.
    Differs(String),
    /// There is no such file.
    Missing,
}

impl DataFile {
    /// Whether the file at a path is this one. It is read once and not kept in memory.
    ///
    /// # Errors
    /// If the file is there but cannot be read.
    pub fn check(&self, path: &Path) -> Result<Verdict, DatasetError> {
        let unreadable = |reason| DatasetError::Unreadable { path: path.to_owned(), reason };
        let Some(found) = files::look(path)? else { return Ok(Verdict::Missing) };
        if !found.is_file() {
            return Err(DatasetError::NotAFile { path: path.to_owned() });
        }
        let differs = |what: String| Ok(Verdict::Differs(what));
        match self.sum {
            Sum::Plain { bytes, .. } if bytes != found.len() => differs(format!("{} bytes, not {bytes}", found.len())),
            Sum::Plain { sha256, .. } => {
                let digest = sha256_of(path).map_err(unreadable)?;
                Ok(compare(&digest, sha256))
            }
            Sum::Begins(digits) => {
                let digest = sha256_of(path).map_err(unreadable)?;
                let begins = digest.starts_with(digits);
                Ok(if begins { Verdict::Right } else { Verdict::Differs(format!("sha256 {digest}, not {digits}…")) })
            }
            Sum::Unpacked { bytes, sha256 } => {
                // What unpacks to more is wrong: one byte beyond is enough to see that.
                let file = File::open(path).map_err(unreadable)?;
                let content = MultiGzDecoder::new(BufReader::new(file)).take(bytes + 1);
                match digest_of(content) {
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                        ) =>
                    {
                        differs(format!("no whole gzip data ({error})"))
                    }
                    Err(error) => Err(unreadable(error)),
                    Ok((length, _)) if length > bytes => differs(format!("unpacks to more than {bytes} bytes")),
                    Ok((length, _)) if length < bytes => differs(format!("unpacks to {length} bytes, not {bytes}")),
                    Ok((_, digest)) => Ok(compare(&digest, sha256)),
                }
            }
        }
    }
}

fn compare(found: &str, expected: &str) -> Verdict {
    if found == expected { Verdict::Right } else { Verdict::Differs(format!("sha256 {found}, not {expected}")) }
}

/// The sha256 of the list of all files' sums: see [`Many::together`](super::Many::together).
pub(super) fn together(folder: &Path, files: &[DataFile]) -> Result<String, DatasetError> {
    let mut names: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    names.sort_unstable();
    let mut whole = Sha256::new();
    for name in names {
        let path = folder.join(name);
        let digest = sha256_of(&path).map_err(|reason| DatasetError::Unreadable { path, reason })?;
        whole.update(format!("{digest}  {name}\n"));
    }
    Ok(hexadecimal(&whole.finalize()))
}

/// The sha256 of a file, in hexadecimal digits.
///
/// # Errors
/// If the file cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    digest_of(File::open(path)?).map(|(_, digest)| digest)
}

/// How long something is, and its sha256.
fn digest_of(mut content: impl Read) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok((length, hexadecimal(&digest.finalize()))),
            Ok(count) => {
                digest.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
