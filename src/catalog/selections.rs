//! Which stores take part in which campaign, worked out once for each catalog, and whether the campaigns point to something.
//!
//! A campaign of all stores has nothing here, and costs a decision nothing.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use super::Problem;
use super::chunked::Chunked;
use crate::campaign::{Campaign, StoreSelection};
use crate::id::CampaignSlug;
use crate::region::{RegionMap, comparable};
use crate::store::Store;

/// The stores of one campaign.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a>(Option<&'a [u64]>);

impl Selection<'_> {
    /// Whether all stores take part.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.0.is_none()
    }

    /// Whether the store with this key takes part.
    #[must_use]
    pub fn takes(self, key: u32) -> bool {
        let Some(words) = self.0 else { return true };
        let (word, bit) = place(key);
        words.get(word).is_some_and(|it| it >> bit & 1 == 1)
    }
}

fn place(key: u32) -> (usize, u32) {
    (usize::try_from(key / u64::BITS).expect("usize has at least 32 bits"), key % u64::BITS)
}

/// The stores of the campaigns that select some, a bit for each store.
#[derive(Debug, Default)]
pub(super) struct Selections(HashMap<CampaignSlug, Box<[u64]>>);

impl Selections {
    /// Works out every campaign's stores. What a campaign names and nothing answers to is a problem.
    pub(super) fn of(
        campaigns: &BTreeMap<CampaignSlug, Campaign>,
        stores: &Chunked<Store>,
        map: &RegionMap,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let selecting: Vec<&Campaign> = campaigns.values().filter(|it| !it.stores.is_all()).collect();
        if selecting.is_empty() {
            return Self::default();
        }
        let named = Named::of(stores, map);
        let words = stores.len().div_ceil(64);
        let selections = selecting.into_iter().map(|it| (it.slug.clone(), named.select(it, words, problems)));
        Self(selections.collect())
    }

    /// Whether any campaign selects stores.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, slug: &CampaignSlug) -> Selection<'_> {
        Selection(self.0.get(slug).map(|it| &**it))
    }
}

/// The keys of stores by what a campaign may name them by.
struct Named<'a> {
    tags: HashMap<&'a str, Vec<u32>>,
    /// By comparable name.
    regions: HashMap<String, Vec<u32>>,
    stores: &'a Chunked<Store>,
    map: &'a RegionMap,
    /// By their place on the map, worked out when a campaign names what no column holds.
    on_map: OnceCell<HashMap<u32, Vec<u32>>>,
}

impl<'a> Named<'a> {
    fn of(stores: &'a Chunked<Store>, map: &'a RegionMap) -> Self {
        let mut tags: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut spelled: HashMap<&str, Vec<u32>> = HashMap::new();
        for (key, store) in (0_u32..).zip(stores) {
            for tag in &store.tags {
                tags.entry(tag).or_default().push(key);
            }
            for name in [&*store.province, &store.city, &store.district].into_iter().filter(|it| !it.is_empty()) {
                spelled.entry(name).or_default().push(key);
            }
        }
        let mut regions: HashMap<String, Vec<u32>> = HashMap::new();
        for (name, keys) in spelled {
            regions.entry(comparable(name)).or_default().extend(keys);
        }
        Self { tags, regions, stores, map, on_map: OnceCell::new() }
    }

    /// The stores of a region: by the names in their columns, else by the code or name of a region of the map.
    fn in_region(&self, name: &str) -> Option<&Vec<u32>> {
        if let Some(keys) = self.regions.get(&comparable(name)) {
            return Some(keys);
        }
        let region = self.map.find(name).ok().and_then(|it| self.map.key(&it.code))?;
        let on_map = self.on_map.get_or_init(|| {
            let mut on_map: HashMap<u32, Vec<u32>> = HashMap::new();
            for (key, store) in (0_u32..).zip(self.stores) {
                for region in self.map.place(store.at.position()).narrow_to_wide() {
                    on_map.entry(region).or_default().push(key);
                }
            }
            on_map
        });
        on_map.get(&region)
    }

    /// The stores that have one of the tags, if there are any, and lie in one of the regions, if there are any.
    fn select(&self, campaign: &Campaign, words: usize, problems: &mut Vec<Problem>) -> Box<[u64]> {
        let before = problems.len();
        let mut bits = vec![u64::MAX; words];
        let StoreSelection { tags, regions } = &campaign.stores;
        let rules = [(tags, "store_tags", "the tag"), (regions, "store_regions", "the region")];
        for (place, (names, field, what)) in rules.into_iter().enumerate().filter(|(_, it)| !it.0.is_empty()) {
            let mut any = vec![0_u64; words];
            for name in names {
                let found = if place == 0 { self.tags.get(&**name) } else { self.in_region(name) };
                let Some(keys) = found else {
                    let message = format!("campaign {} names {what} {name:?}, which no store has", campaign.slug);
                    let problem = Problem::new("unknown_name", message).in_column(field, name);
                    problems.push(problem.of_campaign(&campaign.slug));
                    continue;
                };
                for key in keys {
                    set(&mut any, *key);
                }
            }
            bits.iter_mut().zip(any).for_each(|(bits, any)| *bits &= any);
        }
        if problems.len() == before && bits.iter().all(|it| *it == 0) {
            let message = format!("campaign {} selects no store: none has such a tag in such a region", campaign.slug);
            problems.push(Problem::new("no_stores", message).in_column("store_tags", "").of_campaign(&campaign.slug));
        }
        bits.into()
    }
}

fn set(bits: &mut [u64], key: u32) {
    let (word, bit) = place(key);
    if let Some(it) = bits.get_mut(word) {
        *it |= 1 << bit;
    }
}
