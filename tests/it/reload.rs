//! `SIGHUP`: settings that are read again while the service runs. With the real program.

use std::fs;

use crate::client::eventually;
use crate::harness::STORES;
use crate::process::{Service, run_well};

const FIRST: &str = "first-token-that-leaked";
const SECOND: &str = "second-token-in-its-place";

#[test]
fn a_token_that_leaked_stops_working_at_a_signal_and_wrong_settings_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    write("stores.csv", STORES);
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    write("jinqun.toml", "admin_token_file = \"token\"\nworkers = 1\nlog = \"warn\"\n");
    write("token", FIRST);
    let mut service = Service::start(folder.path(), &["serve", "--config", "jinqun.toml"], &[]);
    let client = service.client.clone();
    let status = |token: &str| {
        let bearer = format!("Bearer {token}");
        client.get_with("/api/v1/admin/session", &[("authorization", &bearer)]).status
    };
    assert_eq!((status(FIRST), status(SECOND)), (200, 401));
    assert!(!log().contains("listening") && !log().contains("\"INFO\""), "{}", log());

    write("token", SECOND);
    write("jinqun.toml", "admin_token_file = \"token\"\nworkers = 2\nlog = \"info\"\n");
    service.signal("HUP");
    eventually("the other token is taken", || (status(SECOND) == 200).then_some(()));
    assert_eq!(status(FIRST), 401);
    eventually("what waits is told", || log().contains("wait for a restart").then_some(()));
    let told = log();
    assert!(told.contains("\"changed\":\"admin_token, log\""), "{told}");
    assert!(told.contains("\"settings\":\"workers\""), "{told}");
    assert!(!told.contains(FIRST) && !told.contains(SECOND), "{told}");

    for (wrong, named) in
        [("admin_token = \"short\"", "admin_token has fewer than 16"), ("lgo = 1", "there is no setting lgo")]
    {
        write("jinqun.toml", wrong);
        service.signal("HUP");
        eventually("it is refused", || log().contains(named).then_some(()));
        assert_eq!((status(FIRST), status(SECOND)), (401, 200));
    }
    // Whoever leaves the token out lets nobody in by one.
    write("jinqun.toml", "log = \"info\"\n");
    service.signal("HUP");
    eventually("no token is taken", || (status(SECOND) == 401).then_some(()));
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
}
