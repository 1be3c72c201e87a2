//! Jobs that were given up: the calls that show them and have them done again. They are on the page of the dead letters.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gate::Staff;
use super::json_of;
use super::table::{Endpoint, Param};
use crate::app::{DeadJobs, Deed, GivenUp, LaneStands};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::job::Lane;
use crate::staff::Role;
use crate::storage::{StorageError, Trouble};

const ALL: &str = "/api/v1/admin/dead-jobs";
const RETRY: &str = "/api/v1/admin/dead-jobs/retry";
const PAGED: &[Param] = &[
    Param { name: "lane", about: "`event`, `tag` or `reconcile`; default: all, one after the other." },
    Param { name: "page", about: "Which page, from 1." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// A page of jobs that were given up, lane by lane, latest first.
#[derive(Serialize, JsonSchema)]
struct DeadJobsAnswer {
    /// All of them, of the lanes asked for.
    total: u64,
    page: usize,
    per_page: usize,
    /// How all lanes stand.
    lanes: Vec<LaneAnswer>,
    items: Vec<DeadJobAnswer>,
}

/// How a lane stands.
#[derive(Serialize, JsonSchema)]
struct LaneAnswer {
    /// `event`, `tag` or `reconcile`.
    lane: &'static str,
    /// Jobs that wait or are worked on.
    waiting: u64,
    /// Jobs that were given up.
    dead: u64,
    /// For how long the oldest job that is ready has been ready, in seconds; 0 if none is.
    oldest_s: u64,
}

/// A job that was given up.
#[derive(Serialize, JsonSchema)]
struct DeadJobAnswer {
    lane: &'static str,
    /// Unique within its lane.
    id: String,
    /// When it was given up.
    at: String,
    /// How often it was tried.
    tries: u32,
    /// Why it was given up.
    cause: String,
    /// What a person can do about it; null where that is not known.
    advice: Option<AdviceAnswer>,
    /// What was to be done; a text where it cannot be read.
    job: Value,
}

/// One sentence in both languages.
#[derive(Serialize, JsonSchema)]
struct AdviceAnswer {
    zh: String,
    en: String,
}

/// What is to be done again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// `event`, `tag` or `reconcile`; without it all.
    lane: Option<String>,
    /// The id of one job; it needs its lane.
    id: Option<String>,
}

/// What is done again.
#[derive(Serialize, JsonSchema)]
struct RetriedJobsAnswer {
    /// How many jobs.
    retried: u64,
}

pub(super) fn endpoints() -> [Endpoint; 2] {
    let ops = Some(Role::Ops);
    [
        Endpoint::new(Method::GET, ALL, ops, "Jobs that were given up, and how all lanes stand", list)
            .params(PAGED)
            .answers::<DeadJobsAnswer>(),
        Endpoint::new(
            Method::POST,
            RETRY,
            ops,
            "Have jobs done again that were given up: all, of a lane, or one",
            retry,
        )
        .takes::<RetryBody>()
        .answers::<RetriedJobsAnswer>()
        .also(404, "There is no such job"),
    ]
}

fn lane_of(word: &str) -> Option<Lane> {
    Lane::ALL.into_iter().find(|it| it.as_str() == word)
}

const NO_LANE: &str = "This is none of event, tag and reconcile.";

fn storage_problem(error: &StorageError) -> Problem {
    if error.kind() == Trouble::Unavailable { Problem::no_storage() } else { Problem::internal(error) }
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=1_000_000);
    let per_page = query.count("per_page", 50, 1..=200);
    let word = query.text("lane").filter(|it| !it.is_empty());
    let lane = word.and_then(lane_of);
    if word.is_some() && lane.is_none() {
        query.fail("lane", "unknown", NO_LANE);
    }
    query.finish()?;
    let app = Arc::clone(&web.app);
    let skip = (page - 1).saturating_mul(per_page);
    let found = web::block(move || app.dead_jobs(lane, skip, per_page)).await;
    let found = found.map_err(|error| Problem::internal(&error))?.map_err(|error| storage_problem(&error))?;
    let DeadJobs { lanes, items } = found;
    let total = lanes.iter().filter(|it| lane.is_none_or(|of| of == it.lane)).map(|it| it.counts.dead).sum();
    let zone = web.app.zone().as_jiff();
    let answer = |GivenUp { dead: it, advice }: GivenUp| DeadJobAnswer {
        lane: it.job.lane.as_str(),
        at: it.at.in_zone(zone),
        tries: it.tries,
        cause: it.cause,
        advice: advice.map(|[zh, en]| AdviceAnswer { zh, en }),
        job: serde_json::from_str(&it.job.body).unwrap_or_else(|_unreadable| Value::String(it.job.body.clone())),
        id: it.job.id,
    };
    let lanes = lanes.iter().map(lane_answer).collect();
    let items = items.into_iter().map(answer).collect();
    let document = DeadJobsAnswer { total, page, per_page, lanes, items };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(document))
}

fn lane_answer(it: &LaneStands) -> LaneAnswer {
    LaneAnswer { lane: it.lane.as_str(), waiting: it.counts.waiting, dead: it.counts.dead, oldest_s: it.oldest_s }
}

async fn retry(web: Data<Web>, staff: Staff, request: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let RetryBody { lane: word, id } = json_of(&request, &bytes)?;
    let lane = word.as_deref().and_then(lane_of);
    if lane.is_none() && (word.is_some() || id.is_some()) {
        let what = if word.is_some() { NO_LANE } else { "The lane of this job is missing." };
        return Err(Problem::field("lane", "unknown", what));
    }
    let app = Arc::clone(&web.app);
    let is_one = id.is_some();
    let done = web::block(move || {
        let retried = app.retry_dead_jobs(lane, id.as_deref())?;
        if retried > 0 {
            let words = [lane.map(|it| it.as_str().to_owned()), id].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let target = if words.is_empty() { "all".to_owned() } else { words };
            let after = Some(serde_json::json!({ "retried": retried }).to_string());
            // They are ready; where storage does not answer the trail lacks this.
            let _ = app.record(&staff.actor, Deed { action: "dead_jobs.retry", target, before: None, after }, None);
        }
        Ok::<_, StorageError>(retried)
    });
    let retried = done.await.map_err(|error| Problem::internal(&error))?.map_err(|error| storage_problem(&error))?;
    if is_one && retried == 0 {
        return Err(Problem::nothing_here("There is no such job."));
    }
    Ok(HttpResponse::Ok().json(RetriedJobsAnswer { retried }))
}
