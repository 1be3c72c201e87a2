//! The embedded storage: the contract of all backends, and what is its own: reopening, several processes, damage.

use std::ops::ControlFlow;
use std::path::Path;
use std::thread;

use jinqun::campaign::Route;
use jinqun::storage::contract::{self, CHECKS};
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage as _, TagFilter, Trouble};
use jinqun::tag::TagRecord;
use jinqun::time::Timestamp;
use rusqlite::Connection;

pub fn open(folder: &Path) -> Embedded {
    Embedded::open(&folder.join("storage.sqlite")).unwrap()
}

pub fn publish(storage: &Embedded, expected: u64, id: &str) -> u64 {
    let info = PublishInfo { at: Timestamp::from_unix_ms(1), author: "a".into(), note: String::new() };
    let change = Change { kind: EntryKind::Store, id: id.into(), body: Some("{}".into()) };
    storage.publish(expected, &info, &mut [change].into_iter()).unwrap()
}

#[test]
fn it_keeps_the_contract() {
    for (name, check) in CHECKS {
        let folder = tempfile::tempdir().unwrap();
        if let Err(finding) = check(&open(folder.path())) {
            panic!("{name}: {finding}");
        }
    }
}

#[test]
fn two_openings_share_one_history() {
    let folder = tempfile::tempdir().unwrap();
    contract::check_two_openings(&open(folder.path()), &open(folder.path())).unwrap();
}

#[test]
fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    publish(&storage, 0, "a");
    let secret = storage.secret(&|| [7; 32]).unwrap();
    drop(storage);
    let storage = open(folder.path());
    assert_eq!(storage.current_version().unwrap(), 1);
    assert_eq!(storage.secret(&|| [8; 32]).unwrap(), secret);
    let mut ids = Vec::new();
    storage.load(1, &mut |_, id, _| ids.push(id.to_owned())).unwrap();
    assert_eq!(ids, ["a"]);
}

#[test]
fn many_may_open_a_fresh_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open(folder.path()).current_version().unwrap())).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 0);
        }
    });
}

#[test]
fn a_reader_in_the_middle_of_a_load_holds_up_no_publisher_and_sees_one_version() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    publish(&storage, 0, "a");
    publish(&storage, 1, "b");
    let mut ids = Vec::new();
    storage
        .load(2, &mut |_, id, _| {
            publish(&storage, storage.current_version().unwrap(), &format!("c{}", ids.len()));
            ids.push(id.to_owned());
        })
        .unwrap();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(storage.current_version().unwrap(), 4);
}

#[test]
fn a_publication_that_panics_half_way_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    publish(&storage, 0, "a");
    let info = PublishInfo { at: Timestamp::from_unix_ms(1), author: "a".into(), note: String::new() };
    thread::scope(|scope| {
        let dying = scope.spawn(|| {
            let mut changes = (0..).map(|n| {
                assert!(n < 3, "on purpose");
                Change { kind: EntryKind::Store, id: n.to_string(), body: Some("{}".into()) }
            });
            storage.publish(1, &info, &mut changes)
        });
        assert!(dying.join().is_err());
    });
    let mut count = 0;
    storage.load(1, &mut |_, _, _| count += 1).unwrap();
    assert_eq!(count, 1);
    assert_eq!(publish(&storage, 1, "b"), 2);
}

#[test]
fn one_changed_store_writes_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let info = PublishInfo { at: Timestamp::from_unix_ms(1), author: "a".into(), note: String::new() };
    let sheet = |changed: u32| {
        (0..1000).map(move |n| Change {
            kind: EntryKind::Store,
            id: format!("{n:04}"),
            body: Some(if n == changed { "2".into() } else { "1".into() }),
        })
    };
    storage.publish(0, &info, &mut sheet(9999)).unwrap();
    storage.publish(1, &info, &mut sheet(500)).unwrap();
    let beside = Connection::open(folder.path().join("storage.sqlite")).unwrap();
    let rows: i64 = beside.query_one("SELECT count(*) FROM entry", (), |row| row.get(0)).unwrap();
    assert_eq!(rows, 1001);
    assert_eq!(storage.versions(None, 1).unwrap()[0].changes, 1);
}

#[test]
fn a_file_of_a_later_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join("storage.sqlite");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = Embedded::open(&path).unwrap_err();
    assert_eq!(error.kind(), Trouble::TooNew { found: 7, known: 6 });
    assert_eq!(
        error.to_string(),
        "storage was written by a later version of this program (format 7, this program knows 6)"
    );
}

#[test]
fn a_file_of_the_first_format_keeps_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/storage/embedded/schema.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO version VALUES (1, 1, 'a', '', 0);
         INSERT INTO tag VALUES ('01HF7YAT0028T5CY4TQKFF04HM', 1, '01HF7YAT0028T5CY4TQKFF04HN', 1790000000000, 'default', 'routed',
             'SH-0001', 'group', 'SH-0001-1', NULL, '上海市', '上海市', '黄浦区', '[]', 'store', 'gps', 'fine');
         PRAGMA user_version = 1",
    )
    .unwrap();
    drop(old);
    let storage = open(folder.path());
    assert_eq!(storage.current_version().unwrap(), 1);
    let mut tags = Vec::new();
    let mut each = |record: TagRecord| {
        tags.push((record.store.unwrap().to_string(), record.mode, record.assigned));
        ControlFlow::Continue(())
    };
    storage.each_tag(&TagFilter::default(), &mut each).unwrap();
    assert_eq!(tags, [("SH-0001".to_owned(), Route::Group, None)]);
}

#[test]
fn a_file_that_is_no_database_is_corrupt_and_a_missing_folder_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage.sqlite");
    std::fs::write(
        &path,
        "this is a text file, and quite a long one, so that it is longer than a header would be ".repeat(50),
    )
    .unwrap();
    assert_eq!(Embedded::open(&path).unwrap_err().kind(), Trouble::Corrupt);
    let nowhere = Embedded::open(&folder.path().join("no").join("storage.sqlite"));
    assert_eq!(nowhere.unwrap_err().kind(), Trouble::Unavailable);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let _storage = open(folder.path());
    for name in ["storage.sqlite", "storage.sqlite-wal"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
