//! Choosing among what is said about a visitor's place: chosen, measured, previous store, IP address.

use std::net::IpAddr;

use super::App;
use crate::campaign::Campaign;
use crate::catalog::Catalog;
use crate::geo::Circle;
use crate::geo::Position;
use crate::id::StoreId;
use crate::ipdb::IpLocator;
use crate::region::RegionNames;
use crate::store::StoreStatus;
use crate::visitor::Fix;

/// The radius of a place that an IP database gives without one, in metres: a city and its suburbs.
const IP_RADIUS_M_DEFAULT: f64 = 50_000.0;
/// The widest place that an address may give, in metres: about the largest city with its counties.
const IP_RADIUS_M_MAX: f64 = 150_000.0;

/// What a visitor says, and what is known without asking.
pub(super) struct Clues<'a> {
    pub store: Option<StoreId>,
    pub position: Option<(Position, Option<f64>)>,
    pub last_store: Option<&'a StoreId>,
    pub ip: Option<IpAddr>,
}

impl App {
    /// The best of the clues, in the order of the ladder.
    pub(super) fn locate(&self, catalog: &Catalog, campaign: &Campaign, clues: Clues<'_>) -> Fix {
        if let Some(store) = clues.store {
            return Fix::Chosen(store);
        }
        if let Some((position, accuracy_m)) = clues.position {
            return Fix::Gps { position, accuracy_m };
        }
        if let Some(store) = clues.last_store.filter(|it| may_be_returned_to(catalog, campaign, it)) {
            return Fix::Previous(store.clone());
        }
        clues.ip.map_or(Fix::Nowhere, |ip| locate_ip(&self.parts.ip, catalog, ip))
    }
}

/// Whether a store may be the one of an earlier visit: one that is paused is theirs all the same, and another stands in for it.
pub(super) fn may_be_returned_to(catalog: &Catalog, campaign: &Campaign, store: &StoreId) -> bool {
    let key = catalog.store_key(store).filter(|it| catalog.selection(&campaign.slug).takes(*it));
    key.and_then(|it| catalog.store(it)).is_some_and(|it| it.status != StoreStatus::Closed)
}

/// What is known of somebody who comes to choose a store.
#[derive(Default)]
pub struct Whereabouts {
    /// The store of their last visit, if it may be shown.
    pub last_store: Option<u32>,
    /// About where they are: at that store, else where the address is.
    pub position: Option<Position>,
}

impl App {
    /// What is known of somebody who comes to choose a store, from their token and address; nothing is recorded.
    #[must_use]
    pub fn whereabouts(
        &self,
        catalog: &Catalog,
        campaign: &Campaign,
        visitor: Option<&str>,
        ip: Option<IpAddr>,
    ) -> Whereabouts {
        let token = visitor.and_then(|it| self.parts.signer.read_visitor(it));
        let last = token.and_then(|it| it.last_store).filter(|it| takes_part(catalog, campaign, it));
        if let Some(key) = last.and_then(|it| catalog.store_key(&it)) {
            return Whereabouts { last_store: Some(key), position: catalog.position(key) };
        }
        let position = match ip.map(|it| locate_ip(&self.parts.ip, catalog, it)) {
            Some(Fix::Ip { circle, .. }) => circle.map(|it| it.middle),
            _ => None,
        };
        Whereabouts { last_store: None, position }
    }
}

/// Whether a store takes customers and takes part in a campaign.
pub(super) fn takes_part(catalog: &Catalog, campaign: &Campaign, store: &StoreId) -> bool {
    let selection = catalog.selection(&campaign.slug);
    catalog.store_key(store).is_some_and(|key| catalog.is_active(key) && selection.takes(key))
}

/// What the IP databases say of an address. Names are spelled as the chain's stores spell them where it has some there, else as the
/// map of regions does; a place without coordinates is where those stores are, or that region.
#[must_use]
pub fn locate_ip(databases: &IpLocator, catalog: &Catalog, ip: IpAddr) -> Fix {
    let Some(found) = databases.locate(ip) else {
        return Fix::Nowhere;
    };
    let names = RegionNames {
        province: found.province.unwrap_or_default(),
        city: found.city.unwrap_or_default(),
        ..RegionNames::default()
    };
    let place = catalog.place_named(&names).cloned().or_else(|| catalog.place_on_map(&names));
    let circle = match found.position {
        Some(middle) => Some(Circle { middle, radius_m: found.accuracy_m.unwrap_or(IP_RADIUS_M_DEFAULT) }),
        None => place.as_ref().map(|it| it.circle),
    };
    // The middle of a country or a large province says nothing about which stores are near.
    let circle = circle.filter(|it| it.radius_m <= IP_RADIUS_M_MAX);
    if circle.is_none() && names.is_empty() {
        return Fix::Nowhere;
    }
    // A province's place does not know the city that the address names.
    let spelled = place.map(|it| it.names).filter(|it| !it.city.is_empty() || names.city.is_empty());
    Fix::Ip { circle, names: spelled.unwrap_or(names) }
}
