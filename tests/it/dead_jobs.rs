//! Jobs that were given up: shown to the operations team with their cause, alerted, counted, and done again.

use std::path::Path;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::TestApp;
use crate::process::{jinqun, run_well};
use jinqun::job::{Job, Lane};
use jinqun::staff::Role;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Book as _, Settled};
use jinqun::time::Timestamp;

const CAUSE: &str = "40003: no such <img onerror=alert(1)>\nsecond line";

/// Far away, so that nobody else takes these jobs before they are given up.
fn later(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(4_000_000_000_000 + ms)
}

/// Gives up two jobs of a lane and one of another.
fn give_up(folder: &Path) {
    let storage = Embedded::open(&folder.join("jinqun.sqlite")).unwrap();
    let job =
        |lane, id: &str| Job { id: id.into(), lane, body: r#"{"n":1}"#.into(), ready_at: later(0), visitor: None };
    let jobs = [job(Lane::Tag, "wm1"), job(Lane::Tag, "wm2"), job(Lane::Reconcile, "chat")];
    storage.enqueue(&jobs, later(0)).unwrap();
    for lane in Lane::ALL {
        for it in storage.lease_jobs(lane, later(1), later(60_000), 9).unwrap() {
            let at = if it.job.id == "wm1" { 1_790_000_000_000 } else { 1_790_000_001_000 };
            assert!(storage.settle_job(&it, &Settled::Dead(CAUSE.into()), Timestamp::from_unix_ms(at)).unwrap());
        }
    }
}

fn get(app: &TestApp, path: &str, token: &str) -> Answer {
    app.get_with(path, &[("authorization", token)])
}

fn retry(app: &TestApp, body: &Value, token: &str) -> Answer {
    let headers = [("authorization", token), ("content-type", "application/json")];
    app.call("POST", "/api/v1/admin/dead-jobs/retry", &headers, Some(body.to_string().as_bytes()))
}

fn ids(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    json["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn jobs_that_were_given_up_are_shown_with_their_cause_and_done_again() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    assert_eq!(get(&app, "/api/v1/admin/dead-jobs", &ops).expect(200).json()["total"], 0);
    give_up(&app.folder());
    let all = get(&app, "/api/v1/admin/dead-jobs", &ops).expect(200);
    assert_eq!(ids(&all), ["wm2", "wm1", "chat"]);
    let json = all.json();
    let dead: Vec<_> =
        json["lanes"].as_array().unwrap().iter().map(|it| (it["lane"].clone(), it["dead"].clone())).collect();
    assert_eq!(json!(dead), json!([["event", 0], ["tag", 2], ["reconcile", 1]]));
    let first = &json["items"][0];
    assert_eq!((&first["cause"], &first["tries"], &first["job"]), (&json!(CAUSE), &json!(1), &json!({"n": 1})));
    let second = get(&app, "/api/v1/admin/dead-jobs?per_page=2&page=2", &ops).expect(200);
    assert_eq!((ids(&second), second.json()["total"].clone()), (vec!["chat".to_owned()], json!(3)));
    assert_eq!(ids(&get(&app, "/api/v1/admin/dead-jobs?lane=tag&per_page=1&page=2", &ops).expect(200)), ["wm1"]);

    let alerts = get(&app, "/api/v1/admin/alerts?kind=dead_jobs", &ops).expect(200).json();
    assert_eq!((&alerts["total"], &alerts["items"][0]["link"]), (&json!(2), &json!("/admin/dead-letters")));
    assert_eq!(app.metric("jinqun_jobs_dead{lane=\"tag\"}"), 2);
    let ready = app.get("/readyz").expect(200).json();
    assert_eq!((&ready["ready"], &ready["dead_jobs"]), (&json!(true), &json!(3)));
    assert!(ready["degraded"].to_string().contains("jobs were given up"), "{ready}");

    assert_eq!(retry(&app, &json!({"lane": "tag", "id": "wm1"}), &ops).expect(200).json(), json!({"retried": 1}));
    assert_eq!(retry(&app, &json!({"lane": "reconcile"}), &ops).expect(200).json(), json!({"retried": 1}));
    retry(&app, &json!({"lane": "tag", "id": "nobody"}), &ops).expect(404);
    assert!(retry(&app, &json!({}), &ops).expect(200).json()["retried"].as_u64() >= Some(1));
    let trail = get(&app, "/api/v1/admin/audit?action=dead_jobs.retry", &ops).expect(200).json();
    let targets: Vec<_> = trail["items"].as_array().unwrap().iter().map(|it| it["target"].clone()).collect();
    assert_eq!(json!(targets), json!(["all", "reconcile", "tag wm1"]));
}

#[test]
fn dead_jobs_are_for_the_operations_team_and_wrong_lanes_are_named() {
    let app = TestApp::start();
    let (viewer, ops) = (app.bearer(Role::Viewer), app.bearer(Role::Ops));
    get(&app, "/api/v1/admin/dead-jobs", &viewer).expect(403);
    retry(&app, &json!({}), &viewer).expect(403);
    assert_eq!(get(&app, "/api/v1/admin/dead-jobs?lane=tags", &ops).expect(400).problem().fields, ["lane"]);
    assert_eq!(retry(&app, &json!({"lane": "tags"}), &ops).problem().fields, ["lane"]);
    assert_eq!(retry(&app, &json!({"id": "wm1"}), &ops).problem().fields, ["lane"]);
}

#[test]
fn dead_jobs_are_listed_and_done_again_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let stores = "id,name,lat,lng,datum\nA,甲店,31.2304,121.4737,wgs84\n";
    std::fs::write(folder.path().join("stores.csv"), stores).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    // A machine that has served has an outbox.
    drop(crate::process::Service::start(folder.path(), &["serve"], &[]));
    give_up(&folder.path().join("data"));
    let cause = "40003: no such <img onerror=alert(1)> second line";
    let line = |lane, id, at| format!("job\t{lane}\t{id}\t2026-09-21T14:13:{at}Z\t1\t{cause}\n");
    let tags = line("tag", "wm2", 21) + &line("tag", "wm1", 20);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), tags.clone() + &line("reconcile", "chat", 21));
    run_well(folder.path(), &["outbox", "retry", "--lane", "reconcile"]);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), tags);
    run_well(folder.path(), &["outbox", "retry", "--lane", "tag", "--job", "wm2"]);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), line("tag", "wm1", 20));
    assert!(!jinqun(folder.path()).args(["outbox", "retry", "--lane", "tags"]).output().unwrap().status.success());
    run_well(folder.path(), &["outbox", "retry"]);
    assert_eq!(run_well(folder.path(), &["outbox", "list"]), "");
}
