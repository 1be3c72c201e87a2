//! What operations engineers ask: does it turn, is it ready, what does it count.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use serde::Serialize;

use super::Web;
use super::problem::Problem;
use crate::app::{Behind, LOOK_WAIT, LaneStands, seconds};

/// Records waiting in the outbox from which on storage is called behind.
const OUTBOX_BEHIND: u64 = 10_000;

/// How far a clock may be off before that is told, in milliseconds.
const CLOCK_OFF_MS: i64 = 5_000;

/// For how long a job may be ready before its lane is called behind, in seconds.
const LANE_BEHIND_S: u64 = 300;

#[derive(Serialize)]
struct Readiness {
    #[serde(rename = "ready")]
    is_ready: bool,
    catalog_version: u64,
    /// Versions that storage is ahead; null while it does not answer.
    catalog_lag: Option<u64>,
    stores: usize,
    /// Whether storage answers.
    storage: bool,
    outbox_depth: u64,
    /// The age of the oldest record that waits, in seconds.
    outbox_oldest_s: Option<u64>,
    seats_unconfirmed: u64,
    dead_letters: u64,
    /// Records that storage has lost and that are still to be delivered again.
    to_redeliver: u64,
    /// Jobs that were given up; null while storage does not answer.
    dead_jobs: Option<u64>,
    /// How far the clock is ahead of that of the storage server; null where there is no other clock, or it was not asked yet.
    clock_ahead_s: Option<f64>,
    degraded: Vec<&'static str>,
}

/// What lies behind the instance, the version that storage holds, and its lanes of jobs. Whoever looks is answered in time, whatever
/// storage does.
async fn look(web: &Data<Web>) -> (Behind, Option<u64>, Option<Vec<LaneStands>>) {
    let (asked, looked, counted) = (Arc::clone(&web.app), Arc::clone(&web.app), Arc::clone(&web.app));
    let stored = tokio::time::timeout(LOOK_WAIT, web::block(move || asked.stored_version()));
    let lanes = tokio::time::timeout(LOOK_WAIT, web::block(move || counted.lanes()));
    let behind = web::block(move || looked.behind());
    let (stored, behind, lanes) = tokio::join!(stored, behind, lanes);
    let lanes = lanes.ok().and_then(Result::ok).and_then(Result::ok);
    (behind.unwrap_or_default(), stored.ok().and_then(Result::ok).flatten(), lanes)
}

/// `GET /healthz`: the process turns.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(serde_json::json!({ "status": "ok" }))
}

/// `GET /readyz`: a catalog is live; and what is degraded.
pub(super) async fn readyz(web: Data<Web>) -> HttpResponse {
    let (behind, stored, lanes) = look(&web).await;
    let is_late = lanes.iter().flatten().any(|it| it.oldest_s >= LANE_BEHIND_S);
    let dead_jobs = lanes.map(|it| it.iter().map(|it| it.counts.dead).sum());
    let is_clock_off = behind.clock_ahead_ms.is_some_and(|it| it.abs() >= CLOCK_OFF_MS);
    let catalog = web.app.catalog();
    let version = catalog.version();
    let degraded = [
        (version == 0, "no catalog has been published; import stores"),
        (stored.is_none(), "storage does not answer; scanning goes on, and records wait in the outbox"),
        (stored.is_some_and(|it| it != version), "another catalog is published and not live; the log says why"),
        (web.app.metrics().delivery_failing.get() > 0, "storage does not take records; they wait in the outbox"),
        (behind.is_disk_failing, "the disk of this instance cannot be written; make room on it"),
        (is_clock_off, "the clock of this instance is not that of storage; synchronise it"),
        (behind.outbox_depth >= OUTBOX_BEHIND, "storage is behind; records wait in the outbox"),
        (behind.to_redeliver > 0, "storage has lost records; those that are kept here are delivered again"),
        (behind.seats_unconfirmed > 0, "seats were shown that storage has not counted"),
        (behind.dead_letters > 0, "records could not be delivered; see the dead letters"),
        (is_late, "jobs are behind; jinqun_jobs_oldest_seconds tells of which lane"),
        (dead_jobs.is_some_and(|it| it > 0), "jobs were given up; see the dead letters"),
    ];
    let answer = Readiness {
        is_ready: version > 0,
        catalog_version: version,
        catalog_lag: web.app.catalog_lag(stored),
        stores: catalog.stores().len(),
        storage: stored.is_some(),
        outbox_depth: behind.outbox_depth,
        outbox_oldest_s: behind.oldest_s,
        seats_unconfirmed: behind.seats_unconfirmed,
        dead_letters: behind.dead_letters,
        to_redeliver: behind.to_redeliver,
        dead_jobs,
        clock_ahead_s: behind.clock_ahead_ms.map(seconds),
        degraded: degraded.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect(),
    };
    let mut response = if answer.is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CACHE_CONTROL, "no-store")).content_type("application/json; charset=utf-8");
    response.body(serde_json::to_vec(&answer).unwrap_or_default())
}

/// `GET /metrics`: the Prometheus text format, version 0.0.4.
pub(super) async fn metrics(web: Data<Web>) -> Result<HttpResponse, Problem> {
    let (behind, stored, lanes) = look(&web).await;
    web.app.show_behind(&behind, stored);
    web.app.show_lanes(lanes.as_deref().unwrap_or_default());
    let text = web.app.metrics().render().map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
