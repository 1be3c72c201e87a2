//! What a map shows of the catalog in a frame: outlines as fine as they can be seen, and stores, counted where they are too many.

use std::collections::HashMap;

use crate::catalog::Catalog;
use crate::geo::polygon::{Frame, GridStep, Vertex};
use crate::geo::{Position, Shape};
use crate::region::Level;
use crate::store::Store;

/// Vertices of all outlines together.
const VERTICES_MAX: usize = 60_000;
/// Stores that are named one by one.
const STORES_MAX: usize = 2_000;
/// Outlines of service areas.
const SERVICE_AREAS_MAX: usize = 500;
/// Cells of the grid in which stores are counted, along the wider side.
const CELLS: f64 = 64.0;
/// Cells are no smaller than so many pixels.
const CELL_PX: f64 = 58.0;
/// Pixels of the world at zoom 0.
const WORLD_PX: f64 = 256.0;
/// From this zoom on cities are drawn, then districts and areas.
const CITIES_FROM: u8 = 6;
const DISTRICTS_FROM: u8 = 9;

/// The outline of a region or of a service area.
pub struct Outline<'a> {
    /// The region's name, or the name of the store that serves the area.
    pub name: &'a str,
    /// The region's code, or the id of the store.
    pub id: &'a str,
    /// The region's level; none for a service area.
    pub level: Option<Level>,
    /// Its rings; what an odd number of them holds is inside.
    pub rings: Vec<Vec<Vertex>>,
}

/// A store, or many in one place.
pub enum Dot<'a> {
    /// One.
    Store(&'a Store),
    /// So many around here.
    Many {
        /// The middle of them.
        at: Vertex,
        /// How many.
        count: u32,
    },
}

/// What is in a frame.
pub struct MapView<'a> {
    /// Wide regions first, service areas last.
    pub outlines: Vec<Outline<'a>>,
    /// All stores, whatever their status.
    pub dots: Vec<Dot<'a>>,
    /// How many stores that are.
    pub total: usize,
}

/// Looks at a frame of the catalog at a zoom of Web Mercator maps. However much is there, the answer is bounded.
#[must_use]
pub fn view_map<'a>(catalog: &'a Catalog, frame: &Frame, zoom: u8) -> MapView<'a> {
    let (dots, total) = dots(catalog, frame, zoom);
    MapView { outlines: outlines(catalog, frame, zoom), dots, total }
}

fn outlines<'a>(catalog: &'a Catalog, frame: &Frame, zoom: u8) -> Vec<Outline<'a>> {
    let regions = catalog.regions().regions();
    let coarsest = regions.iter().map(|it| it.level).min();
    let is_drawn = |level: Level| match level {
        _ if Some(level) == coarsest => true,
        Level::Province => true,
        Level::City => zoom >= CITIES_FROM,
        Level::District | Level::Area => zoom >= DISTRICTS_FROM,
    };
    let mut near: Vec<(Option<Level>, &str, &str, &Shape)> = regions
        .iter()
        .filter(|it| is_drawn(it.level) && it.shape.is_near(frame))
        .map(|it| (Some(it.level), it.code.as_str(), &*it.name, &*it.shape))
        .collect();
    near.sort_by_key(|(level, ..)| *level);
    if zoom >= DISTRICTS_FROM {
        let areas = catalog.service_areas().areas().iter().filter(|it| it.shape.is_near(frame));
        near.extend(areas.take(SERVICE_AREAS_MAX).map(|it| {
            let store = catalog.store_key(&it.store).and_then(|key| catalog.store(key));
            (None, it.store.as_str(), store.map_or("", |it| &it.name), &*it.shape)
        }));
    }
    // Half a pixel to begin with; coarser where that is still too much.
    let mut px = 0.5;
    loop {
        let outlines = drawn(&near, step(frame, zoom, px));
        let vertices: usize = outlines.iter().flat_map(|it| &it.rings).map(Vec::len).sum();
        if vertices <= VERTICES_MAX || px > WORLD_PX {
            return outlines;
        }
        px *= 2.0;
    }
}

fn drawn<'a>(near: &[(Option<Level>, &'a str, &'a str, &Shape)], step: GridStep) -> Vec<Outline<'a>> {
    let outline = |&(level, id, name, shape): &(Option<Level>, &'a str, &'a str, &Shape)| Outline {
        name,
        id,
        level,
        rings: shape.outline(step),
    };
    near.iter().map(outline).collect()
}

/// A grid of so many pixels, in degrees; narrower from south to north, as the map is stretched there.
fn step(frame: &Frame, zoom: u8, px: f64) -> GridStep {
    let lon = 360.0 / (WORLD_PX * f64::from(zoom).exp2()) * px;
    let middle = f64::midpoint(frame.south, frame.north).clamp(-85.0, 85.0);
    GridStep { lat: lon * middle.to_radians().cos(), lon }
}

fn dots<'a>(catalog: &'a Catalog, frame: &Frame, zoom: u8) -> (Vec<Dot<'a>>, usize) {
    let inside = || catalog.stores().iter().filter(|it| frame.holds(place(it.at.position())));
    let total = inside().count();
    if total <= STORES_MAX {
        return (inside().map(Dot::Store).collect(), total);
    }
    let cell = step(frame, zoom, CELL_PX);
    let lon = cell.lon.max(frame.width() / CELLS);
    let lat = cell.lat.max((frame.north - frame.south) / CELLS);
    let mut cells: HashMap<(i32, i32), Gathered<'a>> = HashMap::new();
    for store in inside() {
        let at = place(store.at.position());
        let it = cells.entry((whole(at.lat / lat), whole(at.lon / lon))).or_insert(Gathered {
            lat: 0.0,
            lon: 0.0,
            count: 0,
            only: store,
        });
        it.lat += at.lat;
        it.lon += at.lon;
        it.count += 1;
    }
    let mut cells: Vec<((i32, i32), Gathered<'a>)> = cells.into_iter().collect();
    cells.sort_unstable_by_key(|(key, _)| *key);
    (cells.into_iter().map(|(_, it)| it.dot()).collect(), total)
}

fn place(at: Position) -> Vertex {
    Vertex { lat: at.lat(), lon: at.lon() }
}

fn whole(number: f64) -> i32 {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "cells are at most some millions")]
    let whole = number.floor() as i32;
    whole
}

struct Gathered<'a> {
    lat: f64,
    lon: f64,
    count: u32,
    only: &'a Store,
}

impl<'a> Gathered<'a> {
    fn dot(self) -> Dot<'a> {
        let count = f64::from(self.count);
        match self.count {
            1 => Dot::Store(self.only),
            _ => Dot::Many { at: Vertex { lat: self.lat / count, lon: self.lon / count }, count: self.count },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Entries;

    const CHINA: Frame = Frame { south: 18.0, west: 73.0, north: 54.0, east: 135.0 };

    #[test]
    fn many_stores_are_counted_and_none_is_lost() {
        let stores = (0..5_000_u32)
            .map(|it| {
                Store::sample(&format!("s{it}"), 22.0 + f64::from(it % 71) * 0.2, 100.0 + f64::from(it / 71) * 0.3)
            })
            .collect();
        let catalog = Catalog::build(1, Entries { stores, ..Entries::default() }).unwrap();
        let view = view_map(&catalog, &CHINA, 4);
        let counted: u32 = view.dots.iter().map(|it| if let Dot::Many { count, .. } = it { *count } else { 1 }).sum();
        assert_eq!((view.total, counted), (5_000, 5_000));
        assert!(view.dots.len() < 500, "{}", view.dots.len());
        let near = view_map(&catalog, &Frame { south: 22.0, west: 100.0, north: 23.0, east: 101.0 }, 10);
        assert_eq!(near.dots.len(), 24);
        assert!(near.dots.iter().all(|it| matches!(it, Dot::Store(_))));
    }
}
