//! Seats, in a file of their own, so that taking one never waits for a delivery of records.
//!
//! `synchronous = NORMAL`: a commit is one write without a sync. It survives the end of the process; a loss of power may cost the
//! seats of the last moments, which then are taken again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction};

use super::super::seats::{HeadCount, Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules};
use super::super::{StorageError, Trouble};
use super::heads::{find, number};
use super::schema;
use crate::campaign::Rotation;
use crate::id::GroupId;
use crate::time::Timestamp;

/// How long taking a seat waits for the lock of another process; a visitor waits behind it.
pub(super) const BUSY: Duration = Duration::from_millis(80);
/// Holds that are ended at one call, so that no call takes long after a night without any.
const ENDED_MAX: i64 = 5_000;
/// Rows that are forgotten at one call.
const FORGOTTEN_MAX: i64 = 200;
/// A hold is renewed once less than this share of it is left, so that a reload costs no write.
const RENEW_NUMERATOR: i64 = 9;
const RENEW_DENOMINATOR: i64 = 10;
/// Statements that turn format `n` of the file into format `n + 1`.
const MIGRATIONS: [&str; 1] = [include_str!("seats.sql")];

pub(super) const HELD: i64 = 0;
pub(super) const GIVEN_BACK: i64 = 1;
pub(super) const CONFIRMED: i64 = 2;

/// The file beside the storage at `path`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-seats.sqlite"))
}

pub(super) fn open(storage: &Path) -> Result<Connection, StorageError> {
    let conn = schema::open_file(&beside(storage), &MIGRATIONS, |_conn, _found| Ok(()))?;
    conn.busy_timeout(BUSY)?;
    // Statements of a wish and of the upkeep together.
    conn.set_prepared_statement_cache_capacity(32);
    conn.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000")?;
    Ok(conn)
}

/// A group's counters while a batch is under way.
struct Head {
    id: i64,
    count: HeadCount,
    is_changed: bool,
}

/// A seat that a visitor has or had.
struct Held {
    head: i64,
    group: Box<str>,
    state: i64,
    until: i64,
    is_for_same: bool,
    is_of_visit: bool,
}

impl Held {
    fn is_holding(&self) -> bool {
        self.state != GIVEN_BACK
    }
}

pub(super) fn take(
    conn: &Transaction<'_>,
    asks: &[SeatAsk],
    rules: &SeatRules,
    now: Timestamp,
) -> Result<Vec<Seat>, StorageError> {
    end_holds(conn, now)?;
    forget_old(conn, now, rules)?;
    let mut batch = Batch { conn, rules, now_ms: now.unix_ms(), heads: HashMap::new() };
    let seats = asks.iter().map(|ask| batch.seat(ask)).collect::<Result<Vec<_>, _>>()?;
    batch.write_heads()?;
    Ok(seats)
}

/// Seats whose time is over are given back.
fn end_holds(conn: &Transaction<'_>, now: Timestamp) -> Result<(), StorageError> {
    let mut ended: HashMap<i64, i64> = HashMap::new();
    let mut update = conn.prepare_cached(
        "UPDATE seat SET state = 1 WHERE (visitor, head) IN
            (SELECT visitor, head FROM seat WHERE state = 0 AND until <= ?1 ORDER BY until LIMIT ?2) RETURNING head",
    )?;
    let mut rows = update.query((now.unix_ms(), ENDED_MAX))?;
    while let Some(row) = rows.next()? {
        *ended.entry(row.get(0)?).or_default() += 1;
    }
    drop(rows);
    for (head, count) in ended {
        conn.prepare_cached("UPDATE head SET held = held - ?2, given_back = given_back + ?2 WHERE id = ?1")?
            .execute((head, count))?;
    }
    Ok(())
}

/// Who was shown what long ago is forgotten; the counters stay and name nobody.
fn forget_old(conn: &Transaction<'_>, now: Timestamp, rules: &SeatRules) -> Result<(), StorageError> {
    let before = now.unix_ms().saturating_sub(rules.remember_ms);
    for state in [GIVEN_BACK, CONFIRMED] {
        conn.prepare_cached(
            "DELETE FROM seat WHERE (visitor, head) IN
                (SELECT visitor, head FROM seat WHERE state = ?1 AND until < ?2 ORDER BY until LIMIT ?3)",
        )?
        .execute((state, before, FORGOTTEN_MAX))?;
    }
    Ok(())
}

struct Batch<'a> {
    conn: &'a Transaction<'a>,
    rules: &'a SeatRules,
    now_ms: i64,
    heads: HashMap<GroupId, Head>,
}

impl Batch<'_> {
    fn seat(&mut self, ask: &SeatAsk) -> Result<Seat, StorageError> {
        let seats = self.seats_of(ask)?;
        let of = |offer: &SeatOffer| seats.iter().find(|it| *it.group == *offer.group.as_str());
        let same = places(ask).find(|(_, offer)| of(offer).is_some_and(|it| it.is_for_same && it.is_holding()));
        if let Some((place, offer)) = same {
            return self.keep(ask, place, offer, &seats);
        }
        if !ask.is_whole && seats.iter().any(|it| it.is_for_same && it.is_holding()) {
            return Ok(Seat::NoneHere);
        }
        for (rung, offers) in ask.rungs.iter().enumerate() {
            if let Some(offer) = offers.iter().position(|it| of(it).is_some_and(Held::is_holding))
                && let Some(it) = offers.get(offer)
            {
                return self.keep(ask, SeatPlace { rung, offer }, it, &seats);
            }
            if let Some(offer) = self.with_room(offers, ask.rotation, &seats)?
                && let Some(it) = offers.get(offer)
            {
                return self.sit(ask, SeatPlace { rung, offer }, it, &seats);
            }
        }
        Ok(Seat::NoneHere)
    }

    /// What the visitor has and had.
    fn seats_of(&self, ask: &SeatAsk) -> Result<Vec<Held>, StorageError> {
        let mut query = self.conn.prepare_cached(
            "SELECT seat.head, head.name, seat.state, seat.until, seat.wanted, seat.scan
             FROM seat JOIN head ON head.id = seat.head WHERE seat.visitor = ?1",
        )?;
        let mut rows = query.query([ask.visitor.to_bytes()])?;
        let mut seats = Vec::new();
        while let Some(row) = rows.next()? {
            seats.push(Held {
                head: row.get(0)?,
                group: row.get(1)?,
                state: row.get(2)?,
                until: row.get(3)?,
                is_for_same: row.get_ref(4)?.as_str().is_ok_and(|it| it == &*ask.wanted),
                is_of_visit: row.get_ref(5)?.as_blob().is_ok_and(|it| it == ask.scan.to_bytes()),
            });
        }
        Ok(seats)
    }

    /// The group of a rung that has room and is next; one that the visitor was shown before goes first.
    fn with_room(
        &mut self,
        offers: &[SeatOffer],
        rotation: Rotation,
        seats: &[Held],
    ) -> Result<Option<usize>, StorageError> {
        let rate = self.rules.join_rate;
        let mut best: Option<(f64, usize)> = None;
        let was_shown = |it: &SeatOffer| seats.iter().any(|was| *was.group == *it.group.as_str());
        let known = offers.iter().enumerate().filter(|(_, it)| was_shown(it));
        let others = offers.iter().enumerate().filter(|(_, it)| !was_shown(it));
        for (is_known, (place, it)) in known.map(|it| (true, it)).chain(others.map(|it| (false, it))) {
            let own = seats.iter().find(|was| *was.group == *it.group.as_str());
            let head = self.head(&it.group)?;
            let mut count = head.count;
            if own.is_some_and(|own| is_counted(own, &count)) {
                count.given_back = count.given_back.saturating_sub(1);
            }
            if !count.has_room(it.capacity, rate) {
                continue;
            }
            if is_known || rotation == Rotation::InOrder {
                return Ok(Some(place));
            }
            let filled = count.heads(rate) / f64::from(it.capacity.max(1));
            if best.is_none_or(|(least, _)| filled < least) {
                best = Some((filled, place));
            }
        }
        Ok(best.map(|(_, place)| place))
    }

    fn head(&mut self, group: &GroupId) -> Result<&mut Head, StorageError> {
        if !self.heads.contains_key(group) {
            // A group that nobody sits in has no row yet; it gets one when its counters are written.
            let (id, count) = find(self.conn, group.as_str())?.unwrap_or_default();
            self.heads.insert(group.clone(), Head { id, count, is_changed: false });
        }
        self.heads.get_mut(group).ok_or_else(|| Trouble::Corrupt.into())
    }

    /// A seat that is held already: renewed, and the others of this visit given back.
    fn keep(
        &mut self,
        ask: &SeatAsk,
        place: SeatPlace,
        offer: &SeatOffer,
        seats: &[Held],
    ) -> Result<Seat, StorageError> {
        let seat = Seat::Kept(place);
        let Some(own) = seats.iter().find(|it| *it.group == *offer.group.as_str()).filter(|_| !ask.is_peek) else {
            return Ok(seat);
        };
        let left_ms = own.until.saturating_sub(self.now_ms);
        let is_worn = left_ms < self.rules.hold_ms / RENEW_DENOMINATOR * RENEW_NUMERATOR;
        if own.state == HELD && (is_worn || !own.is_for_same) {
            self.conn
                .prepare_cached("UPDATE seat SET until = ?3, wanted = ?4 WHERE visitor = ?1 AND head = ?2")?
                .execute((
                    ask.visitor.to_bytes(),
                    own.head,
                    self.now_ms.saturating_add(self.rules.hold_ms),
                    &*ask.wanted,
                ))?;
        }
        self.leave_others(ask, own.head, seats)?;
        Ok(seat)
    }

    /// A seat that the visitor does not hold.
    fn sit(
        &mut self,
        ask: &SeatAsk,
        place: SeatPlace,
        offer: &SeatOffer,
        seats: &[Held],
    ) -> Result<Seat, StorageError> {
        let seat = Seat::Taken(place);
        if ask.is_peek {
            return Ok(seat);
        }
        let own = seats.iter().find(|it| *it.group == *offer.group.as_str());
        let conn = self.conn;
        let head = self.head(&offer.group)?;
        if head.id == 0 {
            head.id = number(conn, offer.group.as_str())?;
        }
        if own.is_some_and(|own| is_counted(own, &head.count)) {
            head.count.given_back = head.count.given_back.saturating_sub(1);
        }
        head.count.held += 1;
        head.is_changed = true;
        let id = head.id;
        conn.prepare_cached(
            "INSERT INTO seat (visitor, head, state, until, wanted, scan) VALUES (?1, ?2, 0, ?3, ?4, ?5)
             ON CONFLICT (visitor, head) DO UPDATE SET
                state = 0, until = excluded.until, wanted = excluded.wanted, scan = excluded.scan",
        )?
        .execute((
            ask.visitor.to_bytes(),
            id,
            self.now_ms.saturating_add(self.rules.hold_ms),
            &*ask.wanted,
            ask.scan.to_bytes(),
        ))?;
        self.leave_others(ask, id, seats)?;
        Ok(seat)
    }

    /// One visit holds one seat: the code of the other one is no longer on the screen.
    fn leave_others(&mut self, ask: &SeatAsk, kept: i64, seats: &[Held]) -> Result<(), StorageError> {
        for it in seats.iter().filter(|it| it.is_of_visit && it.state == HELD && it.head != kept) {
            let Ok(group) = GroupId::parse(&it.group) else { continue };
            self.conn
                .prepare_cached("DELETE FROM seat WHERE visitor = ?1 AND head = ?2")?
                .execute((ask.visitor.to_bytes(), it.head))?;
            let head = self.head(&group)?;
            head.count.held = head.count.held.saturating_sub(1);
            head.is_changed = true;
        }
        Ok(())
    }

    fn write_heads(&self) -> Result<(), StorageError> {
        let mut update = self.conn.prepare_cached("UPDATE head SET held = ?2, given_back = ?3 WHERE id = ?1")?;
        for head in self.heads.values().filter(|it| it.is_changed) {
            update.execute((head.id, head.count.held, head.count.given_back))?;
        }
        Ok(())
    }
}

/// Every group of an ask with its place, in order.
fn places(ask: &SeatAsk) -> impl Iterator<Item = (SeatPlace, &SeatOffer)> {
    ask.rungs
        .iter()
        .enumerate()
        .flat_map(|(rung, offers)| offers.iter().enumerate().map(move |(offer, it)| (SeatPlace { rung, offer }, it)))
}

/// Whether a seat that was given back still stands in the estimate, and not in a count that came later.
fn is_counted(seat: &Held, count: &HeadCount) -> bool {
    seat.state == GIVEN_BACK && count.members.is_none_or(|(_, at)| seat.until > at.unix_ms())
}
