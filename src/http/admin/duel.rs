//! `GET /api/v1/admin/ranking/duel`: two stores or two managers side by side, as JSON or as a table.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::numbers::days;
use super::ranking::{cell, download, hide, table_format};
use super::table::{Body, Endpoint, Param};
use crate::app::wecom::Joins;
use crate::app::{Duel, Ranked, RankedBy};
use crate::exchange::{Cell, TableFormat, write_table};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::id::OWNED_ID_CHARS_MAX;
use crate::staff::Role;

const PARAMS: &[Param] = &[
    Param { name: "by", about: "store or manager; default: store." },
    Param { name: "one", about: "Required: the id of the first, as the ranking has it." },
    Param { name: "other", about: "Required: the id of the second." },
    Param { name: "from", about: "The first day, as 2026-07-01; default: six days before the last one." },
    Param { name: "to", about: "The last day; default: today." },
    Param { name: "format", about: "json, csv or xlsx; default: what Accept says, else json." },
];

const HEADERS: [&str; 7] =
    ["day", "one_joins", "one_stays", "one_leaves", "other_joins", "other_stays", "other_leaves"];

pub(super) fn endpoints() -> [Endpoint; 1] {
    let table = |format: TableFormat| Body { media_type: format.media_type(), schema: None };
    let about = "Two stores or two managers side by side, day by day";
    [Endpoint::new(Method::GET, "/api/v1/admin/ranking/duel", Some(Role::Viewer), about, duel)
        .params(PARAMS)
        .answers::<DuelDocument>()
        .answers_body(table(TableFormat::Csv))
        .answers_body(table(TableFormat::Xlsx))]
}

/// Two side by side.
#[derive(Serialize, JsonSchema)]
struct DuelDocument {
    from: String,
    to: String,
    one: Ranked,
    other: Ranked,
    days: Vec<DayDocument>,
}

#[derive(Serialize, JsonSchema)]
struct DayDocument {
    day: String,
    one: Joins,
    other: Joins,
}

async fn duel(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let days = days(&mut query, web.app.today());
    let by = query.text("by").map_or(Some(RankedBy::Store), RankedBy::parse);
    if by.is_none() {
        query.fail("by", "unknown_word", "is neither store nor manager");
    }
    let mut id = |field: &'static str| {
        let text = query.text(field).unwrap_or_default().to_owned();
        if text.is_empty() {
            query.fail(field, "missing", "is required: an id as the ranking has it");
        } else if text.chars().count() > OWNED_ID_CHARS_MAX {
            query.fail(field, "too_long", format!("has more than {OWNED_ID_CHARS_MAX} characters"));
        }
        text
    };
    let ids = [id("one"), id("other")];
    let format = table_format(&request, &mut query);
    query.finish()?;
    let by = by.unwrap_or(RankedBy::Store);
    let app = Arc::clone(&web.app);
    let made = web::block(move || {
        let [one, other] = &ids;
        app.duel(by, [one, other], days)
    });
    let duel = made.await.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    if let Some(format) = format {
        return Ok(download(format, &format!("duel-{}-{}", days.from, days.to), table(format, &duel)?));
    }
    let sees_people = staff.actor.role > Role::Viewer;
    let Duel { sides: [mut one, mut other], days: all } = duel;
    hide(&mut one, sees_people);
    hide(&mut other, sees_people);
    let day = |it: crate::app::DuelDay| {
        let [one, other] = it.joins;
        DayDocument { day: it.day.to_string(), one, other }
    };
    let (from, to) = (days.from.to_string(), days.to.to_string());
    let document = DuelDocument { from, to, one, other, days: all.into_iter().map(day).collect() };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept")).json(document))
}

fn table(format: TableFormat, duel: &Duel) -> Result<Vec<u8>, Problem> {
    let mut rows = duel.days.iter().map(|it| {
        let [one, other] = it.joins;
        let counts = [one.joined, one.stayed, one.left, other.joined, other.stayed, other.left];
        std::iter::once(Cell::text(it.day.to_string())).chain(counts.map(cell)).collect()
    });
    let mut out = Vec::new();
    write_table(format, &HEADERS, &mut rows, &mut out).map_err(|error| Problem::internal(&error))?;
    Ok(out)
}
