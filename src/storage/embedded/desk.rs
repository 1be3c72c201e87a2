//! Documents of the operations team and the audit trail in the file.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::super::{AUDIT_LOOK_MAX, AuditFilter, AuditPage, AuditRecord, DeskEntry, DeskKind, StorageError, Trouble};
use super::{from_sql, to_sql};
use crate::time::Timestamp;

pub(super) fn get(conn: &Connection, kind: DeskKind, id: &str) -> Result<Option<DeskEntry>, StorageError> {
    let mut query = conn.prepare_cached("SELECT id, revision, body FROM desk WHERE kind = ?1 AND id = ?2")?;
    query.query_one((kind.as_str(), id), raw).optional()?.map(entry).transpose()
}

pub(super) fn all(conn: &Connection, kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError> {
    let mut query = conn.prepare_cached("SELECT id, revision, body FROM desk WHERE kind = ?1 ORDER BY id")?;
    let found = query.query_map([kind.as_str()], raw)?;
    found.map(|it| entry(it?)).collect()
}

fn raw(row: &Row<'_>) -> rusqlite::Result<(String, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn entry((id, revision, body): (String, i64, String)) -> Result<DeskEntry, StorageError> {
    Ok(DeskEntry { id, revision: from_sql(revision)?, body })
}

pub(super) fn put(
    conn: &Connection,
    kind: DeskKind,
    id: &str,
    body: Option<&str>,
    expected: Option<u64>,
) -> Result<u64, StorageError> {
    let current = get(conn, kind, id)?.map_or(0, |it| it.revision);
    if expected.is_some_and(|it| it != current) {
        return Err(Trouble::Conflict { current }.into());
    }
    let Some(body) = body else {
        conn.prepare_cached("DELETE FROM desk WHERE kind = ?1 AND id = ?2")?.execute((kind.as_str(), id))?;
        return Ok(0);
    };
    let revision = current + 1;
    let mut put = conn.prepare_cached(
        "INSERT INTO desk (kind, id, revision, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, body = excluded.body",
    )?;
    put.execute((kind.as_str(), id, to_sql(revision), body))?;
    Ok(revision)
}

pub(super) fn append(conn: &Connection, it: &AuditRecord) -> Result<(), StorageError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO audit (at, actor, address, action, target, before, after, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let version = it.version.map(to_sql);
    insert.execute((
        it.at.unix_ms(),
        &it.actor,
        &it.address,
        &it.action,
        &it.target,
        &it.before,
        &it.after,
        version,
    ))?;
    Ok(())
}

pub(super) fn audit(conn: &Connection, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError> {
    let last: Option<i64> = conn.prepare_cached("SELECT max(number) FROM audit")?.query_one((), |row| row.get(0))?;
    let last = from_sql(last.unwrap_or_default())?;
    let end = filter.before.map_or(last, |it| it.saturating_sub(1).min(last));
    let lowest = end.saturating_sub(AUDIT_LOOK_MAX - 1).max(1);
    let text = |it: &Option<String>| it.clone().map(Value::Text);
    let moment = |it: Option<Timestamp>| it.map(|it| Value::Integer(it.unix_ms()));
    let given = [
        ("actor = ?", text(&filter.actor)),
        ("instr(action, ?) = 1", text(&filter.action)),
        ("target = ?", text(&filter.target)),
        ("at >= ?", moment(filter.from)),
        ("at < ?", moment(filter.to)),
        ("number <= ?", Some(Value::Integer(to_sql(end)))),
        ("number >= ?", Some(Value::Integer(to_sql(lowest)))),
    ];
    let mut conditions = String::from("1");
    let mut values = Vec::new();
    for (condition, value) in given {
        if let Some(value) = value {
            conditions.push_str(" AND ");
            conditions.push_str(condition);
            values.push(value);
        }
    }
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut query = conn.prepare_cached(&format!(
        "SELECT number, at, actor, address, action, target, before, after, version FROM audit
         WHERE {conditions} ORDER BY number DESC LIMIT ?"
    ))?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let version: Option<i64> = row.get(8)?;
        let record = AuditRecord {
            at: Timestamp::from_unix_ms(row.get(1)?),
            actor: row.get(2)?,
            address: row.get(3)?,
            action: row.get(4)?,
            target: row.get(5)?,
            before: row.get(6)?,
            after: row.get(7)?,
            version: version.map(from_sql).transpose()?,
        };
        found.push((from_sql(row.get(0)?)?, record));
    }
    let rest = Some(lowest).filter(|it| *it > 1 && found.len() < limit);
    Ok(AuditPage { found, rest })
}
