//! What is shown where a store is known that would be right: its own code, or the next rung of the ladder; not which store that is.

use super::decide::{Context, pick};
use super::decision::{Decision, Outcome, Pick, Verdict};
use super::ladder::{Fallback, Reason, Room};
use super::walk::Walk;
use crate::campaign::Rung;
use crate::catalog::Joinable;
use crate::geo::{Neighbour, Position};

impl Context<'_> {
    /// Shows `first`, or where its group cannot be offered the next rung of the ladder.
    ///
    /// `seen` are stores that the walk has already handed out behind `first`.
    pub(super) fn settle<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        from_place: bool,
        mut seen: Vec<Neighbour>,
        mut walk: Walk<I>,
    ) -> Decision {
        let refusal = self.stores.refusal(first.key);
        let own = match refusal {
            None => self.ladder.own(first.key),
            Some((reason, _)) => Err(reason),
        };
        let (chosen, join, fallback) = match own {
            Ok((join, why)) => (first, Some(join), why.map(|reason| Fallback { rung: Rung::Group, reason })),
            Err(reason) => self.next_rung(first, refusal.map(|(_, it)| it), reason, &mut seen, &mut walk),
        };
        let looked_at = if fallback.is_none_or(|it| it.rung == Rung::Group) { 0 } else { seen.len() };
        // Stores passed over on the way to the one shown have nothing to offer and are not listed.
        let passed = seen.iter().position(|it| it.key == chosen.key).map_or(0, |place| place + 1);
        while seen.len() < passed + self.policy.alternatives_max {
            let Some(it) = walk.next_in_reach() else { break };
            seen.push(it);
        }
        if first.key != chosen.key {
            walk.note(first, refusal.map_or_else(|| self.passed_verdict(first.key), |(_, verdict)| verdict));
        }
        walk.note(chosen, if join.is_none() { Verdict::Nearest } else { Verdict::Chosen });
        for (place, it) in seen.iter().enumerate().filter(|(_, it)| it.key != chosen.key) {
            let is_passed = place < passed || join.is_some() && place < looked_at;
            walk.note(*it, if is_passed { self.passed_verdict(it.key) } else { Verdict::Farther });
        }
        let is_own = join.is_some() && fallback.is_none_or(|it| !matches!(it.rung, Rung::Region | Rung::Campaign));
        let shown = |it: Neighbour| Pick { store: it.key, distance_m: from_place.then_some(it.distance_m) };
        Decision {
            store: Some(shown(chosen)),
            wanted: (chosen.key != first.key).then_some(first.key),
            join,
            fallback,
            has_other_route: join.is_some_and(|it| is_own && self.ladder.has_other(chosen.key, it)),
            alternatives: seen.into_iter().skip(passed).map(pick).take(self.policy.alternatives_max).collect(),
            considered: walk.considered,
            ..Self::bare(Outcome::Routed)
        }
    }

    /// Why a store that was looked at for a code is not shown.
    fn passed_verdict(&self, store: u32) -> Verdict {
        if self.ladder.own(store) == Err(Reason::Full) { Verdict::Full } else { Verdict::NoJoinCode }
    }

    /// The next store in reach with a code, else the store's contact, else the region's group, else the campaign's.
    fn next_rung<I: Iterator<Item = Neighbour>>(
        &self,
        first: Neighbour,
        refused: Option<Verdict>,
        reason: Reason,
        seen: &mut Vec<Neighbour>,
        walk: &mut Walk<I>,
    ) -> (Neighbour, Option<Joinable>, Option<Fallback>) {
        let down = |rung| Some(Fallback { rung, reason });
        if self.campaign.fallbacks.allow(Rung::NextStore)
            && let Some((it, join)) = self.next_store(seen, walk)
        {
            return (it, Some(join), down(Rung::NextStore));
        }
        let is_out = matches!(refused, Some(Verdict::Closed | Verdict::NotInCampaign));
        let has_contact = !is_out && self.campaign.fallbacks.allow(Rung::Contact);
        if let Some(join) = has_contact.then(|| self.ladder.contact_of(first.key).ok()).flatten() {
            return (first, Some(join), down(Rung::Contact));
        }
        match self.ladder.of_nobody(self.fix, Some(first.key)) {
            Some((join, rung)) => (first, Some(join), down(rung)),
            None => (first, None, None),
        }
    }

    /// The nearest store behind the first whose code may be shown.
    fn next_store<I: Iterator<Item = Neighbour>>(
        &self,
        seen: &mut Vec<Neighbour>,
        walk: &mut Walk<I>,
    ) -> Option<(Neighbour, Joinable)> {
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
            if let Ok((join, _)) = self.ladder.own(it.key) {
                return Some((it, join));
            }
        }
        // Where no group has a seat, none is behind the horizon either.
        if self.ladder.wish.room == Room::Nowhere || seen.len() + 1 < self.policy.candidates_max {
            return None;
        }
        let (it, join) = self.farther_store(walk.from, walk.reach_m, walk.passed)?;
        seen.push(it);
        Some((it, join))
    }

    /// The nearest store in reach with a code, behind more stores without one than a decision explains.
    pub(super) fn farther_store(
        &self,
        from: Position,
        reach_m: f64,
        passed: Option<u32>,
    ) -> Option<(Neighbour, Joinable)> {
        let own = |key| self.ladder.own(key).ok();
        let qualifies = |key| Some(key) != passed && self.stores.takes(key) && own(key).is_some();
        let found = self.catalog.nearest().nearest_one(from, Some(reach_m), qualifies)?;
        Some((found, own(found.key)?.0))
    }
}
