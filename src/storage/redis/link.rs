//! How the servers are reached: connections, their time limits, and who is asked.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, Connection, ConnectionAddr, ConnectionLike, IntoConnectionInfo as _, RedisConnectionInfo, RedisResult,
};

use super::super::{StorageError, Trouble};
use super::address::{Mode, RedisAt};

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_millis(500);
/// How long an answer may take that a visit waits for.
const VISIT_WAIT: Duration = Duration::from_millis(100);
/// How long an answer may take otherwise; each call is bounded, so this is long.
const WORK_WAIT: Duration = Duration::from_secs(5);
/// Connections that are kept open; more are opened when needed and closed again.
const IDLE_MAX: usize = 8;

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// A visit waits for it.
    Visit,
    /// Nobody waits for it.
    Work,
}

impl Patience {
    fn wait(self) -> Duration {
        match self {
            Self::Visit => VISIT_WAIT,
            Self::Work => WORK_WAIT,
        }
    }
}

/// Makes connections.
enum Maker {
    Single(Client),
    Sentinel(Mutex<SentinelClient>),
    Cluster(ClusterClient),
}

/// A connection.
enum Conn {
    One(Connection),
    Many(ClusterConnection),
}

impl Conn {
    fn like(&mut self) -> &mut dyn ConnectionLike {
        match self {
            Self::One(conn) => conn,
            Self::Many(conn) => conn,
        }
    }

    fn set_wait(&self, wait: Duration) -> RedisResult<()> {
        match self {
            Self::One(conn) => conn.set_read_timeout(Some(wait)).and(conn.set_write_timeout(Some(wait))),
            Self::Many(conn) => conn.set_read_timeout(Some(wait)).and(conn.set_write_timeout(Some(wait))),
        }
    }
}

/// The way to the servers.
pub(super) struct Link {
    maker: Maker,
    idle: Mutex<Vec<Conn>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

fn unavailable(cause: redis::RedisError) -> StorageError {
    StorageError::caused(Trouble::Unavailable, cause)
}

impl Link {
    /// A way to these servers; nothing is connected yet.
    pub(super) fn open(at: &RedisAt) -> Result<Self, StorageError> {
        Ok(Self { maker: maker(at).map_err(unavailable)?, idle: Mutex::default() })
    }

    /// Does something on a connection. All keys that one command, script or pipeline names are of one hash tag.
    pub(super) fn with<T>(
        &self,
        patience: Patience,
        work: impl FnOnce(&mut dyn ConnectionLike) -> RedisResult<T>,
    ) -> Result<T, StorageError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => self.connect().map_err(unavailable)?,
        };
        conn.set_wait(patience.wait()).map_err(unavailable)?;
        // A connection that failed is not used again: an answer may still be on its way.
        let done = work(conn.like()).map_err(unavailable)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(conn);
        }
        Ok(done)
    }

    fn connect(&self) -> RedisResult<Conn> {
        match &self.maker {
            Maker::Single(client) => client.get_connection_with_timeout(CONNECT_WAIT).map(Conn::One),
            Maker::Sentinel(client) => {
                client.lock().unwrap_or_else(PoisonError::into_inner).get_connection().map(Conn::One)
            }
            Maker::Cluster(client) => client.get_connection().map(Conn::Many),
        }
    }
}

fn maker(at: &RedisAt) -> RedisResult<Maker> {
    let address = |(host, port): &(String, u16)| {
        if at.is_tls {
            ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host.clone(), *port)
        }
    };
    let mut addresses = at.nodes.iter().map(address);
    let account = |mut it: RedisConnectionInfo| {
        if let Some(user) = &at.user {
            it = it.set_username(user);
        }
        if let Some(password) = &at.password {
            it = it.set_password(password);
        }
        it
    };
    match &at.mode {
        Mode::Single { database } => {
            let address = addresses.next().unwrap_or_else(|| ConnectionAddr::Tcp("127.0.0.1".to_owned(), 6379));
            let settings = account(RedisConnectionInfo::default()).set_db(*database);
            Ok(Maker::Single(Client::open(address.into_connection_info()?.set_redis_settings(settings))?))
        }
        Mode::Sentinel { service, database } => {
            let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)?
                .set_client_to_redis_db(*database);
            if let Some(user) = &at.user {
                builder = builder.set_client_to_redis_username(user);
            }
            if let Some(password) = &at.password {
                builder = builder.set_client_to_redis_password(password);
            }
            Ok(Maker::Sentinel(Mutex::new(builder.build()?)))
        }
        Mode::Cluster => {
            let nodes: RedisResult<Vec<_>> = addresses.map(redis::IntoConnectionInfo::into_connection_info).collect();
            let mut builder = ClusterClient::builder(nodes?).connection_timeout(CONNECT_WAIT);
            if let Some(user) = &at.user {
                builder = builder.username(user);
            }
            if let Some(password) = &at.password {
                builder = builder.password(password);
            }
            Ok(Maker::Cluster(builder.build()?))
        }
    }
}
