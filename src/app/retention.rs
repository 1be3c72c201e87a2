//! Removing what is too old, little by little, so that deliveries never wait long; how old that is, is set by the operator.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ForgetError;
use super::deliver::whole_chain;
use super::wecom::old_cards::remove_old_cards;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::storage::{FORGOTTEN_DAYS, Purge, REMEMBER_DAYS_DEFAULT, Storage};
use crate::store::Zone;
use crate::time::{Clock, Day, Timestamp};

/// Rows that one transaction removes at the most: some hundredths of a second.
const PURGE_ROWS_MAX: usize = 500;
/// How often what is too old is looked for.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// How long deliveries have storage to themselves between two rounds of a longer purge.
const PURGE_PAUSE: Duration = Duration::from_millis(250);
const DAY_MS: i64 = 86_400_000;

/// For how many days each kind of record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Tag records and consents, and cards of customers with whom all has ended.
    pub tags_days: u32,
    /// Steps.
    pub steps_days: u32,
    /// Who was seated in which group; storage removes that by itself whenever seats are taken.
    pub seats_days: u32,
    /// Records that could not be delivered, and jobs that were given up.
    pub dead_days: u32,
    /// Entries of the feed, and the ids of jobs that are done.
    pub feed_days: u32,
    /// Tallies and counters of joins; none means for ever. They name no customer.
    pub tallies_days: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            tags_days: 730,
            steps_days: 730,
            seats_days: REMEMBER_DAYS_DEFAULT,
            dead_days: 90,
            feed_days: 30,
            tallies_days: None,
        }
    }
}

/// How much one round removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows of all kinds.
    pub rows: u64,
    /// Whether another round would find more.
    pub has_more: bool,
}

/// Removes what is too old.
#[derive(Clone)]
pub struct Retainer {
    storage: Arc<dyn Storage>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    zone: Zone,
    retention: Retention,
    /// Up to which card of a customer the last round has looked.
    looked_at: Arc<Mutex<Option<String>>>,
}

impl Retainer {
    /// A retainer of these; the zone says when a day ends.
    #[must_use]
    pub fn new(
        (storage, outbox): (Arc<dyn Storage>, Arc<Outbox>),
        metrics: Arc<Metrics>,
        (clock, zone): (Arc<dyn Clock>, Zone),
        retention: Retention,
    ) -> Self {
        Self { storage, outbox, metrics, clock, zone, retention, looked_at: Arc::default() }
    }

    /// Works for ever: little by little while there is much, and looks again after a while when there is nothing more. Returns only
    /// if a round was broken off.
    pub async fn run(&self) {
        loop {
            let this = self.clone();
            let wait = match tokio::task::spawn_blocking(move || this.round()).await {
                Ok(Ok(purged)) => {
                    if purged.rows > 0 {
                        tracing::info!(rows = purged.rows, "what was too old has been removed");
                    }
                    if purged.has_more { PURGE_PAUSE } else { PURGE_EVERY }
                }
                Ok(Err(error)) => {
                    tracing::error!(error = whole_chain(&error), "what is too old cannot be removed now");
                    PURGE_EVERY
                }
                Err(_broken_off) => return,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// One round: at most a few hundred rows of each kind. Blocks on the disk: call it from a blocking thread.
    ///
    /// # Errors
    /// [`ForgetError`] if storage or the outbox does not answer; the next round goes on.
    pub fn round(&self) -> Result<Purged, ForgetError> {
        let now = self.clock.now();
        let before = |days: u32| Timestamp::from_unix_ms(now.unix_ms() - i64::from(days) * DAY_MS);
        let day = |days: u32| Day::of(now, self.zone.as_jiff()).plus(-i64::from(days));
        let Retention { tags_days, steps_days, dead_days, feed_days, tallies_days, .. } = self.retention;
        let mut purged = Purged::default();
        for (kind, what) in [
            ("tags", Purge::Tags(day(tags_days))),
            ("steps", Purge::Steps(before(steps_days))),
            ("consents", Purge::Consents(before(tags_days))),
            ("forgotten", Purge::Forgotten(Timestamp::from_unix_ms(now.unix_ms() - FORGOTTEN_DAYS * DAY_MS))),
        ] {
            self.note(&mut purged, kind, self.storage.purge(what, PURGE_ROWS_MAX)?);
        }
        // The tallies of a day outlast its records: removing a record changes them.
        if let (Some(days), false) = (tallies_days, purged.has_more) {
            self.note(&mut purged, "tallies", self.storage.purge(Purge::Tallies(day(days)), PURGE_ROWS_MAX)?);
            self.note(&mut purged, "counters", self.storage.purge_counts(day(days), PURGE_ROWS_MAX)?);
        }
        self.note(&mut purged, "book", self.storage.purge_book(before(feed_days), PURGE_ROWS_MAX)?);
        self.note(&mut purged, "jobs", self.storage.purge_dead_jobs(before(dead_days), PURGE_ROWS_MAX)?);
        self.note(&mut purged, "cards", self.cards(before(tags_days))?);
        self.note(&mut purged, "dead", self.outbox.purge_dead(before(dead_days), PURGE_ROWS_MAX)?);
        let too_old = (before(tags_days), before(steps_days));
        self.note(&mut purged, "kept", self.outbox.purge_kept(too_old, now, PURGE_ROWS_MAX)?);
        Ok(purged)
    }

    /// Some cards more: there is no list of them by age, so a round looks at the next few hundred, and begins anew at the end.
    fn cards(&self, before: Timestamp) -> Result<u64, ForgetError> {
        let after = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (removed, next) = remove_old_cards(&*self.storage, after.as_deref(), before, PURGE_ROWS_MAX)?;
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(removed)
    }

    fn note(&self, purged: &mut Purged, kind: &str, rows: u64) {
        purged.rows += rows;
        purged.has_more |= usize::try_from(rows).is_ok_and(|it| it >= PURGE_ROWS_MAX);
        if rows > 0 {
            self.metrics.purged(kind, rows);
        }
    }
}
