//! Maps that nobody on the team drew. They must not be published, so they are read from the folder that `JINQUN_REAL_DATA` names,
//! and without it these tests pass without a look.
//!
//! The numbers of features and vertices were counted with Python's json module or stand in the notes that came with the files.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use jinqun::catalog::Problem;
use jinqun::exchange::{Crossings, RegionRules, RegionSheet, read_regions};
use jinqun::geo::{Datum, Position};
use jinqun::region::{Level, RegionMap};

use crate::process::{run, run_well};

#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the folder is an argument of this test, and skipping must be seen"
)]
fn real(path: &str) -> Option<Vec<u8>> {
    let Ok(folder) = std::env::var("JINQUN_REAL_DATA") else {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
        return None;
    };
    let bytes = std::fs::read(PathBuf::from(folder).join(path)).expect("the folder holds the file");
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).expect("the file is gzip");
    Some(unpacked)
}

fn read(bytes: &[u8]) -> RegionSheet {
    let rules = RegionRules { datum: Some(Datum::Gcj02), crossings: Crossings::Warn, ..RegionRules::default() };
    read_regions(bytes, "map.geojson", rules).expect("the maps that were drawn for China can be read")
}

fn vertices(sheet: &RegionSheet) -> usize {
    sheet.regions.iter().map(|it| it.shape.vertices()).sum()
}

fn counts(problems: &[Problem]) -> BTreeMap<&str, usize> {
    let mut rows: Vec<(&str, Option<u64>)> = problems.iter().map(|it| (it.code, it.row)).collect();
    rows.dedup();
    rows.iter().fold(BTreeMap::new(), |mut counts, it| {
        *counts.entry(it.0).or_default() += 1;
        counts
    })
}

#[test]
fn the_provinces_cities_and_districts_of_china_make_a_map() {
    // File, features, regions, vertices (the repeated ones left out), and regions that touch or cross themselves.
    let files = [
        ("geo/cn_provinces_gcj02.geojson", 35, 34, 24_226, 21),
        ("geo/cn_cities_gcj02.geojson", 363, 363, 139_502, 73),
        ("geo/cn_districts_gcj02.geojson.gz", 2_843, 2_843, 979_749, 183),
    ];
    let mut regions = Vec::new();
    for (file, features, count, corners, crossing) in files {
        let Some(bytes) = real(file) else { return };
        let sheet = read(&bytes);
        assert_eq!((sheet.features, sheet.regions.len(), vertices(&sheet)), (features, count, corners), "{file}");
        let counts = counts(&sheet.warnings);
        assert_eq!(counts.get("self_intersecting"), Some(&crossing), "{file}: {counts:?}");
        assert_eq!(counts.get("wrong_winding"), Some(&1), "DataV winds outer rings clockwise: {counts:?}");
        regions.extend(sheet.regions);
    }
    let map = RegionMap::build(regions).unwrap();
    let Some(answers) = real("geo/amap_reverse_geocode_gcj02.csv") else { return };
    let mut rows = csv::Reader::from_reader(answers.as_slice());
    let (mut asked, mut district, mut finest, mut city, mut province) = (0, 0, 0, 0, 0);
    for row in rows.records().map(Result::unwrap).filter(|row| !row[5].is_empty()) {
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let position = Position::from_datum(number(1), number(0), Datum::Gcj02).unwrap();
        let place = map.place(position);
        let code = |key: Option<u32>| key.map_or("", |it| map.region(it).unwrap().code.as_str());
        assert!(map.covering(Level::District, position).len() <= 1);
        asked += 1;
        district += usize::from(code(place.district) == &row[5]);
        finest += usize::from(code(place.district.or(place.city).or(place.province)) == &row[5]);
        let names = map.names(&place);
        city += usize::from(*names.city == row[3]);
        province += usize::from(*names.province == row[2]);
    }
    // The rest is redistricting after the map was drawn; where a city has no districts, its own code is the answer.
    assert_eq!(asked, 10_736);
    assert!(district * 1_000 >= asked * 942 && finest * 1_000 >= asked * 976, "{district} and {finest}");
    assert!(city * 1_000 >= asked * 993 && province * 10_000 >= asked * 9_997, "{city} and {province}");
}

#[test]
fn a_map_read_in_the_wrong_datum_agrees_less() {
    let (Some(bytes), Some(answers)) =
        (real("geo/cn_cities_gcj02.geojson"), real("geo/amap_reverse_geocode_gcj02.csv"))
    else {
        return;
    };
    let agree = |datum: Option<Datum>| {
        let rules = RegionRules { datum, crossings: Crossings::Warn, ..RegionRules::default() };
        let sheet = read_regions(&bytes, "map.geojson", rules).unwrap();
        assert_eq!(counts(&sheet.warnings).contains_key("datum_assumed"), datum.is_none());
        let map = RegionMap::build(sheet.regions).unwrap();
        let mut rows = csv::Reader::from_reader(answers.as_slice());
        let agrees = |row: &csv::StringRecord| {
            let number = |at: usize| row[at].parse::<f64>().unwrap();
            let position = Position::from_datum(number(1), number(0), Datum::Gcj02).unwrap();
            map.place(position).city.is_some_and(|it| *map.region(it).unwrap().name == row[3])
        };
        rows.records().map(Result::unwrap).filter(agrees).count()
    };
    let (right, assumed, wrong) = (agree(Some(Datum::Gcj02)), agree(None), agree(Some(Datum::Bd09)));
    assert!(right > assumed && assumed > wrong, "{right}, {assumed}, {wrong}");
}

/// The countries of Natural Earth, whose properties are called otherwise.
fn countries(file: &str) -> Option<Result<RegionSheet, Vec<Problem>>> {
    let bytes = real(file)?;
    let text = String::from_utf8(bytes).expect("JSON is UTF-8");
    let text = text.replace("\"NAME\":", "\"name\":").replace("\"ADM0_A3\":", "\"code\":");
    let rules = RegionRules { crossings: Crossings::Warn, level: Some(Level::Province), ..RegionRules::default() };
    Some(read_regions(text.as_bytes(), file, rules))
}

#[test]
fn countries_on_both_sides_of_the_antimeridian_hold_their_airports() {
    let (Some(sheet), Some(airports)) =
        (countries("geo/world_countries_50m_wgs84.geojson"), real("stores/airports_extreme.csv"))
    else {
        return;
    };
    let map = RegionMap::build(sheet.unwrap().regions).unwrap();
    assert_eq!(map.regions().len(), 241);
    let mut rows = csv::Reader::from_reader(airports.as_slice());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    // Labasa, Provideniya, Anadyr.
    for icao in ["NFNL", "UHMD", "UHMA"] {
        let row = rows.iter().find(|it| &it[5] == icao).unwrap();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let place = map.place(Position::from_datum(number(6), number(7), Datum::Wgs84).unwrap());
        assert_eq!(*map.names(&place).province, row[3], "{icao}");
    }
}

#[test]
fn an_empty_polygon_in_a_real_map_is_found() {
    let Some(sheet) = countries("geo/world_countries_110m_wgs84.geojson") else { return };
    // North Korea has a second polygon one metre long and of no width.
    let problems: Vec<String> =
        sheet.unwrap_err().iter().map(|it| format!("{:?} {} {}", it.row, it.code, it.message)).collect();
    assert_eq!(problems, ["Some(130) empty_area polygon 2, ring 1: the ring encloses nothing"]);
}

#[test]
fn the_real_maps_and_a_real_chain_make_one_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let mut versions = 0;
    for (name, count) in [("provinces", 34), ("cities", 363), ("districts", 2_843)] {
        let packed = if name == "districts" { ".gz" } else { "" };
        let Some(bytes) = real(&format!("geo/cn_{name}_gcj02.geojson{packed}")) else { return };
        let file = format!("{name}.geojson");
        std::fs::write(folder.path().join(&file), bytes).unwrap();
        let said = run_well(folder.path(), &["import", "regions", &file, "--datum", "gcj02", "--accept-crossings"]);
        versions += 1;
        assert!(said.contains(&format!("{count} created")), "{said}");
        assert!(said.contains(&format!("version {versions} is live")), "{said}");
    }
    let Some(bytes) = real("stores/huawei_cn_2020.csv") else { return };
    std::fs::write(folder.path().join("stores.csv"), bytes).unwrap();
    let args = [
        &["import", "stores", "stores.csv", "--datum", "wgs84", "--skip-bad-rows", "--report", "report.json"][..],
        &["--map", "city=city_name", "--map", "district=county_name"],
    ]
    .concat();
    // Duplicate ids and hours that nobody can read.
    assert_eq!(run(folder.path(), &args).status.code(), Some(2));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let outside = report["warnings"].as_array().unwrap().iter().filter(|it| it["code"] == "outside_region").count();
    // The notes that came with the files place 8,962 of 9,320 in their district; most others bear names that the map does not have.
    assert!((100..=200).contains(&outside), "{outside}");
    let size = std::fs::metadata(folder.path().join("data/jinqun.sqlite")).unwrap().len();
    assert!(size < 40_000_000, "the maps are stored once: {size}");

    let checked = run(folder.path(), &["check"]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(
        checked.contains("regions: 34 provinces, 363 cities, 2843 districts, 0 areas; 0 service areas"),
        "{checked}"
    );
    let explained = run_well(folder.path(), &["explain", "--lat", "31.2304", "--lng", "121.4737", "--json"]);
    let explained: serde_json::Value = serde_json::from_str(&explained).unwrap();
    let expected = serde_json::json!({"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": [],
        "codes": ["310101", "310000"], "from": "polygon"});
    assert_eq!(explained["region"], expected);
}
