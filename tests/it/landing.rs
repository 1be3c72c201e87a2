//! The landing page and the chooser, as a browser without scripts gets them.

use serde_json::json;

use crate::client::Answer;
use crate::harness::TestApp;

/// The largest page, style and script included, in bytes.
const PAGE_BYTES_MAX: usize = 30 * 1024;

fn nonce(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

/// The pictures that are codes.
fn codes(page: &str) -> Vec<&str> {
    page.split("<img ")
        .skip(1)
        .filter_map(|it| it.split_once("src=\"/qr/"))
        .map(|(_, rest)| rest.split_once('"').unwrap().0)
        .collect()
}

/// The scan id in the page.
fn scan(page: &str) -> &str {
    let (_, rest) = page.split_once("data-scan=\"").unwrap();
    rest.split_once('"').unwrap().0
}

#[track_caller]
fn is_whole(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let page = answer.text();
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.trim_end().ends_with("</html>"));
    assert!(page.len() <= PAGE_BYTES_MAX, "{} bytes", page.len());
    let nonce = nonce(answer);
    for tag in ["<style", "<script"] {
        for inline in page.split(tag).skip(1) {
            assert!(inline.starts_with(&format!(" nonce=\"{nonce}\"")), "{tag}");
        }
    }
    for outside in ["src=\"http", "src=\"//", "url(", "@import", "<link"] {
        assert!(!page.contains(outside), "everything comes from here");
    }
}

#[test]
fn a_visit_is_one_page_with_one_code_one_cookie_and_one_record() {
    let app = TestApp::start();
    for (path, status) in [("/", 200), ("/s/default", 200)] {
        let before = app.tags().len();
        let answer = app.get(path).expect(status);
        is_whole(&answer);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(codes(answer.text()).len(), 1, "the campaign's own group");
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        assert!(!cookie.contains("Secure"), "this is plain HTTP");
        assert_eq!(answer.header("jinqun-catalog-version"), Some("2"));
        let tags = app.tags();
        assert_eq!(tags.len(), before + 1);
        assert!(tags.iter().any(|it| scan(answer.text()).starts_with(&it.scan.to_string())));
    }
}

#[test]
fn a_nonce_is_used_once() {
    let app = TestApp::start();
    let mut nonces: Vec<_> = (0..20).map(|_| nonce(&app.get("/"))).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 20);
    assert!(nonces.iter().all(|it| it.len() >= 22), "128 bits");
}

#[test]
fn looking_at_the_head_is_no_visit() {
    let app = TestApp::start();
    for path in ["/", "/s/default", "/s/summer"] {
        let answer = app.call("HEAD", path, &[], None).expect(200);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert!(app.tags().is_empty());
}

#[test]
fn a_choice_without_scripts_refines_the_visit() {
    let app = TestApp::start();
    let first = app.get("/").expect(200);
    let cookie = format!("jinqun={}", first.cookie().unwrap());
    let scan_id = scan(first.text()).to_owned();
    let path = format!("/s/default?store=SH-0001&scan={scan_id}");
    let second = app.get_with(&path, &[("cookie", &cookie)]).expect(200);
    is_whole(&second);
    assert_eq!(scan(second.text()), scan_id);
    for words in ["人民广场店", "南京西路388号", "08:00-22:00"] {
        assert!(second.text().contains(words), "{words}");
    }
    assert_eq!(codes(second.text()).len(), 1);
    let tags = app.tags();
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].store.as_ref().unwrap().as_str(), "SH-0001");
    // The next visit remembers the store.
    let cookie = format!("jinqun={}", second.cookie().unwrap());
    let third = app.get_with("/", &[("cookie", &cookie)]).expect(200);
    assert!(third.text().contains("人民广场店"));
    assert_eq!(app.tags().len(), 2);
}

#[test]
fn the_code_on_the_page_leads_to_the_group() {
    let app = TestApp::start();
    let page = app.get("/?store=BJ-0001").expect(200);
    let picture = app.get(&format!("/qr/{}", codes(page.text())[0])).expect(200);
    let (.., link) = crate::pictures::decode_png(&picture.body);
    assert_eq!(link, "https://work.weixin.qq.com/gm/bj0001");
}

#[test]
fn a_wrong_address_still_leads_on() {
    let app = TestApp::start();
    for path in ["/s/%3Cscript%3E", "/s/default/choose?page=0"] {
        let answer = app.get_with(path, &[("accept", "text/html")]).expect(400);
        is_whole(&answer);
        assert!(answer.text().contains("href=\"/s/default/choose\""), "{path}");
    }
    assert!(app.tags().is_empty(), "a wrong address is no visit");
}

#[test]
fn a_code_that_nobody_knows_any_longer_leads_to_the_default_campaign() {
    let app = TestApp::start();
    let answer = app.get("/s/nobody").expect(200);
    is_whole(&answer);
    assert!(answer.text().contains("本次活动已结束"));
    assert_eq!(codes(answer.text()).len(), 1);
    let tags = app.tags();
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].campaign.as_str(), "default", "anybody can make up a name");
    let answer = app.get("/s/nobody/choose").expect(200);
    is_whole(&answer);
    assert!(answer.text().contains("上海市") && answer.text().contains("href=\"/s/default"));
    app.scan(&json!({"campaign": "nobody"})).expect(404);
}

#[test]
fn a_link_to_a_store_that_has_gone_leads_to_the_best_answer_without_it() {
    let app = TestApp::start();
    for path in ["/?store=XX-9999", "/s/default?store=%00"] {
        let answer = app.get(path).expect(200);
        is_whole(&answer);
        assert!(answer.text().contains("href=\"/s/default/choose"), "{path}");
    }
}

#[test]
fn a_shared_address_is_a_visit_of_its_own() {
    let app = TestApp::start();
    let first = app.get("/").expect(200);
    let owner = first.cookie().unwrap();
    let marker = "data-scan=\"";
    let scan = first.text().split(marker).nth(1).unwrap().split('"').next().unwrap().to_owned();
    // A friend opens the same address without the cookie, and a stranger with another one.
    let shared = format!("/s/default?store=BJ-0001&scan={scan}");
    let answer = app.get(&shared).expect(200);
    let friend = answer.cookie().unwrap();
    assert_ne!(friend.split('.').next(), owner.split('.').next(), "the friend is somebody else");
    assert_eq!(app.tags().len(), 2);
    let mine = app.get_with(&shared, &[("cookie", &format!("jinqun={owner}"))]).expect(200);
    assert_eq!(mine.cookie().unwrap().split('.').next(), owner.split('.').next());
    assert_eq!(app.tags().len(), 2, "the owner refines the visit");
}

#[test]
fn the_chooser_leads_from_province_to_store() {
    let app = TestApp::start();
    let first = app.get("/s/default/choose").expect(200);
    is_whole(&first);
    assert!(first.text().contains("上海市"));
    assert!(first.text().contains("广东省"));
    // By province, city, words and neighbourhood.
    for (query, there, absent) in [
        ("province=%E4%B8%8A%E6%B5%B7%E5%B8%82", "人民广场店", "王府井店"),
        ("province=%E4%B8%8A%E6%B5%B7%E5%B8%82&city=%E4%B8%8A%E6%B5%B7%E5%B8%82", "外滩店", "广场店</b>"),
        ("q=%E6%9C%9B%E4%BA%AC", "望京店", "王府井店"),
        ("near=SH-0001", "外滩店", "人民广场店</b>"),
    ] {
        let page = app.get(&format!("/s/default/choose?{query}")).expect(200);
        is_whole(&page);
        assert!(page.text().contains(there), "{query} lists {there}");
        if query.contains("city") {
            // The paused store is not offered.
            assert!(!page.text().contains("SH-0004"), "{query}");
        } else {
            assert!(!page.text().contains(absent), "{query} hides {absent}");
        }
    }
    let page = app.get("/s/default/choose?q=%E6%9C%9B%E4%BA%AC&scan=abc");
    assert!(page.text().contains("href=\"/s/default?store=BJ-0002&#38;scan=abc\""), "the choice refines the visit");
    assert!(app.tags().is_empty(), "choosing is no visit");
}

#[test]
fn not_this_store_is_counted_without_scripts() {
    let app = TestApp::start();
    let page = app.get("/?store=SH-0001").expect(200);
    let scan_id = scan(page.text()).to_owned();
    app.get(&format!("/s/default/choose?scan={scan_id}&not_mine=1")).expect(200);
    let steps = app.steps();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].step.as_str(), "not_mine");
}

#[test]
fn what_people_type_is_never_markup() {
    let app = TestApp::start();
    let pages = [
        "/?store=XX-0001",
        "/s/default/choose?near=NP-0001",
        "/s/default/choose?province=%3Cb%3E%E7%9C%81%3C%2Fb%3E",
        "/s/default/choose?q=%3Cscript%3Ealert(4)%3C%2Fscript%3E",
        "/s/default/choose?q=%22%3E%3Cimg%20src%3Dx%3E&scan=%22%3E%3Cimg%20src%3Dx%3E",
        "/s/default/choose?city=%3Ci%3E%E5%B8%82%3C%2Fi%3E&province=%22%20onload%3Dx",
        "/s/default/choose",
    ];
    for path in pages {
        let answer = app.get(path).expect(200);
        is_whole(&answer);
        let page = answer.text();
        for markup in ["<script>", "<img src=x", "<b>省", "<i>市", "</figure><script", "\" onload=x"] {
            assert!(!page.contains(markup), "{path} holds {markup}");
        }
    }
    let page = app.get("/?store=XX-0001");
    assert!(page.text().contains("&#60;script&#62;alert(1)"));
}

#[test]
fn the_words_are_in_the_language_that_is_asked_for() {
    let app = TestApp::start();
    for (header, lang) in [
        ("", "<html lang=\"zh-CN\">"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "<html lang=\"zh-CN\">"),
        ("en-US,en;q=0.9", "<html lang=\"en\">"),
        ("fr", "<html lang=\"zh-CN\">"),
    ] {
        let answer = app.get_with("/", &[("accept-language", header)]);
        assert!(answer.expect(200).text().contains(lang), "{header}");
    }
}

#[test]
fn a_page_is_packed_for_those_who_unpack() {
    let app = TestApp::start();
    let answer = app.get_with("/", &[("accept-encoding", "gzip")]).expect(200);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.body[..2], [0x1f, 0x8b]);
    let vary = answer.header("vary").unwrap().to_lowercase();
    let varies: Vec<_> = answer.headers.get_all("vary").iter().map(|it| it.to_str().unwrap().to_lowercase()).collect();
    assert!(varies.join(",").contains("accept-encoding"), "{vary}");
}

#[test]
fn without_a_catalog_the_page_is_there_all_the_same() {
    let app = TestApp::builder().empty().start();
    let answer = app.get("/").expect(200);
    is_whole(&answer);
    assert!(codes(answer.text()).is_empty());
    assert!(answer.text().contains("/s/default/choose"));
    let json = app.scan(&json!({})).expect(201).json();
    assert!(json["join"].is_null());
    app.get("/s/default/choose").expect(200);
}
