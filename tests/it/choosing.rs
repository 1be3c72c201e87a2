//! The chooser: pages that are bounded, the last store first, the wrong store by its name, and the search.

use std::fmt::Write as _;

use crate::harness::TestApp;

fn links(page: &str) -> usize {
    page.matches("<li><a ").count()
}

#[test]
fn no_page_lists_more_than_a_screenful_however_many_stores_there_are() {
    let mut sheet = String::from("id,name,lat,lng,datum,province,city\n");
    for n in 0..1_000 {
        let city = if n < 500 { format!("第{n}市") } else { "大市".to_owned() };
        writeln!(sheet, "S-{n:04},第{n}店,{},120,wgs84,某省,{city}", 20.0 + f64::from(n) / 100.0).unwrap();
    }
    let app = TestApp::builder().stores(sheet).start();
    let mut cities = 0;
    for page in 1..=9 {
        let answer = app.get(&format!("/s/default/choose?province=%E6%9F%90%E7%9C%81&page={page}")).expect(200);
        let listed = links(answer.text());
        assert!(listed <= 60 && answer.text().contains(&format!("第 {page} / 9 页")), "{page}: {listed}");
        cities += listed;
    }
    assert_eq!(cities, 501);
    let first = app.get("/s/default/choose?province=%E6%9F%90%E7%9C%81").expect(200);
    assert!(first.text().contains("500 家"), "with their counts, the largest first");
    for query in ["city=%E5%A4%A7%E5%B8%82", "q=dian", "near=S-0500"] {
        let answer = app.get(&format!("/s/default/choose?{query}")).expect(200);
        assert!((20..=30).contains(&links(answer.text())), "{query}");
        assert!(answer.text().len() < 30 * 1024, "{query}: {} bytes", answer.text().len());
    }
}

#[test]
fn the_store_of_last_time_comes_first() {
    let app = TestApp::start();
    assert!(!app.get("/s/default/choose").text().contains("您上次的门店"));
    let cookie = format!("jinqun={}", app.get("/?store=BJ-0002").cookie().unwrap());
    let page = app.get_with("/s/default/choose", &[("cookie", &cookie)]).expect(200);
    let (_, after) = page.text().split_once("您上次的门店").unwrap();
    assert!(after.find("望京店").unwrap() < after.find("按地区选择").unwrap());
    let inside = app.get_with("/s/default/choose?q=wfj", &[("cookie", &cookie)]).expect(200);
    assert!(!inside.text().contains("您上次的门店"));
    // Of equal matches the nearest to that store comes first.
    let found = app.get_with("/s/default/choose?q=dian", &[("cookie", &cookie)]).expect(200);
    let place = |name: &str| found.text().find(name).unwrap();
    assert!(place("望京店") < place("王府井店") && place("王府井店") < place("外滩店"));
}

#[test]
fn a_wrong_store_is_named_where_the_right_one_is_chosen() {
    let app = TestApp::start();
    let page = app.get("/s/default/choose?near=SH-0001&not_mine=1").expect(200);
    assert!(page.text().contains("不是“人民广场店”？请选择您所在的门店。"));
    assert!(page.text().contains("1.7 公里"), "{}", page.text());
    assert!(!app.get("/s/default/choose?near=SH-0001").text().contains("不是“"));
}

#[test]
fn the_search_knows_pinyin_and_says_the_best_match_first() {
    let app = TestApp::start();
    for (query, first) in
        [("wangfujing", "王府井店"), ("wfj", "王府井店"), ("WangJing", "望京店"), ("zhongshan", "外滩店")]
    {
        let page = app.get(&format!("/s/default/choose?q={query}")).expect(200);
        let (_, list) = page.text().split_once("<li><a ").unwrap();
        let (_, name) = list.split_once("<b>").unwrap();
        assert!(name.starts_with(first), "{query}");
    }
}
