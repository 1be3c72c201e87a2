//! Who a visitor is elsewhere, and what they wish: identities joined where the visitor asked for it, kept apart where two people share a
//! browser, and silenced for good where somebody opts out or is forgotten. See `docs/adr/0020-who-is-who.md`.

use std::collections::BTreeSet;

use super::cards::{change, read};
use super::tags::TagJob;
use crate::app::App;
use crate::customer::{Customer, Identity, Place, VisitorLink, person_of};
use crate::id::VisitorId;
use crate::storage::{Card, CardKind, CardWrite, Storage, StorageError, TagFilter, Trouble};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// How often a card is removed anew that others write too.
const TRIES_MAX: u32 = 8;
/// Visits of one visitor that are looked through for a place.
const VISITS_MAX: usize = 20;
/// What an `external_userid` begins with.
const CUSTOMER_PREFIXES: [&str; 2] = ["wm", "wo"];

/// Who somebody has shown to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// `openid` at the official account.
    pub openid: Option<String>,
    /// `unionid` at the open platform.
    pub unionid: Option<String>,
    /// `external_userid`.
    pub customer: Option<String>,
}

/// Has a customer's tags brought up to date.
fn retag(storage: &dyn Storage, why: &str, customer: &str, now: Timestamp) -> Result<(), StorageError> {
    storage.enqueue(&[TagJob::of(customer, &format!("{why}:{}", now.unix_ms()), now)], now)
}

/// Makes a customer silent: nothing is sent any more, and what was sent is taken back. `is_forgotten`: nothing but what that takes stays.
/// Says how much went of what happened to them and what waited.
fn silence(storage: &dyn Storage, customer: &str, is_forgotten: bool, now: Timestamp) -> Result<u64, StorageError> {
    change(storage, CardKind::Customer, customer, |it: &mut Customer, about| {
        it.is_silent = true;
        if is_forgotten {
            *about = None;
            (it.unionid, it.place) = (None, None);
            it.friends.values_mut().for_each(|it| it.scan = None);
            it.chats.values_mut().for_each(|it| it.scan = None);
        }
    })?;
    // What happened to them, and what waits or was given up.
    let gone = if is_forgotten { storage.forget(person_of(customer), now)?.book } else { 0 };
    retag(storage, if is_forgotten { "forget" } else { "silent" }, customer, now)?;
    Ok(gone)
}

/// Lets go of who a visitor is elsewhere, before storage forgets the visitor: customers stay as silent cards without anything that leads
/// to the visitor, so that their tags can be taken back and are not set again.
///
/// # Errors
/// Storage's; doing it again finishes it.
pub(in crate::app) fn part(storage: &dyn Storage, visitor: VisitorId, now: Timestamp) -> Result<Parted, StorageError> {
    let link = read::<VisitorLink>(storage, CardKind::Visitor, &visitor.to_string())?.it;
    let about = storage.cards_of(visitor)?.into_iter();
    let customers: BTreeSet<String> =
        about.filter(|(kind, _)| *kind == CardKind::Customer).map(|(_, card)| card.id).chain(link.customer).collect();
    let mut unionids: Vec<String> = link.unionid.into_iter().collect();
    for it in &customers {
        unionids.extend(read::<Customer>(storage, CardKind::Customer, it)?.it.unionid);
    }
    // Before the cards that lead to them.
    unionids.iter().try_for_each(|it| remove_identity(storage, it).map(drop))?;
    let mut book = 0;
    for it in &customers {
        book += silence(storage, it, true, now)?;
    }
    Ok(Parted { visitors: Vec::new(), customers, book })
}

/// Removes an identity; what it was.
pub(super) fn remove_identity(storage: &dyn Storage, unionid: &str) -> Result<Option<Identity>, StorageError> {
    let id = format!("unionid:{unionid}");
    let kind = CardKind::Identity;
    for _ in 0..TRIES_MAX {
        let found = read::<Identity>(storage, kind, &id)?;
        if found.revision == 0 {
            return Ok(None);
        }
        let (id, expected) = (id.clone(), found.revision);
        match storage.write_card(&CardWrite { kind, id, expected, body: None, visitor: None, counts: Vec::new() }) {
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(Some(found.it)),
        }
    }
    Err(StorageError::caused(Trouble::Unavailable, "a card is written by too many at once"))
}

/// The visitor of somebody known by `external_userid` or `unionid`, who is parted from it at once; none if nobody is known by that.
///
/// # Errors
/// Storage's.
pub fn part_person(storage: &dyn Storage, text: &str, now: Timestamp) -> Result<Option<Parted>, StorageError> {
    let named = read::<Identity>(storage, CardKind::Identity, &format!("unionid:{text}"))?;
    let customer = named.it.customer.clone().unwrap_or_else(|| text.to_owned());
    let card = read::<Customer>(storage, CardKind::Customer, &customer)?;
    if named.revision == 0 && card.revision == 0 {
        // Nothing is known but what happened to them, or waits to be worked in.
        let is_customer = CUSTOMER_PREFIXES.iter().any(|it| customer.starts_with(it));
        let book = if is_customer { storage.forget(person_of(&customer), now)?.book } else { 0 };
        return Ok((book > 0).then(|| Parted { book, ..Parted::default() }));
    }
    let mut visitors: Vec<VisitorId> = card.visitor.into_iter().collect();
    for unionid in card.it.unionid.iter().map(String::as_str).chain([text]) {
        visitors.extend(remove_identity(storage, unionid)?.and_then(|it| it.visitor));
    }
    let (mut customers, mut book) = (BTreeSet::new(), 0);
    if card.revision > 0 {
        book = silence(storage, &customer, true, now)?;
        customers.insert(customer);
    }
    visitors.sort_unstable();
    visitors.dedup();
    Ok(Some(Parted { visitors, customers, book }))
}

/// Somebody who was parted from what is known of them elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parted {
    /// The visitors they are known to be, who are to be forgotten as well.
    pub visitors: Vec<VisitorId>,
    /// `external_userid` of the customers who stay as a silent card.
    pub customers: BTreeSet<String>,
    /// How much went of what happened to them and what waited to be done about them.
    pub book: u64,
}

fn differs(held: Option<&str>, shown: Option<&str>) -> bool {
    held.zip(shown).is_some_and(|(held, shown)| held != shown)
}

fn is_another(link: &VisitorLink, shown: &Shown) -> bool {
    differs(link.openid.as_deref(), shown.openid.as_deref())
        || differs(link.unionid.as_deref(), shown.unionid.as_deref())
        || differs(link.customer.as_deref(), shown.customer.as_deref())
}

/// Whether a visitor wishes that nothing is told to `WeCom`.
pub(super) fn is_silent(storage: &dyn Storage, visitor: VisitorId) -> Result<bool, StorageError> {
    Ok(read::<VisitorLink>(storage, CardKind::Visitor, &visitor.to_string())?.it.is_silent)
}

impl App {
    /// Who a visitor is elsewhere, and the cards of the customers they are known to be. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub(in crate::app) fn known_as(&self, visitor: VisitorId) -> Result<(VisitorLink, Vec<Card>), StorageError> {
        let storage = &*self.parts.storage;
        let link = read::<VisitorLink>(storage, CardKind::Visitor, &visitor.to_string())?.it;
        let about = storage.cards_of(visitor)?.into_iter().filter(|(kind, _)| *kind == CardKind::Customer);
        let mut cards: Vec<Card> = about.map(|(_, card)| card).collect();
        if let Some(id) = link.customer.as_deref().filter(|id| cards.iter().all(|it| it.id != *id)) {
            cards.extend(storage.cards(CardKind::Customer, &[id])?.into_iter().flatten());
        }
        Ok((link, cards))
    }

    /// Whether a visitor wishes that nothing is told to `WeCom`. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn is_silent(&self, visitor: VisitorId) -> Result<bool, StorageError> {
        is_silent(&*self.parts.storage, visitor)
    }

    /// Keeps whether a visitor wishes that nothing is told to `WeCom`; what was told is taken back, or told again. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn set_silent(&self, visitor: VisitorId, is_silent: bool) -> Result<(), StorageError> {
        let (storage, now) = (&*self.parts.storage, self.now());
        let link = change(storage, CardKind::Visitor, &visitor.to_string(), |it: &mut VisitorLink, about| {
            (it.is_silent, *about) = (is_silent, Some(visitor));
        })?;
        let Some(customer) = link.customer else { return Ok(()) };
        if is_silent {
            return silence(storage, &customer, false, now).map(drop);
        }
        change(storage, CardKind::Customer, &customer, |it: &mut Customer, _| it.is_silent = false)?;
        retag(storage, "heard", &customer, now)
    }

    /// Notes who a visitor has shown to be, as they wished. Returns whose visits these are from now on: another visitor where the
    /// browser was known as somebody else's, so that two people who share it stay two. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn join_person(&self, visitor: VisitorId, shown: &Shown) -> Result<VisitorId, StorageError> {
        let (storage, now) = (&*self.parts.storage, self.now());
        let link = read::<VisitorLink>(storage, CardKind::Visitor, &visitor.to_string())?.it;
        if link.is_silent {
            return Ok(visitor);
        }
        let ids = [("openid", &shown.openid), ("unionid", &shown.unionid)];
        let ids: Vec<String> =
            ids.iter().filter_map(|(kind, it)| it.as_ref().map(|it| format!("{kind}:{it}"))).collect();
        let mut known = Vec::with_capacity(ids.len());
        for id in &ids {
            known.push(read::<Identity>(storage, CardKind::Identity, id)?.it);
        }
        let visitor = if is_another(&link, shown) { self.other_visitor(&known, shown, now)? } else { visitor };
        let customer = shown.customer.clone().or_else(|| known.iter().find_map(|it| it.customer.clone()));
        for id in &ids {
            change(storage, CardKind::Identity, id, |it: &mut Identity, about| {
                (it.visitor, *about) = (Some(visitor), Some(visitor));
                it.customer = customer.clone().or(it.customer.take());
            })?;
        }
        let held = match &customer {
            Some(it) => Some(read::<Customer>(storage, CardKind::Customer, it)?.it),
            None => None,
        };
        // A customer who was forgotten or opted out is not found again by a look at another phone.
        let is_silent = held.is_some_and(|it| it.is_silent);
        change(storage, CardKind::Visitor, &visitor.to_string(), |it: &mut VisitorLink, about| {
            *about = Some(visitor);
            it.openid = shown.openid.clone().or(it.openid.take());
            it.unionid = shown.unionid.clone().or(it.unionid.take());
            it.customer = customer.clone().or(it.customer.take());
            it.is_silent |= is_silent;
        })?;
        if let Some(customer) = customer.filter(|_| !is_silent) {
            self.join_customer(&customer, visitor, shown, now)?;
        }
        Ok(visitor)
    }

    /// The visitor that these identities belong to, or a new one.
    fn other_visitor(&self, known: &[Identity], shown: &Shown, now: Timestamp) -> Result<VisitorId, StorageError> {
        for visitor in known.iter().filter_map(|it| it.visitor) {
            let link = read::<VisitorLink>(&*self.parts.storage, CardKind::Visitor, &visitor.to_string())?.it;
            if !is_another(&link, shown) {
                return Ok(visitor);
            }
        }
        Ok(VisitorId::from_parts(now.unix_ms().unsigned_abs(), self.chance()))
    }

    fn join_customer(
        &self,
        customer: &str,
        visitor: VisitorId,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let storage = &*self.parts.storage;
        let theirs = TagFilter { visitor: Some(visitor), ..TagFilter::default() };
        // A visit without a place says nothing of where they are.
        let latest = storage.latest_tags(&theirs, 0, VISITS_MAX)?.into_iter().find(TagRecord::is_located);
        change(storage, CardKind::Customer, customer, |it: &mut Customer, about| {
            *about = Some(visitor);
            it.unionid = shown.unionid.clone().or(it.unionid.take());
            if let Some(place) = latest.as_ref().map(place_of)
                && it.place.as_ref().is_none_or(|it| it.at < place.at)
            {
                it.place = Some(place);
            }
        })?;
        retag(storage, "join", customer, now)
    }
}

fn place_of(visit: &TagRecord) -> Place {
    let region = &visit.region;
    let names = [&region.province, &region.city, &region.district].into_iter().chain(&region.areas);
    let regions = names.filter(|it| !it.is_empty()).map(ToString::to_string).collect();
    Place { at: visit.at, regions, store: visit.store.clone() }
}
