//! One feature of a GeoJSON collection as it stands in the file; not whether it is a region.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::geo::polygon::Vertex;

#[derive(Deserialize)]
pub(super) struct Feature {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) properties: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) geometry: Option<Geometry>,
}

#[derive(Deserialize)]
pub(super) struct Geometry {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) coordinates: Value,
}

/// The properties of a feature.
pub(super) struct Properties(pub(super) Map<String, Value>);

impl Properties {
    /// A text or whole number, if it is there and not blank.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        plain_text(self.0.get(name)?)
    }
}

pub(super) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|it| !it.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The rings of a Polygon or `MultiPolygon`, or what is broken about them; none for other kinds of geometry.
pub(super) fn polygons(geometry: &Geometry) -> Option<Result<Vec<Vec<Vec<Vertex>>>, &'static str>> {
    match geometry.kind.as_str() {
        "Polygon" => Some(polygon_of(&geometry.coordinates).map(|it| vec![it])),
        "MultiPolygon" => Some(list(&geometry.coordinates).and_then(|it| it.iter().map(polygon_of).collect())),
        _ => None,
    }
}

fn list(value: &Value) -> Result<&[Value], &'static str> {
    value.as_array().map(Vec::as_slice).ok_or("a list is missing")
}

fn polygon_of(value: &Value) -> Result<Vec<Vec<Vertex>>, &'static str> {
    list(value)?.iter().map(|ring| list(ring)?.iter().map(vertex_of).collect()).collect()
}

fn vertex_of(value: &Value) -> Result<Vertex, &'static str> {
    let [lon, lat, ..] = list(value)? else {
        return Err("a position has fewer than two numbers");
    };
    let number = |it: &Value| it.as_f64().ok_or("a position holds something that is no number");
    Ok(Vertex { lat: number(lat)?, lon: number(lon)? })
}
