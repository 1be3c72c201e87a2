//! The client's address through sockets, and IP databases whose files change.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::eventually;
use crate::harness::TestApp;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ip").join(name)
}

fn with(database: &Path, trusted: &str) -> TestApp {
    TestApp::builder().set("ip_databases", database.display().to_string()).set("trusted_proxies", trusted).start()
}

/// What a visit with these forwarded addresses comes to, one header line each.
fn visit(app: &TestApp, lines: &[&str]) -> Value {
    let headers: Vec<_> = lines.iter().map(|it| ("x-forwarded-for", *it)).collect();
    app.scan_with(&json!({}), &headers).expect(201).json()
}

fn city(answer: &Value) -> &str {
    answer["region"]["city"].as_str().unwrap_or("nowhere")
}

#[test]
fn nobody_is_believed_without_trusted_proxies() {
    for trusted in ["", "10.0.0.0/8"] {
        let app = with(&fixture("demo.mmdb"), trusted);
        let answer = visit(&app, &["203.0.113.1"]);
        assert_eq!(answer["fix"]["source"], "none", "{trusted:?}");
        assert_eq!(city(&answer), "nowhere");
    }
}

#[test]
fn trusted_proxies_are_walked_from_the_right() {
    let app = with(&fixture("demo.mmdb"), "127.0.0.0/8,10.0.0.0/8");
    // 203.0.113.1 is Shanghai, .17 Beijing, .33 Guangzhou; 2001:db8:1000:: Beijing.
    for (lines, expected) in [
        (&["203.0.113.1"][..], "上海市"),
        (&["203.0.113.1, 203.0.113.17"], "北京市"),
        (&["203.0.113.1,203.0.113.17 , 10.0.0.7"], "北京市"),
        (&["203.0.113.1", "203.0.113.17"], "北京市"),
        (&["203.0.113.17", "10.1.2.3, 10.0.0.1"], "北京市"),
        (&["203.0.113.33:4711"], "广州市"),
        (&["[2001:db8:1000::1]:4711"], "北京市"),
        (&["2001:db8:1000::1"], "北京市"),
        (&["::ffff:203.0.113.1"], "上海市"),
        // The walk stops at what is no address, with the proxy in hand.
        (&["203.0.113.1, unknown"], "nowhere"),
        (&["203.0.113.1, "], "nowhere"),
        (&["203.0.113.1, 203.0.113.999"], "nowhere"),
        (&[], "nowhere"),
    ] {
        assert_eq!(city(&visit(&app, lines)), expected, "{lines:?}");
    }
}

#[test]
fn an_address_names_the_city_and_the_customer_chooses_there() {
    let app = with(&fixture("demo.mmdb"), "127.0.0.0/8");
    let answer = visit(&app, &["203.0.113.1"]);
    assert_eq!(answer["outcome"], "choose");
    assert_eq!(answer["fix"]["source"], "ip");
    assert_eq!(answer["fix"]["accuracy_m"], 20_000.0);
    assert_eq!(answer["region"]["province"], "上海市");
    assert_eq!(answer["tags"], json!(["上海市"]));
    let listed = answer["alternatives"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(answer["join"]["url"], "https://work.weixin.qq.com/gm/everybody");
    // A city with one store is that store, as a guess.
    let guess = visit(&app, &["203.0.113.33"]);
    assert_eq!(guess["outcome"], "choose");
    assert_eq!(guess["store"]["id"], "GZ-0001");
    // A city where the chain is not.
    let wuhan = visit(&app, &["203.0.113.97"]);
    assert_eq!(wuhan["outcome"], "out_of_reach");
    assert_eq!(wuhan["region"]["city"], "武汉");
    let tags = app.tags();
    assert!(tags.iter().all(|it| it.source.as_str() == "ip"));
}

#[test]
fn a_database_of_names_places_the_visitor_among_the_stores_of_the_city() {
    let app = with(&fixture("demo.xdb"), "127.0.0.0/8");
    let answer = visit(&app, &["203.0.113.1"]);
    assert_eq!(answer["fix"]["source"], "ip");
    assert_eq!(answer["outcome"], "choose");
    assert_eq!(city(&answer), "上海市");
    let listed: Vec<_> = answer["alternatives"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
    assert!(!listed.is_empty() && listed.iter().all(|it| it.starts_with("SH-")), "{listed:?}");
    let page = app.get_with("/", &[("x-forwarded-for", "203.0.113.1")]);
    assert!(page.expect(200).text().contains("上海"));
}

/// Swaps the file whole, as those who fetch databases do.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("part");
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, path).unwrap();
}

#[test]
fn a_replaced_database_is_read_again_and_a_broken_one_is_not() {
    let good = fs::read(fixture("demo.mmdb")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    fs::write(&path, &good).unwrap();
    let app = with(&path, "127.0.0.0/8");
    let refused = "jinqun_ip_database_refused_total";
    assert_eq!(city(&visit(&app, &["203.0.113.1"])), "上海市");
    for (count, broken) in [(1, &good[..good.len() / 2]), (2, b"<html>404</html>")] {
        replace(&path, broken);
        app.reload.notify_one();
        eventually("the broken file is refused", || (app.metric(refused) >= count).then_some(()));
        assert_eq!(city(&visit(&app, &["203.0.113.1"])), "上海市");
    }
    // The same file with another name for Shanghai, of the same length.
    let (old, new) = ("上海".as_bytes(), "北京".as_bytes());
    let mut other = good.clone();
    let places: Vec<usize> = (0..other.len() - old.len()).filter(|at| &other[*at..at + old.len()] == old).collect();
    assert!(!places.is_empty());
    for at in places {
        other[at..at + new.len()].copy_from_slice(new);
    }
    replace(&path, &other);
    eventually("the other file is in use without a word", || {
        (city(&visit(&app, &["203.0.113.1"])) == "北京市").then_some(())
    });
    assert_eq!(app.metric(refused), 2);
}

#[test]
fn a_database_that_is_missing_at_the_start_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing.mmdb");
    let flags = [("data_dir", folder.path().display().to_string()), ("ip_databases", path.display().to_string())];
    let config = jinqun::config::Config::load(None, &flags.into_iter().collect()).unwrap();
    let error = jinqun::startup::open_ip_databases(&config).unwrap_err();
    assert!(format!("{error:#}").contains("nothing.mmdb"), "{error:#}");
}
