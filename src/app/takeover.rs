//! From one version of the catalog to a later one by what is different, so that one changed store among a hundred thousand fetches
//! one; everything is fetched only where that cannot be known or would be more.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::{Reading, load_catalog, load_catalog_after, map, service_areas};
use super::publish::ImportError;
use crate::catalog::{Catalog, Change, Edits, Problem};
use crate::id::{CampaignSlug, ContactId, GroupId, RegionCode, StoreId};
use crate::storage::{self, EntryKind, Storage, StorageError, Trouble, VersionInfo};

/// Changes up to which they are fetched one by one; beyond, everything is fetched once.
const CHANGES_MAX: u64 = 20_000;
/// Versions that are passed at once.
const VERSIONS_MAX: u64 = 1_000;

/// A later catalog.
pub(super) struct TakenOver {
    pub(super) catalog: Catalog,
    /// Who published it; none if storage says nothing of it.
    pub(super) info: Option<VersionInfo>,
    /// By what it differs from the one before; none if it was fetched whole.
    pub(super) changes: Option<Vec<storage::Change>>,
}

/// What storage says of the versions from one to another.
pub(super) struct Passed {
    /// Of the later one.
    pub(super) after: Option<VersionInfo>,
    /// Of the earlier one, if storage knows it.
    pub(super) before: Option<VersionInfo>,
    /// How much they changed; none if that is too much or not known.
    changes: Option<u64>,
}

impl Passed {
    /// Whether what is different is less than everything.
    pub(super) fn is_short(&self) -> bool {
        self.changes.is_some()
    }
}

/// Asks for the versions from `before` to `after`.
pub(super) fn passed(storage: &dyn Storage, before: u64, after: u64) -> Result<Passed, StorageError> {
    let count = after.saturating_sub(before).saturating_add(1).min(VERSIONS_MAX);
    let found = storage.versions(after.checked_add(1), usize::try_from(count).unwrap_or(usize::MAX))?;
    let of = |version: u64| found.iter().find(|it| it.version == version).cloned();
    let (of_before, of_after) = (of(before), of(after));
    let changes = of_before.as_ref().filter(|_| before < after).map(|_| {
        let between = found.iter().filter(|it| it.version > before);
        between.fold(0, |sum: u64, it| sum.saturating_add(it.changes))
    });
    Ok(Passed { after: of_after, before: of_before, changes: changes.filter(|it| *it <= CHANGES_MAX) })
}

/// The catalog of a version, from the one that is held if both are of one history, which whoever calls has seen to. Blocks.
pub(super) fn take_over(
    storage: &dyn Storage,
    version: u64,
    held: &Catalog,
    passed: Passed,
) -> Result<TakenOver, ImportError> {
    if held.version() > 0 && passed.is_short() {
        let mut changes = Vec::new();
        let told = storage.diff(held.version(), version, &mut |kind, id, _, after| {
            changes.push(storage::Change { kind, id: id.to_owned(), body: after.map(ToOwned::to_owned) });
        });
        match told {
            Ok(()) => {
                let catalog = changed(held, version, &changes)?;
                return Ok(TakenOver { catalog, info: passed.after, changes: Some(changes) });
            }
            Err(error) if matches!(error.kind(), Trouble::NoSuchVersion { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Of another history even shapes that seem not to have changed may be others.
    let catalog = match &passed.before {
        Some(_) => load_catalog_after(storage, version, held)?,
        None => load_catalog(storage, version)?,
    };
    Ok(TakenOver { catalog, info: passed.after, changes: None })
}

/// A catalog after changes as storage tells them.
fn changed(held: &Catalog, version: u64, changes: &[storage::Change]) -> Result<Catalog, ImportError> {
    let mut reading = Reading::default();
    let (mut gone, mut regions_gone, mut areas_gone) = (Vec::new(), Vec::new(), Vec::new());
    for it in changes {
        match &it.body {
            Some(body) => reading.add(it.kind, &it.id, body),
            None => match gone_of(it)? {
                Change::Region(code) => regions_gone.push(code),
                Change::ServiceArea(id) => areas_gone.push(id),
                change @ (Change::Store(_) | Change::Group(_) | Change::Contact(_) | Change::Campaign(_)) => {
                    gone.push(change);
                }
            },
        }
    }
    let Reading { entries, regions, areas, .. } = reading.whole()?;
    let (regions, areas) = (new_map(held, regions, &regions_gone)?, new_areas(held, areas, &areas_gone)?);
    let edits = Edits {
        stores: entries.stores,
        groups: entries.groups,
        contacts: entries.contacts,
        campaigns: entries.campaigns,
        gone,
        regions,
        service_areas: areas,
    };
    held.with(version, edits).map_err(ImportError::Invalid)
}

fn gone_of(it: &storage::Change) -> Result<Change, ImportError> {
    let unknown = |_cause| {
        let message = format!("the {} {:?} in storage has no id that can be", it.kind.as_str(), it.id);
        ImportError::Invalid(vec![Problem::new("bad_character", message)])
    };
    Ok(match it.kind {
        EntryKind::Store => Change::Store(StoreId::parse(&it.id).map_err(unknown)?),
        EntryKind::Group => Change::Group(GroupId::parse(&it.id).map_err(unknown)?),
        EntryKind::Contact => Change::Contact(ContactId::parse(&it.id).map_err(unknown)?),
        EntryKind::Campaign => Change::Campaign(CampaignSlug::parse(&it.id).map_err(unknown)?),
        EntryKind::Region => Change::Region(RegionCode::parse(&it.id).map_err(unknown)?),
        EntryKind::ServiceArea => Change::ServiceArea(StoreId::parse(&it.id).map_err(unknown)?),
    })
}

/// The map with some regions in place of those with their codes or beside them, and some gone; none if it stays.
fn new_map(
    held: &Catalog,
    new: Vec<crate::region::Region>,
    gone: &[RegionCode],
) -> Result<Option<Arc<crate::region::RegionMap>>, ImportError> {
    if new.is_empty() && gone.is_empty() {
        return Ok(None);
    }
    let mut all: BTreeMap<_, _> = held.regions().regions().iter().map(|it| (it.code.clone(), it.clone())).collect();
    all.retain(|code, _| !gone.contains(code));
    all.extend(new.into_iter().map(|it| (it.code.clone(), it)));
    Ok(Some(Arc::new(map(all.into_values().collect())?)))
}

/// The areas that stores serve, likewise.
fn new_areas(
    held: &Catalog,
    new: Vec<crate::region::ServiceArea>,
    gone: &[StoreId],
) -> Result<Option<Arc<crate::region::ServiceAreas>>, ImportError> {
    if new.is_empty() && gone.is_empty() {
        return Ok(None);
    }
    let mut all: BTreeMap<_, _> =
        held.service_areas().areas().iter().map(|it| (it.store.clone(), it.clone())).collect();
    all.retain(|store, _| !gone.contains(store));
    all.extend(new.into_iter().map(|it| (it.store.clone(), it)));
    Ok(Some(Arc::new(service_areas(all.into_values().collect())?)))
}

#[cfg(test)]
mod tests {
    use super::super::publish::{bodies, json};
    use super::super::put_back::all;
    use super::*;
    use crate::storage::PublishInfo;
    use crate::storage::embedded::Embedded;
    use crate::store::Store;
    use crate::time::Timestamp;

    fn put(kind: EntryKind, id: &str, body: String) -> storage::Change {
        storage::Change { kind, id: id.to_owned(), body: Some(body) }
    }

    fn gone(kind: EntryKind, id: &str) -> storage::Change {
        storage::Change { kind, id: id.to_owned(), body: None }
    }

    fn store(id: &str, north: f64) -> storage::Change {
        put(EntryKind::Store, id, json(&Store::sample(id, 31.0 + north, 121.0)))
    }

    fn group(id: &str, owner: &str) -> storage::Change {
        let body = format!(
            r#"{{"id":"{id}","owner":{owner},"name":"群","code":{{"link":"https://work.weixin.qq.com/gm/{id}"}},"capacity":200,"status":"active","order":0}}"#
        );
        put(EntryKind::Group, id, body)
    }

    /// A triangle in its stored form.
    fn shape() -> String {
        let corner = |lat: f64, lon: f64| crate::geo::polygon::Vertex { lat, lon };
        let ring = vec![corner(31.0, 121.0), corner(31.0, 122.0), corner(32.0, 122.0), corner(31.0, 121.0)];
        let (shape, _) = crate::geo::Shape::from_rings(&[vec![ring]], crate::geo::Datum::Wgs84).unwrap();
        json(&shape)
    }

    fn region(code: &str, name: &str) -> storage::Change {
        let body = format!(r#"{{"code":"{code}","name":"{name}","level":"district","shape":{}}}"#, shape());
        put(EntryKind::Region, code, body)
    }

    fn area(store: &str) -> storage::Change {
        put(EntryKind::ServiceArea, store, format!(r#"{{"store":"{store}","shape":{}}}"#, shape()))
    }

    fn told(catalog: &Catalog) -> Vec<String> {
        let mut told: Vec<_> = bodies(catalog, &all(catalog)).map(|it| format!("{it:?}")).collect();
        told.sort_unstable();
        told.push(format!("{} {}", catalog.version(), catalog.stores().len()));
        told
    }

    #[test]
    fn what_is_taken_over_by_difference_is_what_is_loaded_whole() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Embedded::open(&folder.path().join("jinqun.sqlite")).unwrap();
        let campaign = |name: &str| put(EntryKind::Campaign, "tea", format!(r#"{{"slug":"tea","name":"{name}"}}"#));
        let publications = vec![
            vec![store("a", 0.0), store("b", 0.1), group("g", r#"{"store":"a"}"#)],
            vec![store("a", 0.2)],
            vec![campaign("茶"), region("310101", "黄浦区"), region("310106", "静安区")],
            vec![store("c", 0.3), area("c"), region("310101", "黄浦")],
            vec![gone(EntryKind::Region, "310106"), campaign("新茶")],
            vec![gone(EntryKind::Group, "g"), gone(EntryKind::Store, "a")],
            vec![],
            vec![gone(EntryKind::ServiceArea, "c"), gone(EntryKind::Campaign, "tea"), store("b", 0.4)],
        ];
        let last = u64::try_from(publications.len()).unwrap();
        for (version, changes) in (0..).zip(publications) {
            let info = PublishInfo { at: Timestamp::EPOCH, author: "test".to_owned(), note: String::new() };
            storage.publish(version, &info, &mut changes.into_iter()).unwrap();
        }
        for before in 1..last {
            let held = load_catalog(&storage, before).unwrap();
            for after in before + 1..=last {
                let between = passed(&storage, before, after).unwrap();
                let taken = take_over(&storage, after, &held, between).unwrap();
                assert!(taken.changes.is_some(), "{before} to {after} is not loaded whole");
                assert_eq!(told(&taken.catalog), told(&load_catalog(&storage, after).unwrap()), "{before} to {after}");
                assert_eq!(taken.info.unwrap().version, after);
            }
        }
    }

    #[test]
    fn a_version_that_storage_does_not_know_is_left_by_loading_whole() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Embedded::open(&folder.path().join("jinqun.sqlite")).unwrap();
        let info = PublishInfo { at: Timestamp::EPOCH, author: "test".to_owned(), note: String::new() };
        storage.publish(0, &info, &mut [store("a", 0.0)].into_iter()).unwrap();
        let held = load_catalog(&storage, 1).unwrap().with(5, Edits::default()).unwrap();
        storage.put_back(1, 9, &info, &mut [store("b", 0.0)].into_iter()).unwrap();
        let taken = take_over(&storage, 9, &held, passed(&storage, 5, 9).unwrap()).unwrap();
        assert!(taken.changes.is_none());
        assert_eq!((taken.catalog.version(), taken.catalog.stores().len()), (9, 2));
    }
}
