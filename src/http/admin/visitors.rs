//! Visitors: all that is held about one, and its erasure. A visitor is a browser with our cookie; nothing here names a person.

use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::Endpoint;
use super::tags::TagAnswer;
use crate::app::{Deed, Erased};
use crate::http::Web;
use crate::http::api::visitors::{Removed, forget, kept};
use crate::http::problem::Problem;
use crate::id::VisitorId;
use crate::staff::Role;
use crate::storage::{FeedEntry, SeatKept, SeatState};

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
    /// Their seats in group chats.
    seats: Vec<SeatAnswer>,
    /// Whether they wish that their region is not used for messages.
    opted_out: bool,
    /// Who they are elsewhere, as far as they have shown it.
    identities: Identities,
    /// What is kept of the `WeCom` customers they are known to be.
    customers: Vec<CustomerAnswer>,
    /// Entries of the feed that are about them; at most a thousand.
    feed: Vec<FeedAnswer>,
}

/// A seat in a group chat.
#[derive(Serialize, JsonSchema)]
struct SeatAnswer {
    group: String,
    /// `held`, `given_back` or `confirmed`.
    state: &'static str,
    /// The end of the hold, or when it was given back or confirmed.
    at: String,
    /// What they wanted, such as `store:SH-0001`.
    wanted: String,
    /// The visit that took it.
    scan: Option<String>,
}

/// Who a visitor is elsewhere.
#[derive(Serialize, JsonSchema)]
struct Identities {
    /// `external_userid`.
    customer: Option<String>,
    unionid: Option<String>,
    openid: Option<String>,
}

/// A customer.
#[derive(Serialize, JsonSchema)]
struct CustomerAnswer {
    external_userid: String,
    /// Contacts, group chats and the place in labels, as they are kept.
    card: Value,
}

/// An entry of the feed.
#[derive(Serialize, JsonSchema)]
struct FeedAnswer {
    number: u64,
    at: String,
    #[serde(rename = "type")]
    kind: String,
    data: Value,
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
    /// Customers who stay as a silent card until the tags that were set in `WeCom` are taken back.
    customers_silenced: u64,
    /// What stays, in words.
    kept: String,
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

/// What is kept as JSON; a text where it is none.
fn as_json(body: String) -> Value {
    serde_json::from_str(&body).unwrap_or(Value::String(body))
}

async fn read(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let visitor = visitor(&web, &id)?;
    let app = std::sync::Arc::clone(&web.app);
    let held = web::block(move || app.held_about(visitor)).await.map_err(|error| Problem::internal(&error))?;
    let held = held.map_err(|_cause| Problem::no_storage())?;
    let (zone, now) = (web.app.zone(), web.app.now());
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
    let seat = |it: &SeatKept| SeatAnswer {
        group: it.group.to_string(),
        state: match it.state {
            SeatState::Held if it.until < now => "given_back",
            SeatState::Held => "held",
            SeatState::GivenBack => "given_back",
            SeatState::Confirmed => "confirmed",
        },
        at: moment(it.until),
        wanted: it.wanted.clone(),
        scan: it.scan.map(|it| it.to_string()),
    };
    let entry = |(number, it): (u64, FeedEntry)| FeedAnswer {
        number,
        at: moment(it.at),
        kind: it.kind,
        data: as_json(it.body),
    };
    let answer = VisitorAnswer {
        visitor: visitor.to_string(),
        tags: held.tags.iter().map(|it| TagAnswer::new(it, zone)).collect(),
        steps: held.steps.iter().map(step).collect(),
        consents: held.consents.iter().map(consent).collect(),
        seats: held.seats.iter().map(seat).collect(),
        opted_out: held.link.is_silent,
        identities: Identities { customer: held.link.customer, unionid: held.link.unionid, openid: held.link.openid },
        customers: held
            .customers
            .into_iter()
            .map(|it| CustomerAnswer { card: as_json(it.body), external_userid: it.id })
            .collect(),
        feed: held.feed.into_iter().map(entry).collect(),
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

/// Erases a visitor, or everybody who is known by an `external_userid` or a `unionid`.
async fn erased(web: &Data<Web>, text: &str) -> Result<Erased, Problem> {
    if web.app.visitor_named(text).is_some() {
        return forget(web, visitor(web, text)?).await;
    }
    let (app, wanted) = (std::sync::Arc::clone(&web.app), text.to_owned());
    let parted = web::block(move || app.part_person(&wanted)).await.map_err(|error| Problem::internal(&error))?;
    let Some(parted) = parted.map_err(|_cause| Problem::no_storage())? else {
        // Nobody is known by that, which is told as of any other text.
        return forget(web, visitor(web, text)?).await;
    };
    let visitors = parted.visitors.clone();
    let mut all = Erased::from(parted);
    for visitor in visitors {
        all = all.and(forget(web, visitor).await?);
    }
    Ok(all)
}

async fn erase(web: Data<Web>, staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let erased = erased(&web, &id).await?;
    let removed = Removed::from(&erased);
    // The trail says that somebody was erased, and not who: it would outlast what was erased.
    let after = serde_json::to_string(&serde_json::json!({"removed": &removed})).ok();
    let app = std::sync::Arc::clone(&web.app);
    let deed = Deed { action: "visitor.erase", target: String::new(), before: None, after };
    let noted = web::block(move || app.record(&staff.actor, deed, None)).await;
    noted.map_err(|error| Problem::internal(&error))?.map_err(|_cause| Problem::no_storage())?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(ErasedAnswer {
        removed,
        customers_silenced: u64::try_from(erased.customers.len()).unwrap_or(u64::MAX),
        kept: kept(&erased),
    }))
}

#[derive(Template)]
#[template(path = "admin/templates/visitors.html", config = "src/http/askama.toml")]
struct VisitorsView {
    shell: Shell,
}

async fn show(staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&VisitorsView { shell: Shell::new(&request, &staff, "/admin/visitors") })
}
