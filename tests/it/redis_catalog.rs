//! The catalog and the desk on Redis, compared with embedded storage.

use jinqun::storage::contract::CHECKS;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage, Trouble};
use jinqun::time::Timestamp;

use crate::redis_servers::Server;

/// Enough for more than two bases, of which the first is dropped.
const VERSIONS: u64 = 230;
const OURS: [&str; 11] = [
    "a_publication_is_loaded_in_order",
    "kinds_are_loaded_apart_and_say_when_they_changed",
    "old_versions_stay_as_they_were",
    "a_stale_publication_changes_nothing",
    "of_concurrent_publishers_exactly_one_wins",
    "versions_are_listed_latest_first",
    "the_later_of_two_changes_of_one_entry_stands",
    "differences_are_told_in_both_directions",
    "a_document_changes_only_for_who_knows_it",
    "the_audit_trail_is_read_latest_first",
    "the_secret_is_made_once",
];

fn open(server: &Server) -> Redis {
    Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap()
}

fn info(n: u64) -> PublishInfo {
    PublishInfo {
        at: Timestamp::from_unix_ms(i64::try_from(n).unwrap()),
        author: n.to_string(),
        note: "说明".to_owned(),
    }
}

fn loaded(storage: &dyn Storage, version: u64, kinds: &[EntryKind]) -> Vec<(EntryKind, String, String)> {
    let mut found = Vec::new();
    storage
        .load_kinds(version, kinds, &mut |kind, id, body| found.push((kind, id.to_owned(), body.to_owned())))
        .unwrap();
    found
}

type Difference = (EntryKind, String, Option<String>, Option<String>);

fn differences(storage: &dyn Storage, before: u64, after: u64) -> Vec<Difference> {
    let mut found = Vec::new();
    storage
        .diff(before, after, &mut |kind, id, was, will| {
            found.push((kind, id.to_owned(), was.map(str::to_owned), will.map(str::to_owned)));
        })
        .unwrap();
    found
}

/// Changes of few entries, some of them twice, many of them without a difference.
fn some_changes(chance: &mut fastrand::Rng) -> Vec<Change> {
    let one = |chance: &mut fastrand::Rng| Change {
        kind: EntryKind::ALL[chance.usize(0..6)],
        id: ["a", "b", "门店", "*", "0"][chance.usize(0..5)].to_owned(),
        body: chance.bool().then(|| chance.u8(0..4).to_string()),
    };
    (0..chance.usize(0..8)).map(|_| one(chance)).collect()
}

#[test]
fn catalogs_on_redis_are_those_of_embedded_storage_whatever_comes() {
    let server = Server::start(&[]);
    let redis = open(&server);
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&folder.path().join("it.sqlite")).unwrap();
    let mut chance = fastrand::Rng::with_seed(7);
    for version in 0..VERSIONS {
        let changes = some_changes(&mut chance);
        for storage in [&redis as &dyn Storage, &embedded] {
            let made = storage.publish(version, &info(version), &mut changes.iter().cloned()).unwrap();
            assert_eq!(made, version + 1);
        }
    }
    let bases: Vec<u64> = server.ask(&["ZRANGE", "{jinqun:catalog}:bases", "0", "-1"]);
    assert!(bases.len() == 2 && bases[0] > 64, "{bases:?}");
    for version in (0..=VERSIONS).step_by(7).chain([VERSIONS - 1, VERSIONS]) {
        assert_eq!(loaded(&redis, version, &EntryKind::ALL), loaded(&embedded, version, &EntryKind::ALL), "{version}");
        let some = [EntryKind::Group, EntryKind::ServiceArea];
        assert_eq!(loaded(&redis, version, &some), loaded(&embedded, version, &some), "{version}");
        let other = chance.u64(0..=VERSIONS);
        assert_eq!(differences(&redis, version, other), differences(&embedded, version, other), "{version} {other}");
    }
    let stages: Vec<String> = server.ask(&["KEYS", "{jinqun:catalog}:stage:*"]);
    assert!(stages.is_empty(), "{stages:?}");
}

#[test]
fn one_server_keeps_catalogs_and_documents() {
    let server = Server::start(&[]);
    let mut findings = Vec::new();
    for (name, check) in CHECKS.into_iter().filter(|(name, _)| OURS.contains(name)) {
        server.ask::<()>(&["FLUSHALL"]);
        findings.extend(check(&open(&server)).err().map(|it| format!("{name}: {it}")));
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn a_large_publication_goes_in_calls_of_bounded_size_and_one_change_later_is_one_entry() {
    let server = Server::start(&[]);
    let redis = open(&server);
    let body = |n: u32| format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(500));
    let change = |n: u32| Change { kind: EntryKind::Store, id: format!("{n:06}"), body: Some(body(n)) };
    redis.publish(0, &info(0), &mut (0..20_000).map(change)).unwrap();
    assert_eq!(redis.versions(None, 1).unwrap()[0].changes, 20_000);
    // The same again but for one.
    let again = (0..20_000).map(|n| if n == 77 { Change { body: None, ..change(n) } } else { change(n) });
    redis.publish(1, &info(1), &mut again.into_iter()).unwrap();
    assert_eq!(redis.versions(None, 1).unwrap()[0].changes, 1);
    assert_eq!(differences(&redis, 1, 2), [(EntryKind::Store, "000077".to_owned(), Some(body(77)), None)]);
    assert_eq!(loaded(&redis, 2, &EntryKind::ALL).len(), 19_999);
}

#[test]
fn a_later_format_is_refused_at_the_start_and_a_new_server_gets_ours() {
    let server = Server::start(&[]);
    open(&server).current_version().unwrap();
    let format = "{jinqun:catalog}:format";
    let found: i64 = server.ask(&["GET", format]);
    assert_eq!(found, 1);
    server.ask::<()>(&["SET", format, "2"]);
    let error = Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), Trouble::TooNew { found: 2, known: 1 });
}

#[test]
fn a_server_that_comes_later_is_looked_at_when_it_is_there() {
    let mut server = Server::start(&[]);
    server.ask::<()>(&["SET", "{jinqun:catalog}:format", "2"]);
    server.kill();
    let redis = open(&server);
    assert_eq!(redis.current_version().unwrap_err().kind(), Trouble::Unavailable);
    server.restart(&[]);
    let error = std::iter::repeat_with(|| redis.current_version().unwrap_err().kind())
        .find(|it| *it != Trouble::Unavailable)
        .unwrap();
    assert_eq!(error, Trouble::TooNew { found: 2, known: 1 });
}
