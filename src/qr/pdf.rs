//! The poster as PDF: one upright sheet of vector shapes in black ink only, but for a logo.
//!
//! It bears no date and no machine's name, so the same poster always gives the same bytes.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Buf, Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::caption::{Caption, Letters, Pen, Spot};
use super::stock::Stock;
use super::{PICTURE_MM, Paper, Poster, QUIET_MODULES, QrError};

/// The width of the sheet for which [`PICTURE_MM`] is made, in millimetres.
const SHEET_MM: f32 = 105.0;

/// The unit of PDF is a 72nd of an inch.
const POINTS_PER_MM: f32 = 72.0 / 25.4;

const FONT: Name<'static> = Name(b"F1");
const SONG: Name<'static> = Name(b"STSong-Light");

const CATALOG_ID: Ref = Ref::new(1);
const PAGES_ID: Ref = Ref::new(2);
const PAGE_ID: Ref = Ref::new(3);
const CONTENT_ID: Ref = Ref::new(4);
const INFO_ID: Ref = Ref::new(5);
const FONT_ID: Ref = Ref::new(6);
const CID_FONT_ID: Ref = Ref::new(7);
const DESCRIPTOR_ID: Ref = Ref::new(8);
const LOGO_ID: Ref = Ref::new(9);
const LOGO: Name<'static> = Name(b"L1");

/// Draws the poster in the middle of the sheet.
pub(super) fn poster(poster: &Poster<'_>, paper: Paper) -> Result<Vec<u8>, QrError> {
    let stock = match poster.caption() {
        Some(caption) if matches!(caption.letters(), Letters::Text { .. }) => {
            Some(Stock::of(caption.text()).map_err(QrError::NoFont)?)
        }
        _ => None,
    };
    let mut pdf = Pdf::new();
    let mut catalog = pdf.catalog(CATALOG_ID);
    catalog.pages(PAGES_ID);
    // Printed at its own size, so that the measures on the sheet are true.
    catalog.viewer_preferences().pair(Name(b"PrintScaling"), Name(b"None"));
    catalog.finish();
    pdf.pages(PAGES_ID).kids([PAGE_ID]).count(1);
    let mut page = pdf.page(PAGE_ID);
    let (width, height) = paper.size_mm();
    let (width, height) = (width * POINTS_PER_MM, height * POINTS_PER_MM);
    page.parent(PAGES_ID).media_box(Rect::new(0.0, 0.0, width, height)).contents(CONTENT_ID);
    let mut resources = page.resources();
    if stock.is_some() {
        resources.fonts().pair(FONT, FONT_ID);
    }
    if poster.badge().is_some() {
        resources.x_objects().pair(LOGO, LOGO_ID);
    }
    resources.finish();
    page.finish();
    if let Some(badge) = poster.badge() {
        let (width, height, colours) = badge.on_white();
        let mut logo = pdf.image_xobject(LOGO_ID, &colours);
        logo.width(i32::try_from(width).unwrap_or(1)).height(i32::try_from(height).unwrap_or(1));
        logo.color_space().device_rgb();
        logo.bits_per_component(8);
    }
    pdf.stream(CONTENT_ID, content(poster, stock, (width, height)).as_slice());
    match stock {
        Some(Stock::Helvetica) => {
            let mut font = pdf.type1_font(FONT_ID);
            font.base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        Some(Stock::Song) => song(&mut pdf),
        None => {}
    }
    if let Some(caption) = poster.caption() {
        pdf.document_info(INFO_ID).title(TextStr(caption.text()));
    }
    Ok(pdf.finish())
}

fn content(poster: &Poster<'_>, stock: Option<Stock>, page: (f32, f32)) -> Buf {
    let (width, height) = (f32::from(poster.width_modules()), f32::from(poster.height_modules()));
    let unit = f32::from(PICTURE_MM) / (SHEET_MM * POINTS_PER_MM) * page.0 * POINTS_PER_MM / width;
    let (left, top) = ((page.0 - unit * width) / 2.0, f32::midpoint(page.1, unit * height));
    let mut content = Content::new();
    // From here on the unit is one module and y grows downwards.
    content.transform([unit, 0.0, 0.0, -unit, left, top]);
    content.set_fill_gray(1.0).rect(0.0, 0.0, width, height).fill_nonzero();
    content.set_fill_gray(0.0);
    for run in poster.code().runs() {
        let (x, y) = (run.x + QUIET_MODULES, run.y + QUIET_MODULES);
        content.rect(x.into(), y.into(), run.length.into(), 1.0);
    }
    content.fill_nonzero();
    if let Some(badge) = poster.badge() {
        let plate = badge.plate(poster.code());
        content.set_fill_gray(1.0).rect(plate.from, plate.from, plate.side, plate.side).fill_nonzero();
        let [x, y, width, height] = plate.logo;
        // A picture fills the unit square, with its top where y is 1.
        content.save_state().transform([width, 0.0, 0.0, -height, x, y + height]);
        content.x_object(LOGO).restore_state().set_fill_gray(0.0);
    }
    if let Some(caption) = poster.caption() {
        match (caption.letters(), stock) {
            (Letters::Outlines(pens), _) => outlines(&mut content, pens),
            (Letters::Text { .. }, Some(stock)) => text(&mut content, caption, stock, width / 2.0),
            (Letters::Text { .. }, None) => {}
        }
    }
    content.finish()
}

/// PDF has no quadratic curves; a cubic one with its control points two thirds of the way is the same curve.
fn outlines(content: &mut Content, pens: &[Pen]) {
    let mut last = Spot { x: 0.0, y: 0.0 };
    for pen in pens {
        match *pen {
            Pen::Move(to) => {
                content.move_to(to.x, to.y);
                last = to;
            }
            Pen::Line(to) => {
                content.line_to(to.x, to.y);
                last = to;
            }
            Pen::Quad(by, to) => {
                let (from, near) = (two_thirds(last, by), two_thirds(to, by));
                content.cubic_to(from.x, from.y, near.x, near.y, to.x, to.y);
                last = to;
            }
            Pen::Cubic(from, near, to) => {
                content.cubic_to(from.x, from.y, near.x, near.y, to.x, to.y);
                last = to;
            }
            Pen::Close => {
                content.close_path();
            }
        }
    }
    content.fill_nonzero();
}

fn two_thirds(from: Spot, to: Spot) -> Spot {
    Spot { x: from.x + (to.x - from.x) * 2.0 / 3.0, y: from.y + (to.y - from.y) * 2.0 / 3.0 }
}

fn text(content: &mut Content, caption: &Caption, stock: Stock, middle: f32) {
    content.begin_text().set_font(FONT, caption.em());
    for line in caption.lines() {
        let x = middle - line.width / 2.0;
        content.set_text_matrix([1.0, 0.0, 0.0, -1.0, x, line.baseline]);
        content.show(Str(&stock.encode(&line.text)));
    }
    content.end_text();
}

/// Names Song as readers expect it; the measures only guide the choice of a substitute.
fn song(pdf: &mut Pdf) {
    pdf.type0_font(FONT_ID)
        .base_font(Name(b"STSong-Light-UniGB-UCS2-H"))
        .encoding_predefined(Name(b"UniGB-UCS2-H"))
        .descendant_font(CID_FONT_ID);
    let mut font = pdf.cid_font(CID_FONT_ID);
    font.subtype(CidFontType::Type0)
        .base_font(SONG)
        .system_info(SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"GB1"), supplement: 4 })
        .font_descriptor(DESCRIPTOR_ID)
        .default_width(1000.0);
    // The characters of ASCII are numbers 1 to 95, and are given half the width of a Chinese one.
    font.widths().same(1, 95, 500.0);
    font.finish();
    pdf.font_descriptor(DESCRIPTOR_ID)
        .name(SONG)
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Rect::new(-25.0, -254.0, 1000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
}

#[cfg(test)]
mod tests {
    use crate::qr::{Code, reader};

    #[test]
    fn the_sheet_is_a6_and_holds_the_code() {
        let text = "https://example.com/s/default";
        let file = Code::printed(text).unwrap().pdf(None).unwrap();
        assert!(file.starts_with(b"%PDF-1."));
        let shown = String::from_utf8_lossy(&file);
        // 105 by 148 mm are 297.64 by 419.53 points.
        assert!(shown.contains("/MediaBox [0 0 297.63") && shown.contains("419.52"), "{shown}");
        assert!(shown.contains("/PrintScaling /None"));
        assert!(!shown.contains("CreationDate"));
        assert_eq!(reader::pdf(&file).text(), text);
    }
}
