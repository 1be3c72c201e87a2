//! Records that storage refuses, an outbox that is full, and what operations engineers see of both.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::{Answer, eventually};
use crate::harness::TestApp;
use crate::process::{Service, run_well};
use jinqun::staff::Role;

fn at(lat: f64) -> Value {
    json!({"position": {"lat": lat, "lng": 121.4737, "accuracy_m": 10}})
}

fn get(app: &TestApp, path: &str, token: &str) -> Answer {
    app.get_with(path, &[("authorization", token)])
}

fn post(app: &TestApp, path: &str, token: &str) -> Answer {
    app.call("POST", path, &[("authorization", token)], None)
}

/// Makes the record of a visit one that storage cannot read, or mends it.
fn set_visitor(folder: &Path, scan: &str, visitor: &str) -> String {
    let beside = Connection::open(folder.join("jinqun.sqlite")).unwrap();
    beside.execute_batch("PRAGMA busy_timeout = 5000").unwrap();
    let before = beside.query_one("SELECT visitor FROM tag WHERE scan = ?1", [scan], |row| row.get(0)).unwrap();
    assert_eq!(beside.execute("UPDATE tag SET visitor = ?2 WHERE scan = ?1", [scan, visitor]).unwrap(), 1);
    before
}

#[test]
fn a_record_that_storage_refuses_holds_up_no_others_and_is_sent_again() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let first = app.scan(&at(31.2304)).expect(201);
    app.tags();
    let visitor = set_visitor(&app.folder(), &first.visit(), "nobody");
    // It comes to storage among others, which are taken.
    let mut refined = at(31.2243);
    refined["scan"] = first.json()["scan"].clone();
    app.scan(&refined).expect(200);
    for _ in 0..20 {
        app.scan(&at(31.2304)).expect(201);
    }
    eventually("the others are delivered", || (app.get("/readyz").json()["outbox_depth"] == 0).then_some(()));
    assert_eq!(app.metric("jinqun_set_aside_total"), 1);
    assert_eq!(app.metric("jinqun_dead_letters"), 1);
    assert_eq!(app.metric("jinqun_delivery_failing"), 0);
    let letters = get(&app, "/api/v1/admin/dead-letters", &ops).expect(200).json();
    assert_eq!((&letters["total"], &letters["per_page"]), (&json!(1), &json!(50)));
    let letter = &letters["items"][0];
    assert_eq!((&letter["kind"], &letter["record"]["record"]["visitor"]), (&json!("visit"), &json!(visitor)));
    assert!(letter["cause"].as_str().unwrap().starts_with("storage is damaged"), "{letter}");
    let alerts = get(&app, "/api/v1/admin/alerts?kind=dead_letters", &ops).expect(200).json();
    assert_eq!((&alerts["total"], &alerts["items"][0]["link"]), (&json!(1), &json!("/admin/dead-letters")));

    // Sent again too early it comes back; once its cause is mended it arrives.
    let retry = format!("/api/v1/admin/dead-letters/{}/retry", letter["seq"]);
    set_visitor(&app.folder(), &first.visit(), &visitor);
    assert_eq!(post(&app, &retry, &ops).expect(200).json(), json!({"retried": 1}));
    post(&app, &retry, &ops).expect(404);
    let tags = app.tags();
    let revised = tags.iter().find(|it| it.scan.to_string() == first.visit()).unwrap();
    assert_eq!((tags.len(), revised.join_id.as_deref()), (21, tags_of_a_neighbour(&app).as_deref()));
    assert_eq!(get(&app, "/api/v1/admin/dead-letters", &ops).json()["items"], json!([]));
    assert_eq!(post(&app, "/api/v1/admin/dead-letters/retry", &ops).expect(200).json(), json!({"retried": 0}));
    let trail = get(&app, "/api/v1/admin/audit?action=dead_letters.retry", &ops).expect(200).json();
    assert_eq!(trail["items"].as_array().unwrap().len(), 1, "{trail}");
}

/// The group that a visitor at the second place is shown.
fn tags_of_a_neighbour(app: &TestApp) -> Option<String> {
    app.scan(&at(31.2243)).expect(201).json()["join"]["id"].as_str().map(ToOwned::to_owned)
}

#[test]
fn dead_letters_are_for_the_operations_team() {
    let app = TestApp::start();
    let viewer = app.bearer(Role::Viewer);
    get(&app, "/api/v1/admin/dead-letters", &viewer).expect(403);
    post(&app, "/api/v1/admin/dead-letters/retry", &viewer).expect(403);
    let ops = app.bearer(Role::Ops);
    assert_eq!(get(&app, "/api/v1/admin/dead-letters?page=0", &ops).expect(400).problem().fields, ["page"]);
    post(&app, "/api/v1/admin/dead-letters/nine/retry", &ops).expect(404);
}

#[test]
fn an_outbox_at_its_limit_still_shows_the_code_and_says_that_nothing_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let stores = "id,name,lat,lng,datum,group_url,group_name,group_capacity\n\
        A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/gm/a1,甲群,100000\n";
    std::fs::write(folder.path().join("stores.csv"), stores).unwrap();
    std::fs::write(folder.path().join("jinqun.toml"), "outbox_items_max = 1000\n").unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let service = Service::start(folder.path(), &["serve", "--config", "jinqun.toml"], &[]);
    let beside = Connection::open(folder.path().join("data/jinqun.sqlite")).unwrap();
    beside.execute_batch("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE").unwrap();
    for _ in 0..1_000 {
        service.client.scan(&json!({"store": "A"})).expect(201);
    }
    for _ in 0..2 {
        let json = service.client.scan(&json!({"store": "A"})).expect(202).json();
        assert_eq!((&json["recorded"], &json["join"]["name"]), (&json!(false), &json!("甲群")));
    }
    let page = service.client.get("/s/default?store=A").expect(200);
    assert!(page.text().contains("甲群"));
    let scrape = service.client.get("/metrics");
    assert!(scrape.text().contains("\njinqun_scans_unrecorded_total 3\n"), "{}", scrape.text());
    let ready = service.client.get("/readyz").expect(200).json();
    assert_eq!((&ready["ready"], &ready["outbox_depth"]), (&json!(true), &json!(1_000)));
    assert!(ready["outbox_oldest_s"].is_u64(), "{ready}");
    beside.execute_batch("ROLLBACK").unwrap();
    eventually("there is room again", || (service.client.scan(&json!({"store": "A"})).status == 201).then_some(()));
}

#[test]
fn dead_letters_are_listed_and_sent_again_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let stores = "id,name,lat,lng,datum\nA,甲店,31.2304,121.4737,wgs84\n";
    std::fs::write(folder.path().join("stores.csv"), stores).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let service = Service::start(folder.path(), &["serve"], &[]);
    let beside = Connection::open(folder.path().join("data/outbox.sqlite")).unwrap();
    let step = r#"{"scan":"01M6HGG0000000000000000001","step":"pressed","at":1790000000000}"#;
    beside
        .execute(
            "INSERT INTO dead (seq, kind, at, body, cause) VALUES (7, 2, 1790000000000, CAST(?1 AS BLOB), 'no room')",
            [step],
        )
        .unwrap();
    let listed = run_well(folder.path(), &["outbox", "list"]);
    assert_eq!(listed, "7\tstep\t2026-09-21T14:13:20Z\tno room\n");
    run_well(folder.path(), &["outbox", "retry", "--seq", "8"]);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), listed);
    run_well(folder.path(), &["outbox", "retry"]);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), "");
    eventually("it is delivered", || (service.client.get("/readyz").json()["outbox_depth"] == 0).then_some(()));
    assert_eq!(service.client.get("/readyz").json()["dead_letters"], 0);
}
