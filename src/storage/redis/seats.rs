//! Seats in Redis: each call is one script, so that nobody comes between a look at the counters and the seat.
//!
//! A wish spans groups of several owners, so everything of seats lies under one hash tag.

use redis::{Script, ScriptInvocation};

use super::super::{HeadCount, Seat, SeatAsk, SeatPlace, SeatRules, StorageError, Trouble};
use super::keys;
use super::link::{Link, Patience};
use crate::campaign::Rotation;
use crate::group::SeatClaim;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

/// Wishes in one script.
const ASKS_MAX: usize = 256;
/// Claims in one script.
const CLAIMS_MAX: usize = 200;
/// Groups whose counters one script reads or writes.
const GROUPS_MAX: usize = 500;
/// Holds that are over and that one reading of counters ends at most.
const ENDED_MAX: usize = 500;
/// How often that is repeated before counters are read as they are.
const ENDED_ROUNDS_MAX: usize = 200;
/// Numbers of a wish in the answer, and of a group.
const NUMBERS_OF_ASK: usize = 3;
const NUMBERS_OF_GROUP: usize = 5;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("scripts/seats.lua"), include_str!(concat!("scripts/seats_", $name, ".lua"))))
    };
}

/// A call with the keys that every script of seats gets.
fn call(script: &Script) -> ScriptInvocation<'_> {
    let mut call = script.prepare_invoke();
    call.key(keys::SEAT_HEADS).key(keys::SEAT_ENDS).key(keys::SEAT_REMEMBER).key(keys::SEAT_NEVER);
    call.arg(keys::SEATS_OF_VISITOR);
    call
}

/// Who asks, and what has to be noted of them where all seats are counted.
type Expected = (Vec<u8>, u64);

/// As [`call`], for scripts that answer only where all seats are counted.
fn call_whole(script: &Script) -> ScriptInvocation<'_> {
    let mut call = call(script);
    call.key(keys::SEAT_DELIVERED).key(keys::SEATS_AGAIN);
    call
}

pub(super) fn take(
    link: &Link,
    expected: &Expected,
    asks: &[SeatAsk],
    rules: &SeatRules,
    now: Timestamp,
) -> Result<Vec<Seat>, StorageError> {
    let script = script!("take");
    let mut seats = Vec::with_capacity(asks.len());
    for asks in asks.chunks(ASKS_MAX) {
        let mut call = call_whole(&script);
        call.arg(now.unix_ms()).arg(rules.hold_ms).arg(rules.join_rate).arg(rules.remember_ms).arg(asks.len());
        call.arg(&expected.0).arg(expected.1);
        for ask in asks {
            add_ask(&mut call, ask);
        }
        let numbers: Vec<usize> = link.with(Patience::Visit, |conn| call.invoke(conn))?;
        if numbers.is_empty() {
            return Err(not_counted());
        }
        if numbers.len() != asks.len() * NUMBERS_OF_ASK {
            return Err(Trouble::Corrupt.into());
        }
        seats.extend(numbers.chunks_exact(NUMBERS_OF_ASK).map(|it| match *it {
            [1, rung, offer] => Seat::Taken(SeatPlace { rung, offer }),
            [2, rung, offer] => Seat::Kept(SeatPlace { rung, offer }),
            _ => Seat::NoneHere,
        }));
    }
    Ok(seats)
}

/// Storage has lost seats that are not counted again yet.
fn not_counted() -> StorageError {
    StorageError::caused(Trouble::Unavailable, "not all seats are counted again that storage had lost")
}

fn add_ask(call: &mut ScriptInvocation<'_>, ask: &SeatAsk) {
    let flags = [(ask.rotation == Rotation::LeastFilled, 'l'), (ask.is_whole, 'w'), (ask.is_peek, 'p')];
    let flags: String = flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag).collect();
    call.arg(&ask.visitor.to_bytes()[..])
        .arg(&ask.scan.to_bytes()[..])
        .arg(&*ask.wanted)
        .arg(flags)
        .arg(ask.rungs.len());
    for offers in &ask.rungs {
        call.arg(offers.len());
        for offer in offers {
            call.arg(offer.group.as_str()).arg(offer.capacity);
        }
    }
}

/// `shift_ms` is by how much moments of the caller's clock are moved. What was shown before a clock was set right does not become later
/// than now.
pub(super) fn claim(
    link: &Link,
    claims: &[SeatClaim],
    rules: &SeatRules,
    (now, shift_ms): (Timestamp, i64),
) -> Result<(), StorageError> {
    let now = now.plus_ms(shift_ms);
    let moved = |at: Timestamp| if shift_ms == 0 { at } else { at.plus_ms(shift_ms).min(now) };
    let script = script!("claim");
    for claims in claims.chunks(CLAIMS_MAX) {
        let mut call = call(&script);
        call.arg(now.unix_ms()).arg(rules.hold_ms).arg(rules.remember_ms);
        for it in claims {
            call.arg(&it.visitor.to_bytes()[..]).arg(&it.scan.to_bytes()[..]);
            call.arg(it.group.as_str()).arg(&*it.wanted).arg(moved(it.at).unix_ms());
        }
        link.with(Patience::Work, |conn| call.invoke::<()>(conn))?;
    }
    Ok(())
}

pub(super) fn confirm(link: &Link, visitor: VisitorId, group: &GroupId, now: Timestamp) -> Result<(), StorageError> {
    let script = script!("confirm");
    let mut call = call(&script);
    call.arg(&visitor.to_bytes()[..]).arg(group.as_str()).arg(now.unix_ms());
    link.with(Patience::Work, |conn| call.invoke(conn))
}

pub(super) fn set_members(link: &Link, members: &[(GroupId, u32)], at: Timestamp) -> Result<(), StorageError> {
    let script = script!("members");
    for members in members.chunks(GROUPS_MAX) {
        let mut call = call(&script);
        call.arg(at.unix_ms());
        for (group, members) in members {
            call.arg(group.as_str()).arg(*members);
        }
        link.with(Patience::Work, |conn| call.invoke::<()>(conn))?;
    }
    Ok(())
}

/// What is held is told apart from what was given back once nobody delivers again: until then visits of before are counted again.
pub(super) fn raise_heads(link: &Link, heads: &[(GroupId, HeadCount)]) -> Result<(), StorageError> {
    let script = script!("raise");
    for heads in heads.chunks(GROUPS_MAX) {
        let mut call = call(&script);
        for (group, it) in heads {
            let (members, at) = it.members.map_or((-1, -1), |(members, at)| (i64::from(members), at.unix_ms()));
            call.arg(group.as_str()).arg(members).arg(at).arg(it.confirmed);
            call.arg(u64::from(it.held) + u64::from(it.given_back));
        }
        link.with(Patience::Work, |conn| call.invoke::<()>(conn))?;
    }
    Ok(())
}

/// Holds that are over are given back first: whose they are is known by their end, not by their group.
pub(super) fn head_counts(
    link: &Link,
    expected: &Expected,
    groups: &[GroupId],
    now: Timestamp,
) -> Result<Vec<HeadCount>, StorageError> {
    let mut rounds = 0;
    while read_counts(link, expected, &[], now)?.0 >= ENDED_MAX && rounds < ENDED_ROUNDS_MAX {
        rounds += 1;
    }
    let mut counts = Vec::with_capacity(groups.len());
    for groups in groups.chunks(GROUPS_MAX) {
        counts.extend(read_counts(link, expected, groups, now)?.1);
    }
    Ok(counts)
}

/// How many holds were ended, and the counters.
fn read_counts(
    link: &Link,
    expected: &Expected,
    groups: &[GroupId],
    now: Timestamp,
) -> Result<(usize, Vec<HeadCount>), StorageError> {
    let script = script!("count");
    let mut call = call_whole(&script);
    call.arg(now.unix_ms()).arg(ENDED_MAX).arg(&expected.0).arg(expected.1);
    for group in groups {
        call.arg(group.as_str());
    }
    let numbers: Vec<i64> = link.with(Patience::Work, |conn| call.invoke(conn))?;
    let corrupt = || StorageError::from(Trouble::Corrupt);
    let (ended, numbers) = numbers.split_first().ok_or_else(not_counted)?;
    let counts = numbers.chunks_exact(NUMBERS_OF_GROUP).map(head_count).collect::<Option<Vec<_>>>();
    let counts = counts.filter(|it| it.len() == groups.len()).ok_or_else(corrupt)?;
    Ok((usize::try_from(*ended).unwrap_or(0), counts))
}

fn head_count(numbers: &[i64]) -> Option<HeadCount> {
    let &[members, at, confirmed, held, given_back] = numbers else { return None };
    let count = |number: i64| u32::try_from(number).ok();
    Some(HeadCount {
        members: count(members).map(|it| (it, Timestamp::from_unix_ms(at))),
        confirmed: count(confirmed)?,
        held: count(held)?,
        given_back: count(given_back)?,
    })
}

/// Forgets the seats of a visitor; with a visit, only those of that visit. Returns how many there were.
pub(super) fn forget(link: &Link, visitor: VisitorId, visit: Option<ScanId>) -> Result<u64, StorageError> {
    let script = script!("forget");
    let mut call = call(&script);
    let visit = visit.map(ScanId::to_bytes);
    call.arg(&visitor.to_bytes()[..]).arg(visit.as_ref().map_or(&[][..], |it| &it[..]));
    link.with(Patience::Work, |conn| call.invoke(conn))
}
