//! A value with a generation that is swapped whole and read without waiting.
//!
//! It does not decide when to swap and does not check what it is given: whoever stores a value has loaded and checked
//! it first, so that a failed load leaves the last good value in place.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

/// The generation of the first value of every [`Live`].
pub const GENERATION_FIRST: u64 = 1;

/// A value together with the generation under which it became current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<T> {
    generation: u64,
    value: T,
}

impl<T> Held<T> {
    /// How many values there have been up to and including this one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The value itself.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The current value of something that changes while the service runs.
///
/// Readers take no lock. Writers wait for each other only, so that generations rise by one and in order.
pub struct Live<T> {
    current: ArcSwap<Held<T>>,
    writing: Mutex<()>,
}

impl<T> Live<T> {
    /// Starts with a value at generation [`GENERATION_FIRST`].
    #[must_use]
    pub fn new(value: T) -> Self {
        let first = Held { generation: GENERATION_FIRST, value };
        Self { current: ArcSwap::from_pointee(first), writing: Mutex::new(()) }
    }

    /// The current value for a short look; the cheapest way to read. Not to be held across an `await`.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Held<T>>> {
        self.current.load()
    }

    /// The current value to keep: a request takes one and works with it to its end.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Held<T>> {
        self.current.load_full()
    }

    /// Makes a value current and returns its generation. Snapshots taken earlier keep the value they have.
    pub fn store(&self, value: T) -> u64 {
        // The lock guards no data, so a writer that panicked leaves nothing half done behind it.
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation().saturating_add(1);
        self.current.store(Arc::new(Held { generation, value }));
        generation
    }

    /// Makes a value current if the one before is still as it must be, and tells whether it was. No other writer comes between.
    pub fn store_if(&self, value: T, is_wanted: impl FnOnce(&T, &T) -> bool) -> bool {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.load();
        let wanted = is_wanted(current.value(), &value);
        if wanted {
            let generation = current.generation().saturating_add(1);
            self.current.store(Arc::new(Held { generation, value }));
        }
        wanted
    }

    /// The generation of the current value.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.load().generation
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_stored_value_is_current_at_once_and_has_the_next_version() {
        let live = Live::new("first");
        assert_eq!((live.generation(), *live.load().value()), (1, "first"));
        assert_eq!(live.store("second"), 2);
        assert_eq!((live.generation(), *live.load().value()), (2, "second"));
    }

    #[test]
    fn a_snapshot_outlives_a_swap() {
        let live = Live::new(String::from("old"));
        let before = live.snapshot();
        live.store(String::from("new"));
        assert_eq!((before.generation(), before.value().as_str()), (1, "old"));
        assert_eq!(live.snapshot().as_str(), "new");
    }

    #[test]
    fn versions_of_concurrent_writers_never_repeat() {
        let live = Live::new(0_u32);
        let mut generations: Vec<u64> = thread::scope(|scope| {
            let writers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..50).map(|_| live.store(1)).collect::<Vec<_>>())).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        generations.sort_unstable();
        assert_eq!(generations, (2..=201).collect::<Vec<u64>>());
        assert_eq!(live.generation(), 201);
    }

    #[test]
    fn a_value_that_is_not_wanted_any_more_is_not_stored() {
        let live = Live::new(5);
        assert!(live.store_if(7, |current, new| current < new));
        assert!(!live.store_if(6, |current, new| current < new));
        assert_eq!((live.generation(), *live.load().value()), (2, 7));
    }

    #[test]
    fn a_live_value_does_not_print_what_it_holds() {
        assert_eq!(format!("{:?}", Live::new("secret")), "Live { generation: 1, .. }");
    }
}
