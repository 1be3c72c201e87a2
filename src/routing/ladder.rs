//! Which join code a store's visitor is shown, and what is shown instead where it has none.

use serde::{Deserialize, Serialize};

use super::region;
use crate::campaign::{Campaign, Route, Rung};
use crate::catalog::{Catalog, Joinable};
use crate::group::{GroupChat, GroupStatus};
use crate::time::Timestamp;
use crate::visitor::Fix;

/// Why the store's own group was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its groups have no room for the visitor.
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

/// What is known of the seats in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// Nobody has asked: every group is taken to have room.
    #[default]
    Unasked,
    /// The visitor has a seat in the group at this place of the catalog; those before it on the ladder have none for them.
    In(u32),
    /// No group that may be offered has a seat for the visitor.
    Nowhere,
}

/// What a visitor is to be shown first, and what is known of the seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// The route.
    pub route: Route,
    /// The seats.
    pub room: Room,
}

/// What may be shown on the ladder, for one visitor at one moment.
#[derive(Clone, Copy)]
pub(super) struct Ladder<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) campaign: &'a Campaign,
    pub(super) now: Timestamp,
    pub(super) wish: Wish,
}

impl<'a> Ladder<'a> {
    fn has_room(&self, group: Joinable) -> bool {
        match self.wish.room {
            Room::Unasked => true,
            Room::In(place) => group == Joinable::Group(place),
            Room::Nowhere => false,
        }
    }

    /// The first of these groups that may be offered and has room, or why none.
    fn first(&self, groups: impl Iterator<Item = (Joinable, &'a GroupChat)>) -> Result<Joinable, Reason> {
        let mut reason = Reason::NoJoinCode;
        for (place, group) in groups {
            if !group.is_offered(self.now) {
                if reason != Reason::Full {
                    let is_paused = group.status == GroupStatus::Paused;
                    reason = if is_paused { Reason::Paused } else { Reason::Expired };
                }
            } else if self.has_room(place) {
                return Ok(place);
            } else {
                reason = Reason::Full;
            }
        }
        Err(reason)
    }

    /// The store's group.
    pub(super) fn group_of(&self, store: u32) -> Result<Joinable, Reason> {
        self.first(self.catalog.groups_of(store))
    }

    /// The first of the store's contacts whose code works.
    pub(super) fn contact_of(&self, store: u32) -> Result<Joinable, Reason> {
        let mut contacts = self.catalog.contacts_of(store);
        let none = if contacts.len() == 0 { Reason::NoJoinCode } else { Reason::Expired };
        contacts.find(|(_, it)| it.code.is_usable(self.now)).map(|(place, _)| place).ok_or(none)
    }

    /// What the store itself is joined by: by the visitor's route, and where that is the contact and there is none, by its group,
    /// with the reason.
    pub(super) fn own(&self, store: u32) -> Result<(Joinable, Option<Reason>), Reason> {
        match self.wish.route {
            Route::Group => self.group_of(store).map(|it| (it, None)),
            Route::Contact => match self.contact_of(store) {
                Ok(it) => Ok((it, None)),
                Err(why) => self.group_of(store).map(|it| (it, Some(why))),
            },
        }
    }

    /// Whether the store may be joined by the other route, as far as the catalog knows and storage has said.
    pub(super) fn has_other(&self, store: u32, shown: Joinable) -> bool {
        match shown {
            Joinable::Group(_) => self.contact_of(store).is_ok(),
            Joinable::Contact(_) => {
                self.catalog.groups_of(store).any(|(place, it)| it.is_offered(self.now) && self.has_room(place))
            }
        }
    }

    /// The group of the narrowest region that has one.
    pub(super) fn region(&self, fix: &Fix, store: Option<u32>) -> Option<Joinable> {
        if !self.campaign.fallbacks.allow(Rung::Region) || !self.catalog.has_region_groups() {
            return None;
        }
        let codes = region::codes(self.catalog, fix, store);
        codes.into_iter().find_map(|code| self.first(self.catalog.region_groups(code)).ok())
    }

    /// The campaign's own group.
    pub(super) fn campaign(&self) -> Option<Joinable> {
        if !self.campaign.fallbacks.allow(Rung::Campaign) {
            return None;
        }
        self.first(self.catalog.campaign_groups(&self.campaign.slug)).ok()
    }

    /// The region's group, else the campaign's.
    pub(super) fn of_nobody(&self, fix: &Fix, store: Option<u32>) -> Option<(Joinable, Rung)> {
        let region = self.region(fix, store).map(|it| (it, Rung::Region));
        region.or_else(|| self.campaign().map(|it| (it, Rung::Campaign)))
    }
}
