//! Tests of the reader of regions, on files written here.

use super::*;
use crate::geo::polygon::Vertex;

fn feature(properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#)
}

fn polygon(coordinates: &str) -> String {
    format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#)
}

const SQUARE: &str = "[[[1,10],[2,10],[2,11],[1,11],[1,10]]]";

fn read_as(rules: RegionRules, features: &[String]) -> Result<RegionSheet, Vec<Problem>> {
    let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
    read_regions(text.as_bytes(), "map.geojson", rules)
}

fn read(features: &[String]) -> Result<RegionSheet, Vec<Problem>> {
    read_as(RegionRules::default(), features)
}

fn told(problems: &[Problem]) -> Vec<String> {
    let row = |it: &Problem| it.row.map_or(String::new(), |row| row.to_string());
    problems
        .iter()
        .map(|it| {
            let (column, value) = (it.column.as_deref().unwrap_or_default(), it.value.as_deref().unwrap_or_default());
            format!("{} {column} {} {value}", row(it), it.code).trim().to_owned()
        })
        .collect()
}

fn refused(features: &[String]) -> Vec<String> {
    told(&read(features).unwrap_err())
}

#[test]
fn features_in_the_style_of_datav_are_regions() {
    let district =
        r#"{"adcode":310101,"name":"黄浦区","center":[121.49,31.22],"level":"district","parent":{"adcode":310000}}"#;
    let province = r#"{"adcode":"310000","name":"上海市","level":"province","parent":100000,"datum":"高德"}"#;
    let multi = r#"{"type":"MultiPolygon","coordinates":[[[[121,31],[122,31],[122,32],[121,32],[121,31]]]]}"#;
    let sheet = read(&[feature(district, &polygon(SQUARE)), feature(province, multi)]).unwrap();
    let regions: Vec<(&str, &str, Level, Option<&str>)> = sheet
        .regions
        .iter()
        .map(|it| (it.code.as_str(), &*it.name, it.level, it.parent.as_ref().map(RegionCode::as_str)))
        .collect();
    assert_eq!(
        regions,
        [("310101", "黄浦区", Level::District, Some("310000")), ("310000", "上海市", Level::Province, Some("100000"))]
    );
    let corner = |region: usize| sheet.regions[region].shape.to_rings()[0][0][0];
    assert_eq!(corner(0), Vertex { lat: 10.0, lon: 1.0 });
    // The Bund is some 500 m from where GCJ-02 has it.
    assert!((corner(1).lon - 121.0).abs() > 0.003, "{:?}", corner(1));
    assert_eq!((sheet.features, sheet.warnings), (2, vec![]));
}

#[test]
fn codes_and_levels_come_from_where_they_stand() {
    let rules = RegionRules { level: Some(Level::City), ..RegionRules::default() };
    let geometry = polygon(SQUARE);
    let with_id = format!(r#"{{"type":"Feature","id":7,"properties":{{"name":"甲"}},"geometry":{geometry}}}"#);
    let features = [
        with_id,
        feature(r#"{"code":" WT ","name":"外滩","level":"商圈"}"#, &geometry),
        feature(r#"{"adcode":310100,"name":"上海"}"#, &geometry),
        feature(r#"{"id":"310200","name":"上海"}"#, &geometry),
        feature(r#"{"adcode":"330000","name":"浙江"}"#, &geometry),
    ];
    let levels = |rules| {
        let sheet = read_as(rules, &features).unwrap();
        sheet.regions.iter().map(|it| format!("{} {}", it.code, it.level)).collect::<Vec<_>>()
    };
    assert_eq!(levels(RegionRules::default()), ["7 area", "WT area", "310100 city", "310200 area", "330000 province"]);
    assert_eq!(levels(rules), ["7 city", "WT area", "310100 city", "310200 city", "330000 city"]);
}

#[test]
fn every_problem_of_every_feature_is_told_with_its_place() {
    let good = r#"{"code":"a","name":"甲"}"#;
    let others: Vec<String> = (0..9).map(|it| format!(r#"{{"code":"b{it}","name":"甲"}}"#)).collect();
    let long = "长".repeat(65);
    let square = polygon(SQUARE);
    let found = refused(&[
        feature("null", &square),
        feature(r#"{"code":"a/b","name":" ","level":"street","datum":"utm","parent":"c/d"}"#, &square),
        feature(&format!(r#"{{"code":"a","name":"{long}"}}"#), "null"),
        feature(&others[0], r#"{"type":"Point","coordinates":[1,2]}"#),
        feature(&others[1], &polygon(r#"[[[1,10],[2,"x"]]]"#)),
        feature(&others[2], &polygon("[[[1,10],[2]]]")),
        feature(&others[3], &polygon("[1,2]")),
        feature(&others[4], r#"{"type":"MultiPolygon"}"#),
        feature(&others[5], &polygon("[]")),
        feature(&others[6], &polygon("[[[1,10],[2,10],[2,11],[1,11]], [[1,10],[1,10]]]")),
        feature(&others[7], &polygon("[[[31,121],[32,121],[32,122],[31,121]]]")),
        feature(&others[8], &polygon("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]")),
        "17".to_owned(),
        r#"{"type":"Topology"}"#.to_owned(),
        feature(good, &square),
    ]);
    assert_eq!(
        found,
        [
            "1 code missing",
            "1 name missing",
            "2 code bad_character a/b",
            "2 name missing",
            "2 level level_unknown street",
            "2 parent bad_character c/d",
            "2 datum datum_unknown utm",
            &format!("3 name too_long {long}"),
            "3 geometry no_geometry",
            "4 geometry not_an_area",
            "5 geometry not_an_area",
            "6 geometry not_an_area",
            "7 geometry not_an_area",
            "8 geometry not_an_area",
            "9 geometry empty_area",
            "10 geometry open_ring",
            "10 geometry too_few_positions",
            "11 geometry out_of_range",
            "12 geometry self_intersecting",
            "13  geojson_unreadable",
            "14  geojson_unreadable",
            "15 code duplicate_id a"
        ]
    );
}

#[test]
fn rings_that_cross_themselves_are_accepted_where_that_is_wanted() {
    let bow = feature(r#"{"code":"a","name":"甲"}"#, &polygon("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]"));
    let rules = RegionRules { crossings: Crossings::Warn, ..RegionRules::default() };
    let sheet = read_as(rules, &[bow]).unwrap();
    assert_eq!((sheet.regions.len(), told(&sheet.warnings)), (1, vec!["1 geometry self_intersecting".to_owned()]));
}

#[test]
fn suspicions_are_warnings() {
    let clockwise = polygon("[[[1,10],[1,11],[2,11],[2,10],[1,10]]]");
    let over = polygon("[[[179,-17],[-179,-17],[-179,-16],[179,-16],[179,-17]]]");
    let chinese = polygon("[[[121,31],[122,31],[122,32],[121,32],[121,31]]]");
    let exchanged = polygon("[[[43,87],[44,87],[44,88],[43,88],[43,87]]]");
    let features = ["a", "b", "c", "d", "e", "f"].map(|it| format!(r#"{{"code":"{it}","name":"甲"}}"#));
    let line = r#"{"adcode":100000,"name":"","level":"nine_dash_line"}"#;
    let shapes = [&clockwise, &clockwise, &over, &chinese, &chinese, &exchanged];
    let mut features: Vec<String> = features.iter().zip(shapes).map(|(it, shape)| feature(it, shape)).collect();
    features.push(feature(line, &chinese));
    let sheet = read(&features).unwrap();
    assert_eq!(
        told(&sheet.warnings),
        [
            "3 geometry antimeridian",
            "4 datum datum_assumed",
            "6 geometry swapped",
            "7 level not_a_region",
            "1 geometry wrong_winding"
        ]
    );
    let message = &sheet.warnings[4].message;
    assert!(message.ends_with("and is read the other way; so it is in 1 more features"), "{message}");
    assert_eq!((sheet.features, sheet.regions.len()), (7, 6));
}

#[test]
fn what_is_no_collection_is_refused_whole() {
    for (text, code) in [
        ("", "empty"),
        ("{", "geojson_unreadable"),
        (r#"{"type":"FeatureCollection"}"#, "geojson_unreadable"),
        (r#"{"type":"Feature","features":[]}"#, "geojson_unreadable"),
        (r#"{"type":"FeatureCollection","features":[]}"#, "no_rows"),
        ("\u{1f}\u{8b}\u{8}", "archive"),
        ("<kml></kml>", "markup"),
    ] {
        let bytes: Vec<u8> = text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
        let problems = read_regions(&bytes, "map.geojson", RegionRules::default()).unwrap_err();
        assert_eq!(problems[0].code, code, "{text}");
    }
}

#[test]
fn another_coordinate_system_is_refused() {
    let file = |name: &str| {
        let feature = feature(r#"{"code":"a","name":"甲"}"#, &polygon(SQUARE));
        let crs = format!(r#"{{"type":"name","properties":{{"name":"{name}"}}}}"#);
        let text = format!(r#"{{"crs":{crs},"type":"FeatureCollection","features":[{feature}]}}"#);
        read_regions(text.as_bytes(), "map.geojson", RegionRules::default()).map_err(|it| told(&it))
    };
    assert!(file("urn:ogc:def:crs:OGC:1.3:CRS84").is_ok());
    assert!(file("EPSG:4490").is_ok());
    let refused = file("urn:ogc:def:crs:EPSG::3857").unwrap_err();
    assert!(refused[0].starts_with("crs datum_unknown {"), "{refused:?}");
}

#[test]
fn every_word_for_a_flaw_is_a_code_of_reports() {
    let bow = polygon("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]");
    let problems = read(&[feature(r#"{"code":"a","name":"甲"}"#, &bow)]).unwrap_err();
    assert!(problems.iter().all(|it| code::ALL.contains(&it.code)));
    for word in ["empty_area", "out_of_range", "too_few_positions", "open_ring", "too_many_vertices", "around_pole"] {
        assert!(code::ALL.contains(&word), "{word}");
    }
    for word in ["hole_outside", "too_tangled", "self_intersecting", "wrong_winding", "antimeridian", "swapped"] {
        assert!(code::ALL.contains(&word), "{word}");
    }
}

#[test]
fn a_feature_that_names_a_store_is_the_area_it_serves() {
    let area = feature(r#"{"store":" SH-1 "}"#, &polygon(SQUARE));
    let sheet = read(&[area.clone(), feature(r#"{"code":"a","name":"甲"}"#, &polygon(SQUARE))]).unwrap();
    assert_eq!((sheet.regions.len(), sheet.service_areas.len()), (1, 1));
    assert_eq!(sheet.service_areas[0].store.as_str(), "SH-1");
    assert_eq!((sheet.row_of("SH-1"), sheet.row_of("a"), sheet.row_of("b")), (Some(1), Some(2), None));
    let odd = feature(r#"{"store":"a/b","datum":"utm"}"#, &polygon("[[[1,10],[2,10],[1,10],[1,10]]]"));
    let found = refused(&[area.clone(), odd, area]);
    assert_eq!(
        found,
        [
            "2 store bad_character a/b",
            "2 datum datum_unknown utm",
            "2 geometry empty_area",
            "3 store duplicate_id SH-1"
        ]
    );
}
