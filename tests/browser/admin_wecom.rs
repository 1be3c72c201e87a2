//! Somebody of the operations team has the codes of stores made in `WeCom`, after a look at what would be done.

use crate::browser::{Browser, Setup};
use crate::demo::Demo;
use crate::double::Double;

const STORES: &str = "id,name,lat,lng,datum,企微群ID,企微成员,group_url\n\
    A,<img src=x onerror=\"document.title='hit'\">,31.2,121.4,wgs84,wrA1,mgr_a,\n\
    B,乙店,31.3,121.4,wgs84,,nobody,https://work.weixin.qq.com/gm/b\n";

#[test]
fn codes_are_made_after_a_dry_run_and_found_again_by_the_next() {
    let double = Double::start();
    double.add_staff("mgr_a");
    double.add_chat("wrA1", "甲店群", "mgr_a");
    let demo = Demo::start_with(&double.environment());
    demo.import(STORES);
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/wecom");
    assert!(!desk.sees("#off"));
    desk.tap("#dry");
    desk.wait("document.querySelectorAll('#rows [data-action=made]').length === 2");
    assert!(desk.text("#rows").contains("<img src=x"));
    // What is wrong with a code is said in the language of the page.
    assert!(desk.text("#rows").contains("nobody 没有客户联系权限"));
    desk.wait("/试运行\\(demo,.*\\d\\d:\\d\\d.*\\)/.test(document.querySelector('#state').innerText)");
    assert!(double.join_ways().is_empty() && double.contact_ways().is_empty());
    desk.wait("!document.querySelector('#run').disabled");
    desk.tap("#run");
    desk.tap("dialog.ask button[value=yes]");
    desk.wait("/同步.*2 个新建.*1 个有问题/.test(document.querySelector('#state').innerText)");
    assert_eq!((double.join_ways().len(), double.contact_ways().len()), (1, 1));
    desk.wait("!document.querySelector('#dry').disabled");
    desk.tap("#dry");
    desk.wait("/试运行.*2 个不变,0 个新建/.test(document.querySelector('#state').innerText)");
    desk.tap("#reconcile");
    desk.wait("document.body.innerText.includes('已开始核对')");
    assert_ne!(desk.value("document.title"), "hit");
}

#[test]
fn where_wecom_is_not_set_up_the_page_says_so() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/wecom");
    phone.wait("document.querySelector('#off').checkVisibility()");
    assert_eq!(phone.value("document.querySelector('#run').disabled"), true);
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
}
