//! Records that could not be delivered: the calls that show them and send them again, and their page.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use crate::app::{DeadLetters, Deed};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::outbox::DeadItem;
use crate::staff::{Actor, Role};

const ALL: &str = "/api/v1/admin/dead-letters";
const RETRY_ALL: &str = "/api/v1/admin/dead-letters/retry";
const RETRY: &str = "/api/v1/admin/dead-letters/{seq}/retry";
const PAGED: &[Param] = &[
    Param { name: "page", about: "Which page, from 1." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// A page of records that could not be delivered, latest first.
#[derive(Serialize, JsonSchema)]
struct DeadLettersAnswer {
    /// All of them on this instance: each keeps its own.
    total: u64,
    page: usize,
    per_page: usize,
    items: Vec<DeadLetterAnswer>,
}

/// A record that could not be delivered.
#[derive(Serialize, JsonSchema)]
struct DeadLetterAnswer {
    /// Its number, by which it is sent again.
    seq: i64,
    /// `visit`, `step`, or null where that is not known.
    kind: Option<&'static str>,
    /// When it was decided or seen.
    at: Option<String>,
    /// Why it was set aside.
    cause: String,
    /// The record; a text where it cannot be read.
    record: Value,
}

/// What is sent again.
#[derive(Serialize, JsonSchema)]
struct RetriedAnswer {
    /// How many records.
    retried: u64,
}

pub(super) fn endpoints() -> [Endpoint; 4] {
    let ops = Some(Role::Ops);
    [
        Endpoint::new(
            Method::GET,
            ALL,
            ops,
            "Records of this instance that could not be delivered, latest first",
            list,
        )
        .params(PAGED)
        .answers::<DeadLettersAnswer>(),
        Endpoint::new(Method::POST, RETRY_ALL, ops, "Send all of them again", retry_all).answers::<RetriedAnswer>(),
        Endpoint::new(Method::POST, RETRY, ops, "Send one of them again", retry)
            .answers::<RetriedAnswer>()
            .also(404, "There is no such record"),
        Endpoint::new(Method::GET, "/admin/dead-letters", ops, "The page of records that could not be delivered", show),
    ]
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let at = query.count("page", 1, 1..=1_000_000);
    let per_page = query.count("per_page", 50, 1..=200);
    query.finish()?;
    let app = Arc::clone(&web.app);
    let skip = (at - 1).saturating_mul(per_page);
    let found =
        web::block(move || app.dead_letters(skip, per_page)).await.map_err(|error| Problem::internal(&error))?;
    let DeadLetters { total, items } = found.map_err(|error| Problem::internal(&error))?;
    let zone = web.app.zone().as_jiff();
    let answer = |it: DeadItem| DeadLetterAnswer {
        seq: it.seq,
        kind: it.kind(),
        at: it.at.map(|at| at.in_zone(zone)),
        cause: it.cause,
        record: serde_json::from_slice(&it.body)
            .unwrap_or_else(|_unreadable| Value::String(String::from_utf8_lossy(&it.body).into_owned())),
    };
    let items = items.into_iter().map(answer).collect();
    let document = DeadLettersAnswer { total, page: at, per_page, items };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(document))
}

async fn retry(web: Data<Web>, staff: Staff, seq: Path<String>) -> Result<HttpResponse, Problem> {
    let seq = seq.parse().ok().filter(|it| *it > 0).ok_or_else(|| Problem::nothing_here("There is no such record."))?;
    match send_again(&web, staff.actor, Some(seq)).await? {
        0 => Err(Problem::nothing_here("There is no such record.")),
        retried => Ok(HttpResponse::Ok().json(RetriedAnswer { retried })),
    }
}

async fn retry_all(web: Data<Web>, staff: Staff) -> Result<HttpResponse, Problem> {
    let retried = send_again(&web, staff.actor, None).await?;
    Ok(HttpResponse::Ok().json(RetriedAnswer { retried }))
}

async fn send_again(web: &Web, actor: Actor, seq: Option<i64>) -> Result<u64, Problem> {
    let app = Arc::clone(&web.app);
    let sent = web::block(move || {
        let retried = app.retry_dead_letters(seq)?;
        if retried > 0 {
            let target = seq.map_or_else(|| "all".to_owned(), |it| it.to_string());
            let after = Some(serde_json::json!({ "retried": retried }).to_string());
            // They are on their way; where storage does not answer the trail lacks this.
            let _ = app.record(&actor, Deed { action: "dead_letters.retry", target, before: None, after }, None);
        }
        Ok::<_, crate::outbox::OutboxError>(retried)
    });
    sent.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))
}

#[derive(Template)]
#[template(path = "admin/templates/dead_letters.html", config = "src/http/askama.toml")]
struct DeadLettersPage {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&DeadLettersPage { shell: Shell::new(&request, &staff, "/admin/alerts") })
}
