//! Work that nobody waits for, done in short stretches with pauses between them, so that whoever is waited for gets a processor soon.
//!
//! A thread that only steps back with `nice` still keeps a processor for its whole turn once it has one: under Linux's scheduler up to
//! the tick, 4 ms, in which a commit that visits wait for may have to wait. It says nothing about how much is done, only how long at a time.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How long a stretch may be.
const STRETCH: Duration = Duration::from_micros(500);
/// How long a pause is at least: long enough that a waiting thread gets the processor.
const PAUSE: Duration = Duration::from_micros(150);

thread_local! {
    /// When this thread's stretch began; none where it does not pause.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Does something with pauses wherever [`breathe`] is called on the way.
pub fn paced<T>(work: impl FnOnce() -> T) -> T {
    SINCE.set(Some(Instant::now()));
    let done = work();
    SINCE.set(None);
    done
}

/// A place to pause, if this thread's work is paced and its stretch is over. Costs a look at the clock.
pub fn breathe() {
    if SINCE.get().is_some_and(|it| it.elapsed() >= STRETCH) {
        thread::sleep(PAUSE);
        SINCE.set(Some(Instant::now()));
    }
}
