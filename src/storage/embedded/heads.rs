//! How many heads groups have, as counters: read, counted anew, and corrected by joins. Taking seats is in `seats`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::super::seats::HeadCount;
use super::super::{StorageError, Trouble};
use super::seats::{CONFIRMED, HELD};
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

pub(super) fn count(number: i64) -> Result<u32, StorageError> {
    u32::try_from(number).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))
}

const HEAD_COLUMNS: &str = "members, members_at, confirmed, held, given_back";

/// Reads [`HEAD_COLUMNS`] from column 0 on.
pub(super) fn head_count(row: &Row<'_>) -> Result<HeadCount, StorageError> {
    let members: Option<i64> = row.get(0)?;
    let at: Option<i64> = row.get(1)?;
    Ok(HeadCount {
        members: members.map(count).transpose()?.zip(at.map(Timestamp::from_unix_ms)),
        confirmed: count(row.get(2)?)?,
        held: count(row.get(3)?)?,
        given_back: count(row.get(4)?)?,
    })
}

pub(super) fn find(conn: &Connection, group: &str) -> Result<Option<(i64, HeadCount)>, StorageError> {
    let sql = format!("SELECT {HEAD_COLUMNS}, id FROM head WHERE name = ?1");
    let mut query = conn.prepare_cached(&sql)?;
    let mut rows = query.query([group])?;
    rows.next()?.map(|row| Ok((row.get(5)?, head_count(row)?))).transpose()
}

/// The number of a group, which gets one here if it has none.
pub(super) fn number(conn: &Connection, group: &str) -> Result<i64, StorageError> {
    if let Some((id, _)) = find(conn, group)? {
        return Ok(id);
    }
    conn.prepare_cached("INSERT INTO head (name) VALUES (?1)")?.execute([group])?;
    Ok(conn.last_insert_rowid())
}

pub(super) fn confirm(
    conn: &Transaction<'_>,
    visitor: VisitorId,
    group: &GroupId,
    now: Timestamp,
) -> Result<(), StorageError> {
    let head = number(conn, group.as_str())?;
    let key = (visitor.to_bytes(), head);
    let mut query = conn.prepare_cached("SELECT state, until FROM seat WHERE visitor = ?1 AND head = ?2")?;
    let found: Option<(i64, i64)> = query.query_one(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (ended, given_back) = match found {
        Some((CONFIRMED, _)) => return Ok(()),
        Some((HELD, _)) => (1, 0),
        Some((_, until)) => {
            let members_at: Option<i64> = conn
                .prepare_cached("SELECT members_at FROM head WHERE id = ?1")?
                .query_one([head], |row| row.get(0))?;
            (0, i64::from(members_at.is_none_or(|at| until > at)))
        }
        None => (0, 0),
    };
    conn.prepare_cached(
        "INSERT INTO seat (visitor, head, state, until, wanted, scan) VALUES (?1, ?2, 2, ?3, '', x'')
         ON CONFLICT (visitor, head) DO UPDATE SET state = 2, until = excluded.until",
    )?
    .execute((key.0, key.1, now.unix_ms()))?;
    conn.prepare_cached(
        "UPDATE head SET confirmed = confirmed + 1, held = max(held - ?2, 0), given_back = max(given_back - ?3, 0)
         WHERE id = ?1",
    )?
    .execute((head, ended, given_back))?;
    Ok(())
}

pub(super) fn set_members(
    conn: &Transaction<'_>,
    members: &[(GroupId, u32)],
    at: Timestamp,
) -> Result<(), StorageError> {
    for (group, members) in members {
        let head = number(conn, group.as_str())?;
        conn.prepare_cached(
            "UPDATE head SET members = ?2, members_at = ?3, confirmed = 0, given_back = 0
             WHERE id = ?1 AND coalesce(members_at, ?3) <= ?3",
        )?
        .execute((head, members, at.unix_ms()))?;
    }
    Ok(())
}

/// A file is never delivered to again, so what is held is known at once.
pub(super) fn raise(conn: &Transaction<'_>, heads: &[(GroupId, HeadCount)]) -> Result<(), StorageError> {
    for (group, it) in heads {
        let head = number(conn, group.as_str())?;
        let (members, at) = it.members.map(|(members, at)| (members, at.unix_ms())).unzip();
        conn.prepare_cached(
            "UPDATE head SET members = ?2, members_at = ?3, confirmed = max(confirmed, ?4),
                given_back = max(given_back, ?5 - held)
             WHERE id = ?1 AND (members_at IS NULL OR members_at <= ?3)",
        )?
        .execute((head, members, at, it.confirmed, i64::from(it.held) + i64::from(it.given_back)))?;
    }
    Ok(())
}

pub(super) fn head_counts(
    conn: &Transaction<'_>,
    groups: &[GroupId],
    now: Timestamp,
) -> Result<Vec<HeadCount>, StorageError> {
    let mut counts = Vec::with_capacity(groups.len());
    for group in groups {
        let (id, mut count) = find(conn, group.as_str())?.unwrap_or_default();
        // Holds that are over and that nobody has ended yet.
        let over: i64 = conn
            .prepare_cached("SELECT count(*) FROM seat WHERE state = 0 AND until <= ?2 AND head = ?1")?
            .query_one((id, now.unix_ms()), |row| row.get(0))?;
        let over = self::count(over)?;
        count.held = count.held.saturating_sub(over);
        count.given_back = count.given_back.saturating_add(over);
        counts.push(count);
    }
    Ok(counts)
}

/// Forgets a visitor. Held seats go on counting as shows without a join, under nobody's name.
///
/// With a visit, only the seats of that visit.
pub(super) fn forget(conn: &Transaction<'_>, visitor: VisitorId, visit: Option<ScanId>) -> Result<u64, StorageError> {
    let whose = (visitor.to_bytes(), visit.map(ScanId::to_bytes));
    conn.prepare_cached(
        "UPDATE head SET held = held - 1, given_back = given_back + 1
         WHERE id IN (SELECT head FROM seat WHERE visitor = ?1 AND state = 0 AND (?2 IS NULL OR scan = ?2))",
    )?
    .execute(whose)?;
    let gone =
        conn.prepare_cached("DELETE FROM seat WHERE visitor = ?1 AND (?2 IS NULL OR scan = ?2)")?.execute(whose)?;
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}
