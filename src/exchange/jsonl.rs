//! JSON Lines in: one object a line, whose names are the headers and whose values are the cells. Writing is in `table`.
//!
//! The names of all lines together are the header, so lines may leave out what they have nothing for. The row of a line is its place
//! in the file, from 1; blank lines count.

use std::collections::HashSet;

use csv::StringRecord;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::catalog::columns::COLUMNS_MAX;
use crate::catalog::{Problem, SheetRules, code};

use super::geojson::text_of;
use super::grid::{Grid, Line};
use super::{Listener, ROWS_PER_PROGRESS, SheetSummary, length};

/// The longest line that is read, in bytes: more than all cells of a store may hold together.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Lines that cannot be read and are told of, where one of them keeps the whole from being read.
const TOLD_MAX: usize = 1_000;
/// What the first object of a map says of itself.
const MAP_TYPES: [&str; 9] = [
    "FeatureCollection",
    "Feature",
    "GeometryCollection",
    "Point",
    "MultiPoint",
    "LineString",
    "Polygon",
    "MultiPolygon",
    "Topology",
];

/// Whether a text begins with a line that is an object by itself, and no map.
pub(super) fn begins_with_line(text: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct First {
        features: Option<IgnoredAny>,
        #[serde(rename = "type")]
        kind: Option<Value>,
    }
    let window = text.get(..=LINE_BYTES_MAX).unwrap_or(text);
    let line = window.split(|it| *it == b'\n').next().unwrap_or_default();
    if line.len() > LINE_BYTES_MAX {
        return false;
    }
    serde_json::from_slice::<First>(line).is_ok_and(|it| {
        let is_map = it.kind.as_ref().and_then(Value::as_str).is_some_and(|it| MAP_TYPES.contains(&it));
        it.features.is_none() && !is_map
    })
}

/// Reads the rows of a sheet.
pub(super) fn read(
    text: &str,
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    let names = names(text)?;
    let headers: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut grid = Grid::below(&headers, rules)?;
    let total = length(text);
    for OneLine { row, end, read } in objects(text) {
        match read {
            Err(problem) => grid.refuse(problem, listener)?,
            Ok(object) => {
                let mut problems = Vec::new();
                let texts = cells(&object, &names, row, &mut problems);
                let cells = texts.iter().map(String::as_str).collect();
                let broken = problems.into_iter().next();
                grid.take(Line { row, cells, broken, errors: &[], is_parted: false }, listener)?;
            }
        }
        if grid.summary.rows.is_multiple_of(ROWS_PER_PROGRESS) {
            (listener.progress)(end, total);
        }
    }
    (listener.progress)(total, total);
    Ok(grid.summary)
}

/// Hands over the names as the first record, then every line as one, with its row and the byte behind it.
///
/// # Errors
/// Every line that cannot be read, up to a limit; or what `each` breaks off with.
pub(super) fn each_record<E: From<Vec<Problem>>>(
    text: &str,
    each: &mut dyn FnMut(u64, &StringRecord, u64) -> Result<(), E>,
) -> Result<(), E> {
    let names = names(text)?;
    let mut broken: Vec<Problem> = objects(text).filter_map(|it| it.read.err()).take(TOLD_MAX).collect();
    if !broken.is_empty() {
        return Err(broken.into());
    }
    each(1, &names.iter().collect(), 0)?;
    for OneLine { row, end, read } in objects(text) {
        let texts = cells(&read.unwrap_or_default(), &names, row, &mut broken);
        if !broken.is_empty() {
            return Err(broken.into());
        }
        each(row, &texts.iter().collect(), end)?;
    }
    Ok(())
}

/// A line.
struct OneLine {
    row: u64,
    /// The byte behind it.
    end: u64,
    read: Result<Map<String, Value>, Problem>,
}

/// The lines that are not blank.
fn objects(text: &str) -> impl Iterator<Item = OneLine> {
    let (mut row, mut end) = (0, 0);
    text.split_inclusive('\n').filter_map(move |line| {
        row += 1;
        end += length(line);
        let refuse = |message: String| Problem::new(code::LINE_UNREADABLE, message).in_row(row);
        let read = match line.trim() {
            "" => return None,
            line if line.len() > LINE_BYTES_MAX => {
                Err(refuse(format!("this line has more than {LINE_BYTES_MAX} bytes")))
            }
            line => serde_json::from_str(line)
                .map_err(|error| refuse(format!("this line is no JSON object, at column {}", error.column()))),
        };
        Some(OneLine { row, end, read })
    })
}

/// The names of all lines, in the order in which they appear; not many more than a sheet may have.
fn names(text: &str) -> Result<Vec<String>, Vec<Problem>> {
    let (mut names, mut seen, mut broken) = (Vec::new(), HashSet::new(), None);
    for it in objects(text) {
        match it.read {
            Ok(object) => {
                for (name, _) in object {
                    if names.len() <= COLUMNS_MAX && seen.insert(name.clone()) {
                        names.push(name);
                    }
                }
            }
            Err(problem) => broken = broken.or(Some(problem)),
        }
    }
    if names.is_empty() {
        return Err(vec![broken.unwrap_or_else(|| Problem::new(code::EMPTY, "the sheet is empty"))]);
    }
    Ok(names)
}

fn cells(object: &Map<String, Value>, names: &[String], row: u64, problems: &mut Vec<Problem>) -> Vec<String> {
    let text = |name: &String| object.get(name).map_or_else(String::new, |value| text_of(name, value, row, problems));
    names.iter().map(text).collect()
}
