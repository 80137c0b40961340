//! Damage to files, drawn from a seed: the same number gives the same damage on every machine.

/// Numbers that programs stumble over.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// Texts that readers of text stumble over.
const WORDS: [&[u8]; 24] = [
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"-0.0",
    b"null",
    b"[[",
    b"]]",
    b"{}",
    b"\"",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\r\n",
    b"?",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0",
    b"18446744073709551616",
    b"9999999",
    b"../",
    b"#",
    b"\xf0\x9f\x98\x80",
];
/// No input grows beyond this.
const LONGEST: usize = 1 << 16;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to just below `end`; 0 if that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }
}

/// Input `number` of a seed: one of the files, damaged in up to eight places.
pub(crate) fn input(files: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let mut draws = Draws(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    draws.next();
    let mut bytes = files[draws.below(files.len())].clone();
    for _ in 0..1 + draws.below(8) {
        damage(&mut bytes, files, &mut draws);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn damage(bytes: &mut Vec<u8>, files: &[Vec<u8>], draws: &mut Draws) {
    // Headers are where readers can go wrong: half of all damage is done there.
    let within = if draws.next() & 1 == 0 { bytes.len().min(64) } else { bytes.len() };
    let at = draws.below(within);
    let end = bytes.len().min(at + 1 + draws.below(32));
    match draws.below(11) {
        0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
        1 if at < bytes.len() => bytes[at] = draws.next() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        5 | 6 => {
            let number = NUMBERS[draws.below(NUMBERS.len())];
            let width = 1 << draws.below(4);
            let turned = draws.next() & 1 == 0;
            let number = if turned { &number.to_be_bytes()[8 - width..] } else { &number.to_le_bytes()[..width] };
            let end = bytes.len().min(at + width);
            bytes.splice(at..end, number.iter().copied());
        }
        7 => {
            let word = WORDS[draws.below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        8 => {
            let other = &files[draws.below(files.len())];
            let from = draws.below(other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        9 => {
            // A digit that stands somewhere becomes another one.
            let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
            if let Some(&at) = digits.get(draws.below(digits.len())) {
                bytes[at] = b'0' + draws.below(10) as u8;
            }
        }
        _ => {
            let word = WORDS[draws.below(WORDS.len())];
            bytes.splice(at..end, word.iter().copied());
        }
    }
}
