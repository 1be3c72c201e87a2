//! Catchments from outside: the grid says what the decision says, and a draft changes nothing but the picture.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::harness::{TestApp, boxes, publish_campaigns, publish_map};

const TOKEN: &str = "an admin token of some length";
/// Two stores on one parallel, their border half-way between them, and one that is paused.
const STORES: &str = "id,name,lat,lng,datum,status,group_url\n\
    E,东店,31.0,121.6,wgs84,,https://work.weixin.qq.com/gm/e\n\
    P,停店,31.0,121.5,wgs84,paused,https://work.weixin.qq.com/gm/p\n\
    W,西店,31.0,121.4,wgs84,,https://work.weixin.qq.com/gm/w\n";
const FRAME: &str = "bbox=121.3,30.9,121.7,31.1&size=40";

fn start() -> TestApp {
    TestApp::builder().set("admin_token", TOKEN).stores(STORES).start()
}

fn get(app: &TestApp, query: &str) -> Answer {
    let path = format!("/api/v1/admin/catchment?{query}");
    app.get_with(&path, &[("authorization", &format!("Bearer {TOKEN}"))])
}

fn post(app: &TestApp, body: &Value) -> Answer {
    let admit = format!("Bearer {TOKEN}");
    let headers = [("authorization", admit.as_str()), ("content-type", "application/json")];
    app.attempt("POST", &format!("/api/v1/admin/catchment?{FRAME}"), &headers, Some(body.to_string().as_bytes()))
        .unwrap()
}

/// The points of every store by id.
fn cells(told: &Value) -> Vec<(&str, u64)> {
    let stores = told["stores"].as_array().unwrap();
    let mut cells: Vec<_> =
        stores.iter().map(|it| (it["id"].as_str().unwrap(), it["cells"].as_u64().unwrap())).collect();
    cells.sort_unstable();
    cells
}

#[test]
fn each_point_is_the_store_that_the_decision_names() {
    let app = start();
    let told = get(&app, FRAME).expect(200).json();
    let (rows, columns) = (told["rows"].as_u64().unwrap(), told["columns"].as_u64().unwrap());
    // A fifth of a degree of latitude is 0.58 as long as two fifths of longitude here.
    assert_eq!((rows, columns), (23, 40));
    assert_eq!(cells(&told), [("E", 460), ("W", 460)]);
    assert_eq!((&told["holes"], &told["changed_cells"]), (&json!(0), &json!(0)));
    let [one, other] = [0, 1].map(|it| told["stores"][it]["colour"].as_u64().unwrap());
    assert_ne!(one, other);
    // The border runs along the middle.
    let east = told["stores"].as_array().unwrap().iter().find(|it| it["id"] == "E").unwrap();
    let lngs = east["rings"][0]["lngs"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap());
    let west_end = lngs.fold(f64::INFINITY, f64::min);
    assert!((west_end - 121.5).abs() < 0.002, "{west_end}");
}

#[test]
fn a_draft_shows_who_would_change_hands_and_publishes_nothing() {
    let app = start();
    let paused = post(&app, &json!({"changes": [{"store": "W", "status": "paused"}]})).expect(200).json();
    assert_eq!(cells(&paused), [("E", 920)]);
    assert_eq!(paused["changed_cells"], 460);
    let shift = json!({"from": "W", "from_name": "西店", "to": "E", "to_name": "东店", "cells": 460});
    assert_eq!(paused["shifts"], json!([shift]));
    let back = post(&app, &json!({"changes": [{"store": "P", "status": "active"}]})).expect(200).json();
    assert_eq!(cells(&back), [("E", 345), ("P", 230), ("W", 345)]);
    let moved = post(&app, &json!({"changes": [{"store": "W", "lat": 31.0, "lng": 121.5}]})).expect(200).json();
    assert_eq!(cells(&moved), [("E", 345), ("W", 575)]);
    let new = post(&app, &json!({"changes": [{"name": "新店", "lat": 31.0, "lng": 121.5}]})).expect(200).json();
    assert_eq!(cells(&new), [("DRAFT-1", 230), ("E", 345), ("W", 345)]);
    assert_eq!(cells(&get(&app, FRAME).json()), [("E", 460), ("W", 460)]);
    assert_eq!(app.get("/api/v1/stores").json()["total"], 2);
    // The version before anything was published had no store at all.
    assert_eq!(get(&app, &format!("{FRAME}&version=1")).expect(200).json()["changed_cells"], 0);
    get(&app, &format!("{FRAME}&version=99")).expect(404);
}

#[test]
fn holes_and_overlaps_are_counted() {
    let app = start();
    // Fifty kilometres are about half a degree.
    let far = get(&app, "bbox=121.3,30.0,121.7,33.0&size=30").expect(200).json();
    assert!(far["holes"].as_u64().unwrap() > far["cells"].as_u64().unwrap() / 2, "{far}");
    let east = (r#"{"store":"E"}"#, [30.9, 121.45, 31.1, 121.7]);
    let west = (r#"{"store":"W"}"#, [30.9, 121.3, 31.1, 121.55]);
    let map = boxes(&[east, west]);
    publish_campaigns(&app.folder(), "[[campaign]]\nslug = \"areas\"\nname = \"按区\"\nservice_areas = true\n");
    publish_map(&app.folder(), &map);
    crate::client::eventually("the map is live", || {
        let told = get(&app, &format!("{FRAME}&campaign=areas"));
        (told.status == 200 && told.json()["overlaps"].as_array().unwrap().len() == 1).then_some(())
    });
    let told = get(&app, &format!("{FRAME}&campaign=areas")).json();
    assert_eq!((&told["overlaps"][0]["stores"], &told["overlaps"][0]["cells"]), (&json!(["E", "W"]), &json!(230)));
    assert_eq!(told["overlapping"].as_array().unwrap().len(), 1);
}

#[test]
fn a_question_that_makes_no_sense_names_its_fields() {
    let app = start();
    let wrong = |answer: Answer, status, fields: &[&str]| {
        let told: Vec<String> = answer.expect(status).problem().fields;
        assert_eq!(told, fields);
    };
    wrong(get(&app, "bbox=1,2,3&size=9999"), 400, &["size", "bbox"]);
    wrong(get(&app, "bbox=1,1,1,1"), 400, &["bbox"]);
    wrong(get(&app, &format!("{FRAME}&campaign=none")), 404, &["campaign"]);
    let changes = json!({"changes": [{"store": "W"}, {"name": "x"}, {"store": "E", "lat": 99.0, "lng": 1.0},
        {"store": "E", "status": "asleep"}, {"store": "E", "lat": 1.0, "lng": 1.0, "datum": "mars"}]});
    let fields = ["changes.0.store", "changes.1.lat", "changes.2.lat", "changes.3.status", "changes.4.datum"];
    wrong(post(&app, &changes), 400, &fields);
    wrong(post(&app, &json!({"changes": [{"store": "NONE", "status": "paused"}]})), 404, &["store"]);
    let many: Vec<Value> = (0..51).map(|_| json!({"store": "W", "status": "paused"})).collect();
    wrong(post(&app, &json!({"changes": many})), 400, &["changes"]);
    app.get(&format!("/api/v1/admin/catchment?{FRAME}")).expect(401);
}
