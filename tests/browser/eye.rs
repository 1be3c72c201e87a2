//! What the camera of another phone would see: reads the codes out of a screenshot.
//!
//! The reader shares no code with what draws the codes. It looks at one pixel in nine, as from a distance: what can be
//! read so can be read by any camera, and in a ninth of the time.

use std::io::Cursor;

use rqrr::PreparedImage;

/// Of so many pixels in a row, and of so many rows, one is looked at: one for each CSS pixel.
const STEP: usize = 3;

/// The texts of all codes in a PNG.
pub fn codes(screenshot: &[u8]) -> Vec<String> {
    let mut reader = png::Decoder::new(Cursor::new(screenshot)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let channels = frame.color_type.samples();
    assert!(channels >= 3, "a screenshot has colours");
    let (width, height) = (frame.width as usize, frame.height as usize);
    let grey = |x: usize, y: usize| {
        let pixel = &pixels[y * STEP * frame.line_size + x * STEP * channels..][..3];
        let sum: u16 = pixel.iter().copied().map(u16::from).sum();
        (sum / 3) as u8
    };
    PreparedImage::prepare_from_greyscale(width / STEP, height / STEP, grey)
        .detect_grids()
        .iter()
        .map(|it| it.decode().unwrap().1)
        .collect()
}
