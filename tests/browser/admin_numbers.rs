//! Testing a place, reading the numbers, looking at alerts and catchments, as somebody of the operations team does it.

use crate::browser::{Browser, Place, Setup};
use crate::demo::Demo;

/// Fails if the browser complained of anything.
fn is_quiet(browser: &Browser<'_>) {
    let log = browser.log("browser");
    assert!(log.is_empty(), "{log:?}");
}

fn fits(browser: &Browser<'_>, width: u64) {
    assert!(browser.value("document.documentElement.scrollWidth").as_u64().unwrap() <= width);
}

#[test]
fn a_place_is_typed_and_its_decision_is_shown_with_every_store() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/test");
    desk.write("input[name=at]", "31.2304, 121.4737");
    desk.tap(".go");
    desk.wait_text("#outcome h2", "青禾咖啡（人民广场店）");
    assert!(desk.text("#outcome").contains("距离 451 m"), "{}", desk.text("#outcome"));
    desk.wait("document.querySelector('#outcome img').naturalWidth > 0");
    assert!(desk.text("#considered tr.chosen").contains("选中"));
    assert!(desk.text("#considered").contains("更远,列为备选"));
    assert!(desk.text("#ladder").contains("SH-0001.group"));
    desk.wait("document.querySelector('#map .map-pin')?.dataset.lat.startsWith('31.2304')");
    // The same place as a map of China writes it.
    desk.value("document.querySelector('select[name=datum]').value = 'gcj02'");
    desk.value("document.querySelector('input[name=at]').value = ''");
    desk.write("input[name=at]", "31.228491,121.478229");
    desk.tap(".go");
    desk.wait("document.querySelector('#map .map-pin')?.dataset.lat.startsWith('31.230')");
    desk.tap("[data-mode=ip]");
    desk.write("input[name=ip]", "nowhere");
    desk.tap(".go");
    desk.wait("document.querySelector('#wrong').innerText === '网络地址: 不是网络地址,例如 203.0.113.9'");
    assert_eq!(desk.value("fetch('/api/v1/admin/numbers').then(it => it.json()).then(it => it.total.scanned)"), 0);
}

#[test]
fn who_stands_in_a_store_mends_its_coordinate_with_one_tap() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/test?here");
    phone.stands(&Place::At(31.2304, 121.4737, 300.0));
    phone.tap(".go");
    phone.wait_text("#outcome h2", "青禾咖啡（人民广场店）");
    // Three hundred metres are too rough.
    assert_eq!(phone.value("document.querySelector('button.mend').disabled"), true);
    phone.stands(&Place::At(31.2304, 121.4737, 12.0));
    phone.tap(".go");
    phone.wait("!document.querySelector('button.mend').disabled");
    fits(&phone, 390);
    phone.tap("#considered tr.chosen button.mend");
    phone.wait("document.querySelector('dialog.ask')?.innerText.includes('相距 451 m')");
    phone.tap("dialog.ask button[value=yes]");
    phone.wait("document.querySelector('#outcome')?.innerText.includes('距离 0 m')");
    let store = "fetch('/api/v1/admin/stores/SH-0001').then(it => it.json())";
    assert_eq!(phone.value(&format!("{store}.then(it => `${{it.lat}} ${{it.lng}}`)")), "31.2304 121.4737");
    is_quiet(&phone);
}

#[test]
fn the_numbers_are_charts_with_tables_below_them() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/?store=SH-0001");
    phone.sign_in("/admin");
    phone.open("/admin/numbers");
    for part in ["days", "stages", "rows"] {
        phone.wait(&format!("document.querySelector('.chart[data-part={part}] img')?.naturalWidth >= 280"));
    }
    fits(&phone, 390);
    phone.tap("[data-by=source]");
    phone.wait("document.querySelector('[data-part=rows] img').src.includes('by=source')");
    phone.tap("section details summary");
    phone.wait("document.querySelector('#days-table').innerText.includes('扫码')");
    phone.tap("[data-ranked=manager]");
    phone.wait("document.querySelector('#ranking-xlsx').href.includes('by=manager')");
    phone.tap(".presets button:nth-of-type(2)");
    phone.wait("document.querySelector('.presets button:nth-of-type(2)').getAttribute('aria-pressed') === 'true'");
    is_quiet(&phone);
}

#[test]
fn alerts_stand_on_the_first_page_and_lead_to_where_they_are_mended() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin");
    desk.wait_text("#alert-count", "2");
    desk.tap("#alert-count");
    desk.wait("document.querySelector('#store_without_code')?.innerText.includes('SH-0006')");
    let link = "document.querySelector('#store_without_code li a').getAttribute('href')";
    assert_eq!(desk.value(link), "/admin/groups?store=SH-0006");
    is_quiet(&desk);
}

#[test]
fn a_pause_is_tried_on_the_map_before_it_is_published() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/catchment");
    desk.wait("document.querySelector('#stores')?.innerText.includes('SH-0005')");
    // The middle of the map, in the city with the most stores, is somebody's; a new store there takes customers from others.
    desk.tap("#add");
    desk.tap("#map canvas");
    desk.wait("document.querySelectorAll('#changes li').length === 1");
    desk.wait("document.querySelector('#shifts')?.innerText.includes('→ 新店')");
    assert!(desk.text("#legend").contains("会换店"));
    desk.tap("#changes button");
    desk.wait("document.querySelector('#shifts').hidden");
    assert_eq!(desk.value("fetch('/api/v1/admin/stores?q=DRAFT').then(it => it.json()).then(it => it.total)"), 0);
    is_quiet(&desk);
}
