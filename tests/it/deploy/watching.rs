//! Alerts and the dashboard ask for metrics that are there, and every alert leads to what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jinqun::metrics::{Metrics, Route};
use serde_json::{Value, json};

use super::{all, root, text, yaml};
use crate::harness::TestApp;

/// Labels that Prometheus adds by itself, or that a query makes.
const OF_PROMETHEUS: [&str; 4] = ["instance", "job", "le", "version"];

/// The names of samples by their metric's labels, as a scrape shows them.
#[derive(Default)]
struct Scraped(BTreeMap<String, BTreeSet<String>>);

impl Scraped {
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|it| !it.starts_with('#')) {
            let (key, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = key.split_once('{').unwrap_or((key, ""));
            let labels = labels.trim_end_matches('}').split(',').filter_map(|it| it.split_once('=')).map(|(it, _)| it);
            self.0.entry(name.to_owned()).or_default().extend(labels.map(ToOwned::to_owned));
        }
    }
}

/// What a service gives, and what one gives that has seen everything once.
fn scraped() -> Scraped {
    let mut scraped = Scraped::default();
    let app = TestApp::start();
    app.scan(&json!({"position": {"lat": 31.2304, "lng": 121.4737}})).expect(201);
    scraped.add(app.get("/metrics").expect(200).text());
    let metrics = Metrics::new();
    metrics.request(Route::Landing, 200, Duration::from_millis(1));
    metrics.scan(false, "routed", "gps", "none");
    metrics.scan(true, "routed", "gps", "none");
    metrics.seat("unconfirmed");
    metrics.step("pressed");
    metrics.purged("tags", 1);
    metrics.alerts("dead_letters", 1);
    metrics.lane("tag", [1, 1, 1]);
    metrics.alert_message(false);
    scraped.add(&String::from_utf8(metrics.render().unwrap()).unwrap());
    scraped
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics that a query names, each with the labels that it picks by; and the labels that it groups by.
fn asked(query: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let (mut metrics, mut groups) = (Vec::new(), Vec::new());
    let mut rest = query;
    while let Some(at) = rest.find(is_word) {
        rest = rest.split_at(at).1;
        let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if word == "by" {
            let list = after.trim_start().strip_prefix('(').unwrap().split_once(')').unwrap();
            groups.extend(list.0.split(',').map(|it| it.trim().to_owned()));
            rest = list.1;
        } else if word.starts_with("jinqun_") || word == "up" {
            let picked = match after.strip_prefix('{') {
                Some(inside) => {
                    let (inside, after) = inside.split_once('}').unwrap();
                    rest = after;
                    inside.split(',').map(|it| it.split(['=', '!']).next().unwrap().trim().to_owned()).collect()
                }
                None => Vec::new(),
            };
            metrics.push((word.to_owned(), picked));
        }
    }
    (metrics, groups)
}

#[test]
fn a_query_is_taken_apart() {
    let (metrics, groups) =
        asked(r#"sum by (route, le) (rate(jinqun_a_bucket{route=~"x|y",status!="5xx"}[5m])) / sum(jinqun_b) > 0.1"#);
    let expected = [("jinqun_a_bucket", vec!["route", "status"]), ("jinqun_b", vec![])];
    let expected =
        expected.map(|(name, labels)| (name.to_owned(), labels.into_iter().map(ToOwned::to_owned).collect()));
    assert_eq!(metrics, expected);
    assert_eq!(groups, ["route", "le"]);
}

fn alerts() -> Vec<Value> {
    let rules = yaml("prometheus/alerts.yml");
    all(&rules, "rules").into_iter().flat_map(|it| it.as_array().unwrap().clone()).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&text("grafana/jinqun.json")).unwrap()
}

#[test]
fn every_metric_that_is_watched_is_given() {
    let scraped = scraped().0;
    let dashboard = dashboard();
    let mut queries: Vec<String> = alerts().iter().map(|it| it["expr"].as_str().unwrap().to_owned()).collect();
    queries.extend(all(&dashboard, "expr").iter().map(|it| it.as_str().unwrap().to_owned()));
    assert!(queries.len() > 40, "{}", queries.len());
    for query in queries {
        assert_eq!(query.matches(['(', '{', '[']).count(), query.matches([')', '}', ']']).count(), "{query}");
        let (metrics, groups) = asked(&query);
        assert!(!metrics.is_empty(), "{query}");
        let mut known: BTreeSet<&str> = OF_PROMETHEUS.into();
        for (name, picked) in &metrics {
            let Some(labels) = scraped.get(name) else {
                assert_eq!(name, "up", "{query}");
                continue;
            };
            for label in picked {
                assert!(labels.contains(label) || OF_PROMETHEUS.contains(&label.as_str()), "{label} in {query}");
            }
            known.extend(labels.iter().map(String::as_str));
        }
        for group in &groups {
            assert!(known.contains(group.as_str()), "{group} in {query}");
        }
    }
}

#[test]
fn every_panel_shows_something_and_has_a_place_of_its_own() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        if panel["type"] != "row" {
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
        }
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
    }
}

/// The anchor of a heading, as pages of repositories make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

#[test]
fn every_alert_leads_to_what_it_means_and_what_to_do() {
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap().to_owned();
        assert!(["page", "ticket"].contains(&alert["labels"]["severity"].as_str().unwrap()), "{name}");
        assert!(!alert["annotations"]["summary"].as_str().unwrap().is_empty(), "{name}");
        let (path, wanted) = alert["annotations"]["runbook_url"].as_str().unwrap().split_once('#').unwrap();
        let guide = std::fs::read_to_string(root().join(path)).unwrap();
        let heading = guide.lines().find(|it| it.starts_with('#') && anchor(it) == wanted);
        let heading = heading.unwrap_or_else(|| panic!("{path} has no {wanted}"));
        let told = guide.split_once(heading).unwrap().1.split("\n#").next().unwrap();
        assert!(told.trim().len() > 100, "{name} is told of in a few words: {told}");
        assert!(names.insert(name.clone()), "{name} stands twice");
    }
    let guide = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    for heading in guide.lines().filter_map(|it| it.strip_prefix("### Jinqun")) {
        assert!(names.contains(&format!("Jinqun{heading}")), "no alert is called Jinqun{heading}");
    }
}
