//! What holds at the edges of every call: words that are no flags, tags that cannot be read, tables that are not wished for, heads,
//! and errors that pages of other origins may read.

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::harness::{TestApp, boxes};

const SHOP: &str = "https://shop.example.com";

/// Calls as somebody of the operations team.
struct Desk {
    app: TestApp,
    bearer: String,
}

impl Desk {
    fn start() -> Self {
        let app = TestApp::start();
        let bearer = app.bearer(Role::Ops);
        Self { app, bearer }
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_with(method, path, body, &[])
    }

    #[track_caller]
    fn call_with(&self, method: &str, path: &str, body: Option<&Value>, more: &[(&str, &str)]) -> Answer {
        let headers = [&[("authorization", &*self.bearer), ("content-type", "application/json")], more].concat();
        let body = body.map(ToString::to_string);
        self.app.call(method, &format!("/api/v1/admin/{path}"), &headers, body.as_deref().map(str::as_bytes))
    }

    /// Sends a file as a browser's form does.
    fn send(&self, path: &str, name: &str, text: &str) -> Answer {
        let body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--edge--\r\n"
        );
        let headers = [("authorization", &*self.bearer), ("content-type", "multipart/form-data; boundary=edge")];
        self.app.call("POST", &format!("/api/v1/admin/{path}"), &headers, Some(body.as_bytes()))
    }

    fn version(&self) -> Value {
        self.call("GET", "catalog", None).expect(200).json()["version"].clone()
    }
}

#[test]
fn a_word_that_is_no_flag_is_refused_and_changes_nothing() {
    let desk = Desk::start();
    let before = desk.version();
    let map = boxes(&[(r#"{"adcode":"310000","name":"上海市","level":"province"}"#, [30.7, 120.9, 31.9, 122.1])]);
    for field in ["dry_run", "accept_crossings"] {
        let answer = desk.send(&format!("regions/import?{field}=yes"), "map.geojson", &map).expect(400);
        assert_eq!(answer.problem().fields, [field]);
        assert_eq!(answer.json()["errors"][0]["code"], "not_a_flag");
    }
    for (method, path, field) in [
        ("DELETE", "stores/SH-0001?with_groups=yes", "with_groups"),
        ("GET", "stores?problem=yes", "problem"),
        ("GET", "campaigns/default/code.svg?logo=yes", "logo"),
        ("POST", "wecom/sync?dry_run=yes", "dry_run"),
    ] {
        assert_eq!(desk.call(method, path, None).expect(400).problem().fields, [field], "{path}");
    }
    assert_eq!(desk.version(), before);
    desk.send("regions/import?dry_run=1", "map.geojson", &map).expect(200);
    assert_eq!(desk.version(), before);
}

#[test]
fn a_word_of_the_addresses_is_no_id() {
    let desk = Desk::start();
    let before = desk.version();
    for id in ["import", "export", "template", "order", "new", ".."] {
        let store = json!({"id": id, "name": "店", "lat": 31.0, "lng": 121.0, "datum": "wgs84"});
        let answer = desk.call("POST", "stores", Some(&store)).expect(400);
        assert_eq!(answer.problem().fields, ["id"], "{id}");
        assert_eq!(answer.json()["errors"][0]["code"], "reserved_word", "{id}");
        let group =
            json!({"id": id, "owner": {"store": "SH-0001"}, "name": "群", "url": "https://work.weixin.qq.com/gm/n"});
        for kind in ["groups", "contacts"] {
            assert_eq!(desk.call("POST", kind, Some(&group)).expect(400).problem().fields, ["id"], "{id}");
        }
    }
    for (path, name, text, column) in [
        ("stores/import", "a.csv", "id,name,lat,lng,datum\nimport,店,31,121,wgs84\n".to_owned(), "id"),
        (
            "groups/import",
            "a.csv",
            "id,store,name,url\norder,SH-0001,群,https://work.weixin.qq.com/gm/n\n".to_owned(),
            "id",
        ),
        (
            "regions/import",
            "a.geojson",
            boxes(&[(r#"{"code":"import","name":"区","level":"area"}"#, [31.0, 121.0, 31.1, 121.1])]),
            "code",
        ),
    ] {
        let report = desk.send(path, name, &text).expect(200).json();
        let problem = &report["problems"][0];
        assert_eq!(
            (&problem["column"], &problem["code"]),
            (&json!(column), &json!("reserved_word")),
            "{path} {report}"
        );
    }
    assert_eq!(desk.version(), before);
}

#[test]
fn a_tag_that_cannot_be_read_is_no_absent_one() {
    let desk = Desk::start();
    let name = json!({"name": "新名"});
    for tag in ["\"é\"", "garbage", ""] {
        let answer = desk.call_with("PATCH", "stores/SH-0002", Some(&name), &[("if-match", tag)]);
        assert_eq!(answer.expect(412).problem().code, "stale", "{tag}");
    }
    let tag = desk.call("GET", "stores/SH-0002", None).header("etag").unwrap().to_owned();
    let lines = [("if-match", "\"other\""), ("if-match", &*tag)];
    desk.call_with("PATCH", "stores/SH-0002", Some(&name), &lines).expect(200);
}

#[test]
fn a_table_is_given_where_it_is_wished_for_most() {
    let desk = Desk::start();
    let (json, csv) = ("application/json", "text/csv; charset=utf-8");
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (accept, given) in [
        ("text/csv", csv),
        ("text/csv, */*;q=0.1", csv),
        ("text/csv, */*", csv),
        ("text/*", csv),
        ("text/csv, application/json", csv),
        (xlsx, xlsx),
        ("application/json, text/csv;q=0.1", json),
        ("application/json, text/csv", json),
        ("text/csv;q=0, application/json", json),
        ("text/csv;q=0", json),
        ("text/csv;q=0, */*", json),
        ("*/*", json),
        ("text/html", json),
        ("", json),
    ] {
        for path in ["funnel", "ranking"] {
            let answer = desk.call_with("GET", path, None, &[("accept", accept)]).expect(200);
            assert_eq!(answer.header("content-type"), Some(given), "{path} {accept:?}");
        }
    }
}

#[test]
fn the_head_is_answered_wherever_the_whole_is() {
    let desk = Desk::start();
    let scan = desk.app.scan(&json!({"store": "SH-0001"})).expect(201).json();
    let picture = scan["join"]["qr_png"].as_str().unwrap();
    for path in [picture, "/metrics", "/openapi.json", "/docs", "/s/default/choose", "/api/v1/stores", "/healthz"] {
        let whole = desk.app.get(path).expect(200);
        let head = desk.app.call("HEAD", path, &[], None).expect(200);
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
        assert!(head.body.is_empty() && !whole.body.is_empty(), "{path}");
    }
    desk.call("HEAD", "stores", None).expect(200);
    desk.app.call("HEAD", "/api/v1/admin/stores", &[], None).expect(401);
    let refused = desk.app.call("DELETE", "/metrics", &[], None).expect(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    // What is good once is not spent by looking at the head.
    desk.app.call("HEAD", "/oauth/wechat/callback?code=a&state=b", &[], None).expect(405);
}

#[test]
fn pages_of_allowed_origins_may_read_every_refusal() {
    let app = TestApp::builder().set("allowed_origins", SHOP).start();
    let large = vec![b' '; 20_000];
    let ask = |origin, method: &str, body| {
        let headers = [("origin", origin), ("content-type", "application/json")];
        Client::call(&app, method, "/api/v1/scans", &headers, body)
    };
    for (method, body, status) in [("POST", Some(&*large), 413), ("PUT", None, 405)] {
        let refused = ask(SHOP, method, body).expect(status);
        assert_eq!(refused.header("access-control-allow-origin"), Some(SHOP), "{method}");
        assert!(refused.header("access-control-expose-headers").unwrap().contains("x-request-id"), "{method}");
        assert!(refused.header("vary").unwrap().contains("Origin"), "{method}");
        refused.problem();
        let other = ask("https://evil.example.com", method, body).expect(status);
        assert_eq!(other.header("access-control-allow-origin"), None, "{method}");
    }
}
