//! How every backend keeps the catalog: versions, conflicts, history.

use std::error::Error;
use std::thread;
use std::time::Duration;

use super::super::{Change, EntryKind, PublishInfo, Storage, StorageError, Trouble, VersionInfo};
use super::{Finding, expect};
use crate::time::Timestamp;

/// Longer than any backend takes to tell of a publication.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) type Entries = Vec<(EntryKind, String, String)>;

pub(super) fn put(kind: EntryKind, id: &str, body: &str) -> Change {
    Change { kind, id: id.to_owned(), body: Some(body.to_owned()) }
}

pub(super) fn remove(kind: EntryKind, id: &str) -> Change {
    Change { kind, id: id.to_owned(), body: None }
}

fn info(n: i64) -> PublishInfo {
    PublishInfo { at: Timestamp::from_unix_ms(n), author: format!("author {n}"), note: format!("说明 {n}") }
}

pub(super) fn publish(storage: &dyn Storage, expected: u64, changes: &[Change]) -> Result<u64, StorageError> {
    storage.publish(expected, &info(1), &mut changes.iter().cloned())
}

pub(super) fn loaded(storage: &dyn Storage, version: u64) -> Result<Entries, StorageError> {
    let mut entries = Vec::new();
    storage.load(version, &mut |kind, id, body| {
        entries.push((kind, id.to_owned(), body.to_owned()));
    })?;
    Ok(entries)
}

pub(super) fn entries<const N: usize>(expected: [(EntryKind, &str, &str); N]) -> Entries {
    expected.map(|(kind, id, body)| (kind, id.to_owned(), body.to_owned())).into()
}

/// Entries come back by kind and then by the bytes of their id, letter by letter.
pub fn check_publish_and_load(storage: &dyn Storage) -> Finding {
    let body = r#"{"name":"豫园店","note":"\"quoted\" \u0000 ' ; --"}"#;
    let changes = [
        put(EntryKind::Region, "r", "{}"),
        put(EntryKind::Store, "b", "{}"),
        put(EntryKind::Store, "门店 3", body),
        put(EntryKind::Campaign, "default", "{}"),
        put(EntryKind::Store, "B", "1"),
        put(EntryKind::Group, "a", "{}"),
        put(EntryKind::Contact, "a", "{}"),
        remove(EntryKind::Store, "never there"),
    ];
    expect("published", &publish(storage, 0, &changes)?, &1)?;
    expect("current", &storage.current_version()?, &1)?;
    let expected = entries([
        (EntryKind::Store, "B", "1"),
        (EntryKind::Store, "b", "{}"),
        (EntryKind::Store, "门店 3", body),
        (EntryKind::Group, "a", "{}"),
        (EntryKind::Contact, "a", "{}"),
        (EntryKind::Campaign, "default", "{}"),
        (EntryKind::Region, "r", "{}"),
    ]);
    expect("entries", &loaded(storage, 1)?, &expected)?;
    let changes = storage.versions(None, 1)?.first().map(|it| it.changes);
    expect("changes", &changes, &Some(7))
}

/// Entries come by the kinds that are asked for, and each kind says when it last changed.
pub fn check_kinds(storage: &dyn Storage) -> Finding {
    let (store, region, area) = (EntryKind::Store, EntryKind::Region, EntryKind::ServiceArea);
    publish(storage, 0, &[put(store, "a", "1"), put(region, "r", "1"), put(area, "a", "1")])?;
    publish(storage, 1, &[put(store, "a", "2"), put(region, "r", "1")])?;
    publish(storage, 2, &[put(region, "r", "2"), remove(store, "a")])?;
    publish(storage, 3, &[put(region, "q", "1"), remove(region, "q")])?;
    publish(storage, 4, &[remove(region, "r")])?;
    let some = |version: u64, kinds: &[EntryKind]| -> Result<Entries, StorageError> {
        let mut entries = Entries::new();
        storage.load_kinds(version, kinds, &mut |kind, id, body| {
            entries.push((kind, id.to_owned(), body.to_owned()));
        })?;
        Ok(entries)
    };
    expect("stores and areas", &some(2, &[store, area])?, &entries([(store, "a", "2"), (area, "a", "1")]))?;
    expect("regions", &some(3, &[region])?, &entries([(region, "r", "2")]))?;
    expect("no kind", &some(3, &[])?, &Vec::new())?;
    let changed = |kind| (0..=5).map(|version| storage.last_change(kind, version)).collect::<Result<Vec<_>, _>>();
    expect("stores changed", &changed(store)?, &vec![0, 1, 2, 3, 3, 3])?;
    expect("areas changed", &changed(area)?, &vec![0, 1, 1, 1, 1, 1])?;
    // Whether an entry that came and went in one version counts is the backend's business.
    let regions = changed(region)?;
    let expected = vec![0, 1, 1, 3, regions.get(4).copied().unwrap_or_default().clamp(3, 4), 5];
    expect("regions changed", &regions, &expected)?;
    let missing = storage.last_change(store, 6).map_err(|error| error.kind());
    expect("a version that is not there", &missing, &Err(Trouble::NoSuchVersion { version: 6 }))
}

/// Changing, removing and bringing back leaves every earlier version as it was.
pub fn check_old_versions(storage: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    publish(storage, 0, &[put(store, "a", "1"), put(store, "b", "1")])?;
    publish(storage, 1, &[put(store, "a", "2"), put(store, "b", "1")])?;
    publish(storage, 2, &[remove(store, "a")])?;
    publish(storage, 3, &[put(store, "a", "1"), put(store, "c", "1")])?;
    publish(storage, 4, &[])?;
    expect("current", &storage.current_version()?, &5)?;
    expect("version 1", &loaded(storage, 1)?, &entries([(store, "a", "1"), (store, "b", "1")]))?;
    expect("version 2", &loaded(storage, 2)?, &entries([(store, "a", "2"), (store, "b", "1")]))?;
    expect("version 3", &loaded(storage, 3)?, &entries([(store, "b", "1")]))?;
    let last = entries([(store, "a", "1"), (store, "b", "1"), (store, "c", "1")]);
    expect("version 4", &loaded(storage, 4)?, &last)?;
    expect("version 5", &loaded(storage, 5)?, &last)?;
    let counts: Vec<u64> = storage.versions(None, 9)?.iter().map(|it| it.changes).collect();
    expect("changes", &counts, &vec![0, 2, 1, 1, 2])
}

/// Whoever expects another version is told the current one, and nothing happens.
pub fn check_conflict(storage: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    publish(storage, 0, &[put(store, "a", "1")])?;
    for expected in [0, 2] {
        let refused = publish(storage, expected, &[put(store, "a", "2")]).map_err(|error| error.kind());
        expect("refused", &refused, &Err(Trouble::Conflict { current: 1 }))?;
    }
    expect("current", &storage.current_version()?, &1)?;
    expect("entries", &loaded(storage, 1)?, &entries([(store, "a", "1")]))
}

/// Eight publishers that expect the same version: one gets the next one, and only its change is there.
pub fn check_concurrent_publishers(storage: &dyn Storage) -> Finding {
    for round in 0..5_u64 {
        let attempts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let changes = [put(EntryKind::Store, &format!("{round}-{n}"), "1")];
                    scope.spawn(move || publish(storage, round, &changes).map_err(|error| error.kind()))
                })
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        let mut winners = 0;
        for attempt in attempts {
            match attempt.map_err(|_panic| "a publisher panicked")? {
                Ok(version) => {
                    winners += 1;
                    expect("published", &version, &(round + 1))?;
                }
                Err(kind) => expect("refused", &kind, &Trouble::Conflict { current: round + 1 })?,
            }
        }
        expect("winners", &winners, &1)?;
        expect("entries", &u64::try_from(loaded(storage, round + 1)?.len()), &Ok(round + 1))?;
    }
    Ok(())
}

/// History in pages, with author, time and note.
pub fn check_versions(storage: &dyn Storage) -> Finding {
    for version in 0..5_u64 {
        let changes = [put(EntryKind::Store, "a", &version.to_string())];
        let info = info(i64::try_from(version).unwrap_or(0) + 1);
        storage.publish(version, &info, &mut changes.into_iter())?;
    }
    let expected = |version: u64, n: i64| VersionInfo { version, info: info(n), changes: 1 };
    expect("first page", &storage.versions(None, 2)?, &vec![expected(5, 5), expected(4, 4)])?;
    expect("next page", &storage.versions(Some(4), 2)?, &vec![expected(3, 3), expected(2, 2)])?;
    expect("last page", &storage.versions(Some(2), 2)?, &vec![expected(1, 1)])?;
    expect("beyond", &storage.versions(Some(1), 2)?, &Vec::new())
}

/// Several changes of one entry in one publication end as the last one says.
pub fn check_repeated_change(storage: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    publish(storage, 0, &[put(store, "a", "1"), put(store, "a", "2"), put(store, "b", "1"), remove(store, "b")])?;
    expect("version 1", &loaded(storage, 1)?, &entries([(store, "a", "2")]))?;
    publish(storage, 1, &[remove(store, "a"), put(store, "a", "3"), put(store, "b", "4")])?;
    expect("version 2", &loaded(storage, 2)?, &entries([(store, "a", "3"), (store, "b", "4")]))?;
    publish(storage, 2, &[put(store, "a", "5"), remove(store, "a")])?;
    expect("version 3", &loaded(storage, 3)?, &entries([(store, "b", "4")]))?;
    expect("version 1 later", &loaded(storage, 1)?, &entries([(store, "a", "2")]))?;
    expect("version 2 later", &loaded(storage, 2)?, &entries([(store, "a", "3"), (store, "b", "4")]))
}

/// Added, changed and removed entries; what went there and back is no difference.
pub fn check_diff(storage: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    publish(storage, 0, &[put(store, "a", "1"), put(store, "b", "1"), put(store, "c", "1"), put(store, "d", "1")])?;
    publish(storage, 1, &[put(store, "b", "2"), put(store, "d", "2"), remove(store, "c")])?;
    publish(storage, 2, &[put(store, "d", "1"), put(EntryKind::Group, "e", "1")])?;
    let told = |before, after| -> Result<Vec<String>, StorageError> {
        let mut told = Vec::new();
        storage.diff(before, after, &mut |kind, id, was, will| {
            told.push(format!("{} {id}: {} > {}", kind.as_str(), was.unwrap_or("-"), will.unwrap_or("-")));
        })?;
        Ok(told)
    };
    let texts = |expected: &[&str]| -> Vec<String> { expected.iter().map(|&it| it.to_owned()).collect() };
    expect("1 to 3", &told(1, 3)?, &texts(&["store b: 1 > 2", "store c: 1 > -", "group e: - > 1"]))?;
    expect("3 to 1", &told(3, 1)?, &texts(&["store b: 2 > 1", "store c: - > 1", "group e: 1 > -"]))?;
    expect("0 to 2", &told(0, 2)?, &texts(&["store a: - > 1", "store b: - > 2", "store d: - > 2"]))?;
    expect("2 to 2", &told(2, 2)?, &Vec::new())?;
    let missing = told(1, 4).map_err(|error| error.kind());
    expect("1 to 4", &missing, &Err(Trouble::NoSuchVersion { version: 4 }))
}

/// A catalog that is put back gets the number that its giver wants; the numbers between mean nothing.
pub fn check_put_back(storage: &dyn Storage) -> Finding {
    let store = EntryKind::Store;
    let put_back = |expected, version, changes: &[Change]| {
        storage.put_back(expected, version, &info(1), &mut changes.iter().cloned()).map_err(|error| error.kind())
    };
    publish(storage, 0, &[put(store, "a", "1"), put(store, "b", "1")])?;
    expect("a stale one", &put_back(0, 7, &[remove(store, "a")]), &Err(Trouble::Conflict { current: 1 }))?;
    expect("one that is not above", &put_back(1, 1, &[remove(store, "a")]), &Err(Trouble::Conflict { current: 1 }))?;
    expect("put back", &put_back(1, 7, &[put(store, "b", "2"), remove(store, "a")]), &Ok(7))?;
    expect("current", &storage.current_version()?, &7)?;
    expect("version 1", &loaded(storage, 1)?, &entries([(store, "a", "1"), (store, "b", "1")]))?;
    expect("version 7", &loaded(storage, 7)?, &entries([(store, "b", "2")]))?;
    for missing in [2, 6, 8] {
        let found = loaded(storage, missing).map_err(|error| error.kind());
        expect("a number between", &found, &Err(Trouble::NoSuchVersion { version: missing }))?;
        let told = storage.diff(missing, 7, &mut |_, _, _, _| {}).map_err(|error| error.kind());
        expect("a difference from there", &told, &Err(Trouble::NoSuchVersion { version: missing }))?;
    }
    expect("the next one", &publish(storage, 7, &[put(store, "c", "1")])?, &8)?;
    let mut told = Vec::new();
    storage.diff(7, 8, &mut |_, id, _, _| told.push(id.to_owned()))?;
    expect("what it changed", &told, &vec!["c".to_owned()])?;
    expect("version 8", &loaded(storage, 8)?, &entries([(store, "b", "2"), (store, "c", "1")]))?;
    let numbers: Vec<u64> = storage.versions(None, 9)?.iter().map(|it| it.version).collect();
    expect("versions", &numbers, &vec![8, 7, 1])?;
    let below: Vec<u64> = storage.versions(Some(7), 1)?.iter().map(|it| it.version).collect();
    expect("the one before", &below, &vec![1])
}

/// Waiting ends at a publication, and after a while without one.
pub fn check_wait(storage: &dyn Storage) -> Finding {
    expect("nothing", &storage.wait_for_publication(0, Duration::from_millis(1))?, &0)?;
    publish(storage, 0, &[put(EntryKind::Store, "a", "1")])?;
    expect("a version that is there", &storage.wait_for_publication(0, PATIENCE)?, &1)?;
    let seen = thread::scope(|scope| -> Result<_, Box<dyn Error + Send + Sync>> {
        let waiting = scope.spawn(|| {
            for _ in 0..50 {
                let version = storage.wait_for_publication(1, PATIENCE)?;
                if version != 1 {
                    return Ok(version);
                }
            }
            Err(StorageError::from(Trouble::Unavailable))
        });
        publish(storage, 1, &[put(EntryKind::Store, "a", "2")])?;
        Ok(waiting.join().map_err(|_panic| "somebody panicked")??)
    });
    expect("a version that comes", &seen?, &2)
}
