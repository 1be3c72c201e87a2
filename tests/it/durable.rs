//! What was acknowledged survives `kill -9`; what was begun is answered at a stop. With the real program.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, eventually};
use crate::harness::{SQUARE, STORES};
use crate::process::{Service, run_well};

const CLIENTS: usize = 16;
const ROUNDS: u64 = 4;

/// The sheet of the tests with room for everybody.
fn roomy() -> String {
    let mut lines = STORES.lines();
    let header = format!("{},group_capacity\n", lines.next().unwrap());
    lines.fold(header, |sheet, line| sheet + line + ",100000\n")
}

fn prepare(folder: &Path) {
    std::fs::write(folder.join("stores.csv"), roomy()).unwrap();
    run_well(folder, &["import", "stores", "stores.csv"]);
}

fn visit() -> Value {
    json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}})
}

/// Scans of the export, with how often each stands there, and the store of each.
fn exported(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut scans: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in run_well(folder, &["export", "tags", "--format", "jsonl"]).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let scan = record["scan"].as_str().unwrap().to_owned();
        scans.entry(scan).or_default().push(record);
    }
    scans
}

/// Scans until the service is gone; a visit in three is refined.
fn load(client: &Client, acknowledged: &Mutex<BTreeMap<String, &'static str>>) {
    let body = visit().to_string();
    for turn in 0.. {
        let Ok(answer) = client.attempt("POST", "/api/v1/scans", &[], Some(body.as_bytes())) else {
            return;
        };
        assert_eq!(answer.status, 201);
        let scan = answer.visit();
        acknowledged.lock().unwrap().insert(scan.clone(), "SH-0001");
        if turn % 3 > 0 {
            continue;
        }
        let json = answer.json();
        let refined = json!({"scan": json["scan"], "visitor": json["visitor"], "store": "BJ-0001"});
        let refined = refined.to_string();
        // From here on either store is right, until the answer says which.
        acknowledged.lock().unwrap().insert(scan.clone(), "");
        let Ok(answer) = client.attempt("POST", "/api/v1/scans", &[], Some(refined.as_bytes())) else {
            return;
        };
        assert_eq!(answer.status, 200);
        acknowledged.lock().unwrap().insert(scan, "BJ-0001");
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let acknowledged = Mutex::new(BTreeMap::new());
    let mut chance = fastrand::Rng::with_seed(7);
    for round in 1..=ROUNDS {
        let mut service = Service::start(folder.path(), &["serve"], &[]);
        let before = acknowledged.lock().unwrap().len();
        let wanted = chance.usize(50..400);
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let client = Client::new(service.client.url.clone());
                let acknowledged = &acknowledged;
                scope.spawn(move || load(&client, acknowledged));
            }
            eventually("the service is under load", || {
                (acknowledged.lock().unwrap().len() >= before + wanted).then_some(())
            });
            service.kill();
        });
        let records = exported(folder.path());
        for (scan, store) in acknowledged.lock().unwrap().iter() {
            let found = records.get(scan).map_or(&[][..], |it| it);
            assert_eq!(found.len(), 1, "round {round}: {scan} stands there once");
            if !store.is_empty() {
                assert_eq!(found[0]["store"], *store, "round {round}: {scan}");
            }
        }
    }
    assert!(acknowledged.lock().unwrap().len() > 200);
}

#[test]
fn records_reach_a_running_services_export_and_are_there_once() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let service = Service::start(folder.path(), &["serve"], &[]);
    let mut scans = BTreeSet::new();
    for _ in 0..20 {
        scans.insert(service.client.scan(&visit()).expect(201).visit());
    }
    let records = exported(folder.path());
    assert!(records.values().all(|it| it.len() == 1));
    assert_eq!(records.into_keys().collect::<BTreeSet<_>>(), scans);
}

#[test]
fn storage_that_is_busy_holds_up_neither_visits_nor_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    service.client.scan(&visit()).expect(201);
    let beside = Connection::open(folder.path().join("data/jinqun.sqlite")).unwrap();
    beside.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for _ in 0..20 {
        service.client.scan(&visit()).expect(201);
    }
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
    beside.execute_batch("ROLLBACK").unwrap();
    // What waits in the outbox is handed over later, by whoever comes next.
    assert_eq!(exported(folder.path()).len(), 21);
}

/// One visit over a connection of its own; true if it was answered, none if it never began.
fn one_visit(address: &str, body: &str) -> Option<bool> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "POST /api/v1/scans HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) if answer.starts_with(b"HTTP/1.1 201") => Some(true),
        // The listener was closed before the service took this connection up: nothing began.
        Ok(0) | Err(_) if answer.is_empty() => None,
        _ => Some(false),
    }
}

#[test]
fn a_stop_answers_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    let address = service.client.url.strip_prefix("http://").unwrap().to_owned();
    let body = visit().to_string();
    let (answered, torn) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match one_visit(&address, &body) {
                        Some(true) => answered.fetch_add(1, Ordering::Relaxed),
                        Some(false) => torn.fetch_add(1, Ordering::Relaxed),
                        None => 0,
                    };
                }
            });
        }
        eventually("the service is under load", || (answered.load(Ordering::Relaxed) > 100).then_some(()));
        service.signal("TERM");
        let status = service.wait();
        over.store(true, Ordering::Relaxed);
        assert_eq!(status.code(), Some(0));
    });
    assert_eq!(torn.load(Ordering::Relaxed), 0, "answers that broke off");
    // No request was carried out and left without an answer.
    assert_eq!(exported(folder.path()).len(), answered.load(Ordering::Relaxed));
}

#[test]
fn a_connection_that_is_kept_holds_up_no_stop() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    // The client keeps this connection.
    service.client.scan(&visit()).expect(201);
    let answered = AtomicUsize::new(1);
    let mut told = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let busy = Client::new(service.client.url.clone());
            let body = visit().to_string();
            // A request that meets the closing of an idle connection fails before it begins.
            while let Ok(answer) = busy.attempt("POST", "/api/v1/scans", &[], Some(body.as_bytes())) {
                assert_eq!(answer.status, 201);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        eventually("the connection is busy", || (answered.load(Ordering::Relaxed) > 20).then_some(()));
        told = Instant::now();
        service.signal("TERM");
    });
    assert_eq!(service.wait().code(), Some(0));
    assert!(told.elapsed() < PATIENCE / 2, "{:?}", told.elapsed());
    // No request was carried out and left without an answer.
    assert_eq!(exported(folder.path()).len(), answered.load(Ordering::Relaxed));
}
