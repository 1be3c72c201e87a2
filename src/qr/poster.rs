//! A landing code with its caption, laid out once and drawn alike in every format.
//!
//! Letters are drawn as outlines, so neither the reader of the file nor the printer needs the font.

use super::badge::Badge;
use super::caption::Caption;
use super::{Code, Font, QrError, font_files, pdf, png, svg};

/// The printed width of the code with its white border, in millimetres; an A6 sheet is 105 wide.
pub const PICTURE_MM: u16 = 95;

/// A sheet of paper, upright (ISO 216).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// 210 by 297 mm.
    A4,
    /// 148 by 210 mm.
    A5,
    /// 105 by 148 mm.
    #[default]
    A6,
}

impl Paper {
    /// Reads `a4`, `a5` or `a6`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "a4" => Some(Self::A4),
            "a5" => Some(Self::A5),
            "a6" => Some(Self::A6),
            _ => None,
        }
    }

    /// Width and height in millimetres.
    pub(super) const fn size_mm(self) -> (f32, f32) {
        match self {
            Self::A4 => (210.0, 297.0),
            Self::A5 => (148.0, 210.0),
            Self::A6 => (105.0, 148.0),
        }
    }
}

/// A code and, below it, a caption of up to three lines; a logo in its middle where one is wanted.
#[derive(Debug, Clone)]
pub struct Poster<'a> {
    code: &'a Code,
    caption: Option<Caption>,
    badge: Option<&'a Badge>,
}

impl<'a> Poster<'a> {
    /// Lays out the caption in the given font, or else in one of this machine that has all its characters.
    ///
    /// An empty caption is none. Looking for a font reads font files, tens of megabytes at worst: not for an
    /// async task. Letters stand one after the other, so scripts whose letters join or stack (Arabic, Thai) are
    /// not set well.
    ///
    /// # Errors
    /// [`QrError::CaptionTooLong`], [`QrError::CaptionLines`], [`QrError::CaptionCharacter`], and
    /// [`QrError::FontLacks`] for a font that was given. No font on the machine is not an error here: SVG and
    /// PDF can do without.
    pub fn new(code: &'a Code, caption: Option<&str>, font: Option<&Font>) -> Result<Self, QrError> {
        Self::with_folders(code, caption, font, font_files::FOLDERS)
    }

    /// As [`Poster::new`], looking for fonts in other folders.
    pub(super) fn with_folders<P: AsRef<std::path::Path>>(
        code: &'a Code,
        caption: Option<&str>,
        font: Option<&Font>,
        folders: &[P],
    ) -> Result<Self, QrError> {
        let caption = Caption::new(caption.unwrap_or_default(), code, font, folders)?;
        Ok(Self { code, caption, badge: None })
    }

    /// With a logo in the middle of the code, which must be one of [`Code::with_room`].
    #[must_use]
    pub fn with_badge(self, badge: &'a Badge) -> Self {
        Self { badge: Some(badge), ..self }
    }

    /// Draws the poster as SVG, as wide as the sheet's code.
    ///
    /// Without a font the caption is text, for whatever font the reader has.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::poster(self)
    }

    /// Draws the poster as PNG, `size_px` wide and, with a caption, higher than wide.
    ///
    /// # Errors
    /// As [`Code::png`], and [`QrError::NoFont`] where no font has a character of the caption.
    pub fn png(&self, size_px: u32) -> Result<Vec<u8>, QrError> {
        png::poster(self, size_px)
    }

    /// Draws the poster as PDF: an upright A6 sheet, black ink only.
    ///
    /// Without a font the caption is text in a font that PDF readers bring along: Helvetica, or Song for Chinese.
    ///
    /// # Errors
    /// [`QrError::NoFont`] where neither holds a character of the caption.
    pub fn pdf(&self) -> Result<Vec<u8>, QrError> {
        self.pdf_on(Paper::A6)
    }

    /// As [`Poster::pdf`], on another sheet; the code grows with it.
    ///
    /// # Errors
    /// As [`Poster::pdf`].
    pub fn pdf_on(&self, paper: Paper) -> Result<Vec<u8>, QrError> {
        pdf::poster(self, paper)
    }

    pub(super) const fn badge(&self) -> Option<&Badge> {
        self.badge
    }

    pub(super) const fn code(&self) -> &Code {
        self.code
    }

    pub(super) const fn caption(&self) -> Option<&Caption> {
        self.caption.as_ref()
    }

    pub(super) const fn width_modules(&self) -> u16 {
        self.code.picture_modules()
    }

    pub(super) fn height_modules(&self) -> u16 {
        self.width_modules() + self.caption().map_or(0, Caption::height_modules)
    }
}

#[cfg(test)]
mod tests {
    use super::Poster;
    use crate::qr::{Code, Font, QrError, reader};

    const LINK: &str = "https://example.com/s/default";
    const NONE: &[&str] = &[];

    fn code() -> Code {
        Code::printed(LINK).unwrap()
    }

    fn font() -> Font {
        Font::from_bytes("blocks".to_owned(), reader::block_font("扫码加入最近门店的福利群ABC")).unwrap()
    }

    #[test]
    fn every_format_is_read_back_with_a_caption() {
        let (code, font) = (code(), font());
        let poster = Poster::new(&code, Some("扫码加入 最近门店的\n福利群"), Some(&font)).unwrap();
        assert_eq!(reader::svg(&poster.svg()).text(), LINK);
        assert_eq!(reader::pdf(&poster.pdf().unwrap()).text(), LINK);
        for size_px in [64, 300, 1024] {
            assert_eq!(reader::png(&poster.png(size_px).unwrap()).text(), LINK);
        }
    }

    #[test]
    fn a_caption_makes_the_picture_higher_and_not_wider() {
        let (code, font) = (code(), font());
        let poster = Poster::new(&code, Some("扫码"), Some(&font)).unwrap();
        let picture = reader::png(&poster.png(410).unwrap());
        assert_eq!(picture.width, 410);
        assert!((440..=520).contains(&picture.height), "{}", picture.height);
        let plain = reader::png(&Poster::new(&code, Some("  "), None).unwrap().png(410).unwrap());
        assert_eq!((plain.width, plain.height), (410, 410));
    }

    #[test]
    fn sizes_out_of_bounds_are_refused() {
        let code = code();
        let poster = Poster::new(&code, None, None).unwrap();
        assert!(matches!(poster.png(63), Err(QrError::Size(63))));
        assert!(matches!(poster.png(u32::MAX), Err(QrError::Size(_))));
    }

    #[test]
    fn letters_are_drawn_in_the_middle_below_the_white_border() {
        // Block letters fill 0.1 to 0.9 em across and 0 to 0.8 em above the baseline.
        let (code, font) = (code(), font());
        let poster = Poster::new(&code, Some("扫码"), Some(&font)).unwrap();
        let picture = reader::png(&poster.png(370).unwrap());
        assert_eq!(code.picture_modules(), 37);
        let dark = |y: usize| (0..370).filter(|x| picture.at(*x, y) < 128).collect::<Vec<_>>();
        assert!((330..370).all(|y| dark(y).is_empty()), "the border below the code is white");
        let row = (370..picture.height).map(dark).find(|row| !row.is_empty()).unwrap();
        let (left, right) = (row[0], *row.last().unwrap());
        assert!((left + right).abs_diff(369) <= 1, "{left} to {right}");
        // Two letters of 2.9 modules (a tenth of 29), less 0.1 em on each side.
        assert!((right - left + 1).abs_diff(52) <= 1, "{left} to {right}");
    }

    #[test]
    fn outlines_need_no_text_element_and_no_font() {
        let (code, font) = (code(), font());
        let poster = Poster::new(&code, Some("扫码"), Some(&font)).unwrap();
        assert!(!poster.svg().contains("<text"));
        assert!(!String::from_utf8_lossy(&poster.pdf().unwrap()).contains("/Font"));
    }

    #[test]
    fn a_given_font_without_a_character_is_an_error() {
        let error = Poster::new(&code(), Some("扫码咖"), Some(&font())).unwrap_err();
        assert_eq!(error.to_string(), "the font blocks has not the character '咖'");
    }

    #[test]
    fn without_a_font_svg_has_escaped_text() {
        let code = code();
        let poster = Poster::with_folders(&code, Some("扫码 & <赢>\"奖\""), None, NONE).unwrap();
        let svg = poster.svg();
        assert!(svg.contains(">扫码 &amp; &lt;赢&gt;&quot;奖&quot;</text>"), "{svg}");
        assert!(svg.contains("font-family=\"sans-serif\""));
        assert_eq!(reader::svg(&svg).text(), LINK);
    }

    #[test]
    fn without_a_font_png_says_what_to_do() {
        let code = code();
        let error = Poster::with_folders(&code, Some("扫码"), None, NONE).unwrap().png(300).unwrap_err();
        assert_eq!(error.to_string(), "no font on this machine has the character '扫'; give one with --font FILE");
    }

    #[test]
    fn without_a_font_pdf_uses_fonts_that_readers_bring() {
        let code = code();
        let file = |caption| Poster::with_folders(&code, Some(caption), None, NONE).unwrap().pdf();
        let latin = file("Café (near you)").unwrap();
        assert!(String::from_utf8_lossy(&latin).contains("/BaseFont /Helvetica"));
        let chinese = file("扫码进群 ABC").unwrap();
        let text = String::from_utf8_lossy(&chinese);
        assert!(text.contains("/Encoding /UniGB-UCS2-H") && text.contains("/STSong-Light"));
        assert_eq!(reader::pdf(&latin).text(), LINK);
        assert_eq!(reader::pdf(&chinese).text(), LINK);
        for beyond in ["안녕하세요", "😀", "扫码é\u{e000}"] {
            assert!(matches!(file(beyond), Err(QrError::NoFont(_))), "{beyond}");
        }
    }

    #[test]
    fn a_font_is_found_among_files_that_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("truetype");
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("broken-Regular.ttf"), b"no font at all").unwrap();
        std::fs::write(below.join("latin-Regular.ttf"), reader::block_font("ABC")).unwrap();
        std::fs::write(below.join("chinese-Bold.ttf"), reader::block_font("扫码")).unwrap();
        std::fs::write(below.join("readme.txt"), reader::block_font("扫码进")).unwrap();
        let code = code();
        let poster = |caption| Poster::with_folders(&code, Some(caption), None, &[folder.path()]).unwrap();
        assert!(!poster("扫码").svg().contains("<text"));
        let error = poster("扫码进群").png(300).unwrap_err();
        assert!(matches!(error, QrError::NoFont('进')), "{error}");
    }

    #[test]
    fn the_machines_own_fonts_draw_chinese_if_there_are_any() {
        let code = code();
        let poster = Poster::new(&code, Some("扫码加入离你最近的门店福利群，领取优惠券"), None).unwrap();
        match poster.png(512) {
            Ok(file) => assert_eq!(reader::png(&file).text(), LINK),
            Err(QrError::NoFont(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}
