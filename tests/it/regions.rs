//! Maps of regions from outside: `jinqun import regions`, and what a running service makes of them.

use std::fs;
use std::path::Path;
use std::process::Output;

use jinqun::catalog::Mode;
use serde_json::{Value, json};

use crate::client::eventually;
use crate::harness::{CAMPAIGNS, SQUARE, STORES, TestApp, boxes, publish, publish_campaigns, publish_map};
use crate::process::{Service, jinqun, run, run_well};

const PROVINCE: (&str, [f64; 4]) =
    (r#"{"code":"310000","name":"上海市","level":"province"}"#, [31.0, 121.0, 31.5, 121.6]);
const WEST: (&str, [f64; 4]) =
    (r#"{"code":"310101","name":"黄浦区","level":"district","parent":"310000"}"#, [31.2, 121.46, 31.25, 121.49]);
const EAST: (&str, [f64; 4]) =
    (r#"{"code":"310115","name":"浦东新区","level":"district","parent":"310000"}"#, [31.2, 121.49, 31.25, 121.6]);
const BUND: (&str, [f64; 4]) = (r#"{"code":"WT","name":"外滩商圈","level":"area"}"#, [31.22, 121.47, 31.24, 121.49]);

fn import(folder: &Path, map: &str, args: &[&str]) -> Output {
    fs::write(folder.join("map.geojson"), map).unwrap();
    run(folder, &[&["import", "regions", "map.geojson"], args].concat())
}

#[track_caller]
fn ends(output: &Output, code: i32, said: &[&str]) {
    let both = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{both}");
    for words in said {
        assert!(both.contains(words), "{words}: {both}");
    }
}

fn checked(folder: &Path) -> String {
    String::from_utf8(run(folder, &["check"]).stdout).unwrap()
}

#[test]
fn files_of_several_levels_make_one_map() {
    let folder = tempfile::tempdir().unwrap();
    let wgs84 = ["--datum", "wgs84"];
    ends(&import(folder.path(), &boxes(&[PROVINCE]), &wgs84), 0, &["1 rows: 1 created", "version 1 is live"]);
    ends(&import(folder.path(), &boxes(&[WEST, EAST]), &wgs84), 0, &["2 created", "version 2 is live"]);
    ends(&import(folder.path(), &boxes(&[BUND]), &wgs84), 0, &["1 created", "version 3 is live"]);
    let counted = "regions: 1 provinces, 0 cities, 2 districts, 1 areas; 0 service areas";
    assert!(checked(folder.path()).contains(counted), "{}", checked(folder.path()));
    let dry = [&wgs84[..], &["--mode", "replace", "--dry-run"]].concat();
    ends(&import(folder.path(), &boxes(&[WEST]), &dry), 0, &["1 unchanged, 1 removed", "dry run: nothing was changed"]);
    ends(&import(folder.path(), &boxes(&[WEST, EAST]), &wgs84), 0, &["2 unchanged, 0 removed", "version 3 is live"]);
    let replace = [&wgs84[..], &["--mode", "replace"]].concat();
    ends(&import(folder.path(), &boxes(&[WEST]), &replace), 0, &["1 unchanged, 1 removed", "version 4 is live"]);
    let counted = "regions: 1 provinces, 0 cities, 1 districts, 1 areas";
    assert!(checked(folder.path()).contains(counted), "only districts were replaced: {}", checked(folder.path()));
}

#[test]
fn a_file_with_a_fault_changes_nothing_and_every_fault_is_named() {
    let folder = tempfile::tempdir().unwrap();
    ends(&import(folder.path(), &boxes(&[PROVINCE]), &["--datum", "wgs84"]), 0, &["version 1 is live"]);
    let shape = |code: &str, rings: &str| {
        format!(
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"区"}},"geometry":{{"type":"Polygon","coordinates":{rings}}}}}"#
        )
    };
    let features = [
        shape("good", "[[[1,1],[2,1],[2,2],[1,1]]]"),
        shape("crossed", "[[[0,0],[2,2],[2,0],[0,2],[0,0]]]"),
        shape("empty", "[[[1,1],[2,1],[1,1],[1,1]]]"),
        shape("open", "[[[1,1],[2,1],[2,2],[1,2]]]"),
        shape("metres", "[[[13520000,3660000],[13530000,3660000],[13530000,3670000],[13520000,3660000]]]"),
        shape("polar", "[[[0,80],[120,80],[-120,80],[0,80]]]"),
    ];
    let map = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
    let said = [
        "row 2 geometry: polygon 1, ring 1, vertex 1: the edge meets",
        "[self_intersecting]",
        "row 3 geometry: polygon 1, ring 1: the ring encloses nothing [empty_area]",
        "row 4 geometry: polygon 1, ring 1, vertex 4: the ring is open",
        "row 5 geometry: polygon 1, ring 1, vertex 1: latitude 3660000 is not between",
        "row 6 geometry: polygon 1, ring 1: the ring goes round a pole",
        "nothing was published",
    ];
    ends(&import(folder.path(), &map, &[]), 2, &said);
    assert!(checked(folder.path()).contains("catalog version 1"), "{}", checked(folder.path()));
    ends(&import(folder.path(), "[]", &[]), 2, &["no GeoJSON collection of areas", "nothing was published"]);
    ends(&import(folder.path(), &map, &["--datum", "utm"]), 2, &["none of wgs84, gcj02, bd09"]);
    // What can be read in one way only is read, and said.
    let turned = format!(
        r#"{{"type":"FeatureCollection","features":[{},{}]}}"#,
        shape("turned", "[[[1,1],[1,2],[2,2],[1,1]]]"),
        shape("fiji", "[[[179,-17],[-179,-17],[-179,-16],[179,-16],[179,-17]]]"),
    );
    let said = ["wound the wrong way round", "crosses the antimeridian uncut", "version 2 is live"];
    ends(&import(folder.path(), &turned, &[]), 0, &said);
    let crossed = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features[1]);
    ends(&import(folder.path(), &crossed, &[]), 2, &["--accept-crossings"]);
    ends(&import(folder.path(), &crossed, &["--accept-crossings"]), 0, &["self_intersecting", "version 3 is live"]);
}

#[test]
fn regions_that_make_no_map_are_told_with_their_row() {
    let folder = tempfile::tempdir().unwrap();
    let own = (r#"{"code":"a","name":"甲","level":"city","parent":"b"}"#, [0.0, 0.0, 1.0, 1.0]);
    let other = (r#"{"code":"b","name":"乙","level":"city"}"#, [0.0, 0.0, 1.0, 1.0]);
    let said = ["problem row 2 parent: city a is part of city b", "nothing was published"];
    ends(&import(folder.path(), &boxes(&[other, own]), &[]), 2, &said);
}

#[test]
fn a_map_without_its_wider_regions_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    import(folder.path(), &boxes(&[WEST, EAST]), &["--datum", "wgs84"]);
    let said = checked(folder.path());
    assert!(
        said.contains("2 regions are part of one that is not on the map; the first is 310101 黄浦区 of 310000"),
        "{said}"
    );
}

#[test]
fn a_store_outside_its_own_district_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    import(folder.path(), &boxes(&[PROVINCE, WEST, EAST]), &["--datum", "wgs84"]);
    let sheet = "id,name,province,city,district,lat,lng,datum\n\
                 A,甲店,上海市,上海市,黄浦区,31.23,121.47,wgs84\nB,乙店,上海市,上海市,黄浦区,31.23,121.55,wgs84\n";
    fs::write(folder.path().join("stores.csv"), sheet).unwrap();
    let output = run(folder.path(), &["import", "stores", "stores.csv"]);
    let said = "warning row 3 district: the store stands outside 黄浦区 (310101), in 上海市 上海市 浦东新区 (B) [outside_region]";
    ends(&output, 0, &[said, "2 created"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("row 2"), "{told}");
    let again = import(folder.path(), &boxes(&[(WEST.0, [31.2, 121.46, 31.25, 121.491])]), &["--datum", "wgs84"]);
    ends(&again, 0, &["1 of 2 active stores stand outside the region that their columns name; the first is B"]);
}

fn scan_at(app: &TestApp, lat: f64, lng: f64) -> Value {
    app.scan(&json!({"position": {"lat": lat, "lng": lng}})).expect(201).json()
}

#[test]
fn a_map_is_live_at_once_and_names_the_visitors_region() {
    let app = TestApp::start();
    let before = app.scan(&json!({"position": {"lat": SQUARE.0, "lng": 121.495}})).expect(201).json();
    assert_eq!(before["region"], json!({"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": []}));
    publish_map(&app.folder(), &boxes(&[PROVINCE, WEST, EAST, BUND]));
    eventually("the map is live", || {
        (scan_at(&app, SQUARE.0, 121.495)["region"]["district"] == "浦东新区").then_some(())
    });

    let square = scan_at(&app, SQUARE.0, SQUARE.1);
    let names = json!({"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": ["外滩商圈"]});
    assert_eq!(square["region"], names);
    assert_eq!(square["tags"], json!(["上海市", "黄浦区", "外滩商圈", "SH-0001"]));
    // The border belongs to one district alone, and to the same one each time.
    for _ in 0..3 {
        assert_eq!(scan_at(&app, 31.23, 121.49)["region"]["district"], "浦东新区");
    }
    // Where the map ends, the store's columns speak.
    assert_eq!(scan_at(&app, 39.913, 116.411)["region"]["district"], "东城区");
    let sources = |district: &str| {
        let tags = app.tags();
        let mut sources: Vec<_> =
            tags.iter().filter(|it| &*it.region.district == district).map(|it| it.region_source.as_str()).collect();
        sources.dedup();
        sources.join(" ")
    };
    assert_eq!((sources("浦东新区").as_str(), sources("东城区").as_str()), ("polygon", "store"));
}

#[test]
fn a_publication_that_leaves_the_map_alone_keeps_it() {
    let app = TestApp::start();
    publish_map(&app.folder(), &boxes(&[PROVINCE, WEST, EAST]));
    let more = format!(
        "{STORES}SH-0009,新店,,上海市,上海市,浦东新区,31.231,121.55,wgs84,active,,https://work.weixin.qq.com/gm/sh0009,,,,\n"
    );
    publish(&app.folder(), &more, Mode::Merge);
    eventually("the new store is live", || {
        let answer = scan_at(&app, 31.231, 121.55);
        (answer["store"]["id"] == "SH-0009" && answer["region"]["district"] == "浦东新区").then_some(())
    });
    let row = rusqlite::Connection::open(app.folder().join("jinqun.sqlite")).unwrap();
    let count = |sql: &str| row.query_one(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM entry WHERE kind = 5"), 3, "the shapes are stored once");
    // A map that another version brings is taken over.
    publish_map(&app.folder(), &boxes(&[(EAST.0, [31.2, 121.49, 31.25, 121.54])]));
    eventually("the smaller district is live", || {
        (scan_at(&app, 31.231, 121.55)["region"]["district"] == Value::Null).then_some(())
    });
}

#[test]
fn the_map_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    publish(&folder.path().join("data"), STORES, Mode::Merge);
    publish_map(&folder.path().join("data"), &boxes(&[PROVINCE, WEST]));
    let body = json!({"position": {"lat": SQUARE.0, "lng": SQUARE.1}});
    for _ in 0..2 {
        let mut service = Service::start(folder.path(), &["serve"], &[]);
        let answer = service.client.scan(&body).expect(201).json();
        assert_eq!(answer["region"]["district"], "黄浦区");
        service.kill();
    }
    let tags = run_well(folder.path(), &["export", "tags"]);
    assert_eq!(tags.matches("polygon").count(), 2, "{tags}");
}

#[test]
fn an_explanation_says_where_the_region_is_from() {
    let folder = tempfile::tempdir().unwrap();
    publish(&folder.path().join("data"), STORES, Mode::Merge);
    publish_campaigns(&folder.path().join("data"), CAMPAIGNS);
    publish_map(&folder.path().join("data"), &boxes(&[PROVINCE, WEST, EAST, BUND]));
    let said = run_well(folder.path(), &["explain", "--lat", "31.2304", "--lng", "121.4737"]);
    assert!(said.contains("region    上海市 上海市 黄浦区 外滩商圈 [WT, 310101, 310000] (from polygon)"), "{said}");
    let said = run_well(folder.path(), &["explain", "--lat", "39.913", "--lng", "116.411"]);
    assert!(said.contains("region    北京市 北京市 东城区 (from store)"), "{said}");
}

#[test]
fn an_address_with_a_name_alone_is_placed_by_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    publish(&data, "id,name,lat,lng,datum\nA,甲店,32.05,118.78,wgs84\n", Mode::Merge);
    // The database of the fixtures has names without coordinates in its xdb form only.
    let ip = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.xdb");
    let explain = || {
        let output = jinqun(folder.path())
            .args(["explain", "--ip", "192.0.2.129", "--json"])
            .env("JINQUN_IP_DATABASES", ip)
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(explain()["outcome"], "unknown_place", "{}", explain());
    let province = (r#"{"code":"320000","name":"江苏省","level":"province"}"#, [31.0, 117.0, 35.0, 121.0]);
    let city = (r#"{"code":"320100","name":"南京市","level":"city","parent":"320000"}"#, [31.9, 118.6, 32.2, 119.0]);
    publish_map(&data, &boxes(&[province, city]));
    let placed = explain();
    assert_eq!((&placed["outcome"], &placed["store"]), (&json!("choose"), &json!("A")), "{placed}");
    let region = json!({"province": "江苏省", "city": "南京市", "district": "", "areas": [], "codes": ["320100", "320000"], "from": "ip"});
    assert_eq!(placed["region"], region);
}

#[test]
fn people_are_tagged_by_the_map() {
    let folder = tempfile::tempdir().unwrap();
    publish(&folder.path().join("data"), STORES, Mode::Merge);
    publish_map(&folder.path().join("data"), &boxes(&[PROVINCE, WEST, EAST, BUND]));
    fs::write(folder.path().join("people.csv"), "lat,lng\n31.2304,121.4737\n31.2304,121.5\n39.9,116.4\n").unwrap();
    run_well(folder.path(), &["tag", "--in", "people.csv", "--out", "tagged.csv", "--datum", "wgs84"]);
    let tagged = fs::read_to_string(folder.path().join("tagged.csv")).unwrap();
    let ends =
        ["黄浦区,上海市;黄浦区;外滩商圈;SH-0001", "浦东新区,上海市;浦东新区;SH-0002", "东城区,北京市;东城区;BJ-0001"];
    for (line, end) in tagged.lines().skip(1).zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}
