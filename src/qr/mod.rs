//! Turns text into QR code pictures: PNG, SVG and PDF, with a caption where one is wanted.
//!
//! It knows nothing of campaigns, groups or HTTP, and keeps nothing: encoding takes the better part of a
//! millisecond, so whoever serves pictures keeps them.

mod badge;
mod caption;
mod decode;
mod font;
mod font_files;
mod pdf;
mod png;
mod poster;
mod stock;
mod svg;
mod wrap;

#[cfg(test)]
mod reader;

use qrcode::bits::Bits;
use qrcode::types::QrError as EncodeError;
use qrcode::{Color, EcLevel, QrCode, Version};
use thiserror::Error;

pub use self::badge::Badge;
pub use self::caption::{CAPTION_CHARS_MAX, CAPTION_LINES_MAX};
pub use self::decode::{
    DecodeError, Decoded, Effort, LOOK_TIME_MAX, PICTURE_BYTES_MAX, PICTURE_PIXELS_MAX, TRIES_MAX, decode_picture,
};
pub use self::font::{FONT_BYTES_MAX, Font, FontError};
pub use self::png::{SIZE_PX_MAX, SIZE_PX_MIN};
pub use self::poster::{PICTURE_MM, Paper, Poster};

/// The longest text a code may hold, in bytes of UTF-8.
///
/// The largest code holds 1,273 bytes at the highest level of error correction (ISO/IEC 18004), so
/// every text within this bound fits at every level. Links are far shorter.
pub const TEXT_BYTES_MAX: usize = 1024;

/// The white border that readers rely on, in modules on each side (ISO/IEC 18004).
pub const QUIET_MODULES: u16 = 4;

/// The number of the largest version of a QR code.
const VERSION_MAX: i16 = 40;

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum QrError {
    /// There is nothing to encode.
    #[error("the text for the QR code is empty")]
    Empty,
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("the text for the QR code has {0} bytes, at most {TEXT_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// The encoder refuses the text.
    #[error("the text cannot be put into a QR code")]
    Encode(#[source] EncodeError),
    /// The size is outside [`SIZE_PX_MIN`]`..=`[`SIZE_PX_MAX`].
    #[error("a picture of {0} pixels is not offered; {SIZE_PX_MIN} to {SIZE_PX_MAX} are")]
    Size(u32),
    /// The code has more modules than the picture has pixels.
    #[error("this QR code needs at least {needed_px} pixels, not {size_px}")]
    TooSmall {
        /// The size asked for.
        size_px: u32,
        /// The smallest size that holds this code.
        needed_px: u32,
    },
    /// The caption is longer than [`CAPTION_CHARS_MAX`].
    #[error("the caption has {0} characters, at most {CAPTION_CHARS_MAX} are allowed")]
    CaptionTooLong(usize),
    /// The caption has more line breaks than [`CAPTION_LINES_MAX`] lines allow.
    #[error("the caption has {0} lines, at most {CAPTION_LINES_MAX} are allowed")]
    CaptionLines(usize),
    /// The caption holds a character that cannot be drawn.
    #[error("the caption holds the character {0:?}, which cannot be printed")]
    CaptionCharacter(char),
    /// The font that was given has no picture of a character.
    #[error("the font {font} has not the character '{character}'")]
    FontLacks {
        /// The name of the font's file.
        font: String,
        /// The first character that it lacks.
        character: char,
    },
    /// No font was given, and none that was found can draw the caption in this format.
    #[error("no font on this machine has the character '{0}'; give one with --font FILE")]
    NoFont(char),
    /// The logo cannot be drawn.
    #[error("the logo cannot be drawn: {0}")]
    Logo(String),
    /// The PNG encoder failed.
    #[error("the picture cannot be written as PNG")]
    Png(#[source] ::png::EncodingError),
}

/// A QR code: a square of dark and light modules, without its white border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Row by row from the top; dark is true.
    modules: Vec<bool>,
    /// Modules on a side: 21 to 177.
    side: u16,
}

/// Dark modules side by side in one row, counted from the code's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    x: u16,
    y: u16,
    length: u16,
}

impl Code {
    /// Encodes a text that is shown on a screen, with medium error correction (15 % of the code may be lost).
    ///
    /// # Errors
    /// [`QrError::Empty`] and [`QrError::TooLong`].
    pub fn new(text: &str) -> Result<Self, QrError> {
        check(text)?;
        encode(text, EcLevel::M).map(Self::from_encoder).map_err(QrError::Encode)
    }

    /// Encodes a text that is printed, where it gets bent, wet and scratched.
    ///
    /// A quarter of the code may be lost; where the same size has room for the highest level, 30 %. The highest
    /// level is not forced, because its smaller modules cost more on a cup than the level gains.
    ///
    /// # Errors
    /// [`QrError::Empty`] and [`QrError::TooLong`].
    pub fn printed(text: &str) -> Result<Self, QrError> {
        check(text)?;
        let code = encode(text, EcLevel::Q).map_err(QrError::Encode)?;
        let stronger = encode_as(text, code.version(), EcLevel::H);
        Ok(Self::from_encoder(stronger.unwrap_or(code)))
    }

    /// Encodes a text that is printed with a logo in its middle: the highest level of error correction, 30 % of the code may be
    /// lost.
    ///
    /// # Errors
    /// [`QrError::Empty`] and [`QrError::TooLong`].
    pub fn with_room(text: &str) -> Result<Self, QrError> {
        check(text)?;
        encode(text, EcLevel::H).map(Self::from_encoder).map_err(QrError::Encode)
    }

    fn from_encoder(code: QrCode) -> Self {
        let side = u16::try_from(code.width()).expect("a QR code has at most 177 modules on a side");
        let modules = code.into_colors().into_iter().map(|it| it == Color::Dark).collect();
        Self { modules, side }
    }

    /// The modules on a side, without the white border: 21 to 177.
    #[must_use]
    pub const fn side_modules(&self) -> u16 {
        self.side
    }

    /// The modules on a side of the picture, with the white border.
    #[must_use]
    pub const fn picture_modules(&self) -> u16 {
        self.side + 2 * QUIET_MODULES
    }

    /// Draws a square PNG of exactly `size_px` pixels, black and white, one bit a pixel.
    ///
    /// Every module is the same whole number of pixels, which keeps edges crisp; the pixels left over widen the
    /// white border.
    ///
    /// # Errors
    /// [`QrError::Size`] outside [`SIZE_PX_MIN`]`..=`[`SIZE_PX_MAX`], [`QrError::TooSmall`] when a module would
    /// be less than a pixel.
    pub fn png(&self, size_px: u32) -> Result<Vec<u8>, QrError> {
        png::code(self, size_px)
    }

    /// Draws an SVG that fills whatever room it is given; one unit is one module.
    ///
    /// The same code always gives the same bytes.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::code(self)
    }

    /// Draws an A6 sheet ready to print, with a font of this machine; see [`Poster`].
    ///
    /// # Errors
    /// As [`Poster::new`] and [`Poster::pdf`].
    pub fn pdf(&self, caption: Option<&str>) -> Result<Vec<u8>, QrError> {
        Poster::new(self, caption, None)?.pdf()
    }

    /// The dark modules, joined along each row, from the top.
    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        (0..self.side).flat_map(|y| self.row(y))
    }

    /// The dark modules of one row, joined, from the left; none outside the code.
    fn row(&self, y: u16) -> impl Iterator<Item = Run> + '_ {
        let side = usize::from(self.side);
        let row = self.modules.chunks(side).nth(usize::from(y)).unwrap_or_default();
        let mut end = 0_u16;
        row.chunk_by(|left, right| left == right).filter_map(move |same| {
            let length = u16::try_from(same.len()).expect("a row has at most 177 modules");
            let x = end;
            end += length;
            same.first().is_some_and(|dark| *dark).then_some(Run { x, y, length })
        })
    }
}

fn check(text: &str) -> Result<(), QrError> {
    match text.len() {
        0 => Err(QrError::Empty),
        bytes if bytes > TEXT_BYTES_MAX => Err(QrError::TooLong(bytes)),
        _ => Ok(()),
    }
}

/// Encodes into the smallest version that holds the text.
fn encode(text: &str, level: EcLevel) -> Result<QrCode, EncodeError> {
    if text.is_ascii() {
        return QrCode::with_error_correction_level(text, level);
    }
    (1..=VERSION_MAX)
        .find_map(|version| encode_as(text, Version::Normal(version), level).ok())
        .ok_or(EncodeError::DataTooLong)
}

/// Encodes into one version, or says that it is too small.
///
/// Text beyond ASCII is stored as plain bytes. The encoder's own choice would take pairs of UTF-8 bytes that
/// happen to be valid Shift JIS for Kanji, and phones would show Japanese characters that nobody wrote.
fn encode_as(text: &str, version: Version, level: EcLevel) -> Result<QrCode, EncodeError> {
    let mut bits = Bits::new(version);
    if text.is_ascii() {
        bits.push_optimal_data(text.as_bytes())?;
    } else {
        bits.push_byte_data(text.as_bytes())?;
    }
    bits.push_terminator(level)?;
    QrCode::with_bits(bits, level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Code, EcLevel, QrError, TEXT_BYTES_MAX, Version, encode_as, reader};

    const LINK: &str = "https://example.com/s/default";

    #[test]
    fn the_picture_is_read_back_at_every_size() {
        let code = Code::new(LINK).unwrap();
        for size_px in [64, 65, 100, 127, 256, 333, 512, 1000, 2048] {
            let picture = reader::png(&code.png(size_px).unwrap());
            let side = usize::try_from(size_px).unwrap();
            assert_eq!((picture.width, picture.height), (side, side));
            assert_eq!(picture.text(), LINK, "{size_px} px");
        }
    }

    #[test]
    fn chinese_is_read_back_in_every_format() {
        let text = "https://例子.中国/门店/上海南京东路店?来源=杯子&说明=扫码加入最近门店的福利群";
        let code = Code::printed(text).unwrap();
        assert_eq!(reader::png(&code.png(400).unwrap()).text(), text);
        assert_eq!(reader::svg(&code.svg()).text(), text);
        assert_eq!(reader::pdf(&code.pdf(None).unwrap()).text(), text);
    }

    #[test]
    fn chinese_is_stored_as_bytes_and_never_as_kanji() {
        // All bytes of this character (E5 81 87) look like Shift JIS. Ten of them are 30 bytes, which need
        // version 3 at level M (42 bytes); as 15 Kanji they would fit version 2 (16 Kanji).
        let text = "假".repeat(10);
        let code = Code::new(&text).unwrap();
        assert_eq!(code.side_modules(), 29);
        assert_eq!(reader::png(&code.png(200).unwrap()).text(), text);
    }

    #[test]
    fn a_text_of_three_hundred_characters_is_read_back() {
        let text = format!("https://work.weixin.qq.com/gm/{}", "0123456789abcdef".repeat(17));
        assert_eq!(text.len(), 302);
        for code in [Code::new(&text).unwrap(), Code::printed(&text).unwrap()] {
            assert_eq!(reader::png(&code.png(600).unwrap()).text(), text);
            assert_eq!(reader::svg(&code.svg()).text(), text);
        }
    }

    #[test]
    fn the_longest_text_fits_at_every_level() {
        let text = "例".repeat(TEXT_BYTES_MAX / 3) + "x";
        assert_eq!(text.len(), TEXT_BYTES_MAX);
        Code::new(&text).unwrap();
        Code::printed(&text).unwrap();
    }

    #[test]
    fn empty_and_overlong_texts_are_refused() {
        assert!(matches!(Code::new("").unwrap_err(), QrError::Empty));
        assert!(matches!(Code::printed("").unwrap_err(), QrError::Empty));
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert!(matches!(Code::new(&long).unwrap_err(), QrError::TooLong(1025)));
    }

    #[test]
    fn sizes_out_of_bounds_are_refused() {
        let code = Code::new(LINK).unwrap();
        assert!(matches!(code.png(63).unwrap_err(), QrError::Size(63)));
        assert!(matches!(code.png(2049).unwrap_err(), QrError::Size(2049)));
        assert!(matches!(code.png(u32::MAX).unwrap_err(), QrError::Size(_)));
    }

    #[test]
    fn a_code_with_more_modules_than_pixels_says_what_it_needs() {
        let code = Code::new(&"x".repeat(300)).unwrap();
        let error = code.png(64).unwrap_err();
        assert_eq!(error.to_string(), "this QR code needs at least 77 pixels, not 64");
        assert_eq!(reader::png(&code.png(77).unwrap()).width, 77);
    }

    #[test]
    fn a_printed_code_takes_the_highest_level_where_it_costs_no_size() {
        // Version 3 holds 32 bytes at Q and 24 at H; version 4 holds 46 at Q and 34 at H.
        let roomy = "https://example.com/s/default-cup";
        assert_eq!(roomy.len(), 33);
        assert_eq!(Code::printed(roomy).unwrap().side_modules(), 33);
        assert_eq!(reader::png(&Code::printed(roomy).unwrap().png(256).unwrap()).level(), "H");
        let tight = "https://example.com/s/default-cups-of-tea";
        assert_eq!(tight.len(), 41);
        assert_eq!(Code::printed(tight).unwrap().side_modules(), 33);
        assert_eq!(reader::png(&Code::printed(tight).unwrap().png(256).unwrap()).level(), "Q");
        assert_eq!(reader::png(&Code::new(tight).unwrap().png(256).unwrap()).level(), "M");
    }

    #[test]
    fn the_encoder_reports_a_version_that_is_too_small() {
        assert!(encode_as("twenty bytes of text", Version::Normal(1), EcLevel::H).is_err());
    }

    #[test]
    fn the_same_text_gives_the_same_bytes() {
        let (one, two) = (Code::printed(LINK).unwrap(), Code::printed(LINK).unwrap());
        assert_eq!(one.svg(), two.svg());
        assert_eq!(one.png(300).unwrap(), two.png(300).unwrap());
        assert_eq!(one.pdf(None).unwrap(), two.pdf(None).unwrap());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_link_is_read_back(
            link in "https://[a-z]{1,12}\\.(com|cn)/[A-Za-z0-9/_-]{0,120}(\\?[a-z]{1,6}=[A-Za-z0-9%+&=]{0,120})?",
            size_px in 200_u32..500,
        ) {
            let code = Code::new(&link).unwrap();
            prop_assert_eq!(reader::png(&code.png(size_px).unwrap()).text(), link.clone());
            prop_assert_eq!(reader::svg(&code.svg()).text(), link);
        }

        #[test]
        fn any_text_gives_a_code_or_a_reason(text in "\\PC{0,400}") {
            match Code::printed(&text) {
                Ok(code) => prop_assert!((21..=177).contains(&code.side_modules())),
                Err(QrError::Empty | QrError::TooLong(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
