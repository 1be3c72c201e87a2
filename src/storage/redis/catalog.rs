//! The catalog in Redis: a log of changes for each version, from time to time a base with everything, and the version's number.
//!
//! Logs and bases never change once a version names them, so a reader needs no lock and a publisher commits by a change of names.

use std::error::Error as _;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::{Change, EachDifference, EachEntry, EntryKind, PublishInfo, StorageError, Trouble, VersionInfo};
use super::entries::{self, ABSENT, Fields, field};
use super::keys;
use super::link::{Link, Patience};
use crate::time::Timestamp;

/// Changes that are staged in one call.
const STAGE_ITEMS_MAX: usize = 200;
/// Bytes after which a call is full.
const STAGE_BYTES: usize = 1024 * 1024;
/// How long whoever puts a catalog back keeps others from doing the same, after its last word.
const PUTTING_BACK_MS: u64 = 5_000;
/// How often it says that it still does.
const PUTTING_BACK_RENEWED: Duration = Duration::from_secs(1);
/// Records of versions that are read in one call.
const VERSIONS_PAGE: u64 = 256;

/// What is kept of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    at: i64,
    author: String,
    note: String,
    pub(super) changes: u64,
    /// The last version that changed each kind, in the order of kinds.
    last: [u64; 6],
    /// Tells the publication from all others.
    mark: String,
}

pub(super) fn current_version(link: &Link) -> Result<u64, StorageError> {
    link.with(Patience::Work, |conn| redis::cmd("GET").arg(keys::CATALOG_VERSION).query::<Option<u64>>(conn))
        .map(Option::unwrap_or_default)
}

pub(super) fn require(link: &Link, version: u64) -> Result<(), StorageError> {
    let is_there = version == 0
        || link.with(Patience::Work, |conn| {
            redis::cmd("HEXISTS").arg(keys::CATALOG_INFO).arg(version).query::<bool>(conn)
        })?;
    if is_there { Ok(()) } else { Err(Trouble::NoSuchVersion { version }.into()) }
}

/// The records of these versions, in their order. Below a catalog that was put back there are numbers without one.
pub(super) fn records(link: &Link, versions: RangeInclusive<u64>) -> Result<Vec<(u64, Record)>, StorageError> {
    let mut all = Vec::new();
    let (mut first, last) = versions.into_inner();
    while first <= last {
        let end = last.min(first.saturating_add(VERSIONS_PAGE - 1));
        let mut asking = redis::cmd("HMGET");
        asking.arg(keys::CATALOG_INFO);
        (first..=end).for_each(|it| {
            asking.arg(it);
        });
        let page: Vec<Option<String>> = link.with(Patience::Work, |conn| asking.query(conn))?;
        for (version, text) in (first..=end).zip(page).filter_map(|(version, text)| Some((version, text?))) {
            let record = serde_json::from_str(&text).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
            all.push((version, record));
        }
        first = end.saturating_add(1);
    }
    Ok(all)
}

fn record(link: &Link, version: u64) -> Result<Option<Record>, StorageError> {
    if version == 0 { Ok(None) } else { Ok(records(link, version..=version)?.pop().map(|(_, it)| it)) }
}

pub(super) fn load(link: &Link, version: u64, kinds: &[EntryKind], each: EachEntry<'_>) -> Result<(), StorageError> {
    require(link, version)?;
    if version == 0 || kinds.is_empty() {
        return Ok(());
    }
    let mut found = Fields::new();
    for source in entries::chain(link, version)?.oldest_first() {
        entries::read(link, source, kinds, &mut |field, value| {
            if value == ABSENT {
                found.remove(&field);
            } else {
                found.insert(field, value);
            }
        })?;
    }
    for (field, value) in &found {
        let (kind, id) = entries::split(field)?;
        each(kind, id, entries::body(value).unwrap_or_default());
    }
    Ok(())
}

pub(super) fn last_change(link: &Link, kind: EntryKind, version: u64) -> Result<u64, StorageError> {
    require(link, version)?;
    let last = record(link, version)?.map(|it| it.last).unwrap_or_default();
    Ok(EntryKind::ALL.iter().zip(last).find(|(it, _)| **it == kind).map_or(0, |(_, last)| last))
}

pub(super) fn diff(link: &Link, before: u64, after: u64, each: EachDifference<'_>) -> Result<(), StorageError> {
    let (low, high) = (before.min(after), before.max(after));
    require(link, low)?;
    require(link, high)?;
    // What was touched in between, as it was at the end.
    let mut touched = Fields::new();
    if low == 0 {
        let mut insert = |kind, id: &str, body: &str| {
            touched.insert(field(kind, id), format!("+{body}"));
        };
        load(link, high, &EntryKind::ALL, &mut insert)?;
    } else if low < high {
        for source in entries::logs(link, low.saturating_add(1), high)? {
            entries::read(link, &source, &EntryKind::ALL, &mut |field, value| {
                touched.insert(field, value);
            })?;
        }
    }
    let chain = entries::chain(link, low)?;
    let mut rest = touched.into_iter().peekable();
    while rest.peek().is_some() {
        let page: Vec<(String, String)> = rest.by_ref().take(STAGE_ITEMS_MAX).collect();
        let was = entries::lookup(link, &chain, page.iter().map(|(field, _)| field.as_str()).collect())?;
        for (field, end) in &page {
            let start = was.get(field).map(String::as_str).and_then(entries::body);
            let end = entries::body(end);
            if start != end {
                let (kind, id) = entries::split(field)?;
                let (was, will) = if before < after { (start, end) } else { (end, start) };
                each(kind, id, was, will);
            }
        }
    }
    Ok(())
}

pub(super) fn publish(
    link: &Link,
    (expected, next): (u64, u64),
    info: &PublishInfo,
    changes: &mut dyn Iterator<Item = Change>,
) -> Result<u64, StorageError> {
    let current = current_version(link)?;
    if current != expected || next <= current {
        return Err(Trouble::Conflict { current }.into());
    }
    let mark = format!("{:032x}", fastrand::u128(..));
    let stage = keys::catalog_stage(&mark);
    let staged = stage_and_commit(link, (expected, next), info, (&stage, mark), changes);
    if staged.is_err() {
        // Nobody will ask for it; what is not removed here goes after ten minutes.
        drop(link.with(Patience::Work, |conn| redis::cmd("UNLINK").arg(&stage).exec(conn)));
    }
    staged?;
    // The publication stands; a base only makes reading quicker, and the next publication tries again.
    if let Err(error) = entries::write_base_if_due(link, next) {
        let cause = error.source().map(ToString::to_string);
        tracing::warn!(%error, cause, "no base of the catalog was written");
    }
    Ok(next)
}

/// As [`publish`], by one instance at a time: each of them has the whole catalog, and storage has room for it once.
pub(super) fn put_back(
    link: &Link,
    (expected, next): (u64, u64),
    info: &PublishInfo,
    changes: &mut dyn Iterator<Item = Change>,
) -> Result<u64, StorageError> {
    let mark = format!("{:032x}", fastrand::u128(..));
    let mut take = redis::cmd("SET");
    take.arg(keys::CATALOG_PUTTING_BACK).arg(&mark).arg("NX").arg("PX").arg(PUTTING_BACK_MS);
    let taken: Option<String> = link.with(Patience::Work, |conn| take.query(conn))?;
    if taken.is_none() {
        return Err(Trouble::Conflict { current: current_version(link)? }.into());
    }
    let mut renewed = Instant::now();
    let mut renewing = changes.inspect(|_change| {
        if renewed.elapsed() >= PUTTING_BACK_RENEWED {
            renewed = Instant::now();
            // Without it somebody else stages the same, and one of both is refused.
            let mut renew = redis::cmd("PEXPIRE");
            renew.arg(keys::CATALOG_PUTTING_BACK).arg(PUTTING_BACK_MS);
            drop(link.with(Patience::Work, |conn| renew.exec(conn)));
        }
    });
    let put = publish(link, (expected, next), info, &mut renewing);
    let release = redis::Script::new(include_str!("scripts/catalog_release.lua"));
    let mut call = release.prepare_invoke();
    call.key(keys::CATALOG_PUTTING_BACK).arg(mark);
    // It ends by itself.
    drop(link.with(Patience::Work, |conn| call.invoke::<()>(conn)));
    put
}

fn stage_and_commit(
    link: &Link,
    (expected, next): (u64, u64),
    info: &PublishInfo,
    (stage, mark): (&str, String),
    changes: &mut dyn Iterator<Item = Change>,
) -> Result<(), StorageError> {
    let mut last = record(link, expected)?.map(|it| it.last).unwrap_or_default();
    let grown = fill(link, stage, expected, changes)?;
    for (last, _) in last.iter_mut().zip(grown).filter(|(_, grown)| *grown > 0) {
        *last = next;
    }
    let changes = u64::try_from(grown.iter().sum::<i64>()).unwrap_or_default();
    let record =
        Record { at: info.at.unix_ms(), author: info.author.clone(), note: info.note.clone(), changes, last, mark };
    commit(link, stage, (expected, next), &record)
}

/// Brings changes to the stage in calls of bounded size, and says by how much each kind has grown there.
fn fill(
    link: &Link,
    stage: &str,
    expected: u64,
    changes: &mut dyn Iterator<Item = Change>,
) -> Result<[i64; 6], StorageError> {
    let script = redis::Script::new(include_str!("scripts/catalog_stage.lua"));
    let chain = entries::chain(link, expected)?;
    let mut grown = [0_i64; 6];
    let mut page: Vec<(String, String)> = Vec::new();
    let mut bytes: usize = 0;
    let mut flush = |page: &mut Vec<(String, String)>| -> Result<(), StorageError> {
        let mut call = script.prepare_invoke();
        call.key(stage);
        chain.newest_first().for_each(|it| {
            call.key(it.key.as_str());
        });
        for (field, value) in page.drain(..) {
            call.arg(field).arg(value);
        }
        let by: Vec<i64> = link.with(Patience::Work, |conn| call.invoke(conn))?;
        grown.iter_mut().zip(by).for_each(|(sum, by)| *sum += by);
        Ok(())
    };
    for change in changes {
        let value = change.body.map_or_else(|| ABSENT.to_owned(), |it| format!("+{it}"));
        bytes = bytes.saturating_add(value.len() + change.id.len());
        page.push((field(change.kind, &change.id), value));
        if page.len() >= STAGE_ITEMS_MAX || bytes >= STAGE_BYTES {
            flush(&mut page)?;
            bytes = 0;
        }
    }
    if !page.is_empty() {
        flush(&mut page)?;
    }
    Ok(grown)
}

fn commit(link: &Link, stage: &str, (expected, next): (u64, u64), record: &Record) -> Result<(), StorageError> {
    let text = serde_json::to_string(record).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    let script = redis::Script::new(include_str!("scripts/catalog_commit.lua"));
    let mut call = script.prepare_invoke();
    call.key(keys::CATALOG_VERSION).key(keys::CATALOG_INFO).key(stage).key(keys::catalog_log(next));
    call.arg(expected).arg(next).arg(text).arg(record.changes).arg(keys::CATALOG_CHANNEL);
    let answer: Result<(u64, u64), StorageError> = link.with(Patience::Work, |conn| call.invoke(conn));
    match answer {
        Ok((1, _)) => Ok(()),
        Ok((0, current)) => Err(Trouble::Conflict { current }.into()),
        Ok(_) => Err(StorageError::caused(Trouble::Unavailable, "the staged changes are gone; publish again")),
        // The answer may be lost and the publication made: its mark tells.
        Err(error) => match self::record(link, next) {
            Ok(Some(found)) if found.mark == record.mark => Ok(()),
            _ => Err(error),
        },
    }
}

pub(super) fn versions(link: &Link, before: Option<u64>, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
    let current = current_version(link)?;
    let mut last = before.map_or(current, |it| it.saturating_sub(1).min(current));
    let mut found = Vec::new();
    while last > 0 && found.len() < limit {
        let missing = u64::try_from(limit - found.len()).unwrap_or(u64::MAX);
        let first = last.saturating_sub(missing.min(VERSIONS_PAGE)).saturating_add(1);
        found.extend(records(link, first..=last)?.into_iter().rev().map(|(version, it)| VersionInfo {
            version,
            info: PublishInfo { at: Timestamp::from_unix_ms(it.at), author: it.author, note: it.note },
            changes: it.changes,
        }));
        last = first.saturating_sub(1);
    }
    Ok(found)
}
