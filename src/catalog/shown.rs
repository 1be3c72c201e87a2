//! What answers about stores read most often, side by side; not what they make of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::Catalog;
use super::by_owner::{index, key};
use super::chunked::Chunked;
use crate::store::{Store, Zone};
use crate::time::Timestamp;

/// What every answer about a store reads, in one cache line.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    text: OnceLock<Box<str>>,
    /// Which of the different times are the store's: a chain has few, so those stay in the cache.
    times: u32,
}

/// What all answers about stores read.
#[derive(Debug, Clone)]
pub(super) struct AllShown {
    stores: Chunked<Shown>,
    /// A store with nothing but its hours, closures and zone, for each that are different.
    times: Arc<Vec<Store>>,
}

/// The times of a store, and nothing else of it.
fn times(store: &Store) -> Store {
    let nothing: Box<str> = "".into();
    Store {
        name: nothing.clone(),
        address: nothing.clone(),
        province: nothing.clone(),
        city: nothing.clone(),
        district: nothing,
        tags: Box::new([]),
        extra: BTreeMap::new(),
        ..store.clone()
    }
}

fn same_times(a: &Store, b: &Store) -> bool {
    a.hours == b.hours && a.closures == b.closures && a.zone == b.zone
}

impl AllShown {
    pub(super) fn of(stores: &[Store]) -> Self {
        let mut known = HashMap::new();
        let mut all = Vec::new();
        let mut shown = Vec::with_capacity(stores.len());
        for it in stores {
            let words = (
                it.hours.as_ref().map(crate::store::OpeningHours::as_str),
                it.closures.to_string(),
                it.zone.as_ref().map(Zone::name),
            );
            let times = *known.entry(words).or_insert_with(|| {
                all.push(times(it));
                key(all.len() - 1)
            });
            shown.push(Shown { text: OnceLock::new(), times });
        }
        Self { stores: Chunked::new(shown), times: Arc::new(all) }
    }

    /// The same, but for some stores, by their keys.
    pub(super) fn with(&self, stores: &[(u32, &Store)]) -> Self {
        let mut all = Arc::clone(&self.times);
        let mut changed = Vec::new();
        for (store_key, store) in stores {
            let place = all.iter().position(|it| same_times(it, store)).unwrap_or_else(|| {
                Arc::make_mut(&mut all).push(times(store));
                all.len() - 1
            });
            changed.push((*store_key, Shown { text: OnceLock::new(), times: key(place) }));
        }
        Self { stores: self.stores.with(changed), times: all }
    }
}

impl Catalog {
    /// Room for one text about the store with this key, made once by whoever shows it.
    #[must_use]
    pub fn prepared(&self, key: u32) -> Option<&OnceLock<Box<str>>> {
        self.shown.stores.at(key).map(|it| &it.text)
    }

    /// Whether the store with this key is open at this moment; `None` if its hours are unknown.
    #[must_use]
    pub fn is_open(&self, key: u32, now: Timestamp, default_zone: &Zone) -> Option<bool> {
        let times = self.shown.stores.at(key)?.times;
        self.shown.times.get(index(times))?.is_open(now, default_zone)
    }

    /// The moment at which the store with this key opens next, if it is closed and that is known.
    #[must_use]
    pub fn opens_at(&self, key: u32, now: Timestamp, default_zone: &Zone) -> Option<Timestamp> {
        self.store(key)?.opens_at(now, default_zone)
    }
}
