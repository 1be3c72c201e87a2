//! How every backend hands over what is copied as it lies, and takes it in.

use std::ops::ControlFlow;

use super::super::{
    AuditFilter, AuditRecord, DeskEntry, DeskKind, HeadCount, Part, Piece, SeatKept, SeatRules, SeatState, Storage,
    StorageError, TagFilter, TallyFilter, TallyOf,
};
use super::records::record;
use super::{Finding, expect};
use crate::funnel::{Cell, Counts, Dimension, Pair, Step, StepRecord};
use crate::id::{GroupId, ScanId, VisitorId};
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
    let pieces = pieces()?;
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
    expect("mark", &storage.copy_mark()?, &None)?;
    storage.set_copy_mark(Some("half way"))?;
    expect("mark", &storage.copy_mark()?.as_deref(), &Some("half way"))?;
    storage.set_copy_mark(None)?;
    expect("mark", &storage.copy_mark()?, &None)
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
