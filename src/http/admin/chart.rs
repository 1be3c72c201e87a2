//! Charts as SVG, drawn on the server: what all of them share. Colours follow the reader's light or dark screen, texts are set by
//! the browser, and every chart says in words what it shows.

pub(super) mod bars;
pub(super) mod days;
pub(super) mod routes;
pub(super) mod stages;

use std::fmt::Write as _;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use crate::funnel::Stage;
use crate::http::landing::texts::Lang;

/// The narrowest and the widest chart, in pixels.
pub(super) const WIDTH_PX: std::ops::RangeInclusive<usize> = 280..=1_600;
/// Plotters divides the size of a font by this where it writes SVG.
const FONT_SCALE: f64 = 1.24;
/// The height of texts, in pixels.
const TEXT_PX: f64 = 13.0;

/// A colour: on a light screen, and on a dark one.
#[derive(Clone, Copy)]
pub(super) struct Tone(u32, u32);

pub(super) const INK: Tone = Tone(0x001b_241f, 0x00e8_eee9);
pub(super) const SOFT: Tone = Tone(0x005c_6a62, 0x009a_a79f);
pub(super) const GRID: Tone = Tone(0x00e3_e8e2, 0x0033_3b35);
pub(super) const PALE: Tone = Tone(0x00cf_e0d7, 0x0031_4a3f);
const SCANNED: Tone = Tone(0x008a_a397, 0x0078_9386);
const LOCATED: Tone = Tone(0x003d_7ea6, 0x006c_b1dc);
const SHOWN: Tone = Tone(0x009a_6a00, 0x00df_ae4f);
const PRESSED: Tone = Tone(0x000b_6b4f, 0x0045_b68c);
const JOINED: Tone = Tone(0x00a6_3d6f, 0x00e8_87b2);
const TONES: [Tone; 9] = [INK, SOFT, GRID, PALE, SCANNED, LOCATED, SHOWN, PRESSED, JOINED];

/// The colour of a stage, the same in every chart.
pub(super) fn tone(stage: Stage) -> Tone {
    match stage {
        Stage::Scanned => SCANNED,
        Stage::Located => LOCATED,
        Stage::Shown => SHOWN,
        Stage::Pressed => PRESSED,
        Stage::Joined => JOINED,
        Stage::Left => SOFT,
    }
}

impl Tone {
    fn light(self) -> RGBColor {
        let [_, red, green, blue] = self.0.to_be_bytes();
        RGBColor(red, green, blue)
    }

    fn fill(self, alpha: f64) -> ShapeStyle {
        self.light().mix(alpha).filled()
    }

    fn line(self, width_px: u32) -> ShapeStyle {
        self.light().stroke_width(width_px)
    }
}

/// Where a text stands by its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing cannot be made; it never happens in memory.
type Failed = DrawingAreaErrorKind<std::io::Error>;

/// A sheet that is drawn on, in pixels from the upper left.
pub(super) struct Sheet<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    pub(super) width: f64,
}

impl Sheet<'_> {
    pub(super) fn text(&self, text: &str, at: (f64, f64), tone: Tone, anchor: Anchor) -> Result<(), Failed> {
        self.text_in(FontStyle::Normal, text, at, tone, anchor)
    }

    pub(super) fn bold(&self, text: &str, at: (f64, f64), tone: Tone, anchor: Anchor) -> Result<(), Failed> {
        self.text_in(FontStyle::Bold, text, at, tone, anchor)
    }

    fn text_in(
        &self,
        style: FontStyle,
        text: &str,
        (x, y): (f64, f64),
        tone: Tone,
        anchor: Anchor,
    ) -> Result<(), Failed> {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let font = (FontFamily::SansSerif, TEXT_PX * FONT_SCALE, style);
        let colour = tone.light();
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw_text(text, &style, (px(x), px(y)))
    }

    pub(super) fn rect(&self, from: (f64, f64), to: (f64, f64), tone: Tone) -> Result<(), Failed> {
        let (from, to) = ((px(from.0), px(from.1)), (px(to.0), px(to.1)));
        self.area.draw(&Rectangle::new([from, to], tone.fill(1.0)))
    }

    pub(super) fn line(&self, points: &[(f64, f64)], tone: Tone, width_px: u32) -> Result<(), Failed> {
        let points: Vec<(i32, i32)> = points.iter().map(|it| (px(it.0), px(it.1))).collect();
        self.area.draw(&PathElement::new(points, tone.line(width_px)))
    }

    pub(super) fn filled(&self, points: &[(f64, f64)], tone: Tone, alpha: f64) -> Result<(), Failed> {
        let points: Vec<(i32, i32)> = points.iter().map(|it| (px(it.0), px(it.1))).collect();
        self.area.draw(&Polygon::new(points, tone.fill(alpha)))
    }

    pub(super) fn dot(&self, (x, y): (f64, f64), radius_px: i32, tone: Tone) -> Result<(), Failed> {
        self.area.draw(&Circle::new((px(x), px(y)), radius_px, tone.fill(1.0)))
    }
}

/// To whole pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "clamped to a sheet of some thousand pixels"
)]
fn px(at: f64) -> i32 {
    at.round().clamp(-10_000.0, 10_000.0) as i32
}

/// A count as a number to draw with.
pub(super) fn real(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}

/// A number of rows as a number to draw with.
pub(super) fn rows(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A count with its thousands apart: `12,345`.
pub(super) fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut out = String::from(if count < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent: `45.2 %`; a dash of nothing.
pub(super) fn percent(part: i64, of: i64) -> String {
    if of <= 0 { "–".to_owned() } else { format!("{:.1} %", real(part) * 100.0 / real(of)) }
}

/// About how wide a text is, in pixels: CJK as wide as high, the rest a good half.
pub(super) fn width_of(text: &str) -> f64 {
    text.chars().map(|it| if it >= '\u{2e80}' { TEXT_PX } else { TEXT_PX * 0.58 }).sum()
}

/// As much of a text as fits.
pub(super) fn fitted(text: &str, width_px: f64) -> String {
    if width_of(text) <= width_px {
        return text.to_owned();
    }
    let mut out = String::new();
    for it in text.chars() {
        if width_of(&out) + width_of(it.encode_utf8(&mut [0; 4])) + TEXT_PX > width_px {
            break;
        }
        out.push(it);
    }
    out.push('…');
    out
}

/// What a chart shows, in words.
pub(super) struct Words {
    pub(super) title: String,
    pub(super) description: String,
}

/// Draws a chart.
///
/// # Errors
/// None that happens in memory.
pub(super) fn draw(
    (width, height): (usize, usize),
    lang: Lang,
    words: &Words,
    paint: impl FnOnce(&Sheet<'_>) -> Result<(), Failed>,
) -> Result<String, Failed> {
    let pixels = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, (pixels(width), pixels(height))).into_drawing_area();
        let sheet = Sheet { area, width: rows(width) };
        paint(&sheet)?;
        sheet.area.present()?;
    }
    let (_, inside) = drawn.split_once('\n').unwrap_or_default();
    let mut out = String::with_capacity(drawn.len() + 2_048);
    let language = match lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"t d\" lang=\"{language}\"><title id=\"t\">{}</title><desc id=\"d\">{}</desc><style>\
         text{{font-family:-apple-system,\"PingFang SC\",\"Microsoft YaHei\",\"Noto Sans CJK SC\",\"WenQuanYi Zen Hei\",sans-serif;\
         font-variant-numeric:tabular-nums}}rect{{rx:3px}}polyline{{stroke-linejoin:round;stroke-linecap:round}}\
         @media(prefers-color-scheme:dark){{",
        escaped(&words.title),
        escaped(&words.description),
    );
    for Tone(light, dark) in TONES {
        let _ =
            write!(out, "[fill=\"#{light:06X}\"]{{fill:#{dark:06x}}}[stroke=\"#{light:06X}\"]{{stroke:#{dark:06x}}}");
    }
    out.push_str("}</style>\n");
    out.push_str(inside);
    Ok(out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What people call a stage.
pub(super) fn stage_name(stage: Stage, lang: Lang) -> &'static str {
    let (chinese, english) = match stage {
        Stage::Scanned => ("扫码", "Scanned"),
        Stage::Located => ("已定位", "Located"),
        Stage::Shown => ("看到群码", "Saw a code"),
        Stage::Pressed => ("长按", "Pressed"),
        Stage::Joined => ("入群", "Joined"),
        Stage::Left => ("退群", "Left"),
    };
    match lang {
        Lang::Zh => chinese,
        Lang::En => english,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([0, 999, 1_000, 1_234_567, -4_500].map(grouped), ["0", "999", "1,000", "1,234,567", "-4,500"]);
        assert_eq!(percent(1, 8), "12.5 %");
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        assert_eq!(fitted("人民广场店", 100.0), "人民广场店");
        assert_eq!(fitted("人民广场南京西路旗舰店", 65.0), "人民广场…");
    }

    #[test]
    fn markup_in_a_name_is_a_text_in_a_drawing() {
        let name = "<img src=x onerror=alert(1)>\"&";
        let words = Words { title: name.to_owned(), description: name.to_owned() };
        let svg = draw((300, 100), Lang::En, &words, |it| it.text(name, (5.0, 5.0), INK, Anchor::Start)).unwrap();
        assert!(!svg.contains("<img") && svg.matches("&lt;img").count() == 3, "{svg}");
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    }
}
