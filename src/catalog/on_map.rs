//! What the catalog knows about a position from shapes: its regions, and the stores that serve it.

use std::sync::Arc;

use super::by_owner::index;
use super::{Catalog, Place, Problem};
use crate::geo::Position;
use crate::id::{RegionCode, StoreId};
use crate::region::{RegionMap, RegionNames, ServiceAreas};
use crate::store::Store;

impl Catalog {
    /// The map of regions.
    #[must_use]
    pub fn regions(&self) -> &Arc<RegionMap> {
        &self.regions
    }

    /// The codes of the regions around a position, narrowest first: areas, district, city, province.
    #[must_use]
    pub fn region_codes_at(&self, position: Position) -> Vec<&RegionCode> {
        self.regions.codes(&self.regions.place(position))
    }

    /// The codes of the regions that bear these names, narrowest first: areas, district, city, province.
    #[must_use]
    pub fn region_codes_named(&self, names: &RegionNames) -> Vec<&RegionCode> {
        self.regions.codes(&self.regions.place_named(names))
    }

    /// Where the narrowest region of the map is that these names name, as the map spells them.
    #[must_use]
    pub fn place_on_map(&self, names: &RegionNames) -> Option<Place> {
        let found = self.regions.place_named(names);
        let narrowest = self.regions.region(found.narrow_to_wide().next()?)?;
        Some(Place { circle: narrowest.shape.circle(), names: self.regions.names(&found) })
    }

    /// The region of a store as its own columns name it.
    #[must_use]
    pub fn region_columns(store: &Store) -> RegionNames {
        let (province, city, district) = (store.province.clone(), store.city.clone(), store.district.clone());
        RegionNames { province, city, district, areas: Vec::new() }
    }

    /// The areas that stores serve.
    #[must_use]
    pub fn service_areas(&self) -> &Arc<ServiceAreas> {
        &self.service_areas
    }

    /// The keys of the stores whose service area a position lies in.
    #[must_use]
    pub fn serving(&self, position: Position) -> Vec<u32> {
        let covering = self.service_areas.covering(position);
        covering.into_iter().filter_map(|it| self.served_by.get(index(it)).copied()).collect()
    }
}

/// The key of each service area's store; a store that does not exist is a problem.
pub(super) fn serving_keys(
    areas: &ServiceAreas,
    find: impl Fn(&StoreId) -> Option<u32>,
    problems: &mut Vec<Problem>,
) -> Box<[u32]> {
    let key = |id: &StoreId| {
        find(id).or_else(|| {
            let message = format!("a service area belongs to store {id}, which does not exist");
            problems.push(Problem::new("unknown_store", message).in_column("store", id.as_str()));
            None
        })
    };
    areas.areas().iter().map(|it| &it.store).filter_map(key).collect()
}
