//! Redis answers, and does not do what it is asked.

use crate::redis_servers::{Server, wait_until};
use crate::trial::{Records, Trial};

/// Visits while something is broken: about three seconds.
const VISITS: usize = 300;

/// A server that refuses, for as long as told.
fn refuses(server: &Server, storage: &str, begin: impl Fn(&Server), end: impl Fn(&Server)) {
    let mut trial = Trial::start(storage, 2);
    trial.breaks();
    begin(server);
    trial.visit(VISITS);
    end(server);
    trial.mended(Records::AsAcknowledged);
}

#[test]
fn redis_is_out_of_memory() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    refuses(
        &server,
        &server.url(),
        |it| it.ask(&["CONFIG", "SET", "maxmemory", "1"]),
        |it| it.ask(&["CONFIG", "SET", "maxmemory", "0"]),
    );
}

#[test]
fn redis_is_a_replica_that_takes_no_writes() {
    let server = Server::start(&[]);
    refuses(
        &server,
        &server.url(),
        // Nobody listens there, so it keeps what it has.
        |it| it.ask(&["REPLICAOF", "127.0.0.1", "1"]),
        |it| it.ask(&["REPLICAOF", "NO", "ONE"]),
    );
}

#[test]
fn the_password_is_changed() {
    let server = Server::start(&[]);
    server.ask::<()>(&["ACL", "SETUSER", "jinqun", "on", ">first-password", "~{jinqun:*", "&jinqun:*", "+@all"]);
    let storage = server.url().replace("redis://", "redis://jinqun:first-password@");
    let change = |it: &Server, password: &str| {
        it.ask::<()>(&["ACL", "SETUSER", "jinqun", "resetpass", &format!(">{password}")]);
        // Who is signed in stays so otherwise.
        it.ask::<u64>(&["CLIENT", "KILL", "USER", "jinqun"]);
    };
    refuses(&server, &storage, |it| change(it, "second-password"), |it| change(it, "first-password"));
}

#[test]
fn redis_is_loading_for_seconds() {
    // Every key takes a while to be read, and the server answers in between.
    const SLOWLY: &[&str] = &["--key-load-delay", "20", "--loading-process-events-interval-bytes", "1024"];
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut trial = Trial::start(&server.url(), 2);
    server.ask::<()>(&["DEBUG", "POPULATE", "100000"]);
    server.ask::<()>(&["BGREWRITEAOF"]);
    wait_until("everything is in the file", || {
        let told: String = server.ask(&["INFO", "persistence"]);
        told.contains("aof_rewrite_in_progress:0") && told.contains("aof_rewrite_scheduled:0")
    });
    trial.breaks();
    server.begin_again(SLOWLY);
    wait_until("it says that it is loading", || {
        server.try_ask::<()>(&["PING"]).is_err_and(|it| it.code() == Some("LOADING"))
    });
    trial.visit(100);
    server.wait_ready();
    trial.mended(Records::AsAcknowledged);
}
