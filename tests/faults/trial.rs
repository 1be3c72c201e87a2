//! A fault under load from its beginning to the verdict.

use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::{BUSY_STORE, CAPACITY, Fleet};
use crate::load::{Load, Seen};

/// What 99 of 100 visits do not exceed while something is broken.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// The time from the end of a fault until nothing tells of it.
const RECOVERY_MAX: Duration = Duration::from_secs(5);
/// How long the test goes on looking, to tell how late it was.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(20);
const VISITS_BEFORE: usize = 60;
const VISITS_AFTER: usize = 60;
/// Visits while something is broken; fewer say nothing.
const VISITS_MIN: usize = 30;

/// How the records in storage may differ from those acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// In nothing.
    AsAcknowledged,
    /// There may be some whose answer was lost with an instance.
    AlsoOfLostAnswers,
}

/// Instances under load, and something that is going to break.
pub struct Trial {
    pub fleet: Fleet,
    load: Load,
    broken: Option<Instant>,
    counts_once: bool,
}

impl Trial {
    /// Starts instances on a storage and visits them.
    pub fn start(storage: &str, instances: usize) -> Self {
        let fleet = Fleet::start(storage, instances);
        let load = Load::start(&fleet.balancer);
        load.wait_for(VISITS_BEFORE);
        Self { fleet, load, broken: None, counts_once: false }
    }

    /// From here on something is broken.
    pub fn breaks(&mut self) {
        self.broken = Some(Instant::now());
    }

    /// From here on no seat may be counted twice: nobody is shown another group than the one that storage counted.
    pub fn counts_once(&mut self) {
        self.counts_once = true;
    }

    /// Lets so many visits be made.
    #[track_caller]
    pub fn visit(&self, visits: usize) {
        self.load.wait_for(visits);
    }

    /// Lets visits be made for this time.
    pub fn visit_for(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.load.wait_for(1);
        }
    }

    /// All is well again: from here on the instances have to come back by themselves. Then everything is
    /// counted.
    #[track_caller]
    pub fn mended(self, records: Records) -> Fleet {
        self.mended_since(Instant::now(), records)
    }

    /// As [`Trial::mended`], where all was well again at a moment of before.
    #[track_caller]
    pub fn mended_since(self, mended: Instant, records: Records) -> Fleet {
        let until = Instant::now();
        self.load.wait_for(VISITS_AFTER);
        let seen = self.load.stop();
        let recovery = settle(&self.fleet, mended, |fleet| uncounted(fleet, &seen, self.counts_once));
        let broken = self.broken.expect("something was broken");
        let (wait, visits) = seen.p99(broken, until);
        eprintln!("p99 {wait:?} of {visits} visits in {:?}; well again after {recovery:?}", until - broken);
        assert!(visits >= VISITS_MIN, "only {visits} visits tell what it was like");
        assert!(seen.failed.is_empty(), "{} visits failed, the first: {:?}", seen.failed.len(), seen.failed.first());
        check_records(&self.fleet, &seen, records);
        assert_eq!(self.fleet.miscounted(), Vec::<String>::new());
        check_seats(&seen);
        assert!(wait < WAIT_MAX, "p99 is {wait:?} of {visits}");
        assert!(recovery < RECOVERY_MAX, "well again after {recovery:?}");
        self.fleet
    }
}

/// The time since it was mended until all instances say that nothing is degraded and nothing waits, and all seats are counted.
#[track_caller]
fn settle(fleet: &Fleet, mended: Instant, uncounted: impl Fn(&Fleet) -> Vec<String>) -> Duration {
    loop {
        let mut unsettled = fleet.unsettled();
        unsettled.extend(uncounted(fleet));
        let since = mended.elapsed();
        if unsettled.is_empty() {
            return since;
        }
        assert!(since < RECOVERY_PATIENCE, "not well after {since:?}: {unsettled:?}\n{}", logs(fleet));
        thread::sleep(Duration::from_millis(20));
    }
}

fn logs(fleet: &Fleet) -> String {
    (0..fleet.len()).map(|it| format!("instance {it}:\n{}", fleet.log(it))).collect::<Vec<_>>().join("\n")
}

/// Every acknowledged record is there once, with the store of the last answer.
#[track_caller]
fn check_records(fleet: &Fleet, seen: &Seen, expected: Records) {
    let records = fleet.records();
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for (scan, (store, _)) in &seen.acknowledged {
        match records.get(scan).map(Vec::as_slice) {
            Some([record]) if record["store"] == *store => {}
            Some(found) => wrong.push((scan, store, found)),
            None => missing.push(scan),
        }
    }
    let all = seen.acknowledged.len();
    assert!(missing.is_empty(), "{} of {all} are missing, the first: {:?}\n{}", missing.len(), missing[0], logs(fleet));
    assert!(wrong.is_empty(), "{} of {all} are not as acknowledged, the first: {:?}", wrong.len(), wrong[0]);
    let more: Vec<_> = records.keys().filter(|it| !seen.acknowledged.contains_key(*it)).collect();
    assert!(expected == Records::AlsoOfLostAnswers || more.is_empty(), "nobody knows of {more:?}");
}

/// No group has more visits with a confirmed seat than heads.
#[track_caller]
fn check_seats(seen: &Seen) {
    for (group, visits) in seen.confirmed() {
        let is_limited = !group.starts_with(BUSY_STORE);
        assert!(!is_limited || visits.len() <= CAPACITY, "{group} holds {}", visits.len());
    }
}

/// Groups that count fewer visitors than were shown them, also of those to whom they were shown without asking storage; or more, where
/// none counts twice. Of the busy store's group pages are shown too, which do not say so.
fn uncounted(fleet: &Fleet, seen: &Seen, counts_once: bool) -> Vec<String> {
    let shown = seen.shown();
    let Some(held) = fleet.held(&shown.keys().map(|it| (*it).to_owned()).collect::<Vec<_>>()) else {
        return vec!["storage does not say who is in a group".to_owned()];
    };
    let is_more = |group: &str, held, visits| counts_once && !group.starts_with(BUSY_STORE) && held > visits;
    let is_amiss = |group: &str, held, visits| held < visits || is_more(group, held, visits);
    let counts = shown.iter().zip(held).filter(|((group, visits), held)| is_amiss(group, *held, visits.len()));
    counts.map(|((group, visits), held)| format!("{group} holds {held} of {}", visits.len())).collect()
}
