//! Stores that stand elsewhere than their columns say, by the map of regions; not which of the two is right.

use super::draft::StoreRow;
use super::{Catalog, Problem, code};
use crate::geo::{Datum, Position};
use crate::id::RegionCode;
use crate::region::{Level, Region, RegionMap};
use crate::store::{Store, StoreStatus};

/// The fewest stores that say something about the datum of a map. A border drawn roughly puts one or two outside.
const DATUM_STORES_MIN: usize = 3;
/// So many times more stores must another datum bring inside than it takes out. In a real map read rightly it takes out nine times
/// more than it brings in.
const DATUM_GAIN_MIN: usize = 3;
/// All datums.
const DATUMS: [Datum; 3] = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09];

/// The narrowest region on the map that a store's columns name, if the store stands outside it.
pub(super) fn left(map: &RegionMap, store: &Store) -> Option<u32> {
    let key = named(map, store)?;
    (!map.region(key)?.shape.covers(store.at.position())).then_some(key)
}

fn named(map: &RegionMap, store: &Store) -> Option<u32> {
    map.place_named(&Catalog::region_columns(store)).narrow_to_wide().next()
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
    let found = [&*found.province, &*found.city, &*found.district];
    let found: Vec<&str> = found.into_iter().filter(|it| !it.is_empty()).collect();
    let is_inside = |datum: &Datum| {
        Position::from_datum(at.given_lat(), at.given_lng(), *datum).is_ok_and(|it| region.shape.covers(it))
    };
    let other = DATUMS.into_iter().filter(|it| *it != at.datum()).find(is_inside);
    let place = if found.is_empty() { "on no region of the map".to_owned() } else { format!("in {}", found.join(" ")) };
    let hint = other.map(|it| format!("; read as {it} it stands inside")).unwrap_or_default();
    let message = format!("the store stands outside {} ({}), {place}{hint}", region.name, region.code);
    let problem = Problem::new(code::OUTSIDE_REGION, message).in_row(row.row);
    Some(problem.in_column(column(region), row.store.id.as_str()))
}

/// What the active stores say about regions that are about to be published: how many stand outside the one that their columns
/// name, and whether another datum than the one in which the regions were read would put clearly more of them inside.
#[must_use]
pub fn doubts(stores: &[Store], map: &RegionMap, fresh: &dyn Fn(&RegionCode) -> bool, read_as: Datum) -> Vec<Problem> {
    let active = stores.iter().filter(|it| it.status == StoreStatus::Active);
    let asked: Vec<(&Store, &Region)> = active
        .filter_map(|it| Some((it, map.region(named(map, it)?)?)))
        .filter(|(_, region)| fresh(&region.code))
        .collect();
    let is_outside = |(store, region): &&(&Store, &Region)| !region.shape.covers(store.at.position());
    let count = asked.iter().filter(is_outside).count();
    let Some((first, region)) = asked.iter().find(is_outside) else {
        return Vec::new();
    };
    let message = format!(
        "{count} of {} active stores stand outside the region that their columns name; the first is {}, outside {}",
        asked.len(),
        first.id,
        region.name
    );
    let mut doubts = vec![Problem::new(code::OUTSIDE_REGION, message)];
    for datum in DATUMS.into_iter().filter(|it| *it != read_as) {
        let (gained, lost) = shifted(&asked, datum, read_as);
        if gained >= DATUM_STORES_MIN && gained > DATUM_GAIN_MIN * lost {
            let message = format!(
                "read as {datum} instead of {read_as}, {gained} more of these stores stand inside, and {lost} more outside"
            );
            doubts.push(Problem::new(code::DATUM_SUSPECT, message).in_column("datum", read_as.as_str()));
        }
    }
    doubts
}

/// How many stores would stand inside their region that are outside, and outside that are inside, had the regions been read in
/// another datum. Instead of every border the stores are moved: where the regions were drawn in that datum, a store that makes
/// the same mistake as they do stands right.
fn shifted(asked: &[(&Store, &Region)], datum: Datum, read_as: Datum) -> (usize, usize) {
    let (mut gained, mut lost) = (0, 0);
    for (store, region) in asked {
        let at = store.at.position();
        let (lat, lon) = at.in_datum(datum);
        let Ok(moved) = Position::from_datum(lat, lon, read_as) else { continue };
        match (region.shape.covers(at), region.shape.covers(moved)) {
            (false, true) => gained += 1,
            (true, false) => lost += 1,
            _ => {}
        }
    }
    (gained, lost)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::geo::Shape;
    use crate::geo::polygon::Vertex;
    use crate::store::Located;

    /// Two districts with the meridian of 121.4 between them, drawn in a datum and read in another.
    fn map(drawn: Datum, read: Datum) -> RegionMap {
        let district = |code: &str, name: &str, west: f64, east: f64| {
            let corners = [(31.0, west), (31.0, east), (31.4, east), (31.4, west), (31.0, west)];
            let ring = corners.map(|(lat, lon)| {
                let (lat, lon) = Position::from_datum(lat, lon, Datum::Wgs84).unwrap().in_datum(drawn);
                Vertex { lat, lon }
            });
            let (shape, _) = Shape::from_rings(&[vec![ring.to_vec()]], read).unwrap();
            let code = RegionCode::parse(code).unwrap();
            Region { code, name: name.into(), level: Level::District, parent: None, shape: Arc::new(shape) }
        };
        RegionMap::build(vec![district("1", "西区", 121.2, 121.4), district("2", "东区", 121.4, 121.6)]).unwrap()
    }

    fn store(id: &str, district: &str, lat: f64, lng: f64) -> Store {
        Store { district: district.into(), ..Store::sample(id, lat, lng) }
    }

    fn told(rows: Vec<Store>, map: &RegionMap) -> Vec<String> {
        let row = |store| StoreRow { row: 2, store, group: None, contact: None };
        let rows: Vec<StoreRow> = rows.into_iter().map(row).collect();
        misplaced_rows(&rows, map).into_iter().map(|it| format!("{} {}", it.code, it.message)).collect()
    }

    #[test]
    fn a_store_outside_its_own_district_is_told_with_where_it_is() {
        let map = map(Datum::Wgs84, Datum::Wgs84);
        assert_eq!(told(vec![store("a", "西区", 31.2, 121.3)], &map), Vec::<String>::new());
        assert_eq!(
            told(vec![store("a", "西区", 31.2, 121.5)], &map),
            ["outside_region the store stands outside 西区 (1), in 东区"]
        );
        assert_eq!(
            told(vec![store("a", "西区", 30.0, 121.5)], &map),
            ["outside_region the store stands outside 西区 (1), on no region of the map"]
        );
        assert_eq!(told(vec![store("a", "南区", 31.2, 121.5)], &map), Vec::<String>::new(), "the map does not know it");
    }

    #[test]
    fn a_datum_that_puts_the_store_inside_is_told() {
        let map = map(Datum::Wgs84, Datum::Wgs84);
        // GCJ-02 is some 450 m east of WGS-84 here: what was copied from such a map as WGS-84 has crossed the border.
        let wrong = Store {
            at: Located::from_datum(31.2, 121.402, Datum::Wgs84).unwrap(),
            ..store("a", "西区", 31.2, 121.3)
        };
        let found = told(vec![wrong], &map);
        assert_eq!(
            found,
            ["outside_region the store stands outside 西区 (1), in 东区; read as gcj02 it stands inside"]
        );
    }

    #[test]
    fn stores_near_borders_tell_in_which_datum_a_map_was_drawn() {
        let stores: Vec<Store> = (0..8)
            .map(|n| {
                let lat = 31.05 + 0.04 * f64::from(n);
                let (district, lng) = if n % 2 == 0 { ("西区", 121.398) } else { ("东区", 121.402) };
                store(&format!("s{n}"), district, lat, lng)
            })
            .collect();
        let codes = |drawn, read| {
            let found = doubts(&stores, &map(drawn, read), &|_| true, read);
            found.iter().map(|it| format!("{} {}", it.code, it.message)).collect::<Vec<_>>()
        };
        assert_eq!(codes(Datum::Wgs84, Datum::Wgs84), Vec::<String>::new());
        assert_eq!(codes(Datum::Gcj02, Datum::Gcj02), Vec::<String>::new());
        assert_eq!(
            codes(Datum::Gcj02, Datum::Wgs84),
            [
                "outside_region 4 of 8 active stores stand outside the region that their columns name; the first is s1, outside 东区",
                "datum_suspect read as gcj02 instead of wgs84, 4 more of these stores stand inside, and 0 more outside"
            ]
        );
    }
}
