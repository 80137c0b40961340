//! Values over time as a picture: a column a step, a row a unit, the first at the bottom. Zero is clear, so that it suits any paper.

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Above and below zero, told apart by those, too, who do not see all colours.
const ABOVE: [u8; 3] = [0, 114, 178];
const BELOW: [u8; 3] = [213, 94, 0];

/// Rows of a picture at most: of more, neighbours share one, which shows the largest of them.
const MOST_ROWS: usize = 256;

/// A picture, as the address of an image that holds it.
pub(super) struct Raster {
    pub(super) address: String,
    /// Rows of values that were drawn.
    pub(super) rows: usize,
    /// The value of the strongest colour.
    pub(super) largest: f32,
}

/// Draws `values`, one step after another with `rows` values each.
pub(super) fn drawn(values: &[f32], rows: usize) -> Result<Raster> {
    let steps = (values.len() / rows.max(1)).max(1);
    let largest = values.iter().filter(|value| value.is_finite()).fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let each = rows.div_ceil(MOST_ROWS).max(1);
    let height = rows.div_ceil(each).max(1);
    let mut pixels = vec![0; 4 * steps * height];
    for (step, column) in values.chunks_exact(rows.max(1)).enumerate() {
        for (row, group) in column.chunks(each).enumerate() {
            let value = group
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .fold(0.0, |strongest: f32, value| if value.abs() > strongest.abs() { value } else { strongest });
            let [red, green, blue] = if value < 0.0 { BELOW } else { ABOVE };
            let share = if largest > 0.0 { value.abs() / largest } else { 0.0 };
            let at = 4 * ((height - 1 - row) * steps + step);
            pixels[at..at + 4].copy_from_slice(&[red, green, blue, (255.0 * share).round() as u8]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, steps as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(Raster { address: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&file)), rows, largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(raster: &Raster) -> (u32, u32, Vec<u8>) {
        let encoded = raster.address.strip_prefix("data:image/png;base64,").unwrap();
        let file = BASE64_STANDARD.decode(encoded).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn steps_go_right_and_units_up() {
        // Two steps of three units.
        let raster = drawn(&[0.0, 2.0, 0.0, -1.0, 0.0, f32::NAN], 3).unwrap();
        let (width, height, pixels) = pixels(&raster);
        assert_eq!((width, height, raster.rows, raster.largest), (2, 3, 3, 2.0));
        let at = |step: usize, unit: usize| &pixels[4 * ((2 - unit) * 2 + step)..][..4];
        assert_eq!(at(0, 1), [0, 114, 178, 255]);
        assert_eq!(at(1, 0), [213, 94, 0, 128]);
        assert_eq!([at(0, 0)[3], at(1, 1)[3], at(1, 2)[3]], [0; 3]);
    }

    #[test]
    fn many_units_share_rows_and_the_strongest_shows() {
        let mut column = vec![0.0; 1000];
        column[999] = -1.0;
        let (width, height, pixels) = pixels(&drawn(&column, 1000).unwrap());
        assert_eq!((width, height), (1, 250));
        assert_eq!(pixels[..4], [213, 94, 0, 255]);
        assert_eq!(drawn(&[], 3).unwrap().largest, 0.0);
    }
}
