//! Which join code a store's visitor is shown, and what is shown instead where it has none.

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Joinable};
use crate::group::GroupStatus;
use crate::id::CampaignSlug;
use crate::time::Timestamp;

/// The step of the ladder below the store's own group that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The next store in reach with a usable code.
    NextStore,
    /// The store's contact.
    Contact,
    /// The group of the region.
    Region,
    /// The campaign's own group.
    Campaign,
}

impl Rung {
    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextStore => "next_store",
            Self::Contact => "contact",
            Self::Region => "region",
            Self::Campaign => "campaign",
        }
    }
}

/// Why the store's own group was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its groups have no room.
    Full,
    /// Its join code has expired.
    Expired,
    /// The store or its group is paused.
    Paused,
    /// The store is closed.
    Closed,
    /// It has no join code.
    NoJoinCode,
    /// No store is in reach.
    OutOfReach,
    /// The place is not known, or not well enough.
    UnknownPlace,
}

impl Reason {
    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Expired => "expired",
            Self::Paused => "paused",
            Self::Closed => "closed",
            Self::NoJoinCode => "no_join_code",
            Self::OutOfReach => "out_of_reach",
            Self::UnknownPlace => "unknown_place",
        }
    }
}

/// A rung, and why it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// What is shown instead.
    pub rung: Rung,
    /// Why.
    pub reason: Reason,
}

/// The first of a store's groups that may be offered, or why none may.
pub(super) fn own_group(catalog: &Catalog, store: u32, now: Timestamp) -> Result<Joinable, Reason> {
    let mut reason = Reason::NoJoinCode;
    for (place, group) in catalog.groups_of(store) {
        if group.is_offered(now) {
            return Ok(place);
        }
        reason = if group.status == GroupStatus::Paused { Reason::Paused } else { Reason::Expired };
    }
    Err(reason)
}

/// The first of a store's contacts whose code works.
pub(super) fn own_contact(catalog: &Catalog, store: u32, now: Timestamp) -> Option<Joinable> {
    catalog.contacts_of(store).find(|(_, it)| it.code.is_usable(now)).map(|(place, _)| place)
}

/// The first of the campaign's groups that may be offered.
pub(super) fn campaign_group(catalog: &Catalog, slug: &CampaignSlug, now: Timestamp) -> Option<Joinable> {
    catalog.campaign_groups(slug).find(|(_, it)| it.is_offered(now)).map(|(place, _)| place)
}
