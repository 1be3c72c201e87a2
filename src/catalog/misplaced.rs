//! Stores that stand elsewhere than their columns say, by the map of regions; not which of the two is right.

use super::draft::StoreRow;
use super::{Problem, code};
use crate::geo::{Datum, Position};
use crate::id::RegionCode;
use crate::region::{Level, Region, RegionMap, RegionNames};
use crate::store::{Store, StoreStatus};

/// The fewest stores outside their regions that say something about the datum of a map. A border drawn roughly puts out one or two.
const DATUM_STORES_MIN: usize = 3;
/// All datums.
const DATUMS: [Datum; 3] = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09];

/// The narrowest region on the map that a store's columns name, if the store stands outside it.
fn left(map: &RegionMap, store: &Store) -> Option<u32> {
    let key = named(map, store)?;
    (!map.region(key)?.shape.covers(store.at.position())).then_some(key)
}

fn named(map: &RegionMap, store: &Store) -> Option<u32> {
    map.place_named(&RegionNames {
        province: store.province.clone(),
        city: store.city.clone(),
        district: store.district.clone(),
        areas: Vec::new(),
    })
    .narrow_to_wide()
    .next()
}

fn column(region: &Region) -> &'static str {
    match region.level {
        Level::Province => "province",
        Level::City => "city",
        Level::District | Level::Area => "district",
    }
}

/// Warnings about the rows whose store stands outside the region that its columns name.
#[must_use]
pub fn misplaced_rows(rows: &[StoreRow], map: &RegionMap) -> Vec<Problem> {
    if map.regions().is_empty() {
        return Vec::new();
    }
    rows.iter().filter_map(|row| misplaced(row, map)).collect()
}

fn misplaced(row: &StoreRow, map: &RegionMap) -> Option<Problem> {
    let region = map.region(left(map, &row.store)?)?;
    let at = row.store.at;
    let found = map.names(&map.place(at.position()));
    let found = [&*found.province, &*found.city, &*found.district].join(" ");
    let is_inside = |datum: &Datum| {
        Position::from_datum(at.given_lat(), at.given_lng(), *datum).is_ok_and(|it| region.shape.covers(it))
    };
    let other = DATUMS.into_iter().filter(|it| *it != at.datum()).find(is_inside);
    let place = if found.trim().is_empty() { "on no region of the map".to_owned() } else { format!("in {found}") };
    let hint = other.map(|it| format!("; read as {it} it stands inside")).unwrap_or_default();
    let message = format!("the store stands outside {} ({}), {place}{hint}", region.name, region.code);
    let problem = Problem::new(code::OUTSIDE_REGION, message).in_row(row.row);
    Some(problem.in_column(column(region), row.store.id.as_str()))
}

/// What the active stores say about regions that are about to be published: how many stand outside the one that their columns
/// name, and whether another datum than the one in which the regions were read would put them inside.
#[must_use]
pub fn doubts(stores: &[Store], map: &RegionMap, fresh: &dyn Fn(&RegionCode) -> bool, read_as: Datum) -> Vec<Problem> {
    let mut asked = 0_usize;
    let mut outside: Vec<(&Store, &Region)> = Vec::new();
    for store in stores.iter().filter(|it| it.status == StoreStatus::Active) {
        let Some(region) = named(map, store).and_then(|it| map.region(it)).filter(|it| fresh(&it.code)) else {
            continue;
        };
        asked += 1;
        if !region.shape.covers(store.at.position()) {
            outside.push((store, region));
        }
    }
    let Some((first, region)) = outside.first() else {
        return Vec::new();
    };
    let count = outside.len();
    let message = format!(
        "{count} of {asked} active stores stand outside the region that their columns name; the first is {}, outside {}",
        first.id, region.name
    );
    let mut doubts = vec![Problem::new(code::OUTSIDE_REGION, message)];
    // Where the regions were really drawn in another datum, a store moved by the same mistake stands right.
    let still_outside = |datum: Datum| {
        let moved = |it: &Store| {
            let (lat, lon) = it.at.position().in_datum(datum);
            Position::from_datum(lat, lon, read_as)
        };
        outside.iter().filter(|(store, region)| !moved(store).is_ok_and(|it| region.shape.covers(it))).count()
    };
    let best = DATUMS.into_iter().filter(|it| *it != read_as).map(|it| (still_outside(it), it)).min_by_key(|it| it.0);
    if let Some((left, datum)) = best.filter(|(left, _)| count >= DATUM_STORES_MIN && left * 2 < count) {
        let message =
            format!("read as {datum} instead of {read_as}, only {left} of these {count} stores stand outside");
        doubts.push(Problem::new(code::DATUM_SUSPECT, message).in_column("datum", read_as.as_str()));
    }
    doubts
}
