//! `decide`: from a fix to a decision. A pure function of its inputs.

use super::area;
use super::decision::{Decision, Outcome, Pick, Verdict};
use super::eligible::Eligible;
use super::ladder::{self, Fallback, Reason, Rung};
use super::open;
use super::policy::Policy;
use super::region;
use super::walk::{Walk, inactive_before};
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Joinable};
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
    let stores = Eligible::of(catalog, campaign);
    let context = Context { catalog, campaign, policy, now, stores };
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

/// What a decision is made from, but for the fix.
pub(super) struct Context<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) campaign: &'a Campaign,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) stores: Eligible<'a>,
}

fn pick(it: Neighbour) -> Pick {
    Pick { store: it.key, distance_m: Some(it.distance_m) }
}

impl<'a> Context<'a> {
    /// What a fix comes to among the stores of the context.
    pub(super) fn at(&self, fix: &Fix) -> Decision {
        match fix {
            Fix::Gps { position, accuracy_m } => self.at_measured(*position, accuracy_m.unwrap_or(0.0)),
            Fix::Chosen(id) | Fix::Previous(id) => self.at_store(id),
            Fix::Ip { circle: Some(circle), .. } => self.at_ip(*circle),
            Fix::Ip { circle: None, .. } | Fix::Nowhere => self.without_store(Outcome::UnknownPlace),
        }
    }

    fn walk(&self, from: Position, reach_m: f64) -> Walk<impl Iterator<Item = Neighbour> + use<'a>> {
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

    fn reach_m(&self) -> f64 {
        self.campaign.reach_m.unwrap_or(self.policy.reach_m)
    }

    /// A decision without a store: the campaign's own group if there is one.
    fn without_store(&self, outcome: Outcome) -> Decision {
        let reason = if outcome == Outcome::OutOfReach { Reason::OutOfReach } else { Reason::UnknownPlace };
        let join = ladder::campaign_group(self.catalog, &self.campaign.slug, self.now);
        Decision {
            source: FixSource::None,
            accuracy_m: None,
            outcome,
            store: None,
            wanted: None,
            join,
            fallback: join.map(|_| Fallback { rung: Rung::Campaign, reason }),
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

    /// Shows `first`, or where its group cannot be offered the next rung of the ladder.
    ///
    /// `seen` are stores that the walk has already handed out behind `first`.
    fn settle<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        from_place: bool,
        mut seen: Vec<Neighbour>,
        mut walk: Walk<I>,
    ) -> Decision {
        let refusal = self.stores.refusal(first.key);
        let own = match refusal {
            None => ladder::own_group(self.catalog, first.key, self.now),
            Some((reason, _)) => Err(reason),
        };
        let (chosen, join, fallback) = match own {
            Ok(join) => (first, Some(join), None),
            Err(reason) => self.next_rung(first, refusal.map(|(_, it)| it), reason, &mut seen, &mut walk),
        };
        // Stores passed over on the way to the one shown have nothing to offer and are not listed.
        let passed = seen.iter().position(|it| it.key == chosen.key).map_or(0, |place| place + 1);
        while seen.len() < passed + self.policy.alternatives_max {
            let Some(it) = walk.next_in_reach() else { break };
            seen.push(it);
        }
        if first.key != chosen.key {
            walk.note(first, refusal.map_or(Verdict::NoJoinCode, |(_, verdict)| verdict));
        }
        walk.note(chosen, if join.is_none() { Verdict::Nearest } else { Verdict::Chosen });
        for (place, it) in seen.iter().enumerate().filter(|(_, it)| it.key != chosen.key) {
            walk.note(*it, if place < passed { Verdict::NoJoinCode } else { Verdict::Farther });
        }
        let shown = |it: Neighbour| Pick { store: it.key, distance_m: from_place.then_some(it.distance_m) };
        Decision {
            store: Some(shown(chosen)),
            wanted: (chosen.key != first.key).then_some(first.key),
            join,
            fallback,
            alternatives: seen.into_iter().skip(passed).map(pick).take(self.policy.alternatives_max).collect(),
            considered: walk.considered,
            ..self.without_store(Outcome::Routed)
        }
    }

    /// The next store in reach with a group, else the store's contact, else the campaign's group.
    fn next_rung<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        refused: Option<Verdict>,
        reason: Reason,
        seen: &mut Vec<Neighbour>,
        walk: &mut Walk<I>,
    ) -> (Neighbour, Option<Joinable>, Option<Fallback>) {
        let mut place = 0;
        loop {
            let it = match seen.get(place) {
                Some(it) => *it,
                None => match walk.next_in_reach() {
                    Some(it) => {
                        seen.push(it);
                        it
                    }
                    None => break,
                },
            };
            place += 1;
            if let Ok(join) = ladder::own_group(self.catalog, it.key, self.now) {
                return (it, Some(join), Some(Fallback { rung: Rung::NextStore, reason }));
            }
        }
        if let Some((it, join)) = self.farther_group(walk, seen.len()) {
            seen.push(it);
            return (it, Some(join), Some(Fallback { rung: Rung::NextStore, reason }));
        }
        let is_out = matches!(refused, Some(Verdict::Closed | Verdict::NotInCampaign));
        let contact = if is_out { None } else { ladder::own_contact(self.catalog, first.key, self.now) };
        let campaign = || ladder::campaign_group(self.catalog, &self.campaign.slug, self.now);
        match contact.map(|it| (it, Rung::Contact)).or_else(|| campaign().map(|it| (it, Rung::Campaign))) {
            Some((join, rung)) => (first, Some(join), Some(Fallback { rung, reason })),
            None => (first, None, None),
        }
    }

    /// The nearest group in reach behind more stores without one than a decision explains.
    fn farther_group<I>(&self, walk: &Walk<I>, seen: usize) -> Option<(Neighbour, Joinable)> {
        if seen + 1 < self.policy.candidates_max {
            return None;
        }
        let group = |key| ladder::own_group(self.catalog, key, self.now).ok();
        let qualifies = |key| Some(key) != walk.passed && self.stores.takes(key) && group(key).is_some();
        let found = self.catalog.nearest().nearest_one(walk.from, Some(walk.reach_m), qualifies)?;
        Some((found, group(found.key)?))
    }
}
