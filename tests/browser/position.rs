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
    demo.metric_becomes(
        "jinqun_scans_total{fallback=\"none\",outcome=\"routed\",source=\"gps\"}",
        1,
    );
}
