//! Pictures as people take them, made here: every form is a picture of a code, and what it says is known.

#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places within small pictures, which are checked to lie inside"
)]

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

use super::{DecodeError, Decoded, Effort, PICTURE_BYTES_MAX, decode_picture};
use crate::qr::Code;

const LINK: &str = "https://work.weixin.qq.com/gm/0123456789abcdef0123456789abcdef";

fn code(size_px: u32) -> GrayImage {
    image::load_from_memory(&Code::new(LINK).unwrap().png(size_px).unwrap()).unwrap().to_luma8()
}

fn on(ground: u8, (width, height): (u32, u32), at: (i64, i64), code: &GrayImage) -> GrayImage {
    let mut picture = GrayImage::from_pixel(width, height, Luma([ground]));
    image::imageops::overlay(&mut picture, code, at.0, at.1);
    picture
}

fn bytes(picture: GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// With time enough for a machine that does other things as well.
fn decode(picture: &[u8]) -> Result<Decoded, DecodeError> {
    decode_picture(picture, Effort { time: std::time::Duration::from_mins(1), ..Effort::default() })
}

#[track_caller]
fn reads(picture: GrayImage) {
    assert_eq!(decode(&bytes(picture, ImageFormat::Png)).unwrap().text, LINK);
}

/// A small generator of noise: the same every time.
fn noise(picture: &mut GrayImage, strength: i16) {
    let mut state = 1_u32;
    for it in picture.pixels_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let step = i16::try_from(state >> 20).unwrap() % (2 * strength + 1) - strength;
        it.0[0] = u8::try_from((i16::from(it.0[0]) + step).clamp(0, 255)).unwrap();
    }
}

/// Seen from the side and from above: a projective map, as a camera makes.
fn skewed(picture: &GrayImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let depth = 1.0 + 0.000_2 * x + 0.000_35 * y;
        let (u, v) = ((1.1 * x + 0.15 * y - 60.0) / depth, (0.1 * x + 1.15 * y - 70.0) / depth);
        let inside = (0.0..f64::from(width)).contains(&u) && (0.0..f64::from(height)).contains(&v);
        if inside { *picture.get_pixel(u as u32, v as u32) } else { Luma([170]) }
    })
}

#[test]
fn a_small_code_on_a_large_screen_is_read() {
    reads(on(235, (1_170, 2_532), (700, 1_900), &code(150)));
}

#[test]
fn a_code_in_dark_mode_is_read() {
    let mut dark = on(255, (800, 1_200), (200, 300), &code(400));
    image::imageops::invert(&mut dark);
    reads(dark);
}

#[test]
fn a_code_with_a_logo_in_its_middle_is_read() {
    let logo = GrayImage::from_pixel(50, 50, Luma([120]));
    let mut code = code(400);
    image::imageops::overlay(&mut code, &logo, 175, 175);
    reads(on(255, (600, 600), (100, 100), &code));
}

#[test]
fn a_skewed_code_is_read() {
    reads(skewed(&on(255, (700, 700), (100, 100), &code(500))));
}

#[test]
fn a_code_on_its_side_or_turned_is_read() {
    let upright = on(255, (700, 900), (100, 200), &code(500));
    reads(image::imageops::rotate90(&upright));
    reads(image::imageops::rotate180(&upright));
}

#[test]
fn a_faint_code_is_read() {
    let mut faint = on(255, (700, 700), (100, 100), &code(500));
    faint.pixels_mut().for_each(|it| it.0[0] = 232 + it.0[0] / 16);
    reads(faint);
}

#[test]
fn a_blurred_code_with_noise_in_bad_light_is_read() {
    let mut photo = image::imageops::blur(&on(255, (700, 700), (100, 100), &code(500)), 2.0);
    noise(&mut photo, 30);
    for (x, _, it) in photo.enumerate_pixels_mut() {
        it.0[0] = u8::try_from(u32::from(it.0[0]) * (200 + x) / 900).unwrap();
    }
    reads(photo);
}

#[test]
fn a_code_much_compressed_is_read() {
    let mut file = Vec::new();
    let picture = on(255, (500, 500), (100, 100), &code(300));
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 10)
        .encode(picture.as_raw(), 500, 500, image::ExtendedColorType::L8)
        .unwrap();
    assert_eq!(decode(&file).unwrap().text, LINK);
}

#[test]
fn a_code_without_a_border_is_read() {
    let whole = code(400);
    // Four modules of border at 400 pixels and 37 + 8 modules are 35 pixels and some.
    reads(image::imageops::crop_imm(&whole, 34, 34, 332, 332).to_image());
}

#[test]
fn a_transparent_code_is_read_on_white_and_on_black() {
    for (dark, ground) in [(0, 255), (255, 0)] {
        let code = on(255, (500, 500), (50, 50), &code(400));
        let ink =
            |x, y| if code.get_pixel(x, y).0[0] < 128 { [dark, dark, dark, 255] } else { [ground, ground, ground, 0] };
        let picture = image::RgbaImage::from_fn(500, 500, |x, y| image::Rgba(ink(x, y)));
        let mut file = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(picture).write_to(&mut file, ImageFormat::Png).unwrap();
        assert_eq!(decode(file.get_ref()).unwrap().text, LINK);
    }
}

#[test]
fn a_picture_without_a_code_says_so() {
    let mut noisy = GrayImage::from_pixel(200, 300, Luma([128]));
    noise(&mut noisy, 100);
    for picture in [GrayImage::from_pixel(300, 300, Luma([255])), GrayImage::new(20, 900), noisy] {
        assert_eq!(decode(&bytes(picture, ImageFormat::Png)), Err(DecodeError::NoCode));
    }
}

#[test]
fn a_code_whose_content_is_gone_is_unreadable() {
    let mut spoilt = on(255, (700, 700), (100, 100), &code(500));
    // The corners stay; most of what lies between them goes.
    image::imageops::overlay(&mut spoilt, &GrayImage::from_pixel(180, 250, Luma([255])), 290, 300);
    image::imageops::overlay(&mut spoilt, &GrayImage::from_pixel(90, 300, Luma([0])), 460, 290);
    assert_eq!(decode(&bytes(spoilt, ImageFormat::Png)), Err(DecodeError::Unreadable));
}

#[test]
fn a_flower_code_is_told_from_nothing() {
    // Rays around an empty middle, as a mini program's code has them, and the three eyes.
    let flower = GrayImage::from_fn(430, 430, |x, y| {
        let (dx, dy) = (f64::from(x) - 215.0, f64::from(y) - 215.0);
        let (far, angle) = (dx.hypot(dy), dy.atan2(dx).rem_euclid(std::f64::consts::TAU));
        let ray = (angle / std::f64::consts::TAU * 72.0) as u32;
        let dark = (90.0..195.0).contains(&far) && ray.is_multiple_of(2) && !ray.is_multiple_of(6);
        Luma([if dark || far < 60.0 { 0 } else { 255 }])
    });
    assert_eq!(decode(&bytes(flower, ImageFormat::Png)), Err(DecodeError::MiniProgramCode));
}

#[test]
fn what_is_no_picture_and_what_is_too_large_is_refused_unopened() {
    assert_eq!(decode(b"GIF89a"), Err(DecodeError::NotAPicture));
    assert_eq!(decode(b""), Err(DecodeError::NotAPicture));
    assert!(matches!(decode(&vec![0xff; PICTURE_BYTES_MAX + 1]), Err(DecodeError::TooLarge(_))));
    // A PNG that says it has 60,000 × 60,000 pixels and holds none of them.
    let mut bomb = bytes(GrayImage::new(30, 30), ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let checksum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(matches!(decode(&bomb), Err(DecodeError::TooLarge(_))), "{:?}", decode(&bomb));
}

/// The checksum of a PNG chunk (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_give_a_text_or_a_reason(
        start in prop::sample::select(vec![b"\x89PNG\r\n\x1a\n".to_vec(), b"\xff\xd8\xff".to_vec(), b"RIFF0000WEBP".to_vec(), Vec::new()]),
        rest in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let _ = decode_picture(&[start, rest].concat(), Effort { tries: 4, ..Effort::default() });
    }

    #[test]
    fn any_change_of_a_picture_gives_its_text_or_a_reason(
        place in 0_usize..2_000, with in prop::collection::vec(any::<u8>(), 1..40), format in 0_u8..2,
    ) {
        let format = if format == 0 { ImageFormat::Png } else { ImageFormat::Jpeg };
        let mut file = bytes(on(255, (160, 160), (20, 20), &code(120)), format);
        let place = place % file.len();
        let end = (place + with.len()).min(file.len());
        file[place..end].copy_from_slice(&with[..end - place]);
        let found = decode_picture(&file, Effort { tries: 12, ..Effort::default() });
        prop_assert!(found.is_err() || found.unwrap().text == LINK);
    }

    #[test]
    fn any_pixels_give_a_text_or_a_reason(pixels in prop::collection::vec(any::<u8>(), 64 * 64), bits in any::<bool>()) {
        let pixels = if bits { pixels.iter().map(|it| if it & 1 == 0 { 0 } else { 255 }).collect() } else { pixels };
        let picture = GrayImage::from_raw(64, 64, pixels).unwrap();
        let _ = decode_picture(&bytes(picture, ImageFormat::Png), Effort { tries: 12, ..Effort::default() });
    }
}
