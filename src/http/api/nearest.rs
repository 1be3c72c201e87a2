//! `GET /api/v1/nearest`: a pure look-up that records nothing.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::app::AppError;
use crate::catalog::Catalog;
use crate::http::Web;
use crate::http::answer::StoreAnswer;
use crate::http::problem::Problem;
use crate::http::query::Query;

/// The most stores that one look-up lists.
const K_MAX: usize = 50;

#[derive(Serialize)]
struct NearestAnswer<'a> {
    catalog_version: u64,
    stores: Vec<StoreAnswer<'a>>,
}

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
    if catalog.campaign(&slug).is_none() {
        return Err(AppError::UnknownCampaign(slug.to_string()).into());
    }
    let found = catalog.nearest().nearest(position, k, None, |key| catalog.is_active(key));
    let (now, zone) = (web.app.now(), web.app.zone());
    let stores = found
        .into_iter()
        .filter_map(|it| Some(StoreAnswer::new(catalog.store(it.key)?, Some(it.distance_m), now, zone)))
        .collect();
    let answer = NearestAnswer { catalog_version: catalog.version(), stores };
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("Jinqun-Catalog-Version", catalog.version()))
        .content_type("application/json")
        .body(body))
}
