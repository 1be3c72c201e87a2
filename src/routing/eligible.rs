//! Which stores one decision may show: those that take customers, take part in the campaign and, where it asks for that, are open.

use super::decision::Verdict;
use super::ladder::Reason;
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Selection};
use crate::store::{StoreStatus, Zone};
use crate::time::Timestamp;

/// The stores of one decision.
#[derive(Clone, Copy)]
pub(super) struct Eligible<'a> {
    catalog: &'a Catalog,
    selection: Selection<'a>,
    /// At which moment a store must not be closed, and the zone of hours that name none.
    open_at: Option<(Timestamp, &'a Zone)>,
}

impl<'a> Eligible<'a> {
    /// The active stores of a campaign.
    pub(super) fn of(catalog: &'a Catalog, campaign: &Campaign) -> Self {
        Self { catalog, selection: catalog.selection(&campaign.slug), open_at: None }
    }

    /// Of these, the ones that are not closed at a moment.
    pub(super) fn open_at(self, now: Timestamp, zone: &'a Zone) -> Self {
        Self { open_at: Some((now, zone)), ..self }
    }

    /// Whether the store with this key is one of them.
    pub(super) fn takes(self, key: u32) -> bool {
        self.catalog.is_active(key) && self.selection.takes(key) && !self.is_closed(key)
    }

    /// Whether all stores of the catalog may be shown.
    pub(super) fn is_all(self) -> bool {
        !self.catalog.has_inactive() && self.selection.is_all() && self.open_at.is_none()
    }

    fn is_closed(self, key: u32) -> bool {
        self.open_at.is_some_and(|(now, zone)| self.catalog.is_open(key, now, zone) == Some(false))
    }

    /// Why the store with this key is not one of them; none if it is.
    pub(super) fn refusal(self, key: u32) -> Option<(Reason, Verdict)> {
        match self.catalog.store(key).map_or(StoreStatus::Closed, |it| it.status) {
            StoreStatus::Paused => Some((Reason::Paused, Verdict::Paused)),
            StoreStatus::Closed => Some((Reason::Closed, Verdict::Closed)),
            StoreStatus::Active if !self.selection.takes(key) => Some((Reason::NoJoinCode, Verdict::NotInCampaign)),
            StoreStatus::Active if self.is_closed(key) => Some((Reason::Closed, Verdict::ClosedNow)),
            StoreStatus::Active => None,
        }
    }
}
