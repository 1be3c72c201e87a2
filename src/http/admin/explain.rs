//! "Test a place": who would be routed where, and why. `GET /api/v1/admin/explain` and the page `/admin/test`.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::gate::Staff;
use super::shell::{Shell, page_with};
use super::table::{Endpoint, Param};
use crate::app::{AppError, ExplainError, Explanation, Whence};
use crate::http::problem::Problem;
use crate::http::query::{Query, bad_id};
use crate::http::settings::MapTiles;
use crate::http::{CATALOG_VERSION, Web};
use crate::id::StoreId;
use crate::staff::Role;

/// The widest radius, in metres: half the Earth's circumference.
const ACCURACY_M_MAX: f64 = 20_040_000.0;

const PARAMS: &[Param] = &[
    Param { name: "lat", about: "Latitude in degrees." },
    Param { name: "lng", about: "Longitude in degrees." },
    Param { name: "datum", about: "wgs84, gcj02 or bd09; default: wgs84." },
    Param { name: "accuracy_m", about: "The radius in metres that holds the true place." },
    Param { name: "ip", about: "An address of the network instead of a position." },
    Param { name: "store", about: "The id of a store that the customer chooses, instead of a position." },
    Param { name: "campaign", about: "The campaign's short name; default: default." },
];

pub(super) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/explain",
            Some(Role::Viewer),
            "Who would be routed where, with every store considered and why; records nothing",
            explain,
        )
        .params(PARAMS)
        .answers::<Explanation>()
        .also(404, "There is no such campaign or store"),
        Endpoint::new(Method::GET, "/admin/test", Some(Role::Viewer), "The page to test a place", show),
    ]
}

async fn explain(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let whence = whence(&mut query);
    let slug = query.campaign();
    query.finish()?;
    let Some(whence) = whence else { return Err(Problem::fields(Vec::new())) };
    if let Whence::Store(id) = &whence
        && web.app.catalog().store_key(id).is_none()
    {
        return Err(AppError::UnknownStore(id.to_string()).into());
    }
    let app = Arc::clone(&web.app);
    let explained =
        web::block(move || app.explain(whence, &slug, None)).await.map_err(|error| Problem::internal(&error))?;
    let explained = explained.map_err(|error| match error {
        ExplainError::UnknownCampaign(slug) => AppError::UnknownCampaign(slug.to_string()).into(),
        ExplainError::Storage(_) => Problem::no_storage(),
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, explained.catalog_version))
        .json(explained))
}

fn whence(query: &mut Query<'_>) -> Option<Whence> {
    if let Some(text) = query.text("ip").map(ToOwned::to_owned) {
        let address: Option<IpAddr> = text.trim().parse().ok();
        if address.is_none() {
            query.fail("ip", "invalid_address", "is no address such as 203.0.113.9");
        }
        return address.map(Whence::Address);
    }
    if let Some(parsed) = query.text("store").map(StoreId::parse) {
        return match parsed {
            Ok(id) => Some(Whence::Store(id)),
            Err(error) => {
                query.fail_with(bad_id("store", &error));
                None
            }
        };
    }
    let position = query.position();
    let accuracy_m = query.text("accuracy_m").map(|it| it.trim().parse::<f64>().ok());
    let accuracy_m = match accuracy_m {
        None => None,
        Some(Some(metres)) if (0.0..=ACCURACY_M_MAX).contains(&metres) => Some(metres),
        Some(_) => {
            query.fail("accuracy_m", "out_of_range", "is no radius from 0 to 20040000 metres");
            None
        }
    };
    position.map(|it| Whence::At(it, accuracy_m))
}

#[derive(Template)]
#[template(path = "admin/templates/test.html", config = "src/http/askama.toml")]
struct TestPage {
    shell: Shell,
    /// Short name and name of every campaign.
    campaigns: Vec<(String, String)>,
    tiles: Option<MapTiles>,
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let tiles = web.settings.map_tiles();
    let host = tiles.as_ref().map(MapTiles::host).unwrap_or_default();
    let shell = Shell::new(&request, &staff, "/admin/test");
    page_with(&TestPage { shell, campaigns: campaigns(&web), tiles }, &host)
}

/// Short name and name of every campaign, for a list to choose from.
pub(super) fn campaigns(web: &Web) -> Vec<(String, String)> {
    web.app.catalog().campaigns().map(|it| (it.slug.to_string(), it.name.to_string())).collect()
}
