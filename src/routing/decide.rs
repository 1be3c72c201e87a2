//! `decide`: from a fix to a decision. A pure function of its inputs.

use super::area;
use super::case::Case;
use super::decision::{Candidate, Decision, Outcome, Pick, Verdict};
use super::eligible::Eligible;
use super::ladder::{Fallback, Ladder, Reason, Wish};
use super::open;
use super::policy::Policy;
use super::region;
use super::walk::{Walk, inactive_before};
use crate::campaign::{Campaign, OpenStores, Rung};
use crate::catalog::Catalog;
use crate::geo::{self, Circle, Neighbour, Position};
use crate::id::StoreId;
use crate::region::{RegionNames, RegionSource};
use crate::time::Timestamp;
use crate::visitor::{Fix, FixSource};

/// Decides where a visitor goes.
///
/// The store named is the nearest active one in reach by geodesic distance on WGS-84 (equal distances: the smaller id); if
/// its group cannot be offered, the next in reach whose group can. A circle wider than the policy trusts routes only if no
/// other store is nearer for any place in it.
#[must_use]
pub fn decide(fix: &Fix, catalog: &Catalog, campaign: &Campaign, policy: &Policy, now: Timestamp) -> Decision {
    decide_for(Wish::default(), &Case { fix, catalog, campaign, policy, now })
}

/// As [`decide`], for a visitor on either route and with what is known of the seats.
#[must_use]
pub fn decide_for(wish: Wish, case: &Case<'_>) -> Decision {
    let mut decision = route(wish, case);
    list_others(&mut decision, case);
    decision
}

/// Lists the stores beside the one that is shown, where [`route`] has not.
pub fn list_others(decision: &mut Decision, case: &Case<'_>) {
    let context = Context::of(Wish::default(), case);
    let (Fix::Gps { position, accuracy_m }, Some(shown), true) = (case.fix, decision.store, decision.is_brief) else {
        return;
    };
    let mut walk = context.walk(*position, context.reach_m() + accuracy_m.unwrap_or(0.0));
    walk.passed = Some(shown.store);
    while decision.alternatives.len() < case.policy.alternatives_max {
        let Some(it) = walk.next_in_reach() else { break };
        walk.note(it, Verdict::Farther);
        decision.alternatives.push(pick(it));
    }
    decision.considered.append(&mut walk.considered);
    decision.considered.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.store.cmp(&b.store)));
    decision.is_brief = false;
}

/// As [`decide_for`], but where the first store answers the visit the stores beside it are not looked for: that is most of the
/// work, and only who shows the decision needs them. [`list_others`] adds them.
#[must_use]
pub fn route(wish: Wish, case: &Case<'_>) -> Decision {
    let (fix, catalog) = (case.fix, case.catalog);
    let context = Context::of(wish, case);
    let stores = context.stores;
    let mut decision = open::before_closed(&context, fix, context.at(fix));
    decision.source = fix.source();
    decision.accuracy_m = fix.accuracy_m();
    region::name(catalog, &mut decision, fix);
    let from = match fix {
        Fix::Gps { position, .. } => Some(*position),
        Fix::Ip { circle, .. } => circle.map(|it| it.middle),
        Fix::Chosen(_) | Fix::Previous(_) | Fix::Nowhere => None,
    };
    if let Some(from) = from {
        let nearest_m = decision.considered.iter().map(|it| it.distance_m).reduce(f64::min);
        decision.considered.extend(inactive_before(catalog, stores, from, nearest_m));
    }
    decision.considered.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.store.cmp(&b.store)));
    decision
}

/// What a decision is made from, as its parts use it.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) fix: &'a Fix,
    pub(super) catalog: &'a Catalog,
    pub(super) campaign: &'a Campaign,
    pub(super) policy: &'a Policy,
    pub(super) stores: Eligible<'a>,
    pub(super) ladder: Ladder<'a>,
}

pub(super) fn pick(it: Neighbour) -> Pick {
    Pick { store: it.key, distance_m: Some(it.distance_m) }
}

impl<'a> Context<'a> {
    pub(super) fn of(wish: Wish, case: &Case<'a>) -> Self {
        let Case { fix, catalog, campaign, policy, now } = *case;
        let stores = Eligible::of(catalog, campaign);
        Self { fix, catalog, campaign, policy, stores, ladder: Ladder { catalog, campaign, now, wish } }
    }

    /// What a fix comes to among the stores of the context.
    pub(super) fn at(&self, fix: &Fix) -> Decision {
        match fix {
            Fix::Gps { position, accuracy_m } => self.at_measured(*position, accuracy_m.unwrap_or(0.0)),
            Fix::Chosen(id) | Fix::Previous(id) => self.at_store(id),
            Fix::Ip { circle: Some(circle), .. } => self.at_ip(*circle),
            Fix::Ip { circle: None, .. } | Fix::Nowhere => self.without_store(Outcome::UnknownPlace),
        }
    }

    pub(super) fn walk(&self, from: Position, reach_m: f64) -> Walk<impl Iterator<Item = Neighbour> + use<'a>> {
        let stores = self.stores;
        let neighbours = self.catalog.nearest().around(from, None, move |key| stores.takes(key));
        Walk {
            from,
            neighbours: neighbours.take(self.policy.candidates_max),
            reach_m,
            passed: None,
            considered: Vec::new(),
        }
    }

    pub(super) fn reach_m(&self) -> f64 {
        self.campaign.reach_m.unwrap_or(self.policy.reach_m)
    }

    /// A decision without a store: the region's group, or the campaign's own.
    fn without_store(&self, outcome: Outcome) -> Decision {
        let reason = if outcome == Outcome::OutOfReach { Reason::OutOfReach } else { Reason::UnknownPlace };
        let found = self.ladder.of_nobody(self.fix, None);
        Decision {
            join: found.map(|(join, _)| join),
            fallback: found.map(|(_, rung)| Fallback { rung, reason }),
            ..Self::bare(outcome)
        }
    }

    /// A decision that shows nothing.
    pub(super) fn bare(outcome: Outcome) -> Decision {
        Decision {
            source: FixSource::None,
            accuracy_m: None,
            outcome,
            store: None,
            wanted: None,
            join: None,
            fallback: None,
            has_other_route: false,
            is_of_open_stores: false,
            is_brief: false,
            alternatives: Vec::new(),
            region: RegionNames::default(),
            region_source: RegionSource::None,
            considered: Vec::new(),
        }
    }

    fn at_measured(&self, middle: Position, radius_m: f64) -> Decision {
        if let Some(first) = area::serving(self.catalog, self.campaign, self.stores, middle) {
            return self.in_service_area(first, middle, radius_m);
        }
        if let Some(decision) = self.at_once(middle, radius_m) {
            return decision;
        }
        let mut walk = self.walk(middle, self.reach_m() + radius_m);
        let Some(first) = walk.next_active() else {
            return Decision { considered: walk.considered, ..self.without_store(Outcome::OutOfReach) };
        };
        if first.distance_m > walk.reach_m {
            return self.beyond_reach(first, walk);
        }
        if radius_m <= self.policy.accuracy_trusted_m {
            return self.settle(first, true, Vec::new(), walk);
        }
        let (seen, possible) = self.contenders(first, radius_m, &mut walk);
        let is_surely_in_reach = first.distance_m + radius_m <= self.reach_m();
        if possible.is_empty() && is_surely_in_reach {
            return self.settle(first, true, seen, walk);
        }
        let is_likely_in_reach = first.distance_m <= self.reach_m();
        let guess = is_likely_in_reach && possible.len() < self.policy.guess_candidates_max;
        self.choose(first, guess, seen, &possible, walk)
    }

    /// The nearest store, if the place is well known and the store's own code may be shown: what most visits come to.
    fn at_once(&self, middle: Position, radius_m: f64) -> Option<Decision> {
        if radius_m > self.policy.accuracy_trusted_m || self.campaign.open_stores != OpenStores::Ignore {
            return None;
        }
        let first = self.catalog.nearest().nearest_one(middle, None, |key| self.stores.takes(key))?;
        if first.distance_m > self.reach_m() + radius_m {
            return None;
        }
        let (join, why) = self.ladder.own(first.key).ok()?;
        Some(Decision {
            store: Some(pick(first)),
            join: Some(join),
            fallback: why.map(|reason| Fallback { rung: Rung::Group, reason }),
            has_other_route: self.ladder.has_other(first.key, join),
            considered: vec![Candidate { store: first.key, distance_m: first.distance_m, verdict: Verdict::Chosen }],
            is_brief: true,
            ..Self::bare(Outcome::Routed)
        })
    }

    /// The store whose service area the place lies in, whatever is nearer and however far it is; a guess where the place is not
    /// known well.
    fn in_service_area(&self, first: Neighbour, middle: Position, radius_m: f64) -> Decision {
        let mut walk = self.walk(middle, self.reach_m() + radius_m);
        walk.passed = Some(first.key);
        let mut decision = self.settle(first, true, Vec::new(), walk);
        if radius_m > self.policy.accuracy_trusted_m {
            decision.outcome = Outcome::Choose;
        }
        area::explain(&mut decision, first);
        decision
    }

    /// A place known from the address is never more than a city, so the customer chooses; a city with one store is that store.
    fn at_ip(&self, circle: Circle) -> Decision {
        let mut walk = self.walk(circle.middle, self.reach_m() + circle.radius_m);
        let Some(first) = walk.next_active() else {
            return Decision { considered: walk.considered, ..self.without_store(Outcome::OutOfReach) };
        };
        if first.distance_m > walk.reach_m {
            return self.beyond_reach(first, walk);
        }
        let (seen, possible) = self.contenders(first, circle.radius_m, &mut walk);
        self.choose(first, possible.is_empty(), seen, &possible, walk)
    }

    /// The stores after the first, as many as are listed, and the keys of those that may be the nearest for some place in the circle.
    ///
    /// With the middle M, the nearest store A and another B, the places nearer to B than to A lie behind the perpendicular
    /// bisector of AB, whose distance from M is (MB² − MA²) / 2·AB. The circle reaches behind it if that is less than its
    /// radius. Plane geometry: at city scale the error is below a thousandth of the distance.
    fn contenders<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        radius_m: f64,
        walk: &mut Walk<I>,
    ) -> (Vec<Neighbour>, Vec<u32>) {
        let listed_max = self.policy.alternatives_max.max(self.policy.guess_candidates_max);
        let mut seen = Vec::new();
        let mut possible = Vec::new();
        while seen.len() < listed_max {
            let Some(it) = walk.next_in_reach() else {
                break;
            };
            seen.push(it);
            // AB ≤ MA + MB, so the bisector is at least (MB − MA) / 2 away and cannot be reached.
            if it.distance_m - first.distance_m >= 2.0 * radius_m {
                break;
            }
            if self.bisector_m(first, it) < radius_m {
                possible.push(it.key);
            }
        }
        (seen, possible)
    }

    fn bisector_m(&self, first: Neighbour, other: Neighbour) -> f64 {
        let between = match (self.catalog.position(first.key), self.catalog.position(other.key)) {
            (Some(a), Some(b)) => geo::distance_m(a, b),
            _ => 0.0,
        };
        if between <= 0.0 {
            return 0.0;
        }
        (other.distance_m + first.distance_m) * (other.distance_m - first.distance_m) / (2.0 * between)
    }

    fn beyond_reach<I: Iterator<Item = Neighbour>>(&self, first: Neighbour, mut walk: Walk<I>) -> Decision {
        walk.note(first, Verdict::BeyondReach);
        let mut alternatives = vec![pick(first)];
        while alternatives.len() < self.policy.alternatives_max {
            let Some(it) = walk.next_active() else { break };
            walk.note(it, Verdict::BeyondReach);
            alternatives.push(pick(it));
        }
        Decision { alternatives, considered: walk.considered, ..self.without_store(Outcome::OutOfReach) }
    }

    /// The customer chooses; the first store is shown as a guess where that is defensible.
    fn choose<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        guess: bool,
        seen: Vec<Neighbour>,
        possible: &[u32],
        walk: Walk<I>,
    ) -> Decision {
        if guess {
            let decision = self.settle(first, true, seen, walk);
            return Decision { outcome: Outcome::Choose, ..decision };
        }
        let mut walk = walk;
        walk.note(first, Verdict::Possible);
        for it in &seen {
            walk.note(*it, if possible.contains(&it.key) { Verdict::Possible } else { Verdict::Farther });
        }
        let alternatives =
            std::iter::once(first).chain(seen).map(pick).take(self.policy.alternatives_max.max(1)).collect();
        Decision { alternatives, considered: walk.considered, ..self.without_store(Outcome::Choose) }
    }

    /// The customer's own choice, or the store of the last visit.
    fn at_store(&self, id: &StoreId) -> Decision {
        let found = self.catalog.store_key(id).and_then(|key| Some((key, self.catalog.store(key)?)));
        let Some((key, store)) = found else {
            return self.without_store(Outcome::UnknownPlace);
        };
        let mut walk = self.walk(store.at.position(), self.reach_m());
        // The walk would meet the store itself, maybe behind others at the same place.
        walk.passed = Some(key);
        let first = Neighbour { key, distance_m: 0.0 };
        self.settle(first, false, Vec::new(), walk)
    }
}
