//! The tables of the file, and how older files are brought up to date.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::super::{StorageError, Trouble};
use super::tallies;

/// How long a connection waits for another process that writes. Bringing an old file up to date holds the lock for some seconds.
pub(super) const BUSY: Duration = Duration::from_secs(15);

/// Statements that turn format `n` into format `n + 1`. A step that was shipped is never edited.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
];
/// Pages (of 4 KiB) in the write-ahead log from which on a commit copies them to the file. A delivery touches a page of an index for
/// nearly every record, and pages that are touched again before that are copied once.
pub(super) const AUTOCHECKPOINT_PAGES: u32 = 8_000;
/// The first format with tallies.
const FORMAT_TALLIES: i64 = 3;

/// Opens the file for reading and writing and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StorageError> {
    let conn =
        open_file(path, &MIGRATIONS, |conn, found| if found < FORMAT_TALLIES { tallies::build(conn) } else { Ok(()) })?;
    // 64 MiB of pages, so that a large import does not write its pages twice.
    conn.execute_batch("PRAGMA cache_size = -65536")?;
    Ok(conn)
}

/// Opens a file of this program with the steps that bring it up to date.
///
/// `fill` fills the tables that are there then, told the format that was found.
pub(super) fn open_file(
    path: &Path,
    migrations: &[&str],
    fill: impl FnOnce(&Transaction<'_>, i64) -> Result<(), StorageError>,
) -> Result<Connection, StorageError> {
    make_private(path).map_err(|cause| StorageError::caused(Trouble::Unavailable, cause))?;
    let mut conn = connect(path)?;
    migrate(&mut conn, migrations, fill)?;
    Ok(conn)
}

/// Opens a file that [`open`] has brought up to date.
pub(super) fn open_again(path: &Path) -> Result<Connection, StorageError> {
    Ok(connect(path)?)
}

/// - WAL: readers and the writer do not wait for each other.
/// - `synchronous = FULL`: what was answered survives a loss of power.
/// - The planner's stability guarantee: without it SQLite plans a cached statement anew for new values, at several times the
///   cost of running it.
/// - `secure_delete`: what a visitor asked to forget is overwritten, not only unlinked.
fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    set_autocheckpoint(&conn, AUTOCHECKPOINT_PAGES)?;
    Ok(conn)
}

/// Sets how many pages of the write-ahead log let a commit of this connection copy them to the file.
pub(super) fn set_autocheckpoint(conn: &Connection, pages: u32) -> Result<(), rusqlite::Error> {
    conn.pragma_update(None, "wal_autocheckpoint", pages)
}

fn migrate(
    conn: &mut Connection,
    migrations: &[&str],
    fill: impl FnOnce(&Transaction<'_>, i64) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    // The lock is taken first: several processes may find the same old file.
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_one("PRAGMA user_version", (), |row| row.get(0))?;
    if found > known {
        return Err(Trouble::TooNew { found, known }.into());
    }
    let done = usize::try_from(found).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
    for step in migrations.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    fill(&transaction, found)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

/// Makes the file if there is none. One that is there is not touched: closing it would give back the locks that this process holds
/// on it.
fn make_private(path: &Path) -> std::io::Result<()> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// How files are made: readable by their owner only, as the storage holds the secret that signs visitor tokens.
pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
