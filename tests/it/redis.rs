//! Storage on Redis: the contract of all backends, against real servers.

use jinqun::storage::contract::{self, CHECKS};
use jinqun::storage::redis::{Mode, Redis, RedisAt};

use crate::redis_servers::Server;

fn open(server: &Server) -> Redis {
    let at = RedisAt {
        mode: Mode::Single { database: 0 },
        nodes: vec![("127.0.0.1".to_owned(), server.port)],
        is_tls: false,
        user: None,
        password: None,
    };
    Redis::open(&at).unwrap()
}

#[test]
fn one_server_keeps_the_contract() {
    let server = Server::start(&[]);
    let mut findings = Vec::new();
    for (name, check) in CHECKS {
        redis::cmd("FLUSHALL").query::<()>(&mut server.connection()).unwrap();
        if let Err(finding) = check(&open(&server)) {
            findings.push(format!("{name}: {finding}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn two_openings_share_one_history() {
    let server = Server::start(&[]);
    contract::check_two_openings(&open(&server), &open(&server)).unwrap();
}
