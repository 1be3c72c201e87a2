//! What needs a person: found in the live catalog and in storage whenever somebody asks; not who is told of it.

mod find;
mod message;
mod tell;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::App;
use crate::catalog::{Catalog, Doubt};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::storage::{DeskKind, SeatRules, Storage, StorageError};
use crate::time::{Clock, Timestamp};
pub use tell::{Alerter, Told};

/// Alerts of one kind that are listed; all of them are counted.
pub const LISTED_MAX: usize = 200;
/// The document that holds since when causes are seen.
const SEEN: &str = "seen";

/// When something becomes an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettings {
    /// Days before a code expires.
    pub expiring_days: u32,
    /// How full a group is, in percent.
    pub group_percent: u32,
    /// Days after which an alert that is still there is told again.
    pub remind_days: u32,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self { expiring_days: 3, group_percent: 80, remind_days: 3 }
    }
}

/// What kind of thing needs a person; in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// Storage does not answer.
    Storage,
    /// Records cannot be handed over to storage.
    DeliveryFailing,
    /// The published catalog cannot be taken over.
    CatalogRefused,
    /// Records that nobody could deliver.
    DeadLetters,
    /// Jobs that were given up.
    DeadJobs,
    /// An IP database that cannot be read.
    IpDatabaseRefused,
    /// A store whose customers cannot be shown a code of its own.
    StoreWithoutCode,
    /// A code that does not work any longer.
    CodeExpired,
    /// A group without room.
    GroupFull,
    /// A code that soon does not work any longer.
    CodeExpiring,
    /// A group that is nearly full.
    GroupFilling,
    /// A store whose coordinates look wrong.
    Coordinates,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Storage,
        Self::DeliveryFailing,
        Self::CatalogRefused,
        Self::DeadLetters,
        Self::DeadJobs,
        Self::IpDatabaseRefused,
        Self::StoreWithoutCode,
        Self::CodeExpired,
        Self::GroupFull,
        Self::CodeExpiring,
        Self::GroupFilling,
        Self::Coordinates,
    ];

    /// The word used in the API and in causes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::DeliveryFailing => "delivery_failing",
            Self::CatalogRefused => "catalog_refused",
            Self::DeadLetters => "dead_letters",
            Self::DeadJobs => "dead_jobs",
            Self::IpDatabaseRefused => "ip_database_refused",
            Self::StoreWithoutCode => "store_without_code",
            Self::CodeExpired => "code_expired",
            Self::GroupFull => "group_full",
            Self::CodeExpiring => "code_expiring",
            Self::GroupFilling => "group_filling",
            Self::Coordinates => "coordinates",
        }
    }

    /// How soon somebody has to act: `now` or `soon`.
    #[must_use]
    pub fn severity(self) -> &'static str {
        match self {
            Self::Storage
            | Self::DeliveryFailing
            | Self::CatalogRefused
            | Self::StoreWithoutCode
            | Self::CodeExpired
            | Self::GroupFull => "now",
            Self::DeadLetters
            | Self::DeadJobs
            | Self::IpDatabaseRefused
            | Self::CodeExpiring
            | Self::GroupFilling
            | Self::Coordinates => "soon",
        }
    }
}

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One thing that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The same for as long as the same thing is wrong: the kind's word, then what it is about.
    pub cause: String,
    /// What kind of thing it is.
    pub kind: AlertKind,
    /// Since when, as far as that is known.
    pub since: Option<Timestamp>,
    /// What is wrong, in a sentence.
    pub said: Bilingual,
    /// The page that mends it.
    pub link: String,
}

/// Everything that needs a person at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// When it was looked for.
    pub at: Timestamp,
    /// The alerts by kind, at most [`LISTED_MAX`] of each.
    pub listed: Vec<Alert>,
    /// How many there are of each kind that occurs.
    pub counts: BTreeMap<AlertKind, usize>,
}

impl Alerts {
    /// How many there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

/// Since when each cause is seen, in milliseconds since 1970.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(BTreeMap<String, i64>);

/// What looks for alerts.
pub struct Lookout {
    catalog: Arc<Live<Catalog>>,
    storage: Arc<dyn Storage>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    rules: SeatRules,
    settings: AlertSettings,
    /// The doubts about the places of a catalog, which change with it alone.
    doubts: Mutex<Option<(u64, Arc<[Doubt]>)>>,
}

impl Lookout {
    /// A lookout over a catalog and what belongs to it.
    #[must_use]
    pub fn new(
        catalog: Arc<Live<Catalog>>,
        (storage, outbox): (Arc<dyn Storage>, Arc<Outbox>),
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        (rules, settings): (SeatRules, AlertSettings),
    ) -> Self {
        Self { catalog, storage, outbox, metrics, clock, rules, settings, doubts: Mutex::new(None) }
    }

    /// Since when causes are seen, as storage remembers it.
    fn seen(&self) -> Result<(u64, Seen), StorageError> {
        let entry = self.storage.desk(DeskKind::Alert, SEEN)?;
        Ok(entry.map_or_else(Default::default, |it| (it.revision, serde_json::from_str(&it.body).unwrap_or_default())))
    }

    /// Remembers since when causes are seen that do not say so themselves.
    fn remember(&self, alerts: &Alerts) -> Result<(), StorageError> {
        let (revision, before) = self.seen()?;
        let now = alerts.at.unix_ms();
        let silent = alerts.listed.iter().filter(|it| it.since.is_none());
        let since = |it: &Alert| (it.cause.clone(), before.0.get(&it.cause).copied().unwrap_or(now));
        let seen = Seen(silent.map(since).collect());
        if seen != before {
            let body = serde_json::to_string(&seen).unwrap_or_default();
            // Another instance that was quicker remembers the same.
            drop(self.storage.put_desk(DeskKind::Alert, SEEN, Some(&body), Some(revision)));
        }
        Ok(())
    }

    /// Looks for everything, and since when it is so. Blocks.
    #[must_use]
    pub fn look(&self) -> Alerts {
        let mut alerts = find::all(self);
        if let Ok((_, seen)) = self.seen() {
            for it in alerts.listed.iter_mut().filter(|it| it.since.is_none()) {
                it.since = seen.0.get(&it.cause).copied().map(Timestamp::from_unix_ms);
            }
        }
        alerts
    }
}

impl App {
    /// Everything that needs a person. Blocks.
    #[must_use]
    pub fn alerts(&self) -> Alerts {
        self.parts.lookout.look()
    }
}

/// What is to be done about a kind of alert.
#[must_use]
pub fn what_to_do(kind: AlertKind) -> Bilingual {
    words::what_to_do(kind)
}

/// What people call a kind of alert.
#[must_use]
pub fn kind_name(kind: AlertKind) -> Bilingual {
    words::kind_name(kind)
}
