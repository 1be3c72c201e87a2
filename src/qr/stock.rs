//! The fonts that PDF readers bring along, for captions that no font on this machine can draw.
//!
//! Helvetica is one of the fourteen standard fonts (PDF 1.7, section 9.6.2.2); Song is a predefined Chinese
//! font with a predefined encoding (section 9.7.5.2), which readers replace by what they have.

use encoding_rs::GBK;

use super::wrap;

/// A font that is named in the file and not contained in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stock {
    /// For Latin-1.
    Helvetica,
    /// For characters of GBK, the repertoire of Adobe-GB1-4.
    Song,
}

impl Stock {
    /// Chooses a font for a text, or names the first character that neither has.
    pub(super) fn of(text: &str) -> Result<Self, char> {
        if is_latin(text) {
            return Ok(Self::Helvetica);
        }
        text.chars().find(|c| !is_in_song(*c)).map_or(Ok(Self::Song), Err)
    }

    /// The bytes that show a text in this font: Latin-1, or UTF-16 with the high byte first.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Helvetica => text.chars().filter_map(|c| u8::try_from(c).ok()).collect(),
            Self::Song => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// How wide the letters of a text are in em, judged by the font that [`Stock::of`] chooses.
pub(super) fn advance_em(text: &str) -> fn(char) -> f32 {
    if is_latin(text) { helvetica_em } else { song_em }
}

fn is_latin(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}'))
}

fn is_in_song(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return true;
    }
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}');
    let mut utf8 = [0; 4];
    let (bytes, _, unmappable) = GBK.encode(c.encode_utf8(&mut utf8));
    !is_private && !unmappable && bytes.len() == 2
}

fn song_em(c: char) -> f32 {
    if c.is_ascii() || !(wrap::is_ideographic(c) || u32::from(c) >= 0x2000) { 0.5 } else { 1.0 }
}

/// Helvetica's widths in thousandths of an em, from Adobe's font metrics for the standard fonts; most characters
/// beyond ASCII are taken for an average one, which moves the line's middle a little.
fn helvetica_em(c: char) -> f32 {
    let thousandths: u16 = match c {
        '\'' => 191,
        'i' | 'j' | 'l' => 222,
        '|' => 260,
        ' ' | '!' | ',' | '.' | '/' | ':' | ';' | 'I' | '[' | '\\' | ']' | 'f' | 't' | '\u{a0}' => 278,
        '(' | ')' | '-' | '`' | 'r' => 333,
        '{' | '}' => 334,
        '"' => 355,
        '*' => 389,
        '^' => 469,
        'J' | 'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 500,
        '+' | '<' | '=' | '>' | '~' => 584,
        'F' | 'T' | 'Z' => 611,
        '&' | 'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' | '\u{c0}'..='\u{c5}' | '\u{c8}'..='\u{cb}' => 667,
        'C' | 'D' | 'H' | 'N' | 'R' | 'U' | 'w' | '\u{d9}'..='\u{dc}' => 722,
        'G' | 'O' | 'Q' | '\u{d2}'..='\u{d6}' => 778,
        'M' | 'm' => 833,
        '%' => 889,
        'W' => 944,
        '@' => 1015,
        _ => 556,
    };
    f32::from(thousandths) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{Stock, advance_em};

    #[test]
    fn latin_goes_to_helvetica_and_chinese_to_song() {
        assert_eq!(Stock::of("Café, 5 £"), Ok(Stock::Helvetica));
        assert_eq!(Stock::of("扫码 Join，镕喆"), Ok(Stock::Song));
        assert_eq!(Stock::of("扫码😀"), Err('😀'));
        assert_eq!(Stock::of("안녕"), Err('안'));
    }

    #[test]
    fn texts_are_written_in_the_fonts_own_encoding() {
        assert_eq!(Stock::Helvetica.encode("Aé"), [0x41, 0xe9]);
        assert_eq!(Stock::Song.encode("A群"), [0x00, 0x41, 0x7f, 0xa4]);
    }

    #[test]
    fn widths_agree_with_published_ones() {
        let latin = advance_em("Hello");
        let width: f32 = "Hello".chars().map(latin).sum();
        assert!((width - 2.278).abs() < 1e-5);
        let mixed = advance_em("群Hi");
        assert!((mixed('群') - 1.0).abs() < 1e-6 && (mixed('H') - 0.5).abs() < 1e-6);
    }
}
