//! `DELETE /api/v1/visitors/me`: everything held about a visitor goes.

use actix_web::http::header::{CACHE_CONTROL, SET_COOKIE};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::Erased;
use crate::http::problem::Problem;
use crate::http::query::Body;
use crate::http::{Web, bearer, cookie};
use crate::id::VisitorId;

#[derive(Serialize)]
struct Answer {
    forgotten: bool,
    removed: Removed,
    /// What stays, in words.
    kept: String,
}

/// How many of each.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Removed {
    tags: u64,
    steps: u64,
    consents: u64,
    seats: u64,
    /// Cards of who they are elsewhere, jobs and entries of the feed.
    book: u64,
    /// Records on their way to storage.
    waiting: u64,
    /// Records that had been set aside.
    set_aside: u64,
}

impl From<&Erased> for Removed {
    fn from(erased: &Erased) -> Self {
        Self {
            tags: erased.stored.tags,
            steps: erased.stored.steps,
            consents: erased.stored.consents,
            seats: erased.stored.seats,
            book: erased.stored.book,
            waiting: erased.outbox.waiting,
            set_aside: erased.outbox.dead,
        }
    }
}

/// What stays, in words.
pub(in crate::http) fn kept(erased: &Erased) -> String {
    let tallies = "tallies stay: they are counts by day and name nobody";
    match erased.customers.len() {
        0 => tallies.to_owned(),
        count => format!(
            "{tallies}; {count} cards of customers stay silent, without anything that leads here, until their tags in WeCom are taken back"
        ),
    }
}

/// Forgets the visitor of a token: in the body, in the `Authorization` header or in the cookie.
pub(in crate::http) async fn forget_me(
    web: Data<Web>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let visitor = named(&web, &request, &body)?;
    let erased = forget(&web, visitor).await?;
    let answer = Answer { forgotten: true, removed: (&erased).into(), kept: kept(&erased) };
    let mut response = HttpResponse::Ok();
    for line in cookie::clear(&request, web.settings.is_https()) {
        response.append_header((SET_COOKIE, line));
    }
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).content_type("application/json").body(body))
}

/// `POST /api/v1/visitors/me/opt-out`: the visitor's region is not used for messages.
pub(in crate::http) async fn opt_out(
    web: Data<Web>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    wish(&web, &request, &body, true).await
}

/// `DELETE /api/v1/visitors/me/opt-out`: it may be used again.
pub(in crate::http) async fn opt_in(
    web: Data<Web>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    wish(&web, &request, &body, false).await
}

async fn wish(web: &Data<Web>, request: &HttpRequest, body: &[u8], is_silent: bool) -> Result<HttpResponse, Problem> {
    let visitor = named(web, request, body)?;
    silence(web, visitor, is_silent).await?;
    Ok(HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish())
}

/// Keeps whether a visitor's region is not used for messages.
pub(in crate::http) async fn silence(web: &Data<Web>, visitor: VisitorId, is_silent: bool) -> Result<(), Problem> {
    let app = std::sync::Arc::clone(&web.app);
    let kept = web::block(move || app.set_silent(visitor, is_silent)).await;
    kept.map_err(|error| Problem::internal(&error))?.map_err(|error| {
        tracing::error!(error = crate::app::whole_chain(&error), "a visitor's wish could not be kept");
        Problem::no_storage()
    })
}

/// The visitor of a token: in the body, in the `Authorization` header or in the cookie.
fn named(web: &Web, request: &HttpRequest, body: &[u8]) -> Result<VisitorId, Problem> {
    let mut body = Body::parse(body)?;
    let told = body.text("visitor").or_else(|| bearer::token(request).map(ToOwned::to_owned));
    if !body.errors.is_empty() {
        return Err(Problem::fields(body.errors));
    }
    let token = told.or_else(|| cookie::read(request)).ok_or_else(Problem::no_visitor)?;
    web.app.visitor_of(&token).ok_or_else(Problem::no_visitor)
}

/// Forgets a visitor, one at a time: each empties files that all share.
pub(in crate::http) async fn forget(web: &Data<Web>, visitor: VisitorId) -> Result<Erased, Problem> {
    let _turn = web.forgetting.lock().await;
    let app = std::sync::Arc::clone(&web.app);
    let erased = web::block(move || app.forget(visitor)).await.map_err(|error| Problem::internal(&error))?;
    erased.map_err(|error| {
        tracing::error!(error = crate::app::whole_chain(&error), "a visitor could not be forgotten");
        Problem::no_storage()
    })
}
