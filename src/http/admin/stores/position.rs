//! `POST /api/v1/admin/positions/parse`: a place as people paste it, in WGS-84.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::gate::Staff;
use super::super::table::Endpoint;
use crate::exchange::place::{PlaceTextError, read_place};
use crate::geo::Datum;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Body;
use crate::staff::Role;

/// What was pasted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the body is read field by field; this describes it")]
struct PositionInput {
    /// Numbers, degrees with minutes and seconds, or a link of a map site.
    text: String,
    /// What bare numbers are in: `wgs84`, `gcj02` or `bd09`. Links know their own.
    datum: Option<String>,
}

/// A place that was read.
#[derive(Serialize, JsonSchema)]
struct PositionAnswer {
    /// Degrees north, WGS-84.
    lat: f64,
    /// Degrees east, WGS-84.
    lng: f64,
    /// `wgs84`, always.
    datum: &'static str,
    /// What the text was: `numbers`, `dms`, `geo`, `amap`, `baidu`, `tencent`, `google`, `apple` or `osm`.
    recognised: &'static str,
    /// The datum that the text is in.
    given_datum: &'static str,
    /// `lng_first`, `order_assumed` or `datum_assumed`, where that had to be decided.
    notes: Vec<&'static str>,
}

/// `POST /api/v1/admin/positions/parse`.
pub(super) fn endpoint() -> Endpoint {
    let about = "Reads a pasted place: numbers of any datum, or a link of a map site";
    Endpoint::new(Method::POST, "/api/v1/admin/positions/parse", Some(Role::Viewer), about, parse)
        .takes::<PositionInput>()
        .answers::<PositionAnswer>()
}

async fn parse(_staff: Staff, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let mut body = Body::parse(&bytes)?;
    let text = body.text("text").unwrap_or_default();
    let datum = body.text("datum");
    let datum = datum.map(|it| {
        Datum::parse(&it).or_else(|| {
            body.fail("datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
            None
        })
    });
    if !body.errors.is_empty() {
        return Err(Problem::fields(body.errors));
    }
    let read = read_place(&text, datum.flatten()).map_err(|error| {
        let field = if error == PlaceTextError::DatumMissing { "datum" } else { "text" };
        Problem::fields(vec![FieldError { field: field.into(), code: error.code(), message: error.to_string() }])
    })?;
    let at = read.at.position();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(PositionAnswer {
        lat: at.lat(),
        lng: at.lon(),
        datum: "wgs84",
        recognised: read.recognised,
        given_datum: read.at.datum().as_str(),
        notes: read.notes.iter().map(|it| it.as_str()).collect(),
    }))
}
