//! Keeps to the platform's limits: who would break one is told how long to wait, and does not wait here.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::call::Call;
use super::remedy::MINUTE_LIMIT_WAIT;
use crate::time::Timestamp;

/// Calls of one account that are under way at a time.
const AT_ONCE_MAX: u32 = 8;
/// How long a call waits for others to end.
const TURN_WAIT: Duration = Duration::from_secs(2);
/// For how long fewer calls are made at once after the platform said that they were too many.
const FEWER_MS: i64 = 60_000;
/// The longest pause after a limit was met: the limits by the hour block for one.
const PAUSE_MAX: Duration = Duration::from_hours(1);
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Counts calls of one account.
#[derive(Debug, Default)]
pub struct Limiter {
    spent: Mutex<BTreeMap<&'static str, Spent>>,
    under_way: Mutex<UnderWay>,
    ended: Condvar,
}

/// What one kind of call has used up.
#[derive(Debug, Default)]
struct Spent {
    minute: Window,
    hour: Window,
    day: Window,
    paused_until: Option<Timestamp>,
    /// Limits met one after the other; each doubles the pause.
    strikes: u32,
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    count: u32,
}

impl Window {
    /// Takes one; if there is none left, how many milliseconds until there is.
    fn room(&mut self, now: Timestamp, length_ms: i64, most: u32) -> Option<i64> {
        let number = now.unix_ms().div_euclid(length_ms);
        if number != self.number {
            *self = Self { number, count: 0 };
        }
        (self.count >= most).then(|| length_ms - now.unix_ms().rem_euclid(length_ms))
    }
}

#[derive(Debug)]
struct UnderWay {
    count: u32,
    most: u32,
    fewer_until: Timestamp,
}

impl Default for UnderWay {
    fn default() -> Self {
        Self { count: 0, most: AT_ONCE_MAX, fewer_until: Timestamp::EPOCH }
    }
}

/// A call that is under way, until this is dropped.
pub struct Turn<'a>(&'a Limiter);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way();
        under_way.count = under_way.count.saturating_sub(1);
        drop(under_way);
        self.0.ended.notify_one();
    }
}

impl Limiter {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spent(&self) -> MutexGuard<'_, BTreeMap<&'static str, Spent>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to make a call now, or how long to wait for it.
    ///
    /// # Errors
    /// How long the limit lasts.
    pub fn take(&self, call: &Call, now: Timestamp) -> Result<Turn<'_>, Duration> {
        self.count(call, now)?;
        let mut under_way = self.under_way();
        if under_way.fewer_until <= now {
            under_way.most = AT_ONCE_MAX;
        }
        let (mut under_way, waited) = self
            .ended
            .wait_timeout_while(under_way, TURN_WAIT, |it| it.count >= it.most)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(TURN_WAIT);
        }
        under_way.count += 1;
        Ok(Turn(self))
    }

    fn count(&self, call: &Call, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.spent();
        let spent = all.entry(call.name).or_default();
        if let Some(until) = spent.paused_until.filter(|it| *it > now) {
            return Err(between(now, until));
        }
        let limits = call.limits;
        let full = [
            spent.minute.room(now, MINUTE_MS, limits.per_minute),
            spent.hour.room(now, HOUR_MS, limits.per_hour),
            spent.day.room(now, DAY_MS, limits.per_day),
        ];
        if let Some(wait) = full.into_iter().flatten().max() {
            return Err(Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        }
        for window in [&mut spent.minute, &mut spent.hour, &mut spent.day] {
            window.count += 1;
        }
        Ok(())
    }

    /// The platform took a call: the next limit it reports is a first one.
    pub fn passed(&self, call: &Call) {
        if let Some(spent) = self.spent().get_mut(call.name) {
            spent.strikes = 0;
        }
    }

    /// The platform said that a limit is met: none of these calls for a minute, then two, then four, up to an hour.
    pub fn pause(&self, call: &Call, now: Timestamp) -> Duration {
        let mut all = self.spent();
        let spent = all.entry(call.name).or_default();
        let wait = MINUTE_LIMIT_WAIT.saturating_mul(1 << spent.strikes.min(6)).min(PAUSE_MAX);
        // Calls that were under way together meet one limit, not several.
        if spent.paused_until.is_none_or(|it| it <= now) {
            spent.strikes += 1;
            spent.paused_until = Some(now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        }
        wait
    }

    /// The platform said that there are too many calls at once: half as many for a while.
    pub fn fewer(&self, now: Timestamp) {
        let mut under_way = self.under_way();
        under_way.most = (under_way.most / 2).max(1);
        under_way.fewer_until = now.plus_ms(FEWER_MS);
    }
}

fn between(now: Timestamp, later: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(later.unix_ms() - now.unix_ms()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::call::Limits;
    use super::*;

    const CALL: Call = Call::once("a", "/a").limited(Limits { per_minute: 2, per_hour: 3, per_day: 100 });

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(second * 1_000)
    }

    #[test]
    fn who_would_break_a_limit_is_told_how_long_to_wait() {
        let limiter = Limiter::default();
        assert!(limiter.take(&CALL, at(0)).is_ok() && limiter.take(&CALL, at(1)).is_ok());
        assert_eq!(limiter.take(&CALL, at(10)).err(), Some(Duration::from_secs(50)));
        assert!(limiter.take(&CALL, at(60)).is_ok());
        assert_eq!(limiter.take(&CALL, at(61)).err(), Some(Duration::from_secs(3_539)));
        assert!(limiter.take(&CALL, at(3_600)).is_ok());
    }

    #[test]
    fn a_limit_that_the_platform_reports_again_lasts_twice_as_long() {
        let limiter = Limiter::default();
        assert_eq!(limiter.pause(&CALL, at(0)), Duration::from_mins(1));
        limiter.pause(&CALL, at(1));
        assert_eq!(limiter.take(&CALL, at(20)).err(), Some(Duration::from_secs(40)));
        assert_eq!(limiter.pause(&CALL, at(60)), Duration::from_mins(2));
        limiter.passed(&CALL);
        assert_eq!(limiter.pause(&CALL, at(200)), Duration::from_mins(1));
        for second in (1_000..100_000).step_by(4_000) {
            assert!(limiter.pause(&CALL, at(second)) <= Duration::from_hours(1));
        }
    }

    #[test]
    fn too_many_at_once_halves_them_for_a_minute() {
        let limiter = Limiter::default();
        let call = Call::once("a", "/a");
        (0..3).for_each(|_| limiter.fewer(at(0)));
        let first = limiter.take(&call, at(0)).ok();
        assert_eq!(limiter.under_way().most, 1);
        assert_eq!(limiter.take(&call, at(60)).map(drop), Ok(()));
        drop(first);
        let under_way = limiter.under_way();
        assert_eq!((under_way.count, under_way.most), (0, AT_ONCE_MAX));
    }
}
