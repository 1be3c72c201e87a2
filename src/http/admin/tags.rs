//! Tag records: the list and the export. They name visitors, so they are for those who may change things, not for viewers.

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::listing::{Listing, Page, moment};
use super::table::{Body, Endpoint, Param};
use crate::app::{Deed, ExportError};
use crate::exchange::TableFormat;
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::{Query, bad_id};
use crate::http::streamed::streamed;
use crate::id::{CampaignSlug, StoreId};
use crate::staff::Role;
use crate::storage::TagFilter;
use crate::store::Zone;
use crate::tag::TagRecord;

const FILTERS: &[Param] = &[
    Param { name: "visitor", about: "Only of this visitor: an id, or a token." },
    Param { name: "store", about: "Only visits that were shown this store." },
    Param { name: "region", about: "Only visits from a province, city, district or area of this name." },
    Param { name: "campaign", about: "Only visits through this campaign." },
    Param { name: "from", about: "From this day or moment on." },
    Param { name: "to", about: "Up to this day, the day included, or before this moment." },
    Param { name: "page", about: "Which page, from 1 (the list)." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50 (the list)." },
    Param { name: "format", about: "`csv`, `jsonl` or `xlsx`; default: csv (the export)." },
];

/// One visit.
#[derive(Serialize, JsonSchema)]
pub(super) struct TagAnswer {
    scan: String,
    visitor: String,
    /// When the visit began, RFC 3339 in the installation's time zone.
    at: String,
    campaign: String,
    /// `routed`, `choose`, `out_of_reach` or `unknown_place`.
    outcome: String,
    /// The store that was shown.
    store: Option<String>,
    province: String,
    city: String,
    district: String,
    areas: Vec<String>,
    /// Who said where the visitor is: `gps`, `chosen`, `previous`, `ip` or `none`.
    source: &'static str,
    /// How well the place was known, as a class.
    accuracy: &'static str,
    /// `group` or `contact`, where a join code was shown.
    join_kind: Option<String>,
    join_id: Option<String>,
    /// The rung below the store's own group, where one was used.
    fallback: Option<String>,
    /// The route that was shown.
    mode: &'static str,
    /// The labels put on the customer.
    tags: Vec<String>,
}

impl TagAnswer {
    pub(super) fn new(it: &TagRecord, zone: &Zone) -> Self {
        let text = |it: &Option<Box<str>>| it.as_deref().map(ToOwned::to_owned);
        Self {
            scan: it.scan.to_string(),
            visitor: it.visitor.to_string(),
            at: it.at.in_zone(zone.as_jiff()),
            campaign: it.campaign.to_string(),
            outcome: it.outcome.to_string(),
            store: it.store.as_ref().map(ToString::to_string),
            province: it.region.province.to_string(),
            city: it.region.city.to_string(),
            district: it.region.district.to_string(),
            areas: it.region.areas.iter().map(ToString::to_string).collect(),
            source: it.source.as_str(),
            accuracy: it.accuracy.as_str(),
            join_kind: text(&it.join_kind),
            join_id: text(&it.join_id),
            fallback: text(&it.fallback),
            mode: it.mode.as_str(),
            tags: it.tags().into_iter().map(ToOwned::to_owned).collect(),
        }
    }
}

/// The calls.
pub(super) fn endpoints() -> [Endpoint; 2] {
    let media = |media_type| Body { media_type, schema: None };
    let ops = Some(Role::Ops);
    [
        Endpoint::new(Method::GET, "/api/v1/admin/tags", ops, "Tag records, the latest visit first", list)
            .params(FILTERS)
            .answers::<Listing<TagAnswer>>(),
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/tags/export",
            ops,
            "All tag records as a table, the earliest first",
            export,
        )
        .params(FILTERS)
        .answers_body(media(TableFormat::Csv.media_type()))
        .answers_body(media(TableFormat::Jsonl.media_type()))
        .answers_body(media(TableFormat::Xlsx.media_type())),
    ]
}

fn read_filter(web: &Web, query: &mut Query<'_>) -> TagFilter {
    let text = |name| query.text(name).map(ToOwned::to_owned);
    let (visitor, store, campaign, region) = (text("visitor"), text("store"), text("campaign"), text("region"));
    let mut filter = TagFilter { region, ..TagFilter::default() };
    if let Some(text) = visitor {
        filter.visitor = web.app.visitor_named(&text);
        if filter.visitor.is_none() {
            query.fail("visitor", "unknown_visitor", "is neither the id of a visitor nor a token that was signed here");
        }
    }
    match store.as_deref().map(StoreId::parse).transpose() {
        Ok(store) => filter.store = store,
        Err(error) => query.wrong(bad_id("store", &error)),
    }
    match campaign.as_deref().map(CampaignSlug::parse).transpose() {
        Ok(campaign) => filter.campaign = campaign,
        Err(error) => query.wrong(bad_id("campaign", &error)),
    }
    filter.from = moment(query, "from", false, web.app.zone());
    filter.to = moment(query, "to", true, web.app.zone());
    filter
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let filter = read_filter(&web, &mut query);
    let page = Page::read(&mut query);
    query.finish()?;
    let app = std::sync::Arc::clone(&web.app);
    let found = web::block(move || app.tags(&filter, page.skips(), page.per_page)).await;
    let (total, tags) = found.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    let items = tags.iter().map(|it| TagAnswer::new(it, web.app.zone())).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(page.listing(total, items)))
}

async fn export(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let filter = read_filter(&web, &mut query);
    let format = query.text("format").map_or(Some(TableFormat::Csv), TableFormat::parse);
    if format.is_none() {
        query.fail("format", "unknown_format", "is none of csv, jsonl, xlsx");
    }
    query.finish()?;
    let Some(format) = format else { return Err(Problem::fields(Vec::new())) };
    let (app, query) = (std::sync::Arc::clone(&web.app), request.query_string().to_owned());
    let noted = web::block(move || {
        // Of the filter its names: a visitor's id has no place in the trail.
        let names: Vec<String> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
        let after = serde_json::to_string(&serde_json::json!({"filters": names})).ok();
        let deed = Deed { action: "tags.export", target: String::new(), before: None, after };
        app.record(&staff.actor, deed, None)
    });
    noted.await.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    let app = std::sync::Arc::clone(&web.app);
    let body =
        streamed(move |out| app.export_tags(&filter, format, out).map(|_rows| ()).map_err(|error: ExportError| error));
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"tags.{}\"", format.ending())))
        .content_type(format.media_type())
        .body(body))
}
