//! The decision for every point of a grid, and what two grids say together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Outlines, Overlap, Shift, outline};
use crate::campaign::Campaign;
use crate::catalog::Catalog;
use crate::geo::polygon::Frame;
use crate::geo::{Datum, Position};
use crate::routing::{Case, Policy, Room, Wish, route};
use crate::time::Timestamp;
use crate::visitor::Fix;

/// What decides.
pub(super) struct Deciding<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) campaign: &'a Campaign,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

/// The key of the store that each point is routed to; row by row from the south, each from the west.
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) cells: Vec<Option<u32>>,
    points: Vec<Option<Position>>,
    /// Whether service areas count.
    has_areas: bool,
}

/// A number of points as a number to reckon with.
pub(super) fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Degrees from the west of a frame to its east.
pub(super) fn width_of(frame: Frame) -> f64 {
    let width = frame.east - frame.west;
    if width < 0.0 { width + 360.0 } else { width }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "clamped to 1 to 1,000"
)]
fn whole(number: f64) -> usize {
    number.round().clamp(1.0, 1_000.0) as usize
}

impl Grid {
    pub(super) fn decide(with: &Deciding<'_>, frame: Frame, size: usize) -> Self {
        let (tall, broad) = (frame.north - frame.south, width_of(frame));
        let across = broad * f64::midpoint(frame.north, frame.south).to_radians().cos();
        let (rows, columns) = if across >= tall {
            (whole(real(size) * tall / across.max(1e-9)), size)
        } else {
            (size, whole(real(size) * across / tall.max(1e-9)))
        };
        let mut points = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let lat = frame.south + tall * (real(row) + 0.5) / real(rows);
            for column in 0..columns {
                let lng = frame.west + broad * (real(column) + 0.5) / real(columns);
                let lng = if lng > 180.0 { lng - 360.0 } else { lng };
                points.push(Position::from_datum(lat, lng, Datum::Wgs84).ok());
            }
        }
        let cells = points.iter().map(|it| it.and_then(|it| store_at(with, it))).collect();
        Self { rows, columns, cells, points, has_areas: with.campaign.service_areas }
    }

    pub(super) fn holes(&self) -> usize {
        self.cells.iter().filter(|it| it.is_none()).count()
    }

    /// How many points each store has.
    pub(super) fn counts(&self) -> BTreeMap<u32, usize> {
        let mut counts = BTreeMap::new();
        for key in self.cells.iter().flatten() {
            *counts.entry(*key).or_insert(0) += 1;
        }
        counts
    }

    fn at(&self, row: usize, column: usize) -> Option<u32> {
        self.cells.get(row * self.columns + column).copied().flatten()
    }

    /// A colour for every store, neighbours with different ones as far as they go.
    pub(super) fn colours(&self, colours: usize) -> HashMap<u32, usize> {
        let mut beside: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let Some(own) = self.at(row, column) else { continue };
                beside.entry(own).or_default();
                let east = if column + 1 < self.columns { self.at(row, column + 1) } else { None };
                let north = if row + 1 < self.rows { self.at(row + 1, column) } else { None };
                for other in [east, north].into_iter().flatten().filter(|it| *it != own) {
                    beside.entry(own).or_default().insert(other);
                    beside.entry(other).or_default().insert(own);
                }
            }
        }
        let mut given: HashMap<u32, usize> = HashMap::with_capacity(beside.len());
        for (key, others) in &beside {
            let taken: Vec<usize> = others.iter().filter_map(|it| given.get(it).copied()).collect();
            let start = usize::try_from(*key).unwrap_or(0) % colours;
            let free = (0..colours).map(|it| (start + it) % colours).find(|it| !taken.contains(it));
            given.insert(*key, free.unwrap_or(start));
        }
        given
    }

    /// The outlines of the points with the same mark.
    pub(super) fn outlines(&self, marks: &[Option<u32>], frame: Frame) -> HashMap<u32, Outlines> {
        outline::trace(marks, (self.rows, self.columns), frame)
    }
}

/// The store that a visitor at this place is shown.
fn store_at(with: &Deciding<'_>, position: Position) -> Option<u32> {
    let fix = Fix::Gps { position, accuracy_m: None };
    let Deciding { catalog, campaign, policy, now } = *with;
    let shown = Wish { route: campaign.mode.common(), room: Room::Unasked };
    route(shown, &Case { fix: &fix, catalog, campaign, policy, now }).store.map(|it| it.store)
}

/// The points that change hands, marked, and who wins from whom.
pub(super) fn shifts(
    (old, before): (&Catalog, &Grid),
    (new, after): (&Catalog, &Grid),
    listed_max: usize,
) -> (Vec<Option<u32>>, Vec<Shift>) {
    let mut counts: BTreeMap<(Option<&str>, Option<&str>), usize> = BTreeMap::new();
    let mut marks = Vec::with_capacity(after.cells.len());
    for (from, to) in before.cells.iter().zip(&after.cells) {
        let from = from.and_then(|it| old.store(it)).map(|it| it.id.as_str());
        let to = to.and_then(|it| new.store(it)).map(|it| it.id.as_str());
        marks.push((from != to).then_some(0));
        if from != to {
            *counts.entry((from, to)).or_insert(0) += 1;
        }
    }
    let name = |catalog: &Catalog, id: Option<&str>| {
        let id = crate::id::StoreId::parse(id?).ok()?;
        catalog.store(catalog.store_key(&id)?).map(|it| it.name.to_string())
    };
    let shift = |((from, to), cells): (&(Option<&str>, Option<&str>), &usize)| Shift {
        from: from.map(ToOwned::to_owned),
        from_name: name(old, *from),
        to: to.map(ToOwned::to_owned),
        to_name: name(new, *to),
        cells: *cells,
    };
    let mut shifts: Vec<Shift> = counts.iter().map(shift).collect();
    shifts.sort_by_key(|it| std::cmp::Reverse(it.cells));
    shifts.truncate(listed_max);
    (marks, shifts)
}

/// The points that lie in several service areas of active stores, marked, and whose those are.
pub(super) fn overlaps(catalog: &Catalog, grid: &Grid, listed_max: usize) -> (Vec<Option<u32>>, Vec<Overlap>) {
    let areas = catalog.service_areas();
    if !grid.has_areas || areas.areas().is_empty() {
        return (vec![None; grid.cells.len()], Vec::new());
    }
    let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut marks = Vec::with_capacity(grid.points.len());
    for point in &grid.points {
        let found = point.map(|it| areas.covering(it)).unwrap_or_default();
        let place = |it: &u32| usize::try_from(*it).ok().and_then(|it| areas.areas().get(it));
        let keys: Vec<u32> = found
            .iter()
            .filter_map(|it| catalog.store_key(&place(it)?.store))
            .filter(|it| catalog.is_active(*it))
            .collect();
        marks.push((keys.len() > 1).then_some(0));
        for (at, one) in keys.iter().enumerate() {
            for other in keys.iter().skip(at + 1) {
                *counts.entry((*one.min(other), *one.max(other))).or_insert(0) += 1;
            }
        }
    }
    let mut overlaps: Vec<Overlap> = counts
        .into_iter()
        .filter_map(|((a, b), cells)| {
            let (a, b) = (catalog.store(a)?, catalog.store(b)?);
            let names = [a.name.to_string(), b.name.to_string()];
            Some(Overlap { stores: [a.id.to_string(), b.id.to_string()], names, cells })
        })
        .collect();
    overlaps.sort_by_key(|it| std::cmp::Reverse(it.cells));
    overlaps.truncate(listed_max);
    (marks, overlaps)
}
