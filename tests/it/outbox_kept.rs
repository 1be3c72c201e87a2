//! What an outbox keeps of delivered items: within which limits, and who is no longer in it.

use std::collections::BTreeSet;
use std::path::Path;

use jinqun::funnel::{Step, StepRecord};
use jinqun::id::{ScanId, VisitorId};
use jinqun::outbox::{Forgotten, Item, Kept, Outbox, Settings, forget_beside, kept_beside};
use jinqun::time::Timestamp;

use crate::outbox::{step, tag};

const NOW_MS: i64 = 1_790_000_100_000;
const HOUR_MS: i64 = 3_600_000;

fn at(later_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(NOW_MS + later_ms)
}

fn open_with(folder: &Path, keep_hours: u32, keep_items_max: u64) -> Outbox {
    let settings = Settings { keep_hours, keep_items_max, ..Settings::default() };
    Outbox::open(&folder.join("outbox.sqlite"), &settings, None).unwrap()
}

fn open(folder: &Path) -> Outbox {
    open_with(folder, 48, 1_000)
}

/// Keeps items as delivered at a moment; returns the number of the last one.
fn keep(kept: &Kept, items: &[Item], now: Timestamp) -> Option<u64> {
    kept.append(items.iter(), kept.erasures().unwrap(), 0, now).unwrap()
}

fn items(kept: &Kept) -> Vec<Item> {
    kept.read(0, 10_000).unwrap().0.into_iter().map(|(_, item)| item).collect()
}

#[tokio::test]
async fn what_is_kept_is_read_in_order_and_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    let all = [tag(1), step(1), tag(2)];
    assert_eq!(keep(kept, &all, at(0)), Some(4));
    assert_eq!(keep(kept, &[Item::Forgotten], at(0)), Some(4), "nothing is no item");
    outbox.append(&tag(3)).await.unwrap();
    // Nothing of it counts as waiting.
    assert_eq!((outbox.depth(), outbox.read(0, 10).unwrap().len(), outbox.span().unwrap()), (1, 1, Some((1, 1))));
    let who = kept.who().unwrap();
    drop(outbox);
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    assert_eq!((items(kept), kept.who().unwrap(), kept.newest().unwrap()), (all.to_vec(), who, 4));
    let (page, last) = kept.read(2, 1).unwrap();
    assert_eq!((page, last), (vec![(3, step(1))], Some(3)));
    assert_eq!((kept.count(2).unwrap(), kept.read(4, 9).unwrap()), (2, (Vec::new(), None)));
}

#[test]
fn the_oldest_go_by_number_and_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open_with(folder.path(), 2, 5);
    let kept = outbox.kept().unwrap();
    keep(kept, &(1..=4).map(tag).collect::<Vec<_>>(), at(0));
    keep(kept, &(5..=8).map(tag).collect::<Vec<_>>(), at(HOUR_MS));
    assert_eq!(items(kept), (4..=8).map(tag).collect::<Vec<_>>());
    // The fourth was delivered more than two hours ago.
    keep(kept, &[tag(9)], at(2 * HOUR_MS + 1));
    assert_eq!(items(kept), (5..=9).map(tag).collect::<Vec<_>>());
    assert_eq!(outbox.purge_kept((Timestamp::EPOCH, Timestamp::EPOCH), at(5 * HOUR_MS), 3).unwrap(), 3);
    assert_eq!(outbox.purge_kept((Timestamp::EPOCH, Timestamp::EPOCH), at(5 * HOUR_MS), 9).unwrap(), 2);
    // Numbers never come again.
    assert_eq!((kept.newest().unwrap(), keep(kept, &[tag(10)], at(5 * HOUR_MS))), (10, Some(11)));
}

#[test]
fn what_is_older_than_records_may_be_is_purged() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    let step_at = |n: u128, ms: i64| {
        Item::Step(StepRecord { scan: ScanId::from_parts(1, n), step: Step::Pressed, at: Timestamp::from_unix_ms(ms) })
    };
    // Tags of these tests are of seven milliseconds after this.
    let made = 1_790_000_000_000;
    let all = [tag(1), step_at(1, made), step_at(2, made + 50)];
    keep(kept, &all, at(0));
    let moment = Timestamp::from_unix_ms;
    assert_eq!(outbox.purge_kept((moment(made + 7), moment(made)), at(0), 9).unwrap(), 0);
    assert_eq!(outbox.purge_kept((moment(made), moment(made + 50)), at(0), 9).unwrap(), 1);
    assert_eq!(items(kept), [all[0].clone(), all[2].clone()]);
    assert_eq!(outbox.purge_kept((moment(made + 8), moment(made)), at(0), 9).unwrap(), 1);
    assert_eq!(items(kept), [all[2].clone()]);
}

#[test]
fn who_is_forgotten_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    keep(kept, &[tag(1), step(1), tag(2), step(2)], at(0));
    let before = kept.erasures().unwrap();
    let forgot = outbox.forget(VisitorId::from_parts(1, 1), BTreeSet::new()).unwrap();
    assert_eq!((forgot.kept, items(kept)), (2, vec![tag(2), step(2)]));
    // A batch that was read before is not kept, whoever is in it.
    assert_eq!(kept.append([tag(3)].iter(), before, 0, at(0)).unwrap(), None);
    assert_eq!(kept.append([tag(3)].iter(), kept.erasures().unwrap(), 0, at(0)).unwrap(), Some(6));
    // Another process does the same beside this one.
    let path = folder.path().join("outbox.sqlite");
    let forgot = forget_beside(&path, VisitorId::from_parts(1, 2), BTreeSet::new()).unwrap();
    assert_eq!((forgot.kept, items(kept)), (2, vec![tag(3)]));
}

#[test]
fn marks_of_the_forgotten_are_kept_until_they_are_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    let some = |key: u8, marks: &[(u8, i64)]| Forgotten {
        key: Some([key; 32]),
        marks: marks.iter().map(|&(mark, ms)| ([mark; 16], at(ms))).collect(),
    };
    kept.keep_forgotten(&some(1, &[(1, 0), (2, 50)]), at(-10)).unwrap();
    kept.keep_forgotten(&some(1, &[(2, 20), (3, 30)]), at(-10)).unwrap();
    assert_eq!(kept.forgotten().unwrap(), some(1, &[(1, 0), (2, 50), (3, 30)]));
    kept.keep_forgotten(&some(1, &[]), at(30)).unwrap();
    assert_eq!(kept.forgotten().unwrap(), some(1, &[(2, 50), (3, 30)]));
    // With another key they say nothing.
    kept.keep_forgotten(&some(2, &[(4, 40)]), at(30)).unwrap();
    assert_eq!(kept.forgotten().unwrap(), some(2, &[(4, 40)]));
}

#[test]
fn nothing_of_another_installation_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    let kept = outbox.kept().unwrap();
    keep(kept, &[tag(1)], at(0));
    kept.belongs_to(b"one").unwrap();
    let who = kept.who().unwrap();
    kept.belongs_to(b"one").unwrap();
    assert_eq!((items(kept), kept.who().unwrap()), (vec![tag(1)], who));
    kept.belongs_to(b"other").unwrap();
    assert_eq!(items(kept), []);
    assert_ne!(kept.who().unwrap(), who);
}

#[test]
fn a_damaged_file_is_begun_anew_and_none_is_left_where_nothing_is_to_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("delivered.sqlite");
    std::fs::write(&file, [7; 8192]).unwrap();
    let outbox = open(folder.path());
    assert_eq!(keep(outbox.kept().unwrap(), &[tag(1)], at(0)), Some(2));
    drop(outbox);
    let outbox = open_with(folder.path(), 0, 1_000);
    assert!(outbox.kept().is_none() && !file.exists());
    assert!(kept_beside(&folder.path().join("outbox.sqlite")).unwrap().is_none());
}
