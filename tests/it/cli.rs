//! The commands of the real program: what they print where, what they change, how they end.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::STORES;
use crate::pictures::{decode_png, decode_svg};
use crate::process::{Service, jinqun, run, run_well};

const DEMO_STORES: &str = include_str!("../../fixtures/demo/stores.csv");

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A folder with [`STORES`] published.
fn filled() -> TempDir {
    let folder = folder_with(&[("stores.csv", STORES)]);
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    folder
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs to an end with this code, with nothing on standard output, and returns what stands on standard error.
#[track_caller]
fn fails(folder: &Path, code: i32, args: &[&str]) -> String {
    let output = run(folder, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
    assert_eq!(out(&output), "", "{args:?}");
    err(&output)
}

/// The names in the list of commands of a help text.
fn commands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    let lines = list.lines().take_while(|it| it.starts_with("  "));
    let names = lines.filter(|it| !it.starts_with("   ")).filter_map(|it| it.split_whitespace().next());
    names.filter(|it| *it != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let (mut seen, mut without) = (Vec::new(), Vec::new());
    while let Some(path) = waiting.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run_well(folder.path(), &args);
        if !path.is_empty() {
            seen.push(path.join(" "));
            if !(help.contains("Example") && help.contains(&format!("  jinqun {}", path.join(" ")))) {
                without.push(path.join(" "));
            }
        }
        waiting.extend(commands(&help).into_iter().map(|it| [path.clone(), vec![it]].concat()));
    }
    for name in [
        "demo",
        "serve",
        "check",
        "import stores",
        "import regions",
        "export stores",
        "export tags",
        "explain",
        "qr",
        "config",
    ] {
        assert!(seen.iter().any(|it| it == name), "{name} is one of {seen:?}");
    }
    assert!(without.is_empty(), "no example: {without:?}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "help writes nothing");
}

#[test]
fn a_command_that_is_none_is_a_problem_of_the_input() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["fly"][..], &["serve", "--fly"], &["import", "stores"], &[]] {
        let said = fails(folder.path(), 2, args);
        assert!(said.contains("Usage"), "{said}");
    }
    assert!(run_well(folder.path(), &["--version"]).starts_with("jinqun "));
}

#[test]
fn a_port_in_use_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let said = fails(folder.path(), 1, &[command, "--listen", &address]);
        assert!(said.contains(&address), "{said}");
        assert!(said.contains("because:") && said.to_lowercase().contains("in use"), "{said}");
    }
}

#[test]
fn check_lists_findings_and_what_to_do() {
    let folder = folder_with(&[("stores.csv", STORES)]);
    let output = run(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).contains("no catalog has been published"), "{}", out(&output));
    assert!(out(&output).contains("what to do: jinqun import stores FILE"));
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let said = run_well(folder.path(), &["check"]);
    assert!(said.contains("catalog version 1: 12 stores") && said.contains("all is well"), "{said}");
    let broken = folder_with(&[
        ("stores.csv", "id,name,lat,lng,datum\nA,店,31,121,wgs84\n"),
        ("a.mmdb", "no database"),
        ("settings.toml", "ip_databases = [\"a.mmdb\", \"b.xdb\"]\ntls_cert = \"c.pem\"\ntls_key = \"k.pem\"\n"),
    ]);
    run_well(broken.path(), &["import", "stores", "stores.csv"]);
    let output = run(broken.path(), &["check", "--config", "settings.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    let said = out(&output);
    for finding in ["a.mmdb", "b.xdb", "c.pem", "1 of 1 active stores have no usable join code"] {
        assert!(said.contains(finding), "{finding}: {said}");
    }
    assert_eq!(said.matches("what to do").count(), 4, "{said}");
}

#[test]
fn settings_are_shown_with_their_origins_and_without_secrets() {
    let folder = folder_with(&[
        ("settings.toml", "listen = \"127.0.0.1:9\"\nworkers = 3\n[routing]\nreach_m = 1234.5\n"),
        ("secret", "another-secret-of-23-bytes\n"),
    ]);
    let output = jinqun(folder.path())
        .args(["config", "--config", "settings.toml", "--data-dir", "elsewhere"])
        .env("JINQUN_SECRET", "a-secret-of-24-characters")
        .env("JINQUN_ADMIN_TOKEN_FILE", "secret")
        .env("JINQUN_WORKERS", "5")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    let line = |name: &str| {
        let mut found = said.lines().filter(|it| it.split_whitespace().next() == Some(name));
        found.next().unwrap_or_else(|| panic!("{name}: {said}")).to_owned()
    };
    assert!(!said.contains("secret-of") && !said.contains('\u{1b}'), "{said}");
    assert!(line("secret").contains("***") && line("secret").contains("JINQUN_SECRET"));
    assert!(line("admin_token").contains("***") && line("admin_token").contains("contents of secret"));
    assert!(line("listen").contains("127.0.0.1:9") && line("listen").contains("file settings.toml"));
    assert!(line("workers").contains('5') && line("workers").contains("environment JINQUN_WORKERS"));
    assert!(line("routing.reach_m").contains("1234.5"));
    assert!(line("data_dir").contains("elsewhere") && line("data_dir").contains("flag"));
    assert!(line("shutdown_s").contains("default"));
}

#[test]
fn the_example_file_can_be_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let example = run_well(folder.path(), &["config", "--example"]);
    let all: String = example
        .lines()
        .filter_map(|it| it.strip_prefix("# "))
        .filter(|it| it.starts_with("listen =") || it.starts_with("shutdown_s =") || it.starts_with("log ="))
        .flat_map(|it| [it, "\n"])
        .collect();
    assert_eq!(all.lines().count(), 3, "{example}");
    for (name, text) in [("as-it-is.toml", &example), ("some.toml", &all)] {
        fs::write(folder.path().join(name), text).unwrap();
        run_well(folder.path(), &["config", "--config", name]);
    }
}

#[test]
fn a_wrong_setting_names_the_right_one() {
    let folder = folder_with(&[(
        "settings.toml",
        "lisen = \"127.0.0.1:0\"\nworkers = \"many\"\n[routing]\nreach = 5\n[wecom]\ncorpid = \"x\"\n",
    )]);
    for command in ["config", "serve", "export"] {
        let mut args = vec![command];
        args.extend((command == "export").then_some("stores"));
        args.extend(["--config", "settings.toml"]);
        let said = fails(folder.path(), 2, &args);
        for hint in ["did you mean listen?", "did you mean routing.reach_m?", "did you mean wecom.corp_id?"] {
            assert!(said.contains(hint), "{hint}: {said}");
        }
    }
    let said = fails(folder.path(), 2, &["config", "--config", "nowhere.toml"]);
    assert!(said.contains("nowhere.toml"), "{said}");
    for (name, value) in [("LISTEN", "here"), ("WORKERS", "0"), ("TRUSTED_PROXIES", "10.0.0.0/99"), ("SECRET", "short")]
    {
        let variable = format!("JINQUN_{name}");
        let output = jinqun(folder.path()).args(["config"]).env(&variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{variable}");
        assert!(err(&output).contains(&variable), "{}", err(&output));
        assert!(name != "SECRET" || !err(&output).contains(value), "a secret is not repeated");
    }
}

#[test]
fn tags_leave_as_csv_json_lines_and_workbook() {
    let folder = filled();
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    service.client.scan(&json!({"position": {"lat": 31.2304, "lng": 121.4737, "accuracy_m": 35}})).expect(201);
    service.client.scan(&json!({"store": "GZ-0001"})).expect(201);
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
    let sheet = run_well(folder.path(), &["export", "tags"]);
    let header = "scan,visitor,at,campaign,outcome,store,province,city,district";
    assert!(sheet.trim_start_matches('\u{feff}').starts_with(header), "{sheet}");
    assert_eq!(sheet.lines().count(), 3);
    let lines = run_well(folder.path(), &["export", "tags", "--format", "jsonl"]);
    let records: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["store"], &records[0]["source"]), (&json!("SH-0001"), &json!("gps")));
    assert_eq!((&records[1]["city"], &records[1]["source"]), (&json!("广州市"), &json!("chosen")));
    run_well(folder.path(), &["export", "tags", "--out", "tags.xlsx"]);
    assert!(fs::read(folder.path().join("tags.xlsx")).unwrap().starts_with(b"PK\x03\x04"));
    let said = fails(folder.path(), 2, &["export", "tags", "--format", "doc"]);
    assert!(said.contains("csv, jsonl, xlsx"), "{said}");
    let said = fails(folder.path(), 1, &["export", "tags", "--out", "no/such/folder.csv"]);
    assert!(said.contains("because:"), "{said}");
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    let folder = folder_with(&[("stores.csv", DEMO_STORES)]);
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    for args in [&["export", "stores"][..], &["config"], &["explain", "--lat", "31.2", "--lng", "121.4"]] {
        let mut child = jinqun(folder.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(!err(&output).contains("panicked"), "{}", err(&output));
        assert!(output.status.code().is_some());
    }
}

#[test]
fn a_decision_is_explained() {
    let folder = filled();
    let table = run_well(folder.path(), &["explain", "--lat", "31.2304", "--lng", "121.4737"]);
    for words in ["routed", "SH-0001", "451.0 m", "chosen", "SH-0004", "paused", "farther"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let args = ["explain", "--lat", "31.2304", "--lng", "121.4737", "--accuracy", "3000", "--json"];
    let json: Value = serde_json::from_str(&run_well(folder.path(), &args)).unwrap();
    assert_eq!(json["outcome"], "choose");
    assert_eq!(
        json["considered"][0],
        json!({"id": "SH-0004", "name": "广场店", "distance_m": 36.2, "open": null, "verdict": "paused", "lat": 31.2302, "lng": 121.474})
    );
    let ip = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ip/demo.mmdb");
    let output = jinqun(folder.path())
        .args(["explain", "--ip", "203.0.113.33", "--json"])
        .env("JINQUN_IP_DATABASES", ip)
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["source"], &json["store"]), (&json!("ip"), &json!("GZ-0001")));
    for args in [&["--lat", "91", "--lng", "0"][..], &["--lat", "1", "--lng", "1", "--datum", "x"], &[]] {
        fails(folder.path(), 2, &[&["explain"], args].concat());
    }
    let empty = tempfile::tempdir().unwrap();
    let said = fails(empty.path(), 1, &["explain", "--lat", "1", "--lng", "1"]);
    assert!(said.contains("import stores"), "{said}");
}

#[test]
fn a_landing_code_is_ready_to_print() {
    let folder = filled();
    fs::write(folder.path().join("c.toml"), "[[campaign]]\nslug = \"summer-1\"\nname = \"夏日杯\"\n").unwrap();
    run_well(folder.path(), &["import", "campaigns", "c.toml"]);
    let print = |args: &[&str]| {
        let output = jinqun(folder.path())
            .args([&["qr"], args].concat())
            .env("JINQUN_PUBLIC_URL", "https://join.example.com/")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    };
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    for (slug, link) in [("default", "https://join.example.com/"), ("summer-1", "https://join.example.com/s/summer-1")]
    {
        print(&[slug, "--out", "a.png"]);
        assert_eq!(decode_png(&read("a.png")).2, link);
        print(&[slug, "--out", "b.PNG", "--caption", "扫码加入门店群 Scan me"]);
        assert_eq!(decode_png(&read("b.PNG")).2, link);
        print(&[slug, "--out", "c.svg", "--caption", "<&>"]);
        let svg = String::from_utf8(read("c.svg")).unwrap();
        assert_eq!(decode_svg(&svg), link);
        assert!(!svg.contains("<&>"));
        print(&[slug, "--out", "d.pdf"]);
        assert!(read("d.pdf").starts_with(b"%PDF-"));
    }
    let said = fails(folder.path(), 2, &["qr", "nobody", "--out", "x.png"]);
    assert!(said.contains("default, summer-1"), "{said}");
    let said = fails(folder.path(), 2, &["qr", "default", "--out", "x.gif"]);
    assert!(said.contains(".svg, .png or .pdf"), "{said}");
    assert!(!folder.path().join("x.gif").exists());
}
