//! People, tokens, the audit trail, tag records and visitors through the API.

use jinqun::staff::Role;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::{PASSWORD, SQUARE, SignedIn, TestApp};

const DAY_MS: i64 = 86_400_000;

fn send(app: &TestApp, by: &SignedIn, method: &str, path: &str, body: &Value) -> Answer {
    app.call(method, &format!("/api/v1/admin/{path}"), &by.headers(), Some(body.to_string().as_bytes()))
}

fn get(app: &TestApp, by: &SignedIn, path: &str) -> Answer {
    app.get_with(&format!("/api/v1/admin/{path}"), &[("cookie", &by.cookie)])
}

#[test]
fn people_are_added_changed_and_removed() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    let new = json!({"name": "李雷", "role": "viewer", "password": PASSWORD});
    let made = send(&app, &admin, "POST", "users", &new).expect(201);
    assert_eq!(made.json()["role"], "viewer");
    assert_eq!(send(&app, &admin, "POST", "users", &new).expect(409).problem().code, "exists");
    let path = "users/%E6%9D%8E%E9%9B%B7";
    let etag = get(&app, &admin, path).expect(200).header("etag").unwrap().to_owned();
    assert_eq!(made.header("etag"), Some(&*etag));
    // A role is in force at once, in sessions that are there.
    let li = app.sign_in_as("李雷", PASSWORD);
    get(&app, &li, "users").expect(403);
    send(&app, &admin, "PATCH", path, &json!({"role": "admin"})).expect(200);
    get(&app, &li, "users").expect(200);
    let mut stale = admin.headers().to_vec();
    stale.push(("if-match", &etag));
    let change = json!({"role": "ops"}).to_string();
    app.call("PATCH", &format!("/api/v1/admin/{path}"), &stale, Some(change.as_bytes())).expect(412);
    // A new password ends sessions, and so does being disabled.
    send(&app, &admin, "PATCH", path, &json!({"password": "another good password"})).expect(200);
    get(&app, &li, "session").expect(401);
    let li = app.sign_in_as("李雷", "another good password");
    send(&app, &admin, "PATCH", path, &json!({"enabled": false})).expect(200);
    get(&app, &li, "session").expect(401);
    let body = json!({"name": "李雷", "password": "another good password"}).to_string();
    assert_eq!(app.post("/api/v1/admin/session", body).expect(401).problem().code, "sign_in_refused");
    send(&app, &admin, "DELETE", path, &json!({})).expect(204);
    get(&app, &admin, path).expect(404);
    assert_eq!(get(&app, &admin, "users").expect(200).json()["total"], 1);
}

#[test]
fn the_last_administrator_stays() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    let refused = |method: &str, body: &Value| send(&app, &admin, method, "users/a-admin", body).expect(409);
    for change in [json!({"role": "ops"}), json!({"enabled": false})] {
        assert_eq!(refused("PATCH", &change).problem().code, "last_admin");
    }
    assert_eq!(refused("DELETE", &json!({})).problem().code, "last_admin");
    app.user("second", Role::Admin);
    send(&app, &admin, "PATCH", "users/a-admin", &json!({"role": "ops"})).expect(200);
    get(&app, &admin, "users").expect(403);
}

#[test]
fn what_cannot_be_used_is_named_by_field() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    for (body, field) in [
        (json!({"name": "<b>", "role": "ops", "password": PASSWORD}), "name"),
        (json!({"name": "li", "role": "ops", "password": "short"}), "password"),
        (json!({"name": "li", "role": "ops", "password": "1234567890"}), "password"),
        (json!({"name": "li", "role": "root", "password": PASSWORD}), "role"),
        (json!({"name": 5, "role": "ops", "password": PASSWORD}), "name"),
        (json!({"name": "li", "role": "ops", "password": PASSWORD, "is_admin": true}), "is_admin"),
        (json!({"name": "li", "password": PASSWORD}), "role"),
    ] {
        assert_eq!(send(&app, &admin, "POST", "users", &body).expect(400).problem().fields, [field], "{body}");
    }
    for (body, field) in [
        (json!({"name": "ci", "role": "ops", "expires_days": 0}), "expires_days"),
        (json!({"name": "a b", "role": "ops"}), "name"),
    ] {
        assert_eq!(send(&app, &admin, "POST", "tokens", &body).expect(400).problem().fields, [field], "{body}");
    }
    assert_eq!(
        get(&app, &admin, "audit?from=yesterday&before=x&per_page=0").expect(400).problem().fields,
        ["from", "before", "per_page"]
    );
}

#[test]
fn ones_own_password_is_changed_by_whoever_knows_it() {
    let app = TestApp::start();
    let (li, elsewhere) = (app.sign_in(Role::Viewer), app.sign_in(Role::Viewer));
    let wrong = json!({"current": "not the password", "new": "another good password"});
    assert_eq!(send(&app, &li, "PUT", "session/password", &wrong).expect(400).problem().fields, ["current"]);
    let right = json!({"current": PASSWORD, "new": "another good password"});
    let answer = send(&app, &li, "PUT", "session/password", &right).expect(200);
    let fresh = answer.header("set-cookie").unwrap().split(';').next().unwrap();
    for ended in [&li, &elsewhere] {
        get(&app, ended, "session").expect(401);
    }
    app.get_with("/api/v1/admin/session", &[("cookie", fresh)]).expect(200);
    app.sign_in_as("a-viewer", "another good password");
    let token = app.bearer(Role::Admin);
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    app.call("PUT", "/api/v1/admin/session/password", &headers, Some(right.to_string().as_bytes())).expect(403);
}

#[test]
fn a_token_is_shown_once_expires_and_can_be_revoked() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    let new = json!({"name": "ci", "role": "ops", "expires_days": 30});
    let made = send(&app, &admin, "POST", "tokens", &new).expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    let (id, bears) = (made["id"].as_str().unwrap(), format!("Bearer {secret}"));
    let by_token = || app.get_with("/api/v1/admin/session", &[("authorization", &bears)]);
    assert_eq!(by_token().expect(200).json()["name"], "token:ci");
    let listed = get(&app, &admin, "tokens").expect(200);
    assert!(!listed.text().contains(secret), "{}", listed.text());
    assert_eq!(listed.json()["items"][0]["used_at"], "2026-07-15T04:00:00Z");
    // Written at most once a minute.
    app.clock.advance_ms(59_000);
    by_token().expect(200);
    assert_eq!(get(&app, &admin, &format!("tokens/{id}")).json()["used_at"], "2026-07-15T04:00:00Z");
    app.clock.advance_ms(1_000);
    by_token().expect(200);
    assert_eq!(get(&app, &admin, &format!("tokens/{id}")).json()["used_at"], "2026-07-15T04:01:00Z");
    assert_eq!(send(&app, &admin, "POST", "tokens", &new).expect(409).problem().code, "exists");
    let gone = send(&app, &admin, "POST", "tokens", &json!({"name": "gone", "role": "viewer"})).expect(201).json();
    let admit_gone = format!("Bearer {}", gone["secret"].as_str().unwrap());
    send(&app, &admin, "DELETE", &format!("tokens/{}", gone["id"].as_str().unwrap()), &json!({})).expect(204);
    app.get_with("/api/v1/admin/session", &[("authorization", &admit_gone)]).expect(401);
    app.clock.advance_ms(30 * DAY_MS);
    by_token().expect(401);
    let admin = app.sign_in(Role::Admin);
    assert_eq!(get(&app, &admin, &format!("tokens/{id}")).json()["expired"], true);
}

#[test]
fn the_trail_says_who_changed_what_from_what_to_what() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    send(&app, &admin, "POST", "users", &json!({"name": "li", "role": "viewer", "password": PASSWORD})).expect(201);
    send(&app, &admin, "PATCH", "users/li", &json!({"role": "ops"})).expect(200);
    let trail = get(&app, &admin, "audit?action=user.&target=li").expect(200).json();
    let seen = |place: usize| (&trail["items"][place]["action"], &trail["items"][place]["changes"]);
    assert_eq!(seen(0), (&json!("user.update"), &json!([{"field": "role", "before": "viewer", "after": "ops"}])));
    assert_eq!(seen(1).0, "user.create");
    let latest = &trail["items"][0];
    assert_eq!((&latest["actor"], &latest["address"]), (&json!("a-admin"), &json!("127.0.0.1")));
    assert_eq!(latest["at"], "2026-07-15T12:00:00+08:00");
    // Page by page, and by day.
    let first = get(&app, &admin, "audit?per_page=2").json();
    let next = first["next"].as_u64().unwrap();
    let second = get(&app, &admin, &format!("audit?per_page=2&before={next}")).json();
    assert!(second["items"][0]["number"].as_u64().unwrap() < next);
    assert_eq!(get(&app, &admin, "audit?from=2026-07-16").json()["items"], json!([]));
    assert_ne!(get(&app, &admin, "audit?from=2026-07-15&to=2026-07-15").json()["items"], json!([]));
    // Addresses of colleagues are for administrators.
    let ops = app.sign_in(Role::Ops);
    assert_eq!(get(&app, &ops, "audit").expect(200).json()["items"][0]["address"], json!(null));
}

#[test]
fn no_secret_is_in_an_answer_a_page_the_trail_or_the_storage() {
    let app = TestApp::start();
    let admin = app.sign_in(Role::Admin);
    send(&app, &admin, "POST", "users", &json!({"name": "li", "role": "ops", "password": "the first password"}))
        .expect(201);
    send(&app, &admin, "PATCH", "users/li", &json!({"password": "the second password"})).expect(200);
    // A password that went astray into the field of the name.
    let body = json!({"name": "the second password", "password": ""}).to_string();
    app.post("/api/v1/admin/session", body).expect(401);
    let made = send(&app, &admin, "POST", "tokens", &json!({"name": "ci", "role": "ops"})).expect(201).json();
    let cookie = admin.cookie.trim_start_matches("jq-session=");
    let secrets = ["the first password", "the second password", made["secret"].as_str().unwrap(), cookie];
    let mut seen = String::new();
    for path in ["users", "users/li", "tokens", "audit?per_page=200", "session"] {
        seen.push_str(get(&app, &admin, path).expect(200).text());
    }
    for path in ["/admin", "/admin/users", "/admin/tokens", "/admin/audit", "/admin/password"] {
        seen.push_str(app.get_with(path, &[("cookie", &admin.cookie)]).expect(200).text());
    }
    for secret in secrets.iter().chain(&["argon2"]) {
        assert!(!seen.contains(secret), "{secret} is to be seen");
    }
    for file in std::fs::read_dir(app.folder()).unwrap().map(|it| it.unwrap().path()).filter(|it| it.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            assert!(
                !bytes.windows(secret.len()).any(|it| it == secret.as_bytes()),
                "{secret} is in {}",
                file.display()
            );
        }
    }
}

#[test]
fn tag_records_are_listed_filtered_and_exported() {
    let app = TestApp::start();
    let at = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20}});
    let first = app.scan(&at).expect(201);
    app.clock.advance_ms(DAY_MS);
    app.scan(&json!({"store": "BJ-0001"})).expect(201);
    app.tags();
    let ops = app.sign_in(Role::Ops);
    let all = get(&app, &ops, "tags").expect(200).json();
    assert_eq!((&all["total"], &all["items"][0]["store"]), (&json!(2), &json!("BJ-0001")));
    assert_eq!(all["items"][1]["tags"], first.json()["tags"]);
    let visitor = first.json()["visitor"].as_str().unwrap().to_owned();
    for (query, stores) in [
        ("?store=SH-0001", &["SH-0001"][..]),
        ("?region=%E4%B8%8A%E6%B5%B7%E5%B8%82", &["SH-0001"]),
        (&format!("?visitor={visitor}"), &["SH-0001"]),
        ("?from=2026-07-16", &["BJ-0001"]),
        ("?to=2026-07-15", &["SH-0001"]),
        ("?page=2&per_page=1", &["SH-0001"]),
        ("?campaign=summer", &[]),
    ] {
        let found = get(&app, &ops, &format!("tags{query}")).expect(200).json();
        let found: Vec<&str> =
            found["items"].as_array().unwrap().iter().map(|it| it["store"].as_str().unwrap()).collect();
        assert_eq!(found, stores, "{query}");
    }
    let wrong = get(&app, &ops, "tags?visitor=x&store=%20&from=x&per_page=1000").expect(400).problem();
    assert_eq!(wrong.fields, ["visitor", "store", "from", "per_page"]);
    let table = get(&app, &ops, "tags/export?format=csv&store=SH-0001").expect(200);
    assert_eq!(table.header("content-disposition"), Some("attachment; filename=\"tags.csv\""));
    assert_eq!(table.text().lines().count(), 2, "{}", table.text());
    assert_eq!(get(&app, &ops, "tags/export?format=jsonl").expect(200).text().lines().count(), 2);
    assert!(get(&app, &ops, "tags/export?format=xlsx").expect(200).body.starts_with(b"PK"));
    assert_eq!(get(&app, &ops, "tags/export?format=doc").expect(400).problem().fields, ["format"]);
    let viewer = app.sign_in(Role::Viewer);
    for path in ["tags", "tags/export", &format!("visitors/{visitor}")] {
        get(&app, &viewer, path).expect(403);
    }
}

#[test]
fn a_visitor_is_seen_and_erased() {
    let app = TestApp::start();
    let at = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20}});
    let first = app.scan(&at).expect(201).json();
    app.scan(&json!({"store": "BJ-0001"})).expect(201);
    app.post(&format!("/api/v1/scans/{}/events", first["scan"].as_str().unwrap()), r#"{"event": "pressed"}"#)
        .expect(204);
    app.tags();
    let ops = app.sign_in(Role::Ops);
    let token = first["visitor"].as_str().unwrap();
    let id = token.split('.').next().unwrap();
    let held = get(&app, &ops, &format!("visitors/{token}")).expect(200).json();
    assert_eq!(held, get(&app, &ops, &format!("visitors/{id}")).expect(200).json());
    assert_eq!(held["visitor"], id);
    let lengths = ["tags", "steps", "consents"].map(|it| held[it].as_array().unwrap().len());
    assert_eq!(lengths, [1, 1, 1], "{held}");
    let seat = &held["seats"][0];
    assert_eq!((&seat["group"], &seat["state"]), (&json!("SH-0001.group"), &json!("held")), "{held}");
    assert_eq!(seat["scan"], held["tags"][0]["scan"]);
    assert_eq!((&held["opted_out"], &held["identities"]["customer"]), (&json!(false), &Value::Null));
    assert_eq!(
        (held["feed"][0]["type"].as_str(), held["feed"].as_array().map(Vec::len)),
        (Some("scan.recorded"), Some(1))
    );
    let opt_out = |method| {
        app.call(method, "/api/v1/visitors/me/opt-out", &[("authorization", &format!("Bearer {token}"))], None)
    };
    opt_out("POST").expect(204);
    assert_eq!(get(&app, &ops, &format!("visitors/{id}")).expect(200).json()["opted_out"], true);
    let erased = send(&app, &ops, "DELETE", &format!("visitors/{id}"), &json!({})).expect(200).json();
    assert_eq!((&erased["removed"]["tags"], &erased["removed"]["book"]), (&json!(1), &json!(2)), "{erased}");
    assert_eq!(erased["customers_silenced"], 0);
    assert_eq!(get(&app, &ops, &format!("visitors/{id}")).expect(200).json()["tags"], json!([]));
    assert_eq!(get(&app, &ops, "tags").json()["total"], 1, "others stay");
    let trail = get(&app, &ops, "audit?action=visitor.erase").expect(200);
    assert_eq!(trail.json()["items"][0]["actor"], "a-ops");
    assert!(!trail.text().contains(id), "the trail does not outlast whom it names");
    assert_eq!(get(&app, &ops, "visitors/nobody").expect(400).problem().fields, ["visitor"]);
}
