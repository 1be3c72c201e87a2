//! The floors of the house: a module may use only modules on lower floors.
//!
//! The compiler does not see this rule inside one crate, so this test does.

#![expect(clippy::string_slice, reason = "it cuts where it has just found ASCII")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Floors from the ground up. Modules that share a floor do not use each other.
const FLOORS: &[&[&str]] = &[
    &["id", "time", "geo"],
    &["store", "region", "group", "campaign", "consent", "staff", "job"],
    &["visitor", "catalog"],
    &["routing", "tag", "funnel", "customer"],
    &["live", "metrics", "pace", "platform", "telemetry"],
    &["storage", "outbox", "ipdb", "exchange", "qr", "webhook", "wechat", "wecom"],
    &["app"],
    &["http"],
    &["config", "lifecycle"],
    &["startup"],
    &["cli"],
];

/// Crates that touch the outside world, and the lowest floor that may name them.
const OUTSIDE: &[(&str, usize)] = &[
    ("tokio", 4),
    ("tracing", 4),
    ("arc_swap", 4),
    ("redis", 5),
    ("rusqlite", 5),
    ("reqwest", 5),
    ("actix_web", 7),
    ("askama", 7),
    ("anyhow", 8),
    ("clap", 10),
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for path in entries.map(|entry| entry.expect("entry is readable").path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// The first path segment of every name reached through `crate::`, groups included.
fn crate_names(code: &str) -> BTreeSet<String> {
    let ident =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(ident(rest));
            continue;
        };
        let (mut depth, mut item) = (0_u32, 0);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    names.insert(ident(&group[item..i]));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(ident(&group[item..i]));
                    item = i + 1;
                }
                _ => {}
            }
        }
    }
    names
}

/// Shipped code only: without line comments and without the test module at the end of a file.
fn shipped(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn violations(src: &Path) -> Vec<String> {
    let mut files = Vec::new();
    rust_files(src, &mut files);
    let mut found = Vec::new();
    for path in files {
        let inside = path.strip_prefix(src).expect("file lies under src");
        let Some(first) = inside.components().next() else {
            continue;
        };
        let module = Path::new(first.as_os_str()).file_stem().expect("has a name").to_string_lossy().into_owned();
        if matches!(module.as_str(), "lib" | "main" | "bin") {
            continue;
        }
        let Some(own) = floor(&module) else {
            found.push(format!("{}: module `{module}` is on no floor", inside.display()));
            continue;
        };
        let code = shipped(&fs::read_to_string(&path).expect("source is UTF-8"));
        for name in crate_names(&code) {
            match floor(&name) {
                Some(other) if other >= own && name != module => {
                    found.push(format!("{}: `{module}` (floor {own}) uses `{name}` (floor {other})", inside.display()));
                }
                _ => {}
            }
        }
        for (outside, lowest) in OUTSIDE {
            if own < *lowest && code.contains(&format!("{outside}::")) {
                found.push(format!("{}: `{outside}` below floor {lowest}", inside.display()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_module_uses_lower_floors_only() {
    let found = violations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
