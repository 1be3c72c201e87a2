//! Acquisition links: each visit gets its own, it leads back to the visit, and not for those who do not wish it.

use jinqun::customer::{Customer, VisitorLink};
use jinqun::storage::CardKind;
use serde_json::json;

use crate::client::{Answer, eventually};
use crate::double::Double;
use crate::harness::TestApp;

const STORES: &str = "id,name,lat,lng,datum,contact_url,contact_name,province,city\n\
    A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/ca/cawcde01,小林,上海市,上海市\n\
    B,乙店,39.9042,116.4074,wgs84,https://work.weixin.qq.com/u/vc01,小王,北京市,北京市\n";
const LINK: &str = "https://work.weixin.qq.com/ca/cawcde01?customer_channel=";
const BROWSER: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) Mobile/14C92 MicroMessenger/8.0.23";

struct Shop {
    double: Double,
    app: TestApp,
}

impl Shop {
    fn open() -> Self {
        let double = Double::start();
        let mut builder = TestApp::builder().stores(STORES);
        for (name, value) in double.settings() {
            builder = builder.set(name, value);
        }
        let app = builder.start();
        double.callback_to(format!("{}/wecom/callback", app.url()));
        double.add_staff("li");
        Self { double, app }
    }

    fn card<T: serde::de::DeserializeOwned>(&self, kind: CardKind, id: &str) -> Option<T> {
        let card = self.app.storage_now().cards(kind, &[id]).unwrap().remove(0)?;
        Some(serde_json::from_str(&card.body).unwrap())
    }

    fn scan(&self, store: &str, visitor: Option<&str>) -> serde_json::Value {
        let mut body = json!({ "store": store });
        if let Some(it) = visitor {
            body["visitor"] = json!(it);
        }
        self.app.scan(&body).expect(201).json()
    }

    fn add(&self, customer: &str, state: &str) -> Customer {
        self.double.add_friend("li", customer, Some(state));
        eventually("the friend is known", || self.card(CardKind::Customer, customer))
    }

    fn get(&self, path: &str, cookie: &str) -> Answer {
        let headers = [("user-agent", BROWSER), ("accept", "text/html"), ("cookie", cookie)];
        self.app.call("GET", path, &headers, None)
    }
}

fn channel(visit: &serde_json::Value) -> &str {
    visit["join"]["url"].as_str().unwrap().strip_prefix(LINK).unwrap()
}

#[test]
fn each_visit_has_a_link_and_a_picture_of_its_own() {
    let shop = Shop::open();
    let (one, other) = (shop.scan("A", None), shop.scan("A", None));
    assert_ne!(channel(&one), channel(&other));
    assert!(channel(&one).len() <= 64);
    let path = one["join"]["qr_png"].as_str().unwrap();
    let drawn = shop.get(&format!("{path}?size=792"), "").expect(200);
    assert_eq!(drawn.header("cache-control"), Some("private, max-age=3600"));
    let read = jinqun::qr::decode_picture(&drawn.body, jinqun::qr::Effort::default()).unwrap();
    assert_eq!(read.text, one["join"]["url"].as_str().unwrap());
    shop.get(one["join"]["qr_svg"].as_str().unwrap(), "").expect(200);
    shop.get(&path.replace(channel(&one), &"A".repeat(56)), "").expect(404);
    // Links of other kinds are the same for everybody.
    let plain = shop.scan("B", None);
    assert_eq!(plain["join"]["url"], "https://work.weixin.qq.com/u/vc01");
    let of_other = plain["join"]["qr_png"].as_str().unwrap().replace(".png", &format!(".{}.png", channel(&one)));
    shop.get(&of_other, "").expect(404);
    shop.app.clock.advance_ms(86_400_001);
    shop.get(path, "").expect(404);
}

#[test]
fn the_page_shows_the_link_of_its_visit_and_says_so() {
    let shop = Shop::open();
    let page = shop.get("/s/summer?store=A", "").expect(200);
    let text = page.text();
    assert!(text.contains(&format!("href=\"{LINK}")), "{text}");
    assert!(text.contains("<p id=\"linked\" class=\"soft\">"), "{text}");
    let page = shop.get("/s/summer?store=B", "").expect(200);
    assert!(page.text().contains("<p id=\"linked\" class=\"soft\" hidden>"));
}

#[test]
fn a_visitor_who_is_known_by_the_link_alone_takes_the_customer_along_to_the_next_store() {
    let shop = Shop::open();
    let visit = shop.scan("A", None);
    let token = visit["visitor"].as_str().unwrap();
    let visitor = token.split('.').next().unwrap().to_owned();
    eventually("the visit is in storage", || (!shop.app.tags().is_empty()).then_some(()));
    let customer = shop.add("wm1", channel(&visit));
    assert_eq!(customer.unionid, None);
    // The place follows once the customer has been read.
    let place = eventually("the customer has a place", || shop.card::<Customer>(CardKind::Customer, "wm1")?.place);
    assert_eq!(place.store.unwrap().as_str(), "A");
    let link: VisitorLink = eventually("the visitor is known", || shop.card(CardKind::Visitor, &visitor));
    assert_eq!((link.customer.as_deref(), link.unionid), (Some("wm1"), None));
    // Passing the link on makes nobody else of the visitor.
    shop.add("wm2", channel(&visit));
    shop.app.clock.advance_ms(60_000);
    shop.scan("B", Some(token));
    eventually("the customer is elsewhere", || {
        let place = shop.card::<Customer>(CardKind::Customer, "wm1")?.place?;
        (place.store.as_ref()?.as_str() == "B").then_some(())
    });
    assert_eq!(shop.card::<VisitorLink>(CardKind::Visitor, &visitor).unwrap().customer.as_deref(), Some("wm1"));
    assert_eq!(shop.card::<Customer>(CardKind::Customer, "wm2").unwrap().place.unwrap().store.unwrap().as_str(), "A");
}

#[test]
fn who_opts_out_gets_the_plain_link_and_is_joined_to_nothing_by_an_older_one() {
    let shop = Shop::open();
    let visit = shop.scan("A", None);
    let token = visit["visitor"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let ended = shop.app.call("POST", "/api/v1/visitors/me/opt-out", &headers, None);
    assert!(matches!(ended.status, 200 | 204), "{}", ended.status);
    shop.app.clock.advance_ms(60_000);
    let again = shop.scan("A", Some(token));
    assert_eq!(again["join"]["url"], "https://work.weixin.qq.com/ca/cawcde01");
    let customer = shop.add("wm1", channel(&visit));
    assert!(customer.is_silent && customer.place.is_none(), "{customer:?}");
    assert!(customer.friends["li"].scan.is_none());
}

#[test]
fn without_callbacks_nothing_is_added_to_a_link() {
    let app = TestApp::builder().stores(STORES).start();
    let visit = app.scan(&json!({ "store": "A" })).expect(201).json();
    assert_eq!(visit["join"]["url"], "https://work.weixin.qq.com/ca/cawcde01");
    let notice = app.call("GET", "/privacy", &[("accept", "text/html")], None).expect(200);
    assert!(!notice.text().contains("id=\"shared\""));
}

#[test]
fn the_notice_says_what_is_linked_and_who_is_told_and_its_version_follows() {
    let shop = Shop::open();
    let read = |app: &TestApp, language: &str| {
        let headers = [("accept", "text/html"), ("accept-language", language)];
        app.call("GET", "/privacy", &headers, None).expect(200).text().to_owned()
    };
    let (zh, en) = (read(&shop.app, "zh"), read(&shop.app, "en"));
    assert!(
        zh.contains("告诉腾讯企业微信") && zh.contains("unionid") && zh.contains("从那里打开本页，就可以在这里关闭"),
        "{zh}"
    );
    assert!(en.contains("Tencent WeCom as tags") && !en.contains("CRM"), "{en}");
    let version = |page: &str| page.split_once("版本 ").unwrap().1.split('<').next().unwrap().to_owned();
    let plain = TestApp::builder().start();
    assert_ne!(version(&zh), version(&read(&plain, "zh")));
}
