//! How every backend forgets, keeps consents and lets go of what is too old.

use std::ops::ControlFlow;

use super::super::{
    FORGOTTEN_DAYS, Purge, Removed, SeatAsk, SeatKept, SeatOffer, SeatRules, SeatState, Storage, StorageError,
    TagFilter,
};
use super::records::record;
use super::tallies::{agrees, everything};
use super::{Finding, expect};
use crate::campaign::Rotation;
use crate::consent::{Consent, ConsentRecord, NoticeVersion};
use crate::funnel::{Step, StepRecord};
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::{Day, Timestamp};

/// The time of the records of [`record`], and a moment after them.
const BEGAN: i64 = 1_790_000_000_000;

fn later() -> Timestamp {
    Timestamp::from_unix_ms(BEGAN + 1_000_000)
}

fn visitor(n: u128) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, n)
}

fn step(n: u128, step: Step) -> StepRecord {
    StepRecord { scan: ScanId::from_parts(1_790_000_000_000, n), step, at: Timestamp::from_unix_ms(BEGAN + 50) }
}

fn consents(storage: &dyn Storage) -> Result<Vec<Consent>, StorageError> {
    let mut found = Vec::new();
    storage.each_consent(&mut |consent| {
        found.push(consent);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn steps(storage: &dyn Storage) -> Result<usize, StorageError> {
    let mut count = 0;
    storage.each_step(&TagFilter::default(), &mut |_step| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// Everything about one visitor goes, what is on its way is let go, the counts stay, and the visitor may come back.
pub fn check_forget(storage: &dyn Storage) -> Finding {
    let notice = NoticeVersion::parse("one")?;
    // Two visits of visitor 1, one of visitor 2.
    let records = [record(101, 10)?, record(102, 10)?, record(203, 10)?];
    let consent =
        |n, at| ConsentRecord { visitor: visitor(n), notice: notice.clone(), at: Timestamp::from_unix_ms(at) };
    storage.deliver(&[consent(1, BEGAN), consent(2, BEGAN)], &[], &[])?;
    storage.deliver(&[], &records, &[step(101, Step::Pressed), step(203, Step::Pressed)])?;
    let before = everything(storage)?;
    let removed = storage.forget(visitor(1), later())?;
    expect("removed", &removed, &Removed { tags: 2, steps: 1, consents: 1, seats: 0, book: 0 })?;
    expect("tallies", &everything(storage)?, &before)?;
    agrees(storage)?;
    // Records and steps that were on their way, of a visit that storage had and of one that it never saw.
    let late = [record(101, 20)?, record(104, 10)?];
    // A page that is still open takes a seat for the visit that it refines.
    let group = GroupId::parse("a")?;
    let ask = SeatAsk {
        visitor: visitor(1),
        scan: record(101, 20)?.scan,
        wanted: "store:x".into(),
        rungs: vec![vec![SeatOffer { group: group.clone(), capacity: 9 }]],
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    };
    storage.take_seats(&[ask], &SeatRules::new(30, 0.5, 30), later())?;
    let seat = SeatKept {
        visitor: visitor(1),
        group: group.clone(),
        state: SeatState::Held,
        until: later().plus_ms(30 * 60_000),
        wanted: "store:x".to_owned(),
        scan: Some(record(101, 20)?.scan),
    };
    expect("seats of the visitor", &storage.seats_of(visitor(1))?, &vec![seat])?;
    expect("seats of another", &storage.seats_of(visitor(2))?, &Vec::new())?;
    storage.deliver(&[], &late, &[step(102, Step::Pressed), step(104, Step::Pressed)])?;
    storage.deliver(&[], &[], &[step(104, Step::Pressed)])?;
    storage.deliver(&[consent(1, BEGAN + 5)], &[], &[])?;
    let theirs = TagFilter { visitor: Some(visitor(1)), ..TagFilter::default() };
    expect("tags of the visitor", &storage.count_tags(&theirs)?, &0)?;
    expect("steps", &steps(storage)?, &1)?;
    expect("consents", &consents(storage)?.len(), &1)?;
    expect("tallies later", &everything(storage)?, &before)?;
    agrees(storage)?;
    expect("removed again, seats too", &storage.forget(visitor(1), later())?, &Removed::default())?;
    let held: Vec<u32> = storage.head_counts(&[group], later())?.iter().map(|it| it.held).collect();
    expect("seats held", &held, &vec![0])?;
    // A visit of afterwards is a visit like any other.
    let mut back = record(105, 30)?;
    back.at = later().plus_ms(1);
    storage.deliver(&[], &[back], &[])?;
    expect("visits of afterwards", &storage.count_tags(&theirs)?, &1)?;
    let marks = storage.purge(Purge::Forgotten(later().plus_ms(FORGOTTEN_DAYS * 86_400_000)), 100)?;
    expect("marks: the visitor, three visits", &marks, &4)?;
    agrees(storage)
}

/// Of each visitor and notice the first and the last time stay, in whatever order they come.
pub fn check_consents(storage: &dyn Storage) -> Finding {
    let [one, two] = [NoticeVersion::parse("one")?, NoticeVersion::parse("two")?];
    let at = Timestamp::from_unix_ms;
    let consent =
        |n, notice: &NoticeVersion, ms| ConsentRecord { visitor: visitor(n), notice: notice.clone(), at: at(ms) };
    let mut all = vec![consent(2, &one, 20), consent(1, &two, 30), consent(2, &one, 10), consent(2, &one, 40)];
    all.push(consent(1, &one, 35));
    for _ in 0..2 {
        storage.deliver(&all, &[], &[])?;
    }
    let expected = [
        Consent { visitor: visitor(1), notice: one.clone(), first_at: at(35), last_at: at(35) },
        Consent { visitor: visitor(1), notice: two, first_at: at(30), last_at: at(30) },
        Consent { visitor: visitor(2), notice: one, first_at: at(10), last_at: at(40) },
    ];
    let (of_one, of_two) = expected.split_at(2);
    expect("consents", &consents(storage)?, &expected.to_vec())?;
    for (n, theirs) in [(1, of_one), (2, of_two), (3, &[])] {
        expect("consents of a visitor", &storage.consents_of(visitor(n))?, &theirs.to_vec())?;
    }
    expect("purged", &storage.purge(Purge::Consents(at(40)), 10)?, &2)?;
    expect("left", &consents(storage)?, &of_two.to_vec())
}

/// What is too old goes in pieces, and what it counted for stays.
pub fn check_purge(storage: &dyn Storage) -> Finding {
    let mut records = (0..30).map(|n| record(n * 10, 1)).collect::<Result<Vec<_>, _>>()?;
    let first = Day::parse("2026-09-20")?;
    for (n, record) in (0_i64..).zip(&mut records) {
        // Ten visits on each of three days.
        let day = n % 3;
        record.day = Some(first.plus(day));
        record.at = Timestamp::from_unix_ms(first.plus(day).number() * 86_400_000 + n);
    }
    let pressed: Vec<StepRecord> =
        records.iter().step_by(2).map(|it| StepRecord { scan: it.scan, step: Step::Pressed, at: it.at }).collect();
    storage.deliver(&[], &records, &pressed)?;
    let before = everything(storage)?;
    expect("a piece", &storage.purge(Purge::Tags(first.plus(2)), 7)?, &7)?;
    agrees(storage)?;
    expect("the next", &storage.purge(Purge::Tags(first.plus(2)), 100)?, &13)?;
    expect("nothing more", &storage.purge(Purge::Tags(first.plus(2)), 100)?, &0)?;
    expect("left", &storage.count_tags(&TagFilter::default())?, &10)?;
    expect("tallies", &everything(storage)?, &before)?;
    agrees(storage)?;
    let all_steps = Purge::Steps(Timestamp::from_unix_ms(first.plus(9).number() * 86_400_000));
    expect("some steps", &storage.purge(all_steps, 2)?, &2)?;
    agrees(storage)?;
    expect("the other steps", &storage.purge(all_steps, 100)?, &3)?;
    expect("steps left", &steps(storage)?, &0)?;
    expect("tallies still", &everything(storage)?, &before)?;
    agrees(storage)?;
    expect("tallies purged", &(storage.purge(Purge::Tallies(first.plus(2)), 1_000)? > 0), &true)?;
    let days: Vec<_> = everything(storage)?.into_iter().filter_map(|it| it.words.into_iter().next()).collect();
    expect("only the last day", &days.iter().all(|it| &**it == "2026-09-22"), &true)
}
