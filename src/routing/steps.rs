//! Everything that may be shown to a visitor, step by step down the ladder, before anybody has asked for a seat.

use super::case::Case;
use super::decide::Context;
use super::decision::{Decision, Verdict};
use super::ladder::{Reason, Room, Wish};
use crate::campaign::{Route, Rung};
use crate::catalog::Joinable;
use crate::geo::Position;
use crate::group::GroupChat;
use crate::visitor::Fix;

/// Next stores that are offered at the most: whoever finds ten full asks for help rather than for an eleventh.
const NEXT_STORES_MAX: usize = 10;

/// How far down the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the decision shows, where that is the store's own; else everything.
    First,
    /// Everything.
    Whole,
}

/// What a step has to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// These group chats, by their places in the catalog, in order.
    Groups(Vec<u32>),
    /// This contact, which has room for everybody.
    Contact(u32),
}

/// A step of the ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its rung; none for what the right store is joined by.
    pub rung: Option<Rung>,
    /// The key of the store it belongs to.
    pub store: Option<u32>,
    /// How far away that is, in metres, where that is not the right store.
    pub distance_m: Option<f64>,
    /// What it offers.
    pub offer: Offer,
}

/// The steps below a decision, in order. With [`Extent::First`] only the first one, where the decision shows a store's own group.
///
/// `decision` was made without knowledge of the seats.
#[must_use]
pub fn steps(extent: Extent, route: Route, decision: &Decision, case: &Case<'_>) -> Vec<Step> {
    let wish = Wish { route, room: Room::Unasked };
    let mut context = Context::of(wish, case);
    if decision.is_of_open_stores {
        context.stores = context.stores.open_at(case.now, &case.policy.zone);
    }
    let mut list = List { context, steps: Vec::new() };
    let right = decision.wanted.or(decision.store.map(|it| it.store));
    if let Some(store) = right {
        list.own(store);
        let shows_own = decision.join.is_some() && decision.fallback.is_none_or(|it| it.rung == Rung::Group);
        if extent == Extent::First && shows_own {
            return list.steps;
        }
        list.next_stores(store);
        if decision.is_of_open_stores {
            // A store that is closed at the hour may still offer its group, after all that are open.
            list.context.stores = Context::of(wish, case).stores;
            list.own(store);
        }
        list.contact(store);
    }
    list.of_nobody(right);
    list.steps
}

struct List<'a> {
    context: Context<'a>,
    steps: Vec<Step>,
}

impl<'a> List<'a> {
    fn groups(
        &mut self,
        rung: Option<Rung>,
        store: Option<(u32, Option<f64>)>,
        groups: impl Iterator<Item = (Joinable, &'a GroupChat)>,
    ) -> bool {
        let now = self.context.ladder.now;
        let offered: Vec<u32> = groups
            .filter(|(_, group)| group.is_offered(now))
            .filter_map(|(join, _)| if let Joinable::Group(place) = join { Some(place) } else { None })
            .collect();
        if offered.is_empty() {
            return false;
        }
        let (store, distance_m) = store.unzip();
        self.steps.push(Step { rung, store, distance_m: distance_m.flatten(), offer: Offer::Groups(offered) });
        true
    }

    fn contact_of(&mut self, rung: Option<Rung>, store: u32, distance_m: Option<f64>) -> Result<(), Reason> {
        if let Joinable::Contact(place) = self.context.ladder.contact_of(store)? {
            self.steps.push(Step { rung, store: Some(store), distance_m, offer: Offer::Contact(place) });
        }
        Ok(())
    }

    /// What the store itself is joined by, first by the visitor's route.
    fn own(&mut self, store: u32) {
        if self.context.stores.refusal(store).is_some() {
            return;
        }
        let is_contact = self.context.ladder.wish.route == Route::Contact;
        if is_contact {
            // A store without a contact is joined by its groups.
            let _ = self.contact_of(None, store, None);
        }
        self.groups(is_contact.then_some(Rung::Group), Some((store, None)), self.context.catalog.groups_of(store));
    }

    fn next_stores(&mut self, first: u32) {
        let Some((from, reach_m)) = self.place(first) else { return };
        if !self.context.campaign.fallbacks.allow(Rung::NextStore) {
            return;
        }
        let mut walk = self.context.walk(from, reach_m);
        walk.passed = Some(first);
        let mut found = 0;
        while found < NEXT_STORES_MAX
            && let Some(it) = walk.next_in_reach()
        {
            found += usize::from(self.next_store(it.key, it.distance_m));
        }
        if found == 0
            && let Some((it, _)) = self.context.farther_store(from, reach_m, Some(first))
        {
            self.next_store(it.key, it.distance_m);
        }
    }

    fn next_store(&mut self, store: u32, distance_m: f64) -> bool {
        let rung = Some(Rung::NextStore);
        if self.context.ladder.wish.route == Route::Contact && self.contact_of(rung, store, Some(distance_m)).is_ok() {
            return true;
        }
        self.groups(rung, Some((store, Some(distance_m))), self.context.catalog.groups_of(store))
    }

    /// From where stores are looked for, and how far.
    fn place(&self, first: u32) -> Option<(Position, f64)> {
        let reach_m = self.context.reach_m();
        match self.context.fix {
            Fix::Gps { position, accuracy_m } => Some((*position, reach_m + accuracy_m.unwrap_or(0.0))),
            Fix::Ip { circle, .. } => circle.map(|it| (it.middle, reach_m + it.radius_m)),
            Fix::Chosen(_) | Fix::Previous(_) => self.context.catalog.position(first).map(|it| (it, reach_m)),
            Fix::Nowhere => None,
        }
    }

    fn contact(&mut self, store: u32) {
        let is_listed = self.steps.iter().any(|it| it.store == Some(store) && matches!(it.offer, Offer::Contact(_)));
        let refused = self.context.stores.refusal(store).map(|(_, verdict)| verdict);
        let is_out = matches!(refused, Some(Verdict::Closed | Verdict::NotInCampaign));
        if !is_listed && !is_out && self.context.campaign.fallbacks.allow(Rung::Contact) {
            // A store without a contact has no such step.
            let _ = self.contact_of(Some(Rung::Contact), store, None);
        }
    }

    fn of_nobody(&mut self, right: Option<u32>) {
        let Context { catalog, campaign, fix, .. } = self.context;
        if campaign.fallbacks.allow(Rung::Region) && catalog.has_region_groups() {
            for code in super::region::codes(catalog, fix, right) {
                self.groups(Some(Rung::Region), None, catalog.region_groups(code));
            }
        }
        if campaign.fallbacks.allow(Rung::Campaign) {
            self.groups(Some(Rung::Campaign), None, catalog.campaign_groups(&campaign.slug));
        }
    }
}
