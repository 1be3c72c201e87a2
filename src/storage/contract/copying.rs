//! How every backend hands over what is copied as it lies, and takes it in.

use std::ops::ControlFlow;

use super::super::{
    AuditFilter, AuditRecord, Card, CardKind, CardWrite, Count, DeskEntry, DeskKind, FeedEntry, HeadCount, JobKept,
    JobState, Part, Piece, SeatKept, SeatRules, SeatState, Storage, StorageError, TagFilter, TallyFilter, TallyOf,
};
use super::records::record;
use super::{Finding, expect};
use crate::funnel::{Cell, Counts, Dimension, Pair, Step, StepRecord};
use crate::id::{GroupId, ScanId, VisitorId};
use crate::job::{Job, Lane};
use crate::time::{Day, Timestamp};

const NOW_MS: i64 = 1_790_000_000_000;

fn at(later_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(NOW_MS + later_ms)
}

fn audit(note: &str) -> AuditRecord {
    AuditRecord {
        at: at(0),
        actor: "王芳".into(),
        address: "192.0.2.1".into(),
        action: "store.update".into(),
        target: note.into(),
        before: None,
        after: Some(r#"{"name":"<b>"}"#.into()),
        version: Some(3),
    }
}

fn card(kind: CardKind, id: &str, revision: u64, visitor: Option<VisitorId>) -> Piece {
    Piece::Card(kind, Card { id: id.into(), revision, visitor, body: r#"{"name":"王+:"}"#.into() })
}

fn job(id: &str, state: JobState, visitor: Option<VisitorId>) -> Piece {
    let is_done = state == JobState::Done;
    let text = |it: &str| if is_done { String::new() } else { it.to_owned() };
    let job = Job { id: id.into(), lane: Lane::Event, body: text("{}"), ready_at: at(0), visitor };
    Piece::Job(JobKept { job, state, tries: if is_done { 0 } else { 3 }, cause: text("忙") })
}

fn feed(number: u64, id: &str, visitor: Option<VisitorId>) -> Piece {
    let (kind, body) = ("scan.recorded".into(), "{}".into());
    Piece::Feed(number, FeedEntry { id: id.into(), at: at(-7), kind, visitor, body })
}

fn of_book() -> Result<Vec<Piece>, Box<dyn std::error::Error + Send + Sync>> {
    let visitor = VisitorId::from_parts(1_790_000_000_000, 1);
    Ok(vec![
        card(CardKind::Customer, "wm1", 7, Some(visitor)),
        card(CardKind::Identity, "wm1", 1, None),
        Piece::Counter(Count { day: Day::parse("2026-09-22")?, of: "joined/SH-0001".into(), by: 12 }),
        Piece::Counter(Count { day: Day::parse("2026-09-23")?, of: "joined/SH-0001".into(), by: -1 }),
        job("waits", JobState::Waits, Some(visitor)),
        job("done", JobState::Done, None),
        job("dead", JobState::Dead, Some(visitor)),
        feed(4, "four", Some(visitor)),
        feed(9, "nine", None),
        Piece::FeedEnd(11),
    ])
}

fn pieces() -> Result<Vec<Piece>, Box<dyn std::error::Error + Send + Sync>> {
    let cell = Cell {
        day: Day::parse("2026-09-22")?,
        campaign: "default".into(),
        store: "SH-0001".into(),
        region: "上海市/黄浦区".into(),
        mode: "group".into(),
        assigned: "".into(),
        source: "gps".into(),
        rung: "next_store".into(),
    };
    let counts = Pair { visits: Counts([300, 5, 4, 3, 2, 1]), visitors: Counts([6, 5, 4, 3, 2, 0]) };
    let elsewhere = Cell { region: "".into(), store: "".into(), ..cell.clone() };
    let (one, other) = (GroupId::parse("SH-0001-1")?, GroupId::parse("SH-0001-2")?);
    let visitor = VisitorId::from_parts(1_790_000_000_000, 1);
    let seat = SeatKept {
        visitor,
        group: one.clone(),
        state: SeatState::Held,
        until: at(60_000),
        wanted: "上海".into(),
        scan: Some(ScanId::from_parts(1_790_000_000_000, 7)),
    };
    let given_back = SeatKept { state: SeatState::GivenBack, until: at(-60_000), group: other.clone(), ..seat.clone() };
    let joined = SeatKept {
        visitor: VisitorId::from_parts(1_790_000_000_000, 2),
        state: SeatState::Confirmed,
        until: at(-1_000),
        wanted: String::new(),
        scan: None,
        ..seat.clone()
    };
    let head = HeadCount { members: Some((12, at(-5_000))), confirmed: 1, held: 1, given_back: 0 };
    let document = |id: &str, revision| DeskEntry { id: id.into(), revision, body: r#"{"name":"u"}"#.into() };
    Ok(vec![
        Piece::Secret([7; 32]),
        Piece::ForgottenKey([8; 32]),
        Piece::Forgotten([9; 16], at(0)),
        Piece::Forgotten([10; 16], at(1)),
        Piece::Kept(cell, counts),
        Piece::Kept(elsewhere, counts),
        Piece::EarlyStep(StepRecord {
            scan: ScanId::from_parts(1_790_000_000_000, 101),
            step: Step::Pressed,
            at: at(50),
        }),
        Piece::EarlyStep(StepRecord {
            scan: ScanId::from_parts(1_790_000_000_000, 102),
            step: Step::Refused,
            at: at(51),
        }),
        Piece::Head(one, head),
        Piece::Head(other, HeadCount { given_back: 1, ..HeadCount::default() }),
        Piece::Seat(seat),
        Piece::Seat(given_back),
        Piece::Seat(joined),
        Piece::Document(DeskKind::User, document("u", 3)),
        Piece::Document(DeskKind::Session, document("s", 1)),
        Piece::Audit(5, audit("one")),
        Piece::Audit(9, audit("two")),
        Piece::Delivered([3; 16], 700),
    ])
}

fn handed_over(storage: &dyn Storage, part: Part) -> Result<Vec<Piece>, StorageError> {
    let mut found = Vec::new();
    storage.copy_out(part, &mut |piece| {
        found.push(piece);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// What one storage hands over another one takes in, however often, and it means the same there.
pub fn check_copying(storage: &dyn Storage) -> Finding {
    for part in Part::ALL.into_iter().filter(|it| *it != Part::ForgottenKey) {
        expect(part.as_str(), &handed_over(storage, part)?, &Vec::new())?;
    }
    let mut pieces = pieces()?;
    pieces.extend(of_book()?);
    for _ in 0..2 {
        storage.copy_in(&pieces, &SeatRules::default())?;
    }
    let mut found = Vec::new();
    for part in Part::ALL {
        let mut of_part = handed_over(storage, part)?;
        of_part.sort_by_key(|it| {
            let place = pieces.iter().position(|piece| piece == it);
            place.unwrap_or(usize::MAX)
        });
        found.extend(of_part);
    }
    expect("everything", &found, &pieces)?;
    let mut first = Vec::new();
    storage.copy_out(Part::Seats, &mut |piece| {
        first.push(piece);
        ControlFlow::Break(())
    })?;
    expect("broken off", &first.len(), &1)?;
    check_meaning(storage)?;
    check_book(storage)?;
    expect("mark", &storage.copy_mark()?, &None)?;
    storage.set_copy_mark(Some("half way"))?;
    expect("mark", &storage.copy_mark()?.as_deref(), &Some("half way"))?;
    storage.set_copy_mark(None)?;
    expect("mark", &storage.copy_mark()?, &None)
}

fn check_book(storage: &dyn Storage) -> Finding {
    let again = Job { id: "done".into(), lane: Lane::Event, body: "{}".into(), ready_at: at(0), visitor: None };
    storage.enqueue(&[again], at(0))?;
    let leased = storage.lease_jobs(Lane::Event, at(1), at(2), 9)?;
    let told: Vec<_> = leased.iter().map(|it| (it.job.id.as_str(), it.tries)).collect();
    expect("jobs", &told, &vec![("waits", 4)])?;
    expect("dead", &storage.dead_jobs(Lane::Event, 0, 9)?.len(), &1)?;
    let entry = |id: &str| FeedEntry {
        id: id.into(),
        at: at(0),
        kind: "scan.recorded".into(),
        visitor: None,
        body: "{}".into(),
    };
    storage.append_feed(&[entry("nine"), entry("new")])?;
    let numbers: Vec<u64> = storage.feed(4, 9)?.iter().map(|it| it.0).collect();
    let is_right = matches!(&*numbers, [9, next] if *next > 11);
    expect(&format!("the feed goes on above every number given out: {numbers:?}"), &is_right, &true)?;
    let visitor = VisitorId::from_parts(1_790_000_000_000, 1);
    expect("cards of a visitor", &storage.cards_of(visitor)?.len(), &1)?;
    let change = CardWrite {
        kind: CardKind::Customer,
        id: "wm1".into(),
        expected: 7,
        body: Some("{}".into()),
        visitor: Some(visitor),
        counts: vec![Count { day: Day::parse("2026-09-22")?, of: "joined/SH-0001".into(), by: 1 }],
    };
    expect("revision", &storage.write_card(&change)?, &8)?;
    let mut sum = 0;
    storage.each_count(Day::parse("2026-09-22")?, Day::parse("2026-09-22")?, &mut |_, _, by| sum += by)?;
    expect("counter", &sum, &13)?;
    expect("forgotten", &storage.forget(visitor, at(0))?.book, &4)
}

fn check_meaning(storage: &dyn Storage) -> Finding {
    let groups = [GroupId::parse("SH-0001-1")?, GroupId::parse("SH-0001-2")?];
    let heads = |held, given_back| HeadCount { members: Some((12, at(-5_000))), confirmed: 1, held, given_back };
    let empty = HeadCount { given_back: 1, ..HeadCount::default() };
    expect("head counts", &storage.head_counts(&groups, at(0))?, &vec![heads(1, 0), empty])?;
    expect("head counts later", &storage.head_counts(&groups, at(60_001))?, &vec![heads(0, 1), empty])?;
    let again = VisitorId::from_parts(1_790_000_000_000, 2);
    let seats = groups.first().map(|group| storage.confirm_seat(again, group, at(0)));
    expect("joined again", &seats.transpose()?.is_some(), &true)?;
    expect("head counts then", &storage.head_counts(&groups, at(60_001))?, &vec![heads(0, 1), empty])?;
    let removed = TallyFilter { of: TallyOf::Removed, ..TallyFilter::default() };
    let rows = storage.tallies(&[Dimension::Region], &removed)?;
    let rows: Vec<_> = rows.iter().map(|it| (it.words.join(","), it.counts.visits.0)).collect();
    let counts = [300, 5, 4, 3, 2, 1];
    expect("tallies", &rows, &vec![(String::new(), counts), ("上海市/黄浦区".to_owned(), counts)])?;
    expect("secret", &storage.secret(&|| [1; 32])?, &[7; 32])?;
    let user = storage.desk(DeskKind::User, "u")?.map(|it| it.revision);
    expect("revision", &user, &Some(3))?;
    expect("changed", &storage.put_desk(DeskKind::User, "u", Some("{}"), Some(3))?, &4)?;
    storage.append_audit(&audit("three"))?;
    let numbers: Vec<u64> = storage.audit(&AuditFilter::default(), 9)?.found.iter().map(|it| it.0).collect();
    expect("audit trail", &numbers, &vec![10, 9, 5])?;
    storage.deliver(&[], &[record(101, 1)?], &[])?;
    let mut steps = Vec::new();
    storage.each_step(&TagFilter::default(), &mut |it| {
        steps.push(it.step);
        ControlFlow::Continue(())
    })?;
    expect("step of a record", &steps, &vec![Step::Pressed])?;
    expect("tallies differ", &storage.check_tallies()?.differing, &0)
}
