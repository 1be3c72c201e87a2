//! Query strings and JSON bodies read field by field, so that every field that is wrong is named.

use std::borrow::Cow;

use serde_json::Value;

use super::problem::{FieldError, Problem};
use crate::geo::{Datum, Position, PositionError};
use crate::id::{CampaignSlug, IdError};

/// The longest query string that is read, in bytes.
const QUERY_BYTES_MAX: usize = 4_096;

/// A query string, and what is wrong with it so far.
pub(super) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<FieldError>,
}

/// Parts a text at the first such byte. For texts as short as these a plain loop is quicker than a search of many bytes at a time.
fn part_at(text: &str, byte: u8) -> (&str, &str) {
    let end = text.bytes().position(|it| it == byte).unwrap_or(text.len());
    let (before, after) = text.split_at(end);
    (before, after.get(1..).unwrap_or_default())
}

impl<'a> Query<'a> {
    pub(super) fn parse(whole: &'a str) -> Result<Self, Problem> {
        if whole.len() > QUERY_BYTES_MAX {
            let message = format!("may hold at most {QUERY_BYTES_MAX} bytes");
            return Err(Problem::fields(vec![FieldError { field: "query".into(), code: "too_long", message }]));
        }
        let mut pairs = Vec::with_capacity(6);
        let mut rest = whole;
        while !rest.is_empty() {
            let (part, after) = part_at(rest, b'&');
            rest = after;
            if part.bytes().any(|it| matches!(it, b'%' | b'+')) {
                pairs.extend(form_urlencoded::parse(part.as_bytes()));
            } else {
                let (name, value) = part_at(part, b'=');
                pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
        }
        Ok(Self { pairs, errors: Vec::new() })
    }

    /// A value that is there and not empty; the last one counts.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(it, _)| it == name).map(|(_, value)| &**value).filter(|it| !it.is_empty())
    }

    pub(super) fn fail(&mut self, field: &'static str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.into(), code, message: message.into() });
    }

    pub(super) fn fail_with(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    pub(super) fn wrong(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    fn number(&mut self, field: &'static str) -> Option<f64> {
        let Some(text) = self.text(field) else {
            self.fail(field, "missing", "is required, in degrees");
            return None;
        };
        match text.trim().parse::<f64>() {
            Ok(number) => Some(number),
            Err(_cause) => {
                self.fail(field, "not_a_number", "is not a number of degrees");
                None
            }
        }
    }

    /// `lat`, `lng` and `datum`, each checked.
    pub(super) fn position(&mut self) -> Option<Position> {
        let (lat, lng) = (self.number("lat"), self.number("lng"));
        let datum = match self.text("datum").map(Datum::parse) {
            None => Some(Datum::Wgs84),
            Some(Some(datum)) => Some(datum),
            Some(None) => {
                self.fail("datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
                None
            }
        };
        position_of(&PositionFields { lat: "lat", lng: "lng" }, (lat, lng), datum, &mut self.errors)
    }

    /// `true` or `false` (also `1` or `0`); false where it is missing. Another word is wrong: a call that was to change nothing must
    /// not change something because of it.
    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        match self.text(field) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                self.fail(field, "not_a_flag", "is neither true nor false");
                false
            }
        }
    }

    /// A whole number in a range, or its default.
    pub(super) fn count(
        &mut self,
        field: &'static str,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> usize {
        let Some(text) = self.text(field) else {
            return default;
        };
        if let Some(number) = text.parse().ok().filter(|it| range.contains(it)) {
            return number;
        }
        let message = format!("is not a whole number from {} to {}", range.start(), range.end());
        self.fail(field, "out_of_range", message);
        default
    }

    pub(super) fn campaign(&mut self) -> CampaignSlug {
        let parsed = self.text("campaign").map(CampaignSlug::parse);
        match parsed {
            None => CampaignSlug::default_slug(),
            Some(Ok(slug)) => slug,
            Some(Err(error)) => {
                self.errors.push(bad_id("campaign", &error));
                CampaignSlug::default_slug()
            }
        }
    }

    /// Ends the reading: everything that was wrong, or nothing.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }
}

/// The error of an id that is none.
pub(super) fn bad_id(field: &'static str, error: &IdError) -> FieldError {
    FieldError { field: field.into(), code: "invalid_id", message: error.to_string() }
}

/// The names of the fields of a position.
pub(super) struct PositionFields {
    pub(super) lat: &'static str,
    pub(super) lng: &'static str,
}

/// A position, or the errors that name its fields; what is missing has been named before.
pub(super) fn position_of(
    fields: &PositionFields,
    (lat, lng): (Option<f64>, Option<f64>),
    datum: Option<Datum>,
    errors: &mut Vec<FieldError>,
) -> Option<Position> {
    let mut in_range = |field: &'static str, number: Option<f64>, limit: f64| {
        let found = number.filter(|it| (-limit..=limit).contains(it));
        if number.is_some() && found.is_none() {
            let message = format!("is not between -{limit} and {limit} degrees");
            errors.push(FieldError { field: field.into(), code: "out_of_range", message });
        }
        found
    };
    let (lat, lng) = (in_range(fields.lat, lat, 90.0), in_range(fields.lng, lng, 180.0));
    match Position::from_datum(lat?, lng?, datum?) {
        Ok(position) => Some(position),
        Err(error) => {
            let field = if matches!(error, PositionError::Latitude(_)) { fields.lat } else { fields.lng };
            errors.push(FieldError { field: field.into(), code: "out_of_range", message: error.to_string() });
            None
        }
    }
}

/// A JSON object, and what is wrong with it so far.
pub(super) struct Body {
    fields: serde_json::Map<String, Value>,
    pub(super) errors: Vec<FieldError>,
}

impl Body {
    /// An empty body is an empty object: everything is optional.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { fields: serde_json::Map::new(), errors: Vec::new() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_cause| Problem::not_json("The body is not UTF-8."))?;
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { fields, errors: Vec::new() }),
            Ok(_) => Err(Problem::not_json("The body is JSON, but not an object.")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Problem::not_json(format!("The body is no JSON at line {line}, column {column}.")))
            }
        }
    }

    pub(super) fn fail(&mut self, field: &'static str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.into(), code, message: message.into() });
    }

    /// A field that is there and not null.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|it| !it.is_null())
    }

    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text).filter(|it| !it.is_empty()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fail(field, "not_a_string", "is not a string");
                None
            }
        }
    }

    /// A number of an inner object, under its full name.
    pub(super) fn number(
        &mut self,
        inner: &serde_json::Map<String, Value>,
        key: &str,
        field: &'static str,
    ) -> Option<f64> {
        match inner.get(key) {
            Some(Value::Number(number)) => number.as_f64(),
            None | Some(Value::Null) => {
                self.fail(field, "missing", "is required");
                None
            }
            Some(_) => {
                self.fail(field, "not_a_number", "is not a number");
                None
            }
        }
    }
}
