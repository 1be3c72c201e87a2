//! A caption, checked, broken into lines and placed below a code; the unit is one module of the code.
//!
//! Where letters come from is `font`'s business, how they are written into a file that of each format.

use std::path::Path;

use super::font::{Font, Glyphs};
use super::{Code, QrError, stock, wrap};

/// The longest caption, in characters.
pub const CAPTION_CHARS_MAX: usize = 200;

/// The most lines a caption is set in.
pub const CAPTION_LINES_MAX: usize = 3;

/// The largest letters: ten to the width of the code.
const LETTERS_ACROSS_MIN: f32 = 10.0;

/// With more letters than this to a line, another line is better than smaller letters.
const LETTERS_ACROSS_EASY: f32 = 16.0;

/// From one baseline to the next, in em.
const LEADING_EM: f32 = 1.4;

/// From the white border to the first baseline, in em; accents on capitals fit in.
const ASCENT_EM: f32 = 1.0;

/// Below the last baseline, in em.
const DESCENT_EM: f32 = 0.25;

/// White below the caption.
const FOOT_MODULES: f32 = 2.0;

/// A point of the picture: right and down from the upper left corner of the white border, in modules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A step of the pen that draws outlines; what it encloses is filled by the non-zero rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pen {
    Move(Spot),
    Line(Spot),
    /// A quadratic curve: its control point and its end.
    Quad(Spot, Spot),
    /// A cubic curve: its two control points and its end.
    Cubic(Spot, Spot, Spot),
    Close,
}

/// How the letters are drawn.
#[derive(Debug, Clone)]
pub(super) enum Letters {
    /// As outlines of a font.
    Outlines(Vec<Pen>),
    /// By whoever shows the file, because no font here has the character named.
    Text { missing: char },
}

/// One line of a caption, centred.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) width: f32,
    /// Its distance from the top of the picture.
    pub(super) baseline: f32,
}

/// A caption in its place.
#[derive(Debug, Clone)]
pub(super) struct Caption {
    text: String,
    lines: Vec<Line>,
    em: f32,
    height_modules: u16,
    letters: Letters,
}

impl Caption {
    /// Sets a caption as wide as the code at most; nothing but white space is none.
    pub(super) fn new<P: AsRef<Path>>(
        text: &str,
        code: &Code,
        font: Option<&Font>,
        folders: &[P],
    ) -> Result<Option<Self>, QrError> {
        let paragraphs = paragraphs(text)?;
        if paragraphs.is_empty() {
            return Ok(None);
        }
        let text = paragraphs.join(" ");
        if let Some(font) = font {
            return match font.lacks(&text) {
                Some(character) => Err(QrError::FontLacks { font: font.name().to_owned(), character }),
                None => Ok(Some(Self::in_font(&paragraphs, text, code, &font.glyphs()))),
            };
        }
        Ok(Some(match Font::find(&text, folders) {
            Ok(font) => Self::in_font(&paragraphs, text, code, &font.glyphs()),
            Err(missing) => Self::as_text(&paragraphs, text, code, missing),
        }))
    }

    fn in_font(paragraphs: &[String], text: String, code: &Code, glyphs: &Glyphs<'_>) -> Self {
        let mut caption = Self::placed(paragraphs, text, code, |c| glyphs.advance_em(c));
        let middle = f32::from(code.picture_modules()) / 2.0;
        let mut pens = Vec::new();
        for line in &caption.lines {
            let mut at = Spot { x: middle - line.width / 2.0, y: line.baseline };
            for c in line.text.chars() {
                glyphs.draw(c, at, caption.em, &mut pens);
                at.x += glyphs.advance_em(c) * caption.em;
            }
        }
        caption.letters = Letters::Outlines(pens);
        caption
    }

    fn as_text(paragraphs: &[String], text: String, code: &Code, missing: char) -> Self {
        let advance = stock::advance_em(&text);
        let mut caption = Self::placed(paragraphs, text, code, advance);
        caption.letters = Letters::Text { missing };
        caption
    }

    /// Chooses the number of lines and the size of the letters.
    fn placed(paragraphs: &[String], text: String, code: &Code, advance: impl Fn(char) -> f32) -> Self {
        let across = f32::from(code.side_modules());
        let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
        let mut rows = Vec::new();
        let mut em = 0.0;
        for lines_max in paragraphs.len()..=CAPTION_LINES_MAX {
            let tried = wrap::rows(&paragraphs, lines_max, &advance);
            let widest = tried.iter().map(|row| row.width_em).fold(LETTERS_ACROSS_MIN, f32::max);
            if across / widest > em {
                em = across / widest;
                rows = tried;
            }
            if widest <= LETTERS_ACROSS_EASY {
                break;
            }
        }
        let top = f32::from(code.picture_modules());
        let mut baseline = top + ASCENT_EM * em;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            lines.push(Line { text: row.text, width: row.width_em * em, baseline });
            baseline += LEADING_EM * em;
        }
        let bottom = lines.last().map_or(top, |line| line.baseline) + DESCENT_EM * em + FOOT_MODULES;
        let height_modules = (1..code.side_modules()).find(|it| f32::from(*it) >= bottom - top);
        Self {
            text,
            lines,
            em,
            height_modules: height_modules.unwrap_or(code.side_modules()),
            letters: Letters::Outlines(Vec::new()),
        }
    }

    /// The whole caption on one line.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The size of the letters, in modules.
    pub(super) const fn em(&self) -> f32 {
        self.em
    }

    /// What the caption adds to the height of the picture.
    pub(super) const fn height_modules(&self) -> u16 {
        self.height_modules
    }

    pub(super) const fn letters(&self) -> &Letters {
        &self.letters
    }
}

/// The lines as typed, without white space around them and without invisible characters.
fn paragraphs(text: &str) -> Result<Vec<String>, QrError> {
    let chars = text.chars().count();
    if chars > CAPTION_CHARS_MAX {
        return Err(QrError::CaptionTooLong(chars));
    }
    let mut paragraphs = Vec::new();
    for line in text.lines() {
        let shown: String = line.trim().chars().filter(|c| !is_invisible(*c)).collect();
        let unprintable = |c: &char| c.is_control() && *c != '\t' || matches!(c, '\u{fffe}' | '\u{ffff}');
        if let Some(c) = shown.chars().find(unprintable) {
            return Err(QrError::CaptionCharacter(c));
        }
        if !shown.is_empty() {
            paragraphs.push(shown);
        }
    }
    if paragraphs.len() > CAPTION_LINES_MAX {
        return Err(QrError::CaptionLines(paragraphs.len()));
    }
    Ok(paragraphs)
}

/// Joiners, direction marks, variation selectors and byte order marks, which editors and keyboards leave behind.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Caption, paragraphs};
    use crate::qr::{Code, QrError};

    const NONE: &[&str] = &[];

    fn caption(text: &str) -> Caption {
        let code = Code::printed("https://example.com/s/default").unwrap();
        assert_eq!(code.side_modules(), 29);
        Caption::new(text, &code, None, NONE).unwrap().unwrap()
    }

    #[test]
    fn a_short_caption_has_large_letters_on_one_line() {
        let caption = caption("扫码进群");
        assert_eq!(caption.lines().len(), 1);
        assert!((caption.em() - 2.9).abs() < 1e-6);
        // 1.25 em of letters and 2 modules below them.
        assert_eq!(caption.height_modules(), 6);
    }

    #[test]
    fn a_long_caption_wraps_and_then_shrinks() {
        assert_eq!(caption("扫码加入离你最近的门店福利群").lines().len(), 1);
        assert_eq!(caption("扫码加入离你最近的门店福利群，领取今天的优惠券").lines().len(), 2);
        let longest = caption(&"群".repeat(200));
        assert_eq!(longest.lines().len(), 3);
        assert!(longest.lines().iter().all(|line| line.width <= 29.001));
    }

    #[test]
    fn typed_line_breaks_are_kept() {
        let caption = caption("扫码进群\r\n\n  每天有礼  ");
        let lines: Vec<&str> = caption.lines().iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["扫码进群", "每天有礼"]);
        assert_eq!(caption.text(), "扫码进群 每天有礼");
    }

    #[test]
    fn captions_that_cannot_be_printed_are_refused() {
        let long = "群".repeat(201);
        assert!(matches!(paragraphs(&long), Err(QrError::CaptionTooLong(201))));
        assert!(matches!(paragraphs("a\nb\nc\nd"), Err(QrError::CaptionLines(4))));
        assert!(matches!(paragraphs("扫\u{7}码"), Err(QrError::CaptionCharacter('\u{7}'))));
        assert!(matches!(paragraphs("扫\u{ffff}码"), Err(QrError::CaptionCharacter('\u{ffff}'))));
    }

    #[test]
    fn invisible_characters_are_dropped() {
        assert_eq!(paragraphs("\u{feff}扫\u{200b}码\u{fe0f}").unwrap(), ["扫码"]);
        assert!(paragraphs(" \n\u{200b}\n").unwrap().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_caption_stays_within_the_width_of_the_code(text in "[a-zA-Z群码店，。 ]{1,200}") {
            prop_assume!(!text.trim().is_empty());
            let caption = caption(&text);
            prop_assert!((1..=3).contains(&caption.lines().len()));
            for line in caption.lines() {
                prop_assert!(line.width <= 29.01, "{}", line.width);
            }
            prop_assert!(caption.height_modules() < 20);
        }
    }
}
