//! The place of a row: latitude, longitude and datum. Whether it is a likely one is asked in `suspicion`.

use crate::catalog::plain::{folded, trimmed};
use crate::catalog::{Column, code};
use crate::geo::{Datum, PositionError};
use crate::store::Located;

use super::{Draft, NUMBER_CHARS_MAX};

impl Draft<'_> {
    /// Where the store is, if datum and numbers can be read.
    pub(super) fn place(&mut self) -> Option<Located> {
        let datum = self.datum();
        let (lat, lng) = self.degrees();
        self.check_ranges(lat, lng);
        // What is out of range has been told.
        Located::from_datum(lat?, lng?, datum?).ok()
    }

    /// Tells what is no latitude and no longitude, whatever else is missing.
    fn check_ranges(&mut self, lat: Option<f64>, lng: Option<f64>) {
        let is_lat = |it: f64| (-90.0..=90.0).contains(&it);
        let is_lng = |it: f64| (-180.0..=180.0).contains(&it);
        if let Some(lat) = lat.filter(|it| !is_lat(*it)) {
            let mut message = PositionError::Latitude(lat).to_string();
            if is_lng(lat) && lng.is_some_and(is_lat) {
                message.push_str("; are latitude and longitude exchanged?");
            }
            self.problem(self.column_of(Column::Lat), code::OUT_OF_RANGE, message);
        }
        if let Some(lng) = lng.filter(|it| !is_lng(*it)) {
            let message = PositionError::Longitude(lng).to_string();
            self.problem(self.column_of(Column::Lng), code::OUT_OF_RANGE, message);
        }
    }

    /// The column that a latitude or longitude was read from: its own, or one that holds both.
    fn column_of(&self, single: Column) -> Column {
        let has = |it: Column| !trimmed(self.cells.get(it)).is_empty();
        [single, Column::LngLat, Column::LatLng].into_iter().find(|it| has(*it)).unwrap_or(single)
    }

    /// Latitude and longitude in degrees, as far as they can be read.
    fn degrees(&mut self) -> (Option<f64>, Option<f64>) {
        let both = self.column_of(Column::Lat);
        if both == Column::Lat || !trimmed(self.cells.get(Column::Lng)).is_empty() {
            return (self.number(Column::Lat), self.number(Column::Lng));
        }
        let text = folded(self.cells.get(both)).into_owned();
        let parts: Vec<&str> = trimmed(&text)
            .trim_matches(['(', ')', '[', ']'])
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '、'))
            .filter(|it| !it.is_empty())
            .collect();
        let [first, second] = parts.as_slice() else {
            self.problem(both, code::NOT_A_NUMBER, "two numbers are needed, such as 121.4737,31.2304");
            return (None, None);
        };
        let (first, second) = (self.read_number(both, first), self.read_number(both, second));
        if both == Column::LngLat { (second, first) } else { (first, second) }
    }

    fn number(&mut self, column: Column) -> Option<f64> {
        let text = folded(self.cells.get(column));
        let text = trimmed(&text);
        if text.is_empty() {
            self.problem(
                column,
                code::MISSING,
                format!("a store needs a {}", if column == Column::Lat { "latitude" } else { "longitude" }),
            );
            return None;
        }
        self.read_number(column, text)
    }

    fn read_number(&mut self, column: Column, text: &str) -> Option<f64> {
        let text = text.replace('−', "-");
        let is_plain =
            text.len() <= NUMBER_CHARS_MAX && text.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
        let number = if is_plain { text.parse::<f64>().ok() } else { None };
        if let Some(number) = number.filter(|it| it.is_finite()) {
            return Some(number);
        }
        let hint = if number.is_some() {
            "the number is too large"
        } else if text.contains(['°', '\'', '′', '"', '″', '度']) || text.contains(['N', 'S', 'E', 'W', 'n', 's', 'w'])
        {
            "write decimal degrees without signs or letters, such as 31.2304"
        } else if text.contains(',') {
            "write a point before the decimals, not a comma, such as 31.2304"
        } else {
            "a number in decimal degrees is needed, such as 31.2304"
        };
        self.problem(column, code::NOT_A_NUMBER, hint);
        None
    }

    fn datum(&mut self) -> Option<Datum> {
        let text = folded(self.cells.get(Column::Datum));
        let text = trimmed(&text);
        if text.is_empty() {
            if self.rules.datum.is_none() {
                let message = "neither the row nor the import names a datum (wgs84, gcj02, bd09); guessing costs half a kilometre";
                self.problem(Column::Datum, code::DATUM_MISSING, message);
            }
            return self.rules.datum;
        }
        let datum = Datum::parse(text);
        if datum.is_none() {
            self.problem(Column::Datum, code::DATUM_UNKNOWN, "a datum is wgs84, gcj02 (高德, 腾讯) or bd09 (百度)");
        }
        datum
    }
}
