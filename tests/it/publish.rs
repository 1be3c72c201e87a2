//! A catalog that another process publishes, under a service that goes on serving.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jinqun::catalog::Mode;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::eventually;
use crate::harness::{STORES, TestApp, publish};
use crate::process::{Service, run, run_well};

const CLIENTS: usize = 8;
/// The contract's limit for a publication of another process.
const FRESH: Duration = Duration::from_secs(1);

/// A catalog whose ids all bear its version.
fn sheet(version: u64) -> String {
    let mut sheet = String::from("id,name,lat,lng,datum,group_url\n");
    for n in 0..20 {
        writeln!(sheet, "V{version}-{n:02},店,31.{n:02},121.4,wgs84,https://work.weixin.qq.com/gm/v{version}n{n}")
            .unwrap();
    }
    sheet
}

/// Every store that an answer names.
fn named(answer: &Value) -> Vec<&str> {
    let alternatives = answer["alternatives"].as_array().unwrap().iter();
    let all = alternatives.chain([&answer["store"]]);
    all.filter_map(|it| it["id"].as_str()).collect()
}

#[test]
fn a_publication_is_live_at_once_and_no_request_notices() {
    let app = TestApp::builder().stores(sheet(1)).start();
    let body = json!({"position": {"lat": 31.1, "lng": 121.4}});
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut waits = Vec::new();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = app.clone();
                while !over.load(Ordering::Relaxed) {
                    let answer = client.scan(&body).expect(201);
                    let version = answer.header("jinqun-catalog-version").unwrap();
                    let prefix = format!("V{version}-");
                    let json = answer.json();
                    assert_eq!(json["outcome"], "routed");
                    let named = named(&json);
                    assert_eq!(named.len(), 6);
                    assert!(named.iter().all(|it| it.starts_with(&prefix)), "{named:?} in version {version}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in 2..=6 {
            let report = publish(&app.folder(), &sheet(version), Mode::Replace);
            assert_eq!(report.version, Some(version));
            let published = Instant::now();
            eventually("the new catalog is live", || {
                let answer = app.get("/api/v1/nearest?lat=31.1&lng=121.4").json();
                (answer["catalog_version"] == version).then_some(())
            });
            waits.push(published.elapsed());
        }
        over.store(true, Ordering::Relaxed);
    });
    waits.sort_unstable();
    assert!(waits[waits.len() / 2] <= FRESH, "{waits:?}");
    assert!(answered.load(Ordering::Relaxed) > CLIENTS);
    assert_eq!(app.metric("jinqun_catalog_version"), 6);
    assert_eq!(app.metric("jinqun_catalog_stores"), 20);
}

#[test]
fn a_broken_catalog_is_refused_and_the_one_before_stays() {
    let app = TestApp::start();
    let beside = Connection::open(app.folder().join("jinqun.sqlite")).unwrap();
    for (count, body) in [(1, "no JSON"), (2, "{}"), (3, r#"{"id":"SH-0001"}"#)] {
        // One step: the version and its broken entry.
        let version = 2 + count;
        let seen = app.metric("jinqun_catalog_refused_total");
        beside
            .execute_batch(&format!(
                "BEGIN IMMEDIATE;
                 INSERT INTO version VALUES ({version}, 0, 'a', '', 1);
                 UPDATE entry SET to_version = {version} WHERE id = 'SH-0001' AND to_version IS NULL;
                 INSERT INTO entry SELECT kind, id, {version}, NULL, '{body}' FROM entry
                     WHERE id = 'SH-0001' AND to_version = {version};
                 COMMIT;"
            ))
            .unwrap();
        eventually("it is refused", || (app.metric("jinqun_catalog_refused_total") > seen).then_some(()));
        let answer = app.get("/api/v1/nearest?lat=31.2304&lng=121.4737").json();
        assert_eq!(answer["catalog_version"], 2, "{body}");
        assert_eq!(answer["stores"][0]["id"], "SH-0001");
        app.scan(&json!({"store": "SH-0001"})).expect(201);
        app.get("/readyz").expect(200);
    }
    beside
        .execute_batch("DELETE FROM entry WHERE from_version > 2; DELETE FROM version WHERE version > 2; UPDATE entry SET to_version = NULL;")
        .unwrap();
    let report = publish(&app.folder(), &STORES.replace("人民广场店", "广场老店"), Mode::Merge);
    assert_eq!((report.version, report.updated), (Some(3), 1));
    eventually("a sound catalog is live", || {
        let answer = app.get("/api/v1/nearest?lat=31.2304&lng=121.4737").json();
        (answer["stores"][0]["name"] == "广场老店").then_some(())
    });
}

/// A folder whose current catalog, version 2, has an entry that is no JSON, and whose version 1 is sound.
fn broken() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    publish(&data, &sheet(1), Mode::Replace);
    publish(&data, &sheet(2), Mode::Replace);
    let beside = Connection::open(data.join("jinqun.sqlite")).unwrap();
    let change = "UPDATE entry SET body = 'no JSON' WHERE id = 'V2-00'";
    assert_eq!(beside.execute(change, ()).unwrap(), 1);
    folder
}

#[test]
fn a_start_with_a_broken_catalog_serves_the_last_good_one() {
    let folder = broken();
    let service = Service::start(folder.path(), &["serve"], &[]);
    let answer = service.client.get("/api/v1/nearest?lat=31.1&lng=121.4");
    assert_eq!(answer.expect(200).json()["catalog_version"], 1);
    let ready = service.client.get("/readyz").expect(200).json();
    assert_ne!(ready["degraded"], json!([]), "the operator is told");
}

#[test]
fn a_broken_catalog_can_be_replaced_by_a_sheet() {
    let folder = broken();
    // `jinqun check` says: import the stores again.
    std::fs::write(folder.path().join("stores.csv"), sheet(3)).unwrap();
    let checked = run(folder.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(2));
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains("V2-00") && said.contains("what to do"), "{said}");
    let args = ["import", "stores", "stores.csv", "--mode", "replace"];
    assert!(run_well(folder.path(), &args).contains("version 3 is live"));
}
