//! The book's trait on the file: every method one transaction of its connection; not how its tables are read and written.

use super::super::{
    Book, Card, CardKind, CardWrite, DeadJob, EachCount, FeedEntry, JobCounts, LeasedJob, Settled, StorageError,
};
use super::{Embedded, book, jobs, lock, whole};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::{Day, Timestamp};

impl Book for Embedded {
    fn cards(&self, kind: CardKind, ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError> {
        book::cards(&lock(&self.book), kind, ids)
    }

    fn write_card(&self, write: &CardWrite) -> Result<u64, StorageError> {
        whole(&mut lock(&self.book), |conn| book::write_card(conn, write))
    }

    fn cards_page(
        &self,
        kind: CardKind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Card>, Option<String>), StorageError> {
        book::cards_page(&lock(&self.book), kind, after, limit)
    }

    fn cards_of(&self, visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError> {
        book::cards_of(&lock(&self.book), visitor)
    }

    fn each_count(&self, from: Day, to: Day, each: EachCount<'_>) -> Result<(), StorageError> {
        book::each_count(&lock(&self.book), from, to, each)
    }

    fn purge_counts(&self, before: Day, limit: usize) -> Result<u64, StorageError> {
        whole(&mut lock(&self.book), |conn| book::purge_counts(conn, before, limit))
    }

    fn enqueue(&self, jobs: &[Job], _now: Timestamp) -> Result<(), StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::enqueue(conn, jobs))
    }

    fn lease_jobs(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<LeasedJob>, StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::lease(conn, lane, (now, until), limit))
    }

    fn settle_job(&self, leased: &LeasedJob, settled: &Settled, now: Timestamp) -> Result<bool, StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::settle(conn, leased, settled, now))
    }

    fn job_counts(&self, lane: Lane, now: Timestamp) -> Result<JobCounts, StorageError> {
        jobs::counts(&lock(&self.book), lane, now)
    }

    fn dead_jobs(&self, lane: Lane, skip: usize, limit: usize) -> Result<Vec<DeadJob>, StorageError> {
        jobs::dead(&lock(&self.book), lane, skip, limit)
    }

    fn retry_jobs(&self, lane: Lane, id: Option<&str>, now: Timestamp) -> Result<u64, StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::retry(conn, lane, id, now))
    }

    fn append_feed(&self, entries: &[FeedEntry]) -> Result<(), StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::append_feed(conn, entries))
    }

    fn feed(&self, after: u64, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
        jobs::feed(&lock(&self.book), after, limit)
    }

    fn feed_of(&self, visitor: VisitorId, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
        jobs::feed_of(&lock(&self.book), visitor, limit)
    }

    fn feed_end(&self) -> Result<u64, StorageError> {
        jobs::feed_end(&lock(&self.book))
    }

    fn purge_book(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::purge(conn, before, limit))
    }

    fn purge_dead_jobs(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError> {
        whole(&mut lock(&self.book), |conn| jobs::purge_dead(conn, before, limit))
    }
}
