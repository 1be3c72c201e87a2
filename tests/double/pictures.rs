//! Pictures of codes.

/// Pixels of a module's edge, and modules of the empty margin.
const EDGE: usize = 6;
const MARGIN: usize = 4;

/// A text as a QR code in PNG.
pub(super) fn code(text: &str) -> Vec<u8> {
    let code = qrcode::QrCode::new(text).unwrap();
    let (modules, colours) = (code.width(), code.to_colors());
    let width = (modules + 2 * MARGIN) * EDGE;
    let is_dark = |x: usize, y: usize| {
        let (x, y) = ((x / EDGE).checked_sub(MARGIN)?, (y / EDGE).checked_sub(MARGIN)?);
        (x < modules && y < modules).then(|| colours[y * modules + x] == qrcode::Color::Dark)
    };
    let pixels: Vec<u8> =
        (0..width * width).map(|at| if is_dark(at % width, at / width) == Some(true) { 0 } else { 255 }).collect();
    let side = u32::try_from(width).unwrap();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    out
}
