//! JSON objects of changes, read field by field: every field that is wrong is named, and so is every one that does not exist.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::http::problem::{FieldError, Problem};
use crate::time::Timestamp;

/// An object, and what is wrong with it so far.
pub(super) struct Fields {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Ok(Self::of(object(bytes)?))
    }

    pub(super) fn of(fields: Map<String, Value>) -> Self {
        Self { fields, errors: Vec::new() }
    }

    pub(super) fn fail<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(FieldError { field: field.into(), code, message: message.into() });
        None
    }

    /// A field that is there, null included.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field)
    }

    /// A text that is there and not empty, without white space around it.
    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        match self.take(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()).filter(|it| !it.is_empty()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fail(field, "not_a_text", "is not a text")
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, field: &'static str) -> Option<String> {
        let before = self.errors.len();
        let text = self.text(field);
        if text.is_none() && self.errors.len() == before {
            return self.fail(field, "missing", "is required");
        }
        text
    }

    /// A whole number in a range.
    pub(super) fn whole(&mut self, field: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(field).filter(|it| !it.is_null())?;
        let number = value.as_i64().filter(|it| range.contains(it));
        let message = format!("is not a whole number from {} to {}", range.start(), range.end());
        number.or_else(|| self.fail(field, "out_of_range", message))
    }

    /// A moment, RFC 3339.
    pub(super) fn moment(&mut self, field: &'static str) -> Option<Timestamp> {
        let text = self.text(field)?;
        let moment = Timestamp::parse_rfc3339(&text);
        moment.or_else(|| self.fail(field, "invalid_time", "is not a time such as 2026-12-01T00:00:00+08:00"))
    }

    /// An object that is read as a whole; the reading says what is wrong with it, as the end of a sentence.
    pub(super) fn object<W: serde::de::DeserializeOwned, T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(W) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(field).filter(|it| !it.is_null())?;
        let read = serde_json::from_value(value).map_err(|error| format!("is not right: {error}")).and_then(read);
        read.map_err(|message| self.fail::<()>(field, "invalid", message)).ok()
    }

    /// Ends the reading: what was made of the fields, or everything that is wrong with them.
    pub(super) fn finish<T>(mut self, made: Option<T>) -> Result<T, Problem> {
        let unknown: Vec<String> = self.fields.keys().take(20).cloned().collect();
        for field in unknown {
            self.fail::<()>(field, "unknown_field", "is no field of this");
        }
        match made {
            Some(made) if self.errors.is_empty() => Ok(made),
            _ => Err(Problem::fields(self.errors)),
        }
    }
}

/// A body as a JSON object.
///
/// # Errors
/// If it is none.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Problem::not_json("The body is JSON, but not an object.")),
        Err(error) => {
            Err(Problem::not_json(format!("The body is no JSON at line {}, column {}.", error.line(), error.column())))
        }
    }
}

/// An object with the fields of another laid over it (RFC 7396), one level deep but for objects within.
pub(super) fn patched(mut base: Map<String, Value>, patch: Map<String, Value>) -> Map<String, Value> {
    for (field, value) in patch {
        match (base.get_mut(&field), value) {
            (Some(Value::Object(inner)), Value::Object(changes)) => {
                *inner = patched(std::mem::take(inner), changes);
            }
            (_, Value::Null) => {
                base.remove(&field);
            }
            (_, value) => {
                base.insert(field, value);
            }
        }
    }
    base
}
