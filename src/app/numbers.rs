//! The numbers of some days as people look at them: beside those of the days before, by one dimension, and with names.

mod ranking;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::wecom::tallies;
use crate::catalog::Catalog;
use crate::funnel::{Comparison, Counts, Dimension, Pair, ReportRow, Stage};
use crate::id::{CampaignSlug, StoreId};
use crate::storage::{StorageError, TallyFilter, TallyOf, VersionInfo};
use crate::time::Day;
pub use ranking::{Duel, DuelDay, Ranked, RankedBy, Ranking};

/// The longest period, in days.
pub const PERIOD_DAYS_MAX: i64 = 731;
/// Rows by a dimension that are listed; the rest is summed up.
pub const ROWS_MAX: usize = 100;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Visits.
    Visits,
    /// Visitors, each once a day.
    #[default]
    Visitors,
}

impl Unit {
    /// Reads `visits` or `visitors`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Visits, Self::Visitors].into_iter().find(|it| it.as_str() == text)
    }

    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Visitors => "visitors",
        }
    }

    fn of(self, pair: &Pair) -> Counts {
        match self {
            Self::Visits => pair.visits,
            Self::Visitors => pair.visitors,
        }
    }
}

/// Some days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Day,
    /// The last day, not before the first.
    pub to: Day,
}

impl Days {
    /// How many days they are.
    #[must_use]
    pub fn count(self) -> i64 {
        self.to.number() - self.from.number() + 1
    }

    /// As many days just before.
    #[must_use]
    pub fn before(self) -> Self {
        Self { from: self.from.plus(-self.count()), to: self.from.plus(-1) }
    }
}

/// Which numbers.
#[derive(Debug, Clone)]
pub struct NumbersAsk {
    /// Of these days.
    pub days: Days,
    /// Of this campaign; none is all of them.
    pub campaign: Option<CampaignSlug>,
    /// Kept apart by this.
    pub by: Dimension,
    /// What is counted.
    pub unit: Unit,
}

impl NumbersAsk {
    fn filter(&self, days: Days) -> TallyFilter {
        TallyFilter { from: Some(days.from), to: Some(days.to), campaign: self.campaign.clone(), of: TallyOf::All }
    }
}

/// Counts by stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct StageCounts {
    /// The page or an answer was shown.
    pub scanned: i64,
    /// A place was known.
    pub located: i64,
    /// A join code was shown.
    pub shown: i64,
    /// A long press on it was seen.
    pub pressed: i64,
    /// The customer joined.
    pub joined: i64,
    /// The customer left again.
    pub left: i64,
}

impl From<Counts> for StageCounts {
    fn from(counts: Counts) -> Self {
        let [scanned, located, shown, pressed, joined, left] = counts.0;
        Self { scanned, located, shown, pressed, joined, left }
    }
}

impl StageCounts {
    /// The count of a stage.
    #[must_use]
    pub fn of(&self, stage: Stage) -> i64 {
        match stage {
            Stage::Scanned => self.scanned,
            Stage::Located => self.located,
            Stage::Shown => self.shown,
            Stage::Pressed => self.pressed,
            Stage::Joined => self.joined,
            Stage::Left => self.left,
        }
    }
}

/// The counts of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfDay {
    /// The day.
    pub day: Day,
    /// Its counts.
    pub counts: StageCounts,
}

/// The counts of one store, region, campaign and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NumbersRow {
    /// The word of the dimension; empty where it is not known or does not apply.
    pub key: String,
    /// The name of the store or campaign as the live catalog has it, else the word.
    pub name: String,
    /// Its counts.
    pub counts: StageCounts,
}

/// Where a day begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Visitors of today so far.
    pub today: StageCounts,
    /// Visitors of yesterday.
    pub yesterday: StageCounts,
    /// The latest version of the catalog; none if nothing was ever published.
    pub latest: Option<VersionInfo>,
}

/// The numbers of some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Of these days.
    pub days: Days,
    /// All of them together.
    pub total: StageCounts,
    /// As many days just before, together.
    pub before: StageCounts,
    /// Every day, also those on which nothing happened.
    pub by_day: Vec<OfDay>,
    /// By the dimension asked for, the most scans first; at most [`ROWS_MAX`].
    pub rows: Vec<NumbersRow>,
    /// How many rows there are.
    pub rows_count: usize,
    /// The two routes side by side, where visitors were assigned to them.
    pub comparison: Option<Comparison>,
}

impl App {
    /// The numbers of some days. Blocks on the disk.
    ///
    /// # Errors
    /// Storage's.
    pub fn numbers(&self, ask: &NumbersAsk) -> Result<Numbers, StorageError> {
        let filter = ask.filter(ask.days);
        let storage = &*self.parts.storage;
        let sum = |rows: &[ReportRow]| {
            let mut total = Counts::default();
            for it in rows {
                total.sum(&ask.unit.of(&it.counts), 1);
            }
            StageCounts::from(total)
        };
        let by_day = tallies(storage, &[Dimension::Day], &filter)?;
        let before = tallies(storage, &[], &ask.filter(ask.days.before()))?;
        let rows = tallies(storage, &[ask.by], &filter)?;
        let catalog = self.catalog();
        let mut rows: Vec<NumbersRow> = rows
            .iter()
            .map(|it| {
                let key = it.words.first().map(ToString::to_string).unwrap_or_default();
                let name = name_of(&catalog, ask.by, &key);
                NumbersRow { key, name, counts: ask.unit.of(&it.counts).into() }
            })
            .collect();
        rows.sort_by(|a, b| b.counts.scanned.cmp(&a.counts.scanned).then_with(|| a.key.cmp(&b.key)));
        let rows_count = rows.len();
        rows.truncate(ROWS_MAX);
        let routes = super::funnel(storage, vec![Dimension::Assigned], &filter)?;
        Ok(Numbers {
            days: ask.days,
            total: sum(&by_day),
            before: sum(&before),
            by_day: every_day(ask, &by_day),
            rows,
            rows_count,
            comparison: routes.comparison.filter(|it| !it.modes.is_empty()),
        })
    }

    /// The figures of today and yesterday, and who published last. Blocks on the disk.
    ///
    /// # Errors
    /// Storage's.
    pub fn glance(&self) -> Result<Glance, StorageError> {
        let today = self.today();
        let of = |day: Day| -> Result<StageCounts, StorageError> {
            let filter = TallyFilter { from: Some(day), to: Some(day), campaign: None, of: TallyOf::All };
            let rows = tallies(&*self.parts.storage, &[], &filter)?;
            Ok(rows.first().map(|it| it.counts.visitors.into()).unwrap_or_default())
        };
        let latest = self.parts.storage.versions(None, 1)?.into_iter().next();
        Ok(Glance { today: of(today)?, yesterday: of(today.plus(-1))?, latest })
    }

    /// The day it is in the installation's zone.
    #[must_use]
    pub fn today(&self) -> Day {
        Day::of(self.now(), self.zone().as_jiff())
    }
}

fn every_day(ask: &NumbersAsk, rows: &[ReportRow]) -> Vec<OfDay> {
    let counts: HashMap<&str, StageCounts> =
        rows.iter().filter_map(|it| Some((&**it.words.first()?, ask.unit.of(&it.counts).into()))).collect();
    let day = |offset| {
        let day = ask.days.from.plus(offset);
        OfDay { day, counts: counts.get(day.to_string().as_str()).copied().unwrap_or_default() }
    };
    (0..ask.days.count().min(PERIOD_DAYS_MAX)).map(day).collect()
}

/// What people call the word of a dimension.
fn name_of(catalog: &Catalog, by: Dimension, key: &str) -> String {
    let found = match by {
        Dimension::Store => {
            StoreId::parse(key).ok().and_then(|it| catalog.store(catalog.store_key(&it)?)).map(|it| it.name.to_string())
        }
        Dimension::Campaign => {
            CampaignSlug::parse(key).ok().and_then(|it| catalog.campaign(&it)).map(|it| it.name.to_string())
        }
        Dimension::Day
        | Dimension::Region
        | Dimension::Mode
        | Dimension::Assigned
        | Dimension::Source
        | Dimension::Rung => None,
    };
    found.filter(|it| !it.is_empty()).unwrap_or_else(|| key.to_owned())
}
