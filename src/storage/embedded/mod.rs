//! The default storage: one SQLite file, which several processes may open at once.

mod book;
mod book_copying;
mod book_of;
mod catalog;
mod claims;
mod copying;
mod delivered;
mod desk;
mod heads;
mod jobs;
mod mirror;
mod people;
mod publication;
mod records;
mod schema;
mod seats;
mod tallies;

pub use mirror::Mirror;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior};

use super::copying::{counters_out, feed_out};
use super::{
    AuditFilter, AuditPage, AuditRecord, Change, DeliveryFound, DeliveryNote, DeskEntry, DeskKind, EachConsent,
    EachDifference, EachEntry, EachPiece, EachStep, EachTag, EntryKind, HeadCount, Part, Piece, PublishInfo, Purge,
    Removed, Seat, SeatAsk, SeatKept, SeatRules, Storage, StorageError, TagFilter, TallyCheck, TallyFilter, Trouble,
    VersionInfo,
};
use crate::consent::{Consent, ConsentRecord};
use crate::funnel::{Dimension, ReportRow, Step, StepRecord};
use crate::group::SeatClaim;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::pace;
use crate::tag::TagRecord;
use crate::time::Timestamp;
use publication::Publisher;

/// Connections for reading that are kept open; more are opened when needed and closed again.
const IDLE_READERS_MAX: usize = 4;
/// How long emptying the write-ahead log waits for readers.
const CHECKPOINT_BUSY: Duration = Duration::from_millis(50);
/// Steps of SQLite's machine between two places to pause, some 50 microseconds.
const STEPS_A_BREATH: i32 = 400;
/// How often a publication of another process is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a delivery waits for the lock of another process.
const DELIVER_BUSY: Duration = Duration::from_secs(1);

/// Storage in a local file.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    /// SQLite lets one connection write at a time; within this process they queue here instead of polling for the lock.
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    version: Mutex<VersionWatch>,
    publisher: Publisher,
    seats: Mutex<Connection>,
    book: Mutex<Connection>,
    again: delivered::Again,
}

/// A connection that writes nothing, so `PRAGMA data_version` on it tells whether anybody else wrote.
#[derive(Debug)]
struct VersionWatch {
    conn: Connection,
    /// The data version and the catalog version that it had.
    last: Option<(i64, u64)>,
}

impl Embedded {
    /// Opens the file at `path`, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Trouble::TooNew`] if a later version of this program wrote it, [`Trouble::Corrupt`] if it is something else,
    /// [`Trouble::Unavailable`] if it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let mut writer = schema::open(path)?;
        writer.progress_handler(
            STEPS_A_BREATH,
            Some(|| {
                pace::breathe();
                false
            }),
        )?;
        let watch = schema::open_again(path)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            version: Mutex::new(VersionWatch { conn: watch, last: None }),
            publisher: Publisher::open(path)?,
            seats: Mutex::new(seats::open(path)?),
            book: Mutex::new(book::open(path)?),
            again: delivered::Again::default(),
        })
    }

    /// Does one thing as one transaction of the writer.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StorageError>) -> Result<T, StorageError> {
        whole(&mut lock(&self.writer), work)
    }

    /// Empties the write-ahead log, where removed records would be readable until it is written over. Somebody who reads at this
    /// moment hinders that; then the next checkpoint does it.
    fn checkpoint(&self) {
        for (file, busy) in [(&self.writer, schema::BUSY), (&self.seats, seats::BUSY), (&self.book, schema::BUSY)] {
            let conn = lock(file);
            let tried = conn
                .busy_timeout(CHECKPOINT_BUSY)
                .and_then(|()| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_row| Ok(())))
                .and(conn.busy_timeout(busy));
            drop(tried);
        }
    }

    /// Does one thing on one snapshot, on a connection of its own, which no writer waits for.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let idle = lock(&self.readers).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => schema::open_again(&self.path)?,
        };
        let done = work(&conn.transaction()?)?;
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS_MAX {
            readers.push(conn);
        }
        Ok(done)
    }
}

impl Storage for Embedded {
    fn current_version(&self) -> Result<u64, StorageError> {
        let watch = &mut *lock(&self.version);
        let data_version: i64 = watch.conn.prepare_cached("PRAGMA data_version")?.query_one((), |row| row.get(0))?;
        if let Some((seen, version)) = watch.last
            && seen == data_version
        {
            return Ok(version);
        }
        let version = catalog::current_version(&watch.conn)?;
        watch.last = Some((data_version, version));
        Ok(version)
    }

    fn wait_for_publication(&self, known: u64, wait: Duration) -> Result<u64, StorageError> {
        let end = Instant::now() + wait;
        loop {
            let version = self.current_version()?;
            let left = end.saturating_duration_since(Instant::now());
            if version != known || left.is_zero() {
                return Ok(version);
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
    }

    fn load_kinds(&self, version: u64, kinds: &[EntryKind], each: EachEntry<'_>) -> Result<(), StorageError> {
        self.read(|conn| catalog::load(conn, version, kinds, each))
    }

    fn last_change(&self, kind: EntryKind, version: u64) -> Result<u64, StorageError> {
        self.read(|conn| catalog::last_change(conn, kind, version))
    }

    fn diff(&self, before: u64, after: u64, each: EachDifference<'_>) -> Result<(), StorageError> {
        self.read(|conn| catalog::diff(conn, before, after, each))
    }

    fn publish(
        &self,
        expected: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError> {
        self.publisher.publish(&self.writer, (expected, expected.saturating_add(1)), info, changes)
    }

    fn put_back(
        &self,
        expected: u64,
        version: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError> {
        self.publisher.publish(&self.writer, (expected, version), info, changes)
    }

    fn versions(&self, before: Option<u64>, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        self.read(|conn| catalog::versions(conn, before, limit))
    }

    fn deliver(
        &self,
        consents: &[ConsentRecord],
        tags: &[TagRecord],
        steps: &[StepRecord],
    ) -> Result<(), StorageError> {
        // Deliveries are repeated by their caller, so they wait for another process's lock only briefly: a stop must not.
        let mut writer = lock(&self.writer);
        writer.busy_timeout(DELIVER_BUSY)?;
        let done = whole(&mut writer, |conn| {
            people::deliver(conn, consents)?;
            records::deliver(conn, tags, steps)
        });
        writer.busy_timeout(schema::BUSY)?;
        drop(writer);
        // A page that was still open may have taken a seat for somebody who was forgotten meanwhile.
        for (visitor, visit) in done? {
            whole(&mut lock(&self.seats), |conn| heads::forget(conn, visitor, Some(visit)))?;
        }
        Ok(())
    }

    fn take_back(&self, visitor: VisitorId, scan: ScanId, step: Step) -> Result<(), StorageError> {
        self.write(|conn| records::take_back(conn, visitor, scan, step))
    }

    fn note_delivered(&self, note: &DeliveryNote, now: Timestamp) -> Result<DeliveryFound, StorageError> {
        let found = self.write(|conn| delivered::note(conn, note, now))?;
        self.again.note(note, now);
        Ok(found)
    }

    fn each_tag(&self, filter: &TagFilter, each: EachTag<'_>) -> Result<(), StorageError> {
        self.read(|conn| records::each_tag(conn, filter, each))
    }

    fn latest_tags(&self, filter: &TagFilter, skip: usize, limit: usize) -> Result<Vec<TagRecord>, StorageError> {
        self.read(|conn| records::latest_tags(conn, filter, skip, limit))
    }

    fn count_tags(&self, filter: &TagFilter) -> Result<u64, StorageError> {
        self.read(|conn| records::count_tags(conn, filter))
    }

    fn each_step(&self, filter: &TagFilter, each: EachStep<'_>) -> Result<(), StorageError> {
        self.read(|conn| records::each_step(conn, filter, each))
    }

    fn take_seats(&self, asks: &[SeatAsk], rules: &SeatRules, now: Timestamp) -> Result<Vec<Seat>, StorageError> {
        self.again.require_none(now)?;
        whole(&mut lock(&self.seats), |conn| seats::take(conn, asks, rules, now))
    }

    fn claim_seats(&self, claims: &[SeatClaim], rules: &SeatRules, now: Timestamp) -> Result<(), StorageError> {
        whole(&mut lock(&self.seats), |conn| claims::claim(conn, claims, rules, now))
    }

    fn confirm_seat(&self, visitor: VisitorId, group: &GroupId, now: Timestamp) -> Result<(), StorageError> {
        whole(&mut lock(&self.seats), |conn| heads::confirm(conn, visitor, group, now))
    }

    fn set_members(&self, members: &[(GroupId, u32)], at: Timestamp) -> Result<(), StorageError> {
        whole(&mut lock(&self.seats), |conn| heads::set_members(conn, members, at))
    }

    fn raise_heads(&self, heads: &[(GroupId, HeadCount)]) -> Result<(), StorageError> {
        whole(&mut lock(&self.seats), |conn| heads::raise(conn, heads))
    }

    fn head_counts(&self, groups: &[GroupId], now: Timestamp) -> Result<Vec<HeadCount>, StorageError> {
        self.again.require_none(now)?;
        whole(&mut lock(&self.seats), |conn| heads::head_counts(conn, groups, now))
    }

    fn each_consent(&self, each: EachConsent<'_>) -> Result<(), StorageError> {
        self.read(|conn| people::each_consent(conn, each))
    }

    fn consents_of(&self, visitor: VisitorId) -> Result<Vec<Consent>, StorageError> {
        self.read(|conn| people::consents_of(conn, visitor))
    }

    fn seats_of(&self, visitor: VisitorId) -> Result<Vec<SeatKept>, StorageError> {
        copying::seats_of(&lock(&self.seats), visitor)
    }

    fn tallies(&self, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError> {
        self.read(|conn| tallies::sums(conn, by, filter))
    }

    fn check_tallies(&self) -> Result<TallyCheck, StorageError> {
        self.read(|conn| tallies::check(conn))
    }

    fn forget(&self, visitor: VisitorId, now: Timestamp) -> Result<Removed, StorageError> {
        let seats = whole(&mut lock(&self.seats), |conn| heads::forget(conn, visitor, None))?;
        let book = whole(&mut lock(&self.book), |conn| book::forget(conn, visitor))?;
        let removed = self.write(|conn| people::forget(conn, visitor, now))?;
        self.checkpoint();
        Ok(Removed { seats, book, ..removed })
    }

    fn forgotten(&self, visitors: &[VisitorId]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        self.read(|conn| {
            let forgotten = people::Forgotten::open(conn)?;
            visitors.iter().map(|it| forgotten.at(&it.to_string())).collect()
        })
    }

    fn purge(&self, what: Purge, limit: usize) -> Result<u64, StorageError> {
        self.write(|conn| people::purge(conn, what, limit))
    }

    fn desk(&self, kind: DeskKind, id: &str) -> Result<Option<DeskEntry>, StorageError> {
        self.read(|conn| desk::get(conn, kind, id))
    }

    fn desk_all(&self, kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError> {
        self.read(|conn| desk::all(conn, kind))
    }

    fn put_desk(
        &self,
        kind: DeskKind,
        id: &str,
        body: Option<&str>,
        expected: Option<u64>,
    ) -> Result<u64, StorageError> {
        self.write(|conn| desk::put(conn, kind, id, body, expected))
    }

    fn append_audit(&self, record: &AuditRecord) -> Result<(), StorageError> {
        self.write(|conn| desk::append(conn, record))
    }

    fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError> {
        self.read(|conn| desk::audit(conn, filter, limit))
    }

    fn secret(&self, make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError> {
        self.write(|conn| {
            let kept = conn.query_one("SELECT bytes FROM secret", (), |row| row.get(0)).optional()?;
            if let Some(secret) = kept {
                return Ok(secret);
            }
            let secret = make();
            conn.execute("INSERT INTO secret (id, bytes) VALUES (1, ?1)", [secret])?;
            Ok(secret)
        })
    }

    fn copy_out(&self, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
        match part {
            // A read transaction of the connection for seats would hinder nobody else's, and there is only one.
            Part::Heads | Part::Seats => whole(&mut lock(&self.seats), |conn| copying::seats_out(conn, part, each)),
            Part::Cards | Part::Jobs => book_copying::out(&lock(&self.book), part, each),
            Part::Counters => counters_out(self, each),
            Part::Feed => feed_out(self, each),
            Part::Secret
            | Part::ForgottenKey
            | Part::Forgotten
            | Part::Kept
            | Part::EarlySteps
            | Part::Documents
            | Part::Audit
            | Part::Delivered => self.read(|conn| copying::out(conn, part, each)),
        }
    }

    fn copy_in(&self, pieces: &[Piece], _rules: &SeatRules) -> Result<(), StorageError> {
        whole(&mut lock(&self.seats), |conn| copying::seats_in(conn, pieces))?;
        whole(&mut lock(&self.book), |conn| book_copying::take_in(conn, pieces))?;
        self.write(|conn| copying::take_in(conn, pieces))
    }

    fn copy_mark(&self) -> Result<Option<String>, StorageError> {
        self.read(|conn| copying::mark(conn))
    }

    fn set_copy_mark(&self, mark: Option<&str>) -> Result<(), StorageError> {
        self.write(|conn| copying::set_mark(conn, mark))
    }
}

/// Does one thing as one transaction of a connection that writes.
fn whole<T>(
    conn: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    // Immediate: a transaction that reads first and writes later could find its snapshot outdated by another process.
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// A thread that died while holding a connection has left no transaction behind: dropping one rolls it back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<rusqlite::Error> for StorageError {
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
        let is_corrupt =
            matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
                || matches!(
                    source,
                    FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
                );
        let kind = if is_corrupt { Trouble::Corrupt } else { Trouble::Unavailable };
        Self::caused(kind, source)
    }
}

/// SQLite's integers are signed; versions and limits beyond them do not occur, and mean "none" or "all" then.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A negative number where none can be is damage.
fn from_sql(number: i64) -> Result<u64, StorageError> {
    u64::try_from(number).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))
}

/// Rows that a statement changed.
fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
