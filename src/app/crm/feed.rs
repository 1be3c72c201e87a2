//! The feed: what it says of visits, and how it is read.

use std::sync::Arc;

use serde::Serialize;

use super::{CrmSettings, HookState};
use crate::app::App;
use crate::app::deliver::AfterDelivery;
use crate::outbox::{Consented, Item, Unconfirmed};
use crate::storage::{FeedEntry, Storage, StorageError};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// Entries of the feed that are read at a time at the most.
pub const FEED_LIMIT_MAX: usize = 1_000;

/// What the feed tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedKind {
    /// A visit was recorded, or refined.
    ScanRecorded,
    /// A customer came into a group, or became a contact.
    CustomerJoined,
    /// A customer left a group, or a contact ended.
    CustomerLeft,
    /// A customer's tags were changed in `WeCom`.
    TagSet,
}

impl FeedKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::ScanRecorded, Self::CustomerJoined, Self::CustomerLeft, Self::TagSet];

    /// The word used in messages and settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScanRecorded => "scan.recorded",
            Self::CustomerJoined => "customer.joined",
            Self::CustomerLeft => "customer.left",
            Self::TagSet => "tag.set",
        }
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What is told of a visit. It names no place on a map.
#[derive(Serialize)]
struct Visit<'a> {
    scan: String,
    visitor: String,
    /// When the visit began.
    at: String,
    /// When this was decided: later than `at` where the visit was refined.
    decided_at: String,
    campaign: &'a str,
    outcome: &'a str,
    store: Option<&'a str>,
    join: Option<Join<'a>>,
    fallback: Option<&'a str>,
    region: Region<'a>,
    tags: Vec<&'a str>,
    source: &'a str,
}

#[derive(Serialize)]
struct Join<'a> {
    kind: &'a str,
    id: Option<&'a str>,
}

#[derive(Serialize)]
struct Region<'a> {
    province: &'a str,
    city: &'a str,
    district: &'a str,
    areas: Vec<&'a str>,
}

/// The entry of a visit: its revision makes repeats known.
fn of_scan(record: &TagRecord) -> FeedEntry {
    let decided_at = Timestamp::from_unix_ms(record.revision / 1_000);
    let region = &record.region;
    let told = Visit {
        scan: record.scan.to_string(),
        visitor: record.visitor.to_string(),
        at: record.at.to_jiff().to_string(),
        decided_at: decided_at.to_jiff().to_string(),
        campaign: record.campaign.as_str(),
        outcome: &record.outcome,
        store: record.store.as_ref().map(crate::id::StoreId::as_str),
        join: record.join_kind.as_deref().map(|kind| Join { kind, id: record.join_id.as_deref() }),
        fallback: record.fallback.as_deref(),
        region: Region {
            province: &region.province,
            city: &region.city,
            district: &region.district,
            areas: region.areas.iter().map(|it| &**it).collect(),
        },
        tags: record.tags(),
        source: record.source.as_str(),
    };
    FeedEntry {
        id: format!("scan:{}:{}", record.scan, record.revision),
        at: decided_at,
        kind: FeedKind::ScanRecorded.as_str().to_owned(),
        visitor: Some(record.visitor),
        body: serde_json::to_string(&told).unwrap_or_default(),
    }
}

/// Who is told of what was delivered, by the settings: of a service and of a command alike.
#[must_use]
pub fn after_delivery(settings: &CrmSettings, storage: &Arc<dyn Storage>) -> Vec<Arc<dyn AfterDelivery>> {
    let mut after: Vec<Arc<dyn AfterDelivery>> = Vec::new();
    if settings.has_feed {
        after.push(Arc::new(ScanFeed { storage: Arc::clone(storage) }));
    }
    after
}

/// Writes visits to the feed once storage has them.
struct ScanFeed {
    storage: Arc<dyn Storage>,
}

impl AfterDelivery for ScanFeed {
    fn delivered(&self, items: &[(i64, Item)]) -> Result<(), StorageError> {
        let records: Vec<&TagRecord> = items.iter().filter_map(|(_, it)| visit_of(it)).collect();
        if records.is_empty() {
            return Ok(());
        }
        // Storage lets go of what arrives of a visitor who was forgotten meanwhile, and so does the feed.
        let visitors: Vec<_> = records.iter().map(|it| it.visitor).collect();
        let forgotten = self.storage.forgotten(&visitors)?;
        let told = records.iter().zip(forgotten).filter(|(it, at)| at.is_none_or(|at| it.at > at));
        let entries: Vec<_> = told.map(|(it, _)| of_scan(it)).collect();
        if entries.is_empty() { Ok(()) } else { self.storage.append_feed(&entries) }
    }
}

/// What an item says of a visit.
fn visit_of(item: &Item) -> Option<&TagRecord> {
    match item {
        Item::Tag(record)
        | Item::Consented(Consented { record, .. })
        | Item::Unconfirmed(Unconfirmed { record, .. }) => Some(record),
        Item::Step(_) | Item::Job(_) | Item::Forgotten => None,
    }
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// Its entries with their numbers, in order.
    pub entries: Vec<(u64, FeedEntry)>,
    /// The number of the oldest entry that is kept; none if there is none. Whoever has read less far has missed something.
    pub first: Option<u64>,
    /// The number of the last entry there ever was.
    pub last: u64,
}

impl App {
    /// The entries of the feed after a number, at most `limit` and [`FEED_LIMIT_MAX`]. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn feed(&self, after: u64, limit: usize) -> Result<FeedPage, StorageError> {
        let storage = &self.parts.storage;
        Ok(FeedPage {
            entries: storage.feed(after, limit.min(FEED_LIMIT_MAX))?,
            first: storage.feed(0, 1)?.first().map(|(number, _)| *number),
            last: storage.feed_end()?,
        })
    }

    /// How far a CRM's webhooks are. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn hook_states(&self) -> Result<Vec<HookState>, StorageError> {
        self.parts.hooks.states()
    }
}
