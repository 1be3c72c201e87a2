//! Visits all the time, at a pace that does not depend on the answers, and what came of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::fleet::{BUSY_STORE, PLACES};
use crate::visit::{self, Acknowledged, Balancer, SeatShown};

const VISITORS: u32 = 16;
/// Visits a second of all together.
const RATE: u32 = 100;
/// Longer than all visits of one phase take.
const PHASE_WAIT: Duration = Duration::from_mins(1);

/// One visit and what came of it.
struct Made {
    /// When it was due; the wait counts from here, so that a stall is not hidden by visits that were not made.
    due: Instant,
    took: Duration,
}

#[derive(Default)]
struct Book {
    made: Vec<Made>,
    failed: Vec<(Instant, String)>,
    /// By scan, the store of the last answer, and when it came.
    acknowledged: BTreeMap<String, (String, Instant)>,
    /// By scan, the seat of the last answer: a visit holds one.
    seats: BTreeMap<String, SeatShown>,
}

/// Visitors who come until they are stopped.
pub struct Load {
    book: Arc<Mutex<Book>>,
    is_over: Arc<AtomicBool>,
    visitors: Vec<JoinHandle<()>>,
}

/// What the visitors saw.
pub struct Seen {
    pub failed: Vec<(Instant, String)>,
    /// By scan, the store of the last answer, and when it came.
    pub acknowledged: BTreeMap<String, (String, Instant)>,
    /// By scan, the seat of the last answer.
    pub seats: BTreeMap<String, SeatShown>,
    made: Vec<Made>,
}

impl Load {
    pub fn start(balancer: &Arc<Balancer>) -> Self {
        let (book, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let start = Instant::now();
        let visitor = |number: u32| {
            let (balancer, book, is_over) = (Arc::clone(balancer), Arc::clone(&book), Arc::clone(&is_over));
            thread::spawn(move || come(number, start, &balancer, &book, &is_over))
        };
        let visitors = (0..VISITORS).map(visitor).collect();
        Self { book, is_over, visitors }
    }

    /// Waits until so many more visits were answered.
    #[track_caller]
    pub fn wait_for(&self, visits: usize) {
        let end = Instant::now() + PHASE_WAIT;
        let before = self.count();
        while self.count() < before + visits {
            assert!(Instant::now() < end, "visits are not answered");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn count(&self) -> usize {
        self.book.lock().unwrap().made.len()
    }

    /// Lets every visitor finish, and tells what they saw.
    pub fn stop(mut self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        for visitor in self.visitors.drain(..) {
            visitor.join().unwrap();
        }
        let Book { made, failed, acknowledged, seats } = std::mem::take(&mut *self.book.lock().unwrap());
        Seen { failed, acknowledged, seats, made }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Seen {
    /// The wait that 99 of 100 visits did not exceed which were due in this time, and how many there were.
    pub fn p99(&self, from: Instant, to: Instant) -> (Duration, usize) {
        let mut waits: Vec<_> = self.made.iter().filter(|it| it.due >= from && it.due < to).map(|it| it.took).collect();
        waits.sort_unstable();
        let wait = waits.get(waits.len() * 99 / 100).copied().unwrap_or(Duration::MAX);
        (wait, waits.len())
    }

    /// The visits of each group whose seat was confirmed at once.
    pub fn confirmed(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.by_group(|state| state == "taken" || state == "kept")
    }

    /// The visits of each group.
    pub fn shown(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.by_group(|_| true)
    }

    fn by_group(&self, counts: impl Fn(&str) -> bool) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (scan, seat) in self.seats.iter().filter(|(_, it)| counts(&it.state)) {
            groups.entry(&seat.group).or_default().insert(scan);
        }
        groups
    }
}

/// One visitor after the other: five in eight post their place, one posts it again, two open a page.
fn come(number: u32, start: Instant, balancer: &Balancer, book: &Mutex<Book>, is_over: &AtomicBool) {
    let mut chance = fastrand::Rng::with_seed(number.into());
    let mut last: Option<Acknowledged> = None;
    for turn in 0_u32.. {
        let due = start + Duration::from_secs(1) * (turn * VISITORS + number) / RATE;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let answer = match (turn % 8, last.take().and_then(|it| it.again)) {
            (3, Some(again)) => visit::refine(balancer, &again),
            (1 | 5, _) => visit::page(balancer, BUSY_STORE),
            _ => visit::scan(balancer, PLACES[chance.usize(..PLACES.len())]),
        };
        let took = due.elapsed();
        let mut book = book.lock().unwrap();
        book.made.push(Made { due, took });
        match answer {
            Ok(it) => {
                book.acknowledged.insert(it.scan.clone(), (it.store.clone(), Instant::now()));
                book.seats.extend(it.seat.clone().map(|seat| (it.scan.clone(), seat)));
                last = Some(it);
            }
            Err(cause) => book.failed.push((due, cause)),
        }
    }
}
