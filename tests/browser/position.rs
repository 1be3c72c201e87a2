//! The button for the position, and every answer that a phone gives to it.

use crate::browser::{Browser, Place, Setup};
use crate::demo::{BRAND_CODE, Demo, row};

/// The middle of People's Square in Shanghai.
const SQUARE: (f64, f64) = (31.2304, 121.4737);

#[test]
fn a_granted_position_shows_the_nearest_store_and_its_code() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::At(SQUARE.0, SQUARE.1, 35.0));
    phone.open("/");
    phone.tap("#locate");
    let store = row("SH-0001");
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.text("#eyebrow"), "离您最近的门店");
    assert_eq!(phone.text("#distance"), "450 米");
    assert_eq!(phone.text("#address"), store.address);
    assert_eq!(phone.text("#hours"), store.hours);
    assert_eq!(phone.codes(), [store.join]);
    demo.metric_becomes("jinqun_scan_refinements_total{fallback=\"none\",outcome=\"routed\",source=\"gps\"}", 1);
}

#[test]
fn the_phone_is_asked_for_its_position_only_after_a_tap() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::Open);
    phone.before_pages(
        "window.asked = 0; const ask = Geolocation.prototype.getCurrentPosition; \
         Geolocation.prototype.getCurrentPosition = function (...all) { window.asked += 1; return ask.apply(this, all); };",
    );
    phone.open("/");
    let state = "navigator.permissions.query({name: 'geolocation'}).then(it => it.state)";
    assert_eq!(phone.value(state), "prompt");
    assert_eq!(phone.value("window.asked"), 0);
    assert_eq!(phone.text("#purpose"), "位置仅用于查找离您最近的门店，不保存坐标。点按后手机会请您确认。 隐私说明");
    phone.tap("#locate");
    phone.wait("window.asked === 1");
}

#[test]
fn a_refused_position_leads_to_the_chooser_and_is_told() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::Refused);
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#status", "没有使用位置也没关系，请直接选择门店。");
    demo.step_becomes("refused", 1);
    assert_eq!(phone.text("#other"), "自己选门店");
    assert!(!phone.sees("#retry"), "a refusal is not asked again");
    phone.tap("#other");
    phone.wait_text("h1", "选择门店");
    assert!(phone.sees("ul.list a"));
}

#[test]
fn an_imprecise_position_lists_the_stores_around_it() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::At(SQUARE.0, SQUARE.1, 3_000.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", "您在哪家门店？");
    assert_eq!(phone.text("#status"), "位置不够精确（误差约 3.0 公里），请选择您所在的门店。");
    assert_eq!(phone.value("document.getElementById('page').dataset.outcome"), "choose");
    let listed = phone.value("[...document.querySelectorAll('#list a')].map(it => it.dataset.store)");
    assert_eq!(listed[0], "SH-0001", "the nearest comes first: {listed}");
    assert_eq!(phone.text("#list li:first-child i"), "约 450 米");
    let store = row("SH-0002");
    phone.tap("#list a[data-store='SH-0002']");
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.text("#eyebrow"), "您选择的门店");
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn one_of_two_possible_stores_is_shown_as_a_guess() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    // In Suzhou, 2.7 km from one store and about 6 km from the other.
    phone.stands(&Place::At(31.318, 120.680, 3_000.0));
    phone.open("/");
    phone.tap("#locate");
    let store = row("SU-0002");
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.text("#eyebrow"), "可能是这家门店，请核对");
    assert_eq!(phone.text("#distance"), "约 3 公里");
    assert!(phone.sees("#list a[data-store='SU-0001']"));
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn out_of_reach_shows_the_brands_own_code_and_the_chooser() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    // In the middle of the Pacific Ocean.
    phone.stands(&Place::At(0.0, -160.0, 20.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", "您附近暂时没有门店");
    assert_eq!(phone.text("#note"), "您可以先加入青禾咖啡的群聊");
    assert_eq!(phone.codes(), [BRAND_CODE]);
    assert_eq!(phone.text("#other"), "自己选门店");
    phone.tap("#other");
    phone.wait_text("h1", "选择门店");
}

#[test]
fn a_phone_without_a_position_leads_to_the_chooser() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::Unavailable);
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#status", "暂时无法定位，请直接选择门店。");
    assert_eq!(phone.text("#other"), "自己选门店");
    assert_eq!(demo.metric("jinqun_steps_total{step=\"refused\"}"), 0);
}

#[test]
fn a_position_that_does_not_come_in_time_leads_to_the_chooser() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    // The browser's own answer after the page's time limit, without the wait.
    phone.before_pages(
        "Geolocation.prototype.getCurrentPosition = (found, lost) => setTimeout(() => lost({code: 3}), 0);",
    );
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#status", "定位超时了，请再试一次，或直接选择门店。");
    assert_eq!(phone.text("#locate"), "使用我的位置");
    phone.tap("#other");
    phone.wait_text("h1", "选择门店");
}

#[test]
fn a_place_nobody_knows_still_shows_a_code_and_a_way_on() {
    let demo = Demo::start();
    let setup = Setup { address: None, ..Setup::default() };
    let phone = Browser::start(&demo, &setup);
    phone.open("/");
    assert_eq!(phone.text("#title"), "找到离您最近的门店");
    assert_eq!(phone.text("#locate"), "使用我的位置");
    assert_eq!(phone.text("#other"), "自己选门店");
    phone.value("document.getElementById('qr').scrollIntoView({block: 'center'})");
    assert_eq!(phone.codes(), [BRAND_CODE]);
}
