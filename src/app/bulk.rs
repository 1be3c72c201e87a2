//! Tagging many people at once: the nearest store and its region for every row of a table.

use std::io::Write;
use std::num::NonZeroUsize;
use std::thread;

use thiserror::Error;

use crate::catalog::plain::folded;
use crate::catalog::{Catalog, Column, ColumnMap, Mapping, Problem};
use crate::exchange;
use crate::geo::{Datum, Position};
use crate::region::RegionNames;
use crate::store::Store;
use crate::tag::labels;

/// Rows that are in memory at a time.
const BATCH_ROWS: usize = 16_384;
/// Problems that a report lists; the rest is counted.
const PROBLEMS_MAX: usize = 1_000;
/// The columns that are added to each row.
const ADDED: [&str; 7] = [
    "nearest_store",
    "nearest_store_name",
    "distance_m",
    "region_province",
    "region_city",
    "region_district",
    "region_tags",
];

/// Why a table cannot be tagged.
#[derive(Debug, Error)]
pub enum BulkError {
    /// The table cannot be read or written.
    #[error("the table cannot be read or written")]
    Table(#[from] csv::Error),
    /// The output cannot be written.
    #[error("the table cannot be written")]
    Output(#[from] std::io::Error),
    /// The table as a whole is none, or lacks columns.
    #[error("{}", .0.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; "))]
    Columns(Vec<Problem>),
}

impl From<Vec<Problem>> for BulkError {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Columns(problems)
    }
}

/// What became of a table.
#[derive(Debug, Default)]
pub struct BulkReport {
    /// Rows without the header.
    pub rows: u64,
    /// Rows that have a store.
    pub tagged: u64,
    /// What is wrong with the others, at most 1,000 entries.
    pub problems: Vec<Problem>,
    /// Problems beyond the list.
    pub unlisted: u64,
}

struct Columns {
    lat: usize,
    lng: usize,
    datum: Option<usize>,
}

/// Writes every row of a CSV table again with its nearest active store and that store's region behind it; rows without a usable
/// position keep their cells and get none. Uses all cores.
///
/// # Errors
/// [`BulkError`] if the table cannot be read or written, or has no `lat` and `lng`.
pub fn tag_table(
    catalog: &Catalog,
    datum: Option<Datum>,
    input: &[u8],
    output: impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<BulkReport, BulkError> {
    let mut tagging = Tagging {
        catalog,
        datum,
        writer: csv::Writer::from_writer(output),
        header: None,
        batch: Vec::with_capacity(BATCH_ROWS),
        report: BulkReport::default(),
    };
    exchange::read_table(input, &[], &mut |it| {
        if tagging.header.is_none() {
            return tagging.begin(it.cells);
        }
        tagging.batch.push((it.row, it.cells.clone()));
        if tagging.batch.len() == BATCH_ROWS {
            tagging.write_batch()?;
            progress(it.progress.0);
        }
        Ok(())
    })?;
    tagging.write_batch()?;
    tagging.writer.flush()?;
    if tagging.header.is_none() {
        return Err(BulkError::Columns(vec![Problem::new("empty", "the table is empty")]));
    }
    Ok(tagging.report)
}

struct Header {
    columns: Columns,
    width: usize,
    /// Which columns are not of an earlier run.
    kept: Vec<bool>,
}

struct Tagging<'a, W: Write> {
    catalog: &'a Catalog,
    datum: Option<Datum>,
    writer: csv::Writer<W>,
    header: Option<Header>,
    batch: Vec<(u64, csv::StringRecord)>,
    report: BulkReport,
}

impl<W: Write> Tagging<'_, W> {
    fn begin(&mut self, record: &csv::StringRecord) -> Result<(), BulkError> {
        let headers: Vec<&str> = record.iter().collect();
        let columns = find_columns(&headers)?;
        // Columns of an earlier run are written anew.
        let kept: Vec<bool> = headers.iter().map(|it| !ADDED.contains(it)).collect();
        let named = headers.iter().zip(&kept).filter(|(_, is_kept)| **is_kept).map(|(it, _)| *it);
        self.writer.write_record(named.chain(ADDED))?;
        self.header = Some(Header { columns, width: headers.len(), kept });
        Ok(())
    }

    fn write_batch(&mut self) -> Result<(), BulkError> {
        let Some(Header { columns, width, kept }) = &self.header else { return Ok(()) };
        let is_kept = |place: &usize| kept.get(*place).copied().unwrap_or(true);
        for ((row, record), answer) in self.batch.iter().zip(answers(self.catalog, columns, self.datum, &self.batch)) {
            let cells = record.iter().chain(std::iter::repeat("")).take((*width).max(record.len())).enumerate();
            let cells = cells.filter(|(place, _)| is_kept(place)).map(|(_, cell)| cell);
            self.report.rows += 1;
            let added: [String; ADDED.len()] = match answer {
                Ok(added) => {
                    self.report.tagged += 1;
                    added
                }
                Err(problem) => {
                    if self.report.problems.len() < PROBLEMS_MAX {
                        self.report.problems.push(problem.in_row(*row));
                    } else {
                        self.report.unlisted += 1;
                    }
                    Default::default()
                }
            };
            self.writer.write_record(cells.chain(added.iter().map(String::as_str)))?;
        }
        self.batch.clear();
        Ok(())
    }
}

fn find_columns(headers: &[&str]) -> Result<Columns, BulkError> {
    let mut problems = Vec::new();
    let map = ColumnMap::of_headers(headers, &Mapping::default(), &mut problems);
    let mut place = |column: Column, name: &str| {
        let found = map.place(column);
        if found.is_none() {
            let message = format!("no column is headed {name}; the table has: {}", headers.join(", "));
            problems.push(Problem::new("column_missing", message));
        }
        found
    };
    match (place(Column::Lat, "lat"), place(Column::Lng, "lng")) {
        (Some(lat), Some(lng)) => Ok(Columns { lat, lng, datum: map.place(Column::Datum) }),
        _ => Err(BulkError::Columns(problems)),
    }
}

type Answer = Result<[String; ADDED.len()], Problem>;

fn answers(
    catalog: &Catalog,
    columns: &Columns,
    datum: Option<Datum>,
    batch: &[(u64, csv::StringRecord)],
) -> Vec<Answer> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = batch.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = batch
            .chunks(share)
            .map(|rows| {
                scope.spawn(move || rows.iter().map(|(_, it)| answer(catalog, columns, datum, it)).collect::<Vec<_>>())
            })
            .collect();
        shares.into_iter().flat_map(|it| it.join().unwrap_or_default()).collect()
    })
}

fn answer(catalog: &Catalog, columns: &Columns, datum: Option<Datum>, record: &csv::StringRecord) -> Answer {
    let cell = |place: usize| record.get(place).map(|it| folded(it.trim())).unwrap_or_default();
    let degrees = |name: &'static str, place: usize| {
        let text = cell(place);
        let message = format!("{name} is not a number of degrees");
        text.parse::<f64>().map_err(|_cause| Problem::new("not_a_number", message).in_column(name, &text))
    };
    let (lat, lng) = (degrees("lat", columns.lat)?, degrees("lng", columns.lng)?);
    let named = columns.datum.map(cell).filter(|it| !it.is_empty());
    let datum = match named {
        Some(text) => Datum::parse(&text).ok_or_else(|| {
            Problem::new("unknown_datum", "datum is none of wgs84, gcj02, bd09").in_column("datum", &text)
        })?,
        None => datum.ok_or_else(|| {
            Problem::new("datum_missing", "neither the row nor --datum says which datum the position has")
                .in_column("datum", "")
        })?,
    };
    let position = Position::from_datum(lat, lng, datum)
        .map_err(|error| Problem::new("out_of_range", error.to_string()).in_column("lat", &format!("{lat}, {lng}")))?;
    let found = catalog.nearest().nearest_one(position, None, |key| catalog.is_active(key));
    let found = found.and_then(|it| Some((catalog.store(it.key)?, it.distance_m)));
    let (store, distance_m) = found.ok_or_else(|| Problem::new("no_store", "the catalog has no active store"))?;
    let region = region_names(catalog, position, store);
    let tags = labels(&region, Some(&store.id));
    Ok([
        store.id.to_string(),
        store.name.to_string(),
        format!("{distance_m:.1}"),
        region.province.to_string(),
        region.city.to_string(),
        region.district.to_string(),
        tags.join(";"),
    ])
}

/// The region of the position by the map, or where the map has none there by the store's columns.
fn region_names(catalog: &Catalog, position: Position, store: &Store) -> RegionNames {
    let map = catalog.regions();
    let around = map.names(&map.place(position));
    if around.names_a_region() {
        return around;
    }
    RegionNames { areas: around.areas, ..Catalog::region_columns(store) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Entries;

    fn catalog() -> Catalog {
        let store = |id: &str, city: &str, lat, lon| Store {
            province: city.into(),
            city: city.into(),
            ..Store::sample(id, lat, lon)
        };
        let stores = vec![store("SH", "上海市", 31.2304, 121.4737), store("BJ", "北京市", 39.9087, 116.3975)];
        Catalog::build(1, Entries { stores, ..Entries::default() }).unwrap()
    }

    #[test]
    fn every_row_keeps_its_cells_and_gets_its_store() {
        let table = "\u{feff}name,lat,lng,phone\nA,31.2304,121.4737,007\n\"B, C\",３９.9,116.4\nD,91,0,1\nE,x,,\n";
        let mut out = Vec::new();
        let report = tag_table(&catalog(), Some(Datum::Wgs84), table.as_bytes(), &mut out, &mut |_| {}).unwrap();
        assert_eq!((report.rows, report.tagged), (4, 2));
        let problems: Vec<_> = report.problems.iter().map(|it| (it.row, it.code)).collect();
        assert_eq!(problems, [(Some(4), "out_of_range"), (Some(5), "not_a_number")]);
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[1], "A,31.2304,121.4737,007,SH,SH,0.0,上海市,上海市,,上海市;SH");
        assert!(lines[2].starts_with("\"B, C\",３９.9,116.4,,BJ,BJ,"), "{}", lines[2]);
        assert_eq!((lines[3], lines[4]), ("D,91,0,1,,,,,,,", "E,x,,,,,,,,,"));
    }

    #[test]
    fn tagging_a_tagged_table_again_changes_nothing() {
        let tag = |table: &[u8]| {
            let mut out = Vec::new();
            tag_table(&catalog(), Some(Datum::Wgs84), table, &mut out, &mut |_| {}).unwrap();
            out
        };
        let once = tag(b"lat,lng,name\n31.2,121.4,A\n");
        assert_eq!(tag(&once), once);
    }

    #[test]
    fn a_table_without_positions_or_datum_says_so() {
        let tag = |table: &str, datum| tag_table(&catalog(), datum, table.as_bytes(), Vec::new(), &mut |_| {});
        let error = tag("a,b\n1,2\n", None).unwrap_err().to_string();
        assert!(error.contains("no column is headed lat"), "{error}");
        assert_eq!(tag("lat,lng\n31,121\n", None).unwrap().problems[0].code, "datum_missing");
    }
}
