//! The feed for a CRM, and how far its webhooks are. The feed names visitors, so it is for those who may change things.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::gate::Staff;
use super::table::{Endpoint, Param};
use crate::app::crm::{FEED_LIMIT_MAX, HookState};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;
use crate::storage::FeedEntry;

/// Entries of an answer, unless it is asked for others.
const LIMIT_DEFAULT: usize = 100;

const PARAMS: &[Param] = &[
    Param { name: "after", about: "Only entries with a greater number: `next` of the answer before; default: 0." },
    Param { name: "limit", about: "1 to 1000 entries; default: 100." },
];

/// Some of what happened, in order.
#[derive(Serialize, JsonSchema)]
struct FeedAnswer {
    items: Vec<EntryAnswer>,
    /// What to ask for as `after` the next time.
    next: u64,
    /// The number of the oldest entry that is kept; null if there is none. Whoever asks for less has missed something.
    first: Option<u64>,
    /// The number of the last entry there ever was.
    last: u64,
}

/// One thing that happened.
#[derive(Serialize, JsonSchema)]
struct EntryAnswer {
    /// Rises with every entry; numbers may be missing.
    number: u64,
    /// The same wherever this is told.
    id: String,
    /// `scan.recorded`, `customer.joined`, `customer.left` or `tag.set`.
    #[serde(rename = "type")]
    kind: String,
    /// When, RFC 3339.
    timestamp: String,
    /// What, by the kind.
    data: Value,
}

/// How far the webhooks are.
#[derive(Serialize, JsonSchema)]
struct HooksAnswer {
    items: Vec<HookAnswer>,
}

/// How far one webhook is.
#[derive(Serialize, JsonSchema)]
struct HookAnswer {
    /// Its address without path.
    webhook: String,
    /// The number of the last entry that arrived or was passed over.
    after: u64,
    /// How many numbers behind the end of the feed that is.
    behind: u64,
    /// How often the next entry has failed in a row.
    failures: u32,
    /// When it is sent again, RFC 3339; null where nothing failed.
    next_at: Option<String>,
    /// The numbers of entries that it refused and that were passed over, the latest last.
    passed_over: Vec<u64>,
}

/// The two calls.
pub(super) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, "/api/v1/admin/feed", Some(Role::Ops), "What happened, in order, for a CRM", list)
            .params(PARAMS)
            .answers::<FeedAnswer>(),
        Endpoint::new(Method::GET, "/api/v1/admin/webhooks", Some(Role::Ops), "How far a CRM's webhooks are", hooks)
            .answers::<HooksAnswer>(),
    ]
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let mut number = |name: &'static str| {
        query.text(name).map(str::parse::<u64>).transpose().unwrap_or_else(|_cause| {
            query.fail(name, "not_a_number", "is not a whole number");
            None
        })
    };
    let (after, limit) = (number("after").unwrap_or(0), number("limit"));
    let limit = limit.map_or(Some(LIMIT_DEFAULT), |it| usize::try_from(it).ok());
    let limit = limit.filter(|it| (1..=FEED_LIMIT_MAX).contains(it)).unwrap_or_else(|| {
        query.fail("limit", "out_of_range", format!("is not a whole number from 1 to {FEED_LIMIT_MAX}"));
        LIMIT_DEFAULT
    });
    query.finish()?;
    let app = std::sync::Arc::clone(&web.app);
    let found = web::block(move || app.feed(after, limit)).await.map_err(|error| Problem::internal(&error))?;
    let page = found.map_err(|_cause| Problem::no_storage())?;
    let answer = FeedAnswer {
        next: page.entries.last().map_or(after, |(number, _)| *number),
        items: page.entries.into_iter().map(entry).collect(),
        first: page.first,
        last: page.last,
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

fn entry((number, it): (u64, FeedEntry)) -> EntryAnswer {
    EntryAnswer {
        number,
        id: it.id,
        kind: it.kind,
        timestamp: it.at.to_jiff().to_string(),
        data: serde_json::from_str(&it.body).unwrap_or_default(),
    }
}

async fn hooks(web: Data<Web>, _staff: Staff) -> Result<HttpResponse, Problem> {
    let app = std::sync::Arc::clone(&web.app);
    let found = web::block(move || app.hook_states()).await.map_err(|error| Problem::internal(&error))?;
    let states = found.map_err(|_cause| Problem::no_storage())?;
    let zone = web.app.zone().as_jiff();
    let answer = |it: HookState| HookAnswer {
        webhook: it.webhook,
        after: it.after,
        behind: it.behind,
        failures: it.failures,
        next_at: it.next_at.map(|at| at.in_zone(zone)),
        passed_over: it.passed,
    };
    let items = states.into_iter().map(answer).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(HooksAnswer { items }))
}
