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

#[test]
fn somebody_is_added_changed_and_removed() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/users");
    desk.tap("#add");
    desk.write("dialog input[name=name]", "<img src=x>");
    desk.write("dialog input[name=password]", "a long password");
    desk.tap("dialog button.primary");
    desk.wait("document.querySelector('dialog .error').checkVisibility()");
    desk.value("document.querySelector('dialog input[name=name]').value = ''");
    desk.write("dialog input[name=name]", "李雷");
    desk.tap("dialog button.primary");
    desk.wait("!!document.querySelector('[data-user=李雷]') && !document.querySelector('dialog')");
    desk.value("(e => { e.value = 'ops'; e.dispatchEvent(new Event('change')); })(document.querySelector('[data-user=李雷] select'))");
    desk.wait("document.querySelector('#toasts')?.innerText.includes('角色已更新')");
    desk.open("/admin/audit?action=user.");
    desk.wait_text("#trail li:first-child .changes", "role viewer → ops");
    desk.open("/admin/users");
    desk.tap("[data-user=李雷] .quiet-danger");
    desk.tap("dialog button.danger");
    desk.wait("!document.querySelector('[data-user=李雷]')");
    // The last administrator stays, and the page says why.
    desk.tap("[data-user=demo] .quiet-danger");
    desk.tap("dialog button.danger");
    desk.wait("!!document.querySelector('.toast.bad')");
    assert!(desk.sees("[data-user=demo]"));
}

#[test]
fn a_token_is_shown_once_and_revoked() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/tokens");
    desk.tap("#add");
    desk.write("dialog input[name=name]", "board");
    desk.tap("dialog button.primary");
    desk.wait("document.querySelector('dialog .secret')?.value.startsWith('jq_')");
    desk.tap("dialog button.primary");
    desk.wait("!!document.querySelector('[data-token=board]') && !document.body.innerHTML.includes('jq_')");
    desk.tap("[data-token=board] button");
    desk.tap("dialog button.danger");
    desk.wait("!document.querySelector('[data-token=board]')");
}

#[test]
fn a_visitor_is_found_by_token_and_erased() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/visitors");
    let scan = "fetch('/api/v1/scans', {method: 'POST', body: '{\"store\": \"SH-0001\"}'}).then(it => it.json()).then(it => it.visitor)";
    let visitor = phone.value(scan);
    phone.wait(&format!(
        "fetch('/api/v1/admin/tags?visitor={}').then(it => it.json()).then(it => it.total === 1)",
        visitor.as_str().unwrap()
    ));
    // One store is asked for since a month ago, which can be seen and taken back.
    phone.write("#filter [name=store]", "SH-0001");
    phone.tap("#filter button");
    phone.wait("document.querySelector('#filter [name=from]').value !== '' && document.querySelector('#rows').innerText.includes('SH-0001')");
    phone.value("void (document.querySelector('#filter [name=from]').value = '')");
    phone.tap("#filter button");
    phone.wait("document.querySelector('#downloads a').href.endsWith('tags/export?store=SH-0001&format=xlsx')");
    phone.write("#find input", visitor.as_str().unwrap());
    phone.tap("#find button");
    phone.wait("document.querySelector('#one tbody')?.innerText.includes('SH-0001')");
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
    phone.tap("#one .danger");
    phone.tap("dialog button.danger");
    phone.wait("document.querySelector('#erased')?.innerText.startsWith('已抹除：访问 1')");
}

#[test]
fn the_documentation_is_searched_by_typing() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.before_pages(
        "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective));",
    );
    desk.open("/docs");
    desk.wait("document.querySelectorAll('details.call').length > 30");
    desk.write("#search", "nearest stores");
    desk.wait("[...document.querySelectorAll('details.call')].filter(it => it.checkVisibility()).length === 1");
    desk.tap("#get_nearest summary");
    desk.wait("document.querySelector('#get_nearest .inside').innerText.includes('distance_m')");
    assert_eq!(desk.value("window.broken"), serde_json::json!([]));
}
