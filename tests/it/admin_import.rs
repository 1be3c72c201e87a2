//! Sheets that go in and out through the API: compared, published, live at once, refused in a sentence, and taken back.

use jinqun::staff::Role;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::client::{Answer, eventually};
use crate::harness::{SQUARE, STORES, TestApp};

const STORES_IMPORT: &str = "/api/v1/admin/stores/import";

/// Sends a file as a browser's form does.
pub fn send(app: &TestApp, bearer: &str, path: &str, name: &str, bytes: &[u8]) -> Answer {
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--edge--\r\n"].concat();
    let headers = [("authorization", bearer), ("content-type", "multipart/form-data; boundary=edge")];
    app.call("POST", path, &headers, Some(&body))
}

fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(*cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

fn get(app: &TestApp, bearer: &str, path: &str) -> Answer {
    app.get_with(path, &[("authorization", bearer)])
}

/// Waits until an import is over.
fn ended(app: &TestApp, bearer: &str, id: &Value) -> Value {
    let path = format!("/api/v1/admin/imports/{id}?lang=zh");
    eventually("the import ends", || {
        let job = get(app, bearer, &path).expect(200).json();
        matches!(job["phase"].as_str(), Some("done" | "failed")).then_some(job)
    })
}

const GOOD: &[&[&str]] = &[
    &["门店编号", "门店名称", "纬度", "经度", "坐标系", "群链接"],
    &["SH-0001", "人民广场店", "31.2319", "121.4693", "wgs84", ""],
    &["00286", "<img src=x onerror=alert(1)>", "31.2304", "121.4737", "wgs84", "https://work.weixin.qq.com/gm/new"],
];

#[test]
fn a_workbook_is_compared_published_and_live_at_once() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let book = workbook(GOOD);
    let dry = send(&app, &ops, &format!("{STORES_IMPORT}?dry_run=true"), "a.xlsx", &book).expect(200).json();
    assert_eq!((&dry["rows"], &dry["created"], &dry["version"]), (&json!(2), &json!(1), &Value::Null));
    let created = &dry["differences"][0];
    assert_eq!(
        (&created["of"], &created["id"], &created["kind"], &created["row"]),
        (&json!("store"), &json!("00286"), &json!("created"), &json!(3))
    );
    assert_eq!(get(&app, &ops, "/readyz").json()["catalog_version"], 2, "a dry run changes nothing");

    let answer = send(&app, &ops, STORES_IMPORT, "七月.xlsx", &book).expect(200);
    assert_eq!((answer.header("jinqun-catalog-version"), &answer.json()["version"]), (Some("3"), &json!(3)));
    // Without waiting: the next scan knows the store that stands nearer than the others.
    let position = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 10}});
    assert_eq!(app.scan(&position).expect(201).json()["store"]["id"], "00286");
}

#[test]
fn a_draft_is_applied_without_a_second_upload_and_its_bad_rows_come_back() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let sheet = "id,name,lat,lng,datum\nA,甲,31.1,121.1,wgs84\nB,乙,311.2,121.1,wgs84\nC,+丙,31.1,121.2,\n";
    let path = format!("{STORES_IMPORT}?dry_run=true&background=true");
    let begun = send(&app, &ops, &path, "../a.csv", sheet.as_bytes()).expect(202);
    let id = begun.json()["id"].clone();
    assert_eq!(begun.header("location"), Some(format!("/api/v1/admin/imports/{id}").as_str()));
    let job = ended(&app, &ops, &id);
    assert_eq!((&job["file_name"], &job["can_apply"]), (&json!("a.csv"), &json!(true)));
    let problems = job["report"]["problems"].as_array().unwrap();
    let told: Vec<_> = problems.iter().map(|it| (&it["row"], it["code"].as_str().unwrap())).collect();
    assert_eq!(told, [(&json!(3), "out_of_range"), (&json!(4), "datum_missing")]);
    assert_eq!(problems[1]["message"], "没有写明坐标系；请在页面上选择坐标来自哪种地图");

    // The refused rows as a sheet, with a column that an import passes over.
    let refused = get(&app, &ops, &format!("/api/v1/admin/imports/{id}/problems?lang=zh")).expect(200);
    let again = send(&app, &ops, &format!("{STORES_IMPORT}?dry_run=true&datum=wgs84"), "p.xlsx", &refused.body);
    let again = again.expect(200).json();
    assert_eq!((&again["rows"], &again["rejected"], &again["created"]), (&json!(2), &json!(1), &json!(1)));
    let fields = again["differences"][0]["fields"].as_array().unwrap();
    assert!(fields.iter().any(|it| it["field"] == "name" && it["after"] == "+丙"), "{fields:?}");
    assert!(fields.iter().all(|it| !it["field"].as_str().unwrap().contains("问题")), "{fields:?}");

    let headers = [("authorization", ops.as_str())];
    let apply = format!("/api/v1/admin/imports/{id}/apply?skip_bad_rows=true");
    app.call("POST", &apply, &headers, None).expect(202);
    let job = ended(&app, &ops, &id);
    assert_eq!((&job["report"]["version"], &job["report"]["created"]), (&json!(3), &json!(1)));
    assert_eq!(app.call("POST", &apply, &headers, None).expect(404).problem().code, "not_found", "only once");
}

#[test]
fn what_was_compared_with_an_older_catalog_is_compared_anew() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let path = format!("{STORES_IMPORT}?dry_run=true&background=true");
    let id = send(&app, &ops, &path, "a.xlsx", &workbook(GOOD)).expect(202).json()["id"].clone();
    ended(&app, &ops, &id);
    send(&app, &ops, STORES_IMPORT, "b.xlsx", &workbook(GOOD)).expect(200);
    let headers = [("authorization", ops.as_str())];
    app.call("POST", &format!("/api/v1/admin/imports/{id}/apply"), &headers, None).expect(202);
    let job = ended(&app, &ops, &id);
    assert_eq!((&job["dry_run"], &job["compared_with"]), (&json!(true), &json!(3)));
    assert_eq!((&job["report"]["created"], &job["report"]["unchanged"]), (&json!(0), &json!(2)));
    assert_eq!(job["report"]["version"], Value::Null, "nothing was published");
}

#[test]
fn replacing_says_who_would_go_and_takes_them() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let dry = format!("{STORES_IMPORT}?mode=replace&dry_run=true");
    let report = send(&app, &ops, &dry, "a.xlsx", &workbook(GOOD)).expect(200).json();
    assert_eq!((&report["removed"], &report["version"]), (&json!(11), &Value::Null));
    let gone = report["differences"].as_array().unwrap().iter().filter(|it| it["kind"] == "removed");
    assert!(gone.count() > 11, "their groups go with them");
    let report = send(&app, &ops, &format!("{STORES_IMPORT}?mode=replace"), "a.xlsx", &workbook(GOOD)).expect(200);
    assert_eq!(report.json()["version"], 3);
    let stores = app.get("/api/v1/stores").expect(200).json();
    assert_eq!(stores["total"], 2, "{stores}");
}

#[test]
fn what_goes_out_comes_back_unchanged() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let admin = "/api/v1/admin";
    for (of, rows, formats) in [
        ("stores", 12, ["csv&lang=zh", "csv", "xlsx&lang=zh", "xlsx", "geojson", "jsonl", "jsonl&lang=zh"].as_slice()),
        ("groups", 12, &["csv", "csv&lang=zh", "xlsx", "xlsx&lang=zh", "jsonl&lang=zh"]),
        ("contacts", 1, &["csv", "xlsx&lang=zh", "jsonl"]),
    ] {
        for format in formats {
            let out = get(&app, &ops, &format!("{admin}/{of}/export?format={format}")).expect(200);
            assert_eq!(out.header("jinqun-catalog-version"), Some("2"));
            for mode in ["merge", "replace"] {
                let path = format!("{admin}/{of}/import?mode={mode}");
                let report = send(&app, &ops, &path, "out", &out.body).expect(200).json();
                let got = [&report["rows"], &report["unchanged"], &report["removed"], &report["version"]];
                assert_eq!(got, [&json!(rows), &json!(rows), &json!(0), &json!(2)], "{of} {format} {mode}: {report}");
            }
        }
    }
}

#[test]
fn groups_and_contacts_are_read_from_workbooks() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let book = workbook(&[
        &["编号", "门店编号", "名称", "链接", "码类型", "上限"],
        &["SH-0001-2", "SH-0001", "二群", "https://work.weixin.qq.com/gm/2", "活码", "150"],
        &["SH-0001-3", "XX", "三群", "https://evil.example/", "活码", "0"],
    ]);
    let report =
        send(&app, &ops, "/api/v1/admin/groups/import?skip_bad_rows=true", "群.xlsx", &book).expect(200).json();
    let told: Vec<_> = report["problems"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(told, ["host_not_allowed", "out_of_range"]);
    assert_eq!((&report["created"], &report["version"]), (&json!(1), &json!(3)));
    let book = workbook(&[
        &["编号", "门店编号", "名称", "链接"],
        &["lin", "SH-0001", "小林", "https://work.weixin.qq.com/ca/1"],
    ]);
    let report = send(&app, &ops, "/api/v1/admin/contacts/import", "c.xlsx", &book).expect(200).json();
    assert_eq!((&report["created"], &report["version"]), (&json!(1), &json!(4)));
}

#[test]
fn files_that_are_no_sheets_are_refused_in_a_sentence() {
    let app = TestApp::start();
    let ops = app.bearer(Role::Ops);
    let good = workbook(GOOD);
    let mut locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    let old = locked.clone();
    locked.extend("EncryptedPackage".bytes().flat_map(|it| [it, 0]));
    for (name, bytes, code) in [
        ("photo.jpg", &b"\xff\xd8\xff\xe0 JFIF"[..], "picture"),
        ("stores.pdf", b"%PDF-1.7", "pdf"),
        ("stores.xls", &old, "old_workbook"),
        ("stores.xlsx", &locked, "encrypted"),
        ("stores.xlsx", &good[..good.len() / 2], "workbook_broken"),
        ("stores.xlsx", b"<html>", "markup"),
    ] {
        let report = send(&app, &ops, STORES_IMPORT, name, bytes).expect(200).json();
        assert_eq!((&report["problems"][0]["code"], &report["version"]), (&json!(code), &Value::Null));
        assert!(report["problems"][0]["message"].as_str().unwrap().starts_with("this"), "{report}");
    }
    assert_eq!(send(&app, &ops, STORES_IMPORT, "a.csv", b"").expect(400).problem().fields, ["file"]);
    let headers = [("authorization", ops.as_str()), ("content-type", "text/csv")];
    assert_eq!(app.call("POST", STORES_IMPORT, &headers, Some(b"id")).expect(400).problem().fields, ["file"]);
    let bad = format!("{STORES_IMPORT}?mode=all&datum=mars&dry_run=maybe");
    let mut fields = send(&app, &ops, &bad, "a.csv", STORES.as_bytes()).expect(400).problem().fields;
    fields.sort();
    assert_eq!(fields, ["datum", "dry_run", "mode"]);
}

#[test]
fn only_those_who_may_change_the_catalog_may_import() {
    let app = TestApp::start();
    let viewer = app.bearer(Role::Viewer);
    assert_eq!(send(&app, &viewer, STORES_IMPORT, "a.csv", STORES.as_bytes()).expect(403).problem().code, "forbidden");
    assert_eq!(app.call("POST", STORES_IMPORT, &[], Some(b"x")).expect(401).problem().code, "not_admitted");
    get(&app, &viewer, "/api/v1/admin/stores/export").expect(200);
    get(&app, &viewer, "/api/v1/admin/imports").expect(403);
}

#[test]
fn templates_come_in_both_languages() {
    let app = TestApp::start();
    let viewer = app.bearer(Role::Viewer);
    for of in ["stores", "groups", "contacts"] {
        for lang in ["zh", "en"] {
            let answer = get(&app, &viewer, &format!("/api/v1/admin/{of}/template?lang={lang}")).expect(200);
            assert!(answer.body.starts_with(b"PK"), "{of} {lang}");
            assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
        }
    }
    assert_eq!(get(&app, &viewer, "/api/v1/admin/stores/template?lang=fr").expect(400).problem().fields, ["lang"]);
}

#[test]
fn the_page_of_imports_shows_no_script_of_a_sheet() {
    let app = TestApp::start();
    let ops = app.sign_in(Role::Ops);
    let page = app.get_with("/admin/import", &[("cookie", &ops.cookie)]).expect(200);
    assert!(page.text().contains("/api/v1/admin/stores/template"));
    assert!(!page.text().contains("<script>"), "no script stands in the page");
}
