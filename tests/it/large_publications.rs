//! Large publications on embedded storage: written in steps, seen as one, and gone if they do not come to their end.

use std::iter;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use jinqun::id::{ScanId, VisitorId};
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage as _, TagFilter, Trouble};
use jinqun::time::Timestamp;
use rusqlite::Connection;

use crate::process::{jinqun, run_well};
use crate::storage::{open, publish};

const STORE: EntryKind = EntryKind::Store;
/// Several steps.
const MANY: u32 = 3_500;

fn info() -> PublishInfo {
    PublishInfo { at: Timestamp::from_unix_ms(1), author: "a".into(), note: String::new() }
}

fn put(n: u32, body: &str) -> Change {
    Change { kind: STORE, id: format!("{n:04}"), body: Some(body.into()) }
}

fn loaded(storage: &Embedded, version: u64) -> Vec<(String, String)> {
    let mut found = Vec::new();
    storage.load(version, &mut |_, id, body| found.push((id.to_owned(), body.to_owned()))).unwrap();
    found
}

fn all(body: &str) -> Vec<(String, String)> {
    (0..MANY).map(|n| (format!("{n:04}"), body.to_owned())).collect()
}

/// Rows of entries that no version that is there has, or that end with one that is not there; and publications that are under way.
fn left_behind(file: &Path, version: u64) -> (u64, u64) {
    let beside = Connection::open(file).unwrap();
    let of = |sql: &str| beside.query_one(sql, (), |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let rows = format!("SELECT count(*) FROM entry WHERE from_version > {version} OR to_version > {version}");
    (of(&rows), of("SELECT count(*) FROM publication"))
}

#[test]
fn a_large_publication_is_seen_as_a_whole_and_only_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, elsewhere) = (open(folder.path()), open(folder.path()));
    storage.publish(0, &info(), &mut (0..MANY).map(|n| put(n, "1"))).unwrap();
    let mut looked = 0;
    let mut changes = (0..MANY).map(|n| {
        if n % 1_000 == 999 {
            looked += 1;
            assert_eq!(elsewhere.current_version().unwrap(), 1);
            assert_eq!(loaded(&elsewhere, 1), all("1"));
            assert_eq!(elsewhere.last_change(STORE, 1).unwrap(), 1);
            assert_eq!(storage.load(2, &mut |_, _, _| ()).unwrap_err().kind(), Trouble::NoSuchVersion { version: 2 });
        }
        put(n, "2")
    });
    // Of two changes the later one stands, also where they are written at different steps.
    let mut changes = changes.by_ref().chain([put(0, "3"), Change { kind: STORE, id: "0001".into(), body: None }]);
    assert_eq!(storage.publish(1, &info(), &mut changes).unwrap(), 2);
    drop(changes);
    assert_eq!(looked, 3);
    let mut expected = all("2");
    expected[0].1 = "3".into();
    expected.remove(1);
    assert_eq!(loaded(&elsewhere, 2), expected);
    assert_eq!(loaded(&elsewhere, 1), all("1"));
    assert_eq!(left_behind(&folder.path().join("storage.sqlite"), 2), (0, 0));
}

#[test]
fn records_are_kept_while_a_large_publication_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut changes = (0..MANY).map(|n| {
        if n == 2_500 {
            let text = format!(
                r#"{{"scan":"{}","visitor":"{}","at":1790000000000,"revision":1,"campaign":"default","outcome":"routed",
                    "region":{{"province":"","city":"","district":"","areas":[]}},"region_source":"store","source":"gps",
                    "accuracy":"fine"}}"#,
                "01HF7YAT0028T5CY4TQKFF04HM", "01HF7YAT0028T5CY4TQKFF04HN"
            );
            storage.deliver(&[], &[serde_json::from_str(&text).unwrap()], &[]).unwrap();
        }
        put(n, "1")
    });
    storage.publish(0, &info(), &mut changes).unwrap();
    drop(changes);
    let mut whose = Vec::new();
    let mut each = |it: jinqun::tag::TagRecord| {
        whose.push((it.scan, it.visitor));
        ControlFlow::Continue(())
    };
    storage.each_tag(&TagFilter::default(), &mut each).unwrap();
    let scan = ScanId::parse("01HF7YAT0028T5CY4TQKFF04HM").unwrap();
    assert_eq!(whose, [(scan, VisitorId::parse("01HF7YAT0028T5CY4TQKFF04HN").unwrap())]);
}

#[test]
fn a_large_publication_that_panics_half_way_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.publish(0, &info(), &mut (0..MANY).map(|n| put(n, "1"))).unwrap();
    thread::scope(|scope| {
        let dying = scope.spawn(|| {
            let mut changes = (1_000..).map(|n| {
                assert!(n < 1_000 + MANY, "on purpose");
                put(n, "2")
            });
            storage.publish(1, &info(), &mut changes)
        });
        assert!(dying.join().is_err());
    });
    assert_eq!(left_behind(&folder.path().join("storage.sqlite"), 1), (0, 0));
    assert_eq!(publish(&storage, 1, "b"), 2);
    assert_eq!(loaded(&storage, 2).len(), 3_501);
}

#[test]
fn who_publishes_meanwhile_waits_and_is_told_the_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, elsewhere) = (open(folder.path()), open(folder.path()));
    let change = || [put(0, "theirs")].into_iter();
    thread::scope(|scope| {
        let mut others = Vec::new();
        let mut changes = (0..MANY).map(|n| {
            if n == 2_500 {
                for other in [&storage, &elsewhere] {
                    others.push(scope.spawn(move || other.publish(0, &info(), &mut change())));
                }
            }
            put(n, "1")
        });
        storage.publish(0, &info(), &mut changes).unwrap();
        drop(changes);
        for other in others {
            assert_eq!(other.join().unwrap().unwrap_err().kind(), Trouble::Conflict { current: 1 });
        }
    });
    assert_eq!(loaded(&elsewhere, 1), all("1"));
}

#[test]
fn an_import_that_is_killed_half_way_leaves_nothing_that_the_next_one_does_not_clean_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/jinqun.sqlite");
    let sheet = |name: &str| {
        let rows = (0..20_000).map(|n| format!("{n},{name},31.{n:05},121.{n:05},wgs84\n"));
        let sheet: String = ["id,name,lat,lng,datum\n".to_owned()].into_iter().chain(rows).collect();
        std::fs::write(folder.path().join("stores.csv"), sheet).unwrap();
    };
    sheet("旧");
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    sheet("新");
    let storage = Embedded::open(&file).unwrap();
    let mut child = jinqun(folder.path())
        .args(["import", "stores", "stores.csv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Some steps are written, and the publication is not done.
    let beside = Connection::open(&file).unwrap();
    let mut look = beside.prepare("SELECT 1 FROM publication").unwrap();
    while !look.exists(()).unwrap() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it was seen half way: {ended:?}");
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(storage.current_version().unwrap(), 1);
    let before = loaded(&storage, 1);
    assert!(left_behind(&file, 1).0 > 0);
    assert_eq!(storage.publish(1, &info(), &mut iter::empty()).unwrap(), 2);
    assert_eq!(left_behind(&file, 2), (0, 0));
    assert_eq!(loaded(&storage, 1), before);
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    assert_eq!(storage.versions(None, 1).unwrap()[0].changes, 20_000);
}
