//! The JSON of a decision, as clients see it.

use serde::Serialize;

use crate::app::Landing;
use crate::catalog::{Catalog, JoinCodeId, Joinable};
use crate::group::JoinCode;
use crate::routing::Pick;
use crate::store::{Store, Zone};
use crate::time::Timestamp;

/// The answer to a scan.
#[derive(Serialize)]
pub(super) struct ScanAnswer<'a> {
    scan: &'a str,
    visitor: &'a str,
    outcome: &'static str,
    fix: FixAnswer,
    store: Option<StoreAnswer<'a>>,
    join: Option<JoinAnswer<'a>>,
    region: RegionAnswer<'a>,
    tags: &'a [String],
    fallback: Option<FallbackAnswer<'a>>,
    alternatives: Vec<Alternative<'a>>,
    recorded: bool,
}

#[derive(Serialize)]
struct FixAnswer {
    source: &'static str,
    accuracy_m: Option<f64>,
}

#[derive(Serialize)]
struct FallbackAnswer<'a> {
    rung: &'static str,
    reason: &'static str,
    /// The store that would have been right, where another one is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct RegionAnswer<'a> {
    province: Option<&'a str>,
    city: Option<&'a str>,
    district: Option<&'a str>,
    areas: &'a [Box<str>],
}

/// A store with its distance.
#[derive(Serialize)]
pub(super) struct StoreAnswer<'a> {
    id: &'a str,
    name: &'a str,
    address: &'a str,
    distance_m: Option<f64>,
    lat: f64,
    lng: f64,
    datum: &'static str,
    hours: Option<String>,
    open: Option<bool>,
}

#[derive(Serialize)]
struct JoinAnswer<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    url: &'a str,
    qr_png: String,
    qr_svg: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct Alternative<'a> {
    id: &'a str,
    name: &'a str,
    address: &'a str,
    distance_m: Option<f64>,
}

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

impl<'a> StoreAnswer<'a> {
    pub(super) fn new(store: &'a Store, distance_m: Option<f64>, now: Timestamp, zone: &Zone) -> Self {
        Self {
            id: store.id.as_str(),
            name: &store.name,
            address: &store.address,
            distance_m: distance_m.map(rounded),
            lat: degrees(store.at.position().lat()),
            lng: degrees(store.at.position().lon()),
            datum: "wgs84",
            hours: store.hours.as_ref().map(ToString::to_string),
            open: store.is_open(now, zone),
        }
    }
}

/// A group chat or contact that may be joined: kind, id, name and code.
pub(super) fn joined(catalog: &Catalog, join: Joinable) -> Option<(&'static str, &str, &str, &JoinCode)> {
    match join {
        Joinable::Group(place) => catalog.group(place).map(|it| ("group", it.id.as_str(), &*it.name, &it.code)),
        Joinable::Contact(place) => catalog.contact(place).map(|it| ("contact", it.id.as_str(), &*it.name, &it.code)),
    }
}

impl<'a> ScanAnswer<'a> {
    pub(super) fn new(landing: &'a Landing, zone: &Zone) -> Self {
        let (catalog, decision): (&Catalog, _) = (&landing.catalog, &landing.decision);
        let alternative = |pick: &Pick| {
            let store = catalog.store(pick.store)?;
            let distance_m = pick.distance_m.map(rounded);
            Some(Alternative { id: store.id.as_str(), name: &store.name, address: &store.address, distance_m })
        };
        let join = decision.join.and_then(|it| joined(catalog, it)).map(|(kind, id, name, code)| {
            let picture = JoinCodeId::of(code.link.as_str());
            JoinAnswer {
                kind,
                id,
                name,
                url: code.link.as_str(),
                qr_png: format!("/qr/{picture}.png"),
                qr_svg: format!("/qr/{picture}.svg"),
                expires_at: code.expires_at.map(|it| it.in_zone(zone.as_jiff())),
            }
        });
        let wanted = decision.wanted.and_then(|it| catalog.store(it));
        let shown = decision.store.and_then(|it| Some((catalog.store(it.store)?, it.distance_m)));
        Self {
            scan: &landing.scan,
            visitor: &landing.visitor,
            outcome: decision.outcome.as_str(),
            fix: FixAnswer { source: decision.source.as_str(), accuracy_m: decision.accuracy_m },
            store: shown.map(|(store, distance_m)| StoreAnswer::new(store, distance_m, landing.now, zone)),
            join,
            region: RegionAnswer {
                province: known(&decision.region.province),
                city: known(&decision.region.city),
                district: known(&decision.region.district),
                areas: &decision.region.areas,
            },
            tags: &landing.tags,
            fallback: decision.fallback.map(|it| FallbackAnswer {
                rung: it.rung.as_str(),
                reason: it.reason.as_str(),
                store: wanted.map(|it| Named { id: it.id.as_str(), name: &it.name }),
            }),
            alternatives: decision.alternatives.iter().filter_map(alternative).collect(),
            recorded: landing.recorded,
        }
    }
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
    hours: Option<String>,
    open: Option<bool>,
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
            hours: store.hours.as_ref().map(ToString::to_string),
            open: store.is_open(now, zone),
        }
    }
}
