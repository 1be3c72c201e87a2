//! The funnel from outside: what makes a visit, what is counted, who may see it, and that it agrees with the records.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::harness::{CAMPAIGNS, SQUARE, STORES, TestApp};
use crate::process::{Service, run, run_well};

const TOKEN: &str = "an admin token of some length";
const BROWSER: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.49";

fn start() -> TestApp {
    TestApp::builder().set("admin_token", TOKEN).start()
}

fn at_square() -> Value {
    json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20}})
}

fn funnel(app: &TestApp, query: &str) -> Value {
    // What was acknowledged is in storage first.
    app.tags();
    let admit = format!("Bearer {TOKEN}");
    app.get_with(&format!("/api/v1/admin/funnel{query}"), &[("authorization", &admit)]).expect(200).json()
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &Answer) -> String {
    let lines = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    lines.map(|it| it.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

fn page(client: &Client, path: &str, cookie: &str) -> Answer {
    client.get_with(path, &[("user-agent", BROWSER), ("cookie", cookie)]).expect(200)
}

#[test]
fn a_visit_counts_for_every_stage_that_it_reached() {
    let app = start();
    let first = app.scan(&at_square()).expect(201).json();
    let scan = first["scan"].as_str().unwrap();
    app.post(&format!("/api/v1/scans/{scan}/events"), r#"{"event": "pressed"}"#).expect(204);
    // The same visitor again on that day, and a stranger of whom no place is known.
    app.scan(&json!({"visitor": first["visitor"], "store": "BJ-0001"})).expect(201);
    app.scan(&json!({})).expect(201);
    let told = funnel(&app, "?by=day");
    let six = |scanned, located, shown, pressed| json!({"scanned": scanned, "located": located, "shown": shown, "pressed": pressed, "joined": 0, "left": 0});
    assert_eq!(told["rows"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["rows"][0]["day"], "2026-07-15");
    assert_eq!(told["rows"][0]["visits"], six(3, 2, 3, 1));
    assert_eq!(told["rows"][0]["visitors"], six(2, 1, 2, 1));
    assert_eq!(told["total"]["visits"], told["rows"][0]["visits"]);
    let by_store = funnel(&app, "?by=store,source");
    let rows = by_store["rows"].as_array().unwrap();
    let words: Vec<_> = rows.iter().map(|it| (it["store"].as_str(), it["source"].as_str().unwrap())).collect();
    assert_eq!(words, [(None, "none"), (Some("BJ-0001"), "chosen"), (Some("SH-0001"), "gps")]);
    // The visitor counts where the visit went furthest, and nowhere else.
    assert_eq!(rows[1]["visitors"], six(0, 0, 0, 0));
    assert_eq!(rows[2]["visitors"], six(1, 1, 1, 1));
    assert_eq!(by_store["total"], told["total"]);
    assert_eq!(funnel(&app, "?from=2026-07-16")["rows"], json!([]));
    assert_eq!(funnel(&app, "?by=region&campaign=default&to=2026-07-15")["rows"][2]["region"], "北京市/东城区");
}

#[test]
fn a_refined_visit_is_counted_as_it_ended() {
    let app = start();
    let first = app.scan(&json!({})).expect(201).json();
    assert_eq!(funnel(&app, "?by=source")["rows"][0]["source"], "none");
    let mut refined = at_square();
    refined["scan"] = first["scan"].clone();
    app.scan(&refined).expect(200);
    let told = funnel(&app, "?by=source");
    assert_eq!(told["rows"].as_array().unwrap().len(), 1);
    assert_eq!(told["rows"][0]["source"], "gps");
    assert_eq!(told["rows"][0]["visits"]["scanned"], 1);
}

#[test]
fn a_page_that_is_looked_at_again_is_one_visit() {
    let app = start();
    let first = page(&app, "/", "");
    let mut cookie = cookies(&first);
    assert!(cookie.contains("jinqun=") && cookie.contains("jinqun_"), "{cookie}");
    for _ in 0..3 {
        app.clock.advance_ms(60_000);
        cookie = cookies(&page(&app, "/", &cookie));
    }
    assert_eq!(app.tags().len(), 1);
    assert_eq!(app.metric("jinqun_seen_again_total"), 3);
    // Another campaign is another visit, and the first one is still the same.
    let other = cookies(&page(&app, "/s/summer", &cookie));
    page(&app, "/", &format!("{other}; {cookie}"));
    assert_eq!(app.tags().len(), 2);
    // So is the same one after half an hour.
    app.clock.advance_ms(30 * 60_000);
    page(&app, "/", &cookie);
    assert_eq!(app.tags().len(), 3);
    // Nobody else is taken for that visitor.
    page(&app, "/", &cookie.replace("jinqun=", "x="));
    assert_eq!(app.tags().len(), 4);
}

#[test]
fn looking_again_takes_nothing_from_what_is_known_of_a_visit() {
    let app = start();
    let first = page(&app, "/", "");
    let scan = first.text().split("data-scan=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut exact = at_square();
    exact["scan"] = scan.into();
    let exact = exact.to_string();
    let refined =
        app.call("POST", "/api/v1/scans", &[("cookie", &cookies(&first))], Some(exact.as_bytes())).expect(200);
    page(&app, "/", &cookies(&refined));
    let tags = app.tags();
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].source.as_str(), "gps");
}

#[test]
fn crawlers_previews_and_prefetches_make_no_visits() {
    let app = start();
    let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    for (name, value) in [
        ("user-agent", bot),
        ("user-agent", "WhatsApp/2.23 LinkPreview"),
        ("user-agent", "curl/8.5.0"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let answer = app.get_with("/", &[(name, value)]).expect(200);
        assert!(answer.text().contains("</html>") && answer.text().contains("data-scan=\"\""), "{value}");
        assert_eq!(answer.header("set-cookie"), None, "{value}");
    }
    app.call("HEAD", "/", &[], None).expect(200);
    let answer = app.scan_with(&at_square(), &[("user-agent", bot)]).expect(202);
    assert_eq!((answer.header("set-cookie"), &answer.json()["recorded"]), (None, &json!(false)));
    assert_eq!(app.tags().len(), 0);
    assert_eq!(funnel(&app, "")["rows"], json!([]));
    assert_eq!(app.metric("jinqun_robots_total"), 7);
    // A program that calls for somebody is no crawler.
    app.scan_with(&at_square(), &[("user-agent", "curl/8.5.0")]).expect(201);
    assert_eq!(app.tags().len(), 1);
}

#[test]
fn only_the_token_of_the_settings_opens_the_funnel() {
    let app = start();
    for headers in
        [&[][..], &[("authorization", "Bearer another token of that length")], &[("authorization", "Basic x")]]
    {
        let answer = app.get_with("/api/v1/admin/funnel", headers);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.expect(401).problem().code, "not_admitted");
    }
    let closed = TestApp::start();
    let answer = closed.get_with("/api/v1/admin/funnel", &[("authorization", "Bearer ")]).expect(401);
    assert_eq!(answer.problem().code, "not_admitted");
}

#[test]
fn wrong_questions_name_every_field() {
    let app = start();
    let admit = format!("Bearer {TOKEN}");
    let ask = |query: &str| app.get_with(&format!("/api/v1/admin/funnel{query}"), &[("authorization", &admit)]);
    assert_eq!(ask("?from=yesterday&to=2026-02-30&by=weather").expect(400).problem().fields, ["from", "to", "by"]);
    assert_eq!(ask("?from=2026-07-02&to=2026-07-01").expect(400).problem().fields, ["to"]);
    assert_eq!(ask("?by=day,day").expect(400).problem().fields, ["by"]);
    let table =
        app.get_with("/api/v1/admin/funnel?by=mode", &[("authorization", &admit), ("accept", "text/csv")]).expect(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(table.text().starts_with("\u{feff}mode,visits_scanned,visits_located,visits_shown,visits_pressed"));
    let compared = ask("?by=mode").expect(200).json();
    assert_eq!(compared["comparison"]["unit"], "visitors");
}

#[test]
fn the_funnel_agrees_with_the_records_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    std::fs::write(folder.path().join("campaigns.toml"), CAMPAIGNS).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    run_well(folder.path(), &["import", "campaigns", "campaigns.toml"]);
    let mut visits = 0;
    for round in 0..3 {
        let mut service = Service::start(folder.path(), &["serve"], &[]);
        for n in 0..40 + 7 * round {
            let first = service.client.scan(&at_square()).expect(201).json();
            visits += 1;
            if n % 3 == 0 {
                let again = json!({"scan": first["scan"], "store": "BJ-0001"});
                service.client.scan(&again).expect(200);
                let path = format!("/api/v1/scans/{}/events", first["scan"].as_str().unwrap());
                service.client.post(&path, r#"{"event": "pressed"}"#).expect(204);
            }
        }
        service.kill();
    }
    let checked = run_well(folder.path(), &["export", "funnel", "--check"]);
    assert!(checked.starts_with(&format!("{visits} visits counted")) && checked.contains(", 0 differ"), "{checked}");
    let told: Value =
        serde_json::from_str(&run_well(folder.path(), &["export", "funnel", "--format", "json"])).unwrap();
    assert_eq!(told["total"]["visits"]["scanned"], visits);
    assert_eq!(told["total"]["visits"]["pressed"], 14 + 16 + 18);
    let lines = run_well(folder.path(), &["export", "funnel", "--by", "store", "--format", "jsonl"]);
    let stores: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!((&stores[0]["store"], &stores[0]["visits_scanned"]), (&json!("BJ-0001"), &json!(48)));
    // Tallies that are not those of the records are found.
    let beside = rusqlite::Connection::open(folder.path().join("data/jinqun.sqlite")).unwrap();
    beside.execute("UPDATE tally SET v3 = v3 + 1 WHERE store = 'BJ-0001'", ()).unwrap();
    let output = run(folder.path(), &["export", "funnel", "--check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains(" differ\n  day "), "{output:?}");
    let output = run(folder.path(), &["check"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("cells of the funnel are not what the records say"));
    for wrong in [["--from", "soon"], ["--by", "weather"], ["--campaign", "a/b"]] {
        let output = run(folder.path(), &["export", "funnel", wrong[0], wrong[1]]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(wrong[0]), "{output:?}");
    }
}
