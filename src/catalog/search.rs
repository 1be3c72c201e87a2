//! Finding stores by region and words, for choosers.

use std::collections::BTreeSet;

use super::Catalog;
use crate::region::comparable;
use crate::store::{Store, StoreStatus};

/// The longest search, in characters.
const WORDS_CHARS_MAX: usize = 100;
/// The most words of a search.
const WORDS_MAX: usize = 8;

/// Which stores are wanted. Words are parted by white space; each must stand in the name, the address, the district or the id.
#[derive(Debug, Clone, Default)]
pub struct StoreFilter {
    province: Option<String>,
    city: Option<String>,
    words: Vec<String>,
    is_unplaced: bool,
}

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// How many stores match.
    pub total: usize,
    /// The keys of those on the page, in the order of their ids.
    pub keys: Vec<u32>,
}

impl StoreFilter {
    /// A filter; what is none or empty does not narrow it. Names of regions compare without endings such as 市.
    #[must_use]
    pub fn new(province: Option<&str>, city: Option<&str>, words: Option<&str>) -> Self {
        let region = |name: Option<&str>| name.map(comparable).filter(|it| !it.is_empty());
        let words: String = words.unwrap_or_default().chars().take(WORDS_CHARS_MAX).collect();
        let words = words.split_whitespace().take(WORDS_MAX).map(str::to_lowercase).collect();
        Self { province: region(province), city: region(city), words, is_unplaced: false }
    }

    /// Stores that name neither province nor city.
    #[must_use]
    pub fn unplaced() -> Self {
        Self { is_unplaced: true, ..Self::default() }
    }

    /// Whether the search reads the texts of stores, which takes a millisecond for some thousands of them.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        !self.words.is_empty()
    }

    fn takes_place(&self, province: &str, city: &str) -> bool {
        let same = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|it| comparable(name) == *it);
        if self.is_unplaced {
            return province.is_empty() && city.is_empty();
        }
        same(&self.province, province) && same(&self.city, city)
    }
}

impl Catalog {
    /// The active stores that a filter takes: how many, and `limit` of them after the first `skip`.
    #[must_use]
    pub fn search(&self, filter: &StoreFilter, skip: usize, limit: usize) -> Found {
        let narrows_place = filter.is_unplaced || filter.province.is_some() || filter.city.is_some();
        if narrows_place {
            let places = self.cities().filter(|(province, city, _)| filter.takes_place(province, city));
            let keys: BTreeSet<u32> = places.flat_map(|(_, _, keys)| keys.iter().copied()).collect();
            return page(keys.into_iter().filter(|key| self.has_words(*key, filter)), skip, limit);
        }
        let active = (0_u32..).zip(self.stores()).filter(|(_, it)| it.status == StoreStatus::Active);
        page(active.map(|(key, _)| key).filter(|key| self.has_words(*key, filter)), skip, limit)
    }

    fn has_words(&self, key: u32, filter: &StoreFilter) -> bool {
        let holds = |text: &str, word: &str| text.contains(word) || text.to_lowercase().contains(word);
        let holds = |store: &Store, word: &str| {
            [&*store.name, &*store.address, &*store.district, store.id.as_str()].iter().any(|text| holds(text, word))
        };
        filter.words.is_empty()
            || self.store(key).is_some_and(|store| filter.words.iter().all(|word| holds(store, word)))
    }
}

fn page(keys: impl Iterator<Item = u32>, skip: usize, limit: usize) -> Found {
    let mut found = Found { total: 0, keys: Vec::with_capacity(limit.min(64)) };
    for key in keys {
        if found.total >= skip && found.keys.len() < limit {
            found.keys.push(key);
        }
        found.total += 1;
    }
    found
}
