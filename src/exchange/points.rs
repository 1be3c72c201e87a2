//! Stores as GeoJSON points (RFC 7946): what the sheet says as properties, longitude first.
//!
//! Coordinates are those that were given, of the datum that the property `datum` names, so that reading them back moves no store.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Map, Value, json};

use super::table::{Cell, WriteError};
use super::write::{SheetLine, store_cell};
use crate::catalog::Column;
use crate::catalog::column::extra_name;

/// Writes a collection of points, and returns their number.
///
/// # Errors
/// [`WriteError`] if the output fails.
pub fn write_points(
    extras: &BTreeSet<&str>,
    lines: &mut dyn Iterator<Item = SheetLine<'_>>,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let mut count = 0;
    out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
    for line in lines {
        let mut properties = Map::new();
        for column in Column::written().filter(|it| !matches!(it, Column::Lat | Column::Lng)) {
            properties.insert(column.english().to_owned(), value(&store_cell(line, column)));
        }
        for name in extras {
            if let Some(text) = line.store.extra.get(*name) {
                properties.insert(extra_name(name), Value::from(&**text));
            }
        }
        properties.retain(|_, it| !it.is_null());
        let at = &line.store.at;
        let feature = json!({
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [at.given_lng(), at.given_lat()]},
            "properties": properties,
        });
        out.write_all(if count == 0 { b"\n" } else { b",\n" })?;
        out.write_all(feature.to_string().as_bytes())?;
        count += 1;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()?;
    Ok(count)
}

fn value(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => Value::from(&**text),
        Cell::Number(number) => Value::from(*number),
        Cell::Count(count) => Value::from(*count),
    }
}
