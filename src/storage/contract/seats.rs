//! How every backend gives seats: never one too many, the same one again, given back after the hold.

use std::thread;
use std::time::Duration;

use super::super::{HeadCount, Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules, Storage, StorageError, Trouble};
use super::{Finding, expect};
use crate::campaign::Rotation;
use crate::group::SeatClaim;
use crate::id::{GroupId, IdError, ScanId, VisitorId};
use crate::time::Timestamp;

/// Rounds of the race for ten seats.
const ROUNDS: u32 = 12;
const RACERS: u32 = 100;
/// How often a racer asks again on a machine that is busy with other things.
const ASKED_AGAIN_MAX: u32 = 20;
const ASK_AGAIN: Duration = Duration::from_millis(100);
const SEATS: u32 = 10;
const THREADS: u32 = 8;

const NOW_MS: i64 = 1_790_000_000_000;

fn later(minutes: i64) -> Timestamp {
    Timestamp::from_unix_ms(NOW_MS + minutes * 60_000)
}

fn rules() -> SeatRules {
    SeatRules::new(30, 0.5, 30)
}

fn visitor(n: u32) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, u128::from(n))
}

fn offers(groups: &[(&str, u32)]) -> Result<Vec<SeatOffer>, IdError> {
    groups.iter().map(|&(id, capacity)| Ok(SeatOffer { group: GroupId::parse(id)?, capacity })).collect()
}

/// The wish of a visitor at a visit of the same number.
fn ask(n: u32, wanted: &str, rungs: &[&[(&str, u32)]]) -> Result<SeatAsk, IdError> {
    Ok(SeatAsk {
        visitor: visitor(n),
        scan: ScanId::from_parts(1_790_000_000_000, u128::from(n)),
        wanted: wanted.into(),
        rungs: rungs.iter().map(|it| offers(it)).collect::<Result<_, _>>()?,
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    })
}

fn take(storage: &dyn Storage, asks: &[SeatAsk], now: Timestamp) -> Result<Vec<Seat>, StorageError> {
    storage.take_seats(asks, &rules(), now)
}

/// Asks again where storage did not answer in the time that a visit has; that is harmless.
fn take_at_last(storage: &dyn Storage, asks: &[SeatAsk]) -> Result<Vec<Seat>, StorageError> {
    for _ in 0..ASKED_AGAIN_MAX {
        match take(storage, asks, later(0)) {
            Err(error) if error.kind() == Trouble::Unavailable => thread::sleep(ASK_AGAIN),
            answer => return answer,
        }
    }
    take(storage, asks, later(0))
}

fn taken(rung: usize, offer: usize) -> Seat {
    Seat::Taken(SeatPlace { rung, offer })
}

fn kept(rung: usize, offer: usize) -> Seat {
    Seat::Kept(SeatPlace { rung, offer })
}

fn heads(
    storage: &dyn Storage,
    group: &str,
    now: Timestamp,
) -> Result<HeadCount, Box<dyn std::error::Error + Send + Sync>> {
    let counts = storage.head_counts(&[GroupId::parse(group)?], now)?;
    Ok(counts.first().copied().ok_or("one group, one count")?)
}

/// A hundred visitors race for ten seats from several threads, many times: ten get one, never eleven.
pub fn check_race(storage: &dyn Storage) -> Finding {
    for round in 0..ROUNDS {
        let group = format!("group {round}");
        let rungs: [&[(&str, u32)]; 1] = [&[(&group, SEATS)]];
        let mut asks = Vec::new();
        for n in 0..RACERS {
            asks.push(ask(round * RACERS + n, "store:a", &rungs)?);
        }
        let share = asks.len().div_ceil(usize::try_from(THREADS)?);
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = asks
                .chunks(share)
                // Batches of different sizes, so that they meet in different ways.
                .enumerate()
                .map(|(at, asks)| {
                    scope.spawn(move || {
                        let batches = asks.chunks(at % 3 + 1).map(|batch| take_at_last(storage, batch));
                        batches.collect::<Result<Vec<_>, _>>().map(|it| it.concat())
                    })
                })
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        let mut seated = 0;
        for result in results {
            let seats = result.map_err(|_panic| "a visitor panicked")??;
            seated += seats.iter().filter(|it| it.place() == taken(0, 0).place()).count();
        }
        expect("seated", &seated, &usize::try_from(SEATS)?)?;
        expect("heads", &heads(storage, &group, later(0))?.held, &SEATS)?;
    }
    Ok(())
}

/// Groups fill in their order; who is seated keeps the seat at every visit, and an earlier rung with room again does not move them.
pub fn check_keep(storage: &dyn Storage) -> Finding {
    let rungs: [&[(&str, u32)]; 2] = [&[("a", 1), ("b", 1)], &[("c", 1)]];
    let all = [
        ask(1, "store:x", &rungs)?,
        ask(2, "store:x", &rungs)?,
        ask(3, "store:x", &rungs)?,
        ask(4, "store:x", &rungs)?,
    ];
    expect("first", &take(storage, &all, later(0))?, &vec![taken(0, 0), taken(0, 1), taken(1, 0), Seat::NoneHere])?;
    expect("again", &take(storage, &all, later(1))?, &vec![kept(0, 0), kept(0, 1), kept(1, 0), Seat::NoneHere])?;
    // Room in the first rung: the fourth gets it, the third stays.
    let larger: [&[(&str, u32)]; 2] = [&[("a", 2), ("b", 1)], &[("c", 1)]];
    let all = [ask(3, "store:x", &larger)?, ask(4, "store:x", &larger)?];
    expect("with room", &take(storage, &all, later(2))?, &vec![kept(1, 0), taken(0, 0)])?;
    // With the first rung alone, who sits farther down is told to ask for more.
    let own = SeatAsk { is_whole: false, ..ask(3, "store:x", &larger[..1])? };
    expect("first rung alone", &take(storage, &[own], later(2))?, &vec![Seat::NoneHere])?;
    // Who wants something else is led there, and keeps a seat that is met on the way.
    let other: [&[(&str, u32)]; 2] = [&[("d", 0)], &[("e", 1), ("c", 1)]];
    expect("another wish", &take(storage, &[ask(3, "store:y", &other)?], later(3))?, &vec![kept(1, 1)])
}

/// A visitor whose group is no longer offered moves on; a refresh costs nothing; a visit holds one seat.
pub fn check_move(storage: &dyn Storage) -> Finding {
    let one = ask(1, "store:x", &[&[("a", 5), ("b", 5)]])?;
    for minute in 0..20 {
        take(storage, std::slice::from_ref(&one), later(minute))?;
    }
    expect("after refreshing", &heads(storage, "a", later(20))?.held, &1)?;
    let without = SeatAsk { scan: ScanId::from_parts(1, 99), ..ask(1, "store:x", &[&[("b", 5)]])? };
    expect("its group is gone", &take(storage, &[without], later(21))?, &vec![taken(0, 0)])?;
    expect("both are held", &(heads(storage, "a", later(21))?.held, heads(storage, "b", later(21))?.held), &(1, 1))?;
    // The same visit, refined: the seat of the first answer is free again at once, and counts for nothing.
    let first = ask(2, "campaign:default", &[&[("c", 1)]])?;
    let refined = ask(2, "store:x", &[&[("d", 1)]])?;
    take(storage, &[first.clone(), refined], later(0))?;
    expect("left", &heads(storage, "c", later(0))?, &HeadCount::default())?;
    let peek = SeatAsk { is_peek: true, ..ask(3, "campaign:default", &[&[("c", 1)]])? };
    expect("a peek", &take(storage, &[peek], later(0))?, &vec![taken(0, 0)])?;
    expect("takes nothing", &heads(storage, "c", later(0))?, &HeadCount::default())
}

/// A seat without a join is given back after the hold and counts for the join rate from then on; who comes back gets the same group.
pub fn check_give_back(storage: &dyn Storage) -> Finding {
    let rungs: [&[(&str, u32)]; 1] = [&[("a", 2), ("b", 9)]];
    let of = |n| ask(n, "store:x", &rungs);
    expect(
        "two fill it",
        &take(storage, &[of(1)?, of(2)?, of(3)?], later(0))?,
        &vec![taken(0, 0), taken(0, 0), taken(0, 1)],
    )?;
    // Seen again half-way, the hold begins anew.
    expect("seen again", &take(storage, &[of(1)?], later(15))?, &vec![kept(0, 0)])?;
    expect("one is given back", &take(storage, &[of(4)?], later(31))?, &vec![taken(0, 1)])?;
    let found = heads(storage, "a", later(31))?;
    expect("count", &found, &HeadCount { members: None, confirmed: 0, held: 1, given_back: 1 })?;
    // 0 held and 2 × 0.5 given back: room for one.
    expect("two are given back", &take(storage, &[of(5)?, of(6)?], later(60))?, &vec![taken(0, 0), taken(0, 1)])?;
    // The third was shown b; a has room by now and comes first, b is where they were.
    let larger: [&[(&str, u32)]; 1] = [&[("a", 9), ("b", 9)]];
    expect("who comes back", &take(storage, &[ask(3, "store:x", &larger)?], later(61))?, &vec![taken(0, 1)])?;
    // The first counted for a half until now, and counts for a whole again: 1 held, 1 × 0.5 given back, and themselves.
    let three: [&[(&str, u32)]; 1] = [&[("a", 3)]];
    expect("themselves", &take(storage, &[ask(1, "store:x", &three)?], later(61))?, &vec![taken(0, 0)])?;
    let found = heads(storage, "a", later(61))?;
    expect("count at the end", &found, &HeadCount { members: None, confirmed: 0, held: 2, given_back: 1 })
}

/// The group that is filled least in proportion comes first; of equals the earlier.
pub fn check_least_filled(storage: &dyn Storage) -> Finding {
    let rungs: [&[(&str, u32)]; 1] = [&[("a", 4), ("b", 8), ("full", 0)]];
    let mut seats = Vec::new();
    for n in 0..13 {
        let ask = SeatAsk { rotation: Rotation::LeastFilled, ..ask(n, "store:x", &rungs)? };
        seats.extend(take(storage, &[ask], later(0))?);
    }
    let offers: Vec<_> = seats.iter().map(|it| it.place().map(|it| it.offer)).collect();
    let expected = [0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1].map(Some);
    expect("order", &offers, &expected.into_iter().chain([None]).collect())
}

/// What was lost of groups is there again, once, whichever of it is claimed again.
pub fn check_raise(storage: &dyn Storage) -> Finding {
    let group = |id| GroupId::parse(id);
    let count = |members, confirmed, held, given_back| HeadCount { members, confirmed, held, given_back };
    let members = Some((8, later(10)));
    let lost = [
        (group("counted")?, count(members, 1, 2, 3)),
        (group("never")?, count(None, 1, 2, 3)),
        (group("anew")?, count(members, 1, 2, 3)),
    ];
    storage.set_members(&[(group("anew")?, 3)], later(20))?;
    for _ in 0..2 {
        storage.raise_heads(&lost)?;
    }
    expect("counted", &heads(storage, "counted", later(11))?, &count(members, 1, 0, 5))?;
    expect("never", &heads(storage, "never", later(11))?, &count(None, 1, 0, 5))?;
    let anew = || heads(storage, "anew", later(21));
    expect("counted later", &anew()?, &count(Some((3, later(20))), 0, 0, 0))?;
    take(storage, &[ask(1, "store:x", &[&[("anew", 10)]])?, ask(2, "store:x", &[&[("anew", 10)]])?], later(21))?;
    // As many are held as were lost, and one more was given back.
    storage.raise_heads(&[(group("anew")?, count(Some((3, later(20))), 0, 1, 2))])?;
    expect("held again", &anew()?, &count(Some((3, later(20))), 0, 2, 1))?;
    let full = take(storage, &[ask(3, "store:x", &[&[("counted", 9)]])?], later(21))?;
    expect("full", &full, &vec![Seat::NoneHere])
}

/// A real count replaces the estimate; joins seen later are added; a count that is older changes nothing.
pub fn check_members(storage: &dyn Storage) -> Finding {
    let group = GroupId::parse("a")?;
    let of = |n| ask(n, "store:x", &[&[("a", 10)]]);
    take(storage, &[of(1)?, of(2)?], later(0))?;
    take(storage, &[of(3)?], later(40))?;
    storage.set_members(&[(group.clone(), 8)], later(41))?;
    let found = heads(storage, "a", later(41))?;
    expect("counted", &found, &HeadCount { members: Some((8, later(41))), confirmed: 0, held: 1, given_back: 0 })?;
    expect("one more", &take(storage, &[of(4)?, of(5)?], later(42))?, &vec![taken(0, 0), Seat::NoneHere])?;
    storage.confirm_seat(visitor(4), &group, later(43))?;
    storage.confirm_seat(visitor(4), &group, later(44))?;
    // Nobody holds a seat for this one, who came by another way.
    storage.confirm_seat(visitor(77), &group, later(44))?;
    let found = heads(storage, "a", later(44))?;
    expect("joined", &found, &HeadCount { members: Some((8, later(41))), confirmed: 2, held: 1, given_back: 0 })?;
    expect("a member keeps the group", &take(storage, &[of(4)?], later(9_000))?, &vec![kept(0, 0)])?;
    storage.set_members(&[(group.clone(), 3)], later(40))?;
    expect("an old count", &heads(storage, "a", later(44))?.members, &Some((8, later(41))))?;
    storage.set_members(&[(group, 3)], later(9_001))?;
    let found = heads(storage, "a", later(9_001))?;
    expect(
        "counted anew",
        &found,
        &HeadCount { members: Some((3, later(9_001))), confirmed: 0, held: 0, given_back: 0 },
    )?;
    // What the count has absorbed is not taken off again when the visitor comes back.
    expect("comes back", &take(storage, &[of(1)?], later(9_002))?, &vec![taken(0, 0)])?;
    expect("heads", &heads(storage, "a", later(9_002))?.held, &1)
}

/// Whoever asks to be forgotten is; what they counted for stays.
pub fn check_forget(storage: &dyn Storage) -> Finding {
    let rungs: [&[(&str, u32)]; 1] = [&[("a", 1), ("b", 9)]];
    take(storage, &[ask(1, "store:x", &rungs)?, ask(2, "store:x", &rungs)?], later(0))?;
    expect("seats", &storage.forget(visitor(1), later(0))?.seats, &1)?;
    expect("again", &storage.forget(visitor(1), later(0))?.seats, &0)?;
    let found = heads(storage, "a", later(0))?;
    expect("count", &found, &HeadCount { members: None, confirmed: 0, held: 0, given_back: 1 })?;
    expect("a stranger by now", &take(storage, &[ask(1, "store:x", &rungs)?], later(0))?, &vec![taken(0, 1)])
}

/// The claim of a visitor at a visit of the same number, for what was shown some minutes from the beginning.
fn claim(n: u32, wanted: &str, group: &str, minutes: i64) -> Result<SeatClaim, IdError> {
    let it = ask(n, wanted, &[])?;
    let (group, at) = (GroupId::parse(group)?, later(minutes));
    Ok(SeatClaim { visitor: it.visitor, scan: it.scan, group, wanted: it.wanted, at })
}

/// What was shown while storage did not answer is counted afterwards, once, also in a group without room.
pub fn check_claims(storage: &dyn Storage) -> Finding {
    let rungs: [&[(&str, u32)]; 1] = [&[("a", 1), ("b", 9)]];
    let held = |group, minutes| heads(storage, group, later(minutes)).map(|it| (it.held, it.given_back));
    take(storage, &[ask(1, "store:x", &rungs)?], later(0))?;
    for _ in 0..2 {
        storage.claim_seats(
            &[claim(2, "store:x", "a", 1)?, claim(3, "store:x", "a", 1)?, claim(1, "store:x", "a", 1)?],
            &rules(),
            later(5),
        )?;
        expect("over its capacity", &held("a", 5)?, &(3, 0))?;
    }
    expect("they keep it", &take(storage, &[ask(2, "store:x", &rungs)?], later(5))?, &vec![kept(0, 0)])?;
    // Shown a at minute 1, and seated in b since: one seat, the later one.
    take(storage, &[ask(4, "store:x", &rungs)?], later(6))?;
    storage.claim_seats(&[claim(4, "store:x", "a", 1)?], &rules(), later(7))?;
    expect("an earlier one", &(held("a", 7)?, held("b", 7)?), &((3, 0), (1, 0)))?;
    // Seated in b, and shown c at the same visit since: one seat, the later one.
    storage.claim_seats(&[claim(4, "store:y", "c", 8)?], &rules(), later(9))?;
    expect("a later one", &(held("b", 9)?, held("c", 9)?), &((0, 0), (1, 0)))?;
    storage.claim_seats(&[claim(4, "store:x", "a", 1)?, claim(4, "store:y", "c", 8)?], &rules(), later(9))?;
    expect("again", &(held("a", 9)?, held("c", 9)?), &((3, 0), (1, 0)))?;
    // Who has joined a group of what they wanted is in no other.
    storage.confirm_seat(visitor(2), &GroupId::parse("a")?, later(9))?;
    storage.claim_seats(&[claim(2, "store:x", "b", 10)?, claim(2, "store:x", "a", 10)?], &rules(), later(10))?;
    expect("who has joined", &(held("a", 10)?, held("b", 10)?), &((2, 0), (0, 0)))?;
    // What arrives long afterwards was given back at the end of its hold, unless the members were counted since.
    for _ in 0..2 {
        storage.claim_seats(&[claim(5, "store:x", "d", 0)?, claim(6, "store:x", "d", 0)?], &rules(), later(90))?;
        expect("late", &held("d", 90)?, &(0, 2))?;
    }
    storage.set_members(&[(GroupId::parse("e")?, 7)], later(60))?;
    storage.claim_seats(&[claim(7, "store:x", "e", 0)?, claim(8, "store:x", "e", 50)?], &rules(), later(90))?;
    expect("counted since", &held("e", 90)?, &(0, 1))
}
