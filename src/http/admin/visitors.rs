//! Visitors: all that is held about one, and its erasure. A visitor is a browser with our cookie; nothing here names a person.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::Endpoint;
use super::tags::TagAnswer;
use crate::app::Deed;
use crate::http::Web;
use crate::http::api::visitors::{Removed, forget};
use crate::http::problem::Problem;
use crate::id::VisitorId;
use crate::staff::Role;

const ONE: &str = "/api/v1/admin/visitors/{id}";

/// All that is held about a visitor.
#[derive(Serialize, JsonSchema)]
struct VisitorAnswer {
    visitor: String,
    /// Their visits, the latest first; at most a thousand.
    tags: Vec<TagAnswer>,
    /// Steps of their visits.
    steps: Vec<StepAnswer>,
    /// Which notices they agreed to.
    consents: Vec<ConsentAnswer>,
}

/// A step of a visit.
#[derive(Serialize, JsonSchema)]
struct StepAnswer {
    scan: String,
    step: &'static str,
    at: String,
}

/// A consent to a notice.
#[derive(Serialize, JsonSchema)]
struct ConsentAnswer {
    /// The version of the notice.
    notice: String,
    first_at: String,
    last_at: String,
}

/// What was removed.
#[derive(Serialize, JsonSchema)]
struct ErasedAnswer {
    removed: Removed,
}

/// The calls and the page.
pub(super) fn endpoints() -> [Endpoint; 3] {
    let ops = Some(Role::Ops);
    [
        Endpoint::new(Method::GET, ONE, ops, "All that is held about a visitor, by id or token", read)
            .answers::<VisitorAnswer>()
            .also(400, "This is neither the id of a visitor nor a token that was signed here"),
        Endpoint::new(Method::DELETE, ONE, ops, "Erase a visitor, by id, token, external_userid or unionid", erase)
            .answers::<ErasedAnswer>()
            .also(400, "This is neither the id of a visitor nor a token that was signed here"),
        Endpoint::new(Method::GET, "/admin/visitors", ops, "The page of visitors", show),
    ]
}

fn visitor(web: &Web, text: &str) -> Result<VisitorId, Problem> {
    web.app.visitor_named(text).ok_or_else(|| {
        let message = "is neither the id of a visitor nor a token that was signed here".to_owned();
        let field = crate::http::problem::FieldError { field: "visitor".into(), code: "unknown_visitor", message };
        Problem::fields(vec![field])
    })
}

async fn read(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let visitor = visitor(&web, &id)?;
    let app = std::sync::Arc::clone(&web.app);
    let held = web::block(move || app.held_about(visitor)).await.map_err(|error| Problem::internal(&error))?;
    let held = held.map_err(|_cause| Problem::no_storage())?;
    let zone = web.app.zone();
    let moment = |it: crate::time::Timestamp| it.in_zone(zone.as_jiff());
    let step = |it: &crate::funnel::StepRecord| StepAnswer {
        scan: it.scan.to_string(),
        step: it.step.as_str(),
        at: moment(it.at),
    };
    let consent = |it: &crate::consent::Consent| ConsentAnswer {
        notice: it.notice.to_string(),
        first_at: moment(it.first_at),
        last_at: moment(it.last_at),
    };
    let answer = VisitorAnswer {
        visitor: visitor.to_string(),
        tags: held.tags.iter().map(|it| TagAnswer::new(it, zone)).collect(),
        steps: held.steps.iter().map(step).collect(),
        consents: held.consents.iter().map(consent).collect(),
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

/// Erases a visitor, or everybody who is known by an `external_userid` or a `unionid`.
async fn erased(web: &Data<Web>, text: &str) -> Result<Removed, Problem> {
    if web.app.visitor_named(text).is_some() {
        return Ok(forget(web, visitor(web, text)?).await?.into());
    }
    let (app, wanted) = (std::sync::Arc::clone(&web.app), text.to_owned());
    let parted = web::block(move || app.part_person(&wanted)).await.map_err(|error| Problem::internal(&error))?;
    let Some(parted) = parted.map_err(|_cause| Problem::no_storage())? else {
        // Nobody is known by that, which is told as of any other text.
        return Ok(forget(web, visitor(web, text)?).await?.into());
    };
    let mut all = crate::app::Erased::default();
    for visitor in parted.visitors {
        all = all.and(forget(web, visitor).await?);
    }
    Ok(all.into())
}

async fn erase(web: Data<Web>, staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let removed: Removed = erased(&web, &id).await?;
    // The trail says that somebody was erased, and not who: it would outlast what was erased.
    let after = serde_json::to_string(&serde_json::json!({"removed": &removed})).ok();
    let app = std::sync::Arc::clone(&web.app);
    let deed = Deed { action: "visitor.erase", target: String::new(), before: None, after };
    let noted = web::block(move || app.record(&staff.actor, deed, None)).await;
    noted.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(ErasedAnswer { removed }))
}

#[derive(Template)]
#[template(path = "admin/templates/visitors.html", config = "src/http/askama.toml")]
struct VisitorsView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&VisitorsView { shell: Shell::new(&request, &staff, "/admin/visitors") })
}
