//! How the servers are reached: who is asked, how long anybody waits, and what becomes of connections that failed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, Connection, ConnectionLike, RedisError, RedisResult, Value};

use super::super::{StorageError, Trouble};
use super::address::{Mode, RedisAt};
use super::cluster::Cluster;
use super::dial::{self, Dialer, Target};
use super::endpoint::Endpoint;
use super::keys;
use super::slots::{self, Redirect};
use super::verdict::{Verdict, trouble, verdict};

/// How long a visit waits, for everything together.
const VISIT_WAIT: Duration = Duration::from_millis(100);
/// How long one answer may take otherwise; each call is bounded, so this is long.
const WORK_WAIT: Duration = Duration::from_secs(3);
/// How long a new connection for listening may take to be made.
const ALONE_WAIT: Duration = Duration::from_secs(3);
/// How often a request follows servers of a Cluster that name another one.
const REDIRECTS_MAX: u32 = 5;
/// The pause before a server that moves a slot is asked again.
const LATER_WAIT: Duration = Duration::from_millis(10);
/// The format of what lies in Redis. A change that older versions cannot read raises it.
const FORMAT: i64 = 1;

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// A visit waits for it.
    Visit,
    /// Nobody waits for it.
    Work,
}

enum Way {
    /// One server, or the primary that sentinels name.
    One(Arc<Endpoint>),
    Many(Arc<Cluster>),
}

/// The way to the servers.
pub(super) struct Link {
    way: Way,
    /// Whether the format has been looked at.
    is_known: AtomicBool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// A way to these servers. They need not be there yet: the format of what they hold is looked at when they are.
    pub(super) fn open(at: &RedisAt) -> Result<Self, StorageError> {
        let dialer = Dialer::new(at).map_err(trouble)?;
        let way = match &at.mode {
            Mode::Single { .. } => {
                let server = at.nodes.first().cloned().ok_or(Trouble::Unavailable)?;
                Way::One(Endpoint::new(Target::At(server), dialer))
            }
            Mode::Sentinel { service, .. } => {
                let target = Target::Primary { service: service.clone(), sentinels: at.nodes.clone() };
                Way::One(Endpoint::new(target, dialer))
            }
            Mode::Cluster => Way::Many(Cluster::new(at.nodes.clone(), dialer)),
        };
        let link = Self { way, is_known: AtomicBool::new(false) };
        match link.with(Patience::Work, |_conn| Ok(())) {
            Err(error) if error.kind() != Trouble::Unavailable => Err(error),
            _ => Ok(link),
        }
    }

    /// Does something on a connection. All keys that one command, script or pipeline names are of one hash tag.
    ///
    /// A request that failed is never sent again, unless the server said that it did nothing.
    pub(super) fn with<T>(
        &self,
        patience: Patience,
        work: impl FnOnce(&mut dyn ConnectionLike) -> RedisResult<T>,
    ) -> Result<T, StorageError> {
        let mut session = Session { link: self, patience, started: Instant::now(), held: Vec::new(), last: None };
        if !self.is_known.load(Ordering::Relaxed) {
            check_format(&mut session)?;
            self.is_known.store(true, Ordering::Relaxed);
        }
        work(&mut session).map_err(trouble)
    }

    /// A new connection that is nobody else's, for listening.
    pub(super) fn alone(&self) -> Result<Connection, StorageError> {
        let made = match &self.way {
            Way::One(endpoint) => endpoint.alone(),
            Way::Many(cluster) => cluster.alone(Instant::now() + ALONE_WAIT),
        };
        made.map_err(trouble)
    }

    /// Whether keys of different hash tags may lie on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.way, Way::Many(_))
    }
}

/// Looks at the format, and notes it on a server that is new.
fn check_format(conn: &mut dyn ConnectionLike) -> Result<(), StorageError> {
    let found: Option<i64> = redis::cmd("GET").arg(keys::FORMAT).query(conn).map_err(trouble)?;
    match found {
        Some(found) if found > FORMAT => Err(Trouble::TooNew { found, known: FORMAT }.into()),
        Some(_) => Ok(()),
        None => redis::cmd("SET").arg(keys::FORMAT).arg(FORMAT).arg("NX").exec(conn).map_err(trouble),
    }
}

/// The connections that one call uses. They are given back when it ends, but for those that failed.
struct Session<'a> {
    link: &'a Link,
    patience: Patience,
    started: Instant,
    held: Vec<(Arc<Endpoint>, Connection)>,
    last: Option<Arc<Endpoint>>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for (endpoint, conn) in self.held.drain(..) {
            endpoint.give_back(conn);
        }
    }
}

impl Session<'_> {
    fn until(&self) -> Instant {
        match self.patience {
            Patience::Visit => self.started + VISIT_WAIT,
            Patience::Work => Instant::now() + WORK_WAIT,
        }
    }

    /// Whom to ask: who has the key; without one, who was asked last.
    fn target(&self, packed: &[u8], until: Instant) -> RedisResult<Arc<Endpoint>> {
        match &self.link.way {
            Way::One(endpoint) => Ok(Arc::clone(endpoint)),
            Way::Many(cluster) => match (slots::slot(packed), &self.last) {
                (None, Some(last)) => Ok(Arc::clone(last)),
                (slot, _) => cluster.owner(slot, until),
            },
        }
    }

    /// Sends packed commands to whom they concern and reads as many answers.
    fn request(&mut self, packed: &[u8], answers: usize) -> RedisResult<Vec<Value>> {
        let until = self.until();
        let mut target = self.target(packed, until)?;
        let mut is_asking = false;
        let mut redirects = 0;
        loop {
            let found = if is_asking {
                let all = self.send(&target, &slots::asking(packed), answers.saturating_mul(2), until);
                all.map(|it| it.into_iter().skip(1).step_by(2).collect())
            } else {
                self.send(&target, packed, answers, until)
            };
            let Way::Many(cluster) = &self.link.way else {
                return found;
            };
            let found = found.inspect_err(|_error| cluster.doubt())?;
            let redirect = match target.address() {
                Some(asked) if redirects < REDIRECTS_MAX => slots::redirect(&found, asked),
                _ => None,
            };
            redirects += 1;
            match redirect {
                None => {
                    self.last = Some(target);
                    return Ok(found);
                }
                Some(Redirect::Moved(slot, to)) => (target, is_asking) = (cluster.moved(slot, to), false),
                Some(Redirect::Ask(to)) => (target, is_asking) = (cluster.at(&to), true),
                Some(Redirect::Later) => thread::sleep(LATER_WAIT.min(dial::left(until)?)),
            }
        }
    }

    /// Sends packed commands to one server and reads as many answers.
    fn send(
        &mut self,
        target: &Arc<Endpoint>,
        packed: &[u8],
        answers: usize,
        until: Instant,
    ) -> RedisResult<Vec<Value>> {
        let place = self.held.iter().position(|(it, _)| Arc::ptr_eq(it, target));
        let mut conn = match place {
            Some(place) => self.held.swap_remove(place).1,
            None => target.lease(self.patience, until)?,
        };
        match exchange(&mut conn, packed, answers, until) {
            Ok(found) => {
                if let Some(error) = found.iter().find_map(away) {
                    target.failed(self.patience, &error);
                } else {
                    target.answered(self.patience);
                    self.held.push((Arc::clone(target), conn));
                }
                Ok(found)
            }
            // The connection is not used again: an answer may still be on its way.
            Err(error) => {
                target.failed(self.patience, &error);
                Err(error)
            }
        }
    }
}

/// Sends, and reads the answers, all before the moment is over.
fn exchange(conn: &mut Connection, packed: &[u8], answers: usize, until: Instant) -> RedisResult<Vec<Value>> {
    dial::limit(conn, until)?;
    conn.send_packed_command(packed)?;
    let mut found = Vec::with_capacity(answers.min(1_024));
    for n in 0..answers {
        if n > 0 {
            dial::limit(conn, until)?;
        }
        found.push(conn.recv_response()?);
    }
    Ok(found)
}

/// The error in an answer after which the server is left alone for a while.
fn away(answer: &Value) -> Option<RedisError> {
    let Value::ServerError(error) = answer else {
        return None;
    };
    let error = RedisError::from(error.clone());
    Some(error).filter(|it| verdict(it) != Verdict::Answer)
}

impl ConnectionLike for Session<'_> {
    fn req_packed_command(&mut self, packed: &[u8]) -> RedisResult<Value> {
        let answers = self.request(packed, 1)?;
        answers.into_iter().next().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
    }

    fn req_packed_commands(&mut self, packed: &[u8], offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        let answers = self.request(packed, offset.saturating_add(count))?;
        Ok(answers.into_iter().skip(offset).collect())
    }

    fn req_command(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.req_packed_command(&command.get_packed_command())
    }

    fn get_db(&self) -> i64 {
        0
    }

    fn check_connection(&mut self) -> bool {
        redis::cmd("PING").exec(self).is_ok()
    }

    fn is_open(&self) -> bool {
        true
    }
}
