//! Erasure and opting out reach everything that is known of a customer, also what comes to be known afterwards by an older link.

use jinqun::job::Lane;
use jinqun::storage::CardKind;
use jinqun::time::Clock as _;
use serde_json::json;

use crate::client::{Answer, eventually};
use crate::double::Fault;
use crate::wecom_facts::Shop;

const DAY_MS: i64 = 86_400_000;

/// A visit: its channel, its visitor, and what the visitor shows to be them.
struct Visit {
    channel: String,
    visitor: String,
    bearer: String,
}

fn visit(shop: &Shop) -> Visit {
    let answer = shop.app.scan(&json!({ "store": "SH-0003" })).expect(201);
    let scan = answer.visit();
    let record = shop.app.tags().into_iter().find(|it| it.scan.to_string() == scan).unwrap();
    let secret = shop.app.storage_now().secret(&|| [0; 32]).unwrap();
    Visit {
        channel: jinqun::app::Signer::new(&secret).channel(record.scan, record.visitor),
        visitor: record.visitor.to_string(),
        bearer: format!("Bearer {}", answer.json()["visitor"].as_str().unwrap()),
    }
}

fn theirs(shop: &Shop, method: &str, path: &str, it: &Visit) -> Answer {
    shop.app.call(method, path, &[("authorization", &it.bearer)], None)
}

fn erase(shop: &Shop, customer: &str) -> Answer {
    shop.call("DELETE", &format!("/api/v1/admin/visitors/{customer}"), None)
}

/// How many entries of the feed name a customer, once everything is worked in.
fn told(shop: &Shop, customer: &str) -> usize {
    let feed = shop.settled().feed(0, 1_000).unwrap();
    feed.iter().filter(|(_, it)| it.body.contains(customer) || it.id.contains(customer)).count()
}

fn is_known(shop: &Shop, kind: CardKind, id: &str) -> bool {
    shop.settled().cards(kind, &[id]).unwrap().remove(0).is_some()
}

/// The tags of a friendship, once no job is left.
fn tags(shop: &Shop, staff: &str, customer: &str) -> Vec<String> {
    let storage = shop.settled();
    eventually("tags are seen to", || {
        let waiting = storage.job_counts(Lane::Tag, shop.app.clock.now()).unwrap().waiting;
        shop.app.clock.advance_ms(if waiting > 0 { 200 } else { 0 });
        (waiting == 0).then_some(())
    });
    shop.double.tag_names_of(staff, customer)
}

#[test]
fn an_older_link_says_nothing_of_who_opted_out_and_was_forgotten() {
    let shop = Shop::open();
    let visit = visit(&shop);
    theirs(&shop, "POST", "/api/v1/visitors/me/opt-out", &visit).expect(204);
    theirs(&shop, "DELETE", "/api/v1/visitors/me", &visit).expect(200);
    shop.double.add_customer("wm1", Some("u1"));
    shop.double.add_friend("mgr_03", "wm1", Some(&visit.channel));
    let customer = shop.customer("wm1").unwrap();
    assert!(customer.is_silent && customer.unionid.is_none() && customer.place.is_none(), "{customer:?}");
    assert_eq!(customer.friends["mgr_03"].scan, None);
    assert_eq!(tags(&shop, "mgr_03", "wm1"), Vec::<String>::new());
    assert_eq!((told(&shop, "wm1"), shop.double.count("/externalcontact/mark_tag")), (0, 0));
    assert!(!is_known(&shop, CardKind::Visitor, &visit.visitor) && !is_known(&shop, CardKind::Identity, "unionid:u1"));
    // Whoever comes by another visit is known as before.
    let other = self::visit(&shop);
    shop.double.add_friend("mgr_03", "wm2", Some(&other.channel));
    assert!(!tags(&shop, "mgr_03", "wm2").is_empty());
    assert!(is_known(&shop, CardKind::Visitor, &other.visitor) && told(&shop, "wm2") >= 2);
}

#[test]
fn with_a_person_goes_what_is_known_of_them_and_what_was_told() {
    let shop = Shop::open();
    // Somebody who is known by the link of a visit, and erases themselves.
    let visit = visit(&shop);
    shop.double.add_customer("wm6", Some("u6"));
    shop.double.add_friend("mgr_03", "wm6", Some(&visit.channel));
    assert!(!tags(&shop, "mgr_03", "wm6").is_empty());
    assert!(is_known(&shop, CardKind::Identity, "unionid:u6") && told(&shop, "wm6") >= 2);
    theirs(&shop, "DELETE", "/api/v1/visitors/me", &visit).expect(200);
    assert_eq!((tags(&shop, "mgr_03", "wm6"), told(&shop, "wm6")), (Vec::new(), 0));
    assert!(!is_known(&shop, CardKind::Identity, "unionid:u6"));
    // Somebody without a visit, erased by the operations team.
    shop.double.add_friend("mgr_03", "wm7", None);
    assert!(!tags(&shop, "mgr_03", "wm7").is_empty());
    assert!(told(&shop, "wm7") >= 2);
    erase(&shop, "wm7").expect(200);
    assert_eq!((tags(&shop, "mgr_03", "wm7"), told(&shop, "wm7")), (Vec::new(), 0));
    // That they go tells nothing either.
    shop.advance_ms(3_600_000);
    for customer in ["wm6", "wm7"] {
        shop.double.delete_follow("mgr_03", customer);
        assert!(!shop.customer(customer).unwrap().friends["mgr_03"].is_live());
        assert_eq!(told(&shop, customer), 0);
    }
    // What is left of those who are gone has an age; who is still there stays.
    shop.double.add_customer("wm9", Some("u9"));
    for customer in ["wm9", "wm10"] {
        shop.double.add_friend("mgr_03", customer, None);
    }
    assert!(is_known(&shop, CardKind::Identity, "unionid:u9"));
    shop.double.delete_follow("mgr_03", "wm9");
    assert!(!shop.customer("wm9").unwrap().friends["mgr_03"].is_live());
    shop.app.clock.advance_ms(731 * DAY_MS);
    shop.app.retain();
    let left = shop.app.storage_now().cards(CardKind::Customer, &["wm6", "wm7", "wm9", "wm10"]).unwrap();
    assert_eq!(left.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(shop.app.storage_now().cards(CardKind::Identity, &["unionid:u9"]).unwrap(), [None]);
}

#[test]
fn a_job_that_was_given_up_says_what_to_do_and_goes_with_the_person() {
    let shop = Shop::open();
    shop.double.fail_always("/externalcontact/groupchat/get", Fault::Code(60_111));
    shop.double.join_group("wr1", "wm8", 3, None);
    shop.settled();
    let dead = || shop.call("GET", "/api/v1/admin/dead-jobs?lane=event", None).expect(200).json();
    let item = dead()["items"][0].clone();
    assert!(item["cause"].as_str().unwrap().contains("error 60111"), "{item}");
    assert!(item["advice"]["en"].as_str().unwrap().contains("member's userid"), "{item}");
    assert!(item["advice"]["zh"].as_str().unwrap().contains("成员"), "{item}");
    assert!(item["job"]["xml"].as_str().unwrap().contains("wm8"), "{item}");
    erase(&shop, "wm8").expect(200);
    assert_eq!(dead()["total"], 0);
    erase(&shop, "wm8").expect(400);
    // Others go with time.
    shop.double.join_group("wr1", "wm9", 3, None);
    let storage = shop.settled();
    let counts = || storage.job_counts(Lane::Event, shop.app.clock.now()).unwrap().dead;
    assert_eq!(counts(), 1);
    for (days, left) in [(89, 1), (2, 0)] {
        shop.app.clock.advance_ms(days * DAY_MS);
        shop.app.retain();
        assert_eq!(counts(), left);
    }
}
