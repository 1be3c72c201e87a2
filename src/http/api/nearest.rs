//! `GET /api/v1/nearest`: a pure look-up that records nothing.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::AppError;
use crate::catalog::{Catalog, Standing};
use crate::http::json::Json;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{Web, answer};

/// The most stores that one look-up lists.
const K_MAX: usize = 50;
/// Room that is made for a store in an answer; a longer one costs a copy.
const STORE_BYTES: usize = 320;

/// The nearest active stores, nearest first.
pub(in crate::http) async fn nearest(web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let position = query.position();
    let k = query.count("k", 1, 1..=K_MAX);
    let slug = query.campaign();
    query.finish()?;
    let Some(position) = position else {
        return Err(Problem::fields(Vec::new()));
    };
    let catalog = web.app.catalog();
    let catalog: &Catalog = &catalog;
    let (now, zone) = (web.app.now(), web.app.zone());
    let in_force = catalog.in_force(&slug, now);
    if in_force.standing == Standing::Unknown {
        return Err(AppError::UnknownCampaign(slug.to_string()).into());
    }
    let stores = catalog.selection(&in_force.campaign.slug);
    let is_active = |key| catalog.is_active(key) && stores.takes(key);
    let (one, more) = match k {
        1 => (catalog.nearest().nearest_shown(position, is_active), Vec::new()),
        _ => (None, catalog.nearest().around(position, None, is_active).take(k).collect()),
    };
    let found = one.into_iter().chain(more);
    let mut json = Json::with_capacity(STORE_BYTES * (k + 1));
    json.raw("{\"catalog_version\":").derived(catalog.version()).raw(",\"stores\":");
    json.list(found, |json, it| answer::store(json, catalog, it.key, Some(it.distance_m), (now, zone)));
    json.raw("}");
    Ok(answer::routing(StatusCode::OK, catalog).body(json.finish()))
}
