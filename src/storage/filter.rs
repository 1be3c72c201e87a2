//! Which tag records and which tallies are asked for.

use crate::id::{CampaignSlug, StoreId, VisitorId};
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};

/// Conditions on tag records, all of which must hold; none lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Visits of this visitor.
    pub visitor: Option<VisitorId>,
    /// Visits that were shown this store.
    pub store: Option<StoreId>,
    /// Visits through this campaign.
    pub campaign: Option<CampaignSlug>,
    /// Visits from this province, by its name as recorded.
    pub province: Option<String>,
    /// Visits from this city, by its name as recorded.
    pub city: Option<String>,
    /// Visits from this district, by its name as recorded.
    pub district: Option<String>,
    /// Visits from a province, city, district or area of this name.
    pub region: Option<String>,
    /// Visits that began at this moment or later.
    pub from: Option<Timestamp>,
    /// Visits that began before this moment.
    pub to: Option<Timestamp>,
}

impl TagFilter {
    /// Whether a record passes; for backends that cannot ask their server.
    #[must_use]
    pub fn passes(&self, record: &TagRecord) -> bool {
        let region = &record.region;
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|it| it == name);
        let lies_in = |name: &str| {
            [&*region.province, &*region.city, &*region.district].contains(&name)
                || region.areas.iter().any(|area| &**area == name)
        };
        self.visitor.is_none_or(|it| it == record.visitor)
            && (self.store.is_none() || self.store == record.store)
            && self.campaign.as_ref().is_none_or(|it| *it == record.campaign)
            && is(&self.province, &region.province)
            && is(&self.city, &region.city)
            && is(&self.district, &region.district)
            && self.region.as_deref().is_none_or(lies_in)
            && self.from.is_none_or(|it| it <= record.at)
            && self.to.is_none_or(|it| record.at < it)
    }
}

/// Which tallies: of all visits, or apart by whether their records are still there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TallyOf {
    /// Of all visits.
    #[default]
    All,
    /// Of the records that are there.
    Records,
    /// Of records that were removed.
    Removed,
}

/// Conditions on tallies, all of which must hold; none lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TallyFilter {
    /// Days from this one on.
    pub from: Option<Day>,
    /// Days up to and including this one.
    pub to: Option<Day>,
    /// This campaign.
    pub campaign: Option<CampaignSlug>,
    /// Of which visits.
    pub of: TallyOf,
}
