//! The JSON of a decision, as clients see it.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use super::CATALOG_VERSION;
use super::channel::VisitLink;
use super::json::Json;
use crate::app::{Landing, SeatState};
use crate::campaign::Route;
use crate::catalog::{Catalog, JoinCodeId, Joinable};
use crate::group::JoinCode;
use crate::routing::Fallback;
use crate::store::{OpeningHours, Store, Zone};
use crate::time::Timestamp;

/// An answer that depends on the catalog and on the moment. Values that never change are not copied.
pub(super) fn routing(status: StatusCode, catalog: &Catalog) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response.insert_header((CATALOG_VERSION, catalog.version()));
    response
}

/// Room for the answer to a scan with five alternatives; a longer one costs a copy.
const SCAN_BYTES: usize = 2_048;

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|it| !it.is_empty())
}

/// Tenths of a metre: finer than any phone measures.
pub(super) fn rounded(metres: f64) -> f64 {
    (metres * 10.0).round() / 10.0
}

/// Seven decimals of a degree, one centimetre: what a conversion between datums is good for.
fn degrees(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

/// A store with its distance.
pub(super) fn store(
    json: &mut Json,
    catalog: &Catalog,
    key: u32,
    distance_m: Option<f64>,
    (now, zone): (Timestamp, &Zone),
) {
    let Some(text) = catalog.prepared(key) else {
        json.raw("null");
        return;
    };
    // One text a store, so that an answer reads one place in memory and not six.
    json.raw(text.get_or_init(|| catalog.store(key).map(prepare).unwrap_or_default()));
    let open = catalog.is_open(key, now, zone);
    json.derived(distance_m.map(rounded)).raw(",\"open\":").derived(open).raw(",\"opens_at\":");
    let opens_at = if open == Some(false) { catalog.store(key).and_then(|it| opens_at(it, now, zone)) } else { None };
    json.text_or_null(opens_at.as_deref()).raw("}");
}

/// The next opening of a closed store, as its own clocks show it.
pub(super) fn opens_at(store: &Store, now: Timestamp, zone: &Zone) -> Option<String> {
    store.opens_at(now, zone).map(|it| it.in_zone(store.zone_or(zone).as_jiff()))
}

/// All that does not change, up to the distance.
fn prepare(store: &Store) -> Box<str> {
    let mut json = Json::with_capacity(320);
    named(json.raw("{"), store);
    let at = store.at.position();
    json.raw(",\"lat\":").derived(degrees(at.lat()));
    json.raw(",\"lng\":").derived(degrees(at.lon()));
    json.raw(",\"datum\":\"wgs84\",\"hours\":").text_or_null(store.hours.as_ref().map(OpeningHours::as_str));
    json.raw(",\"distance_m\":");
    String::from_utf8(json.finish()).unwrap_or_default().into()
}

/// What every store of an answer begins with.
fn named<'a>(json: &'a mut Json, store: &Store) -> &'a mut Json {
    json.raw("\"id\":").text(store.id.as_str()).raw(",\"name\":").text(&store.name);
    json.raw(",\"address\":").text(&store.address)
}

/// A group chat or contact that may be joined: kind, id, name and code.
pub(super) fn joined(catalog: &Catalog, join: Joinable) -> Option<(&'static str, &str, &str, &JoinCode)> {
    match join {
        Joinable::Group(place) => catalog.group(place).map(|it| ("group", it.id.as_str(), &*it.name, &it.code)),
        Joinable::Contact(place) => catalog.contact(place).map(|it| ("contact", it.id.as_str(), &*it.name, &it.code)),
    }
}

/// The answer to a scan, whose code may lead to a link of this visit alone.
pub(super) fn scan(landing: &Landing, link: Option<&VisitLink>, zone: &Zone) -> Vec<u8> {
    let (catalog, decision): (&Catalog, _) = (&landing.catalog, &landing.decision);
    let mut json = Json::with_capacity(SCAN_BYTES);
    json.raw("{\"campaign\":{\"slug\":").text(landing.campaign.as_str());
    json.raw(",\"state\":").text(landing.standing.as_str());
    json.raw(",\"served_by\":").text(landing.in_force().slug.as_str());
    json.raw("},\"scan\":").text(&landing.scan).raw(",\"visitor\":").text(&landing.visitor);
    json.raw(",\"outcome\":").text(decision.outcome.as_str());
    json.raw(",\"fix\":{\"source\":").text(decision.source.as_str());
    json.raw(",\"accuracy_m\":").derived(decision.accuracy_m).raw("},\"store\":");
    match decision.store {
        Some(it) => store(&mut json, catalog, it.store, it.distance_m, (landing.now, zone)),
        None => {
            json.raw("null");
        }
    }
    json.raw(",\"join\":");
    match decision.join.and_then(|it| joined(catalog, it)) {
        Some(it) => join(&mut json, it, link, zone),
        None => {
            json.raw("null");
        }
    }
    let region = &decision.region;
    json.raw(",\"seat\":").text_or_null(landing.seat.map(SeatState::as_str));
    json.raw(",\"mode\":").text(landing.mode.as_str());
    json.raw(",\"assigned\":").text_or_null(landing.assigned.map(Route::as_str));
    json.raw(",\"other_route\":").text_or_null(landing.other_route().map(Route::as_str));
    json.raw(",\"region\":{\"province\":").text_or_null(known(&region.province));
    json.raw(",\"city\":").text_or_null(known(&region.city));
    json.raw(",\"district\":").text_or_null(known(&region.district));
    json.raw(",\"areas\":").list(&region.areas, |json, it| {
        json.text(it);
    });
    json.raw("},\"tags\":").list(&landing.tags, |json, it| {
        json.text(it);
    });
    json.raw(",\"fallback\":");
    match decision.fallback {
        Some(it) => fallback(&mut json, it, decision.wanted.and_then(|it| catalog.store(it))),
        None => {
            json.raw("null");
        }
    }
    let others = decision.alternatives.iter().filter_map(|it| Some((catalog.store(it.store)?, it.distance_m)));
    json.raw(",\"alternatives\":").list(others, |json, (store, distance_m)| {
        named(json.raw("{"), store).raw(",\"distance_m\":").derived(distance_m.map(rounded)).raw("}");
    });
    json.raw(",\"recorded\":").derived(landing.recorded).raw("}");
    json.finish()
}

fn join(json: &mut Json, (kind, id, name, code): (&str, &str, &str, &JoinCode), link: Option<&VisitLink>, zone: &Zone) {
    let plain = || format!("/qr/{}", JoinCodeId::of(code.link.as_str()));
    let picture = link.map_or_else(plain, |it| it.picture.clone());
    let url = link.map_or(code.link.as_str(), |it| &it.url);
    json.raw("{\"kind\":").text(kind).raw(",\"id\":").text(id).raw(",\"name\":").text(name);
    json.raw(",\"url\":").text(url);
    json.raw(",\"qr_png\":\"").raw(&picture).raw(".png\",\"qr_svg\":\"").raw(&picture);
    let expires_at = code.expires_at.map(|it| it.in_zone(zone.as_jiff()));
    json.raw(".svg\",\"expires_at\":").text_or_null(expires_at.as_deref()).raw("}");
}

/// The rung, and the store that would have been right where another one is shown.
fn fallback(json: &mut Json, fallback: Fallback, wanted: Option<&Store>) {
    json.raw("{\"rung\":").text(fallback.rung.as_str()).raw(",\"reason\":").text(fallback.reason.as_str());
    if let Some(it) = wanted {
        json.raw(",\"store\":{\"id\":").text(it.id.as_str()).raw(",\"name\":").text(&it.name).raw("}");
    }
    json.raw("}");
}

/// A store as choosers see it.
#[derive(Serialize)]
pub(super) struct PublicStore<'a> {
    id: &'a str,
    name: &'a str,
    address: &'a str,
    province: &'a str,
    city: &'a str,
    district: &'a str,
    lat: f64,
    lng: f64,
    datum: &'static str,
    hours: Option<&'a str>,
    open: Option<bool>,
    opens_at: Option<String>,
}

impl<'a> PublicStore<'a> {
    pub(super) fn new(store: &'a Store, now: Timestamp, zone: &Zone) -> Self {
        Self {
            id: store.id.as_str(),
            name: &store.name,
            address: &store.address,
            province: &store.province,
            city: &store.city,
            district: &store.district,
            lat: degrees(store.at.position().lat()),
            lng: degrees(store.at.position().lon()),
            datum: "wgs84",
            hours: store.hours.as_ref().map(OpeningHours::as_str),
            open: store.is_open(now, zone),
            opens_at: opens_at(store, now, zone),
        }
    }
}
