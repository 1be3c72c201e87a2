//! Finding stores by region and words, for choosers.

use std::collections::{BTreeSet, HashMap};

use super::spelling::{WORD_CHARS_MAX, Word};
use super::{Catalog, Selection};
use crate::geo::Position;
use crate::id::CampaignSlug;
use crate::region::comparable;
use crate::store::{Store, StoreStatus};

/// The longest search, in characters.
const WORDS_CHARS_MAX: usize = 100;
/// The most words of a search.
const WORDS_MAX: usize = 8;

/// Which stores are wanted. Words are parted by white space; each must stand in the name, the address, the names of the region or
/// the id, in characters, in pinyin or by its initials.
#[derive(Debug, Clone, Default)]
pub struct StoreFilter {
    province: Option<String>,
    city: Option<String>,
    words: Vec<String>,
    is_unplaced: bool,
    campaign: Option<CampaignSlug>,
    from: Option<Position>,
    status: Wanted,
}

/// Stores of which status are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    /// Those that customers may be shown.
    #[default]
    Active,
    /// Those of one status, or all.
    Of(Option<StoreStatus>),
}

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// How many stores match.
    pub total: usize,
    /// The keys of those on the page: the best match first, then the nearest if a place is known, then the smallest id.
    pub keys: Vec<u32>,
}

impl StoreFilter {
    /// A filter; what is none or empty does not narrow it. Names of regions compare without endings such as 市.
    #[must_use]
    pub fn new(province: Option<&str>, city: Option<&str>, words: Option<&str>) -> Self {
        let region = |name: Option<&str>| name.map(comparable).filter(|it| !it.is_empty());
        let words: String = words.unwrap_or_default().chars().take(WORDS_CHARS_MAX).collect();
        let cut = |word: &str| word.chars().take(WORD_CHARS_MAX).collect();
        let words = words.split_whitespace().take(WORDS_MAX).map(cut).collect();
        Self { province: region(province), city: region(city), words, ..Self::default() }
    }

    /// Stores that name neither province nor city.
    #[must_use]
    pub fn unplaced() -> Self {
        Self { is_unplaced: true, ..Self::default() }
    }

    /// Of these, the stores that take part in a campaign.
    #[must_use]
    pub fn in_campaign(self, slug: CampaignSlug) -> Self {
        Self { campaign: Some(slug), ..self }
    }

    /// Of equal matches, the nearest to a place first.
    #[must_use]
    pub fn nearest_to(self, from: Option<Position>) -> Self {
        Self { from, ..self }
    }

    /// Stores of this status, or all whatever their status; without it only active ones.
    #[must_use]
    pub fn of_status(self, status: Option<StoreStatus>) -> Self {
        Self { status: Wanted::Of(status), ..self }
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
        let selection = filter.campaign.as_ref().map(|it| self.selection(it));
        let has_status = |key: u32| match filter.status {
            Wanted::Active => self.is_active(key),
            Wanted::Of(None) => true,
            Wanted::Of(Some(status)) => self.store(key).is_some_and(|it| it.status == status),
        };
        let takes = |key: &u32| has_status(*key) && selection.is_none_or(|it: Selection<'_>| it.takes(*key));
        let narrows_place = filter.is_unplaced || filter.province.is_some() || filter.city.is_some();
        if narrows_place && filter.status != Wanted::Active {
            let mut places = KnownPlaces::default();
            let keys = (0_u32..).zip(self.stores()).filter(|(_, it)| places.takes(filter, it)).map(|(key, _)| key);
            return self.page(keys.filter(takes), filter, skip, limit);
        }
        if narrows_place {
            let places = self.cities().filter(|(province, city, _)| filter.takes_place(province, city));
            let keys: BTreeSet<u32> = places.flat_map(|(_, _, keys)| keys.iter().copied()).collect();
            return self.page(keys.into_iter().filter(takes), filter, skip, limit);
        }
        let all = (0_u32..).zip(self.stores()).map(|(key, _)| key);
        self.page(all.filter(takes), filter, skip, limit)
    }

    fn page(&self, keys: impl Iterator<Item = u32>, filter: &StoreFilter, skip: usize, limit: usize) -> Found {
        if filter.words.is_empty() {
            let mut found = Found { total: 0, keys: Vec::with_capacity(limit.min(64)) };
            for key in keys {
                if found.total >= skip && found.keys.len() < limit {
                    found.keys.push(key);
                }
                found.total += 1;
            }
            return found;
        }
        let words: Vec<Word> = filter.words.iter().map(|it| self.spellings().word(it)).collect();
        let from = filter.from.map(unit);
        let mut ranked: Vec<(u32, f64, u32)> = keys
            .filter_map(|key| {
                let rank = self.rank(key, &words)?;
                let far = from.zip(self.position(key)).map_or(0.0, |(from, at)| chord_squared(from, unit(at)));
                Some((rank, far, key))
            })
            .collect();
        ranked.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        Found { total: ranked.len(), keys: ranked.into_iter().skip(skip).take(limit).map(|(.., key)| key).collect() }
    }

    /// How well a store answers all words together; none if it does not answer one of them.
    fn rank(&self, key: u32, words: &[Word]) -> Option<u32> {
        let id = self.store(key)?.id.as_str();
        words.iter().try_fold(0, |sum, word| Some(sum + u32::from(self.spellings().fit(key, id, word)?.rank())))
    }
}

/// Which places a filter takes; a place is asked about once, however many stores name it.
#[derive(Default)]
struct KnownPlaces<'a>(HashMap<(&'a str, &'a str), bool>);

impl<'a> KnownPlaces<'a> {
    fn takes(&mut self, filter: &StoreFilter, store: &'a Store) -> bool {
        let place = (&*store.province, &*store.city);
        *self.0.entry(place).or_insert_with(|| filter.takes_place(place.0, place.1))
    }
}

/// A position as a vector of length 1: good enough to order stores on a list, where distances are measured otherwise.
fn unit(at: Position) -> [f64; 3] {
    let (lat, lon) = (at.lat().to_radians(), at.lon().to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn chord_squared(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
