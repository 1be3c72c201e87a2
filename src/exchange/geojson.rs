//! GeoJSON in (RFC 7946): a collection of points whose properties are the cells. Longitude comes first here and nowhere else.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use geojson::{Feature, GeometryValue};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::catalog::draft::read_row;
use crate::catalog::{Cells, Column, ColumnMap, Problem, SheetRules, StoreRow, code};
use crate::geo::Datum;

use super::{Listener, ROWS_MAX, ROWS_PER_PROGRESS, SheetSummary, length, too_many_rows};

/// Whole numbers above this lose digits where JSON is read (RFC 8259 section 6).
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads the features of a collection, one at a time. The row of a feature is its place in the collection, from 1.
pub(super) fn read(
    text: &str,
    rules: &SheetRules<'_>,
    listener: &mut Listener<'_>,
) -> Result<SheetSummary, Vec<Problem>> {
    // RFC 7946 section 4: coordinates are WGS-84 unless the parties have agreed otherwise.
    let rules = SheetRules { datum: rules.datum.or(Some(Datum::Wgs84)), ..rules.clone() };
    let total = length(text);
    let done = Cell::new(0);
    let mut reader = Points { rules: &rules, listener, done: &done, total, rows: 0, map: None };
    let mut json = serde_json::Deserializer::from_reader(Counted { rest: text.as_bytes(), done: &done });
    let collection = Collection(&mut reader).deserialize(&mut json).and_then(|kind| json.end().map(|()| kind));
    let rows = reader.rows;
    if rows > ROWS_MAX {
        return Err(vec![too_many_rows()]);
    }
    match collection {
        Ok(()) => {}
        Err(error) => {
            return Err(vec![Problem::new(
                code::GEOJSON_UNREADABLE,
                format!("this is no GeoJSON collection of points: {error}"),
            )]);
        }
    }
    (listener.progress)(total, total);
    Ok(SheetSummary { rows, ..SheetSummary::default() })
}

/// Bytes that count how many have been read.
struct Counted<'a> {
    rest: &'a [u8],
    done: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.rest.read(buffer)?;
        self.done.set(self.done.get() + u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

/// The top object, whose features are read while it is parsed, so that only one is in memory.
struct Collection<'r, 'a, 'l>(&'r mut Points<'a, 'l>);

impl<'de> DeserializeSeed<'de> for Collection<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collection<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut kind, mut has_features) = (None, false);
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "type" => kind = Some(members.next_value::<Value>()?),
                "features" => {
                    has_features = true;
                    members.next_value_seed(Features(&mut *self.0))?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        match kind {
            Some(Value::String(kind)) if kind == "FeatureCollection" && has_features => Ok(()),
            _ => Err(A::Error::custom("its type is not FeatureCollection, or it has no features")),
        }
    }
}

struct Features<'r, 'a, 'l>(&'r mut Points<'a, 'l>);

impl<'de> DeserializeSeed<'de> for Features<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut features: A) -> Result<(), A::Error> {
        while let Some(feature) = features.next_element::<Value>()? {
            self.0.take(feature);
            if self.0.rows > ROWS_MAX {
                return Err(A::Error::custom("too many features"));
            }
        }
        Ok(())
    }
}

/// Turns features into rows.
struct Points<'a, 'l> {
    rules: &'a SheetRules<'a>,
    listener: &'a mut Listener<'l>,
    done: &'a Cell<u64>,
    total: u64,
    rows: u64,
    /// The names of the last feature's properties and their meaning; most often the next feature has the same.
    map: Option<(Vec<String>, ColumnMap, Vec<Problem>)>,
}

impl Points<'_, '_> {
    fn take(&mut self, feature: Value) {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return;
        }
        let mut warnings = Vec::new();
        let row = self.read(feature, &mut warnings);
        (self.listener.each)(row, warnings);
        if self.rows.is_multiple_of(ROWS_PER_PROGRESS) {
            (self.listener.progress)(self.done.get(), self.total);
        }
    }

    fn read(&mut self, feature: Value, warnings: &mut Vec<Problem>) -> Result<StoreRow, Vec<Problem>> {
        let row = self.rows;
        let refuse = |code, message: String| vec![Problem::new(code, message).in_row(row)];
        let feature: Feature = serde_json::from_value(feature)
            .map_err(|error| refuse(code::GEOJSON_UNREADABLE, format!("this feature is broken: {error}")))?;
        let geometry = feature
            .geometry
            .ok_or_else(|| refuse(code::NO_GEOMETRY, "this feature has no place on the map".to_owned()))?;
        let GeometryValue::Point { coordinates } = &geometry.value else {
            return Err(refuse(code::NOT_A_POINT, format!("a store is a Point, not a {}", geometry.value.type_name())));
        };
        let [lng, lat, ..] = coordinates.as_slice() else {
            return Err(refuse(code::NO_GEOMETRY, "this point has less than two coordinates".to_owned()));
        };
        let (lng, lat) = (lng.to_string(), lat.to_string());
        let mut problems = Vec::new();
        let properties = feature.properties.unwrap_or_default();
        let texts: Vec<String> =
            properties.iter().map(|(name, value)| text_of(name, value, row, &mut problems)).collect();
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        let own_id = feature.id.map(|id| match id {
            geojson::feature::Id::String(text) => text,
            geojson::feature::Id::Number(number) => number.to_string(),
        });

        let (map, map_problems) = meaning_of(&mut self.map, &names, self.rules);
        problems.extend(map_problems.iter().cloned().map(|it| it.in_row(row)));
        let cell = |place: usize| texts.get(place).map_or("", String::as_str);
        let mut cells = Cells::default();
        for (column, place) in map.known() {
            cells.put(column, cell(place));
        }
        cells.extras = map.extras().iter().map(|(place, name)| (&**name, cell(*place))).collect();
        if cells.get(Column::Id).is_empty() {
            cells.put(Column::Id, own_id.as_deref().unwrap_or_default());
        }
        // The geometry says where; properties that say it again may mean another datum.
        for (column, degrees) in
            [(Column::Lat, lat.as_str()), (Column::Lng, lng.as_str()), (Column::LngLat, ""), (Column::LatLng, "")]
        {
            cells.put(column, degrees);
        }
        match read_row(row, &cells, self.rules, warnings) {
            Ok(row) if problems.is_empty() => Ok(row),
            Ok(_) => Err(problems),
            Err(more) => Err(problems.into_iter().chain(more).collect()),
        }
    }
}

fn meaning_of<'m>(
    known: &'m mut Option<(Vec<String>, ColumnMap, Vec<Problem>)>,
    names: &[&str],
    rules: &SheetRules<'_>,
) -> (&'m ColumnMap, &'m [Problem]) {
    if known.as_ref().is_some_and(|(last, _, _)| last.iter().map(String::as_str).ne(names.iter().copied())) {
        *known = None;
    }
    let (_, map, problems) = known.get_or_insert_with(|| {
        let mut problems = Vec::new();
        let map = ColumnMap::of_headers(names, &rules.mapping, &mut problems);
        // A feature may leave a property out; if it is a required one the row says so.
        problems.retain(|it| it.code != code::MAPPED_COLUMN_MISSING);
        (names.iter().map(|it| (*it).to_owned()).collect(), map, problems)
    });
    (map, problems)
}

/// A property as the cell of a sheet: lists of texts are joined by `;` as tags are, other structures stay JSON.
pub(super) fn text_of(name: &str, value: &Value, row: u64, problems: &mut Vec<Problem>) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            if number.is_f64() && number.as_f64().is_some_and(|it| it.abs() >= WHOLE_MAX) {
                let message = "a number this long loses digits in JSON; write it as a text, in quotation marks";
                problems.push(
                    Problem::new(code::ID_ROUNDED, message).in_row(row).in_column(name.to_owned(), &number.to_string()),
                );
            }
            number.to_string()
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";")
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
