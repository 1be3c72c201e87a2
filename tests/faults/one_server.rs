//! One Redis server dies, hangs, or is hard to reach.

use std::time::{Duration, Instant};

use crate::redis_servers::Server;
use crate::trial::{Records, Trial};
use crate::wire::{Way, Wire};

/// Visits while something is broken: about three seconds.
const VISITS: usize = 300;

#[test]
fn redis_is_killed_and_started_again() {
    let mut server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    trial.breaks();
    server.kill();
    trial.visit(VISITS);
    server.restart(&[]);
    trial.mended(Records::AsAcknowledged);
}

#[test]
fn redis_is_stopped_for_thirty_seconds() {
    let server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    trial.breaks();
    server.signal("STOP");
    trial.visit_for(Duration::from_secs(30));
    server.signal("CONT");
    trial.mended(Records::AsAcknowledged);
}

fn on_the_wire(way: Way) {
    let server = Server::start(&[]);
    let wire = Wire::to(server.port);
    let mut trial = Trial::start(&wire.url(), 2);
    trial.breaks();
    wire.set(way);
    trial.visit(VISITS);
    wire.set(Way::Pass);
    trial.mended(Records::AsAcknowledged);
}

#[test]
fn the_network_is_cut() {
    on_the_wire(Way::Cut);
}

#[test]
fn nobody_listens() {
    on_the_wire(Way::Refuse);
}

#[test]
fn the_network_is_slow() {
    on_the_wire(Way::Slow(Duration::from_millis(500)));
}

#[test]
fn connections_are_half_open() {
    on_the_wire(Way::HalfOpen);
}

#[test]
fn redis_is_flushed_by_mistake() {
    let server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    trial.counts_once();
    trial.breaks();
    server.ask::<()>(&["FLUSHALL"]);
    let flushed = Instant::now();
    trial.visit(VISITS);
    let fleet = trial.mended_since(flushed, Records::AsAcknowledged);
    // The instances have put the catalog back, for themselves and for those that start later.
    assert_eq!(fleet.run(&["export", "stores"]).lines().count(), 5);
}

#[test]
fn an_older_copy_of_redis_is_brought_back() {
    let mut server = Server::start(&[]);
    let mut trial = Trial::start(&server.url(), 2);
    server.copy_data("older");
    trial.visit(VISITS);
    trial.breaks();
    server.restart(&["--appenddirname", "older"]);
    trial.counts_once();
    trial.visit(VISITS);
    trial.mended(Records::AsAcknowledged);
}
