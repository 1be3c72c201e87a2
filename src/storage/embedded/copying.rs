//! What is copied as it lies: handed over from the file, and put into it.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::super::{
    AuditRecord, DeskEntry, DeskKind, EachPiece, HeadCount, Part, Piece, SeatKept, SeatState, StorageError, Trouble,
};
use super::delivered;
use super::heads;
use super::records::{self, corrupt, id, word};
use super::{from_sql, tallies, to_sql};
use crate::funnel::StepRecord;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

/// Where the mark of a copy lies among the documents.
const MARK: (&str, &str) = ("copy", "mark");

pub(super) fn out(conn: &Connection, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
    match part {
        Part::Secret => rows(conn, "SELECT bytes FROM secret", (), each, |row| Ok(Piece::Secret(row.get(0)?))),
        Part::ForgottenKey => {
            rows(conn, "SELECT bytes FROM forgotten_key", (), each, |row| Ok(Piece::ForgottenKey(row.get(0)?)))
        }
        Part::Forgotten => rows(conn, "SELECT hash, at FROM forgotten", (), each, |row| {
            Ok(Piece::Forgotten(row.get(0)?, Timestamp::from_unix_ms(row.get(1)?)))
        }),
        Part::Kept => rows(conn, "SELECT * FROM tally_kept", (), each, |row| {
            let (cell, counts) = tallies::cell(row)?;
            Ok(Piece::Kept(cell, counts))
        }),
        Part::EarlySteps => {
            let sql = "SELECT scan, step, at FROM step WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.scan = step.scan)";
            rows(conn, sql, (), each, |row| {
                let at = Timestamp::from_unix_ms(row.get(2)?);
                Ok(Piece::EarlyStep(StepRecord { scan: id(row, 0, ScanId::parse)?, step: word(row, 1)?, at }))
            })
        }
        Part::Documents => documents(conn, each),
        Part::Audit => {
            let sql =
                "SELECT number, at, actor, address, action, target, before, after, version FROM audit ORDER BY number";
            rows(conn, sql, (), each, |row| Ok(Piece::Audit(from_sql(row.get(0)?)?, audit(row)?)))
        }
        Part::Delivered => rows(conn, "SELECT who, number FROM delivered ORDER BY who", (), each, |row| {
            Ok(Piece::Delivered(row.get(0)?, from_sql(row.get(1)?)?))
        }),
        Part::Heads | Part::Seats | Part::Cards | Part::Counters | Part::Jobs | Part::Feed => Ok(()),
    }
}

/// The parts that lie in the file of seats.
pub(super) fn seats_out(conn: &Connection, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
    if part == Part::Heads {
        let sql = "SELECT members, members_at, confirmed, held, given_back, name FROM head ORDER BY name";
        return rows(conn, sql, (), each, |row| Ok(Piece::Head(id(row, 5, GroupId::parse)?, heads::head_count(row)?)));
    }
    rows(conn, SEATS, (), each, |row| Ok(Piece::Seat(seat(row)?)))
}

const SEATS: &str = "SELECT seat.visitor, head.name, seat.state, seat.until, seat.wanted, seat.scan
                     FROM seat JOIN head ON head.id = seat.head";

fn seat(row: &Row<'_>) -> Result<SeatKept, StorageError> {
    let state: u8 = row.get(2)?;
    let scan = row.get_ref(5)?.as_blob().map_err(corrupt)?;
    Ok(SeatKept {
        visitor: VisitorId::from_bytes(row.get(0)?),
        group: id(row, 1, GroupId::parse)?,
        state: SeatState::ALL.into_iter().find(|it| it.number() == state).ok_or(Trouble::Corrupt)?,
        until: Timestamp::from_unix_ms(row.get(3)?),
        wanted: row.get(4)?,
        // A join without a seat before it has no visit.
        scan: scan.try_into().ok().map(ScanId::from_bytes),
    })
}

/// The seats of one visitor, by group.
pub(super) fn seats_of(conn: &Connection, visitor: VisitorId) -> Result<Vec<SeatKept>, StorageError> {
    let mut query = conn.prepare_cached(&format!("{SEATS} WHERE seat.visitor = ?1 ORDER BY head.name"))?;
    let mut rows = query.query([visitor.to_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(seat(row)?);
    }
    Ok(found)
}

pub(super) fn rows(
    conn: &Connection,
    sql: &str,
    values: impl Params,
    each: EachPiece<'_>,
    read: impl Fn(&Row<'_>) -> Result<Piece, StorageError>,
) -> Result<(), StorageError> {
    let mut query = conn.prepare(sql)?;
    let mut rows = query.query(values)?;
    while let Some(row) = rows.next()? {
        if each(read(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

fn documents(conn: &Connection, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut flow = ControlFlow::Continue(());
    for kind in DeskKind::ALL {
        let sql = "SELECT id, revision, body FROM desk WHERE kind = ?1 ORDER BY id";
        let mut each_of_kind = |piece| {
            flow = each(piece);
            flow
        };
        rows(conn, sql, [kind.as_str()], &mut each_of_kind, |row| {
            let entry = DeskEntry { id: row.get(0)?, revision: from_sql(row.get(1)?)?, body: row.get(2)? };
            Ok(Piece::Document(kind, entry))
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// A row of the audit trail, from column 1 on.
fn audit(row: &Row<'_>) -> Result<AuditRecord, StorageError> {
    let version: Option<i64> = row.get(8)?;
    Ok(AuditRecord {
        at: Timestamp::from_unix_ms(row.get(1)?),
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        target: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
        version: version.map(from_sql).transpose()?,
    })
}

pub(super) fn take_in(conn: &Connection, pieces: &[Piece]) -> Result<(), StorageError> {
    for piece in pieces {
        match piece {
            Piece::Secret(bytes) => {
                conn.prepare_cached("INSERT OR REPLACE INTO secret (id, bytes) VALUES (1, ?1)")?.execute([bytes])?;
            }
            Piece::ForgottenKey(bytes) => {
                conn.prepare_cached("INSERT OR REPLACE INTO forgotten_key (id, bytes) VALUES (1, ?1)")?
                    .execute([bytes])?;
            }
            Piece::Forgotten(mark, at) => {
                conn.prepare_cached("INSERT OR REPLACE INTO forgotten (hash, at) VALUES (?1, ?2)")?
                    .execute((mark, at.unix_ms()))?;
            }
            Piece::Kept(cell, counts) => tallies::put_kept(conn, cell, counts)?,
            Piece::EarlyStep(record) => records::put_step(conn, record)?,
            Piece::Document(kind, it) => {
                conn.prepare_cached("INSERT OR REPLACE INTO desk (kind, id, revision, body) VALUES (?1, ?2, ?3, ?4)")?
                    .execute((kind.as_str(), &it.id, to_sql(it.revision), &it.body))?;
            }
            Piece::Audit(number, it) => {
                let sql = "INSERT OR REPLACE INTO audit
                               (number, at, actor, address, action, target, before, after, version)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
                let version = it.version.map(to_sql);
                conn.prepare_cached(sql)?.execute((
                    to_sql(*number),
                    it.at.unix_ms(),
                    &it.actor,
                    &it.address,
                    &it.action,
                    &it.target,
                    &it.before,
                    &it.after,
                    version,
                ))?;
            }
            Piece::Delivered(who, number) => delivered::put(conn, who, *number, Timestamp::EPOCH)?,
            Piece::Head(..)
            | Piece::Seat(_)
            | Piece::Card(..)
            | Piece::Counter(_)
            | Piece::Job(_)
            | Piece::Feed(..)
            | Piece::FeedEnd(_) => {}
        }
    }
    Ok(())
}

/// What of the pieces lies in the file of seats.
pub(super) fn seats_in(conn: &Connection, pieces: &[Piece]) -> Result<(), StorageError> {
    for piece in pieces {
        match piece {
            Piece::Head(group, it) => put_head(conn, group, it)?,
            Piece::Seat(it) => {
                let head = heads::number(conn, it.group.as_str())?;
                let scan = it.scan.map(ScanId::to_bytes);
                conn.prepare_cached(
                    "INSERT OR REPLACE INTO seat (visitor, head, state, until, wanted, scan) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((
                    it.visitor.to_bytes(),
                    head,
                    it.state.number(),
                    it.until.unix_ms(),
                    &it.wanted,
                    scan.as_ref().map_or(&[][..], |it| &it[..]),
                ))?;
            }
            Piece::Secret(_)
            | Piece::ForgottenKey(_)
            | Piece::Forgotten(..)
            | Piece::Kept(..)
            | Piece::EarlyStep(_)
            | Piece::Document(..)
            | Piece::Audit(..)
            | Piece::Delivered(..)
            | Piece::Card(..)
            | Piece::Counter(_)
            | Piece::Job(_)
            | Piece::Feed(..)
            | Piece::FeedEnd(_) => {}
        }
    }
    Ok(())
}

fn put_head(conn: &Connection, group: &GroupId, it: &HeadCount) -> Result<(), StorageError> {
    let head = heads::number(conn, group.as_str())?;
    let (members, at) = it.members.map(|(members, at)| (members, at.unix_ms())).unzip();
    conn.prepare_cached(
        "UPDATE head SET members = ?2, members_at = ?3, confirmed = ?4, held = ?5, given_back = ?6 WHERE id = ?1",
    )?
    .execute((head, members, at, it.confirmed, it.held, it.given_back))?;
    Ok(())
}

pub(super) fn mark(conn: &Connection) -> Result<Option<String>, StorageError> {
    let mut query = conn.prepare_cached("SELECT body FROM desk WHERE kind = ?1 AND id = ?2")?;
    Ok(query.query_one(MARK, |row| row.get(0)).optional()?)
}

pub(super) fn set_mark(conn: &Connection, mark: Option<&str>) -> Result<(), StorageError> {
    match mark {
        Some(mark) => conn
            .prepare_cached("INSERT OR REPLACE INTO desk (kind, id, revision, body) VALUES (?1, ?2, 1, ?3)")?
            .execute((MARK.0, MARK.1, mark))?,
        None => conn.prepare_cached("DELETE FROM desk WHERE kind = ?1 AND id = ?2")?.execute(MARK)?,
    };
    Ok(())
}
