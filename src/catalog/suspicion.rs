//! What looks wrong about a whole sheet though every row can be read: suspicions are warnings, and only duplicate ids are problems.
//!
//! Whether a store lies in the polygon of its own district is asked in [`super::misplaced_rows`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::geo::geodesic::ecef;
use crate::geo::{Datum, Position, distance_m};
use crate::id::StoreId;
use crate::store::Store;

use super::draft::StoreRow;
use super::{Problem, code};

/// Two stores nearer than this are one store entered twice, or two on one spot of the map.
pub const TOO_CLOSE_M: f64 = 10.0;
/// A store that has moved by less is the same store measured again.
pub const DATUM_SHIFT_M_MIN: f64 = 300.0;
/// No mistake of datum moves a store farther.
pub const DATUM_SHIFT_M_MAX: f64 = 1_500.0;
/// So near must the other datum bring it to where it was.
pub const DATUM_MATCH_M: f64 = 30.0;
/// Stores on different spots that are remembered in one cell of the grid; bounds the work where a sheet puts all on one spot.
const CELL_STORES_MAX: usize = 64;
/// The edge of a cell, in metres: twice the radius, so that eight cells hold everything within the radius.
const CELL_M: f64 = 2.0 * TOO_CLOSE_M;

/// Takes the rows out whose id an earlier row has, and says so.
#[must_use]
pub fn take_duplicates(rows: &mut Vec<StoreRow>) -> Vec<Problem> {
    let mut first: HashMap<StoreId, u64> = HashMap::with_capacity(rows.len());
    let mut problems = Vec::new();
    rows.retain(|row| match first.entry(row.store.id.clone()) {
        Entry::Vacant(slot) => {
            slot.insert(row.row);
            true
        }
        Entry::Occupied(earlier) => {
            let message = format!("row {} has the same id", earlier.get());
            problems
                .push(Problem::new(code::DUPLICATE_ID, message).in_row(row.row).in_column("id", row.store.id.as_str()));
            false
        }
    });
    problems
}

/// Everything suspicious about these rows, by row. `previous` knows where a store is published already.
#[must_use]
pub fn suspicions(rows: &[StoreRow], previous: impl Fn(&StoreId) -> Option<Position>) -> Vec<Problem> {
    let mut grid = Grid::with_capacity(rows.len());
    let mut found = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let mut warn = |column: &'static str, code: &'static str, message: String| {
            found.push(Problem::new(code, message).in_row(row.row).in_column(column, row.store.id.as_str()));
        };
        if let Some((code, message)) = odd_numbers(&row.store) {
            warn("lat", code, message);
        }
        if let Some(datum) = previous(&row.store.id).and_then(|it| datum_that_explains(&row.store, it)) {
            let given = row.store.at.datum();
            warn(
                "datum",
                code::DATUM_SUSPECT,
                format!(
                    "read as {given} the store has moved by hundreds of metres, read as {datum} it stands where it stood"
                ),
            );
        }
        if let Some(other) = grid.earlier_within(place, row.store.at.position()).and_then(|it| rows.get(it)) {
            let message = format!("{} in row {} stands within {TOO_CLOSE_M} m", other.store.id, other.row);
            warn("lat", code::TOO_CLOSE, message);
        }
    }
    found
}

pub(super) fn odd_numbers(store: &Store) -> Option<(&'static str, String)> {
    let (lat, lng) = (store.at.given_lat(), store.at.given_lng());
    if lat.abs() < 1e-6 && lng.abs() < 1e-6 {
        return Some((code::ZERO_ZERO, "the place is 0, 0, in the sea off Africa".to_owned()));
    }
    // China lies between 18 and 53 degrees north, 73 and 135 east; beyond 90 the latitude is refused anyway.
    if (73.0..=135.0).contains(&lat) && (18.0..=53.0).contains(&lng) {
        return Some((
            code::SWAPPED,
            "in the Arctic as written, in China with latitude and longitude exchanged".to_owned(),
        ));
    }
    None
}

/// The datum, other than the given one, in which the same numbers name the place where the store was.
fn datum_that_explains(store: &Store, before: Position) -> Option<Datum> {
    let at = store.at;
    if !(DATUM_SHIFT_M_MIN..=DATUM_SHIFT_M_MAX).contains(&distance_m(at.position(), before)) {
        return None;
    }
    [Datum::Wgs84, Datum::Gcj02, Datum::Bd09].into_iter().filter(|it| *it != at.datum()).find(|datum| {
        Position::from_datum(at.given_lat(), at.given_lng(), *datum)
            .is_ok_and(|it| distance_m(it, before) <= DATUM_MATCH_M)
    })
}

/// Rows by cells of a cubic grid through the Earth. The chord between two places within 10 m is as long as the way between them to
/// a millionth of a micrometre, so poles and the antimeridian are nothing special.
pub(super) struct Grid {
    /// The last row that was put in a cell.
    last: HashMap<[i64; 3], usize>,
    /// For each row, its place in space and the row put in the same cell before it.
    rows: Vec<([f64; 3], Option<usize>)>,
}

impl Grid {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { last: HashMap::with_capacity(rows), rows: Vec::with_capacity(rows) }
    }

    /// The first earlier row within [`TOO_CLOSE_M`]; puts this row, whose number must rise by one each time, into the grid.
    pub(super) fn earlier_within(&mut self, row: usize, position: Position) -> Option<usize> {
        let point = ecef(position);
        let own = point.map(|it| cell(it, 0.0));
        let mut nearest_first: Option<usize> = None;
        let mut is_crowded = false;
        for corner in 0..8_u8 {
            let key = corner_cell(point, corner);
            let mut next = self.last.get(&key).copied();
            let mut steps = 0;
            while let Some((at, entry)) = next.and_then(|it| Some((it, self.rows.get(it)?))) {
                let (other, before) = *entry;
                let distance_2 = squared_distance(point, other);
                if distance_2 <= TOO_CLOSE_M * TOO_CLOSE_M {
                    nearest_first = Some(nearest_first.map_or(at, |it| it.min(at)));
                }
                steps += 1;
                // A second store on exactly the same spot finds nothing that the first would not find.
                is_crowded |= key == own && (steps >= CELL_STORES_MAX || distance_2 <= 0.0);
                next = before;
            }
        }
        debug_assert_eq!(row, self.rows.len(), "rows come in order");
        let before = if is_crowded { None } else { self.last.insert(own, row) };
        self.rows.push((point, before));
        nearest_first
    }
}

fn squared_distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// One of the eight cells that the cube of twice the radius around a point can touch.
fn corner_cell([x, y, z]: [f64; 3], corner: u8) -> [i64; 3] {
    let side = |bit: u8| {
        if corner & bit == 0 { -TOO_CLOSE_M } else { TOO_CLOSE_M }
    };
    [cell(x, side(1)), cell(y, side(2)), cell(z, side(4))]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "within a third of a million cells of the Earth's centre"
)]
fn cell(metres: f64, offset_m: f64) -> i64 {
    ((metres + offset_m) / CELL_M).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::draft::{Cells, SheetRules, read_row};
    use crate::catalog::{Column, Mapping};
    use crate::store::Zone;

    fn row(number: u64, id: &str, lat: &str, lng: &str, datum: Datum) -> StoreRow {
        let mut cells = Cells::default();
        for (column, cell) in [(Column::Id, id), (Column::Name, "店"), (Column::Lat, lat), (Column::Lng, lng)] {
            cells.put(column, cell);
        }
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        let rules = SheetRules {
            datum: Some(datum),
            link_hosts: &[],
            zone,
            mapping: Mapping::default(),
            groups: crate::group::GroupDefaults::default(),
            now: crate::time::Timestamp::EPOCH,
        };
        read_row(number, &cells, &rules, &mut Vec::new()).unwrap()
    }

    fn told(rows: &[StoreRow]) -> Vec<(u64, &'static str, String)> {
        suspicions(rows, |_| None).into_iter().map(|it| (it.row.unwrap(), it.code, it.message)).collect()
    }

    #[test]
    fn a_repeated_id_is_taken_out_and_names_the_first_row() {
        let mut rows = vec![
            row(2, "A", "1", "1", Datum::Wgs84),
            row(3, "B", "2", "2", Datum::Wgs84),
            row(5, "A", "3", "3", Datum::Wgs84),
        ];
        let problems = take_duplicates(&mut rows);
        assert_eq!(rows.iter().map(|it| it.row).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((problems.len(), problems[0].row, problems[0].code), (1, Some(5), "duplicate_id"));
        assert_eq!(problems[0].message, "row 2 has the same id");
    }

    #[test]
    fn stores_within_ten_metres_are_told_once_a_row() {
        // A hundred-thousandth of a degree of latitude is 1.1 m.
        let rows = [
            row(2, "A", "31.23000", "121.47", Datum::Wgs84),
            row(3, "B", "31.23000", "121.47", Datum::Wgs84),
            row(4, "C", "31.23008", "121.47", Datum::Wgs84),
            row(5, "D", "31.23020", "121.47", Datum::Wgs84),
            row(6, "E", "31.23016", "121.47", Datum::Wgs84),
        ];
        let expected = [(3, "A in row 2"), (4, "A in row 2"), (6, "C in row 4")]
            .map(|(row, who)| (row, "too_close", format!("{who} stands within 10 m")));
        assert_eq!(told(&rows), expected);
    }

    #[test]
    fn closeness_knows_neither_antimeridian_nor_pole() {
        let rows = [
            row(2, "A", "-16.5", "179.99999", Datum::Wgs84),
            row(3, "B", "-16.5", "-179.99999", Datum::Wgs84),
            row(4, "C", "89.99999", "10", Datum::Wgs84),
            row(5, "D", "89.99999", "-170", Datum::Wgs84),
        ];
        assert_eq!(told(&rows).iter().map(|it| it.0).collect::<Vec<_>>(), [3, 5]);
    }

    #[test]
    fn exchanged_and_zero_places_are_suspicious() {
        let rows = [
            row(2, "URC", "87.47", "43.91", Datum::Wgs84),
            row(3, "NUL", "0", "0", Datum::Wgs84),
            row(4, "LON", "51.5", "0", Datum::Wgs84),
            row(5, "SHA", "31.2304", "121.4737", Datum::Wgs84),
        ];
        assert_eq!(told(&rows).iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(), [(2, "swapped"), (3, "zero_zero")]);
    }

    #[test]
    fn a_move_that_another_datum_explains_is_suspicious() {
        // Tian'anmen in WGS-84 and in GCJ-02, from the vectors that gcoord is tested with.
        let before = Position::from_datum(39.907_374, 116.391_248, Datum::Wgs84).unwrap();
        let typed = before.in_datum(Datum::Gcj02);
        let new = row(2, "PEK", &typed.0.to_string(), &typed.1.to_string(), Datum::Wgs84);
        let found = suspicions(std::slice::from_ref(&new), |_| Some(before));
        assert_eq!((found.len(), found[0].code), (1, "datum_suspect"));
        assert_eq!(
            found[0].message,
            "read as wgs84 the store has moved by hundreds of metres, read as gcj02 it stands where it stood"
        );
        let same = row(2, "PEK", &typed.0.to_string(), &typed.1.to_string(), Datum::Gcj02);
        assert_eq!(suspicions(&[same], |_| Some(before)), []);
        let moved = row(2, "PEK", "39.912", "116.391", Datum::Wgs84);
        assert_eq!(suspicions(&[moved], |_| Some(before)), []);
    }

    #[test]
    fn many_stores_on_one_spot_take_no_time() {
        let rows: Vec<StoreRow> =
            (0..20_000).map(|it| row(it + 2, &it.to_string(), "31.23", "121.47", Datum::Wgs84)).collect();
        assert_eq!(told(&rows).len(), 19_999);
    }
}
