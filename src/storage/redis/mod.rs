//! Storage on Redis: one server, servers behind Sentinel, or a Cluster; shared by all instances of a chain.
//!
//! What lies where stands in `keys`; how servers are reached, how long anybody waits for them and when they are left alone
//! for a while, in `link`. Each atomic step is one script in `scripts`.

mod address;
mod announce;
mod book;
mod book_copying;
mod breaker;
mod cards;
mod catalog;
mod clock;
mod cluster;
mod copying;
mod delivered;
mod desk;
mod dial;
mod endpoint;
mod entries;
mod feed;
mod guide;
mod jobs;
mod keys;
mod link;
mod pack;
mod pages;
mod people;
mod purge;
mod records;
mod replicas;
mod scripts;
mod seats;
mod slots;
mod survey;
mod tallies;
mod verdict;

pub use address::{Mode, RedisAt, RedisAtError};
pub use survey::{Finding, Weakness, survey};

use std::sync::Arc;
use std::time::Duration;

use super::copying::{counters_out, feed_out};
use super::{
    AuditFilter, AuditPage, AuditRecord, Change, DeliveryFound, DeliveryNote, DeskEntry, DeskKind, EachConsent,
    EachDifference, EachEntry, EachPiece, EachStep, EachTag, EntryKind, HeadCount, Part, Piece, PublishInfo, Purge,
    Removed, Seat, SeatAsk, SeatKept, SeatRules, Storage, StorageError, TagFilter, TallyCheck, TallyFilter, Trouble,
    VersionInfo,
};
use crate::consent::{Consent, ConsentRecord};
use crate::funnel::{Dimension, ReportRow, Step, StepRecord};
use crate::group::SeatClaim;
use crate::id::{GroupId, ScanId, VisitorId};
use crate::tag::TagRecord;
use crate::time::{Clock, SystemClock, Timestamp};
use announce::Announcements;
use link::{Link, Patience};

/// Storage on Redis.
#[derive(Debug)]
pub struct Redis {
    link: Arc<Link>,
    announcements: Arc<Announcements>,
    noted: delivered::Noted,
    clock: clock::ServerClock,
}

impl Redis {
    /// Prepares to talk to these servers. They need not be there yet: what needs them fails then, and works once they are.
    ///
    /// # Errors
    /// [`super::Trouble::Unavailable`] if the settings make no client.
    pub fn open(at: &RedisAt) -> Result<Self, StorageError> {
        Self::open_by(at, Arc::new(SystemClock))
    }

    /// As [`Redis::open`], for callers whose moments come from this clock. It may differ from the servers'.
    ///
    /// # Errors
    /// As [`Redis::open`].
    pub fn open_by(at: &RedisAt, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        Ok(Self {
            link: Arc::new(Link::open(at)?),
            announcements: Arc::default(),
            noted: delivered::Noted::default(),
            clock: clock::ServerClock::new(clock),
        })
    }
}

impl Storage for Redis {
    fn current_version(&self) -> Result<u64, StorageError> {
        catalog::current_version(&self.link)
    }

    fn wait_for_publication(&self, known: u64, wait: Duration) -> Result<u64, StorageError> {
        self.announcements.wait(&self.link, known, wait)
    }

    fn load_kinds(&self, version: u64, kinds: &[EntryKind], each: EachEntry<'_>) -> Result<(), StorageError> {
        catalog::load(&self.link, version, kinds, each)
    }

    fn last_change(&self, kind: EntryKind, version: u64) -> Result<u64, StorageError> {
        catalog::last_change(&self.link, kind, version)
    }

    fn diff(&self, before: u64, after: u64, each: EachDifference<'_>) -> Result<(), StorageError> {
        catalog::diff(&self.link, before, after, each)
    }

    fn publish(
        &self,
        expected: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError> {
        catalog::publish(&self.link, (expected, expected.saturating_add(1)), info, changes)
    }

    fn put_back(
        &self,
        expected: u64,
        version: u64,
        info: &PublishInfo,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<u64, StorageError> {
        catalog::put_back(&self.link, (expected, version), info, changes)
    }

    fn versions(&self, before: Option<u64>, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        catalog::versions(&self.link, before, limit)
    }

    fn deliver(
        &self,
        consents: &[ConsentRecord],
        tags: &[TagRecord],
        steps: &[StepRecord],
    ) -> Result<(), StorageError> {
        // A page that was still open may have taken a seat for somebody who was forgotten meanwhile.
        for (visitor, visit) in records::deliver(&self.link, consents, tags, steps)? {
            seats::forget(&self.link, visitor, Some(visit))?;
        }
        // The outbox lets go of them now.
        replicas::confirm(&self.link)
    }

    fn take_back(&self, visitor: VisitorId, scan: ScanId, step: Step) -> Result<(), StorageError> {
        records::take_back(&self.link, visitor, scan, step)?;
        replicas::confirm(&self.link)
    }

    fn note_delivered(&self, note: &DeliveryNote, now: Timestamp) -> Result<DeliveryFound, StorageError> {
        let now = self.clock.moved(&self.link, Patience::Work, now)?;
        delivered::note(&self.link, &self.noted, note, now)
    }

    fn clock_ahead_ms(&self) -> Option<i64> {
        self.clock.ahead_ms()
    }

    fn each_tag(&self, filter: &TagFilter, each: EachTag<'_>) -> Result<(), StorageError> {
        pages::each_tag(&self.link, filter, each)
    }

    fn latest_tags(&self, filter: &TagFilter, skip: usize, limit: usize) -> Result<Vec<TagRecord>, StorageError> {
        pages::latest_tags(&self.link, filter, skip, limit)
    }

    fn count_tags(&self, filter: &TagFilter) -> Result<u64, StorageError> {
        pages::count_tags(&self.link, filter)
    }

    fn each_step(&self, filter: &TagFilter, each: EachStep<'_>) -> Result<(), StorageError> {
        pages::each_step(&self.link, filter, each)
    }

    fn take_seats(&self, asks: &[SeatAsk], rules: &SeatRules, now: Timestamp) -> Result<Vec<Seat>, StorageError> {
        let now = self.clock.moved(&self.link, Patience::Visit, now)?;
        seats::take(&self.link, &self.noted.expected(), asks, rules, now)
    }

    fn claim_seats(&self, claims: &[SeatClaim], rules: &SeatRules, now: Timestamp) -> Result<(), StorageError> {
        let shift_ms = self.clock.shift_ms(&self.link, Patience::Work)?;
        seats::claim(&self.link, claims, rules, (now, shift_ms))
    }

    fn confirm_seat(&self, visitor: VisitorId, group: &GroupId, now: Timestamp) -> Result<(), StorageError> {
        let now = self.clock.moved(&self.link, Patience::Work, now)?;
        seats::confirm(&self.link, visitor, group, now)
    }

    fn set_members(&self, members: &[(GroupId, u32)], at: Timestamp) -> Result<(), StorageError> {
        let at = self.clock.moved(&self.link, Patience::Work, at)?;
        seats::set_members(&self.link, members, at)
    }

    fn raise_heads(&self, heads: &[(GroupId, HeadCount)]) -> Result<(), StorageError> {
        seats::raise_heads(&self.link, heads)
    }

    fn head_counts(&self, groups: &[GroupId], now: Timestamp) -> Result<Vec<HeadCount>, StorageError> {
        let now = self.clock.moved(&self.link, Patience::Work, now)?;
        seats::head_counts(&self.link, &self.noted.expected(), groups, now)
    }

    fn each_consent(&self, each: EachConsent<'_>) -> Result<(), StorageError> {
        people::each_consent(&self.link, each)
    }

    fn consents_of(&self, visitor: VisitorId) -> Result<Vec<Consent>, StorageError> {
        people::consents_of_visitor(&self.link, visitor)
    }

    fn seats_of(&self, visitor: VisitorId) -> Result<Vec<SeatKept>, StorageError> {
        copying::seats_of(&self.link, visitor)
    }

    fn tallies(&self, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError> {
        tallies::sums(&self.link, by, filter)
    }

    fn check_tallies(&self) -> Result<TallyCheck, StorageError> {
        tallies::check(&self.link)
    }

    fn forget(&self, visitor: VisitorId, now: Timestamp) -> Result<Removed, StorageError> {
        let mut removed = people::forget(&self.link, visitor, now)?;
        removed.seats = seats::forget(&self.link, visitor, None)?;
        removed.book = book::forget(&self.link, visitor)?;
        // A failover must not bring back what its owner has been told is gone.
        replicas::confirm(&self.link)?;
        Ok(removed)
    }

    fn forgotten(&self, visitors: &[VisitorId]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        people::forgotten(&self.link, visitors)
    }

    fn purge(&self, what: Purge, limit: usize) -> Result<u64, StorageError> {
        purge::purge(&self.link, what, limit)
    }

    fn desk(&self, kind: DeskKind, id: &str) -> Result<Option<DeskEntry>, StorageError> {
        desk::read(&self.link, kind, id)
    }

    fn desk_all(&self, kind: DeskKind) -> Result<Vec<DeskEntry>, StorageError> {
        desk::all(&self.link, kind)
    }

    fn put_desk(
        &self,
        kind: DeskKind,
        id: &str,
        body: Option<&str>,
        expected: Option<u64>,
    ) -> Result<u64, StorageError> {
        desk::put(&self.link, kind, id, body, expected)
    }

    fn append_audit(&self, record: &AuditRecord) -> Result<(), StorageError> {
        desk::append_audit(&self.link, record)
    }

    fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError> {
        desk::audit(&self.link, filter, limit)
    }

    fn secret(&self, make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError> {
        desk::secret(&self.link, make)
    }

    fn copy_out(&self, part: Part, each: EachPiece<'_>) -> Result<(), StorageError> {
        if part == Part::Counters {
            counters_out(self, each)
        } else if part == Part::Feed {
            feed_out(self, each)
        } else {
            copying::out(&self.link, part, each)
        }
    }

    fn copy_in(&self, pieces: &[Piece], rules: &SeatRules) -> Result<(), StorageError> {
        copying::take_in(&self.link, pieces, rules)
    }

    fn copy_mark(&self) -> Result<Option<String>, StorageError> {
        copying::mark(&self.link)
    }

    fn set_copy_mark(&self, mark: Option<&str>) -> Result<(), StorageError> {
        copying::set_mark(&self.link, mark)
    }
}

/// Something that this program did not write.
fn damaged(what: &'static str) -> StorageError {
    StorageError::caused(Trouble::Corrupt, what)
}
