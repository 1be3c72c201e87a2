//! Whether storage may be asked for seats: not before it was asked whether it has lost any, and not before it has counted those that
//! were shown while it was away. Where nobody watches over that it may always be asked.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a visit waits after a start until storage was asked whether it has lost something: less than for its seat.
const FIRST_WAIT: Duration = Duration::from_millis(80);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Nobody watches.
    #[default]
    Unwatched,
    /// Storage was not asked since the start, and nobody knows whether it answers.
    NotAsked,
    /// Storage has not said since the start that it has everything.
    NotYet,
    /// What was shown while storage was away is not counted.
    Uncounted,
    /// Storage has counted everything.
    Open,
}

/// Whether storage may be asked for seats.
#[derive(Debug, Default)]
pub(in crate::app) struct Gate {
    state: Mutex<State>,
    told: Condvar,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl Fn(State) -> State) {
        let mut state = self.state();
        *state = change(*state);
        self.told.notify_all();
    }

    /// Somebody says from here on when storage has everything.
    pub(in crate::app) fn watch(&self) {
        self.change(|_| State::NotAsked);
    }

    /// Storage does not say what it has, or has lost some of it.
    pub(in crate::app) fn is_away(&self) {
        self.change(|it| if it == State::NotAsked { State::NotYet } else { it });
    }

    /// Storage has lost nothing, and has everything that waited.
    pub(in crate::app) fn open(&self) {
        self.change(|it| if it == State::Unwatched { it } else { State::Open });
    }

    /// Storage gives no seats: until what waits is delivered it would give those away that are shown meanwhile.
    pub(super) fn gives_none(&self) {
        self.change(|it| if it == State::Open { State::Uncounted } else { it });
    }

    /// Whether storage may be asked for seats. Waits a moment while it was not asked yet what it has.
    pub(super) fn may_take(&self) -> bool {
        let waited = self.told.wait_timeout_while(self.state(), FIRST_WAIT, |it| *it == State::NotAsked);
        let (state, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        matches!(*state, State::Unwatched | State::Open)
    }

    /// Whether storage may be believed how full groups are.
    pub(super) fn may_count(&self) -> bool {
        !matches!(*self.state(), State::NotAsked | State::NotYet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_asked_once_it_has_everything() {
        let gate = Gate::default();
        gate.gives_none();
        assert!(gate.may_take() && gate.may_count(), "nobody watches");
        gate.watch();
        assert!(!gate.may_take() && !gate.may_count());
        gate.is_away();
        assert!(!gate.may_take() && !gate.may_count());
        gate.open();
        assert!(gate.may_take() && gate.may_count());
        gate.gives_none();
        gate.is_away();
        assert!(!gate.may_take() && gate.may_count());
        gate.open();
        assert!(gate.may_take());
    }
}
