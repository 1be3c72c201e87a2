//! From storage to a catalog: every entry read, or the one named that cannot be; shapes that did not change are not read again.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Error as JsonError;

use super::publish::ImportError;
use crate::catalog::{Catalog, Entries, Problem};
use crate::region::{Region, RegionMap, ServiceArea, ServiceAreas};
use crate::storage::{EntryKind, Storage, StorageError};

/// How many versions back a good one is looked for.
const LAST_GOOD_LOOKS_MAX: usize = 50;
/// The kinds that are small and change often.
const NOUNS: [EntryKind; 4] = [EntryKind::Store, EntryKind::Group, EntryKind::Contact, EntryKind::Campaign];

/// An entry in storage that cannot be read.
pub(super) struct BrokenEntry {
    pub(super) kind: EntryKind,
    pub(super) id: String,
    source: JsonError,
}

/// The entries of a version that can be read, and those that cannot. Shapes are taken from `held` where they are the same.
pub(super) fn load_readable(
    storage: &dyn Storage,
    version: u64,
    held: Option<&Catalog>,
) -> Result<(Entries, Vec<BrokenEntry>), ImportError> {
    let mut entries = Entries::default();
    let mut broken = Vec::new();
    storage.load_kinds(version, &NOUNS, &mut |kind, id, body| {
        let read = match kind {
            EntryKind::Store => serde_json::from_str(body).map(|it| entries.stores.push(it)),
            EntryKind::Group => serde_json::from_str(body).map(|it| entries.groups.push(it)),
            EntryKind::Contact => serde_json::from_str(body).map(|it| entries.contacts.push(it)),
            EntryKind::Campaign => serde_json::from_str(body).map(|it| entries.campaigns.push(it)),
            EntryKind::Region | EntryKind::ServiceArea => Ok(()),
        };
        if let Err(source) = read {
            broken.push(BrokenEntry { kind, id: id.to_owned(), source });
        }
    })?;
    // The map of a country is some 12 MB in storage; a publication that leaves it alone reads none of it.
    let held_if_same = |kind| -> Result<Option<&Catalog>, StorageError> {
        let Some(held) = held.filter(|it| it.version() <= version) else { return Ok(None) };
        Ok((storage.last_change(kind, version)? <= held.version()).then_some(held))
    };
    entries.regions = match held_if_same(EntryKind::Region)? {
        Some(held) => Arc::clone(held.regions()),
        None => Arc::new(load_map(storage, version, &mut broken)?),
    };
    entries.service_areas = match held_if_same(EntryKind::ServiceArea)? {
        Some(held) => Arc::clone(held.service_areas()),
        None => Arc::new(load_service_areas(storage, version, &mut broken)?),
    };
    Ok((entries, broken))
}

fn load_map(storage: &dyn Storage, version: u64, broken: &mut Vec<BrokenEntry>) -> Result<RegionMap, ImportError> {
    map(load_all(storage, version, EntryKind::Region, broken)?)
}

pub(super) fn map(regions: Vec<Region>) -> Result<RegionMap, ImportError> {
    let problem = |it: &crate::region::RegionError| Problem::new(it.code(), it.to_string());
    RegionMap::build(regions).map_err(|errors| ImportError::Invalid(errors.iter().map(problem).collect()))
}

fn load_service_areas(
    storage: &dyn Storage,
    version: u64,
    broken: &mut Vec<BrokenEntry>,
) -> Result<ServiceAreas, ImportError> {
    service_areas(load_all(storage, version, EntryKind::ServiceArea, broken)?)
}

pub(super) fn service_areas(areas: Vec<ServiceArea>) -> Result<ServiceAreas, ImportError> {
    let problem = |it: &crate::region::ServiceAreaError| Problem::new("duplicate_id", it.to_string());
    ServiceAreas::build(areas).map_err(|errors| ImportError::Invalid(errors.iter().map(problem).collect()))
}

fn load_all<T: for<'de> Deserialize<'de>>(
    storage: &dyn Storage,
    version: u64,
    kind: EntryKind,
    broken: &mut Vec<BrokenEntry>,
) -> Result<Vec<T>, StorageError> {
    let mut all = Vec::new();
    storage.load_kinds(version, &[kind], &mut |kind, id, body| match serde_json::from_str(body) {
        Ok(it) => all.push(it),
        Err(source) => broken.push(BrokenEntry { kind, id: id.to_owned(), source }),
    })?;
    Ok(all)
}

/// Entries that come one after the other, in any order of their kinds.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) entries: Entries,
    pub(super) regions: Vec<Region>,
    pub(super) areas: Vec<ServiceArea>,
    broken: Option<BrokenEntry>,
}

impl Reading {
    pub(super) fn add(&mut self, kind: EntryKind, id: &str, body: &str) {
        let read = match kind {
            EntryKind::Store => serde_json::from_str(body).map(|it| self.entries.stores.push(it)),
            EntryKind::Group => serde_json::from_str(body).map(|it| self.entries.groups.push(it)),
            EntryKind::Contact => serde_json::from_str(body).map(|it| self.entries.contacts.push(it)),
            EntryKind::Campaign => serde_json::from_str(body).map(|it| self.entries.campaigns.push(it)),
            EntryKind::Region => serde_json::from_str(body).map(|it| self.regions.push(it)),
            EntryKind::ServiceArea => serde_json::from_str(body).map(|it| self.areas.push(it)),
        };
        if let Err(source) = read {
            self.broken.get_or_insert(BrokenEntry { kind, id: id.to_owned(), source });
        }
    }

    /// Everything that was read, if all of it could be.
    pub(super) fn whole(self) -> Result<Self, ImportError> {
        match self.broken {
            Some(BrokenEntry { kind, id, source }) => Err(ImportError::Entry { kind: kind.as_str(), id, source }),
            None => Ok(self),
        }
    }

    /// The catalog of all entries.
    pub(super) fn catalog(self, version: u64) -> Result<Catalog, ImportError> {
        let Self { mut entries, regions, areas, .. } = self.whole()?;
        entries.regions = Arc::new(map(regions)?);
        entries.service_areas = Arc::new(service_areas(areas)?);
        Catalog::build(version, entries).map_err(ImportError::Invalid)
    }
}

/// All entries of a version. Blocks.
///
/// # Errors
/// [`ImportError`] if storage does not answer or holds something that is no entry.
pub fn load_entries(storage: &dyn Storage, version: u64) -> Result<Entries, ImportError> {
    all_readable(load_readable(storage, version, None)?)
}

fn all_readable((entries, broken): (Entries, Vec<BrokenEntry>)) -> Result<Entries, ImportError> {
    match broken.into_iter().next() {
        Some(BrokenEntry { kind, id, source }) => Err(ImportError::Entry { kind: kind.as_str(), id, source }),
        None => Ok(entries),
    }
}

/// The current catalog, or the last one before it that is good; with it why the current one is not. Blocks.
///
/// # Errors
/// [`ImportError`] if storage does not answer.
pub fn load_last_good(storage: &dyn Storage) -> Result<(Catalog, Option<ImportError>), ImportError> {
    let current = storage.current_version()?;
    let refused = match load_catalog(storage, current) {
        Ok(catalog) => return Ok((catalog, None)),
        Err(error) => error,
    };
    for info in storage.versions(Some(current), LAST_GOOD_LOOKS_MAX)? {
        if let Ok(catalog) = load_catalog(storage, info.version) {
            return Ok((catalog, Some(refused)));
        }
    }
    Ok((Catalog::empty(), Some(refused)))
}

/// The catalog of a version. Blocks.
///
/// # Errors
/// [`ImportError`] if storage does not answer or what it holds is no catalog.
pub fn load_catalog(storage: &dyn Storage, version: u64) -> Result<Catalog, ImportError> {
    Catalog::build(version, load_entries(storage, version)?).map_err(ImportError::Invalid)
}

/// The entries of a version as a catalog of another number. Blocks.
///
/// # Errors
/// As [`load_catalog`].
pub(super) fn load_catalog_as(storage: &dyn Storage, version: u64, number: u64) -> Result<Catalog, ImportError> {
    Catalog::build(number, load_entries(storage, version)?).map_err(ImportError::Invalid)
}

/// The catalog of a version, with the shapes of an earlier one where they are the same. Blocks.
///
/// # Errors
/// As [`load_catalog`].
pub fn load_catalog_after(storage: &dyn Storage, version: u64, held: &Catalog) -> Result<Catalog, ImportError> {
    let entries = all_readable(load_readable(storage, version, Some(held))?)?;
    Catalog::build(version, entries).map_err(ImportError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::embedded::Embedded;
    use crate::storage::{Change, PublishInfo};
    use crate::time::Timestamp;

    /// A triangle in its stored form, with the last corner a little farther north for each `size`.
    fn region(size: u8) -> String {
        let corner = |lat: f64, lon: f64| crate::geo::polygon::Vertex { lat, lon };
        let north = f64::from(size);
        let ring = vec![corner(0.0, 0.0), corner(0.0, 1.0), corner(north, 1.0), corner(0.0, 0.0)];
        let (shape, _) = crate::geo::Shape::from_rings(&[vec![ring]], crate::geo::Datum::Wgs84).unwrap();
        let shape = serde_json::to_string(&shape).unwrap();
        format!(r#"{{"code":"a","name":"甲","level":"district","shape":{shape}}}"#)
    }

    #[test]
    fn shapes_that_did_not_change_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Embedded::open(&folder.path().join("jinqun.sqlite")).unwrap();
        let info = PublishInfo { at: Timestamp::EPOCH, author: "test".to_owned(), note: String::new() };
        let publish = |version, kind, id: &str, body: String| {
            let change = Change { kind, id: id.to_owned(), body: Some(body) };
            storage.publish(version, &info, &mut [change].into_iter()).unwrap()
        };
        publish(0, EntryKind::Region, "a", region(1));
        let first = load_catalog(&storage, 1).unwrap();
        publish(1, EntryKind::Campaign, "tea", r#"{"slug":"tea","name":"茶"}"#.to_owned());
        let second = load_catalog_after(&storage, 2, &first).unwrap();
        assert!(second.campaigns().count() == 2 && Arc::ptr_eq(first.regions(), second.regions()));
        publish(2, EntryKind::Region, "a", region(2));
        let third = load_catalog_after(&storage, 3, &second).unwrap();
        assert!(!Arc::ptr_eq(third.regions(), second.regions()));
        assert_eq!(third.regions().regions().len(), 1);
        assert!(Arc::ptr_eq(third.service_areas(), first.service_areas()));
        // An older version than the one that is held is read as it is.
        let back = load_catalog_after(&storage, 1, &third).unwrap();
        assert_eq!(back.regions().regions()[0].shape, first.regions().regions()[0].shape);
        publish(3, EntryKind::Region, "a", "{}".to_owned());
        assert!(matches!(load_catalog_after(&storage, 4, &third), Err(ImportError::Entry { kind: "region", .. })));
    }
}
