//! Stores chosen by hand: with scripts and without, through regions, the search and the list of others.

use crate::browser::{Browser, Setup};
use crate::demo::{Demo, row};

#[test]
fn without_scripts_links_lead_to_the_code() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.without_scripts();
    phone.open("/");
    assert!(!phone.sees("#locate, #purpose"), "no button that would do nothing");
    phone.tap("#other");
    phone.wait_text("#list-title", "按地区选择");
    phone.tap_link("广东省");
    phone.wait_text("#list-title", "广东省");
    phone.tap_link("深圳市");
    phone.wait_text("#list-title", "深圳市");
    let store = row("SZ-0003");
    phone.tap_link(&store.name);
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.text("#eyebrow"), "您选择的门店");
    assert_eq!(phone.text("#address"), store.address);
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn without_scripts_a_wrong_store_is_told_and_leads_to_its_neighbours() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.without_scripts();
    phone.open("/s/default?store=SH-0001");
    assert_eq!(phone.text("#other"), "不是这家店？");
    phone.tap("#other");
    phone.wait_text("#list-title", "附近的门店");
    demo.step_becomes("not_mine", 1);
    let store = row("SH-0003");
    phone.tap_link(&store.name);
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn a_wrong_store_leads_to_the_others_and_the_right_one_is_remembered() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/");
    assert_eq!(phone.text("#eyebrow"), "您可能在上海市附近");
    assert!(!phone.sees("#qr"), "a city is too coarse for a code");
    let first = row("SH-0001");
    phone.tap("#list a[data-store='SH-0001']");
    phone.wait_text("#title", &first.name);
    assert_eq!(phone.text("#eyebrow"), "您选择的门店");
    assert_eq!(phone.codes(), [first.join]);
    assert_eq!(phone.text("#other"), "不是这家店？");
    phone.tap("#other");
    phone.wait("document.activeElement.id === 'list-title'");
    demo.step_becomes("not_mine", 1);
    assert_eq!(phone.text("#list-title"), "附近其他门店");
    let second = row("SH-0003");
    phone.tap("#list a[data-store='SH-0003']");
    phone.wait_text("#title", &second.name);
    assert_eq!(phone.codes(), [second.join.as_str()]);

    phone.open("/");
    assert_eq!(phone.text("#eyebrow"), "您上次的门店");
    assert_eq!(phone.text("#title"), second.name);
    assert_eq!(phone.codes(), [second.join]);
    assert_eq!(demo.metric("jinqun_steps_total{step=\"not_mine\"}"), 1, "told once");
}

#[test]
fn the_search_finds_a_store_by_its_name() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/s/default/choose");
    phone.write("#q", "静安寺");
    phone.tap(".search button");
    phone.wait_text("#list-title", "“静安寺”的搜索结果");
    assert_eq!(phone.value("document.querySelectorAll('ul.list a').length"), 1);
    let store = row("SH-0003");
    assert_eq!(phone.text("ul.list b"), store.name);
    phone.tap("ul.list a");
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn a_search_without_results_leads_on() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/s/default/choose");
    phone.write("#q", "<b>没有</b>");
    phone.tap(".search button");
    phone.wait_text(".results .note", "没有找到“<b>没有</b>”。换个词试试，或按地区选择。");
    phone.tap_link("全部地区");
    phone.wait_text("#list-title", "按地区选择");
}

#[test]
fn the_search_knows_pinyin_and_its_initials_without_scripts() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.without_scripts();
    let store = row("SH-0003");
    for words in ["jingansi", "jas"] {
        phone.open("/s/default/choose");
        phone.write("#q", words);
        phone.tap(".search button");
        phone.wait_text("#list-title", &format!("“{words}”的搜索结果"));
        assert_eq!(phone.text("ul.list b"), store.name, "{words}");
    }
    phone.tap("ul.list a");
    phone.wait_text("#title", &store.name);
    assert_eq!(phone.codes(), [store.join]);
}

#[test]
fn whoever_comes_back_finds_the_store_of_last_time_first() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.without_scripts();
    phone.open("/s/default?store=SH-0003");
    phone.open("/s/default/choose");
    assert_eq!(phone.text("#last-title"), "您上次的门店");
    let store = row("SH-0003");
    assert_eq!(phone.text("#last b"), store.name);
    phone.tap("#last a");
    phone.wait_text("#title", &store.name);
}

/// Every day until 2060, so that the day of the test does not matter.
fn every_day() -> String {
    let years: Vec<String> = (2026..2060).map(|year| format!("{year}-01-01..{year}-12-31")).collect();
    years.join(",")
}

#[test]
fn a_store_that_is_closed_today_still_offers_its_group() {
    let demo = Demo::start();
    let sheet = format!(
        "id,name,lat,lng,datum,closures,hours\nSH-0001,关门店,31.2319,121.4693,wgs84,\"{}\",08:00-22:00\n\
         SH-0002,外滩店,31.2382,121.4855,wgs84,,00:00-24:00\n",
        every_day()
    );
    demo.import(&sheet);
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/s/default?store=SH-0001");
    assert_eq!(phone.text("#open"), "休息中");
    assert_eq!(phone.codes(), [row("SH-0001").join]);
    // Where open stores are required, another one comes first, and the sentence says why.
    demo.import_campaigns("[[campaign]]\nslug = \"open\"\nname = \"营业中\"\nopen_stores = \"require\"\n");
    phone.stands(&crate::browser::Place::At(31.2319, 121.4693, 10.0));
    phone.open("/s/open");
    phone.tap("#locate");
    phone.wait_text("#eyebrow", "为您推荐的门店");
    assert!(phone.text("#note").starts_with("关门店暂未营业，"), "{}", phone.text("#note"));
}

#[test]
fn an_ended_campaign_says_so_and_leads_on() {
    let demo = Demo::start();
    demo.import_campaigns(
        "[[campaign]]\nslug = \"past\"\nname = \"春茶节\"\nends_at = 2020-01-01T00:00:00+08:00\n\
         [[campaign]]\nslug = \"now\"\nname = \"秋茶节\"\n[campaign.texts]\nlead = \"进群领 5 元券\"\njoin_hint = \"进群后发送“茶”领券\"\n",
    );
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/s/past?store=SH-0003");
    assert_eq!(phone.text("#standing"), "本次活动已结束，您仍可加入附近门店的群聊。");
    assert_eq!(phone.codes(), [row("SH-0003").join]);
    phone.tap_link("查看全部门店");
    phone.wait_text("#list-title", "按地区选择");
    phone.open("/s/now?store=SH-0003");
    assert_eq!(phone.text("#lead"), "进群领 5 元券");
    assert_eq!(phone.text("#join-hint"), "进群后发送“茶”领券");
}
