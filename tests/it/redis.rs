//! Storage on Redis: the contract of all backends, against real servers.

use jinqun::storage::contract::{self, CHECKS};
use jinqun::storage::redis::{Mode, Redis, RedisAt};

use crate::redis_servers::Server;
use crate::redis_servers::cluster::Cluster;
use crate::redis_servers::sentinel::{SERVICE, SentinelSet};
use crate::redis_tls::TlsServer;

fn open(mode: Mode, nodes: Vec<(String, u16)>) -> Redis {
    let at = RedisAt { mode, nodes, is_tls: false, ca: None, user: None, password: None };
    Redis::open(&at).unwrap()
}

fn open_server(server: &Server) -> Redis {
    open(Mode::Single { database: 0 }, vec![("127.0.0.1".to_owned(), server.port)])
}

fn open_sentinel(set: &SentinelSet) -> Redis {
    open(Mode::Sentinel { service: SERVICE.to_owned(), database: 0 }, set.nodes())
}

fn open_cluster(cluster: &Cluster) -> Redis {
    open(Mode::Cluster, cluster.nodes())
}

/// Every check on empty servers.
#[track_caller]
fn keep_the_contract(empty: impl Fn(), open: impl Fn() -> Redis) {
    let mut findings = Vec::new();
    for (name, check) in CHECKS {
        empty();
        if let Err(finding) = check(&open()) {
            findings.push(format!("{name}: {finding}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn one_server_keeps_the_contract() {
    let server = Server::start(&[]);
    keep_the_contract(|| server.ask(&["FLUSHALL"]), || open_server(&server));
}

#[test]
fn a_server_with_tls_and_an_account_of_few_rights_keeps_the_contract() {
    let server = TlsServer::start();
    keep_the_contract(|| server.server.ask(&["FLUSHALL"]), || server.open_well());
}

#[test]
fn servers_behind_sentinels_keep_the_contract() {
    let set = SentinelSet::start();
    keep_the_contract(|| set.servers[0].ask(&["FLUSHALL"]), || open_sentinel(&set));
}

#[test]
fn a_cluster_keeps_the_contract() {
    let cluster = Cluster::start();
    keep_the_contract(|| cluster.flush(), || open_cluster(&cluster));
}

#[test]
fn two_openings_share_one_history() {
    let server = Server::start(&[]);
    contract::check_two_openings(&open_server(&server), &open_server(&server)).unwrap();
}
