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
    by_city: HashMap<String, Place>,
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
        let mut cities: HashMap<String, Gathered<'_>> = HashMap::new();
        let mut provinces: HashMap<String, Gathered<'_>> = HashMap::new();
        for ((province, city), keys) in &spelled {
            let positions =
                keys.iter().filter_map(|key| stores.get(usize::try_from(*key).ok()?)).map(|it| it.at.position());
            let positions: Vec<Position> = positions.collect();
            if !city.is_empty() {
                cities.entry(comparable(city)).or_insert_with(|| Gathered::new(province, city)).add(&positions);
            }
            if !province.is_empty() {
                provinces.entry(comparable(province)).or_insert_with(|| Gathered::new(province, "")).add(&positions);
            }
        }
        let settle = |all: HashMap<String, Gathered<'_>>| {
            all.into_iter().filter_map(|(name, it)| it.place().map(|place| (name, place))).collect()
        };
        Self { by_city: settle(cities), by_province: settle(provinces), spelled }
    }

    pub(super) fn named(&self, names: &RegionNames) -> Option<&Place> {
        let look = |map: &'_ HashMap<String, Place>, name: &str| {
            (!name.is_empty()).then(|| comparable(name)).filter(|it| map.contains_key(it))
        };
        // A province that is a city (上海市) is found among the cities too, where only one of the names is given.
        look(&self.by_city, &names.city)
            .or_else(|| look(&self.by_city, &names.province).filter(|_| names.city.is_empty()))
            .and_then(|name| self.by_city.get(&name))
            .or_else(|| look(&self.by_province, &names.province).and_then(|name| self.by_province.get(&name)))
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
