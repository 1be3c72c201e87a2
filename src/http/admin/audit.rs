//! The audit trail: who changed what from what to what, when, and from where.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::gate::Staff;
use super::listing::{PER_PAGE_MAX, moment, per_page};
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;
use crate::storage::{AuditFilter, AuditPage, AuditRecord};

/// Differences that are listed of one deed.
const DIFFERENCES_MAX: usize = 100;
/// Characters of a value that a difference shows.
const VALUE_CHARS_MAX: usize = 500;

const PARAMS: &[Param] = &[
    Param { name: "actor", about: "Only what this user or token did." },
    Param { name: "action", about: "Only actions that begin with this: `store.`, `user.create`." },
    Param { name: "target", about: "Only what was done to this: the id of a store, the name of a user." },
    Param { name: "from", about: "From this day or moment on." },
    Param { name: "to", about: "Up to this day, the day included, or before this moment." },
    Param { name: "before", about: "Only records with a smaller number: `next` of the page before." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// One page of the trail, the latest first.
#[derive(Serialize, JsonSchema)]
struct AuditAnswer {
    per_page: usize,
    /// What to ask for as `before` to see older ones; null on the last page. A filter that few records pass may have pages of few or
    /// none before it: one call looks at ten thousand records at the most.
    next: Option<u64>,
    items: Vec<DeedAnswer>,
}

/// One thing that somebody did.
#[derive(Serialize, JsonSchema)]
struct DeedAnswer {
    /// Rises with every record.
    number: u64,
    /// When, RFC 3339 in the installation's time zone.
    at: String,
    /// Who: a user, `token:…`, `settings` or `command line`.
    actor: String,
    /// From which network address; null for the command line, and for readers who are no administrators.
    address: Option<String>,
    /// What, as a word.
    action: String,
    /// To what.
    target: String,
    /// What is different since.
    changes: Vec<Difference>,
    /// The version of the catalog that it made.
    catalog_version: Option<u64>,
}

/// One field that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Difference {
    /// Its name, with dots for what lies inside.
    field: String,
    /// As it was; null if it was not there.
    before: Option<String>,
    /// As it is; null if it is gone.
    after: Option<String>,
}

/// The call and the page.
pub(super) fn endpoints() -> [Endpoint; 2] {
    let about = "Who changed what from what to what, the latest first";
    [
        Endpoint::new(Method::GET, "/api/v1/admin/audit", Some(Role::Ops), about, list)
            .params(PARAMS)
            .answers::<AuditAnswer>(),
        Endpoint::new(Method::GET, "/admin/audit", Some(Role::Ops), "The page of the audit trail", show),
    ]
}

async fn list(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let text = |name| query.text(name).map(ToOwned::to_owned);
    let (actor, action, target) = (text("actor"), text("action"), text("target"));
    let from = moment(&mut query, "from", false, web.app.zone());
    let to = moment(&mut query, "to", true, web.app.zone());
    let before = query.text("before").map(str::parse::<u64>).transpose().unwrap_or_else(|_cause| {
        query.fail("before", "not_a_number", "is not the number of a record");
        None
    });
    let per_page = per_page(&mut query).min(PER_PAGE_MAX);
    query.finish()?;
    let filter = AuditFilter { actor, action, target, from, to, before };
    let app = std::sync::Arc::clone(&web.app);
    let found =
        web::block(move || app.audit(&filter, per_page + 1)).await.map_err(|error| Problem::internal(&error))?;
    let AuditPage { mut found, rest } = found.map_err(|_cause| Problem::no_storage())?;
    let has_more = found.len() > per_page;
    found.truncate(per_page);
    let next = found.last().map(|(number, _)| *number).filter(|_| has_more).or(rest);
    let shows_address = staff.actor.role == Role::Admin;
    let items = found.into_iter().map(|(number, it)| deed(&web, number, it, shows_address)).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(AuditAnswer { per_page, next, items }))
}

fn deed(web: &Web, number: u64, it: AuditRecord, shows_address: bool) -> DeedAnswer {
    DeedAnswer {
        number,
        at: it.at.in_zone(web.app.zone().as_jiff()),
        changes: differences(it.before.as_deref(), it.after.as_deref()),
        actor: it.actor,
        address: Some(it.address).filter(|it| shows_address && !it.is_empty()),
        action: it.action,
        target: it.target,
        catalog_version: it.version,
    }
}

/// Field by field what is different between two pieces of JSON.
fn differences(before: Option<&str>, after: Option<&str>) -> Vec<Difference> {
    let fields = |json: Option<&str>| {
        let mut fields = Map::new();
        match json.map(serde_json::from_str::<Value>) {
            Some(Ok(value)) => flatten("", value, &mut fields),
            Some(Err(_cause)) => {
                fields.insert(String::new(), Value::from(json));
            }
            None => {}
        }
        fields
    };
    let (before, mut after) = (fields(before), fields(after));
    let mut found = Vec::new();
    for (field, old) in before {
        let new = after.remove(&field);
        if new.as_ref() != Some(&old) {
            found.push(Difference { field, before: Some(shown(old)), after: new.map(shown) });
        }
    }
    found.extend(after.into_iter().map(|(field, new)| Difference { field, before: None, after: Some(shown(new)) }));
    found.truncate(DIFFERENCES_MAX);
    found
}

/// Objects become fields with dots; lists stay whole, because people read them as one value.
fn flatten(name: &str, value: Value, into: &mut Map<String, Value>) {
    match value {
        Value::Object(inner) => {
            for (key, value) in inner {
                let full = if name.is_empty() { key } else { format!("{name}.{key}") };
                flatten(&full, value, into);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            into.insert(name.to_owned(), value);
        }
    }
}

fn shown(value: Value) -> String {
    let text = if let Value::String(text) = value { text } else { value.to_string() };
    let mut cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[derive(Template)]
#[template(path = "admin/templates/audit.html", config = "src/http/askama.toml")]
struct AuditView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&AuditView { shell: Shell::new(&request, &staff, "/admin/audit") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_different_is_told_field_by_field() {
        let told = differences(
            Some(r#"{"name": "店", "at": {"lat": 1.5, "lng": 2}, "tags": ["a"], "gone": true, "same": null}"#),
            Some(r#"{"name": "新店", "at": {"lat": 1.5, "lng": 3}, "tags": ["a", "b"], "new": "x"}"#),
        );
        let told: Vec<_> = told.iter().map(|it| (&*it.field, it.before.as_deref(), it.after.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("at.lng", Some("2"), Some("3")),
                ("gone", Some("true"), None),
                ("name", Some("店"), Some("新店")),
                ("tags", Some("[\"a\"]"), Some("[\"a\",\"b\"]")),
                ("new", None, Some("x")),
            ]
        );
        assert_eq!(differences(None, None), []);
        assert_eq!(differences(Some("no json"), None)[0].before.as_deref(), Some("no json"));
    }
}
