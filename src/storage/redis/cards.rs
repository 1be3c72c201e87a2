//! Cards in Redis, and the counters that change with them; in partitions by their names.
//!
//! A card lies elsewhere than the list of its visitor, so no step changes both. A list may name too much and never too little: a card is
//! put into it before it is about the visitor and once more afterwards, and what is taken out of it is looked at again.

use std::collections::{BTreeMap, HashMap};

use redis::Pipeline;

use super::super::{Card, CardKind, CardWrite, EachCount, StorageError, Trouble};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::scripts::{self, Call};
use super::{damaged, pages};
use crate::id::VisitorId;
use crate::time::Day;

/// Cards that are read in one call.
const CARDS_A_CALL: usize = 100;
/// Cards of a visitor that are forgotten at a time.
const FORGET_A_CALL: usize = 128;
/// Days whose counters are read in one go, and counters of each of them.
const DAYS_A_GO: usize = 32;
const COUNTERS_A_GO: usize = 500;

/// A card by its value.
pub(super) fn card(id: &str, value: &[u8]) -> Result<Card, StorageError> {
    let parsed = || {
        let mark = value.iter().position(|it| !it.is_ascii_digit())?;
        let (revision, rest) = value.split_at_checked(mark)?;
        let (visitor, body) = match rest.split_first()? {
            (b'+', rest) => rest.split_first_chunk().map(|(it, body)| (Some(VisitorId::from_bytes(*it)), body))?,
            (b':', body) => (None, body),
            _ => return None,
        };
        let revision = std::str::from_utf8(revision).ok()?.parse().ok()?;
        Some(Card { id: id.to_owned(), revision, visitor, body: String::from_utf8(body.to_vec()).ok()? })
    };
    parsed().ok_or_else(|| damaged("a card"))
}

/// The value of a card.
pub(super) fn value(card: &Card) -> Vec<u8> {
    let visitor = card.visitor.map(VisitorId::to_bytes);
    let mark: &[u8] = if visitor.is_some() { b"+" } else { b":" };
    let visitor = visitor.as_ref().map_or(&[][..], |it| &it[..]);
    [card.revision.to_string().as_bytes(), mark, visitor, card.body.as_bytes()].concat()
}

pub(super) fn read(link: &Link, kind: CardKind, ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError> {
    let mut of_partition: BTreeMap<u8, Vec<(usize, &str)>> = BTreeMap::new();
    for (place, id) in ids.iter().enumerate() {
        of_partition.entry(keys::partition_of(id)).or_default().push((place, id));
    }
    let mut found = vec![None; ids.len()];
    for (partition, wanted) in of_partition {
        for wanted in wanted.chunks(CARDS_A_CALL) {
            let mut get = redis::cmd("HMGET");
            get.arg(keys::cards(partition, kind));
            for (_, id) in wanted {
                get.arg(id);
            }
            let values: Vec<Option<Vec<u8>>> = link.with(Patience::Work, |conn| get.query(conn))?;
            for ((place, id), value) in wanted.iter().zip(values) {
                if let (Some(slot), Some(value)) = (found.get_mut(*place), value) {
                    *slot = Some(card(id, &value)?);
                }
            }
        }
    }
    Ok(found)
}

/// What the script says of a change.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Stale,
    Done,
    ListFirst,
}

/// Tries to change a card: what came of it, the revision, and whom it was about.
fn attempt(link: &Link, write: &CardWrite, is_listed: bool) -> Result<(Outcome, u64, Option<VisitorId>), StorageError> {
    let partition = keys::partition_of(&write.id);
    let mut call = Call::new([keys::cards(partition, write.kind), keys::counted_days(partition)]);
    call.arg(keys::counters(partition)).arg(&*write.id).arg(write.expected.to_string());
    call.arg(write.visitor.map(|it| it.to_bytes().to_vec()).unwrap_or_default());
    call.arg(if is_listed { "1" } else { "" });
    call.arg(if write.body.is_some() { "put" } else { "remove" }).arg(write.body.as_deref().unwrap_or_default());
    for it in &write.counts {
        call.arg(it.day.number().to_string()).arg(&*it.of).arg(it.by.to_string());
    }
    let (outcome, revision, was): (u8, u64, Vec<u8>) = scripts::run_one(link, &scripts::CARD, call)?;
    let outcome = match outcome {
        0 => Outcome::Stale,
        1 => Outcome::Done,
        _ => Outcome::ListFirst,
    };
    let was = if was.is_empty() { None } else { Some(was.try_into().map_err(|_bytes| damaged("whose card"))?) };
    Ok((outcome, revision, was.map(VisitorId::from_bytes)))
}

pub(super) fn write(link: &Link, write: &CardWrite) -> Result<u64, StorageError> {
    let (mut outcome, mut revision, mut was) = attempt(link, write, false)?;
    let place = (write.kind, &*write.id);
    if let (Outcome::ListFirst, Some(visitor)) = (&outcome, write.visitor) {
        list(link, visitor, place)?;
        (outcome, revision, was) = attempt(link, write, true)?;
        if outcome == Outcome::Done {
            // Somebody who takes cards out of the list may have come in between.
            list(link, visitor, place)?;
        }
    }
    if outcome != Outcome::Done {
        return Err(Trouble::Conflict { current: revision }.into());
    }
    let is_about = write.visitor.filter(|_| write.body.is_some());
    if let Some(was) = was.filter(|it| Some(*it) != is_about) {
        unlist(link, was, place)?;
    }
    Ok(revision)
}

pub(super) fn listed((kind, id): (CardKind, &str)) -> Vec<u8> {
    [&[keys::card_letter(kind)], id.as_bytes()].concat()
}

fn list(link: &Link, visitor: VisitorId, place: (CardKind, &str)) -> Result<(), StorageError> {
    let mut add = redis::cmd("HSET");
    add.arg(keys::cards_of(&visitor.to_bytes())).arg(listed(place)).arg("");
    link.with(Patience::Work, |conn| add.exec(conn))
}

/// Takes a card out of the list of a visitor whom it is no longer about.
fn unlist(link: &Link, visitor: VisitorId, place: (CardKind, &str)) -> Result<(), StorageError> {
    let mut remove = redis::cmd("HDEL");
    remove.arg(keys::cards_of(&visitor.to_bytes())).arg(listed(place));
    link.with(Patience::Work, |conn| remove.exec(conn))?;
    // It may be about the visitor again by now.
    let found = read(link, place.0, &[place.1])?.pop().flatten();
    if found.is_some_and(|it| it.visitor == Some(visitor)) { list(link, visitor, place) } else { Ok(()) }
}

fn place(field: &[u8]) -> Result<(CardKind, String), StorageError> {
    let parsed = || {
        let (letter, id) = field.split_first()?;
        let kind = CardKind::ALL.into_iter().find(|it| keys::card_letter(*it) == *letter)?;
        Some((kind, String::from_utf8(id.to_vec()).ok()?))
    };
    parsed().ok_or_else(|| damaged("a visitor's list of cards"))
}

pub(super) fn of_visitor(link: &Link, visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError> {
    let mut ids: BTreeMap<CardKind, Vec<String>> = BTreeMap::new();
    for (field, _) in pages::scan(link, "HSCAN", &keys::cards_of(&visitor.to_bytes()))? {
        let (kind, id) = place(&field)?;
        ids.entry(kind).or_default().push(id);
    }
    let mut found = Vec::new();
    for (kind, mut ids) in ids {
        ids.sort_unstable();
        ids.dedup();
        let cards = read(link, kind, &ids.iter().map(String::as_str).collect::<Vec<_>>())?;
        let theirs = cards.into_iter().flatten().filter(|it| it.visitor == Some(visitor));
        found.extend(theirs.map(|it| (kind, it)));
    }
    Ok(found)
}

/// Removes the cards that are about a visitor, and then their list; so whatever breaks off in between, doing it again completes it.
pub(super) fn forget(link: &Link, visitor: VisitorId) -> Result<u64, StorageError> {
    let id = visitor.to_bytes();
    let key = keys::cards_of(&id);
    let mut removed = 0;
    loop {
        let mut some = redis::cmd("HRANDFIELD");
        some.arg(&key).arg(FORGET_A_CALL);
        let fields: Vec<Vec<u8>> = link.with(Patience::Work, |conn| some.query(conn))?;
        if fields.is_empty() {
            return Ok(removed);
        }
        let mut of_partition: BTreeMap<u8, Vec<(CardKind, String)>> = BTreeMap::new();
        for field in &fields {
            let place = place(field)?;
            of_partition.entry(keys::partition_of(&place.1)).or_default().push(place);
        }
        removed += remove(link, &id, &of_partition)?;
        let mut unlist = redis::cmd("HDEL");
        unlist.arg(&key).arg(&fields);
        link.with(Patience::Work, |conn| unlist.exec(conn))?;
        // A card may have come to be about the visitor in between; what comes later is put into the list again.
        removed += remove(link, &id, &of_partition)?;
    }
}

fn remove(
    link: &Link,
    visitor: &[u8; 16],
    of_partition: &BTreeMap<u8, Vec<(CardKind, String)>>,
) -> Result<u64, StorageError> {
    let mut removed = 0;
    for (partition, places) in of_partition {
        let calls = places.iter().map(|(kind, id)| {
            let mut call = Call::new([keys::cards(*partition, *kind)]);
            call.arg(&**id).arg(*visitor);
            call
        });
        let done: Vec<u64> = scripts::run(link, &scripts::CARD_FORGET, &calls.collect::<Vec<_>>())?;
        removed += done.into_iter().sum::<u64>();
    }
    Ok(removed)
}

/// A cursor is the partition and where its scan stands.
pub(super) fn page(
    link: &Link,
    kind: CardKind,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Card>, Option<String>), StorageError> {
    let parse = |it: &str| {
        let (partition, scan) = it.split_once('.')?;
        Some((partition.parse().ok()?, scan.parse().ok()?))
    };
    let wrong = || damaged("where a page of cards begins");
    let (mut partition, mut scan): (u8, u64) = after.map_or(Ok((0, 0)), |it| parse(it).ok_or_else(wrong))?;
    let mut found = Vec::new();
    while partition < PARTITIONS {
        let wanted = limit.saturating_sub(found.len()).clamp(1, CARDS_A_CALL);
        let mut asking = redis::cmd("HSCAN");
        asking.arg(keys::cards(partition, kind)).arg(scan).arg("COUNT").arg(wanted);
        let (next, page): (u64, Vec<(String, Vec<u8>)>) = link.with(Patience::Work, |conn| asking.query(conn))?;
        for (id, value) in page {
            found.push(card(&id, &value)?);
        }
        (partition, scan) = if next == 0 { (partition + 1, 0) } else { (partition, next) };
        if found.len() >= limit.max(1) {
            break;
        }
    }
    Ok((found, (partition < PARTITIONS).then(|| format!("{partition}.{scan}"))))
}

pub(super) fn each_count(link: &Link, from: Day, to: Day, each: EachCount<'_>) -> Result<(), StorageError> {
    let mut days: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let mut asking = redis::cmd("ZRANGEBYSCORE");
        asking.arg(keys::counted_days(partition)).arg(from.number()).arg(to.number());
        let found: Vec<i64> = link.with(Patience::Work, |conn| asking.query(conn))?;
        for day in found {
            days.entry(day).or_default().push(partition);
        }
    }
    let days: Vec<_> = days.into_iter().collect();
    for some in days.chunks(DAYS_A_GO) {
        let mut sums: BTreeMap<(i64, String), i64> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let here = some.iter().filter(|it| it.1.contains(&partition)).map(|it| it.0).collect();
            for (name, number) in counters(link, partition, here)? {
                *sums.entry(name).or_default() += number;
            }
        }
        for ((day, of), number) in sums {
            if number != 0 {
                each(Day::from_number(day), &of, number);
            }
        }
    }
    Ok(())
}

/// Removes counters of days before this one, each partition by itself.
pub(super) fn purge_counts(link: &Link, before: Day, limit: usize) -> Result<u64, StorageError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut removed = 0_u64;
    for partition in 0..PARTITIONS {
        let days: Vec<i64> = link.with(Patience::Work, |conn| {
            let mut old = redis::cmd("ZRANGEBYSCORE");
            old.arg(keys::counted_days(partition)).arg("-inf").arg(format!("({}", before.number()));
            old.arg("LIMIT").arg(0).arg(DAYS_A_GO).query(conn)
        })?;
        for day in days {
            let left = limit.saturating_sub(removed);
            if left == 0 {
                return Ok(removed);
            }
            let key = format!("{}{day}", keys::counters(partition)).into_bytes();
            // The script is that of tallies, which has two keys for a day; counters have one.
            let none = keys::never(&key);
            let mut call = Call::new([key, none, keys::counted_days(partition).into_bytes()]);
            call.arg(day.to_string()).arg(left.to_string());
            removed += scripts::run_one::<u64>(link, &scripts::OLD_TALLIES, call)?;
        }
    }
    Ok(removed)
}

/// The counters of some days of a partition.
fn counters(link: &Link, partition: u8, days: Vec<i64>) -> Result<HashMap<(i64, String), i64>, StorageError> {
    let mut found = HashMap::new();
    let mut open: Vec<(i64, u64)> = days.into_iter().map(|day| (day, 0)).collect();
    while !open.is_empty() {
        let mut pipe = Pipeline::with_capacity(open.len());
        for (day, cursor) in &open {
            let key = format!("{}{day}", keys::counters(partition));
            pipe.cmd("HSCAN").arg(key).arg(*cursor).arg("COUNT").arg(COUNTERS_A_GO);
        }
        let replies: Vec<(u64, Vec<(String, i64)>)> = link.with(Patience::Work, |conn| pipe.query(conn))?;
        let mut still = Vec::new();
        for ((day, _), (cursor, page)) in open.into_iter().zip(replies) {
            // A page may repeat a counter.
            found.extend(page.into_iter().map(|(of, number)| ((day, of), number)));
            if cursor != 0 {
                still.push((day, cursor));
            }
        }
        open = still;
    }
    Ok(found)
}
