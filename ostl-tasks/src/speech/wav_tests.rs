//! Files put together byte by byte as the format's description has them, and as programs write them who take it less seriously.

use super::*;

/// A chunk as it should be: name, length, content, and padding to an even length.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    if !content.len().is_multiple_of(2) {
        bytes.push(0);
    }
    bytes
}

/// The sixteen bytes of a plain `fmt `.
fn fmt(tag: u16, channels: u16, bits: u16) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    let mut bytes = tag.to_le_bytes().to_vec();
    bytes.extend(channels.to_le_bytes());
    bytes.extend(8_000_u32.to_le_bytes());
    bytes.extend((8_000 * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes
}

/// The forty bytes of WAVE_FORMAT_EXTENSIBLE, containers of `bits` bits with `valid` valid ones.
fn extensible(tag: u16, bits: u16, valid: u16) -> Vec<u8> {
    let mut bytes = fmt(0xfffe, 1, bits);
    bytes.extend(22_u16.to_le_bytes());
    bytes.extend(valid.to_le_bytes());
    bytes.extend(4_u32.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    bytes
}

/// A whole file of some chunks.
fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((4 + chunks.len() as u32).to_le_bytes());
    bytes.extend(b"WAVE");
    bytes.extend(chunks);
    bytes
}

fn file(tag: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", &fmt(tag, channels, bits)), chunk(b"data", data)])
}

fn samples(bytes: &[u8]) -> Result<Vec<f32>, String> {
    let read = read(bytes, Path::new("a.wav")).map_err(|error| error.to_string())?;
    assert_eq!(read.rate, 8_000);
    Ok(read.samples)
}

/// Two samples of 16 bits, and what they are.
const DATA: [u8; 4] = [0, 0x40, 0, 0xc0];
const VALUES: [f32; 2] = [0.5, -0.5];

#[test]
fn every_depth() {
    assert_eq!(samples(&file(1, 1, 8, &[0, 128, 255])).unwrap(), [-1.0, 0.0, 127.0 / 128.0]);
    assert_eq!(samples(&file(1, 1, 16, &[0, 0x80, 0, 0x40, 1, 0])).unwrap(), [-1.0, 0.5, 1.0 / 32768.0]);
    assert_eq!(samples(&file(1, 1, 24, &[0, 0, 0x80, 0, 0, 0x20])).unwrap(), [-1.0, 0.25]);
    assert_eq!(samples(&file(1, 1, 32, &[0, 0, 0, 0xc0])).unwrap(), [-0.5]);
    assert_eq!(samples(&file(1, 1, 64, &[0, 0, 0, 0, 0, 0, 0, 0xc0])).unwrap(), [-0.5]);
    assert_eq!(samples(&file(3, 1, 32, &0.125_f32.to_le_bytes())).unwrap(), [0.125]);
    assert_eq!(samples(&file(3, 1, 64, &(-0.125_f64).to_le_bytes())).unwrap(), [-0.125]);
    // Fewer bits than their bytes hold lie at the upper end: 12 in 16, 20 in 24.
    assert_eq!(samples(&file(1, 1, 12, &[0x10, 0x40])).unwrap(), [0.5 + 1.0 / 2048.0]);
    assert_eq!(samples(&file(1, 1, 20, &[0x10, 0, 0x40])).unwrap(), [0.5 + 1.0 / 524_288.0]);
    assert_eq!(samples(&file(6, 1, 8, &[0xaa, 0x2a])).unwrap(), [32256.0 / 32768.0, -32256.0 / 32768.0]);
    assert_eq!(samples(&file(7, 1, 8, &[0xff, 0x80])).unwrap(), [0.0, 32124.0 / 32768.0]);
    let stereo = [0x00, 0x40, 0x00, 0x20, 0x00, 0xc0, 0x00, 0x40];
    assert_eq!(samples(&file(1, 2, 16, &stereo)).unwrap(), [0.375, 0.0]);
    assert_eq!(samples(&file(1, 1, 16, &[])).unwrap(), [0.0_f32; 0]);
}

#[test]
fn every_form_of_the_header() {
    let of = |fmt: &[u8], data: &[u8]| samples(&riff(&[chunk(b"fmt ", fmt), chunk(b"data", data)]));
    assert_eq!(of(&extensible(1, 16, 16), &DATA).unwrap(), VALUES);
    assert_eq!(of(&extensible(1, 24, 20), &[0x10, 0, 0x40]).unwrap(), [0.5 + 1.0 / 524_288.0]);
    assert_eq!(of(&extensible(1, 32, 24), &[0, 1, 0, 0x40]).unwrap(), [0.5 + 1.0 / 8_388_608.0]);
    assert_eq!(of(&extensible(3, 64, 64), &0.25_f64.to_le_bytes()).unwrap(), [0.25]);
    assert_eq!(of(&extensible(7, 8, 8), &[0x80]).unwrap(), [32124.0 / 32768.0]);
    // With an empty extension, with one of some other program, and as it was before there were bits in it.
    assert_eq!(of(&[fmt(1, 1, 16), vec![0, 0]].concat(), &DATA).unwrap(), VALUES);
    assert_eq!(of(&[fmt(1, 1, 16), vec![3, 0, 1, 2, 3]].concat(), &DATA).unwrap(), VALUES);
    assert_eq!(of(&fmt(1, 1, 16)[..14], &DATA).unwrap(), VALUES);
    // A length of a frame that is 0, or that the bytes a second do not bear out; and one that they do.
    let with = |at: usize, value: u16, mut fmt: Vec<u8>| {
        fmt[at..at + 2].copy_from_slice(&value.to_le_bytes());
        fmt
    };
    assert_eq!(of(&with(12, 0, fmt(1, 1, 16)), &DATA).unwrap(), VALUES);
    assert_eq!(of(&with(12, 4, fmt(1, 1, 16)), &DATA).unwrap(), VALUES);
    assert_eq!(of(&with(14, 12, fmt(1, 1, 32)), &[0, 0, 0, 0x40]).unwrap(), [0.5]);
    let error = of(&with(8, 1, with(12, 4, fmt(1, 1, 16))), &DATA).unwrap_err();
    assert!(error.contains("byte 32: a frame of 4 bytes, but 1 channels of 16 bits take 2"), "{error}");
}

/// Chunks that say something else may lie anywhere, and those of odd length have a byte of padding, or should have.
#[test]
fn other_chunks_are_passed_over() {
    let (fmt, data) = (chunk(b"fmt ", &fmt(1, 1, 16)), chunk(b"data", &DATA));
    let list = chunk(b"LIST", b"INFOISFT\x03\0\0\0me\0\0");
    let odd = chunk(b"iXML", b"<a/>x");
    let junk = chunk(b"JUNK", &[0; 28]);
    for chunks in [
        [&list[..], &fmt, &data].concat(),
        [&odd[..], &junk, &fmt, &list, &odd, &data].concat(),
        [&fmt[..], &odd, &data, &odd, &list].concat(),
        // The padding is left out; the last chunk has none; nothing but noise follows.
        [&odd[..odd.len() - 1], &fmt, &odd[..odd.len() - 1], &data].concat(),
        [&fmt[..], &data, &odd[..odd.len() - 1]].concat(),
        // Without padding, and the next chunk is so long that its name and length read like a name from the second letter on, too.
        [&odd[..odd.len() - 1], &chunk(b"junk", &[0; 0x41]), &fmt, &data].concat(),
        [&fmt[..], &data, &[0, 7, 255, 3, 4]].concat(),
        [&fmt[..], &data, b"\0"].concat(),
    ] {
        assert_eq!(samples(&riff(std::slice::from_ref(&chunks))).unwrap(), VALUES, "{}", chunks.escape_ascii());
    }
    let error = samples(&riff(&[fmt.clone(), data.clone(), odd, data.clone()])).unwrap_err();
    assert!(error.contains("byte 36: a second chunk `data` follows"), "{error}");
    let error = samples(&riff(&[data, fmt])).unwrap_err();
    assert!(error.contains("byte 12: samples come before the chunk `fmt `"), "{error}");
}

/// What is written to a pipe: the lengths are not filled in afterwards.
#[test]
fn streamed_lengths_reach_to_the_end() {
    let whole = file(1, 1, 16, &DATA);
    for unknown in [0, u32::MAX, u32::MAX - 1, u32::MAX - 36, 0x7fff_ffff, 0x7fff_f000, 0x8000_0000] {
        for in_riff in [unknown, 36, 40] {
            let mut bytes = whole.clone();
            bytes[4..8].copy_from_slice(&in_riff.to_le_bytes());
            bytes[40..44].copy_from_slice(&unknown.to_le_bytes());
            assert_eq!(samples(&bytes).unwrap(), VALUES, "{unknown:#x}");
            // A pipe that was closed within a sample.
            assert_eq!(samples(&bytes[..47]).unwrap(), VALUES[..1], "{unknown:#x}");
        }
    }
    // Samples of which there are none, and what comes after them.
    let empty = riff(&[chunk(b"fmt ", &fmt(1, 1, 16)), chunk(b"data", &[]), chunk(b"LIST", b"INFO")]);
    assert_eq!(samples(&empty).unwrap(), [0.0_f32; 0]);
    // A length that is no whole number of frames, all of it there.
    assert_eq!(samples(&file(1, 1, 16, &[0, 0x40, 0])).unwrap(), VALUES[..1]);
}

#[test]
fn long_and_turned_files() {
    let ds64 = |length: u64| {
        let mut content = 100_u64.to_le_bytes().to_vec();
        content.extend(length.to_le_bytes());
        content.extend([0; 12]);
        chunk(b"ds64", &content)
    };
    for (magic, length) in [(b"RF64", 4), (b"BW64", 4), (b"RF64", u64::MAX), (b"RF64", 0)] {
        let mut data = chunk(b"data", &DATA);
        data[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut bytes = riff(&[ds64(length), chunk(b"fmt ", &fmt(1, 1, 16)), data]);
        bytes[..4].copy_from_slice(magic);
        assert_eq!(samples(&bytes).unwrap(), VALUES, "{length}");
        assert_eq!(Recording::from_slice(&bytes, Path::new("a.wav")).unwrap().samples, VALUES);
    }
    // The same with the most significant byte first.
    let mut turned =
        b"RIFX\0\0\0\x28WAVEfmt \0\0\0\x10\0\x01\0\x01\0\0\x1f\x40\0\0\x3e\x80\0\x02\0\x10data\0\0\0\x04".to_vec();
    turned.extend([0x40, 0, 0xc0, 0]);
    assert_eq!(samples(&turned).unwrap(), VALUES);
    assert_eq!(Recording::from_slice(&turned, Path::new("a.wav")).unwrap().samples, VALUES);
}

#[test]
fn broken_files_are_told() {
    let whole = file(1, 1, 16, &[1, 2, 3, 4]);
    for end in 4..whole.len() {
        assert!(samples(&whole[..end]).unwrap_err().contains("a.wav: byte"), "{end}");
    }
    let error = samples(&whole[..46]).unwrap_err();
    assert!(
        error.contains("byte 46: the file ends before its samples do: the chunk `data` announces 4 bytes, and 2"),
        "{error}"
    );
    let nan = [0.5_f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let error = samples(&file(3, 1, 32, &nan)).unwrap_err();
    assert!(
        error.contains("byte 48: sample 1 is NaN (counted from 0, at 0.000 s), expected a number from −1 to 1"),
        "{error}"
    );
    let error = samples(&file(3, 2, 64, &[0.5_f64.to_le_bytes(), f64::NEG_INFINITY.to_le_bytes()].concat())).unwrap_err();
    assert!(error.contains("byte 52: sample 0 of channel 1 is -inf"), "{error}");
    for (fmt, words) in [
        (fmt(2, 1, 4), "byte 20: the format 0x0002, which is Microsoft ADPCM: convert the file to PCM"),
        (fmt(0x11, 1, 4), "IMA ADPCM"),
        (fmt(0x55, 1, 0), "which is MP3"),
        (fmt(0x1234, 1, 16), "the format 0x1234, which is not known here"),
        (extensible(0x55, 16, 16), "which is MP3"),
        (extensible(1, 16, 16)[..30].to_vec(), "has 30 bytes, expected 40"),
        ([&extensible(1, 16, 16)[..39], &[0]].concat(), "which is not known here"),
        (fmt(1, 0, 16), "byte 22: 0 channels"),
        ([&fmt(1, 1, 16)[..4], &[0; 4], &fmt(1, 1, 16)[8..]].concat(), "byte 24: 0 samples a second"),
        (fmt(3, 1, 16), "byte 34: 16 bits a sample, expected 32 or 64 bits of floating point"),
        (fmt(1, 1, 72), "72 bits a sample, expected 1 to 64 bits of PCM"),
        (fmt(1, 1, 16)[..12].to_vec(), "the chunk `fmt ` has 12 bytes, expected 16"),
    ] {
        let error = samples(&riff(&[chunk(b"fmt ", &fmt), chunk(b"data", &DATA)])).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let mut long = riff(&[chunk(b"fmt ", &fmt(1, 1, 16)), chunk(b"LIST", &[0; 8]), chunk(b"data", &DATA)]);
    long[40] = 200;
    let error = samples(&long).unwrap_err();
    assert!(error.contains("byte 44: the chunk `LIST` announces 200 bytes, and the file ends after 20"), "{error}");
    let mut film = whole.clone();
    film[8..12].copy_from_slice(b"AVI ");
    assert!(samples(&film).unwrap_err().contains("byte 8: a RIFF file of `AVI `, expected `WAVE`"));
    assert!(samples(&whole[..36]).unwrap_err().contains("without a chunk `data`"));
    // A length of two gigabytes less a bit takes no room.
    let mut claims = whole;
    claims[40..44].copy_from_slice(&0x7ffe_ffff_u32.to_le_bytes());
    assert!(samples(&claims).unwrap_err().contains("ends before"));
}

/// Sounds that are packed are named, with a way out.
#[test]
fn other_kinds_of_files_are_named() {
    for (start, name) in [
        (&b"fLaC\0\0\0\x22"[..], "FLAC"),
        (b"OggS\0\x02", "Ogg"),
        (b"ID3\x04\0", "MP3"),
        (b"\xff\xfb\x90\x64", "MP3"),
        (b"FORM\0\0\0\0AIFF", "AIFF"),
        (b".snd\0\0\0\x18", "AU"),
        (b"caff\0\x01", "CAF"),
        (b"ajkg\x02", "Shorten"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
    ] {
        let error = Recording::from_slice(start, Path::new("a.wav")).unwrap_err().to_string();
        let words = format!("a.wav: byte 0: neither a RIFF WAVE nor a NIST SPHERE file but {name}: convert it to WAV");
        assert!(error.contains(&words) && error.contains("ffmpeg"), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(proptest::prelude::any::<i16>(), 0..30), odd in 0_usize..5) {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let list = chunk(b"LIST", &vec![b'x'; odd]);
        let bytes = riff(&[list.clone(), chunk(b"fmt ", &fmt(1, 1, 16)), list.clone(), chunk(b"data", &data), list]);
        let expected: Vec<f32> = values.iter().map(|&value| f32::from(value) / 32768.0).collect();
        proptest::prop_assert_eq!(samples(&bytes).unwrap(), expected);
    }
}
