//! Signing in and out, as somebody of the operations team does it.

use crate::browser::{Browser, Setup};
use crate::demo::Demo;

#[test]
fn a_wrong_password_is_said_and_the_right_one_leads_on() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.open("/admin?x=1");
    desk.wait_text("h1", "登录");
    assert_eq!(desk.value("document.activeElement.name"), "name");
    desk.write("input[name=name]", "demo");
    desk.write("input[name=password]", "not the password");
    desk.tap("form button.primary");
    desk.wait_text("form .error", "用户名或密码不对");
    assert_eq!(desk.value("document.activeElement.name"), "password");
    desk.cdp("Input.insertText", &serde_json::json!({"text": "jinqun-demo"}));
    desk.tap("form button.primary");
    desk.wait("location.pathname + location.search === '/admin?x=1'");
    desk.wait_text(".user", "demo");
    desk.tap("[data-sign-out]");
    desk.wait_text("h1", "登录");
    desk.open("/admin");
    desk.wait_text("h1", "登录");
}

#[test]
fn the_language_can_be_switched_before_and_after_the_sign_in() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/admin");
    phone.wait_text("h1", "登录");
    phone.tap("[data-language]");
    phone.wait_text("h1", "Sign in");
    phone.sign_in("/admin");
    phone.wait_text("h1", "Overview");
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
    phone.tap("[data-language]");
    phone.wait_text("h1", "概览");
}

#[test]
fn too_many_wrong_passwords_make_the_page_wait() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.open("/admin/sign-in");
    desk.wait_text("h1", "登录");
    let guess = "fetch('/api/v1/admin/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, \
         body: '{\"name\": \"demo\", \"password\": \"not the password\"}'}).then(it => it.status)";
    for _ in 0..8 {
        desk.wait(&format!("{guess}.then(it => it === 401)"));
    }
    desk.write("input[name=name]", "demo");
    desk.write("input[name=password]", "jinqun-demo");
    desk.tap("form button.primary");
    desk.wait("document.querySelector('form .error').innerText.includes('秒后再试')");
    desk.wait("!document.querySelector('form button').disabled");
    desk.tap("form button.primary");
    desk.wait("location.pathname === '/admin'");
}
