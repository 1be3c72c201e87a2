//! Stores and versions in a browser: the pin moved by mouse and keyboard, published, seen by customers, and taken back.

use serde_json::json;

use crate::browser::{Browser, Setup};
use crate::demo::{Demo, poll};
use crate::driver::http_client;

/// The store nearest to a place, by its id.
fn nearest(demo: &Demo, lat: f64, lng: f64) -> String {
    let mut answer = http_client().get(demo.url(&format!("/api/v1/nearest?lat={lat}&lng={lng}"))).call().unwrap();
    let answer: serde_json::Value = answer.body_mut().read_json().unwrap();
    answer["stores"][0]["id"].as_str().unwrap().to_owned()
}

fn number(desk: &Browser<'_>, expression: &str) -> f64 {
    desk.value(expression).as_f64().unwrap()
}

/// Drags the pin by so many pixels, as a mouse does.
fn drag(desk: &Browser<'_>, east: f64, south: f64) {
    desk.value("document.querySelector('.map-pin').scrollIntoView({block: 'center', behavior: 'instant'})");
    let x = number(desk, "(r => r.left + r.width / 2)(document.querySelector('.map-pin').getBoundingClientRect())");
    let y = number(desk, "(r => r.top + r.height / 2)(document.querySelector('.map-pin').getBoundingClientRect())");
    let mouse = |kind: &str, x: f64, y: f64| {
        desk.cdp(
            "Input.dispatchMouseEvent",
            &json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}),
        );
    };
    mouse("mousePressed", x, y);
    mouse("mouseMoved", x + east / 2.0, y + south / 2.0);
    mouse("mouseMoved", x + east, y + south);
    mouse("mouseReleased", x + east, y + south);
}

#[test]
fn a_pin_is_moved_published_seen_and_taken_back() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/stores");
    desk.wait("document.querySelectorAll('#rows tr').length === 50");
    desk.write("input[name=q]", "wangfujing");
    desk.wait("document.querySelectorAll('#rows tr').length === 1");
    desk.tap("#rows a");
    desk.wait("!!document.querySelector('.map-pin')?.dataset.lat");
    let lat = number(&desk, "+document.querySelector('.map-pin').dataset.lat");
    let lng = number(&desk, "+document.querySelector('.map-pin').dataset.lng");
    assert_eq!(nearest(&demo, lat, lng), "BJ-0001");
    drag(&desk, 150.0, -40.0);
    desk.wait("document.querySelector('#moved').innerText.includes('移动了')");
    let dragged = number(&desk, "+document.querySelector('.map-pin').dataset.lng");
    assert!(dragged > lng + 0.001, "{dragged}");
    desk.value("document.querySelector('.map-pin').focus()");
    desk.cdp("Input.dispatchKeyEvent", &json!({"type": "keyDown", "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39, "modifiers": 8}));
    desk.wait(&format!("+document.querySelector('.map-pin').dataset.lng > {dragged}"));
    desk.wait("document.querySelector('.map-voice').innerText.includes('39.')");
    desk.value("document.querySelector('input[name=name]').value = '<img src=x onerror=alert(1)>店'");
    desk.tap("#save");
    desk.wait_text("#title", "<img src=x onerror=alert(1)>店");
    let moved = number(&desk, "+document.querySelector('.map-pin').dataset.lng");
    assert_eq!(nearest(&demo, lat + 0.0003, moved), "BJ-0001");
    desk.open("/admin/history");
    desk.wait("document.querySelectorAll('.version').length === 4");
    desk.tap(".version[data-version='4'] [aria-controls]");
    desk.wait("document.querySelector('#diff-4 dl')?.innerText.includes('<img src=x onerror=alert(1)>店')");
    desk.tap(".version[data-version='3'] .again");
    desk.wait("document.querySelector('#again').open");
    desk.tap("#again [value=yes]");
    desk.wait("document.querySelectorAll('.version').length === 5");
    desk.open("/admin/stores/BJ-0001");
    desk.wait(&format!("+document.querySelector('.map-pin')?.dataset.lng === {lng}"));
    assert!(!desk.text("#title").contains("<img"));
}

#[test]
fn who_was_slower_sees_both_and_saves_only_the_own_changes() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/stores/BJ-0001");
    desk.wait("!!document.querySelector('.map-pin')?.dataset.lat");
    let token = desk.value("document.querySelector('meta[name=csrf]').content");
    let other = format!(
        "fetch('/api/v1/admin/stores/BJ-0001', {{method: 'PATCH', headers: {{'Content-Type': 'application/json', 'X-CSRF-Token': {token}}}, body: '{{\"hours\": \"06:00-23:00\"}}'}}).then(it => it.status)"
    );
    assert_eq!(desk.value(&other), 200);
    desk.value("document.querySelector('input[name=address]').value = '王府井大街 1 号'");
    desk.tap("#save");
    desk.wait("document.querySelector('#stale').open");
    assert!(desk.text("#stale").contains("06:00-23:00") && desk.text("#stale").contains("王府井大街 1 号"));
    desk.tap("#stale [value=merge]");
    desk.wait("document.querySelector('input[name=hours]').value === '06:00-23:00'");
    assert_eq!(desk.value("document.querySelector('input[name=address]').value"), "王府井大街 1 号");
}

#[test]
fn a_pasted_link_moves_the_pin_on_a_phone() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/stores/SH-0001");
    phone.wait("!!document.querySelector('.map-pin')?.dataset.lat");
    phone.write("#paste", "https://surl.amap.com/abc");
    phone.wait("document.querySelector('#recognised').innerText.includes('短链接')");
    phone.value("document.querySelector('#paste').value = ''");
    phone.write("#paste", "https://uri.amap.com/marker?position=121.4800,31.2300");
    phone.wait("document.querySelector('#recognised').innerText.includes('高德链接')");
    phone.wait("document.querySelector('#moved').innerText.includes('移动了')");
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
    let seen = poll(|| (phone.log("browser").is_empty()).then_some(()));
    assert!(seen.is_some());
}
