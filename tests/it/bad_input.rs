//! Bad input: named, refused, and survived.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::client::{Answer, Client, raw, status_of};
use crate::harness::TestApp;

/// It was nobody's fault but the client's, and the service lives.
#[track_caller]
fn is_sound(app: &Client, answer: &Answer, what: &str) {
    assert!((200..500).contains(&answer.status), "{what}: {}", answer.status);
    if answer.status >= 400 && answer.header("content-type") != Some("text/html; charset=utf-8") {
        answer.problem();
    }
    app.get("/api/v1/nearest?lat=31.2304&lng=121.4737").expect(200);
}

#[test]
fn wrong_fields_of_a_scan_are_named() {
    let app = TestApp::start();
    let position = |inner: &str| format!(r#"{{"position": {inner}}}"#);
    let both = |lat: &str, lng: &str| position(&format!(r#"{{"lat": {lat}, "lng": {lng}}}"#));
    let accuracy = |it: &str| position(&format!(r#"{{"lat": 1, "lng": 1, "accuracy_m": {it}}}"#));
    let datum = |it: &str| position(&format!(r#"{{"lat": 1, "lng": 1, "datum": {it}}}"#));
    for (body, fields) in [
        (both("90.0000001", "0"), &["position.lat"][..]),
        (both("-91", "0"), &["position.lat"]),
        (both("0", "180.0001"), &["position.lng"]),
        (both("0", "-1e300"), &["position.lng"]),
        (both("311.2", "-999"), &["position.lat", "position.lng"]),
        (both("\"31\"", "true"), &["position.lat", "position.lng"]),
        (both("[1]", "{}"), &["position.lat", "position.lng"]),
        (both("null", "1"), &["position.lat"]),
        (position("{}"), &["position.lat", "position.lng"]),
        (position("[31.2, 121.4]"), &["position"]),
        (position("\"31.2,121.4\""), &["position"]),
        (position("7"), &["position"]),
        (accuracy("-1"), &["position.accuracy_m"]),
        (accuracy("1e9"), &["position.accuracy_m"]),
        (accuracy("\"35\""), &["position.accuracy_m"]),
        (accuracy("[]"), &["position.accuracy_m"]),
        (datum("\"nad27\""), &["position.datum"]),
        (datum("\"\""), &["position.datum"]),
        (datum("84"), &["position.datum"]),
        (r#"{"campaign": 7}"#.into(), &["campaign"]),
        (r#"{"campaign": "a/b"}"#.into(), &["campaign"]),
        (r#"{"campaign": "../etc"}"#.into(), &["campaign"]),
        (r#"{"store": ["SH-0001"]}"#.into(), &["store"]),
        (r#"{"store": "a\u0000b"}"#.into(), &["store"]),
        (format!(r#"{{"store": "{}"}}"#, "x".repeat(5_000)), &["store"]),
        (r#"{"visitor": 1, "scan": {}}"#.into(), &["visitor", "scan"]),
        (r#"{"campaign": 1, "store": 2, "position": 3}"#.into(), &["campaign", "store", "position"]),
    ] {
        let answer = app.post("/api/v1/scans", &body).expect(400);
        let problem = answer.problem();
        assert_eq!(problem.code, "invalid_fields", "{body}");
        let mut named = problem.fields;
        named.sort_unstable();
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        assert_eq!(named, fields, "{body}");
    }
    for (body, code, field) in [
        (r#"{"campaign": "nobody"}"#, "unknown_campaign", "campaign"),
        (r#"{"store": "SH-9999"}"#, "unknown_store", "store"),
    ] {
        let problem = app.post("/api/v1/scans", body).expect(404).problem();
        assert_eq!((&*problem.code, &*problem.fields[0]), (code, field));
    }
    assert!(app.tags().is_empty(), "nothing is half done");
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let app = TestApp::start();
    let mut bodies: Vec<Vec<u8>> = [
        r#"{"position": {"lat": NaN, "lng": 1}}"#,
        r#"{"position": {"lat": Infinity, "lng": 1}}"#,
        r#"{"position": {"lat": -Infinity, "lng": 1}}"#,
        r#"{"position": {"lat": 1e999, "lng": 1}}"#,
        r#"{"position": {"lat": 01, "lng": 1}}"#,
        r#"{"position": {"lat": 0x10, "lng": 1}}"#,
        r#"{"store": "\ud800"}"#,
        r#"{"store": "a"#,
        "{}{}",
        "{'store': 'a'}",
        "{\"store\": \"a\",}",
        "[]",
        "null",
        "7",
        "\"text\"",
        "lat=1&lng=2",
        "\u{feff}{}",
    ]
    .map(|it| it.as_bytes().to_vec())
    .to_vec();
    bodies.push(vec![b'['; 16_000]);
    bodies.push("{\"a\":".repeat(3_000).into_bytes());
    bodies.push(b"{\"store\": \"\xff\xfe\"}".to_vec());
    bodies.push(b"\xff\xfe{\0}\0".to_vec());
    bodies.push(vec![0; 1_000]);
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = app.post("/api/v1/scans", &body).expect(400);
        assert_eq!(answer.problem().code, "invalid_json", "{shown}");
        is_sound(&app, &answer, &shown);
    }
    assert!(app.tags().is_empty());
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let app = TestApp::start();
    for (path, byte) in [("/api/v1/scans", b'['), ("/api/v1/scans", b' '), ("/api/v1/scans/x/events", b'{')] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n");
        let mut request = head.into_bytes();
        request.resize(request.len() + 100_000, byte);
        let answer = raw(app.address, &request);
        assert_eq!(status_of(&answer), Some(413), "{path}");
        assert!(String::from_utf8_lossy(&answer).contains("body_too_large"));
    }
    // In chunks, so that its length is not announced.
    let mut request =
        b"POST /api/v1/scans HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..50 {
        request.extend_from_slice(b"400\r\n");
        request.resize(request.len() + 0x400, b' ');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status_of(&raw(app.address, &request)), Some(413));
    app.scan(&json!({})).expect(201);
}

#[test]
fn odd_but_sound_bodies_are_taken() {
    let app = TestApp::start();
    for (body, member, expected) in [
        // Of two keys the last one counts, as in JavaScript.
        (r#"{"store": "BJ-0001", "store": "SH-0001"}"#, "/store/id", json!("SH-0001")),
        (r#"{"position": {"lat": -0, "lng": -0.0}}"#, "/outcome", json!("out_of_reach")),
        (r#"{"position": {"lat": 1e-400, "lng": 0}}"#, "/outcome", json!("out_of_reach")),
        (
            r#"{"position": {"lat": 90, "lng": 180, "datum": "gcj02", "accuracy_m": 0}}"#,
            "/outcome",
            json!("out_of_reach"),
        ),
        (
            r#"{"position": {"lat": 31.2319, "lng": 121.4693, "datum": null, "accuracy_m": null}}"#,
            "/store/id",
            json!("SH-0001"),
        ),
        (r#"{"unknown": {"deep": [1, 2]}, "store": "SH-0001"}"#, "/store/id", json!("SH-0001")),
        (r#"{"visitor": "", "scan": "", "store": "", "campaign": ""}"#, "/outcome", json!("unknown_place")),
    ] {
        let answer = app.post("/api/v1/scans", body).expect(201);
        assert_eq!(answer.json().pointer(member), Some(&expected), "{body}");
    }
}

#[test]
fn wrong_values_of_a_query_are_named() {
    let app = TestApp::start();
    let here = "lat=31.2&lng=121.4";
    let nearest = [
        ("", "lat lng"),
        ("lat=31.2", "lng"),
        ("lat=&lng=", "lat lng"),
        ("lat=NaN&lng=nan", "lat lng"),
        ("lat=inf&lng=-infinity", "lat lng"),
        ("lat=1e999&lng=-1e999", "lat lng"),
        ("lat=91&lng=181", "lat lng"),
        ("lat=31,2&lng=121.4", "lat"),
        ("lat=%EF%BC%93&lng=121.4", "lat"),
        ("lat=0x1f&lng=1_0", "lat lng"),
        ("lat[]=1&lng=1", "lat"),
        (&*format!("{here}&datum=nad27"), "datum"),
        (&format!("{here}&k=0"), "k"),
        (&format!("{here}&k=51"), "k"),
        (&format!("{here}&k=abc"), "k"),
        (&format!("{here}&k=-1"), "k"),
        (&format!("{here}&k=1.5"), "k"),
        (&format!("{here}&k=99999999999999999999999"), "k"),
        (&format!("{here}&campaign=%20"), "campaign"),
        (&format!("lat=99&lng=1&k=0&datum=x&campaign={}", "a".repeat(500)), "campaign datum k lat"),
        (&format!("{here}&x={}", "a".repeat(5_000)), "query"),
    ]
    .map(|(query, fields)| (format!("/api/v1/nearest?{query}"), fields));
    let stores = [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=100001", "page"),
        (&*format!("q={}", "a".repeat(5_000)), "query"),
    ]
    .map(|(query, fields)| (format!("/api/v1/stores?{query}"), fields));
    for (path, fields) in nearest.iter().chain(&stores) {
        let problem = app.get(path).expect(400).problem();
        let mut named = problem.fields;
        named.sort_unstable();
        named.dedup();
        assert_eq!(named, fields.split(' ').collect::<Vec<_>>(), "{path}");
    }
    let unknown = app.get(&format!("/api/v1/nearest?{here}&campaign=nobody"));
    assert_eq!(unknown.expect(404).problem().fields, ["campaign"]);
}

#[test]
fn odd_but_sound_queries_are_taken() {
    let app = TestApp::start();
    for path in [
        "/api/v1/nearest?lat=-0&lng=-0.0",
        "/api/v1/nearest?lat=90&lng=-180",
        "/api/v1/nearest?lat=%2B31.2&lng=+121.4+",
        "/api/v1/nearest?lat=99&lat=31.2&lng=121.4",
        "/api/v1/nearest?lat=1e-400&lng=1e1&k=",
        "/api/v1/nearest?lat=1&lng=1&k=50&k=1",
        "/api/v1/stores?q=%",
        "/api/v1/stores?q=%zz&city=%ff%fe",
        "/api/v1/stores?q=%00",
        "/api/v1/stores?&&&=&==",
        "/api/v1/stores?page=100000",
        "/?scan=%ff&store=",
        "/s/default/choose?q=%F0%9F%8D%B5",
    ] {
        let answer =
            raw(app.address, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
        assert_eq!(status_of(&answer), Some(200), "{path}");
    }
}

#[test]
fn broken_requests_are_the_clients_fault() {
    let app = TestApp::start();
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(200_000));
    let header = format!("GET / HTTP/1.1\r\nhost: x\r\nx-a: {}\r\nconnection: close\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(500));
    for request in [
        "GET /s/%ff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /qr/%00.png HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "POST /api/v1/scans HTTP/1.1\r\nhost: x\r\ncontent-length: abc\r\n\r\n{}",
        "POST /api/v1/scans HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{}",
        "NONSENSE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        "BREW /coffee HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        &long,
        &header,
        &many,
    ] {
        let answer = raw(app.address, request.as_bytes());
        let shown = request.get(..60).unwrap_or(request);
        // A service may also hang up on what is no HTTP.
        if let Some(status) = status_of(&answer) {
            assert!((400..500).contains(&status), "{shown}: {status}");
        }
    }
    app.scan(&json!({})).expect(201);
}

/// Runs a property against one service, few times: each case is a call.
fn hold<S: Strategy>(strategy: &S, check: impl Fn(&TestApp, S::Value)) {
    let app = TestApp::start();
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(strategy, |value| {
        check(&app, value);
        Ok(())
    });
    checked.unwrap();
    app.get("/readyz").expect(200);
}

#[test]
fn no_body_breaks_the_service() {
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let parts = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"position\"",
        "\"lat\"",
        "\"lng\"",
        "\"datum\"",
        "\"store\"",
        "\"scan\"",
        "\"visitor\"",
        "\"accuracy_m\"",
        "null",
        "true",
        "1",
        "-0",
        "91.5",
        "1e308",
        "\"gcj02\"",
        "\\u0000",
        "é",
        " ",
    ]);
    let almost = proptest::collection::vec(parts, 0..40).prop_map(|it| it.concat().into_bytes());
    hold(&prop_oneof![bytes, almost], |app, body| {
        let answer = app.post("/api/v1/scans", &body);
        assert!(answer.status < 500, "{body:?}");
        let answer = app.post("/api/v1/scans/x/events", &body);
        assert!((400..500).contains(&answer.status), "{body:?}");
    });
}

#[test]
fn no_query_breaks_the_service() {
    let letters = "[!-\"$-~]{0,120}";
    let parts = proptest::sample::select(vec![
        "lat",
        "lng",
        "datum",
        "k",
        "campaign",
        "page",
        "q",
        "city",
        "store",
        "scan",
        "size",
        "near",
        "province",
        "=",
        "&",
        "1",
        "-1",
        "90",
        "nan",
        "1e999",
        "%",
        "%ff",
        "%E4%B8%8A",
        "+",
        "default",
        "SH-0001",
        "wgs84",
    ]);
    let almost = proptest::collection::vec(parts, 0..30).prop_map(|it| it.concat());
    let path = proptest::sample::select(vec![
        "/",
        "/s/default",
        "/s/default/choose",
        "/api/v1/nearest",
        "/api/v1/stores",
        "/qr/x.png",
        "/nowhere",
    ]);
    hold(&(path, prop_oneof![letters, almost]), |app, (path, query)| {
        let request = format!("GET {path}?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let status = status_of(&raw(app.address, request.as_bytes()));
        assert!(status.is_some_and(|it| it < 500), "{path}?{query}: {status:?}");
    });
}
