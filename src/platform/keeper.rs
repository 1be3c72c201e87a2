//! Values that a platform lends for a while (tokens, tickets), kept so that several instances use one and one of them fetches the next.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use std::sync::Arc;

use super::error::ApiError;
use crate::time::{Clock, Timestamp};

/// How long whoever fetches a value has for it before another may try: longer than a call may take.
const LEASE: Duration = Duration::from_secs(15);
/// The pause before looking again whether another instance has fetched it.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// How often is looked, so that nobody waits longer than about three seconds.
const LOOKS_MAX: u32 = 20;
/// How long before its end a value is no longer used.
const EARLY: Duration = Duration::from_mins(5);
/// The longest that a value is taken to last, whatever the platform says.
const LASTS_S_MAX: i64 = 7_200;
/// For how long nobody here asks again after the platform refused: wrong calls add up to a block of an hour (about 2,000 an hour).
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// A value and until when it is used. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// The token or ticket.
    pub value: String,
    /// From then on another one is needed.
    pub until: Timestamp,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept(until {})", self.until)
    }
}

/// Where values are kept. None of the methods fails: a keeper that cannot reach its storage answers as if it were alone.
pub trait TokenKeeper: Send + Sync {
    /// What is kept under a name, in use or not.
    fn load(&self, name: &str) -> Option<Kept>;

    /// Whether the caller is the one who fetches the next value, until `until` at the latest.
    fn claim(&self, name: &str, now: Timestamp, until: Timestamp) -> bool;

    /// Keeps a value; the claim is over.
    fn store(&self, name: &str, kept: &Kept);

    /// Gives the claim back without a value.
    fn release(&self, name: &str);
}

/// Keeps values in this process.
#[derive(Debug, Default)]
pub struct MemoryKeeper(Mutex<BTreeMap<String, Entry>>);

#[derive(Debug, Default)]
struct Entry {
    kept: Option<Kept>,
    claimed_until: Option<Timestamp>,
}

impl MemoryKeeper {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenKeeper for MemoryKeeper {
    fn load(&self, name: &str) -> Option<Kept> {
        self.entries().get(name)?.kept.clone()
    }

    fn claim(&self, name: &str, now: Timestamp, until: Timestamp) -> bool {
        let mut entries = self.entries();
        let entry = entries.entry(name.to_owned()).or_default();
        let is_free = entry.claimed_until.is_none_or(|it| it <= now);
        if is_free {
            entry.claimed_until = Some(until);
        }
        is_free
    }

    fn store(&self, name: &str, kept: &Kept) {
        let entry = Entry { kept: Some(kept.clone()), claimed_until: None };
        self.entries().insert(name.to_owned(), entry);
    }

    fn release(&self, name: &str) {
        if let Some(entry) = self.entries().get_mut(name) {
            entry.claimed_until = None;
        }
    }
}

/// A value that was just fetched.
#[derive(Clone)]
pub struct Fetched {
    /// The token or ticket.
    pub value: String,
    /// For how many seconds it is good.
    pub lasts_s: i64,
}

/// One value of one account, for everybody who needs it.
pub struct Lasting {
    name: String,
    keeper: Arc<dyn TokenKeeper>,
    clock: Arc<dyn Clock>,
    here: Mutex<Here>,
}

/// What this process knows by itself.
#[derive(Default)]
struct Here {
    kept: Option<Kept>,
    /// Until when nobody asks, and why.
    paused: Option<(Timestamp, Option<i64>)>,
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lasting").finish_non_exhaustive()
    }
}

fn ms(it: Duration) -> i64 {
    i64::try_from(it.as_millis()).unwrap_or(i64::MAX)
}

impl Lasting {
    /// A value under a name that no other account has.
    #[must_use]
    pub fn new(name: String, keeper: Arc<dyn TokenKeeper>, clock: Arc<dyn Clock>) -> Self {
        Self { name, keeper, clock, here: Mutex::default() }
    }

    /// The value that is good now, fetched if there is none. `refused` is one that the platform did not take, so another is wanted.
    ///
    /// Blocks: one thread fetches, the others of this process wait for it, and for other instances at most about three seconds.
    ///
    /// # Errors
    /// [`ApiError::NoToken`] if another instance takes too long or the platform refused a moment ago; else what `fetch` failed with.
    pub fn get(
        &self,
        call: &'static str,
        refused: Option<&str>,
        fetch: impl Fn() -> Result<Fetched, ApiError>,
    ) -> Result<String, ApiError> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_good = |it: &&Kept| it.until > now && refused != Some(it.value.as_str());
        if let Some(kept) = here.kept.as_ref().filter(is_good) {
            return Ok(kept.value.clone());
        }
        for _ in 0..LOOKS_MAX {
            if let Some(kept) = self.keeper.load(&self.name).filter(|it| is_good(&it)) {
                return Ok(here.kept.insert(kept).value.clone());
            }
            if let Some((_, code)) = here.paused.filter(|(until, _)| *until > now) {
                return Err(ApiError::NoToken { call, code });
            }
            if self.keeper.claim(&self.name, now, now.plus_ms(ms(LEASE))) {
                return self.fetch(&mut here, now, refused, fetch);
            }
            thread::sleep(LOOK_AGAIN.mul_f64(0.5 + fastrand::f64()));
        }
        Err(ApiError::NoToken { call, code: None })
    }

    /// A new value was refused as well: nobody here fetches another one for a while, as it is not the value that is wrong.
    pub fn give_up(&self, code: Option<i64>) {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.paused = Some((self.clock.now().plus_ms(ms(REFUSED_PAUSE)), code));
    }

    fn fetch(
        &self,
        here: &mut Here,
        now: Timestamp,
        refused: Option<&str>,
        fetch: impl Fn() -> Result<Fetched, ApiError>,
    ) -> Result<String, ApiError> {
        // Somebody may have fetched it between the look and the claim.
        let is_good = |it: &Kept| it.until > now && refused != Some(it.value.as_str());
        if let Some(kept) = self.keeper.load(&self.name).filter(is_good) {
            self.keeper.release(&self.name);
            return Ok(here.kept.insert(kept).value.clone());
        }
        match fetch() {
            Ok(fetched) => {
                let lasts = fetched.lasts_s.clamp(0, LASTS_S_MAX).saturating_mul(1_000);
                let kept = Kept { value: fetched.value, until: now.plus_ms(lasts - ms(EARLY).min(lasts / 10)) };
                self.keeper.store(&self.name, &kept);
                here.paused = None;
                Ok(here.kept.insert(kept).value.clone())
            }
            Err(error) => {
                self.keeper.release(&self.name);
                if let Some(code) = error.code() {
                    here.paused = Some((now.plus_ms(ms(REFUSED_PAUSE)), Some(code)));
                }
                Err(error)
            }
        }
    }
}
