//! What counters of joins tell: joins beside the visits of the funnel, and joins and stays of stores and managers.
//!
//! Every join is counted once, on the day of the join. Where the visit that led to it is known, the funnel counts it with that visit;
//! the others stand beside the visits, under their day, their store and their route alone. Who goes within a day has not stayed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::spell::{Of, What, read_counter};
use crate::funnel::{Counts, Dimension, Pair, ReportRow, Stage};
use crate::storage::{Storage, StorageError, TallyFilter, TallyOf};
use crate::time::Day;

/// Joins and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Joins {
    /// Who joined a group or became a contact.
    pub joined: i64,
    /// Those of them who did not go within a day.
    pub stayed: i64,
    /// Who went, whenever they joined; on the day they went.
    pub left: i64,
    /// Those who joined a group.
    pub groups: i64,
    /// Those who became a contact.
    pub contacts: i64,
}

impl Joins {
    fn add(&mut self, what: What, kind: &str, count: i64) {
        match what {
            What::Joined => {
                self.joined += count;
                self.stayed += count;
                if kind == "group" {
                    self.groups += count;
                } else {
                    self.contacts += count;
                }
            }
            What::Early => self.stayed -= count,
            What::Left => self.left += count,
        }
    }

    /// Adds others.
    pub fn sum(&mut self, other: &Self) {
        self.joined += other.joined;
        self.stayed += other.stayed;
        self.left += other.left;
        self.groups += other.groups;
        self.contacts += other.contacts;
    }
}

/// Joins by store and by `userid` of the member of staff; empty where it is not known.
pub type JoinsBy = BTreeMap<(String, String), Joins>;

fn each(
    storage: &dyn Storage,
    (from, to): (Day, Day),
    mut each: impl FnMut(Day, What, &Of<'_>, i64),
) -> Result<(), StorageError> {
    storage.each_count(from, to, &mut |day, name, count| {
        if let Some((what, of)) = read_counter(name) {
            each(day, what, &of, count);
        }
    })
}

/// Joins of some days, both ends included. Blocks.
///
/// # Errors
/// Storage's.
pub fn joins(storage: &dyn Storage, from: Day, to: Day) -> Result<JoinsBy, StorageError> {
    let mut all = JoinsBy::new();
    each(storage, (from, to), |_day, what, of, count| {
        all.entry((of.store.to_owned(), of.staff.to_owned())).or_default().add(what, of.kind, count);
    })?;
    Ok(all)
}

/// Joins of some days by day, of those that pass. Blocks.
///
/// # Errors
/// Storage's.
pub fn joins_by_day(
    storage: &dyn Storage,
    (from, to): (Day, Day),
    passes: impl Fn(&str, &str) -> bool,
) -> Result<BTreeMap<Day, Joins>, StorageError> {
    let mut all: BTreeMap<Day, Joins> = BTreeMap::new();
    each(storage, (from, to), |day, what, of, count| {
        if passes(of.store, of.staff) {
            all.entry(day).or_default().add(what, of.kind, count);
        }
    })?;
    Ok(all)
}

/// The tallies of visits, and beside them the joins that no visit is known of: under day, store and route, and under nothing else.
/// Blocks.
///
/// # Errors
/// Storage's.
pub fn tallies(storage: &dyn Storage, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError> {
    let rows = storage.tallies(by, filter)?;
    // Such joins belong to no campaign, and they are no records.
    if filter.campaign.is_some() || filter.of != TallyOf::All {
        return Ok(rows);
    }
    let (first, last) = Day::RANGE;
    let days = (filter.from.unwrap_or(first), filter.to.unwrap_or(last));
    let mut all: BTreeMap<Vec<Box<str>>, Pair> = BTreeMap::new();
    each(storage, days, |day, what, of, count| {
        let stage = match what {
            What::Joined => Stage::Joined,
            What::Left => Stage::Left,
            What::Early => return,
        };
        if of.has_visit {
            return;
        }
        let word = |it: &Dimension| -> Box<str> {
            match it {
                Dimension::Day => day.to_string().into(),
                Dimension::Store => of.store.into(),
                Dimension::Mode => of.kind.into(),
                Dimension::Campaign | Dimension::Region | Dimension::Assigned | Dimension::Source | Dimension::Rung => {
                    Box::default()
                }
            }
        };
        let mut counts = Counts::default();
        counts.add_one(stage, count);
        let pair = Pair { visits: counts, visitors: counts };
        all.entry(by.iter().map(word).collect()).or_default().sum(&pair, 1);
    })?;
    if all.is_empty() {
        return Ok(rows);
    }
    for row in rows {
        all.entry(row.words).or_default().sum(&row.counts, 1);
    }
    let rows = all.into_iter().map(|(words, counts)| ReportRow { words, counts });
    Ok(rows.filter(|it| !it.counts.is_zero()).collect())
}
