//! What `deploy/` holds: every file can be read, and whatever it names (settings, metrics, ports, paths, addresses) is there.
//!
//! No engine of containers is needed. nginx and systemd are asked themselves where they are installed.

mod engines;
mod guarded;
mod places;
mod settings;
mod watching;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file under `deploy/`.
fn text(path: &str) -> String {
    let path = root().join("deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML document under `deploy/`, with anchors resolved and merged.
fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under `deploy/` that is not made by whoever deploys, by its path in there.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root().join("deploy")).unwrap();
                found.push(inside.to_str().unwrap().to_owned());
            } else if path.file_name().is_some_and(|it| it != "secrets") {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every value under a key anywhere in a document.
fn all<'a>(document: &'a Value, key: &str) -> Vec<&'a Value> {
    match document {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| (name == key).then_some(value).into_iter().chain(all(value, key)))
            .collect(),
        Value::Array(items) => items.iter().flat_map(|it| all(it, key)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The lines of a settings file of the kind `word rest`, without comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'))
}

#[test]
fn every_file_can_be_read() {
    let all = files();
    assert!(all.len() > 15, "{all:?}");
    for path in all {
        let text = text(&path);
        let ending = Path::new(&path).extension().map(|it| it.to_str().unwrap());
        match ending {
            Some("yaml" | "yml") => assert!(yaml(&path).is_object(), "{path}"),
            Some("json") => assert!(serde_json::from_str::<Value>(&text).unwrap().is_object(), "{path}"),
            Some("toml") => drop(text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{path}: {error}"))),
            Some("service") => settings::unit_lines(&text).for_each(drop),
            Some("conf") => assert_eq!(text.matches('{').count(), text.matches('}').count(), "{path}"),
            Some("sh" | "example") | None => assert!(!text.contains('\r'), "{path}"),
            Some(other) => panic!("{path}: nothing here reads .{other}"),
        }
        assert!(text.ends_with('\n') && !text.contains('\t'), "{path}");
    }
}

#[test]
fn what_a_document_repeats_is_merged() {
    let compose = yaml("compose.yaml");
    let [one, two] = ["instance-1", "instance-2"].map(|it| &compose["services"][it]);
    assert_eq!(one["image"], two["image"]);
    assert!(one["image"].is_string() && one["healthcheck"]["test"].is_array());
    assert_eq!(one["environment"], two["environment"]);
}
