//! `GET /api/v1/stores`: published, active stores for choosers, page by page.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::app::AppError;
use crate::catalog::{Standing, StoreFilter};
use crate::http::Web;
use crate::http::answer::{self, PublicStore};
use crate::http::problem::Problem;
use crate::http::query::Query;

/// Stores on one page.
const PAGE_STORES: usize = 50;
/// The last page that may be asked for.
const PAGES_MAX: usize = 100_000;

#[derive(Serialize)]
struct StoresAnswer<'a> {
    catalog_version: u64,
    page: usize,
    pages: usize,
    total: usize,
    stores: Vec<PublicStore<'a>>,
}

/// Stores by city and words of name, address or id, in characters or pinyin.
pub(in crate::http) async fn stores(web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=PAGES_MAX);
    let filter = StoreFilter::new(query.text("province"), query.text("city"), query.text("q"));
    let slug = query.campaign();
    query.finish()?;
    let catalog = web.app.catalog();
    let in_force = catalog.in_force(&slug, web.app.now());
    if in_force.standing == Standing::Unknown {
        return Err(AppError::UnknownCampaign(slug.to_string()).into());
    }
    let filter = filter.in_campaign(in_force.campaign.slug.clone());
    let found = web.searches.run(&catalog, filter, (page - 1) * PAGE_STORES, PAGE_STORES).await?;
    let (now, zone) = (web.app.now(), web.app.zone());
    let answer = StoresAnswer {
        catalog_version: catalog.version(),
        page,
        pages: found.total.div_ceil(PAGE_STORES).max(1),
        total: found.total,
        stores: found.keys.iter().filter_map(|key| Some(PublicStore::new(catalog.store(*key)?, now, zone))).collect(),
    };
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
    Ok(answer::routing(StatusCode::OK, &catalog).body(body))
}
