//! Who is who: signing in with the platforms, what is joined and what stays apart, opting out, erasure, and signatures for pages.

use std::collections::BTreeMap;

use jinqun::customer::{Customer, Friendship, Identity, Place, VisitorLink};
use jinqun::id::VisitorId;
use jinqun::job::Lane;
use jinqun::staff::Role;
use jinqun::storage::{CardKind, CardWrite};
use jinqun::time::{Clock as _, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::client::{Answer, eventually};
use crate::double::{APP, CORP, Delivery, Double, Person};
use crate::harness::TestApp;

const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) Mobile/14C92 MicroMessenger/8.0.23";

struct Desk {
    double: Double,
    app: TestApp,
}

/// A browser with its cookies.
struct Browser<'a> {
    app: &'a TestApp,
    cookies: BTreeMap<String, String>,
}

impl Desk {
    fn start() -> Self {
        let double = Double::start();
        let mut builder = TestApp::builder().set("wechat.sign_in", "userinfo").set("wecom.sign_in", "on");
        for (name, value) in double.settings() {
            builder = builder.set(name, value);
        }
        Self { app: builder.start(), double }
    }

    fn browser(&self) -> Browser<'_> {
        Browser { app: &self.app, cookies: BTreeMap::new() }
    }

    fn card<T: DeserializeOwned>(&self, kind: CardKind, id: &str) -> Option<T> {
        let card = self.app.storage_now().cards(kind, &[id]).unwrap().remove(0)?;
        Some(serde_json::from_str(&card.body).unwrap())
    }

    fn link(&self, visitor: VisitorId) -> VisitorLink {
        self.card(CardKind::Visitor, &visitor.to_string()).unwrap_or_default()
    }

    fn put(&self, customer: &str, it: &Customer) {
        let write = CardWrite {
            kind: CardKind::Customer,
            id: customer.to_owned(),
            expected: 0,
            body: Some(serde_json::to_string(it).unwrap()),
            visitor: None,
            counts: Vec::new(),
        };
        self.app.storage_now().write_card(&write).unwrap();
    }

    /// A customer in Shanghai whom `li` knows; nobody has set tags yet.
    fn known(&self) {
        self.double.add_staff("li");
        self.double.deliver(Delivery::Lost);
        self.double.add_friend("li", "wm-an", None);
        let friendship = Friendship { since: self.app.clock.now(), ..Friendship::default() };
        let regions = vec!["上海市".to_owned()];
        let customer = Customer {
            unionid: Some("u-an".to_owned()),
            friends: [("li".to_owned(), friendship)].into(),
            place: Some(Place { at: Timestamp::from_unix_ms(1), regions, store: None }),
            ..Customer::default()
        };
        self.put("wm-an", &customer);
    }

    fn tags_become(&self, tags: &[&str]) {
        let seen = || self.double.tag_names_of("li", "wm-an");
        eventually("tags", || (seen() == tags).then_some(()));
    }

    fn no_tags_are_to_be_set(&self) {
        let waiting = || self.app.storage_now().job_counts(Lane::Tag, self.app.clock.now()).unwrap().waiting;
        eventually("nothing waits", || (waiting() == 0).then_some(()));
        self.tags_become(&[]);
    }
}

impl Browser<'_> {
    fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    fn call(&mut self, method: &str, path: &str, form: Option<&str>) -> Answer {
        let cookie = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = vec![("cookie", cookie.as_str()), ("user-agent", WECHAT), ("accept", "text/html")];
        if form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = self.app.call(method, path, &headers, form.map(str::as_bytes));
        for line in answer.headers.get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    fn visitor(&self) -> VisitorId {
        VisitorId::parse(self.cookies["jinqun"].split('.').next().unwrap()).unwrap()
    }

    /// The address of the link of the page for those who wish to be recognised.
    fn offer(&mut self) -> Option<String> {
        let page = self.get("/s/summer").expect(200);
        let (_, rest) = page.text().split_once("id=\"who\" href=\"")?;
        Some(rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"))
    }

    /// Starts a sign-in and returns its state.
    fn start(&mut self, path: &str) -> String {
        let answer = self.get(path).expect(303);
        let location = answer.header("location").unwrap().to_owned();
        assert!(location.ends_with("#wechat_redirect"), "{location}");
        let query = location.split(['?', '#']).nth(1).unwrap();
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1.into_owned();
        assert!(state.len() <= 128 && state.bytes().all(|it| it.is_ascii_alphanumeric()), "{state}");
        state
    }

    fn back(&mut self, way: &str, state: &str, code: &str) -> String {
        let answer = self.get(&format!("/oauth/{way}/callback?code={code}&state={state}")).expect(303);
        answer.header("location").unwrap().to_owned()
    }
}

fn person(name: &str) -> Person {
    Person { openid: format!("o-{name}"), unionid: Some(format!("u-{name}")), ..Person::default() }
}

#[test]
fn a_visitor_who_wishes_it_is_recognised_and_goes_back_to_the_page() {
    let desk = Desk::start();
    desk.known();
    let identity = CardWrite {
        kind: CardKind::Identity,
        id: "unionid:u-an".to_owned(),
        expected: 0,
        body: Some(r#"{"customer":"wm-an"}"#.to_owned()),
        visitor: None,
        counts: Vec::new(),
    };
    desk.app.storage_now().write_card(&identity).unwrap();
    let mut an = desk.browser();
    let offer = an.offer().expect("the page offers it");
    // A visit without a place takes away no place.
    eventually("the visit is in storage", || (!desk.app.tags().is_empty()).then_some(()));
    let state = an.start(&offer);
    let code = desk.double.code_of(person("an"), APP, "snsapi_userinfo");
    assert_eq!(an.back("wechat", &state, &code), "/s/summer");
    let link = desk.link(an.visitor());
    let found = (link.openid.as_deref(), link.unionid.as_deref(), link.customer.as_deref());
    assert_eq!(found, (Some("o-an"), Some("u-an"), Some("wm-an")));
    let known: Identity = desk.card(CardKind::Identity, "openid:o-an").unwrap();
    assert_eq!(known.visitor, Some(an.visitor()));
    desk.tags_become(&["上海市"]);
    // Who was recognised is not asked again.
    assert_eq!(an.offer(), None);
    // The address is good once.
    assert_eq!(an.back("wechat", &state, &code), "/");
}

#[test]
fn a_state_of_somebody_else_of_yesterday_or_of_nobody_is_refused() {
    let desk = Desk::start();
    let (mut an, mut li) = (desk.browser(), desk.browser());
    let (offer, other) = (an.offer().unwrap(), li.offer().unwrap());
    let state = an.start(&offer);
    li.start(&other);
    let code = desk.double.code_of(person("an"), APP, "snsapi_userinfo");
    assert_eq!(li.back("wechat", &state, &code), "/");
    assert_eq!(desk.link(li.visitor()), VisitorLink::default());
    for forged in ["", "A", &state.replace(['2', 'A'], "B"), &"A".repeat(40)] {
        an.start(&offer);
        assert_eq!(an.back("wechat", forged, &code), "/", "{forged}");
    }
    let state = an.start(&offer);
    desk.app.clock.advance_ms(601_000);
    assert_eq!(an.back("wechat", &state, &code), "/");
    assert_eq!(desk.link(an.visitor()), VisitorLink::default());
    // Nobody is led elsewhere.
    let away = an.get("/oauth/wechat/start?to=https://evil.example/").expect(303);
    assert!(!away.header("location").unwrap().contains("evil"), "{:?}", away.header("location"));
}

#[test]
fn a_used_code_is_asked_for_again_once_and_then_let_be() {
    let desk = Desk::start();
    let mut an = desk.browser();
    let offer = an.offer().unwrap();
    let code = desk.double.code_of(person("an"), APP, "snsapi_userinfo");
    let state = an.start(&offer);
    an.back("wechat", &state, &code);
    let mut li = desk.browser();
    let offer = li.offer().unwrap();
    let state = li.start(&offer);
    let again = li.back("wechat", &state, &code);
    assert!(again.contains("/connect/oauth2/authorize"), "{again}");
    let query = again.split(['?', '#']).nth(1).unwrap();
    let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1.into_owned();
    assert_eq!(li.back("wechat", &state, &code), "/s/summer");
}

#[test]
fn previews_refusals_and_staff_leave_nothing_behind() {
    let desk = Desk::start();
    let snapshot = Person { is_snapshot: true, ..person("an") };
    let mut an = desk.browser();
    let offer = an.offer().unwrap();
    let state = an.start(&offer);
    let code = desk.double.code_of(snapshot, APP, "snsapi_userinfo");
    assert_eq!(an.back("wechat", &state, &code), "/s/summer");
    let state = an.start(&offer);
    an.get(&format!("/oauth/wechat/callback?state={state}")).expect(303);
    let staff = Person { staff: Some("li".to_owned()), ..Person::default() };
    let state = an.start(&offer.replace("wechat", "wecom"));
    let code = desk.double.code_of(staff, CORP, "snsapi_base");
    an.back("wecom", &state, &code);
    // Without the notice nobody has agreed to anything.
    let state = an.start("/oauth/wechat/start?to=/s/summer");
    let code = desk.double.code_of(person("an"), APP, "snsapi_userinfo");
    an.back("wechat", &state, &code);
    assert_eq!(desk.link(an.visitor()), VisitorLink::default());
}

#[test]
fn a_customer_of_the_corporation_is_recognised_by_it() {
    let desk = Desk::start();
    let mut an = desk.browser();
    let offer = an.offer().unwrap().replace("wechat", "wecom");
    let state = an.start(&offer);
    let customer = Person { customer: Some("wm-an".to_owned()), ..person("an") };
    let code = desk.double.code_of(customer, CORP, "snsapi_base");
    assert_eq!(an.back("wecom", &state, &code), "/s/summer");
    assert_eq!(desk.link(an.visitor()).customer.as_deref(), Some("wm-an"));
}

#[test]
fn two_people_who_share_a_phone_stay_two() {
    let desk = Desk::start();
    let mut phone = desk.browser();
    let offer = phone.offer().unwrap();
    let sign_in = |phone: &mut Browser<'_>, name: &str| {
        let state = phone.start(&offer);
        let code = desk.double.code_of(person(name), APP, "snsapi_userinfo");
        phone.back("wechat", &state, &code);
        phone.visitor()
    };
    let an = sign_in(&mut phone, "an");
    let li = sign_in(&mut phone, "li");
    assert_ne!(an, li);
    assert_eq!(desk.link(an).unionid.as_deref(), Some("u-an"));
    assert_eq!(desk.link(li).unionid.as_deref(), Some("u-li"));
    // Back at the phone, the first is who they were.
    assert_eq!(sign_in(&mut phone, "an"), an);
}

#[test]
fn opting_out_works_without_a_script_and_silences_the_customer() {
    let desk = Desk::start();
    desk.known();
    let mut an = desk.browser();
    let offer = an.offer().unwrap().replace("wechat", "wecom");
    let state = an.start(&offer);
    let code = desk.double.code_of(Person { customer: Some("wm-an".to_owned()), ..person("an") }, CORP, "snsapi_base");
    an.back("wecom", &state, &code);
    desk.tags_become(&["上海市"]);
    desk.app.clock.advance_ms(10);
    let form = |page: &str, silent: &str| {
        let word = page.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        format!("campaign=summer&word={word}&silent={silent}")
    };
    let page = an.get("/privacy?campaign=summer").expect(200);
    // The notice names the button that is there, and the switch names all that it does.
    let button = page.text().split("<button id=\"silent\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(page.text().contains(&format!("点按“{button}”")) && page.text().contains("不关联我的身份"), "{button}");
    let told = an.call("POST", "/privacy", Some(&form(page.text(), "1"))).expect(200);
    assert!(told.text().contains("id=\"silent-set\""), "{}", told.text());
    // Whoever opted out is not offered to be recognised, in a browser that forgot that they were.
    an.cookies.retain(|name, _| name == "jinqun");
    assert_eq!(an.offer(), None);
    assert!(desk.link(an.visitor()).is_silent);
    let customer: Customer = desk.card(CardKind::Customer, "wm-an").unwrap();
    assert!(customer.is_silent);
    desk.no_tags_are_to_be_set();
    let old = an.call("POST", "/privacy", Some("campaign=summer&word=forged&silent=0")).expect(400);
    assert!(old.text().contains("什么都没有改变") && !old.text().contains("请先勾选"), "{}", old.text());
    let token = an.cookies["jinqun"].clone();
    let call = |method| {
        let bearer = format!("Bearer {token}");
        desk.app.call(method, "/api/v1/visitors/me/opt-out", &[("authorization", &bearer)], None)
    };
    desk.app.clock.advance_ms(10);
    call("DELETE").expect(204);
    assert!(!desk.link(an.visitor()).is_silent);
    assert!(an.offer().is_some());
    desk.tags_become(&["上海市"]);
    call("POST").expect(204);
    assert!(desk.link(an.visitor()).is_silent);
    assert_eq!(desk.app.call("POST", "/api/v1/visitors/me/opt-out", &[], None).status, 401);
    // Who has no number of ours is not told of a button that is not there.
    let mut nobody = desk.browser();
    let bare = nobody.get("/privacy?campaign=summer").expect(200);
    assert!(!bare.text().contains("点按“不要关联我") && !bare.text().contains("id=\"silent\""), "{}", bare.text());
    assert_eq!(bare.text().matches("请先扫门店的二维码打开找店页面").count(), 2, "{}", bare.text());
    let wish = nobody.call("POST", "/privacy", Some("campaign=summer&word=x&silent=1")).expect(400);
    assert!(wish.text().contains("id=\"told\">想要设置") && !wish.text().contains("id=\"told\">这个浏览器"));
}

#[test]
fn erasure_leaves_a_silent_card_without_the_person_and_takes_the_tags_back() {
    let desk = Desk::start();
    desk.known();
    let mut an = desk.browser();
    let offer = an.offer().unwrap().replace("wechat", "wecom");
    let state = an.start(&offer);
    let code = desk.double.code_of(Person { customer: Some("wm-an".to_owned()), ..person("an") }, CORP, "snsapi_base");
    an.back("wecom", &state, &code);
    desk.tags_become(&["上海市"]);
    desk.app.clock.advance_ms(10);
    let visitor = an.visitor();
    eventually("the visit is in storage", || (!desk.app.tags().is_empty()).then_some(()));
    let bearer = desk.app.bearer(Role::Ops);
    let erase = |id: &str| {
        desk.app.call("DELETE", &format!("/api/v1/admin/visitors/{id}"), &[("authorization", &bearer)], None)
    };
    erase("wm-nobody").expect(400);
    let held = desk.app.get_with(&format!("/api/v1/admin/visitors/{visitor}"), &[("authorization", &bearer)]);
    let held = held.expect(200).json();
    assert_eq!((&held["identities"]["customer"], &held["opted_out"]), (&json!("wm-an"), &json!(false)), "{held}");
    assert_eq!(held["customers"][0]["external_userid"], "wm-an", "{held}");
    assert!(held["customers"][0]["card"]["place"]["regions"].is_array(), "{held}");
    let removed = erase("wm-an").expect(200).json();
    assert_eq!((&removed["removed"]["tags"], &removed["customers_silenced"]), (&json!(1), &json!(1)), "{removed}");
    assert!(removed["removed"]["book"].as_u64() > Some(0) && removed["kept"].as_str().unwrap().contains("tags"));
    let storage = desk.app.storage_now();
    let card = storage.cards(CardKind::Customer, &["wm-an"]).unwrap().remove(0).unwrap();
    assert_eq!(card.visitor, None);
    let left: Customer = serde_json::from_str(&card.body).unwrap();
    assert!(left.is_silent && left.unionid.is_none() && left.place.is_none());
    assert_eq!(desk.card::<VisitorLink>(CardKind::Visitor, &visitor.to_string()), None);
    desk.no_tags_are_to_be_set();
    // Signing in again finds nobody: the customer stays silent.
    let mut again = desk.browser();
    again.offer();
    let state = again.start(&offer);
    let code = desk.double.code_of(Person { customer: Some("wm-an".to_owned()), ..person("an") }, CORP, "snsapi_base");
    again.back("wecom", &state, &code);
    assert!(desk.link(again.visitor()).is_silent);
    desk.no_tags_are_to_be_set();
}

#[test]
fn pages_of_ours_are_signed_for_wechat_with_one_ticket() {
    let desk = Desk::start();
    let ask = |url: &str| {
        let url: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        desk.app.get(&format!("/api/v1/wechat/js-config?url={url}"))
    };
    let page = format!("{}/s/summer?scan=1", desk.app.url());
    let config = ask(&format!("{page}#top")).expect(200).json();
    assert_eq!((&config["app_id"], &config["timestamp"]), (&json!(APP), &json!(1_784_088_000)));
    assert_eq!(config["signature"].as_str().unwrap().len(), 40);
    ask(&page).expect(200);
    assert_eq!(desk.double.count("/ticket/getticket"), 1);
    for bad in ["", "https://evil.example.com/", &format!("{}.evil.example/", desk.app.url())] {
        assert_eq!(ask(bad).expect(400).problem().fields, ["url"], "{bad}");
    }
    let plain = TestApp::start();
    plain.get("/api/v1/wechat/js-config?url=x").expect(404);
}

#[test]
fn the_script_of_wechat_is_on_the_page_there_only() {
    let desk = Desk::start();
    let page = |agent: &str| desk.app.get_with("/s/summer", &[("user-agent", agent)]).expect(200);
    let there = page(WECHAT);
    assert!(there.text().contains("https://res.wx.qq.com/open/js/jweixin-1.6.0.js"), "{}", there.text());
    let policy = there.header("content-security-policy").unwrap();
    assert!(!policy.contains("res.wx.qq.com"), "the nonce lets the script in: {policy}");
    let elsewhere = page("Mozilla/5.0 (iPhone) Version/14.0 Mobile/15E148 Safari/604.1");
    assert!(!elsewhere.text().contains("res.wx.qq.com"));
    assert!(!elsewhere.text().contains("id=\"who\""));
    assert!(there.body.len() <= 30 * 1024, "{}", there.body.len());
}
