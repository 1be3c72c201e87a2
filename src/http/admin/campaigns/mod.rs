//! Campaigns: `campaigns` and what lies below them, and the pages over them.

mod code;
mod logo;
mod page;
mod preview;
mod wire;

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use self::wire::{CampaignInput, CampaignPage, CampaignView, Seen};
use super::etag;
use super::fields::{object, patched};
use super::gate::Staff;
use super::table::{Endpoint, Param};
use crate::app::EditError;
use crate::app::campaign_desk::campaign_body;
use crate::campaign::Campaign;
use crate::catalog::{self, Catalog, read_campaign};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, Web};
use crate::id::CampaignSlug;
use crate::staff::Role;

const LIST: &str = "/api/v1/admin/campaigns";
const ONE: &str = "/api/v1/admin/campaigns/{slug}";
const PAGING: &[Param] =
    &[Param { name: "page", about: "From 1." }, Param { name: "per_page", about: "1 to 200; default 50." }];

/// The calls and the pages.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let (viewer, ops) = (Some(Role::Viewer), Some(Role::Ops));
    let mut all = vec![
        Endpoint::new(Method::GET, LIST, viewer, "Campaigns, by short name", index)
            .params(PAGING)
            .answers::<CampaignPage>(),
        Endpoint::new(Method::POST, LIST, ops, "Makes a campaign", create)
            .takes::<CampaignInput>()
            .answers::<CampaignView>()
            .status(201),
        Endpoint::new(Method::GET, ONE, viewer, "Reads a campaign", show).answers::<CampaignView>(),
        Endpoint::new(Method::PUT, ONE, ops, "Replaces a campaign, but for its logo", replace)
            .takes::<CampaignInput>()
            .answers::<CampaignView>()
            .etag(),
        Endpoint::new(Method::PATCH, ONE, ops, "Changes fields of a campaign", patch)
            .takes::<CampaignInput>()
            .answers::<CampaignView>()
            .etag(),
        Endpoint::new(
            Method::DELETE,
            ONE,
            ops,
            "Removes a campaign; its printed codes lead to the default one",
            delete,
        )
        .status(204)
        .also(400, "The default campaign always is")
        .etag(),
    ];
    all.extend(logo::endpoints());
    all.push(code::endpoint());
    all.extend(page::endpoints());
    all.push(preview::endpoint());
    all
}

fn nothing(slug: &str) -> Problem {
    Problem::nothing_here(format!("There is no campaign {slug}."))
}

/// A short name in an address.
fn slug_of(text: &str) -> Result<CampaignSlug, Problem> {
    CampaignSlug::parse(text).map_err(|_cause| nothing(text))
}

fn seen<'a>(web: &'a Web, catalog: &'a Catalog) -> Seen<'a> {
    Seen { catalog, zone: web.app.zone(), now: web.app.now(), public_url: &web.settings.public_url }
}

fn answer(web: &Web, campaign: &Campaign, status: StatusCode, version: u64) -> HttpResponse {
    let catalog = web.app.catalog();
    HttpResponse::build(status)
        .insert_header((ETAG, etag::of(&campaign_body(campaign))))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version))
        .json(seen(web, &catalog).view(campaign))
}

async fn index(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let (page, per_page) = (query.count("page", 1, 1..=1_000_000), query.count("per_page", 50, 1..=200));
    query.finish()?;
    let catalog = web.app.catalog();
    let seen = seen(&web, &catalog);
    let items = catalog.campaigns().skip((page - 1) * per_page).take(per_page).map(|it| seen.view(it)).collect();
    let total = catalog.campaigns().count();
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, catalog.version()))
        .json(CampaignPage { total, page, per_page, items }))
}

async fn show(web: Data<Web>, _staff: Staff, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let found = catalog.campaign(&slug_of(&slug)?).ok_or_else(|| nothing(&slug))?;
    Ok(answer(&web, found, StatusCode::OK, catalog.version()))
}

async fn create(web: Data<Web>, staff: Staff, body: Bytes) -> Result<HttpResponse, Problem> {
    let made = read_campaign(object(&body)?).map_err(|problems| Problem::rows(&problems))?;
    let slug = made.slug.clone();
    let app = Arc::clone(&web.app);
    let work = move || {
        app.change_campaign(&staff.actor, &slug, &mut |before| match before {
            Some(_) => Err(EditError::Exists(format!("campaign {slug}"))),
            None => Ok(Some(made.clone())),
        })
    };
    let (made, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| nothing("with this name"))?;
    let mut response = answer(&web, &made, StatusCode::CREATED, version);
    if let Ok(place) = format!("{LIST}/{}", made.slug).parse() {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

async fn replace(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    change(web, staff, request, slug, body, false).await
}

async fn patch(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    change(web, staff, request, slug, body, true).await
}

async fn change(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
    body: Bytes,
    is_patch: bool,
) -> Result<HttpResponse, Problem> {
    let fields = object(&body)?;
    let expected = etag::expected(&request);
    let (inner, slug) = (web.clone(), slug_of(&slug)?);
    let work = move || {
        inner.app.change_campaign(&staff.actor, &slug, &mut |before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("campaign {slug}")))?;
            etag::check(expected.as_deref(), &campaign_body(before))?;
            let catalog = inner.app.catalog();
            let fields =
                if is_patch { laid_over(&seen(&inner, &catalog), before, fields.clone()) } else { fields.clone() };
            let mut after = read_campaign(fields).map_err(EditError::Invalid)?;
            // A printed code bears the name, and the logo has its own call.
            (after.slug, after.logo) = (before.slug.clone(), before.logo.clone());
            Ok(Some(after))
        })
    };
    let (made, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| nothing("with this name"))?;
    Ok(answer(&web, &made, StatusCode::OK, version))
}

/// The fields of what is there with those of a patch over them. What a mode other than `split` has no use for goes with it.
fn laid_over(seen: &Seen<'_>, before: &Campaign, patch: Map<String, Value>) -> Map<String, Value> {
    let mut base = match serde_json::to_value(seen.input(before)) {
        Ok(Value::Object(base)) => base,
        _ => Map::new(),
    };
    if patch.get("mode").is_some_and(|it| it != "split") {
        base.remove("contact_percent");
    }
    patched(base, patch)
}

async fn delete(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let expected = etag::expected(&request);
    let slug = slug_of(&slug)?;
    let app = Arc::clone(&web.app);
    let work = move || {
        app.change_campaign(&staff.actor, &slug, &mut |before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("campaign {slug}")))?;
            etag::check(expected.as_deref(), &campaign_body(before))?;
            if slug == CampaignSlug::default_slug() {
                let message = "the default campaign answers for every code that has no other; it cannot be removed";
                return Err(EditError::Invalid(vec![
                    catalog::Problem::new("needed", message).in_column("slug", "default"),
                ]));
            }
            Ok(None)
        })
    };
    let (_, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().insert_header((CATALOG_VERSION, version)).finish())
}
