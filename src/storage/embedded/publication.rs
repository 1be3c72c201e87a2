//! Publishing: one publisher at a time, and a large publication in small steps.
//!
//! One commit of an import of 100,000 stores is a sync of some 70 MB, which holds up every other sync on the disk, and visits wait
//! for one. So a large publication is written in steps that are short commits. Its entries bear the number of the version to come:
//! readers choose by version and do not see them. The row of that version, which the last step writes, is the commit.
//!
//! Publishers exclude each other by a lock on a file beside the storage. The system gives it back when a process dies, so whoever
//! holds it knows that a publication that is found half way is nobody's, without looking at clocks.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::super::{Change, PublishInfo, StorageError, Trouble};
use super::catalog::{current_version, number};
use super::{lock, schema, to_sql, whole};

/// Changes that are written at one step.
const STEP_CHANGES_MAX: usize = 1_000;
/// Bytes of their bodies.
const STEP_BYTES_MAX: usize = 512 * 1024;
/// Pages (of 4 KiB) in the write-ahead log from which on a commit of a large publication copies them to the file.
const CHECKPOINT_PAGES: u32 = 1_000;
/// How long a publisher waits for one in another process: [`TRIES_MAX`] times [`TRY_EVERY`] is a minute, in which an import of a
/// million stores ends.
const TRY_EVERY: Duration = Duration::from_millis(10);
const TRIES_MAX: u32 = 6_000;

/// Whoever publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    /// The file whose lock excludes other processes; the mutex excludes other threads.
    turn: Mutex<File>,
}

impl Publisher {
    pub(super) fn open(storage: &Path) -> Result<Self, StorageError> {
        let file = schema::private().open(beside(storage)).map_err(unavailable)?;
        Ok(Self { turn: Mutex::new(file) })
    }

    pub(super) fn publish(
        &self,
        writer: &Mutex<Connection>,
        (expected, next): (u64, u64),
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError> {
        let file = lock(&self.turn);
        let _turn = Turn::take(&file)?;
        if is_half_way(&lock(writer))? {
            clean_up(writer)?;
        }
        require(&lock(writer), expected)?;
        if next <= expected {
            return Err(Trouble::Conflict { current: expected }.into());
        }
        let mut step = Vec::new();
        if fill(&mut step, changes) == Filled::All {
            return whole(&mut lock(writer), |conn| {
                require(conn, expected)?;
                let count = apply(conn, next, &step)?;
                commit(conn, next, info, count)
            });
        }
        let mut half_way = HalfWay::begin(writer)?;
        let mut count = 0;
        let mut filled = Filled::Step;
        loop {
            count += whole(&mut lock(writer), |conn| {
                require(conn, expected)?;
                conn.prepare_cached("INSERT OR IGNORE INTO publication (id, version) VALUES (1, ?1)")?
                    .execute([to_sql(next)])?;
                apply(conn, next, &step)
            })?;
            if filled == Filled::All {
                break;
            }
            filled = fill(&mut step, changes);
        }
        whole(&mut lock(writer), |conn| {
            require(conn, expected)?;
            conn.execute("DELETE FROM publication", ())?;
            commit(conn, next, info, count)
        })?;
        half_way.is_done = true;
        Ok(next)
    }
}

/// The file beside the storage at `path`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-publish.lock"))
}

fn unavailable(cause: std::io::Error) -> StorageError {
    StorageError::caused(Trouble::Unavailable, cause)
}

/// The lock of the file, given back when this is dropped.
struct Turn<'a>(&'a File);

impl<'a> Turn<'a> {
    fn take(file: &'a File) -> Result<Self, StorageError> {
        for _ in 0..TRIES_MAX {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => thread::sleep(TRY_EVERY),
                Err(TryLockError::Error(cause)) => return Err(unavailable(cause)),
            }
        }
        Err(StorageError::caused(Trouble::Unavailable, "another process is publishing"))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Where it cannot be given back, it is given back when the file is closed.
        let _ = self.0.unlock();
    }
}

/// A publication that is being written in steps; what was written goes when this is dropped before it is done.
struct HalfWay<'a> {
    writer: &'a Mutex<Connection>,
    is_done: bool,
}

impl<'a> HalfWay<'a> {
    fn begin(writer: &'a Mutex<Connection>) -> Result<Self, StorageError> {
        // A checkpoint syncs what it copied; so it copies little at a time as well.
        schema::set_autocheckpoint(&lock(writer), CHECKPOINT_PAGES)?;
        Ok(Self { writer, is_done: false })
    }
}

impl Drop for HalfWay<'_> {
    fn drop(&mut self) {
        // What fails here is done by the next publisher.
        if !self.is_done {
            let _ = clean_up(self.writer);
        }
        let _ = schema::set_autocheckpoint(&lock(self.writer), schema::AUTOCHECKPOINT_PAGES);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// There may be more changes.
    Step,
    /// There are no more.
    All,
}

/// Takes the changes of one step.
fn fill(step: &mut Vec<Change>, changes: &mut dyn Iterator<Item = Change>) -> Filled {
    step.clear();
    let mut bytes = 0;
    while step.len() < STEP_CHANGES_MAX && bytes < STEP_BYTES_MAX {
        let Some(change) = changes.next() else { return Filled::All };
        bytes += change.id.len() + change.body.as_ref().map_or(0, String::len);
        step.push(change);
    }
    Filled::Step
}

fn require(conn: &Connection, expected: u64) -> Result<(), StorageError> {
    let current = current_version(conn)?;
    if current == expected { Ok(()) } else { Err(Trouble::Conflict { current }.into()) }
}

fn is_half_way(conn: &Connection) -> Result<bool, StorageError> {
    Ok(conn.prepare_cached("SELECT 1 FROM publication")?.exists(())?)
}

/// Removes what is left of a publication that did not come to its end, in steps too.
fn clean_up(writer: &Mutex<Connection>) -> Result<(), StorageError> {
    let mut after = Some((0, String::new(), 0));
    while let Some(from) = after {
        after = whole(&mut lock(writer), |conn| clean_step(conn, &from))?;
    }
    Ok(())
}

/// One step from behind an entry on; returns where the next one goes on.
fn clean_step(conn: &Transaction<'_>, from: &(i64, String, i64)) -> Result<Option<(i64, String, i64)>, StorageError> {
    let current = to_sql(current_version(conn)?);
    let limit = i64::try_from(STEP_CHANGES_MAX).unwrap_or(i64::MAX);
    let mut query = conn.prepare(
        "SELECT kind, id, from_version FROM entry
         WHERE (kind, id, from_version) > (?1, ?2, ?3) AND (from_version > ?4 OR to_version > ?4)
         ORDER BY kind, id, from_version LIMIT ?5",
    )?;
    let found = query
        .query_map((from.0, &from.1, from.2, current, limit), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let found: Vec<(i64, String, i64)> = found.collect::<Result<_, _>>()?;
    for key in &found {
        let sql = if key.2 > current {
            "DELETE FROM entry WHERE kind = ?1 AND id = ?2 AND from_version = ?3"
        } else {
            "UPDATE entry SET to_version = NULL WHERE kind = ?1 AND id = ?2 AND from_version = ?3"
        };
        conn.prepare_cached(sql)?.execute((key.0, &key.1, key.2))?;
    }
    if found.len() == STEP_CHANGES_MAX {
        return Ok(found.into_iter().last());
    }
    conn.execute("DELETE FROM publication", ())?;
    Ok(None)
}

/// Writes the version, from which moment on its entries are read.
fn commit(conn: &Transaction<'_>, next: u64, info: &PublishInfo, count: u64) -> Result<u64, StorageError> {
    conn.execute(
        "INSERT INTO version (version, at, author, note, changes) VALUES (?1, ?2, ?3, ?4, ?5)",
        (to_sql(next), info.at.unix_ms(), &info.author, &info.note, to_sql(count)),
    )?;
    Ok(next)
}

/// Applies changes and tells how many of them made a difference.
fn apply(conn: &Transaction<'_>, next: u64, changes: &[Change]) -> Result<u64, StorageError> {
    let mut count = 0;
    for change in changes {
        count += u64::from(apply_one(conn, to_sql(next), change)?);
    }
    Ok(count)
}

fn apply_one(conn: &Transaction<'_>, next: i64, change: &Change) -> Result<bool, StorageError> {
    let key = (number(change.kind), &change.id);
    let mut query = conn.prepare_cached(
        "SELECT from_version, body FROM entry WHERE kind = ?1 AND id = ?2 AND to_version IS NULL
         ORDER BY from_version DESC LIMIT 1",
    )?;
    let found: Option<(i64, bool)> = query
        .query_one(key, |row| Ok((row.get(0)?, row.get_ref(1)?.as_str_or_null()? == change.body.as_deref())))
        .optional()?;
    match (found, &change.body) {
        (None, None) | (Some((_, true)), _) => return Ok(false),
        (None, Some(_)) => {}
        // Two changes of one entry in one publication: the earlier one leaves no trace.
        (Some((from, false)), _) if from == next => {
            conn.prepare_cached("DELETE FROM entry WHERE kind = ?1 AND id = ?2 AND from_version = ?3")?
                .execute((key.0, key.1, from))?;
        }
        (Some((from, false)), _) => {
            conn.prepare_cached("UPDATE entry SET to_version = ?4 WHERE kind = ?1 AND id = ?2 AND from_version = ?3")?
                .execute((key.0, key.1, from, next))?;
        }
    }
    if let Some(body) = &change.body {
        conn.prepare_cached("INSERT INTO entry (kind, id, from_version, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute((key.0, key.1, next, body))?;
    }
    Ok(true)
}
