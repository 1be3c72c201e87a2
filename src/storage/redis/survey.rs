//! What is unwise about the servers' own settings, and which of them does not answer; not what they hold.

use std::time::{Duration, Instant};

use redis::{Connection, RedisResult};

use super::super::StorageError;
use super::address::{Mode, RedisAt};
use super::cluster::Cluster;
use super::dial::{self, Address, Dialer, Target};
use super::verdict::trouble;

/// How long the servers of a Cluster may take to say who has which slots.
const LEARN_WAIT: Duration = Duration::from_secs(5);
/// How long one server may take to answer.
const SERVER_WAIT: Duration = Duration::from_secs(3);

/// Something about a server by which records may be lost, or cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// It drops keys when its memory is full.
    Evicts {
        /// By this rule.
        policy: String,
    },
    /// It writes no append-only file.
    Forgets,
    /// It is a replica.
    Replica,
    /// It has keys of a Cluster and does not answer.
    Silent {
        /// What it said instead, or what came of asking it.
        why: String,
    },
}

/// A server by its host and port, and what is unwise about it.
pub type Finding = (String, Weakness);

/// Asks every server that takes writes what it is: the one, the primary that sentinels name, or all primaries of a Cluster.
///
/// # Errors
/// [`super::super::Trouble::Unavailable`] if nobody says where to ask, or the only one to ask does not answer.
pub fn survey(at: &RedisAt) -> Result<Vec<Finding>, StorageError> {
    let dialer = Dialer::new(at).map_err(trouble)?;
    let target = match &at.mode {
        Mode::Single { .. } => at.nodes.first().cloned().map(Target::At),
        Mode::Sentinel { service, .. } => {
            Some(Target::Primary { service: service.clone(), sentinels: at.nodes.clone() })
        }
        Mode::Cluster => None,
    };
    let Some(target) = target else {
        return cluster(at, &dialer);
    };
    let (address, mut conn) = dialer.dial_named(&target, Instant::now() + SERVER_WAIT).map_err(trouble)?;
    Ok(named(&address, asked(&mut conn).map_err(trouble)?))
}

fn cluster(at: &RedisAt, dialer: &Dialer) -> Result<Vec<Finding>, StorageError> {
    let slots = Cluster::new(at.nodes.clone(), dialer.clone()).learn(Instant::now() + LEARN_WAIT).map_err(trouble)?;
    let of_one = |address: &Address| {
        let found = dialer.dial(&Target::At(address.clone()), Instant::now() + SERVER_WAIT);
        let found = found.and_then(|mut conn| asked(&mut conn));
        named(address, found.unwrap_or_else(|error| vec![Weakness::Silent { why: error.to_string() }]))
    };
    Ok(slots.primaries().into_iter().flat_map(of_one).collect())
}

fn named((host, port): &Address, weaknesses: Vec<Weakness>) -> Vec<Finding> {
    weaknesses.into_iter().map(|it| (format!("{host}:{port}"), it)).collect()
}

/// What a server says of itself. One that does not tell this account has no weaknesses.
fn asked(conn: &mut Connection) -> RedisResult<Vec<Weakness>> {
    dial::limit(conn, Instant::now() + SERVER_WAIT)?;
    match redis::cmd("INFO").query::<String>(conn) {
        Ok(text) => Ok(weaknesses(&text)),
        Err(error) if error.is_io_error() => Err(error),
        Err(_not_told) => Ok(Vec::new()),
    }
}

fn weaknesses(info: &str) -> Vec<Weakness> {
    let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let mut found = Vec::new();
    if let Some(policy) = value("maxmemory_policy").filter(|it| *it != "noeviction") {
        found.push(Weakness::Evicts { policy: policy.to_owned() });
    }
    if value("aof_enabled") == Some("0") {
        found.push(Weakness::Forgets);
    }
    if value("role") == Some("slave") {
        found.push(Weakness::Replica);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_itself_is_judged() {
        let well = "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\nrole:master\r\n";
        assert_eq!(weaknesses(well), []);
        let unwise = "maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\nrole:slave\r\n";
        let evicts = Weakness::Evicts { policy: "allkeys-lru".to_owned() };
        assert_eq!(weaknesses(unwise), [evicts, Weakness::Forgets, Weakness::Replica]);
        assert_eq!(weaknesses(""), []);
    }
}
