//! What needs a person: `GET /api/v1/admin/alerts` and the page `/admin/alerts`.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::{Endpoint, Param};
use crate::app::{ALERTS_LISTED_MAX as LISTED_MAX, AlertKind, Alerts, Bilingual, kind_name, what_to_do};
use crate::http::Web;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::staff::Role;

const PARAMS: &[Param] = &[
    Param { name: "kind", about: "Only this kind, by its word." },
    Param { name: "each", about: "At most so many of each kind; default: all that are listed, 200." },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default: 50." },
];

pub(super) fn endpoints() -> [Endpoint; 2] {
    let about = "What needs a person: codes that expire, groups that fill up, stores without a code, odd coordinates, deliveries";
    [
        Endpoint::new(Method::GET, "/api/v1/admin/alerts", Some(Role::Viewer), about, alerts)
            .params(PARAMS)
            .answers::<AlertsDocument>(),
        Endpoint::new(Method::GET, "/admin/alerts", Some(Role::Viewer), "The page of alerts", show),
    ]
}

/// A page of alerts, the urgent kinds first.
#[derive(Serialize, JsonSchema)]
struct AlertsDocument {
    /// All of them; of each kind the two hundred most urgent are listed.
    total: usize,
    page: usize,
    per_page: usize,
    /// When it was looked for.
    at: String,
    kinds: Vec<KindDocument>,
    items: Vec<AlertDocument>,
}

/// How many there are of a kind.
#[derive(Serialize, JsonSchema)]
struct KindDocument {
    kind: &'static str,
    /// `now` or `soon`.
    severity: &'static str,
    count: usize,
    /// How many of them can be listed.
    listed: usize,
    name: Bilingual,
    /// What to do about it.
    todo: Bilingual,
}

/// One thing that needs a person.
#[derive(Serialize, JsonSchema)]
struct AlertDocument {
    /// The same for as long as the same thing is wrong.
    cause: String,
    kind: &'static str,
    /// `now` or `soon`.
    severity: &'static str,
    /// Since when, as far as that is known.
    since: Option<String>,
    title: Bilingual,
    todo: Bilingual,
    /// The page that mends it.
    link: String,
}

/// What needs a person now.
pub(super) async fn look(web: &Web) -> Result<Alerts, Problem> {
    let app = Arc::clone(&web.app);
    web::block(move || app.alerts()).await.map_err(|error| Problem::internal(&error))
}

async fn alerts(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let kind = query.text("kind").map(|word| AlertKind::ALL.into_iter().find(|it| it.as_str() == word));
    if kind == Some(None) {
        query.fail("kind", "unknown_word", "is no kind of alert");
    }
    let at = query.count("page", 1, 1..=1_000_000);
    let per_page = query.count("per_page", 50, 1..=200);
    let each = query.count("each", LISTED_MAX, 1..=LISTED_MAX);
    query.finish()?;
    let found = look(&web).await?;
    let zone = web.app.zone().as_jiff();
    let passes = |it: AlertKind| kind.flatten().is_none_or(|wanted| wanted == it);
    let kinds = found.counts.iter().map(|(kind, count)| KindDocument {
        kind: kind.as_str(),
        severity: kind.severity(),
        count: *count,
        listed: found.listed.iter().filter(|it| it.kind == *kind).count(),
        name: kind_name(*kind),
        todo: what_to_do(*kind),
    });
    let mut taken = std::collections::BTreeMap::new();
    let mut is_among_first = |it: &&crate::app::Alert| {
        let count = taken.entry(it.kind).or_insert(0_usize);
        *count += 1;
        *count <= each
    };
    let items = found.listed.iter().filter(|it| passes(it.kind) && is_among_first(it)).map(|it| AlertDocument {
        cause: it.cause.clone(),
        kind: it.kind.as_str(),
        severity: it.kind.severity(),
        since: it.since.map(|it| it.in_zone(zone)),
        title: it.said.clone(),
        todo: what_to_do(it.kind),
        link: it.link.clone(),
    });
    let document = AlertsDocument {
        total: found.counts.iter().filter(|(kind, _)| passes(**kind)).map(|(_, count)| count).sum(),
        page: at,
        per_page,
        at: found.at.in_zone(zone),
        kinds: kinds.collect(),
        items: items.skip((at - 1).saturating_mul(per_page)).take(per_page).collect(),
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(document))
}

#[derive(Template)]
#[template(path = "admin/templates/alerts.html", config = "src/http/askama.toml")]
struct AlertsPage {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&AlertsPage { shell: Shell::new(&request, &staff, "/admin/alerts") })
}
