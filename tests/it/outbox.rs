//! The outbox through its public doors: durability, limits, damage.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use jinqun::campaign::Route;
use jinqun::funnel::{Step, StepRecord};
use jinqun::id::{CampaignSlug, ScanId, VisitorId};
use jinqun::outbox::{Commit, Item, OnCommit, Outbox, Settings, Trouble};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};
use rusqlite::Connection;

fn scan(n: u128) -> ScanId {
    ScanId::from_parts(1_790_000_000_000, n)
}

pub fn step(n: u128) -> Item {
    Item::Step(StepRecord { scan: scan(n), step: Step::Pressed, at: Timestamp::from_unix_ms(1_790_000_000_000) })
}

pub fn tag(n: u128) -> Item {
    Item::Tag(TagRecord {
        scan: scan(n),
        revision: 1_790_000_000_007_000,
        visitor: VisitorId::from_parts(1, n),
        at: Timestamp::from_unix_ms(1_790_000_000_000),
        day: None,
        campaign: CampaignSlug::default_slug(),
        outcome: "routed".into(),
        store: None,
        join_kind: None,
        join_id: None,
        fallback: None,
        mode: Route::Group,
        assigned: None,
        region: RegionNames::default(),
        region_source: RegionSource::None,
        source: FixSource::Gps,
        accuracy: AccuracyClass::Fine,
    })
}

fn number(item: &Item) -> u128 {
    let made = match item {
        Item::Tag(record) => record.scan,
        Item::Step(record) => record.scan,
        Item::Consented(it) => it.record.scan,
        Item::Unconfirmed(it) => it.record.scan,
        Item::Job(_) | Item::Forgotten => unreachable!("tests of these read items themselves"),
    };
    (0..2_000).find(|n| scan(*n) == made).expect("tests make no others")
}

fn numbers(outbox: &Outbox) -> Vec<u128> {
    outbox.read(0, 100_000).unwrap().iter().map(|(_, item)| number(item)).collect()
}

fn path(folder: &Path) -> PathBuf {
    folder.join("outbox.sqlite")
}

fn open(folder: &Path) -> Outbox {
    Outbox::open(&path(folder), &Settings::default(), None).unwrap()
}

/// Keeps the thread in its first commit until the barrier is met a second time, so that a test decides what waits meanwhile.
fn held(barrier: &Arc<Barrier>) -> OnCommit {
    let barrier = Arc::clone(barrier);
    let commits = AtomicUsize::new(0);
    Arc::new(move |_: Commit<'_>| {
        if commits.fetch_add(1, Ordering::SeqCst) == 0 {
            barrier.wait();
            barrier.wait();
        }
    })
}

#[tokio::test]
async fn what_was_appended_comes_back_in_order_until_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    for item in [tag(1), step(2), tag(3)] {
        outbox.append(&item).await.unwrap();
    }
    let items = outbox.read(0, 2).unwrap();
    assert_eq!(items, [(1, tag(1)), (2, step(2))]);
    assert_eq!(outbox.read(2, 2).unwrap(), [(3, tag(3))]);
    assert_eq!(outbox.depth(), 3);
    assert_eq!(outbox.oldest_at().unwrap(), Some(Timestamp::from_unix_ms(1_790_000_000_007)));
    outbox.acknowledge(2).await.unwrap();
    assert_eq!((numbers(&outbox), outbox.depth()), (vec![3], 1));
    outbox.acknowledge(2).await.unwrap();
    outbox.acknowledge(3).await.unwrap();
    assert_eq!((numbers(&outbox), outbox.depth(), outbox.oldest_at().unwrap()), (vec![], 0, None));
}

#[tokio::test]
async fn a_number_never_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    outbox.append(&step(1)).await.unwrap();
    outbox.acknowledge(1).await.unwrap();
    drop(outbox);
    let outbox = open(folder.path());
    outbox.append(&step(2)).await.unwrap();
    assert_eq!(outbox.read(1, 10).unwrap(), [(2, step(2))]);
}

#[tokio::test]
async fn everything_is_there_after_a_drop_without_close_and_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3_u128 {
        let outbox = open(folder.path());
        assert_eq!(u128::from(outbox.depth()), round * 10);
        for n in 0..10 {
            outbox.append(&tag(round * 10 + n)).await.unwrap();
        }
        if round == 1 {
            outbox.close();
        }
    }
    let outbox = open(folder.path());
    assert_eq!((numbers(&outbox), outbox.depth()), ((0..30).collect(), 30));
}

#[tokio::test]
async fn closing_keeps_what_waits_and_refuses_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let waiting: Vec<_> = (0..100).map(|n| outbox.append(&step(n))).collect();
    outbox.close();
    for answer in waiting {
        answer.await.unwrap();
    }
    assert_eq!(outbox.append(&step(100)).await.unwrap_err().kind(), Trouble::Closed);
    drop(outbox);
    assert_eq!(numbers(&open(folder.path())), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_append_whose_future_is_dropped_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    drop(outbox.append(&step(1)));
    outbox.close();
    assert_eq!(numbers(&outbox), [1]);
}

#[tokio::test]
async fn what_arrives_during_a_commit_shares_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (hold, seen) = (held(&barrier), Arc::clone(&sizes));
    let hook: OnCommit = Arc::new(move |commit: Commit<'_>| {
        seen.lock().unwrap().push(commit.waits.len());
        hold(commit);
    });
    let outbox = Outbox::open(&path(folder.path()), &Settings::default(), Some(hook)).unwrap();
    let first = outbox.append(&step(0));
    barrier.wait();
    let others: Vec<_> = (1..=1_100).map(|n| outbox.append(&step(n))).collect();
    let acknowledged = outbox.acknowledge(1);
    barrier.wait();
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    acknowledged.await.unwrap();
    // What is acknowledged is deleted by a commit that may append nothing.
    let appended: Vec<_> = sizes.lock().unwrap().iter().copied().filter(|it| *it > 0).collect();
    assert_eq!(appended, [1, 1_024, 76]);
    assert_eq!(outbox.depth(), 1_100);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let settings = Settings { queue_items_max: 3, ..Settings::default() };
    let outbox = Outbox::open(&path(folder.path()), &settings, Some(held(&barrier))).unwrap();
    let mut waiting = vec![outbox.append(&step(0))];
    barrier.wait();
    waiting.extend((1..4).map(|n| outbox.append(&step(n))));
    assert_eq!(outbox.append(&step(4)).await.unwrap_err().kind(), Trouble::Full);
    barrier.wait();
    for answer in waiting {
        answer.await.unwrap();
    }
    outbox.append(&step(5)).await.unwrap();
    assert_eq!(numbers(&outbox), [0, 1, 2, 3, 5]);
}

#[tokio::test]
async fn a_full_file_refuses_until_something_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let settings = Settings { items_max: 5, ..Settings::default() };
    let outbox = Outbox::open(&path(folder.path()), &settings, Some(held(&barrier))).unwrap();
    let first = outbox.append(&step(0));
    barrier.wait();
    let others: Vec<_> = (1..8).map(|n| outbox.append(&step(n))).collect();
    barrier.wait();
    first.await.unwrap();
    let mut refused = Vec::new();
    for (n, answer) in (1..).zip(others) {
        if let Err(error) = answer.await {
            assert_eq!(error.kind(), Trouble::Full);
            refused.push(n);
        }
    }
    assert_eq!(refused, [5, 6, 7]);
    assert_eq!(outbox.append(&step(8)).await.unwrap_err().kind(), Trouble::Full);
    outbox.acknowledge(2).await.unwrap();
    outbox.append(&step(9)).await.unwrap();
    assert_eq!((numbers(&outbox), outbox.depth()), (vec![2, 3, 4, 9], 4));
}

#[tokio::test]
async fn a_deliverer_is_woken_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(folder.path()));
    let delivering = Arc::clone(&outbox);
    let delivering_task = tokio::spawn(async move {
        let mut delivered = Vec::new();
        while delivered.len() < 500 {
            let items = delivering.read(0, 50).unwrap();
            match items.last() {
                Some((last, _)) => delivering.acknowledge(*last).await.unwrap(),
                None => delivering.appended().await,
            }
            delivered.extend(items.iter().map(|(_, item)| number(item)));
        }
        delivered
    });
    for n in 0..500 {
        outbox.append(&step(n)).await.unwrap();
    }
    let numbers_delivered = tokio::time::timeout(Duration::from_mins(1), delivering_task).await.unwrap().unwrap();
    assert_eq!(numbers_delivered, (0..500).collect::<Vec<_>>());
    assert_eq!(outbox.depth(), 0);
}

#[tokio::test]
async fn a_deliverer_may_set_aside_what_nobody_takes() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    for n in 0..3 {
        outbox.append(&step(n)).await.unwrap();
    }
    outbox.set_aside(vec![(2, "refused".to_owned()), (99, "not there".to_owned())]).unwrap();
    assert_eq!((numbers(&outbox), outbox.depth()), (vec![0, 2], 2));
    assert_eq!(outbox.dead(10).unwrap()[0].cause, "refused");
    drop(outbox);
    assert_eq!(open(folder.path()).depth(), 2);
}

#[tokio::test]
async fn a_failed_commit_is_told_to_everybody_in_it_and_later_ones_work() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let outbox = Outbox::open(&path(folder.path()), &Settings::default(), Some(held(&barrier))).unwrap();
    let first = outbox.append(&step(0));
    barrier.wait();
    let beside = Connection::open(path(folder.path())).unwrap();
    beside
        .execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .unwrap();
    let others: Vec<_> = (1..4).map(|n| outbox.append(&step(n))).collect();
    barrier.wait();
    first.await.unwrap();
    for other in others {
        let error = other.await.unwrap_err();
        assert_eq!(error.kind(), Trouble::Unavailable);
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("disk full"));
    }
    beside.execute_batch("DROP TRIGGER refuse").unwrap();
    outbox.append(&step(9)).await.unwrap();
    assert_eq!((numbers(&outbox), outbox.depth()), (vec![0, 9], 2));
}

#[test]
fn a_second_opening_is_refused_while_the_first_one_lives() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = Outbox::open(&path(folder.path()), &Settings::default(), None);
    assert_eq!(second.unwrap_err().kind(), Trouble::InUse);
    drop(first);
    drop(open(folder.path()));
}
