//! The way to Redis when servers fail: how long anybody waits, who is asked again, and that it comes back by itself.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jinqun::campaign::Rotation;
use jinqun::id::{GroupId, ScanId, VisitorId};
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{
    Change, EntryKind, PublishInfo, SeatAsk, SeatOffer, SeatRules, Storage as _, StorageError, Trouble,
};
use jinqun::time::Timestamp;

use crate::redis_servers::cluster::{Cluster, is_primary};
use crate::redis_servers::sentinel::SentinelSet;
use crate::redis_servers::{Server, wait_until};

/// From the moment at which a server can answer until it is asked and does.
const RECOVERY: Duration = Duration::from_secs(5);

fn open(url: &str) -> Redis {
    Redis::open(&RedisAt::parse(url).unwrap()).unwrap()
}

fn publish(storage: &Redis, expected: u64) -> Result<u64, StorageError> {
    let info = PublishInfo { at: Timestamp::from_unix_ms(1), author: String::new(), note: String::new() };
    let change = Change { kind: EntryKind::Store, id: "a".to_owned(), body: Some(expected.to_string()) };
    storage.publish(expected, &info, &mut std::iter::once(change))
}

/// What a visit waits for.
fn take_seats(storage: &Redis) -> Result<(), StorageError> {
    let ask = SeatAsk {
        visitor: VisitorId::from_parts(1, 1),
        scan: ScanId::from_parts(1, 1),
        wanted: "store:a".into(),
        rungs: vec![vec![SeatOffer { group: GroupId::parse("a").unwrap(), capacity: 200 }]],
        rotation: Rotation::InOrder,
        is_whole: true,
        is_peek: false,
    };
    storage.take_seats(&[ask], &SeatRules::default(), Timestamp::from_unix_ms(1)).map(|_seats| ())
}

/// Asks until there is an answer.
#[track_caller]
fn recovers(storage: &Redis) {
    let start = Instant::now();
    while let Err(error) = storage.current_version() {
        assert!(start.elapsed() < RECOVERY, "{:#}", anyhow::Error::new(error));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_visit_does_not_wait_for_a_server_that_hangs_and_it_is_found_again_when_it_goes_on() {
    let server = Server::start(&[]);
    let storage = open(&server.url());
    publish(&storage, 0).unwrap();
    take_seats(&storage).unwrap();
    server.signal("STOP");
    let mut waits: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(take_seats(&storage).unwrap_err().kind(), Trouble::Unavailable);
            start.elapsed()
        })
        .collect();
    waits.sort_unstable();
    // One that asks waits a tenth of a second; all others are told at once.
    assert!(waits[199] < Duration::from_millis(250) && waits[190] < Duration::from_millis(20), "{waits:?}");
    server.signal("CONT");
    recovers(&storage);
    let start = Instant::now();
    while take_seats(&storage).is_err() {
        assert!(start.elapsed() < RECOVERY);
    }
}

#[test]
fn a_server_that_fails_is_asked_by_one_at_a_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        listener.incoming().for_each(|_closed| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    });
    let storage = open(&url);
    let end = Instant::now() + Duration::from_secs(2);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while Instant::now() < end {
                    storage.current_version().unwrap_err();
                }
            });
        }
    });
    let asked = asked.load(Ordering::Relaxed);
    assert!((3..16).contains(&asked), "{asked} connections in two seconds");
}

#[test]
fn a_server_that_is_killed_or_made_a_replica_is_used_again_without_anybody() {
    let mut server = Server::start(&[]);
    let storage = open(&server.url());
    publish(&storage, 0).unwrap();
    server.kill();
    assert_eq!(publish(&storage, 1).unwrap_err().kind(), Trouble::Unavailable);
    server.restart(&[]);
    recovers(&storage);
    assert_eq!(publish(&storage, 1).unwrap(), 2);
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(publish(&storage, 2).unwrap_err().kind(), Trouble::Unavailable);
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
    recovers(&storage);
    assert_eq!(publish(&storage, 2).unwrap(), 3);
}

#[test]
fn a_server_without_memory_refuses_writes_and_answers_reads() {
    let server = Server::start(&[]);
    let storage = open(&server.url());
    publish(&storage, 0).unwrap();
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = publish(&storage, 1).unwrap_err();
    assert_eq!(error.kind(), Trouble::Unavailable);
    let told = format!("{:#}", anyhow::Error::new(error));
    assert!(told.contains("maxmemory"), "{told}");
    assert_eq!(storage.current_version().unwrap(), 1);
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(publish(&storage, 1).unwrap(), 2);
}

#[test]
fn after_a_failover_the_primary_that_the_sentinels_name_is_asked() {
    let mut set = SentinelSet::start();
    let storage = open(&set.url());
    publish(&storage, 0).unwrap();
    wait_until("replicas have it", || {
        set.servers[1..].iter().all(|it| it.ask::<Option<u64>>(&["GET", "{jinqun:catalog}:version"]) == Some(1))
    });
    set.servers[0].kill();
    wait_until("another server is the primary", || {
        set.primary().is_some_and(|it| it != 0 && is_primary(&set.servers[it]))
    });
    recovers(&storage);
    assert_eq!(publish(&storage, 1).unwrap(), 2);
    // The old one comes back and is made a replica while connections to the new one are open.
    set.servers[0].begin_again(&[]);
    assert_eq!(publish(&storage, 2).unwrap(), 3);
}

#[test]
fn sentinels_that_hang_or_are_gone_hold_up_nobody() {
    let set = SentinelSet::start();
    let hangs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{gone},", hangs.local_addr().unwrap().port());
    let url = set.url().replacen("://", &format!("://{hosts}"), 1);
    let start = Instant::now();
    assert_eq!(open(&url).current_version().unwrap(), 0);
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
}

#[test]
fn a_primary_of_a_cluster_that_is_killed_is_followed_by_its_replica() {
    let mut cluster = Cluster::start();
    let storage = open(&cluster.url());
    publish(&storage, 0).unwrap();
    let (owner, replica) = owner_of_the_catalog(&cluster);
    wait_until("the replica has it", || {
        let sent = |it: &Server| it.try_ask::<String>(&["INFO", "replication"]).unwrap_or_default();
        offset(&sent(&cluster.servers[owner])) == offset(&sent(&cluster.servers[replica]))
    });
    cluster.servers[owner].kill();
    wait_until("its replica is the primary", || is_primary(&cluster.servers[replica]));
    let at = Instant::now();
    recovers(&storage);
    while publish(&storage, 1).is_err() {
        assert!(at.elapsed() < RECOVERY);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(storage.current_version().unwrap(), 2);
}

#[test]
fn a_slot_that_moves_is_followed_while_it_moves() {
    let cluster = Cluster::start();
    let storage = open(&cluster.url());
    let made: Vec<u64> = (0..3).map(|version| publish(&storage, version).unwrap()).collect();
    assert_eq!(made, [1, 2, 3]);
    let (from, _) = owner_of_the_catalog(&cluster);
    let (from, to) = (&cluster.servers[from], &cluster.servers[(from + 1) % 3]);
    let slot: u16 = from.ask(&["CLUSTER", "KEYSLOT", "{jinqun:catalog}"]);
    let slot = slot.to_string();
    let id = |it: &Server| it.ask::<String>(&["CLUSTER", "MYID"]);
    to.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    let keys: Vec<String> = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
    for key in &keys {
        from.ask::<()>(&["MIGRATE", "127.0.0.1", &to.port.to_string(), key, "0", "1000"]);
        // Wherever the key is by now.
        assert_eq!(storage.current_version().unwrap(), 3);
        assert_eq!(storage.versions(None, 9).unwrap().len(), 3);
    }
    // A server that takes a slot over does nothing with several keys of which some are not there, new ones among them.
    let error = publish(&storage, 3).unwrap_err();
    assert_eq!(error.kind(), Trouble::Unavailable);
    assert!(format!("{:#}", anyhow::Error::new(error)).contains("TryAgain"));
    for server in [to, from] {
        server.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    assert_eq!(publish(&storage, 3).unwrap(), 4);
    assert_eq!(to.ask::<u64>(&["GET", "{jinqun:catalog}:version"]), 4);
}

/// The places of the server that has the catalog and of its replica.
fn owner_of_the_catalog(cluster: &Cluster) -> (usize, usize) {
    let has = |it: &Server| it.try_ask::<Option<u64>>(&["GET", "{jinqun:catalog}:version"]).is_ok();
    let owner = (0..3).find(|it| has(&cluster.servers[*it])).unwrap();
    (owner, owner + 3)
}

fn offset(info: &str) -> Option<String> {
    let found = info.lines().find_map(|it| it.strip_prefix("master_repl_offset:"));
    found.map(str::to_owned)
}
