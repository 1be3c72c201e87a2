//! Follows the catalog: whatever another process publishes becomes live here, loaded beside and swapped whole.

use std::sync::Arc;

use super::publish::{ImportError, load_catalog};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::storage::Storage;

/// Asks storage for its version and takes over a newer catalog.
#[derive(Clone)]
pub struct Follower {
    storage: Arc<dyn Storage>,
    live: Arc<Live<Catalog>>,
    metrics: Arc<Metrics>,
}

impl Follower {
    /// A follower that keeps `live` in step with `storage`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, live: Arc<Live<Catalog>>, metrics: Arc<Metrics>) -> Self {
        Self { storage, live, metrics }
    }

    /// Looks once; true if another catalog became live. Blocks: call it from a blocking thread.
    ///
    /// # Errors
    /// [`ImportError`] if storage does not answer or what it holds is no valid catalog; the one before stays live.
    pub fn look(&self) -> Result<bool, ImportError> {
        let version = self.storage.current_version()?;
        if version == self.live.load().value().version() {
            return Ok(false);
        }
        let catalog = load_catalog(&*self.storage, version).inspect_err(|_| self.metrics.catalog_refused.inc())?;
        self.note(&catalog);
        self.live.store(catalog);
        Ok(true)
    }

    /// Shows the catalog in the metrics.
    pub fn note(&self, catalog: &Catalog) {
        self.metrics.catalog_version.set(i64::try_from(catalog.version()).unwrap_or(i64::MAX));
        self.metrics.catalog_stores.set(i64::try_from(catalog.stores().len()).unwrap_or(i64::MAX));
    }
}
