//! When a server that failed is tried again: one at a time, at intervals that grow and differ by chance; not who asks it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The wait after the first failure.
const WAIT_MIN: Duration = Duration::from_millis(50);
/// The longest wait between two probes, so that a server that is back is found soon.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How long a probe may go without telling how it ended; then another one starts.
const PROBE_MAX: Duration = Duration::from_secs(6);

/// Lets everybody through while all is well, and one probe at a time after a failure.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Nobody asks before this.
    closed_until: Option<Instant>,
    /// A probe is under way.
    probing_until: Option<Instant>,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to ask the server now. Who is let through tells how it went.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let state = &mut *self.state();
        if state.failures == 0 {
            return true;
        }
        let is_later = |moment: Option<Instant>| moment.is_some_and(|it| it > now);
        if is_later(state.closed_until) || is_later(state.probing_until) {
            return false;
        }
        state.probing_until = now.checked_add(PROBE_MAX);
        true
    }

    /// Notes an answer, and says whether it ends a time of failures.
    pub(super) fn succeed(&self) -> bool {
        let state = &mut *self.state();
        let was_failing = state.failures > 0;
        if was_failing {
            *state = State::default();
        }
        was_failing
    }

    /// Notes a failure, and says whether it begins a time of failures. `chance` is from 0 to 1.
    pub(super) fn fail(&self, now: Instant, chance: f64) -> bool {
        let state = &mut *self.state();
        // Calls that were under way together fail together, and count as one.
        if state.closed_until.is_some_and(|it| it > now) {
            return false;
        }
        let wait = WAIT_MIN.saturating_mul(1 << state.failures.min(10)).min(WAIT_MAX);
        state.failures = state.failures.saturating_add(1);
        state.closed_until = now.checked_add(wait.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0));
        state.probing_until = None;
        state.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn nobody_waits_while_all_is_well() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        assert!((0..100).all(|_| breaker.admits(now)));
        assert!(!breaker.succeed());
    }

    #[test]
    fn after_a_failure_one_probe_goes_at_a_time() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        assert!(breaker.fail(now, 1.0));
        assert!(!breaker.admits(after(now, 49)));
        assert!(breaker.admits(after(now, 50)));
        assert!(!breaker.admits(after(now, 51)) && !breaker.admits(after(now, 5_000)));
        assert!(breaker.succeed());
        assert!(breaker.admits(after(now, 60)) && breaker.admits(after(now, 60)));
    }

    #[test]
    fn a_probe_that_never_tells_is_given_up() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.fail(now, 1.0);
        assert!(breaker.admits(after(now, 100)));
        assert!(!breaker.admits(after(now, 6_099)));
        assert!(breaker.admits(after(now, 6_100)));
    }

    #[test]
    fn waits_double_up_to_a_second_and_chance_shortens_them_by_half_at_most() {
        let (breaker, mut now) = (Breaker::default(), Instant::now());
        for ms in [50, 100, 200, 400, 800, 1_000, 1_000, 1_000] {
            breaker.fail(now, 1.0);
            assert!(!breaker.admits(after(now, ms - 1)));
            now = after(now, ms);
            assert!(breaker.admits(now), "{ms}");
        }
        breaker.fail(now, 0.0);
        assert!(!breaker.admits(after(now, 499)));
        assert!(breaker.admits(after(now, 500)));
    }

    #[test]
    fn failures_at_the_same_time_count_as_one() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        assert!(breaker.fail(now, 1.0));
        assert!((0..30).all(|_| !breaker.fail(after(now, 1), 1.0)));
        assert!(breaker.admits(after(now, 50)));
    }
}
