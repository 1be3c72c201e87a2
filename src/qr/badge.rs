//! The brand's picture in the middle of a code: opened within limits, made small, and bounded so that the code is still read.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, GenericImageView as _, ImageEncoder as _};

use super::decode::{DecodeError, open_picture};
use super::{Code, QrError};

/// The longer side of a logo that is kept, in pixels.
const LOGO_PX: u32 = 320;
/// The longer side of a logo whose colours are too many for [`Badge::PNG_BYTES_MAX`] at the first size.
const LOGO_PX_LESS: [u32; 4] = [240, 160, 112, 80];
/// The side of the white plate below the logo, as a part of the code's side: less than 5 % of the modules at the highest level of
/// error correction, which can do without 30 %.
const PLATE_PART: f32 = 0.22;
/// The white edge of the plate around the logo, as a part of the plate.
const EDGE_PART: f32 = 0.08;

/// A logo, ready to be drawn in a code.
#[derive(Debug, Clone)]
pub struct Badge {
    picture: DynamicImage,
}

/// Where things lie, in modules of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plate {
    /// The upper left corner of the square plate, both ways.
    pub(super) from: f32,
    /// Its side.
    pub(super) side: f32,
    /// The logo: left, top, width, height.
    pub(super) logo: [f32; 4],
}

impl Badge {
    /// The largest PNG that [`Badge::png`] gives.
    pub const PNG_BYTES_MAX: usize = 64 * 1024;

    /// Opens a PNG, JPEG or WebP picture and makes it small. Blocks; a picture may be large.
    ///
    /// # Errors
    /// [`DecodeError::NotAPicture`] and [`DecodeError::TooLarge`].
    pub fn open(bytes: &[u8]) -> Result<Self, DecodeError> {
        let picture = open_picture(bytes)?;
        let picture = if picture.width().max(picture.height()) > LOGO_PX {
            picture.resize(LOGO_PX, LOGO_PX, image::imageops::FilterType::Lanczos3)
        } else {
            picture
        };
        Ok(Self { picture: DynamicImage::ImageRgba8(picture.into_rgba8()) })
    }

    /// The logo as a PNG of at most [`Self::PNG_BYTES_MAX`]: nothing of the file that was opened is in it but its colours.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] if no size is small enough, which colours at random come to.
    pub fn png(&self) -> Result<Vec<u8>, DecodeError> {
        let whole = png(&self.picture)?;
        if whole.len() <= Self::PNG_BYTES_MAX {
            return Ok(whole);
        }
        for side in LOGO_PX_LESS {
            let less = png(&self.picture.resize(side, side, image::imageops::FilterType::Lanczos3))?;
            if less.len() <= Self::PNG_BYTES_MAX {
                return Ok(less);
            }
        }
        Err(DecodeError::TooLarge("its colours take too much room".to_owned()))
    }

    /// Where the plate and the logo lie on a code.
    pub(super) fn plate(&self, code: &Code) -> Plate {
        let (whole, inner) = (f32::from(code.picture_modules()), f32::from(code.side_modules()));
        let side = inner * PLATE_PART;
        let from = (whole - side) / 2.0;
        let room = side * (1.0 - 2.0 * EDGE_PART);
        let (width, height) = (super::decode::whole(self.picture.width()), super::decode::whole(self.picture.height()));
        let scale = room / width.max(height);
        let (width, height) = (width * scale, height * scale);
        Plate { from, side, logo: [(whole - width) / 2.0, (whole - height) / 2.0, width, height] }
    }

    /// Red, green and blue of every pixel on white, with width and height.
    pub(super) fn on_white(&self) -> (u32, u32, Vec<u8>) {
        let (width, height) = self.picture.dimensions();
        let mix = |pixel: &[u8]| -> [u8; 3] {
            let alpha = u16::from(pixel.get(3).copied().unwrap_or(255));
            std::array::from_fn(|at| {
                let colour = u16::from(pixel.get(at).copied().unwrap_or(255));
                u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255)
            })
        };
        (width, height, self.picture.as_bytes().chunks_exact(4).flat_map(mix).collect())
    }

    /// A picture of a code in grey with the plate and the logo laid over its middle. `module_px` is the width of a module, and
    /// `margin_px` what is left over on each side of the picture.
    pub(super) fn laid_over(
        &self,
        picture: &[u8],
        code: &Code,
        module_px: f32,
        margin_px: f32,
    ) -> Result<Vec<u8>, QrError> {
        let undrawn = |error: image::ImageError| QrError::Logo(error.to_string());
        let mut sheet =
            image::load_from_memory_with_format(picture, image::ImageFormat::Png).map_err(undrawn)?.into_rgb8();
        let plate = self.plate(code);
        let px = |modules: f32| i64::from(pixels(modules.mul_add(module_px, margin_px)));
        let (from, to) = (px(plate.from), px(plate.from + plate.side));
        let side = u32::try_from(to - from).unwrap_or(1).max(1);
        let blank = image::RgbImage::from_pixel(side, side, image::Rgb([255; 3]));
        image::imageops::replace(&mut sheet, &blank, from, from);
        let [left, top, width, height] = plate.logo;
        let length = |modules: f32| u32::try_from(pixels(modules * module_px)).unwrap_or(1).max(1);
        let (across, down, pixels_on_white) = self.on_white();
        let flat = image::RgbImage::from_raw(across, down, pixels_on_white).unwrap_or_default();
        let logo = DynamicImage::ImageRgb8(flat).resize_exact(
            length(width),
            length(height),
            image::imageops::FilterType::Lanczos3,
        );
        image::imageops::replace(&mut sheet, &logo.into_rgb8(), px(left), px(top));
        png(&DynamicImage::ImageRgb8(sheet)).map_err(|error| QrError::Logo(error.to_string()))
    }
}

fn png(picture: &DynamicImage) -> Result<Vec<u8>, DecodeError> {
    let has_alpha = picture.color().has_alpha();
    let colour = if has_alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    let mut file = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive)
        .write_image(picture.as_bytes(), picture.width(), picture.height(), colour)
        .map_err(|_cause| DecodeError::NotAPicture)?;
    Ok(file.into_inner())
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "pictures of codes have at most 2,048 pixels a side"
)]
fn pixels(at: f32) -> i32 {
    at.round() as i32
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

    use super::Badge;
    use crate::qr::{Code, Effort, Paper, Poster, decode_picture};

    const LINK: &str = "https://qun.example-coffee.com/s/winter-tea-2026";

    fn badge() -> Badge {
        // Dark colours, worse than which a logo does nothing to a code.
        let picture = RgbaImage::from_fn(400, 300, |x, y| {
            Rgba([10, u8::try_from(x % 90).unwrap(), u8::try_from(y % 60).unwrap(), 255])
        });
        let mut file = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(picture).write_to(&mut file, ImageFormat::Png).unwrap();
        Badge::open(file.get_ref()).unwrap()
    }

    fn read(picture: &[u8]) -> String {
        decode_picture(picture, Effort { time: std::time::Duration::from_mins(1), ..Effort::default() }).unwrap().text
    }

    /// What a camera makes of print: softened, noisy, compressed.
    fn photographed(picture: &[u8]) -> Vec<u8> {
        let picture = image::load_from_memory(picture).unwrap();
        let mut soft = picture.fast_blur(1.2).to_luma8();
        let mut state = 7_u32;
        for it in soft.pixels_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = i16::try_from(state >> 27).unwrap() - 16;
            it.0[0] = u8::try_from((i16::from(it.0[0]) * 3 / 4 + 40 + noise).clamp(0, 255)).unwrap();
        }
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 30)
            .encode(soft.as_raw(), soft.width(), soft.height(), image::ExtendedColorType::L8)
            .unwrap();
        file
    }

    #[test]
    fn a_code_printed_at_two_centimetres_is_read() {
        // 20 mm at 300 dots an inch are 236 pixels.
        let (plain, badge) = (Code::printed(LINK).unwrap(), badge());
        let poster = Poster::new(&plain, None, None).unwrap();
        assert_eq!(read(&photographed(&poster.png(236).unwrap())), LINK);
        let robust = Code::with_room(LINK).unwrap();
        let poster = Poster::new(&robust, None, None).unwrap().with_badge(&badge);
        assert_eq!(read(&photographed(&poster.png(236).unwrap())), LINK);
    }

    #[test]
    fn every_format_bears_the_logo() {
        let (code, badge) = (Code::with_room(LINK).unwrap(), badge());
        let poster = Poster::new(&code, None, None).unwrap().with_badge(&badge);
        let picture = image::load_from_memory(&poster.png(600).unwrap()).unwrap().to_rgb8();
        let middle = picture.get_pixel(300, 300).0;
        assert!(middle[0] < 60 && middle != [0; 3], "{middle:?}");
        assert_eq!(read(&poster.png(600).unwrap()), LINK);
        let svg = poster.svg();
        assert!(svg.contains("<image href=\"data:image/png;base64,") && svg.ends_with("</svg>\n"));
        let pdf = poster.pdf_on(Paper::A4).unwrap();
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains("/Subtype /Image") && text.contains("/DeviceRGB"));
        // 210 by 297 mm are 595.28 by 841.89 points.
        assert!(text.contains("/MediaBox [0 0 595.2") && text.contains("841.8"));
    }

    #[test]
    fn the_plate_is_a_twentieth_of_the_code() {
        let code = Code::with_room(LINK).unwrap();
        let plate = badge().plate(&code);
        let part = (plate.side / f32::from(code.side_modules())).powi(2);
        assert!(part < 0.05, "{part}");
    }

    #[test]
    fn a_logo_is_written_anew_and_small() {
        let noisy = RgbaImage::from_fn(900, 900, |x, y| {
            let it = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_be_bytes();
            Rgba([it[0], it[1], it[2], 255])
        });
        let mut file = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(noisy).write_to(&mut file, ImageFormat::Png).unwrap();
        let mut bytes = file.into_inner();
        bytes.extend(b"<script>alert(1)</script>");
        let kept = Badge::open(&bytes).unwrap().png().unwrap();
        assert!(kept.len() <= Badge::PNG_BYTES_MAX);
        assert!(!String::from_utf8_lossy(&kept).contains("script"));
    }
}
