//! What the service remembers beyond one request, behind one trait; not how a backend keeps it.
//!
//! Every method is one intention and one atomic step; there is no get-then-set. All methods **block** on a disk or a network:
//! callers run them on threads that may block.

mod book;
#[doc(hidden)]
pub mod contract;
mod copying;
mod delivered;
mod desk;
pub mod embedded;
mod error;
mod filter;
mod people;
pub mod redis;
mod seats;
mod visit;

pub use book::{
    BOOK_BODY_BYTES_MAX, BOOK_ID_BYTES_MAX, Book, Card, CardKind, CardWrite, Count, DeadJob, EachCount, FeedEntry,
    JobCounts, LeasedJob, Settled,
};
pub use copying::{EachPiece, JobKept, JobState, Part, Piece, SeatKept, SeatState};
pub use delivered::{AGAIN_MS, DeliveryFound, DeliveryNote, MarksFound};
pub use desk::{AUDIT_LOOK_MAX, AuditFilter, AuditPage, AuditRecord, DeskEntry, DeskKind};
pub use error::{StorageError, Trouble};
pub use filter::{TagFilter, TallyFilter, TallyOf};
pub use people::{FORGOTTEN_DAYS, Purge, Removed, TallyCheck};
pub use seats::{
    HOLD_MINUTES_DEFAULT, HOLD_MINUTES_MAX, HeadCount, JOIN_RATE_DEFAULT, REMEMBER_DAYS_DEFAULT, REMEMBER_DAYS_MAX,
    Seat, SeatAsk, SeatOffer, SeatPlace, SeatRules,
};
pub use visit::{stages, visit};

use std::ops::ControlFlow;
use std::time::Duration;

use crate::consent::{Consent, ConsentRecord};
use crate::funnel::{Dimension, ReportRow, Step, StepRecord};
use crate::group::SeatClaim;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// What kind of thing an entry of the catalog is. The order is the order in which entries are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A shop.
    Store,
    /// A group chat.
    Group,
    /// A contact.
    Contact,
    /// A campaign.
    Campaign,
    /// A region's polygon.
    Region,
    /// The area that a store serves.
    ServiceArea,
}

impl EntryKind {
    /// All kinds, in order.
    pub const ALL: [Self; 6] =
        [Self::Store, Self::Group, Self::Contact, Self::Campaign, Self::Region, Self::ServiceArea];

    /// The word used in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Group => "group",
            Self::Contact => "contact",
            Self::Campaign => "campaign",
            Self::Region => "region",
            Self::ServiceArea => "service_area",
        }
    }
}

/// What a publication does to one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: EntryKind,
    /// Its id, unique within its kind.
    pub id: String,
    /// Its value from now on, JSON; none removes it.
    pub body: Option<String>,
}

/// Who publishes, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishInfo {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// Why, in the author's words; may be empty.
    pub note: String,
}

/// One version of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number, from 1.
    pub version: u64,
    /// Who published it, when and why.
    pub info: PublishInfo,
    /// How many entries it changed.
    pub changes: u64,
}

/// Receives entries in the order of kind, then id (by bytes): kind, id, JSON.
pub type EachEntry<'a> = &'a mut dyn FnMut(EntryKind, &str, &str);
/// Receives entries that differ, in the same order: kind, id, JSON before, JSON after.
pub type EachDifference<'a> = &'a mut dyn FnMut(EntryKind, &str, Option<&str>, Option<&str>);

/// Receives tag records, and says whether to go on.
pub type EachTag<'a> = &'a mut dyn FnMut(TagRecord) -> ControlFlow<()>;
/// Receives steps, and says whether to go on.
pub type EachStep<'a> = &'a mut dyn FnMut(StepRecord) -> ControlFlow<()>;
/// Receives consents, and says whether to go on.
pub type EachConsent<'a> = &'a mut dyn FnMut(Consent) -> ControlFlow<()>;

/// What the service must remember. Every backend shows the behaviour that [`contract`] checks.
pub trait Storage: Book {
    /// The number of the current catalog; 0 if none was ever published. Cheap enough to be asked several times a second.
    ///
    /// # Errors
    /// [`Trouble::Unavailable`] or [`Trouble::Corrupt`], as all methods.
    fn current_version(&self) -> Result<u64, StorageError>;

    /// Waits until storage holds another version than `known`, at most about `wait`, and returns the one that it holds as far as is
    /// known then. It may also return early for nothing. For the one thread that follows the catalog.
    ///
    /// # Errors
    /// As all methods, at once: whoever asks again waits a while first.
    fn wait_for_publication(&self, known: u64, wait: Duration) -> Result<u64, StorageError>;

    /// Hands over every entry of a version, as of one moment. Version 0 is empty.
    ///
    /// # Errors
    /// [`Trouble::NoSuchVersion`] if it was never published.
    fn load(&self, version: u64, each: EachEntry<'_>) -> Result<(), StorageError> {
        self.load_kinds(version, &EntryKind::ALL, each)
    }

    /// Hands over the entries of some kinds of a version, as [`Storage::load`] does. `kinds` are in their order.
    ///
    /// # Errors
    /// [`Trouble::NoSuchVersion`] if it was never published.
    fn load_kinds(&self, version: u64, kinds: &[EntryKind], each: EachEntry<'_>) -> Result<(), StorageError>;

    /// The latest version, up to this one, that changed an entry of a kind; 0 if none did. Reads no bodies, so that large entries
    /// that stay the same cost nothing when the catalog changes.
    ///
    /// # Errors
    /// [`Trouble::NoSuchVersion`] if the version was never published.
    fn last_change(&self, kind: EntryKind, version: u64) -> Result<u64, StorageError>;

    /// Hands over every entry that differs between two versions, in either direction.
    ///
    /// # Errors
    /// [`Trouble::NoSuchVersion`] if one of them was never published.
    fn diff(&self, before: u64, after: u64, each: EachDifference<'_>) -> Result<(), StorageError>;

    /// Makes the next version of the catalog, all of it or nothing, and returns its number.
    ///
    /// Entries whose value stays the same may be among the changes and count for nothing. Of two changes of one entry the later
    /// one stands. A publication without any change is a version too.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] with the current version, if that is not `expected`.
    fn publish(
        &self,
        expected: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError>;

    /// Makes a later version of the catalog, all of it or nothing: as [`Storage::publish`], but the version gets this number, above
    /// the one that is expected. For a catalog that storage has lost and somebody still holds: numbers that were given out once
    /// never mean anything else.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] with the current version, if that is not `expected` or not below `version`.
    fn put_back(
        &self,
        expected: u64,
        version: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError>;

    /// The versions below `before` (none: all), latest first, at most `limit`.
    ///
    /// # Errors
    /// As all methods.
    fn versions(&self, before: Option<u64>, limit: usize) -> Result<Vec<VersionInfo>, StorageError>;

    /// Keeps consents, tag records and steps, all of them or none. Repeating it changes nothing, and the order does not matter.
    ///
    /// Of the records of one scan the one with the highest revision stays; its visitor never changes. Of the steps of one
    /// kind of one scan the earliest stays; of each visitor's consents to one notice the first and the last time. The tallies change by just what the records do, in the same step. What belongs to
    /// a visitor who was forgotten and to a visit of before that is let go.
    ///
    /// # Errors
    /// As all methods; delivering again is harmless.
    fn deliver(&self, consents: &[ConsentRecord], tags: &[TagRecord], steps: &[StepRecord])
    -> Result<(), StorageError>;

    /// Takes a step of a visit back, as if nobody had told of it; one that is not there, or whose visit is not this visitor's, is let be.
    ///
    /// # Errors
    /// As all methods; taking it back again is harmless.
    fn take_back(&self, visitor: VisitorId, scan: ScanId, step: Step) -> Result<(), StorageError>;

    /// Notes how far a deliverer is, and says what was noted of it before, which tells it whether storage has lost what it was given:
    /// emptied by mistake, or brought back from an older copy. Where something was lost nothing is noted.
    ///
    /// While anybody delivers again what was lost, [`Storage::take_seats`] and [`Storage::head_counts`] are
    /// [`Trouble::Unavailable`].
    ///
    /// # Errors
    /// As all methods; noting again is harmless.
    fn note_delivered(&self, note: &DeliveryNote, now: Timestamp) -> Result<DeliveryFound, StorageError>;

    /// How far this machine's clock is ahead of the one by which storage judges seats and deliveries, in milliseconds, as measured
    /// last; none where that is the same clock, or nothing was measured. Costs nothing.
    fn clock_ahead_ms(&self) -> Option<i64> {
        None
    }

    /// Hands over the tag records that pass the filter, as of one moment, in the order of their visit and then of their scan.
    /// Never holds up [`Storage::deliver`]. `each` may break off.
    ///
    /// # Errors
    /// As all methods.
    fn each_tag(&self, filter: &TagFilter, each: EachTag<'_>) -> Result<(), StorageError>;

    /// Some of the tag records that pass the filter, the latest visit first: at most `limit`, after the first `skip`.
    ///
    /// # Errors
    /// As all methods.
    fn latest_tags(&self, filter: &TagFilter, skip: usize, limit: usize) -> Result<Vec<TagRecord>, StorageError>;

    /// How many tag records pass the filter.
    ///
    /// # Errors
    /// As all methods.
    fn count_tags(&self, filter: &TagFilter) -> Result<u64, StorageError>;

    /// Hands over the steps of the visits whose tag records pass the filter, in the order of [`Storage::each_tag`] and then of
    /// the step's word. `each` may break off.
    ///
    /// # Errors
    /// As all methods.
    fn each_step(&self, filter: &TagFilter, each: EachStep<'_>) -> Result<(), StorageError>;

    /// Gives each wish a seat, or none: the asks one after the other, each of them one step that no other visitor comes between.
    ///
    /// A visitor who wants the same as before and holds a seat among the offers keeps it; else the rungs are walked in order, and
    /// on the first that has one the visitor keeps the seat held there or takes one in a group with room. A seat that is kept is
    /// held anew. Holds that are over are given back first.
    ///
    /// # Errors
    /// As all methods; then no seat was taken.
    fn take_seats(&self, asks: &[SeatAsk], rules: &SeatRules, now: Timestamp) -> Result<Vec<Seat>, StorageError>;

    /// Counts seats that were shown while storage did not answer, also where there is no room. Repeating it changes nothing.
    ///
    /// Of the seats that a visitor holds for one wish or at one visit, the one that was shown last stays, and a join stands above all:
    /// a claim of before counts for nothing. A hold that is over by now counts as given back at its end.
    ///
    /// # Errors
    /// As all methods; claiming again is harmless.
    fn claim_seats(&self, claims: &[SeatClaim], rules: &SeatRules, now: Timestamp) -> Result<(), StorageError>;

    /// Notes that a visitor has joined a group, whether or not a seat was held. Repeating it changes nothing.
    ///
    /// # Errors
    /// As all methods.
    fn confirm_seat(&self, visitor: VisitorId, group: &GroupId, now: Timestamp) -> Result<(), StorageError>;

    /// Notes how many members groups have. The count replaces every estimate up to then; a count older than the last one changes
    /// nothing.
    ///
    /// # Errors
    /// As all methods.
    fn set_members(&self, members: &[(GroupId, u32)], at: Timestamp) -> Result<(), StorageError>;

    /// Puts back what is known of groups where storage has lost it: the later count of members, the more joins since, and as many seats
    /// held or given back as there were; those of them that are not claimed again count as given back. What storage knows of a later
    /// count stays.
    ///
    /// # Errors
    /// As all methods; doing it again is harmless.
    fn raise_heads(&self, heads: &[(GroupId, HeadCount)]) -> Result<(), StorageError>;

    /// Who is taken to be in these groups, in their order.
    ///
    /// # Errors
    /// As all methods.
    fn head_counts(&self, groups: &[GroupId], now: Timestamp) -> Result<Vec<HeadCount>, StorageError>;

    /// Hands over the consents, as of one moment, by visitor and notice. `each` may break off.
    ///
    /// # Errors
    /// As all methods.
    fn each_consent(&self, each: EachConsent<'_>) -> Result<(), StorageError>;

    /// The consents of one visitor, in the order of their notices; looks at nobody else's.
    ///
    /// # Errors
    /// As all methods.
    fn consents_of(&self, visitor: VisitorId) -> Result<Vec<Consent>, StorageError>;

    /// The seats of one visitor, by group and as they are kept: a hold that is over may still stand there as one.
    ///
    /// # Errors
    /// As all methods.
    fn seats_of(&self, visitor: VisitorId) -> Result<Vec<SeatKept>, StorageError>;

    /// The tallies that pass the filter, summed up by these dimensions and in the order of their words. No dimension is one row;
    /// rows that count nothing are left out.
    ///
    /// # Errors
    /// As all methods.
    fn tallies(&self, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError>;

    /// Counts all records from the beginning and compares that with the tallies, as of one moment. Holds up nobody.
    ///
    /// # Errors
    /// As all methods.
    fn check_tallies(&self) -> Result<TallyCheck, StorageError>;

    /// Removes everything held about a visitor, seats included, and lets go of what is still on its way for [`FORGOTTEN_DAYS`].
    /// What the records counted for stays counted: tallies name nobody.
    ///
    /// # Errors
    /// As all methods; doing it again is harmless.
    fn forget(&self, visitor: VisitorId, now: Timestamp) -> Result<Removed, StorageError>;

    /// When these visitors were forgotten, in their order; none of whoever was not, or longer ago than [`FORGOTTEN_DAYS`].
    ///
    /// # Errors
    /// As all methods.
    fn forgotten(&self, visitors: &[VisitorId]) -> Result<Vec<Option<Timestamp>>, StorageError>;

    /// Removes at most `limit` of what is too old, and says how many that were. What the records counted for stays counted.
    ///
    /// # Errors
    /// As all methods.
    fn purge(&self, what: Purge, limit: usize) -> Result<u64, StorageError>;

    /// A document of the operations team.
    ///
    /// # Errors
    /// As all methods.
    fn desk(&self, kind: DeskKind, id: &str) -> Result<Option<DeskEntry>, StorageError>;

    /// All documents of a kind, by id. There are few of them.
    ///
    /// # Errors
    /// As all methods.
    fn desk_all(&self, kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError>;

    /// Keeps a document, or removes it; returns its revision, 0 once it is gone. With an expected revision only if that is the one
    /// it has; 0 means that it is not there.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] with the current revision, if that is not the expected one.
    fn put_desk(
        &self,
        kind: DeskKind,
        id: &str,
        body: Option<&str>,
        expected: Option<u64>,
    ) -> Result<u64, StorageError>;

    /// Adds to the audit trail.
    ///
    /// # Errors
    /// As all methods.
    fn append_audit(&self, record: &AuditRecord) -> Result<(), StorageError>;

    /// The records of the audit trail that pass the filter, latest first, at most `limit`. Looks at [`AUDIT_LOOK_MAX`] numbers at the
    /// most, and says where to go on.
    ///
    /// # Errors
    /// As all methods.
    fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError>;

    /// The secret of this installation: what `make` gives the first time, and the same ever after, for everybody.
    ///
    /// # Errors
    /// As all methods.
    fn secret(&self, make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError>;

    /// Hands over everything of a part as it lies, in any order; nothing is handed over twice. `each` may break off.
    ///
    /// # Errors
    /// As all methods.
    fn copy_out(&self, part: Part, each: EachPiece<'_>) -> Result<(), StorageError>;

    /// Puts what another storage handed over in its place, over what is there. Repeating it changes nothing. The rules say for how
    /// long seats are remembered.
    ///
    /// # Errors
    /// As all methods.
    fn copy_in(&self, pieces: &[Piece], rules: &SeatRules) -> Result<(), StorageError>;

    /// What [`Storage::set_copy_mark`] kept: how far a copy into this storage is that has not come to its end.
    ///
    /// # Errors
    /// As all methods.
    fn copy_mark(&self) -> Result<Option<String>, StorageError>;

    /// Notes how far a copy into this storage is, in the copier's words; none at its end.
    ///
    /// # Errors
    /// As all methods.
    fn set_copy_mark(&self, mark: Option<&str>) -> Result<(), StorageError>;
}
