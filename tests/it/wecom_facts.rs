//! Events become facts: who joined where, what it counts for, and what follows; whatever becomes of the events on their way.

use std::collections::BTreeMap;

use jinqun::customer::{Chat, Customer, Identity, VisitorLink};
use jinqun::funnel::Step;
use jinqun::group::{Contact, JoinCode, JoinLink, LINK_HOSTS_DEFAULT, Owner};
use jinqun::id::{CampaignSlug, ContactId, GroupId};
use jinqun::job::Lane;
use jinqun::staff::Role;
use jinqun::storage::{CardKind, CardWrite, Storage};
use jinqun::time::{Clock as _, Day};
use jinqun::wecom::client::{JoinWayPlan, NewGroups};
use serde_json::{Value, json};

use crate::client::{Answer, eventually};
use crate::double::{Delivery, Double, Fault, SentEvent};
use crate::harness::{SQUARE, TestApp};

const DAY_MS: i64 = 86_400_000;

/// A service with the double behind it: the group of SH-0001 is the chat `wr1` of `mgr_01`, the contact of SH-0003 is `mgr_03`.
pub struct Shop {
    pub double: Double,
    pub app: TestApp,
    pub ops: String,
    pub group: String,
    pub contact: String,
}

impl Shop {
    pub fn open() -> Self {
        let double = Double::start();
        let mut builder = TestApp::builder();
        for (name, value) in double.settings() {
            builder = builder.set(name, value);
        }
        let app = builder.start();
        double.callback_to(format!("{}/wecom/callback", app.url()));
        for staff in ["mgr_01", "mgr_02", "mgr_03"] {
            double.add_staff(staff);
        }
        double.add_chat("wr1", "人民广场福利群", "mgr_01");
        let ops = app.bearer(Role::Ops);
        let shop = Self { double, app, ops, group: String::new(), contact: String::new() };
        let group = shop.known("groups", "SH-0001", &json!({"chats": ["wr1"], "staff": ["mgr_01"]}));
        let contact = shop.known("contacts", "SH-0003", &json!({"staff": ["mgr_03"]}));
        Self { group, contact, ..shop }
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let headers = [("authorization", self.ops.as_str()), ("content-type", "application/json")];
        let body = body.map(ToString::to_string);
        self.app.call(method, path, &headers, body.as_deref().map(str::as_bytes))
    }

    /// Says who stands behind the first group or contact of a store; its id.
    pub fn known(&self, kind: &str, store: &str, wecom: &Value) -> String {
        let page = self.call("GET", &format!("/api/v1/admin/{kind}?store={store}"), None).expect(200).json();
        let id = page["items"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/admin/{kind}/{id}");
        let read = self.call("GET", &path, None).expect(200).json();
        let mut body = json!({"owner": read["owner"], "name": read["name"], "url": read["url"], "wecom": wecom});
        body["expires_at"] = read["expires_at"].clone();
        if kind == "groups" {
            body["capacity"] = read["capacity"].clone();
            body["status"] = read["status"].clone();
        }
        self.call("PUT", &path, Some(&body)).expect(200);
        id
    }

    /// Moves both clocks on.
    pub fn advance_ms(&self, ms: i64) {
        self.app.clock.advance_ms(ms);
        self.double.advance_s(ms / 1_000);
    }

    /// Storage, once every event is worked in; events that wait for data that lags get their time.
    pub fn settled(&self) -> std::sync::Arc<dyn Storage> {
        let storage = self.app.storage_now();
        eventually("events are worked in", || {
            let waiting = |lane| storage.job_counts(lane, self.app.clock.now()).unwrap().waiting;
            if waiting(Lane::Event) + waiting(Lane::Reconcile) > 0 {
                self.app.clock.advance_ms(200);
                return None;
            }
            Some(())
        });
        storage
    }

    pub fn customer(&self, id: &str) -> Option<Customer> {
        let cards = self.settled().cards(CardKind::Customer, &[id]).unwrap();
        cards.into_iter().flatten().next().map(|it| serde_json::from_str(&it.body).unwrap())
    }

    pub fn chat(&self, id: &str) -> Chat {
        let cards = self.settled().cards(CardKind::Chat, &[id]).unwrap();
        serde_json::from_str(&cards.into_iter().flatten().next().unwrap().body).unwrap()
    }

    /// All counters but those that have come back to nothing, of all days together.
    pub fn counts(&self) -> BTreeMap<String, i64> {
        let mut counts = BTreeMap::new();
        let (first, last) = Day::RANGE;
        let mut each = |_day: Day, of: &str, count: i64| *counts.entry(of.to_owned()).or_default() += count;
        self.settled().each_count(first, last, &mut each).unwrap();
        counts.retain(|_, count| *count != 0);
        counts
    }

    pub fn send(&self, events: &[&SentEvent]) {
        for it in events {
            assert_eq!(self.double.send(it), 200, "{}", it.xml);
        }
    }

    /// A join way that leads to these chats, and to new ones when they are full.
    pub fn way(&self, chats: &[&str]) -> String {
        let mut flags: jinqun::config::Flags = self.double.settings().into_iter().collect();
        flags.insert("data_dir", self.app.folder().display().to_string());
        let config = jinqun::config::Config::load(None, &flags).unwrap();
        let clock: std::sync::Arc<dyn jinqun::time::Clock> = std::sync::Arc::new(self.app.clock.clone());
        let wecom = jinqun::startup::open_platforms(&config, None, &clock, None).wecom.unwrap();
        let plan = JoinWayPlan {
            chats: chats.iter().map(|it| (*it).to_owned()).collect(),
            state: "g_1".to_owned(),
            new_groups: Some(NewGroups { name: "人民广场群".to_owned(), first: 2 }),
            ..JoinWayPlan::default()
        };
        wecom.add_join_way(&plan).unwrap()
    }

    /// A visit to SH-0001's group by somebody with this unionid; the visit's id.
    pub fn visit(&self, unionid: &str) -> String {
        let answer = self.app.scan(&json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}})).expect(201);
        assert_eq!(answer.json()["join"]["id"], json!(self.group));
        let visit = answer.visit();
        let record = self.app.tags().into_iter().find(|it| it.scan.to_string() == visit).unwrap();
        let body = Identity { visitor: Some(record.visitor), customer: None };
        let write = CardWrite {
            kind: CardKind::Identity,
            id: format!("unionid:{unionid}"),
            expected: 0,
            body: Some(serde_json::to_string(&body).unwrap()),
            visitor: Some(record.visitor),
            counts: Vec::new(),
        };
        self.app.storage_now().write_card(&write).unwrap();
        visit
    }

    pub fn steps_of(&self, visit: &str) -> Vec<Step> {
        self.settled();
        let steps = self.app.steps();
        steps.into_iter().filter(|it| it.scan.to_string() == visit).map(|it| it.step).collect()
    }

    pub fn feed(&self) -> Vec<(String, Value)> {
        let entries = self.settled().feed(0, 1_000).unwrap();
        let of_customers = entries.into_iter().filter(|(_, it)| it.kind.starts_with("customer."));
        of_customers.map(|(_, it)| (it.kind, serde_json::from_str(&it.body).unwrap())).collect()
    }

    fn members(&self) -> Option<u32> {
        let group = GroupId::parse(&self.group).unwrap();
        let heads = self.settled().head_counts(&[group], self.app.clock.now()).unwrap();
        heads[0].members.map(|it| it.0)
    }
}

/// The `state` of a contact's way.
pub fn state_of(contact: &str) -> String {
    let link = JoinLink::parse("https://work.weixin.qq.com/u/x", &LINK_HOSTS_DEFAULT).unwrap();
    let contact = Contact {
        id: ContactId::parse(contact).unwrap(),
        owner: Owner::Campaign(CampaignSlug::default_slug()),
        name: "x".into(),
        code: JoinCode { link, expires_at: None },
        order: 0,
        wecom: None,
    };
    contact.state()
}

pub fn counted(entries: &[(&str, i64)]) -> BTreeMap<String, i64> {
    entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn a_visitor_who_joins_and_leaves_is_followed_from_the_visit_to_the_funnel() {
    let shop = Shop::open();
    let visit = shop.visit("u1");
    shop.double.add_customer("wm1", Some("u1"));
    let joined = shop.double.join_group("wr1", "wm1", 3, None);
    let tie = shop.customer("wm1").unwrap().chats["wr1"].clone();
    assert_eq!(tie.group.unwrap().as_str(), shop.group);
    assert_eq!((tie.store.unwrap().as_str(), tie.staff.as_deref()), ("SH-0001", Some("mgr_01")));
    assert_eq!(tie.scan.unwrap().to_string(), visit);
    assert_eq!(shop.steps_of(&visit), [Step::Joined]);
    assert_eq!(shop.members(), Some(2));
    assert_eq!(shop.counts(), counted(&[("joined/group/visit/SH-0001/mgr_01", 1)]));
    let place = shop.customer("wm1").unwrap().place.unwrap();
    assert_eq!((place.regions.join("/"), place.store.unwrap().to_string()), ("上海市/黄浦区".into(), "SH-0001".into()));
    // Nobody of the staff is their contact, so there is nobody to tag them.
    assert_eq!(shop.settled().job_counts(Lane::Tag, shop.app.clock.now()).unwrap().waiting, 0);
    shop.send(&[&joined, &joined]);
    shop.advance_ms(3_600_000);
    let left = shop.double.leave_group("wr1", "wm1");
    shop.send(&[&joined, &left, &joined]);
    assert!(!shop.customer("wm1").unwrap().chats["wr1"].is_live());
    assert_eq!(shop.steps_of(&visit), [Step::Joined, Step::Left]);
    assert_eq!(shop.members(), Some(1));
    let both = [
        ("early/group/visit/SH-0001/mgr_01", 1),
        ("joined/group/visit/SH-0001/mgr_01", 1),
        ("left/group/visit/SH-0001/mgr_01", 1),
    ];
    assert_eq!(shop.counts(), counted(&both));
    let feed = shop.feed();
    let kinds: Vec<&str> = feed.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(kinds, ["customer.joined", "customer.left"]);
    assert_eq!(feed[0].1["external_userid"], "wm1");
    assert_eq!((&feed[0].1["chat"], &feed[0].1["store"]), (&json!("wr1"), &json!("SH-0001")));
    assert!(feed[0].1["visitor"].is_string());
    let visitor = feed[0].1["visitor"].as_str().unwrap().to_owned();
    let card = shop.settled().cards(CardKind::Visitor, &[&visitor]).unwrap().remove(0).unwrap();
    let link: VisitorLink = serde_json::from_str(&card.body).unwrap();
    assert_eq!((link.customer.as_deref(), link.unionid.as_deref()), (Some("wm1"), Some("u1")));
}

#[test]
fn events_in_any_order_twice_or_late_come_to_the_same() {
    let shop = Shop::open();
    shop.double.deliver(Delivery::Held);
    let first = shop.double.join_group("wr1", "wm1", 3, None);
    shop.advance_ms(60_000);
    let gone = shop.double.leave_group("wr1", "wm1");
    shop.advance_ms(60_000);
    let other = shop.double.join_group("wr1", "wm2", 3, None);
    shop.send(&[&other, &gone, &gone, &first, &other, &first]);
    let expected =
        [("early/group/-/SH-0001/mgr_01", 1), ("joined/group/-/SH-0001/mgr_01", 2), ("left/group/-/SH-0001/mgr_01", 1)];
    assert_eq!(shop.counts(), counted(&expected));
    assert!(!shop.customer("wm1").unwrap().chats["wr1"].is_live());
    assert!(shop.customer("wm2").unwrap().chats["wr1"].is_live());
    // Back within a day: never been away.
    shop.advance_ms(3_600_000);
    let back = shop.double.join_group("wr1", "wm1", 3, None);
    shop.send(&[&back, &gone]);
    assert_eq!(shop.counts(), counted(&[("joined/group/-/SH-0001/mgr_01", 2)]));
    // Gone and back after days is another join.
    shop.advance_ms(3 * DAY_MS);
    let gone = shop.double.leave_group("wr1", "wm1");
    shop.advance_ms(3 * DAY_MS);
    let back = shop.double.join_group("wr1", "wm1", 3, None);
    shop.send(&[&back, &gone]);
    let expected = [("joined/group/-/SH-0001/mgr_01", 3), ("left/group/-/SH-0001/mgr_01", 1)];
    assert_eq!(shop.counts(), counted(&expected));
    // The funnel has them beside the visits, and the ranking says the same.
    let numbers = shop.call("GET", "/api/v1/admin/numbers?from=2026-07-01&to=2026-07-31", None).expect(200).json();
    assert_eq!((&numbers["total"]["joined"], &numbers["total"]["left"]), (&json!(3), &json!(1)));
    assert_eq!((&numbers["rows"][0]["key"], &numbers["rows"][0]["counts"]["joined"]), (&json!("SH-0001"), &json!(3)));
    let none = shop.call("GET", "/api/v1/admin/numbers?from=2026-07-01&to=2026-07-31&campaign=default", None);
    assert_eq!(none.expect(200).json()["total"]["joined"], 0);
    let ranking = shop.call("GET", "/api/v1/admin/ranking?from=2026-07-01&to=2026-07-31", None).expect(200).json();
    let first = &ranking["items"][0];
    // No visit is known of any of them.
    assert_eq!((&first["id"], &first["visitors"]["joined"]), (&json!("SH-0001"), &json!(0)));
    let joins = json!({"joined": 3, "stayed": 3, "left": 1, "groups": 3, "contacts": 0});
    assert_eq!(first["joins"], joins);
    // Who owns the chat is no contact: viewers are not told who it is.
    let path = "/api/v1/admin/ranking?by=manager&from=2026-07-01&to=2026-07-31";
    let managers = shop.call("GET", path, None).expect(200).json();
    assert_eq!((&managers["items"][0]["id"], &managers["items"][0]["joins"]), (&json!("mgr_01"), &joins));
    let viewer = shop.app.bearer(Role::Viewer);
    let managers = shop.app.get_with(path, &[("authorization", &viewer)]).expect(200).json();
    assert_eq!((&managers["items"][0]["id"], &managers["items"][0]["joins"]), (&json!(""), &joins));
    let duel = "/api/v1/admin/ranking/duel?one=SH-0001&other=SH-0002&from=2026-07-15&to=2026-07-21";
    let told = shop.call("GET", duel, None).expect(200).json();
    assert_eq!((&told["one"]["joins"], &told["other"]["joins"]["joined"]), (&joins, &json!(0)));
    assert_eq!((&told["one"]["name"], &told["other"]["name"]), (&json!("人民广场店"), &json!("外滩店")));
    let joined = |place: usize| told["days"][place]["one"]["joined"].clone();
    assert_eq!((joined(0), joined(6), told["days"].as_array().unwrap().len()), (json!(2), json!(1), 7));
    let sheet = shop.call("GET", &format!("{duel}&format=csv"), None).expect(200);
    assert!(sheet.text().contains("2026-07-15,2,2,0,0,0,0"), "{}", sheet.text());
    let missing = shop.call("GET", "/api/v1/admin/ranking/duel?one=SH-0001", None);
    assert_eq!(missing.expect(400).problem().fields, ["other"]);
}

#[test]
fn what_lags_is_read_again_and_an_event_that_is_lost_is_found_with_the_next() {
    let shop = Shop::open();
    shop.double.lag();
    shop.double.join_group("wr1", "wm1", 3, None);
    eventually("it was looked at", || (shop.double.count("/groupchat/get") > 0).then_some(()));
    shop.double.catch_up();
    assert!(shop.customer("wm1").unwrap().chats["wr1"].is_live());
    shop.double.deliver(Delivery::Lost);
    shop.double.join_group("wr1", "wm2", 3, None);
    shop.double.leave_group("wr1", "wm1");
    shop.double.deliver(Delivery::Now);
    shop.double.fail("/externalcontact/groupchat/get", Fault::Code(-1));
    shop.double.rename_group("wr1", "新名字");
    assert_eq!(shop.chat("wr1").name, "新名字");
    assert_eq!(shop.chat("wr1").customers, ["wm2"]);
    assert!(!shop.customer("wm1").unwrap().chats["wr1"].is_live());
}

#[test]
fn a_friend_counts_for_the_contact_whose_code_was_used_and_is_tagged() {
    let shop = Shop::open();
    // In a group without any friend: the place waits on the card.
    shop.double.join_group("wr1", "wm1", 3, None);
    assert!(shop.customer("wm1").unwrap().place.is_some());
    let state = state_of(&shop.contact);
    let half = shop.double.add_half_friend("mgr_02", "wm1", Some(&state));
    shop.advance_ms(60_000);
    let whole = shop.double.add_friend("mgr_02", "wm1", Some(&state));
    shop.send(&[&half, &whole, &half]);
    let friend = shop.customer("wm1").unwrap().friends["mgr_02"].clone();
    assert_eq!((friend.contact.unwrap().as_str(), friend.store.unwrap().as_str()), (shop.contact.as_str(), "SH-0003"));
    let expected = [("joined/contact/-/SH-0003/mgr_02", 1), ("joined/group/-/SH-0001/mgr_01", 1)];
    assert_eq!(shop.counts(), counted(&expected));
    eventually("tags", || {
        let tags = shop.double.tag_names_of("mgr_02", "wm1");
        ["SH-0003", "上海市"].iter().all(|it| tags.iter().any(|tag| tag == it)).then_some(())
    });
    // Without a code the member of staff says which store.
    shop.double.add_friend("mgr_03", "wm2", None);
    assert_eq!(shop.customer("wm2").unwrap().friends["mgr_03"].store.as_ref().unwrap().as_str(), "SH-0003");
    // People who are none of ours are not written down.
    shop.double.add_friend("mgr_02", "wm3", None);
    assert_eq!(shop.customer("wm3"), None);
    shop.advance_ms(3_600_000);
    shop.double.delete_follow("mgr_03", "wm2");
    assert!(!shop.customer("wm2").unwrap().friends["mgr_03"].is_live());
    assert_eq!(shop.counts()["early/contact/-/SH-0003/mgr_03"], 1);
    // The event of the friendship is lost; what somebody changes by hand tells of it.
    shop.double.deliver(Delivery::Lost);
    shop.double.add_friend("mgr_03", "wm4", None);
    shop.double.deliver(Delivery::Now);
    shop.double.edit_friend("mgr_03", "wm4");
    assert!(shop.customer("wm4").unwrap().friends["mgr_03"].is_live());
}

#[test]
fn a_group_that_is_dissolved_leaves_the_rotation_at_once() {
    let shop = Shop::open();
    let shown = |shop: &Shop| shop.app.scan(&json!({"store": "SH-0001"})).json()["join"]["id"].clone();
    assert_eq!(shown(&shop), json!(shop.group));
    shop.double.join_group("wr1", "wm1", 3, None);
    shop.settled();
    let event = shop.double.dismiss("wr1");
    shop.send(&[&event]);
    assert!(shop.chat("wr1").dismissed_at.is_some());
    assert_ne!(shown(&shop), json!(shop.group));
    let group = shop.call("GET", &format!("/api/v1/admin/groups/{}", shop.group), None).json();
    assert_eq!(group["status"], "paused");
    let audit = shop.call("GET", "/api/v1/admin/audit?per_page=20", None);
    if audit.status == 200 {
        let records = audit.json()["items"].as_array().unwrap().clone();
        let ours: Vec<_> = records.iter().filter(|it| it["action"] == "group.dissolved").collect();
        assert_eq!(ours.len(), 1);
        assert_eq!(ours[0]["actor"], "wecom");
    }
    assert!(!shop.customer("wm1").unwrap().chats["wr1"].is_live());
    // Nobody left by themselves.
    assert_eq!(shop.counts(), counted(&[("joined/group/-/SH-0001/mgr_01", 1)]));
}

#[test]
fn what_callbacks_lost_is_found_by_reconciliation() {
    let shop = Shop::open();
    shop.double.add_chat("wr2", "外滩福利群", "mgr_02");
    let other = shop.known("groups", "SH-0002", &json!({"chats": ["wr2"], "staff": ["mgr_02"]}));
    shop.double.deliver(Delivery::Lost);
    shop.double.join_group("wr1", "wm1", 3, None);
    shop.double.add_friend("mgr_03", "wm2", Some(&state_of(&shop.contact)));
    shop.double.dismiss("wr2");
    let viewer = shop.app.bearer(Role::Viewer);
    let path = "/api/v1/admin/wecom/reconcile";
    assert_eq!(shop.app.call("POST", path, &[("authorization", &viewer)], Some(b"")).status, 403);
    let reconcile = |shop: &Shop| {
        // A plan is named by its moment.
        shop.advance_ms(1_000);
        shop.call("POST", path, None).expect(202);
    };
    reconcile(&shop);
    assert!(shop.customer("wm1").unwrap().chats["wr1"].is_live());
    assert_eq!(shop.customer("wm2").unwrap().friends["mgr_03"].store.as_ref().unwrap().as_str(), "SH-0003");
    let group = shop.call("GET", &format!("/api/v1/admin/groups/{other}"), None).json();
    assert_eq!(group["status"], "paused");
    let counts = shop.counts();
    shop.double.leave_group("wr1", "wm1");
    shop.double.delete_follow("mgr_03", "wm2");
    // Members in their thousands may be more than the platform lists without the owners' names.
    shop.double.have_many_staff();
    reconcile(&shop);
    assert!(!shop.customer("wm1").unwrap().chats["wr1"].is_live());
    assert!(!shop.customer("wm2").unwrap().friends["mgr_03"].is_live());
    assert_eq!(counts, counted(&[("joined/contact/-/SH-0003/mgr_03", 1), ("joined/group/-/SH-0001/mgr_01", 1)]));
    let without = TestApp::start();
    let ops = without.bearer(Role::Ops);
    assert_eq!(without.call("POST", path, &[("authorization", &ops)], Some(b"")).status, 404);
}

#[test]
fn a_chat_that_a_join_way_made_is_taken_into_its_group() {
    let shop = Shop::open();
    let way = shop.way(&["wr1"]);
    shop.known("groups", "SH-0001", &json!({"chats": ["wr1"], "staff": ["mgr_01"], "way": way}));
    shop.double.fill_chat("wr1", 400);
    let (chat, _) = shop.double.join_by_way(&way, "wm1").unwrap();
    assert_ne!(chat, "wr1");
    assert_eq!(shop.customer("wm1").unwrap().chats[&chat].store.as_ref().unwrap().as_str(), "SH-0001");
    let group = shop.call("GET", &format!("/api/v1/admin/groups/{}", shop.group), None).json();
    assert_eq!(group["wecom"]["chats"], json!(["wr1", chat]));
}
