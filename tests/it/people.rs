//! People's data from outside: consent before a position is used, deletion on demand, and the notice.

use std::fs;
use std::path::{Path, PathBuf};

use jinqun::consent::Consent;
use serde_json::json;

use crate::harness::{SQUARE, STORES, TestApp};
use crate::process::{Service, run, run_well};

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// The files below a folder that hold a text.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    files.retain(|it| fs::read(it).unwrap().windows(text.len()).any(|window| window == text.as_bytes()));
    files
}

#[test]
fn a_position_comes_with_a_consent_on_disk() {
    let app = TestApp::builder().set("privacy.version", "2026-07").start();
    let position = json!({"lat": SQUARE.0, "lng": SQUARE.1});
    let first = app.scan(&json!({"position": position})).expect(201).json();
    app.clock.advance_ms(5_000);
    let again = json!({"position": position, "visitor": first["visitor"], "consent": "2026-07"});
    app.scan(&again).expect(201);
    app.scan(&json!({"position": position, "visitor": first["visitor"], "consent": "2025-01"})).expect(201);
    // No position, no consent.
    app.scan(&json!({"store": "SH-0001"})).expect(201);
    let tags = app.tags();
    let consents = app.consents();
    let [old, current]: [Consent; 2] = consents.try_into().unwrap();
    assert_eq!((old.notice.as_str(), current.notice.as_str()), ("2025-01", "2026-07"));
    let exact: Vec<_> = tags.iter().filter(|it| it.source.as_str() == "gps").collect();
    assert_eq!(exact.len(), 3);
    assert!(exact.iter().all(|it| it.visitor == current.visitor && current.first_at <= it.at));
    assert_eq!(current.last_at.unix_ms() - current.first_at.unix_ms(), 5_000);
    for wrong in [json!(1), json!("a b"), json!("x".repeat(65))] {
        let answer = app.scan(&json!({"position": position, "consent": wrong})).expect(400);
        assert_eq!(answer.problem().fields, ["consent"]);
    }
}

#[test]
fn without_a_durable_consent_the_position_is_not_used() {
    let app = TestApp::start();
    // Nothing can be put on disk.
    let beside = rusqlite::Connection::open(app.folder().join("outbox.sqlite")).unwrap();
    beside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = app.scan(&json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}})).expect(202);
    let json = answer.json();
    assert_eq!((&json["recorded"], &json["fix"]["source"]), (&json!(false), &json!("none")));
    assert!(json["join"]["url"].is_string(), "there is still a code: {json}");
    beside.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn a_visitor_can_have_everything_deleted() {
    let app = TestApp::builder().set("admin_token", "an admin token of some length").start();
    let first = app.scan(&json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}})).expect(201).json();
    let token = first["visitor"].as_str().unwrap();
    let event = format!("/api/v1/scans/{}/events", first["scan"].as_str().unwrap());
    app.post(&event, r#"{"event": "pressed"}"#).expect(204);
    let other = app.scan(&json!({"store": "BJ-0001"})).expect(201);
    assert_eq!(app.tags().len(), 2);
    let cookie = format!("jinqun={token}; jinqun_0a1b2c3d=x; theirs=1");
    let answer = app.call("DELETE", "/api/v1/visitors/me", &[("cookie", &cookie)], None).expect(200);
    let told = answer.json();
    let removed = json!({"tags": 1, "steps": 1, "consents": 1, "seats": 1, "book": 1, "waiting": 0, "set_aside": 0});
    assert_eq!((&told["forgotten"], &told["removed"]), (&json!(true), &removed));
    assert!(told["kept"].as_str().unwrap().contains("tallies"));
    let cleared: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(cleared.len(), 2, "{cleared:?}");
    assert!(cleared.iter().all(|it| it.contains("=; ") && it.contains("Max-Age=0")), "{cleared:?}");
    let left = app.tags();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].scan.to_string(), other.visit());
    assert!(app.steps().is_empty() && app.consents().is_empty());
    // The page that is still open refines the visit, and nothing comes of it.
    app.scan(&json!({"scan": first["scan"], "visitor": token, "store": "GZ-0001"})).expect(200);
    app.post(&event, r#"{"event": "not_mine"}"#).expect(204);
    assert_eq!((app.tags().len(), app.steps().len()), (1, 0));
    let admit = [("authorization", "Bearer an admin token of some length")];
    let funnel = app.get_with("/api/v1/admin/funnel", &admit).expect(200).json();
    assert_eq!((&funnel["total"]["visits"]["scanned"], &funnel["total"]["visits"]["pressed"]), (&json!(2), &json!(1)));
    // Again, and by the other ways to say who one is.
    let body = json!({"visitor": token}).to_string();
    let again = app.call("DELETE", "/api/v1/visitors/me", &[], Some(body.as_bytes())).expect(200).json();
    assert_eq!(again["removed"]["tags"], 0);
    let bearer = format!("Bearer {token}");
    app.call("DELETE", "/api/v1/visitors/me", &[("authorization", &bearer)], None).expect(200);
    for forged in ["", "jinqun=someone"] {
        let answer = app.call("DELETE", "/api/v1/visitors/me", &[("cookie", forged)], None).expect(401);
        assert_eq!(answer.problem().code, "no_visitor");
    }
}

#[test]
fn nothing_of_a_forgotten_visitor_is_left_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    let scan = |body: serde_json::Value| service.client.scan(&body).expect(201).json();
    let mine = scan(json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}}));
    let theirs = scan(json!({}));
    let id = |answer: &serde_json::Value| answer["visitor"].as_str().unwrap().split('.').next().unwrap().to_owned();
    let (mine_id, their_id) = (id(&mine), id(&theirs));
    run_well(folder.path(), &["export", "tags"]);
    let data = folder.path().join("data");
    assert!(!holding(&data, &mine_id).is_empty());
    // One record waits while storage is held by somebody.
    let beside = rusqlite::Connection::open(data.join("jinqun.sqlite")).unwrap();
    beside.execute_batch("BEGIN IMMEDIATE").unwrap();
    service.client.scan(&json!({"visitor": mine["visitor"], "store": "SH-0001"})).expect(201);
    beside.execute_batch("ROLLBACK").unwrap();
    drop(beside);
    let told = run_well(folder.path(), &["forget", &mine_id]);
    assert!(
        told.starts_with("removed: ")
            && told.contains("1 consents")
            && told.contains(" cards, jobs and feed entries")
            && told.contains("kept: tallies"),
        "{told}"
    );
    run_well(folder.path(), &["export", "tags"]);
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
    run_well(folder.path(), &["forget", mine["visitor"].as_str().unwrap()]);
    assert_eq!(holding(&data, &mine_id), Vec::<PathBuf>::new());
    assert!(!holding(&data, &their_id).is_empty());
    assert!(run_well(folder.path(), &["export", "funnel", "--check"]).contains(", 0 differ"));
    let output = run(folder.path(), &["forget", "somebody"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_notice_says_what_is_kept_and_deletes_it_without_a_script() {
    let app = TestApp::builder()
        .set("privacy.company", "青禾餐饮有限公司")
        .set("privacy.contact", "privacy@example.com")
        .set("retention.tags_days", "365")
        .start();
    let landing = app.get("/s/summer").expect(200);
    assert!(landing.text().contains("href=\"/privacy?campaign=summer\""));
    let token = landing.cookie().unwrap().to_owned();
    let cookie = format!("jinqun={token}");
    let notice = app.get_with("/privacy?campaign=summer", &[("cookie", &cookie)]).expect(200);
    for text in
        ["青禾餐饮有限公司", "privacy@example.com", "保存 365 天", "夏日杯", "name=\"sure\" value=\"1\" required"]
    {
        assert!(notice.text().contains(text), "{text}");
    }
    assert_eq!(notice.header("set-cookie"), None);
    let english = app.get_with("/privacy", &[("accept-language", "en")]).expect(200);
    assert!(english.text().contains("This browser has no number of ours"));
    let version = |page: &str| page.split("data-notice=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(notice.text().contains(&version(landing.text())));
    let word = notice.text().split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let send = |body: String, cookie: &str| {
        let headers = [FORM[0], ("cookie", cookie)];
        app.call("POST", "/privacy", &headers, Some(body.as_bytes()))
    };
    // Not ticked, of another site, of another visitor.
    let stranger = format!("jinqun={}", app.get("/").cookie().unwrap());
    send(format!("campaign=summer&word={word}"), &cookie).expect(400);
    send("campaign=summer&word=AAAA&sure=1".to_owned(), &cookie).expect(400);
    send(format!("campaign=summer&word={word}&sure=1"), &stranger).expect(400);
    send(format!("campaign=summer&word={word}&sure=1"), "").expect(400);
    assert_eq!(app.tags().len(), 2);
    let done = send(format!("campaign=summer&word={word}&sure=1"), &cookie).expect(200);
    assert!(done.text().contains("访问记录 1 条"), "{}", done.text());
    assert!(done.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(app.tags().len(), 1);
}

#[test]
fn what_is_too_old_goes_by_itself_and_stays_counted() {
    let app = TestApp::builder().set("retention.tags_days", "30").set("retention.steps_days", "30").start();
    for _ in 0..3 {
        app.scan(&json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}})).expect(201);
    }
    assert_eq!((app.tags().len(), app.consents().len()), (3, 3));
    app.clock.advance_ms(29 * 86_400_000);
    app.retain();
    assert_eq!(app.tags().len(), 3);
    app.clock.advance_ms(3 * 86_400_000);
    app.scan(&json!({})).expect(201);
    app.retain();
    assert_eq!((app.tags().len(), app.consents().len()), (1, 0));
    let flags = ["export", "funnel", "--format", "json", "--data-dir"];
    let folder = app.folder();
    let told = run_well(&folder, &[&flags[..], &[folder.to_str().unwrap()]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["total"]["visits"]["scanned"], 4);
}
