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
    let mut region = Catalog::region_columns(first);
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
    catalog.region_codes_named(&Catalog::region_columns(store))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::campaign::Campaign;
    use crate::catalog::Entries;
    use crate::geo::polygon::Vertex;
    use crate::geo::{Datum, Position, Shape};
    use crate::id::StoreId;
    use crate::region::{Level, Region, RegionMap};
    use crate::routing::{Policy, decide};
    use crate::store::Store;
    use crate::time::Timestamp;

    fn region(id: &str, name: &str, level: Level, parent: Option<&str>, [west, east]: [f64; 2]) -> Region {
        let corners = [(31.0, west), (31.0, east), (32.0, east), (32.0, west), (31.0, west)];
        let ring = corners.map(|(lat, lon)| Vertex { lat, lon }).to_vec();
        let code = |text: &str| RegionCode::parse(text).unwrap();
        let shape = Arc::new(Shape::from_rings(&[vec![ring]], Datum::Wgs84).unwrap().0);
        Region { code: code(id), name: name.into(), level, parent: parent.map(code), shape }
    }

    /// A province from 121 to 122 degrees with a district in its west and an area across; stores in the district, in the rest of
    /// the province, and outside.
    fn catalog(regions: Vec<Region>) -> Catalog {
        let store = |id: &str, district: &str, lng: f64| Store {
            province: "上海市".into(),
            city: "上海市".into(),
            district: district.into(),
            ..Store::sample(id, 31.5, lng)
        };
        let stores = vec![store("in", "黄浦区", 121.2), store("rest", "崇明区", 121.8), store("out", "黄浦区", 123.0)];
        let regions = Arc::new(RegionMap::build(regions).unwrap());
        Catalog::build(1, Entries { stores, regions, ..Entries::default() }).unwrap()
    }

    fn whole() -> Catalog {
        catalog(vec![
            region("310000", "上海市", Level::Province, None, [121.0, 122.0]),
            region("310101", "黄浦区", Level::District, Some("310000"), [121.0, 121.5]),
            region("WT", "外滩商圈", Level::Area, None, [121.4, 121.6]),
        ])
    }

    fn gps(lng: f64) -> Fix {
        Fix::Gps { position: Position::from_datum(31.5, lng, Datum::Wgs84).unwrap(), accuracy_m: None }
    }

    fn named(catalog: &Catalog, fix: &Fix) -> (String, &'static str) {
        let it = decide(fix, catalog, &Campaign::plain(), &Policy::default(), Timestamp::EPOCH);
        let names = [&*it.region.province, &*it.region.city, &*it.region.district].join(" ");
        (format!("{names} {}", it.region.areas.join(" ")), it.region_source.as_str())
    }

    #[test]
    fn polygons_name_the_region_before_the_stores_columns_do() {
        let catalog = whole();
        assert_eq!(named(&catalog, &gps(121.2)), ("上海市 上海市 黄浦区 ".to_owned(), "polygon"));
        assert_eq!(named(&catalog, &gps(121.45)), ("上海市 上海市 黄浦区 外滩商圈".to_owned(), "polygon"));
        assert_eq!(named(&catalog, &gps(121.8)), ("上海市   ".to_owned(), "polygon"), "no district is drawn there");
        assert_eq!(named(&catalog, &gps(123.0)), ("上海市 上海市 黄浦区 ".to_owned(), "store"));
        assert_eq!(named(&catalog, &gps(0.0)), ("   ".to_owned(), "none"));
        let chosen = Fix::Chosen(StoreId::parse("in").unwrap());
        assert_eq!(named(&catalog, &chosen), ("上海市 上海市 黄浦区 ".to_owned(), "store"));
    }

    #[test]
    fn areas_alone_stand_beside_the_stores_columns() {
        let catalog = catalog(vec![region("WT", "外滩商圈", Level::Area, None, [121.1, 121.6])]);
        assert_eq!(named(&catalog, &gps(121.2)), ("上海市 上海市 黄浦区 外滩商圈".to_owned(), "store"));
    }

    #[test]
    fn codes_are_those_of_the_fix_before_those_of_the_store() {
        let catalog = whole();
        let told = |fix: &Fix, store: Option<&str>| {
            let key = store.and_then(|it| catalog.store_key(&StoreId::parse(it).unwrap()));
            codes(&catalog, fix, key).into_iter().map(RegionCode::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(&gps(121.45), Some("out")), "WT 310101 310000");
        let names = RegionNames { city: "上海".into(), ..RegionNames::default() };
        assert_eq!(told(&Fix::Ip { circle: None, names }, Some("in")), "310000");
        assert_eq!(told(&Fix::Chosen(StoreId::parse("in").unwrap()), Some("in")), "310101 310000");
        // A store outside every polygon belongs where its columns say.
        assert_eq!(told(&Fix::Nowhere, Some("out")), "310101 310000");
        assert_eq!(told(&Fix::Nowhere, None), "");
    }
}
