//! Reads codes back from pictures, as a phone does.

use rqrr::PreparedImage;

fn decode(width: usize, height: usize, grey: impl Fn(usize, usize) -> u8) -> String {
    let mut image = PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in the picture");
    grids[0].decode().unwrap().1
}

/// Width, height and text of a grey PNG with one code.
pub fn decode_png(file: &[u8]) -> (u32, u32, String) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut grey = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut grey).unwrap();
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    let (width, height) = (info.width as usize, info.height as usize);
    let text = decode(width, height, |x, y| grey[y * width + x]);
    (info.width, info.height, text)
}

/// Text of an SVG whose one path is made of rectangles one unit high, `M1 2h3v1h-3z`.
pub fn decode_svg(text: &str) -> String {
    /// Pixels a unit.
    const SCALE: usize = 6;
    let between = |from: &str, to: &str| text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let side: usize = between("viewBox=\"0 0 ", " ").parse().unwrap();
    let mut dark = vec![false; side * side];
    for run in between(" d=\"", "\"").split_terminator('z') {
        let (at, shape) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = at.split_once(' ').unwrap();
        let (length, _) = shape.split_once("v1h-").unwrap();
        let [x, y, length] = [x, y, length].map(|it| it.parse::<usize>().unwrap());
        dark[y * side + x..][..length].fill(true);
    }
    decode(side * SCALE, side * SCALE, |x, y| if dark[y / SCALE * side + x / SCALE] { 0 } else { 255 })
}
