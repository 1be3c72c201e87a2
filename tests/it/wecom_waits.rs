//! What waits until somebody has mended the settings, and what one awkward customer does not hold up.

use jinqun::job::Lane;
use jinqun::time::Clock as _;

use crate::client::eventually;
use crate::double::{Delivery, Fault};
use crate::wecom_facts::Shop;

const GET_CHAT: &str = "/externalcontact/groupchat/get";
const GET_CUSTOMER: &str = "/externalcontact/get";

/// Lets time pass until so many jobs of a lane wait, and none is dead.
fn waits(shop: &Shop, lane: Lane, expected: u64) {
    let storage = shop.app.storage_now();
    eventually("jobs wait", || {
        let counts = storage.job_counts(lane, shop.app.clock.now()).unwrap();
        assert_eq!(counts.dead, 0);
        shop.app.clock.advance_ms(200);
        (counts.waiting == expected).then_some(())
    });
}

fn reconcile(shop: &Shop) {
    shop.advance_ms(1_000);
    shop.call("POST", "/api/v1/admin/wecom/reconcile", None).expect(202);
}

#[test]
fn events_wait_until_the_settings_are_mended() {
    let shop = Shop::open();
    // Our address is not trusted.
    shop.double.fail_always(GET_CHAT, Fault::Code(60_020));
    shop.double.join_group("wr1", "wm1", 3, None);
    eventually("it is tried again", || {
        shop.app.clock.advance_ms(100);
        (shop.double.count(GET_CHAT) > 1).then_some(())
    });
    waits(&shop, Lane::Event, 1);
    shop.double.mend();
    assert!(shop.customer("wm1").unwrap().chats["wr1"].is_live());
}

#[test]
fn one_awkward_customer_does_not_end_the_walk_and_walks_do_not_overlap() {
    let shop = Shop::open();
    for customer in ["wm1", "wm2", "wm3"] {
        shop.double.add_friend("mgr_03", customer, None);
    }
    shop.settled();
    shop.double.deliver(Delivery::Lost);
    for customer in ["wm1", "wm2", "wm3"] {
        shop.double.delete_follow("mgr_03", customer);
    }
    // The platform does not show one of them.
    shop.double.fail(GET_CUSTOMER, Fault::Code(84_074));
    reconcile(&shop);
    let gone = |shop: &Shop| {
        let is_live = |customer: &&&str| !shop.customer(customer).unwrap().friends["mgr_03"].is_live();
        ["wm1", "wm2", "wm3"].iter().filter(is_live).count()
    };
    assert_eq!(gone(&shop), 2);
    // A walk that waits for the settings is under way, so the next plan begins none.
    shop.double.fail_always(GET_CUSTOMER, Fault::Code(60_020));
    reconcile(&shop);
    waits(&shop, Lane::Reconcile, 1);
    reconcile(&shop);
    waits(&shop, Lane::Reconcile, 1);
    shop.double.mend();
    shop.double.clear_calls();
    assert_eq!((gone(&shop), shop.double.count(GET_CUSTOMER)), (3, 1));
    reconcile(&shop);
    shop.settled();
    assert_eq!(shop.settled().job_counts(Lane::Reconcile, shop.app.clock.now()).unwrap().dead, 0);
}
