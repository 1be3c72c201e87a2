//! Every call and every page of the operations team, with everybody who might try it. What is walked is the description, so it
//! holds for whatever is added.

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::description::{Description, Operation};
use crate::harness::{SignedIn, TestApp};

const HOUR_MS: i64 = 3_600_000;

fn call(client: &Client, it: &Operation, headers: &[(&str, &str)]) -> Answer {
    let mut all = headers.to_vec();
    all.push(("content-type", "application/json"));
    client.call(&it.method, &it.with("nobody"), &all, it.is_write().then_some(b"{}"))
}

/// An address that exists in place of one with a variable part: the first thing of the list above it. None if there is nothing.
pub fn sample(it: &Operation, get: &dyn Fn(&str) -> Answer) -> Option<String> {
    let Some((list, _)) = it.path.split_once("/{") else { return Some(it.path.clone()) };
    let list = get(list);
    if list.status != 200 || !list.header("content-type").is_some_and(|it| it.contains("json")) {
        return None;
    }
    let list = list.json();
    let first = list["items"].as_array().or_else(|| list.as_array())?.first()?.clone();
    let id = ["id", "slug", "name", "version", "number", "code"].into_iter().find_map(|it| first.get(it).cloned())?;
    let id = id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned);
    let id: String = id
        .bytes()
        .map(|it| if it.is_ascii_alphanumeric() { char::from(it).to_string() } else { format!("%{it:02X}") })
        .collect();
    Some(it.with(&id))
}

#[track_caller]
fn is_unknown(it: &Operation, answer: &Answer, with: &str) {
    let shown = format!("{} {} with {with}", it.method, it.path);
    if it.is_page() {
        assert_eq!(answer.status, 303, "{shown}");
        assert!(answer.header("location").unwrap().starts_with("/admin/sign-in?next=%2Fadmin"), "{shown}");
    } else {
        assert_eq!(answer.status, 401, "{shown}: {}", answer.text());
        assert_eq!(answer.problem().code, "not_admitted", "{shown}");
    }
}

#[test]
fn nobody_comes_in_without_being_known() {
    let app = TestApp::builder().set("admin_token", "a settings token of some length").start();
    let other = TestApp::start();
    let foreign = other.sign_in(Role::Admin);
    let expired = app.sign_in(Role::Admin);
    let ended = app.sign_in(Role::Admin);
    app.call("DELETE", "/api/v1/admin/session", &ended.headers(), None).expect(204);
    app.clock.advance_ms(12 * HOUR_MS);
    let foreign_token = other.bearer(Role::Admin);
    let made_up = SignedIn { cookie: format!("jq-session={}", "A".repeat(43)), csrf: "x".to_owned() };
    let operations = Description::of(&app).of_staff();
    assert!(operations.len() >= 20, "{}", operations.len());
    for it in &operations {
        is_unknown(it, &call(&app, it, &[]), "nothing");
        for (what, session) in [
            ("a foreign session", &foreign),
            ("an expired one", &expired),
            ("an ended one", &ended),
            ("a made-up one", &made_up),
        ] {
            let [cookie, csrf, _] = session.headers();
            is_unknown(it, &call(&app, it, &[cookie, csrf]), what);
        }
        for token in [&*foreign_token, "Bearer jq_x", "Bearer a settings token of some lengt", "Bearer x", "Basic eDp4"]
        {
            is_unknown(it, &call(&app, it, &[("authorization", token)]), token);
        }
    }
}

#[test]
fn each_role_may_what_the_table_says_and_no_more() {
    let app = TestApp::start();
    // Calls that end what they were made with come last.
    let mut operations = Description::of(&app).of_staff();
    operations.sort_by_key(|it| (it.path.contains("/session"), it.method == "DELETE"));
    for role in Role::ALL {
        let token = app.bearer(role);
        let session = app.sign_in(role);
        let [cookie, csrf, _] = session.headers();
        for it in &operations {
            let shown = format!("{} {} as {}", it.method, it.path, role.as_str());
            let needs = Role::parse(&it.role).unwrap();
            for headers in [&[("authorization", &*token)][..], &[cookie, csrf]] {
                let answer = call(&app, it, headers);
                if role < needs {
                    assert_eq!(answer.status, 403, "{shown}");
                    let media_type = answer.header("content-type").unwrap();
                    assert_eq!(media_type.starts_with("text/html"), it.is_page(), "{shown}: {media_type}");
                } else if it.path != "/api/v1/admin/session/password" {
                    assert!(![401, 403, 303, 500].contains(&answer.status), "{shown}: {}", answer.text());
                }
            }
        }
    }
}

#[test]
fn a_change_by_cookie_alone_is_refused_everywhere() {
    let app = TestApp::start();
    let session = app.sign_in(Role::Admin);
    let [cookie, csrf, _] = session.headers();
    let mut tried = 0;
    for it in Description::of(&app).of_staff().iter().filter(|it| it.is_write()) {
        let cross = ("sec-fetch-site", "cross-site");
        for headers in [&[cookie][..], &[cookie, ("x-csrf-token", "guess")], &[cookie, csrf, cross]] {
            let answer = call(&app, it, headers);
            assert_eq!(answer.status, 403, "{} {}", it.method, it.path);
            assert_eq!(answer.problem().code, "csrf", "{} {}", it.method, it.path);
        }
        tried += 1;
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn a_stale_change_is_refused_everywhere() {
    let app = TestApp::start();
    app.user("li", Role::Ops);
    let admit = app.bearer(Role::Admin);
    let get = |path: &str| app.get_with(path, &[("authorization", &admit)]);
    let mut tried = 0;
    let description = Description::of(&app);
    for it in description.of_staff().iter().filter(|it| it.heeds_if_match()) {
        let shown = format!("{} {}", it.method, it.path);
        let Some(path) = sample(it, &get) else {
            eprintln!("skipped: there is nothing for {shown}");
            continue;
        };
        let before = get(&path);
        let what = if before.status == 200 { before.json() } else { Value::Null };
        let body = if it.method == "PATCH" { json!({}) } else { description.body(it, &what) }.to_string();
        let headers = [("authorization", &*admit), ("content-type", "application/json"), ("if-match", "\"stale\"")];
        let answer = app.call(&it.method, &path, &headers, Some(body.as_bytes()));
        if answer.status == 400 && it.method != "DELETE" {
            eprintln!("skipped: no body is known for {shown}");
            continue;
        }
        assert_eq!(answer.status, 412, "{shown}: {}", answer.text());
        assert_eq!(answer.problem().code, "stale", "{shown}");
        assert_eq!(get(&path).header("etag"), before.header("etag"), "{shown} changed nothing");
        tried += 1;
    }
    assert!(tried >= 2, "{tried}");
}

#[test]
fn pages_of_allowed_origins_may_not_call_what_is_for_the_operations_team() {
    let app = TestApp::builder().set("allowed_origins", "https://shop.example.com").start();
    let admit = app.bearer(Role::Viewer);
    let origin = ("origin", "https://shop.example.com");
    let answer = app.get_with("/api/v1/admin/session", &[origin, ("authorization", &admit)]).expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let asks = [origin, ("access-control-request-method", "GET")];
    assert_eq!(app.call("OPTIONS", "/api/v1/admin/session", &asks, None).header("access-control-allow-origin"), None);
    assert!(app.get_with("/api/v1/stores", &[origin]).expect(200).header("access-control-allow-origin").is_some());
}
