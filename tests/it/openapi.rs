//! The description: it is whole, the router keeps it, and real answers are as it says.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::admin_import::send;
use crate::client::Answer;
use crate::description::Description;
use crate::harness::{SQUARE, TestApp, boxes};

/// Every `$ref` anywhere inside.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    found.extend(value["$ref"].as_str().map(ToOwned::to_owned));
    let fields = value.as_object().into_iter().flat_map(serde_json::Map::values);
    for it in fields.chain(value.as_array().into_iter().flatten()) {
        references(it, found);
    }
}

#[test]
fn the_description_is_whole() {
    let app = TestApp::start();
    let answer = app.get("/openapi.json").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let etag = answer.header("etag").unwrap();
    app.get_with("/openapi.json", &[("if-none-match", etag)]).expect(304);
    let description = Description(answer.json());
    let document = &description.0;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut found = BTreeSet::new();
    references(document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let is_name = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || ".-_".contains(it));
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(is_name(name), "{name} can be no component");
    }
    let mut ids = BTreeSet::new();
    for it in description.operations() {
        let shown = format!("{} {}", it.method, it.path);
        assert!(ids.insert(it.json["operationId"].as_str().unwrap().to_owned()), "{shown} has another's operationId");
        assert!(it.json["summary"].as_str().is_some_and(|it| !it.is_empty()), "{shown}");
        let parameters = it.json["parameters"].as_array().unwrap();
        let of_path: Vec<&str> =
            parameters.iter().filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(of_path.len(), it.path.matches('{').count(), "{shown}");
        assert!(of_path.iter().all(|name| it.path.contains(&format!("{{{name}}}"))), "{shown}");
        let responses = it.json["responses"].as_object().unwrap();
        assert!(responses.keys().any(|it| it.starts_with(['2', '3'])), "{shown} succeeds somehow");
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{shown} {status}");
        }
        let schemes = it.json["security"].as_array().unwrap();
        assert_eq!(schemes.is_empty(), it.role == "public", "{shown}");
        assert_eq!(responses.contains_key("412"), it.heeds_if_match(), "{shown}");
    }
}

#[test]
fn what_is_described_is_there_and_what_is_there_is_described() {
    let app = TestApp::start();
    for it in Description::of(&app).operations() {
        let answer = app.call(&it.method, &it.with("x"), &[], it.is_write().then_some(b"{}"));
        assert_ne!(answer.status, 405, "{} {}", it.method, it.path);
        if answer.status == 404 && it.method != "HEAD" {
            assert!(!answer.text().contains("No page and no call has this address"), "{} {}", it.method, it.path);
        }
    }
    // All resources are made from the table, but for styles and scripts.
    let mut made = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                made.extend(text.lines().filter(|it| it.contains("web::resource(")).map(|it| it.trim().to_owned()));
            }
        }
    }
    made.sort();
    assert_eq!(
        made,
        [
            r#"config.service(web::resource("/admin/assets/{file}").get(shell::asset));"#,
            r"let mut resource = web::resource(path.strip_prefix(prefix).unwrap_or(path));",
        ]
    );
}

#[test]
fn public_answers_are_as_described() {
    let app = TestApp::start();
    let description = Description::of(&app);
    let holds = |method: &str, path: &str, status: u16, answer: &Value| {
        let schema = description.schema(method, path, status);
        assert!(!schema.is_null(), "{method} {path} {status}");
        description.check(answer, schema).unwrap_or_else(|what| panic!("{method} {path}: {what}\n{answer:#}"));
    };
    let scans = "/api/v1/scans";
    let at = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20}});
    let first = app.scan(&at).expect(201).json();
    holds("POST", scans, 201, &first);
    for body in [json!({}), json!({"store": "SH-0004"}), json!({"store": "SH-0003"}), json!({"campaign": "summer"})] {
        holds("POST", scans, 201, &app.scan(&body).expect(201).json());
    }
    let refined = json!({"scan": first["scan"], "visitor": first["visitor"], "store": "BJ-0001"});
    holds("POST", scans, 200, &app.scan(&refined).expect(200).json());
    let nearest = format!("/api/v1/nearest?lat={}&lng={}&k=50", SQUARE.0, SQUARE.1);
    holds("GET", "/api/v1/nearest", 200, &app.get(&nearest).expect(200).json());
    for (path, query) in [("/api/v1/stores", ""), ("/api/v1/stores", "?q=%E5%BA%97"), ("/healthz", ""), ("/readyz", "")]
    {
        holds("GET", path, 200, &app.get(&format!("{path}{query}")).expect(200).json());
    }
    let body = json!({"visitor": first["visitor"]}).to_string();
    let gone = app.call("DELETE", "/api/v1/visitors/me", &[], Some(body.as_bytes())).expect(200).json();
    holds("DELETE", "/api/v1/visitors/me", 200, &gone);
    let problem = app.get("/api/v1/nearest").expect(400).json();
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    description.check(&problem, &schema).unwrap();
    assert!(description.check(&json!({"title": 1}), &schema).is_err(), "the checker can say no");
}

#[test]
fn answers_for_the_operations_team_are_as_described() {
    let app = TestApp::start();
    let scan = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20}});
    app.scan(&scan).expect(201);
    app.tags();
    app.user("li", Role::Ops);
    let admit = app.bearer(Role::Admin);
    let headers = [("authorization", &*admit), ("accept", "application/json")];
    let description = Description::of(&app);
    let get = |path: &str| app.get_with(path, &headers);
    let mut checked = 0;
    for it in description.of_staff().into_iter().filter(|it| it.method == "GET" && !it.is_page()) {
        let schema = description.schema("GET", &it.path, 200);
        if schema.is_null() {
            continue;
        }
        let Some(path) = crate::admin_table::sample(&it, &get) else { continue };
        let answer = get(&format!("{path}?lat={}&lng={}", SQUARE.0, SQUARE.1));
        if answer.status != 200 {
            eprintln!("skipped: GET {path} says {}", answer.status);
            continue;
        }
        let json = answer.json();
        description.check(&json, schema).unwrap_or_else(|what| panic!("GET {}: {what}\n{json:#}", it.path));
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

/// What is not described of an answer.
fn undescribed(description: &Description, method: &str, path: &str, asked: &str, answer: &Answer) -> Option<String> {
    let what = description.holds(method, path, answer).err()?;
    Some(format!("{method} {asked}: {what}\n{}", String::from_utf8_lossy(&answer.body)))
}

#[test]
fn what_imports_tell_is_as_described() {
    let app = TestApp::start();
    let admin = app.bearer(Role::Admin);
    let description = Description::of(&app);
    let sent = |of: &str, query: &str, name: &str, sheet: &str| {
        let path = format!("/api/v1/admin/{of}/import");
        let asked = format!("{path}{query}");
        let answer = send(&app, &admin, &asked, name, sheet.as_bytes());
        assert_eq!(undescribed(&description, "POST", &path, &asked, &answer), None);
        answer
    };
    let sheet = "id,name,lat,lng\nSH-0001,店,31.2319,121.4693\nX,,311.2,121.4\nY,店,0,0\n";
    let report = sent("stores", "?dry_run=true&datum=wgs84", "s.csv", sheet).expect(200).json();
    assert!(report["problems"][0]["row"] == 3 && report["warnings"][0]["row"].is_u64(), "{report}");
    let report = sent("groups", "", "g.csv", "id,store,url\ng1,nowhere,https://example.com/x\n").expect(200).json();
    assert_eq!(report["problems"][0]["row"], 2, "{report}");
    let report = sent("contacts", "", "c.csv", "id,store,url\nc1,SH-0001,\n").expect(200).json();
    assert_eq!(report["rejected"], 1, "{report}");
    let report = sent(
        "regions",
        "?dry_run=true",
        "r.json",
        &boxes(&[(r#"{"code": "X1", "name": "试商圈", "level": "area"}"#, [31.0, 121.0, 31.1, 121.1])]),
    );
    assert!(report.expect(200).json()["warnings"][0]["row"].is_u64());
    sent("regions", "", "r.json", "<x/>").expect(200);
    sent("stores", "", "s.pdf", "%PDF-1.4").expect(200);
    sent("stores", "?mode=x", "s.csv", sheet).expect(400);
    let begun = sent("stores", "?background=true&dry_run=true&datum=wgs84", "s.csv", sheet).expect(202).json();
    let path = "/api/v1/admin/imports/{id}";
    let told = crate::client::eventually("the import ends", || {
        let answer = app.get_with(&path.replace("{id}", &begun["id"].to_string()), &[("authorization", &admin)]);
        (answer.json()["phase"] == "done").then_some(answer)
    });
    assert_eq!(told.json()["report"]["problems"][0]["row"], 3);
    assert_eq!(undescribed(&description, "GET", path, path, &told), None);
    // The checker says no to what was described before: the error of a call in place of the problem of a row.
    let row = json!({"row": 1, "code": "missing", "message": "x"});
    assert!(description.check(&row, &json!({"$ref": "#/components/schemas/RowProblem"})).is_ok());
    assert!(description.check(&row, &json!({"$ref": "#/components/schemas/Problem"})).is_err());
}

#[test]
fn every_status_and_media_type_is_described() {
    let app = TestApp::start();
    app.scan(&json!({"store": "SH-0001"})).expect(201);
    let admin = app.bearer(Role::Admin);
    let description = Description::of(&app);
    let found = RefCell::new(Vec::new());
    let call = |method: &str, path: &str, asked: &str, media_type: &str, body: Option<&[u8]>| {
        let headers = [("authorization", &*admin), ("content-type", media_type)];
        let answer = app.call(method, asked, &headers, body);
        // What any call may say of itself is not told of each.
        if ![405, 500].contains(&answer.status) {
            found.borrow_mut().extend(undescribed(&description, method, path, asked, &answer));
        }
        answer.status
    };
    // Whatever is called with nothing that it knows.
    for it in description.operations().iter().filter(|it| it.method != "HEAD" && !it.path.contains("/session")) {
        let bodies: &[Option<&[u8]>] = if it.is_write() { &[Some(b"{}"), Some(b"[]"), None] } else { &[None] };
        for body in bodies {
            call(&it.method, &it.path, &it.with("nobody"), "application/json", *body);
            call(&it.method, &it.path, &format!("{}?page=x&from=x&format=x", it.with("x")), "text/plain", *body);
        }
    }
    let api = "/api/v1/admin";
    for (status, path, query) in [
        (200, "/stores/export", "?format=csv"),
        (200, "/stores/export", "?format=jsonl"),
        (200, "/stores/export", "?format=xlsx"),
        (200, "/stores/export", "?format=geojson"),
        (400, "/stores/export", "?format=pdf"),
        (200, "/groups/export", "?format=jsonl"),
        (200, "/contacts/export", "?format=csv"),
        (200, "/stores/template", ""),
        (200, "/tags/export", "?format=csv"),
        (200, "/tags/export", "?format=jsonl"),
        (200, "/tags/export", "?format=xlsx"),
        (200, "/funnel", "?format=csv&by=day,store,region,mode"),
        (200, "/funnel", "?format=xlsx"),
        (400, "/funnel", "?by=day,store,region,mode,source"),
        (200, "/explain", "?store=SH-0001"),
        (404, "/explain", "?store=nope"),
        (404, "/explain", "?lat=1&lng=1&campaign=nope"),
        (400, "/explain", "?ip=x"),
    ] {
        let path = format!("{api}{path}");
        assert_eq!(call("GET", &path, &format!("{path}{query}"), "", None), status, "{path}{query}");
    }
    let code = format!("{api}/groups/{{id}}/join-code");
    let group = code.replace("{id}", "SH-0001.group");
    let long = vec![b' '; 20_000];
    for (status, method, path, asked, media_type, body) in [
        (422, "PUT", &*code, &*group, "application/json", &br#"{"url": "https://evil.example.com/x"}"#[..]),
        (422, "PUT", &code, &group, "image/png", b"junk"),
        (413, "PUT", &code, &group, "application/json", &long),
        (404, "POST", "/api/v1/admin/groups/order", "", "application/json", br#"{"ids": ["nope"]}"#),
        (404, "POST", "/api/v1/admin/catalog/rollback", "", "application/json", br#"{"version": 999}"#),
        (400, "DELETE", "/api/v1/admin/campaigns/{slug}", "/api/v1/admin/campaigns/default", "", b""),
        (201, "POST", "/api/v1/scans", "", "application/json", b""),
        (401, "DELETE", "/api/v1/visitors/me", "", "application/json", b""),
    ] {
        let asked = if asked.is_empty() { path } else { asked };
        let told = call(method, path, asked, media_type, Some(body).filter(|it| !it.is_empty()));
        assert_eq!(told, status, "{method} {asked}");
    }
    let found = found.into_inner();
    assert!(found.is_empty(), "{} answers:\n{}", found.len(), found.join("\n"));
    for (method, path) in [("post", "/api/v1/scans"), ("delete", "/api/v1/visitors/me")] {
        assert_eq!(description.0["paths"][path][method]["requestBody"]["required"], false, "{path}");
    }
    let sheet = description.0["paths"]["/api/v1/admin/stores"]["post"]["requestBody"]["required"].as_bool();
    assert_eq!(sheet, Some(true));
    let told = app.get_with(&format!("{api}/explain?lat=31.2&lng=121.4"), &[("authorization", &admin)]).expect(200);
    assert_eq!(told.header("jinqun-catalog-version"), Some(&*told.json()["catalog_version"].to_string()));
}

#[test]
fn what_is_wrong_with_a_group_is_named() {
    let app = TestApp::start();
    let admin = app.bearer(Role::Admin);
    let group = "/api/v1/admin/groups/SH-0001.group/join-code";
    let put = [("authorization", &*admin), ("content-type", "application/json")];
    let problem = app.call("PUT", group, &put, Some(&vec![b' '; 20_000])).expect(413).json();
    assert!(problem["detail"].as_str().is_some_and(|it| it.contains("bytes") && !it.contains("picture")), "{problem}");
    let lost = json!({"owner": {"store": "nope"}, "name": "x", "url": "https://work.weixin.qq.com/gm/x"}).to_string();
    let problem = app.call("POST", "/api/v1/admin/groups", &put, Some(lost.as_bytes())).expect(400).problem();
    assert_eq!(problem.fields, ["owner"]);
}
