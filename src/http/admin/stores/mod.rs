//! `/api/v1/admin/stores`: the stores of the chain, one by one.

mod body;
mod pages;
mod position;
mod wire;

use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::etag;
use super::gate::Staff;
use super::table::{Endpoint, Param};
use crate::app::{App, CatalogInUse, EditError, StoreQuery, StoreSort, list_stores, put_store, remove_store, stored};
use crate::catalog::{Catalog, StoreFilter};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, Web};
use crate::id::StoreId;
use crate::staff::{Actor, Role};
use crate::store::{Store, StoreStatus};
use wire::{StoreAnswer, StoreInput, StoreLine, StoreList};

/// The last page that may be asked for.
const PAGES_MAX: usize = 1_000_000;
/// Stores on a page, where nobody says.
const PER_PAGE: usize = 50;
/// Stores on a page at most.
const PER_PAGE_MAX: usize = 200;
/// The largest store that is read, in bytes: all texts at their longest.
const STORE_BYTES_MAX: usize = 1024 * 1024;

const LIST: &[Param] = &[
    Param { name: "q", about: "Words of name, address, region or id, in characters, pinyin or its initials." },
    Param { name: "province", about: "Only stores of this province." },
    Param { name: "city", about: "Only stores of this city." },
    Param { name: "status", about: "Only stores of this status: active, paused or closed." },
    Param { name: "problem", about: "true: only stores that need a person: no usable code, or a suspicious place." },
    Param {
        name: "sort",
        about: "match, id, name, city or status, with - before it for the other way round; default: match.",
    },
    Param { name: "page", about: "From 1." },
    Param { name: "per_page", about: "1 to 200; default: 50." },
];
const DELETE: &[Param] =
    &[Param { name: "with_groups", about: "true: its groups, contacts and service area go too; else they keep it." }];

/// The calls and pages of stores.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let (all, one) = ("/api/v1/admin/stores", "/api/v1/admin/stores/{id}");
    let mut endpoints = vec![
        Endpoint::new(Method::GET, all, Some(Role::Viewer), "Stores, page by page, whatever their status", list)
            .params(LIST)
            .answers::<StoreList<'static>>(),
        Endpoint::new(Method::POST, all, Some(Role::Ops), "Adds a store", create)
            .takes::<StoreInput>()
            .answers::<StoreAnswer>()
            .status(201)
            .body_bytes_max(STORE_BYTES_MAX),
        Endpoint::new(Method::GET, one, Some(Role::Viewer), "A store, and what looks wrong about it", read)
            .answers::<StoreAnswer>(),
        Endpoint::new(Method::PUT, one, Some(Role::Ops), "Replaces a store", replace)
            .takes::<StoreInput>()
            .answers::<StoreAnswer>()
            .etag()
            .body_bytes_max(STORE_BYTES_MAX),
        Endpoint::new(
            Method::PATCH,
            one,
            Some(Role::Ops),
            "Changes fields of a store (RFC 7396); null empties one",
            patch,
        )
        .takes::<StoreInput>()
        .answers::<StoreAnswer>()
        .etag()
        .body_bytes_max(STORE_BYTES_MAX),
        Endpoint::new(Method::DELETE, one, Some(Role::Ops), "Removes a store", remove)
            .params(DELETE)
            .etag()
            .status(204),
        position::endpoint(),
    ];
    endpoints.extend(pages::endpoints());
    endpoints
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = query.count("page", 1, 1..=PAGES_MAX);
    let per_page = query.count("per_page", PER_PAGE, 1..=PER_PAGE_MAX);
    let status = match query.text("status").map(|it| StoreStatus::parse(it).ok_or(())) {
        None => None,
        Some(Ok(status)) => Some(status),
        Some(Err(())) => {
            query.fail("status", "status_unknown", "is none of active, paused, closed");
            None
        }
    };
    let text = query.text("sort").unwrap_or_default().to_owned();
    let (name, is_descending) = text.strip_prefix('-').map_or((text.as_str(), false), |it| (it, true));
    let sort = StoreSort::parse(name).filter(|_| !name.is_empty());
    if sort.is_none() && !name.is_empty() {
        query.fail("sort", "unknown_order", "is none of match, id, name, city, status");
    }
    let is_doubtful = query.flag("problem");
    let filter = StoreFilter::new(query.text("province"), query.text("city"), query.text("q")).of_status(status);
    query.finish()?;
    let sort = sort.unwrap_or_default();
    let asked = StoreQuery { filter, sort, is_descending, is_doubtful, skip: (page - 1) * per_page, limit: per_page };
    let app = std::sync::Arc::clone(&web.app);
    let (version, body) = blocking(move || {
        let (catalog, now) = (app.catalog(), app.now());
        let found = list_stores(&catalog, &asked, now);
        let line = |key: &u32| Some(StoreLine::of(&catalog, *key, catalog.store(*key)?, now));
        let items = found.keys.iter().filter_map(line).collect();
        (catalog.version(), serde_json::to_vec(&StoreList { total: found.total, page, per_page, items }))
    })
    .await?;
    let body = body.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version))
        .content_type("application/json")
        .body(body))
}

async fn read(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = store_id(&id)?;
    let catalog = web.app.catalog();
    let app = std::sync::Arc::clone(&web.app);
    let shown = blocking(move || {
        let store = find(&catalog, &id)?;
        Ok::<_, EditError>(Shown::of(&app, &catalog, store))
    })
    .await??;
    Ok(shown.answer(StatusCode::OK))
}

async fn create(web: Data<Web>, staff: Staff, bytes: Bytes) -> Result<HttpResponse, Problem> {
    let fields = body::object(&bytes)?;
    let app = std::sync::Arc::clone(&web.app);
    let shown = blocking(move || {
        let store = body::store(&fields, None, app.zone(), app.now()).map_err(EditError::Invalid)?;
        let created = changing(&app, &staff.actor, &mut |catalog| {
            if catalog.store_key(&store.id).is_some() {
                return Err(EditError::Exists(format!("store {}", store.id)));
            }
            Ok((None, store.clone()))
        })?;
        Ok::<_, EditError>(Shown::of(&app, &app.catalog(), &created))
    })
    .await??;
    Ok(shown.answer(StatusCode::CREATED))
}

async fn replace(
    web: Data<Web>,
    staff: Staff,
    id: Path<String>,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let (id, fields, expected) = (store_id(&id)?, body::object(&bytes)?, etag::expected(&request));
    let app = std::sync::Arc::clone(&web.app);
    let shown = blocking(move || {
        let store = body::store(&fields, Some(&id), app.zone(), app.now()).map_err(EditError::Invalid)?;
        let changed = changing(&app, &staff.actor, &mut |catalog| {
            let before = find(catalog, &id)?;
            etag::check(expected.as_deref(), &stored(before))?;
            Ok((Some(before.clone()), body::where_it_was(before, store.clone())))
        })?;
        Ok::<_, EditError>(Shown::of(&app, &app.catalog(), &changed))
    })
    .await??;
    Ok(shown.answer(StatusCode::OK))
}

async fn patch(
    web: Data<Web>,
    staff: Staff,
    id: Path<String>,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let (id, fields, expected) = (store_id(&id)?, body::object(&bytes)?, etag::expected(&request));
    let app = std::sync::Arc::clone(&web.app);
    let shown = blocking(move || {
        let changed = changing(&app, &staff.actor, &mut |catalog| {
            let before = find(catalog, &id)?;
            etag::check(expected.as_deref(), &stored(before))?;
            let merged = body::merged(before, &fields).map_err(EditError::Invalid)?;
            let store = body::store(&merged, Some(&id), app.zone(), app.now()).map_err(EditError::Invalid)?;
            Ok((Some(before.clone()), body::where_it_was(before, store)))
        })?;
        Ok::<_, EditError>(Shown::of(&app, &app.catalog(), &changed))
    })
    .await??;
    Ok(shown.answer(StatusCode::OK))
}

async fn remove(web: Data<Web>, staff: Staff, id: Path<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (id, expected) = (store_id(&id)?, etag::expected(&request));
    let mut query = Query::parse(request.query_string())?;
    let with_groups = query.flag("with_groups");
    query.finish()?;
    let app = std::sync::Arc::clone(&web.app);
    let version = blocking(move || {
        app.edit(&staff.actor, "", &mut |catalog| {
            let store = find(catalog, &id)?;
            etag::check(expected.as_deref(), &stored(store))?;
            remove_store(catalog, store, with_groups)
        })
    })
    .await??;
    Ok(HttpResponse::NoContent().insert_header((CATALOG_VERSION, version)).finish())
}

/// Runs what blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    web::block(act).await.map_err(|error| Problem::internal(&error))
}

/// Makes a store out of the catalog: what it was, if it was there, and what it is to be.
type Made<'a> = &'a mut dyn FnMut(&Catalog) -> Result<(Option<Store>, Store), EditError>;

/// Publishes the store that `make` gives, beside the one that it was, and returns it.
fn changing(app: &App, actor: &Actor, make: Made<'_>) -> Result<Store, EditError> {
    let mut kept = None;
    app.edit(actor, "", &mut |catalog| {
        let (before, store) = make(catalog)?;
        let change = put_store(before.as_ref(), store.clone());
        kept = Some(store);
        Ok(change)
    })?;
    kept.ok_or(EditError::Busy)
}

fn store_id(text: &str) -> Result<StoreId, Problem> {
    StoreId::parse(text).map_err(|_cause| Problem::nothing_here("No store has this id."))
}

fn find<'a>(catalog: &'a Catalog, id: &StoreId) -> Result<&'a Store, EditError> {
    let found = catalog.store_key(id).and_then(|key| catalog.store(key));
    found.ok_or_else(|| EditError::Missing(format!("store {id}")))
}

/// An answer about one store, made where it may block.
struct Shown {
    id: StoreId,
    tag: String,
    version: u64,
    body: Vec<u8>,
}

impl Shown {
    fn of(app: &App, catalog: &CatalogInUse, store: &Store) -> Self {
        let body = serde_json::to_vec(&StoreAnswer::of(catalog, store, app.now())).unwrap_or_default();
        Self { id: store.id.clone(), tag: etag::of(&stored(store)), version: catalog.version(), body }
    }

    fn answer(self, status: StatusCode) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        if status == StatusCode::CREATED {
            let id: String = form_urlencoded::byte_serialize(self.id.as_str().as_bytes()).collect();
            response.insert_header((LOCATION, format!("/api/v1/admin/stores/{}", id.replace('+', "%20"))));
        }
        response
            .insert_header((ETAG, self.tag))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CATALOG_VERSION, self.version))
            .content_type("application/json")
            .body(self.body)
    }
}
