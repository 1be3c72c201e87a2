//! What is wrong or odd about a drawn shape, and where.

use std::fmt;

/// One flaw in one place. Counts start at 1, the outer ring of a polygon is its ring 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Flaw {
    /// What it is.
    pub kind: FlawKind,
    /// The polygon.
    pub polygon: usize,
    /// The ring of the polygon.
    pub ring: usize,
    /// The vertex of the ring; none if the flaw concerns the ring.
    pub vertex: Option<usize>,
}

/// What is wrong or odd. Numbers are degrees as they were given, in the datum in which they were given.
#[derive(Debug, Clone, PartialEq)]
pub enum FlawKind {
    /// No polygon, or a polygon without a ring.
    Missing,
    /// A latitude that is not a number from −90 to 90; also whether the exchanged pair would be a place.
    Latitude(f64, bool),
    /// A longitude that is not a number from −180 to 180.
    Longitude(f64),
    /// Fewer than the four positions that the smallest ring has, its first counted twice.
    TooFew(usize),
    /// The last position is not the first.
    Open,
    /// The ring encloses nothing.
    NoArea,
    /// The whole shape has more vertices than are read.
    TooMany(usize),
    /// The ring goes round a pole, so that it has no inside on a map of longitudes and latitudes.
    AroundPole,
    /// A hole that lies outside its polygon, at least in part.
    HoleOutside,
    /// So many edges lie close together that looking for crossings takes too long.
    Tangled,
    /// The ring crosses, touches or retraces itself or another ring.
    Crossing {
        /// The polygon of the other edge.
        polygon: usize,
        /// The ring of the other edge.
        ring: usize,
        /// The vertex at which the other edge begins.
        vertex: usize,
        /// Latitude near the crossing.
        lat: f64,
        /// Longitude near the crossing.
        lon: f64,
    },
    /// So many rings are wound the wrong way round; the place is the first of them. They are read as if wound the right way.
    Winding(usize),
    /// So many rings cross the antimeridian without being cut there; the place is the first of them. They are read the short way.
    Antimeridian(usize),
    /// The shape lies in the Arctic as written and in China with latitude and longitude exchanged.
    Swapped,
}

impl FlawKind {
    /// Whether there is no shape with such a flaw.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Crossing { .. } | Self::Winding(_) | Self::Antimeridian(_) | Self::Swapped)
    }

    /// A stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::NoArea => "empty_area",
            Self::Latitude(..) | Self::Longitude(_) => "out_of_range",
            Self::TooFew(_) => "too_few_positions",
            Self::Open => "open_ring",
            Self::TooMany(_) => "too_many_vertices",
            Self::AroundPole => "around_pole",
            Self::HoleOutside => "hole_outside",
            Self::Tangled => "too_tangled",
            Self::Crossing { .. } => "self_intersecting",
            Self::Winding(_) => "wrong_winding",
            Self::Antimeridian(_) => "antimeridian",
            Self::Swapped => "swapped",
        }
    }
}

impl fmt::Display for FlawKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no ring"),
            Self::Latitude(lat, false) => write!(f, "latitude {lat} is not between -90 and 90 degrees"),
            Self::Latitude(lat, true) => write!(
                f,
                "latitude {lat} is not between -90 and 90 degrees; latitude and longitude look exchanged, GeoJSON puts the longitude first"
            ),
            Self::Longitude(lon) => write!(f, "longitude {lon} is not between -180 and 180 degrees"),
            Self::TooFew(count) => write!(f, "a ring has at least 4 positions, this one has {count}"),
            Self::Open => f.write_str("the ring is open: its last position is not its first"),
            Self::NoArea => f.write_str("the ring encloses nothing"),
            Self::TooMany(count) => {
                write!(f, "{count} vertices, at most {} are read; simplify the shape", super::VERTICES_MAX)
            }
            Self::AroundPole => f.write_str("the ring goes round a pole; cut it at the antimeridian"),
            Self::HoleOutside => f.write_str("this hole does not lie inside the outer ring of its polygon"),
            Self::Tangled => f.write_str("too many edges lie close together to look for crossings; simplify the shape"),
            Self::Crossing { polygon, ring, vertex, lat, lon } => {
                write!(
                    f,
                    "the edge meets that of polygon {polygon}, ring {ring}, vertex {vertex} near latitude {lat:.6}, longitude {lon:.6}"
                )
            }
            Self::Winding(1) => f.write_str("the ring is wound the wrong way round, and is read the other way"),
            Self::Winding(count) => {
                write!(f, "this ring and {} more are wound the wrong way round, and are read the other way", count - 1)
            }
            Self::Antimeridian(1) => {
                f.write_str("the ring crosses the antimeridian uncut, and is read the short way round")
            }
            Self::Antimeridian(count) => {
                write!(
                    f,
                    "this ring and {} more cross the antimeridian uncut, and are read the short way round",
                    count - 1
                )
            }
            Self::Swapped => f.write_str(
                "in the Arctic as written, in China with latitude and longitude exchanged; GeoJSON puts the longitude first",
            ),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "polygon {}, ring {}", self.polygon, self.ring)?;
        if let Some(vertex) = self.vertex {
            write!(f, ", vertex {vertex}")?;
        }
        write!(f, ": {}", self.kind)
    }
}
