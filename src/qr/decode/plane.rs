//! A picture of one byte a pixel, and the forms that it can be given. Knows nothing of codes.

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage};

/// Brightness, row by row from the top; 0 is black.
#[derive(Clone)]
pub(super) struct Plane(DynamicImage);

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Plane {
    /// From as many bytes as there are pixels; too few are filled up with black.
    pub(super) fn new(width: u32, height: u32, mut bytes: Vec<u8>) -> Self {
        let count = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or(0);
        bytes.resize(count, 0);
        Self(DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, bytes).unwrap_or_default()))
    }

    pub(super) fn width(&self) -> u32 {
        self.0.width()
    }

    pub(super) fn height(&self) -> u32 {
        self.0.height()
    }

    /// The longer side.
    pub(super) fn longer(&self) -> u32 {
        self.width().max(self.height())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Grown or shrunk so that the longer side has so many pixels.
    pub(super) fn resized(&self, longer_px: u32) -> Self {
        if self.longer() == longer_px {
            return self.clone();
        }
        let shrinks = longer_px < self.longer();
        let filter = if shrinks { FilterType::Triangle } else { FilterType::CatmullRom };
        // Shrinking a photograph by far goes quickly first, and well then.
        if self.longer() / longer_px.max(1) >= 4 {
            return Self(self.0.thumbnail(longer_px * 2, longer_px * 2).resize(longer_px, longer_px, filter));
        }
        Self(self.0.resize(longer_px, longer_px, filter))
    }

    pub(super) fn blurred(&self, sigma_px: f32) -> Self {
        Self(self.0.fast_blur(sigma_px))
    }

    pub(super) fn sharpened(&self) -> Self {
        Self(self.0.unsharpen(2.0, 2))
    }

    pub(super) fn inverted(&self) -> Self {
        let mut other = self.0.clone();
        other.invert();
        Self(other)
    }

    pub(super) fn cropped(&self, area: Area) -> Self {
        Self(self.0.crop_imm(area.x, area.y, area.width, area.height))
    }

    /// With a border of one brightness on every side.
    pub(super) fn padded(&self, border_px: u32, ground: u8) -> Self {
        let (width, height) = (self.width() + 2 * border_px, self.height() + 2 * border_px);
        let mut bytes = Vec::with_capacity(usize::try_from(width * height).unwrap_or(0));
        let side = usize::try_from(border_px).unwrap_or(0);
        let line = usize::try_from(width).unwrap_or(0);
        bytes.resize(line * side, ground);
        for row in self.bytes().chunks_exact(usize::try_from(self.width()).unwrap_or(1).max(1)) {
            bytes.resize(bytes.len() + side, ground);
            bytes.extend_from_slice(row);
            bytes.resize(bytes.len() + side, ground);
        }
        bytes.resize(bytes.len() + line * side, ground);
        Self::new(width, height, bytes)
    }

    /// With the darkest hundredth black, the brightest hundredth white, and the rest spread between.
    pub(super) fn stretched(&self) -> Self {
        let mut counts = [0_u64; 256];
        for it in self.bytes() {
            if let Some(count) = counts.get_mut(usize::from(*it)) {
                *count += 1;
            }
        }
        let hundredth = counts.iter().sum::<u64>() / 100;
        let low = end((0..=255).zip(counts), hundredth);
        let high = end((0..=255).rev().zip(counts.into_iter().rev()), hundredth);
        let range = u16::from(high.saturating_sub(low)).max(1);
        let stretch = |it: &u8| {
            let above = u16::from(it.saturating_sub(low)).min(range);
            u8::try_from(u32::from(above) * 255 / u32::from(range)).unwrap_or(255)
        };
        Self::new(self.width(), self.height(), self.bytes().iter().map(stretch).collect())
    }

    /// Black where a pixel is darker than what lies around it, white elsewhere: light that falls unevenly makes no difference.
    /// `radius_px` is half the side of the square that counts as around.
    pub(super) fn against_surroundings(&self, radius_px: f32) -> Self {
        let around = self.0.fast_blur(radius_px / 2.0);
        let dark = |(it, mean): (&u8, &u8)| if u16::from(*it) + 6 < u16::from(*mean) { 0 } else { 255 };
        Self::new(self.width(), self.height(), self.bytes().iter().zip(around.as_bytes()).map(dark).collect())
    }

    /// Turned by an angle around its middle, on a ground of one brightness, as large as it was.
    pub(super) fn turned(&self, degrees: f32, ground: u8) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (width, height) = (self.width(), self.height());
        let (mid_x, mid_y) = (half(width), half(height));
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let bytes = pixels.map(|(x, y)| {
            let (dx, dy) = (whole(x) - mid_x, whole(y) - mid_y);
            self.at(dx.mul_add(cos, dy * sin) + mid_x, dy.mul_add(cos, -dx * sin) + mid_y).unwrap_or(ground)
        });
        Self::new(width, height, bytes.collect())
    }

    /// The brightness at a place, none outside.
    pub(super) fn at(&self, x: f32, y: f32) -> Option<u8> {
        let (x, y) = (pixel(x, self.width())?, pixel(y, self.height())?);
        let place = y.checked_mul(usize::try_from(self.width()).ok()?)?.checked_add(x)?;
        self.bytes().get(place).copied()
    }

    /// The brightness that most of the border has: dark or bright.
    pub(super) fn ground(&self) -> u8 {
        let line = usize::try_from(self.width()).unwrap_or(1).max(1);
        let rows = self.bytes().chunks_exact(line);
        let (mut sum, mut count) = (0_u64, 0_u64);
        let mut see = |it: Option<&u8>| {
            sum += u64::from(it.copied().unwrap_or(255));
            count += 1;
        };
        for row in rows {
            see(row.first());
            see(row.last());
        }
        if sum > 127 * count { 255 } else { 0 }
    }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "sides of pictures are far below 2^24 pixels")]
pub(in crate::qr) fn whole(number: u32) -> f32 {
    number as f32
}

/// The first brightness at which more than so many pixels have been passed.
fn end(mut counts: impl Iterator<Item = (u8, u64)>, pixels: u64) -> u8 {
    let mut sum = 0;
    let passed = counts.find(|(_, count)| {
        sum += count;
        sum > pixels
    });
    passed.map_or(0, |it| it.0)
}

fn half(number: u32) -> f32 {
    whole(number) / 2.0
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is checked to lie between 0 and the side of a picture"
)]
fn pixel(at: f32, side: u32) -> Option<usize> {
    (at >= 0.0 && at < whole(side)).then_some(at as usize)
}
