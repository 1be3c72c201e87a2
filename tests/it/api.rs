//! `POST /api/v1/scans` and the steps of a visit, as the contract has them.

use serde_json::{Value, json};

use crate::client::{Answer, Problem};
use crate::harness::{SQUARE, TestApp};

fn square() -> Value {
    json!({"lat": SQUARE.0, "lng": SQUARE.1, "datum": "wgs84", "accuracy_m": 35})
}

fn word(answer: &Answer, member: &str) -> String {
    answer.json()[member].as_str().unwrap().to_owned()
}

fn problem(code: &str, field: &str) -> Problem {
    Problem { code: code.to_owned(), fields: vec![field.to_owned()] }
}

#[test]
fn a_position_is_answered_with_the_nearest_store_and_its_group() {
    let app = TestApp::start();
    let answer = app.scan(&json!({"campaign": "default", "position": square()})).expect(201);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("jinqun-catalog-version"), Some("2"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut json = answer.json();
    let scan = json["scan"].take();
    let visitor = json["visitor"].take();
    assert_eq!(answer.cookie(), visitor.as_str());
    assert!(scan.as_str().is_some_and(|it| it.len() > 26));
    for member in ["id", "qr_png", "qr_svg"] {
        let text = json["join"][member].take();
        assert!(text.as_str().is_some_and(|it| !it.is_empty()), "{member}");
    }
    let expected = json!({
        "campaign": {"slug": "default", "state": "running", "served_by": "default"},
        "scan": null, "visitor": null, "recorded": true,
        "outcome": "routed",
        "fix": {"source": "gps", "accuracy_m": 35.0},
        "store": {"id": "SH-0001", "name": "人民广场店", "address": "南京西路388号", "distance_m": 451.0,
                  "lat": 31.2319, "lng": 121.4693, "datum": "wgs84", "hours": "08:00-22:00", "open": true, "opens_at": null},
        "join": {"kind": "group", "id": null, "name": "人民广场福利群", "url": "https://work.weixin.qq.com/gm/sh0001",
                 "qr_png": null, "qr_svg": null, "expires_at": null},
        "region": {"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": []},
        "tags": ["上海市", "黄浦区", "SH-0001"],
        "fallback": null,
        "seat": "taken",
        "mode": "group",
        "assigned": null,
        "other_route": null,
        "alternatives": [
            {"id": "SH-0002", "name": "外滩店", "address": "中山东一路18号", "distance_m": 1418.3},
            {"id": "SH-0003", "name": "静安寺店", "address": "南京西路1618号", "distance_m": 2733.7}],
    });
    assert_eq!(json, expected);
}

#[test]
fn an_empty_body_is_a_visit_of_somebody_somewhere() {
    let app = TestApp::start();
    for body in ["", "{}", " \n", r#"{"position": null, "store": null, "scan": null}"#] {
        let json = app.post("/api/v1/scans", body).expect(201).json();
        assert_eq!(json["outcome"], "unknown_place", "{body:?}");
        assert_eq!(json["fix"], json!({"source": "none", "accuracy_m": null}));
        assert_eq!(json["store"], Value::Null);
        assert_eq!(json["fallback"], json!({"rung": "campaign", "reason": "unknown_place"}));
        assert_eq!(json["join"]["url"], "https://work.weixin.qq.com/gm/everybody");
    }
    assert_eq!(app.tags().len(), 4);
}

#[test]
fn every_datum_leads_to_the_same_place() {
    // The square in GCJ-02 and BD-09, converted by a program of its own.
    let app = TestApp::start();
    for (datum, lat, lng) in [
        ("wgs84", 31.2304, 121.4737),
        ("gcj02", 31.228_457_74, 121.478_223_06),
        ("bd09", 31.234_310_59, 121.484_781_47),
    ] {
        let position = json!({"lat": lat, "lng": lng, "datum": datum});
        let json = app.scan(&json!({ "position": position })).expect(201).json();
        assert_eq!(json["store"]["id"], "SH-0001", "{datum}");
        let distance_m = json["store"]["distance_m"].as_f64().unwrap();
        assert!((distance_m - 451.0).abs() <= 1.0, "{datum}: {distance_m}");
    }
}

#[test]
fn a_store_without_a_group_leads_to_the_next_one() {
    let app = TestApp::start();
    let at_door = json!({"lat": 31.2243, "lng": 121.4459});
    let json = app.scan(&json!({ "position": at_door })).expect(201).json();
    assert_eq!(json["store"]["id"], "SH-0001");
    assert_eq!(json["fallback"]["rung"], "next_store");
    assert_eq!(json["fallback"]["reason"], "no_join_code");
    assert_eq!(json["fallback"]["store"]["id"], "SH-0003");
    // Nobody else is within the kilometre of this campaign, so the store's manager is shown.
    let json = app.scan(&json!({"campaign": "summer", "position": at_door})).expect(201).json();
    assert_eq!(json["store"]["id"], "SH-0003");
    assert_eq!(json["fallback"]["rung"], "contact");
    assert_eq!(json["join"]["kind"], "contact");
    assert_eq!(json["join"]["url"], "https://work.weixin.qq.com/u/sh0003");
}

#[test]
fn a_chosen_store_wins_over_the_position_and_both_over_the_address() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.mmdb");
    let app = TestApp::builder().set("ip_databases", demo).set("trusted_proxies", "127.0.0.0/8").start();
    let beijing = [("x-forwarded-for", "203.0.113.17")];
    let by_address = app.scan_with(&json!({}), &beijing).expect(201).json();
    assert_eq!(by_address["fix"]["source"], "ip");
    assert_eq!(by_address["region"]["city"], "北京市");
    let by_position = app.scan_with(&json!({"position": square()}), &beijing).expect(201).json();
    assert_eq!(by_position["fix"]["source"], "gps");
    assert_eq!(by_position["store"]["id"], "SH-0001");
    let chosen = app.scan_with(&json!({"position": square(), "store": "GZ-0001"}), &beijing).expect(201).json();
    assert_eq!(chosen["fix"], json!({"source": "chosen", "accuracy_m": null}));
    assert_eq!(chosen["outcome"], "routed");
    assert_eq!(chosen["store"]["id"], "GZ-0001");
    assert_eq!(chosen["store"]["distance_m"], Value::Null);
    assert_eq!(chosen["region"]["city"], "广州市");
}

#[test]
fn far_from_everything_there_is_still_a_way_on() {
    let app = TestApp::start();
    let pacific = json!({"position": {"lat": 0.0, "lng": -140.0, "accuracy_m": 10}});
    let json = app.scan(&pacific).expect(201).json();
    assert_eq!(json["outcome"], "out_of_reach");
    assert_eq!(json["store"], Value::Null);
    assert_eq!(json["fallback"], json!({"rung": "campaign", "reason": "out_of_reach"}));
    assert_eq!(json["join"]["kind"], "group");
    assert_eq!(json["alternatives"][0]["id"], "FJ-0002");
}

#[test]
fn a_coarse_position_asks_the_customer() {
    let app = TestApp::start();
    // 3 km around the middle between SH-0001 and SH-0002.
    let coarse = json!({"lat": 31.2347, "lng": 121.477_05, "accuracy_m": 3000});
    let json = app.scan(&json!({ "position": coarse })).expect(201).json();
    assert_eq!(json["outcome"], "choose");
    let mut listed: Vec<_> = json["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&json["store"]])
        .filter_map(|it| it["id"].as_str())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, ["SH-0001", "SH-0002", "SH-0003"]);
}

#[test]
fn refining_a_visit_is_one_visit() {
    let app = TestApp::start();
    let first = app.scan(&json!({})).expect(201);
    let (scan, visitor) = (word(&first, "scan"), word(&first, "visitor"));
    let second = app.scan(&json!({"scan": scan, "visitor": visitor, "position": square()})).expect(200);
    let third = app.scan(&json!({"scan": scan, "visitor": visitor, "store": "SH-0002"})).expect(200);
    assert_eq!(word(&second, "scan"), scan);
    assert_eq!(word(&third, "scan"), scan);
    let tags = app.tags();
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].scan.to_string(), first.visit());
    assert_eq!(tags[0].store.as_ref().unwrap().as_str(), "SH-0002");
    assert_eq!(tags[0].source.as_str(), "chosen");
    // The clock stands; the third answer is two revisions after the first all the same.
    assert_eq!(tags[0].revision, app_now_us() + 2, "the highest revision stays");
}

/// [`crate::harness::NOW`] in microseconds since 1970.
fn app_now_us() -> i64 {
    1_784_088_000_000_000
}

#[test]
fn the_token_remembers_the_visitor_and_the_store() {
    let app = TestApp::start();
    let first = app.scan(&json!({"position": square()})).expect(201);
    let token = word(&first, "visitor");
    let again = app.scan(&json!({ "visitor": token })).expect(201);
    assert_eq!(again.json()["fix"]["source"], "previous");
    assert_eq!(again.json()["store"]["id"], "SH-0001");
    let cookie = format!("other=1; jinqun={token}");
    let with_cookie = app.scan_with(&json!({}), &[("cookie", &cookie)]).expect(201);
    assert_eq!(with_cookie.json()["fix"]["source"], "previous");
    let tags = app.tags();
    assert_eq!(tags.len(), 3);
    assert!(tags.iter().all(|it| it.visitor == tags[0].visitor));
    assert_ne!(first.visit(), again.visit());
}

#[test]
fn a_forged_token_is_a_stranger() {
    let app = TestApp::start();
    let first = app.scan(&json!({"position": square()})).expect(201);
    let token = word(&first, "visitor");
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let forged = format!("{}{last}", token.split_at(token.len() - 1).0);
    for token in [&*forged, "nonsense", "a.b.c", "☃", &"x".repeat(9_000)] {
        let answer = app.scan(&json!({ "visitor": token })).expect(201);
        assert_eq!(answer.json()["fix"]["source"], "none", "{token}");
    }
    let tags = app.tags();
    let mut visitors: Vec<_> = tags.iter().map(|it| it.visitor.to_string()).collect();
    visitors.sort_unstable();
    visitors.dedup();
    assert_eq!(visitors.len(), 6, "everybody is somebody else");
}

#[test]
fn a_scan_of_somebody_else_opens_a_visit() {
    let app = TestApp::start();
    let first = app.scan(&json!({"position": square()})).expect(201);
    let other = app.scan(&json!({"store": "BJ-0001"})).expect(201);
    let mixed = json!({"scan": word(&first, "scan"), "visitor": word(&other, "visitor")});
    let answer = app.scan(&mixed).expect(201);
    assert_ne!(answer.visit(), first.visit());
    let tags = app.tags();
    assert_eq!(tags.len(), 3);
    let kept = tags.iter().find(|it| it.scan.to_string() == first.visit());
    assert_eq!(kept.unwrap().store.as_ref().unwrap().as_str(), "SH-0001", "nobody changes the visit of another");
    // A garbled scan id is no visit at all.
    app.scan(&json!({"scan": "01J…"})).expect(201);
}

#[test]
fn steps_are_kept_and_nonsense_is_named() {
    let app = TestApp::start();
    let first = app.scan(&json!({})).expect(201);
    let scan = word(&first, "scan");
    let path = format!("/api/v1/scans/{scan}/events");
    for event in ["pressed", "refused", "not_mine", "pressed"] {
        let answer = app.post(&path, json!({ "event": event }).to_string());
        assert!(answer.expect(204).body.is_empty());
    }
    let kept: Vec<_> = app.steps().iter().map(|it| it.step.as_str()).collect();
    assert_eq!(kept, ["not_mine", "pressed", "refused"]);
    for (body, code) in
        [(r#"{"event": "danced"}"#, "invalid_fields"), (r#"{"event": 1}"#, "invalid_fields"), ("{}", "invalid_fields")]
    {
        let answer = app.post(&path, body).expect(400);
        assert_eq!(answer.problem(), problem(code, "event"), "{body}");
    }
    let (visit, rest) = scan.split_at(26);
    let forged = format!("{visit}{}", "0".repeat(rest.len()));
    for scan in [&*forged, visit, "x"] {
        let path = format!("/api/v1/scans/{scan}/events");
        let answer = app.post(&path, r#"{"event": "pressed"}"#).expect(404);
        assert_eq!(answer.problem(), problem("unknown_scan", "scan"));
    }
    assert_eq!(app.steps().len(), 3);
}

#[test]
fn time_opens_stores_and_ends_codes() {
    let sheet = "id,name,lat,lng,datum,hours,group_url,group_expires,contact_url\n\
        A,早店,31.2,121.4,wgs84,12:30-22:00,https://work.weixin.qq.com/gm/a,2026-07-15T13:00:00+08:00,https://work.weixin.qq.com/u/a\n";
    let app = TestApp::builder().stores(sheet).start();
    let visit = || app.scan(&json!({"position": {"lat": 31.2, "lng": 121.4}})).expect(201).json();
    let noon = visit();
    assert_eq!(noon["store"]["open"], false);
    assert_eq!(noon["join"]["kind"], "group");
    assert_eq!(noon["join"]["expires_at"], "2026-07-15T13:00:00+08:00");
    app.clock.advance_ms(3_600_000);
    let one = visit();
    assert_eq!(one["store"]["open"], true);
    assert_eq!(one["join"]["kind"], "contact");
    assert_eq!(one["fallback"], json!({"rung": "contact", "reason": "expired"}));
}
