//! The outbox when its file is not as it left it: cut by a death in the middle of writing, damaged, or something else.

use std::fs;
use std::path::{Path, PathBuf};

use jinqun::campaign::Route;
use jinqun::funnel::{Step, StepRecord};
use jinqun::id::{CampaignSlug, ScanId, VisitorId};
use jinqun::outbox::{Item, Outbox, Settings, Trouble};
use jinqun::region::{RegionNames, RegionSource};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use jinqun::visitor::{AccuracyClass, FixSource};
use proptest::prelude::*;
use rusqlite::Connection;

fn scan(n: u128) -> ScanId {
    ScanId::from_parts(1_790_000_000_000, n)
}

fn step(n: u128) -> Item {
    Item::Step(StepRecord { scan: scan(n), step: Step::Pressed, at: Timestamp::from_unix_ms(1_790_000_000_000) })
}

fn tag(n: u128) -> Item {
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

#[tokio::test]
async fn rows_that_are_no_items_are_set_aside_once_with_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path());
    for n in 0..6 {
        outbox.append(&step(n)).await.unwrap();
    }
    let beside = Connection::open(path(folder.path())).unwrap();
    beside.execute("UPDATE outbox SET body = '{\"scan\":7}' WHERE seq IN (1, 2)", ()).unwrap();
    beside.execute("UPDATE outbox SET kind = 9 WHERE seq = 4", ()).unwrap();
    beside.execute("UPDATE outbox SET kind = 'x', body = 5 WHERE seq = 6", ()).unwrap();
    assert_eq!(outbox.read(0, 2).unwrap(), [(3, step(2))]);
    assert_eq!(numbers(&outbox), [2, 4]);
    assert_eq!(numbers(&outbox), [2, 4]);
    assert_eq!((outbox.depth(), outbox.dead_count().unwrap()), (2, 4));
    let dead = outbox.dead(10).unwrap();
    assert_eq!(dead.iter().map(|it| it.seq).collect::<Vec<_>>(), [6, 4, 2, 1]);
    assert_eq!(dead[1].cause, "kind 9 is not known");
    assert_eq!(dead[2].body, b"{\"scan\":7}");
    drop(outbox);
    assert_eq!(open(folder.path()).depth(), 2);
}

#[test]
fn files_that_cannot_be_used_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &Path| Outbox::open(path, &Settings::default(), None).unwrap_err().kind();
    assert_eq!(kind(&folder.path().join("no").join("outbox.sqlite")), Trouble::Unavailable);
    let text = folder.path().join("text.sqlite");
    fs::write(&text, "no database, but long enough to be taken for one at first sight. ".repeat(100)).unwrap();
    assert_eq!(kind(&text), Trouble::Corrupt);
    drop(open(folder.path()));
    Connection::open(path(folder.path())).unwrap().pragma_update(None, "user_version", 3).unwrap();
    assert_eq!(kind(&path(folder.path())), Trouble::TooNew { found: 3, known: 1 });
}

/// A file and its WAL as they lie on disk while the outbox runs; after each answer, the length of the WAL and what waited then.
struct Running {
    file: Vec<u8>,
    wal: Vec<u8>,
    states: Vec<(usize, Vec<u128>)>,
}

/// Appends an item for each `true` and acknowledges the oldest waiting one for each `false`.
fn run(appends: &[bool]) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outbox = open(folder.path());
    let wal = folder.path().join("outbox.sqlite-wal");
    let length = || usize::try_from(wal.metadata().map_or(0, |it| it.len())).unwrap();
    let mut states = vec![(length(), Vec::new())];
    let (mut appended, mut acknowledged) = (0_u8, 0_u8);
    for is_append in appends {
        if *is_append {
            runtime.block_on(outbox.append(&tag(appended.into()))).unwrap();
            appended += 1;
        } else if acknowledged < appended {
            acknowledged += 1;
            runtime.block_on(outbox.acknowledge(acknowledged.into())).unwrap();
        }
        let waiting = (u128::from(acknowledged)..u128::from(appended)).collect();
        states.push((length(), waiting));
    }
    Running { file: fs::read(path(folder.path())).unwrap(), wal: fs::read(&wal).unwrap(), states }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A process that dies in the middle of writing leaves a WAL that ends anywhere behind the last synced byte, or holds
    /// whatever the disk had there before.
    #[test]
    fn after_a_cut_at_any_byte_every_acknowledged_append_is_there_exactly_once(
        appends in prop::collection::vec(prop::bool::weighted(0.7), 1..60),
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..6000),
    ) {
        let running = run(&appends);
        // What is in front of the first length is the making of the tables, before the outbox was open.
        let opened = running.states[0].0;
        let cut = opened + cut.index(running.wal.len() - opened + 1);
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path()), &running.file).unwrap();
        let mut wal = running.wal[..cut].to_vec();
        wal.extend(noise);
        fs::write(folder.path().join("outbox.sqlite-wal"), wal).unwrap();

        let outbox = open(folder.path());
        let (_, waiting) = running.states.iter().rfind(|(length, _)| *length <= cut).unwrap();
        prop_assert_eq!(&numbers(&outbox), waiting);
        prop_assert_eq!(outbox.depth(), u64::try_from(waiting.len()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(outbox.append(&step(1_000))).unwrap();
        prop_assert_eq!(numbers(&outbox).last().copied(), Some(1_000));
    }

    /// Also a WAL whose very beginning is cut opens; nothing had been acknowledged to anybody by then.
    #[test]
    fn a_file_that_was_cut_while_it_was_made_opens(cut in any::<prop::sample::Index>()) {
        let running = run(&[]);
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path()), &running.file).unwrap();
        let cut = cut.index(running.wal.len() + 1);
        fs::write(folder.path().join("outbox.sqlite-wal"), &running.wal[..cut]).unwrap();
        let outbox = open(folder.path());
        prop_assert_eq!(numbers(&outbox), Vec::<u128>::new());
    }
}
