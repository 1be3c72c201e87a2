//! The numbers, the ranking and the explanation from outside.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::{SQUARE, STORES, TestApp};

const TOKEN: &str = "an admin token of some length";
const DAY_MS: i64 = 86_400_000;

fn start() -> TestApp {
    TestApp::builder().set("admin_token", TOKEN).start()
}

fn get(app: &TestApp, path: &str) -> Answer {
    app.get_with(path, &[("authorization", &format!("Bearer {TOKEN}"))])
}

/// A visit at a store that ends with a press if wanted.
fn visit(app: &TestApp, store: &str, presses: bool) {
    let told = app.scan(&json!({"store": store})).expect(201).json();
    if presses {
        let scan = told["scan"].as_str().unwrap();
        app.post(&format!("/api/v1/scans/{scan}/events"), r#"{"event": "pressed"}"#).expect(204);
    }
}

#[test]
fn a_decision_is_explained_in_any_datum_and_leaves_no_trace() {
    let app = start();
    let told = get(&app, "/api/v1/admin/explain?lat=31.2304&lng=121.4737&accuracy_m=20").expect(200).json();
    assert_eq!(
        (&told["outcome"], &told["store"], &told["distance_m"]),
        (&json!("routed"), &json!("SH-0001"), &json!(451.0))
    );
    let rows: Vec<(&str, &str)> = told["considered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["verdict"].as_str().unwrap()))
        .collect();
    let (near, far) = rows.split_at(4);
    assert_eq!(near, [("SH-0004", "paused"), ("SH-0001", "chosen"), ("SH-0002", "farther"), ("SH-0003", "farther")]);
    assert_eq!(far, [("BJ-0001", "beyond_reach")]);
    assert_eq!(told["considered"][1]["lat"], 31.2319);
    assert_eq!(told["join"]["name"], "人民广场福利群");
    assert_eq!(told["steps"][0]["verdict"], "shown");
    // The square in GCJ-02, from the transformation that maps of China use.
    let moved = get(&app, "/api/v1/admin/explain?lat=31.2284&lng=121.4782&datum=gcj02").expect(200).json();
    let (lat, lng) = (moved["place"]["lat"].as_f64().unwrap(), moved["place"]["lng"].as_f64().unwrap());
    assert!((lat - SQUARE.0).abs() < 2e-4 && (lng - SQUARE.1).abs() < 2e-4, "{lat} {lng}");
    let chosen = get(&app, "/api/v1/admin/explain?store=BJ-0001&campaign=summer").expect(200).json();
    assert_eq!((&chosen["source"], &chosen["store"]), (&json!("chosen"), &json!("BJ-0001")));
    let nowhere = get(&app, "/api/v1/admin/explain?ip=192.0.2.1").expect(200).json();
    assert_eq!((&nowhere["outcome"], &nowhere["place"]), (&json!("unknown_place"), &Value::Null));
    assert!(app.tags().is_empty());
}

#[test]
fn a_question_that_makes_no_sense_names_its_fields() {
    let app = start();
    let wrong = |path: &str, status, code: &str, fields: &[&str]| {
        let problem = get(&app, path).expect(status).problem();
        assert_eq!(
            (problem.code.as_str(), problem.fields),
            (code, fields.iter().map(ToString::to_string).collect()),
            "{path}"
        );
    };
    wrong("/api/v1/admin/explain", 400, "invalid_fields", &["lat", "lng"]);
    wrong(
        "/api/v1/admin/explain?lat=91&lng=x&datum=mars&accuracy_m=-1",
        400,
        "invalid_fields",
        &["lng", "datum", "lat", "accuracy_m"],
    );
    wrong("/api/v1/admin/explain?ip=somewhere", 400, "invalid_fields", &["ip"]);
    wrong("/api/v1/admin/explain?store=NONE", 404, "unknown_store", &["store"]);
    wrong("/api/v1/admin/explain?lat=1&lng=1&campaign=none", 404, "unknown_campaign", &["campaign"]);
    wrong("/api/v1/admin/numbers?from=x&by=weather&count=cats", 400, "invalid_fields", &["from", "by", "count"]);
    wrong("/api/v1/admin/numbers?from=2026-07-02&to=2026-07-01", 400, "invalid_fields", &["to"]);
    wrong("/api/v1/admin/numbers?from=2020-07-02&to=2026-07-01", 400, "invalid_fields", &["from"]);
    wrong("/api/v1/admin/funnel/chart.svg?part=pie&width=9", 400, "invalid_fields", &["width", "part"]);
    wrong("/api/v1/admin/ranking?by=luck&format=pdf&page=0", 400, "invalid_fields", &["by", "page", "format"]);
    for path in ["explain?lat=1&lng=1", "numbers", "funnel/chart.svg", "ranking"] {
        app.get(&format!("/api/v1/admin/{path}")).expect(401);
    }
}

#[test]
fn the_numbers_stand_beside_those_of_the_days_before() {
    let app = start();
    visit(&app, "SH-0001", true);
    app.clock.advance_ms(2 * DAY_MS);
    visit(&app, "SH-0001", true);
    visit(&app, "SH-0001", false);
    visit(&app, "BJ-0001", false);
    app.tags();
    let told = get(&app, "/api/v1/admin/numbers?from=2026-07-16&to=2026-07-17").expect(200).json();
    assert_eq!((&told["before_from"], &told["before_to"]), (&json!("2026-07-14"), &json!("2026-07-15")));
    let of = |it: &Value| ["scanned", "shown", "pressed", "joined"].map(|stage| it[stage].as_i64().unwrap());
    assert_eq!((of(&told["total"]), of(&told["before"])), ([3, 3, 1, 0], [1, 1, 1, 0]));
    let days: Vec<(&str, i64)> = told["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["day"].as_str().unwrap(), it["counts"]["scanned"].as_i64().unwrap()))
        .collect();
    assert_eq!(days, [("2026-07-16", 0), ("2026-07-17", 3)]);
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), ["人民广场店", "王府井店"]);
    // A week that ends today is what nobody needs to ask for.
    assert_eq!(of(&get(&app, "/api/v1/admin/numbers").json()["total"]), [4, 4, 2, 0]);
    assert_eq!(of(&get(&app, "/api/v1/admin/numbers?campaign=summer").json()["total"]), [0, 0, 0, 0]);
}

#[test]
fn a_chart_is_a_picture_that_says_what_it_shows() {
    let app = start();
    visit(&app, "SH-0001", true);
    visit(&app, "XX-0001", false);
    app.tags();
    for part in ["days", "stages", "rows"] {
        let chart = get(&app, &format!("/api/v1/admin/funnel/chart.svg?part={part}&width=340&lang=zh")).expect(200);
        assert_eq!(chart.header("content-type"), Some("image/svg+xml; charset=utf-8"));
        let svg = chart.text();
        assert!(svg.starts_with("<svg ") && svg.contains("width=\"340\"") && svg.contains("role=\"img\""), "{svg}");
        assert!(svg.contains("<title id=\"t\">") && svg.contains("prefers-color-scheme:dark"), "{svg}");
        assert!(!svg.contains("<script") && !svg.contains("<img"), "{svg}");
    }
    let rows = get(&app, "/api/v1/admin/funnel/chart.svg?part=rows").text().to_owned();
    assert!(rows.contains("人民广场店") && rows.contains("&lt;script&gt;"), "{rows}");
    let english = get(&app, "/api/v1/admin/funnel/chart.svg?part=stages&lang=en").text().to_owned();
    assert!(english.contains("Saw a code") && english.contains("Scanned 2 (0)"), "{english}");
    get(&app, "/api/v1/admin/funnel/chart.svg?part=routes").expect(404);
}

#[test]
fn stores_and_managers_are_ranked_by_what_they_brought_in() {
    let sheet = "id,name,lat,lng,datum,group_url,contact_url,contact_name\n\
        A,甲店,31.2,121.4,wgs84,https://work.weixin.qq.com/gm/a,https://work.weixin.qq.com/u/li,李雷\n\
        B,乙店,31.3,121.4,wgs84,https://work.weixin.qq.com/gm/b,https://work.weixin.qq.com/u/li,李雷\n\
        C,=丙店,31.4,121.4,wgs84,https://work.weixin.qq.com/gm/c,https://work.weixin.qq.com/u/han,韩梅梅\n\
        D,丁店,31.5,121.4,wgs84,https://work.weixin.qq.com/gm/d,,\n";
    let app = TestApp::builder().set("admin_token", TOKEN).stores(sheet).start();
    for (store, presses) in
        [("A", true), ("A", false), ("B", true), ("C", true), ("C", true), ("C", false), ("D", true)]
    {
        visit(&app, store, presses);
    }
    app.tags();
    let ranked = |by: &str| {
        let told = get(&app, &format!("/api/v1/admin/ranking?by={by}")).expect(200).json();
        let row = |it: &Value| {
            let visitors = &it["visitors"];
            let number = |stage: &str| visitors[stage].as_i64().unwrap();
            (
                it["rank"].as_i64().unwrap(),
                it["name"].as_str().unwrap().to_owned(),
                number("pressed"),
                number("scanned"),
            )
        };
        told["items"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let rows =
        |rows: &[(i64, &str, i64, i64)]| rows.iter().map(|it| (it.0, it.1.to_owned(), it.2, it.3)).collect::<Vec<_>>();
    assert_eq!(ranked("store"), rows(&[(1, "=丙店", 2, 3), (2, "甲店", 1, 2), (3, "乙店", 1, 1), (3, "丁店", 1, 1)]));
    assert_eq!(ranked("manager"), rows(&[(1, "李雷", 2, 3), (1, "韩梅梅", 2, 3), (3, "", 1, 1)]));
    let second = get(&app, "/api/v1/admin/ranking?page=2&per_page=3").json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["total"]), (1, &json!(4)));
    let csv = get(&app, "/api/v1/admin/ranking?format=csv");
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"ranking-2026-07-09-2026-07-15.csv\""));
    assert!(csv.text().contains("\r\n1,C,'=丙店,") || csv.text().contains("1,C,\"'=丙店\""), "{}", csv.text());
    let xlsx = get(&app, "/api/v1/admin/ranking?by=manager&format=xlsx").expect(200);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(xlsx.body)).unwrap();
    let name = book.sheet_names()[0].clone();
    let sheet = book.worksheet_range(&name).unwrap();
    assert_eq!(sheet.get((1, 2)), Some(&Data::String("李雷".to_owned())));
    assert_eq!(sheet.get((1, 3)), Some(&Data::String("甲店;乙店".to_owned())));
    assert_eq!(sheet.get((1, 5)), Some(&Data::Float(2.0)));
}

#[test]
fn the_funnel_comes_as_a_workbook_too() {
    let app = start();
    visit(&app, "SH-0001", true);
    app.tags();
    let wanted = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let admit = format!("Bearer {TOKEN}");
    for (path, accept) in
        [("/api/v1/admin/funnel?by=store", wanted), ("/api/v1/admin/funnel?by=store&format=xlsx", "*/*")]
    {
        let answer = app.get_with(path, &[("authorization", &admit), ("accept", accept)]).expect(200);
        assert_eq!(answer.header("content-type"), Some(wanted));
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(answer.body)).unwrap();
        let name = book.sheet_names()[0].clone();
        assert_eq!(book.worksheet_range(&name).unwrap().get((1, 0)), Some(&Data::String("SH-0001".to_owned())));
    }
}

#[test]
fn the_pages_answer_and_show_no_markup_of_names() {
    let campaign = "\n[[campaign]]\nslug = \"evil\"\nname = \"<img src=x onerror=alert(9)>\"\n";
    let app = TestApp::builder().set("admin_token", TOKEN).campaigns(campaign).start();
    assert!(STORES.contains("<script>"));
    for path in ["/admin", "/admin/test", "/admin/numbers", "/admin/alerts"] {
        let page = get(&app, path).expect(200);
        let text = page.text();
        assert!(!text.contains("<img src=x") && !text.contains("<script>alert"), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"), "{path}");
    }
    let empty = TestApp::builder().set("admin_token", TOKEN).empty().start();
    assert!(get(&empty, "/admin").expect(200).text().contains("/admin/import"));
}
