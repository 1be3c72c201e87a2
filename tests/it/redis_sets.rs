//! What is asked of a whole set of servers: copies to it and from it, following the catalog when servers die, and what the check says.
//! A set takes seconds to start, so one test of each kind asks all of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::eventually;
use crate::process::{jinqun, run_well};
use crate::redis_servers::cluster::Cluster;
use crate::redis_servers::sentinel::SentinelSet;
use crate::redis_servers::{Server, wait_until};
use crate::replicate::{Instance, STORES, until_live};
use crate::storage_copy::{break_off, fill};
use jinqun::app::CopyStage;
use jinqun::storage::Storage as _;
use jinqun::storage::embedded::Embedded;
use jinqun::storage::redis::{Redis, RedisAt};

/// The time within which a publication is live elsewhere, also where its announcement was lost.
const LATE: Duration = Duration::from_secs(2);
/// The same from the moment at which Redis takes publications again.
const RECOVERY: Duration = Duration::from_secs(5);

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
    beside.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(redis::cmd("PING").query::<String>(&mut beside).is_err_and(|it| it.is_timeout()));
    server.signal("CONT");
    assert_eq!(server.ask::<String>(&["PING"]), "PONG");
}

/// Copies a chain to these servers and back to another file; both copies are stopped half way and gone on with by the command.
fn copy_there_and_back(folder: &Path, url: &str) {
    let source = fill(folder);
    let at = RedisAt::parse(url).unwrap();
    let redis = Redis::open(&at).unwrap();
    let from = format!("sqlite:{}", folder.join("data/jinqun.sqlite").display());
    break_off((&source, &from), &redis, (CopyStage::Records, 1_000));
    let said = run_well(folder, &["storage", "copy", "sqlite:", url]);
    assert!(said.contains("2597") && said.contains(&format!("{at} holds everything of sqlite:")), "{said}");
    let back = folder.join("back.sqlite");
    break_off((&redis, &at.to_string()), &Embedded::open(&back).unwrap(), (CopyStage::Records, 2_000));
    let said = run_well(folder, &["storage", "copy", url, "sqlite:back.sqlite"]);
    assert!(said.contains("2597") && said.contains(&format!("back.sqlite holds everything of {at}")), "{said}");
    let exported = |storage: &str| {
        let output = jinqun(folder).args(["export", "tags"]).env("JINQUN_STORAGE", storage).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(exported("sqlite:back.sqlite"), exported("sqlite:"));
    assert_eq!(redis.copy_mark().unwrap(), None);
}

/// What the check says is to be done about servers.
fn findings(url: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let output = jinqun(folder.path()).arg("check").env("JINQUN_STORAGE", url).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let of_servers = said.lines().filter_map(|it| it.strip_prefix("FINDING  127.0.0.1:"));
    of_servers.map(str::to_owned).collect()
}

/// Publishes, once the servers take it, and waits until it is live on the other instance. Returns the version.
fn publish_after_a_loss(publisher: &Instance, other: &Instance) -> u64 {
    let path = format!("{STORES}/B");
    let version: u64 = eventually("it can be published again", || {
        let answer = publisher.call("PATCH", &path, &[], Some(&json!({"name": "之后"})));
        (answer.status == 200).then(|| answer.header("jinqun-catalog-version").unwrap().parse().unwrap())
    });
    let took = until_live(other, version, Instant::now());
    assert!(took < RECOVERY, "{took:?}");
    assert_eq!(other.name("B"), "之后");
    version
}

/// How many instances listen for publications at this server.
fn listeners(server: &Server) -> u64 {
    server.try_ask::<(String, u64)>(&["PUBSUB", "NUMSUB", "jinqun:catalog"]).map_or(0, |it| it.1)
}

#[test]
fn a_sentinel_set_takes_and_gives_copies_is_followed_through_a_failover_and_its_primary_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut set = SentinelSet::start();
    copy_there_and_back(&folder.path().canonicalize().unwrap(), &set.url());
    let instances = [Instance::started(&set.url()), Instance::started(&set.url())];
    wait_until("both listen", || listeners(&set.servers[0]) == 2);
    let version = instances[0].rename("B", "之前");
    assert!(until_live(&instances[1], version, Instant::now()) < LATE);
    wait_until("replicas have it", || {
        let known = |it: &Server| it.ask::<Option<u64>>(&["GET", "{jinqun:catalog}:version"]);
        set.servers[1..].iter().all(|it| known(it) == Some(version))
    });
    set.servers[0].kill();
    let after = publish_after_a_loss(&instances[0], &instances[1]);
    let primary = eventually("the Sentinels agree", || set.primary().filter(|it| *it != 0));
    wait_until("both listen to the new primary", || listeners(&set.servers[primary]) == 2);
    let later = instances[1].rename("B", "后来");
    assert_eq!(later, after + 1);
    assert!(until_live(&instances[0], later, Instant::now()) < LATE);
    assert_eq!(findings(&set.url()), Vec::<String>::new());
    for server in &set.servers[1..] {
        server.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    }
    let found = findings(&set.url());
    let words = format!(
        "{}: Redis drops keys when its memory is full (maxmemory-policy allkeys-lru)",
        set.servers[primary].port
    );
    assert_eq!(found, [words]);
}

#[test]
fn a_cluster_takes_and_gives_copies_is_followed_when_the_node_that_is_heard_dies_and_every_primary_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start();
    copy_there_and_back(&folder.path().canonicalize().unwrap(), &cluster.url());
    cluster.servers[1].ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    cluster.servers[2].ask::<()>(&["CONFIG", "SET", "appendonly", "no"]);
    // Replicas are not looked at.
    cluster.servers[3].ask::<()>(&["CONFIG", "SET", "appendonly", "no"]);
    let port = |it: usize| cluster.servers[it].port;
    let mut expected = [
        format!("{}: Redis drops keys when its memory is full (maxmemory-policy allkeys-lru)", port(1)),
        format!("{}: Redis writes no append-only file, so a restart loses what it was told", port(2)),
    ];
    expected.sort_unstable();
    assert_eq!(findings(&cluster.url()), expected);

    let listening = Instance::started(&cluster.url());
    let heard = eventually("it listens", || cluster.servers.iter().position(|it| listeners(it) == 1));
    let publisher = Instance::started(&cluster.url());
    let version = publisher.rename("B", "之前");
    assert!(until_live(&listening, version, Instant::now()) < LATE);
    wait_until("every primary is followed", || cluster.is_whole());
    cluster.servers[heard].kill();
    let after = publish_after_a_loss(&publisher, &listening);
    wait_until("both listen to nodes that are left", || cluster.servers.iter().map(listeners).sum::<u64>() == 2);
    let later = listening.rename("B", "后来");
    assert_eq!(later, after + 1);
    assert!(until_live(&publisher, later, Instant::now()) < LATE);

    // A primary that nobody takes the place of.
    let pair = [(heard + 1) % 3, (heard + 1) % 3 + 3];
    for place in pair {
        cluster.servers[place].kill();
    }
    let found = findings(&cluster.url());
    let silent = pair.map(|it| format!("{}: a primary of the Cluster does not answer: ", cluster.servers[it].port));
    assert!(found.iter().any(|it| silent.iter().any(|words| it.starts_with(words))), "{found:?}");
}
