//! Jobs in Redis: a lane lies under one hash tag, and each call is one script.

use super::super::book::cut;
use super::super::{DeadJob, JobCounts, LeasedJob, Settled, StorageError};
use super::damaged;
use super::keys;
use super::link::Link;
use super::scripts::{self, Call, Lua};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::Timestamp;

/// Jobs that one script takes on, gives out or reads.
const JOBS_A_CALL: usize = 64;
/// Jobs that one script makes ready again, forgets or lets go of.
const IDS_A_CALL: u64 = 200;

/// What is kept of a job beside its id and its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) tries: u32,
    pub(super) visitor: Option<VisitorId>,
    pub(super) cause: String,
    pub(super) body: String,
}

impl Kept {
    /// Reads what `jobs.lua` describes.
    pub(super) fn of(value: &[u8]) -> Result<Self, StorageError> {
        let parsed = || {
            let (tries, rest) = value.split_first_chunk::<4>()?;
            let (size, rest) = rest.split_first()?;
            let (visitor, rest) = rest.split_at_checked(usize::from(*size))?;
            let visitor = if visitor.is_empty() { None } else { Some(VisitorId::from_bytes(visitor.try_into().ok()?)) };
            let (size, rest) = rest.split_first_chunk::<2>()?;
            let (cause, body) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
            Some(Self { tries: u32::from_be_bytes(*tries), visitor, cause: text(cause)?, body: text(body)? })
        };
        parsed().ok_or_else(|| damaged("a job"))
    }

    pub(super) fn value(&self) -> Vec<u8> {
        let visitor = self.visitor.map(VisitorId::to_bytes);
        let visitor = visitor.as_ref().map_or(&[][..], |it| &it[..]);
        let cause = cut(&self.cause);
        let size = u16::try_from(cause.len()).unwrap_or(0).to_be_bytes();
        let visitor_size = [u8::try_from(visitor.len()).unwrap_or(0)];
        [&self.tries.to_be_bytes()[..], &visitor_size, visitor, &size, cause.as_bytes(), self.body.as_bytes()].concat()
    }

    pub(super) fn job(self, id: String, lane: Lane, ready_at: Timestamp) -> Job {
        Job { id, lane, body: self.body, ready_at, visitor: self.visitor }
    }
}

/// A call with what every script of jobs gets.
pub(super) fn call(lane: Lane) -> Call {
    let (keys, lists) = keys::jobs(lane);
    let mut call = Call::new(keys);
    call.arg(lists);
    call
}

fn moment(text: &[u8]) -> Result<Timestamp, StorageError> {
    let text = std::str::from_utf8(text).ok().and_then(|it| it.parse().ok());
    text.map(Timestamp::from_unix_ms).ok_or_else(|| damaged("the moment of a job"))
}

/// Reads id, moment and value of each.
fn rows(reply: Vec<Vec<u8>>) -> Result<Vec<(String, Timestamp, Kept)>, StorageError> {
    let mut found = Vec::with_capacity(reply.len() / 3);
    let mut reply = reply.into_iter();
    while let (Some(id), Some(at), Some(value)) = (reply.next(), reply.next(), reply.next()) {
        let id = String::from_utf8(id).map_err(|_bytes| damaged("the id of a job"))?;
        found.push((id, moment(&at)?, Kept::of(&value)?));
    }
    Ok(found)
}

pub(super) fn enqueue(link: &Link, jobs: &[Job]) -> Result<(), StorageError> {
    for lane in Lane::ALL {
        let of_lane: Vec<_> = jobs.iter().filter(|it| it.lane == lane).collect();
        for some in of_lane.chunks(JOBS_A_CALL) {
            let mut call = call(lane);
            for it in some {
                let kept = Kept { tries: 0, visitor: it.visitor, cause: String::new(), body: it.body.clone() };
                call.arg(&*it.id).arg(it.ready_at.unix_ms().to_string());
                call.arg(it.visitor.map(|it| it.to_bytes().to_vec()).unwrap_or_default()).arg(kept.value());
            }
            scripts::run_one::<u64>(link, &scripts::JOBS_PUT, call)?;
        }
    }
    Ok(())
}

pub(super) fn lease(
    link: &Link,
    lane: Lane,
    (now, until): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<LeasedJob>, StorageError> {
    let mut call = call(lane);
    call.arg(now.unix_ms().to_string()).arg(until.unix_ms().to_string()).arg(limit.min(JOBS_A_CALL).to_string());
    let taken = rows(scripts::run_one(link, &scripts::JOBS_LEASE, call)?)?;
    let leased = |(id, ready_at, kept): (String, Timestamp, Kept)| {
        let tries = kept.tries;
        LeasedJob { job: kept.job(id, lane, ready_at), tries }
    };
    Ok(taken.into_iter().map(leased).collect())
}

pub(super) fn settle(link: &Link, leased: &LeasedJob, settled: &Settled, now: Timestamp) -> Result<bool, StorageError> {
    let (what, at, cause) = match settled {
        Settled::Done => ("done", now, ""),
        Settled::Again(at, cause) => ("again", *at, cut(cause)),
        Settled::Dead(cause) => ("dead", now, cut(cause)),
    };
    let mut call = call(leased.job.lane);
    call.arg(&*leased.job.id).arg(leased.tries.to_string()).arg(what).arg(at.unix_ms().to_string()).arg(cause);
    scripts::run_one(link, &scripts::JOBS_SETTLE, call)
}

pub(super) fn counts(link: &Link, lane: Lane, now: Timestamp) -> Result<JobCounts, StorageError> {
    let (waiting, dead, first): (u64, u64, Vec<u8>) = scripts::run_one(link, &scripts::JOBS_COUNTS, call(lane))?;
    let first = if first.is_empty() { None } else { Some(moment(&first)?) };
    Ok(JobCounts { waiting, dead, oldest_ready_at: first.filter(|it| *it <= now) })
}

pub(super) fn dead(link: &Link, lane: Lane, skip: usize, limit: usize) -> Result<Vec<DeadJob>, StorageError> {
    let mut found = Vec::new();
    while found.len() < limit {
        let wanted = (limit - found.len()).min(JOBS_A_CALL);
        let mut call = call(lane);
        call.arg(skip.saturating_add(found.len()).to_string()).arg(wanted.to_string());
        let page = rows(scripts::run_one(link, &scripts::JOBS_DEAD, call)?)?;
        let is_last = page.len() < wanted;
        found.extend(page.into_iter().map(|(id, at, kept)| {
            let (tries, cause) = (kept.tries, kept.cause.clone());
            DeadJob { job: kept.job(id, lane, at), tries, cause, at }
        }));
        if is_last {
            break;
        }
    }
    Ok(found)
}

pub(super) fn retry(link: &Link, lane: Lane, id: Option<&str>, now: Timestamp) -> Result<u64, StorageError> {
    if let Some(id) = id {
        let mut call = call(lane);
        call.arg(now.unix_ms().to_string()).arg("1").arg(id);
        return scripts::run_one(link, &scripts::JOBS_RETRY, call);
    }
    // What dies anew meanwhile is no part of it.
    let mut left = counts(link, lane, now)?.dead;
    let mut again = 0;
    while left > 0 {
        let mut call = call(lane);
        call.arg(now.unix_ms().to_string()).arg(left.min(IDS_A_CALL).to_string());
        let done: u64 = scripts::run_one(link, &scripts::JOBS_RETRY, call)?;
        again += done;
        left = if done == 0 { 0 } else { left.saturating_sub(done) };
    }
    Ok(again)
}

pub(super) fn forget(link: &Link, visitor: VisitorId) -> Result<u64, StorageError> {
    let mut removed = 0;
    for lane in Lane::ALL {
        removed += each_call(link, &scripts::JOBS_FORGET, lane, &visitor.to_bytes(), u64::MAX)?;
    }
    Ok(removed)
}

pub(super) fn purge(link: &Link, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    old(link, &scripts::JOBS_PURGE, before, limit)
}

pub(super) fn purge_dead(link: &Link, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    old(link, &scripts::JOBS_PURGE_DEAD, before, limit)
}

fn old(link: &Link, script: &Lua, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
    let mut removed = 0;
    for lane in Lane::ALL {
        let left = limit.saturating_sub(removed);
        removed += each_call(link, script, lane, before.unix_ms().to_string().as_bytes(), left)?;
    }
    Ok(removed)
}

/// Calls a script until it finds nothing more, or has found as much as this.
fn each_call(link: &Link, script: &Lua, lane: Lane, with: &[u8], limit: u64) -> Result<u64, StorageError> {
    let mut removed = 0;
    let mut left = limit;
    while left > 0 {
        let wanted = left.min(IDS_A_CALL);
        let mut call = call(lane);
        call.arg(with).arg(wanted.to_string());
        let done: u64 = scripts::run_one(link, script, call)?;
        removed += done;
        if done < wanted {
            break;
        }
        left = left.saturating_sub(done);
    }
    Ok(removed)
}
