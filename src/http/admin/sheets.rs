//! Sheets of stores, groups and contacts in and out: `…/import`, `…/export` and `…/template`. What an import is doing is told in
//! `imports`.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, LOCATION};
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::gate::Staff;
use super::imports::JobAnswer;
use super::table::{Body, Endpoint, Param};
use crate::app::{
    ImportOptions, ImportPhase, ImportReport, ImportRequest, SheetForm, SheetOf, UPLOAD_BYTES_MAX, export_sheet,
};
use crate::catalog::Mode;
use crate::exchange::{SheetLanguage, TableFormat, TemplateOf, write_template};
use crate::geo::Datum;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, Web, upload};
use crate::staff::Role;

const IMPORT: &[Param] = &[
    Param { name: "dry_run", about: "true: report what would change, and change nothing; default: false." },
    Param {
        name: "mode",
        about: "What happens to entries that the sheet does not name: merge (they stay, the default) or replace (they go).",
    },
    Param { name: "datum", about: "The datum of rows that name none: wgs84, gcj02 or bd09. For stores only." },
    Param { name: "skip_bad_rows", about: "true: publish the good rows although others are refused; default: false." },
    Param { name: "background", about: "true: answer 202 at once; the import's own address tells how far it is." },
];
const EXPORT: &[Param] = &[
    Param { name: "format", about: "csv, jsonl, xlsx or, of stores, geojson; default: xlsx." },
    Param { name: "lang", about: "The language of the headers: en (the default) or zh. Both are read back." },
];
const TEMPLATE: &[Param] =
    &[Param { name: "lang", about: "The language of the headers and notes: zh (the default) or en." }];

/// The paths of a kind of sheet, with what they are for.
const KINDS: [(SheetOf, [(&str, &str); 3]); 3] = [
    (
        SheetOf::Stores,
        [
            ("/api/v1/admin/stores/import", "Import a sheet of stores: XLSX, CSV, GeoJSON or JSON Lines"),
            ("/api/v1/admin/stores/export", "The sheet of all stores"),
            ("/api/v1/admin/stores/template", "An empty sheet of stores to be filled in"),
        ],
    ),
    (
        SheetOf::Groups,
        [
            ("/api/v1/admin/groups/import", "Import a sheet of group chats: XLSX, CSV or JSON Lines"),
            ("/api/v1/admin/groups/export", "The sheet of all group chats"),
            ("/api/v1/admin/groups/template", "An empty sheet of group chats to be filled in"),
        ],
    ),
    (
        SheetOf::Contacts,
        [
            ("/api/v1/admin/contacts/import", "Import a sheet of contacts: XLSX, CSV or JSON Lines"),
            ("/api/v1/admin/contacts/export", "The sheet of all contacts"),
            ("/api/v1/admin/contacts/template", "An empty sheet of contacts to be filled in"),
        ],
    ),
];

/// Every call about sheets.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let media = |media_type| Body { media_type, schema: None };
    let xlsx = || media(TableFormat::Xlsx.media_type());
    KINDS
        .into_iter()
        .flat_map(|(of, [(import, import_about), (export, export_about), (template, template_about)])| {
            [
                Endpoint::new(Method::POST, import, Some(Role::Ops), import_about, take)
                    .params(IMPORT)
                    .takes_body(media("multipart/form-data"))
                    .answers::<ImportReport>()
                    .also_answers::<JobAnswer<'_>>(202, "It is under way; `Location` tells where to ask how far it is")
                    .body_bytes_max(UPLOAD_BYTES_MAX),
                SheetForm::all(of)
                    .fold(Endpoint::new(Method::GET, export, Some(Role::Viewer), export_about, give), |endpoint, it| {
                        endpoint.answers_body(media(it.media_type()))
                    })
                    .params(EXPORT),
                Endpoint::new(Method::GET, template, Some(Role::Viewer), template_about, empty)
                    .params(TEMPLATE)
                    .answers_body(xlsx()),
            ]
        })
        .collect()
}

/// What the sheet of a call is of.
fn of(request: &HttpRequest) -> SheetOf {
    let path = request.match_pattern().unwrap_or_default();
    let found = KINDS.iter().find(|(_, paths)| paths.iter().any(|(it, _)| *it == path));
    found.map_or(SheetOf::Stores, |(of, _)| *of)
}

/// `POST …/import`: checks and publishes a sheet.
async fn take(web: Data<Web>, staff: Staff, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(request.query_string())?;
    web.app.may_import().map_err(|busy| Problem::import_under_way(&busy))?;
    let file = upload::read(&request, payload).await?;
    let import = ImportRequest {
        of: of(&request),
        file_name: file.name,
        bytes: Arc::new(file.bytes),
        datum: asked.datum,
        options: asked.options,
        only_version: None,
        link_hosts: web.settings.join_link_hosts.clone(),
        groups: web.settings.groups,
    };
    let begun = web.app.begin_import(&staff.actor, import);
    let (id, ended) = begun.map_err(|busy| Problem::import_under_way(&busy))?;
    if asked.in_background {
        let job = web.app.import(id).ok_or_else(|| Problem::nothing_here("The import is gone."))?;
        return Ok(HttpResponse::Accepted()
            .insert_header((LOCATION, format!("/api/v1/admin/imports/{id}")))
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(JobAnswer::of(&job, SheetLanguage::English)));
    }
    // Without an end its thread has ended, and the job says how.
    let _ = ended.await;
    let job = web.app.import(id).ok_or_else(|| Problem::nothing_here("The import is gone."))?;
    let (ImportPhase::Done, Some(report)) = (job.phase, &job.report) else {
        return Err(Problem::no_storage());
    };
    let mut answer = HttpResponse::Ok();
    if let Some(version) = report.version {
        answer.insert_header((CATALOG_VERSION, version));
    }
    Ok(answer.insert_header((CACHE_CONTROL, "no-store")).json(&**report))
}

/// How a sheet is to be taken.
struct Asked {
    datum: Option<Datum>,
    options: ImportOptions,
    in_background: bool,
}

impl Asked {
    fn read(query: &str) -> Result<Self, Problem> {
        let mut query = Query::parse(query)?;
        let dry_run = query.flag("dry_run");
        let skip_bad_rows = query.flag("skip_bad_rows");
        let in_background = query.flag("background");
        let mode = match query.text("mode").map(Mode::parse) {
            None => Mode::Merge,
            Some(Some(mode)) => mode,
            Some(None) => {
                query.fail("mode", "unknown_mode", "is neither merge nor replace");
                Mode::Merge
            }
        };
        let datum = match query.text("datum").map(Datum::parse) {
            None => None,
            Some(Some(datum)) => Some(datum),
            Some(None) => {
                query.fail("datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
                None
            }
        };
        query.finish()?;
        Ok(Self { datum, options: ImportOptions { mode, dry_run, skip_bad_rows }, in_background })
    }
}

/// Reads `zh` or `en`.
pub(super) fn language(query: &mut Query<'_>, default: SheetLanguage) -> SheetLanguage {
    match query.text("lang") {
        None => default,
        Some("zh") => SheetLanguage::Chinese,
        Some("en") => SheetLanguage::English,
        Some(_) => {
            query.fail("lang", "unknown_language", "is neither zh nor en");
            default
        }
    }
}

/// `GET …/export`: the sheet.
async fn give(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let of = of(&request);
    let mut query = Query::parse(request.query_string())?;
    let language = language(&mut query, SheetLanguage::English);
    let form = match query.text("format") {
        None => SheetForm::Table(TableFormat::Xlsx, language),
        Some("geojson") if of == SheetOf::Stores => SheetForm::Points,
        Some(text) => TableFormat::parse(text).map_or_else(
            || {
                query.fail("format", "unknown_format", "is none of csv, jsonl, xlsx; of stores also geojson");
                SheetForm::Points
            },
            |format| SheetForm::Table(format, language),
        ),
    };
    query.finish()?;
    let catalog = web.app.catalog();
    let version = catalog.version();
    let written = web::block(move || {
        let mut out = Vec::new();
        export_sheet(&catalog, of, form, &mut out).map(|_rows| out)
    });
    let bytes = written.await.map_err(|error| Problem::internal(&error))?;
    let bytes = bytes.map_err(|error| Problem::internal(&error))?;
    let name = format!("{}-v{version}.{}", word(of), form.ending());
    let mut answer = attachment(&name, form.media_type());
    Ok(answer.insert_header((CATALOG_VERSION, version)).body(bytes))
}

fn word(of: SheetOf) -> &'static str {
    match of {
        SheetOf::Stores => "stores",
        SheetOf::Groups => "groups",
        SheetOf::Contacts => "contacts",
    }
}

/// `GET …/template`: an empty sheet.
async fn empty(_staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let of = match of(&request) {
        SheetOf::Stores => TemplateOf::Stores,
        SheetOf::Groups => TemplateOf::Groups,
        SheetOf::Contacts => TemplateOf::Contacts,
    };
    let mut query = Query::parse(request.query_string())?;
    let language = language(&mut query, SheetLanguage::Chinese);
    query.finish()?;
    let bytes = web::block(move || write_template(of, language)).await.map_err(|error| Problem::internal(&error))?;
    let bytes = bytes.map_err(|error| Problem::internal(&error))?;
    let name = match of {
        TemplateOf::Stores => "stores-template.xlsx",
        TemplateOf::Groups => "groups-template.xlsx",
        TemplateOf::Contacts => "contacts-template.xlsx",
    };
    Ok(attachment(name, TableFormat::Xlsx.media_type()).body(bytes))
}

/// An answer that browsers save under this name, which is ASCII.
pub(super) fn attachment(name: &str, media_type: &'static str) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .content_type(media_type);
    answer
}
