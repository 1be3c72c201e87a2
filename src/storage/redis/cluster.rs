//! A Cluster: which server is asked about which key, learnt from the servers and learnt again when they say otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, ErrorKind, RedisError, RedisResult, Value};

use super::dial::{self, Address, Dialer, Target};
use super::endpoint::Endpoint;
use super::slots::Slots;

/// How long one server may take to say who has which slots.
const ASK_WAIT: Duration = Duration::from_secs(1);
/// How long all servers may take together.
const LEARN_WAIT: Duration = Duration::from_secs(5);
/// The servers are not asked again sooner.
const LEARN_EVERY: Duration = Duration::from_millis(200);

/// The servers of a Cluster.
pub(super) struct Cluster {
    seeds: Vec<Address>,
    dialer: Dialer,
    state: Mutex<State>,
    /// Told when asking has ended.
    learnt: Condvar,
}

#[derive(Default)]
struct State {
    slots: Slots,
    endpoints: HashMap<Address, Arc<Endpoint>>,
    is_learning: bool,
    asked: Option<Instant>,
    /// Why nobody said who has which slots.
    fault: Option<RedisError>,
}

fn nobody(fault: Option<&RedisError>) -> RedisError {
    let why = fault.map(ToString::to_string).unwrap_or_default();
    (ErrorKind::ClusterConnectionNotFound, "no server of the Cluster is known to have this key", why).into()
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>, dialer: Dialer) -> Arc<Self> {
        Arc::new(Self { seeds, dialer, state: Mutex::default(), learnt: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server that has a slot; any server for none.
    pub(super) fn owner(self: &Arc<Self>, slot: Option<u16>, until: Instant) -> RedisResult<Arc<Endpoint>> {
        let mut state = self.state();
        if state.slots.is_empty() {
            self.learn_soon(&mut state);
            let wait = dial::left(until)?;
            let learnt = self.learnt.wait_timeout_while(state, wait, |it| it.is_learning && it.slots.is_empty());
            state = learnt.unwrap_or_else(PoisonError::into_inner).0;
        }
        let owner = match slot {
            Some(slot) => state.slots.owner(slot),
            None => state.slots.owner(fastrand::u16(0..16_384)),
        };
        if let Some(owner) = owner.cloned() {
            return Ok(self.endpoint(&mut state, &owner));
        }
        self.learn_soon(&mut state);
        Err(nobody(state.fault.as_ref()))
    }

    fn endpoint(&self, state: &mut State, at: &Address) -> Arc<Endpoint> {
        let make = || Endpoint::new(Target::At(at.clone()), self.dialer.clone());
        Arc::clone(state.endpoints.entry(at.clone()).or_insert_with(make))
    }

    /// The server at an address that another server named.
    pub(super) fn at(&self, at: &Address) -> Arc<Endpoint> {
        self.endpoint(&mut self.state(), at)
    }

    /// Notes that a slot is elsewhere for good, and asks about the others.
    pub(super) fn moved(self: &Arc<Self>, slot: u16, to: Address) -> Arc<Endpoint> {
        let state = &mut *self.state();
        let endpoint = self.endpoint(state, &to);
        state.slots.note(slot, to);
        self.learn_soon(state);
        endpoint
    }

    /// Asks who has which slots, because a server failed.
    pub(super) fn doubt(self: &Arc<Self>) {
        self.learn_soon(&mut self.state());
    }

    /// A new connection to any server that answers.
    pub(super) fn alone(self: &Arc<Self>, until: Instant) -> RedisResult<Connection> {
        let mut error = nobody(None);
        for at in self.candidates() {
            let wait = (Instant::now() + ASK_WAIT).min(until);
            match self.dialer.dial(&Target::At(at), wait) {
                Ok(conn) => return Ok(conn),
                Err(found) => error = found,
            }
        }
        Err(error)
    }

    /// All servers that may know, in an order by chance, so that one that hangs is not always asked first.
    fn candidates(&self) -> Vec<Address> {
        let mut all: Vec<Address> = self.state().slots.nodes().to_vec();
        all.extend(self.seeds.iter().filter(|it| !all.contains(it)).cloned().collect::<Vec<_>>());
        fastrand::shuffle(&mut all);
        all
    }

    /// Asks on a thread of its own, one at a time.
    fn learn_soon(self: &Arc<Self>, state: &mut State) {
        let now = Instant::now();
        let is_too_soon = state.asked.is_some_and(|it| now.saturating_duration_since(it) < LEARN_EVERY);
        if state.is_learning || is_too_soon {
            return;
        }
        let it = Arc::clone(self);
        let spawned = thread::Builder::new().name("redis-slots".to_owned()).spawn(move || {
            let found = it.learn(Instant::now() + LEARN_WAIT);
            let state = &mut *it.state();
            state.is_learning = false;
            state.asked = Some(Instant::now());
            match found {
                Ok(slots) => {
                    state.endpoints.retain(|at, _| slots.nodes().contains(at));
                    state.slots = slots;
                }
                Err(error) => state.fault = Some(error),
            }
            it.learnt.notify_all();
        });
        state.is_learning = spawned.is_ok();
    }

    /// Asks one server after another who has which slots, until one knows.
    pub(super) fn learn(&self, until: Instant) -> RedisResult<Slots> {
        let mut error = nobody(None);
        for at in self.candidates() {
            match self.ask(&at, (Instant::now() + ASK_WAIT).min(until)) {
                Ok(Some(slots)) => return Ok(slots),
                Ok(None) => {}
                Err(found) => error = found,
            }
        }
        Err(error)
    }

    fn ask(&self, at: &Address, until: Instant) -> RedisResult<Option<Slots>> {
        let mut conn = self.dialer.dial(&Target::At(at.clone()), until)?;
        let answer: Vec<Value> = redis::cmd("CLUSTER").arg("SLOTS").query(&mut conn)?;
        Ok(Slots::read(answer, at))
    }
}
