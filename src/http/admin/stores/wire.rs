//! What clients send and see of stores.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::{doubts_of, has_usable_code};
use crate::catalog::{Catalog, Problem};
use crate::store::{OpeningHours, Store};
use crate::time::Timestamp;

/// A store as a client gives it. What is left out or null is empty; the description is of the sheet's columns.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "bodies are read field by field, so that every field that is wrong is named; this describes them"
)]
pub(super) struct StoreInput {
    /// The chain's own code; in the path it need not be repeated.
    id: Option<String>,
    /// The name that customers see.
    name: String,
    /// The street address.
    address: Option<String>,
    /// The province.
    province: Option<String>,
    /// The city.
    city: Option<String>,
    /// The district.
    district: Option<String>,
    /// Degrees north, in the datum; with lng and datum.
    lat: f64,
    /// Degrees east, in the datum.
    lng: f64,
    /// `wgs84`, `gcj02` or `bd09`; required, because guessing costs half a kilometre.
    datum: String,
    /// `active`, `paused` or `closed`; default: active.
    status: Option<String>,
    /// As `08:00-22:00`; empty: unknown.
    hours: Option<String>,
    /// Days on which it does not open, as `2026-10-01..2026-10-07, 2026-12-31`.
    closures: Option<String>,
    /// The IANA zone of its hours; none: that of the settings.
    time_zone: Option<String>,
    /// Labels.
    tags: Option<Vec<String>>,
    /// Columns that have no meaning here.
    extra: Option<BTreeMap<String, String>>,
}

/// Something suspicious.
#[derive(Serialize, JsonSchema)]
pub(super) struct Warning {
    /// The field that it is about.
    field: String,
    /// A stable word.
    code: &'static str,
    /// One sentence.
    message: String,
}

impl From<Problem> for Warning {
    fn from(it: Problem) -> Self {
        Self { field: it.column.map(String::from).unwrap_or_default(), code: it.code, message: it.message }
    }
}

/// A position as somebody gave it.
#[derive(Serialize, JsonSchema)]
pub(super) struct GivenPosition {
    /// Degrees north, in the datum.
    lat: f64,
    /// Degrees east, in the datum.
    lng: f64,
    /// `wgs84`, `gcj02` or `bd09`.
    datum: &'static str,
}

/// A store.
#[derive(Serialize, JsonSchema)]
pub(super) struct StoreAnswer {
    id: String,
    name: String,
    address: String,
    province: String,
    city: String,
    district: String,
    /// Degrees north, WGS-84.
    lat: f64,
    /// Degrees east, WGS-84.
    lng: f64,
    /// Always `wgs84`.
    datum: &'static str,
    /// The position as it was typed.
    given: GivenPosition,
    status: &'static str,
    /// Null: unknown.
    hours: Option<String>,
    closures: String,
    time_zone: Option<String>,
    tags: Vec<String>,
    extra: BTreeMap<String, String>,
    /// The regions of the map around it: province, city, district, then areas.
    region: Vec<String>,
    /// How many group chats it has.
    groups: usize,
    /// How many contacts it has.
    contacts: usize,
    /// Whether a customer can be shown a code of it at this moment.
    has_code: bool,
    /// Whether it has a service area.
    has_service_area: bool,
    /// What looks wrong.
    warnings: Vec<Warning>,
}

impl StoreAnswer {
    pub(super) fn of(catalog: &Catalog, store: &Store, now: Timestamp) -> Self {
        let at = store.at;
        let key = catalog.store_key(&store.id).unwrap_or(u32::MAX);
        let names = catalog.regions().names(&catalog.regions().place(at.position()));
        let places = [names.province, names.city, names.district];
        let region = places.into_iter().chain(names.areas).filter(|it| !it.is_empty()).map(String::from);
        Self {
            id: store.id.to_string(),
            name: store.name.to_string(),
            address: store.address.to_string(),
            province: store.province.to_string(),
            city: store.city.to_string(),
            district: store.district.to_string(),
            lat: at.position().lat(),
            lng: at.position().lon(),
            datum: "wgs84",
            given: GivenPosition { lat: at.given_lat(), lng: at.given_lng(), datum: at.datum().as_str() },
            status: store.status.as_str(),
            hours: store.hours.as_ref().map(|it| OpeningHours::as_str(it).to_owned()),
            closures: store.closures.to_string(),
            time_zone: store.zone.as_ref().map(|it| it.name().to_owned()),
            tags: store.tags.iter().map(ToString::to_string).collect(),
            extra: store.extra.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
            region: region.collect(),
            groups: catalog.groups_of(key).len(),
            contacts: catalog.contacts_of(key).len(),
            has_code: has_usable_code(catalog, key, now),
            has_service_area: catalog.service_areas().of(&store.id).is_some(),
            warnings: doubts_of(catalog, store).into_iter().map(Warning::from).collect(),
        }
    }
}

/// A store in a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct StoreLine<'a> {
    id: &'a str,
    name: &'a str,
    address: &'a str,
    province: &'a str,
    city: &'a str,
    district: &'a str,
    /// Degrees north, WGS-84.
    lat: f64,
    /// Degrees east, WGS-84.
    lng: f64,
    status: &'static str,
    hours: Option<&'a str>,
    /// How many group chats it has.
    groups: usize,
    /// Whether a customer can be shown a code of it at this moment.
    has_code: bool,
    /// The words of what looks wrong.
    warnings: Vec<&'static str>,
}

impl<'a> StoreLine<'a> {
    pub(super) fn of(catalog: &'a Catalog, key: u32, store: &'a Store, now: Timestamp) -> Self {
        let at = store.at.position();
        Self {
            id: store.id.as_str(),
            name: &store.name,
            address: &store.address,
            province: &store.province,
            city: &store.city,
            district: &store.district,
            lat: at.lat(),
            lng: at.lon(),
            status: store.status.as_str(),
            hours: store.hours.as_ref().map(OpeningHours::as_str),
            groups: catalog.groups_of(key).len(),
            has_code: has_usable_code(catalog, key, now),
            warnings: doubts_of(catalog, store).into_iter().map(|it| it.code).collect(),
        }
    }
}

/// A page of stores.
#[derive(Serialize, JsonSchema)]
pub(super) struct StoreList<'a> {
    /// How many there are on all pages.
    pub(super) total: usize,
    /// From 1.
    pub(super) page: usize,
    pub(super) per_page: usize,
    pub(super) items: Vec<StoreLine<'a>>,
}
