//! What is copied from one storage to another as it lies, as plain values; not the catalog, records and consents, which are copied
//! by reading and delivering them.

use std::ops::ControlFlow;

use super::{AuditRecord, Book, Card, CardKind, Count, DeskEntry, DeskKind, FeedEntry, HeadCount, StorageError};
use crate::funnel::{Cell, Pair, StepRecord};
use crate::id::{GroupId, ScanId, VisitorId};
use crate::job::Job;
use crate::time::{Day, Timestamp};

/// Entries of the feed that are read at a time.
const FEED_PAGE: usize = 200;

/// A part of a storage that is copied as it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The secret of the installation.
    Secret,
    /// What the marks of the forgotten are made with.
    ForgottenKey,
    /// The marks of visitors and visits that were forgotten.
    Forgotten,
    /// Tallies of records that were removed.
    Kept,
    /// Steps whose visit has no record (yet).
    EarlySteps,
    /// Head counts of groups.
    Heads,
    /// Seats.
    Seats,
    /// Documents of the operations team.
    Documents,
    /// The audit trail.
    Audit,
    /// How far deliverers are.
    Delivered,
    /// Cards.
    Cards,
    /// Counters that change with cards.
    Counters,
    /// Jobs, and the ids of those that are done.
    Jobs,
    /// The feed, and its last number.
    Feed,
}

impl Part {
    /// All parts, in the order in which they are copied.
    pub const ALL: [Self; 14] = [
        Self::Secret,
        Self::ForgottenKey,
        Self::Forgotten,
        Self::Kept,
        Self::EarlySteps,
        Self::Heads,
        Self::Seats,
        Self::Documents,
        Self::Audit,
        Self::Delivered,
        Self::Cards,
        Self::Counters,
        Self::Jobs,
        Self::Feed,
    ];

    /// What it is, in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ForgottenKey => "key of the forgotten",
            Self::Forgotten => "marks of the forgotten",
            Self::Kept => "tallies of removed records",
            Self::EarlySteps => "steps without a record",
            Self::Heads => "head counts",
            Self::Seats => "seats",
            Self::Documents => "documents",
            Self::Audit => "audit trail",
            Self::Delivered => "marks of deliverers",
            Self::Cards => "cards",
            Self::Counters => "counters",
            Self::Jobs => "jobs",
            Self::Feed => "feed",
        }
    }
}

/// How far a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// Held until a moment.
    Held,
    /// Given back at that moment.
    GivenBack,
    /// Confirmed by a join at that moment.
    Confirmed,
}

impl SeatState {
    /// All, in the order of the numbers under which they are kept.
    pub const ALL: [Self; 3] = [Self::Held, Self::GivenBack, Self::Confirmed];

    /// The number under which it is kept, from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::GivenBack => 1,
            Self::Confirmed => 2,
        }
    }
}

/// A seat as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatKept {
    /// Whose.
    pub visitor: VisitorId,
    /// In which group.
    pub group: GroupId,
    /// How far it is.
    pub state: SeatState,
    /// The moment that belongs to the state.
    pub until: Timestamp,
    /// What the visitor wanted when it was taken; may be empty.
    pub wanted: String,
    /// The visit that took it; none if it was confirmed without one.
    pub scan: Option<ScanId>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits or is worked on.
    Waits,
    /// It is done: only its id means anything.
    Done,
    /// A person has to look at it.
    Dead,
}

impl JobState {
    /// All, in the order of the numbers under which they are kept.
    pub const ALL: [Self; 3] = [Self::Waits, Self::Done, Self::Dead];

    /// The number under which it is kept, from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Waits => 0,
            Self::Done => 1,
            Self::Dead => 2,
        }
    }
}

/// A job as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobKept {
    /// The job; `ready_at` is the moment that belongs to the state.
    pub job: Job,
    /// How far it is.
    pub state: JobState,
    /// How often it was taken.
    pub tries: u32,
    /// Why it failed last; may be empty.
    pub cause: String,
}

/// One thing of a [`Part`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of [`Part::Secret`].
    Secret([u8; 32]),
    /// Of [`Part::ForgottenKey`].
    ForgottenKey([u8; 32]),
    /// Of [`Part::Forgotten`]: a mark, and when it was set.
    Forgotten([u8; 16], Timestamp),
    /// Of [`Part::Kept`].
    Kept(Cell, Pair),
    /// Of [`Part::EarlySteps`].
    EarlyStep(StepRecord),
    /// Of [`Part::Heads`].
    Head(GroupId, HeadCount),
    /// Of [`Part::Seats`].
    Seat(SeatKept),
    /// Of [`Part::Documents`].
    Document(DeskKind, DeskEntry),
    /// Of [`Part::Audit`]: a record with its number.
    Audit(u64, AuditRecord),
    /// Of [`Part::Delivered`]: who, and up to which number storage has everything of theirs.
    Delivered([u8; 16], u64),
    /// Of [`Part::Cards`].
    Card(CardKind, Card),
    /// Of [`Part::Counters`].
    Counter(Count),
    /// Of [`Part::Jobs`].
    Job(JobKept),
    /// Of [`Part::Feed`]: an entry with its number.
    Feed(u64, FeedEntry),
    /// Of [`Part::Feed`], after all entries: the last number that was given.
    FeedEnd(u64),
}

/// Receives pieces, and says whether to go on.
pub type EachPiece<'a> = &'a mut dyn FnMut(Piece) -> ControlFlow<()>;

/// Hands over the counters.
pub(super) fn counters_out(book: &dyn Book, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut flow = ControlFlow::Continue(());
    let (first, last) = Day::RANGE;
    book.each_count(first, last, &mut |day, of, by| {
        if flow.is_continue() {
            flow = each(Piece::Counter(Count { day, of: of.to_owned(), by }));
        }
    })
}

/// Hands over the feed.
pub(super) fn feed_out(book: &dyn Book, each: EachPiece<'_>) -> Result<(), StorageError> {
    let mut after = 0;
    loop {
        let page = book.feed(after, FEED_PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (number, entry) in page {
            if each(Piece::Feed(number, entry)).is_break() {
                return Ok(());
            }
        }
    }
    match book.feed_end()? {
        0 => {}
        end => drop(each(Piece::FeedEnd(end))),
    }
    Ok(())
}
