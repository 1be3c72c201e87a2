//! Stores and managers by what they brought in, for the staff's incentive.
//!
//! A visitor counts once a day, for the store that was shown at the visit that went furthest. A store's visitors count for its
//! manager: the first contact of the store in the catalog that is live. Who is the contact of several stores, by the same link,
//! is one manager.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Days, StageCounts};
use crate::app::App;
use crate::catalog::Catalog;
use crate::funnel::{Counts, Dimension, ReportRow};
use crate::id::{CampaignSlug, StoreId};
use crate::storage::{StorageError, TallyFilter, TallyOf};

/// The stores that a manager is named with.
const STORES_NAMED_MAX: usize = 5;

/// Who is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankedBy {
    /// Stores.
    Store,
    /// Managers.
    Manager,
}

impl RankedBy {
    /// Reads `store` or `manager`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "store" => Some(Self::Store),
            "manager" => Some(Self::Manager),
            _ => None,
        }
    }
}

/// A store or a manager in the ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ranked {
    /// The place, from 1; who brought in as many has the same.
    pub rank: u64,
    /// The id of the store or of the manager's contact; empty for stores without a contact.
    pub id: String,
    /// The name.
    pub name: String,
    /// The stores of a manager, at most five of them.
    pub stores: Vec<String>,
    /// How many stores they are.
    pub stores_count: usize,
    /// Visitors, each once a day.
    pub visitors: StageCounts,
}

/// All stores or managers that brought in anybody, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// Best first: by who joined, then by who pressed the code, then by who came.
    pub ranked: Vec<Ranked>,
}

/// What ranks: more is better.
fn merit(it: &StageCounts) -> (i64, i64, i64) {
    (it.joined, it.pressed, it.scanned)
}

impl App {
    /// Ranks stores or managers by the days asked for. Blocks on the disk.
    ///
    /// # Errors
    /// Storage's.
    pub fn ranking(&self, by: RankedBy, days: Days, campaign: Option<CampaignSlug>) -> Result<Ranking, StorageError> {
        let filter = TallyFilter { from: Some(days.from), to: Some(days.to), campaign, of: TallyOf::All };
        let rows = self.parts.storage.tallies(&[Dimension::Store], &filter)?;
        let catalog = self.catalog();
        let mut ranked = match by {
            RankedBy::Store => stores(&catalog, &rows),
            RankedBy::Manager => managers(&catalog, &rows),
        };
        ranked.retain(|it| it.visitors != StageCounts::default());
        ranked.sort_by(|a, b| merit(&b.visitors).cmp(&merit(&a.visitors)).then_with(|| a.id.cmp(&b.id)));
        let (mut rank, mut last) = (0, None);
        for (place, it) in (1..).zip(&mut ranked) {
            if last.replace(merit(&it.visitors)) != Some(merit(&it.visitors)) {
                rank = place;
            }
            it.rank = rank;
        }
        Ok(Ranking { ranked })
    }
}

/// The rows that belong to a store: its id, its name, and its key if the catalog still has it.
fn of_stores<'a>(
    catalog: &'a Catalog,
    rows: &'a [ReportRow],
) -> impl Iterator<Item = (&'a str, &'a str, Option<u32>, Counts)> {
    rows.iter().filter_map(|row| {
        let id = row.words.first().filter(|it| !it.is_empty())?;
        let key = StoreId::parse(id).ok().and_then(|it| catalog.store_key(&it));
        let name = key.and_then(|it| catalog.store(it)).map_or(&**id, |it| &it.name);
        Some((&**id, name, key, row.counts.visitors))
    })
}

fn stores(catalog: &Catalog, rows: &[ReportRow]) -> Vec<Ranked> {
    let row = |(id, name, _, visitors): (&str, &str, _, Counts)| Ranked {
        rank: 0,
        id: id.to_owned(),
        name: name.to_owned(),
        stores: Vec::new(),
        stores_count: 1,
        visitors: visitors.into(),
    };
    of_stores(catalog, rows).map(row).collect()
}

fn managers(catalog: &Catalog, rows: &[ReportRow]) -> Vec<Ranked> {
    let mut all: BTreeMap<&str, (Ranked, Counts)> = BTreeMap::new();
    for (_, store, key, visitors) in of_stores(catalog, rows) {
        let contact = key.and_then(|it| catalog.contacts_of(it).next()).map(|(_, it)| it);
        let (ranked, sum) = all.entry(contact.map_or("", |it| it.code.link.as_str())).or_insert_with(|| {
            let ranked = Ranked {
                rank: 0,
                id: contact.map(|it| it.id.to_string()).unwrap_or_default(),
                name: contact.map(|it| it.name.to_string()).unwrap_or_default(),
                stores: Vec::new(),
                stores_count: 0,
                visitors: StageCounts::default(),
            };
            (ranked, Counts::default())
        });
        sum.sum(&visitors, 1);
        ranked.stores_count += 1;
        if ranked.stores.len() < STORES_NAMED_MAX {
            ranked.stores.push(store.to_owned());
        }
    }
    all.into_values().map(|(ranked, sum)| Ranked { visitors: sum.into(), ..ranked }).collect()
}
