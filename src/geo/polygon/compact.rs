//! The stored form of a shape: its whole numbers as differences, in as few bytes as they need, as text. It checks no geometry.
//!
//! A version byte; the number of polygons; for each the number of rings; for each the number of vertices, the repeated first
//! one left out, and their latitudes and longitudes as differences to the vertex before. Differences are zigzag
//! coded, and all numbers in groups of seven bits, lowest first (as Protocol Buffers have them). The bytes are written in base 64.

use data_encoding::BASE64_NOPAD;
use geo::Coord;
use thiserror::Error;

use super::ring::{Ring, TURN, UNITS_PER_DEGREE};
use super::{Polygon, Shape, VERTICES_MAX};

/// The version of this form.
const VERSION: u8 = 1;

/// A text that is no stored shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not the stored form of a shape")]
pub struct NotAShape;

/// A whole number held in a float, as an integer.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "vertices are whole numbers below a trillion"
)]
pub(super) fn whole(units: f64) -> i64 {
    units as i64
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "the caller refuses numbers that would round")]
fn float(whole: i64) -> f64 {
    whole as f64
}

impl From<Shape> for String {
    fn from(shape: Shape) -> Self {
        let mut bytes = vec![VERSION];
        let mut before = (0, 0);
        put(&mut bytes, shape.polygons.len());
        for polygon in &shape.polygons {
            put(&mut bytes, 1 + polygon.holes.len());
            for ring in polygon.rings() {
                put(&mut bytes, ring.edges());
                for at in ring.vertices().iter().take(ring.edges()) {
                    let (lat, lon) = (whole(at.y), whole(at.x));
                    put_number(&mut bytes, zigzag(lat - before.0));
                    put_number(&mut bytes, zigzag(lon - before.1));
                    before = (lat, lon);
                }
            }
        }
        BASE64_NOPAD.encode(&bytes)
    }
}

impl TryFrom<String> for Shape {
    type Error = NotAShape;

    fn try_from(text: String) -> Result<Self, NotAShape> {
        let bytes = BASE64_NOPAD.decode(text.as_bytes()).map_err(|_cause| NotAShape)?;
        parse(&bytes).ok_or(NotAShape)
    }
}

fn parse(bytes: &[u8]) -> Option<Shape> {
    let (VERSION, rest) = bytes.split_first().map(|(version, rest)| (*version, rest))? else {
        return None;
    };
    let mut reader = Reader { rest, before: (0, 0), vertices_left: VERTICES_MAX };
    let polygons = reader.count()?;
    let polygons: Vec<Polygon> = (0..polygons).map(|_| reader.polygon()).collect::<Option<_>>()?;
    (reader.rest.is_empty() && !polygons.is_empty()).then(|| Shape { polygons: polygons.into() })
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn put(bytes: &mut Vec<u8>, count: usize) {
    put_number(bytes, u64::try_from(count).unwrap_or(u64::MAX));
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while let Some(high) = Some(number >> 7).filter(|it| *it > 0) {
        bytes.push(low_bits(number) | 0x80);
        number = high;
    }
    bytes.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits fit")
}

struct Reader<'a> {
    rest: &'a [u8],
    before: (i64, i64),
    vertices_left: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number of things, of which each takes a byte at least.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|it| *it <= self.rest.len())
    }

    fn polygon(&mut self) -> Option<Polygon> {
        let holes = self.count()?.checked_sub(1)?;
        let outer = self.ring()?;
        Some(Polygon { outer, holes: (0..holes).map(|_| self.ring()).collect::<Option<_>>()? })
    }

    fn ring(&mut self) -> Option<Ring> {
        let count = self.count().filter(|it| *it >= 3)?;
        self.vertices_left = self.vertices_left.checked_sub(count)?;
        let mut vertices = Vec::with_capacity(count + 1);
        for _ in 0..count {
            let lat = self.before.0.checked_add(unzigzag(self.number()?))?;
            let lon = self.before.1.checked_add(unzigzag(self.number()?))?;
            self.before = (lat, lon);
            let at = Coord { x: float(lon), y: float(lat) };
            (at.y.abs() <= 90.0 * UNITS_PER_DEGREE && at.x.abs() <= 3.0 * TURN).then(|| vertices.push(at))?;
        }
        vertices.push(*vertices.first()?);
        Some(Ring::new(vertices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_take_few_bytes() {
        for (number, expected) in [(0, vec![0]), (-1, vec![1]), (63, vec![126]), (-65, vec![0x81, 1])] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, zigzag(number));
            assert_eq!(bytes, expected, "{number}");
            let mut reader = Reader { rest: &bytes, before: (0, 0), vertices_left: 0 };
            assert_eq!(unzigzag(reader.number().unwrap()), number);
        }
    }

    #[test]
    fn what_is_no_stored_shape_is_refused() {
        for bytes in [
            &[][..],
            &[1],
            &[2, 0],
            &[1, 0],
            &[1, 1, 1, 2, 0, 0, 2, 0],
            &[1, 1, 1, 3, 0, 0, 2, 0, 2],
            &[1, 200, 1],
            &[1, 1, 0],
            &[1, 1, 1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
        assert!(parse(&[1, 1, 1, 3, 0, 0, 2, 0, 2, 2]).is_some());
        assert_eq!(Shape::try_from("not base 64!".to_owned()), Err(NotAShape));
    }
}
