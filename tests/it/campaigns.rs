//! Campaigns with their own stores, periods and words: through the pages, the API and the program.

use std::fs;

use serde_json::json;

use crate::harness::{SQUARE, TestApp};
use crate::process::{run, run_well};

const DAY_MS: i64 = 86_400_000;

/// One for flagship stores, one for Beijing that ends tomorrow and leads to it, one that starts in a week, and one for open stores.
const MORE: &str = r#"
[[campaign]]
slug = "flagship"
name = "旗舰季"
store_tags = ["旗舰店"]
[campaign.texts]
title = "旗舰季限定"
lead = "进群领 <5> 元券"
join_hint = "进群后发送“旗舰”领券"
privacy = "我们只记录城市"
[campaign.texts_en]
lead = "Join for a voucher"

[[campaign]]
slug = "beijing"
name = "北京周"
store_regions = ["北京"]
ends_at = 2026-07-16T00:00:00+08:00
ended_to = "flagship"

[[campaign]]
slug = "later"
name = "下周见"
starts_at = "2026-07-22T00:00:00+08:00"

[[campaign]]
slug = "open"
name = "营业中"
open_stores = "require"
"#;

fn app() -> TestApp {
    TestApp::builder().campaigns(MORE).start()
}

fn at(lat: f64, lng: f64) -> serde_json::Value {
    json!({"lat": lat, "lng": lng, "accuracy_m": 10})
}

#[test]
fn a_campaign_sends_to_its_own_stores_only() {
    let app = app();
    // On the Bund, beside a store that takes no part.
    let answer = app.scan(&json!({"campaign": "flagship", "position": at(31.2382, 121.4855)})).expect(201).json();
    assert_eq!(answer["store"]["id"], "SH-0001");
    assert_eq!(answer["alternatives"], json!([]));
    assert_eq!(answer["campaign"], json!({"slug": "flagship", "state": "running", "served_by": "flagship"}));
    let nearest = app.get("/api/v1/nearest?lat=31.2382&lng=121.4855&k=5&campaign=flagship").json();
    assert_eq!(nearest["stores"].as_array().unwrap().len(), 1);
    let listed = app.get("/api/v1/stores?campaign=beijing").json();
    assert_eq!(listed["total"], 2);
    app.get("/api/v1/stores?campaign=nobody").expect(404);
    let chooser = app.get("/s/flagship/choose").expect(200);
    assert!(chooser.text().contains("人民广场店") && !chooser.text().contains("北京市"));
    let search = app.get("/s/beijing/choose?q=dian").expect(200);
    assert!(search.text().contains("望京店") && !search.text().contains("人民广场店"));
    // A store of the last visit that takes no part is no place to go back to.
    let cookie = format!("jinqun={}", app.get("/?store=BJ-0001").cookie().unwrap());
    let page = app.get_with("/s/flagship", &[("cookie", &cookie)]).expect(200);
    assert!(!page.text().contains("王府井店"));
}

#[test]
fn a_campaign_has_its_own_words() {
    let app = app();
    let page = app.get("/s/flagship?store=SH-0001").expect(200);
    for words in ["<title>旗舰季限定</title>", "进群领 &#60;5&#62; 元券", "进群后发送“旗舰”领券", "我们只记录城市"]
    {
        assert!(page.text().contains(words), "{words}");
    }
    let english = app.get_with("/s/flagship?store=SH-0001", &[("accept-language", "en")]).expect(200);
    assert!(english.text().contains("Join for a voucher") && !english.text().contains("领券"));
    assert!(english.text().contains("<title>Join your store · 旗舰季</title>"), "what it does not say is the page's");
}

#[test]
fn an_ended_campaign_leads_to_the_one_that_takes_over() {
    let app = app();
    let before = app.scan(&json!({"campaign": "beijing", "position": at(39.913, 116.411)})).expect(201).json();
    assert_eq!((&before["store"]["id"], &before["campaign"]["state"]), (&json!("BJ-0001"), &json!("running")));
    app.clock.advance_ms(DAY_MS);
    let after = app.scan(&json!({"campaign": "beijing", "position": at(31.2382, 121.4855)})).expect(201).json();
    assert_eq!(after["store"]["id"], "SH-0001");
    assert_eq!(after["campaign"], json!({"slug": "beijing", "state": "ended", "served_by": "flagship"}));
    let page = app.get("/s/beijing?store=SH-0001").expect(200);
    for words in ["本次活动已结束", "旗舰季", "data-campaign=\"beijing\"", "href=\"/s/beijing/choose"] {
        assert!(page.text().contains(words), "{words}");
    }
    let tags = app.tags();
    assert!(tags.iter().all(|it| it.campaign.as_str() == "beijing"), "the record keeps the code that was scanned");
    assert_eq!(tags.len(), 3);
}

#[test]
fn a_campaign_that_has_not_started_leads_to_the_default_one() {
    let app = app();
    let position = at(SQUARE.0, SQUARE.1);
    let early = app.scan(&json!({"campaign": "later", "position": position})).expect(201).json();
    assert_eq!(early["campaign"], json!({"slug": "later", "state": "not_started", "served_by": "default"}));
    assert_eq!(early["store"]["id"], "SH-0001");
    let page = app.get("/s/later").expect(200);
    assert!(page.text().contains("活动将于 7月22日 开始") && page.text().contains("青禾咖啡"));
    app.clock.advance_ms(7 * DAY_MS);
    let page = app.get("/s/later").expect(200);
    assert!(!page.text().contains("id=\"standing\"") && page.text().contains("下周见"));
}

#[test]
fn a_closed_store_says_when_it_opens_and_gives_way_where_open_ones_are_required() {
    let app = app();
    // It is noon; the store on the Bund opens at one.
    let bund = at(31.2382, 121.4855);
    let closed = app.scan(&json!({"position": bund})).expect(201).json();
    assert_eq!(closed["store"]["id"], "SH-0002");
    assert_eq!(
        (&closed["store"]["open"], &closed["store"]["opens_at"]),
        (&json!(false), &json!("2026-07-15T13:00:00+08:00"))
    );
    let page = app.get("/?store=SH-0002").expect(200);
    assert!(page.text().contains("13:00 开门，可先加入群聊"), "{}", page.text());
    let english = app.get_with("/?store=SH-0002", &[("accept-language", "en")]).expect(200);
    assert!(english.text().contains("opens at 13:00; you can already join its group"));
    let open = app.scan(&json!({"campaign": "open", "position": bund})).expect(201).json();
    assert_eq!(open["store"]["id"], "SH-0001");
    assert_eq!(
        open["fallback"],
        json!({"rung": "next_store", "reason": "closed", "store": {"id": "SH-0002", "name": "外滩店"}})
    );
    // At eleven at night everything in reach but the store with unknown hours is closed.
    app.clock.advance_ms(11 * DAY_MS / 24);
    let night = app.scan(&json!({"campaign": "open", "position": bund})).expect(201).json();
    assert_eq!(night["store"]["opens_at"], "2026-07-16T13:00:00+08:00", "the one that is open has no group");
    let page = app.get("/?store=SH-0001").expect(200);
    assert!(page.text().contains("明天 08:00 开门"));
}

#[test]
fn campaigns_that_point_to_nothing_are_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), crate::harness::STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let text = "[[campaign]]\nslug = \"good\"\nname = \"好\"\n\
        [[campaign]]\nslug = \"a\"\nname = \"a\"\nstore_tags = [\"旗舰\"]\nstore_regions = [\"火星\", \"上海\"]\n\
        [[campaign]]\nslug = \"b\"\nname = \"b\"\nstarts_at = 2026-12-02T00:00:00Z\nends_at = 2026-12-01T00:00:00Z\nended_to = \"nobody\"\n\
        [[campaign]]\nslug = \"c\"\nname = \"c\"\nstore_tags = [\"旗舰店\"]\nstore_regions = [\"北京\"]\n";
    fs::write(folder.path().join("campaigns.toml"), text).unwrap();
    let output = run(folder.path(), &["import", "campaigns", "campaigns.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for words in [
        "row 2 store_tags: campaign a names the tag \"旗舰\"",
        "row 2 store_regions: campaign a names the region \"火星\"",
        "row 3 ends_at: campaign b ends at 2026-12-01T00:00:00Z, before it starts",
        "row 3 ended_to: campaign b leads to campaign nobody",
        "row 4 store_tags: campaign c selects no store",
        "nothing was published",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    run_well(folder.path(), &["check"]);
    let said = String::from_utf8(run(folder.path(), &["qr", "good", "--out", "x.png"]).stderr).unwrap();
    assert!(said.contains("good"), "the good one is not there either: {said}");
}

#[test]
fn a_sheet_that_takes_the_last_store_from_a_campaign_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = |tags: &str| format!("id,name,lat,lng,datum,tags\nA,甲店,31.1,121.1,wgs84,{tags}\n");
    let import = |text: &str| {
        fs::write(folder.path().join("stores.csv"), text).unwrap();
        run(folder.path(), &["import", "stores", "stores.csv", "--mode", "replace"])
    };
    assert_eq!(import(&sheet("旗舰店")).status.code(), Some(0));
    fs::write(folder.path().join("c.toml"), "[[campaign]]\nslug = \"a\"\nname = \"a\"\nstore_tags = [\"旗舰店\"]\n")
        .unwrap();
    run_well(folder.path(), &["import", "campaigns", "c.toml"]);
    let refused = import(&sheet("社区店"));
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8([refused.stdout, refused.stderr].concat()).unwrap();
    assert!(said.contains("campaign a names the tag \"旗舰店\"") && said.contains("nothing was published"), "{said}");
    assert!(run_well(folder.path(), &["export", "stores"]).contains("旗舰店"));
}

#[test]
fn a_campaign_names_regions_of_the_map_by_code_or_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), crate::harness::STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let area = (r#"{"code":"WT","name":"外滩商圈","level":"area"}"#, [31.22, 121.47, 31.24, 121.49]);
    fs::write(folder.path().join("map.geojson"), crate::harness::boxes(&[area])).unwrap();
    run_well(folder.path(), &["import", "regions", "map.geojson", "--datum", "wgs84"]);
    let text = "[[campaign]]\nslug = \"code\"\nname = \"a\"\nstore_regions = [\"WT\"]\n\
        [[campaign]]\nslug = \"name\"\nname = \"b\"\nstore_regions = [\"外滩商圈\"]\n";
    fs::write(folder.path().join("campaigns.toml"), text).unwrap();
    run_well(folder.path(), &["import", "campaigns", "campaigns.toml"]);
    for slug in ["code", "name"] {
        let said = run_well(
            folder.path(),
            &["explain", "--lat", "31.2319", "--lng", "121.4693", "--campaign", slug, "--json"],
        );
        let json: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&json["store"], &json["considered"][0]["verdict"]), (&json!("SH-0002"), &json!("not_in_campaign")));
    }
}

#[test]
fn the_explanation_says_what_is_closed_and_which_campaign_answers() {
    let folder = tempfile::tempdir().unwrap();
    // Closed on every day of these years, so that the hour of the test does not matter.
    let days: Vec<String> = (2026..2060).map(|year| format!("{year}-01-01..{year}-12-31")).collect();
    let sheet = format!(
        "id,name,lat,lng,datum,closures\nA,甲店,31.1,121.1,wgs84,\"{}\"\nB,乙店,31.1,121.11,wgs84,\n",
        days.join(",")
    );
    fs::write(folder.path().join("stores.csv"), sheet).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let text = "[[campaign]]\nslug = \"open\"\nname = \"o\"\nopen_stores = \"require\"\n\
        [[campaign]]\nslug = \"past\"\nname = \"p\"\nends_at = 2020-01-01T00:00:00Z\nended_to = \"open\"\n";
    fs::write(folder.path().join("campaigns.toml"), text).unwrap();
    run_well(folder.path(), &["import", "campaigns", "campaigns.toml"]);
    let table = run_well(folder.path(), &["explain", "--lat", "31.1", "--lng", "121.1", "--campaign", "past"]);
    for words in
        ["campaign past, which is ended and served by open", "closed_now", "next_store because closed", "unknown"]
    {
        assert!(table.contains(words), "{words}: {table}");
    }
}
