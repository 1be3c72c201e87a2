//! The code and the poster as SVG: one path of dark modules, one of caption outlines.
//!
//! No script, no style sheet, no outside reference, so the file may be served from our own origin.

use std::fmt::Write as _;

use super::badge::Badge;
use super::caption::{Caption, Letters, Pen};
use super::{Code, PICTURE_MM, Poster, QUIET_MODULES};

/// Draws the code alone, without a size of its own.
pub(super) fn code(code: &Code) -> String {
    let side = code.picture_modules();
    let mut svg = String::with_capacity(4096);
    put(&mut svg, format_args!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\">"));
    modules(&mut svg, code, side);
    svg.push_str("</svg>\n");
    svg
}

/// Draws the code with its caption, in the size of the printed sheet.
pub(super) fn poster(poster: &Poster<'_>) -> String {
    let (width, height) = (poster.width_modules(), poster.height_modules());
    let height_mm = f32::from(PICTURE_MM) * f32::from(height) / f32::from(width);
    let mut svg = String::with_capacity(16_384);
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{PICTURE_MM}mm\" height=\"{}mm\" viewBox=\"0 0 {width} {height}\">",
            number(height_mm),
        ),
    );
    if let Some(caption) = poster.caption() {
        put(&mut svg, format_args!("<title>{}</title>", escape(caption.text())));
    }
    modules(&mut svg, poster.code(), height);
    if let Some(badge) = poster.badge() {
        logo(&mut svg, badge, poster.code());
    }
    if let Some(caption) = poster.caption() {
        letters(&mut svg, caption, f32::from(width) / 2.0);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The white plate, and the logo inside the file itself. A logo that cannot be written leaves the plate.
fn logo(svg: &mut String, badge: &Badge, code: &Code) {
    let plate = badge.plate(code);
    let (from, side) = (number(plate.from), number(plate.side));
    put(svg, format_args!("<rect x=\"{from}\" y=\"{from}\" width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>"));
    let [x, y, width, height] = plate.logo.map(number);
    if let Ok(file) = badge.png() {
        let data = data_encoding::BASE64.encode(&file);
        put(
            svg,
            format_args!(
                "<image href=\"data:image/png;base64,{data}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            ),
        );
    }
}

fn modules(svg: &mut String, code: &Code, height: u16) {
    let width = code.picture_modules();
    put(svg, format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
    svg.push_str("<path fill=\"#000\" shape-rendering=\"crispEdges\" d=\"");
    for run in code.runs() {
        let (x, y, length) = (run.x + QUIET_MODULES, run.y + QUIET_MODULES, run.length);
        put(svg, format_args!("M{x} {y}h{length}v1h-{length}z"));
    }
    svg.push_str("\"/>");
}

fn letters(svg: &mut String, caption: &Caption, middle: f32) {
    let Letters::Outlines(pens) = caption.letters() else {
        return texts(svg, caption, middle);
    };
    svg.push_str("<path fill=\"#000\" d=\"");
    for pen in pens {
        match pen {
            Pen::Move(to) => put(svg, format_args!("M{} {}", number(to.x), number(to.y))),
            Pen::Line(to) => put(svg, format_args!("L{} {}", number(to.x), number(to.y))),
            Pen::Quad(by, to) => {
                let (bx, by, x, y) = (number(by.x), number(by.y), number(to.x), number(to.y));
                put(svg, format_args!("Q{bx} {by} {x} {y}"));
            }
            Pen::Cubic(from, by, to) => {
                let (ax, ay, bx, by) = (number(from.x), number(from.y), number(by.x), number(by.y));
                put(svg, format_args!("C{ax} {ay} {bx} {by} {} {}", number(to.x), number(to.y)));
            }
            Pen::Close => svg.push('Z'),
        }
    }
    svg.push_str("\"/>");
}

/// The caption as text, for whatever font the reader has. The length is fixed, so a wider font stays inside.
fn texts(svg: &mut String, caption: &Caption, middle: f32) {
    let size = number(caption.em());
    for line in caption.lines() {
        put(
            svg,
            format_args!(
                "<text x=\"{}\" y=\"{}\" font-family=\"sans-serif\" font-size=\"{size}\" text-anchor=\"middle\" \
                 textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                number(middle),
                number(line.baseline),
                number(line.width),
                escape(&line.text),
            ),
        );
    }
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("writing to a string never fails");
}

/// Three decimals are two micrometres on the printed sheet.
fn number(value: f32) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escape, number};
    use crate::qr::Code;

    #[test]
    fn the_picture_is_one_path_on_a_white_square() {
        let svg = Code::new("A").unwrap().svg();
        let start = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 29 29\">\
                     <rect width=\"29\" height=\"29\" fill=\"#fff\"/>\
                     <path fill=\"#000\" shape-rendering=\"crispEdges\" d=\"M4 4h7v1h-7z";
        assert!(svg.starts_with(start), "{svg}");
        assert!(svg.ends_with("z\"/></svg>\n"), "{svg}");
        assert_eq!(svg.matches('<').count(), 4);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(12.0), "12");
        assert_eq!(number(0.125), "0.125");
        assert_eq!(number(-0.0001), "0");
        assert_eq!(number(-3.5), "-3.5");
        assert_eq!(number(100.0), "100");
    }

    #[test]
    fn markup_in_a_caption_stays_text() {
        assert_eq!(escape("<b a=\"1\">'&'</b>"), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;");
    }
}
