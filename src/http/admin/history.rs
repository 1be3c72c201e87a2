//! `/api/v1/admin/catalog` and `/admin/history`: versions of the catalog, what changed in them, and an older one made current again.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::gate::Staff;
use super::shell::{Shell, page};
use super::stores::blocking;
use super::table::{Endpoint, Param};
use super::{etag, json_of};
use crate::app::EntryDifference;
use crate::geo::Shape;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, Web};
use crate::staff::Role;
use crate::storage::{StorageError, Trouble, VersionInfo};

/// The last page that may be asked for.
const PAGES_MAX: usize = 1_000_000;
/// Lines on a page, where nobody says, and at most.
const PER_PAGE: usize = 50;
const PER_PAGE_MAX: usize = 200;
/// The longest value that a difference repeats, in characters.
const VALUE_CHARS_MAX: usize = 300;
/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 500;

const PAGES: &[Param] =
    &[Param { name: "page", about: "From 1." }, Param { name: "per_page", about: "1 to 200; default: 50." }];
const DIFF: &[Param] = &[
    Param { name: "against", about: "The version to compare with; default: the one before." },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default: 50." },
];

/// What is published.
#[derive(Serialize, JsonSchema)]
struct CatalogAnswer {
    version: u64,
    stores: usize,
    groups: usize,
    contacts: usize,
    campaigns: usize,
    regions: usize,
    service_areas: usize,
}

/// One version.
#[derive(Serialize, JsonSchema)]
struct WireVersion {
    version: u64,
    /// RFC 3339.
    at: String,
    /// Who published it.
    author: String,
    /// Why, in their words.
    note: String,
    /// How many entries it changed.
    changes: u64,
    /// Whether it is the one that is current.
    is_current: bool,
}

/// A page of versions, latest first.
#[derive(Serialize, JsonSchema)]
struct VersionList {
    total: u64,
    page: usize,
    per_page: usize,
    items: Vec<WireVersion>,
}

/// A field that is different. Values are cut to 300 characters.
#[derive(Serialize, JsonSchema)]
struct EntryField {
    /// Its name, with dots for what lies inside.
    field: String,
    /// What it was; null where there was nothing.
    before: Value,
    /// What it is; null where there is nothing.
    after: Value,
}

/// An entry that is different.
#[derive(Serialize, JsonSchema)]
struct EntryChange {
    /// `store`, `group`, `contact`, `campaign`, `region` or `service_area`.
    kind: &'static str,
    id: String,
    /// Its name, as far as it has one.
    name: String,
    /// `created`, `updated` or `removed`.
    change: &'static str,
    fields: Vec<EntryField>,
}

/// A page of differences.
#[derive(Serialize, JsonSchema)]
struct DiffAnswer {
    /// The version that was asked for.
    version: u64,
    /// The version it is compared with.
    against: u64,
    total: usize,
    page: usize,
    per_page: usize,
    items: Vec<EntryChange>,
}

/// Which version is to be current again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RollbackInput {
    /// Its number.
    version: u64,
    /// Why; for the history.
    #[serde(default)]
    note: String,
}

/// What came of it.
#[derive(Serialize, JsonSchema)]
struct RollbackAnswer {
    /// The version that is current.
    version: u64,
}

/// The calls and the page of the history.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let viewer = Some(Role::Viewer);
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/catalog",
            viewer,
            "What is published; its ETag is the version",
            current,
        )
        .answers::<CatalogAnswer>(),
        Endpoint::new(Method::GET, "/api/v1/admin/catalog/versions", viewer, "Versions, latest first", versions)
            .params(PAGES)
            .answers::<VersionList>(),
        Endpoint::new(
            Method::GET,
            "/api/v1/admin/catalog/versions/{version}/diff",
            viewer,
            "What changed in a version, field by field",
            diff,
        )
        .params(DIFF)
        .answers::<DiffAnswer>(),
        Endpoint::new(
            Method::POST,
            "/api/v1/admin/catalog/rollback",
            Some(Role::Ops),
            "Makes an older version current again, as the next one",
            roll_back,
        )
        .takes::<RollbackInput>()
        .answers::<RollbackAnswer>()
        .also(404, "There is no such version")
        .etag(),
        Endpoint::new(Method::GET, "/admin/history", viewer, "The page of versions", show),
    ]
}

fn storage_problem(error: &StorageError) -> Problem {
    match error.kind() {
        Trouble::NoSuchVersion { version } => Problem::nothing_here(format!("There is no version {version}.")),
        Trouble::Unavailable | Trouble::Conflict { .. } | Trouble::Corrupt | Trouble::TooNew { .. } => {
            Problem::no_storage()
        }
    }
}

async fn current(web: Data<Web>, _staff: Staff) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let version = catalog.version();
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{version}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version))
        .json(CatalogAnswer {
            version,
            stores: catalog.stores().len(),
            groups: catalog.groups().len(),
            contacts: catalog.contacts().len(),
            campaigns: catalog.campaigns().count(),
            regions: catalog.regions().regions().len(),
            service_areas: catalog.service_areas().areas().len(),
        }))
}

async fn versions(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=PAGES_MAX);
    let per_page = query.count("per_page", PER_PAGE, 1..=PER_PAGE_MAX);
    query.finish()?;
    let app = std::sync::Arc::clone(&web.app);
    let (current, found) = blocking(move || {
        let skip = u64::try_from((page - 1) * per_page).unwrap_or(u64::MAX);
        Ok::<_, StorageError>((app.versions(0, 1)?.first().map_or(0, |it| it.version), app.versions(skip, per_page)?))
    })
    .await?
    .map_err(|error| storage_problem(&error))?;
    let items = found.into_iter().map(|it| wire(it, current)).collect();
    let answer = VersionList { total: current, page, per_page, items };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

fn wire(it: VersionInfo, current: u64) -> WireVersion {
    let is_current = it.version == current;
    let (at, author, note) = (it.info.at.to_string(), it.info.author, it.info.note);
    WireVersion { version: it.version, at, author, note, changes: it.changes, is_current }
}

async fn diff(
    web: Data<Web>,
    _staff: Staff,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let version: u64 = path.parse().map_err(|_cause| Problem::nothing_here("There is no such version."))?;
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=PAGES_MAX);
    let per_page = query.count("per_page", PER_PAGE, 1..=PER_PAGE_MAX);
    let against = query.text("against").map(str::parse::<u64>);
    let against = match against {
        None => version.saturating_sub(1),
        Some(Ok(against)) => against,
        Some(Err(_cause)) => {
            query.fail("against", "not_a_number", "is no version");
            0
        }
    };
    query.finish()?;
    if version == 0 {
        return Err(Problem::nothing_here("There is no version 0."));
    }
    let app = std::sync::Arc::clone(&web.app);
    let found = blocking(move || app.differences(against, version, ((page - 1) * per_page, per_page))).await?;
    let (total, differences) = found.map_err(|error| storage_problem(&error))?;
    let items = differences.into_iter().map(entry).collect();
    let answer = DiffAnswer { version, against, total, page, per_page, items };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

fn entry(it: EntryDifference) -> EntryChange {
    let parse = |body: Option<&String>| -> Map<String, Value> {
        let value = body.and_then(|it| serde_json::from_str(it).ok());
        let mut flat = Map::new();
        if let Some(Value::Object(fields)) = value {
            flatten("", fields, &mut flat);
        }
        flat
    };
    let (before, after) = (parse(it.before.as_ref()), parse(it.after.as_ref()));
    let change = match (&it.before, &it.after) {
        (None, _) => "created",
        (Some(_), None) => "removed",
        (Some(_), Some(_)) => "updated",
    };
    let name = after.get("name").or(before.get("name")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut names: Vec<&String> = after.keys().chain(before.keys().filter(|it| !after.contains_key(*it))).collect();
    names.retain(|it| before.get(*it) != after.get(*it));
    let value = |of: &Map<String, Value>, name: &str| of.get(name).cloned().map_or(Value::Null, |it| short(name, it));
    let field =
        |name: &String| EntryField { field: name.clone(), before: value(&before, name), after: value(&after, name) };
    let fields = names.into_iter().map(field).collect();
    EntryChange { kind: it.kind.as_str(), id: it.id, name, change, fields }
}

/// Objects in objects become names with dots.
fn flatten(prefix: &str, fields: Map<String, Value>, into: &mut Map<String, Value>) {
    for (name, value) in fields {
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) if prefix.len() < VALUE_CHARS_MAX => flatten(&name, inner, into),
            Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                into.insert(name, value);
            }
        }
    }
}

/// A value that a person can read: outlines are counted, long texts cut.
fn short(name: &str, value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), ToOwned::to_owned);
            items.iter().map(text).collect::<Vec<_>>().join("; ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return value,
    };
    if name == "shape"
        && let Ok(shape) = Shape::try_from(text.clone())
    {
        return Value::String(format!("{} vertices", shape.vertices()));
    }
    let cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
    Value::String(if cut.len() < text.len() { format!("{cut}…") } else { cut })
}

async fn roll_back(web: Data<Web>, staff: Staff, request: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let input: RollbackInput = json_of(&request, &bytes)?;
    let note: String = input.note.chars().take(NOTE_CHARS_MAX).collect();
    // A belief that is no version is not the current one.
    let expected = etag::expected(&request).filter(|it| it != "*").map(|it| it.trim_matches('"').parse().unwrap_or(0));
    let app = std::sync::Arc::clone(&web.app);
    let version = blocking(move || app.roll_back(&staff.actor, input.version, &note, expected)).await??;
    Ok(HttpResponse::build(StatusCode::OK)
        .insert_header((ETAG, format!("\"{version}\"")))
        .insert_header((CATALOG_VERSION, version))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(RollbackAnswer { version }))
}

#[derive(Template)]
#[template(path = "admin/templates/history.html", config = "src/http/askama.toml")]
struct HistoryView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&HistoryView { shell: Shell::new(&request, &staff, "/admin/history") })
}
