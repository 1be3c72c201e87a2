//! What a file of regions and service areas makes of the map there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::merge::{Change, Merged, Mode};
use super::snapshot::Entries;
use super::{Problem, code};
use crate::id::{RegionCode, StoreId};
use crate::region::{Level, Region, RegionError, RegionMap, ServiceArea, ServiceAreaError, ServiceAreas};

/// What a file of areas holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapPieces {
    /// Regions.
    pub regions: Vec<Region>,
    /// Areas that stores serve.
    pub service_areas: Vec<ServiceArea>,
}

/// Merges pieces into the map. With [`Mode::Replace`] those go that are not among the pieces, of the levels (or service areas) that
/// are: provinces, cities, districts and the operator's own areas mostly come in files of their own.
///
/// # Errors
/// Every reason why the result is no map, with the region's code or the store's id as its value.
pub fn merge_map(entries: Entries, pieces: MapPieces, mode: Mode) -> Result<Merged, Vec<Problem>> {
    let mut merged = Merged { entries, changes: Vec::new(), created: 0, updated: 0, unchanged: 0, removed: 0 };
    let mut problems = Vec::new();
    if !pieces.regions.is_empty() {
        merge_regions(&mut merged, pieces.regions, mode).unwrap_or_else(|errors| problems.extend(errors));
    }
    if !pieces.service_areas.is_empty() {
        merge_areas(&mut merged, pieces.service_areas, mode).unwrap_or_else(|errors| problems.extend(errors));
    }
    if problems.is_empty() { Ok(merged) } else { Err(problems) }
}

fn merge_regions(merged: &mut Merged, pieces: Vec<Region>, mode: Mode) -> Result<(), Vec<Problem>> {
    let levels: Vec<Level> = pieces.iter().map(|it| it.level).collect();
    let before = merged.entries.regions.regions();
    let mut all: BTreeMap<RegionCode, Region> = before.iter().map(|it| (it.code.clone(), it.clone())).collect();
    let named: BTreeSet<&RegionCode> = pieces.iter().map(|it| &it.code).collect();
    if mode == Mode::Replace {
        let gone = all.extract_if(.., |code, it| levels.contains(&it.level) && !named.contains(code));
        let gone: Vec<Change> = gone.map(|(code, _)| Change::Region(code)).collect();
        count(gone.len(), &mut merged.removed);
        merged.changes.extend(gone);
    }
    for it in pieces {
        let change = Change::Region(it.code.clone());
        note(merged, change, all.get(&it.code), &it);
        all.insert(it.code.clone(), it);
    }
    if merged.changes.is_empty() {
        return Ok(());
    }
    let problem =
        |error: RegionError| Problem::new(error.code(), error.to_string()).in_column("parent", error.region().as_str());
    let map = RegionMap::build(all.into_values().collect())
        .map_err(|errors| errors.into_iter().map(problem).collect::<Vec<_>>())?;
    merged.entries.regions = Arc::new(map);
    Ok(())
}

fn merge_areas(merged: &mut Merged, pieces: Vec<ServiceArea>, mode: Mode) -> Result<(), Vec<Problem>> {
    let before = Arc::clone(&merged.entries.service_areas);
    let mut all: BTreeMap<StoreId, ServiceArea> =
        before.areas().iter().map(|it| (it.store.clone(), it.clone())).collect();
    if mode == Mode::Replace {
        let named: BTreeSet<&StoreId> = pieces.iter().map(|it| &it.store).collect();
        let gone = all.extract_if(.., |store, _| !named.contains(store));
        let gone: Vec<Change> = gone.map(|(store, _)| Change::ServiceArea(store)).collect();
        count(gone.len(), &mut merged.removed);
        merged.changes.extend(gone);
    }
    for it in pieces {
        note(merged, Change::ServiceArea(it.store.clone()), all.get(&it.store), &it);
        all.insert(it.store.clone(), it);
    }
    merged.entries.service_areas = built(all)?;
    Ok(())
}

fn built(areas: BTreeMap<StoreId, ServiceArea>) -> Result<Arc<ServiceAreas>, Vec<Problem>> {
    let problem = |error: ServiceAreaError| {
        Problem::new(code::DUPLICATE_ID, error.to_string()).in_column("store", error.0.as_str())
    };
    let areas = ServiceAreas::build(areas.into_values().collect());
    areas.map(Arc::new).map_err(|errors| errors.into_iter().map(problem).collect())
}

fn note<T: PartialEq>(merged: &mut Merged, change: Change, before: Option<&T>, after: &T) {
    let counted = match before {
        None => &mut merged.created,
        Some(before) if before == after => {
            merged.unchanged += 1;
            return;
        }
        Some(_) => &mut merged.updated,
    };
    *counted += 1;
    merged.changes.push(change);
}

fn count(more: usize, counted: &mut u64) {
    *counted += u64::try_from(more).unwrap_or(u64::MAX);
}

/// Lets go of the service areas of stores that are not there any more. The stores are sorted by id.
pub(super) fn sweep(entries: &mut Entries) -> Vec<Change> {
    let lives = |it: &ServiceArea| entries.stores.binary_search_by(|store| store.id.cmp(&it.store)).is_ok();
    let (kept, gone): (Vec<ServiceArea>, Vec<ServiceArea>) =
        entries.service_areas.areas().iter().cloned().partition(lives);
    if !gone.is_empty()
        && let Ok(areas) = ServiceAreas::build(kept)
    {
        entries.service_areas = Arc::new(areas);
    }
    gone.into_iter().map(|it| Change::ServiceArea(it.store)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::polygon::Vertex;
    use crate::geo::{Datum, Shape};

    fn shape(east: f64) -> Arc<Shape> {
        let corners = [(0.0, 0.0), (0.0, east), (1.0, east), (1.0, 0.0), (0.0, 0.0)];
        let ring = corners.map(|(lat, lon)| Vertex { lat, lon }).to_vec();
        Arc::new(Shape::from_rings(&[vec![ring]], Datum::Wgs84).unwrap().0)
    }

    fn region(code: &str, level: Level, east: f64) -> Region {
        Region { code: RegionCode::parse(code).unwrap(), name: code.into(), level, parent: None, shape: shape(east) }
    }

    fn pieces(regions: Vec<Region>) -> MapPieces {
        MapPieces { regions, service_areas: Vec::new() }
    }

    fn counts(merged: &Merged) -> [u64; 4] {
        [merged.created, merged.updated, merged.unchanged, merged.removed]
    }

    #[test]
    fn only_regions_that_differ_change() {
        let first = pieces(vec![region("a", Level::District, 1.0), region("b", Level::District, 1.0)]);
        let merged = merge_map(Entries::default(), first.clone(), Mode::Merge).unwrap();
        assert_eq!((counts(&merged), merged.changes.len()), ([2, 0, 0, 0], 2));
        let again = merge_map(merged.entries.clone(), first, Mode::Merge).unwrap();
        assert_eq!((counts(&again), again.changes.len()), ([0, 0, 2, 0], 0));
        assert!(Arc::ptr_eq(&again.entries.regions, &merged.entries.regions), "an unchanged map is the same map");
        let moved = merge_map(merged.entries, pieces(vec![region("b", Level::District, 2.0)]), Mode::Merge).unwrap();
        assert_eq!(counts(&moved), [0, 1, 0, 0]);
        assert_eq!(moved.changes, [Change::Region(RegionCode::parse("b").unwrap())]);
    }

    #[test]
    fn a_replacement_removes_what_is_not_named_of_its_own_levels() {
        let all = pieces(vec![
            region("p", Level::Province, 1.0),
            region("d", Level::District, 1.0),
            region("x", Level::Area, 1.0),
            region("y", Level::Area, 1.0),
        ]);
        let merged = merge_map(Entries::default(), all, Mode::Merge).unwrap();
        let merged = merge_map(merged.entries, pieces(vec![region("y", Level::Area, 1.0)]), Mode::Replace).unwrap();
        assert_eq!(counts(&merged), [0, 0, 1, 1]);
        let left: Vec<&str> = merged.entries.regions.regions().iter().map(|it| it.code.as_str()).collect();
        assert_eq!(left, ["d", "p", "y"]);
    }
}
