//! The SQLite file of the outbox: its tables, its settings, one method for each thing done to it; no threads.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use super::error::{OutboxError, Trouble};
use super::item::{self, Item, KIND_FORGOTTEN, KIND_UNCONFIRMED, Row, Unconfirmed, Whose};
use crate::group::SeatClaim;
use crate::pace;
use crate::time::Timestamp;

/// The format of the file, kept in `PRAGMA user_version`.
const FORMAT: i64 = 1;
/// How long a connection waits for another one's lock. Only opening and checkpoints meet at all.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// An empty file larger than this many pages is made small again when it is opened.
const IDLE_PAGES_MAX: i64 = 16_384;
/// With at most so many items waiting the file is written anew within moments.
const SCRUB_ITEMS_MAX: u64 = 2_000;
/// How long writing anew waits for others.
const SCRUB_BUSY_MS: u64 = 500;
/// Items that are sent again in one transaction, so that nobody waits long for it.
const RETRIED_AT_ONCE: i64 = 500;
/// Items that are kept aside; the oldest are let go beyond that.
const DEAD_ITEMS_MAX: i64 = 100_000;

/// `AUTOINCREMENT`, because a number that was acknowledged must not come again when the table has run empty.
const TABLES: &str = "
    CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE dead (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, kind, at, body, cause TEXT NOT NULL);
    PRAGMA user_version = 1;";

/// So that a start finds the seats that wait without reading a long queue. Versions without it keep it up all the same. Its mark is
/// [`KIND_UNCONFIRMED`].
const CLAIMS_INDEX: &str = "CREATE INDEX IF NOT EXISTS claims ON outbox (seq) WHERE kind = 4;";

/// An item that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadItem {
    /// The number that it had in the outbox.
    pub seq: i64,
    /// When it was decided or seen, where that is known.
    pub at: Option<Timestamp>,
    /// The item as it lies on disk.
    pub body: Vec<u8>,
    /// Why it was set aside.
    pub cause: String,
    kind: i64,
}

impl DeadItem {
    /// Whether it is of a `visit` or a `step`, where that is known.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        item::word(self.kind)
    }
}

/// What lies between two sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) items: Vec<(i64, Item)>,
    /// Rows that are no items, with the cause.
    pub(super) broken: Vec<(i64, String)>,
    /// The number of the last row seen.
    pub(super) last: Option<i64>,
}

/// A connection to the file.
#[derive(Debug)]
pub(super) struct File(Connection);

impl File {
    /// Opens the file, and makes it where there is none.
    ///
    /// - WAL: one sequential write and one sync a commit, and readers do not wait for the writer.
    /// - `synchronous = FULL`: the WAL is synced on every commit. NORMAL is faster and loses acknowledged items with the power.
    /// - `wal_autocheckpoint`, in pages of 4 KiB: only the limit; a checkpoint stalls the commit that starts it, so
    ///   [`super::checkpoint`] is there before.
    /// - `journal_size_limit`: after a burst the WAL shrinks to this; below it its blocks are written again in place, which makes
    ///   a sync cheaper than growing the file.
    /// - The planner's stability guarantee: without it SQLite plans a cached statement anew for new values.
    /// - `secure_delete = FAST`: delivered items are wiped where that costs no write of its own.
    pub(super) fn open(path: &Path) -> Result<Self, OutboxError> {
        // Readable by its owner only: the records name visitors.
        let mut private = std::fs::OpenOptions::new();
        private.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut private, 0o600);
        private.open(path).map_err(|cause| OutboxError::caused(Trouble::Unavailable, cause))?;
        let mut conn = Connection::open(path)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;
             PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY;",
        )?;
        let making = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match making.query_one("PRAGMA user_version", (), |row| row.get(0))? {
            FORMAT => {}
            0 => making.execute_batch(TABLES)?,
            found => {
                return Err(Trouble::TooNew { found, known: FORMAT }.into());
            }
        }
        making.execute_batch(CLAIMS_INDEX)?;
        making.commit()?;
        Ok(Self(conn))
    }

    /// How many items wait. They are numbered without gaps but for those set aside, so nothing has to be counted.
    pub(super) fn depth(&self) -> Result<u64, OutboxError> {
        let depth: i64 = self.0.query_one(
            "SELECT coalesce(newest - oldest + 1 - (SELECT count(*) FROM dead WHERE seq > oldest AND seq < newest), 0)
             FROM (SELECT (SELECT min(seq) FROM outbox) AS oldest, (SELECT max(seq) FROM outbox) AS newest)",
            (),
            |row| row.get(0),
        )?;
        Ok(u64::try_from(depth).unwrap_or(0))
    }

    /// Opens a file that another process works with, for looking only.
    pub(super) fn look(path: &Path) -> Result<Self, OutboxError> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
        Ok(Self(conn))
    }

    /// The numbers of the oldest and the newest item.
    pub(super) fn span(&self) -> Result<Option<(i64, i64)>, OutboxError> {
        let span =
            self.0.query_one("SELECT (SELECT min(seq) FROM outbox), (SELECT max(seq) FROM outbox)", (), |row| {
                Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
        Ok(span.0.zip(span.1))
    }

    /// Gives the space of a large file back, if nothing is in it.
    pub(super) fn shrink_if_idle(&self) -> Result<(), OutboxError> {
        let pages: i64 = self.0.query_one("PRAGMA page_count", (), |row| row.get(0))?;
        if pages > IDLE_PAGES_MAX && self.depth()? == 0 {
            self.0.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        }
        Ok(())
    }

    /// Copies what it can of the write-ahead log into the file, and has the log begin again if that was all. Waits for nobody.
    pub(super) fn checkpoint(&self) {
        // Whatever hinders it, the next one does it.
        drop(self.0.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_row| Ok(())));
    }

    /// Begins to write.
    pub(super) fn begin(&mut self) -> Result<Writing<'_>, OutboxError> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Writing(transaction))
    }

    pub(super) fn read(&self, after: i64, limit: usize) -> Result<Page, OutboxError> {
        let mut query =
            self.0.prepare_cached("SELECT seq, kind, body FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let mut rows = query.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        let mut page = Page::default();
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            page.last = Some(seq);
            pace::breathe();
            match read_row(row) {
                Ok(item) => page.items.push((seq, item)),
                Err(cause) => page.broken.push((seq, cause)),
            }
        }
        Ok(page)
    }

    /// Blanks the waiting items of a visitor and deletes those that were set aside; returns how many of each.
    ///
    /// Blanked items keep their numbers, which count. What is looked through is not locked, so that nobody waits for a long queue.
    pub(super) fn forget(&self, whose: &mut Whose) -> Result<(u64, u64), OutboxError> {
        let mut waiting = Vec::new();
        let mut dead = Vec::new();
        for (sql, found) in [
            ("SELECT seq, kind, CAST(body AS BLOB) FROM outbox ORDER BY seq", &mut waiting),
            ("SELECT id, kind, CAST(body AS BLOB) FROM dead ORDER BY id", &mut dead),
        ] {
            let mut query = self.0.prepare_cached(sql)?;
            let mut rows = query.query(())?;
            while let Some(row) = rows.next()? {
                let kind = row.get_ref(1)?.as_i64().unwrap_or(-1);
                if whose.holds(kind, row.get_ref(2)?.as_bytes().unwrap_or_default()) {
                    found.push(row.get::<_, i64>(0)?);
                }
            }
        }
        let mut counts = (0, 0);
        let mut blank = self.0.prepare_cached("UPDATE outbox SET kind = ?2, body = x'' WHERE seq = ?1")?;
        for seq in waiting {
            counts.0 += u64::try_from(blank.execute((seq, KIND_FORGOTTEN))?).unwrap_or(0);
        }
        let mut delete = self.0.prepare_cached("DELETE FROM dead WHERE id = ?1")?;
        for id in dead {
            counts.1 += u64::try_from(delete.execute([id])?).unwrap_or(0);
        }
        Ok(counts)
    }

    /// Deletes at most `limit` items that were set aside and were decided or seen before this moment.
    pub(super) fn purge_dead(&self, before: Timestamp, limit: usize) -> Result<u64, OutboxError> {
        let mut delete = self.0.prepare_cached(
            "DELETE FROM dead WHERE id IN
                 (SELECT id FROM dead WHERE typeof(at) = 'integer' AND at < ?1 ORDER BY id LIMIT ?2)",
        )?;
        let deleted = delete.execute((before.unix_ms(), i64::try_from(limit).unwrap_or(i64::MAX)))?;
        Ok(u64::try_from(deleted).unwrap_or(0))
    }

    /// Writes the file anew without what was delivered, blanked or deleted, if few items wait. Whoever has it open hinders that.
    pub(super) fn scrub(&self) -> Result<(), OutboxError> {
        if self.depth()? <= SCRUB_ITEMS_MAX {
            self.0.busy_timeout(Duration::from_millis(SCRUB_BUSY_MS))?;
            let scrubbed = self.0.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
            self.0.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
            scrubbed?;
        }
        Ok(())
    }

    /// The claims among the items of a kind after a number, and the number of the last item looked at.
    pub(super) fn claims(&self, after: i64, limit: usize) -> Result<(Vec<SeatClaim>, Option<i64>), OutboxError> {
        let mut query = self.0.prepare_cached(&format!(
            "SELECT seq, kind, body FROM outbox INDEXED BY claims WHERE kind = {KIND_UNCONFIRMED} AND seq > ?1 ORDER BY seq LIMIT ?2"
        ))?;
        let mut rows = query.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        let (mut claims, mut last) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            last = Some(row.get(0)?);
            if let Ok(Item::Unconfirmed(Unconfirmed { claim, .. })) = read_row(row) {
                claims.push(claim);
            }
        }
        Ok((claims, last))
    }

    pub(super) fn oldest_at(&self) -> Result<Option<Timestamp>, OutboxError> {
        let mut query = self.0.prepare_cached("SELECT at FROM outbox ORDER BY seq LIMIT 1")?;
        let at = query.query_one((), |row| row.get(0)).optional()?;
        Ok(at.map(Timestamp::from_unix_ms))
    }

    pub(super) fn dead(&self, skip: usize, limit: usize) -> Result<Vec<DeadItem>, OutboxError> {
        let mut query = self.0.prepare_cached(
            "SELECT seq, CAST(body AS BLOB), cause, CASE typeof(at) WHEN 'integer' THEN at END,
                CASE typeof(kind) WHEN 'integer' THEN kind ELSE -1 END
             FROM dead ORDER BY id DESC LIMIT ?1 OFFSET ?2",
        )?;
        let number = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        let found = query.query_map((number(limit), number(skip)), |row| {
            let body: Option<Vec<u8>> = row.get(1)?;
            let at: Option<i64> = row.get(3)?;
            Ok(DeadItem {
                seq: row.get(0)?,
                at: at.map(Timestamp::from_unix_ms),
                body: body.unwrap_or_default(),
                cause: row.get(2)?,
                kind: row.get(4)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Puts items that were set aside back among those that wait, all or that of one number, and says how many. What never was an
    /// item stays.
    pub(super) fn retry(&self, seq: Option<i64>) -> Result<u64, OutboxError> {
        let last: i64 = self.0.query_one("SELECT coalesce(max(id), 0) FROM dead", (), |row| row.get(0))?;
        let (mut after, mut retried) = (0, 0);
        loop {
            let making = Transaction::new_unchecked(&self.0, TransactionBehavior::Immediate)?;
            let mut page = making.prepare_cached(
                "SELECT id FROM dead WHERE id > ?1 AND id <= ?2 AND seq = coalesce(?3, seq) AND typeof(kind) = 'integer'
                    AND typeof(at) = 'integer' AND body IS NOT NULL ORDER BY id LIMIT ?4",
            )?;
            let ids = page.query_map((after, last, seq, RETRIED_AT_ONCE), |row| row.get::<_, i64>(0))?;
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            drop(page);
            let Some(newest) = ids.last() else { return Ok(retried) };
            after = *newest;
            for id in ids {
                making
                    .prepare_cached(
                        "INSERT INTO outbox (kind, at, body) SELECT kind, at, body FROM dead WHERE id = ?1",
                    )?
                    .execute([id])?;
                making.prepare_cached("DELETE FROM dead WHERE id = ?1")?.execute([id])?;
                retried += 1;
            }
            making.commit()?;
        }
    }

    pub(super) fn dead_count(&self) -> Result<u64, OutboxError> {
        let count: i64 = self.0.query_one("SELECT count(*) FROM dead", (), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

fn read_row(row: &rusqlite::Row<'_>) -> Result<Item, String> {
    let kind = row.get(1).map_err(|cause| cause.to_string())?;
    let body = row.get_ref(2).map_err(|cause| cause.to_string())?;
    let body = body.as_bytes().map_err(|cause| cause.to_string())?;
    item::read(kind, body)
}

/// A transaction of the writer; without [`Writing::commit`] nothing happened.
#[derive(Debug)]
pub(super) struct Writing<'a>(Transaction<'a>);

impl Writing<'_> {
    pub(super) fn append<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> Result<(), OutboxError> {
        let mut insert = self.0.prepare_cached("INSERT INTO outbox (kind, at, body) VALUES (?1, ?2, ?3)")?;
        for row in rows {
            insert.execute((row.kind, row.at_ms, &row.body))?;
        }
        Ok(())
    }

    /// Deletes the oldest items up to this number, those of `numbers` numbers at most; tells how many items that were, and whether
    /// all are gone.
    pub(super) fn acknowledge(&self, up_to: i64, numbers: usize) -> Result<(usize, bool), OutboxError> {
        let mut oldest = self.0.prepare_cached("SELECT min(seq) FROM outbox")?;
        let Some(oldest) = oldest.query_one((), |row| row.get::<_, Option<i64>>(0))?.filter(|it| *it <= up_to) else {
            return Ok((0, true));
        };
        let last = up_to.min(oldest.saturating_add(i64::try_from(numbers).unwrap_or(i64::MAX)) - 1);
        let mut delete = self.0.prepare_cached("DELETE FROM outbox WHERE seq <= ?1")?;
        Ok((delete.execute([last])?, last == up_to))
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> Result<bool, OutboxError> {
        Ok(self.0.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM outbox)")?.query_one((), |row| row.get(0))?)
    }

    /// Moves an item among the dead and tells whether it was there.
    pub(super) fn set_aside(&self, seq: i64, cause: &str) -> Result<usize, OutboxError> {
        let mut copy = self.0.prepare_cached(
            "INSERT INTO dead (seq, kind, at, body, cause) SELECT seq, kind, at, body, ?2 FROM outbox WHERE seq = ?1",
        )?;
        copy.execute((seq, cause))?;
        let mut trim = self.0.prepare_cached("DELETE FROM dead WHERE id <= (SELECT max(id) FROM dead) - ?1")?;
        trim.execute([DEAD_ITEMS_MAX])?;
        let mut delete = self.0.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?;
        Ok(delete.execute([seq])?)
    }

    pub(super) fn commit(self) -> Result<(), OutboxError> {
        Ok(self.0.commit()?)
    }
}
