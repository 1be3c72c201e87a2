//! The regions of a visit: where on the map it takes place, and from what that is known.

use super::decision::{Decision, Verdict};
use crate::catalog::Catalog;
use crate::id::RegionCode;
use crate::region::{RegionNames, RegionSource};
use crate::visitor::Fix;

/// Names the region of a decision: after the polygons around the position, else as the address's names have it, else after the
/// columns of the store that would be right, else what all possible stores have in common. Where the map has the operator's own
/// areas alone, they stand beside the store's columns.
pub(super) fn name(catalog: &Catalog, decision: &mut Decision, fix: &Fix) {
    let mut areas = Vec::new();
    if let Fix::Gps { position, .. } = fix {
        let map = catalog.regions();
        let names = map.names(&map.place(*position));
        if names.names_a_region() {
            (decision.region, decision.region_source) = (names, RegionSource::Polygon);
            return;
        }
        areas = names.areas;
    }
    let (names, source) = match fix {
        Fix::Ip { names, .. } if !names.is_empty() => (names.clone(), RegionSource::Ip),
        Fix::Ip { .. } | Fix::Gps { .. } | Fix::Chosen(_) | Fix::Previous(_) | Fix::Nowhere => {
            (of_stores(catalog, decision), RegionSource::Store)
        }
    };
    let source = if names.is_empty() { RegionSource::Polygon } else { source };
    let names = RegionNames { areas, ..names };
    if !names.is_empty() {
        (decision.region, decision.region_source) = (names, source);
    }
}

fn of_stores(catalog: &Catalog, decision: &Decision) -> RegionNames {
    let right = decision.wanted.or(decision.store.map(|it| it.store));
    let possible = decision.considered.iter().filter(|it| it.verdict == Verdict::Possible).map(|it| it.store);
    let mut stores = right.into_iter().chain(possible.filter(|_| right.is_none())).filter_map(|it| catalog.store(it));
    let Some(first) = stores.next() else {
        return RegionNames::default();
    };
    let mut region = RegionNames {
        province: first.province.clone(),
        city: first.city.clone(),
        district: first.district.clone(),
        areas: Vec::new(),
    };
    for store in stores {
        let same_province = region.province == store.province;
        let same_city = same_province && region.city == store.city;
        let common = [
            (&mut region.province, same_province),
            (&mut region.city, same_city),
            (&mut region.district, same_city && first.district == store.district),
        ];
        for (name, _) in common.into_iter().filter(|(_, is_same)| !is_same) {
            *name = Box::default();
        }
    }
    region
}

/// The codes of the regions of a visit, narrowest first: areas, district, city, province.
///
/// They come from the position's polygons, else from the names that the address gives, else from the store that would be right: the
/// polygons around it, else its own columns.
#[must_use]
pub fn codes<'a>(catalog: &'a Catalog, fix: &Fix, store: Option<u32>) -> Vec<&'a RegionCode> {
    let of_fix = match fix {
        Fix::Gps { position, .. } => catalog.region_codes_at(*position),
        Fix::Ip { names, .. } => catalog.region_codes_named(names),
        Fix::Chosen(_) | Fix::Previous(_) | Fix::Nowhere => Vec::new(),
    };
    let store = store.filter(|_| of_fix.is_empty()).and_then(|it| catalog.store(it));
    let Some(store) = store else {
        return of_fix;
    };
    let around = catalog.region_codes_at(store.at.position());
    if !around.is_empty() {
        return around;
    }
    catalog.region_codes_named(&RegionNames {
        province: store.province.clone(),
        city: store.city.clone(),
        district: store.district.clone(),
        areas: Vec::new(),
    })
}
