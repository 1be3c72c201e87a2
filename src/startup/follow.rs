//! The thread that follows the catalog as long as the service runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::app::Follower;

/// How long one wait for a publication lasts; a stop is noticed within this time.
const WAIT: Duration = Duration::from_millis(500);
/// The longest pause after storage did not answer; half of it is chance, so that many instances do not ask at one moment.
const FAILED_PAUSE: Duration = Duration::from_millis(500);

/// Tells the thread to end when this is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Follows until this is dropped, or the thread died.
pub(super) async fn follow(follower: Follower) {
    let (alive, ended) = oneshot::channel::<()>();
    let stop = Stop(Arc::default());
    let is_over = Arc::clone(&stop.0);
    let spawned = thread::Builder::new().name("follow".to_owned()).spawn(move || {
        follow_until(&follower, &is_over);
        drop(alive);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "the system gives no thread that follows the catalog");
        return;
    }
    let _ = ended.await;
    drop(stop);
}

fn follow_until(follower: &Follower, is_over: &AtomicBool) {
    let mut is_silent = false;
    while !is_over.load(Ordering::Relaxed) {
        match follower.follow(WAIT) {
            Ok(true) => tracing::info!("another catalog is live"),
            Ok(false) => is_silent = false,
            Err(error) => {
                // A refused catalog is looked at again after a while; storage that does not answer is told of once.
                if !is_silent {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "the catalog cannot be followed; the one before stays live");
                }
                is_silent = true;
                thread::sleep(FAILED_PAUSE.mul_f64(0.5 + 0.5 * fastrand::f64()));
            }
        }
    }
}
