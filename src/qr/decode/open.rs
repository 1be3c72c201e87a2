//! From the bytes of a picture to its brightness, with limits that are checked before anything is unpacked.

use std::io::Cursor;

use image::{DynamicImage, GenericImageView as _, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::DecodeError;
use super::plane::Plane;

/// The largest file, in bytes: a photograph of a phone's best camera has 5 to 10 million.
pub const PICTURE_BYTES_MAX: usize = 16 << 20;
/// The most pixels: those of a 50-megapixel camera.
pub const PICTURE_PIXELS_MAX: u64 = 52_000_000;
/// The smallest side of a picture, in pixels: the smallest code has 21 modules.
pub const PICTURE_SIDE_PX_MIN: u32 = 21;
/// The memory that unpacking may take, in bytes.
const MEMORY_BYTES_MAX: u64 = 320 << 20;

/// A picture as brightness.
pub(super) struct Opened {
    /// On a white ground, as chats show it.
    pub(super) plane: Plane,
    /// On a black ground, where the picture is transparent somewhere.
    pub(super) on_black: Option<Plane>,
}

/// The bytes, if they may be opened at all.
pub(super) fn checked(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if bytes.len() > PICTURE_BYTES_MAX {
        return Err(DecodeError::TooLarge(format!(
            "{:.1} MB, at most {} MB are opened",
            megabytes(bytes.len()),
            PICTURE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / f64::from(1_u32 << 20)
}

/// The format by the first bytes; names of files and media types lie.
fn format(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Unpacks a picture, turned as its camera was held, to its brightness.
pub(super) fn open(bytes: &[u8]) -> Result<Opened, DecodeError> {
    picture(bytes).map(brightness)
}

/// Unpacks a picture, turned as its camera was held.
pub(super) fn picture(bytes: &[u8]) -> Result<DynamicImage, DecodeError> {
    let format = format(bytes).ok_or(DecodeError::NotAPicture)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PICTURE_PIXELS_MAX || decoder.total_bytes() > MEMORY_BYTES_MAX {
        return Err(DecodeError::TooLarge(format!(
            "{width} × {height} pixels, at most {} million are opened",
            PICTURE_PIXELS_MAX / 1_000_000
        )));
    }
    if width.min(height) < PICTURE_SIDE_PX_MIN {
        return Err(DecodeError::NoCode);
    }
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

fn refused(error: &image::ImageError) -> DecodeError {
    if matches!(error, image::ImageError::Limits(_)) {
        return DecodeError::TooLarge("it takes too much memory".to_owned());
    }
    DecodeError::NotAPicture
}

/// What the picture looks like on white and, where it is transparent, on black.
fn brightness(picture: DynamicImage) -> Opened {
    let (width, height) = picture.dimensions();
    if !picture.color().has_alpha() {
        return Opened { plane: Plane::new(width, height, picture.into_luma8().into_raw()), on_black: None };
    }
    let both = picture.into_luma_alpha8().into_raw();
    let on = |ground: u16| {
        let mix = |pixel: &[u8]| {
            let [luma, alpha] = [pixel.first(), pixel.get(1)].map(|it| u16::from(it.copied().unwrap_or(255)));
            u8::try_from((luma * alpha + ground * (255 - alpha)) / 255).unwrap_or(255)
        };
        Plane::new(width, height, both.chunks_exact(2).map(mix).collect())
    };
    let is_transparent = both.chunks_exact(2).any(|it| it.get(1).is_some_and(|alpha| *alpha < 128));
    Opened { plane: on(255), on_black: is_transparent.then(|| on(0)) }
}
