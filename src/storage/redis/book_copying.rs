//! What of the book is copied as it lies in Redis; every field is written as a whole, so repeating it is harmless.

use std::collections::{BTreeMap, HashSet};

use redis::Pipeline;
use sha2::{Digest as _, Sha256};

use super::super::{CardKind, EachPiece, FeedEntry, JobKept, JobState, Piece, StorageError};
use super::jobs::Kept;
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::{cards, damaged, feed};
use crate::id::VisitorId;
use crate::job::Lane;
use crate::time::Timestamp;

/// Cards or jobs that are read in one call.
const PAGE: usize = 200;

/// What was met already: pages of a hash that grows or shrinks may repeat something.
#[derive(Default)]
struct Met(HashSet<[u8; 16]>);

impl Met {
    fn is_new(&mut self, id: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        let (head, _) = digest.split_first_chunk().expect("32 bytes hold 16");
        self.0.insert(*head)
    }
}

pub(super) fn cards(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    for partition in 0..PARTITIONS {
        for kind in CardKind::ALL {
            let mut met = Met::default();
            let mut cursor = 0_u64;
            loop {
                let mut scan = redis::cmd("HSCAN");
                scan.arg(keys::cards(partition, kind)).arg(cursor).arg("COUNT").arg(PAGE);
                let (next, page): (u64, Vec<(String, Vec<u8>)>) = link.with(Patience::Work, |conn| scan.query(conn))?;
                for (id, value) in page {
                    if met.is_new(&id) && each(Piece::Card(kind, cards::card(&id, &value)?)).is_break() {
                        return Ok(());
                    }
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
    }
    Ok(())
}

pub(super) fn jobs(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    for lane in Lane::ALL {
        let ([bodies, turns, dead, done], _) = keys::jobs(lane);
        for (key, state) in [(turns, JobState::Waits), (done, JobState::Done), (dead, JobState::Dead)] {
            let mut met = Met::default();
            let mut cursor = 0_u64;
            loop {
                let mut scan = redis::cmd("ZSCAN");
                scan.arg(&key).arg(cursor).arg("COUNT").arg(PAGE);
                let (next, page): (u64, Vec<(String, f64)>) = link.with(Patience::Work, |conn| scan.query(conn))?;
                for it in jobs_of(link, (lane, state), &bodies, page)? {
                    if met.is_new(&it.job.id) && each(Piece::Job(it)).is_break() {
                        return Ok(());
                    }
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The jobs of a page of ids and moments.
fn jobs_of(
    link: &Link,
    (lane, state): (Lane, JobState),
    bodies: &str,
    page: Vec<(String, f64)>,
) -> Result<Vec<JobKept>, StorageError> {
    let mut values: Vec<Option<Vec<u8>>> = vec![None; page.len()];
    if state != JobState::Done && !page.is_empty() {
        let mut get = redis::cmd("HMGET");
        get.arg(bodies);
        for (id, _) in &page {
            get.arg(id);
        }
        values = link.with(Patience::Work, |conn| get.query(conn))?;
    }
    let nothing = Kept { tries: 0, visitor: None, cause: String::new(), body: String::new() };
    let mut found = Vec::with_capacity(page.len());
    for ((id, at), value) in page.into_iter().zip(values) {
        // Whole milliseconds, of which a score holds enough exactly.
        let at = format!("{at:.0}").parse().map_err(|_cause| damaged("the moment of a job"))?;
        let kept = match value {
            Some(value) => Kept::of(&value)?,
            None if state == JobState::Done => nothing.clone(),
            // Somebody has settled it in between.
            None => continue,
        };
        let (tries, cause) = (kept.tries, kept.cause.clone());
        found.push(JobKept { job: kept.job(id, lane, Timestamp::from_unix_ms(at)), state, tries, cause });
    }
    Ok(found)
}

/// Commands for each hash tag, by any name of it.
#[derive(Default)]
struct Batches(BTreeMap<String, Pipeline>);

impl Batches {
    fn of(&mut self, tag: &str) -> &mut Pipeline {
        self.0.entry(tag.to_owned()).or_default()
    }

    fn send(self, link: &Link) -> Result<(), StorageError> {
        for pipe in self.0.into_values() {
            link.with(Patience::Work, |conn| pipe.exec(conn))?;
        }
        Ok(())
    }
}

pub(super) fn take_in(link: &Link, pieces: &[Piece]) -> Result<(), StorageError> {
    let mut lists = Batches::default();
    let mut batches = Batches::default();
    for piece in pieces {
        match piece {
            Piece::Card(kind, it) => {
                if let Some(visitor) = it.visitor.map(VisitorId::to_bytes) {
                    let pipe = lists.of(&keys::prefix(keys::partition(&visitor)));
                    pipe.cmd("HSET")
                        .arg(keys::cards_of(&visitor))
                        .arg(cards::listed((*kind, &*it.id)))
                        .arg("")
                        .ignore();
                }
                let partition = keys::partition_of(&it.id);
                let pipe = batches.of(&keys::prefix(partition));
                pipe.cmd("HSET").arg(keys::cards(partition, *kind)).arg(&it.id).arg(cards::value(it)).ignore();
            }
            Piece::Counter(it) => {
                let (partition, day) = (keys::partition_of(&it.of), it.day.number());
                let pipe = batches.of(&keys::prefix(partition));
                let key = format!("{}{day}", keys::counters(partition));
                pipe.cmd("HSET").arg(key).arg(&it.of).arg(it.by).ignore();
                pipe.cmd("ZADD").arg(keys::counted_days(partition)).arg(day).arg(day).ignore();
            }
            Piece::Job(it) => put_job(batches.of(it.job.lane.as_str()), it),
            Piece::Feed(number, it) => put_entry(batches.of("feed"), *number, it),
            Piece::FeedEnd(number) => {
                let [last, _, _, first] = keys::FEED;
                let pipe = batches.of("feed");
                pipe.cmd("SET").arg(last).arg(*number).ignore();
                pipe.cmd("SET").arg(first).arg(number.saturating_add(1)).arg("NX").ignore();
            }
            Piece::Secret(_)
            | Piece::ForgottenKey(_)
            | Piece::Forgotten(..)
            | Piece::Kept(..)
            | Piece::EarlyStep(_)
            | Piece::Head(..)
            | Piece::Seat(_)
            | Piece::Document(..)
            | Piece::Audit(..)
            | Piece::Delivered(..) => {}
        }
    }
    // A visitor's list may name too much and never too little.
    lists.send(link)?;
    batches.send(link)
}

fn put_job(pipe: &mut Pipeline, it: &JobKept) {
    let ([bodies, turns, dead, done], lists) = keys::jobs(it.job.lane);
    let at = it.job.ready_at.unix_ms();
    let key = match it.state {
        JobState::Waits => turns,
        JobState::Done => done,
        JobState::Dead => dead,
    };
    pipe.cmd("ZADD").arg(key).arg(at).arg(&it.job.id).ignore();
    if it.state == JobState::Done {
        return;
    }
    let (cause, body) = (it.cause.clone(), it.job.body.clone());
    let kept = Kept { tries: it.tries, visitor: it.job.visitor, cause, body };
    pipe.cmd("HSET").arg(bodies).arg(&it.job.id).arg(kept.value()).ignore();
    if let Some(visitor) = it.job.visitor.map(VisitorId::to_bytes) {
        let list = [lists.as_bytes(), &visitor].concat();
        pipe.cmd("HSET").arg(list).arg(&it.job.id).arg("").ignore();
    }
}

fn put_entry(pipe: &mut Pipeline, number: u64, it: &FeedEntry) {
    let [_, entries, numbers, first] = keys::FEED;
    // Of all entries the first one comes first.
    pipe.cmd("SET").arg(first).arg(number).arg("NX").ignore();
    pipe.cmd("HSET").arg(entries).arg(number).arg(feed::value(it)).ignore();
    pipe.cmd("HSET").arg(numbers).arg(&it.id).arg(number).ignore();
    if let Some(visitor) = it.visitor.map(VisitorId::to_bytes) {
        let list = [keys::FEED_LISTS.as_bytes(), &visitor].concat();
        pipe.cmd("SADD").arg(list).arg(number).ignore();
    }
}
