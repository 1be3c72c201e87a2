//! The code and the poster as PNG: one bit a pixel for the code alone, eight bits of grey with a caption.
//!
//! It draws whole pixels only; edges of modules are never smoothed, edges of letters are.

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};

use super::caption::{Caption, Letters, Pen, Spot};
use super::{Code, PICTURE_MM, Poster, QUIET_MODULES, QrError};

/// The smallest picture, in pixels a side.
pub const SIZE_PX_MIN: u32 = 64;

/// The largest picture, in pixels a side.
pub const SIZE_PX_MAX: u32 = 2048;

const WHITE: u8 = 255;
const BLACK: u8 = 0;

/// How the modules lie on the pixels; all lengths are in pixels.
struct Grid {
    /// The whole picture's width.
    side: u16,
    /// The width of one module.
    scale: u16,
    /// White on each side before the quiet zone begins.
    margin: u16,
}

impl Grid {
    fn new(code: &Code, size_px: u32) -> Result<Self, QrError> {
        let modules = code.picture_modules();
        if !(SIZE_PX_MIN..=SIZE_PX_MAX).contains(&size_px) {
            return Err(QrError::Size(size_px));
        }
        let side = u16::try_from(size_px).expect("the largest picture is far below 65,536 pixels");
        let scale = side / modules;
        if scale == 0 {
            return Err(QrError::TooSmall { size_px, needed_px: modules.into() });
        }
        let margin = (side - scale * modules) / 2;
        Ok(Self { side, scale, margin })
    }

    /// The rows of the square picture, as `coded` writes a row of one byte a pixel.
    fn rows(&self, code: &Code, coded: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let width = usize::from(self.side);
        let before = self.margin + QUIET_MODULES * self.scale;
        let white = coded(vec![WHITE; width]);
        let mut rows = white.repeat(before.into());
        for y in 0..code.side_modules() {
            let mut row = vec![WHITE; width];
            for run in code.row(y) {
                let from = usize::from(before + run.x * self.scale);
                let dark = row.iter_mut().skip(from).take(usize::from(run.length * self.scale));
                dark.for_each(|pixel| *pixel = BLACK);
            }
            rows.extend(coded(row).repeat(self.scale.into()));
        }
        let after = self.side - before - code.side_modules() * self.scale;
        rows.extend(white.repeat(after.into()));
        rows
    }
}

/// Draws the code alone.
pub(super) fn code(code: &Code, size_px: u32) -> Result<Vec<u8>, QrError> {
    square(code, size_px, None)
}

fn square(code: &Code, size_px: u32, density: Option<PixelDimensions>) -> Result<Vec<u8>, QrError> {
    let rows = Grid::new(code, size_px)?.rows(code, |row| packed(&row));
    write(size_px, size_px, BitDepth::One, &rows, density)
}

/// Draws the code with its caption below; the picture is `size_px` wide and higher than wide.
pub(super) fn poster(poster: &Poster<'_>, size_px: u32) -> Result<Vec<u8>, QrError> {
    let grid = Grid::new(poster.code(), size_px)?;
    let drawn = without_badge(poster, &grid, size_px)?;
    match poster.badge() {
        None => Ok(drawn),
        Some(badge) => badge.laid_over(&drawn, poster.code(), grid.scale.into(), grid.margin.into()),
    }
}

fn without_badge(poster: &Poster<'_>, grid: &Grid, size_px: u32) -> Result<Vec<u8>, QrError> {
    let density = Some(pixels_per_metre(size_px));
    let Some(caption) = poster.caption() else {
        return square(poster.code(), size_px, density);
    };
    let mut rows = grid.rows(poster.code(), |row| row);
    let band_px = u32::from(caption.height_modules()) * u32::from(grid.scale);
    rows.extend(band(caption, poster.width_modules(), grid)?);
    write(size_px, size_px + band_px, BitDepth::Eight, &rows, density)
}

/// The pixels below the square picture, with the letters in them.
fn band(caption: &Caption, top_modules: u16, grid: &Grid) -> Result<Vec<u8>, QrError> {
    let pens = match caption.letters() {
        Letters::Outlines(pens) => pens,
        Letters::Text { missing } => return Err(QrError::NoFont(*missing)),
    };
    let (width, height) = (grid.side, caption.height_modules() * grid.scale);
    let scale = f32::from(grid.scale);
    let place = |at: &Spot| -> Point {
        let x = f32::from(grid.margin) + at.x * scale;
        let y = (at.y - f32::from(top_modules)) * scale;
        point(x.clamp(0.0, f32::from(width)), y.clamp(0.0, f32::from(height)))
    };
    let mut raster = Rasterizer::new(width.into(), height.into());
    let (mut first, mut last) = (point(0.0, 0.0), point(0.0, 0.0));
    for pen in pens {
        match pen {
            Pen::Move(to) => {
                first = place(to);
                last = first;
            }
            Pen::Line(to) => {
                raster.draw_line(last, place(to));
                last = place(to);
            }
            Pen::Quad(by, to) => {
                raster.draw_quad(last, place(by), place(to));
                last = place(to);
            }
            Pen::Cubic(from, by, to) => {
                raster.draw_cubic(last, place(from), place(by), place(to));
                last = place(to);
            }
            Pen::Close => {
                raster.draw_line(last, first);
                last = first;
            }
        }
    }
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height));
    raster.for_each_pixel(|_, coverage| pixels.push(grey(coverage)));
    Ok(pixels)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 0..=255 first, and there is no other way from a float to a byte"
)]
fn grey(coverage: f32) -> u8 {
    ((1.0 - coverage) * f32::from(WHITE)).round().clamp(0.0, f32::from(WHITE)) as u8
}

/// Eight pixels to a byte, the leftmost in the highest bit, the last byte filled up with white.
fn packed(row: &[u8]) -> Vec<u8> {
    row.chunks(8)
        .map(|eight| (0..8).fold(0, |byte, bit| (byte << 1) | u8::from(eight.get(bit) != Some(&BLACK))))
        .collect()
}

/// Pixels a metre with which the picture prints as wide as the sheet's.
fn pixels_per_metre(size_px: u32) -> PixelDimensions {
    let density = size_px * 1000 / u32::from(PICTURE_MM);
    PixelDimensions { xppu: density, yppu: density, unit: Unit::Meter }
}

fn write(
    width: u32,
    height: u32,
    depth: BitDepth,
    data: &[u8],
    density: Option<PixelDimensions>,
) -> Result<Vec<u8>, QrError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(depth);
    encoder.set_pixel_dims(density);
    let mut writer = encoder.write_header().map_err(QrError::Png)?;
    writer.write_image_data(data).map_err(QrError::Png)?;
    writer.finish().map_err(QrError::Png)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{BLACK, WHITE, grey, packed};
    use crate::qr::{Code, reader};

    #[test]
    fn the_picture_has_one_bit_a_pixel_and_is_small() {
        let file = Code::new("https://example.com/s/default").unwrap().png(1024).unwrap();
        // The header's depth and colour type stand at fixed places (PNG, chunk IHDR).
        assert_eq!((file[24], file[25]), (1, 0));
        assert!(file.len() < 6000, "{} bytes", file.len());
    }

    #[test]
    fn the_code_stands_in_the_middle_with_a_wide_white_border() {
        // 25 modules and 8 of border at 15 pixels are 495; 5 pixels are left, 2 go to the left and top.
        let picture = reader::png(&Code::new("https://example.com").unwrap().png(500).unwrap());
        let border = 2 + 4 * 15;
        assert!((0..500).all(|i| picture.at(i, border - 1) == WHITE && picture.at(border - 1, i) == WHITE));
        assert_eq!(picture.at(border, border), BLACK);
        assert_eq!(picture.at(border + 7 * 15 - 1, border), BLACK);
        assert_eq!(picture.at(border + 7 * 15, border), WHITE);
        let end = border + 25 * 15;
        assert!((0..500).all(|i| picture.at(i, end) == WHITE && picture.at(end, i) == WHITE));
        assert_eq!(picture.at(border, end - 1), BLACK);
    }

    #[test]
    fn bits_are_packed_from_the_left_and_filled_up_with_white() {
        let row = [BLACK, WHITE, BLACK, BLACK, WHITE, WHITE, WHITE, BLACK, BLACK, WHITE];
        assert_eq!(packed(&row), [0b0100_1110, 0b0111_1111]);
    }

    #[test]
    fn coverage_becomes_darkness() {
        assert_eq!([grey(0.0), grey(0.5), grey(1.0), grey(1.7), grey(-0.1)], [255, 128, 0, 0, 255]);
    }
}
