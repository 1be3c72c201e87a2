//! Searches that read many stores: on blocking threads, few at a time, so that scanning never waits for them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::app::CatalogInUse;
use crate::catalog::{Found, StoreFilter};

/// Searches under way at a time.
const SEARCHES_MAX: usize = 2;
/// How long a search waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(2);

/// The turns of searches.
pub(super) struct Searches(Arc<Semaphore>);

impl Searches {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(SEARCHES_MAX)))
    }

    /// Searches a catalog.
    ///
    /// # Errors
    /// `503` if too many searches are under way.
    pub(super) async fn run(
        &self,
        catalog: &CatalogInUse,
        filter: StoreFilter,
        skip: usize,
        limit: usize,
    ) -> Result<Found, Problem> {
        if !filter.is_slow() {
            return Ok(catalog.search(&filter, skip, limit));
        }
        let turn = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Problem::busy()) };
        let catalog = Arc::clone(catalog);
        web::block(move || catalog.search(&filter, skip, limit)).await.map_err(|error| Problem::internal(&error))
    }
}
