//! One server, or the primary of a service: its open connections, and whether it is asked at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, RedisError, RedisResult};

use super::breaker::Breaker;
use super::dial::{self, Address, Dialer, Target};
use super::link::Patience;
use super::verdict::{Verdict, verdict};

/// How long making a connection may take in all. A link of half a second's delay needs several times that.
const DIAL_WAIT: Duration = Duration::from_secs(2);
/// How long an idle connection may take to show that it is alive, while a visit waits.
const CHECK_WAIT_VISIT: Duration = Duration::from_millis(40);
/// How long it may take otherwise.
const CHECK_WAIT_WORK: Duration = Duration::from_millis(1_500);
/// Connections that are kept open; more are opened when needed and closed again.
const IDLE_MAX: usize = 8;
/// An idle connection of this age is looked at before it is used.
const IDLE_TRUSTED: Duration = Duration::from_secs(2);
/// Connections that are made at the same time.
const DIALS_MAX: usize = 128;

/// A server and the connections to it.
pub(super) struct Endpoint {
    target: Target,
    dialer: Dialer,
    name: String,
    idle: Mutex<Idle>,
    dials: AtomicUsize,
    /// Visits give up sooner, so that a server may be too slow for them and quick enough for the rest.
    visit: Breaker,
    work: Breaker,
}

#[derive(Default)]
struct Idle {
    conns: Vec<(Connection, Instant)>,
    /// Connections that were last used before this are looked at before they are used.
    suspect: Option<Instant>,
    /// What failed last.
    fault: Option<RedisError>,
}

impl Endpoint {
    pub(super) fn new(target: Target, dialer: Dialer) -> Arc<Self> {
        let name = match &target {
            Target::At((host, port)) => format!("{host}:{port}"),
            Target::Primary { service, .. } => format!("the primary of {service}"),
        };
        Arc::new(Self {
            target,
            dialer,
            name,
            idle: Mutex::default(),
            dials: AtomicUsize::new(0),
            visit: Breaker::default(),
            work: Breaker::default(),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is not asked: what failed a moment ago.
    fn refused(&self) -> RedisError {
        let fault = self.idle().fault.as_ref().map(ToString::to_string).unwrap_or_default();
        std::io::Error::other(format!("not asked now, for a moment ago it failed: {fault}")).into()
    }

    fn breaker(&self, patience: Patience) -> &Breaker {
        match patience {
            Patience::Visit => &self.visit,
            Patience::Work => &self.work,
        }
    }

    /// Where it is; none if only sentinels know.
    pub(super) fn address(&self) -> Option<&Address> {
        match &self.target {
            Target::At(at) => Some(at),
            Target::Primary { .. } => None,
        }
    }

    /// A connection that is alive, or was a moment ago.
    pub(super) fn lease(self: &Arc<Self>, patience: Patience, until: Instant) -> RedisResult<Connection> {
        if !self.breaker(patience).admits(Instant::now()) {
            return Err(self.refused());
        }
        let found = self.kept(patience, until).map_or_else(|| self.dialled(until), Ok);
        if let Err(error) = &found {
            self.failed(patience, error);
        }
        found
    }

    /// An idle connection. One that was not used lately, or since something failed, is looked at first.
    fn kept(&self, patience: Patience, until: Instant) -> Option<Connection> {
        let now = Instant::now();
        let (mut conn, is_trusted) = {
            let idle = &mut *self.idle();
            let (conn, used) = idle.conns.pop()?;
            let is_recent = now.saturating_duration_since(used) < IDLE_TRUSTED;
            (conn, is_recent && idle.suspect.is_none_or(|it| it < used))
        };
        if is_trusted {
            return Some(conn);
        }
        let wait = if patience == Patience::Visit { CHECK_WAIT_VISIT } else { CHECK_WAIT_WORK };
        let checked = dial::limit(&conn, (now + wait).min(until)).and_then(|()| dial::check(&mut conn, &self.target));
        if checked.is_ok() {
            return Some(conn);
        }
        self.idle().conns.clear();
        None
    }

    /// A new connection. Making one may take longer than the caller waits; then it is kept for the next one.
    fn dialled(self: &Arc<Self>, until: Instant) -> RedisResult<Connection> {
        if self.dials.fetch_add(1, Ordering::Relaxed) >= DIALS_MAX {
            self.dials.fetch_sub(1, Ordering::Relaxed);
            return Err(std::io::Error::other("too many connections are being made").into());
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let it = Arc::clone(self);
        let spawned = thread::Builder::new().name("redis".to_owned()).spawn(move || {
            let made = it.dialer.dial(&it.target, Instant::now() + DIAL_WAIT);
            it.dials.fetch_sub(1, Ordering::Relaxed);
            if let Err(mpsc::SendError(made)) = sender.send(made) {
                match made {
                    Ok(conn) => it.give_back(conn),
                    Err(error) => it.failed(Patience::Work, &error),
                }
            }
        });
        if let Err(error) = spawned {
            self.dials.fetch_sub(1, Ordering::Relaxed);
            return Err(error.into());
        }
        let timed_out = |_late| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        receiver.recv_timeout(dial::left(until)?).map_err(timed_out)?
    }

    /// Keeps a connection for the next one who needs it.
    pub(super) fn give_back(&self, conn: Connection) {
        let idle = &mut *self.idle();
        if idle.conns.len() < IDLE_MAX {
            idle.conns.push((conn, Instant::now()));
        }
    }

    /// A new connection that is nobody else's and is not given back.
    pub(super) fn alone(self: &Arc<Self>) -> RedisResult<Connection> {
        if !self.work.admits(Instant::now()) {
            return Err(self.refused());
        }
        let made = self.dialled(Instant::now() + DIAL_WAIT);
        match &made {
            Ok(_) => self.answered(Patience::Work),
            Err(error) => self.failed(Patience::Work, error),
        }
        made
    }

    /// Notes that it answered.
    pub(super) fn answered(&self, patience: Patience) {
        if self.breaker(patience).succeed() && patience == Patience::Work {
            tracing::info!(server = self.name, "Redis answers again");
        }
    }

    /// Notes that it did not, or that it is not what it should be.
    pub(super) fn failed(&self, patience: Patience, error: &RedisError) {
        let now = Instant::now();
        {
            let idle = &mut *self.idle();
            idle.suspect = Some(now);
            idle.fault = Some(error.clone());
        }
        let is_late_for_visit = patience == Patience::Visit && error.is_timeout();
        self.visit.fail(now, fastrand::f64());
        if is_late_for_visit || !self.work.fail(now, fastrand::f64()) {
            return;
        }
        let server = self.name.as_str();
        if verdict(error) == Verdict::Refused {
            tracing::error!(server, %error, "Redis refuses the user or the password; correct the setting storage");
        } else {
            tracing::warn!(server, %error, "Redis does not answer; it is asked again until it does");
        }
    }
}
