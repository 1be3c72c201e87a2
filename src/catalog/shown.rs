//! What answers about stores read most often, side by side; not what they make of it.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Catalog;
use super::by_owner::{index, key};
use crate::store::{Store, Zone};
use crate::time::Timestamp;

/// What every answer about a store reads, in one cache line.
pub(super) struct Shown {
    text: OnceLock<Box<str>>,
    /// The first store with the same times: a chain has few different ones, so those stay in the cache.
    same_times: u32,
}

pub(super) fn of(stores: &[Store]) -> Box<[Shown]> {
    let mut first = HashMap::new();
    let times =
        |it: &Store| (it.hours.clone().map(String::from), it.closures.to_string(), it.zone.clone().map(String::from));
    let same_times = stores.iter().enumerate().map(|(place, it)| *first.entry(times(it)).or_insert(key(place)));
    same_times.map(|same_times| Shown { text: OnceLock::new(), same_times }).collect()
}

impl Catalog {
    /// Room for one text about the store with this key, made once by whoever shows it.
    #[must_use]
    pub fn prepared(&self, key: u32) -> Option<&OnceLock<Box<str>>> {
        self.shown.get(index(key)).map(|it| &it.text)
    }

    /// Whether the store with this key is open at this moment; `None` if its hours are unknown.
    #[must_use]
    pub fn is_open(&self, key: u32, now: Timestamp, default_zone: &Zone) -> Option<bool> {
        self.store(self.shown.get(index(key))?.same_times)?.is_open(now, default_zone)
    }

    /// The moment at which the store with this key opens next, if it is closed and that is known.
    #[must_use]
    pub fn opens_at(&self, key: u32, now: Timestamp, default_zone: &Zone) -> Option<Timestamp> {
        self.store(key)?.opens_at(now, default_zone)
    }
}
