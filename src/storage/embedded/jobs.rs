//! Jobs and the feed in the file of the book.

use rusqlite::{Connection, Row, Rows, Transaction};

use super::super::book::{DeadJob, FeedEntry, JobCounts, LeasedJob, Settled, cut};
use super::super::{StorageError, Trouble};
use super::book::{text, visitor};
use super::{count, from_sql, to_sql};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::Timestamp;

const WAITS: i64 = 0;
const DONE: i64 = 1;
const DEAD: i64 = 2;

fn limited(limit: usize) -> i64 {
    to_sql(u64::try_from(limit).unwrap_or(u64::MAX))
}

pub(super) fn enqueue(conn: &Transaction<'_>, jobs: &[Job]) -> Result<(), StorageError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO job (lane, id, state, ready_at, tries, visitor, body) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)
         ON CONFLICT (lane, id) DO NOTHING",
    )?;
    for it in jobs {
        insert.execute((it.lane.as_str(), &it.id, WAITS, it.ready_at.unix_ms(), text(it.visitor), &it.body))?;
    }
    Ok(())
}

/// Reads `id, body, ready_at, visitor, tries`.
fn read(lane: Lane, row: &Row<'_>) -> Result<LeasedJob, StorageError> {
    let tries: i64 = row.get(4)?;
    let job = Job {
        id: row.get(0)?,
        lane,
        body: row.get(1)?,
        ready_at: Timestamp::from_unix_ms(row.get(2)?),
        visitor: visitor(row, 3)?,
    };
    let tries = u32::try_from(tries).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    Ok(LeasedJob { job, tries })
}

pub(super) fn lease(
    conn: &Transaction<'_>,
    lane: Lane,
    (now, until): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<LeasedJob>, StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT id, body, ready_at, visitor, tries + 1, number FROM job
         WHERE lane = ?1 AND state = ?2 AND ready_at <= ?3 ORDER BY ready_at, number LIMIT ?4",
    )?;
    let mut rows = query.query((lane.as_str(), WAITS, now.unix_ms(), limited(limit)))?;
    let mut taken = Vec::new();
    let mut numbers: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        taken.push(read(lane, row)?);
        numbers.push(row.get(5)?);
    }
    let mut take = conn.prepare_cached("UPDATE job SET ready_at = ?2, tries = tries + 1 WHERE number = ?1")?;
    for number in numbers {
        take.execute((number, until.unix_ms()))?;
    }
    Ok(taken)
}

pub(super) fn settle(
    conn: &Transaction<'_>,
    leased: &LeasedJob,
    settled: &Settled,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let LeasedJob { job, tries } = leased;
    let theirs = (job.lane.as_str(), &job.id, i64::from(*tries));
    let rows = match settled {
        // Of a job that is done only the id is kept: it may name a customer, its body says more.
        Settled::Done => conn
            .prepare_cached(
                "UPDATE job SET state = ?4, settled_at = ?5, body = '', cause = NULL, visitor = NULL
                 WHERE lane = ?1 AND id = ?2 AND tries = ?3 AND state = 0",
            )?
            .execute((theirs.0, theirs.1, theirs.2, DONE, now.unix_ms()))?,
        Settled::Again(at, cause) => conn
            .prepare_cached(
                "UPDATE job SET ready_at = ?4, cause = ?5 WHERE lane = ?1 AND id = ?2 AND tries = ?3 AND state = 0",
            )?
            .execute((theirs.0, theirs.1, theirs.2, at.unix_ms(), cut(cause)))?,
        Settled::Dead(cause) => conn
            .prepare_cached(
                "UPDATE job SET state = ?4, settled_at = ?5, cause = ?6
                 WHERE lane = ?1 AND id = ?2 AND tries = ?3 AND state = 0",
            )?
            .execute((theirs.0, theirs.1, theirs.2, DEAD, now.unix_ms(), cut(cause)))?,
    };
    Ok(rows > 0)
}

pub(super) fn counts(conn: &Connection, lane: Lane, now: Timestamp) -> Result<JobCounts, StorageError> {
    let mut number = conn.prepare_cached("SELECT count(*) FROM job WHERE lane = ?1 AND state = ?2")?;
    let waiting: i64 = number.query_one((lane.as_str(), WAITS), |row| row.get(0))?;
    let dead: i64 = number.query_one((lane.as_str(), DEAD), |row| row.get(0))?;
    let mut oldest =
        conn.prepare_cached("SELECT min(ready_at) FROM job WHERE lane = ?1 AND state = ?2 AND ready_at <= ?3")?;
    let oldest: Option<i64> = oldest.query_one((lane.as_str(), WAITS, now.unix_ms()), |row| row.get(0))?;
    let oldest_ready_at = oldest.map(Timestamp::from_unix_ms);
    Ok(JobCounts { waiting: from_sql(waiting)?, dead: from_sql(dead)?, oldest_ready_at })
}

pub(super) fn dead(conn: &Connection, lane: Lane, skip: usize, limit: usize) -> Result<Vec<DeadJob>, StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT id, body, ready_at, visitor, tries, cause, settled_at FROM job WHERE lane = ?1 AND state = ?2
         ORDER BY settled_at DESC, number DESC LIMIT ?3 OFFSET ?4",
    )?;
    let mut rows = query.query((lane.as_str(), DEAD, limited(limit), limited(skip)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let LeasedJob { job, tries } = read(lane, row)?;
        let cause: Option<String> = row.get(5)?;
        let at: Option<i64> = row.get(6)?;
        let at = Timestamp::from_unix_ms(at.unwrap_or_default());
        found.push(DeadJob { job, tries, cause: cause.unwrap_or_default(), at });
    }
    Ok(found)
}

pub(super) fn retry(conn: &Transaction<'_>, lane: Lane, id: Option<&str>, now: Timestamp) -> Result<u64, StorageError> {
    let mut again = conn.prepare_cached(
        "UPDATE job SET state = ?3, ready_at = ?4, settled_at = NULL, tries = 0
         WHERE lane = ?1 AND state = ?5 AND (?2 IS NULL OR id = ?2)",
    )?;
    Ok(count(again.execute((lane.as_str(), id, WAITS, now.unix_ms(), DEAD))?))
}

pub(super) fn append_feed(conn: &Transaction<'_>, entries: &[FeedEntry]) -> Result<(), StorageError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO feed (id, at, kind, visitor, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
    )?;
    for it in entries {
        insert.execute((&it.id, it.at.unix_ms(), &it.kind, text(it.visitor), &it.body))?;
    }
    Ok(())
}

const FEED: &str = "SELECT number, id, at, kind, visitor, body FROM feed";

fn feed_rows(mut rows: Rows<'_>) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = FeedEntry {
            id: row.get(1)?,
            at: Timestamp::from_unix_ms(row.get(2)?),
            kind: row.get(3)?,
            visitor: visitor(row, 4)?,
            body: row.get(5)?,
        };
        found.push((from_sql(row.get(0)?)?, entry));
    }
    Ok(found)
}

pub(super) fn feed(conn: &Connection, after: u64, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
    let mut query = conn.prepare_cached(&format!("{FEED} WHERE number > ?1 ORDER BY number LIMIT ?2"))?;
    feed_rows(query.query((to_sql(after), limited(limit)))?)
}

/// The entries about one visitor.
pub(super) fn feed_of(
    conn: &Connection,
    visitor: VisitorId,
    limit: usize,
) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
    let mut query = conn.prepare_cached(&format!("{FEED} WHERE visitor = ?1 ORDER BY number LIMIT ?2"))?;
    feed_rows(query.query((visitor.to_string(), limited(limit)))?)
}

pub(super) fn feed_end(conn: &Connection) -> Result<u64, StorageError> {
    let mut query = conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'feed'")?;
    from_sql(query.query_one((), |row| row.get(0))?)
}

pub(super) fn purge(conn: &Transaction<'_>, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
    let mut removed = 0;
    for sql in [
        "DELETE FROM feed WHERE number IN (SELECT number FROM feed WHERE at < ?1 ORDER BY at LIMIT ?2)",
        "DELETE FROM job WHERE number IN
             (SELECT number FROM job WHERE state = 1 AND settled_at < ?1 ORDER BY settled_at LIMIT ?2)",
    ] {
        removed += count(conn.prepare_cached(sql)?.execute((before.unix_ms(), limited(limit)))?);
    }
    Ok(removed)
}

pub(super) fn purge_dead(conn: &Transaction<'_>, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM job WHERE number IN
             (SELECT number FROM job WHERE state = 2 AND settled_at < ?1 ORDER BY settled_at LIMIT ?2)",
    )?;
    Ok(count(delete.execute((before.unix_ms(), limited(limit)))?))
}
