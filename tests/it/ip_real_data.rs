//! IP databases of other makers: MaxMind's test and malformed files, and files made by ip2region's own maker.
//!
//! The files are not part of the repository; without `JINQUN_REAL_DATA` these tests pass without looking at anything.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jinqun::ipdb::{Database, Ip2regionFields, IpPlace};
use serde_json::Value;

fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("JINQUN_REAL_DATA").map(|it| PathBuf::from(it).join("ip"));
    if folder.is_none() {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
    }
    folder
}

fn open(path: &Path) -> Database {
    Database::open(path, &Ip2regionFields::Auto).unwrap()
}

/// Country, province and city, with `0` for unknown as ip2region writes it.
fn names(place: Option<&IpPlace>) -> [String; 3] {
    let own = |name: Option<&str>| name.unwrap_or("0").to_owned();
    let name = |pick: fn(&IpPlace) -> &Option<Box<str>>| own(place.and_then(|it| pick(it).as_deref()));
    [name(|it| &it.country), name(|it| &it.province), name(|it| &it.city)]
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// A few hundred addresses over both spaces, many of them in the networks of MaxMind's test files.
fn addresses() -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for high in 0..=255_u8 {
        addresses.push(IpAddr::from([high, 1, 1, 1]));
        addresses.push(IpAddr::from([1, 1, 1, high]));
        addresses.push(IpAddr::from([u16::from(high) << 8, 0, 0, 0, 0, 0, 0, 1]));
        addresses.push(IpAddr::from([0, 0, 0, 0, 0, 0, 0x0101, u16::from(high)]));
    }
    for text in ["81.2.69.142", "89.160.20.112", "2.125.160.216", "2001:218::", "2a02:cf40::", "::", "::1:ffff:ffff"] {
        addresses.push(text.parse().unwrap());
    }
    addresses
}

#[test]
fn every_maxmind_file_opens_or_is_refused_and_look_ups_end() {
    let Some(folder) = real_data() else { return };
    let mut files = Vec::new();
    files_below(&folder.join("maxmind"), &mut files);
    files.retain(|path| path.extension().is_some_and(|it| it == "mmdb"));
    files.sort();
    assert!(files.len() > 50);
    let mut opened = Vec::new();
    for path in &files {
        if let Ok(database) = Database::open(path, &Ip2regionFields::Auto) {
            for ip in addresses() {
                let _ = database.locate(ip);
            }
            opened.push(path.file_stem().unwrap().to_str().unwrap());
        }
    }
    opened.sort_unstable();
    assert_eq!(
        opened,
        [
            "GeoIP2-City-Shield-Test",
            "GeoIP2-City-Test",
            "GeoIP2-Country-Shield-Test",
            "GeoIP2-Country-Test",
            "GeoIP2-Enterprise-Shield-Test",
            "GeoIP2-Enterprise-Test",
            "GeoIP2-Precision-Enterprise-Shield-Test",
            "GeoIP2-Precision-Enterprise-Test",
            "GeoLite2-City-Test",
            "GeoLite2-Country-Test",
        ]
    );
}

/// What the record says in Chinese, else in English.
fn expected_name(named: &Value) -> String {
    let texts = &named["names"];
    let text = texts["zh-CN"].as_str().or_else(|| texts["en"].as_str());
    text.unwrap_or("0").to_owned()
}

#[test]
fn maxmind_test_files_answer_as_their_sources_say() {
    let Some(folder) = real_data() else { return };
    for name in ["GeoIP2-City-Test", "GeoLite2-City-Test", "GeoLite2-Country-Test"] {
        let database = open(&folder.join(format!("maxmind/test-data/{name}.mmdb")));
        let source = fs::read(folder.join(format!("maxmind/source-data/{name}.json"))).unwrap();
        let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_slice(&source).unwrap();
        let rows: Vec<(IpNet, Value)> =
            rows.into_iter().flatten().map(|(network, record)| (network.parse().unwrap(), record)).collect();
        let mut compared = 0;
        for (at, (network, record)) in rows.iter().enumerate() {
            let ip = network.addr();
            // Later and narrower networks write over part of earlier ones.
            let is_covered = rows
                .iter()
                .enumerate()
                .any(|(other, (its, _))| other != at && its.contains(&ip) && its.prefix_len() >= network.prefix_len());
            if is_covered {
                continue;
            }
            let expected = [
                expected_name(&record["country"]),
                expected_name(&record["subdivisions"][0]),
                expected_name(&record["city"]),
            ];
            let place = database.locate(ip);
            assert_eq!(names(place.as_ref()), expected, "{name} {network}");
            let position = place.and_then(|it| it.position.zip(it.accuracy_m.or(Some(0.0))));
            let lat = record["location"]["latitude"].as_f64();
            assert_eq!(position.map(|(it, _)| it.lat()), lat, "{name} {network}");
            let km = record["location"]["accuracy_radius"].as_f64().or(lat.map(|_| 0.0));
            assert_eq!(position.map(|(_, m)| m / 1000.0), km, "{name} {network}");
            compared += 1;
        }
        assert!(compared > 100, "{name}: only {compared} of {}", rows.len());
    }
}

#[test]
fn a_full_country_database_passes_its_check() {
    let Some(folder) = real_data() else { return };
    let database = open(&folder.join("geolite2_country_2018.mmdb"));
    let place = database.locate("114.114.114.114".parse().unwrap());
    assert_eq!(names(place.as_ref()), ["中国", "0", "0"]);
}

#[test]
fn ip2region_ipv6_answers_as_its_source_says() {
    let Some(folder) = real_data() else { return };
    let database = open(&folder.join("ip2region_v6_small.xdb"));
    let source = fs::read_to_string(folder.join("ip2region_v6_small_source.txt")).unwrap();
    assert_eq!(source.lines().count(), 4);
    for line in source.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        for address in &fields[..2] {
            let place = database.locate(address.parse().unwrap());
            assert_eq!(names(place.as_ref()), [fields[2], fields[4], fields[5]], "{line}");
        }
    }
    for outside in ["2001:250:1ff:ffff:ffff:ffff:ffff:ffff", "2001:250:300::", "::", "2408:8100::", "1.0.1.0"] {
        assert!(database.locate(outside.parse().unwrap()).is_none(), "{outside}");
    }
}

#[test]
fn ip2region_ipv4_answers_as_the_list_it_was_made_from() {
    let Some(folder) = real_data() else { return };
    let database = open(&folder.join("ip2region_v4.xdb"));
    for (address, expected) in [
        ("0.0.0.0", ["0", "0", "0"]),
        ("1.0.0.255", ["澳大利亚", "0", "0"]),
        ("1.0.1.0", ["中国", "福建省", "福州市"]),
        ("1.0.3.255", ["中国", "福建省", "福州市"]),
        ("1.0.4.0", ["澳大利亚", "0", "0"]),
        ("1.0.15.255", ["中国", "广东省", "广州市"]),
        ("66.249.96.0", ["美国", "德克萨斯", "休斯顿"]),
        ("110.18.184.0", ["中国", "内蒙古", "通辽市"]),
        ("110.18.191.255", ["中国", "内蒙古", "通辽市"]),
        ("206.81.216.0", ["美国", "亚利桑那", "凤凰城"]),
        ("223.183.191.255", ["印度", "卡纳塔克", "0"]),
        ("255.255.255.255", ["0", "0", "0"]),
    ] {
        let place = database.locate(address.parse().unwrap());
        assert_eq!(names(place.as_ref()), expected, "{address}");
    }
}
