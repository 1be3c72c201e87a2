//! Lists of members that lag behind the events, and people who come back: nobody is gone for good because a list was late.

use jinqun::funnel::Step;
use jinqun::job::Lane;
use jinqun::time::Clock as _;
use serde_json::json;

use crate::client::eventually;
use crate::double::Delivery;
use crate::wecom_facts::{Shop, counted};

fn kinds(shop: &Shop) -> Vec<String> {
    shop.feed().into_iter().map(|(kind, _)| kind).collect()
}

fn is_in(shop: &Shop, customer: &str) -> bool {
    shop.customer(customer).unwrap().chats["wr1"].is_live()
}

/// Storage, once all events have been worked in or given up, however long they would wait.
fn given_up(shop: &Shop) {
    let storage = shop.app.storage_now();
    eventually("events are given up", || {
        let waiting = storage.job_counts(Lane::Event, shop.app.clock.now()).unwrap().waiting;
        shop.app.clock.advance_ms(i64::from(waiting > 0) * 12_000);
        (waiting == 0).then_some(())
    });
}

fn reconcile(shop: &Shop) {
    shop.advance_ms(1_000);
    shop.call("POST", "/api/v1/admin/wecom/reconcile", None).expect(202);
    shop.settled();
}

#[test]
fn a_list_that_lags_makes_nobody_leave() {
    let shop = Shop::open();
    shop.double.join_group("wr1", "wm1", 3, None);
    assert!(is_in(&shop, "wm1"));
    shop.double.lag();
    shop.double.clear_calls();
    shop.double.join_group("wr1", "wmA", 3, None);
    // The list is still of before both, and the second does not say so.
    shop.double.join_group("wr1", "wmB", 3, None);
    eventually("both were looked at", || (shop.double.count("/groupchat/get") > 1).then_some(()));
    shop.double.catch_up();
    assert!(is_in(&shop, "wmA") && is_in(&shop, "wmB"));
    assert_eq!(shop.counts(), counted(&[("joined/group/-/SH-0001/mgr_01", 3)]));
    assert_eq!(kinds(&shop), ["customer.joined"; 3]);
    // It lags for longer than an event waits: that they came is noted, and a list that lags even then is wrong about them for as
    // long as it lags.
    shop.double.lag();
    shop.double.join_group("wr1", "wmC", 3, None);
    given_up(&shop);
    assert!(is_in(&shop, "wmC"));
    assert_eq!(kinds(&shop), ["customer.joined"; 4]);
    reconcile(&shop);
    assert!(!is_in(&shop, "wmC"));
    shop.double.catch_up();
    reconcile(&shop);
    assert!(is_in(&shop, "wmC"));
    assert_eq!(shop.counts(), counted(&[("joined/group/-/SH-0001/mgr_01", 4)]));
    // Who came unseen, and left without a word, is found.
    shop.double.lag();
    shop.double.join_group("wr1", "wmD", 3, None);
    given_up(&shop);
    shop.double.deliver(Delivery::Lost);
    shop.double.leave_group("wr1", "wmD");
    shop.double.catch_up();
    reconcile(&shop);
    assert!(!is_in(&shop, "wmD") && is_in(&shop, "wmC"));
    assert_eq!(shop.counts()["left/group/-/SH-0001/mgr_01"], 1);
}

#[test]
fn who_comes_back_within_a_day_has_not_left_for_anybody() {
    let shop = Shop::open();
    let visit = shop.visit("u1");
    shop.double.add_customer("wm1", Some("u1"));
    let numbers = || {
        let path = "/api/v1/admin/numbers?from=2026-07-01&to=2026-07-31&campaign=default";
        let total = shop.call("GET", path, None).expect(200).json()["total"].clone();
        (total["joined"].clone(), total["left"].clone())
    };
    let step = |what: &dyn Fn()| {
        what();
        shop.settled();
        shop.advance_ms(600_000);
    };
    step(&|| drop(shop.double.join_group("wr1", "wm1", 3, None)));
    step(&|| drop(shop.double.leave_group("wr1", "wm1")));
    assert_eq!((shop.steps_of(&visit), numbers()), (vec![Step::Joined, Step::Left], (json!(1), json!(1))));
    step(&|| drop(shop.double.join_group("wr1", "wm1", 3, None)));
    // The funnel and the ranking agree, and who was told of the leave is told of the return.
    assert_eq!((shop.steps_of(&visit), numbers()), (vec![Step::Joined], (json!(1), json!(0))));
    assert_eq!(shop.counts(), counted(&[("joined/group/visit/SH-0001/mgr_01", 1)]));
    assert_eq!(kinds(&shop), ["customer.joined", "customer.left", "customer.joined"]);
    step(&|| drop(shop.double.leave_group("wr1", "wm1")));
    assert_eq!((shop.steps_of(&visit), numbers()), (vec![Step::Joined, Step::Left], (json!(1), json!(1))));
    assert_eq!(kinds(&shop)[2..], ["customer.joined", "customer.left"]);
    let ats: Vec<_> = shop.feed().into_iter().map(|(_, it)| it["at"].clone()).collect();
    assert!(ats.windows(2).all(|it| it[0].as_str() < it[1].as_str()), "{ats:?}");
    assert_eq!(shop.counts()["left/group/visit/SH-0001/mgr_01"], 1);
}
