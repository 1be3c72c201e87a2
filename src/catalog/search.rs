//! Finding stores by region and words, for choosers.

use super::Catalog;
use crate::region::comparable;
use crate::store::{Store, StoreStatus};

/// The longest search, in characters.
const WORDS_CHARS_MAX: usize = 100;

/// Which stores are wanted. Words are parted by white space; each must stand in the name, the address, the district or the id.
#[derive(Debug, Default)]
pub struct StoreFilter {
    province: Option<String>,
    city: Option<String>,
    words: Vec<String>,
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
        let words = words.split_whitespace().map(str::to_lowercase).collect();
        Self { province: region(province), city: region(city), words }
    }

    fn takes(&self, store: &Store) -> bool {
        let same = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|it| comparable(name) == *it);
        let holds = |word: &String| {
            [&*store.name, &*store.address, &*store.district, store.id.as_str()]
                .iter()
                .any(|text| text.to_lowercase().contains(word.as_str()))
        };
        store.status == StoreStatus::Active
            && same(&self.province, &store.province)
            && same(&self.city, &store.city)
            && self.words.iter().all(holds)
    }

    fn narrows(&self) -> bool {
        self.province.is_some() || self.city.is_some() || !self.words.is_empty()
    }
}

impl Catalog {
    /// The active stores that a filter takes: how many, and `limit` of them after the first `skip`.
    #[must_use]
    pub fn search(&self, filter: &StoreFilter, skip: usize, limit: usize) -> Found {
        let all = (0_u32..).zip(self.stores());
        let taken =
            all.filter(|(_, it)| if filter.narrows() { filter.takes(it) } else { it.status == StoreStatus::Active });
        let mut found = Found { total: 0, keys: Vec::with_capacity(limit.min(64)) };
        for (key, _) in taken {
            if found.total >= skip && found.keys.len() < limit {
                found.keys.push(key);
            }
            found.total += 1;
        }
        found
    }
}
