//! The primary behind Sentinels dies, and a replica takes its place.

use crate::redis_servers::sentinel::SentinelSet;
use crate::redis_servers::wait_until;
use crate::trial::{Records, Trial};

/// The new primary takes writes.
fn wait_for_another(set: &SentinelSet, before: usize) {
    wait_until("another server is the primary", || set.primary().is_some_and(|it| it != before));
    let now = set.primary().expect("there is one");
    wait_until("it takes writes", || set.servers[now].try_ask::<()>(&["SET", "a-test-asks", "1"]).is_ok());
}

#[test]
fn the_primary_is_killed_and_a_replica_takes_its_place() {
    let mut set = SentinelSet::start();
    let mut trial = Trial::start(&set.url(), 2);
    trial.breaks();
    set.servers[0].kill();
    wait_for_another(&set, 0);
    trial.mended(Records::AsAcknowledged);
}

#[test]
fn the_primary_hangs_and_comes_back_as_a_replica() {
    let set = SentinelSet::start();
    let mut trial = Trial::start(&set.url(), 2);
    trial.breaks();
    set.servers[0].signal("STOP");
    wait_for_another(&set, 0);
    trial.visit(100);
    // Until it hears of the other one it takes itself for the primary.
    set.servers[0].signal("CONT");
    trial.visit(100);
    trial.mended(Records::AsAcknowledged);
}
