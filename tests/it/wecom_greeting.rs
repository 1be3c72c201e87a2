//! Greetings of new contacts, against a double of the platform: what is sent, to whom, when, and how templates are edited.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use jinqun::customer::{Customer, Friendship};
use jinqun::staff::Role;
use jinqun::storage::{CardKind, CardWrite};
use jinqun::time::Timestamp;
use serde_json::{Value, json};

use crate::client::{Answer, eventually};
use crate::double::{self, Delivery, Double, Fault};
use crate::harness::TestApp;

const ALL: &str = "/api/v1/admin/greetings";
const STORES: &str = "id,name,city,district,lat,lng,datum,group_url,group_name,contact_url,contact_name,优惠券链接,coupon_url_registered,coupon_url_gold
SH-1,人民广场店,上海市,黄浦区,31.2319,121.4693,wgs84,https://work.weixin.qq.com/gm/sh1,人民广场福利群,https://work.weixin.qq.com/u/sh1,小李,https://c.example.com/sh1,https://c.example.com/sh1-member,https://c.example.com/sh1-gold
BJ-1,王府井店,北京市,东城区,39.913,116.411,wgs84,https://work.weixin.qq.com/gm/bj1,王府井福利群,https://work.weixin.qq.com/u/bj1,小王,https://c.example.com/bj1,,
";
/// The states of the contact ways of SH-1 and of BJ-1: their ids `SH-1.contact` and `BJ-1.contact` hold a dot, so a hash stands in them.
const SH: Option<&str> = Some("c~069fe6e40af5ae108fa20a54d6");
const BJ: Option<&str> = Some("c~29ab52dddb8ed6a83b573d47a0");

struct Desk {
    double: Double,
    app: TestApp,
    bearer: String,
}

impl Desk {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(settings: &[(&'static str, String)]) -> Self {
        let double = Double::start();
        let mut builder = TestApp::builder().stores(STORES).set("public_url", "https://qun.example.com");
        for (name, value) in double.settings().into_iter().chain(settings.iter().cloned()) {
            builder = builder.set(name, value);
        }
        let app = builder.start();
        double.callback_to(format!("{}/wecom/callback", app.url()));
        double.add_staff("li");
        let bearer = app.bearer(Role::Ops);
        Self { double, app, bearer }
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = vec![("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        headers.extend_from_slice(more);
        self.app.call(method, path, &headers, Some(body.to_string().as_bytes()))
    }

    #[track_caller]
    fn keep(&self, template: &Value) -> Value {
        self.send("POST", ALL, &[], template).expect(201).json()
    }

    /// What was sent, once so many greetings were.
    fn welcomes(&self, count: usize) -> Vec<Value> {
        eventually("greetings", || Some(self.double.welcomes()).filter(|it| it.len() >= count))
    }

    fn outcome(&self, outcome: &str) -> u64 {
        self.app.metric(&format!("jinqun_greetings_total{{outcome=\"{outcome}\"}}"))
    }

    fn texts(&self, count: usize) -> Vec<String> {
        self.welcomes(count).iter().map(|it| it["text"]["content"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn a_new_contact_is_greeted_with_the_group_and_the_coupon_of_the_store() {
    let desk = Desk::start();
    desk.keep(&json!({
        "name": "所有人", "text": "你好，我是{店长}，欢迎来{store}",
        "attachments": [
            { "type": "group", "title": "{群}" },
            { "type": "group", "form": "picture" },
            { "type": "coupon", "title": "{store}的券", "description": "到店使用" },
        ],
    }));
    desk.double.add_friend("li", "wm1", SH);
    let welcome = desk.welcomes(1).remove(0);
    assert_eq!(welcome["text"]["content"], "你好，我是小李，欢迎来人民广场店");
    let attached = welcome["attachments"].as_array().unwrap();
    assert_eq!(attached[0]["link"]["title"], "人民广场福利群");
    assert_eq!(attached[0]["link"]["url"], "https://qun.example.com/s/default?store=SH-1&route=group");
    let media = attached[1]["image"]["media_id"].as_str().unwrap();
    let picture = desk.double.media(media).unwrap();
    let read = jinqun::qr::decode_picture(&picture, jinqun::qr::Effort::default()).unwrap();
    assert_eq!(read.text, "https://work.weixin.qq.com/gm/sh1");
    assert_eq!(
        attached[2]["link"],
        json!({"title": "人民广场店的券", "desc": "到店使用", "url": "https://c.example.com/sh1"})
    );
    // The page that the group's link leads to shows that group.
    let page = desk.app.get("/s/default?store=SH-1&route=group").expect(200);
    assert!(page.text().contains("人民广场福利群"), "{}", page.text());

    desk.double.add_friend("li", "wm2", SH);
    desk.welcomes(2);
    assert_eq!(desk.double.count("/media/upload"), 1, "a picture is uploaded once while it is good there");
    assert_eq!(desk.outcome("sent"), 2);
}

#[test]
fn half_and_whole_events_of_one_person_are_greeted_once() {
    let desk = Desk::start();
    desk.keep(&json!({ "name": "a", "text": "你好" }));
    let half = desk.double.add_half_friend("li", "wm1", SH);
    desk.welcomes(1);
    desk.double.add_friend("li", "wm1", SH);
    desk.double.send(&half);
    eventually("both are let go", || (desk.outcome("repeated") == 2).then_some(()));
    assert_eq!(desk.double.welcomes().len(), 1);
    // Where the first could not be sent, the second is.
    desk.double.fail("/externalcontact/send_welcome_msg", Fault::Code(48_002));
    desk.double.add_half_friend("li", "wm2", SH);
    eventually("the first fails", || (desk.outcome("failed") == 1).then_some(()));
    desk.double.add_friend("li", "wm2", SH);
    desk.welcomes(2);
}

#[test]
fn a_code_that_somebody_else_used_is_no_failure_and_an_old_event_is_let_go() {
    let desk = Desk::start();
    desk.keep(&json!({ "name": "a", "text": "你好" }));
    desk.double.fail("/externalcontact/send_welcome_msg", Fault::Code(41_051));
    desk.double.add_friend("li", "wm1", SH);
    eventually("taken", || (desk.outcome("taken") == 1).then_some(()));
    assert_eq!((desk.outcome("failed"), desk.outcome("late")), (0, 0));
    // A busy platform is asked again within the twenty seconds.
    desk.double.fail("/externalcontact/send_welcome_msg", Fault::Code(-1));
    desk.double.add_friend("li", "wm2", SH);
    desk.welcomes(1);
    // Three minutes later the code is worth nothing.
    desk.double.deliver(Delivery::Held);
    let old = desk.double.add_friend("li", "wm3", SH);
    desk.double.advance_s(180);
    desk.app.clock.advance_ms(180_000);
    let calls = desk.double.count("/externalcontact/send_welcome_msg");
    assert_eq!(desk.double.send(&old), 200);
    desk.double.deliver(Delivery::Now);
    desk.double.add_friend("li", "wm4", SH);
    desk.welcomes(2);
    assert_eq!(desk.double.count("/externalcontact/send_welcome_msg"), calls + 1);
}

#[test]
fn the_most_special_template_that_can_be_filled_in_is_sent() {
    let desk = Desk::start();
    desk.keep(&json!({ "name": "所有人", "text": "大家好" }));
    desk.keep(&json!({ "name": "老顾客", "text": "欢迎回来", "standing": "returning" }));
    desk.keep(&json!({ "name": "上海", "text": "上海好 {address}", "store": "SH-1" }));
    desk.keep(&json!({ "name": "北京", "text": "北京好", "store": "BJ-1" }));
    desk.keep(&json!({ "name": "停用", "text": "不发", "store": "BJ-1", "standing": "new", "is_on": false }));
    let known = Customer {
        friends: [("wang".to_owned(), Friendship { since: Timestamp::from_unix_ms(1), ..Friendship::default() })]
            .into(),
        ..Customer::default()
    };
    let write = CardWrite {
        kind: CardKind::Customer,
        id: "wm2".to_owned(),
        expected: 0,
        body: Some(serde_json::to_string(&known).unwrap()),
        visitor: None,
        counts: Vec::new(),
    };
    desk.app.storage_now().write_card(&write).unwrap();
    for (customer, state, text) in
        [("wm1", BJ, "北京好"), ("wm2", SH, "欢迎回来"), ("wm3", SH, "大家好"), ("wm4", None, "大家好")]
    {
        let before = desk.double.welcomes().len();
        desk.double.add_friend("li", customer, state);
        // The store's own template speaks of an address that the sheet does not give.
        assert_eq!(desk.texts(before + 1).last().unwrap(), text, "{customer}");
    }
}

/// A CRM that answers what it is told to, and keeps what it was asked.
fn crm(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/lookup", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&request).contains("external_userid") {
                match stream.read(&mut part) {
                    Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            kept.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
            let _ = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_registered_customer_gets_another_greeting_and_another_coupon() {
    let (url, asked) = crm(r#"{"registered": true, "segment": "gold"}"#);
    let settings =
        [("crm.lookup_url", url), ("crm.lookup_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())];
    let desk = Desk::with(&settings);
    desk.keep(&json!({ "name": "a", "text": "你好 {coupon}" }));
    desk.keep(&json!({ "name": "b", "text": "会员好 {coupon}", "membership": "registered" }));
    desk.keep(&json!({ "name": "c", "text": "请注册", "membership": "unregistered" }));
    desk.double.add_friend("li", "wm1", SH);
    assert_eq!(desk.texts(1), ["会员好 https://c.example.com/sh1-gold"]);
    let asked = asked.lock().unwrap().join("");
    assert!(asked.contains("\"external_userid\":\"wm1\"") && asked.contains("\"store\":\"SH-1\""), "{asked}");
    assert!(asked.contains("webhook-signature: v1,"), "{asked}");
    assert_eq!(desk.app.metric("jinqun_crm_lookups_total{outcome=\"answered\"}"), 1);
}

#[test]
fn a_crm_that_fails_costs_nothing_but_the_general_greeting() {
    for answer in ["", "<html>", r#"{"registered": "perhaps"}"#] {
        let (url, _) = crm(answer);
        let desk = Desk::with(&[("crm.lookup_url", url)]);
        desk.keep(&json!({ "name": "a", "text": "你好 {coupon}" }));
        desk.keep(&json!({ "name": "b", "text": "会员好", "membership": "registered" }));
        desk.double.add_friend("li", "wm1", SH);
        assert_eq!(desk.texts(1), ["你好 https://c.example.com/sh1"], "{answer}");
        assert_eq!(desk.app.metric("jinqun_crm_lookups_total{outcome=\"failed\"}"), 1);
    }
}

/// A visit: the channel of its link, and what the visitor shows to be them.
fn visit(desk: &Desk) -> (String, String) {
    let visit = desk.app.scan(&json!({ "store": "BJ-1" })).expect(201).json();
    eventually("the visit is in storage", || (!desk.app.tags().is_empty()).then_some(()));
    let record = desk.app.tags().remove(0);
    assert!(visit["scan"].as_str().unwrap().starts_with(&record.scan.to_string()));
    let secret = desk.app.storage_now().secret(&|| [0; 32]).unwrap();
    let channel = jinqun::app::Signer::new(&secret).channel(record.scan, record.visitor);
    (channel, format!("Bearer {}", visit["visitor"].as_str().unwrap()))
}

#[test]
fn the_crm_is_not_asked_for_who_opted_out_before_they_became_a_customer() {
    let (url, asked) = crm(r#"{"registered": true}"#);
    let desk = Desk::with(&[("crm.lookup_url", url)]);
    desk.keep(&json!({ "name": "a", "text": "你好" }));
    let (channel, bearer) = visit(&desk);
    let headers = [("authorization", bearer.as_str())];
    desk.app.call("POST", "/api/v1/visitors/me/opt-out", &headers, None).expect(204);
    desk.double.add_friend("li", "wm1", Some(&channel));
    desk.welcomes(1);
    desk.app.call("DELETE", "/api/v1/visitors/me", &headers, None).expect(200);
    desk.double.add_friend("li", "wm2", Some(&channel));
    desk.welcomes(2);
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
    desk.double.add_friend("li", "wm3", SH);
    desk.welcomes(3);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[test]
fn the_campaign_and_the_store_of_the_visit_are_known_by_its_channel() {
    let desk = Desk::start();
    desk.keep(&json!({ "name": "a", "text": "{store} {city}" }));
    let (channel, _) = visit(&desk);
    desk.double.add_friend("li", "wm1", Some(&channel));
    assert_eq!(desk.texts(1), ["王府井店 北京市"]);
}

#[test]
fn templates_are_made_changed_tried_out_and_removed_and_the_trail_knows() {
    let desk = Desk::start();
    let made = desk.keep(&json!({ "name": "店", "text": "{store}", "store": "SH-1" }));
    let one = format!("{ALL}/{}", made["id"].as_str().unwrap());
    let tag = made["etag"].as_str().unwrap().to_owned();
    let other = json!({ "name": "店", "text": "你好 {store} {coupon}", "store": "SH-1" });
    let changed = desk.send("PUT", &one, &[("if-match", &tag)], &other).expect(200).json();
    assert_ne!(changed["etag"], tag.as_str());
    desk.send("PUT", &one, &[("if-match", &tag)], &other).expect(412);
    let refused = desk.send("PUT", &one, &[], &json!({ "name": "", "text": "{stroe}" })).expect(400).json();
    assert_eq!(refused["errors"][0]["field"], "name");
    assert_eq!(refused["errors"][1]["code"], "unknown_placeholder");
    desk.send("POST", ALL, &[], &json!({ "name": "x", "text": "y", "colour": 1 })).expect(400);

    let asked = json!({ "store": "SH-1", "standing": "new" });
    let shown = desk.send("POST", &format!("{ALL}/preview"), &[], &asked).expect(200).json();
    assert_eq!(shown["greeting"]["text"], "你好 人民广场店 https://c.example.com/sh1");
    let asked = json!({ "store": "BJ-1" });
    let shown = desk.send("POST", &format!("{ALL}/preview"), &[], &asked).expect(200).json();
    assert_eq!((&shown["greeting"], &shown["templates"][0]["verdict"]), (&Value::Null, &json!("for_others")));

    let viewer = desk.app.bearer(Role::Viewer);
    let headers = [("authorization", viewer.as_str()), ("content-type", "application/json")];
    desk.app.call("GET", ALL, &headers, None).expect(200);
    desk.app.call("DELETE", &one, &headers, None).expect(403);
    desk.send("DELETE", &one, &[("if-match", &tag)], &json!({})).expect(412);
    desk.send("DELETE", &one, &[], &json!({})).expect(204);
    desk.send("GET", &one, &[], &json!({})).expect(404);
    let trail = desk.app.storage_now().audit(&jinqun::storage::AuditFilter::default(), 10).unwrap();
    let actions: Vec<_> =
        trail.found.iter().map(|(_, it)| it.action.as_str()).filter(|it| it.starts_with("greet")).collect();
    assert_eq!(actions, ["greeting.delete", "greeting.update", "greeting.create"]);
}

#[test]
fn whoever_writes_greetings_is_told_that_the_callback_is_missing() {
    let app = TestApp::builder().set("wecom.corp_id", double::CORP).set("wecom.secret", double::SECRET).start();
    let ops = app.bearer(Role::Ops);
    let page = app.get_with("/admin/greetings", &[("authorization", &ops)]).expect(200);
    let page = page.text();
    assert!(page.contains("wecom.token") && page.contains("wecom.aes_key"), "{page}");
}
