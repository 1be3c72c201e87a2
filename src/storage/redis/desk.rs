//! Documents, the audit trail and the secret in Redis.

use serde::{Deserialize, Serialize};

use super::super::{AUDIT_LOOK_MAX, AuditFilter, AuditPage, AuditRecord, DeskEntry, DeskKind, StorageError, Trouble};
use super::keys;
use super::link::{Link, Patience};
use crate::time::Timestamp;

/// Documents that are read in one call, about.
const PAGE: u32 = 500;
/// Records of the audit trail that are read in one call.
const AUDIT_PAGE: u64 = 500;

fn corrupt(what: &'static str) -> StorageError {
    StorageError::caused(Trouble::Corrupt, what)
}

fn entry(id: &str, value: &str) -> Result<DeskEntry, StorageError> {
    let (revision, body) = value.split_once(':').ok_or_else(|| corrupt("a document has no revision"))?;
    let revision = revision.parse().map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    Ok(DeskEntry { id: id.to_owned(), revision, body: body.to_owned() })
}

pub(super) fn read(link: &Link, kind: DeskKind, id: &str) -> Result<Option<DeskEntry>, StorageError> {
    let mut asking = redis::cmd("HGET");
    asking.arg(keys::desk(kind)).arg(id);
    let found: Option<String> = link.with(Patience::Work, |conn| asking.query(conn))?;
    found.map(|value| entry(id, &value)).transpose()
}

pub(super) fn all(link: &Link, kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError> {
    let key = keys::desk(kind);
    let mut found = Vec::new();
    let mut cursor: u64 = 0;
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(&key).arg(cursor).arg("COUNT").arg(PAGE);
        let (next, page): (u64, Vec<(String, String)>) = link.with(Patience::Work, |conn| scan.query(conn))?;
        for (id, value) in page {
            found.push(entry(&id, &value)?);
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    // A document may be met twice while others come and go; the later one is as it was last.
    found.reverse();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|b, a| a.id == b.id);
    Ok(found)
}

pub(super) fn put(
    link: &Link,
    kind: DeskKind,
    id: &str,
    body: Option<&str>,
    expected: Option<u64>,
) -> Result<u64, StorageError> {
    let script = redis::Script::new(include_str!("scripts/desk_put.lua"));
    let mut call = script.prepare_invoke();
    call.key(keys::desk(kind)).arg(id).arg(expected.map(|it| it.to_string()).unwrap_or_default());
    if let Some(body) = body {
        call.arg(body);
    }
    match link.with(Patience::Work, |conn| call.invoke(conn))? {
        (1, revision) => Ok(revision),
        (_, current) => Err(Trouble::Conflict { current }.into()),
    }
}

/// A record of the audit trail as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    at: i64,
    actor: String,
    address: String,
    action: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
    version: Option<u64>,
}

impl From<&AuditRecord> for Kept {
    fn from(it: &AuditRecord) -> Self {
        Self {
            at: it.at.unix_ms(),
            actor: it.actor.clone(),
            address: it.address.clone(),
            action: it.action.clone(),
            target: it.target.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
            version: it.version,
        }
    }
}

impl From<Kept> for AuditRecord {
    fn from(it: Kept) -> Self {
        Self {
            at: Timestamp::from_unix_ms(it.at),
            actor: it.actor,
            address: it.address,
            action: it.action,
            target: it.target,
            before: it.before,
            after: it.after,
            version: it.version,
        }
    }
}

pub(super) fn append_audit(link: &Link, record: &AuditRecord) -> Result<(), StorageError> {
    let text =
        serde_json::to_string(&Kept::from(record)).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    let script = redis::Script::new(include_str!("scripts/desk_audit.lua"));
    let mut call = script.prepare_invoke();
    call.key(keys::AUDIT_LAST).key(keys::AUDIT).arg(text);
    link.with(Patience::Work, |conn| call.invoke::<u64>(conn)).map(|_number| ())
}

/// Puts records under the numbers that they have in another storage.
pub(super) fn put_audit(link: &Link, records: &[(u64, &AuditRecord)]) -> Result<(), StorageError> {
    if records.is_empty() {
        return Ok(());
    }
    let script = redis::Script::new(include_str!("scripts/desk_audit_put.lua"));
    let mut call = script.prepare_invoke();
    call.key(keys::AUDIT_LAST).key(keys::AUDIT);
    for (number, record) in records {
        let text = serde_json::to_string(&Kept::from(*record))
            .map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
        call.arg(*number).arg(text);
    }
    link.with(Patience::Work, |conn| call.invoke::<u64>(conn)).map(|_last| ())
}

fn passes(filter: &AuditFilter, it: &AuditRecord) -> bool {
    filter.actor.as_ref().is_none_or(|actor| *actor == it.actor)
        && filter.action.as_ref().is_none_or(|action| it.action.starts_with(action.as_str()))
        && filter.target.as_ref().is_none_or(|target| *target == it.target)
        && filter.from.is_none_or(|from| it.at >= from)
        && filter.to.is_none_or(|to| it.at < to)
}

/// Goes through the trail page by page, latest first, until there are enough or many were looked at.
pub(super) fn audit(link: &Link, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError> {
    let last: Option<u64> = link.with(Patience::Work, |conn| redis::cmd("GET").arg(keys::AUDIT_LAST).query(conn))?;
    let mut end = filter.before.map_or(u64::MAX, |it| it.saturating_sub(1)).min(last.unwrap_or_default());
    let lowest = end.saturating_sub(AUDIT_LOOK_MAX - 1).max(1);
    let mut found = Vec::new();
    while end >= lowest && found.len() < limit {
        let first = end.saturating_sub(AUDIT_PAGE - 1).max(lowest);
        let mut asking = redis::cmd("HMGET");
        asking.arg(keys::AUDIT);
        (first..=end).rev().for_each(|it| {
            asking.arg(it);
        });
        let page: Vec<Option<String>> = link.with(Patience::Work, |conn| asking.query(conn))?;
        for (number, text) in (first..=end).rev().zip(page) {
            let Some(text) = text else { continue };
            let kept: Kept =
                serde_json::from_str(&text).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
            let record = AuditRecord::from(kept);
            if passes(filter, &record) {
                found.push((number, record));
            }
        }
        end = first - 1;
    }
    let rest = Some(lowest).filter(|it| *it > 1 && found.len() < limit);
    found.truncate(limit);
    Ok(AuditPage { found, rest })
}

pub(super) fn secret(link: &Link, make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError> {
    let mut asking = redis::cmd("GET");
    asking.arg(keys::SECRET);
    let kept: Option<Vec<u8>> = link.with(Patience::Work, |conn| asking.query(conn))?;
    let kept = match kept {
        Some(kept) => Some(kept),
        // Of several who come first at once, one makes it.
        None => link.with(Patience::Work, |conn| {
            redis::cmd("SET").arg(keys::SECRET).arg(make().as_slice()).arg("NX").exec(conn)?;
            asking.query(conn)
        })?,
    };
    let kept = kept.ok_or(Trouble::Unavailable)?;
    kept.try_into().map_err(|_bytes| corrupt("the secret has not 32 bytes"))
}
