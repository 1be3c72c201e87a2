//! A made-up map: a board of regions over China whose borders wind as real ones do. No region of it exists.

use std::sync::Arc;

use jinqun::geo::polygon::Vertex;
use jinqun::geo::{Datum, Shape};
use jinqun::id::RegionCode;
use jinqun::region::{Level, Region};

/// Regions on a side of the made-up map, and vertices on a side of each.
const CELLS: u32 = 53;
const STEPS: u32 = 87;

/// A board of regions over China whose borders wind as real ones do; neighbours share every vertex.
pub(crate) fn regions() -> Vec<Region> {
    let bend =
        |a: u32, b: u32| ((f64::from(a) * 0.09).sin() + (f64::from(b) * 0.07 + f64::from(a) * 0.05).sin()) * 0.04;
    let corner = |row: u32, column: u32| {
        let (lat, lon) = (f64::from(row) / f64::from(STEPS), f64::from(column) / f64::from(STEPS));
        Vertex { lat: 18.0 + 0.66 * (lat + bend(column, row)), lon: 73.0 + 1.17 * (lon + bend(row, column + 40)) }
    };
    let mut regions = Vec::new();
    for (row, column) in (0..CELLS).flat_map(|row| (0..CELLS).map(move |column| (row, column))) {
        let (south, west) = (row * STEPS, column * STEPS);
        let (north, east) = (south + STEPS, west + STEPS);
        let mut ring: Vec<Vertex> = (west..east).map(|it| corner(south, it)).collect();
        ring.extend((south..north).map(|it| corner(it, east)));
        ring.extend((west + 1..=east).rev().map(|it| corner(north, it)));
        ring.extend((south..=north).rev().map(|it| corner(it, west)));
        let (shape, _) = Shape::from_rings(&[vec![ring]], Datum::Wgs84).expect("the ring is one");
        let code = RegionCode::parse(&format!("{row}-{column}")).expect("this is a code");
        let name = format!("{row} {column}").into();
        regions.push(Region { code, name, level: Level::District, parent: None, shape: Arc::new(shape) });
    }
    regions
}
