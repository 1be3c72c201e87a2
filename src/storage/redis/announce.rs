//! Announcements of publications: a connection that listens, and a look at the version now and then, because announcements get lost.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use redis::RedisResult;

use super::super::StorageError;
use super::link::Link;
use super::{catalog, keys};

/// How often the version is looked at although nothing was announced.
const LOOK_EVERY: Duration = Duration::from_millis(700);
/// How long one read waits for an announcement; a stop is noticed within this time.
const LISTEN_WAIT: Duration = Duration::from_secs(1);
/// After so many reads without an announcement the other side has to show that it is there: a cut is not always told.
const SILENT_READS_MAX: u32 = 5;
/// The longest pause before another connection is made; half of it is chance.
const AGAIN_MAX: Duration = Duration::from_millis(800);
/// Instances that hear of a publication at the same moment fetch it spread over this time.
const SPREAD: Duration = Duration::from_millis(100);

#[derive(Default)]
struct State {
    /// Whether anybody listens.
    is_heard: bool,
    /// Whether something was announced, or may have been while nobody listened.
    is_new: bool,
    /// When the version was looked at last.
    looked: Option<Instant>,
}

/// What one instance hears of publications.
#[derive(Default)]
pub(super) struct Announcements {
    state: Mutex<State>,
    told: Condvar,
}

impl fmt::Debug for Announcements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcements").finish_non_exhaustive()
    }
}

impl Announcements {
    /// As [`super::super::Storage::wait_for_publication`].
    pub(super) fn wait(self: &Arc<Self>, link: &Arc<Link>, known: u64, wait: Duration) -> Result<u64, StorageError> {
        let now = Instant::now();
        let mut state = self.state();
        if !state.is_heard {
            // Where the system gives no thread, looking now and then has to do.
            state.is_heard = listen(self, link).is_ok();
        }
        let due = state.looked.map_or(now, |it| it + LOOK_EVERY);
        let until = due.min(now + wait).saturating_duration_since(now);
        let waited = self.told.wait_timeout_while(state, until, |it| !it.is_new);
        let (mut state, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_told = std::mem::take(&mut state.is_new);
        if !is_told && Instant::now() < due {
            return Ok(known);
        }
        state.looked = Some(Instant::now());
        drop(state);
        if is_told {
            thread::sleep(SPREAD.mul_f64(fastrand::f64()));
        }
        catalog::current_version(link)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.state().is_new = true;
        self.told.notify_all();
    }
}

/// Listens until nobody waits for announcements any more.
fn listen(to: &Arc<Announcements>, link: &Arc<Link>) -> std::io::Result<()> {
    let (to, link) = (Arc::downgrade(to), Arc::clone(link));
    thread::Builder::new().name("announcements".to_owned()).spawn(move || {
        while to.strong_count() > 0 {
            // That servers do not answer is told where they are asked; and a user who may not listen looks now and then.
            if let Ok(mut conn) = link.alone() {
                let _ = hear(&mut conn, &to);
            }
            thread::sleep(AGAIN_MAX.mul_f64(0.5 + 0.5 * fastrand::f64()));
        }
    })?;
    Ok(())
}

/// Hears announcements on a connection until it fails or nobody waits for them any more.
fn hear(conn: &mut redis::Connection, to: &Weak<Announcements>) -> RedisResult<()> {
    conn.set_read_timeout(Some(LISTEN_WAIT))?;
    conn.set_write_timeout(Some(LISTEN_WAIT))?;
    let mut announced = conn.as_pubsub();
    announced.subscribe(keys::CATALOG_CHANNEL)?;
    // What was announced while nobody listened is lost.
    let mut is_new = true;
    let mut silent_reads = 0;
    while let Some(to) = to.upgrade() {
        if std::mem::take(&mut is_new) {
            to.tell();
        }
        drop(to);
        match announced.get_message() {
            Ok(_version) => (is_new, silent_reads) = (true, 0),
            Err(error) if error.is_timeout() => silent_reads += 1,
            Err(error) => return Err(error),
        }
        if silent_reads >= SILENT_READS_MAX {
            announced.ping::<redis::Value>()?;
            silent_reads = 0;
        }
    }
    Ok(())
}
