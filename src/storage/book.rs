//! What storage keeps beside visits: cards about customers and chats, jobs for the world outside, and the feed of what happened; as
//! plain values. What stands on a card or in a job is not known here.
//!
//! There are tens of millions of cards, so nothing here hands over all of anything.

use super::StorageError;
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::time::{Day, Timestamp};

/// The longest id of a card, a job or an entry of the feed, in bytes.
pub const BOOK_ID_BYTES_MAX: usize = 256;
/// The longest body of a card, a job or an entry of the feed, in bytes.
pub const BOOK_BODY_BYTES_MAX: usize = 256 * 1024;

/// The longest cause of a failure that is kept of a job, in bytes.
pub const CAUSE_BYTES_MAX: usize = 4096;

/// As much of a cause as is kept.
pub(super) fn cut(cause: &str) -> &str {
    let end = (0..=CAUSE_BYTES_MAX.min(cause.len())).rev().find(|it| cause.is_char_boundary(*it));
    cause.split_at_checked(end.unwrap_or(0)).map_or("", |it| it.0)
}

/// What a card is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardKind {
    /// A customer in `WeCom`, by `external_userid`.
    Customer,
    /// A group chat in `WeCom`, by `chat_id`.
    Chat,
    /// A visitor of ours, by visitor id: who that is elsewhere, and what they wish.
    Visitor,
    /// A person by an identity that several places know, such as `unionid:…` or `openid:…`.
    Identity,
}

impl CardKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Chat, Self::Visitor, Self::Identity];

    /// The word used in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Chat => "chat",
            Self::Visitor => "visitor",
            Self::Identity => "identity",
        }
    }
}

/// A card as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id, unique within its kind.
    pub id: String,
    /// Rises with every change of it; 1 after the first.
    pub revision: u64,
    /// The visitor it is about, if that is known: with the visitor it is forgotten.
    pub visitor: Option<VisitorId>,
    /// JSON.
    pub body: String,
}

/// A change of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Of which day.
    pub day: Day,
    /// What is counted, in the words of whoever counts; at most [`BOOK_ID_BYTES_MAX`].
    pub of: String,
    /// By how much; may be negative.
    pub by: i64,
}

/// A change of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardWrite {
    /// Its kind.
    pub kind: CardKind,
    /// Its id.
    pub id: String,
    /// The revision that it is known to have; 0 means that it is not there.
    pub expected: u64,
    /// What stands on it from now on; none removes it.
    pub body: Option<String>,
    /// The visitor it is about.
    pub visitor: Option<VisitorId>,
    /// Counters that change in the same step.
    pub counts: Vec<Count>,
}

/// A job that somebody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// The job.
    pub job: Job,
    /// How often it was taken, this time included. It proves whose it is.
    pub tries: u32,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is done.
    Done,
    /// It is to be done again, not before this moment, because of this.
    Again(Timestamp, String),
    /// A person has to look at it, because of this.
    Dead(String),
}

/// A job that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadJob {
    /// The job.
    pub job: Job,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was given up.
    pub cause: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// How many jobs there are of a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that wait or are worked on.
    pub waiting: u64,
    /// Jobs that a person has to look at.
    pub dead: u64,
    /// Since when the oldest of those that are ready has been ready.
    pub oldest_ready_at: Option<Timestamp>,
}

/// Something that happened, for whoever follows the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its id: of two entries with one id the first stands.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What kind of thing, such as `scan.recorded`.
    pub kind: String,
    /// The visitor it is about, if that is known: with the visitor it is forgotten.
    pub visitor: Option<VisitorId>,
    /// JSON.
    pub body: String,
}

/// Receives counters: day, what is counted, how many. A counter of 0 is left out.
pub type EachCount<'a> = &'a mut dyn FnMut(Day, &str, i64);

/// The part of [`super::Storage`] that knows people outside, and has work to do there.
pub trait Book: Send + Sync {
    /// The cards with these ids, in their order.
    ///
    /// # Errors
    /// [`super::Trouble::Unavailable`] or [`super::Trouble::Corrupt`], as all methods.
    fn cards(&self, kind: CardKind, ids: &[&str]) -> Result<Vec<Option<Card>>, StorageError>;

    /// Changes a card and counters, in one step; returns the card's revision, 0 once it is gone.
    ///
    /// # Errors
    /// [`super::Trouble::Conflict`] with the current revision, if that is not the expected one; then nothing is counted.
    fn write_card(&self, write: &CardWrite) -> Result<u64, StorageError>;

    /// Some cards of a kind, in any order: about `limit`, after those that ended with this cursor (none: from the start), and the
    /// cursor for more. A card that changes meanwhile may be met twice; one that stays is never missed.
    ///
    /// # Errors
    /// As all methods.
    fn cards_page(
        &self,
        kind: CardKind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Card>, Option<String>), StorageError>;

    /// The cards that are about a visitor.
    ///
    /// # Errors
    /// As all methods.
    fn cards_of(&self, visitor: VisitorId) -> Result<Vec<(CardKind, Card)>, StorageError>;

    /// Hands over the counters of these days, both included, in any order.
    ///
    /// # Errors
    /// As all methods.
    fn each_count(&self, from: Day, to: Day, each: EachCount<'_>) -> Result<(), StorageError>;

    /// Removes at most about `limit` of the counters of days before this one, and says how many.
    ///
    /// # Errors
    /// As all methods.
    fn purge_counts(&self, before: Day, limit: usize) -> Result<u64, StorageError>;

    /// Takes jobs on. One whose id is known in its lane, whatever became of that, is left out.
    ///
    /// # Errors
    /// As all methods; taking on again is harmless.
    fn enqueue(&self, jobs: &[Job], now: Timestamp) -> Result<(), StorageError>;

    /// Takes jobs that are ready, the one that has been ready longest first. Nobody else is given them until the moment `until`.
    ///
    /// # Errors
    /// As all methods.
    fn lease_jobs(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<LeasedJob>, StorageError>;

    /// Says what became of a job; whether it was still this worker's. If not, nothing changes.
    ///
    /// # Errors
    /// As all methods.
    fn settle_job(&self, leased: &LeasedJob, settled: &Settled, now: Timestamp) -> Result<bool, StorageError>;

    /// How many jobs a lane has.
    ///
    /// # Errors
    /// As all methods.
    fn job_counts(&self, lane: Lane, now: Timestamp) -> Result<JobCounts, StorageError>;

    /// Jobs that a person has to look at, latest first, at most `limit` after the first `skip`.
    ///
    /// # Errors
    /// As all methods.
    fn dead_jobs(&self, lane: Lane, skip: usize, limit: usize) -> Result<Vec<DeadJob>, StorageError>;

    /// Makes dead jobs ready again, all of a lane or that one; says how many.
    ///
    /// # Errors
    /// As all methods.
    fn retry_jobs(&self, lane: Lane, id: Option<&str>, now: Timestamp) -> Result<u64, StorageError>;

    /// Adds to the feed, in this order. What has an id that is known is left out.
    ///
    /// # Errors
    /// As all methods; adding again is harmless.
    fn append_feed(&self, entries: &[FeedEntry]) -> Result<(), StorageError>;

    /// The entries of the feed with a number above `after`, in order, at most `limit`. Numbers rise and are never used again; an
    /// entry never turns up below one that was handed over.
    ///
    /// # Errors
    /// As all methods.
    fn feed(&self, after: u64, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError>;

    /// The entries of the feed that are about a visitor, with their numbers and in order; of more than `limit` any.
    ///
    /// # Errors
    /// As all methods.
    fn feed_of(&self, visitor: VisitorId, limit: usize) -> Result<Vec<(u64, FeedEntry)>, StorageError>;

    /// The number of the last entry of the feed; 0 if there was none.
    ///
    /// # Errors
    /// As all methods.
    fn feed_end(&self) -> Result<u64, StorageError>;

    /// Removes at most `limit` of what is of before this moment: entries of the feed, and what is remembered of jobs that are done
    /// so that they are not done twice. Says how many.
    ///
    /// # Errors
    /// As all methods.
    fn purge_book(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError>;

    /// Removes at most `limit` of the jobs that were given up before this moment, and says how many.
    ///
    /// # Errors
    /// As all methods.
    fn purge_dead_jobs(&self, before: Timestamp, limit: usize) -> Result<u64, StorageError>;
}
