//! How the parts behind this instance stand, for operations engineers; nothing that a visit waits for.

use std::time::Duration;

use super::App;

/// What lies behind this instance, as its disk tells. Storage is asked apart, because it may not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behind {
    /// Records that storage does not have yet.
    pub outbox_depth: u64,
    /// How long ago the oldest of them was decided or seen, in seconds; none if nothing waits.
    pub oldest_s: Option<u64>,
    /// Records that storage refused.
    pub dead_letters: u64,
    /// Seats that were shown while storage did not answer and that it has not counted.
    pub seats_unconfirmed: u64,
    /// Records that storage has lost and that are still to be delivered again.
    pub to_redeliver: u64,
    /// Whether the disk did not take what a delivery writes.
    pub is_disk_failing: bool,
    /// How far the clock is ahead of that of the storage server, in milliseconds; none where there is no other clock.
    pub clock_ahead_ms: Option<i64>,
}

impl App {
    /// What lies behind this instance. Blocks on the disk. What its disk does not tell counts as nothing.
    #[must_use]
    pub fn behind(&self) -> Behind {
        let outbox = &self.parts.outbox;
        let age_s = |ms: i64| u64::try_from(ms / 1_000).unwrap_or(0);
        let oldest = outbox.oldest_at().ok().flatten();
        Behind {
            outbox_depth: outbox.depth(),
            oldest_s: oldest.map(|at| age_s(self.now().unix_ms().saturating_sub(at.unix_ms()))),
            dead_letters: outbox.dead_count().unwrap_or(0),
            seats_unconfirmed: u64::try_from(self.metrics().seats_unconfirmed.get()).unwrap_or(0),
            to_redeliver: u64::try_from(self.metrics().redelivery.items.get()).unwrap_or(0),
            is_disk_failing: self.metrics().standing.disk_failing.get() > 0,
            clock_ahead_ms: self.parts.storage.clock_ahead_ms(),
        }
    }

    /// How many versions of the catalog this instance is behind storage that holds this one; none if storage does not answer.
    #[must_use]
    pub fn catalog_lag(&self, stored: Option<u64>) -> Option<u64> {
        Some(stored?.saturating_sub(self.catalog().version()))
    }

    /// Shows in the metrics how the parts stand.
    pub fn show_behind(&self, behind: &Behind, stored: Option<u64>) {
        let metrics = self.metrics();
        let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        metrics.storage_reachable.set(i64::from(stored.is_some()));
        metrics.outbox_depth.set(number(behind.outbox_depth));
        metrics.outbox_oldest_seconds.set(number(behind.oldest_s.unwrap_or(0)));
        metrics.standing.clock_ahead_seconds.set(seconds(behind.clock_ahead_ms.unwrap_or(0)));
        metrics.dead_letters.set(number(behind.dead_letters));
        // While storage does not answer, nothing is known of its catalog, and the last lag stays.
        if let Some(lag) = self.catalog_lag(stored) {
            metrics.catalog_lag.set(number(lag));
        }
    }
}

/// Milliseconds in seconds. A clock is never so far off that this is not exact.
#[must_use]
pub fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64().copysign(if ms < 0 { -1.0 } else { 1.0 })
}

/// How long anybody who looks waits for storage: less than a prober does.
pub const LOOK_WAIT: Duration = Duration::from_millis(300);
