//! A primary of a Cluster dies, and slots move from one to another.

use crate::redis_servers::cluster::{Cluster, OPTIONS, is_primary, is_served};
use crate::redis_servers::{Server, wait_until};
use crate::trial::{Records, Trial};

#[test]
fn a_primary_is_killed_and_its_replica_takes_its_place() {
    let mut cluster = Cluster::start();
    let mut trial = Trial::start(&cluster.url(), 2);
    trial.breaks();
    cluster.servers[0].kill();
    wait_until("its replica is the primary", || is_primary(&cluster.servers[3]));
    wait_until("all slots are served", || is_served(&cluster.servers[1..]));
    trial.visit(100);
    // The dead one comes back as a replica, and nobody notices.
    cluster.servers[0].begin_again(OPTIONS);
    wait_until("the Cluster is whole", || cluster.is_whole());
    trial.mended(Records::AsAcknowledged);
}

/// The tags of all keys.
fn tags() -> Vec<String> {
    let partitions = (0..16).map(|it| format!("{it:02}"));
    let others = ["catalog", "desk", "seats", "feed", "jobs:event", "jobs:tag", "jobs:reconcile"];
    partitions.chain(others.map(str::to_owned)).map(|it| format!("{{jinqun:{it}}}")).collect()
}

/// Moves a slot with all its keys, some at a time, as an operator's tool does.
fn move_slot(cluster: &Cluster, slot: &str, from: &Server, to: &Server) {
    let (source, target): (String, String) = (from.ask(&["CLUSTER", "MYID"]), to.ask(&["CLUSTER", "MYID"]));
    to.ask::<()>(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &source]);
    from.ask::<()>(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &target]);
    let mut conn = from.connection();
    loop {
        let keys: Vec<Vec<u8>> = redis::cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(5).query(&mut conn).unwrap();
        if keys.is_empty() {
            break;
        }
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(to.port).arg("").arg(0).arg(5_000).arg("KEYS").arg(keys);
        migrate.exec(&mut conn).expect("nobody has made a key that is being moved");
    }
    for server in cluster.servers.iter().filter(|it| is_primary(it)) {
        server.ask::<()>(&["CLUSTER", "SETSLOT", slot, "NODE", &target]);
    }
}

#[test]
fn slots_are_moved_under_load() {
    let cluster = Cluster::start();
    let mut trial = Trial::start(&cluster.url(), 2);
    trial.breaks();
    let (from, to) = (&cluster.servers[0], &cluster.servers[1]);
    assert!(from.ask::<u64>(&["DBSIZE"]) > 0, "there is nothing to move");
    for tag in tags() {
        let slot: u64 = from.ask(&["CLUSTER", "KEYSLOT", &tag]);
        // The first of three primaries has the first third.
        if slot < 5_461 {
            move_slot(&cluster, &slot.to_string(), from, to);
            trial.visit(40);
        }
    }
    assert_eq!(from.ask::<u64>(&["DBSIZE"]), 0);
    trial.mended(Records::AsAcknowledged);
}
