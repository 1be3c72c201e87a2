//! New contacts of whom the event says too little: what waits until they can be read, and what does not. Against the double.

use jinqun::id::VisitorId;
use serde_json::json;

use crate::client::eventually;
use crate::wecom_facts::{Shop, state_of};

/// The visitor of the one visit there is.
fn visitor(shop: &Shop) -> VisitorId {
    eventually("the visit is in storage", || shop.app.tags().first().map(|it| it.visitor))
}

#[test]
fn a_join_is_told_once_it_is_known_whose_it_is() {
    let shop = Shop::open();
    shop.visit("u1");
    shop.double.add_customer("wm1", Some("u1"));
    shop.double.lag();
    shop.double.add_friend("mgr_03", "wm1", Some(&state_of(&shop.contact)));
    eventually("they were asked for", || (shop.double.count("/externalcontact/get") > 0).then_some(()));
    let storage = shop.app.storage_now();
    let feed = storage.feed(0, 100).unwrap();
    assert!(feed.iter().all(|(_, it)| it.kind != "customer.joined"), "{feed:?}");
    shop.double.catch_up();
    let customer = shop.customer("wm1").unwrap();
    assert!(customer.friends["mgr_03"].is_live() && customer.place.is_some(), "{customer:?}");
    let told = shop.feed();
    assert_eq!((told.len(), told[0].0.as_str()), (1, "customer.joined"));
    assert_eq!(told[0].1["visitor"], json!(visitor(&shop).to_string()));
}

#[test]
fn a_join_whose_customer_cannot_be_read_is_told_without_the_visitor() {
    let shop = Shop::open();
    shop.double.forbid("/externalcontact/get");
    shop.double.add_friend("mgr_03", "wm1", Some(&state_of(&shop.contact)));
    let customer = shop.customer("wm1").unwrap();
    assert_eq!(customer.place.unwrap().store.unwrap().as_str(), "SH-0003");
    assert_eq!(shop.feed().len(), 1);
}
