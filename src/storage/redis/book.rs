//! Cards, jobs and the feed in Redis.

use super::super::{
    Book, Card, CardKind, CardWrite, DeadJob, EachCount, FeedEntry, JobCounts, LeasedJob, Settled, StorageError,
    Trouble,
};
use super::Redis;
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::{Day, Timestamp};

impl Book for Redis {
    fn cards(&self, _kind: CardKind, _ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn write_card(&self, _write: &CardWrite) -> Result<u64, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn cards_page(
        &self,
        _kind: CardKind,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<(Vec<Card>, Option<String>), StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn cards_of(&self, _visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn each_count(&self, _from: Day, _to: Day, _each: EachCount<'_>) -> Result<(), StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn enqueue(&self, _jobs: &[Job], _now: Timestamp) -> Result<(), StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn lease_jobs(
        &self,
        _lane: Lane,
        _now: Timestamp,
        _until: Timestamp,
        _limit: usize,
    ) -> Result<Vec<LeasedJob>, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn settle_job(&self, _leased: &LeasedJob, _settled: &Settled, _now: Timestamp) -> Result<bool, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn job_counts(&self, _lane: Lane, _now: Timestamp) -> Result<JobCounts, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn dead_jobs(&self, _lane: Lane, _skip: usize, _limit: usize) -> Result<Vec<DeadJob>, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn retry_jobs(&self, _lane: Lane, _id: Option<&str>, _now: Timestamp) -> Result<u64, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn append_feed(&self, _entries: &[FeedEntry]) -> Result<(), StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn feed(&self, _after: u64, _limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn feed_end(&self) -> Result<u64, StorageError> {
        Err(Trouble::Unavailable.into())
    }

    fn purge_book(&self, _before: Timestamp, _limit: usize) -> Result<u64, StorageError> {
        Err(Trouble::Unavailable.into())
    }
}
