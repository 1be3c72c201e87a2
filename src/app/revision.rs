//! Revisions: numbers that say which of several answers to one visit is the last, whichever instances gave them; not what was answered.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::time::Timestamp;

/// How far the clock of an instance may be behind that of another one for their answers to keep their order, in milliseconds.
const BEHIND_MS_MAX: i64 = 60_000;

/// Gives revisions: microseconds since 1970, each above the one before.
#[derive(Debug, Default)]
pub(super) struct Revisions(AtomicI64);

impl Revisions {
    /// The next one, at this moment, for a visit that began then. Any instance may refine a visit; where its clock is behind that of the
    /// one where the visit began, the answer is the later one all the same.
    pub(super) fn next(&self, began: Timestamp, now: Timestamp) -> i64 {
        let late_ms = began.unix_ms().saturating_sub(now.unix_ms());
        let now = if (1..=BEHIND_MS_MAX).contains(&late_ms) { began.plus_ms(1) } else { now };
        let now = now.unix_ms().saturating_mul(1_000);
        let next = |last: i64| Some(now.max(last + 1));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).map_or(now, |last| now.max(last + 1))
    }
}
