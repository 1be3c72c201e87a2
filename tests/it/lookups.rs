//! Look-ups that record nothing: nearest stores, lists for choosers, pictures of codes; and what every call has in common.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::client::{raw, status_of};
use crate::harness::TestApp;
use crate::pictures::{decode_png, decode_svg};

fn nearest(app: &TestApp, query: &str) -> Vec<(String, f64)> {
    let answer = app.get(&format!("/api/v1/nearest?{query}")).expect(200);
    assert_eq!(answer.header("jinqun-catalog-version"), Some("2"));
    let json = answer.json();
    assert_eq!(json["catalog_version"], 2);
    let stores = json["stores"].as_array().unwrap();
    let pair = |it: &Value| (it["id"].as_str().unwrap().to_owned(), it["distance_m"].as_f64().unwrap());
    stores.iter().map(pair).collect()
}

#[test]
fn nearest_stores_come_in_order_with_geodesic_distances() {
    let app = TestApp::start();
    // Distances by geographiclib 2.1.
    for (query, expected) in [
        ("lat=31.2304&lng=121.4737", &[("SH-0001", 451.0)][..]),
        (
            "lat=31.2304&lng=121.4737&k=3&datum=wgs84&campaign=default",
            &[("SH-0001", 451.0), ("SH-0002", 1_418.3), ("SH-0003", 2_733.7)],
        ),
        ("lat=39.95&lng=116.44&k=2", &[("BJ-0001", 4_798.2), ("BJ-0002", 5_591.6)]),
        // On either side of the antimeridian.
        ("lat=-16.82&lng=179.999&k=2", &[("FJ-0001", 4_536.0), ("FJ-0002", 10_991.0)]),
        ("lat=-16.82&lng=-179.99&k=2", &[("FJ-0001", 5_403.4), ("FJ-0002", 9_845.3)]),
        // Equal distances at the pole: the smaller id first.
        ("lat=90&lng=0&k=3", &[("NP-0001", 55_847.0), ("NP-0002", 55_847.0), ("XX-0001", 5_017_021.4)]),
        ("lat=90&lng=-170&k=1", &[("NP-0001", 55_847.0)]),
        ("lat=89.9&lng=-170&k=2", &[("NP-0002", 44_677.6), ("NP-0001", 67_016.4)]),
    ] {
        let found = nearest(&app, query);
        let found: Vec<(&str, f64)> = found.iter().map(|(id, it)| (&**id, *it)).collect();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(nearest(&app, "lat=0&lng=0&k=50").len(), 11);
    assert!(app.tags().is_empty(), "a look-up records nothing");
}

#[test]
fn a_found_store_has_the_members_of_the_contract() {
    let app = TestApp::start();
    let answer = app.get("/api/v1/nearest?lat=31.2382&lng=121.4855");
    let expected = json!({"catalog_version": 2, "stores": [
        {"id": "SH-0002", "name": "外滩店", "address": "中山东一路18号", "lat": 31.2382, "lng": 121.4855, "datum": "wgs84",
         "distance_m": 0.0, "hours": "13:00-22:00", "open": false,
         "opens_at": "2026-07-15T13:00:00+08:00"}]});
    assert_eq!(answer.json(), expected);
}

#[test]
fn choosers_list_active_stores_by_city_and_words() {
    let app = TestApp::start();
    let ids = |query: &str| {
        let json = app.get(&format!("/api/v1/stores{query}")).expect(200).json();
        let ids: Vec<String> =
            json["stores"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        ids.join(" ")
    };
    let shanghai = "SH-0001 SH-0002 SH-0003";
    assert_eq!(ids("?city=%E4%B8%8A%E6%B5%B7%E5%B8%82"), shanghai);
    assert_eq!(ids("?city=%E4%B8%8A%E6%B5%B7"), shanghai);
    assert_eq!(ids("?q=%E6%9C%9B%E4%BA%AC"), "BJ-0002");
    assert_eq!(ids("?q=bj-0001"), "BJ-0001");
    assert_eq!(ids("?city=%E4%B8%8A%E6%B5%B7&q=%E5%A4%96%E6%BB%A9"), "SH-0002");
    assert_eq!(ids("?q=wangfujing"), "BJ-0001");
    assert_eq!(ids("?q=wfj"), "BJ-0001");
    assert_eq!(ids("?q=nanjing%20xilu"), "SH-0001 SH-0003", "two words of the address");
    assert!(ids("?q=sh").starts_with("SH-0001 SH-0002 SH-0003 "), "the beginning of an id comes first");
    assert_eq!(ids("?q=nowhere"), "");
    assert_eq!(ids("?page=2"), "");
    let all = app.get("/api/v1/stores").json();
    assert_eq!((&all["total"], &all["pages"], &all["page"]), (&json!(11), &json!(1), &json!(1)));
    let first = &all["stores"][0];
    assert_eq!(
        first,
        &json!({"id": "BJ-0001", "name": "王府井店", "address": "王府井大街138号", "province": "北京市", "city": "北京市",
                "district": "东城区", "lat": 39.913, "lng": 116.411, "datum": "wgs84", "hours": null, "open": null,
                "opens_at": null})
    );
}

#[test]
fn pages_of_a_long_list_hold_every_store_once() {
    let mut sheet = String::from("id,name,lat,lng,datum\n");
    for n in 0..120 {
        writeln!(sheet, "S-{n:03},店{n},{},120,wgs84", 20.0 + f64::from(n) / 10.0).unwrap();
    }
    let app = TestApp::builder().stores(sheet).start();
    let mut seen = Vec::new();
    for page in 1..=3 {
        let json = app.get(&format!("/api/v1/stores?page={page}")).json();
        assert_eq!(json["pages"], 3);
        assert_eq!(json["total"], 120);
        for store in json["stores"].as_array().unwrap() {
            seen.push(store["id"].as_str().unwrap().to_owned());
        }
    }
    let expected: Vec<_> = (0..120).map(|n| format!("S-{n:03}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_join_code_is_a_picture_that_leads_to_the_link() {
    let app = TestApp::start();
    let join = app.scan(&json!({"store": "SH-0001"})).expect(201).json()["join"].take();
    let link = join["url"].as_str().unwrap();
    let (png, svg) = (join["qr_png"].as_str().unwrap(), join["qr_svg"].as_str().unwrap());
    let picture = app.get(png).expect(200);
    assert_eq!(picture.header("content-type"), Some("image/png"));
    assert_eq!(decode_png(&picture.body), (480, 480, link.to_owned()));
    let drawing = app.get(svg).expect(200);
    assert_eq!(drawing.header("content-type"), Some("image/svg+xml"));
    assert_eq!(decode_svg(drawing.text()), link);
    for size in [64, 333, 2048] {
        let picture = app.get(&format!("{png}?size={size}")).expect(200);
        assert_eq!(decode_png(&picture.body), (size, size, link.to_owned()));
    }
}

#[test]
fn a_picture_is_kept_for_long_and_known_by_its_tag() {
    let app = TestApp::start();
    let join = app.scan(&json!({"store": "SH-0001"})).json()["join"].take();
    for (path, other) in [("qr_png", "qr_svg"), ("qr_svg", "qr_png")] {
        let (path, other) = (join[path].as_str().unwrap(), join[other].as_str().unwrap());
        let picture = app.get(path).expect(200);
        let cache = picture.header("cache-control").unwrap();
        assert!(cache.contains("max-age=31536000"), "{cache}");
        let etag = picture.header("etag").unwrap();
        assert!(etag.starts_with('"'), "{etag} is strong");
        let known = app.get_with(path, &[("if-none-match", etag)]).expect(304);
        assert!(known.body.is_empty());
        assert_eq!(known.header("etag"), Some(etag));
        app.get_with(path, &[("if-none-match", "\"old\", W/\"x\"")]).expect(200);
        app.get_with(other, &[("if-none-match", etag)]).expect(200);
        app.get_with(&format!("{path}?size=481"), &[("if-none-match", etag)]).expect(if path.ends_with("svg") {
            304
        } else {
            200
        });
    }
}

#[test]
fn pictures_have_bounds_and_unknown_ones_are_not_there() {
    let app = TestApp::start();
    let join = app.scan(&json!({"store": "SH-0001"})).json()["join"].take();
    let png = join["qr_png"].as_str().unwrap();
    for size in ["63", "2049", "0", "-1", "1e3", "4294967808", "a"] {
        let answer = app.get(&format!("{png}?size={size}")).expect(400);
        assert_eq!(answer.problem().fields, ["size"], "{size}");
    }
    let gif = png.replace(".png", ".gif");
    for path in ["/qr/0000.png", "/qr/x", "/qr/.png", "/qr/%ff.png", &gif] {
        let answer = app.get(path).expect(404);
        assert_eq!(answer.problem().code, "not_found", "{path}");
    }
}

#[test]
fn pages_of_allowed_origins_may_call_and_others_may_not() {
    let app = TestApp::builder().set("allowed_origins", "https://shop.example.com").start();
    let from = |origin| [("origin", origin)];
    let allow = "access-control-allow-origin";
    let path = "/api/v1/nearest?lat=1&lng=1";
    let answer = app.get_with(path, &from("https://shop.example.com"));
    assert_eq!(answer.header(allow), Some("https://shop.example.com"));
    for other in [
        "https://evil.example.com",
        "http://shop.example.com",
        "https://shop.example.com:444",
        "https://shop.example.com.evil.example",
        "null",
    ] {
        let answer = app.get_with(path, &from(other)).expect(200);
        assert_eq!(answer.header(allow), None, "{other}");
    }
    let asking = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        app.call("OPTIONS", "/api/v1/scans", &headers, None)
    };
    let asked = asking("https://shop.example.com").expect(200);
    assert_eq!(asked.header(allow), Some("https://shop.example.com"));
    assert!(asked.header("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(asking("https://evil.example.com").header(allow), None);
    // A problem can be read from there, too.
    let answer = app.get_with("/api/v1/nearest", &from("https://shop.example.com"));
    assert_eq!(answer.expect(400).header(allow), Some("https://shop.example.com"));
}

#[test]
fn without_allowed_origins_nobody_is_allowed() {
    let app = TestApp::start();
    let headers = [("origin", "https://shop.example.com")];
    let answer = app.get_with("/api/v1/nearest?lat=1&lng=1", &headers);
    let allow = "access-control-allow-origin";
    assert_eq!(answer.expect(200).header(allow), None);
}

#[test]
fn every_answer_bears_a_request_id_of_its_own() {
    let app = TestApp::start();
    let mut ids = Vec::new();
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("DELETE", "/", 405, "method_not_allowed"),
        ("GET", "/api/v1/scans", 405, "method_not_allowed"),
        ("POST", "/api/v1/nearest", 405, "method_not_allowed"),
    ] {
        let answer = app.call(method, path, &[], None).expect(status);
        assert_eq!(answer.problem().code, code, "{method} {path}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{path}");
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    for path in ["/", "/healthz", "/metrics", "/api/v1/stores"] {
        let answer = app.get(path).expect(200);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let head = format!(
        "POST /api/v1/scans HTTP/1.1\r\nhost: {0}\r\nconnection: close\r\ncontent-length: 20000\r\n\r\n",
        app.address
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + 20_000, b' ');
    let answer = raw(app.address, &request);
    assert_eq!(status_of(&answer), Some(413));
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.contains("x-request-id: "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}

#[test]
fn a_browser_that_is_lost_gets_a_page_with_a_way_on() {
    let app = TestApp::start();
    let answer = app.get_with("/nowhere", &[("accept", "text/html,*/*")]);
    let answer = answer.expect(404);
    assert!(answer.text().contains("href=\"/s/default/choose\""));
}
