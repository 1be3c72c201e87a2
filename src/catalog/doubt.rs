//! Active stores of a published catalog whose coordinates look wrong. Suspicions only; what a sheet is warned of on its way in is
//! in [`super::suspicion`].

use super::misplaced::left;
use super::suspicion::{Grid, odd_numbers};
use super::{Catalog, code};
use crate::geo::{Datum, Position};
use crate::store::Store;

/// What looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoubtKind {
    /// The place is 0, 0.
    ZeroZero,
    /// Latitude and longitude seem to be exchanged.
    Swapped,
    /// Within ten metres of the store with this key.
    TooClose(u32),
    /// Outside the region that its columns name.
    OutsideRegion {
        /// The region's name.
        region: Box<str>,
        /// In which datum the same numbers would lie inside.
        other: Option<Datum>,
    },
}

impl DoubtKind {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ZeroZero => code::ZERO_ZERO,
            Self::Swapped => code::SWAPPED,
            Self::TooClose(_) => code::TOO_CLOSE,
            Self::OutsideRegion { .. } => code::OUTSIDE_REGION,
        }
    }
}

/// A store whose coordinates look wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The store's key.
    pub store: u32,
    /// What looks wrong.
    pub kind: DoubtKind,
}

/// The first thing that looks wrong about each active store, in the order of their keys.
#[must_use]
pub fn place_doubts(catalog: &Catalog) -> Vec<Doubt> {
    let mut grid = Grid::with_capacity(catalog.stores().len());
    let mut seen = Vec::with_capacity(catalog.stores().len());
    let mut doubts = Vec::new();
    let active = (0_u32..).zip(catalog.stores()).filter(|(key, _)| catalog.is_active(*key));
    for (key, store) in active {
        let close = grid.earlier_within(seen.len(), store.at.position()).and_then(|it| seen.get(it)).copied();
        seen.push(key);
        let kind = match odd_numbers(store) {
            Some((code::ZERO_ZERO, _)) => Some(DoubtKind::ZeroZero),
            Some(_) => Some(DoubtKind::Swapped),
            None => close.map(DoubtKind::TooClose).or_else(|| outside(catalog, store)),
        };
        doubts.extend(kind.map(|kind| Doubt { store: key, kind }));
    }
    doubts
}

fn outside(catalog: &Catalog, store: &Store) -> Option<DoubtKind> {
    let region = catalog.regions().region(left(catalog.regions(), store)?)?;
    let at = store.at;
    let is_inside = |datum: &Datum| {
        Position::from_datum(at.given_lat(), at.given_lng(), *datum).is_ok_and(|it| region.shape.covers(it))
    };
    let other = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09].into_iter().filter(|it| *it != at.datum()).find(is_inside);
    Some(DoubtKind::OutsideRegion { region: region.name.clone(), other })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Entries;
    use crate::store::StoreStatus;

    #[test]
    fn active_stores_with_odd_places_are_doubted_once_each() {
        let mut stores = vec![
            Store::sample("a", 31.2, 121.4),
            Store::sample("b", 31.20001, 121.4),
            Store::sample("c", 0.0, 0.0),
            Store::sample("d", 87.4, 43.9),
            Store::sample("e", 31.9, 121.4),
            Store::sample("f", 0.0, 0.0),
        ];
        stores[5].status = StoreStatus::Closed;
        let catalog = Catalog::build(1, Entries { stores, ..Entries::default() }).unwrap();
        let found: Vec<(u32, &str)> = place_doubts(&catalog).iter().map(|it| (it.store, it.kind.as_str())).collect();
        assert_eq!(found, [(1, "too_close"), (2, "zero_zero"), (3, "swapped")]);
    }
}
