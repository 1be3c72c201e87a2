//! The catalog in the file: versions, and entries with the versions from and to which they are valid. Publishing is in `publication`.

use rusqlite::{Connection, Row};

use super::super::{EachDifference, EachEntry, EntryKind, PublishInfo, StorageError, Trouble, VersionInfo};
use super::{from_sql, to_sql};
use crate::time::Timestamp;

/// The number of a kind in the file. The numbers are in the order of the kinds.
pub(super) fn number(kind: EntryKind) -> i64 {
    match kind {
        EntryKind::Store => 1,
        EntryKind::Group => 2,
        EntryKind::Contact => 3,
        EntryKind::Campaign => 4,
        EntryKind::Region => 5,
        EntryKind::ServiceArea => 6,
    }
}

fn kind(row: &Row<'_>) -> Result<EntryKind, StorageError> {
    let found: i64 = row.get(0)?;
    EntryKind::ALL
        .into_iter()
        .find(|it| number(*it) == found)
        .ok_or_else(|| StorageError::caused(Trouble::Corrupt, format!("entry of unknown kind {found}")))
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, StorageError> {
    let value = row.get_ref(column)?;
    value.as_str_or_null().map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))
}

/// Hands over the entries that a query finds: kind, id, body.
pub(super) fn each_of(conn: &Connection, sql: &str, each: EachEntry<'_>) -> Result<(), StorageError> {
    let mut query = conn.prepare_cached(sql)?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        each(kind(row)?, text(row, 1)?.unwrap_or_default(), text(row, 2)?.unwrap_or_default());
    }
    Ok(())
}

pub(super) fn current_version(conn: &Connection) -> Result<u64, StorageError> {
    let version =
        conn.prepare_cached("SELECT coalesce(max(version), 0) FROM version")?.query_one((), |row| row.get(0))?;
    from_sql(version)
}

fn require(conn: &Connection, version: u64) -> Result<(), StorageError> {
    let mut query = conn.prepare_cached("SELECT ?1 = 0 OR EXISTS (SELECT 1 FROM version WHERE version = ?1)")?;
    let exists: bool = query.query_one([to_sql(version)], |row| row.get(0))?;
    if exists { Ok(()) } else { Err(Trouble::NoSuchVersion { version }.into()) }
}

pub(super) fn load(
    conn: &Connection,
    version: u64,
    kinds: &[EntryKind],
    each: EachEntry<'_>,
) -> Result<(), StorageError> {
    require(conn, version)?;
    let mut query = conn.prepare_cached(
        "SELECT kind, id, body FROM entry
         WHERE kind = ?2 AND from_version <= ?1 AND (to_version IS NULL OR to_version > ?1) ORDER BY kind, id",
    )?;
    for wanted in kinds {
        let mut rows = query.query([to_sql(version), number(*wanted)])?;
        while let Some(row) = rows.next()? {
            each(kind(row)?, text(row, 1)?.unwrap_or_default(), text(row, 2)?.unwrap_or_default());
        }
    }
    Ok(())
}

/// Of an entry that came and went in one version nothing is kept, so what is kept tells of every change.
pub(super) fn last_change(conn: &Connection, kind: EntryKind, version: u64) -> Result<u64, StorageError> {
    require(conn, version)?;
    let mut query = conn.prepare_cached(
        "SELECT coalesce(max(max(from_version, coalesce(iif(to_version <= ?2, to_version, 0), 0))), 0) FROM entry
         WHERE kind = ?1 AND from_version <= ?2",
    )?;
    from_sql(query.query_one((number(kind), to_sql(version)), |row| row.get(0))?)
}

/// A row that is valid in both versions, or in neither, tells no difference; so only rows valid in exactly one are grouped.
pub(super) fn diff(conn: &Connection, before: u64, after: u64, each: EachDifference<'_>) -> Result<(), StorageError> {
    require(conn, before)?;
    require(conn, after)?;
    let mut query = conn.prepare_cached(
        "SELECT kind, id, max(CASE WHEN is_before THEN body END) AS was, max(CASE WHEN is_after THEN body END) AS will
         FROM (SELECT kind, id, body,
                      from_version <= ?1 AND (to_version IS NULL OR to_version > ?1) AS is_before,
                      from_version <= ?2 AND (to_version IS NULL OR to_version > ?2) AS is_after FROM entry)
         WHERE is_before <> is_after GROUP BY kind, id HAVING was IS NOT will ORDER BY kind, id",
    )?;
    let mut rows = query.query([to_sql(before), to_sql(after)])?;
    while let Some(row) = rows.next()? {
        each(kind(row)?, text(row, 1)?.unwrap_or_default(), text(row, 2)?, text(row, 3)?);
    }
    Ok(())
}

pub(super) fn versions(conn: &Connection, before: Option<u64>, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT version, at, author, note, changes FROM version WHERE version < ?1 ORDER BY version DESC LIMIT ?2",
    )?;
    let mut rows = query.query((before.map_or(i64::MAX, to_sql), i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(VersionInfo {
            version: from_sql(row.get(0)?)?,
            info: PublishInfo { at: Timestamp::from_unix_ms(row.get(1)?), author: row.get(2)?, note: row.get(3)? },
            changes: from_sql(row.get(4)?)?,
        });
    }
    Ok(found)
}
