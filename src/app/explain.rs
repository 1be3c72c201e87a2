//! Who would be routed where, and why: the decision as a document, for the command line and the pages. Records nothing.

mod steps;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

use super::{App, Peeked, locate_ip, peek};
use crate::campaign::Route;
use crate::catalog::{Catalog, InForce, JoinCodeId, Joinable, Standing};
use crate::geo::Position;
use crate::id::{CampaignSlug, RegionCode, StoreId};
use crate::routing::{Case, Policy, region_codes};
use crate::storage::{SeatRules, Storage, StorageError};
use crate::store::Zone;
use crate::time::Timestamp;
use crate::visitor::Fix;
pub use steps::ExplainedStep;

/// What a decision is explained from.
pub struct Explainer<'a> {
    /// The catalog that decides.
    pub catalog: &'a Catalog,
    /// Says who has room.
    pub storage: &'a dyn Storage,
    /// How long seats are held, and what they count for afterwards.
    pub rules: &'a SeatRules,
    /// The thresholds of the decision.
    pub policy: &'a Policy,
    /// The zone of opening hours that name none.
    pub zone: &'a Zone,
    /// The moment of the visit.
    pub now: Timestamp,
}

/// Why nothing was explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// No campaign has this short name.
    #[error("there is no campaign {0}")]
    UnknownCampaign(CampaignSlug),
    /// Storage does not say who has room.
    #[error("the seats cannot be read")]
    Storage(#[from] StorageError),
}

/// A decision with its reasons.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Explanation {
    /// Which catalog decided.
    pub catalog_version: u64,
    /// The campaign that was asked for.
    pub campaign: String,
    /// How it stands.
    pub campaign_state: &'static str,
    /// The campaign that answers.
    pub served_by: String,
    /// The visitor's route: `group` or `contact`.
    pub route: &'static str,
    /// Who says where the visitor is.
    pub source: &'static str,
    /// The radius in metres that holds the true place.
    pub accuracy_m: Option<f64>,
    /// The middle of the place in WGS-84; none where only names are known.
    pub place: Option<ExplainedPlace>,
    /// What it came to.
    pub outcome: &'static str,
    /// The store that is shown.
    pub store: Option<String>,
    /// When that store opens, if it is closed.
    pub opens_at: Option<String>,
    /// Metres to it.
    pub distance_m: Option<f64>,
    /// What the visitor may join.
    pub join: Option<ExplainedJoin>,
    /// The rung that was used instead of the store's own code.
    pub fallback: Option<ExplainedRung>,
    /// The region for the tag.
    pub region: ExplainedRegion,
    /// Every store looked at, nearest first.
    pub considered: Vec<ExplainedStore>,
    /// The ladder, also the steps that are not reached.
    pub steps: Vec<ExplainedStep>,
}

/// A place in WGS-84.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct ExplainedPlace {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
}

impl From<Position> for ExplainedPlace {
    fn from(position: Position) -> Self {
        Self { lat: position.lat(), lng: position.lon() }
    }
}

/// What a visitor may join.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedJoin {
    /// `group` or `contact`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The name that customers see.
    pub name: String,
    /// The link in the code.
    pub url: String,
    /// The id of the code's picture.
    pub picture: String,
}

/// A rung of the ladder, and why it was used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedRung {
    /// Its word.
    pub rung: &'static str,
    /// The reason's word.
    pub reason: &'static str,
}

/// The region for the tag.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedRegion {
    /// The province.
    pub province: String,
    /// The city.
    pub city: String,
    /// The district.
    pub district: String,
    /// The operator's own areas.
    pub areas: Vec<String>,
    /// Codes of regions on the map, narrowest first.
    pub codes: Vec<String>,
    /// Where the names come from.
    pub from: &'static str,
}

/// A store that was looked at.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedStore {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Metres from the place.
    pub distance_m: f64,
    /// Whether it is open now; none where nobody said.
    pub open: Option<bool>,
    /// What became of it.
    pub verdict: &'static str,
    /// Degrees north, WGS-84.
    pub lat: f64,
    /// Degrees east, WGS-84.
    pub lng: f64,
}

/// To tenths of a metre.
fn tenths(metres: f64) -> f64 {
    (metres * 10.0).round() / 10.0
}

impl Explainer<'_> {
    /// Explains what a fix comes to in a campaign; the route is the campaign's common one unless it is given. Blocks.
    ///
    /// # Errors
    /// [`ExplainError`] for a campaign that nobody knows, and if storage does not answer.
    pub fn explain(&self, fix: &Fix, slug: &CampaignSlug, route: Option<Route>) -> Result<Explanation, ExplainError> {
        let in_force = self.catalog.in_force(slug, self.now);
        if in_force.standing == Standing::Unknown {
            return Err(ExplainError::UnknownCampaign(slug.clone()));
        }
        let campaign = in_force.campaign;
        let route = route.unwrap_or_else(|| campaign.mode.common());
        let case = Case { fix, catalog: self.catalog, campaign, policy: self.policy, now: self.now };
        let peeked = peek(self.storage, self.rules, route, &case)?;
        let steps = steps::rows(self, &peeked)?;
        Ok(self.document(fix, (slug, in_force, route), &peeked, steps))
    }

    fn document(
        &self,
        fix: &Fix,
        (slug, in_force, route): (&CampaignSlug, InForce<'_>, Route),
        peeked: &Peeked,
        steps: Vec<ExplainedStep>,
    ) -> Explanation {
        let (catalog, decision) = (self.catalog, &peeked.decision);
        let shown = decision.store.map(|it| it.store);
        let opens_at = shown.and_then(|it| catalog.opens_at(it, self.now, self.zone));
        Explanation {
            catalog_version: catalog.version(),
            campaign: slug.to_string(),
            campaign_state: in_force.standing.as_str(),
            served_by: in_force.campaign.slug.to_string(),
            route: route.as_str(),
            source: decision.source.as_str(),
            accuracy_m: decision.accuracy_m,
            place: self.place(fix),
            outcome: decision.outcome.as_str(),
            store: shown.and_then(|it| catalog.store(it)).map(|it| it.id.to_string()),
            opens_at: opens_at.map(|it| it.in_zone(self.zone.as_jiff())),
            distance_m: decision.store.and_then(|it| it.distance_m).map(tenths),
            join: decision.join.and_then(|it| self.join(it)),
            fallback: decision.fallback.map(|it| ExplainedRung { rung: it.rung.as_str(), reason: it.reason.as_str() }),
            region: self.region(fix, peeked),
            considered: self.considered(peeked),
            steps,
        }
    }

    fn place(&self, fix: &Fix) -> Option<ExplainedPlace> {
        let position = match fix {
            Fix::Gps { position, .. } => Some(*position),
            Fix::Ip { circle, .. } => circle.map(|it| it.middle),
            Fix::Chosen(id) | Fix::Previous(id) => self.catalog.store_key(id).and_then(|it| self.catalog.position(it)),
            Fix::Nowhere => None,
        };
        position.map(ExplainedPlace::from)
    }

    fn join(&self, join: Joinable) -> Option<ExplainedJoin> {
        let (kind, id, name, code) = match join {
            Joinable::Group(place) => {
                self.catalog.group(place).map(|it| ("group", it.id.to_string(), &it.name, &it.code))
            }
            Joinable::Contact(place) => {
                self.catalog.contact(place).map(|it| ("contact", it.id.to_string(), &it.name, &it.code))
            }
        }?;
        let link = code.link.as_str();
        let picture = JoinCodeId::of(link).to_string();
        Some(ExplainedJoin { kind, id, name: name.to_string(), url: link.to_owned(), picture })
    }

    fn region(&self, fix: &Fix, peeked: &Peeked) -> ExplainedRegion {
        let decision = &peeked.decision;
        let region = &decision.region;
        let right = decision.wanted.or(decision.store.map(|it| it.store));
        let codes = region_codes(self.catalog, fix, right).into_iter();
        ExplainedRegion {
            province: region.province.to_string(),
            city: region.city.to_string(),
            district: region.district.to_string(),
            areas: region.areas.iter().map(ToString::to_string).collect(),
            codes: codes.map(RegionCode::to_string).collect(),
            from: decision.region_source.as_str(),
        }
    }

    fn considered(&self, peeked: &Peeked) -> Vec<ExplainedStore> {
        let row = |it: &crate::routing::Candidate| {
            let store = self.catalog.store(it.store)?;
            let place = ExplainedPlace::from(store.at.position());
            Some(ExplainedStore {
                id: store.id.to_string(),
                name: store.name.to_string(),
                distance_m: tenths(it.distance_m),
                open: self.catalog.is_open(it.store, self.now, self.zone),
                verdict: it.verdict.as_str(),
                lat: place.lat,
                lng: place.lng,
            })
        };
        peeked.decision.considered.iter().filter_map(row).collect()
    }
}

/// Where the visitor is said to be.
#[derive(Debug, Clone)]
pub enum Whence {
    /// At a position, within a radius in metres.
    At(Position, Option<f64>),
    /// Behind this address.
    Address(std::net::IpAddr),
    /// At a store of their own choice.
    Store(StoreId),
}

impl App {
    /// Explains the decision of the catalog that is live. Records nothing. Blocks.
    ///
    /// # Errors
    /// [`ExplainError`] for a campaign that nobody knows, and if storage does not answer.
    pub fn explain(
        &self,
        whence: Whence,
        slug: &CampaignSlug,
        route: Option<Route>,
    ) -> Result<Explanation, ExplainError> {
        let catalog = self.catalog();
        let fix = match whence {
            Whence::At(position, accuracy_m) => Fix::Gps { position, accuracy_m },
            Whence::Address(ip) => locate_ip(&self.parts.ip, &catalog, ip),
            Whence::Store(id) => Fix::Chosen(id),
        };
        let explainer = Explainer {
            catalog: &catalog,
            storage: &*self.parts.storage,
            rules: &self.parts.seat_rules,
            policy: self.policy(),
            zone: self.zone(),
            now: self.now(),
        };
        explainer.explain(&fix, slug, route)
    }
}
