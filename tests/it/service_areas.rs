//! Service areas from outside: a store's own area wins over distance where the campaign says so.

use std::fs;

use jinqun::catalog::Mode;
use serde_json::{Value, json};

use crate::client::eventually;
use crate::harness::{SQUARE, STORES, TestApp, boxes, publish, publish_campaigns, publish_map};
use crate::process::{run, run_well};

const CAMPAIGNS: &str = r#"
[[campaign]]
slug = "default"
name = "青禾咖啡"

[[campaign]]
slug = "areas"
name = "按区"
service_areas = true
reach_m = 1000
"#;
/// Around the square, whose nearest store is SH-0001, at 451.0 m; SH-0002 is 1418.3 m away (geographiclib 2.1).
const AREA_2: (&str, [f64; 4]) = (r#"{"store":"SH-0002"}"#, [31.23, 121.473, 31.24, 121.49]);
/// A store in Beijing, a thousand kilometres away.
const FAR_AREA: (&str, [f64; 4]) = (r#"{"store":"BJ-0001"}"#, [31.22, 121.44, 31.2305, 121.48]);
/// A paused store, 36.2 m from the square.
const AREA_4: (&str, [f64; 4]) = (r#"{"store":"SH-0004"}"#, [31.22, 121.44, 31.24, 121.48]);

fn scan(app: &TestApp, campaign: &str, lat: f64, accuracy_m: f64) -> Value {
    let position = json!({"lat": lat, "lng": SQUARE.1, "accuracy_m": accuracy_m});
    app.scan(&json!({"campaign": campaign, "position": position})).expect(201).json()
}

fn id(answer: &Value) -> &str {
    answer["store"]["id"].as_str().unwrap_or("none")
}

#[test]
fn inside_a_service_area_its_store_wins_over_distance() {
    let app = TestApp::builder().stores(STORES).start();
    publish_campaigns(&app.folder(), CAMPAIGNS);
    publish_map(&app.folder(), &boxes(&[AREA_2, AREA_4]));
    eventually("the areas are live", || {
        let answer = app.scan(&json!({"campaign": "areas", "position": {"lat": SQUARE.0, "lng": SQUARE.1}}));
        (answer.status == 201 && id(&answer.json()) == "SH-0002").then_some(())
    });
    let inside = scan(&app, "areas", SQUARE.0, 35.0);
    // Also beyond the campaign's reach of 1 km; and the nearer store is a choice.
    assert_eq!((&inside["outcome"], &inside["store"]["distance_m"]), (&json!("routed"), &json!(1_418.3)));
    assert_eq!((&inside["join"]["id"], &inside["fallback"]), (&json!("SH-0002.group"), &Value::Null));
    assert_eq!(inside["alternatives"][0]["id"], "SH-0001");
    assert_eq!(id(&scan(&app, "areas", 31.2299, 35.0)), "SH-0001", "outside the area the nearest is shown");
    assert_eq!(id(&scan(&app, "default", SQUARE.0, 35.0)), "SH-0001", "this campaign goes by distance");
    // A place that is not known well asks, with the area's store as the guess.
    let coarse = scan(&app, "areas", SQUARE.0, 800.0);
    assert_eq!((&coarse["outcome"], id(&coarse)), (&json!("choose"), "SH-0002"));
}

#[test]
fn where_areas_overlap_the_nearest_of_their_stores_is_shown() {
    let app = TestApp::builder().stores(STORES).start();
    publish_campaigns(&app.folder(), CAMPAIGNS);
    publish_map(&app.folder(), &boxes(&[FAR_AREA]));
    eventually("the area is live", || {
        let answer = app.scan(&json!({"campaign": "areas", "position": {"lat": SQUARE.0, "lng": SQUARE.1}}));
        (answer.status == 201 && id(&answer.json()) == "BJ-0001").then_some(())
    });
    publish_map(&app.folder(), &boxes(&[AREA_2]));
    eventually("both areas are live", || (id(&scan(&app, "areas", SQUARE.0, 35.0)) == "SH-0002").then_some(()));
    assert_eq!(id(&scan(&app, "areas", 31.229, 35.0)), "BJ-0001", "only one of them reaches here");
}

#[test]
fn an_explanation_names_the_service_area() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    publish(&data, STORES, Mode::Merge);
    publish_campaigns(&data, CAMPAIGNS);
    publish_map(&data, &boxes(&[AREA_2]));
    let args = ["explain", "--lat", "31.2304", "--lng", "121.4737", "--campaign", "areas", "--json"];
    let json: Value = serde_json::from_str(&run_well(folder.path(), &args)).unwrap();
    let considered = json["considered"].as_array().unwrap();
    let verdicts: Vec<_> =
        considered.iter().map(|it| (it["id"].as_str().unwrap(), it["verdict"].as_str().unwrap())).collect();
    assert_eq!(
        verdicts[..3],
        [("SH-0004", "paused"), ("SH-0001", "outside_area"), ("SH-0002", "service_area")],
        "{verdicts:?}"
    );
}

#[test]
fn an_area_of_no_store_is_refused_and_one_of_a_store_that_goes_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    publish(&data, STORES, Mode::Merge);
    let import = |map: &str| {
        fs::write(folder.path().join("areas.geojson"), map).unwrap();
        run(folder.path(), &["import", "regions", "areas.geojson", "--datum", "wgs84"])
    };
    let refused = import(&boxes(&[AREA_2, (r#"{"store":"NOBODY"}"#, FAR_AREA.1)]));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let expected =
        "problem row 2 store: a service area belongs to store NOBODY, which does not exist (NOBODY) [unknown_store]";
    assert!(said.contains(expected), "{said}");
    let refused = import(&boxes(&[AREA_2, (AREA_2.0, FAR_AREA.1)]));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("problem row 2 store: feature 1 is this store's area"), "{said}");

    assert_eq!(import(&boxes(&[AREA_2, FAR_AREA])).status.code(), Some(0));
    let counted = || String::from_utf8(run(folder.path(), &["check"]).stdout).unwrap();
    assert!(counted().contains("2 service areas"), "{}", counted());
    let fewer: String = STORES.lines().filter(|it| !it.starts_with("BJ-0001")).flat_map(|it| [it, "\n"]).collect();
    publish(&data, &fewer, Mode::Replace);
    assert!(counted().contains("1 service areas"), "{}", counted());
}
