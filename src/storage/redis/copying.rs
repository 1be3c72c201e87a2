//! What is copied as it lies: handed over from Redis, and put into it. Every key is written as a whole, so repeating it is harmless.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use redis::{Pipeline, Script};

use super::super::{
    AuditFilter, DeskEntry, DeskKind, EachPiece, HeadCount, Part, Piece, SeatKept, SeatRules, SeatState, StorageError,
};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::{book_copying, damaged, delivered, desk, pack, records, tallies};
use crate::funnel::StepRecord;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::time::Timestamp;

/// Keys, fields or members that one call looks at.
const PAGE: usize = 500;
/// Visitors whose seats are read in one go.
const VISITORS_A_GO: usize = 100;
/// A visitor's seats outlive what they are remembered for by a day.
const SLACK_MS: i64 = 86_400_000;
/// Bytes of a seat before what was wanted: the state, the moment, the visit.
const SEAT_BYTES: usize = 1 + MOMENT_BYTES + 16;
const MOMENT_BYTES: usize = 6;

pub(super) fn out(link: &Link, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
    match part {
        Part::Secret => bytes(link, keys::SECRET, each, Piece::Secret),
        Part::ForgottenKey => bytes(link, &keys::forgotten_key(), each, Piece::ForgottenKey),
        Part::Forgotten => forgotten(link, each),
        Part::Kept => tallies::each_kept(link, &mut |cell, counts| each(Piece::Kept(cell, counts))),
        Part::EarlySteps => early_steps(link, each),
        Part::Heads => heads(link, each),
        Part::Seats => seats(link, each),
        Part::Documents => {
            for kind in DeskKind::ALL {
                for entry in desk::all(link, kind)? {
                    if each(Piece::Document(kind, entry)).is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        }
        Part::Audit => audit(link, each),
        Part::Delivered => delivered::out(link, each),
        Part::Cards => book_copying::cards(link, each),
        Part::Jobs => book_copying::jobs(link, each),
        // They are handed over as anybody reads them.
        Part::Counters | Part::Feed => Ok(()),
    }
}

fn bytes(link: &Link, key: &str, each: EachPiece<'_>, piece: impl Fn([u8; 32]) -> Piece) -> Result<(), StorageError> {
    let found: Option<Vec<u8>> = link.with(Patience::Work, |conn| redis::cmd("GET").arg(key).query(conn))?;
    if let Some(found) = found {
        let _ = each(piece(found.try_into().map_err(|_bytes| damaged("a key has not 32 bytes"))?));
    }
    Ok(())
}

/// Marks that came from another storage lie in every partition.
fn forgotten(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut marks: BTreeMap<[u8; 16], i64> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        pages(link, "ZSCAN", &keys::forgotten(partition), &mut |mark: Vec<u8>, at: f64| {
            let mark = mark.try_into().map_err(|_mark| damaged("a mark has not 16 bytes"))?;
            // Whole milliseconds, of which a score holds enough exactly.
            let at = format!("{at:.0}").parse().map_err(|_cause| damaged("the time of a mark"))?;
            let known = marks.entry(mark).or_insert(at);
            *known = at.max(*known);
            Ok(())
        })?;
    }
    for (mark, at) in marks {
        if each(Piece::Forgotten(mark, Timestamp::from_unix_ms(at))).is_break() {
            break;
        }
    }
    Ok(())
}

/// Goes through a hash or a sorted set page by page; something may be met twice.
fn pages<A: redis::FromRedisValue, B: redis::FromRedisValue>(
    link: &Link,
    command: &str,
    key: &str,
    each: &mut dyn FnMut(A, B) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let mut cursor: u64 = 0;
    loop {
        let mut scan = redis::cmd(command);
        scan.arg(key).arg(cursor).arg("COUNT").arg(PAGE);
        let (next, page): (u64, Vec<(A, B)>) = link.with(Patience::Work, |conn| scan.query(conn))?;
        for (name, value) in page {
            each(name, value)?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}

/// Goes through the names of all keys of the server that has a key; false where that server was gone through already.
fn names(
    link: &Link,
    of: &str,
    pattern: &str,
    seen: &mut HashSet<String>,
    each: &mut dyn FnMut(Vec<Vec<u8>>) -> Result<ControlFlow<()>, StorageError>,
) -> Result<(), StorageError> {
    let script = Script::new(include_str!("scripts/names.lua"));
    let mut cursor = "0".to_owned();
    let mut is_first = true;
    loop {
        let mut call = script.key(of);
        call.arg(&cursor).arg(pattern).arg(PAGE);
        let (server, next, names): (String, String, Vec<Vec<u8>>) =
            link.with(Patience::Work, |conn| call.invoke(conn))?;
        if is_first && !seen.insert(server) {
            return Ok(());
        }
        is_first = false;
        if each(names)?.is_break() || next == "0" {
            return Ok(());
        }
        cursor = next;
    }
}

fn early_steps(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut servers = HashSet::new();
    let mut known = HashSet::new();
    for partition in 0..PARTITIONS {
        let mut flow = ControlFlow::Continue(());
        names(link, &keys::forgotten(partition), keys::EARLY_NAMES, &mut servers, &mut |names| {
            for name in names {
                let scan = keys::early_scan(&name).map(ScanId::from_bytes);
                let Some(scan) = scan.filter(|it| known.insert(*it)) else { continue };
                let value: Option<Vec<u8>> =
                    link.with(Patience::Work, |conn| redis::cmd("GET").arg(&name).query(conn))?;
                let Some(value) = value else { continue };
                let (steps, _) = pack::split(&value).ok_or_else(|| damaged("early steps"))?;
                for (step, at) in steps {
                    flow = each(Piece::EarlyStep(StepRecord { scan, step, at }));
                    if flow.is_break() {
                        return Ok(flow);
                    }
                }
            }
            Ok(flow)
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

fn heads(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut found: BTreeMap<GroupId, HeadCount> = BTreeMap::new();
    pages(link, "HSCAN", keys::SEAT_HEADS, &mut |group: String, text: String| {
        let group = GroupId::parse(&group).map_err(|_cause| damaged("a group in seats"))?;
        found.insert(group, head(&text).ok_or_else(|| damaged("the count of a group"))?);
        Ok(())
    })?;
    for (group, count) in found {
        if each(Piece::Head(group, count)).is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads `members counted_at confirmed held given_back`.
fn head(text: &str) -> Option<HeadCount> {
    let mut words = text.split(' ');
    let (members, at) = (words.next()?, words.next()?);
    let members = match members {
        "-" => None,
        members => Some((members.parse().ok()?, Timestamp::from_unix_ms(at.parse().ok()?))),
    };
    let mut count = || words.next()?.parse().ok();
    let (confirmed, held, given_back): (u32, u32, u32) = (count()?, count()?, count()?);
    // What was held or given back before a loss.
    let lost = words.next().map_or(Some(0), |it| it.parse::<u32>().ok())?;
    Some(HeadCount { members, confirmed, held, given_back: given_back.max(lost.saturating_sub(held)) })
}

fn head_text(it: &HeadCount) -> String {
    let members = it.members.map_or_else(|| "- -".to_owned(), |(members, at)| format!("{members} {}", at.unix_ms()));
    format!("{members} {} {} {}", it.confirmed, it.held, it.given_back)
}

fn seats(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut known: HashSet<[u8; 16]> = HashSet::new();
    names(link, keys::SEAT_HEADS, keys::SEAT_NAMES, &mut HashSet::new(), &mut |names| {
        let visitors = names.iter().filter_map(|it| keys::seats_visitor(it));
        let visitors: Vec<[u8; 16]> = visitors.filter(|it| known.insert(*it)).collect();
        for visitors in visitors.chunks(VISITORS_A_GO) {
            let mut pipe = Pipeline::with_capacity(visitors.len());
            for visitor in visitors {
                pipe.cmd("HGETALL").arg(keys::seats_of(visitor));
            }
            let found: Vec<HashMap<String, Vec<u8>>> = link.with(Patience::Work, |conn| pipe.query(conn))?;
            for (visitor, of_visitor) in visitors.iter().zip(found) {
                for (group, value) in of_visitor {
                    let seat = seat(*visitor, &group, &value).ok_or_else(|| damaged("a seat"))?;
                    if each(Piece::Seat(seat)).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The seats of one visitor, by group.
pub(super) fn seats_of(link: &Link, visitor: VisitorId) -> Result<Vec<SeatKept>, StorageError> {
    let visitor = visitor.to_bytes();
    let key = keys::seats_of(&visitor);
    let found: BTreeMap<String, Vec<u8>> =
        link.with(Patience::Work, |conn| redis::cmd("HGETALL").arg(&key).query(conn))?;
    found.iter().map(|(group, value)| seat(visitor, group, value).ok_or_else(|| damaged("a seat"))).collect()
}

fn seat(visitor: [u8; 16], group: &str, value: &[u8]) -> Option<SeatKept> {
    let (head, wanted) = value.split_at_checked(SEAT_BYTES)?;
    let (state, head) = head.split_first()?;
    let (moment, scan) = head.split_at_checked(MOMENT_BYTES)?;
    let scan: [u8; 16] = scan.try_into().ok()?;
    Some(SeatKept {
        visitor: VisitorId::from_bytes(visitor),
        group: GroupId::parse(group).ok()?,
        state: SeatState::ALL.into_iter().find(|it| it.number() == *state)?,
        until: Timestamp::from_unix_ms(moment.iter().fold(0, |number, it| (number << 8) | i64::from(*it))),
        wanted: String::from_utf8(wanted.to_vec()).ok()?,
        scan: Some(scan).filter(|it| *it != [0; 16]).map(ScanId::from_bytes),
    })
}

fn seat_value(it: &SeatKept) -> Vec<u8> {
    let mut value = Vec::with_capacity(SEAT_BYTES + it.wanted.len());
    value.push(it.state.number());
    value.extend(it.until.unix_ms().max(0).to_be_bytes().iter().skip(8 - MOMENT_BYTES));
    value.extend(it.scan.map_or([0; 16], ScanId::to_bytes));
    value.extend(it.wanted.as_bytes());
    value
}

fn audit(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut filter = AuditFilter::default();
    loop {
        let page = desk::audit(link, &filter, PAGE)?;
        let next = page.found.last().map(|(number, _)| *number).or(page.rest);
        let Some(next) = next else { return Ok(()) };
        filter.before = Some(next);
        for (number, record) in page.found {
            if each(Piece::Audit(number, record)).is_break() {
                return Ok(());
            }
        }
    }
}

pub(super) fn take_in(link: &Link, pieces: &[Piece], rules: &SeatRules) -> Result<(), StorageError> {
    let mut steps = Vec::new();
    let mut audit = Vec::new();
    let mut marks = Vec::new();
    let mut seats = Pipeline::new();
    for piece in pieces {
        match piece {
            Piece::Secret(it) => set(link, keys::SECRET, it)?,
            Piece::ForgottenKey(it) => set(link, &keys::forgotten_key(), it)?,
            Piece::Forgotten(mark, at) => marks.push((at.unix_ms(), mark)),
            Piece::Kept(cell, counts) => tallies::put_kept(link, cell, counts)?,
            Piece::EarlyStep(it) => steps.push(it.clone()),
            Piece::Head(group, it) => {
                seats.cmd("HSET").arg(keys::SEAT_HEADS).arg(group.as_str()).arg(head_text(it)).ignore();
            }
            Piece::Seat(it) => put_seat(&mut seats, it, rules),
            Piece::Document(kind, it) => put_document(link, *kind, it)?,
            Piece::Audit(number, it) => audit.push((*number, it)),
            Piece::Delivered(who, number) => delivered::take_in(link, who, *number)?,
            Piece::Card(..) | Piece::Counter(_) | Piece::Job(_) | Piece::Feed(..) | Piece::FeedEnd(_) => {}
        }
    }
    if !marks.is_empty() {
        // Whose they are nobody can tell, so neither where.
        for partition in 0..PARTITIONS {
            let mut add = redis::cmd("ZADD");
            add.arg(keys::forgotten(partition));
            for (at, mark) in &marks {
                add.arg(*at).arg(mark);
            }
            link.with(Patience::Work, |conn| add.exec(conn))?;
        }
    }
    if !seats.is_empty() {
        seats.cmd("SET").arg(keys::SEAT_REMEMBER).arg(rules.remember_ms).arg("NX").ignore();
        link.with(Patience::Work, |conn| seats.exec(conn))?;
    }
    if !steps.is_empty() {
        records::deliver(link, &[], &[], &steps)?;
    }
    desk::put_audit(link, &audit)?;
    book_copying::take_in(link, pieces)
}

fn set(link: &Link, key: &str, bytes: &[u8; 32]) -> Result<(), StorageError> {
    link.with(Patience::Work, |conn| redis::cmd("SET").arg(key).arg(bytes).exec(conn))
}

fn put_seat(pipe: &mut Pipeline, it: &SeatKept, rules: &SeatRules) {
    let visitor = it.visitor.to_bytes();
    let key = keys::seats_of(&visitor);
    pipe.cmd("HSET").arg(&key).arg(it.group.as_str()).arg(seat_value(it)).ignore();
    pipe.cmd("PEXPIRE").arg(&key).arg(rules.remember_ms.saturating_add(SLACK_MS)).ignore();
    let member = [&visitor[..], it.group.as_str().as_bytes()].concat();
    match it.state {
        SeatState::Held => pipe.cmd("ZADD").arg(keys::SEAT_ENDS).arg(it.until.unix_ms()).arg(member).ignore(),
        SeatState::GivenBack | SeatState::Confirmed => pipe.cmd("ZREM").arg(keys::SEAT_ENDS).arg(member).ignore(),
    };
}

fn put_document(link: &Link, kind: DeskKind, it: &DeskEntry) -> Result<(), StorageError> {
    let mut put = redis::cmd("HSET");
    put.arg(keys::desk(kind)).arg(&it.id).arg(format!("{}:{}", it.revision, it.body));
    link.with(Patience::Work, |conn| put.exec(conn))
}

pub(super) fn mark(link: &Link) -> Result<Option<String>, StorageError> {
    link.with(Patience::Work, |conn| redis::cmd("GET").arg(keys::COPY_MARK).query(conn))
}

pub(super) fn set_mark(link: &Link, mark: Option<&str>) -> Result<(), StorageError> {
    let command = match mark {
        Some(mark) => redis::cmd("SET").arg(keys::COPY_MARK).arg(mark).to_owned(),
        None => redis::cmd("DEL").arg(keys::COPY_MARK).to_owned(),
    };
    link.with(Patience::Work, |conn| command.exec(conn))
}
