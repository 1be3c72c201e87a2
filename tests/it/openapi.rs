//! The description: it is whole, the router keeps it, and real answers are as it says.

use std::collections::BTreeSet;
use std::path::Path;

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::description::Description;
use crate::harness::{SQUARE, TestApp};

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
