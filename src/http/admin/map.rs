//! `GET /api/v1/admin/map`: what a map shows in a frame. Degrees stand in two lists side by side, so that nobody mistakes one for
//! the other, and few bytes are spent.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::table::{Endpoint, Param};
use crate::app::{Dot, MapView, Outline, view_map};
use crate::geo::polygon::{Frame, Vertex};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::region::Level;
use crate::staff::Role;

/// The nearest zoom that is drawn.
const ZOOM_MAX: usize = 22;
/// Digits behind the point: a metre.
const DIGITS: f64 = 1e5;

const PARAMS: &[Param] = &[
    Param { name: "bbox", about: "The frame: west, south, east, north in degrees of WGS-84, parted by commas." },
    Param { name: "zoom", about: "The zoom of a Web Mercator map, 0 to 22; default: 4." },
];

/// A closed line, its degrees side by side.
#[derive(Serialize, JsonSchema)]
struct WireRing {
    /// Latitudes.
    lats: Vec<f64>,
    /// Longitudes.
    lngs: Vec<f64>,
}

/// The outline of a region or of a service area.
#[derive(Serialize, JsonSchema)]
struct WireShape<'a> {
    /// The region's code, or the store's id.
    id: &'a str,
    /// Its name.
    name: &'a str,
    /// `province`, `city`, `district`, `area` or `service`.
    kind: &'static str,
    /// What an odd number of rings holds is inside.
    rings: Vec<WireRing>,
}

/// A store, or several that stand near each other.
#[derive(Serialize, JsonSchema)]
struct WireDot<'a> {
    /// The store's id; none for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// The store's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Degrees of WGS-84.
    lat: f64,
    /// Degrees of WGS-84.
    lng: f64,
    /// The store's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// How many stores this stands for.
    count: u32,
}

/// What is in the frame.
#[derive(Serialize, JsonSchema)]
struct MapAnswer<'a> {
    /// Of which version of the catalog.
    catalog_version: u64,
    /// Outlines, wide ones first.
    shapes: Vec<WireShape<'a>>,
    /// Stores, counted where they are more than 2,000.
    stores: Vec<WireDot<'a>>,
    /// How many stores the frame holds.
    total: usize,
}

/// `GET /api/v1/admin/map`.
pub(super) fn endpoint() -> Endpoint {
    let about = "Regions, service areas and stores in a frame of the map";
    Endpoint::new(Method::GET, "/api/v1/admin/map", Some(Role::Viewer), about, show)
        .params(PARAMS)
        .answers::<MapAnswer<'static>>()
}

async fn show(web: Data<Web>, _staff: Staff, request: actix_web::HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let zoom = query.count("zoom", 4, 0..=ZOOM_MAX);
    let frame = frame(&mut query);
    query.finish()?;
    let (Some(frame), Ok(zoom)) = (frame, u8::try_from(zoom)) else {
        return Err(Problem::nothing_here("The frame is empty."));
    };
    let catalog = web.app.catalog();
    let body = web::block(move || {
        let MapView { outlines, dots, total } = view_map(&catalog, &frame, zoom);
        let shapes = outlines.iter().map(shape).collect();
        let stores = dots.iter().map(dot).collect();
        serde_json::to_vec(&MapAnswer { catalog_version: catalog.version(), shapes, stores, total })
    });
    let body = body.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).content_type("application/json").body(body))
}

/// The frame that a query names; the whole Earth if it names none.
pub(super) fn frame(query: &mut Query<'_>) -> Option<Frame> {
    let text = query.text("bbox").unwrap_or("-180,-85,180,85").to_owned();
    let numbers: Vec<f64> = text.split(',').filter_map(|it| it.trim().parse().ok()).collect();
    match numbers.as_slice() {
        &[west, south, east, north]
            if [west, east].iter().all(|it| (-180.0..=180.0).contains(it))
                && (-90.0..=90.0).contains(&south)
                && (south..=90.0).contains(&north) =>
        {
            return Some(Frame { south, west, north, east });
        }
        _ => query.fail("bbox", "invalid_frame", "is not west,south,east,north in degrees"),
    }
    None
}

fn short(degrees: f64) -> f64 {
    (degrees * DIGITS).round() / DIGITS
}

fn ring(vertices: &[Vertex]) -> WireRing {
    let lats = vertices.iter().map(|it| short(it.lat)).collect();
    WireRing { lats, lngs: vertices.iter().map(|it| short(it.lon)).collect() }
}

fn shape<'a>(it: &Outline<'a>) -> WireShape<'a> {
    let kind = it.level.map_or("service", Level::as_str);
    WireShape { id: it.id, name: it.name, kind, rings: it.rings.iter().map(|it| ring(it)).collect() }
}

fn dot<'a>(it: &Dot<'a>) -> WireDot<'a> {
    match it {
        Dot::Store(it) => {
            let at = it.at.position();
            let status = Some(it.status.as_str());
            WireDot { id: Some(it.id.as_str()), name: Some(&it.name), lat: at.lat(), lng: at.lon(), status, count: 1 }
        }
        Dot::Many { at, count } => {
            WireDot { id: None, name: None, lat: short(at.lat), lng: short(at.lon), status: None, count: *count }
        }
    }
}
