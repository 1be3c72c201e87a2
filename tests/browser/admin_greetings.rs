//! Somebody of the operations team writes a greeting, changes it while a colleague does, and removes it.

use serde_json::json;

use crate::browser::{Browser, Setup};
use crate::demo::{Demo, row};

/// A name that would be script where it is not shown as text.
const NAME: &str = "<img src=x onerror=\"document.title='hit'\">";

/// Changes the only greeting behind the page's back.
const BEHIND: &str = "(async () => { const csrf = document.querySelector('meta[name=csrf]').content; \
    const all = '/api/v1/admin/greetings', it = (await (await fetch(all)).json()).items[0]; \
    const body = JSON.stringify({name: it.name, text: 'B', is_on: true, attachments: []}); \
    const headers = {'X-CSRF-Token': csrf, 'Content-Type': 'application/json'}; \
    return (await fetch(all + '/' + it.id, {method: 'PUT', headers, body})).status; })()";

#[test]
fn a_greeting_is_written_tried_out_kept_from_being_overwritten_and_removed() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/greetings");
    desk.wait_text("#list .empty", "还没有欢迎语");
    desk.tap("#add");
    desk.write("#editor input[name=name]", NAME);
    desk.write("#editor textarea", "你好，{store}欢迎你 <b>");
    desk.write("#as input[name=store]", "SH-0001");
    desk.wait_text("#chat .bubble", &format!("你好，{}欢迎你 <b>", row("SH-0001").name));
    desk.tap("#editor button.primary");
    desk.wait_text("#list b", NAME);
    desk.wait_text("#editor-title", NAME);
    assert_eq!(
        desk.value("document.querySelectorAll('#list img, #why img, #chat img, .bubble:first-child b, h2 img').length"),
        0
    );
    // What is not known is said at the field.
    desk.write("#editor textarea", "{nonsense}");
    desk.wait(
        "document.querySelector('#wrong').innerText === '正文: {nonsense} 不是可用的占位符；单独的花括号请写成 {{'",
    );
    // And nothing of what was said before stands beside it.
    assert_eq!(desk.value("document.querySelectorAll('#chat .bubble, #why li').length"), 0);
    // A colleague was faster.
    desk.value("(() => { document.querySelector('#editor textarea').value = 'A'; return true; })()");
    assert_eq!(desk.value(BEHIND), json!(200));
    desk.tap("#editor button.primary");
    desk.wait("document.body.innerText.includes('别人刚刚改过')");
    desk.tap("#close");
    desk.tap("#list button");
    desk.wait("document.querySelector('#editor textarea').value === 'B'");
    desk.tap("#remove");
    desk.wait("document.querySelector('dialog.ask').innerText.includes('<img src=x')");
    desk.tap("dialog.ask button[value=yes]");
    desk.wait_text("#list .empty", "还没有欢迎语");
    assert_ne!(desk.value("document.title"), "hit");
}
