//! Cards, jobs and the feed, in a file of their own beside the records, so that work for the world outside hinders no delivery.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::super::book::{Card, CardKind, CardWrite, EachCount};
use super::super::{StorageError, Trouble};
use super::records::id as parsed;
use super::{count, from_sql, schema, to_sql};
use crate::id::VisitorId;
use crate::time::Day;

/// Statements that turn format `n` of the file into format `n + 1`.
const MIGRATIONS: [&str; 2] = [include_str!("book.sql"), include_str!("book_2.sql")];

/// The file beside the storage at `path`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-book.sqlite"))
}

pub(super) fn open(storage: &Path) -> Result<Connection, StorageError> {
    let conn = schema::open_file(&beside(storage), &MIGRATIONS, |_conn, _found| Ok(()))?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// A visitor in a column that may be empty.
pub(super) fn visitor(row: &Row<'_>, column: usize) -> Result<Option<VisitorId>, StorageError> {
    let is_none = row.get_ref(column)?.data_type() == rusqlite::types::Type::Null;
    if is_none { Ok(None) } else { parsed(row, column, VisitorId::parse).map(Some) }
}

pub(super) fn text(visitor: Option<VisitorId>) -> Option<String> {
    visitor.map(|it| it.to_string())
}

fn card(row: &Row<'_>) -> Result<Card, StorageError> {
    let revision: i64 = row.get(1)?;
    Ok(Card { id: row.get(0)?, revision: from_sql(revision)?, visitor: visitor(row, 2)?, body: row.get(3)? })
}

pub(super) fn cards(conn: &Connection, kind: CardKind, ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError> {
    let mut query = conn.prepare_cached("SELECT id, revision, visitor, body FROM card WHERE kind = ?1 AND id = ?2")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = query.query((kind.as_str(), id))?;
        found.push(rows.next()?.map(card).transpose()?);
    }
    Ok(found)
}

pub(super) fn write_card(conn: &Transaction<'_>, write: &CardWrite) -> Result<u64, StorageError> {
    let kind = write.kind.as_str();
    let mut query = conn.prepare_cached("SELECT revision FROM card WHERE kind = ?1 AND id = ?2")?;
    let kept: Option<i64> = query.query_one((kind, &write.id), |row| row.get(0)).optional()?;
    let current = kept.map_or(Ok(0), from_sql)?;
    if current != write.expected {
        return Err(Trouble::Conflict { current }.into());
    }
    let revision = if let Some(body) = &write.body {
        let mut put = conn.prepare_cached(
            "INSERT INTO card (kind, id, revision, visitor, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, id) DO UPDATE SET
                 revision = excluded.revision, visitor = excluded.visitor, body = excluded.body",
        )?;
        put.execute((kind, &write.id, to_sql(current + 1), text(write.visitor), body))?;
        current + 1
    } else {
        conn.prepare_cached("DELETE FROM card WHERE kind = ?1 AND id = ?2")?.execute((kind, &write.id))?;
        0
    };
    let mut add = conn.prepare_cached(
        "INSERT INTO counter (day, what, number) VALUES (?1, ?2, ?3)
         ON CONFLICT (day, what) DO UPDATE SET number = number + excluded.number",
    )?;
    for it in &write.counts {
        add.execute((it.day.number(), &it.of, it.by))?;
    }
    Ok(revision)
}

pub(super) fn cards_page(
    conn: &Connection,
    kind: CardKind,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Card>, Option<String>), StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT id, revision, visitor, body FROM card WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let limit = limit.max(1);
    let wanted = to_sql(u64::try_from(limit).unwrap_or(u64::MAX));
    let mut rows = query.query((kind.as_str(), after.unwrap_or_default(), wanted))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(card(row)?);
    }
    let next = if found.len() < limit { None } else { found.last().map(|it| it.id.clone()) };
    Ok((found, next))
}

pub(super) fn cards_of(conn: &Connection, visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError> {
    let mut query =
        conn.prepare_cached("SELECT id, revision, visitor, body, kind FROM card WHERE visitor = ?1 ORDER BY kind, id")?;
    let mut rows = query.query([visitor.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(4)?;
        let kind = CardKind::ALL.into_iter().find(|it| it.as_str() == word);
        let kind = kind.ok_or_else(|| StorageError::caused(Trouble::Corrupt, format!("no card is a {word}")))?;
        found.push((kind, card(row)?));
    }
    Ok(found)
}

pub(super) fn each_count(conn: &Connection, from: Day, to: Day, each: EachCount<'_>) -> Result<(), StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT day, what, number FROM counter WHERE day BETWEEN ?1 AND ?2 AND number <> 0 ORDER BY day, what",
    )?;
    let mut rows = query.query((from.number(), to.number()))?;
    while let Some(row) = rows.next()? {
        let what: String = row.get(1)?;
        each(Day::from_number(row.get(0)?), &what, row.get(2)?);
    }
    Ok(())
}

pub(super) fn purge_counts(conn: &Transaction<'_>, before: Day, limit: usize) -> Result<u64, StorageError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM counter WHERE (day, what) IN (SELECT day, what FROM counter WHERE day < ?1 ORDER BY day LIMIT ?2)",
    )?;
    let limit = to_sql(u64::try_from(limit).unwrap_or(u64::MAX));
    Ok(count(delete.execute((before.number(), limit))?))
}

/// Forgets cards, jobs and entries of the feed of a visitor; says how many.
pub(super) fn forget(conn: &Transaction<'_>, visitor: VisitorId) -> Result<u64, StorageError> {
    let text = visitor.to_string();
    let mut removed = 0;
    for sql in [
        "DELETE FROM card WHERE visitor = ?1",
        "DELETE FROM job WHERE visitor = ?1",
        "DELETE FROM feed WHERE visitor = ?1",
    ] {
        removed += count(conn.execute(sql, [&text])?);
    }
    Ok(removed)
}
