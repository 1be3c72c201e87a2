//! What operations engineers ask: health, readiness, metrics.

use std::collections::{BTreeMap, BTreeSet};

use jinqun::catalog::Mode;
use serde_json::json;

use crate::client::eventually;
use crate::harness::{STORES, TestApp, publish};

#[test]
fn health_says_that_the_process_turns() {
    let app = TestApp::builder().empty().start();
    assert_eq!(app.get("/healthz").expect(200).json(), json!({"status": "ok"}));
}

#[test]
fn it_is_ready_from_the_first_catalog_on() {
    let app = TestApp::builder().empty().start();
    let answer = app.get("/readyz").expect(503).json();
    assert_eq!(answer["ready"], false);
    assert_eq!(answer["degraded"].as_array().unwrap().len(), 1, "{answer}");
    publish(&app.folder(), STORES, Mode::Merge);
    let answer = eventually("it is ready", || {
        let answer = app.get("/readyz");
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(answer["ready"], true);
    assert_eq!(answer["catalog_version"], 1);
    assert_eq!(answer["stores"], 12);
    assert_eq!(answer["degraded"], json!([]));
}

/// A scrape, read as strictly as the format allows: name and labels of each sample, with its value.
fn parse(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    assert!(text.ends_with('\n'), "the last line is ended");
    let is_name = |it: &str| {
        it.chars().enumerate().all(|(at, c)| c.is_ascii_alphabetic() || c == '_' || (at > 0 && c.is_ascii_digit()))
            && !it.is_empty()
    };
    let (mut types, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let twice = types.insert(name.to_owned(), kind.to_owned());
            assert!(is_name(name) && twice.is_none(), "{line}");
        } else {
            let (key, value) = line.rsplit_once(' ').expect(line);
            let (name, labels) = match key.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
                None => (key, ""),
            };
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|it| name.strip_suffix(it))
                .find(|it| types.get(*it).is_some_and(|kind| kind == "histogram"))
                .unwrap_or(name);
            assert!(is_name(name) && types.contains_key(family), "{line}");
            for label in labels.split(',').filter(|it| !it.is_empty()) {
                let (name, value) = label.split_once('=').expect(line);
                let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                assert!(is_name(name), "{line}");
                let value = value.expect(line);
                assert!(!value.contains(['"', '\\', '\n']), "{line}");
            }
            let twice = samples.insert(key.to_owned(), value.parse().expect(line));
            assert_eq!(twice, None, "{line}");
        }
    }
    (types, samples)
}

#[test]
fn metrics_are_counted_and_can_be_read() {
    let app = TestApp::start();
    app.scan(&json!({"position": {"lat": 31.2304, "lng": 121.4737}})).expect(201);
    app.scan(&json!({"position": {"lat": 31.2243, "lng": 121.4459}})).expect(201);
    app.get("/").expect(200);
    app.get("/secret-path-of-a-visitor?token=abc").expect(404);
    app.post("/api/v1/scans", "[]").expect(400);
    app.tags();
    let scrape = eventually("the depth is nought", || {
        let scrape = app.get("/metrics").expect(200);
        parse(scrape.text()).1["jinqun_outbox_depth"].eq(&0.0).then_some(scrape)
    });
    let kind = scrape.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let (types, samples) = parse(scrape.text());
    for (name, kind) in [
        ("jinqun_http_requests_total", "counter"),
        ("jinqun_scans_total", "counter"),
        ("jinqun_decision_seconds", "histogram"),
        ("jinqun_commit_seconds", "histogram"),
        ("jinqun_catalog_version", "gauge"),
        ("jinqun_catalog_stores", "gauge"),
        ("jinqun_outbox_depth", "gauge"),
    ] {
        assert_eq!(types.get(name).map(String::as_str), Some(kind), "{name}");
    }
    assert!(types.keys().all(|it| it.starts_with("jinqun_")));
    for (sample, value) in [
        (r#"jinqun_scans_total{fallback="none",outcome="routed",source="gps"}"#, 1.0),
        (r#"jinqun_scans_total{fallback="next_store",outcome="routed",source="gps"}"#, 1.0),
        (r#"jinqun_scans_total{fallback="campaign",outcome="unknown_place",source="none"}"#, 1.0),
        (r#"jinqun_http_requests_total{route="scan",status="2xx"}"#, 2.0),
        (r#"jinqun_http_requests_total{route="scan",status="4xx"}"#, 1.0),
        (r#"jinqun_http_requests_total{route="other",status="4xx"}"#, 1.0),
        (r#"jinqun_http_requests_total{route="landing",status="2xx"}"#, 1.0),
        ("jinqun_decision_seconds_count", 3.0),
        ("jinqun_catalog_version", 2.0),
        ("jinqun_catalog_stores", 12.0),
        ("jinqun_outbox_depth", 0.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}");
    }
    assert!(samples["jinqun_commit_seconds_count"] >= 1.0);
    assert!(!scrape.text().contains("secret-path"), "no label is typed by a client");
}
