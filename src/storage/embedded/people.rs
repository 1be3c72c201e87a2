//! People in the file: their consents, what is forgotten on demand, and what is removed with time.

use std::collections::HashSet;
use std::ops::ControlFlow;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use sha2::Sha256;

use super::super::{EachConsent, Purge, Removed, StorageError};
use super::records::{corrupt, id};
use super::tallies::{Change, Ledger};
use super::{count, to_sql};
use crate::consent::{Consent, ConsentRecord, NoticeVersion};
use crate::id::{ScanId, VisitorId};
use crate::time::Timestamp;

/// Bytes of a mark: nobody finds another visitor with the same one.
const MARK_BYTES: usize = 16;

/// The marks of visitors and visits that were forgotten.
pub(super) struct Forgotten<'c> {
    conn: &'c Connection,
    keyed: Hmac<Sha256>,
    /// Nearly always there is none, and nothing has to be looked up.
    is_empty: bool,
}

impl<'c> Forgotten<'c> {
    pub(super) fn open(conn: &'c Connection) -> Result<Self, StorageError> {
        let is_empty =
            conn.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM forgotten)")?.query_one((), |row| row.get(0))?;
        let key: Vec<u8> = conn.prepare_cached("SELECT bytes FROM forgotten_key")?.query_one((), |row| row.get(0))?;
        let keyed = Hmac::new_from_slice(&key).map_err(corrupt)?;
        Ok(Self { conn, keyed, is_empty })
    }

    fn mark(&self, id: &str) -> [u8; MARK_BYTES] {
        let mut mac = self.keyed.clone();
        mac.update(id.as_bytes());
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        let (head, _) = code.split_first_chunk().expect("32 bytes hold 16");
        *head
    }

    /// When a visitor or a visit was forgotten.
    pub(super) fn at(&self, id: &str) -> Result<Option<Timestamp>, StorageError> {
        if self.is_empty {
            return Ok(None);
        }
        let mut query = self.conn.prepare_cached("SELECT at FROM forgotten WHERE hash = ?1")?;
        let at = query.query_one([self.mark(id)], |row| row.get(0)).optional()?;
        Ok(at.map(Timestamp::from_unix_ms))
    }

    /// Whether a visit that began at this moment is to be let go: it or its visitor was forgotten since. Later visits of a visitor
    /// who comes back with an old token are visits like any other.
    pub(super) fn holds(&self, scan: ScanId, visitor: VisitorId, began: Timestamp) -> Result<bool, StorageError> {
        Ok(self.at(&visitor.to_string())?.is_some_and(|at| began <= at) || self.at(&scan.to_string())?.is_some())
    }

    /// Whether a visit was forgotten.
    pub(super) fn holds_scan(&self, scan: ScanId) -> Result<bool, StorageError> {
        Ok(self.at(&scan.to_string())?.is_some())
    }

    /// Marks a visitor or a visit.
    pub(super) fn add(&self, id: &str, now: Timestamp) -> Result<(), StorageError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO forgotten (hash, at) VALUES (?1, ?2)
             ON CONFLICT (hash) DO UPDATE SET at = max(at, excluded.at)",
        )?;
        insert.execute((self.mark(id), now.unix_ms()))?;
        Ok(())
    }
}

pub(super) fn deliver(conn: &Connection, consents: &[ConsentRecord]) -> Result<(), StorageError> {
    if consents.is_empty() {
        return Ok(());
    }
    let forgotten = Forgotten::open(conn)?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO consent (visitor, notice, first_at, last_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (visitor, notice) DO UPDATE SET
             first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
         WHERE excluded.first_at < consent.first_at OR excluded.last_at > consent.last_at",
    )?;
    for it in consents {
        let visitor = it.visitor.to_string();
        if forgotten.at(&visitor)?.is_none_or(|at| it.at > at) {
            insert.execute((visitor, it.notice.as_str(), it.at.unix_ms()))?;
        }
    }
    Ok(())
}

pub(super) fn each_consent(conn: &Connection, each: EachConsent<'_>) -> Result<(), StorageError> {
    let mut query = conn.prepare("SELECT visitor, notice, first_at, last_at FROM consent ORDER BY visitor, notice")?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        if each(consent(row)?) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

pub(super) fn consents_of(conn: &Connection, visitor: VisitorId) -> Result<Vec<Consent>, StorageError> {
    let mut query = conn
        .prepare_cached("SELECT visitor, notice, first_at, last_at FROM consent WHERE visitor = ?1 ORDER BY notice")?;
    let mut rows = query.query([visitor.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(consent(row)?);
    }
    Ok(found)
}

fn consent(row: &Row<'_>) -> Result<Consent, StorageError> {
    Ok(Consent {
        visitor: id(row, 0, VisitorId::parse)?,
        notice: id(row, 1, NoticeVersion::parse)?,
        first_at: Timestamp::from_unix_ms(row.get(2)?),
        last_at: Timestamp::from_unix_ms(row.get(3)?),
    })
}

pub(super) fn forget(conn: &Transaction<'_>, visitor: VisitorId, now: Timestamp) -> Result<Removed, StorageError> {
    let text = visitor.to_string();
    let forgotten = Forgotten::open(conn)?;
    let scans = scans(conn, "SELECT scan FROM tag WHERE visitor = ?1", [&text])?;
    let mut removed = Removed::default();
    (removed.tags, removed.steps) = remove(conn, &scans)?;
    removed.consents = count(conn.execute("DELETE FROM consent WHERE visitor = ?1", [&text])?);
    forgotten.add(&text, now)?;
    for scan in scans {
        forgotten.add(&scan.to_string(), now)?;
    }
    Ok(removed)
}

fn scans(conn: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<ScanId>, StorageError> {
    let mut query = conn.prepare_cached(sql)?;
    let mut rows = query.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(id(row, 0, ScanId::parse)?);
    }
    Ok(found)
}

/// Removes visits with their steps, and keeps what they counted for.
fn remove(conn: &Connection, scans: &[ScanId]) -> Result<(u64, u64), StorageError> {
    let mut ledger = Ledger::default();
    for scan in scans {
        ledger.touch(conn, *scan)?;
    }
    let mut tags = conn.prepare_cached("DELETE FROM tag WHERE scan = ?1")?;
    let mut steps = conn.prepare_cached("DELETE FROM step WHERE scan = ?1")?;
    let mut removed = (0, 0);
    for scan in scans {
        let scan = scan.to_string();
        removed.0 += count(tags.execute([&scan])?);
        removed.1 += count(steps.execute([&scan])?);
    }
    ledger.settle(conn, Change::Removed)?;
    Ok(removed)
}

pub(super) fn purge(conn: &Transaction<'_>, what: Purge, limit: usize) -> Result<u64, StorageError> {
    let limit = to_sql(u64::try_from(limit).unwrap_or(u64::MAX));
    match what {
        Purge::Tags(day) => {
            // No visit of an older day begins two days later: the index by time finds them without looking at all.
            let sql = "SELECT scan FROM tag WHERE at < (?1 + 2) * 86400000 AND day < ?1 ORDER BY at LIMIT ?2";
            let old = scans(conn, sql, (day.number(), limit))?;
            Ok(remove(conn, &old)?.0)
        }
        Purge::Steps(at) => purge_steps(conn, at, limit),
        Purge::Consents(at) => Ok(count(conn.execute(
            "DELETE FROM consent WHERE (visitor, notice) IN
                 (SELECT visitor, notice FROM consent WHERE last_at < ?1 ORDER BY last_at LIMIT ?2)",
            (at.unix_ms(), limit),
        )?)),
        Purge::Tallies(day) => {
            let mut removed = 0;
            for table in ["tally", "tally_kept"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE (day, campaign, store, region, mode, assigned, source, rung) IN
                         (SELECT day, campaign, store, region, mode, assigned, source, rung FROM {table}
                          WHERE day < ?1 LIMIT ?2)"
                );
                removed += count(conn.execute(&sql, (day.number(), limit))?);
            }
            Ok(removed)
        }
        Purge::Forgotten(at) => Ok(count(conn.execute(
            "DELETE FROM forgotten WHERE hash IN (SELECT hash FROM forgotten WHERE at < ?1 ORDER BY at LIMIT ?2)",
            (at.unix_ms(), limit),
        )?)),
    }
}

fn purge_steps(conn: &Connection, at: Timestamp, limit: i64) -> Result<u64, StorageError> {
    let mut query = conn.prepare_cached("SELECT scan, step FROM step WHERE at < ?1 ORDER BY at LIMIT ?2")?;
    let mut rows = query.query((at.unix_ms(), limit))?;
    let mut old: Vec<(ScanId, String)> = Vec::new();
    while let Some(row) = rows.next()? {
        old.push((id(row, 0, ScanId::parse)?, row.get(1)?));
    }
    drop(rows);
    let mut ledger = Ledger::default();
    let touched: HashSet<ScanId> = old.iter().map(|it| it.0).collect();
    for scan in &touched {
        ledger.touch(conn, *scan)?;
    }
    let mut delete = conn.prepare_cached("DELETE FROM step WHERE scan = ?1 AND step = ?2")?;
    let mut removed = 0;
    for (scan, step) in &old {
        removed += count(delete.execute((scan.to_string(), step))?);
    }
    for scan in &touched {
        super::records::note_went(conn, *scan)?;
    }
    ledger.settle(conn, Change::Removed)?;
    Ok(removed)
}
