//! Whom a greeting is for: the visit, the store, the group and the kind of customer, as far as they are known at this moment.

use std::ops::ControlFlow;

use super::{Inner, Task};
use crate::app::wecom::identity::{Silence, scan_of_state, wishes_silence};
use crate::app::wecom::templates::{Known, KnownGroup, Standing, coupon_of};
use crate::catalog::{Catalog, Joinable};
use crate::customer::Customer;
use crate::group::{Contact, GroupChat, Owner};
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::storage::{CardKind, SeatRules, Storage, TagFilter};
use crate::store::Store;
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// A friendship that began this long before the event is this very one, told of by its other event.
const SAME_MS: i64 = 600_000;
/// Visits of one visitor that are looked through.
const VISITS_MAX: usize = 200;

impl Inner {
    /// What is known of somebody. What cannot be read is not known.
    pub(super) fn known(&self, catalog: &Catalog, task: &Task) -> Known {
        let now = self.parts.clock.now();
        let channel = scan_of_state(&self.parts.signer, &task.state, now);
        let visit = channel.and_then(|it| self.visit(it.visitor, it.scan));
        let contact = contact_of(catalog, task);
        let customer = self.customer(&task.customer);
        let store =
            store_of(contact, visit.as_ref(), customer.as_ref()).and_then(|it| catalog.store(catalog.store_key(&it)?));
        let place = Place {
            catalog,
            storage: &*self.parts.storage,
            rules: self.parts.seat_rules,
            public_url: &self.parts.public_url,
            now,
        };
        let mut known = Known {
            contact: contact.map(|it| it.name.to_string()).unwrap_or_default(),
            standing: Some(standing(customer.as_ref(), task)),
            ..place.known(store, &campaign_of(contact, visit.as_ref()))
        };
        // Who does not wish to be sorted is not sorted here either, also before there is a card of them. What cannot be read is
        // taken for a wish.
        let wished = channel.map(|it| wishes_silence(&*self.parts.storage, it));
        let is_silent = customer.as_ref().is_some_and(|it| it.is_silent)
            || wished.is_some_and(|it| it.map_or(true, |it| it != Silence::None));
        if let Some(lookup) = self.parts.lookup.as_ref().filter(|_| !is_silent) {
            let unionid = customer.as_ref().and_then(|it| it.unionid.as_deref());
            let id = format!("lookup_{:032x}", fastrand::u128(..));
            let (outcome, said) = lookup.ask((&task.customer, unionid), &known, (&id, now));
            self.parts.metrics.greeting.looked_up(outcome.as_str());
            known.membership = said.as_ref().map(|it| it.membership);
            known.segment = said.and_then(|it| it.segment);
        }
        known.coupon = store.and_then(|it| coupon_of(it, &known)).unwrap_or_default();
        known
    }

    fn visit(&self, visitor: VisitorId, scan: ScanId) -> Option<TagRecord> {
        let theirs = TagFilter { visitor: Some(visitor), ..TagFilter::default() };
        let (mut found, mut seen) = (None, 0_usize);
        let read = self.parts.storage.each_tag(&theirs, &mut |record| {
            seen += 1;
            if record.scan == scan {
                found = Some(record.clone());
            }
            if found.is_some() || seen >= VISITS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        read.ok().and(found)
    }

    fn customer(&self, id: &str) -> Option<Customer> {
        let cards = self.parts.storage.cards(CardKind::Customer, &[id]).ok()?;
        serde_json::from_str(&cards.into_iter().next()??.body).ok()
    }
}

/// What of a greeting depends on the place alone.
pub(in crate::app::wecom) struct Place<'a> {
    pub(in crate::app::wecom) catalog: &'a Catalog,
    pub(in crate::app::wecom) storage: &'a dyn Storage,
    pub(in crate::app::wecom) rules: SeatRules,
    pub(in crate::app::wecom) public_url: &'a str,
    pub(in crate::app::wecom) now: Timestamp,
}

impl Place<'_> {
    /// What is known of somebody who belongs to a store and came through a campaign; no more.
    pub(in crate::app::wecom) fn known(&self, store: Option<&Store>, slug: &CampaignSlug) -> Known {
        let campaign = self.catalog.campaign(slug).unwrap_or(self.catalog.default_campaign());
        Known {
            campaign: (slug.to_string(), campaign.name.to_string()),
            group: self.group(store, slug),
            ..store.map(of_store).unwrap_or_default()
        }
    }

    /// The store's first group with room, or the campaign's.
    fn group(&self, store: Option<&Store>, slug: &CampaignSlug) -> Option<KnownGroup> {
        let key = store.and_then(|it| self.catalog.store_key(&it.id));
        let own = key.into_iter().flat_map(|it| self.catalog.groups_of(it)).map(|(_, group)| group).collect();
        let common = self.catalog.campaign_groups(slug).map(|(_, group)| group).collect();
        let (group, store) = match self.with_room(own) {
            Some(group) => (group, store.map(|it| it.id.as_str())),
            None => (self.with_room(common)?, None),
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(store.map(|it| ("store", it))).append_pair("route", "group");
        let slug: String = form_urlencoded::byte_serialize(slug.as_str().as_bytes()).collect();
        let page = format!("{}/s/{slug}?{}", self.public_url, query.finish());
        Some(KnownGroup { name: group.name.to_string(), page, code: group.code.link.as_str().to_owned() })
    }

    fn with_room<'c>(&self, groups: Vec<&'c GroupChat>) -> Option<&'c GroupChat> {
        let offered: Vec<&GroupChat> = groups.into_iter().filter(|it| it.is_offered(self.now)).collect();
        let ids: Vec<_> = offered.iter().map(|it| it.id.clone()).collect();
        match self.storage.head_counts(&ids, self.now) {
            Ok(counts) => {
                let mut counted = offered.into_iter().zip(counts);
                let found = counted.find(|(group, heads)| heads.has_room(group.capacity, self.rules.join_rate));
                found.map(|(group, _)| group)
            }
            // The page that is linked looks again.
            Err(_away) => offered.first().copied(),
        }
    }
}

fn of_store(it: &Store) -> Known {
    Known {
        store: it.id.to_string(),
        store_name: it.name.to_string(),
        address: it.address.to_string(),
        hours: it.hours.as_ref().map(ToString::to_string).unwrap_or_default(),
        region: [&it.province, &it.city, &it.district].map(ToString::to_string),
        ..Known::default()
    }
}

/// The contact who was added: by the code that was used, or by the member of staff, who may stand behind several.
fn contact_of<'c>(catalog: &'c Catalog, task: &Task) -> Option<&'c Contact> {
    if let Some(Joinable::Contact(place)) = catalog.by_state(&task.state) {
        return catalog.contact(place);
    }
    catalog.contacts_of_staff(&task.staff).next()
}

/// The store that the contact belongs to, else the one of the visit, else the one the customer is known by.
fn store_of(contact: Option<&Contact>, visit: Option<&TagRecord>, customer: Option<&Customer>) -> Option<StoreId> {
    let of_contact = contact.and_then(|it| match &it.owner {
        Owner::Store(store) => Some(store.clone()),
        Owner::Region(_) | Owner::Campaign(_) => None,
    });
    of_contact
        .or_else(|| visit.and_then(|it| it.store.clone()))
        .or_else(|| customer.filter(|it| !it.is_silent)?.place.as_ref()?.store.clone())
}

/// The campaign: the visit's, else the contact's own, else the default one.
fn campaign_of(contact: Option<&Contact>, visit: Option<&TagRecord>) -> CampaignSlug {
    let of_contact = contact.and_then(|it| match &it.owner {
        Owner::Campaign(slug) => Some(slug.clone()),
        Owner::Store(_) | Owner::Region(_) => None,
    });
    visit.map(|it| it.campaign.clone()).or(of_contact).unwrap_or_else(CampaignSlug::default_slug)
}

fn standing(customer: Option<&Customer>, task: &Task) -> Standing {
    let before = task.at.plus_ms(-SAME_MS);
    let was_here = |it: &Customer| {
        it.friends.values().any(|it| it.since < before) || it.chats.values().any(|it| it.since < before)
    };
    if customer.is_some_and(was_here) { Standing::Returning } else { Standing::New }
}
