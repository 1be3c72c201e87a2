//! How full groups were when storage said so last, on the disk of every instance: so that groups that are full stay so when storage has
//! lost who is in them.
//!
//! Nobody waits for it: what storage says of a group is kept when its members or joins change, and else now and then.

use rusqlite::Connection;

use super::error::OutboxError;
use super::kept::Kept;
use crate::id::GroupId;
use crate::time::Timestamp;

/// How old what is kept of the seats of a group may become. What is younger is kept as records of visits.
const SEATS_EVERY_MS: i64 = 60_000;
/// Groups that are kept, some 100 bytes each; at each start those beyond that are let go which nobody asked about longest.
const HEADS_MAX: i64 = 1_000_000;

pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS heads (
        name TEXT PRIMARY KEY, members INTEGER, members_at INTEGER, joined INTEGER NOT NULL, seats INTEGER NOT NULL,
        kept_at INTEGER NOT NULL
    ) WITHOUT ROWID;";

/// How full a group was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptHead {
    /// The number of members that was counted last, and when.
    pub members: Option<(u32, Timestamp)>,
    /// Joins since.
    pub joined: u32,
    /// Seats that were held, or given back since.
    pub seats: u32,
}

pub(super) fn trim(conn: &Connection) -> Result<(), OutboxError> {
    conn.execute(
        "DELETE FROM heads WHERE name IN (SELECT name FROM heads ORDER BY kept_at DESC LIMIT -1 OFFSET ?1)",
        [HEADS_MAX],
    )?;
    Ok(())
}

impl Kept {
    /// Keeps how full groups are; those with nobody in them are let go of.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn keep_heads(&self, heads: &[(GroupId, KeptHead)], now: Timestamp) -> Result<(), OutboxError> {
        let mut conn = self.conn();
        let writing = super::kept::begin(&mut conn)?;
        let mut keep = writing.prepare_cached(
            "INSERT INTO heads VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE SET
                members = ?2, members_at = ?3, joined = ?4, seats = ?5, kept_at = ?6
             WHERE members IS NOT ?2 OR members_at IS NOT ?3 OR joined <> ?4 OR (seats <> ?5 AND kept_at <= ?6 - ?7)",
        )?;
        let mut drop_one = writing.prepare_cached("DELETE FROM heads WHERE name = ?1")?;
        for (group, it) in heads {
            if *it == KeptHead::default() {
                drop_one.execute([group.as_str()])?;
                continue;
            }
            let (members, at) = it.members.map(|(members, at)| (members, at.unix_ms())).unzip();
            keep.execute((group.as_str(), members, at, it.joined, it.seats, now.unix_ms(), SEATS_EVERY_MS))?;
        }
        drop((keep, drop_one));
        Ok(writing.commit()?)
    }

    /// How full groups were, by their ids, at most `limit` after one; what is not readable is left out.
    ///
    /// # Errors
    /// As [`Kept::who`].
    pub fn heads(&self, after: Option<&GroupId>, limit: u32) -> Result<Vec<(GroupId, KeptHead)>, OutboxError> {
        let conn = self.conn();
        let mut query = conn.prepare_cached(
            "SELECT name, members, members_at, joined, seats FROM heads WHERE name > ?1 ORDER BY name LIMIT ?2",
        )?;
        let rows = query.query_map((after.map_or("", GroupId::as_str), limit), |row| {
            let (members, at): (Option<u32>, Option<i64>) = (row.get(1)?, row.get(2)?);
            let members = members.zip(at.map(Timestamp::from_unix_ms));
            Ok((row.get::<_, String>(0)?, KeptHead { members, joined: row.get(3)?, seats: row.get(4)? }))
        })?;
        let mut heads = Vec::new();
        for row in rows {
            let (name, head) = row?;
            heads.extend(GroupId::parse(&name).ok().map(|it| (it, head)));
        }
        Ok(heads)
    }
}
