//! The two laws by which telephony puts 13 or 14 bits into 8: ITU-T Recommendation G.711.

/// Full scale of the decoded 16-bit samples.
const FULL_SCALE: f32 = 32768.0;

/// The sample of a byte of A-law, full scale 1.
pub(crate) fn a_law(byte: u8) -> f32 {
    let code = byte ^ 0x55;
    let (segment, step) = (u32::from(code >> 4 & 7), i32::from(code & 15));
    let size = if segment == 0 { step << 4 | 8 } else { (step << 4 | 0x108) << (segment - 1) };
    let sample = if code & 0x80 == 0 { -size } else { size };
    sample as f32 / FULL_SCALE
}

/// The sample of a byte of µ-law, full scale 1.
pub(crate) fn mu_law(byte: u8) -> f32 {
    let code = !byte;
    let (segment, step) = (u32::from(code >> 4 & 7), i32::from(code & 15));
    let size = ((step << 3 | 0x84) << segment) - 0x84;
    let sample = if code & 0x80 == 0 { size } else { -size };
    sample as f32 / FULL_SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the tables of G.711 on the scale of 16 bits, as every codec has them.
    #[test]
    fn values_of_the_recommendation() {
        for (byte, value) in
            [(0xd5_u8, 8), (0x55, -8), (0xaa, 32256), (0x2a, -32256), (0x80, 5504), (0xd4, 24), (0xc5, 264), (0xf5, 528)]
        {
            assert_eq!(a_law(byte) * FULL_SCALE, value as f32, "A-law {byte:#x}");
        }
        for (byte, value) in [(0xff_u8, 0), (0x7f, 0), (0x80, 32124), (0x00, -32124), (0xfe, 8), (0xef, 132), (0x8f, 16764)]
        {
            assert_eq!(mu_law(byte) * FULL_SCALE, value as f32, "µ-law {byte:#x}");
        }
        let distinct = |law: fn(u8) -> f32| {
            let mut values: Vec<i32> = (0..=255).map(|byte| (law(byte) * FULL_SCALE) as i32).collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        // µ-law has two zeros.
        assert_eq!((distinct(a_law), distinct(mu_law)), (256, 255));
    }
}
