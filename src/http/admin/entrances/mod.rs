//! Groups and contacts: `groups`, `contacts` and what lies below them, and the page over them.

mod code;
mod page;
mod read;
mod wire;

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use self::wire::{CodeInput, CodeSet, EntranceInput, EntrancePage, EntranceView, MembersInput, OrderInput, Seen};
use super::etag;
use super::fields::{Fields, object, patched};
use super::gate::Staff;
use super::table::{Body, Endpoint, Param};
use super::upload;
use crate::app::entrance::{Entrance, ORDERED_MAX, entrance, entrances, free_id};
use crate::app::{CatalogInUse, EditError};
use crate::catalog::owned::OwnedKind;
use crate::group::CAPACITY_MAX;
use crate::http::problem::Problem;
use crate::http::{CATALOG_VERSION, Web};
use crate::id::GroupId;
use crate::qr::PICTURE_BYTES_MAX;
use crate::staff::Role;

const FILTERS: &[Param] = &[
    Param { name: "store", about: "Those of this store." },
    Param { name: "region", about: "Those of this region itself." },
    Param { name: "campaign", about: "Those of this campaign itself." },
    Param { name: "q", about: "In the id, the name, or the id or name of the owner." },
    Param { name: "status", about: "active or paused." },
    Param { name: "expiring", about: "Whose code expires within so many days, or has." },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default 50." },
];

const ENDING: &[Param] = &[Param {
    name: "expires_at",
    about: "With a picture: RFC 3339, or never; else a group's code is taken to work for the days of the settings.",
}];

/// The words of one kind.
struct Paths {
    kind: OwnedKind,
    list: &'static str,
    one: &'static str,
    code: &'static str,
    order: &'static str,
}

const PATHS: [Paths; 2] = [
    Paths {
        kind: OwnedKind::Groups,
        list: "/api/v1/admin/groups",
        one: "/api/v1/admin/groups/{id}",
        code: "/api/v1/admin/groups/{id}/join-code",
        order: "/api/v1/admin/groups/order",
    },
    Paths {
        kind: OwnedKind::Contacts,
        list: "/api/v1/admin/contacts",
        one: "/api/v1/admin/contacts/{id}",
        code: "/api/v1/admin/contacts/{id}/join-code",
        order: "/api/v1/admin/contacts/order",
    },
];

/// The calls and the page.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![page::endpoint(), page::choices_endpoint()];
    for paths in &PATHS {
        all.extend(reading(paths));
        all.extend(changing(paths));
        all.push(code_endpoint(paths));
    }
    let path = "/api/v1/admin/groups/{id}/members";
    let about = "Notes how many members a group has now; estimates begin anew from it";
    all.push(
        Endpoint::new(Method::PUT, path, Some(Role::Ops), about, count)
            .takes::<MembersInput>()
            .answers::<EntranceView>(),
    );
    all
}

fn reading(&Paths { kind, list, one, .. }: &Paths) -> [Endpoint; 2] {
    let viewer = Some(Role::Viewer);
    let about = "Groups or contacts, those of one owner together";
    let all = move |web, staff, request| index(kind, web, staff, request);
    let single = move |web, staff, id| show(kind, web, staff, id);
    [
        Endpoint::new(Method::GET, list, viewer, about, all).params(FILTERS).answers::<EntrancePage>(),
        Endpoint::new(Method::GET, one, viewer, "Reads one", single).answers::<EntranceView>(),
    ]
}

fn changing(&Paths { kind, list, one, order, .. }: &Paths) -> [Endpoint; 5] {
    let ops = Some(Role::Ops);
    let make = move |web, staff, body| create(kind, web, staff, body);
    let replace = move |web, staff, request, id, body| change(kind, false, (web, staff, request), id, body);
    let patch = move |web, staff, request, id, body| change(kind, true, (web, staff, request), id, body);
    let remove = move |web, staff, request, id| delete(kind, web, staff, request, id);
    let sort = move |web, staff, body| reorder(kind, web, staff, body);
    [
        Endpoint::new(Method::POST, list, ops, "Makes one", make)
            .takes::<EntranceInput>()
            .answers::<EntranceView>()
            .status(201),
        Endpoint::new(Method::PUT, one, ops, "Replaces one", replace)
            .takes::<EntranceInput>()
            .answers::<EntranceView>()
            .etag(),
        Endpoint::new(Method::PATCH, one, ops, "Changes fields of one", patch)
            .takes::<EntranceInput>()
            .answers::<EntranceView>()
            .etag(),
        Endpoint::new(Method::DELETE, one, ops, "Removes one", remove).status(204).etag(),
        Endpoint::new(Method::POST, order, ops, "Puts those of one owner into an order", sort)
            .takes::<OrderInput>()
            .status(204)
            .also(404, "There is no such group or contact"),
    ]
}

fn code_endpoint(&Paths { kind, code, .. }: &Paths) -> Endpoint {
    let set = move |web, staff, request, id, body| code::set(kind, (web, staff, request), id, body);
    let endpoint =
        Endpoint::new(Method::PUT, code, Some(Role::Ops), "Sets the join code from a picture or a link", set)
            .params(ENDING)
            .takes::<CodeInput>();
    upload::MEDIA_TYPES
        .into_iter()
        .fold(endpoint, |endpoint, media_type| endpoint.takes_body(Body { media_type, schema: None }))
        .answers::<CodeSet>()
        .body_bytes_max(PICTURE_BYTES_MAX)
        .etag()
}

fn is_group(kind: OwnedKind) -> &'static str {
    if kind == OwnedKind::Groups { "group" } else { "contact" }
}

/// Some groups or contacts with their head counts. Where storage does not answer there are none.
async fn views(web: &Data<Web>, catalog: &CatalogInUse, found: Vec<Entrance>) -> Result<Vec<EntranceView>, Problem> {
    let groups: Vec<GroupId> = found
        .iter()
        .filter_map(|it| match it {
            Entrance::Group(it) => Some(it.id.clone()),
            Entrance::Contact(_) => None,
        })
        .collect();
    let app = Arc::clone(&web.app);
    let counts = web::block(move || if groups.is_empty() { Ok(Vec::new()) } else { app.head_counts(&groups) })
        .await
        .map_err(|error| Problem::internal(&error))?
        .unwrap_or_default();
    let seen = Seen { catalog, zone: web.app.zone(), now: web.app.now(), join_rate: web.app.join_rate() };
    // Head counts stand in the order of the groups; a list holds either groups or contacts.
    Ok(found.iter().enumerate().map(|(place, it)| seen.view(it, counts.get(place))).collect())
}

async fn view(web: &Data<Web>, it: Entrance) -> Result<EntranceView, Problem> {
    let catalog = web.app.catalog();
    let mut views = views(web, &catalog, vec![it]).await?;
    views.pop().ok_or_else(|| Problem::nothing_here("It has gone meanwhile."))
}

async fn index(kind: OwnedKind, web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (filter, page, per_page) = read::filter(request.query_string(), web.app.now())?;
    let catalog = web.app.catalog();
    let searched = Arc::clone(&catalog);
    let (items, total) = web::block(move || entrances(&searched, kind, &filter, (page - 1) * per_page, per_page))
        .await
        .map_err(|error| Problem::internal(&error))?;
    let items = views(&web, &catalog, items).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((CATALOG_VERSION, catalog.version()));
    Ok(response.json(EntrancePage { total, page, per_page, items }))
}

async fn show(kind: OwnedKind, web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let found = entrance(&catalog, kind, &id);
    let found = found.ok_or_else(|| Problem::nothing_here(format!("There is no {} with this id.", is_group(kind))))?;
    answer(&web, found, StatusCode::OK, catalog.version()).await
}

/// A group or contact as the answer to a call.
async fn answer(web: &Data<Web>, it: Entrance, status: StatusCode, version: u64) -> Result<HttpResponse, Problem> {
    let tag = etag::of(&it.body());
    let view = view(web, it).await?;
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version));
    Ok(response.json(view))
}

async fn create(kind: OwnedKind, web: Data<Web>, staff: Staff, body: Bytes) -> Result<HttpResponse, Problem> {
    let catalog = web.app.catalog();
    let made = read::entrance(object(&body)?, kind, &web.settings, &mut |given, owner| {
        given.map_or_else(|| free_id(&catalog, kind, owner), ToOwned::to_owned)
    })?;
    let app = Arc::clone(&web.app);
    let id = made.id().to_owned();
    let what = format!("{} {id}", is_group(kind));
    let work = move || {
        app.change_entrance(&staff.actor, (kind, &id), &mut |_, before| match before {
            Some(_) => Err(EditError::Exists(what.clone())),
            None => Ok(Some(made.clone())),
        })
    };
    let (made, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| Problem::nothing_here("It has gone meanwhile."))?;
    let place: String = form_urlencoded::byte_serialize(made.id().as_bytes()).collect();
    let path = if kind == OwnedKind::Groups { "groups" } else { "contacts" };
    let mut response = answer(&web, made, StatusCode::CREATED, version).await?;
    if let Ok(place) = format!("/api/v1/admin/{path}/{place}").parse() {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Replaces or patches one. The body is read anew for every try, because a patch is laid over what is there then.
async fn change(
    kind: OwnedKind,
    is_patch: bool,
    (web, staff, request): (Data<Web>, Staff, HttpRequest),
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let fields = object(&body)?;
    let expected = etag::expected(&request);
    let (inner, id) = (web.clone(), id.into_inner());
    let work = move || {
        let mut refused = None;
        let changed = inner.app.change_entrance(&staff.actor, (kind, &id), &mut |catalog, before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("{} {id}", is_group(kind))))?;
            etag::check(expected.as_deref(), &before.body())?;
            let seen = Seen { catalog, zone: inner.app.zone(), now: inner.app.now(), join_rate: 0.0 };
            let fields = if is_patch { laid_over(&seen, before, fields.clone()) } else { fields.clone() };
            read::entrance(fields, kind, &inner.settings, &mut |_, _| id.clone()).map(Some).map_err(|problem| {
                refused = Some(problem);
                EditError::Invalid(Vec::new())
            })
        });
        refused.map_or_else(|| changed.map_err(Problem::from), Err)
    };
    let (made, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| Problem::nothing_here("It has gone meanwhile."))?;
    answer(&web, made, StatusCode::OK, version).await
}

/// The fields of what is there with those of a patch over them; another owner takes the place of the old one.
fn laid_over(
    seen: &Seen<'_>,
    before: &Entrance,
    patch: serde_json::Map<String, serde_json::Value>,
) -> serde_json::Map<String, serde_json::Value> {
    let mut base = match serde_json::to_value(seen.input(before)) {
        Ok(serde_json::Value::Object(base)) => base,
        _ => serde_json::Map::new(),
    };
    if patch.contains_key("owner") {
        base.remove("owner");
    }
    patched(base, patch)
}

async fn delete(
    kind: OwnedKind,
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let expected = etag::expected(&request);
    let app = Arc::clone(&web.app);
    let work = move || {
        app.change_entrance(&staff.actor, (kind, id.as_str()), &mut |_, before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("{} {id}", is_group(kind))))?;
            etag::check(expected.as_deref(), &before.body())?;
            Ok(None)
        })
    };
    let (_, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().insert_header((CATALOG_VERSION, version)).finish())
}

async fn reorder(kind: OwnedKind, web: Data<Web>, staff: Staff, body: Bytes) -> Result<HttpResponse, Problem> {
    let order: OrderInput = serde_json::from_slice(&body)
        .map_err(|_cause| Problem::not_json("The body is an object with ids, a list of texts."))?;
    if order.ids.is_empty() || order.ids.len() > ORDERED_MAX {
        return Err(Problem::field("ids", "out_of_range", format!("is a list of 1 to {ORDERED_MAX} ids")));
    }
    let app = Arc::clone(&web.app);
    let work = move || app.order_entrances(&staff.actor, kind, &order.ids);
    let version = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().insert_header((CATALOG_VERSION, version)).finish())
}

async fn count(web: Data<Web>, staff: Staff, id: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::parse(&body)?;
    let members = fields.whole("members", 0..=i64::from(CAPACITY_MAX));
    let members = members.or_else(|| fields.fail("members", "missing", "is required"));
    let members = fields.finish(members.and_then(|it| u32::try_from(it).ok()))?;
    let catalog = web.app.catalog();
    let found = entrance(&catalog, OwnedKind::Groups, &id);
    let Some(Entrance::Group(group)) = found else {
        return Err(Problem::nothing_here("There is no group with this id."));
    };
    let (app, group_id) = (Arc::clone(&web.app), group.id.clone());
    let work = move || app.count_members(&staff.actor, &group_id, members);
    web::block(work).await.map_err(|error| Problem::internal(&error))?.map_err(EditError::from)?;
    answer(&web, Entrance::Group(group), StatusCode::OK, catalog.version()).await
}
