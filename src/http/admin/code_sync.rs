//! Codes that are kept by machine: starting a run over them, looking at it, and the page for both.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use crate::app::wecom::{CodeRun, CodeRunError, SyncAction, SyncRow};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;

const PATH: &str = "/api/v1/admin/wecom/sync";
const PARAMS: &[Param] = &[Param { name: "dry_run", about: "`true` says what would be done, and changes nothing." }];

/// A run over all codes that are kept by machine.
#[derive(Serialize, JsonSchema)]
struct RunAnswer {
    /// Whether this can be used: the settings have `WeCom`'s secret.
    is_set_up: bool,
    /// The run that is under way, or the last one on this instance.
    run: Option<RunBody>,
}

/// A run.
#[derive(Serialize, JsonSchema)]
struct RunBody {
    /// Who started it.
    by: String,
    /// Whether it changes nothing.
    dry_run: bool,
    /// When it began, RFC 3339.
    began_at: String,
    /// When it ended; null while it is under way.
    ended_at: Option<String>,
    /// How many codes so far: `kept`, `made`, `updated`, `problem`.
    counts: BTreeMap<&'static str, u64>,
    /// Codes that are not as they are to be; the first thousand.
    rows: Vec<RowBody>,
    /// Why it ended early; null if it did not.
    error: Option<String>,
    /// What to do about that.
    advice: Option<Words>,
    /// The version of the catalog that it published last; null if it published none.
    version: Option<u64>,
}

/// A sentence in two languages.
#[derive(Serialize, JsonSchema)]
struct Words {
    zh: &'static str,
    en: &'static str,
}

/// What is said of one code, in two languages.
#[derive(Serialize, JsonSchema)]
struct RowWords {
    zh: String,
    en: String,
}

/// What became of one code, or would.
#[derive(Serialize, JsonSchema)]
struct RowBody {
    /// `group` or `contact`.
    kind: &'static str,
    /// The id of the group or contact.
    id: String,
    /// Its name.
    name: String,
    /// `made`, `updated` or `problem`.
    action: &'static str,
    /// A stable word for why, or for what is different; empty if there is nothing to say.
    code: &'static str,
    /// The same as a sentence.
    detail: RowWords,
}

/// The two calls and the page.
pub(super) fn endpoints() -> [Endpoint; 3] {
    let ops = Some(Role::Ops);
    [
        Endpoint::new(Method::GET, PATH, ops, "How far the run over codes in WeCom is", read).answers::<RunAnswer>(),
        Endpoint::new(Method::POST, PATH, ops, "Make and update the codes of stores in WeCom, and publish them", start)
            .params(PARAMS)
            .answers::<RunAnswer>()
            .status(202)
            .also(404, "WeCom is not set up")
            .also(409, "A run is under way"),
        Endpoint::new(Method::GET, "/admin/wecom", ops, "The page of what is kept in WeCom", show),
    ]
}

fn answer(web: &Web) -> RunAnswer {
    RunAnswer { is_set_up: web.app.wecom().is_some(), run: web.app.code_run().map(|it| body(web, it)) }
}

fn body(web: &Web, run: CodeRun) -> RunBody {
    let zone = web.app.zone().as_jiff();
    let row = |it: SyncRow| RowBody {
        kind: it.kind,
        id: it.id,
        name: it.name,
        action: it.action.as_str(),
        code: it.detail.code,
        detail: RowWords { zh: it.detail.zh, en: it.detail.en },
    };
    let counts = SyncAction::ALL.map(|it| (it.as_str(), run.counts.get(&it).copied().unwrap_or(0)));
    RunBody {
        by: run.by,
        dry_run: run.is_dry,
        began_at: run.began_at.in_zone(zone),
        ended_at: run.ended_at.map(|at| at.in_zone(zone)),
        counts: counts.into(),
        rows: run.rows.into_iter().map(row).collect(),
        error: run.error,
        advice: run.advice.map(|(zh, en)| Words { zh, en }),
        version: run.version,
    }
}

async fn read(web: Data<Web>, _staff: Staff) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer(&web))
}

async fn start(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let is_dry = query.flag("dry_run");
    query.finish()?;
    let rules = (web.settings.join_link_hosts.clone(), web.settings.groups.capacity);
    match web.app.start_code_run(&staff.actor, is_dry, rules) {
        Ok(()) => Ok(HttpResponse::Accepted().json(answer(&web))),
        Err(CodeRunError::Off) => {
            Err(Problem::nothing_here("WeCom is not set up here: wecom.corp_id and wecom.secret."))
        }
        Err(CodeRunError::Busy) => {
            Err(Problem::under_way("A run over the codes is under way", "Wait until it has ended."))
        }
        Err(error @ CodeRunError::NoThread) => Err(Problem::internal(&error)),
    }
}

#[derive(Template)]
#[template(path = "admin/templates/code_sync.html", config = "src/http/askama.toml")]
struct CodeSyncPage {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&CodeSyncPage { shell: Shell::new(&request, &staff, "/admin/wecom") })
}
