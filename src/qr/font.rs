//! Fonts for captions: finds one on the machine, reads one that is given, and draws its letters as outlines.
//!
//! No font comes with the program, and none is written into a picture. Letters are not shaped: each character
//! is one glyph, which is right for Chinese and Latin.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use ttf_parser::{Face, FaceParsingError, GlyphId, OutlineBuilder, Tag, fonts_in_collection, name_id};

use super::caption::{Pen, Spot};
use super::font_files;

/// The largest font file that is read, in bytes. Collections of Chinese fonts reach a hundred megabytes.
pub const FONT_BYTES_MAX: u64 = 192 * 1024 * 1024;

/// The most faces of one collection that are looked at.
const FACES_MAX: u32 = 64;

/// Why a font file is of no use.
#[derive(Debug, Error)]
pub enum FontError {
    /// The file cannot be read.
    #[error("the font {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than [`FONT_BYTES_MAX`].
    #[error("the font {} is larger than {FONT_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is no TrueType or OpenType font or collection.
    #[error("{name} is no TrueType or OpenType font")]
    NotAFont {
        /// The name of the file.
        name: String,
        /// What the parser says.
        source: FaceParsingError,
    },
}

/// A font in memory: TrueType, OpenType or one face of a collection.
#[derive(Clone)]
pub struct Font {
    name: String,
    data: Vec<u8>,
    face: u32,
}

impl Font {
    /// Reads a font file; of a collection it takes the face for simplified Chinese, else the first.
    ///
    /// # Errors
    /// [`FontError`] says why the file is of no use.
    pub fn open(path: &Path) -> Result<Self, FontError> {
        let unreadable = |source| FontError::Unreadable { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(unreadable)?;
        let mut data = Vec::new();
        file.take(FONT_BYTES_MAX + 1).read_to_end(&mut data).map_err(unreadable)?;
        if u64::try_from(data.len()).is_ok_and(|bytes| bytes > FONT_BYTES_MAX) {
            return Err(FontError::TooLarge { path: path.to_owned() });
        }
        Self::from_bytes(path.display().to_string(), data)
    }

    /// Takes the bytes of a font file; `name` is for messages.
    ///
    /// # Errors
    /// [`FontError::NotAFont`].
    pub fn from_bytes(name: String, data: Vec<u8>) -> Result<Self, FontError> {
        let faces = fonts_in_collection(&data).unwrap_or(1).clamp(1, FACES_MAX);
        let is_simplified = |face: &u32| Face::parse(&data, *face).is_ok_and(|it| is_for_simplified(&it));
        let face = (0..faces).find(is_simplified).unwrap_or(0);
        match Face::parse(&data, face) {
            Ok(_) => Ok(Self { name, data, face }),
            Err(source) => Err(FontError::NotAFont { name, source }),
        }
    }

    /// Looks in folders for a font that has every character of a text.
    ///
    /// # Errors
    /// The first character that none of the fonts has; where each is in some font but no font has all, the first
    /// that the fullest font lacks.
    pub(super) fn find<P: AsRef<Path>>(text: &str, folders: &[P]) -> Result<Self, char> {
        let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut nowhere = letters.clone();
        let mut fullest: Option<(usize, char)> = None;
        for path in font_files::in_folders(folders) {
            let Ok(font) = Self::open(&path) else {
                continue;
            };
            let glyphs = font.glyphs();
            let lacking: Vec<char> = letters.iter().copied().filter(|c| !glyphs.has(*c)).collect();
            let Some(first) = lacking.first() else {
                return Ok(font);
            };
            nowhere.retain(|c| lacking.contains(c));
            if fullest.is_none_or(|(least, _)| lacking.len() < least) {
                fullest = Some((lacking.len(), *first));
            }
        }
        let missing = nowhere.first().copied().or(fullest.map(|(_, first)| first));
        Err(missing.or(letters.first().copied()).unwrap_or(' '))
    }

    /// What the font is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first character of a text that this font cannot draw; white space needs no picture.
    #[must_use]
    pub fn lacks(&self, text: &str) -> Option<char> {
        let glyphs = self.glyphs();
        text.chars().find(|c| !c.is_whitespace() && !glyphs.has(*c))
    }

    pub(super) fn glyphs(&self) -> Glyphs<'_> {
        let mut face = Face::parse(&self.data, self.face).expect("the same bytes were parsed when the font was read");
        // Variable fonts may rest at their thinnest.
        let _has_weights = face.set_variation(Tag::from_bytes(b"wght"), 400.0);
        Glyphs { per_em: f32::from(face.units_per_em()), face }
    }
}

impl std::fmt::Debug for Font {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Font").field("name", &self.name).field("face", &self.face).finish_non_exhaustive()
    }
}

/// The pictures of a font's characters.
pub(super) struct Glyphs<'a> {
    face: Face<'a>,
    per_em: f32,
}

impl Glyphs<'_> {
    /// Whether there is an outline; coloured bitmaps, as of most emoji, do not count.
    fn has(&self, c: char) -> bool {
        self.glyph(c).is_some_and(|glyph| self.face.glyph_bounding_box(glyph).is_some())
    }

    fn glyph(&self, c: char) -> Option<GlyphId> {
        self.face.glyph_index(c).filter(|glyph| glyph.0 != 0)
    }

    /// How far the pen moves on, in em.
    pub(super) fn advance_em(&self, c: char) -> f32 {
        let advance = self.glyph(c).and_then(|glyph| self.face.glyph_hor_advance(glyph));
        match advance {
            Some(units) => f32::from(units) / self.per_em,
            None if c == '\u{3000}' => 1.0,
            None => 0.25,
        }
    }

    /// Adds a character's outline with its origin at a spot; `em` is the size of the letters.
    pub(super) fn draw(&self, c: char, at: Spot, em: f32, pens: &mut Vec<Pen>) {
        if let Some(glyph) = self.glyph(c) {
            let _bounds = self.face.outline_glyph(glyph, &mut Tracer { at, scale: em / self.per_em, pens });
        }
    }
}

/// Brings font units, which grow upwards, into the picture.
struct Tracer<'a> {
    at: Spot,
    scale: f32,
    pens: &'a mut Vec<Pen>,
}

impl Tracer<'_> {
    fn spot(&self, x: f32, y: f32) -> Spot {
        Spot { x: self.at.x + x * self.scale, y: self.at.y - y * self.scale }
    }
}

impl OutlineBuilder for Tracer<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let to = self.spot(x, y);
        self.pens.push(Pen::Move(to));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.spot(x, y);
        self.pens.push(Pen::Line(to));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (by, to) = (self.spot(x1, y1), self.spot(x, y));
        self.pens.push(Pen::Quad(by, to));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (from, by, to) = (self.spot(x1, y1), self.spot(x2, y2), self.spot(x, y));
        self.pens.push(Pen::Cubic(from, by, to));
    }

    fn close(&mut self) {
        self.pens.push(Pen::Close);
    }
}

/// Whether a face names itself one for simplified Chinese, as `Noto Sans CJK SC` and `PingFang SC` do.
///
/// Faces of one collection have the same characters, but draw some of them in the way of another country.
fn is_for_simplified(face: &Face<'_>) -> bool {
    face.names()
        .into_iter()
        .filter(|name| matches!(name.name_id, name_id::FAMILY | name_id::TYPOGRAPHIC_FAMILY))
        .filter_map(|name| name.to_string())
        .any(|family| family.split(' ').any(|word| matches!(word, "SC" | "CN" | "GB")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Font, FontError};
    use crate::qr::caption::{Pen, Spot};
    use crate::qr::reader::block_font;

    #[test]
    fn a_letter_is_drawn_where_it_stands() {
        let font = Font::from_bytes("blocks".to_owned(), block_font("群")).unwrap();
        let mut pens = Vec::new();
        font.glyphs().draw('群', Spot { x: 10.0, y: 20.0 }, 2.0, &mut pens);
        let corners: Vec<(f32, f32)> = pens
            .iter()
            .filter_map(|pen| match pen {
                Pen::Move(to) | Pen::Line(to) => Some((to.x, to.y)),
                Pen::Quad(..) | Pen::Cubic(..) | Pen::Close => None,
            })
            .collect();
        for expected in [(10.2, 20.0), (11.8, 20.0), (11.8, 18.4), (10.2, 18.4)] {
            let is_near = |it: &&(f32, f32)| (it.0 - expected.0).abs() < 1e-4 && (it.1 - expected.1).abs() < 1e-4;
            assert!(corners.iter().any(|it| is_near(&it)), "{expected:?} in {corners:?}");
        }
        assert_eq!(pens.last(), Some(&Pen::Close));
    }

    #[test]
    fn a_font_knows_what_it_lacks() {
        let font = Font::from_bytes("blocks".to_owned(), block_font("扫码")).unwrap();
        assert_eq!(font.lacks("扫 码\u{3000}"), None);
        assert_eq!(font.lacks("扫码进群"), Some('进'));
        assert!((font.glyphs().advance_em('扫') - 1.0).abs() < 1e-6);
    }

    #[test]
    fn other_files_are_refused_with_their_name() {
        let error = Font::from_bytes("menu.docx".to_owned(), b"PK\x03\x04".to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "menu.docx is no TrueType or OpenType font");
        let error = Font::open(Path::new("no/such/font.ttf")).unwrap_err();
        assert!(matches!(error, FontError::Unreadable { .. }));
        assert_eq!(error.to_string(), "the font no/such/font.ttf cannot be read");
    }

    #[test]
    fn a_font_cut_anywhere_never_panics() {
        let whole = block_font("扫码");
        for length in 0..whole.len() {
            if let Ok(font) = Font::from_bytes("cut".to_owned(), whole[..length].to_vec()) {
                let _missing = font.lacks("扫码");
                font.glyphs().draw('扫', Spot { x: 0.0, y: 0.0 }, 1.0, &mut Vec::new());
            }
        }
    }
}
