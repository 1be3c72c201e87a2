//! Follows the catalog: whatever another process publishes becomes live here, loaded beside and swapped whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::load::load_catalog_after;
use super::publish::ImportError;
use crate::catalog::Catalog;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::storage::Storage;

/// A catalog that was refused is looked at again after so long: a million stores are not read five times a second in vain.
const REFUSED_WAIT: Duration = Duration::from_secs(30);

/// Asks storage for its version and takes over a newer catalog.
#[derive(Clone)]
pub struct Follower {
    storage: Arc<dyn Storage>,
    live: Arc<Live<Catalog>>,
    metrics: Arc<Metrics>,
    /// The version that was refused last, and when.
    refused: Arc<Mutex<Option<(u64, Instant)>>>,
}

impl Follower {
    /// A follower that keeps `live` in step with `storage`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, live: Arc<Live<Catalog>>, metrics: Arc<Metrics>) -> Self {
        Self { storage, live, metrics, refused: Arc::new(Mutex::new(None)) }
    }

    /// Looks once; true if another catalog became live. Blocks: call it from a blocking thread.
    ///
    /// # Errors
    /// [`ImportError`] if storage does not answer or what it holds is no valid catalog; the one before stays live.
    pub fn look(&self) -> Result<bool, ImportError> {
        let version = self.storage.current_version()?;
        let held = self.live.load();
        if version == held.value().version() {
            self.metrics.alerting.catalog_refused_version.set(0);
            return Ok(false);
        }
        if self.was_refused(version) {
            return Ok(false);
        }
        let catalog = load_catalog_after(&*self.storage, version, held.value()).inspect_err(|error| {
            // Storage that does not answer says nothing about the catalog.
            if !matches!(error, ImportError::Storage(_)) {
                self.refuse(version);
            }
        })?;
        self.note(&catalog);
        self.live.store(catalog);
        Ok(true)
    }

    fn was_refused(&self, version: u64) -> bool {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|(it, at)| it == version && at.elapsed() < REFUSED_WAIT)
    }

    /// Counts a version that is not taken over, and lets it rest.
    pub fn refuse(&self, version: u64) {
        let before = self.refused.lock().unwrap_or_else(PoisonError::into_inner).replace((version, Instant::now()));
        if before.is_none_or(|(it, _)| it != version) {
            self.metrics.catalog_refused.inc();
        }
        self.metrics.alerting.catalog_refused_version.set(i64::try_from(version).unwrap_or(i64::MAX));
    }

    /// Shows the catalog in the metrics.
    pub fn note(&self, catalog: &Catalog) {
        self.metrics.catalog_version.set(i64::try_from(catalog.version()).unwrap_or(i64::MAX));
        self.metrics.catalog_stores.set(i64::try_from(catalog.stores().len()).unwrap_or(i64::MAX));
    }
}
