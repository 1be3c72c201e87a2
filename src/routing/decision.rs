//! The answer: what a fix means for a catalog, with every store that was looked at and the verdict on it.

use serde::{Deserialize, Serialize};

use super::ladder::Fallback;
use crate::catalog::Joinable;
use crate::region::{RegionNames, RegionSource};
use crate::visitor::FixSource;

/// What the decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A store.
    Routed,
    /// Too coarse or too close to call: the customer chooses.
    Choose,
    /// No store is in reach.
    OutOfReach,
    /// Nobody knows where the visitor is.
    UnknownPlace,
}

impl Outcome {
    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Routed => "routed",
            Self::Choose => "choose",
            Self::OutOfReach => "out_of_reach",
            Self::UnknownPlace => "unknown_place",
        }
    }
}

/// A store by its key, and how far away it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// The store's key in the catalog.
    pub store: u32,
    /// Metres along the WGS-84 ellipsoid from the fix; none where the fix is a store and not a place.
    pub distance_m: Option<f64>,
}

/// Why a store that was looked at was shown or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is shown.
    Chosen,
    /// It is the one whose service area the place lies in, which wins over distance.
    ServiceArea,
    /// It is nearer, and the place lies in the service area of another store.
    OutsideArea,
    /// It is the nearest, and its code may not be shown.
    Nearest,
    /// It is farther away than the one shown; listed as another choice.
    Farther,
    /// The true place may be nearer to it than to the nearest.
    Possible,
    /// It has no join code that works.
    NoJoinCode,
    /// Its groups have no room for the visitor.
    Full,
    /// It is paused.
    Paused,
    /// It is closed.
    Closed,
    /// It is closed at this hour or on this day, and the campaign wants open ones.
    ClosedNow,
    /// It takes no part in the campaign.
    NotInCampaign,
    /// It is beyond the campaign's reach.
    BeyondReach,
}

impl Verdict {
    /// The word used in explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::ServiceArea => "service_area",
            Self::OutsideArea => "outside_area",
            Self::Nearest => "nearest",
            Self::Farther => "farther",
            Self::Possible => "possible",
            Self::NoJoinCode => "no_join_code",
            Self::Full => "full",
            Self::Paused => "paused",
            Self::Closed => "closed",
            Self::ClosedNow => "closed_now",
            Self::NotInCampaign => "not_in_campaign",
            Self::BeyondReach => "beyond_reach",
        }
    }
}

/// A store that was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The store's key in the catalog.
    pub store: u32,
    /// Metres from the fix.
    pub distance_m: f64,
    /// What became of it.
    pub verdict: Verdict,
}

/// The answer to "where should this visitor go", with its reasons. Not finding something is an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Who said where the visitor is.
    pub source: FixSource,
    /// The radius that was given, in metres.
    pub accuracy_m: Option<f64>,
    /// What it came to.
    pub outcome: Outcome,
    /// The store that is shown, or a guess where the outcome is [`Outcome::Choose`].
    pub store: Option<Pick>,
    /// The key of the store that would have been right, where the next one is shown instead.
    pub wanted: Option<u32>,
    /// What the visitor may join.
    pub join: Option<Joinable>,
    /// The rung that was used below the store's own group.
    pub fallback: Option<Fallback>,
    /// Whether the store that is shown may be joined by the other route too.
    pub has_other_route: bool,
    /// Whether stores that are closed at the hour were left out of it.
    pub is_of_open_stores: bool,
    /// Whether the other stores have not been looked for.
    pub is_brief: bool,
    /// Other stores, nearest first.
    pub alternatives: Vec<Pick>,
    /// The region for the tag.
    pub region: RegionNames,
    /// Where the region's names come from.
    pub region_source: RegionSource,
    /// Every store looked at, nearest first.
    pub considered: Vec<Candidate>,
}

impl Decision {
    /// Whether the place is too coarse to show a code for: the customer chooses first.
    ///
    /// A customer who joins the group of a wrong store is worse off than one who taps once more.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        is_blind(self.outcome, self.source, self.store.is_some())
    }
}

/// As [`Decision::is_blind`], of its parts.
#[must_use]
pub fn is_blind(outcome: Outcome, source: FixSource, has_store: bool) -> bool {
    outcome == Outcome::Choose && (!has_store || matches!(source, FixSource::Ip | FixSource::None))
}
