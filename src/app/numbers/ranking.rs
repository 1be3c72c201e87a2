//! Stores and managers by what they brought in, for the staff's incentive.
//!
//! A visitor counts once a day, for the store that was shown at the visit that went furthest. A store's visitors count for its
//! manager: the first contact of the store in the catalog that is live. Who is the contact of several stores, by the same link,
//! is one manager. Joins that `WeCom` tells of count for the member of staff who was added or owns the group chat.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Days, StageCounts};
use crate::app::App;
use crate::app::wecom::{Joins, JoinsBy, joins, joins_by_day};
use crate::catalog::Catalog;
use crate::funnel::{Counts, Dimension, ReportRow};
use crate::group::Contact;
use crate::id::{CampaignSlug, StoreId};
use crate::storage::{StorageError, TallyFilter, TallyOf};
use crate::time::Day;

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
    /// Joins that `WeCom` told of; nothing of a single campaign, because those name none.
    pub joins: Joins,
    /// Whether `id` is the `userid` of somebody who is no contact in the catalog.
    #[serde(skip)]
    pub is_userid: bool,
}

/// Two stores or two managers side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duel {
    /// Both, as the ranking has them; without anything where they brought in nobody.
    pub sides: [Ranked; 2],
    /// Every day, also those on which nothing happened.
    pub days: Vec<DuelDay>,
}

/// One day of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuelDay {
    /// The day.
    pub day: Day,
    /// The joins of both.
    pub joins: [Joins; 2],
}

/// All stores or managers that brought in anybody, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// Best first: by who joined, then by who pressed the code, then by who came.
    pub ranked: Vec<Ranked>,
}

/// What ranks: more is better.
fn merit(it: &Ranked) -> (i64, i64, i64, i64) {
    (it.joins.stayed, it.visitors.joined, it.visitors.pressed, it.visitors.scanned)
}

impl App {
    /// Ranks stores or managers by the days asked for. Blocks on the disk.
    ///
    /// # Errors
    /// Storage's.
    pub fn ranking(&self, by: RankedBy, days: Days, campaign: Option<CampaignSlug>) -> Result<Ranking, StorageError> {
        let storage = &*self.parts.storage;
        // Joins name no campaign.
        let joins = if campaign.is_none() { joins(storage, days.from, days.to)? } else { JoinsBy::new() };
        let filter = TallyFilter { from: Some(days.from), to: Some(days.to), campaign, of: TallyOf::All };
        let rows = storage.tallies(&[Dimension::Store], &filter)?;
        let catalog = self.catalog();
        let mut ranked = match by {
            RankedBy::Store => stores(&catalog, &rows, &joins),
            RankedBy::Manager => managers(&catalog, &rows, &joins),
        };
        ranked.retain(|it| it.visitors != StageCounts::default() || it.joins != Joins::default());
        ranked.sort_by(|a, b| merit(b).cmp(&merit(a)).then_with(|| a.id.cmp(&b.id)));
        let (mut rank, mut last) = (0, None);
        for (place, it) in (1..).zip(&mut ranked) {
            if last.replace(merit(it)) != Some(merit(it)) {
                rank = place;
            }
            it.rank = rank;
        }
        Ok(Ranking { ranked })
    }

    /// Puts two stores or two managers side by side, by their ids in the ranking. Blocks on the disk.
    ///
    /// # Errors
    /// Storage's.
    pub fn duel(&self, by: RankedBy, ids: [&str; 2], days: Days) -> Result<Duel, StorageError> {
        let ranked = self.ranking(by, days, None)?.ranked;
        let catalog = self.catalog();
        let side = |id: &str| {
            let found = ranked.iter().find(|it| it.id == id).cloned();
            found.unwrap_or_else(|| blank(id, &name_in(&catalog, by, id)))
        };
        let sides = ids.map(side);
        let people = people(&catalog);
        let of_day = |id: &str| {
            joins_by_day(&*self.parts.storage, (days.from, days.to), |store, staff| match by {
                RankedBy::Store => store == id,
                RankedBy::Manager => manager_id(&people, brought_by(&catalog, store, staff), staff) == id,
            })
        };
        let [one, other] = ids;
        let (one, other) = (of_day(one)?, of_day(other)?);
        let day = |offset| {
            let day = days.from.plus(offset);
            let of = |all: &BTreeMap<Day, Joins>| all.get(&day).copied().unwrap_or_default();
            DuelDay { day, joins: [of(&one), of(&other)] }
        };
        Ok(Duel { sides, days: (0..days.count().min(super::PERIOD_DAYS_MAX)).map(day).collect() })
    }
}

fn blank(id: &str, name: &str) -> Ranked {
    Ranked {
        rank: 0,
        id: id.to_owned(),
        name: name.to_owned(),
        stores: Vec::new(),
        stores_count: 0,
        visitors: StageCounts::default(),
        joins: Joins::default(),
        is_userid: false,
    }
}

fn store_named<'a>(catalog: &'a Catalog, id: &str) -> Option<(u32, &'a str)> {
    let key = StoreId::parse(id).ok().and_then(|it| catalog.store_key(&it))?;
    Some((key, &catalog.store(key)?.name))
}

fn name_in(catalog: &Catalog, by: RankedBy, id: &str) -> String {
    let name = match by {
        RankedBy::Store => store_named(catalog, id).map(|(_, name)| name),
        RankedBy::Manager => catalog.contacts().iter().find(|it| it.id.as_str() == id).map(|it| &*it.name),
    };
    name.unwrap_or(id).to_owned()
}

fn stores(catalog: &Catalog, rows: &[ReportRow], joins: &JoinsBy) -> Vec<Ranked> {
    let mut all: BTreeMap<&str, (Counts, Joins)> = BTreeMap::new();
    for row in rows {
        let Some(id) = row.words.first().filter(|it| !it.is_empty()) else { continue };
        all.entry(id).or_default().0.sum(&row.counts.visitors, 1);
    }
    for ((store, _), it) in joins.iter().filter(|((store, _), _)| !store.is_empty()) {
        all.entry(store).or_default().1.sum(it);
    }
    let row = |(id, (visitors, joins)): (&str, (Counts, Joins))| Ranked {
        stores_count: 1,
        visitors: visitors.into(),
        joins,
        ..blank(id, store_named(catalog, id).map_or(id, |(_, name)| name))
    };
    all.into_iter().map(row).collect()
}

/// The manager of a store: its first contact.
fn contact_of<'a>(catalog: &'a Catalog, store: &str) -> Option<&'a Contact> {
    let (key, _) = store_named(catalog, store)?;
    catalog.contacts_of(key).next().map(|(_, it)| it)
}

/// The contact that a join counts for: who was added or owns the chat. Where that is not known, or the store's contact has not said who
/// they are in `WeCom`, it is the store's.
fn brought_by<'a>(catalog: &'a Catalog, store: &str, staff: &str) -> Option<&'a Contact> {
    let known = catalog.contacts_of_staff(staff).next();
    let is_unsaid = |it: &&Contact| staff.is_empty() || it.wecom.as_ref().is_none_or(|it| it.staff.is_empty());
    known.or_else(|| contact_of(catalog, store).filter(is_unsaid))
}

/// The contacts by their links, each the one with the smallest id: who has several is one person.
fn people(catalog: &Catalog) -> BTreeMap<&str, &Contact> {
    let mut people: BTreeMap<&str, &Contact> = BTreeMap::new();
    for it in catalog.contacts() {
        let kept = people.entry(it.code.link.as_str()).or_insert(it);
        if it.id < kept.id {
            *kept = it;
        }
    }
    people
}

/// The id in the ranking of somebody with this link; their `userid` where they have none.
fn manager_id<'a>(people: &BTreeMap<&str, &'a Contact>, contact: Option<&Contact>, staff: &'a str) -> &'a str {
    contact.and_then(|it| people.get(it.code.link.as_str())).map_or(staff, |it| it.id.as_str())
}

/// A manager while the rows are summed up.
#[derive(Default)]
struct Sum<'a> {
    visitors: Counts,
    joins: Joins,
    stores: BTreeSet<&'a str>,
    is_userid: bool,
}

fn managers(catalog: &Catalog, rows: &[ReportRow], joins: &JoinsBy) -> Vec<Ranked> {
    let people = people(catalog);
    let mut all: BTreeMap<&str, Sum<'_>> = BTreeMap::new();
    for row in rows {
        let Some(store) = row.words.first().filter(|it| !it.is_empty()) else { continue };
        let sum = all.entry(manager_id(&people, contact_of(catalog, store), "")).or_default();
        sum.visitors.sum(&row.counts.visitors, 1);
        sum.stores.insert(store);
    }
    for ((store, staff), it) in joins {
        let contact = brought_by(catalog, store, staff);
        let sum = all.entry(manager_id(&people, contact, staff)).or_default();
        sum.is_userid = contact.is_none() && !staff.is_empty();
        sum.joins.sum(it);
        if !store.is_empty() {
            sum.stores.insert(store);
        }
    }
    let called: BTreeMap<&str, &str> = people.values().map(|it| (it.id.as_str(), &*it.name)).collect();
    let row = |(id, sum): (&str, Sum<'_>)| {
        let name = called.get(id).copied().unwrap_or(id);
        let named = sum.stores.iter().take(STORES_NAMED_MAX);
        Ranked {
            stores: named.map(|it| store_named(catalog, it).map_or(*it, |(_, name)| name).to_owned()).collect(),
            stores_count: sum.stores.len(),
            visitors: sum.visitors.into(),
            joins: sum.joins,
            is_userid: sum.is_userid,
            ..blank(id, name)
        }
    };
    all.into_iter().map(row).collect()
}
