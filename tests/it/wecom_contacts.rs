//! New contacts of whom the event says too little: what waits until they can be read, and what does not. Against the double.

use jinqun::customer::VisitorLink;
use jinqun::id::VisitorId;
use jinqun::storage::CardKind;
use serde_json::json;

use crate::client::eventually;
use crate::double::Fault;
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
    shop.double.add_customer("wm1", Some("u1"));
    shop.double.fail_always("/externalcontact/get", Fault::Code(48_002));
    shop.double.add_friend("mgr_03", "wm1", Some(&state_of(&shop.contact)));
    let storage = shop.app.storage_now();
    eventually("it is told after some tries", || {
        shop.app.clock.advance_ms(10_000);
        storage.feed(0, 100).unwrap().iter().any(|(_, it)| it.kind == "customer.joined").then_some(())
    });
    // Who they are is found out once the app may ask.
    shop.double.mend();
    shop.app.clock.advance_ms(3_600_000);
    let customer = shop.customer("wm1").unwrap();
    assert_eq!(customer.unionid.as_deref(), Some("u1"));
    assert_eq!(customer.place.unwrap().store.unwrap().as_str(), "SH-0003");
    assert_eq!(shop.feed().len(), 1);
}

fn token(shop: &Shop, visitor: VisitorId) -> String {
    let secret = shop.app.storage_now().secret(&|| [0; 32]).unwrap();
    let token = jinqun::app::VisitorToken { visitor, last_store: None };
    format!("Bearer {}", jinqun::app::Signer::new(&secret).visitor(&token))
}

fn opt_out(shop: &Shop, visitor: VisitorId, method: &str) {
    let bearer = token(shop, visitor);
    shop.app.call(method, "/api/v1/visitors/me/opt-out", &[("authorization", &bearer)], None).expect(204);
}

#[test]
fn who_opted_out_before_they_became_a_contact_is_not_tagged_until_they_take_it_back() {
    let shop = Shop::open();
    shop.visit("u1");
    let visitor = visitor(&shop);
    let storage = shop.app.storage_now();
    let link = VisitorLink { unionid: Some("u1".to_owned()), ..VisitorLink::default() };
    let write = jinqun::storage::CardWrite {
        kind: CardKind::Visitor,
        id: visitor.to_string(),
        expected: 0,
        body: Some(serde_json::to_string(&link).unwrap()),
        visitor: Some(visitor),
        counts: Vec::new(),
    };
    storage.write_card(&write).unwrap();
    opt_out(&shop, visitor, "POST");
    shop.double.add_customer("wm1", Some("u1"));
    shop.double.add_friend("mgr_03", "wm1", Some(&state_of(&shop.contact)));
    let customer = shop.customer("wm1").unwrap();
    assert!(customer.is_silent && customer.place.is_none(), "{customer:?}");
    assert_eq!(shop.double.count("/mark_tag"), 0);
    assert_eq!(shop.feed().len(), 0);
    opt_out(&shop, visitor, "DELETE");
    assert!(!shop.customer("wm1").unwrap().is_silent);
}

#[test]
fn a_visitor_known_by_a_channel_alone_can_opt_out() {
    let shop = Shop::open();
    let visit = shop.app.scan(&json!({"store": "SH-0003"})).expect(201).visit();
    let visitor = visitor(&shop);
    let secret = shop.app.storage_now().secret(&|| [0; 32]).unwrap();
    let scan = jinqun::id::ScanId::parse(&visit).unwrap();
    let channel = jinqun::app::Signer::new(&secret).channel(scan, visitor);
    shop.double.add_friend("mgr_03", "wm1", Some(&channel));
    assert!(shop.customer("wm1").unwrap().place.is_some());
    opt_out(&shop, visitor, "POST");
    assert!(shop.customer("wm1").unwrap().is_silent);
}
