//! The whole way of a customer in one go, with the real program, a real browser and the double of the platform: scan, contact, greeting
//! with the group, group, tags, numbers, leave, erasure. Not the corners of each: those are tested where they are.

use std::time::{Duration, Instant};

use jinqun::customer::Customer;
use jinqun::id::VisitorId;
use jinqun::job::Lane;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::{Book as _, CardKind};
use jinqun::time::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::browser::{Browser, Place, Setup};
use crate::crm::{self, Crm};
use crate::demo::{Demo, poll};
use crate::double::{Double, Person};
use crate::driver::http_client;

/// Two stores in Hangzhou, with the chats and members of staff behind them; codes are made by machine.
const STORES: &str = "id,name,address,province,city,district,lat,lng,datum,企微群ID,企微成员\n\
    HZ-9001,青禾咖啡（涌金店）,南山路1号,浙江省,杭州市,上城区,30.2480,120.1620,wgs84,wrYongjin,mgr_an\n\
    HZ-9002,青禾咖啡（滨江店）,江南大道1号,浙江省,杭州市,滨江区,30.2080,120.2100,wgs84,wrBinjiang,mgr_bo\n";
const CAMPAIGNS: &str = "[[campaign]]\nslug = \"story\"\nname = \"青禾咖啡\"\nmode = \"contact\"\n";
const ADMIN: &str = "token-of-the-story-0123456789abcdef";
const CUSTOMER: &str = "wmAN000000000000000001";
const UNIONID: &str = "u-an";
const ID: &str = "HZ-9001";
const STORE: &str = "青禾咖啡（涌金店）";
const TAGS: [&str; 4] = ["HZ-9001", "上城区", "杭州市", "浙江省"];
/// After that a greeting is worth nothing.
const WELCOME_LASTS: Duration = Duration::from_secs(20);

/// A chain with two stores whose codes are kept in `WeCom`, and a CRM that listens.
struct Chain {
    double: Double,
    demo: Demo,
    crm: Crm,
    environment: Vec<(String, String)>,
}

impl Chain {
    fn open() -> Self {
        let (double, crm) = (Double::start(), Crm::start());
        for (staff, chat, name) in [("mgr_an", "wrYongjin", "涌金店福利群"), ("mgr_bo", "wrBinjiang", "滨江店福利群")]
        {
            double.add_staff(staff);
            double.add_chat(chat, name, staff);
        }
        double.add_customer(CUSTOMER, Some(UNIONID));
        let an = Person { openid: "o-an".to_owned(), unionid: Some(UNIONID.to_owned()), ..Person::default() };
        double.sit_down(an);
        let own = [
            ("JINQUN_WECHAT_SIGN_IN", "userinfo"),
            ("JINQUN_CRM_WEBHOOKS", &crm.url),
            ("JINQUN_CRM_WEBHOOK_SECRET", crm::SECRET),
            ("JINQUN_ADMIN_TOKEN", ADMIN),
        ];
        let mut environment = double.environment();
        environment.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let demo = Demo::start_with(&environment);
        double.callback_to(demo.url("/wecom/callback"));
        let chain = Self { double, demo, crm, environment };
        chain.tick();
        chain.demo.import(STORES);
        chain.demo.import_campaigns(CAMPAIGNS);
        chain.sync();
        let greeting = json!({
            "name": "新朋友", "text": "你好，欢迎来{store}", "attachments": [{"type": "group", "title": "{群}"}],
        });
        chain.api("POST", "greetings", Some(&greeting));
        chain
    }

    /// The platform's clock goes with ours.
    fn tick(&self) {
        self.double.set_now_s(SystemClock.now().unix_ms().div_euclid(1_000));
    }

    /// Has codes made for the stores, and waits until they are shown here.
    fn sync(&self) {
        let before = self.demo.metric("jinqun_catalog_version");
        let told = self.demo.run(&["wecom", "sync"], &self.environment);
        assert_eq!(told.lines().filter(|it| it.starts_with("made\t")).count(), 4, "{told}");
        self.demo.metric_becomes("jinqun_catalog_version", before + 1);
    }

    /// The answer of an interface for operators.
    fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let url = self.demo.url(&format!("/api/v1/admin/{path}"));
        let bearer = format!("Bearer {ADMIN}");
        let http = http_client();
        let answer = match (method, body) {
            ("POST", Some(body)) => http.post(url).header("authorization", bearer).send_json(body),
            _ => http.get(url).header("authorization", bearer).call(),
        };
        let mut answer = answer.unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The funnel's row of a store: who scanned, joined and left.
    fn funnel(&self, store: &str) -> [u64; 3] {
        let report = self.api("GET", "funnel?by=store", None);
        let row = report["rows"].as_array().unwrap().iter().find(|it| it["store"] == store).cloned();
        let row = row.unwrap_or_default();
        ["scanned", "joined", "left"].map(|it| row["visits"][it].as_u64().unwrap_or_default())
    }

    fn ranked(&self, by: &str) -> Value {
        self.api("GET", &format!("ranking?by={by}"), None)["items"][0].clone()
    }

    fn tags(&self) -> Vec<String> {
        self.double.tag_names_of("mgr_an", CUSTOMER)
    }

    fn storage(&self) -> Embedded {
        Embedded::open(&self.demo.data().join("jinqun.sqlite")).unwrap()
    }

    fn customer(&self) -> Customer {
        let card = self.storage().cards(CardKind::Customer, &[CUSTOMER]).unwrap().remove(0).unwrap();
        serde_json::from_str(&card.body).unwrap()
    }

    /// Waits until all that was to be done is done.
    fn settled(&self) {
        let storage = self.storage();
        let done = poll(|| {
            let waiting = |it| storage.job_counts(it, SystemClock.now()).unwrap().waiting;
            ([Lane::Event, Lane::Tag].map(waiting) == [0, 0]).then_some(())
        });
        assert!(done.is_some(), "work is left");
    }
}

#[track_caller]
fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    poll(look).unwrap_or_else(|| panic!("not seen in time: {what}"))
}

/// The way whose picture at the platform leads where the code on the page does.
fn way_behind(ways: Vec<Value>, code: &str) -> Value {
    let leads_there = |way: &Value| {
        let mut answer = http_client().get(way["qr_code"].as_str().unwrap()).call().unwrap();
        let picture = answer.body_mut().read_to_vec().unwrap();
        jinqun::qr::decode_picture(&picture, jinqun::qr::Effort::default()).unwrap().text == code
    };
    ways.into_iter().find(leads_there).expect("the code on the page is one of the platform's")
}

fn the_code(phone: &Browser<'_>) -> String {
    phone.value("document.getElementById('qr').scrollIntoView({block: 'center'})");
    let [code] = phone.codes().try_into().expect("one code on the screen");
    code
}

/// The scan; the customer says where they are, and wishes to be recognised. The contact way behind the code that they see.
fn scan(chain: &Chain, phone: &Browser<'_>) -> Value {
    phone.open("/s/story");
    phone.tap("#locate");
    phone.wait_text("#title", STORE);
    phone.tap("#who");
    phone.wait("location.pathname === '/s/story' && !document.getElementById('who')");
    phone.wait_text("#title", STORE);
    let way = way_behind(chain.double.contact_ways(), &the_code(phone));
    assert_eq!(way["user"], json!(["mgr_an"]));
    way
}

/// The customer adds the manager: they are greeted with the way to the group, and tagged. The path that the greeting leads to.
fn befriend(chain: &Chain, way: &Value) -> String {
    chain.tick();
    let added = Instant::now();
    chain.double.add_friend("mgr_an", CUSTOMER, way["state"].as_str());
    let welcome = eventually("a greeting", || chain.double.welcomes().pop());
    assert!(added.elapsed() < WELCOME_LASTS);
    assert_eq!(welcome["text"]["content"], format!("你好，欢迎来{STORE}"));
    eventually("tags", || (chain.tags() == TAGS).then_some(()));
    let link = welcome["attachments"][0]["link"]["url"].as_str().unwrap();
    link.strip_prefix(&chain.demo.url("")).unwrap().to_owned()
}

/// The customer follows the greeting and scans the group's code. The chat they are in then.
fn join(chain: &Chain, phone: &Browser<'_>, path: &str) -> String {
    phone.open(path);
    let way = way_behind(chain.double.join_ways(), &the_code(phone));
    chain.tick();
    let (chat, _) = chain.double.join_by_way(way["config_id"].as_str().unwrap(), CUSTOMER).unwrap();
    assert_eq!(chat, "wrYongjin");
    eventually("both joins in the funnel", || (chain.funnel(ID) == [2, 2, 0]).then_some(()));
    chain.settled();
    let group = chain.api("GET", &format!("groups?store={ID}"), None)["items"][0].clone();
    assert_eq!((&group["heads"]["members"], &group["heads"]["held"]), (&json!(2), &json!(0)), "{group}");
    chat
}

/// What the ranking says of the best store and its manager, and the page of it.
fn joins_are(chain: &Chain, phone: &Browser<'_>, joins: &Value) {
    for by in ["store", "manager"] {
        assert_eq!(chain.ranked(by)["joins"], *joins, "{by}");
    }
    phone.open("/admin/numbers");
    let row = format!("1 {STORE} {ID} {} {} 1", joins["stayed"], joins["joined"]);
    let seen = "(document.querySelector('#ranking tbody tr')?.innerText ?? '').split(/\\s+/).join(' ')";
    phone.wait(&format!("{seen}.startsWith({})", json!(row)));
}

/// The customer has everything erased, as the notice offers it.
fn erase(chain: &Chain, phone: &Browser<'_>, visitor: &str) {
    phone.open("/privacy?campaign=story");
    phone.tap("input[name=sure]");
    phone.tap("#forget");
    phone.wait("!!document.getElementById('told')");
    eventually("no tags", || chain.tags().is_empty().then_some(()));
    chain.settled();
    let storage = chain.storage();
    let visitor = VisitorId::parse(visitor).unwrap();
    assert!(storage.cards_of(visitor).unwrap().is_empty());
    assert_eq!(storage.cards(CardKind::Identity, &["unionid:u-an", "openid:o-an"]).unwrap(), [None, None]);
    let left = chain.customer();
    assert!(left.is_silent && left.unionid.is_none() && left.place.is_none(), "{left:?}");
    assert!(left.friends.values().all(|it| it.scan.is_none() && it.marked.is_empty()), "{left:?}");
    let feed = chain.api("GET", "feed?after=0", None).to_string();
    assert!(!feed.contains(&visitor.to_string()), "{feed}");
}

#[test]
fn a_customer_is_followed_from_the_scan_to_the_erasure() {
    let chain = Chain::open();
    let phone = Browser::start(&chain.demo, &Setup { address: None, ..Setup::default() });
    phone.stands(&Place::At(30.2478, 120.1622, 20.0));
    let way = scan(&chain, &phone);
    let path = befriend(&chain, &way);
    let chat = join(&chain, &phone, &path);
    phone.sign_in("/admin");
    joins_are(&chain, &phone, &json!({"joined": 2, "stayed": 2, "left": 0, "groups": 1, "contacts": 1}));

    // Gone within a day: they came, and it does not count as a stay.
    chain.tick();
    chain.double.leave_group(&chat, CUSTOMER);
    eventually("the leave in the funnel", || (chain.funnel(ID) == [2, 2, 1]).then_some(()));
    joins_are(&chain, &phone, &json!({"joined": 2, "stayed": 1, "left": 1, "groups": 1, "contacts": 1}));

    let kinds = [
        "scan.recorded",
        "scan.recorded",
        "customer.joined",
        "tag.set",
        "scan.recorded",
        "customer.joined",
        "customer.left",
    ];
    let told = eventually("all is told", || Some(chain.crm.told()).filter(|it| it.len() >= kinds.len()));
    assert!(told.iter().all(|it| it.is_signed));
    assert_eq!(told.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>(), kinds, "{told:#?}");
    let visitor = told[0].data["visitor"].as_str().unwrap().to_owned();
    assert!(told.iter().all(|it| it.data["visitor"] == visitor), "{told:#?}");

    erase(&chain, &phone, &visitor);
    // Whatever happens from now on: nothing is sent.
    chain.double.clear_calls();
    chain.double.edit_friend("mgr_an", CUSTOMER);
    chain.double.join_group(&chat, CUSTOMER, 3, None);
    eventually("the group was looked at", || (chain.double.count("/groupchat/get") > 0).then_some(()));
    chain.settled();
    assert_eq!((chain.tags(), chain.double.count("/mark_tag")), (Vec::new(), 0));
    assert_eq!(chain.double.welcomes().len(), 1);
    let left = chain.customer();
    assert!(left.place.is_none() && left.unionid.is_none(), "{left:?}");
    let told = chain.crm.told().split_off(kinds.len());
    assert!(told.iter().all(|it| it.data["added"] != json!(TAGS) && it.data["visitor"].is_null()), "{told:#?}");
    assert_eq!(chain.storage().cards_of(VisitorId::parse(&visitor).unwrap()).unwrap(), []);
}
