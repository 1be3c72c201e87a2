//! Puts a catalog back that storage has lost: emptied by mistake, restored from an older copy, or failed over to a server that was
//! behind. Its number goes on from the one that instances follow, so that none of them goes backwards.

use std::collections::HashSet;

use super::publish::{bodies, stored};
use crate::catalog::{Catalog, Change};
use crate::storage::{EntryKind, PublishInfo, Storage, StorageError};
use crate::time::Timestamp;

/// Who is said to have published it.
const AUTHOR: &str = "jinqun";

/// All entries of a catalog.
pub(super) fn all(catalog: &Catalog) -> Vec<Change> {
    let stores = catalog.stores().iter().map(|it| Change::Store(it.id.clone()));
    let groups = catalog.groups().iter().map(|it| Change::Group(it.id.clone()));
    let contacts = catalog.contacts().iter().map(|it| Change::Contact(it.id.clone()));
    let campaigns = catalog.campaigns().map(|it| Change::Campaign(it.slug.clone()));
    let regions = catalog.regions().regions().iter().map(|it| Change::Region(it.code.clone()));
    let areas = catalog.service_areas().areas().iter().map(|it| Change::ServiceArea(it.store.clone()));
    stores.chain(groups).chain(contacts).chain(campaigns).chain(regions).chain(areas).collect()
}

/// Publishes `held` over `current`, the version that storage holds, and returns its new number. Blocks.
///
/// # Errors
/// [`crate::storage::Trouble::Conflict`] if somebody else was first.
pub(super) fn put_back(
    storage: &dyn Storage,
    current: u64,
    held: &Catalog,
    at: Timestamp,
) -> Result<u64, StorageError> {
    let all = all(held);
    let mut gone: HashSet<(EntryKind, String)> = HashSet::new();
    if current > 0 {
        storage.load(current, &mut |kind, id, _| {
            gone.insert((kind, id.to_owned()));
        })?;
    }
    for it in bodies(held, &all) {
        if gone.is_empty() {
            break;
        }
        gone.remove(&(it.kind, it.id));
    }
    let note = format!("version {} put back; storage had lost it", held.version());
    let info = PublishInfo { at, author: AUTHOR.to_owned(), note };
    let gone = gone.into_iter().map(|(kind, id)| stored(kind, &id, None));
    let next = held.version().saturating_add(1);
    storage.put_back(current, next, &info, &mut gone.chain(bodies(held, &all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::load_catalog;
    use crate::storage::embedded::Embedded;
    use crate::storage::{Change, Trouble};

    fn change(kind: EntryKind, id: &str, body: &str) -> Change {
        Change { kind, id: id.to_owned(), body: Some(body.to_owned()) }
    }

    #[test]
    fn what_was_held_is_there_again_under_the_next_number() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name| Embedded::open(&folder.path().join(name)).unwrap();
        let info = PublishInfo { at: Timestamp::EPOCH, author: "test".to_owned(), note: String::new() };
        let (first, older) = (open("first.sqlite"), open("older.sqlite"));
        let tea = || change(EntryKind::Campaign, "tea", r#"{"slug":"tea","name":"茶"}"#);
        let cup = || change(EntryKind::Campaign, "cup", r#"{"slug":"cup","name":"杯"}"#);
        first.publish(0, &info, &mut [tea()].into_iter()).unwrap();
        first.publish(1, &info, &mut std::iter::empty()).unwrap();
        let held = load_catalog(&first, 2).unwrap();
        older.publish(0, &info, &mut [cup()].into_iter()).unwrap();
        assert_eq!(put_back(&older, 1, &held, Timestamp::EPOCH).unwrap(), 3);
        let again = put_back(&older, 1, &held, Timestamp::EPOCH).map_err(|error| error.kind());
        assert_eq!(again, Err(Trouble::Conflict { current: 3 }));
        let found = load_catalog(&older, 3).unwrap();
        let slugs: Vec<_> = found.campaigns().map(|it| it.slug.to_string()).collect();
        assert_eq!(slugs, ["default", "tea"]);
    }
}
