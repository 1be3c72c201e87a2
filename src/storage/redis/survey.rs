//! What is unwise about a server's own settings; not whether it can be reached.

use super::super::StorageError;
use super::address::RedisAt;
use super::link::Link;
use super::verdict::trouble;

/// Something about a server by which records may be lost.
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
}

/// Asks one of the servers what it is.
///
/// # Errors
/// [`super::super::Trouble::Unavailable`] if none answers, or none lets us ask.
pub fn survey(at: &RedisAt) -> Result<Vec<Weakness>, StorageError> {
    let mut conn = Link::open(at)?.alone()?;
    let text: String = redis::cmd("INFO").query(&mut conn).map_err(trouble)?;
    Ok(weaknesses(&text))
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
