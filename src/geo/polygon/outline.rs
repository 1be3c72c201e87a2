//! Outlines for drawing: as many vertices as can be seen, and no more. Neighbours stay neighbours, because every vertex goes to
//! the nearest point of one grid, whichever shape it belongs to.

use super::ring::{Bounds, Ring, UNITS_PER_DEGREE};
use super::{Coord, Shape, Vertex, vertex};

/// A rectangle of the map in degrees, WGS-84. Where `west` is larger than `east` it reaches over the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Its southern side.
    pub south: f64,
    /// Its western side.
    pub west: f64,
    /// Its northern side.
    pub north: f64,
    /// Its eastern side.
    pub east: f64,
}

impl Frame {
    /// Whether a place is inside, sides included.
    #[must_use]
    pub fn holds(&self, at: Vertex) -> bool {
        let is_between = if self.west <= self.east {
            (self.west..=self.east).contains(&at.lon)
        } else {
            at.lon >= self.west || at.lon <= self.east
        };
        (self.south..=self.north).contains(&at.lat) && is_between
    }

    /// How wide it is, in degrees.
    #[must_use]
    pub fn width(&self) -> f64 {
        if self.west <= self.east { self.east - self.west } else { self.east - self.west + 360.0 }
    }
}

/// The distance of the points of a grid, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridStep {
    /// From south to north.
    pub lat: f64,
    /// From west to east.
    pub lon: f64,
}

impl Shape {
    /// Whether its box and the frame have something in common.
    #[must_use]
    pub fn is_near(&self, frame: &Frame) -> bool {
        let bounds = self.bounds();
        let east = frame.west + frame.width();
        // Shapes over the antimeridian reach beyond 180 degrees, and so may the frame.
        [-360.0, 0.0, 360.0].into_iter().any(|turn| {
            bounds.touches(&Bounds {
                south: frame.south * UNITS_PER_DEGREE,
                north: frame.north * UNITS_PER_DEGREE,
                west: (frame.west + turn) * UNITS_PER_DEGREE,
                east: (east + turn) * UNITS_PER_DEGREE,
            })
        })
    }

    /// Its rings, holes among them, on a grid and without the first vertex repeated. Rings that shrink to less than a triangle are
    /// left out, the largest one never: it becomes its box.
    #[must_use]
    pub fn outline(&self, step: GridStep) -> Vec<Vec<Vertex>> {
        let rings: Vec<Vec<Vertex>> = self.rings().map(|it| on_grid(it, step)).filter(|it| it.len() >= 3).collect();
        if !rings.is_empty() {
            return rings;
        }
        let Bounds { south, north, west, east } = self.bounds();
        let corners = [(west, south), (east, south), (east, north), (west, north)];
        vec![corners.map(|(x, y)| vertex(Coord { x, y })).to_vec()]
    }
}

fn on_grid(ring: &Ring, step: GridStep) -> Vec<Vertex> {
    let round = |number: f64, step: f64| (number / step).round() * step;
    let mut out: Vec<Vertex> = Vec::new();
    for at in ring.vertices().iter().take(ring.edges()) {
        let Vertex { lat, lon } = vertex(*at);
        let at = Vertex { lat: round(lat, step.lat), lon: round(lon, step.lon) };
        if out.last() != Some(&at) {
            out.push(at);
        }
    }
    while out.len() > 1 && out.first() == out.last() {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Datum;

    fn shape(corners: &[(f64, f64)]) -> Shape {
        let ring: Vec<Vertex> = corners.iter().map(|&(lat, lon)| Vertex { lat, lon }).collect();
        Shape::from_rings(&[vec![ring]], Datum::Wgs84).unwrap().0
    }

    #[test]
    fn neighbours_keep_their_common_border() {
        let west =
            shape(&[(30.0, 120.0), (30.0, 121.03), (30.52, 121.07), (31.0, 121.01), (31.0, 120.0), (30.0, 120.0)]);
        let east =
            shape(&[(30.0, 121.03), (30.0, 122.0), (31.0, 122.0), (31.0, 121.01), (30.52, 121.07), (30.0, 121.03)]);
        let step = GridStep { lat: 0.25, lon: 0.25 };
        let [west] = west.outline(step).try_into().unwrap();
        let [east] = east.outline(step).try_into().unwrap();
        let shared =
            [Vertex { lat: 30.0, lon: 121.0 }, Vertex { lat: 30.5, lon: 121.0 }, Vertex { lat: 31.0, lon: 121.0 }];
        for corner in shared {
            assert!(west.contains(&corner) && east.contains(&corner), "{corner:?}");
        }
    }

    #[test]
    fn what_is_smaller_than_the_grid_stays_to_be_seen() {
        let dot = shape(&[(30.0, 120.0), (30.0, 120.01), (30.01, 120.01), (30.0, 120.0)]);
        let rings = dot.outline(GridStep { lat: 1.0, lon: 1.0 });
        assert_eq!(rings.iter().map(Vec::len).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_frame_knows_no_antimeridian() {
        let frame = Frame { south: -20.0, west: 179.0, north: -10.0, east: -179.0 };
        assert!((frame.width() - 2.0).abs() < 1e-9);
        assert!(frame.holds(Vertex { lat: -15.0, lon: 179.9 }) && frame.holds(Vertex { lat: -15.0, lon: -179.9 }));
        assert!(!frame.holds(Vertex { lat: -15.0, lon: 178.0 }));
        let fiji = shape(&[(-17.0, 179.5), (-17.0, -179.5), (-16.0, -179.5), (-16.0, 179.5), (-17.0, 179.5)]);
        assert!(fiji.is_near(&frame));
        assert!(fiji.is_near(&Frame { south: -18.0, west: -179.8, north: -10.0, east: -170.0 }));
        assert!(!fiji.is_near(&Frame { south: -18.0, west: 0.0, north: -10.0, east: 170.0 }));
    }
}
