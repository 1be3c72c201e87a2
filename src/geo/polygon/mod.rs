//! Shapes drawn on the Earth and the index that tells which of them cover a place; not whose shapes they are.
//!
//! The lines between vertices are straight in longitude and latitude, as GeoJSON has them (RFC 7946 section 3.1.1).

mod compact;
mod crossing;
mod flaw;
mod index;
mod outline;
mod read;
mod ring;

use std::fmt;

use geo::Coord;
use serde::{Deserialize, Serialize};

use super::{Circle, Datum, Position, distance_m};
use ring::{Bounds, Ring, TURN, UNITS_PER_DEGREE};

pub use flaw::{Flaw, FlawKind};
pub use index::PolygonIndex;
pub use outline::{Frame, GridStep};

/// Vertices that a shape may have. The most detailed shape among China's districts has 1,600, Canada at 1:10 million 68,000.
pub const VERTICES_MAX: usize = 500_000;

/// A corner of a shape, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vertex {
    /// Degrees north of the equator.
    pub lat: f64,
    /// Degrees east of Greenwich.
    pub lon: f64,
}

/// The outer ring and the holes of one polygon.
#[derive(Clone, PartialEq)]
struct Polygon {
    outer: Ring,
    holes: Box<[Ring]>,
}

impl Polygon {
    fn covers(&self, at: Coord) -> bool {
        self.outer.is_around(at) && !self.holes.iter().any(|hole| hole.is_around(at))
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        std::iter::once(&self.outer).chain(&self.holes)
    }
}

/// One or several polygons with holes, WGS-84. Made by [`Shape::from_rings`] only, so it has rings that are closed and enclose something.
///
/// Vertices are rounded to billionths of a degree (0.1 mm). The stored form is a text of about nine characters a vertex that gives
/// back the same shape.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shape {
    polygons: Box<[Polygon]>,
}

impl Shape {
    /// Reads polygons, each a list of rings, the outer one first; each ring a list of vertices whose last is its first.
    ///
    /// Rings wound the wrong way are turned round. A ring with a step of more than 180 degrees of longitude is taken to cross the
    /// antimeridian there. Rings that cross themselves are read: the even-odd rule says what is inside. All this is told with the shape.
    ///
    /// # Errors
    /// All flaws, if one of them is fatal ([`FlawKind::is_fatal`]).
    pub fn from_rings(polygons: &[Vec<Vec<Vertex>>], datum: Datum) -> Result<(Self, Vec<Flaw>), Vec<Flaw>> {
        read::read(polygons, datum)
    }

    /// Whether a position is inside.
    ///
    /// A position on the border of areas that share it vertex by vertex is inside exactly one of them: the one to its east, and along
    /// a parallel the one to its north.
    #[must_use]
    pub fn covers(&self, position: Position) -> bool {
        copies(position).into_iter().any(|at| self.polygons.iter().any(|it| it.covers(at)))
    }

    /// A circle that holds the shape; its middle need not be inside the shape.
    #[must_use]
    pub fn circle(&self) -> Circle {
        let bounds = self.bounds();
        let (middle_x, middle_y) = (f64::midpoint(bounds.west, bounds.east), f64::midpoint(bounds.south, bounds.north));
        let middle = position(Coord { x: middle_x, y: middle_y });
        // The corner farthest from the middle is farther than every vertex, unless the box goes over the equator: there the
        // middles of its sides are.
        let rows = [bounds.south, 0.0_f64.clamp(bounds.south, bounds.north), bounds.north];
        let corners = rows.into_iter().flat_map(|y| [bounds.west, bounds.east].map(|x| Coord { x, y }));
        let farthest_m = corners.map(|it| distance_m(middle, position(it))).fold(0.0, f64::max);
        Circle { middle, radius_m: farthest_m }
    }

    /// The polygons as [`Shape::from_rings`] takes them, in WGS-84: outer rings counter-clockwise, holes clockwise, all closed.
    #[must_use]
    pub fn to_rings(&self) -> Vec<Vec<Vec<Vertex>>> {
        let ring = |it: &Ring| it.vertices().iter().copied().map(vertex).collect();
        self.polygons.iter().map(|it| it.rings().map(ring).collect()).collect()
    }

    /// How many vertices there are.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.rings().map(Ring::edges).sum()
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.polygons.iter().flat_map(Polygon::rings)
    }

    fn bounds(&self) -> Bounds {
        let mut all = self.polygons.iter().map(|it| it.outer.bounds());
        let first = all.next().unwrap_or(Bounds { south: 0.0, north: 0.0, west: 0.0, east: 0.0 });
        all.fold(first, Bounds::around)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({} polygons, {} vertices)", self.polygons.len(), self.vertices())
    }
}

/// Rounds degrees to whole units.
fn units(degrees: f64) -> f64 {
    (degrees * UNITS_PER_DEGREE).round()
}

/// The point of a position, and the same place a turn to the west and to the east: shapes over the antimeridian reach beyond 180 degrees.
fn copies(position: Position) -> [Coord; 3] {
    let (x, y) = (units(position.lon()), units(position.lat()));
    [Coord { x, y }, Coord { x: x - TURN, y }, Coord { x: x + TURN, y }]
}

/// The vertex at a point, with its longitude between −180 and 180.
fn vertex(at: Coord) -> Vertex {
    let x = if at.x > TURN / 2.0 {
        at.x - TURN
    } else if at.x < -TURN / 2.0 {
        at.x + TURN
    } else {
        at.x
    };
    Vertex { lat: at.y / UNITS_PER_DEGREE, lon: x / UNITS_PER_DEGREE }
}

fn position(at: Coord) -> Position {
    let Vertex { lat, lon } = vertex(at);
    let (lat, lon) = (lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0));
    Position::from_datum(lat, lon, Datum::Wgs84).expect("the numbers are clamped to their ranges, and no vertex is NaN")
}

#[cfg(test)]
mod tests;
