//! Accounts from outside: signing in and out, sessions, lock-out, changes that other sites would like to make.

use jinqun::staff::Role;
use serde_json::json;

use crate::client::{Answer, Client};
use crate::harness::{PASSWORD, TestApp};
use crate::process::{jinqun, run, run_well};

const SESSION: &str = "/api/v1/admin/session";
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

fn try_to_sign_in(client: &Client, name: &str, password: &str) -> Answer {
    client.post(SESSION, json!({"name": name, "password": password}).to_string())
}

#[test]
fn a_session_lasts_until_the_sign_out() {
    let app = TestApp::start();
    app.user("李雷", Role::Ops);
    let li = app.sign_in_as("李雷", PASSWORD);
    let who = app.get_with(SESSION, &[("cookie", &li.cookie)]).expect(200).json();
    assert_eq!(who, json!({"name": "李雷", "role": "ops", "csrf_token": li.csrf}));
    let page = app.get_with("/admin", &[("cookie", &li.cookie)]).expect(200);
    assert!(page.text().contains(&format!("name=\"csrf\" content=\"{}\"", li.csrf)));
    let gone = app.call("DELETE", SESSION, &li.headers(), None).expect(204);
    assert!(gone.header("set-cookie").unwrap().starts_with("jq-session=; Path=/; Max-Age=0"));
    assert_eq!(app.get_with(SESSION, &[("cookie", &li.cookie)]).expect(401).problem().code, "not_admitted");
}

#[test]
fn the_cookie_is_for_our_pages_alone() {
    let app = TestApp::start();
    app.user("li", Role::Viewer);
    let plain = try_to_sign_in(&app, "li", PASSWORD).expect(201);
    let line = plain.header("set-cookie").unwrap();
    let (value, rest) = line.split_once(';').unwrap();
    assert_eq!(value.len(), "jq-session=".len() + 43, "256 bits");
    assert_eq!(rest, " Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    let secure = TestApp::builder().set("public_url", "https://jinqun.example").start();
    secure.user("li", Role::Viewer);
    let answer = try_to_sign_in(&secure, "li", PASSWORD).expect(201);
    assert!(answer.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[test]
fn a_session_ends_when_it_is_not_used_and_in_any_case_after_a_week() {
    let app = TestApp::start();
    let li = app.sign_in(Role::Viewer);
    let seen = || app.get_with(SESSION, &[("cookie", &li.cookie)]).status;
    for _ in 0..15 {
        app.clock.advance_ms(11 * HOUR_MS);
        assert_eq!(seen(), 200);
    }
    app.clock.advance_ms(4 * HOUR_MS);
    assert_eq!(seen(), 401, "a week is over");
    let li = app.sign_in(Role::Viewer);
    app.clock.advance_ms(12 * HOUR_MS);
    assert_eq!(app.get_with(SESSION, &[("cookie", &li.cookie)]).status, 401, "twelve hours without a request");
}

#[test]
fn a_session_that_was_planted_is_not_signed_in() {
    let app = TestApp::start();
    app.user("li", Role::Admin);
    let body = json!({"name": "li", "password": PASSWORD}).to_string();
    let planted = "jq-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let headers = [("cookie", planted), ("content-type", "application/json")];
    let answer = app.call("POST", SESSION, &headers, Some(body.as_bytes())).expect(201);
    assert!(!answer.header("set-cookie").unwrap().starts_with(planted));
    app.get_with(SESSION, &[("cookie", planted)]).expect(401);
    // A real one ends with the next sign-in.
    let first = app.sign_in_as("li", PASSWORD);
    let headers = [("cookie", &*first.cookie), ("content-type", "application/json")];
    app.call("POST", SESSION, &headers, Some(body.as_bytes())).expect(201);
    app.get_with(SESSION, &[("cookie", &first.cookie)]).expect(401);
}

#[test]
fn a_change_by_cookie_must_come_from_our_own_page() {
    let app = TestApp::start();
    let (li, other) = (app.sign_in(Role::Admin), app.sign_in(Role::Admin));
    let cookie = ("cookie", &*li.cookie);
    let token = ("x-csrf-token", &*li.csrf);
    for headers in [
        &[cookie][..],
        &[cookie, ("x-csrf-token", "")],
        &[cookie, ("x-csrf-token", &other.csrf)],
        &[cookie, token, ("sec-fetch-site", "cross-site")],
        &[cookie, token, ("sec-fetch-site", "same-site")],
        &[cookie, token, ("origin", "https://evil.example")],
        &[cookie, token, ("origin", "null")],
    ] {
        let answer = app.call("DELETE", SESSION, headers, None).expect(403);
        assert_eq!(answer.problem().code, "csrf", "{headers:?}");
    }
    let body = json!({"name": "a-admin", "password": PASSWORD}).to_string();
    for headers in [
        [("content-type", "application/json"), ("sec-fetch-site", "cross-site")],
        [("content-type", "application/json"), ("origin", "https://evil.example")],
    ] {
        app.call("POST", SESSION, &headers, Some(body.as_bytes())).expect(403);
    }
    let form = [("content-type", "text/plain")];
    app.call("POST", SESSION, &form, Some(body.as_bytes())).expect(400);
    app.get_with(SESSION, &[cookie]).expect(200);
    let own = app.url.clone();
    app.call("DELETE", SESSION, &[cookie, token, ("origin", &own), ("sec-fetch-site", "same-origin")], None)
        .expect(204);
}

#[test]
fn guessing_is_slowed_and_says_the_same_of_names_that_nobody_has() {
    let app = TestApp::start();
    app.user("li", Role::Admin);
    let mut told = Vec::new();
    for name in ["li", "nobody"] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = try_to_sign_in(&app, name, "not the password");
            answers.push((answer.status, answer.header("retry-after").map(ToOwned::to_owned), answer.json()));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    let statuses: Vec<u16> = told[0].iter().map(|it| it.0).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429]);
    assert_eq!(told[0][6].1.as_deref(), Some("1"));
    // Even the right password is not looked at.
    try_to_sign_in(&app, "li", PASSWORD).expect(429);
    app.clock.advance_ms(1_000);
    try_to_sign_in(&app, "li", PASSWORD).expect(201);
}

#[test]
fn an_address_that_guesses_is_slowed_whatever_names_it_tries() {
    let app = TestApp::builder().set("trusted_proxies", "127.0.0.0/8").start();
    app.user("li", Role::Admin);
    let from = |address: &str, name: &str, password: &str| {
        let body = json!({"name": name, "password": password}).to_string();
        let headers = [("x-forwarded-for", address), ("content-type", "application/json")];
        app.call("POST", SESSION, &headers, Some(body.as_bytes()))
    };
    for guess in 0..21 {
        from("198.51.100.7", &format!("name-{guess}"), "not the password").expect(401);
    }
    assert_eq!(from("198.51.100.7", "li", PASSWORD).expect(429).problem().code, "wait");
    from("198.51.100.8", "li", PASSWORD).expect(201);
}

#[test]
fn pages_lead_to_the_sign_in_and_back_to_our_own_pages_only() {
    let app = TestApp::start();
    let sent = app.get("/admin?x=1&y=%E5%BA%97").expect(303);
    assert_eq!(sent.header("location"), Some("/admin/sign-in?next=%2Fadmin%3Fx%3D1%26y%3D%25E5%25BA%2597"));
    for (next, leads_to) in [
        ("%2Fadmin%3Fx%3D1", "/admin?x=1"),
        ("https%3A%2F%2Fevil.example", "/admin"),
        ("%2F%2Fevil.example", "/admin"),
        ("%2Fadmin%5C..%5Cevil", "/admin"),
        ("%22%3E%3Cscript%3E", "/admin"),
    ] {
        let page = app.get(&format!("/admin/sign-in?next={next}")).expect(200);
        assert!(page.text().contains(&format!("data-next=\"{leads_to}\"")), "{next}: {}", page.text());
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    }
    let li = app.sign_in(Role::Viewer);
    let on = app.get_with("/admin/sign-in?next=%2Fadmin%3Fx%3D1", &[("cookie", &li.cookie)]).expect(303);
    assert_eq!(on.header("location"), Some("/admin?x=1"));
    app.call("POST", "/admin", &[], Some(b"")).expect(405);
}

#[test]
fn users_and_tokens_are_made_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password.txt"), format!("{PASSWORD}\n")).unwrap();
    let add = ["user", "add", "li", "--role", "ops", "--password-file", "password.txt"];
    assert_eq!(run_well(folder.path(), &add), "added li with the role ops\n");
    assert_eq!(run(folder.path(), &add).status.code(), Some(1), "the name is taken");
    assert_eq!(run(folder.path(), &["user", "add", "an", "--role", "ops"]).status.code(), Some(2), "no password");
    assert_eq!(run(folder.path(), &["user", "add", "an", "--role", "root"]).status.code(), Some(2));
    let mut piped = jinqun(folder.path());
    piped.args(["user", "add", "an", "--role", "admin"]).stdin(std::process::Stdio::piped());
    let mut child = piped.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"123456789\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "nine characters");

    let token = run_well(folder.path(), &["token", "create", "--role", "viewer", "--expires", "1", "--name", "board"]);
    assert!(token.starts_with("jq_") && token.trim().len() == 46, "{token}");
    let service = crate::process::Service::start(folder.path(), &["serve"], &[]);
    try_to_sign_in(&service.client, "LI", PASSWORD).expect(201);
    let admit = format!("Bearer {}", token.trim());
    let who = service.client.get_with(SESSION, &[("authorization", &admit)]).expect(200).json();
    assert_eq!(who, json!({"name": "token:board", "role": "viewer", "csrf_token": ""}));
    let stored = std::fs::read(folder.path().join("data/jinqun.sqlite")).unwrap_or_default();
    let log = std::fs::read(folder.path().join("log")).unwrap();
    for kept in [stored, log] {
        for secret in [token.trim(), PASSWORD] {
            assert!(!kept.windows(secret.len()).any(|it| it == secret.as_bytes()), "{secret} is kept");
        }
    }
}
