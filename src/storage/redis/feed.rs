//! The feed in Redis: all of it lies under one hash tag, and each call is one script, so that numbers are in the order of time.

use super::super::{FeedEntry, StorageError};
use super::damaged;
use super::keys;
use super::link::{Link, Patience};
use super::scripts::{self, Call};
use crate::id::VisitorId;
use crate::time::Timestamp;

/// Entries that one script adds.
const ENTRIES_A_CALL: usize = 64;
/// Numbers that one script looks at, and bytes that it hands over, about.
const NUMBERS_A_CALL: u64 = 500;
const BYTES_A_CALL: u64 = 1 << 20;
/// Entries of a visitor that one script forgets.
const FORGET_A_CALL: u64 = 200;
/// Entries of a visitor that one reading looks at.
const ENTRIES_OF_VISITOR_MAX: usize = 1_000;
/// How often one purge looks further where numbers are missing.
const PURGE_CALLS_MAX: usize = 100;
/// Bytes of a time.
const TIME_BYTES: usize = 7;

/// A call with what every script of the feed gets.
fn call() -> Call {
    let mut call = Call::new(keys::FEED);
    call.arg(keys::FEED_LISTS);
    call
}

/// Writes what `feed.lua` describes.
pub(super) fn value(it: &FeedEntry) -> Vec<u8> {
    let visitor = it.visitor.map(VisitorId::to_bytes);
    let visitor = visitor.as_ref().map_or(&[][..], |it| &it[..]);
    let mut value = Vec::with_capacity(48 + it.id.len() + it.kind.len() + it.body.len());
    value.extend(it.at.unix_ms().to_be_bytes().iter().skip(8 - TIME_BYTES));
    value.push(u8::try_from(visitor.len()).unwrap_or(0));
    value.extend(visitor);
    value.extend(u16::try_from(it.id.len()).unwrap_or(0).to_be_bytes());
    value.extend(it.id.as_bytes());
    value.push(u8::try_from(it.kind.len()).unwrap_or(0));
    value.extend(it.kind.as_bytes());
    value.extend(it.body.as_bytes());
    value
}

fn entry(value: &[u8]) -> Result<FeedEntry, StorageError> {
    let parsed = || {
        let (time, rest) = value.split_at_checked(TIME_BYTES)?;
        let sign = if time.first().is_some_and(|it| it & 0x80 != 0) { -1 } else { 0 };
        let at = Timestamp::from_unix_ms(time.iter().fold(sign, |number, it| (number << 8) | i64::from(*it)));
        let (size, rest) = rest.split_first()?;
        let (visitor, rest) = rest.split_at_checked(usize::from(*size))?;
        let visitor = if visitor.is_empty() { None } else { Some(VisitorId::from_bytes(visitor.try_into().ok()?)) };
        let (size, rest) = rest.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        let (size, rest) = rest.split_first()?;
        let (kind, body) = rest.split_at_checked(usize::from(*size))?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(FeedEntry { id: text(id)?, at, kind: text(kind)?, visitor, body: text(body)? })
    };
    parsed().ok_or_else(|| damaged("an entry of the feed"))
}

pub(super) fn append(link: &Link, entries: &[FeedEntry]) -> Result<(), StorageError> {
    for some in entries.chunks(ENTRIES_A_CALL) {
        let mut call = call();
        for it in some {
            call.arg(&*it.id).arg(it.visitor.map(|it| it.to_bytes().to_vec()).unwrap_or_default()).arg(value(it));
        }
        scripts::run_one::<u64>(link, &scripts::FEED_PUT, call)?;
    }
    Ok(())
}

pub(super) fn read(link: &Link, mut after: u64, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
    let mut found = Vec::new();
    while found.len() < limit {
        let mut call = call();
        let left = u64::try_from(limit - found.len()).unwrap_or(u64::MAX);
        call.arg(after.to_string()).arg(NUMBERS_A_CALL.to_string()).arg(left.to_string()).arg(BYTES_A_CALL.to_string());
        let reply: Vec<Vec<u8>> = scripts::run_one(link, &scripts::FEED_READ, call)?;
        let number = |it: &[u8]| std::str::from_utf8(it).ok().and_then(|it| it.parse().ok());
        let wrong = || damaged("a number of the feed");
        let (up_to, rows) = reply.split_first().ok_or_else(wrong)?;
        for row in rows.chunks(2) {
            let [of, value] = row else { return Err(wrong()) };
            found.push((number(of).ok_or_else(wrong)?, entry(value)?));
        }
        if up_to.is_empty() {
            break;
        }
        after = number(up_to).ok_or_else(wrong)?;
    }
    Ok(found)
}

/// The entries about one visitor. What was removed may still stand on the visitor's list.
pub(super) fn of(link: &Link, visitor: VisitorId, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
    let [_, entries, ..] = keys::FEED;
    let list = [keys::FEED_LISTS.as_bytes(), &visitor.to_bytes()].concat();
    let limit = limit.min(ENTRIES_OF_VISITOR_MAX);
    let mut numbers: Vec<u64> =
        link.with(Patience::Work, |conn| redis::cmd("SRANDMEMBER").arg(&list).arg(limit).query(conn))?;
    numbers.sort_unstable();
    let mut found = Vec::new();
    for some in numbers.chunks(ENTRIES_A_CALL) {
        let values: Vec<Option<Vec<u8>>> =
            link.with(Patience::Work, |conn| redis::cmd("HMGET").arg(entries).arg(some).query(conn))?;
        for (number, value) in some.iter().zip(values) {
            found.extend(value.map(|it| entry(&it)).transpose()?.map(|it| (*number, it)));
        }
    }
    Ok(found)
}

pub(super) fn end(link: &Link) -> Result<u64, StorageError> {
    let [last, ..] = keys::FEED;
    let found: Option<u64> = link.with(Patience::Work, |conn| redis::cmd("GET").arg(last).query(conn))?;
    Ok(found.unwrap_or_default())
}

pub(super) fn forget(link: &Link, visitor: VisitorId) -> Result<u64, StorageError> {
    let mut removed = 0;
    loop {
        let mut call = call();
        call.arg(visitor.to_bytes()).arg(FORGET_A_CALL.to_string());
        let done: u64 = scripts::run_one(link, &scripts::FEED_FORGET, call)?;
        removed += done;
        if done < FORGET_A_CALL {
            return Ok(removed);
        }
    }
}

/// Entries come in about the order of time: the first ones are looked at, and an old one behind many young ones waits for its turn.
pub(super) fn purge(link: &Link, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    let mut removed = 0;
    for _ in 0..PURGE_CALLS_MAX {
        let mut call = call();
        call.arg(before.unix_ms().to_string()).arg(NUMBERS_A_CALL.to_string());
        call.arg(limit.saturating_sub(removed).to_string());
        let (done, is_more): (u64, bool) = scripts::run_one(link, &scripts::FEED_PURGE, call)?;
        removed += done;
        if !is_more || removed >= limit {
            break;
        }
    }
    Ok(removed)
}
