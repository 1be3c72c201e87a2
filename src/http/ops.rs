//! What operations engineers ask: does it turn, is it ready, what does it count.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use serde::Serialize;

use super::Web;
use super::problem::Problem;

/// Records waiting in the outbox from which on storage is called behind.
const OUTBOX_BEHIND: u64 = 10_000;

#[derive(Serialize)]
struct Readiness {
    #[serde(rename = "ready")]
    is_ready: bool,
    catalog_version: u64,
    stores: usize,
    outbox_depth: u64,
    degraded: Vec<&'static str>,
}

/// `GET /healthz`: the process turns.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(serde_json::json!({ "status": "ok" }))
}

/// `GET /readyz`: a catalog is live; and what is degraded.
pub(super) async fn readyz(web: Data<Web>) -> HttpResponse {
    let app = std::sync::Arc::clone(&web.app);
    let stored = web::block(move || app.stored_version()).await.ok().flatten();
    let catalog = web.app.catalog();
    let outbox_depth = web.app.outbox_depth();
    let version = catalog.version();
    let degraded = [
        (version == 0, "no catalog has been published; import stores"),
        (stored.is_none(), "storage does not answer; records wait in the outbox"),
        (stored.is_some_and(|it| it != version), "another catalog is published and not live; the log says why"),
        (web.app.metrics().delivery_failing.get() > 0, "storage does not take records; they wait in the outbox"),
        (outbox_depth >= OUTBOX_BEHIND, "storage is behind; records wait in the outbox"),
    ];
    let answer = Readiness {
        is_ready: version > 0,
        catalog_version: version,
        stores: catalog.stores().len(),
        outbox_depth,
        degraded: degraded.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect(),
    };
    let mut response = if answer.is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CACHE_CONTROL, "no-store")).content_type("application/json; charset=utf-8");
    response.body(serde_json::to_vec(&answer).unwrap_or_default())
}

/// `GET /metrics`: the Prometheus text format, version 0.0.4.
pub(super) async fn metrics(web: Data<Web>) -> Result<HttpResponse, Problem> {
    let text = web.app.metrics().render().map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
