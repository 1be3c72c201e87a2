//! Cities and provinces by name, as the chain's own stores know them: where an address that only has names is placed.

use std::collections::{BTreeMap, HashMap};

use crate::geo::Circle;
use crate::geo::{Position, distance_m, middle};
use crate::region::{RegionNames, comparable};
use crate::store::{Store, StoreStatus};

/// A city is at least this wide: a radius in metres below which an address that names a city would pretend to know a street.
const CITY_RADIUS_M_MIN: f64 = 10_000.0;

/// The stores of a city or province, as a circle and as the chain writes its names.
#[derive(Clone)]
pub struct Place {
    /// The middle of the stores, and a radius that holds all of them.
    pub circle: Circle,
    /// Province and city as the stores' columns spell them; the city is empty for a province.
    pub names: RegionNames,
}

#[derive(Default)]
pub(super) struct Places {
    /// (province, city) as spelled → keys of active stores.
    spelled: BTreeMap<(Box<str>, Box<str>), Vec<u32>>,
    /// By comparable province and city.
    by_city: HashMap<(String, String), Place>,
    /// The one place of that name, where only one province has such a city.
    by_city_alone: HashMap<String, Option<Place>>,
    by_province: HashMap<String, Place>,
}

impl Places {
    pub(super) fn of(stores: &[Store]) -> Self {
        let mut spelled: BTreeMap<(Box<str>, Box<str>), Vec<u32>> = BTreeMap::new();
        for (key, store) in (0_u32..).zip(stores) {
            if store.status == StoreStatus::Active {
                match spelled.get_mut(&(store.province.clone(), store.city.clone())) {
                    Some(keys) => keys.push(key),
                    None => {
                        spelled.insert((store.province.clone(), store.city.clone()), vec![key]);
                    }
                }
            }
        }
        let mut cities: HashMap<(String, String), Gathered<'_>> = HashMap::new();
        let mut provinces: HashMap<String, Gathered<'_>> = HashMap::new();
        for ((province, city), keys) in &spelled {
            let found = keys.iter().filter_map(|key| stores.get(usize::try_from(*key).ok()?));
            let positions: Vec<Position> = found.map(|it| it.at.position()).collect();
            if !city.is_empty() {
                let key = (comparable(province), comparable(city));
                cities.entry(key).or_insert_with(|| Gathered::new(province, city)).add(&positions);
            }
            if !province.is_empty() {
                let key = comparable(province);
                provinces.entry(key).or_insert_with(|| Gathered::new(province, "")).add(&positions);
            }
        }
        let by_city: HashMap<_, _> = cities.into_iter().filter_map(|(key, it)| Some((key, it.place()?))).collect();
        let mut by_city_alone: HashMap<String, Option<Place>> = HashMap::new();
        for ((_, city), place) in &by_city {
            by_city_alone.entry(city.clone()).and_modify(|it| *it = None).or_insert_with(|| Some(place.clone()));
        }
        let by_province = provinces.into_iter().filter_map(|(key, it)| Some((key, it.place()?))).collect();
        Self { spelled, by_city, by_city_alone, by_province }
    }

    pub(super) fn named(&self, names: &RegionNames) -> Option<&Place> {
        let (province, city) = (comparable(&names.province), comparable(&names.city));
        if !city.is_empty() {
            let exact = self.by_city.get(&(province.clone(), city.clone()));
            // A name that another source spells otherwise, or a province that one of them leaves out.
            let alone = || {
                self.by_city_alone.get(&city).and_then(Option::as_ref).filter(|it| {
                    province.is_empty() || it.names.province.is_empty() || !self.by_province.contains_key(&province)
                })
            };
            if let Some(place) = exact.or_else(alone) {
                return Some(place);
            }
        }
        // A city that is its own province (上海市) may come as either; a province's namesake city (吉林市) is not the province.
        let as_city = || self.by_city_alone.get(&province).and_then(Option::as_ref).filter(|_| city.is_empty());
        self.by_province.get(&province).filter(|_| !province.is_empty()).or_else(as_city)
    }

    pub(super) fn cities(&self) -> impl Iterator<Item = (&str, &str, &[u32])> {
        self.spelled.iter().map(|((province, city), keys)| (&**province, &**city, keys.as_slice()))
    }
}

struct Gathered<'a> {
    province: &'a str,
    city: &'a str,
    positions: Vec<Position>,
}

impl<'a> Gathered<'a> {
    fn new(province: &'a str, city: &'a str) -> Self {
        Self { province, city, positions: Vec::new() }
    }

    fn add(&mut self, positions: &[Position]) {
        self.positions.extend_from_slice(positions);
    }

    fn place(self) -> Option<Place> {
        let middle = middle(&self.positions)?;
        let farthest = self.positions.iter().map(|it| distance_m(middle, *it)).fold(0.0, f64::max);
        let names = RegionNames { province: self.province.into(), city: self.city.into(), ..RegionNames::default() };
        Some(Place { circle: Circle { middle, radius_m: farthest.max(CITY_RADIUS_M_MIN) }, names })
    }
}
