//! What was delivered, kept for a while on this disk, so that it can be delivered again to a storage that has lost it; and the marks of
//! the forgotten, so that nobody comes back with it. A file of its own: nobody whose item is committed waits for it.
//!
//! It says neither when storage has lost something nor delivers anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::error::{OutboxError, Trouble};
use super::heads;
use super::item::{self, Item, KIND_STEP, Row, Whose};
use crate::id::{ScanId, VisitorId};
use crate::pace;
use crate::time::Timestamp;

/// The format of the file, kept in `PRAGMA user_version`.
const FORMAT: i64 = 1;
/// How long a connection waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Items that are let go with each append, at least.
const TRIMMED_MIN: usize = 500;

/// `AUTOINCREMENT`, because a number must not come again when the table has run empty. Items are numbered from 2: so there is
/// something for storage to note before the first one is delivered.
const TABLES: &str = "
    CREATE TABLE kept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, at INTEGER NOT NULL, delivered_at INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX kept_at ON kept (at);
    CREATE TABLE about (
        id INTEGER PRIMARY KEY CHECK (id = 1), who BLOB NOT NULL, owner BLOB NOT NULL, known INTEGER NOT NULL,
        erasures INTEGER NOT NULL
    );
    INSERT INTO about VALUES (1, randomblob(16), x'', 0, 0);
    INSERT INTO sqlite_sequence VALUES ('kept', 1);
    CREATE TABLE forgotten_key (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL);
    CREATE TABLE forgotten (mark BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 1;";

/// For how long and how many delivered items are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) keep_ms: i64,
    pub(super) items_max: u64,
}

/// The key and the marks of the forgotten, as storage had them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// What the marks are made with; none if storage was never seen.
    pub key: Option<[u8; 32]>,
    /// Each mark, and when it was set.
    pub marks: Vec<([u8; 16], Timestamp)>,
}

/// Kept items with their numbers, and the number of the last one looked at.
pub type KeptPage = (Vec<(i64, Item)>, Option<u64>);

/// The items that were delivered.
#[derive(Debug)]
pub struct Kept {
    conn: Mutex<Connection>,
    bounds: Bounds,
}

/// Where the items lie that were delivered out of an outbox.
pub(super) fn beside(outbox: &Path) -> PathBuf {
    outbox.with_file_name("delivered.sqlite")
}

/// Removes the file and what belongs to it.
pub(super) fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        // There may be none.
        let _ = std::fs::remove_file(name);
    }
}

impl Kept {
    /// Opens the file, and makes it where there is none. One that is damaged is let go of: it holds nothing that storage lacks.
    pub(super) fn open(path: &Path, bounds: Bounds) -> Result<Self, OutboxError> {
        let opened = match connect(path) {
            Err(error) if error.kind() == Trouble::Corrupt => {
                tracing::error!(path = %path.display(), "the file of delivered records is damaged; a new one is begun");
                remove(path);
                connect(path)
            }
            opened => opened,
        };
        Ok(Self { conn: Mutex::new(opened?), bounds })
    }

    pub(super) fn conn(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who delivers from this disk: 16 bytes of chance, made with the file.
    ///
    /// # Errors
    /// [`Trouble::Corrupt`] if the file is damaged, otherwise [`Trouble::Unavailable`], as all methods.
    pub fn who(&self) -> Result<[u8; 16], OutboxError> {
        Ok(self.conn().query_one("SELECT who FROM about", (), |row| row.get(0))?)
    }

    /// Says to which installation the items belong. Those of another one are let go of, with everything else.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn belongs_to(&self, owner: &[u8]) -> Result<(), OutboxError> {
        let mut conn = self.conn();
        let changing = begin(&mut conn)?;
        let before: Vec<u8> = changing.query_one("SELECT owner FROM about", (), |row| row.get(0))?;
        if before == owner {
            return Ok(());
        }
        if !before.is_empty() {
            changing.execute_batch(
                "DELETE FROM kept; DELETE FROM forgotten; DELETE FROM forgotten_key; DELETE FROM heads;
                 UPDATE about SET who = randomblob(16), known = 0;",
            )?;
        }
        changing.execute("UPDATE about SET owner = ?1", [owner])?;
        Ok(changing.commit()?)
    }

    /// Delivers from this disk as another one from here on, to a storage that has everything up to a number.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn begin_as(&self, who: &[u8; 16], known: u64) -> Result<(), OutboxError> {
        self.conn().execute("UPDATE about SET who = ?1, known = ?2", (who, sql(known)))?;
        Ok(())
    }

    /// How many erasures there were. Items that were read before another one are not kept.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn erasures(&self) -> Result<i64, OutboxError> {
        erasures(&self.conn())
    }

    /// Keeps delivered items, and lets go of the oldest beyond the limits. Returns the number of the newest; none if somebody was
    /// forgotten since so many `erasures`: then nothing is kept. `known` is up to which number storage had everything last.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn append<'i>(
        &self,
        items: impl Iterator<Item = &'i Item>,
        erasures_before: i64,
        known: u64,
        now: Timestamp,
    ) -> Result<Option<u64>, OutboxError> {
        let mut rows = Vec::new();
        // Work for the world outside is done once.
        for item in items.filter(|it| !matches!(it, Item::Forgotten | Item::Job(_))) {
            pace::breathe();
            rows.push(Row::of(item).map_err(|cause| OutboxError::caused(Trouble::Corrupt, cause))?);
        }
        let mut conn = self.conn();
        let writing = begin(&mut conn)?;
        if erasures(&writing)? != erasures_before {
            return Ok(None);
        }
        let mut insert =
            writing.prepare_cached("INSERT INTO kept (kind, at, delivered_at, body) VALUES (?1, ?2, ?3, ?4)")?;
        for row in &rows {
            pace::breathe();
            insert.execute((row.kind, row.at_ms, now.unix_ms(), &row.body))?;
        }
        drop(insert);
        let newest = newest(&writing)?;
        trim(&writing, self.bounds, now, TRIMMED_MIN.max(2 * rows.len()))?;
        writing.prepare_cached("UPDATE about SET known = ?1")?.execute([sql(known)])?;
        writing.commit()?;
        Ok(Some(number(newest)))
    }

    /// Up to which number storage had everything when the last items were kept.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn known(&self) -> Result<u64, OutboxError> {
        Ok(number(self.conn().query_one("SELECT known FROM about", (), |row| row.get(0))?))
    }

    /// Notes up to which number storage has everything, for the next start.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn note_known(&self, known: u64) -> Result<(), OutboxError> {
        self.conn().prepare_cached("UPDATE about SET known = ?1 WHERE known <> ?1")?.execute([sql(known)])?;
        Ok(())
    }

    /// The highest number that was ever given; 1 before the first item.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn newest(&self) -> Result<u64, OutboxError> {
        newest(&self.conn()).map(number)
    }

    /// How many items with a number greater than `after` are kept. Looks at all of them.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn count(&self, after: u64) -> Result<u64, OutboxError> {
        let count = self.conn().query_one("SELECT count(*) FROM kept WHERE id > ?1", [sql(after)], |row| row.get(0))?;
        Ok(number(count))
    }

    /// The oldest items with a number greater than `after`, at most `limit`, and the number of the last one looked at; none at the end.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn read(&self, after: u64, limit: usize) -> Result<KeptPage, OutboxError> {
        let conn = self.conn();
        let mut query = conn.prepare_cached("SELECT id, kind, body FROM kept WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let mut rows = query.query((sql(after), limit_of(limit)))?;
        let (mut items, mut last) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            pace::breathe();
            let id: i64 = row.get(0)?;
            last = Some(number(id));
            // It was an item when it was written; a disk that fails is no reason to deliver none of the others.
            if let Ok(it) = item::read(row.get(1)?, row.get_ref(2)?.as_blob().unwrap_or_default()) {
                items.push((id, it));
            }
        }
        Ok((items, last))
    }

    /// Deletes the items of a visitor, and of these visits of theirs; says how many.
    pub(super) fn forget(&self, visitor: VisitorId, scans: BTreeSet<ScanId>) -> Result<u64, OutboxError> {
        let mut conn = self.conn();
        let writing = begin(&mut conn)?;
        // From here on nothing is kept that was read before.
        writing.execute("UPDATE about SET erasures = erasures + 1", ())?;
        let mut whose = Whose { visitor, scans };
        let mut found = Vec::new();
        let mut query = writing.prepare_cached("SELECT id, kind, body FROM kept ORDER BY id")?;
        let mut rows = query.query(())?;
        while let Some(row) = rows.next()? {
            if whose.holds(row.get(1)?, row.get_ref(2)?.as_bytes().unwrap_or_default()) {
                found.push(row.get::<_, i64>(0)?);
            }
        }
        drop(rows);
        drop(query);
        let mut delete = writing.prepare_cached("DELETE FROM kept WHERE id = ?1")?;
        for id in &found {
            delete.execute([id])?;
        }
        drop(delete);
        writing.commit()?;
        // What was deleted is readable in the write-ahead log until that is written over.
        drop(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_row| Ok(())));
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }

    /// Deletes at most so many items that are too old: visits and steps of before these moments, and what was delivered too long ago.
    pub(super) fn purge(
        &self,
        tags: Timestamp,
        steps: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<u64, OutboxError> {
        let mut conn = self.conn();
        let writing = begin(&mut conn)?;
        let purged = writing
            .prepare_cached(
                "DELETE FROM kept WHERE id IN (SELECT id FROM kept WHERE at < max(?1, ?2)
                    AND at < CASE kind WHEN ?3 THEN ?2 ELSE ?1 END ORDER BY at LIMIT ?4)",
            )?
            .execute((tags.unix_ms(), steps.unix_ms(), KIND_STEP, limit_of(limit)))?;
        let trimmed = trim(&writing, self.bounds, now, limit)?;
        writing.commit()?;
        Ok(u64::try_from(purged.saturating_add(trimmed)).unwrap_or(u64::MAX))
    }

    /// The marks of the forgotten, as storage had them last.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn forgotten(&self) -> Result<Forgotten, OutboxError> {
        let conn = self.conn();
        let key = conn.query_one("SELECT bytes FROM forgotten_key", (), |row| row.get(0)).optional()?;
        let mut query = conn.prepare_cached("SELECT mark, at FROM forgotten ORDER BY mark")?;
        let marks = query.query_map((), |row| Ok((row.get(0)?, Timestamp::from_unix_ms(row.get(1)?))))?;
        Ok(Forgotten { key, marks: marks.collect::<Result<_, _>>()? })
    }

    /// Keeps marks of the forgotten beside those of before, and lets go of those that were set before this moment. With another key
    /// those of before say nothing.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn keep_forgotten(&self, it: &Forgotten, before: Timestamp) -> Result<(), OutboxError> {
        let mut conn = self.conn();
        let writing = begin(&mut conn)?;
        let key: Option<[u8; 32]> =
            writing.query_one("SELECT bytes FROM forgotten_key", (), |row| row.get(0)).optional()?;
        if key != it.key {
            writing.execute_batch("DELETE FROM forgotten; DELETE FROM forgotten_key;")?;
            if let Some(key) = it.key {
                writing.execute("INSERT INTO forgotten_key VALUES (1, ?1)", [key])?;
            }
        }
        let mut insert = writing.prepare_cached(
            "INSERT INTO forgotten VALUES (?1, ?2) ON CONFLICT (mark) DO UPDATE SET at = max(at, excluded.at)",
        )?;
        for (mark, at) in &it.marks {
            insert.execute((mark, at.unix_ms()))?;
        }
        drop(insert);
        writing.execute("DELETE FROM forgotten WHERE at < ?1", [before.unix_ms()])?;
        Ok(writing.commit()?)
    }
}

/// WAL and a sync with every commit: what the outbox lets go of next is on the disk here. `secure_delete`: who is forgotten is
/// overwritten.
fn connect(path: &Path) -> Result<Connection, OutboxError> {
    let mut private = std::fs::OpenOptions::new();
    private.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut private, 0o600);
    private.open(path).map_err(|cause| OutboxError::caused(Trouble::Unavailable, cause))?;
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 8000;",
    )?;
    let making = begin(&mut conn)?;
    match making.query_one("PRAGMA user_version", (), |row| row.get(0))? {
        FORMAT => {}
        0 => making.execute_batch(TABLES)?,
        found => return Err(Trouble::TooNew { found, known: FORMAT }.into()),
    }
    making.execute_batch(heads::TABLES)?;
    heads::trim(&making)?;
    making.commit()?;
    Ok(conn)
}

pub(super) fn begin(conn: &mut Connection) -> Result<Transaction<'_>, OutboxError> {
    Ok(conn.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn erasures(conn: &Connection) -> Result<i64, OutboxError> {
    Ok(conn.prepare_cached("SELECT erasures FROM about")?.query_one((), |row| row.get(0))?)
}

fn newest(conn: &Connection) -> Result<i64, OutboxError> {
    let mut query = conn.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'kept'")?;
    Ok(query.query_one((), |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Lets go of the oldest items beyond the limits, at most so many.
fn trim(conn: &Connection, bounds: Bounds, now: Timestamp, limit: usize) -> Result<usize, OutboxError> {
    // The numbers have gaps where somebody was forgotten; then a few less are kept than may be.
    let too_many = newest(conn)?.saturating_sub(sql(bounds.items_max));
    let too_old = now.unix_ms().saturating_sub(bounds.keep_ms);
    let mut delete = conn.prepare_cached(
        "DELETE FROM kept WHERE id IN (SELECT id FROM (SELECT id, delivered_at FROM kept ORDER BY id LIMIT ?3)
            WHERE id <= ?1 OR delivered_at < ?2)",
    )?;
    Ok(delete.execute((too_many, too_old, limit_of(limit)))?)
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(sql: i64) -> u64 {
    u64::try_from(sql).unwrap_or(0)
}
