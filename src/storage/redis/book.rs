//! The book's trait on Redis; not how cards, jobs and the feed lie there.

use super::super::{
    Book, Card, CardKind, CardWrite, DeadJob, EachCount, FeedEntry, JobCounts, LeasedJob, Settled, StorageError,
};
use super::link::{Link, Patience};
use super::{Redis, cards, feed, jobs, keys, replicas};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::{Day, Timestamp};

impl Book for Redis {
    fn cards(&self, kind: CardKind, ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError> {
        cards::read(&self.link, kind, ids)
    }

    fn write_card(&self, write: &CardWrite) -> Result<u64, StorageError> {
        cards::write(&self.link, write)
    }

    fn cards_page(
        &self,
        kind: CardKind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Card>, Option<String>), StorageError> {
        cards::page(&self.link, kind, after, limit)
    }

    fn cards_of(&self, visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError> {
        cards::of_visitor(&self.link, visitor)
    }

    fn each_count(&self, from: Day, to: Day, each: EachCount<'_>) -> Result<(), StorageError> {
        cards::each_count(&self.link, from, to, each)
    }

    fn purge_counts(&self, before: Day, limit: usize) -> Result<u64, StorageError> {
        cards::purge_counts(&self.link, before, limit)
    }

    fn enqueue(&self, jobs: &[Job], _now: Timestamp) -> Result<(), StorageError> {
        let shift_ms = self.clock.shift_ms(&self.link, Patience::Work)?;
        let theirs = |it: &Job| Job { ready_at: it.ready_at.plus_ms(shift_ms), ..it.clone() };
        jobs::enqueue(&self.link, &jobs.iter().map(theirs).collect::<Vec<_>>())?;
        // Whoever hands jobs over lets go of them now.
        let lanes = Lane::ALL.into_iter().filter(|lane| jobs.iter().any(|it| it.lane == *lane));
        replicas::confirm_at(&self.link, lanes.map(keys::jobs_fence).collect())
    }

    fn lease_jobs(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<LeasedJob>, StorageError> {
        let shift_ms = self.clock.shift_ms(&self.link, Patience::Work)?;
        let mut leased = jobs::lease(&self.link, lane, (now.plus_ms(shift_ms), until.plus_ms(shift_ms)), limit)?;
        for it in &mut leased {
            it.job.ready_at = it.job.ready_at.plus_ms(-shift_ms);
        }
        Ok(leased)
    }

    fn settle_job(&self, leased: &LeasedJob, settled: &Settled, now: Timestamp) -> Result<bool, StorageError> {
        let shift_ms = self.clock.shift_ms(&self.link, Patience::Work)?;
        let theirs = match settled {
            Settled::Again(at, cause) => Settled::Again(at.plus_ms(shift_ms), cause.clone()),
            Settled::Done | Settled::Dead(_) => settled.clone(),
        };
        jobs::settle(&self.link, leased, &theirs, now.plus_ms(shift_ms))
    }

    fn job_counts(&self, lane: Lane, now: Timestamp) -> Result<JobCounts, StorageError> {
        let shift_ms = self.clock.shift_ms(&self.link, Patience::Work)?;
        let counts = jobs::counts(&self.link, lane, now.plus_ms(shift_ms))?;
        Ok(JobCounts { oldest_ready_at: counts.oldest_ready_at.map(|it| it.plus_ms(-shift_ms)), ..counts })
    }

    fn dead_jobs(&self, lane: Lane, skip: usize, limit: usize) -> Result<Vec<DeadJob>, StorageError> {
        jobs::dead(&self.link, lane, skip, limit)
    }

    fn retry_jobs(&self, lane: Lane, id: Option<&str>, now: Timestamp) -> Result<u64, StorageError> {
        let now = self.clock.moved(&self.link, Patience::Work, now)?;
        jobs::retry(&self.link, lane, id, now)
    }

    fn append_feed(&self, entries: &[FeedEntry]) -> Result<(), StorageError> {
        if entries.is_empty() {
            return Ok(());
        }
        feed::append(&self.link, entries)?;
        replicas::confirm_at(&self.link, vec![keys::FEED_FENCE.to_owned()])
    }

    fn feed(&self, after: u64, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
        feed::read(&self.link, after, limit)
    }

    fn feed_of(&self, visitor: VisitorId, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
        feed::of(&self.link, visitor, limit)
    }

    fn feed_end(&self) -> Result<u64, StorageError> {
        feed::end(&self.link)
    }

    fn purge_book(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let removed = feed::purge(&self.link, before, limit)?;
        Ok(removed + jobs::purge(&self.link, before, limit.saturating_sub(removed))?)
    }

    fn purge_dead_jobs(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
        jobs::purge_dead(&self.link, before, u64::try_from(limit).unwrap_or(u64::MAX))
    }
}

/// Removes cards, jobs and entries of the feed of a visitor, for good even if a primary is lost; says how many.
pub(super) fn forget(link: &Link, visitor: VisitorId) -> Result<u64, StorageError> {
    let removed = cards::forget(link, visitor)? + jobs::forget(link, visitor)? + feed::forget(link, visitor)?;
    let fences = Lane::ALL.into_iter().map(keys::jobs_fence).chain([keys::FEED_FENCE.to_owned()]);
    // Without a Cluster there is one primary, which the caller waits for.
    if link.is_cluster() {
        replicas::confirm_at(link, fences.collect())?;
    }
    Ok(removed)
}
