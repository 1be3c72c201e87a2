//! Who would be routed where, on the map: `GET` and `POST /api/v1/admin/catchment`, and the page `/admin/catchment`.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::Staff;
use super::json_of;
use super::map::frame;
use super::shell::{Shell, page_with};
use super::table::{Endpoint, Param};
use crate::app::{
    Against, AppError, CHANGES_MAX, Catchment, CatchmentAsk, CatchmentError, DraftChange, Outlines, Overlap,
    SIZE_DEFAULT, SIZE_MAX, SIZE_MIN, Shift,
};
use crate::catalog::Catalog;
use crate::geo::Datum;
use crate::http::Web;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::settings::MapTiles;
use crate::id::StoreId;
use crate::staff::Role;
use crate::store::{Located, StoreStatus};

/// The largest draft, in bytes.
const DRAFT_BYTES_MAX: usize = 64 * 1024;
/// The longest name of a store that is thought of, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Cities in the list to choose from.
const CITIES_MAX: usize = 300;
/// Digits behind the point: a metre.
const DIGITS: f64 = 1e5;

const BBOX: Param =
    Param { name: "bbox", about: "The frame: west, south, east, north in degrees of WGS-84, parted by commas." };
const SIZE: Param = Param { name: "size", about: "Points along the longer side, 8 to 160; default: 96." };
const CAMPAIGN: Param = Param { name: "campaign", about: "The campaign's short name; default: default." };
const PARAMS: &[Param] = &[
    BBOX,
    SIZE,
    CAMPAIGN,
    Param { name: "version", about: "An earlier version of the catalog, with which the live one is compared." },
];

pub(super) fn endpoints() -> [Endpoint; 3] {
    let viewer = Some(Role::Viewer);
    let path = "/api/v1/admin/catchment";
    [
        Endpoint::new(Method::GET, path, viewer, "Which store each point of a frame is routed to", read)
            .params(PARAMS)
            .answers::<CatchmentDocument>(),
        Endpoint::new(
            Method::POST,
            path,
            viewer,
            "The same with changes that nobody has published; changes nothing",
            compare,
        )
        .params(&[BBOX, SIZE, CAMPAIGN])
        .takes::<DraftBody>()
        .answers::<CatchmentDocument>()
        .body_bytes_max(DRAFT_BYTES_MAX),
        Endpoint::new(Method::GET, "/admin/catchment", viewer, "The page of catchments", show),
    ]
}

/// Changes to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DraftBody {
    /// At most fifty.
    changes: Vec<ChangeBody>,
}

/// A store that stands elsewhere (`store`, `lat`, `lng`), takes part or not (`store`, `status`), or is new (`name`, `lat`, `lng`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    store: Option<String>,
    name: Option<String>,
    /// `active`, `paused` or `closed`.
    status: Option<String>,
    lat: Option<f64>,
    lng: Option<f64>,
    /// Default: `wgs84`.
    datum: Option<String>,
}

/// A closed line, its degrees side by side.
#[derive(Serialize, JsonSchema)]
struct RingDocument {
    lats: Vec<f64>,
    lngs: Vec<f64>,
}

/// A store, and the points that are routed to it.
#[derive(Serialize, JsonSchema)]
struct CaughtDocument {
    id: String,
    name: String,
    lat: f64,
    lng: f64,
    cells: usize,
    /// 0 to 5; neighbours have different ones as far as they go.
    colour: usize,
    /// What an odd number of rings holds is inside.
    rings: Vec<RingDocument>,
}

/// Which store each point of a frame is routed to, and what a change would do.
#[derive(Serialize, JsonSchema)]
struct CatchmentDocument {
    catalog_version: u64,
    rows: usize,
    columns: usize,
    /// All points.
    cells: usize,
    /// Points out of every store's reach.
    holes: usize,
    holes_before: usize,
    /// The largest catchment first.
    stores: Vec<CaughtDocument>,
    /// Points that go from one store to another, by store.
    shifts: Vec<Shift>,
    changed_cells: usize,
    /// The outline of the points that change hands.
    changed: Vec<RingDocument>,
    /// Service areas that lie over each other.
    overlaps: Vec<Overlap>,
    /// The outline of the points in several service areas.
    overlapping: Vec<RingDocument>,
}

fn rings(outlines: Outlines) -> Vec<RingDocument> {
    let short = |degrees: f64| (degrees * DIGITS).round() / DIGITS;
    let ring = |it: Vec<crate::geo::polygon::Vertex>| RingDocument {
        lats: it.iter().map(|it| short(it.lat)).collect(),
        lngs: it.iter().map(|it| short(it.lon)).collect(),
    };
    outlines.into_iter().map(ring).collect()
}

impl CatchmentDocument {
    fn of(catalog_version: u64, it: Catchment) -> Self {
        let store = |it: crate::app::Caught| CaughtDocument {
            id: it.id,
            name: it.name,
            lat: it.lat,
            lng: it.lng,
            cells: it.cells,
            colour: it.colour,
            rings: rings(it.rings),
        };
        Self {
            catalog_version,
            rows: it.rows,
            columns: it.columns,
            cells: it.rows * it.columns,
            holes: it.holes,
            holes_before: it.holes_before,
            stores: it.stores.into_iter().map(store).collect(),
            shifts: it.shifts,
            changed_cells: it.changed_cells,
            changed: rings(it.changed),
            overlaps: it.overlaps,
            overlapping: rings(it.overlapping),
        }
    }
}

fn ask(query: &mut Query<'_>) -> Option<CatchmentAsk> {
    let size = query.count("size", SIZE_DEFAULT, SIZE_MIN..=SIZE_MAX);
    let campaign = query.campaign();
    let frame = frame(query)?;
    if frame.north - frame.south < 1e-6 || (frame.east - frame.west).abs() < 1e-6 {
        query.fail("bbox", "invalid_frame", "is empty");
    }
    Some(CatchmentAsk { frame, size, campaign })
}

async fn answer(web: &Web, ask: CatchmentAsk, against: Against) -> Result<HttpResponse, Problem> {
    let app = Arc::clone(&web.app);
    let version = app.catalog().version();
    let made = web::block(move || app.catchment(&ask, against)).await.map_err(|error| Problem::internal(&error))?;
    let made = made.map_err(|error| match error {
        CatchmentError::UnknownCampaign(slug) => AppError::UnknownCampaign(slug.to_string()).into(),
        CatchmentError::UnknownStore(id) => AppError::UnknownStore(id.to_string()).into(),
        CatchmentError::Invalid(problems) => Problem::rows(&problems),
        CatchmentError::Version(_) => Problem::nothing_here("There is no such version, or it cannot be read."),
    })?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(CatchmentDocument::of(version, made)))
}

async fn read(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let ask = ask(&mut query);
    let version = query.count("version", 0, 0..=usize::MAX);
    query.finish()?;
    let Some(ask) = ask else { return Err(Problem::fields(Vec::new())) };
    let against = match u64::try_from(version) {
        Ok(version) if version > 0 => Against::Version(version),
        _ => Against::Nothing,
    };
    answer(&web, ask, against).await
}

async fn compare(web: Data<Web>, _staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let ask = ask(&mut query);
    query.finish()?;
    let Some(ask) = ask else { return Err(Problem::fields(Vec::new())) };
    let draft: DraftBody = json_of(&request, &body)?;
    let mut errors = Vec::new();
    if draft.changes.len() > CHANGES_MAX {
        let message = format!("holds more than {CHANGES_MAX} changes");
        errors.push(FieldError { field: "changes".into(), code: "too_many", message });
    }
    let changes: Vec<DraftChange> =
        draft.changes.iter().enumerate().filter_map(|(place, it)| change(place, it, &mut errors)).collect();
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    answer(&web, ask, Against::Draft(changes)).await
}

/// A change, or what is wrong with it by field.
fn change(place: usize, body: &ChangeBody, errors: &mut Vec<FieldError>) -> Option<DraftChange> {
    let mut fail = |field: &str, code, message: &str| {
        let field = format!("changes.{place}.{field}").into();
        errors.push(FieldError { field, code, message: message.to_owned() });
    };
    let datum = match body.datum.as_deref().map(Datum::parse) {
        None => Datum::Wgs84,
        Some(Some(datum)) => datum,
        Some(None) => {
            fail("datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
            return None;
        }
    };
    let at = match (body.lat, body.lng) {
        (Some(lat), Some(lng)) => match Located::from_datum(lat, lng, datum) {
            Ok(at) => Some(at),
            Err(error) => {
                fail("lat", "out_of_range", &error.to_string());
                return None;
            }
        },
        _ => None,
    };
    let Some(id) = body.store.as_deref() else {
        let Some(at) = at else {
            fail("lat", "missing", "and lng are needed for a new store");
            return None;
        };
        let name: String = body.name.as_deref().unwrap_or_default().chars().take(NAME_CHARS_MAX).collect();
        return Some(DraftChange::Add(name.into(), at));
    };
    let Ok(id) = StoreId::parse(id) else {
        fail("store", "invalid_id", "is no id of a store");
        return None;
    };
    match (at, body.status.as_deref().map(StoreStatus::parse)) {
        (Some(at), None) => Some(DraftChange::Move(id, at)),
        (None, Some(Some(status))) => Some(DraftChange::Status(id, status)),
        (_, Some(None)) => {
            fail("status", "unknown_word", "is none of active, paused, closed");
            None
        }
        _ => {
            fail("store", "unclear", "needs either lat and lng, or a status");
            None
        }
    }
}

/// A city and the frame around its stores.
struct City {
    name: String,
    count: usize,
    bbox: String,
}

#[derive(Template)]
#[template(path = "admin/templates/catchment.html", config = "src/http/askama.toml")]
struct CatchmentPage {
    shell: Shell,
    campaigns: Vec<(String, String)>,
    cities: Vec<City>,
    tiles: Option<MapTiles>,
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let tiles = web.settings.map_tiles();
    let host = tiles.as_ref().map(MapTiles::host).unwrap_or_default();
    let shell = Shell::new(&request, &staff, "/admin/catchment");
    let (campaigns, cities) = (super::explain::campaigns(&web), cities(&web.app.catalog()));
    page_with(&CatchmentPage { shell, campaigns, cities, tiles }, &host)
}

/// The cities with the most stores first.
fn cities(catalog: &Catalog) -> Vec<City> {
    let city = |(province, city, keys): (&str, &str, &[u32])| {
        let name = if city.is_empty() { province } else { city };
        let places = keys.iter().filter_map(|it| catalog.position(*it));
        let edges = places.fold(None, |edges: Option<[f64; 4]>, it| {
            let [west, south, east, north] = edges.unwrap_or([it.lon(), it.lat(), it.lon(), it.lat()]);
            Some([west.min(it.lon()), south.min(it.lat()), east.max(it.lon()), north.max(it.lat())])
        });
        let [west, south, east, north] = edges?;
        let bbox = format!("{west:.4},{south:.4},{east:.4},{north:.4}");
        Some(City { name: name.to_owned(), count: keys.len(), bbox }).filter(|it| !it.name.is_empty())
    };
    let mut cities: Vec<City> = catalog.cities().filter_map(city).collect();
    cities.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    cities.truncate(CITIES_MAX);
    cities
}
