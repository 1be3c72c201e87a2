//! Places on Earth: positions, datums, distances, shapes, and the indices that find the nearest place and the shapes around
//! one; not what stands there.
//!
//! Inside the program there is one datum, WGS-84. GCJ-02 and BD-09 exist at the edge only, in
//! [`Position::from_datum`] and [`Position::in_datum`].

mod by_distance;
mod circle;
mod collect;
pub mod datum;
pub mod geodesic;
pub mod nearest;
mod packed;
pub mod polygon;
pub mod position;

pub use circle::Circle;
pub use datum::Datum;
pub use geodesic::{distance_m, middle};
pub use nearest::{NearestIndex, Neighbour};
pub use polygon::{PolygonIndex, Shape};
pub use position::{Position, PositionError};
