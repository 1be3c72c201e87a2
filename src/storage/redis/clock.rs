//! The clock of the server beside that of this machine, so that all instances mean the same moment; not a clock that anything else reads.
//!
//! Seats are given for a while, and instances say until when they deliver again. If each judged that by its own clock, one that is ahead
//! would end what others hold. So every moment that such a step is given is moved by what this machine's clock is ahead of the
//! server's, which is measured now and then.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Script;

use super::super::StorageError;
use super::keys;
use super::link::{Link, Patience};
use crate::time::{Clock, Timestamp};

/// A difference below this is let be: half the time of an answer is not known better.
const LET_BE_MS: i64 = 1_000;
/// A measurement is good for so long where nobody waits.
const GOOD: Duration = Duration::from_secs(10);
/// Likewise where a visit waits, which measures for itself only if nobody else does.
const GOOD_FOR_VISITS: Duration = Duration::from_mins(1);
/// A clock that was set is noticed when it has gone otherwise than time by so much.
const SET_MS: i64 = 500;

#[derive(Debug, Clone, Copy)]
struct Measured {
    at: Instant,
    local: Timestamp,
    ahead_ms: i64,
}

/// How far this machine's clock is ahead of the server's.
pub(super) struct ServerClock {
    local: Arc<dyn Clock>,
    measured: Mutex<Option<Measured>>,
}

impl fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerClock").field("ahead_ms", &self.ahead_ms()).finish_non_exhaustive()
    }
}

impl ServerClock {
    pub(super) fn new(local: Arc<dyn Clock>) -> Self {
        Self { local, measured: Mutex::default() }
    }

    fn last(&self) -> Option<Measured> {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was measured last, in milliseconds.
    pub(super) fn ahead_ms(&self) -> Option<i64> {
        self.last().map(|it| it.ahead_ms)
    }

    /// By how much moments of this machine's clock are moved to be the server's, in milliseconds.
    ///
    /// # Errors
    /// The server's, where it has to be asked.
    pub(super) fn shift_ms(&self, link: &Link, patience: Patience) -> Result<i64, StorageError> {
        let good = if patience == Patience::Visit { GOOD_FOR_VISITS } else { GOOD };
        let known = self.last().filter(|it| {
            let (passed, gone) = (it.at.elapsed(), self.local.now().unix_ms() - it.local.unix_ms());
            let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
            passed < good && gone.abs_diff(passed_ms) < SET_MS.unsigned_abs()
        });
        let ahead_ms = known.map_or_else(|| self.measure(link, patience), |it| Ok(it.ahead_ms))?;
        Ok(if ahead_ms.abs() < LET_BE_MS { 0 } else { -ahead_ms })
    }

    /// A moment of this machine's clock as the server's.
    ///
    /// # Errors
    /// As [`ServerClock::shift_ms`].
    pub(super) fn moved(&self, link: &Link, patience: Patience, at: Timestamp) -> Result<Timestamp, StorageError> {
        Ok(at.plus_ms(self.shift_ms(link, patience)?))
    }

    fn measure(&self, link: &Link, patience: Patience) -> Result<i64, StorageError> {
        // In a Cluster the server that has the seats is asked.
        let script = Script::new("return redis.call('TIME')");
        let mut call = script.prepare_invoke();
        call.key(keys::SEAT_HEADS);
        let before = self.local.now();
        let (seconds, micros): (i64, i64) = link.with(patience, |conn| call.invoke(conn))?;
        let (at, local) = (Instant::now(), self.local.now());
        let middle = before.unix_ms().midpoint(local.unix_ms());
        let ahead_ms = middle.saturating_sub(seconds.saturating_mul(1_000).saturating_add(micros / 1_000));
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(Measured { at, local, ahead_ms });
        Ok(ahead_ms)
    }
}
