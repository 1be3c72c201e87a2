//! Notices that storage has lost what this instance had delivered, and delivers it again.
//!
//! After every batch storage notes up to which number it has everything that is kept here, and says what it had noted before. If that
//! is less than this instance knows, storage was emptied, brought back from an older copy, or has lost one of its parts. Then the marks
//! of the forgotten are put back first; after a moment in which the other instances do the same, everything from the number that storage
//! knows is delivered again, oldest first. Repeats are harmless, so nothing has to be known more exactly.
//!
//! Whoever delivers again does so under another name, which nothing that storage may fall back to knows: so another loss shows from
//! the first moment on, also one that leads to the same copy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::erased::restore;
use super::heads;
use super::sift::{Seats, Sieve};
use super::{BATCH_MAX, DeliverError, whole_chain};
use crate::app::seat::KnownSeats;
use crate::metrics::Metrics;
use crate::outbox::{Item, Kept, Outbox, OutboxError};
use crate::storage::{DeliveryFound, DeliveryNote, MarksFound, Storage};
use crate::time::Timestamp;

/// How often storage is asked what it has, while nothing is delivered.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the other instances get to put back the marks of the forgotten that they know; half of it is chance.
const OTHERS_WAIT: Duration = Duration::from_secs(2);
/// How long a disk that did not take the marks of the forgotten is left alone with them.
const KEEP_AGAIN: Duration = Duration::from_secs(10);
/// Items that a start delivers again without a word: the last batches of before, of which storage did not say that it has them.
const UNNOTED_MAX: u64 = 10_000;

/// Whether a batch may be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// Nothing is amiss.
    Well,
    /// Something is delivered again, and there is more of it.
    Again,
    /// Storage has just been found to have lost something.
    NotYet,
}

#[derive(Debug)]
enum Phase {
    /// Storage has not been asked since the start.
    Start,
    /// Storage has everything.
    Well,
    /// Storage has lost something; the others get a moment.
    Waiting(Instant),
    /// Everything up to this number is delivered again.
    Again { until: u64, is_lost: bool },
    /// Storage belongs to another installation, or nobody knows to whom.
    Foreign,
}

/// Keeps what is delivered, and watches over it.
pub(super) struct Guard {
    kept: Arc<Kept>,
    secret: Option<[u8; 32]>,
    phase: Phase,
    who: [u8; 16],
    /// The name under which storage knew something after the last loss: what it falls back to next may know no later one.
    who_before: Option<[u8; 16]>,
    /// Up to which number storage has everything.
    known: u64,
    /// What was known before that. A failover may lose the last note, and nothing that was delivered.
    before: u64,
    looked: Option<Instant>,
    marks: Option<MarksFound>,
    /// Since when the disk has not taken the marks that storage has.
    marks_unkept: Option<Instant>,
    /// Whether the disk took what was to be kept last.
    is_kept: bool,
    /// Whether seats of what was delivered before the start may not be counted: it may have ended over delivering them again.
    is_uncounted: bool,
    /// Items of the outbox up to this number are of visits whose seats storage may have lost.
    seats_lost_until: i64,
    sieve: Sieve,
}

impl Guard {
    /// A guard of the items of an installation with this secret. Without it nothing is delivered again.
    pub(super) fn new(kept: Arc<Kept>, secret: Option<[u8; 32]>) -> Self {
        Self {
            kept,
            secret,
            phase: Phase::Start,
            who: [0; 16],
            who_before: None,
            known: 0,
            before: 0,
            looked: None,
            marks: None,
            marks_unkept: None,
            is_kept: true,
            is_uncounted: false,
            seats_lost_until: 0,
            sieve: Sieve::default(),
        }
    }

    /// How many erasures there were, see [`Kept::append`].
    pub(super) fn erasures(&self) -> Result<i64, DeliverError> {
        Ok(self.kept.erasures()?)
    }

    /// Whether storage may have lost the seats of the batch that is next.
    pub(super) fn seats_of_next(&self, outbox: &Outbox) -> Result<Seats, DeliverError> {
        if self.seats_lost_until == 0 {
            return Ok(Seats::Counted);
        }
        let oldest = outbox.span()?.map_or(i64::MAX, |(oldest, _)| oldest);
        Ok(if oldest <= self.seats_lost_until { Seats::Lost } else { Seats::Counted })
    }

    /// Looks after storage before a batch; delivers some items again where that is needed.
    ///
    /// # Errors
    /// Storage's or the disk's; the next call goes on.
    pub(super) fn prepare(
        &mut self,
        outbox: &Outbox,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<Ready, DeliverError> {
        match self.phase {
            Phase::Start => self.start(storage, seats, metrics)?,
            Phase::Well | Phase::Foreign => {
                if self.looked.is_none_or(|it| it.elapsed() >= LOOK_EVERY) {
                    self.note(self.known, storage, seats, metrics)?;
                    if let Err(error) = self.kept.note_known(self.known) {
                        self.not_kept(&error, metrics);
                    }
                }
            }
            Phase::Waiting(until) if Instant::now() < until => {}
            Phase::Waiting(_) => {
                if !self.has_lost_again(storage, seats, metrics)? {
                    heads::put_back(storage, &self.kept)?;
                    // What was recorded until now may have its seat from before.
                    self.seats_lost_until = outbox.span()?.map_or(0, |(_, newest)| newest);
                    self.phase = Phase::Again { until: self.kept.newest()?, is_lost: true };
                }
            }
            Phase::Again { until, is_lost } => self.deliver_again(until, is_lost, storage, seats, metrics)?,
        }
        Ok(match self.phase {
            Phase::Start | Phase::Well | Phase::Foreign => Ready::Well,
            Phase::Waiting(_) => Ready::NotYet,
            Phase::Again { .. } => Ready::Again,
        })
    }

    /// Keeps items that were delivered, and has storage note it. False if somebody was forgotten meanwhile: then the batch is read and
    /// delivered again.
    ///
    /// # Errors
    /// Storage's; then the batch is delivered again.
    pub(super) fn delivered<'i>(
        &mut self,
        items: impl Iterator<Item = &'i Item>,
        erasures: i64,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<bool, DeliverError> {
        let (_, now) = seats.rules_and_now();
        match self.kept.append(items, erasures, self.known, now) {
            Ok(None) => return Ok(false),
            Ok(Some(newest)) => {
                self.is_kept = true;
                if matches!(self.phase, Phase::Well) {
                    self.note(newest, storage, seats, metrics)?;
                }
            }
            Err(error) => {
                self.not_kept(&error, metrics);
            }
        }
        Ok(true)
    }

    /// Tells of a disk that does not take what is kept. What was delivered is in storage; all that is at stake is that it could be
    /// delivered again, so nothing waits for it.
    fn not_kept(&mut self, error: &OutboxError, metrics: &Metrics) {
        self.is_kept = false;
        metrics.redelivery.not_kept.inc();
        tracing::warn!(error = whole_chain(error), "what was delivered cannot be kept on this disk");
    }

    /// Puts back the marks of the forgotten that storage has lost, and keeps those that it has.
    fn align(&mut self, storage: &dyn Storage, now: Timestamp, metrics: &Metrics) -> Result<(), DeliverError> {
        let (there, before) = restore(storage, &self.kept, now)?;
        let kept = self.kept.keep_forgotten(&there, before);
        self.marks_unkept = kept.is_err().then(Instant::now);
        if let Err(error) = kept {
            self.not_kept(&error, metrics);
        }
        Ok(())
    }

    /// Whether the disk took what was to be kept last.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    fn start(&mut self, storage: &dyn Storage, seats: &KnownSeats, metrics: &Metrics) -> Result<(), DeliverError> {
        if let Some(secret) = &self.secret {
            self.kept.belongs_to(&Sha256::digest(secret))?;
        }
        (self.who, self.known) = (self.kept.who()?, self.kept.known()?);
        self.before = self.known;
        let newest = self.kept.newest()?;
        self.is_uncounted = newest != self.known && self.kept.read(self.known, 1)?.1.is_some();
        self.note(self.known, storage, seats, metrics)?;
        if !matches!(self.phase, Phase::Well) || newest == self.known {
            return Ok(());
        }
        if !self.is_uncounted {
            return self.note(newest, storage, seats, metrics);
        }
        if newest.saturating_sub(self.known) > UNNOTED_MAX {
            return self.lost(self.known, storage, seats, metrics);
        }
        self.phase = Phase::Again { until: newest, is_lost: false };
        Ok(())
    }

    /// Has storage note that it has everything up to a number, and looks whether it has lost something.
    fn note(
        &mut self,
        next: u64,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<(), DeliverError> {
        let found = self.ask(next, false, storage, seats)?;
        if found.lowest < self.known {
            return self.lost(found.lowest, storage, seats, metrics);
        }
        self.learn(next);
        self.phase = Phase::Well;
        let is_to_keep = self.marks_unkept.is_some_and(|it| it.elapsed() >= KEEP_AGAIN);
        if self.marks != Some(found.forgotten) || is_to_keep {
            self.align(storage, seats.rules_and_now().1, metrics)?;
            self.marks = Some(found.forgotten);
        }
        Ok(())
    }

    fn learn(&mut self, next: u64) {
        if next != self.known {
            self.before = self.known;
        }
        self.known = next;
    }

    fn ask(
        &mut self,
        next: u64,
        is_again: bool,
        storage: &dyn Storage,
        seats: &KnownSeats,
    ) -> Result<DeliveryFound, DeliverError> {
        self.looked = Some(Instant::now());
        let is_again = is_again || self.is_uncounted;
        let note = DeliveryNote { who: self.who, known: self.known, next, is_again };
        Ok(storage.note_delivered(&note, seats.rules_and_now().1)?)
    }

    /// Looks once more before anything is delivered again: the marks of the forgotten have to be there.
    fn has_lost_again(
        &mut self,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<bool, DeliverError> {
        let found = self.ask(self.known, true, storage, seats)?;
        let has_lost = found.lowest < self.known;
        if has_lost {
            self.lost(found.lowest, storage, seats, metrics)?;
        }
        Ok(has_lost)
    }

    /// Begins under another name in a storage that has everything up to a number.
    fn begin_anew(
        &mut self,
        lowest: u64,
        is_again: bool,
        storage: &dyn Storage,
        seats: &KnownSeats,
    ) -> Result<(), DeliverError> {
        // Nothing is noted under this number, whatever is there.
        let look = |who| {
            let note = DeliveryNote { who, known: u64::MAX, next: u64::MAX, is_again: false };
            storage.note_delivered(&note, seats.rules_and_now().1).map(|found| found.lowest)
        };
        let mut lowest = lowest;
        if lowest > 0 {
            self.who_before = Some(self.who);
        } else if let Some(before) = self.who_before {
            lowest = look(before)?;
        }
        loop {
            let who = fastrand::u128(..).to_be_bytes();
            // Items are numbered from 2, so there is something to note for who has delivered none.
            let next = lowest.max(1);
            let note = DeliveryNote { who, known: 0, next, is_again: is_again || self.is_uncounted };
            storage.note_delivered(&note, seats.rules_and_now().1)?;
            // It may have lost more between the look and the note.
            let still = self.who_before.filter(|_| lowest > 0).map_or(Ok(lowest), look)?;
            if still >= lowest {
                (self.who, self.known, self.before) = (who, next, next);
                break;
            }
            lowest = still;
        }
        self.looked = Some(Instant::now());
        if let Err(error) = self.kept.begin_as(&self.who, self.known) {
            // A start after this finds the earlier name in storage, and delivers at least as much again.
            tracing::warn!(error = whole_chain(&error), "it cannot be kept that records are delivered again");
        }
        Ok(())
    }

    /// Storage has everything up to a number only.
    fn lost(
        &mut self,
        lowest: u64,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<(), DeliverError> {
        // A storage that lost everything gets the secret back with this.
        let is_ours = self.secret.map(|ours| Ok::<_, DeliverError>(storage.secret(&|| ours)? == ours)).transpose()?;
        if is_ours != Some(true) {
            if is_ours.is_some() && !matches!(self.phase, Phase::Foreign) {
                tracing::error!(
                    "storage belongs to another installation; what was delivered before is not delivered to it"
                );
            }
            self.phase = Phase::Foreign;
            return Ok(());
        }
        self.align(storage, seats.rules_and_now().1, metrics)?;
        if lowest > 0 && (self.before..self.known).contains(&lowest) {
            let is_lost = matches!(self.phase, Phase::Again { is_lost: true, .. });
            let until = self.kept.newest()?;
            self.begin_anew(lowest, is_lost, storage, seats)?;
            self.phase = Phase::Again { until, is_lost };
            return Ok(());
        }
        let is_first = !matches!(self.phase, Phase::Waiting(_) | Phase::Again { .. });
        self.begin_anew(lowest, true, storage, seats)?;
        // From here on nothing else tells of the loss.
        self.phase = Phase::Waiting(Instant::now() + OTHERS_WAIT.mul_f64(0.5 + 0.5 * fastrand::f64()));
        let items = self.kept.count(self.known).unwrap_or(1);
        tracing::error!(items, "storage has lost records that were delivered; those that are kept are delivered again");
        if is_first {
            metrics.redelivery.lost.inc();
        }
        metrics.redelivery.items.set(i64::try_from(items.max(1)).unwrap_or(i64::MAX));
        self.marks = None;
        Ok(())
    }

    /// Delivers some of the kept items again.
    fn deliver_again(
        &mut self,
        until: u64,
        is_lost: bool,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<(), DeliverError> {
        let (items, last) = self.kept.read(self.known, BATCH_MAX)?;
        let Some(last) = last.filter(|_| self.known < until) else {
            return self.finish(is_lost, storage, seats, metrics);
        };
        let sifted = self.sieve.hand_over(&items, storage, (Seats::Lost, seats.rules_and_now()))?;
        for (number, cause) in &sifted.refused {
            tracing::error!(number, cause, "storage refuses a record that it had before; it is not delivered again");
        }
        let found = self.ask(last, is_lost, storage, seats)?;
        if found.lowest < self.known {
            return self.lost(found.lowest, storage, seats, metrics);
        }
        self.learn(last);
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        metrics.redelivery.delivered.inc_by(u64::try_from(count).unwrap_or(0));
        if is_lost {
            let left = metrics.redelivery.items.get().saturating_sub(count);
            metrics.redelivery.items.set(left.max(1));
        }
        if last >= until { self.finish(is_lost, storage, seats, metrics) } else { Ok(()) }
    }

    /// What was delivered for the first time meanwhile is there too: storage has lost nothing since.
    fn finish(
        &mut self,
        is_lost: bool,
        storage: &dyn Storage,
        seats: &KnownSeats,
        metrics: &Metrics,
    ) -> Result<(), DeliverError> {
        self.is_uncounted = false;
        self.note(self.kept.newest()?, storage, seats, metrics)?;
        if matches!(self.phase, Phase::Well) && is_lost {
            metrics.redelivery.items.set(0);
            tracing::info!("everything that is kept has been delivered again");
        }
        Ok(())
    }
}
