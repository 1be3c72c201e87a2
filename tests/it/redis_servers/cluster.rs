//! A Cluster: three primaries with a replica each.

use super::{Server, wait_until};

const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;
/// The first three are primaries at the start, and each of the others is the replica of the one three places before it.
const NODES: usize = 2 * PRIMARIES;
/// How a node is started, also again.
pub const OPTIONS: &[&str] = &[
    "--cluster-enabled",
    "yes",
    // Milliseconds without an answer until a node is held to be down.
    "--cluster-node-timeout",
    "1000",
    "--repl-diskless-sync",
    "yes",
    "--repl-diskless-sync-delay",
    "0",
];

/// The whole Cluster.
pub struct Cluster {
    pub servers: Vec<Server>,
}

impl Cluster {
    /// Starts all nodes, and waits until they know one another, all slots are served and every replica is in step.
    pub fn start() -> Self {
        let servers: Vec<_> = (0..NODES).map(|_| Server::begin(OPTIONS)).collect();
        servers.iter().for_each(Server::wait_ready);
        for (place, server) in servers.iter().enumerate() {
            // Epochs that differ from the start spare the nodes a quarrel about them.
            server.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()]);
            if place < PRIMARIES {
                let first = SLOTS * place / PRIMARIES;
                let last = SLOTS * (place + 1) / PRIMARIES - 1;
                server.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            }
            servers[0].ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &server.port.to_string()]);
        }
        wait_until("the nodes know one another", || servers.iter().all(|it| known(it) == NODES));
        for place in PRIMARIES..NODES {
            let primary: String = servers[place - PRIMARIES].ask(&["CLUSTER", "MYID"]);
            // A node takes it up only once it has heard that the other one is a primary.
            wait_until("the replica knows its primary", || {
                servers[place].try_ask::<()>(&["CLUSTER", "REPLICATE", &primary]).is_ok()
            });
        }
        let cluster = Self { servers };
        wait_until("the Cluster is whole", || cluster.is_whole());
        cluster
    }

    /// Its address as the setting `storage`.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.servers.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Hosts and ports of the nodes.
    pub fn nodes(&self) -> Vec<(String, u16)> {
        self.servers.iter().map(|it| ("127.0.0.1".to_owned(), it.port)).collect()
    }

    /// Whether every node sees every slot served and every replica has what its primary has.
    pub fn is_whole(&self) -> bool {
        is_served(&self.servers)
            && self.servers.iter().filter(|it| is_replica_in_step(it)).count() == PRIMARIES
            && self.servers.iter().all(|it| self.servers.iter().all(|other| knows_role(it, other)))
    }

    /// Removes all keys from all nodes.
    pub fn flush(&self) {
        for server in self.servers.iter().filter(|it| is_primary(it)) {
            server.ask::<()>(&["FLUSHALL"]);
        }
    }
}

/// Whether these nodes see every slot served.
pub fn is_served(servers: &[Server]) -> bool {
    servers.iter().all(|it| {
        let told: String = it.try_ask(&["CLUSTER", "INFO"]).unwrap_or_default();
        told.contains("cluster_state:ok") && told.contains("cluster_slots_ok:16384")
    })
}

/// How many nodes a node is connected to, itself among them.
fn known(server: &Server) -> usize {
    let nodes: String = server.try_ask(&["CLUSTER", "NODES"]).unwrap_or_default();
    nodes.lines().filter(|it| it.contains(" connected") && !it.contains("handshake")).count()
}

/// Whether a server is a primary as it sees itself.
pub fn is_primary(server: &Server) -> bool {
    server.try_ask::<String>(&["INFO", "replication"]).is_ok_and(|it| it.contains("role:master"))
}

fn is_replica_in_step(server: &Server) -> bool {
    server.try_ask::<String>(&["INFO", "replication"]).is_ok_and(|it| it.contains("master_link_status:up"))
}

/// Whether a node has heard what another one is: clients ask any of them for the way.
fn knows_role(server: &Server, other: &Server) -> bool {
    let nodes: String = server.try_ask(&["CLUSTER", "NODES"]).unwrap_or_default();
    let address = format!("127.0.0.1:{}@", other.port);
    let word = if is_primary(other) { "master" } else { "slave" };
    nodes.lines().any(|it| it.contains(&address) && it.contains(word))
}
