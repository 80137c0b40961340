//! NIST SPHERE files, the format of TIMIT and other corpora of the Linguistic Data Consortium.
//!
//! Text first: the line `NIST_1A`, a line with the header's length in bytes, then lines `name type value` (type `-i` a whole number, `-r` a
//! real one, `-sN` N characters) up to the line `end_head`, filled up to the header's length. Then the samples, channels interleaved.

use std::path::Path;

use super::companding::{a_law, mu_law};
use super::recording::{Recording, malformed, mix};
use super::wav::whole;
use crate::error::DatasetError;

/// What every file begins with.
pub const MAGIC: &[u8] = b"NIST_1A\n";

/// The longest header that is read, in bytes. The usual one has 1,024.
const LONGEST_HEADER: usize = 1 << 16;

/// The fields that matter.
#[derive(Default)]
struct Header {
    sample_count: Option<usize>,
    sample_rate: Option<u32>,
    channel_count: Option<usize>,
    sample_n_bytes: Option<usize>,
    byte_format: Option<String>,
    coding: Option<String>,
}

/// The samples of a file of PCM of 16 to 32 bits, A-law or µ-law, the channels averaged, full scale 1; `path` is only the name it has in
/// errors.
///
/// # Errors
/// [`DatasetError::Malformed`] with the byte if the header is not as the format says, the samples are compressed or in another form, or the
/// file ends before they do.
pub fn read(bytes: &[u8], path: &Path) -> Result<Recording, DatasetError> {
    let (header, data) = header(bytes, path)?;
    let missing = |name: &str| malformed(path, 16, format!("the header has no field `{name}`: copy the file again"));
    let unfit = |name: &str, value: &str, expected: &str| {
        malformed(path, 16, format!("the header's `{name}` is `{}`, expected {expected}", shown(value)))
    };

    // What is packed says so behind a comma: `pcm,embedded-shorten-v2.00`.
    let coding = header.coding.as_deref().unwrap_or("pcm").to_ascii_lowercase();
    let law: Option<fn(u8) -> f32> = match coding.as_str() {
        "pcm" => None,
        "ulaw" | "mu-law" | "mulaw" => Some(mu_law),
        "alaw" | "a-law" => Some(a_law),
        other => {
            let expected = "`pcm`, `ulaw` or `alaw`: unpack the file with NIST's w_decode or the LDC's sph2pipe";
            return Err(unfit("sample_coding", other, expected));
        }
    };
    let width = header.sample_n_bytes.ok_or_else(|| missing("sample_n_bytes"))?;
    match law {
        None if !(2..=4).contains(&width) => {
            return Err(unfit("sample_n_bytes", &width.to_string(), "2 to 4: convert the file to 16-bit PCM"));
        }
        Some(_) if width != 1 => {
            return Err(unfit("sample_n_bytes", &width.to_string(), "1 in this coding: copy the file again"));
        }
        _ => {}
    }
    let channels = header.channel_count.unwrap_or(1);
    if !(1..=16).contains(&channels) {
        return Err(unfit("channel_count", &channels.to_string(), "1 to 16"));
    }
    // A byte alone has no order, and its field says `1` or is not there.
    let big_endian = match (law, header.byte_format.as_deref()) {
        (Some(_), _) => false,
        (None, None) => return Err(missing("sample_byte_format")),
        (None, Some(order)) => match (order, width) {
            ("01", 2) | ("012", 3) | ("0123", 4) => false,
            ("10", 2) | ("210", 3) | ("3210", 4) => true,
            (other, _) => {
                let expected =
                    "`01` (least significant byte first) or `10` (most), with as many digits as a sample has bytes";
                return Err(unfit("sample_byte_format", other, expected));
            }
        },
    };
    let rate = header.sample_rate.ok_or_else(|| missing("sample_rate"))?;
    if rate == 0 {
        return Err(unfit("sample_rate", "0", "samples a second"));
    }
    let count = header.sample_count.ok_or_else(|| missing("sample_count"))?;
    let length = count.checked_mul(width * channels).filter(|&length| length <= data.len()).ok_or_else(|| {
        let problem = format!(
            "the header announces {count} samples of {} bytes, and {} bytes follow it: the file was cut off, copy it again",
            width * channels,
            data.len()
        );
        malformed(path, bytes.len(), problem)
    })?;
    let sample = |bytes: &[u8]| match law {
        Some(law) => law(bytes[0]),
        None => whole(bytes, big_endian),
    };
    let samples = data[..length].chunks_exact(width).map(sample).collect();
    Ok(Recording { samples: mix(samples, channels), rate })
}

/// The header's fields, and what follows it.
fn header<'b>(bytes: &'b [u8], path: &Path) -> Result<(Header, &'b [u8]), DatasetError> {
    if !bytes.starts_with(MAGIC) {
        return Err(malformed(path, 0, "not a NIST SPHERE file: expected `NIST_1A` and a line's end at the start"));
    }
    let length = bytes.get(MAGIC.len()..MAGIC.len() + 8).and_then(|text| std::str::from_utf8(text).ok());
    let length = length.and_then(|text| text.trim().parse::<usize>().ok());
    let Some(length) = length.filter(|length| (16..=LONGEST_HEADER).contains(length)) else {
        let problem =
            format!("expected the header's length here, 16 to {LONGEST_HEADER} in 7 characters: copy the file again");
        return Err(malformed(path, MAGIC.len(), problem));
    };
    let Some((text, data)) = bytes.split_at_checked(length) else {
        return Err(malformed(
            path,
            bytes.len(),
            format!("the file ends inside its header of {length} bytes: copy it again"),
        ));
    };
    let mut fields = Header::default();
    let mut at = 16;
    for line in text[16..].split(|&byte| byte == b'\n') {
        let start = at;
        at += line.len() + 1;
        let Ok(line) = std::str::from_utf8(line) else {
            return Err(malformed(path, start, "a header line that is not text: copy the file again"));
        };
        let line = line.trim();
        if line == "end_head" {
            return Ok((fields, data));
        }
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        field(&mut fields, line)
            .map_err(|expected| malformed(path, start, format!("header line `{}`: expected {expected}", shown(line))))?;
    }
    Err(malformed(path, length, "the header has no line `end_head`: copy the file again"))
}

/// Takes one line of the header; the error says what was expected.
fn field(fields: &mut Header, line: &str) -> Result<(), String> {
    let mut words = line.splitn(3, char::is_whitespace);
    let (Some(name), Some(kind), Some(value)) = (words.next(), words.next(), words.next()) else {
        return Err("`name type value`".to_owned());
    };
    let value = value.trim();
    let text = || match kind.strip_prefix("-s").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => value.get(..length).map(str::to_owned).ok_or_else(|| format!("{length} characters as value")),
        None => Err("the type `-sN`, N characters".to_owned()),
    };
    let number = || match kind {
        "-i" => value.parse::<usize>().map_err(|_| "a whole number, 0 or more, as value".to_owned()),
        _ => Err("the type `-i`, a whole number".to_owned()),
    };
    match name {
        "sample_count" => fields.sample_count = Some(number()?),
        "sample_rate" => {
            fields.sample_rate = Some(u32::try_from(number()?).map_err(|_| "a rate below 2^32".to_owned())?);
        }
        "channel_count" => fields.channel_count = Some(number()?),
        "sample_n_bytes" => fields.sample_n_bytes = Some(number()?),
        "sample_byte_format" => fields.byte_format = Some(text()?),
        "sample_coding" => fields.coding = Some(text()?),
        _ => {}
    }
    Ok(())
}

/// What a file says, short and printable.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
