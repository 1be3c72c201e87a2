//! The tag record: which region a visitor belongs to, why, and since when. It names no place on a map.

use serde::{Deserialize, Serialize};

use crate::campaign::Route;
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::region::{RegionNames, RegionSource};
use crate::time::{Day, Timestamp};
use crate::visitor::{AccuracyClass, FixSource};

/// The labels put on a customer: province and city (once where they are equal), district, areas, store.
#[must_use]
pub fn labels<'a>(region: &'a RegionNames, store: Option<&'a StoreId>) -> Vec<&'a str> {
    let mut labels = Vec::with_capacity(4);
    let names = [&*region.province, &*region.city, &*region.district];
    let areas = region.areas.iter().map(|it| &**it);
    for name in names.into_iter().chain(areas).chain(store.map(StoreId::as_str)) {
        if !name.is_empty() && !labels.contains(&name) {
            labels.push(name);
        }
    }
    labels
}

/// What is remembered of one visit. A refined visit writes the record again with a higher revision; the highest stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRecord {
    /// The visit. Storage keeps one record a visit, which makes repeated delivery harmless.
    pub scan: ScanId,
    /// Rises with every refinement of the visit: microseconds since 1970 of the decision.
    pub revision: i64,
    /// Whose visit.
    pub visitor: VisitorId,
    /// When the visit began.
    pub at: Timestamp,
    /// The day on which it began, in the installation's time zone. The record says it, so that a zone that is set anew moves no visit
    /// from one day to another. None in records of before there were days, which are taken to be of the day in UTC+8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// Through which landing code.
    pub campaign: CampaignSlug,
    /// `routed`, `choose`, `out_of_reach` or `unknown_place`.
    pub outcome: Box<str>,
    /// The store that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// `group` or `contact`, where a join code was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_kind: Option<Box<str>>,
    /// The id of the group or contact that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_id: Option<Box<str>>,
    /// The rung of the ladder below the store's own group, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Box<str>>,
    /// The route that was shown, after a switch by the visitor's own hand if there was one. A fallback does not change it.
    #[serde(default)]
    pub mode: Route,
    /// The route that the visitor is assigned to where the campaign compares two; none elsewhere. Comparisons count by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Route>,
    /// The region.
    pub region: RegionNames,
    /// Where the region's names come from.
    pub region_source: RegionSource,
    /// Who said where the visitor is.
    pub source: FixSource,
    /// How well the place was known.
    pub accuracy: AccuracyClass,
}

/// Eight hours, in milliseconds: what the clocks of China are ahead of UTC.
const CHINA_MS: i64 = 28_800_000;

impl TagRecord {
    /// The day on which the visit began.
    #[must_use]
    pub fn day(&self) -> Day {
        self.day.unwrap_or_else(|| Day::of(self.at.plus_ms(CHINA_MS), &jiff::tz::TimeZone::UTC))
    }

    /// Whether a place was known.
    #[must_use]
    pub fn is_located(&self) -> bool {
        self.source != FixSource::None
    }

    /// Whether a join code was shown. Where the place is too coarse to choose a store, the page asks first and shows none.
    #[must_use]
    pub fn shows_code(&self) -> bool {
        let is_blind = &*self.outcome == "choose"
            && (self.store.is_none() || matches!(self.source, FixSource::Ip | FixSource::None));
        self.join_kind.is_some() && !is_blind
    }

    /// The region as far as it is known, from the widest name on: `上海市/黄浦区`. A name that repeats the one before is left out.
    #[must_use]
    pub fn region_path(&self) -> String {
        self.region.path()
    }

    /// The labels put on the customer, see [`labels`].
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        labels(&self.region, self.store.as_ref())
    }
}
