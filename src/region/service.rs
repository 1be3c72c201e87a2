//! The areas that stores serve, and which of them a position lies in; not whether they count.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::geo::{PolygonIndex, Position, Shape};
use crate::id::StoreId;

/// The area that a store serves, drawn by the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceArea {
    /// Whose it is.
    pub store: StoreId,
    /// Where it is.
    pub shape: Arc<Shape>,
}

/// A store with two service areas.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("store {0} has two service areas; one MultiPolygon holds any number of pieces")]
pub struct ServiceAreaError(pub StoreId);

/// All service areas of a catalog and the index over them. Immutable.
#[derive(Default)]
pub struct ServiceAreas {
    areas: Vec<ServiceArea>,
    index: PolygonIndex<u32>,
}

impl ServiceAreas {
    /// Lays out service areas.
    ///
    /// # Errors
    /// Every store that has two.
    pub fn build(mut areas: Vec<ServiceArea>) -> Result<Self, Vec<ServiceAreaError>> {
        areas.sort_by(|a, b| a.store.cmp(&b.store));
        let twice = areas.windows(2).filter_map(|it| match it {
            [a, b] if a.store == b.store => Some(ServiceAreaError(b.store.clone())),
            _ => None,
        });
        let errors: Vec<ServiceAreaError> = twice.collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let index = PolygonIndex::build((0..).zip(&areas).map(|(place, it)| (place, Arc::clone(&it.shape))));
        Ok(Self { areas, index })
    }

    /// All areas in the order of their stores' ids.
    #[must_use]
    pub fn areas(&self) -> &[ServiceArea] {
        &self.areas
    }

    /// The area of a store.
    #[must_use]
    pub fn of(&self, store: &StoreId) -> Option<&ServiceArea> {
        self.areas.get(self.areas.binary_search_by(|it| it.store.cmp(store)).ok()?)
    }

    /// The places, in [`ServiceAreas::areas`], of those that a position lies in.
    #[must_use]
    pub fn covering(&self, position: Position) -> Vec<u32> {
        if self.areas.is_empty() { Vec::new() } else { self.index.covering(position) }
    }
}

impl fmt::Debug for ServiceAreas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAreas({} areas)", self.areas.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Datum;
    use crate::geo::polygon::Vertex;

    fn area(store: &str, [south, west, north, east]: [f64; 4]) -> ServiceArea {
        let corners = [(south, west), (south, east), (north, east), (north, west), (south, west)];
        let ring = corners.map(|(lat, lon)| Vertex { lat, lon }).to_vec();
        let (shape, _) = Shape::from_rings(&[vec![ring]], Datum::Wgs84).unwrap();
        ServiceArea { store: StoreId::parse(store).unwrap(), shape: Arc::new(shape) }
    }

    #[test]
    fn a_position_lies_in_all_areas_that_overlap_there() {
        let areas =
            ServiceAreas::build(vec![area("b", [31.0, 121.0, 31.2, 121.2]), area("a", [31.1, 121.1, 31.3, 121.3])])
                .unwrap();
        let at = |lat, lon| {
            let found = areas.covering(Position::from_datum(lat, lon, Datum::Wgs84).unwrap());
            found
                .iter()
                .map(|it| areas.areas()[usize::try_from(*it).unwrap()].store.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(at(31.15, 121.15), "a b");
        assert_eq!(at(31.05, 121.05), "b");
        assert_eq!(at(31.25, 121.25), "a");
        assert_eq!(at(0.0, 0.0), "");
        assert!(areas.of(&StoreId::parse("a").unwrap()).is_some());
        assert!(areas.of(&StoreId::parse("c").unwrap()).is_none());
    }

    #[test]
    fn a_store_has_one_area() {
        let square = [0.0, 0.0, 1.0, 1.0];
        let errors = ServiceAreas::build(vec![area("a", square), area("b", square), area("a", square)]).unwrap_err();
        assert_eq!(errors, [ServiceAreaError(StoreId::parse("a").unwrap())]);
    }
}
