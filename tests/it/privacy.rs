//! No coordinate and no address of a client is kept or logged. With the real program, every byte that it writes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::STORES;
use crate::process::{Service, run_well};

/// Digits that stand in requests only: no store is there.
const SECRETS: [&str; 8] =
    ["31.230417", "121.473719", "31.2304", "121.4737", "198.51.100.7", "203.0.113.9", "2001:db8:1000::77", "3717.25"];

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

/// The number as it would stand in a database, in both orders of bytes.
fn as_bytes(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    if let Ok(number) = secret.parse::<f64>() {
        forms.push(number.to_be_bytes().to_vec());
        forms.push(number.to_le_bytes().to_vec());
    }
    if let Ok(std::net::IpAddr::V6(ip)) = secret.parse::<std::net::IpAddr>() {
        forms.push(ip.octets().to_vec());
    }
    forms
}

#[track_caller]
fn holds_no_secret(folder: &Path) -> usize {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    for path in &files {
        let bytes = fs::read(path).unwrap();
        for secret in SECRETS {
            for form in as_bytes(secret) {
                let is_there = bytes.windows(form.len()).any(|it| it == form);
                assert!(!is_there, "{} holds {secret}", path.display());
            }
        }
    }
    files.len()
}

#[test]
fn no_coordinate_and_no_address_is_kept_or_logged() {
    let folder = tempfile::tempdir().unwrap();
    let stores = folder.path().join("stores.csv");
    fs::write(&stores, STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let ip = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.mmdb");
    let settings = [
        ("JINQUN_LOG", "trace"),
        ("JINQUN_TRUSTED_PROXIES", "127.0.0.0/8"),
        ("JINQUN_IP_DATABASES", ip),
        ("JINQUN_ADMIN_TOKEN", "an admin token of some length"),
    ];
    let mut service = Service::start(folder.path(), &["serve"], &settings);
    let client = &service.client;
    let admit = ("authorization", "Bearer an admin token of some length");
    let exact = json!({"lat": 31.230_417, "lng": 121.473_719, "accuracy_m": 3717.25});
    for datum in ["wgs84", "gcj02", "bd09"] {
        let mut position = exact.clone();
        position["datum"] = datum.into();
        for ip in ["203.0.113.9", "198.51.100.7", "2001:db8:1000::77"] {
            let from = [("x-forwarded-for", ip)];
            let first = client.scan_with(&json!({}), &from).expect(201).json();
            let refined = json!({"scan": first["scan"], "visitor": first["visitor"], "position": position});
            client.scan_with(&refined, &from).expect(200);
            let path = format!("/api/v1/scans/{}/events", first["scan"].as_str().unwrap());
            client.post(&path, r#"{"event": "pressed"}"#).expect(204);
            client.get_with("/privacy?campaign=default&lat=31.230417", &from).expect(200);
            let wrong = [admit, from[0]];
            client.get_with("/api/v1/admin/funnel?by=31.230417&from=121.473719", &wrong).expect(400);
            client.get_with("/api/v1/admin/funnel?by=day,region,source", &wrong).expect(200);
            client.get_with("/?lat=31.230417&lng=121.473719", &from).expect(200);
            client.get_with("/nowhere?lat=31.230417", &from).expect(404);
            client.get_with("/api/v1/nearest?lat=31.230417&lng=121.473719", &from).expect(200);
            client.get_with("/api/v1/nearest?lat=31.230417&lng=121.473719&datum=x&k=0", &from).expect(400);
            // Broken, and with everything in it that must not be repeated.
            let broken = r#"{"position": {"lat": 31.230417, "lng": 121.473719"#;
            let answer = client.post("/api/v1/scans", broken).expect(400);
            assert!(!answer.text().contains("31.23"), "{}", answer.text());
        }
    }
    // Beside the running service, with the write-ahead logs as they are.
    holds_no_secret(&folder.path().join("data"));
    // Forgetting writes files anew, and is logged as well.
    let told = client.scan_with(&json!({"position": exact}), &[("x-forwarded-for", "198.51.100.7")]).expect(201).json();
    let body = json!({"visitor": told["visitor"]}).to_string();
    client.call("DELETE", "/api/v1/visitors/me", &[], Some(body.as_bytes())).expect(200);
    holds_no_secret(&folder.path().join("data"));
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
    let files = holds_no_secret(folder.path());
    assert!(files >= 3, "the log, the outbox and the storage");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.lines().count() > 20, "there is a log: {log}");
    let sheet = run_well(folder.path(), &["export", "tags", "--format", "jsonl"]);
    assert!(sheet.lines().count() >= 18);
    let sheet = [
        sheet,
        run_well(folder.path(), &["export", "consents", "--format", "jsonl"]),
        run_well(folder.path(), &["export", "funnel", "--by", "day,store,region,source", "--format", "json"]),
    ]
    .concat();
    for secret in SECRETS {
        assert!(!sheet.contains(secret), "the export holds {secret}");
    }
}
