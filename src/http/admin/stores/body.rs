//! A store out of JSON: its fields become the cells of a row, so that the sheet's checks and words are the only ones.

use serde_json::{Map, Value, json};

use crate::app::read_store;
use crate::catalog::{Cells, Column, Problem, code};
use crate::geo::Datum;
use crate::http::problem;
use crate::id::StoreId;
use crate::store::{OpeningHours, Store, Zone};
use crate::time::Timestamp;

/// Fields that are one text, and their columns.
const TEXTS: [(&str, Column); 11] = [
    ("id", Column::Id),
    ("name", Column::Name),
    ("address", Column::Address),
    ("province", Column::Province),
    ("city", Column::City),
    ("district", Column::District),
    ("datum", Column::Datum),
    ("status", Column::Status),
    ("hours", Column::Hours),
    ("closures", Column::Closures),
    ("time_zone", Column::Timezone),
];
/// Fields that are a number, and their columns.
const NUMBERS: [(&str, Column); 2] = [("lat", Column::Lat), ("lng", Column::Lng)];
/// So near a position is the same one, in degrees: 0.1 mm, less than converting there and back moves it.
const SAME_DEGREES: f64 = 1e-9;

/// The fields of a body.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, problem::Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(problem::Problem::not_json("The body is JSON, but not an object.")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(problem::Problem::not_json(format!("The body is no JSON at line {line}, column {column}.")))
        }
    }
}

/// The store that a body describes. In a path the id need not be repeated, and must not be another.
pub(super) fn store(
    fields: &Map<String, Value>,
    id: Option<&StoreId>,
    zone: &Zone,
    now: Timestamp,
) -> Result<Store, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut texts: Vec<(Column, String)> = Vec::new();
    let mut extras: Vec<(String, String)> = Vec::new();
    for (name, value) in fields.iter().filter(|(_, it)| !it.is_null()) {
        match (name.as_str(), value) {
            (name, Value::String(text)) if column(&TEXTS, name).is_some() => {
                texts.extend(column(&TEXTS, name).map(|it| (it, text.clone())));
            }
            (name, Value::Number(number)) if column(&NUMBERS, name).is_some() => {
                texts.extend(column(&NUMBERS, name).map(|it| (it, number.to_string())));
            }
            ("tags", Value::Array(tags)) if tags.iter().all(Value::is_string) => {
                let tags: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
                texts.push((Column::Tags, tags.join(";")));
            }
            ("extra", Value::Object(extra)) if extra.values().all(|it| it.is_string() || it.is_null()) => {
                let texts = extra.iter().filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())));
                extras.extend(texts);
            }
            (known, _) if is_field(known) => {
                let what = format!("{known} has the wrong type; see the description of this call");
                problems.push(Problem::new("wrong_type", what).in_column(known.to_owned(), ""));
            }
            (other, _) => {
                let what = "there is no such field; columns without a meaning belong into extra";
                problems.push(Problem::new("unknown_field", what).in_column(other.to_owned(), ""));
            }
        }
    }
    if let Some(id) = id {
        if let Some((_, other)) =
            texts.iter().find(|(column, text)| *column == Column::Id && text.trim() != id.as_str())
        {
            let what = format!("the address names store {id}; a store keeps its id");
            problems.push(Problem::new("id_differs", what).in_column("id", other));
        }
        texts.retain(|(column, _)| *column != Column::Id);
        texts.push((Column::Id, id.to_string()));
    }
    let mut cells = Cells::default();
    for (column, text) in &texts {
        cells.put(*column, text);
    }
    cells.extras = extras.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let store = match read_store(&cells, zone, now) {
        Ok(store) => Some(store),
        Err(found) => {
            // A field of the wrong type is not also missing.
            let fresh = |it: &Problem| problems.iter().all(|known: &Problem| known.column != it.column);
            let found: Vec<Problem> = found.into_iter().filter(fresh).collect();
            problems.extend(found);
            None
        }
    };
    store.filter(|_| problems.is_empty()).ok_or(problems)
}

fn column(of: &[(&str, Column)], name: &str) -> Option<Column> {
    of.iter().find(|(it, _)| *it == name).map(|(_, column)| *column)
}

fn is_field(name: &str) -> bool {
    column(&TEXTS, name).or(column(&NUMBERS, name)).is_some() || matches!(name, "tags" | "extra")
}

/// A store with a merge patch applied (RFC 7396): fields that are null are emptied, those of `extra` likewise.
pub(super) fn merged(store: &Store, patch: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Problem>> {
    let place: Vec<&str> = ["lat", "lng", "datum"].into_iter().filter(|it| patch.contains_key(*it)).collect();
    if !place.is_empty() && place.len() < 3 {
        // Half a position in one datum and half in another is no position.
        let missing = ["lat", "lng", "datum"].into_iter().filter(|it| !place.contains(it));
        let problem = |it: &str| {
            let word = if it == "datum" { code::DATUM_MISSING } else { code::MISSING };
            Problem::new(word, "lat, lng and datum are changed together").in_column(it.to_owned(), "")
        };
        return Err(missing.map(problem).collect());
    }
    let mut fields = fields(store);
    for (name, value) in patch {
        match (name.as_str(), value, fields.get_mut(name)) {
            ("extra", Value::Object(patch), Some(Value::Object(extra))) => {
                for (name, text) in patch {
                    if text.is_null() {
                        extra.remove(name);
                    } else {
                        extra.insert(name.clone(), text.clone());
                    }
                }
            }
            (_, Value::Null, _) => {
                fields.remove(name);
            }
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(fields)
}

/// A store as a client would give it.
fn fields(store: &Store) -> Map<String, Value> {
    let at = store.at.position();
    let fields = json!({
        "id": store.id, "name": store.name, "address": store.address, "province": store.province, "city": store.city,
        "district": store.district, "lat": at.lat(), "lng": at.lon(), "datum": Datum::Wgs84,
        "status": store.status, "hours": store.hours.as_ref().map(OpeningHours::as_str),
        "closures": store.closures.to_string(), "time_zone": store.zone, "tags": store.tags, "extra": store.extra,
    });
    match fields {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The store as it is to be, with its position as it was typed before, if that is where it stays.
pub(super) fn where_it_was(before: &Store, after: Store) -> Store {
    let (was, is) = (before.at.position(), after.at.position());
    let same = (was.lat() - is.lat()).abs() < SAME_DEGREES && (was.lon() - is.lon()).abs() < SAME_DEGREES;
    if same && after.at.datum() == Datum::Wgs84 { Store { at: before.at, ..after } } else { after }
}
