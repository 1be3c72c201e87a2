//! Imports that are under way or were made: how far they are, what came of them, and the drafts that can be applied; and the page
//! where people drop their sheets.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::sheets::{attachment, language};
use super::shell::{Shell, page};
use super::table::{Body, Endpoint, Param};
use crate::app::{Difference, ImportJob, ImportPhase, ImportReport, SheetOf};
use crate::catalog::{Mode, Problem as RowProblem};
use crate::exchange::{SheetLanguage, TableFormat};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;

mod problem_sheet;
mod words;

/// Problems and warnings that are told of an import, each; its sheet of problems has all.
const TOLD_MAX: usize = 1_000;

const LANG: &[Param] = &[Param { name: "lang", about: "The language of the sentences: en (the default) or zh." }];
const APPLY: &[Param] = &[Param {
    name: "skip_bad_rows",
    about: "true: publish the good rows although others are refused; default: false.",
}];

/// What came of an import.
#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    rows: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    removed: u64,
    rejected: u64,
    /// The version in which all good rows are live: a new one, or the current one if they changed nothing. None if nothing was published.
    version: Option<u64>,
    /// At most 1,000.
    problems: Vec<RowProblem>,
    /// How many there are.
    problems_total: u64,
    /// At most 1,000.
    warnings: Vec<RowProblem>,
    /// How many there are.
    warnings_total: u64,
    /// What would change, at most 500 entries.
    differences: &'a [Difference],
}

/// How far an import is.
#[derive(Serialize, JsonSchema)]
struct Progress {
    done: u64,
    total: u64,
}

/// An import.
#[derive(Serialize, JsonSchema)]
pub(super) struct JobAnswer<'a> {
    id: u64,
    /// `stores`, `groups` or `contacts`.
    of: &'static str,
    file_name: &'a str,
    by: &'a str,
    /// As RFC 3339.
    at: String,
    phase: ImportPhase,
    progress: Progress,
    mode: &'static str,
    dry_run: bool,
    /// The version of the catalog that it was compared with.
    compared_with: Option<u64>,
    /// Whether it can be applied without being sent again.
    can_apply: bool,
    report: Option<Told<'a>>,
    /// Why it was broken off.
    failure: Option<&'a str>,
}

impl<'a> JobAnswer<'a> {
    pub(super) fn of(job: &'a ImportJob, language: SheetLanguage) -> Self {
        Self {
            id: job.id,
            of: match job.of {
                SheetOf::Stores => "stores",
                SheetOf::Groups => "groups",
                SheetOf::Contacts => "contacts",
            },
            file_name: &job.file_name,
            by: &job.by,
            at: job.at.to_string(),
            phase: job.phase,
            progress: Progress { done: job.progress.0, total: job.progress.1 },
            mode: if job.options.mode == Mode::Replace { "replace" } else { "merge" },
            dry_run: job.options.dry_run,
            compared_with: job.compared_with,
            can_apply: job.has_draft(),
            report: job.report.as_deref().map(|it| told(it, language)),
            failure: job.failure.as_deref(),
        }
    }
}

fn told(report: &ImportReport, language: SheetLanguage) -> Told<'_> {
    let some = |list: &[RowProblem]| list.iter().take(TOLD_MAX).map(|it| words::in_language(it, language)).collect();
    let count = |list: &[RowProblem]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    Told {
        rows: report.rows,
        created: report.created,
        updated: report.updated,
        unchanged: report.unchanged,
        removed: report.removed,
        rejected: report.rejected,
        version: report.version,
        problems: some(&report.problems),
        problems_total: count(&report.problems),
        warnings: some(&report.warnings),
        warnings_total: count(&report.warnings),
        differences: &report.differences,
    }
}

/// Every call about imports, and the page.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let ops = Some(Role::Ops);
    let xlsx = Body { media_type: TableFormat::Xlsx.media_type(), schema: None };
    vec![
        Endpoint::new(Method::GET, "/admin/import", ops, "The page for imports", show),
        Endpoint::new(Method::GET, "/api/v1/admin/imports", ops, "The latest imports, without their problems", list)
            .answers::<Vec<JobAnswer<'_>>>(),
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/imports/{id}",
            ops,
            "How far an import is, and what came of it",
            read,
        )
        .params(LANG)
        .answers::<JobAnswer<'_>>(),
        Endpoint::new(
            Method::POST,
            "/api/v1/admin/imports/{id}/apply",
            ops,
            "Publish what was only compared; compare anew if the catalog has changed since",
            apply,
        )
        .params(APPLY)
        .status(202)
        .answers::<JobAnswer<'_>>(),
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/imports/{id}/problems",
            ops,
            "The refused rows as a sheet, with what is wrong beside each",
            problems,
        )
        .params(LANG)
        .answers_body(xlsx),
    ]
}

fn job(web: &Web, id: &str) -> Result<ImportJob, Problem> {
    let found = id.parse().ok().and_then(|id| web.app.import(id));
    found.ok_or_else(|| Problem::nothing_here("No import with this number is known; the last 32 are kept."))
}

async fn list(web: Data<Web>, _staff: Staff) -> Result<HttpResponse, Problem> {
    let mut jobs = web.app.recent_imports();
    for it in &mut jobs {
        it.report = None;
    }
    let answers: Vec<JobAnswer<'_>> = jobs.iter().map(|it| JobAnswer::of(it, SheetLanguage::English)).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answers))
}

async fn read(web: Data<Web>, _staff: Staff, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let language = language(&mut query, SheetLanguage::English);
    query.finish()?;
    let job = job(&web, &id)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(JobAnswer::of(&job, language)))
}

async fn apply(web: Data<Web>, staff: Staff, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let skip_bad_rows = query.flag("skip_bad_rows");
    query.finish()?;
    let before = job(&web, &id)?;
    let begun = web.app.apply_import(&staff.actor, before.id, skip_bad_rows);
    let begun = begun.map_err(|busy| Problem::import_under_way(&busy))?;
    begun.ok_or_else(|| {
        Problem::nothing_here("There is nothing to apply: it was applied before, or its file is gone.")
    })?;
    let job = job(&web, &id)?;
    Ok(HttpResponse::Accepted()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(JobAnswer::of(&job, SheetLanguage::English)))
}

async fn problems(
    web: Data<Web>,
    _staff: Staff,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let language = language(&mut query, SheetLanguage::English);
    query.finish()?;
    let job = job(&web, &id)?;
    let bytes = web::block(move || problem_sheet::write(&job, language)).await;
    let bytes = bytes.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    Ok(attachment("problems.xlsx", TableFormat::Xlsx.media_type()).body(bytes))
}

#[derive(Template)]
#[template(path = "admin/templates/import.html", config = "src/http/askama.toml")]
struct ImportPage {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&ImportPage { shell: Shell::new(&request, &staff, "/admin/import") })
}
