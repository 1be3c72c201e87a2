//! `/api/v1/admin/regions` and `/admin/regions`: the map of regions; it is imported as a whole file, not drawn here.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::shell::{Shell, page_with};
use super::stores::blocking;
use super::table::{Body, Endpoint, Param};
use crate::app::{ImportReport, MapOptions, UPLOAD_BYTES_MAX};
use crate::catalog::Mode;
use crate::exchange::{Crossings, RegionRules};
use crate::geo::Datum;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, MapTiles, Web, upload};
use crate::id::RegionCode;
use crate::region::{Level, Region};
use crate::staff::Role;

/// The last page that may be asked for.
const PAGES_MAX: usize = 1_000_000;
/// Regions on a page, where nobody says, and at most.
const PER_PAGE: usize = 50;
const PER_PAGE_MAX: usize = 200;

const LIST: &[Param] = &[
    Param { name: "q", about: "Part of the name or the beginning of the code." },
    Param { name: "level", about: "province, city, district or area." },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default: 50." },
];
const IMPORT: &[Param] = &[
    Param { name: "datum", about: "The datum of features that name none: wgs84 (the default), gcj02 or bd09." },
    Param {
        name: "mode",
        about: "What happens to regions of the file's levels that it does not name: merge or replace.",
    },
    Param { name: "dry_run", about: "true: report what would change, and change nothing." },
    Param { name: "accept_crossings", about: "true: read rings that cross themselves, instead of refusing them." },
];

/// A region.
#[derive(Serialize, JsonSchema)]
struct WireRegion {
    code: String,
    name: String,
    /// `province`, `city`, `district` or `area`.
    level: &'static str,
    /// The code of the region that it is part of.
    parent: Option<String>,
    /// Corners of its outline.
    vertices: usize,
    /// Group chats of its own.
    groups: usize,
    /// A circle around it: its middle in degrees of WGS-84, and its radius in metres.
    lat: f64,
    lng: f64,
    radius_m: f64,
}

/// A page of regions, by code.
#[derive(Serialize, JsonSchema)]
struct RegionList {
    total: usize,
    page: usize,
    per_page: usize,
    items: Vec<WireRegion>,
}

/// The calls and the page of regions.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let viewer = Some(Role::Viewer);
    let form = Body { media_type: "multipart/form-data", schema: None };
    let import = "Imports a GeoJSON file of regions and service areas, as the field `file` of a form";
    vec![
        Endpoint::new(Method::GET, "/api/v1/admin/regions", viewer, "Regions, page by page, by code", list)
            .params(LIST)
            .answers::<RegionList>(),
        Endpoint::new(Method::GET, "/api/v1/admin/regions/{code}", viewer, "A region", read).answers::<WireRegion>(),
        Endpoint::new(Method::POST, "/api/v1/admin/regions/import", Some(Role::Ops), import, take)
            .params(IMPORT)
            .takes_body(form)
            .answers::<ImportReport>()
            .body_bytes_max(UPLOAD_BYTES_MAX),
        Endpoint::new(Method::GET, "/admin/regions", viewer, "The page of regions", show),
    ]
}

fn wire(web: &Web, it: &Region) -> WireRegion {
    let circle = it.shape.circle();
    WireRegion {
        code: it.code.to_string(),
        name: it.name.to_string(),
        level: it.level.as_str(),
        parent: it.parent.as_ref().map(ToString::to_string),
        vertices: it.shape.vertices(),
        groups: web.app.catalog().region_groups(&it.code).len(),
        lat: circle.middle.lat(),
        lng: circle.middle.lon(),
        radius_m: circle.radius_m,
    }
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=PAGES_MAX);
    let per_page = query.count("per_page", PER_PAGE, 1..=PER_PAGE_MAX);
    let words = query.text("q").unwrap_or_default().to_lowercase();
    let level = query.text("level").map(Level::parse);
    if level == Some(None) {
        query.fail("level", "unknown_level", "is none of province, city, district, area");
    }
    query.finish()?;
    let answer = blocking(move || {
        let catalog = web.app.catalog();
        let fits = |it: &&Region| {
            level.flatten().is_none_or(|level| it.level == level)
                && (it.name.to_lowercase().contains(&words) || it.code.as_str().to_lowercase().starts_with(&words))
        };
        let found: Vec<&Region> = catalog.regions().regions().iter().filter(fits).collect();
        let items = found.iter().skip((page - 1) * per_page).take(per_page).map(|it| wire(&web, it)).collect();
        RegionList { total: found.len(), page, per_page, items }
    });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer.await?))
}

async fn read(web: Data<Web>, _staff: Staff, code: Path<String>) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let code = RegionCode::parse(&code).ok();
    let region = code.and_then(|it| catalog.regions().key(&it)).and_then(|it| catalog.regions().region(it));
    let region = region.ok_or_else(|| Problem::nothing_here("No region has this code."))?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(wire(&web, region)))
}

async fn take(web: Data<Web>, staff: Staff, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let datum = query.text("datum").map(Datum::parse);
    if datum == Some(None) {
        query.fail("datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
    }
    let mode = query.text("mode").map(Mode::parse);
    if mode == Some(None) {
        query.fail("mode", "unknown_mode", "is neither merge nor replace");
    }
    let dry_run = query.flag("dry_run");
    let crossings = if query.flag("accept_crossings") { Crossings::Warn } else { Crossings::Refuse };
    query.finish()?;
    let rules = RegionRules { datum: datum.flatten(), level: None, crossings };
    let options = MapOptions { mode: mode.flatten().unwrap_or_default(), dry_run };
    let file = upload::read(&request, payload).await?;
    let app = std::sync::Arc::clone(&web.app);
    let report = blocking(move || app.import_map(&staff.actor, (&file.bytes, &file.name), rules, options)).await?;
    let report = report.map_err(|error| Problem::from(crate::app::EditError::from(error)))?;
    let version = web.app.catalog().version();
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version))
        .json(report))
}

#[derive(Template)]
#[template(path = "admin/templates/regions.html", config = "src/http/askama.toml")]
struct RegionsView {
    shell: Shell,
    tiles: Option<MapTiles>,
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let tiles = web.settings.map_tiles();
    let host = tiles.as_ref().map(MapTiles::host).unwrap_or_default();
    page_with(&RegionsView { shell: Shell::new(&request, &staff, "/admin/regions"), tiles }, &host)
}
