//! Seats that were shown while storage did not answer: counted afterwards, whether or not there is room. Taking seats is in `seats`.

use rusqlite::Transaction;

use super::super::StorageError;
use super::super::seats::SeatRules;
use super::heads::number;
use super::seats::{CONFIRMED, GIVEN_BACK, HELD};
use crate::group::SeatClaim;
use crate::time::Timestamp;

/// A seat that the visitor of a claim has or had.
struct Own {
    head: i64,
    is_here: bool,
    state: i64,
    until: i64,
    is_of_visit: bool,
    /// Whether it is of the same visit or for the same wish.
    is_rival: bool,
}

pub(super) fn claim(
    conn: &Transaction<'_>,
    claims: &[SeatClaim],
    rules: &SeatRules,
    now: Timestamp,
) -> Result<(), StorageError> {
    claims.iter().try_for_each(|it| one(conn, it, it.at.unix_ms().saturating_add(rules.hold_ms), now.unix_ms()))
}

/// One claim, whose hold ends at this moment.
fn one(conn: &Transaction<'_>, claim: &SeatClaim, ends: i64, now: i64) -> Result<(), StorageError> {
    let seats = seats_of(conn, claim)?;
    let here = seats.iter().find(|it| it.is_here);
    match here {
        Some(it) if it.state == CONFIRMED => return Ok(()),
        Some(it) if it.state == HELD => {
            conn.prepare_cached(
                "UPDATE seat SET until = max(until, ?3), wanted = ?4 WHERE visitor = ?1 AND head = ?2",
            )?
            .execute((claim.visitor.to_bytes(), it.head, ends, &*claim.wanted))?;
            return Ok(());
        }
        // It was counted before, or the group was shown again since.
        Some(it) if it.is_of_visit || it.until >= ends => return Ok(()),
        Some(_) | None => {}
    }
    let rivals = || seats.iter().filter(|it| it.is_rival && !it.is_here);
    if rivals().any(|it| it.state == CONFIRMED || (it.state == HELD && it.until > ends)) {
        return Ok(());
    }
    for it in rivals().filter(|it| it.state == HELD) {
        conn.prepare_cached("DELETE FROM seat WHERE visitor = ?1 AND head = ?2")?
            .execute((claim.visitor.to_bytes(), it.head))?;
        conn.prepare_cached("UPDATE head SET held = max(held - 1, 0) WHERE id = ?1")?.execute([it.head])?;
    }
    let head = number(conn, claim.group.as_str())?;
    let (becomes, seated, given_back) = if ends > now { (HELD, 1, 0) } else { (GIVEN_BACK, 0, 1) };
    // A count of members that came later holds what was given back before it.
    conn.prepare_cached(
        "UPDATE head SET held = held + ?2,
            given_back = max(given_back + (?3 AND coalesce(members_at < ?4, 1)) - coalesce(?5 > coalesce(members_at, ?5 - 1), 0), 0)
         WHERE id = ?1",
    )?
    .execute((head, seated, given_back, ends, here.map(|it| it.until)))?;
    conn.prepare_cached(
        "INSERT INTO seat (visitor, head, state, until, wanted, scan) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (visitor, head) DO UPDATE SET
            state = excluded.state, until = excluded.until, wanted = excluded.wanted, scan = excluded.scan",
    )?
    .execute((claim.visitor.to_bytes(), head, becomes, ends, &*claim.wanted, claim.scan.to_bytes()))?;
    Ok(())
}

fn seats_of(conn: &Transaction<'_>, claim: &SeatClaim) -> Result<Vec<Own>, StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT seat.head, head.name = ?2, seat.state, seat.until, seat.scan = ?3, seat.wanted = ?4
         FROM seat JOIN head ON head.id = seat.head WHERE seat.visitor = ?1",
    )?;
    let key = (claim.visitor.to_bytes(), claim.group.as_str(), claim.scan.to_bytes(), &*claim.wanted);
    let found = query.query_map(key, |row| {
        let (is_of_visit, is_for_same): (bool, bool) = (row.get(4)?, row.get(5)?);
        Ok(Own {
            head: row.get(0)?,
            is_here: row.get(1)?,
            state: row.get(2)?,
            until: row.get(3)?,
            is_of_visit,
            is_rival: is_of_visit || is_for_same,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
