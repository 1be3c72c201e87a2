//! `GET /api/v1/admin/funnel`: the funnel for operators, as JSON or as a table.

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use crate::app::read_dimensions;
use crate::exchange::{TableFormat, funnel_headers, funnel_json, funnel_row, write_table};
use crate::funnel::{Dimension, Report};
use crate::http::Web;
use crate::http::admin::gate::Staff;
use crate::http::admin::ranking::{download, table_format};
use crate::http::admin::table::{Body, Endpoint, Param};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::id::CampaignSlug;
use crate::staff::Role;
use crate::storage::{TallyFilter, TallyOf};
use crate::time::Day;

const PARAMS: &[Param] = &[
    Param { name: "from", about: "The first day, as 2026-07-01; default: the first one recorded." },
    Param { name: "to", about: "The last day; default: today." },
    Param {
        name: "by",
        about: "Up to four of day, campaign, store, region, mode, assigned, source, rung; default: day.",
    },
    Param { name: "campaign", about: "Only this campaign." },
    Param { name: "format", about: "json, csv or xlsx; default: what Accept says, else json." },
];

/// `GET /api/v1/admin/funnel`.
pub(in crate::http) fn endpoints() -> [Endpoint; 1] {
    let media = |media_type| Body { media_type, schema: None };
    let about = "How many came, saw a code, pressed it, joined and left";
    [Endpoint::new(Method::GET, "/api/v1/admin/funnel", Some(Role::Viewer), about, funnel)
        .params(PARAMS)
        .answers_body(media("application/json"))
        .answers_body(media("text/csv"))
        .answers_body(media(TableFormat::Xlsx.media_type()))]
}

/// Sums of the tallies, by the dimensions asked for.
async fn funnel(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (by, filter, format) = read(&request)?;
    let app = std::sync::Arc::clone(&web.app);
    let asked = filter.clone();
    let report = web::block(move || app.funnel(by, &asked)).await.map_err(|error| Problem::internal(&error))?;
    let report = report.map_err(|_cause| Problem::no_storage())?;
    if let Some(format) = format {
        return Ok(download(format, "funnel", table(format, &report)?));
    }
    let body = document(&report, &filter)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .content_type("application/json")
        .body(body))
}

fn read(request: &HttpRequest) -> Result<(Vec<Dimension>, TallyFilter, Option<TableFormat>), Problem> {
    let mut query = Query::parse(request.query_string())?;
    let mut day = |field: &'static str| {
        let text = query.text(field)?;
        Day::parse(text).map_err(|error| query.fail(field, "invalid_day", error.to_string())).ok()
    };
    let (from, to) = (day("from"), day("to"));
    if let (Some(first), Some(last)) = (from, to)
        && last < first
    {
        query.fail("to", "out_of_order", "lies before from");
    }
    let by = match query.text("by").map(read_dimensions) {
        None => vec![Dimension::Day],
        Some(Ok(by)) => by,
        Some(Err(what)) => {
            query.fail("by", "unknown_dimension", what);
            Vec::new()
        }
    };
    let campaign = query.text("campaign").map(CampaignSlug::parse);
    let campaign = match campaign {
        Some(Err(error)) => {
            query.fail("campaign", "invalid_id", error.to_string());
            None
        }
        Some(Ok(slug)) => Some(slug),
        None => None,
    };
    let format = table_format(request, &mut query);
    query.finish()?;
    Ok((by, TallyFilter { from, to, campaign, of: TallyOf::All }, format))
}

fn table(format: TableFormat, report: &Report) -> Result<Vec<u8>, Problem> {
    let headers = funnel_headers(report);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let mut out = Vec::new();
    write_table(format, &headers, &mut report.rows.iter().map(funnel_row), &mut out)
        .map_err(|error| Problem::internal(&error))?;
    Ok(out)
}

fn document(report: &Report, filter: &TallyFilter) -> Result<Vec<u8>, Problem> {
    let mut document: Map<String, Value> = Map::new();
    document.insert("from".to_owned(), filter.from.map(|it| it.to_string()).into());
    document.insert("to".to_owned(), filter.to.map(|it| it.to_string()).into());
    document.insert("campaign".to_owned(), filter.campaign.as_ref().map(CampaignSlug::as_str).into());
    document.extend(funnel_json(report));
    serde_json::to_vec(&document).map_err(|error| Problem::internal(&error))
}
