//! Replicas: what must outlive the loss of a primary counts as kept only when a replica has it; not how a failover is noticed.
//!
//! Redis answers before its replicas have what it answers for, so that a primary that dies may take with it what callers have been
//! told is kept. Sentinel and Cluster raise the replica that has most, so one replica is enough.

use std::collections::BTreeMap;
use std::io;

use super::super::{StorageError, Trouble};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};

/// How long a replica gets to say that it has everything.
const CONFIRM_WAIT_MS: u32 = 1_000;
/// A replica that was not heard of for so many seconds is taken to be down and not waited for.
const LAG_MAX_S: u32 = 10;

/// Waits until a replica of every primary that has one has what was written so far, by anybody.
///
/// # Errors
/// [`Trouble::Unavailable`] if none says so in time: what was written is there, and may be lost with its primary.
pub(super) fn confirm(link: &Link) -> Result<(), StorageError> {
    confirm_at(link, (0..PARTITIONS).map(keys::fence).collect())
}

/// As [`confirm`], of the primaries that have these keys, which nothing else is kept under.
pub(super) fn confirm_at(link: &Link, mut fences: Vec<String>) -> Result<(), StorageError> {
    if !link.is_cluster() {
        fences.truncate(1);
    }
    let mut primaries = BTreeMap::new();
    for fence in fences {
        let told: String = link.with(Patience::Work, |conn| {
            // A command without a key goes where the last one with a key went.
            redis::cmd("EXISTS").arg(&fence).exec(conn)?;
            redis::cmd("INFO").arg("replication").query(conn)
        })?;
        let told = Replication::of(&told);
        if told.has_replica {
            primaries.insert(told.history, fence);
        }
    }
    for fence in primaries.into_values() {
        let reached: u32 = link.with(Patience::Work, |conn| {
            // A connection waits for its own writes; this one comes after all others.
            redis::cmd("SET").arg(&fence).arg(1).exec(conn)?;
            redis::cmd("WAIT").arg(1).arg(CONFIRM_WAIT_MS).query(conn)
        })?;
        if reached == 0 {
            let cause = io::Error::new(io::ErrorKind::TimedOut, "no replica has it yet");
            return Err(StorageError::caused(Trouble::Unavailable, cause));
        }
    }
    Ok(())
}

/// What a primary tells of its replicas.
#[derive(Debug, PartialEq, Eq)]
struct Replication {
    /// Differs from primary to primary.
    history: String,
    has_replica: bool,
}

impl Replication {
    /// Reads what `INFO replication` says.
    fn of(told: &str) -> Self {
        let field = |name: &str| told.lines().find_map(|it| it.trim_end().strip_prefix(name)?.strip_prefix(':'));
        let is_near = |line: &str| {
            let lag = line.trim_end().rsplit(',').find_map(|it| it.strip_prefix("lag=")?.parse::<u32>().ok());
            line.contains("state=online") && lag.is_some_and(|it| it <= LAG_MAX_S)
        };
        Self {
            history: field("master_replid").unwrap_or_default().to_owned(),
            has_replica: told.lines().any(|it| it.starts_with("slave") && is_near(it)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(replica: &str) -> Replication {
        Replication::of(&format!(
            "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n{replica}master_replid:ab12\r\n"
        ))
    }

    #[test]
    fn a_replica_that_is_in_step_is_waited_for() {
        let it = told("slave0:ip=10.0.0.2,port=6379,state=online,offset=57,lag=1\r\n");
        assert_eq!(it, Replication { history: "ab12".to_owned(), has_replica: true });
    }

    #[test]
    fn a_replica_that_is_not_there_or_not_heard_of_is_not_waited_for() {
        for replica in [
            "",
            "slave0:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0\r\n",
            "slave0:ip=10.0.0.2,port=6379,state=online,offset=57,lag=11\r\n",
            "slave_repl_offset:57\r\n",
        ] {
            assert!(!told(replica).has_replica, "{replica}");
        }
    }
}
