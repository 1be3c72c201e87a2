//! `jinqun storage copy`: everything from one storage to another and back, also after it broke off, and never into what is in use.

use std::path::Path;
use std::thread;

use jinqun::app::{CopyCount, CopyError, CopyStage, StorageCopy};
use jinqun::consent::{ConsentRecord, NoticeVersion};
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::job::{Job, Lane};
use jinqun::storage::embedded::Embedded;
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{
    AuditRecord, Book as _, CardKind, CardWrite, Change, Count, DeskKind, EntryKind, FeedEntry, SeatAsk, SeatOffer,
    SeatRules, Settled, Storage, TagFilter,
};
use jinqun::time::{Day, Timestamp};

use crate::process::{jinqun, run, run_well};
use crate::redis_servers::Server;

const BEGAN_MS: i64 = 1_790_000_000_000;
/// Several pages of records.
const VISITS: u32 = 2_600;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(BEGAN_MS + ms)
}

fn visitor(n: u32) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, u128::from(n))
}

fn scan(n: u32) -> ScanId {
    ScanId::from_parts(1_790_000_000_000, 1_000_000 + u128::from(n))
}

/// A chain with history, records, people and seats, in the folder's own storage; its file.
pub fn fill(folder: &Path) -> Embedded {
    std::fs::write(folder.join("one.csv"), "id,name,lat,lng,datum\nA,甲店,31.1,121.1,wgs84\nB,乙店,31.2,121.2,wgs84\n")
        .unwrap();
    std::fs::write(
        folder.join("two.csv"),
        "id,name,lat,lng,datum\nB,乙店 2,31.2,121.2,wgs84\nC,丙店,31.3,121.3,wgs84\n",
    )
    .unwrap();
    run_well(folder, &["import", "stores", "one.csv"]);
    run_well(folder, &["import", "stores", "two.csv", "--mode", "replace"]);
    let storage = Embedded::open(&folder.join("data/jinqun.sqlite")).unwrap();
    let notice = NoticeVersion::parse("one").unwrap();
    let consent = |n, ms| ConsentRecord { visitor: visitor(n), notice: notice.clone(), at: at(ms) };
    storage.deliver(&[consent(1, 0), consent(1, 50), consent(2, 5)], &[], &[]).unwrap();
    let records: Vec<_> = (0..VISITS).map(record).collect();
    let steps: Vec<_> = (0..VISITS)
        .step_by(3)
        .map(|n| serde_json::json!({"scan": scan(n), "step": "pressed", "at": at(i64::from(n) + 9)}))
        .chain([serde_json::json!({"scan": scan(999_999), "step": "pressed", "at": at(9)})])
        .map(|it| serde_json::from_value(it).unwrap())
        .collect();
    storage.deliver(&[], &records, &steps).unwrap();
    let group = GroupId::parse("A-1").unwrap();
    let ask = |n| SeatAsk {
        visitor: visitor(n),
        scan: scan(n),
        wanted: "A".into(),
        rungs: vec![vec![SeatOffer { group: group.clone(), capacity: 10 }]],
        rotation: jinqun::campaign::Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    };
    storage.take_seats(&[ask(1), ask(2), ask(3)], &SeatRules::default(), at(0)).unwrap();
    storage.confirm_seat(visitor(1), &group, at(1)).unwrap();
    storage.confirm_seat(visitor(800), &group, at(1)).unwrap();
    storage.set_members(&[(group, 5)], at(0)).unwrap();
    storage.forget(visitor(2), at(1_000_000)).unwrap();
    storage.secret(&|| [3; 32]).unwrap();
    storage.put_desk(DeskKind::User, "wang", Some("{}"), None).unwrap();
    let deed = AuditRecord {
        at: at(0),
        actor: "wang".into(),
        address: String::new(),
        action: "store.update".into(),
        target: "A".into(),
        before: None,
        after: Some("{}".into()),
        version: Some(2),
    };
    storage.append_audit(&deed).unwrap();
    fill_book(&storage);
    storage
}

/// Cards that count, jobs of every state, and a feed whose first entries are gone.
fn fill_book(storage: &Embedded) {
    for n in 0..30_u32 {
        let kind = CardKind::ALL.into_iter().cycle().nth(usize::try_from(n).unwrap()).unwrap();
        let count = Count { day: Day::from_number(20_000), of: "joined/A".into(), by: i64::from(n) };
        let write = |expected| CardWrite {
            kind,
            id: format!("wm{n}"),
            expected,
            body: Some("{}".into()),
            visitor: (n % 3 == 0).then(|| visitor(n)),
            counts: vec![count.clone()],
        };
        storage.write_card(&write(0)).unwrap();
        storage.write_card(&write(1)).unwrap();
    }
    let job = |lane, n| Job { id: format!("job {n}"), lane, body: "{}".into(), ready_at: at(n), visitor: None };
    storage.enqueue(&Lane::ALL.map(|lane| [1, 2, 3, 4].map(|n| job(lane, n))).concat(), at(0)).unwrap();
    for lane in Lane::ALL {
        let leased = storage.lease_jobs(lane, at(9), at(60_000), 3).unwrap();
        storage.settle_job(&leased[0], &Settled::Done, at(10)).unwrap();
        storage.settle_job(&leased[1], &Settled::Dead("no such staff".into()), at(11)).unwrap();
    }
    let entry = |n| FeedEntry {
        id: format!("entry {n}"),
        at: at(n),
        kind: "scan.recorded".into(),
        visitor: (n % 2 == 0).then(|| visitor(9)),
        body: "{}".into(),
    };
    storage.append_feed(&(0..9).map(entry).collect::<Vec<_>>()).unwrap();
    assert_eq!(storage.purge_book(at(4), 100).unwrap(), 4);
}

/// Goes on with a number that does not follow, as after a catalog that was put back.
fn skip_numbers(storage: &Embedded) {
    let info = storage.versions(None, 1).unwrap()[0].info.clone();
    let change = Change { kind: EntryKind::Store, id: "C".into(), body: None };
    storage.put_back(2, 7, &info, &mut [change].into_iter()).unwrap();
}

fn record(n: u32) -> jinqun::tag::TagRecord {
    let record = serde_json::json!({
        "scan": scan(n), "visitor": visitor(n / 3), "at": at(i64::from(n / 7)), "revision": 5, "campaign": "default",
        "outcome": "routed", "store": if n.is_multiple_of(2) { "A" } else { "B" }, "join_kind": "group", "join_id": "A-1",
        "region": {"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": ["外滩商圈"]},
        "region_source": "store", "source": "gps", "accuracy": "fine",
    });
    serde_json::from_value(record).unwrap()
}

fn copied(from: &dyn Storage, to: &dyn Storage) -> Result<Vec<CopyCount>, CopyError> {
    StorageCopy { from, from_name: "the source", to, rules: SeatRules::default() }.run(&mut |_, _, _| {})
}

/// Begins a copy, or goes on with it, until so much of a stage is done.
pub fn break_off((from, from_name): (&dyn Storage, &str), to: &dyn Storage, (stage, after): (CopyStage, u64)) {
    let copy = StorageCopy { from, from_name, to, rules: SeatRules::default() };
    let broken = thread::scope(|scope| {
        let run = || copy.run(&mut |now, done, _| assert!(now != stage || done < after, "on purpose"));
        scope.spawn(run).join().is_err()
    });
    assert!(broken);
}

#[track_caller]
pub fn all_same(counts: &[CopyCount]) {
    for it in counts {
        assert!(it.is_same(), "{it:?}");
    }
    let of = |what: &str| counts.iter().find(|it| it.what == what).unwrap().to.count;
    assert_eq!(["versions", "entries of the catalog"].map(of), [2, 2]);
    // Visitor 2 had three visits, which are forgotten; one of the steps has no record.
    assert_eq!(["tag records", "steps"].map(of), [u64::from(VISITS) - 3, u64::from(VISITS).div_ceil(3) - 1]);
    assert_eq!(["consents", "steps without a record", "marks of the forgotten"].map(of), [1, 1, 4]);
    assert_eq!(["head counts", "seats", "secret"].map(of), [1, 3, 1]);
    assert!(["tallies", "tallies of removed records", "audit trail"].map(of).iter().all(|it| *it > 0));
}

/// What commands tell of a storage.
fn told(folder: &Path, storage: &str) -> Vec<String> {
    let exports: [&[&str]; 5] = [
        &["export", "stores"],
        &["export", "tags"],
        &["export", "consents"],
        &["export", "funnel"],
        &["explain", "--lat", "31.2", "--lng", "121.2"],
    ];
    let told = |args: &[&str]| {
        let output = jinqun(folder).args(args).env("JINQUN_STORAGE", storage).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    exports.map(told).into()
}

#[test]
fn a_copy_tells_the_same_as_its_source_and_is_used_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    skip_numbers(&fill(folder.path()));
    let said = run_well(folder.path(), &["storage", "copy", "sqlite:", "sqlite:copy/new.sqlite"]);
    assert!(said.contains("tag records") && said.contains("2597"), "{said}");
    assert!(said.contains("holds everything of"), "{said}");
    assert_eq!(told(folder.path(), "sqlite:copy/new.sqlite"), told(folder.path(), "sqlite:"));
}

#[test]
fn everything_goes_to_redis_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let source = fill(folder.path());
    let server = Server::start(&[]);
    let redis = Redis::open(&RedisAt::parse(&server.url()).unwrap()).unwrap();
    all_same(&copied(&source, &redis).unwrap());
    assert_eq!(told(folder.path(), &server.url()), told(folder.path(), "sqlite:"));
    run_well(folder.path(), &["storage", "copy", &server.url(), "sqlite:back.sqlite"]);
    assert_eq!(told(folder.path(), "sqlite:back.sqlite"), told(folder.path(), "sqlite:"));
    let back = Embedded::open(&folder.path().join("back.sqlite")).unwrap();
    // What was forgotten stays forgotten, in each of them.
    for storage in [&redis, &back] as [&dyn Storage; 2] {
        storage.deliver(&[], &[record(6)], &[]).unwrap();
        assert_eq!(storage.count_tags(&TagFilter::default()).unwrap(), u64::from(VISITS) - 3);
    }
}

#[test]
fn a_copy_that_broke_off_goes_on_and_is_in_use_only_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let source = fill(folder.path());
    let target = Embedded::open(&folder.path().join("copy.sqlite")).unwrap();
    for (stage, after) in [(CopyStage::Catalog, 1), (CopyStage::Records, 1_000), (CopyStage::Counting, 0)] {
        break_off((&source, "the source"), &target, (stage, after));
        let said = run(folder.path(), &["storage", "copy", "sqlite:copy.sqlite", "sqlite:third.sqlite"]);
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains("holds an unfinished copy of the source"), "{said}");
    }
    let mut stages = Vec::new();
    let copy = StorageCopy { from: &source, from_name: "the source", to: &target, rules: SeatRules::default() };
    let counts = copy.run(&mut |stage, _, _| stages.push(stage)).unwrap();
    all_same(&counts);
    // What was done is not done again.
    assert_eq!(stages, [CopyStage::Counting]);
    assert_eq!(target.copy_mark().unwrap(), None);
}

#[test]
fn a_service_does_not_start_on_an_unfinished_copy() {
    let folder = tempfile::tempdir().unwrap();
    run_well(folder.path(), &["qr", "default", "--out", "a.svg"]);
    let storage = Embedded::open(&folder.path().join("data/jinqun.sqlite")).unwrap();
    storage.set_copy_mark(Some(r#"{"from":"redis://h","done":1,"before":null}"#)).unwrap();
    let output = jinqun(folder.path()).arg("serve").env("JINQUN_LISTEN", "127.0.0.1:0").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("unfinished copy"), "{said}");
}

#[test]
fn what_is_written_to_the_source_meanwhile_is_noticed_and_comes_with_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let source = fill(folder.path());
    let target = Embedded::open(&folder.path().join("copy.sqlite")).unwrap();
    let copy = StorageCopy { from: &source, from_name: "the source", to: &target, rules: SeatRules::default() };
    let late = serde_json::to_value(record(5)).unwrap();
    let counts = copy
        .run(&mut |stage, _, _| {
            if stage == CopyStage::Consents {
                let mut late = late.clone();
                late["scan"] = serde_json::json!(scan(888_888));
                source.deliver(&[], &[serde_json::from_value(late).unwrap()], &[]).unwrap();
            }
        })
        .unwrap();
    let differing: Vec<_> = counts.iter().filter(|it| !it.is_same()).map(|it| it.what).collect();
    assert_eq!(differing, ["tag records", "tallies"]);
    assert!(target.copy_mark().unwrap().is_some());
    assert!(copy.run(&mut |_, _, _| {}).unwrap().iter().all(CopyCount::is_same));
}

#[test]
fn nothing_is_copied_over_what_is_in_use_or_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = fill(folder.path());
    let target = Embedded::open(&folder.path().join("copy.sqlite")).unwrap();
    target.secret(&|| [1; 32]).unwrap();
    assert!(matches!(copied(&source, &target), Err(CopyError::NotEmpty(what)) if what == ["secret"]));
    target.set_copy_mark(Some(r#"{"from":"another","done":1,"before":null}"#)).unwrap();
    assert!(matches!(copied(&source, &target), Err(CopyError::OtherCopy(from)) if from == "another"));
    let empty = Embedded::open(&folder.path().join("empty.sqlite")).unwrap();
    assert!(matches!(copied(&empty, &source), Err(CopyError::Nothing)));
    for (from, to, words) in [
        ("sqlite:", "sqlite:data/jinqun.sqlite", "both are sqlite:"),
        ("sqlite:no.sqlite", "sqlite:b.sqlite", "no.sqlite is not there"),
        ("sqlite:", "mysql://u:secretword@h", "is not a storage"),
    ] {
        let output = run(folder.path(), &["storage", "copy", from, to]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words) && !said.contains("secretword"), "{said}");
    }
}
