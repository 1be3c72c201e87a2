//! The sets of Redis servers that the other tests start do what real ones do: they elect another primary.

use crate::redis_servers::cluster::{Cluster, is_primary};
use crate::redis_servers::sentinel::SentinelSet;
use crate::redis_servers::{Server, wait_until};

#[test]
fn a_server_comes_back_with_what_it_was_told() {
    let mut server = Server::start(&[]);
    server.ask::<()>(&["SET", "key", "value"]);
    server.kill();
    assert!(server.try_ask::<()>(&["PING"]).is_err());
    server.restart(&[]);
    assert_eq!(server.ask::<String>(&["GET", "key"]), "value");
    let mut beside = server.connection();
    server.signal("STOP");
    beside.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    assert!(redis::cmd("PING").query::<String>(&mut beside).is_err_and(|it| it.is_timeout()));
    server.signal("CONT");
    assert_eq!(server.ask::<String>(&["PING"]), "PONG");
}

#[test]
fn sentinels_make_a_replica_the_primary() {
    let mut set = SentinelSet::start();
    assert!(set.url().starts_with("redis+sentinel://127.0.0.1:"));
    assert_eq!(set.primary(), Some(0));
    set.servers[0].kill();
    wait_until("another server is the primary", || set.primary().is_some_and(|it| it != 0));
    let other = set.primary().unwrap();
    wait_until("it takes writes", || set.servers[other].try_ask::<()>(&["SET", "key", "value"]).is_ok());
}

#[test]
fn a_replica_in_a_cluster_takes_the_place_of_its_primary() {
    let mut cluster = Cluster::start();
    assert!(cluster.url().starts_with("redis+cluster://127.0.0.1:"));
    cluster.servers[0].kill();
    wait_until("its replica is the primary", || is_primary(&cluster.servers[3]));
    cluster.servers[0].begin_again(crate::redis_servers::cluster::OPTIONS);
    wait_until("the Cluster is whole", || cluster.is_whole());
    assert!(!is_primary(&cluster.servers[0]));
}
