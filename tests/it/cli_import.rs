//! `jinqun import` and `jinqun demo` with the real program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::client::Client;
use crate::process::{Service, run, run_well};

const SHEET: &str = "id,name,lat,lng,datum\nA,甲店,31.1,121.1,wgs84\nB,乙店,31.2,121.2,wgs84\n";
/// Row 3 has two faults, row 5 one; rows 2 and 4 are sound.
const FAULTY: &str = "id,name,lat,lng,datum\nA,甲店,31.1,121.1,wgs84\nB,,311.2,121.2,wgs84\nC,丙店,31.3,121.3,gcj02\nD,丁店,31.4,121.4,\n";

fn import(folder: &Path, sheet: impl AsRef<[u8]>, args: &[&str]) -> Output {
    fs::write(folder.join("stores.csv"), sheet).unwrap();
    run(folder, &[&["import", "stores", "stores.csv"], args].concat())
}

#[track_caller]
fn ends(output: &Output, code: i32, said: &[&str]) {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let both = String::from_utf8(both).unwrap();
    assert_eq!(output.status.code(), Some(code), "{both}");
    assert!(!both.contains('\u{1b}'), "no colours where no terminal is");
    for words in said {
        assert!(both.contains(words), "{words}: {both}");
    }
}

/// The ids that are published.
fn ids(folder: &Path) -> String {
    let sheet = run_well(folder, &["export", "stores"]);
    let rows = sheet.lines().skip(1);
    let ids: Vec<_> = rows.filter_map(|it| it.split(',').next()).collect();
    ids.join(" ")
}

#[test]
fn a_dry_run_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = import(folder.path(), SHEET, &["--dry-run"]);
    ends(&output, 0, &["2 created", "dry run"]);
    assert_eq!(ids(folder.path()), "");
    ends(&import(folder.path(), SHEET, &[]), 0, &["2 created", "version 1 is live"]);
    assert_eq!(ids(folder.path()), "A B");
}

#[test]
fn one_bad_row_stops_the_import_unless_it_is_told_to_skip() {
    let folder = tempfile::tempdir().unwrap();
    let found = ["row 3 name", "row 3 lat", "(311.2)", "row 5", "datum", "2 rejected"];
    let output = import(folder.path(), FAULTY, &[]);
    ends(&output, 2, &[&found[..], &["nothing was published"]].concat());
    assert_eq!(ids(folder.path()), "");
    let output = import(folder.path(), FAULTY, &["--skip-bad-rows", "--report", "report.json"]);
    ends(&output, 2, &[&found[..], &["version 1 is live"]].concat());
    assert_eq!(ids(folder.path()), "A C");
    let report: Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    for (member, count) in
        [("rows", 4), ("created", 2), ("updated", 0), ("unchanged", 0), ("removed", 0), ("rejected", 2), ("version", 1)]
    {
        assert_eq!(report[member], count, "{member}");
    }
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 3);
    let latitude = problems.iter().find(|it| it["column"] == "lat").unwrap();
    assert_eq!(latitude["row"], 3);
    assert_eq!(latitude["code"], "out_of_range");
    assert_eq!(latitude["value"], "311.2");
    assert!(latitude["message"].is_string() && report["warnings"].is_array());
}

#[test]
fn merging_keeps_and_replacing_removes() {
    let folder = tempfile::tempdir().unwrap();
    import(folder.path(), SHEET, &[]);
    let other = "id,name,lat,lng,datum\nB,乙店新址,31.25,121.2,wgs84\nC,丙店,31.3,121.3,wgs84\n";
    let said = ["1 created, 1 updated, 0 unchanged, 0 removed"];
    ends(&import(folder.path(), other, &["--mode", "merge"]), 0, &said);
    assert_eq!(ids(folder.path()), "A B C");
    let said = ["0 created, 0 updated, 2 unchanged, 1 removed"];
    ends(&import(folder.path(), other, &["--mode", "replace"]), 0, &said);
    assert_eq!(ids(folder.path()), "B C");
    let said = ["0 created, 0 updated, 2 unchanged, 0 removed", "version 3 is live"];
    ends(&import(folder.path(), other, &[]), 0, &said);
}

#[test]
fn what_is_exported_comes_back_unchanged() {
    let demo = include_str!("../../fixtures/demo/stores.csv");
    let rows = demo.lines().count() - 1;
    for sheet in [crate::harness::STORES, demo] {
        let folder = tempfile::tempdir().unwrap();
        ends(&import(folder.path(), sheet, &[]), 0, &["version 1 is live"]);
        let exported = run_well(folder.path(), &["export", "stores", "--out", "again.csv"]);
        assert_eq!(exported, "");
        for mode in ["merge", "replace"] {
            let output = run(folder.path(), &["import", "stores", "again.csv", "--mode", mode]);
            ends(&output, 0, &["0 created, 0 updated", "0 removed, 0 rejected", "version 1 is live"]);
        }
        let elsewhere = tempfile::tempdir().unwrap();
        fs::copy(folder.path().join("again.csv"), elsewhere.path().join("stores.csv")).unwrap();
        run_well(elsewhere.path(), &["import", "stores", "stores.csv"]);
        let both = [folder.path(), elsewhere.path()].map(|it| run_well(it, &["export", "stores"]));
        assert_eq!(both[0], both[1]);
    }
    assert!(rows >= 60, "the demo has {rows} stores");
}

#[test]
fn what_is_no_sheet_is_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, words) in [
        (&b"\x89PNG\r\n\x1a\n0000"[..], "[picture]"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "[picture]"),
        (b"%PDF-1.7 ...", "[pdf]"),
        (b"", "[empty]"),
        (b"id,name,lat,lng,datum\n", "[no_rows]"),
        (b"<!doctype html><html></html>", "[markup]"),
        (b"{\"type\": \"FeatureColl", "[geojson_unreadable]"),
        (b"name,lat,lng\nx,1,1\n", "[column_missing]"),
    ] {
        ends(&import(folder.path(), bytes, &[]), 2, &[words, "nothing was published"]);
    }
    assert_eq!(ids(folder.path()), "");
    let output = run(folder.path(), &["import", "stores", "nowhere.csv"]);
    ends(&output, 1, &["error: nowhere.csv cannot be read", "because:"]);
    for args in [["--datum", "nad27"], ["--mode", "add"], ["--map", "nonsense"]] {
        ends(&import(folder.path(), SHEET, &args), 2, &[args[1]]);
    }
    // Nothing of a sheet without one good row is live, whatever was live before.
    ends(&import(folder.path(), "id,name,lat,lng,datum\nA,店,1,1,wgs84\n", &[]), 0, &["version 1 is live"]);
    let bad = "id,name,lat,lng,datum\nA,店,311.2,1,\n";
    let output = import(folder.path(), bad, &["--skip-bad-rows"]);
    ends(&output, 2, &["0 unchanged", "1 rejected", "nothing was published", "row 2 datum", "row 2 lat"]);
}

/// The words of a command line; single quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// What a printed line of `curl` gets: by a shell, or where there is no curl by our own client.
fn as_printed(line: &str) -> Value {
    let ran = Command::new("sh").args(["-c", line]).output().unwrap();
    if ran.status.code() != Some(127) {
        return serde_json::from_slice(&ran.stdout).unwrap();
    }
    let words = words(line);
    let after = |flag: &str| words.iter().position(|it| it == flag).map(|at| &*words[at + 1]);
    let url = words.iter().find(|it| it.starts_with("http://")).unwrap();
    let headers: Vec<_> = after("-H").and_then(|it| it.split_once(": ")).into_iter().collect();
    let body = after("-d").map(str::as_bytes);
    let method = if body.is_some() { "POST" } else { "GET" };
    Client::new(url.as_str()).call(method, "", &headers, body).json()
}

#[test]
fn the_demo_works_as_printed_and_keeps_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    // The shell of somebody who runs a service too: none of this may meet the published password or the sample stores.
    let of_a_service = [
        ("JINQUN_STORAGE", "sqlite:service.sqlite"),
        ("JINQUN_SECRET_FILE", "secret-of-the-service"),
        ("JINQUN_WECOM_SECRET", "secret-of-the-app"),
        ("JINQUN_CRM_WEBHOOKS", "https://crm.example.com/hook"),
    ];
    let mut demo = Service::start(folder.path(), &["demo"], &of_a_service);
    let mut printed = Vec::new();
    while printed.last().is_none_or(|it: &String| !it.contains("a demo leaves out")) {
        printed.push(demo.line());
    }
    for (name, value) in of_a_service {
        assert!(printed.last().unwrap().contains(name), "{name}: {printed:#?}");
        assert!(!printed.iter().any(|it| it.contains(value)), "{printed:#?}");
    }
    assert!(!folder.path().join("service.sqlite").exists());
    let url = demo.client.url.clone();
    let addresses: Vec<&str> = printed
        .iter()
        .filter_map(|it| it.trim().strip_prefix(&*url))
        .filter_map(|it| it.split_whitespace().next())
        .collect();
    assert!(addresses.len() >= 3, "{printed:#?}");
    for path in addresses {
        if path == "/admin" {
            assert_eq!(demo.client.get(path).expect(303).header("location"), Some("/admin/sign-in?next=%2Fadmin"));
            continue;
        }
        let page = demo.client.get(path).expect(200);
        assert!(page.text().contains("青禾"), "{path}");
    }
    let lines: Vec<_> = printed.iter().filter(|it| it.trim().starts_with("curl ")).collect();
    assert_eq!(lines.len(), 3, "{printed:#?}");
    let [nearest, by_position, by_address] = [0, 1, 2].map(|it| as_printed(lines[it]));
    assert_eq!(nearest["stores"].as_array().unwrap().len(), 3);
    assert_eq!(nearest["stores"][0]["id"], "SH-0001");
    assert_eq!(by_position["outcome"], "routed");
    assert_eq!(by_position["store"]["id"], "SH-0001");
    assert_eq!(by_address["fix"]["source"], "ip");
    assert_eq!(by_address["region"]["city"], "上海市");
    let sign_in = printed.iter().find(|it| it.contains("name demo, password jinqun-demo"));
    assert!(sign_in.is_some_and(|it| it.contains("/admin ")), "{printed:#?}");
    demo.client.post("/api/v1/admin/session", r#"{"name": "demo", "password": "jinqun-demo"}"#).expect(201);
    demo.signal("INT");
    assert_eq!(demo.wait().code(), Some(0));
    // What was changed in the demo stays at the next start.
    let text = "id,name,lat,lng,datum\nSH-0001,改名店,31.2319,121.4693,wgs84\n";
    fs::write(folder.path().join("stores.csv"), text).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv", "--data-dir", "data/demo"]);
    let demo = Service::start(folder.path(), &["demo"], &[]);
    let found = demo.client.get("/api/v1/nearest?lat=31.2319&lng=121.4693").json();
    assert_eq!(found["stores"][0]["name"], "改名店");
}

#[test]
fn a_demo_stays_out_of_the_data_of_a_service() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id,name,lat,lng,datum\nA,店,31.2319,121.4693,wgs84\n";
    fs::write(folder.path().join("stores.csv"), text).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv", "--data-dir", "service"]);
    let said = run(folder.path(), &["demo", "--data-dir", "service"]);
    let error = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{error}");
    assert!(error.contains("service holds the data of a service") && error.contains("--data-dir"), "{error}");
    // The folder that the environment names gets a folder for the demo inside.
    let demo = Service::start(folder.path(), &["demo"], &[("JINQUN_DATA_DIR", "service")]);
    let found = demo.client.get("/api/v1/nearest?lat=31.2319&lng=121.4693").json();
    assert_eq!(found["stores"][0]["id"], "SH-0001");
    assert!(folder.path().join("service/demo/jinqun.sqlite").exists());
    // The name is free: nobody with it can sign in to the service.
    fs::write(folder.path().join("password"), "correct horse battery").unwrap();
    let add = ["user", "add", "demo", "--role", "viewer", "--password-file", "password", "--data-dir", "service"];
    run_well(folder.path(), &add);
}

#[test]
fn the_chain_of_the_demo_goes_out_in_every_form_and_comes_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    let path = |name: &str| demo.join(name).display().to_string();
    run_well(folder, &["import", "regions", &path("regions.geojson")]);
    run_well(folder, &["import", "stores", &path("stores.csv")]);
    for (of, file) in [
        ("stores", "out.csv"),
        ("stores", "out.xlsx"),
        ("stores", "out.geojson"),
        ("stores", "out.jsonl"),
        ("groups", "groups.csv"),
        ("groups", "groups.xlsx"),
        ("groups", "groups.jsonl"),
        ("contacts", "contacts.csv"),
        ("contacts", "contacts.xlsx"),
    ] {
        run_well(folder, &["export", of, "--out", file]);
        for mode in ["merge", "replace"] {
            let said = run_well(folder, &["import", of, file, "--mode", mode]);
            assert!(
                said.contains(" 0 created, 0 updated, ") && said.contains(" 0 removed, 0 rejected"),
                "{file}: {said}"
            );
            assert!(said.contains("version 2 is live"), "{file}: {said}");
        }
    }
}
