//! What is removed with time in Redis, little by little.

use super::super::{Purge, StorageError, TagFilter};
use super::damaged;
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::pages::Stream;
use super::people::Marks;
use super::records::{self, Change, Counted};
use super::scripts::{self, Call};
use crate::id::{ScanId, VisitorId};
use crate::time::{Day, Timestamp};

/// Visits that are looked at without finding an old one before a partition is left for another time. Where clocks have one zone, those
/// of earlier days come first.
const YOUNG_MAX: usize = 500;
/// Keys or days that are looked at in one go.
const KEYS_A_GO: usize = 64;
const DAY_MS: i64 = 86_400_000;

pub(super) fn purge(link: &Link, what: Purge, limit: usize) -> Result<u64, StorageError> {
    let mut removed = 0_u64;
    for partition in 0..PARTITIONS {
        let left = limit.saturating_sub(usize::try_from(removed).unwrap_or(usize::MAX));
        if left == 0 {
            break;
        }
        removed += match what {
            Purge::Tags(day) => tags(link, partition, day, left)?,
            Purge::Steps(at) => steps(link, partition, at, left)?,
            Purge::Consents(at) => consents(link, partition, at, left)?,
            Purge::Tallies(day) => tallies(link, partition, day, left)?,
            Purge::Forgotten(at) => {
                let mut call = Call::new([keys::forgotten(partition)]);
                call.arg(at.unix_ms().to_string()).arg(left.to_string());
                scripts::run_one(link, &scripts::OLD_MARKS, call)?
            }
        };
    }
    Ok(removed)
}

fn tags(link: &Link, partition: u8, day: Day, limit: usize) -> Result<u64, StorageError> {
    // No visit of an older day begins two days later.
    let to = Timestamp::from_unix_ms((day.number() + 2) * DAY_MS);
    let filter = TagFilter { to: Some(to), ..TagFilter::default() };
    let mut stream = Stream::all(link, partition, &filter);
    let mut old = Vec::new();
    let mut young = 0;
    while let Some(visit) = stream.next()? {
        if visit.record.day() < day {
            young = 0;
            old.push((visit.record.visitor, visit.record.scan));
        } else {
            young += 1;
        }
        if old.len() == limit || young > YOUNG_MAX {
            break;
        }
    }
    let day = day.number().to_string().into_bytes();
    let change = |(visitor, scan)| Change { visitor, scan, what: "remove", with: [day.clone(), Vec::new()] };
    let marks = Marks::open(link)?;
    let done = records::change(link, &marks, old.into_iter().map(change).collect(), Counted::Removed, 0)?;
    let gone: Vec<ScanId> = done.iter().filter(|it| it.2 >= 100).map(|it| it.1).collect();
    // Should this be broken off, whose these visits were stays known for nothing; nothing else comes of it.
    records::release(link, &marks, "gone", gone.iter().map(|it| (*it, Timestamp::EPOCH)))?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

fn steps(link: &Link, partition: u8, at: Timestamp, limit: usize) -> Result<u64, StorageError> {
    let members: Vec<Vec<u8>> = link.with(Patience::Work, |conn| {
        let mut old = redis::cmd("ZRANGEBYSCORE");
        old.arg(keys::by_step(partition)).arg("-inf").arg(format!("({}", at.unix_ms()));
        old.arg("LIMIT").arg(0).arg(limit.min(YOUNG_MAX)).query(conn)
    })?;
    let before = at.unix_ms().to_string().into_bytes();
    let mut changes = Vec::with_capacity(members.len());
    for member in members {
        let ids = member.split_first_chunk().and_then(|(scan, visitor)| {
            Some((ScanId::from_bytes(*scan), VisitorId::from_bytes(visitor.try_into().ok()?)))
        });
        let (scan, visitor) = ids.ok_or_else(|| damaged("whose steps"))?;
        changes.push(Change { visitor, scan, what: "age", with: [before.clone(), Vec::new()] });
    }
    let mut removed = 0;
    // The limit is one call's, so calls that share it come one after the other.
    while !changes.is_empty() && removed < limit {
        let rest = changes.split_off(changes.len().min(records::VISITS_A_CALL));
        let done = records::change(link, &Marks::open(link)?, changes, Counted::Removed, limit - removed)?;
        removed += usize::try_from(done.iter().map(|it| it.2).sum::<u64>()).unwrap_or(usize::MAX);
        changes = rest;
    }
    Ok(u64::try_from(removed).unwrap_or(u64::MAX))
}

fn consents(link: &Link, partition: u8, at: Timestamp, limit: usize) -> Result<u64, StorageError> {
    let times: Vec<Vec<u8>> = link.with(Patience::Work, |conn| {
        let mut old = redis::cmd("ZRANGEBYSCORE");
        old.arg(keys::consent_times(partition)).arg("-inf").arg(format!("({}", at.unix_ms()));
        old.arg("LIMIT").arg(0).arg(KEYS_A_GO).query(conn)
    })?;
    let mut removed = 0_u64;
    for time in times {
        let left = limit.saturating_sub(usize::try_from(removed).unwrap_or(usize::MAX));
        if left == 0 {
            break;
        }
        let mut call = Call::new([keys::consents(partition, &time), keys::consent_times(partition).into_bytes()]);
        call.arg(time).arg(at.unix_ms().to_string()).arg(left.to_string());
        removed += scripts::run_one::<u64>(link, &scripts::OLD_CONSENTS, call)?;
    }
    Ok(removed)
}

fn tallies(link: &Link, partition: u8, day: Day, limit: usize) -> Result<u64, StorageError> {
    let days: Vec<i64> = link.with(Patience::Work, |conn| {
        let mut old = redis::cmd("ZRANGEBYSCORE");
        old.arg(keys::days(partition)).arg("-inf").arg(format!("({}", day.number()));
        old.arg("LIMIT").arg(0).arg(KEYS_A_GO).query(conn)
    })?;
    let mut removed = 0_u64;
    for day in days {
        let left = limit.saturating_sub(usize::try_from(removed).unwrap_or(usize::MAX));
        if left == 0 {
            break;
        }
        let [told, kept] = [keys::tallies(partition, day), keys::tallies_kept(partition, day)];
        let mut call = Call::new([told, kept, keys::days(partition)]);
        call.arg(day.to_string()).arg(left.to_string());
        removed += scripts::run_one::<u64>(link, &scripts::OLD_TALLIES, call)?;
    }
    Ok(removed)
}
