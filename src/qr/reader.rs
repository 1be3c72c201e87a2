//! What a phone does, for tests: turns each of our files into pixels by other means and reads the code back.
//!
//! The SVG and PDF parsers know only what our writers use. There is also a font of blocks, so that no test
//! needs a font of the machine.

use rqrr::{MetaData, PreparedImage};

/// Pixels a module when a vector file is read.
const SCALE: usize = 6;

/// A grey picture: 0 is black.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn white(width: usize, height: usize) -> Self {
        Self { width, height, grey: vec![255; width * height] }
    }

    fn fill(&mut self, rect: [f32; 4], grey: u8) {
        let [x, y, width, height] = rect.map(whole);
        for row in y * SCALE..(y + height) * SCALE {
            self.grey[row * self.width + x * SCALE..][..width * SCALE].fill(grey);
        }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> u8 {
        self.grey[y * self.width + x]
    }

    fn decode(&self) -> (MetaData, String) {
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| self.at(x, y));
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code in the picture");
        grids[0].decode().unwrap()
    }

    pub(super) fn text(&self) -> String {
        self.decode().1
    }

    /// The level of error correction, from its two bits (ISO/IEC 18004).
    pub(super) fn level(&self) -> &'static str {
        ["M", "L", "H", "Q"][usize::from(self.decode().0.ecc_level)]
    }
}

/// Every coordinate of a module is a whole number.
fn whole(value: f32) -> usize {
    (0_u16..4096).find(|it| (f32::from(*it) - value).abs() < 1e-4).map(usize::from).expect("a whole number")
}

pub(super) fn png(file: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut grey = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut grey).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Eight));
    Picture { width: usize::try_from(info.width).unwrap(), height: usize::try_from(info.height).unwrap(), grey }
}

pub(super) fn svg(text: &str) -> Picture {
    let between = |from: &str, to: &str| text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let view: Vec<usize> = between("viewBox=\"0 0 ", "\"").split(' ').map(|it| it.parse().unwrap()).collect();
    let mut picture = Picture::white(view[0] * SCALE, view[1] * SCALE);
    for run in between("crispEdges\" d=\"", "\"").split_terminator('z') {
        let (at, shape) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = at.split_once(' ').unwrap();
        let (length, back) = shape.split_once("v1h-").unwrap();
        assert_eq!(length, back, "the run is a rectangle");
        picture.fill([x, y, length, "1"].map(|it| it.parse().unwrap()), 0);
    }
    picture
}

pub(super) fn pdf(file: &[u8]) -> Picture {
    let file = String::from_utf8_lossy(file);
    let content = file.split_once("stream\n").unwrap().1.split_once("endstream").unwrap().0;
    let (mut numbers, mut rects, mut grey) = (Vec::<f32>::new(), Vec::<[f32; 4]>::new(), 0);
    let mut picture: Option<Picture> = None;
    for token in content.split_whitespace() {
        match token {
            "g" => grey = if numbers[0] > 0.5 { 255 } else { 0 },
            "re" => rects.push(numbers[..4].try_into().unwrap()),
            "f" => {
                let sheet = rects.first().copied().unwrap_or_default();
                let picture =
                    picture.get_or_insert_with(|| Picture::white(whole(sheet[2]) * SCALE, whole(sheet[3]) * SCALE));
                rects.drain(..).for_each(|rect| picture.fill(rect, grey));
            }
            number => {
                numbers.extend(number.parse::<f32>());
                continue;
            }
        }
        numbers.clear();
    }
    picture.unwrap()
}

/// A TrueType font in which each of the characters is a block: 0.1 to 0.9 em across, 0 to 0.8 em high.
pub(super) fn block_font(characters: &str) -> Vec<u8> {
    let mut characters: Vec<u32> = characters.chars().map(u32::from).collect();
    characters.sort_unstable();
    characters.dedup();
    let shorts = |values: &[u16]| values.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<u8>>();
    // Format 12: every character is glyph 1 (glyph 0 stands for missing ones and is empty).
    let count = u32::try_from(characters.len()).unwrap();
    let mut cmap = shorts(&[0, 1, 3, 10, 0, 12, 12, 0]);
    cmap.extend([16 + 12 * count, 0, count].iter().flat_map(|it| it.to_be_bytes()));
    cmap.extend(characters.iter().flat_map(|c| [*c, *c, 1]).flat_map(u32::to_be_bytes));
    // One contour of four points on the curve, as differences of two bytes each.
    let mut glyf = shorts(&[1, 100, 0, 900, 800, 3, 0]);
    glyf.extend([1; 4]);
    glyf.extend(shorts(&[100, 800, 0, 0_u16.wrapping_sub(800), 0, 0, 800, 0]));
    let mut head = vec![0; 54];
    head[18..20].copy_from_slice(&1000_u16.to_be_bytes());
    let mut hhea = vec![0; 36];
    hhea[34..36].copy_from_slice(&1_u16.to_be_bytes());
    let length = u16::try_from(glyf.len()).unwrap();
    let tables = [
        (b"cmap", cmap),
        (b"glyf", glyf),
        (b"head", head),
        (b"hhea", hhea),
        (b"hmtx", shorts(&[1000, 0, 0])),
        (b"loca", shorts(&[0, 0, length / 2])),
        (b"maxp", shorts(&[1, 0, 2])),
    ];
    let mut font = shorts(&[1, 0, 7, 0, 0, 0]);
    let mut offset = 12 + 16 * 7;
    for (tag, table) in &tables {
        let length = u32::try_from(table.len()).unwrap();
        font.extend_from_slice(*tag);
        font.extend([0, offset, length].iter().flat_map(|it: &u32| it.to_be_bytes()));
        offset += length;
    }
    font.extend(tables.into_iter().flat_map(|(_, table)| table));
    font
}
