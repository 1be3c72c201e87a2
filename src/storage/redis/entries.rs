//! What a version of the catalog is made of in Redis: a base and the logs since, each a hash that never changes.

use std::collections::BTreeMap;

use super::super::{EntryKind, StorageError, Trouble};
use super::catalog::{Record, records};
use super::keys;
use super::link::{Link, Patience};

/// Entries of a hash that are read in one call, about.
const PAGE: u32 = 500;
/// Hashes that one call looks into.
const LOOKUP_SOURCES: usize = 8;
/// Logs after which a base is written.
const BASE_LOGS_MAX: usize = 64;
/// Changes by which the logs may outweigh the largest of them before a base is written.
const BASE_CHANGES: u64 = 10_000;

/// The value of an entry that was removed. All others begin with a plus.
pub(super) const ABSENT: &str = "-";

/// Values by field, in the order of kind and id.
pub(super) type Fields = BTreeMap<String, String>;

/// The digit of a kind. The digits are in the order of the kinds.
pub(super) fn digit(kind: EntryKind) -> char {
    match kind {
        EntryKind::Store => '1',
        EntryKind::Group => '2',
        EntryKind::Contact => '3',
        EntryKind::Campaign => '4',
        EntryKind::Region => '5',
        EntryKind::ServiceArea => '6',
    }
}

/// The field of an entry.
pub(super) fn field(kind: EntryKind, id: &str) -> String {
    format!("{}{id}", digit(kind))
}

/// The kind and the id of a field.
pub(super) fn split(field: &str) -> Result<(EntryKind, &str), StorageError> {
    EntryKind::ALL
        .into_iter()
        .find_map(|kind| Some((kind, field.strip_prefix(digit(kind))?)))
        .ok_or_else(|| StorageError::caused(Trouble::Corrupt, "an entry of the catalog has no known kind"))
}

/// The body in a value; none for a removal.
pub(super) fn body(value: &str) -> Option<&str> {
    value.strip_prefix('+')
}

/// A hash of entries, and how many it has.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) key: String,
    length: u64,
}

/// What a version is made of: a base, if there is one, and the logs since.
#[derive(Debug)]
pub(super) struct Chain {
    sources: Vec<Source>,
}

impl Chain {
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().rev()
    }
}

/// What a version is made of. It was published.
pub(super) fn chain(link: &Link, version: u64) -> Result<Chain, StorageError> {
    let base = link.with(Patience::Work, |conn| {
        let mut newest = redis::cmd("ZREVRANGEBYSCORE");
        newest.arg(keys::CATALOG_BASES).arg(version).arg(0).arg("LIMIT").arg(0).arg(1);
        let Some(base) = newest.query::<Vec<u64>>(conn)?.first().copied() else {
            return Ok(None);
        };
        let key = keys::catalog_base(base);
        // One that was dropped meanwhile has no entries, and the logs tell everything.
        let length: u64 = redis::cmd("HLEN").arg(&key).query(conn)?;
        Ok(Some((base, Source { key, length })).filter(|(_, it)| it.length > 0))
    })?;
    let (from, base) = base.map_or((0, None), |(version, source)| (version, Some(source)));
    let logs = logs(link, from.saturating_add(1), version)?;
    Ok(Chain { sources: base.into_iter().chain(logs).collect() })
}

/// The logs of some versions, without the empty ones.
pub(super) fn logs(link: &Link, first: u64, last: u64) -> Result<Vec<Source>, StorageError> {
    let found = records(link, first..=last)?.into_iter().filter(|(_, it)| it.changes > 0);
    let source = |(version, it): (u64, Record)| Source { key: keys::catalog_log(version), length: it.changes };
    Ok(found.map(source).collect())
}

/// Hands over the entries of a hash that are of some kinds, in no order, and some perhaps twice.
pub(super) fn read(
    link: &Link,
    source: &Source,
    kinds: &[EntryKind],
    each: &mut dyn FnMut(String, String),
) -> Result<(), StorageError> {
    let digits: String = kinds.iter().copied().map(digit).collect();
    let mut cursor: u64 = 0;
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(&source.key).arg(cursor).arg("COUNT").arg(PAGE);
        if kinds.len() < EntryKind::ALL.len() {
            scan.arg("MATCH").arg(format!("[{digits}]*"));
        }
        let (next, page): (u64, Vec<(String, String)>) = link.with(Patience::Work, |conn| scan.query(conn))?;
        for (field, value) in page {
            each(field, value);
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    whole(link, source)
}

/// Fails if a hash that was read is not what it should be: one that is gone reads as an empty one.
fn whole(link: &Link, source: &Source) -> Result<(), StorageError> {
    let length: u64 = link.with(Patience::Work, |conn| redis::cmd("HLEN").arg(&source.key).query(conn))?;
    if length == source.length {
        return Ok(());
    }
    Err(StorageError::caused(Trouble::Unavailable, format!("{} is not whole; read again", source.key)))
}

/// The values of some fields in a version; those it never had are left out.
pub(super) fn lookup(link: &Link, chain: &Chain, fields: Vec<&str>) -> Result<Fields, StorageError> {
    let mut found = Fields::new();
    let mut open = fields;
    let newest: Vec<&Source> = chain.newest_first().collect();
    for sources in newest.chunks(LOOKUP_SOURCES) {
        if open.is_empty() {
            break;
        }
        let mut asking = redis::pipe();
        for source in sources {
            asking.cmd("HMGET").arg(&source.key).arg(&open);
        }
        let answers: Vec<Vec<Option<String>>> = link.with(Patience::Work, |conn| asking.query(conn))?;
        for answer in answers {
            for (field, value) in open.iter().zip(answer) {
                if let Some(value) = value {
                    found.entry((*field).to_owned()).or_insert(value);
                }
            }
        }
        open.retain(|it| !found.contains_key(*it));
    }
    Ok(found)
}

/// Writes a base of a version if reading its logs has become slow.
pub(super) fn write_base_if_due(link: &Link, version: u64) -> Result<(), StorageError> {
    let chain = chain(link, version)?;
    let sum: u64 = chain.sources.iter().map(|it| it.length).sum();
    let largest = chain.sources.iter().map(|it| it.length).max().unwrap_or_default();
    let is_heavy = sum.saturating_sub(largest) > largest.saturating_add(BASE_CHANGES);
    if !is_heavy && chain.sources.len() <= BASE_LOGS_MAX {
        return Ok(());
    }
    let stage = keys::catalog_stage(&format!("{:032x}", fastrand::u128(..)));
    let fold = redis::Script::new(include_str!("scripts/catalog_fold.lua"));
    for source in chain.oldest_first() {
        let mut cursor: u64 = 0;
        loop {
            let mut call = fold.prepare_invoke();
            call.key(&stage).key(&source.key).arg(cursor).arg(PAGE);
            cursor = link.with(Patience::Work, |conn| call.invoke(conn))?;
            if cursor == 0 {
                break;
            }
        }
        whole(link, source)?;
    }
    let put = redis::Script::new(include_str!("scripts/catalog_base.lua"));
    let mut call = put.prepare_invoke();
    call.key(&stage).key(keys::catalog_base(version)).key(keys::CATALOG_BASES);
    call.arg(version).arg(keys::CATALOG_BASE_PREFIX);
    link.with(Patience::Work, |conn| call.invoke::<u64>(conn)).map(|_made| ())
}
