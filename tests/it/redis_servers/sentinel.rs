//! A primary, its two replicas, and three Sentinels that watch them.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::port::Port;
use super::{Server, wait_until};

/// What the Sentinels call the servers.
pub const SERVICE: &str = "jinqun";
const SENTINELS: usize = 3;
const REPLICAS: usize = 2;
/// Milliseconds without an answer until a Sentinel holds a server to be down.
const DOWN_AFTER_MS: u32 = 500;
/// Milliseconds until a failover that came to nothing is tried again; they are doubled.
const FAILOVER_MS: u32 = 1_500;
/// What a new replica is given comes over the connection at once, without a file and without waiting for others.
const QUICK: &[&str] = &["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"];

/// One Sentinel, which writes what it learns into its own settings.
struct Sentinel {
    child: Child,
    port: Port,
    _folder: TempDir,
}

impl Sentinel {
    fn start(primary: u16) -> Self {
        let port = Port::free();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        let (number, dir) = (port.number, folder.path().display());
        let settings = format!(
            "port {number}\nbind 127.0.0.1\ndir {dir}\n\
             sentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
             sentinel failover-timeout {SERVICE} {FAILOVER_MS}\n"
        );
        std::fs::write(&file, settings).unwrap();
        let child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a redis-server");
        Self { child, port, _folder: folder }
    }

    fn connection(&self) -> Option<redis::Connection> {
        let url = format!("redis://127.0.0.1:{}", self.port.number);
        redis::Client::open(url).unwrap().get_connection_with_timeout(super::ANSWER_WAIT).ok()
    }

    /// What it knows of the primary.
    fn primary(&self) -> Option<HashMap<String, String>> {
        redis::cmd("SENTINEL").arg("MASTER").arg(SERVICE).query(&mut self.connection()?).ok()
    }

    /// Whether it knows everybody.
    fn is_ready(&self) -> bool {
        self.primary().is_some_and(|it| {
            let is = |name: &str, count: usize| it.get(name).is_some_and(|it| *it == count.to_string());
            is("num-slaves", REPLICAS) && is("num-other-sentinels", SENTINELS - 1) && it["flags"] == "master"
        })
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole set. The first server is the primary at the start.
pub struct SentinelSet {
    pub servers: Vec<Server>,
    sentinels: Vec<Sentinel>,
}

impl SentinelSet {
    /// Starts all of them, and waits until they know one another.
    pub fn start() -> Self {
        let primary = Server::start(QUICK);
        let port = primary.port.to_string();
        let replica = [QUICK, &["--replicaof", "127.0.0.1", &port]].concat();
        let mut servers = vec![primary];
        servers.extend((0..REPLICAS).map(|_| Server::begin(&replica)));
        // A Sentinel finds replicas at its first look at the primary; its second comes ten seconds later.
        wait_until("the replicas are in step", || online_replicas(&servers[0]) == REPLICAS);
        let sentinels: Vec<_> = (0..SENTINELS).map(|_| Sentinel::start(servers[0].port)).collect();
        wait_until("the Sentinels know everybody", || sentinels.iter().all(Sentinel::is_ready));
        Self { servers, sentinels }
    }

    /// Its address as the setting `storage`.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port.number)).collect();
        format!("redis+sentinel://{}/{SERVICE}", nodes.join(","))
    }

    /// Hosts and ports of the Sentinels.
    pub fn nodes(&self) -> Vec<(String, u16)> {
        self.sentinels.iter().map(|it| ("127.0.0.1".to_owned(), it.port.number)).collect()
    }

    /// The place of the primary among the servers, once most Sentinels agree.
    pub fn primary(&self) -> Option<usize> {
        let said: Vec<_> = self.sentinels.iter().filter_map(Sentinel::primary).collect();
        let port = said.first()?.get("port")?;
        let agreed = said.iter().filter(|it| it.get("port") == Some(port)).count();
        let place = self.servers.iter().position(|it| it.port.to_string() == *port)?;
        (agreed == SENTINELS).then_some(place)
    }
}

/// How many replicas of this server have all that it has.
pub fn online_replicas(server: &Server) -> usize {
    let told: String = server.try_ask(&["INFO", "replication"]).unwrap_or_default();
    told.lines().filter(|it| it.starts_with("slave") && it.contains("state=online")).count()
}
