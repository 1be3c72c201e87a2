//! Follows the catalog: whatever another process publishes becomes live here, loaded beside and swapped whole; and what storage has
//! lost is put back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::last_good::LastGood;
use super::publish::ImportError;
use super::put_back::put_back;
use super::takeover::{Passed, TakenOver, passed, take_over};
use crate::catalog::{Catalog, Edits};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::storage::{Change, Storage, StorageError, Trouble, VersionInfo};
use crate::time::Clock;

/// A catalog that was refused is looked at again after so long: a million stores are not read five times a second in vain.
const REFUSED_WAIT: Duration = Duration::from_secs(30);
/// How often it is asked whether the version that is live is still the same: storage may have been emptied and filled again up to it.
const COMPARE_EVERY: Duration = Duration::from_secs(2);
/// A catalog that storage has lost is put back after chance has let one instance be first, within this time.
const PUT_BACK_SPREAD: Duration = Duration::from_millis(400);

/// Asks storage for its version and takes over a newer catalog.
#[derive(Clone)]
pub struct Follower {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Arc<dyn Storage>,
    live: Arc<Live<Catalog>>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    /// The catalog on disk, where storage is shared; without it storage and catalog are one file.
    last_good: Option<LastGood>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The version that was refused last, and when.
    refused: Option<(u64, Instant)>,
    /// Who published the version that was taken over last.
    info: Option<VersionInfo>,
    /// From which version that was, and what was different.
    step: Option<(u64, Vec<Change>)>,
    /// Storage was out of reach, and may hold something else than before.
    is_doubtful: bool,
    /// When it was asked last whether it does.
    compared: Option<Instant>,
}

impl State {
    /// Doubts from time to time, where storage is shared.
    fn doubt(&mut self, is_shared: bool) -> bool {
        if is_shared && self.compared.is_none_or(|it| it.elapsed() >= COMPARE_EVERY) {
            (self.is_doubtful, self.compared) = (true, Some(Instant::now()));
        }
        self.is_doubtful
    }
}

impl Follower {
    /// A follower that keeps `live` in step with `storage`.
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        live: Arc<Live<Catalog>>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        last_good: Option<LastGood>,
    ) -> Self {
        let info = last_good.as_ref().and_then(LastGood::held);
        let state = State { info, is_doubtful: true, ..State::default() };
        let inner = Inner { storage, live, metrics, clock, last_good, state: Mutex::new(state) };
        inner.note();
        inner.note_on_disk();
        Self { inner: Arc::new(inner) }
    }

    /// Waits for a publication and takes it over; true if another catalog became live. Blocks for `wait` and the loading: it has a
    /// thread of its own.
    ///
    /// # Errors
    /// [`ImportError`] if storage does not answer or what it holds is no valid catalog; the one before stays live.
    pub fn follow(&self, wait: Duration) -> Result<bool, ImportError> {
        let inner = &*self.inner;
        let held = inner.live.load().value().version();
        let (known, is_doubtful) = {
            let mut state = inner.state();
            (state.refused.map_or(held, |(it, _)| it), state.doubt(inner.last_good.is_some()))
        };
        let is_later = match inner.storage.wait_for_publication(known, if is_doubtful { Duration::ZERO } else { wait })
        {
            Ok(version) => version != known || known != held,
            Err(error) => {
                inner.state().is_doubtful = true;
                return Err(error.into());
            }
        };
        let took = (is_later || is_doubtful).then(|| inner.look(true)).transpose().inspect_err(|error| {
            inner.state().is_doubtful |= matches!(error, ImportError::Storage(_));
        })?;
        inner.keep();
        Ok(took.unwrap_or_default())
    }

    /// Looks once, also at what was refused before; true if another catalog became live. Blocks.
    ///
    /// # Errors
    /// As [`Follower::follow`].
    pub fn catch_up(&self) -> Result<bool, ImportError> {
        self.inner.look(false)
    }

    /// Shows the catalog that is live in the metrics.
    pub fn note(&self) {
        self.inner.note();
    }

    /// Counts a version that is not taken over, and lets it rest.
    pub fn refuse(&self, version: u64) {
        self.inner.refuse(&mut self.inner.state(), version);
    }
}

/// How what storage holds is related to what is live.
enum Relation {
    /// It is the same, or what came of it.
    Descends,
    /// It is of the same installation, and came about otherwise.
    Diverged,
    /// It is older, or nothing.
    Behind,
    /// It is of another installation.
    Foreign,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever looks holds the state, so that nothing is loaded twice.
    fn look(&self, is_patient: bool) -> Result<bool, ImportError> {
        let state = &mut *self.state();
        // What is live is taken first: somebody here may publish in between.
        let held = self.live.snapshot();
        let version = self.storage.current_version()?;
        if version == held.version() && !state.is_doubtful {
            self.metrics.alerting.catalog_refused_version.set(0);
            state.refused = None;
            return Ok(false);
        }
        let rests = |(it, at): (u64, Instant)| it == version && at.elapsed() < REFUSED_WAIT;
        if is_patient && state.refused.is_some_and(rests) {
            state.is_doubtful = false;
            return Ok(false);
        }
        let known = state.info.clone().filter(|it| it.version == held.version());
        let between = passed(&*self.storage, held.version(), version)?;
        match self.relation(&held, version, known.as_ref(), between.before.as_ref())? {
            Relation::Descends if version == held.version() => {
                (state.info, state.is_doubtful) = (between.after, false);
                self.metrics.alerting.catalog_refused_version.set(0);
                state.refused = None;
                Ok(false)
            }
            Relation::Descends => self.take(state, &held, version, between),
            Relation::Diverged => {
                tracing::warn!(
                    version,
                    live = held.version(),
                    "storage holds another history; its catalog is loaded anew"
                );
                let between = passed(&*self.storage, version, version)?;
                self.take(state, &held, version, between)
            }
            Relation::Behind => self.give(state, &held, version),
            Relation::Foreign => {
                self.refuse(state, version);
                tracing::error!(
                    version,
                    live = held.version(),
                    "storage belongs to another installation; its catalog is not followed. If that is meant, move \
                     catalog.sqlite out of the data folder and start again"
                );
                Ok(false)
            }
        }
    }

    fn relation(
        &self,
        held: &Catalog,
        version: u64,
        known: Option<&VersionInfo>,
        found: Option<&VersionInfo>,
    ) -> Result<Relation, StorageError> {
        let Some(last_good) = self.last_good.as_ref().filter(|_| held.version() > 0) else {
            return Ok(Relation::Descends);
        };
        let is_same = found.is_some() && known.is_none_or(|it| Some(it) == found);
        if is_same && version >= held.version() {
            return Ok(Relation::Descends);
        }
        // A storage that lost everything gets the secret back with this.
        let ours = last_good.secret();
        Ok(if self.storage.secret(&|| ours)? != ours {
            Relation::Foreign
        } else if version < held.version() {
            Relation::Behind
        } else {
            Relation::Diverged
        })
    }

    fn take(&self, state: &mut State, held: &Catalog, version: u64, between: Passed) -> Result<bool, ImportError> {
        let taken = take_over(&*self.storage, version, held, between).inspect_err(|error| {
            // Storage that does not answer says nothing about the catalog.
            if !matches!(error, ImportError::Storage(_)) {
                self.refuse(state, version);
            }
        })?;
        let TakenOver { catalog, info, changes } = taken;
        let before = held.version();
        // Somebody here may have published meanwhile; what is live then is looked at the next time.
        let is_live = self.live.store_if(catalog, |current, _| current.version() == before);
        if is_live {
            *state = State { info, step: changes.map(|it| (before, it)), ..State::default() };
            self.metrics.alerting.catalog_refused_version.set(0);
            self.note();
        }
        Ok(is_live)
    }

    /// Gives storage back what it has lost. Of several instances one is first; the others follow it.
    fn give(&self, state: &mut State, held: &Catalog, version: u64) -> Result<bool, ImportError> {
        std::thread::sleep(PUT_BACK_SPREAD.mul_f64(fastrand::f64()));
        if self.storage.current_version()? != version {
            return Ok(false);
        }
        let live = held.version();
        let put = match put_back(&*self.storage, version, held, self.clock.now()) {
            Ok(put) => put,
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.metrics.catalog_put_back.inc();
        tracing::error!(
            version,
            live,
            put_back = put,
            "storage held an older catalog than is live here, so it was emptied or restored; the later one was put back"
        );
        // It is the same catalog under its new number.
        let catalog = held.with(put, Edits::default()).map_err(ImportError::Invalid)?;
        let is_live = self.live.store_if(catalog, |current, _| current.version() == live);
        *state = State::default();
        self.note();
        Ok(is_live)
    }

    fn refuse(&self, state: &mut State, version: u64) {
        let before = state.refused.replace((version, Instant::now()));
        if before.is_none_or(|(it, _)| it != version) {
            self.metrics.catalog_refused.inc();
        }
        self.metrics.alerting.catalog_refused_version.set(i64::try_from(version).unwrap_or(i64::MAX));
    }

    /// Shows the catalog in the metrics.
    fn note(&self) {
        let catalog = self.live.load();
        self.metrics.catalog_version.set(i64::try_from(catalog.version()).unwrap_or(i64::MAX));
        self.metrics.catalog_stores.set(i64::try_from(catalog.stores().len()).unwrap_or(i64::MAX));
    }

    /// Brings the catalog on disk up to what is live.
    fn keep(&self) {
        let Some(last_good) = &self.last_good else { return };
        let live = self.live.snapshot();
        let on_disk = last_good.held().map_or(0, |it| it.version);
        if on_disk == live.version() || live.version() == 0 {
            return;
        }
        let (info, step) = {
            let mut state = self.state();
            (state.info.clone(), state.step.take())
        };
        last_good.keep(&*self.storage, &live, info.filter(|it| it.version == live.version()), step);
        self.note_on_disk();
    }

    fn note_on_disk(&self) {
        let on_disk = self.last_good.as_ref().and_then(LastGood::held).map_or(0, |it| it.version);
        self.metrics.catalog_on_disk_version.set(i64::try_from(on_disk).unwrap_or(i64::MAX));
    }
}
