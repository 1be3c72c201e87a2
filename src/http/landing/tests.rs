//! Every page with every sample: what each of them must hold, in both languages.

use std::collections::BTreeSet;

use askama::Template as _;

use super::parts::{AltView, CampaignView, StoreView};
use super::samples;
use super::texts::Lang;
use super::view::LandingView;
use crate::routing::Outcome;

/// HTML, style and script together.
const PAGE_BYTES_MAX: usize = 30_000;

fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (lang, code) in [(Lang::Zh, "zh"), (Lang::En, "en")] {
        let mut add = |kind: &str, name: &str, html: String| {
            pages.push((format!("{kind}-{name}-{code}"), html));
        };
        for (name, view) in samples::landings(lang) {
            add("landing", name, view.render().unwrap());
        }
        for (name, view) in samples::choosers(lang) {
            add("choose", name, view.render().unwrap());
        }
        for (name, view) in samples::errors(lang) {
            add("error", name, view.render().unwrap());
        }
    }
    pages
}

/// Every tag of a page without its brackets, and nothing of what stands in style and script.
fn tags(html: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, opened)) = rest.split_once('<') {
        let (tag, behind) = opened.split_once('>').expect("a tag ends");
        tags.push(tag);
        rest = match tag.split(' ').next() {
            Some("style") => behind.split_once("</style>").expect("closes").1,
            Some("script") => behind.split_once("</script>").expect("closes").1,
            _ => behind,
        };
    }
    tags
}

/// The names of a tag's attributes, each with its value.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let mut rest = tag.split_once(' ').map_or("", |(_, rest)| rest).trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let name = rest.split(['=', ' ']).next().unwrap_or(rest);
        rest = rest.strip_prefix(name).expect("begins with its name");
        let quoted = rest.strip_prefix("=\"").and_then(|quoted| quoted.split_once('"'));
        let (value, behind) = quoted.unwrap_or(("", rest));
        found.push((name, value));
        rest = behind.trim_start();
    }
    found
}

fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    attributes(tag).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[test]
fn a_page_is_small() {
    let sizes: Vec<_> = pages().into_iter().map(|(name, html)| (html.len(), name)).collect();
    let largest = sizes.iter().max().unwrap();
    assert!(largest.0 <= PAGE_BYTES_MAX, "{largest:?}");
}

#[test]
fn nothing_in_a_page_needs_a_laxer_policy() {
    for (name, html) in pages() {
        for tag in tags(&html) {
            for (attribute, _) in attributes(tag) {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {tag}");
            }
            if tag.starts_with("style") || tag.starts_with("script") {
                assert_eq!(value(tag, "nonce"), Some("bm9uY2U"), "{name}: {tag}");
            }
        }
        assert!(!html.contains("javascript:") && !html.contains("@import") && !html.contains("url("), "{name}");
    }
}

#[test]
fn a_page_names_no_other_host_but_the_join_link() {
    for (name, html) in pages() {
        let outside: BTreeSet<_> =
            html.split("://").skip(1).map(|behind| behind.split(['"', '<', ' ', '\'']).next().unwrap()).collect();
        let allowed = BTreeSet::from(["work.weixin.qq.com/gm/0123456789abcdef"]);
        assert!(outside.is_subset(&allowed), "{name}: {outside:?}");
    }
}

#[test]
fn a_page_shows_at_most_one_code_and_the_code_is_described() {
    for (name, html) in pages() {
        let codes: Vec<_> = tags(&html).into_iter().filter(|it| it.starts_with("img") && it.contains("/qr/")).collect();
        let wanted =
            usize::from(name.starts_with("landing") && !["-ip", "-unknown"].iter().any(|it| name.contains(it)));
        assert_eq!(codes.len(), wanted, "{name}");
        for code in codes {
            assert!(value(code, "src").unwrap().ends_with(".png?size=792"), "{name}");
            assert!(value(code, "width").unwrap().parse::<u16>().unwrap() >= 240, "{name}");
            assert!(!value(code, "alt").unwrap().is_empty(), "{name}");
        }
    }
}

#[test]
fn every_page_leads_to_a_store_or_a_code() {
    for (name, html) in pages() {
        let leads = tags(&html).into_iter().any(|tag| {
            value(tag, "href")
                .or(value(tag, "action"))
                .is_some_and(|to| to.contains("/choose") || to.contains("store="))
        });
        assert!(leads, "{name}");
    }
}

#[test]
fn every_label_and_description_names_something_on_the_page() {
    for (name, html) in pages() {
        let all = tags(&html);
        let ids: Vec<_> = all.iter().filter_map(|tag| value(tag, "id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: an id stands twice");
        for tag in &all {
            for attribute in ["for", "aria-labelledby", "aria-describedby"] {
                if let Some(id) = value(tag, attribute) {
                    assert!(ids.contains(&id), "{name}: {tag}");
                }
            }
        }
        assert_eq!(all.iter().filter(|it| it.starts_with("h1")).count(), 1, "{name}");
        let lang = if name.ends_with("-en") { "en" } else { "zh-CN" };
        assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{name}");
    }
}

#[test]
fn a_name_is_text_whatever_it_holds() {
    let evil = "<img src=x onerror=alert(1)>\"'{{}}</script>";
    let mut view = samples::routed(Lang::Zh);
    view.campaign = CampaignView { name: evil, slug: evil, logo_url: Some(evil), ..view.campaign };
    view.scan = Some(evil);
    view.privacy_href = Some(evil);
    view.store = Some(StoreView {
        id: evil,
        name: evil,
        address: evil,
        distance: None,
        hours: Some(evil),
        open: None,
        opens: Some(evil.to_owned()),
    });
    if let Some(join) = view.join.as_mut() {
        (join.name, join.qr_png, join.url) = (evil, evil, "javascript:alert(1)");
    }
    view.alternatives = vec![AltView { id: evil, name: evil, address: evil, distance: None, href: evil.to_owned() }];
    for outcome in [Outcome::Routed, Outcome::Choose, Outcome::OutOfReach, Outcome::UnknownPlace] {
        let html = LandingView { outcome, place: Some(evil), ..view.clone() }.render().unwrap();
        assert!(!html.contains("<img src=x") && !html.contains("javascript:"), "{outcome:?}");
        assert_eq!(html.matches("</script>").count(), 1, "{outcome:?}");
        assert!(tags(&html).iter().all(|tag| { attributes(tag).iter().all(|(name, _)| !name.starts_with("on")) }));
    }
}

#[test]
fn a_guess_from_the_network_shows_the_list_and_no_code() {
    let (_, view) = samples::landings(Lang::Zh).into_iter().find(|it| it.0 == "ip").unwrap();
    let html = view.render().unwrap();
    assert!(html.contains("您可能在上海市附近"));
    let stores: Vec<_> = tags(&html).into_iter().filter_map(|tag| value(tag, "data-store")).collect();
    assert_eq!(stores.len(), 9);
    assert_eq!(stores[0], "SH-0001");
}

#[test]
fn a_step_down_the_ladder_is_told_in_plain_words() {
    let (_, view) = samples::landings(Lang::Zh).into_iter().find(|it| it.0 == "next").unwrap();
    let html = view.render().unwrap();
    assert!(html.contains("青禾咖啡（来福士店）的群已满，为您换成下一家最近的门店，距您 410 米。"));
    assert!(html.contains("有效期至 12月1日"));
    assert!(html.contains("长按识别二维码</b>，加入本店群聊"));
}

#[test]
fn the_chooser_link_of_a_shown_store_says_that_it_is_not_mine() {
    assert_eq!(
        samples::routed(Lang::Zh).chooser_href(),
        "/s/default/choose?near=SH-0001&not_mine=1&scan=01JD9ZZZZZ0000000000000000"
    );
}

#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a folder to look at the pages in, given by who wants to look"
)]
fn pages_can_be_looked_at() {
    let Ok(folder) = std::env::var("JINQUN_PAGES_OUT") else {
        eprintln!("skipped: JINQUN_PAGES_OUT is not set");
        return;
    };
    for (name, html) in pages() {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), html).unwrap();
    }
}
