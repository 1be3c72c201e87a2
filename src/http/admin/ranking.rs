//! `GET /api/v1/admin/ranking`: stores and managers by what they brought in, as JSON or as a table.

use std::cmp::Reverse;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{Accept, CACHE_CONTROL, CONTENT_DISPOSITION, Header as _, Quality, VARY};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::numbers::{campaign, days};
use super::table::{Body, Endpoint, Param};
use crate::app::{Ranked, RankedBy};
use crate::exchange::{Cell, TableFormat, write_table};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;

/// The page of a list that nobody names has so many entries.
const PER_PAGE_DEFAULT: usize = 50;

const PARAMS: &[Param] = &[
    Param { name: "by", about: "store or manager; default: store." },
    Param { name: "from", about: "The first day, as 2026-07-01; default: six days before the last one." },
    Param { name: "to", about: "The last day; default: today." },
    Param { name: "campaign", about: "Only this campaign." },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default: 50." },
    Param {
        name: "format",
        about: "json, csv or xlsx; default: what Accept says, else json. A table has all of them.",
    },
];

const HEADERS: [&str; 15] = [
    "rank",
    "id",
    "name",
    "stores",
    "joined",
    "pressed",
    "shown",
    "located",
    "scanned",
    "left",
    "joins",
    "stays",
    "leaves",
    "group_joins",
    "contact_joins",
];

pub(super) fn endpoints() -> [Endpoint; 1] {
    let table = |format: TableFormat| Body { media_type: format.media_type(), schema: None };
    let about =
        "Stores or managers by how many joined and stayed, then by how many visitors joined, then pressed the code";
    [Endpoint::new(Method::GET, "/api/v1/admin/ranking", Some(Role::Viewer), about, ranking)
        .params(PARAMS)
        .answers::<RankingDocument>()
        .answers_body(table(TableFormat::Csv))
        .answers_body(table(TableFormat::Xlsx))]
}

/// A page of the ranking.
#[derive(Serialize, JsonSchema)]
struct RankingDocument {
    total: usize,
    page: usize,
    per_page: usize,
    from: String,
    to: String,
    items: Vec<Ranked>,
}

/// The format of a table that is asked for by `format` or by `Accept`; none is JSON.
pub(in crate::http) fn table_format(request: &HttpRequest, query: &mut Query<'_>) -> Option<TableFormat> {
    match query.text("format") {
        Some("json") => return None,
        Some(word) => {
            let found = TableFormat::parse(word).filter(|it| *it != TableFormat::Jsonl);
            if found.is_none() {
                query.fail("format", "unknown_word", "is none of json, csv, xlsx");
            }
            return found;
        }
        None => {}
    }
    let accept = Accept::parse(request).ok()?;
    let json = wish(&accept, "application/json");
    let best = [TableFormat::Csv, TableFormat::Xlsx]
        .into_iter()
        .filter_map(|it| Some((wish(&accept, it.media_type().split(';').next()?)?, it)))
        .max_by_key(|(wish, _)| *wish)?;
    (Some(best.0) > json).then_some(best.1)
}

/// How much a media type is wished for: its quality by the range that names it best (RFC 9110, 12.5.1), then how well that names it,
/// then how early it stands. None where it is not wished for at all.
fn wish(accept: &Accept, media_type: &str) -> Option<(Quality, u8, Reverse<usize>)> {
    let (kind, _) = media_type.split_once('/')?;
    let fits = |range: &str| match range {
        "*/*" => Some(0),
        it if it == media_type => Some(2),
        it => (it.strip_suffix("/*")? == kind).then_some(1),
    };
    let ranges = accept.iter().enumerate();
    let found = ranges.filter_map(|(at, it)| Some((fits(it.item.essence_str())?, Reverse(at), it.quality)));
    let (fit, at, quality) = found.max_by_key(|(fit, at, _)| (*fit, *at))?;
    (quality > Quality::ZERO).then_some((quality, fit, at))
}

/// A table to be kept as a file of this name.
pub(in crate::http) fn download(format: TableFormat, name: &str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{}\"", format.ending())))
        .content_type(format.media_type())
        .body(body)
}

async fn ranking(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let days = days(&mut query, web.app.today());
    let campaign = campaign(&mut query);
    let by = query.text("by").map_or(Some(RankedBy::Store), RankedBy::parse);
    if by.is_none() {
        query.fail("by", "unknown_word", "is neither store nor manager");
    }
    let at = query.count("page", 1, 1..=1_000_000);
    let per_page = query.count("per_page", PER_PAGE_DEFAULT, 1..=200);
    let format = table_format(&request, &mut query);
    query.finish()?;
    let by = by.unwrap_or(RankedBy::Store);
    let app = Arc::clone(&web.app);
    let sees_people = staff.actor.role > Role::Viewer;
    let made = web::block(move || {
        let mut ranking = app.ranking(by, days, campaign).map_err(|_cause| Problem::no_storage())?;
        ranking.ranked.iter_mut().for_each(|it| hide(it, sees_people));
        match format {
            Some(format) => table(format, &ranking.ranked).map(|it| (ranking, Some((format, it)))),
            None => Ok((ranking, None)),
        }
    });
    let (ranking, table) = made.await.map_err(|error| Problem::internal(&error))??;
    if let Some((format, body)) = table {
        return Ok(download(format, &format!("ranking-{}-{}", days.from, days.to), body));
    }
    let total = ranking.ranked.len();
    let items = ranking.ranked.into_iter().skip((at - 1).saturating_mul(per_page)).take(per_page).collect();
    let (from, to) = (days.from.to_string(), days.to.to_string());
    let document = RankingDocument { total, page: at, per_page, from, to, items };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept")).json(document))
}

/// Whose name is in no catalog is nothing for those who see no personal data.
pub(super) fn hide(ranked: &mut Ranked, sees_people: bool) {
    if ranked.is_userid && !sees_people {
        ranked.id.clear();
        ranked.name.clear();
    }
}

/// A count as tables have it.
pub(super) fn cell(it: i64) -> Cell<'static> {
    Cell::Count(u32::try_from(it).unwrap_or(0))
}

fn table(format: TableFormat, ranked: &[Ranked]) -> Result<Vec<u8>, Problem> {
    let mut rows = ranked.iter().map(|it| {
        let counts = &it.visitors;
        let stages = [counts.joined, counts.pressed, counts.shown, counts.located, counts.scanned, counts.left];
        let rank = Cell::Count(u32::try_from(it.rank).unwrap_or(u32::MAX));
        let words = [Cell::text(it.id.as_str()), Cell::text(it.name.as_str()), Cell::text(it.stores.join(";"))];
        let joins = [it.joins.joined, it.joins.stayed, it.joins.left, it.joins.groups, it.joins.contacts];
        std::iter::once(rank).chain(words).chain(stages.map(cell)).chain(joins.map(cell)).collect()
    });
    let mut out = Vec::new();
    write_table(format, &HEADERS, &mut rows, &mut out).map_err(|error| Problem::internal(&error))?;
    Ok(out)
}
