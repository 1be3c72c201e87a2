//! The settings that are shipped are settings that the program takes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{all, lines, root, text, yaml};
use crate::process::jinqun;

/// Seconds in which records are handed over after the last request, as `DRAIN_WAIT` in `startup`.
const DRAIN_S: u64 = 5;

/// The settings of a unit file: section, name and value.
pub(super) fn unit_lines(text: &str) -> impl Iterator<Item = (String, String, String)> {
    let mut section = String::new();
    lines(text).filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            name.strip_suffix(']').expect(line).clone_into(&mut section);
            return None;
        }
        let (name, value) = line.split_once('=').expect(line);
        assert!(!section.is_empty() && !name.contains(' '), "{line}");
        Some((section.clone(), name.to_owned(), value.to_owned()))
    })
}

/// The values of one name in the section `[Service]` of the unit.
pub(super) fn unit(name: &str) -> Vec<String> {
    let of_service =
        |(section, it, value): (String, String, String)| (section == "Service" && it == name).then_some(value);
    unit_lines(&text("systemd/jinqun@.service")).filter_map(of_service).collect()
}

type Variables = BTreeMap<String, String>;

/// What the image sets by itself.
pub(super) fn of_image() -> Variables {
    let file = text("Dockerfile").replace("\\\n", " ");
    let set = lines(&file).filter_map(|it| it.strip_prefix("ENV "));
    let pairs = set.flat_map(str::split_whitespace).map(|it| it.split_once('=').expect(it));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn object(value: &Value) -> Variables {
    let text = |it: &Value| it.as_str().map_or_else(|| panic!("{it} is not a text"), ToOwned::to_owned);
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

pub(super) fn of_compose(service: &str) -> Variables {
    object(&yaml("compose.yaml")["services"][service]["environment"])
}

pub(super) fn of_kubernetes() -> Variables {
    let mut found = object(&yaml("kubernetes/configmap.yaml")["data"]);
    for list in all(&yaml("kubernetes/statefulset.yaml"), "env") {
        for it in list.as_array().unwrap() {
            found.insert(it["name"].as_str().unwrap().to_owned(), it["value"].as_str().unwrap().to_owned());
        }
    }
    found
}

pub(super) fn of_unit() -> Variables {
    let pairs = unit("Environment");
    pairs
        .iter()
        .map(|it| it.split_once('=').expect(it))
        .map(|(name, value)| (name.into(), value.replace("%i", "1")))
        .collect()
}

/// Runs `jinqun config` with these variables, those that name a secret's file naming one here, and returns what it shows.
fn shown(variables: &Variables, args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut program = jinqun(folder.path());
    program.arg("config").args(args);
    for (name, value) in variables {
        let value = match name.as_str() {
            "JINQUN_STORAGE_FILE" => secret(folder.path(), "storage", "redis://jinqun:not-a-real-one@redis:6379"),
            "JINQUN_SECRET_FILE" => secret(folder.path(), "secret", "sixteen characters at the least"),
            "JINQUN_PUBLIC_URL" => value.replace("${PUBLIC_URL:-https://join.example.com}", "https://join.example.com"),
            _ => value.clone(),
        };
        program.env(name, value);
    }
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{variables:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn secret(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_program_takes_every_setting_that_is_shipped() {
    for variables in [of_image(), of_compose("instance-1"), of_compose("tool"), of_kubernetes()] {
        let shown = shown(&variables, &[]);
        assert!(shown.contains("0.0.0.0:8080") && shown.contains("/var/lib/jinqun"), "{shown}");
        assert!(!shown.contains("not-a-real-one") && !shown.contains("sixteen characters"), "{shown}");
    }
    let file = root().join("deploy/systemd/jinqun.toml");
    let shown = shown(&of_unit(), &["--config", file.to_str().unwrap()]);
    assert!(shown.contains("127.0.0.1:8081") && shown.contains("/var/lib/jinqun/1"), "{shown}");
}

#[test]
fn the_example_of_a_secret_holds_what_the_instances_read() {
    let example = yaml("kubernetes/secret.example.yaml");
    let set = yaml("kubernetes/statefulset.yaml");
    assert_eq!(all(&set, "secretName"), [&example["metadata"]["name"]]);
    let variables = of_kubernetes();
    for name in ["storage", "secret"] {
        assert!(example["stringData"][name].is_string());
        let path = &variables[&format!("JINQUN_{}_FILE", name.to_uppercase())];
        let mounts = all(&set, "mountPath");
        assert!(mounts.iter().any(|it| format!("{}/{name}", it.as_str().unwrap()) == *path), "{path}: {mounts:?}");
    }
}

#[test]
fn stopping_has_the_time_it_needs() {
    let seconds = |it: &Value| it.as_u64().unwrap();
    let set = yaml("kubernetes/statefulset.yaml");
    let pod = &set["spec"]["template"]["spec"];
    let before = seconds(&pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]);
    let grace = seconds(&pod["terminationGracePeriodSeconds"]);
    let shutdown: u64 = of_kubernetes()["JINQUN_SHUTDOWN_S"].parse().unwrap();
    assert!(grace > before + shutdown + DRAIN_S, "{grace}");

    let compose = yaml("compose.yaml");
    for service in ["instance-1", "instance-2"] {
        let grace = compose["services"][service]["stop_grace_period"].as_str().unwrap();
        let grace: u64 = grace.strip_suffix('s').unwrap().parse().unwrap();
        assert!(grace > of_compose(service)["JINQUN_SHUTDOWN_S"].parse::<u64>().unwrap() + DRAIN_S, "{grace}");
    }

    let file: toml::Table = text("systemd/jinqun.toml").parse().unwrap();
    let shutdown = u64::try_from(file["shutdown_s"].as_integer().unwrap()).unwrap();
    let [grace] = unit("TimeoutStopSec").try_into().unwrap();
    assert!(grace.parse::<u64>().unwrap() > shutdown + DRAIN_S, "{grace}");
}
