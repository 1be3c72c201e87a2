//! What of the book is copied as it lies; counters and the feed are handed over as anybody reads them.

use rusqlite::{Connection, Row, Transaction};

use super::super::{Card, CardKind, EachPiece, FeedEntry, JobKept, JobState, Part, Piece, StorageError, Trouble};
use super::book::{text, visitor};
use super::copying::rows;
use super::{from_sql, to_sql};
use crate::job::{Job, Lane};
use crate::time::Timestamp;

fn corrupt(what: &'static str) -> StorageError {
    StorageError::caused(Trouble::Corrupt, what)
}

pub(super) fn out(conn: &Connection, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
    if part == Part::Cards {
        return rows(conn, "SELECT kind, id, revision, visitor, body FROM card", (), each, |row| {
            let word: String = row.get(0)?;
            let kind = CardKind::ALL.into_iter().find(|it| it.as_str() == word);
            let revision = from_sql(row.get(2)?)?;
            let card = Card { id: row.get(1)?, revision, visitor: visitor(row, 3)?, body: row.get(4)? };
            Ok(Piece::Card(kind.ok_or_else(|| corrupt("the kind of a card"))?, card))
        });
    }
    let sql = "SELECT lane, id, state, ready_at, settled_at, tries, visitor, body, cause FROM job";
    rows(conn, sql, (), each, |row| Ok(Piece::Job(job(row)?)))
}

fn job(row: &Row<'_>) -> Result<JobKept, StorageError> {
    let (word, state): (String, u8) = (row.get(0)?, row.get(2)?);
    let (ready_at, settled_at, tries): (i64, Option<i64>, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let cause: Option<String> = row.get(8)?;
    let lane = Lane::ALL.into_iter().find(|it| it.as_str() == word).ok_or_else(|| corrupt("the lane of a job"))?;
    let state = JobState::ALL.into_iter().find(|it| it.number() == state).ok_or_else(|| corrupt("a job"))?;
    let at = if state == JobState::Waits { ready_at } else { settled_at.unwrap_or(ready_at) };
    let job = Job {
        id: row.get(1)?,
        lane,
        body: row.get(7)?,
        ready_at: Timestamp::from_unix_ms(at),
        visitor: visitor(row, 6)?,
    };
    let tries = u32::try_from(tries).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    // How often a job was tried that is done means nothing.
    let tries = if state == JobState::Done { 0 } else { tries };
    Ok(JobKept { job, state, tries, cause: cause.unwrap_or_default() })
}

pub(super) fn take_in(conn: &Transaction<'_>, pieces: &[Piece]) -> Result<(), StorageError> {
    for piece in pieces {
        match piece {
            Piece::Card(kind, it) => {
                let sql = "INSERT OR REPLACE INTO card (kind, id, revision, visitor, body) VALUES (?1, ?2, ?3, ?4, ?5)";
                let values = (kind.as_str(), &it.id, to_sql(it.revision), text(it.visitor), &it.body);
                conn.prepare_cached(sql)?.execute(values)?;
            }
            Piece::Counter(it) => {
                let sql = "INSERT OR REPLACE INTO counter (day, what, number) VALUES (?1, ?2, ?3)";
                conn.prepare_cached(sql)?.execute((it.day.number(), &it.of, it.by))?;
            }
            Piece::Job(it) => put_job(conn, it)?,
            Piece::Feed(number, it) => put_entry(conn, *number, it)?,
            Piece::FeedEnd(number) => {
                let number = to_sql(*number);
                let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'feed'";
                if conn.execute(sql, [number])? == 0 {
                    conn.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('feed', ?1)", [number])?;
                }
            }
            Piece::Secret(_)
            | Piece::ForgottenKey(_)
            | Piece::Forgotten(..)
            | Piece::Kept(..)
            | Piece::EarlyStep(_)
            | Piece::Head(..)
            | Piece::Seat(_)
            | Piece::Document(..)
            | Piece::Audit(..)
            | Piece::Delivered(..) => {}
        }
    }
    Ok(())
}

fn put_job(conn: &Transaction<'_>, it: &JobKept) -> Result<(), StorageError> {
    let sql = "INSERT OR REPLACE INTO job (lane, id, state, ready_at, settled_at, tries, visitor, body, cause)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let at = it.job.ready_at.unix_ms();
    let settled_at = (it.state != JobState::Waits).then_some(at);
    let cause = Some(&it.cause).filter(|it| !it.is_empty());
    let Job { id, lane, body, visitor, .. } = &it.job;
    let values = (lane.as_str(), id, it.state.number(), at, settled_at, it.tries, text(*visitor), body, cause);
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn put_entry(conn: &Transaction<'_>, number: u64, it: &FeedEntry) -> Result<(), StorageError> {
    let sql = "INSERT OR REPLACE INTO feed (number, id, at, kind, visitor, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = (to_sql(number), &it.id, it.at.unix_ms(), &it.kind, text(it.visitor), &it.body);
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
