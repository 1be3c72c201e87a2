//! How far deliverers are, in the file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};

use super::super::{AGAIN_MS, DeliveryFound, DeliveryNote, MarksFound, StorageError, Trouble};
use super::{from_sql, to_sql};
use crate::time::Timestamp;

/// Deliverers that are kept; beyond that those that were not heard of longest are let go.
const DELIVERERS_MAX: i64 = 1_000;

/// Who delivers again what was lost, and until when that holds. In memory: one service works with a file.
#[derive(Debug, Default)]
pub(super) struct Again(Mutex<BTreeMap<[u8; 16], i64>>);

impl Again {
    pub(super) fn note(&self, note: &DeliveryNote, now: Timestamp) {
        let mut again = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if note.is_again {
            again.insert(note.who, now.unix_ms().saturating_add(AGAIN_MS));
        } else {
            again.remove(&note.who);
        }
    }

    /// Seats are given and counted only while nobody does.
    pub(super) fn require_none(&self, now: Timestamp) -> Result<(), StorageError> {
        let again = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if again.values().any(|until| *until > now.unix_ms()) { Err(Trouble::Unavailable.into()) } else { Ok(()) }
    }
}

pub(super) fn note(conn: &Connection, note: &DeliveryNote, now: Timestamp) -> Result<DeliveryFound, StorageError> {
    let mut query = conn.prepare_cached("SELECT number FROM delivered WHERE who = ?1")?;
    let found = query.query_one([note.who], |row| row.get(0)).optional()?;
    let lowest = from_sql(found.unwrap_or(0))?;
    if lowest >= note.known && lowest != note.next {
        put(conn, &note.who, note.next, now)?;
        conn.prepare_cached(
            "DELETE FROM delivered WHERE who IN (SELECT who FROM delivered ORDER BY at DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([DELIVERERS_MAX])?;
    }
    let mut marks = conn.prepare_cached("SELECT count(*), max(at) FROM forgotten")?;
    let forgotten = marks.query_one((), |row| {
        let latest: Option<i64> = row.get(1)?;
        Ok((row.get::<_, i64>(0)?, latest.map(Timestamp::from_unix_ms)))
    })?;
    Ok(DeliveryFound { lowest, forgotten: MarksFound { count: from_sql(forgotten.0)?, latest: forgotten.1 } })
}

/// Sets up to which number everything of a deliverer is here.
pub(super) fn put(conn: &Connection, who: &[u8; 16], number: u64, at: Timestamp) -> Result<(), StorageError> {
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO delivered (who, number, at) VALUES (?1, ?2, ?3)")?;
    put.execute((who, to_sql(number), at.unix_ms()))?;
    Ok(())
}
