//! Cities and provinces by name, as the chain's own stores know them: where an address that only has names is placed.

use std::collections::{BTreeMap, HashMap, HashSet};

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

/// (province, city) as spelled → keys of active stores, in order.
type Spelled = BTreeMap<(Box<str>, Box<str>), Vec<u32>>;

fn keys_of<'a>(spelled: &'a mut Spelled, store: &Store) -> &'a mut Vec<u32> {
    spelled.entry((store.province.clone(), store.city.clone())).or_default()
}

#[derive(Default, Clone)]
pub(super) struct Places {
    spelled: Spelled,
    /// By comparable province and city.
    by_city: HashMap<(String, String), Place>,
    /// The one place of that name, where only one province has such a city.
    by_city_alone: HashMap<String, Option<Place>>,
    by_province: HashMap<String, Place>,
}

impl Places {
    pub(super) fn of(stores: &[Store]) -> Self {
        let mut spelled: Spelled = BTreeMap::new();
        for (key, store) in (0_u32..).zip(stores) {
            if store.status == StoreStatus::Active {
                keys_of(&mut spelled, store).push(key);
            }
        }
        let position = |key: u32| stores.get(usize::try_from(key).ok()?).map(|it| it.at.position());
        let mut places = Self { spelled, ..Self::default() };
        places.gather(&position, &|_| true, &|_| true);
        places
    }

    /// The same places after some stores have changed: key, what the store was and what it is. Only cities and provinces of these
    /// are worked out again.
    pub(super) fn with(&self, changed: &[(u32, &Store, &Store)], position: &dyn Fn(u32) -> Option<Position>) -> Self {
        let mut places = self.clone();
        let (mut cities, mut provinces) = (HashSet::new(), HashSet::new());
        for (key, was, is) in changed {
            for store in [was, is] {
                cities.insert((comparable(&store.province), comparable(&store.city)));
                provinces.insert(comparable(&store.province));
            }
            if was.status == StoreStatus::Active {
                let keys = keys_of(&mut places.spelled, was);
                keys.retain(|it| it != key);
                if keys.is_empty() {
                    places.spelled.remove(&(was.province.clone(), was.city.clone()));
                }
            }
            if is.status == StoreStatus::Active {
                let keys = keys_of(&mut places.spelled, is);
                let at = keys.partition_point(|it| it < key);
                keys.insert(at, *key);
            }
        }
        places.by_city.retain(|names, _| !cities.contains(names));
        places.by_province.retain(|name, _| !provinces.contains(name));
        places.gather(position, &|names| cities.contains(names), &|name| provinces.contains(name));
        places
    }

    /// Works out the cities and provinces whose comparable names are wanted.
    fn gather(
        &mut self,
        position: &dyn Fn(u32) -> Option<Position>,
        wants_city: &dyn Fn(&(String, String)) -> bool,
        wants_province: &dyn Fn(&str) -> bool,
    ) {
        let mut cities: HashMap<(String, String), Gathered<'_>> = HashMap::new();
        let mut provinces: HashMap<String, Gathered<'_>> = HashMap::new();
        for ((province, city), keys) in &self.spelled {
            let names = (comparable(province), comparable(city));
            let (wants_province, wants_city) = (wants_province(&names.0), wants_city(&names));
            if !wants_city && !wants_province {
                continue;
            }
            let positions: Vec<Position> = keys.iter().filter_map(|key| position(*key)).collect();
            if !province.is_empty() && wants_province {
                provinces.entry(names.0.clone()).or_insert_with(|| Gathered::new(province, "")).add(&positions);
            }
            if !city.is_empty() && wants_city {
                cities.entry(names).or_insert_with(|| Gathered::new(province, city)).add(&positions);
            }
        }
        let by_city: Vec<_> = cities.into_iter().filter_map(|(key, it)| Some((key, it.place()?))).collect();
        let by_province: Vec<_> = provinces.into_iter().filter_map(|(key, it)| Some((key, it.place()?))).collect();
        self.by_city.extend(by_city);
        self.by_province.extend(by_province);
        self.by_city_alone = HashMap::new();
        for ((_, city), place) in &self.by_city {
            let alone = self.by_city_alone.entry(city.clone());
            alone.and_modify(|it| *it = None).or_insert_with(|| Some(place.clone()));
        }
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
