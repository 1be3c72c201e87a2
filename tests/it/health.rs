//! `jinqun health`, which containers ask.

use std::fs;

use crate::harness::STORES;
use crate::process::{Service, jinqun, run, run_well};

#[test]
fn a_service_that_turns_is_healthy_and_one_that_is_gone_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(folder.path(), &["serve"], &[]);
    let url = format!("{}/healthz", service.client.url());
    assert_eq!(run_well(folder.path(), &["health", &url]), "{\"status\":\"ok\"}\n");
    // Without a catalog it turns and is not ready.
    let output = run(folder.path(), &["health", &format!("{}/readyz", service.client.url())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("503"));
    service.kill();
    let output = run(folder.path(), &["health", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("does not answer"));
}

#[test]
fn it_asks_where_the_settings_listen() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &["serve"], &[]);
    let port = service.client.url().rsplit_once(':').unwrap().1.to_owned();
    let output = jinqun(folder.path()).arg("health").env("JINQUN_LISTEN", format!("0.0.0.0:{port}")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = jinqun(folder.path()).arg("health").env("JINQUN_LISTEN", "0.0.0.0:0").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nobody knows which port was picked");
}

#[test]
fn a_service_with_a_certificate_of_another_name_is_asked_on_the_same_machine() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = |name: &str| format!("{}/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let tls = [("JINQUN_TLS_CERT", fixture("one.cert.pem")), ("JINQUN_TLS_KEY", fixture("one.key.pem"))];
    let tls = tls.each_ref().map(|(name, value)| (*name, value.as_str()));
    fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    let service = Service::start(folder.path(), &["serve"], &tls);
    assert!(service.client.url().starts_with("https://"));
    let ready = format!("{}/readyz", service.client.url());
    assert!(run_well(folder.path(), &["health", &ready]).contains("\"ready\":true"));
}
