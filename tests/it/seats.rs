//! Seats and the ladder through the API and the page: groups that fill, visitors who come back, both routes.

use serde_json::{Value, json};

use crate::client::{Client, eventually};
use crate::harness::{self, TestApp};
use crate::process::{Service, run, run_well};
use jinqun::campaign::Route;
use jinqun::catalog::Mode;
use jinqun::catalog::owned::OwnedKind;

/// A store with a contact, one 1.2 km to the north of it, and one in another city. Groups of one seat.
const STORES: &str = "id,name,lat,lng,datum,group_url,group_name,group_capacity,contact_url,contact_name\n\
    A,甲店,31.2304,121.4737,wgs84,https://work.weixin.qq.com/gm/a1,甲一群,1,https://work.weixin.qq.com/ca/lin,小林\n\
    B,乙店,31.24122,121.4737,wgs84,https://work.weixin.qq.com/gm/b1,乙群,1,,\n\
    C,丙店,39.9,116.4,wgs84,https://work.weixin.qq.com/gm/c1,丙群,100000,https://work.weixin.qq.com/ca/wang,小王\n";
const GROUPS: &str = "id,store,name,url,capacity,order\nA2,A,甲二群,https://work.weixin.qq.com/gm/a2,1,1\n";
const CAMPAIGNS: &str = r#"
[[campaign]]
slug = "default"
name = "青禾咖啡"
group_url = "https://work.weixin.qq.com/gm/everybody"
group_name = "青禾粉丝群"
group_capacity = 1

[[campaign]]
slug = "nobody"
name = "无店长"
fallbacks = ["next_store", "region", "campaign"]
group_url = "https://work.weixin.qq.com/gm/nobody"
group_capacity = 1

[[campaign]]
slug = "half"
name = "一半"
mode = "split"
contact_percent = 30
"#;

fn start() -> TestApp {
    let app = TestApp::builder().stores(STORES).before(|folder| {
        harness::publish_campaigns(folder, CAMPAIGNS);
        harness::publish_owned(folder, OwnedKind::Groups, GROUPS, Mode::Merge);
    });
    app.start()
}

fn at_a() -> Value {
    json!({"position": {"lat": 31.2304, "lng": 121.4737, "accuracy_m": 10}})
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// What a visit was shown: store, join, rung and reason.
fn shown(json: &Value) -> [Option<String>; 4] {
    let text = |it: &Value| it.as_str().map(ToOwned::to_owned);
    let fallback = &json["fallback"];
    [&json["store"]["id"], &json["join"]["name"], &fallback["rung"], &fallback["reason"]].map(text)
}

fn are<const N: usize>(words: [&str; N]) -> [Option<String>; N] {
    words.map(|it| Some(it.to_owned()).filter(|it| !it.is_empty()))
}

#[test]
fn a_store_fills_and_every_rung_is_walked() {
    let app = start();
    let visit = |campaign: &str| app.scan(&with(at_a(), &json!({ "campaign": campaign }))).expect(201).json();
    assert_eq!(shown(&visit("default")), are(["A", "甲一群", "", ""]));
    assert_eq!(shown(&visit("default")), are(["A", "甲二群", "", ""]));
    let third = visit("default");
    assert_eq!(shown(&third), are(["B", "乙群", "next_store", "full"]));
    assert_eq!(third["fallback"]["store"]["id"], "A");
    assert_eq!(third["seat"], "taken");
    let fourth = visit("default");
    assert_eq!(shown(&fourth), are(["A", "小林", "contact", "full"]));
    assert_eq!((&fourth["join"]["kind"], &fourth["seat"]), (&json!("contact"), &json!(null)));
    assert_eq!(fourth["other_route"], json!(null), "its groups are full");
    let fifth = visit("nobody");
    assert_eq!(shown(&fifth), are(["A", "无店长", "campaign", "full"]));
    let sixth = visit("nobody");
    assert_eq!(shown(&sixth), are(["A", "", "", ""]));
    assert!(!sixth["alternatives"].as_array().unwrap().is_empty(), "there is a way on");

    let records = app.tags().into_iter();
    let mut rungs: Vec<_> = records.map(|it| it.fallback.map(String::from).unwrap_or_default()).collect();
    // The clock stands, so that the records have no order.
    rungs.sort();
    assert_eq!(rungs, ["", "", "", "campaign", "contact", "next_store"]);
    let metric =
        |rung: &str| app.metric(&format!(r#"jinqun_scans_total{{fallback="{rung}",outcome="routed",source="gps"}}"#));
    assert_eq!([metric("none"), metric("next_store"), metric("contact"), metric("campaign")], [3, 1, 1, 1]);
    assert_eq!(app.metric(r#"jinqun_seats_total{result="taken"}"#), 4);
    assert_eq!(app.metric(r#"jinqun_seats_total{result="none"}"#), 2);
    // The page tells the same visitors, who keep what they have.
    let page = |json: &Value| {
        let cookie = format!("jinqun={}", json["visitor"].as_str().unwrap());
        app.get_with("/s/default?store=A", &[("cookie", &cookie)]).text().to_owned()
    };
    assert!(page(&third).contains("甲店的群已满，为您换成下一家最近的门店。"));
    assert!(page(&fourth).contains("本店的群已满，请先添加店长，由店长邀请入群。"));
}

#[test]
fn a_visitor_who_comes_back_keeps_the_seat_and_a_hold_that_is_over_is_given_back() {
    let app = start();
    let again = |json: &Value| app.scan(&with(at_a(), &json!({"visitor": json["visitor"]}))).expect(201).json();
    let first = app.scan(&at_a()).expect(201).json();
    let second = app.scan(&at_a()).expect(201).json();
    for _ in 0..5 {
        let (one, two) = (again(&first), again(&second));
        assert_eq!((&one["join"]["name"], &one["seat"]), (&json!("甲一群"), &json!("kept")));
        assert_eq!((&two["join"]["name"], &two["seat"]), (&json!("甲二群"), &json!("kept")));
    }
    assert_eq!(shown(&app.scan(&at_a()).expect(201).json()), are(["B", "乙群", "next_store", "full"]));
    // Half an hour later nobody has joined: 0.48 heads each, and a group of one has no room for one more.
    app.clock.advance_ms(31 * 60_000);
    assert_eq!(shown(&app.scan(&at_a()).expect(201).json()), are(["A", "小林", "contact", "full"]));
    assert_eq!(again(&second)["join"]["name"], "甲二群", "who was shown it before counts once");
    // An hour later the operator has counted: nobody is in the first group.
    app.clock.advance_ms(60 * 60_000);
    harness::publish_owned(&app.folder(), OwnedKind::Groups, "id,members\nA.group,0\n", Mode::Merge);
    assert_eq!(shown(&app.scan(&at_a()).expect(201).json()), are(["A", "甲一群", "", ""]));
}

#[test]
fn a_group_that_is_deleted_moves_its_visitors_on() {
    let app = start();
    app.scan(&at_a()).expect(201);
    let second = app.scan(&at_a()).expect(201).json();
    assert_eq!(second["join"]["name"], "甲二群");
    let sheet = "id,store,name,url,capacity\n\
        A.group,A,甲店,https://work.weixin.qq.com/gm/a1,1\nA3,A,甲三群,https://work.weixin.qq.com/gm/a3,1\n";
    let version = harness::publish_owned(&app.folder(), OwnedKind::Groups, sheet, Mode::Replace).version;
    eventually("the catalog is live", || {
        (app.get("/readyz").json()["catalog_version"] == json!(version)).then_some(())
    });
    let moved = app.scan(&with(at_a(), &json!({"visitor": second["visitor"]}))).expect(201).json();
    assert_eq!((&moved["join"]["name"], &moved["seat"]), (&json!("甲三群"), &json!("taken")));
}

#[test]
fn a_visit_that_finds_its_store_gives_back_the_seat_in_the_brands_group() {
    let app = start();
    let lost = app.scan(&json!({})).expect(201).json();
    assert_eq!(shown(&lost), are(["", "青禾粉丝群", "campaign", "unknown_place"]));
    assert_eq!(app.scan(&json!({})).expect(201).json()["join"], json!(null), "it has one seat");
    let found = app.scan(&with(at_a(), &json!({"scan": lost["scan"], "visitor": lost["visitor"]}))).expect(200).json();
    assert_eq!(shown(&found), are(["A", "甲一群", "", ""]));
    assert_eq!(app.scan(&json!({})).expect(201).json()["join"]["name"], "青禾粉丝群");
}

#[test]
fn the_routes_are_assigned_recorded_and_switched_by_hand() {
    let app = start();
    let at_c = json!({"campaign": "half", "position": {"lat": 39.9, "lng": 116.4, "accuracy_m": 10}});
    let mut contacts = 0;
    let mut last = json!(null);
    for _ in 0..300 {
        let json = app.scan(&at_c).expect(201).json();
        let mode = json["mode"].as_str().unwrap();
        assert_eq!((&json["assigned"], &json["join"]["kind"]), (&json!(mode), &json!(mode)));
        assert_ne!(json["other_route"], json!(mode), "the other one is a tap away");
        contacts += u32::from(mode == "contact");
        last = json;
    }
    // 30 % of 300 is 90; three standard deviations are 24.
    assert!((66..=114).contains(&contacts), "{contacts}");
    let own = Route::parse(last["mode"].as_str().unwrap()).unwrap();
    let body = with(at_c, &json!({"visitor": last["visitor"]}));
    assert_eq!(app.scan(&body).expect(201).json()["mode"], own.as_str(), "it stays");
    let other = app.scan(&with(body, &json!({"route": own.other().as_str()}))).expect(201).json();
    assert_eq!(other["mode"], own.other().as_str());
    assert_eq!(other["join"]["kind"], own.other().as_str());
    assert_eq!(other["assigned"], own.as_str(), "a switch is no assignment");
    let records = app.tags();
    let switched = records.iter().filter(|it| Some(it.mode) != it.assigned).count();
    assert_eq!((records.len(), switched), (302, 1));
    assert_eq!(app.post("/api/v1/scans", r#"{"route": "both"}"#).expect(400).problem().fields, ["route"]);
}

#[test]
fn without_a_script_the_other_route_is_a_link() {
    let app = start();
    let page = app.get("/s/default?store=C");
    let html = page.text().to_owned();
    assert!(html.contains("改为添加店长微信") && html.contains("群聊二维码"), "{html}");
    let link = html.split("id=\"switch\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    let other = app.get_with(&link, &[("cookie", &format!("jinqun={}", page.cookie().unwrap()))]);
    assert!(other.text().contains("改为加入门店群聊") && other.text().contains("小王的微信二维码"));
    let tags = app.tags();
    assert_eq!(tags.len(), 1, "one visit");
    assert_eq!((tags[0].mode, tags[0].assigned), (Route::Contact, None));
}

/// The text of a page as the browser with this cookie sees it.
fn page_of(app: &TestApp, path: &str, cookie: &str) -> String {
    app.get_with(path, &[("cookie", &format!("jinqun={cookie}"))]).expect(200).text().to_owned()
}

fn link_of_the_other_route(html: &str) -> String {
    html.split("id=\"switch\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&")
}

#[test]
fn a_store_that_stands_in_for_a_full_one_does_not_become_the_customers() {
    const STORES: &str = "id,name,lat,lng,datum,city,district,group_url,group_capacity,contact_url,contact_name,status\n\
        A,甲店,31.2304,121.4737,wgs84,上海市,黄浦区,https://work.weixin.qq.com/gm/a1,1,https://work.weixin.qq.com/ca/lin,小林,\n\
        B,乙店,31.24122,121.4737,wgs84,上海市,静安区,https://work.weixin.qq.com/gm/b1,9,https://work.weixin.qq.com/ca/wang,小王,\n\
        P,停业店,31.2420,121.4737,wgs84,上海市,普陀区,https://work.weixin.qq.com/gm/p1,9,,,paused\n";
    let app = TestApp::builder().stores(STORES).start();
    assert_eq!(app.scan(&json!({"store": "A"})).expect(201).json()["join"]["id"], "A.group", "the only seat");

    // Chosen, without a script.
    let page = app.get("/s/default?store=A").expect(200);
    let (html, cookie) = (page.text().to_owned(), page.cookie().unwrap());
    assert!(html.contains("甲店的群已满") && html.contains(">乙店</h1>"), "{html}");
    let link = link_of_the_other_route(&html);
    assert!(link.starts_with("/s/default?route=contact&store=A&scan="), "{link}");
    let other = app.get_with(&link, &[("cookie", &format!("jinqun={cookie}"))]).expect(200);
    assert!(other.text().contains("小林的微信二维码") && other.text().contains(">甲店</h1>"), "{}", other.text());
    let record = app.tags().into_iter().find(|it| it.mode == Route::Contact).unwrap();
    let said = (record.store.as_ref().map(jinqun::id::StoreId::as_str), &*record.region.district);
    assert_eq!(said, (Some("A"), "黄浦区"), "the tag names the customer's own store and district");

    // Who comes back is still a customer of the store they chose.
    let again = page_of(&app, "/s/default", cookie);
    assert!(again.contains("甲店的群已满，为您换成下一家最近的门店。") && again.contains("为您推荐的门店"), "{again}");

    // The same where the store was the nearest, or is paused.
    let nearest = app.scan(&at_a()).expect(201).json();
    assert_eq!(shown(&nearest), are(["B", "乙店", "next_store", "full"]));
    let back = app.scan(&json!({"visitor": nearest["visitor"]})).expect(201).json();
    assert_eq!((&back["fix"]["source"], &back["fallback"]["store"]["id"]), (&json!("previous"), &json!("A")));
    assert_eq!(back["region"]["district"], "黄浦区");
    let contact = app.scan(&json!({"visitor": back["visitor"], "route": "contact"})).expect(201).json();
    assert_eq!(shown(&contact), are(["A", "小林", "", ""]));
    let paused = app.scan(&json!({"store": "P"})).expect(201).json();
    let back = app.scan(&json!({"visitor": paused["visitor"]})).expect(201).json();
    assert_eq!((shown(&back), &back["fallback"]["store"]["id"]), (shown(&paused), &json!("P")));
    assert_eq!(shown(&back), are(["B", "乙店", "next_store", "paused"]));
}

#[test]
fn seats_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let visit = |client: &Client| client.scan(&at_a()).expect(201).json();
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    let first = visit(&service.client);
    assert_eq!(shown(&first), are(["A", "甲一群", "", ""]));
    service.kill();
    let service = Service::start(folder.path(), &["serve"], &[]);
    assert_eq!(shown(&visit(&service.client)), are(["B", "乙群", "next_store", "full"]));
    let again = service.client.scan(&with(at_a(), &json!({"visitor": first["visitor"]}))).expect(201).json();
    assert_eq!((shown(&again), &again["seat"]), (are(["A", "甲一群", "", ""]), &json!("kept")));
}

#[test]
fn an_explanation_shows_the_ladder_and_how_full_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("stores.csv", STORES);
    write("groups.csv", GROUPS);
    write("campaigns.toml", CAMPAIGNS);
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    run_well(folder.path(), &["import", "groups", "groups.csv"]);
    run_well(folder.path(), &["import", "campaigns", "campaigns.toml"]);
    write("members.csv", "编号,人数\nA.group,1\n");
    run_well(folder.path(), &["import", "groups", "members.csv"]);
    let args = ["explain", "--lat", "31.2304", "--lng", "121.4737", "--json"];
    let json: Value = serde_json::from_str(&run_well(folder.path(), &args)).unwrap();
    assert_eq!((&json["join"]["id"], &json["route"]), (&json!("A2"), &json!("group")));
    let step = |it: &Value| {
        let words = ["rung", "id", "verdict"].map(|name| it[name].as_str().unwrap().to_owned());
        format!("{} {}", words.join(" "), it["heads"])
    };
    let steps: Vec<_> = json["steps"].as_array().unwrap().iter().map(step).collect();
    let expected = [
        "own A.group full 1.0",
        "own A2 shown 0.0",
        "next_store B.group not_reached 0.0",
        "contact A.contact not_reached null",
        "campaign default.campaign-group not_reached 0.0",
    ];
    assert_eq!(steps, expected);
    let table = run_well(folder.path(), &args[..5]);
    assert!(table.contains("next_store") && table.contains("1.0 of 1"), "{table}");
    // What cannot be is named, and changes nothing.
    write("bad.csv", "id,store,url,capacity\nA2,A,,0\n");
    let output = run(folder.path(), &["import", "groups", "bad.csv"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("row 2 capacity") && said.contains("out_of_range"), "{said}");
    write("bad.toml", "[[campaign]]\nslug = \"a\"\nname = \"a\"\nmode = \"split\"\ncontact_percent = 101\n");
    let output = run(folder.path(), &["import", "campaigns", "bad.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("contact_percent") && said.contains("out_of_range"), "{said}");
}
