//! Notes on a customer's card that they came or went, with everything that follows: the visit that led there, counters, a seat, a
//! step, labels to be set, the feed. Not how it became known.
//!
//! Noting is safe to repeat at every point: counters change with the card in one step, and everything else bears ids that make a
//! repeat harmless.

use super::belongs::{Belongs, region_of};
use super::identity::{Silence, scan_of_state, wishes_silence};
use super::spell::{Became, FOUND_WITHIN_MS, Tie, count};
use super::tags::TagJob;
use super::told::{Told, tell};
use super::{known, linked};
use crate::app::App;
use crate::catalog::Catalog;
use crate::customer::{Customer, Friendship, Membership, Place, TIES_MAX};
use crate::funnel::{Step, StepRecord};
use crate::id::VisitorId;
use crate::storage::{CardKind, CardWrite, Count, StorageError, Trouble};
use crate::tag::{TagRecord, labels};
use crate::time::Timestamp;

/// How often a card is written anew that others write too.
const TRIES_MAX: u32 = 16;

/// With whom or what a customer is tied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With<'a> {
    /// A member of staff, by `userid`.
    Staff(&'a str),
    /// A group chat, by `chat_id`, and its owner as far as that is known.
    Chat { chat: &'a str, owner: &'a str },
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// They came. `is_sure` says that it was a new beginning, and no second word of the same one.
    Came { at: Timestamp, is_sure: bool },
    /// A list that was read just now shows them, and when they came.
    There { at: Timestamp, is_sure: bool },
    /// They went.
    Went { at: Timestamp },
    /// A list that was read just now does not show them any more; it may lag.
    Missing { at: Timestamp },
    /// The chat was dissolved.
    Dissolved { at: Timestamp },
    /// Nothing: they are to be known better.
    Seen,
}

/// News of one customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    /// `external_userid`.
    pub customer: &'a str,
    pub with: With<'a>,
    pub change: Change,
    /// The `state` of the code that was used; may be empty.
    pub state: &'a str,
    pub unionid: Option<&'a str>,
    /// Whether nothing more is going to be known of it soon. Until then only the tie and what it counts for are noted: whose it is, where
    /// they are and what others are told of it would be wrong for good.
    pub is_whole: bool,
}

/// Notes facts, with one catalog and because of one thing.
pub(super) struct Facts<'a> {
    pub app: &'a App,
    pub catalog: &'a Catalog,
    /// What names the reason: an event's key, or that of a reading. Jobs that follow bear it.
    pub cause: &'a str,
    pub now: Timestamp,
}

/// A card while it is changed.
struct Changing {
    customer: Customer,
    visitor: Option<VisitorId>,
    /// Who was found to be this customer just now, whether or not they wish to be known.
    wished: Option<VisitorId>,
    counts: Vec<Count>,
    visit: Option<TagRecord>,
}

impl Facts<'_> {
    /// Notes news.
    ///
    /// # Errors
    /// Storage's; noting it again is harmless.
    pub(super) fn note(&self, news: &News<'_>) -> Result<(), StorageError> {
        let storage = &*self.app.parts.storage;
        for _ in 0..TRIES_MAX {
            let card = storage.cards(CardKind::Customer, &[news.customer])?.into_iter().flatten().next();
            let (before, visitor, expected) = match &card {
                Some(card) => (known(&card.body)?, card.visitor, card.revision),
                None => (Customer::default(), None, 0),
            };
            let mut it = Changing { customer: before.clone(), visitor, wished: None, counts: Vec::new(), visit: None };
            self.change(news, &mut it)?;
            if it.customer != before || it.visitor != visitor {
                let write = CardWrite {
                    kind: CardKind::Customer,
                    id: news.customer.to_owned(),
                    expected,
                    body: Some(serde_json::to_string(&it.customer).unwrap_or_default()),
                    visitor: it.visitor,
                    counts: it.counts.iter().filter(|it| it.by != 0).cloned().collect(),
                };
                match storage.write_card(&write) {
                    Ok(_revision) => {}
                    Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
            return self.follow_up(news, &it);
        }
        Err(StorageError::caused(Trouble::Unavailable, "a card is written by too many at once"))
    }

    fn change(&self, news: &News<'_>, it: &mut Changing) -> Result<(), StorageError> {
        // Who was forgotten is not known by it again.
        if it.customer.unionid.is_none() && !it.customer.is_silent {
            it.customer.unionid = news.unionid.map(ToOwned::to_owned);
        }
        let belongs = Belongs::find(self.catalog, news);
        let at = match news.change {
            Change::Came { at, .. } | Change::There { at, .. } => at,
            // A visit leads to a beginning.
            Change::Went { at } | Change::Missing { at } | Change::Dissolved { at } => {
                began(&it.customer, news.with).unwrap_or(at)
            }
            Change::Seen => began(&it.customer, news.with).unwrap_or(self.now),
        };
        let channel = scan_of_state(&self.app.parts.signer, news.state, at);
        if it.visitor.is_none() && !it.customer.is_silent {
            let silence = if let Some(channel) = channel {
                it.wished = Some(channel.visitor);
                wishes_silence(&*self.app.parts.storage, channel)?
            } else {
                it.wished = linked::visitor_of(self.app, it.customer.unionid.as_deref())?;
                let is_silent = it.wished.map_or(Ok(false), |visitor| self.app.is_silent(visitor))?;
                if is_silent { Silence::OptedOut } else { Silence::None }
            };
            // Who has opted out is not joined to their visits, and what they wish holds for them as a customer too.
            it.customer.is_silent = silence != Silence::None;
            if silence == Silence::Forgotten {
                it.wished = None;
                (it.customer.unionid, it.customer.place) = (None, None);
            }
            it.visitor = it.wished.filter(|_| !it.customer.is_silent);
        }
        let named = channel.filter(|channel| it.visitor == Some(channel.visitor)).map(|it| it.scan);
        if let Some(visitor) = it.visitor {
            it.visit = linked::visit(self.app, visitor, named, &belongs, at)?;
        }
        let zone = self.app.zone().as_jiff();
        match news.with {
            With::Staff(staff) => {
                let before = it.customer.friends.get(staff).cloned().unwrap_or_default();
                let mut tie = before.clone();
                let ended = turn(&mut tie, news.change, self.now);
                if tie.contact.is_none() {
                    tie.contact = belongs.contact.as_ref().map(|it| it.id.clone());
                }
                tie.store = tie.store.or_else(|| belongs.store.clone()).or_else(|| it.visit.as_ref()?.store.clone());
                tie.scan = tie.scan.or(named).or(it.visit.as_ref().map(|it| it.scan)).filter(|_| !tie.is_old);
                counted(&before, &tie, ended, staff, zone, &mut it.counts);
                it.customer.friends.insert(staff.to_owned(), tie);
            }
            With::Chat { chat, owner } => {
                let before = it.customer.chats.get(chat).cloned().unwrap_or_default();
                let mut tie = before.clone();
                let ended = turn(&mut tie, news.change, self.now);
                tie.was_dissolved |= matches!(news.change, Change::Dissolved { .. });
                if tie.group.is_none() {
                    tie.group = belongs.group.as_ref().map(|it| it.id.clone());
                }
                tie.store = tie.store.or_else(|| belongs.store.clone()).or_else(|| it.visit.as_ref()?.store.clone());
                tie.staff = tie.staff.or_else(|| belongs.looks_after(owner));
                tie.scan = tie.scan.or(it.visit.as_ref().map(|it| it.scan)).filter(|_| !tie.is_old);
                counted(&before, &tie, ended, chat, zone, &mut it.counts);
                it.customer.chats.insert(chat.to_owned(), tie);
            }
        }
        if let (Change::Came { at, .. } | Change::There { at, .. }, true) = (news.change, news.is_whole) {
            self.place(it, &belongs, at);
        }
        forget_old_ties(&mut it.customer);
        Ok(())
    }

    /// Where the customer is: where the visit was, else where the store is.
    fn place(&self, it: &mut Changing, belongs: &Belongs<'_>, at: Timestamp) {
        if it.customer.is_silent || it.customer.place.as_ref().is_some_and(|place| place.at >= at) {
            return;
        }
        let visit = it.visit.as_ref().filter(|it| !it.region.is_empty());
        let store = belongs.store.clone().or_else(|| it.visit.as_ref()?.store.clone());
        let region = match (visit, &store) {
            (Some(visit), _) => visit.region.clone(),
            (None, Some(store)) => region_of(self.catalog, store),
            (None, None) => return,
        };
        let regions: Vec<String> = labels(&region, None).into_iter().map(ToOwned::to_owned).collect();
        it.customer.place = Some(Place { at, regions, store });
    }

    /// Everything that follows from what stands on the card.
    fn follow_up(&self, news: &News<'_>, it: &Changing) -> Result<(), StorageError> {
        let storage = &*self.app.parts.storage;
        linked::link(self.app, it.customer.unionid.as_deref(), news.customer, it.visitor.or(it.wished))?;
        let (spell, of, scan) = match news.with {
            With::Staff(staff) => {
                let Some(tie) = it.customer.friends.get(staff) else { return Ok(()) };
                (tie.spell(), tie.counts_for(staff), tie.scan)
            }
            With::Chat { chat, .. } => {
                let Some(tie) = it.customer.chats.get(chat) else { return Ok(()) };
                if let (Some(visitor), Some(group), true) = (it.visitor, &tie.group, tie.is_live()) {
                    storage.confirm_seat(visitor, group, tie.since)?;
                }
                (tie.spell(), tie.counts_for(chat), tie.scan)
            }
        };
        let is_dissolved = matches!(news.change, Change::Dissolved { .. });
        let is_begun = spell.since != Timestamp::EPOCH;
        if let Some(scan) = scan.filter(|_| is_begun) {
            let step = |step, at| StepRecord { scan, step, at };
            let left = spell.until.filter(|_| !is_dissolved).map(|at| step(Step::Left, at));
            let steps: Vec<_> = std::iter::once(step(Step::Joined, spell.since)).chain(left).collect();
            storage.deliver(&[], &[], &steps)?;
            // Who has come back has not left.
            let is_back = spell.until.is_none() && spell.back_at != Timestamp::EPOCH;
            if let Some(visitor) = it.visitor.filter(|_| is_back) {
                storage.take_back(visitor, scan, Step::Left)?;
            }
        }
        if !news.is_whole {
            // A wish is found once; what it takes back does not wait.
            return if it.customer.is_silent { self.tag(news.customer, it) } else { Ok(()) };
        }
        let chat = match news.with {
            With::Chat { chat, .. } => Some(chat),
            With::Staff(_) => None,
        };
        let told = Told {
            kind: of.kind,
            customer: news.customer,
            staff: of.staff,
            chat,
            store: Some(of.store).filter(|it| !it.is_empty()),
            visitor: it.visitor,
            since: spell.since,
            until: spell.until,
            back_at: spell.back_at,
        };
        // Of who wishes it nothing is told, nor of who was forgotten.
        let is_told = is_begun && !spell.is_old && !is_dissolved && !it.customer.is_silent;
        if is_told && self.app.parts.hooks.has_feed() {
            tell(storage, &told)?;
        }
        // After that, so that whoever is told hears of the join before its tags.
        if matches!(news.change, Change::Came { .. } | Change::There { .. }) {
            self.tag(news.customer, it)
        } else {
            Ok(())
        }
    }

    /// Has the customer's labels set, if there is somebody to set them and something to set.
    fn tag(&self, customer: &str, it: &Changing) -> Result<(), StorageError> {
        let has_friend = it.customer.friends.values().any(Friendship::is_live);
        let has_wish = has_friend && it.customer.place.is_some() && !it.customer.is_silent;
        // Who turns out to have opted out or to be forgotten may bear tags from before.
        let bears = |it: &Friendship| !it.marked.is_empty() || it.marking.is_some();
        let takes_back = it.customer.is_silent && it.customer.friends.values().any(bears);
        if !has_wish && !takes_back {
            return Ok(());
        }
        self.app.parts.storage.enqueue(&[TagJob::of(customer, self.cause, self.now)], self.now)
    }
}

/// When a tie began, if it is known.
fn began(customer: &Customer, with: With<'_>) -> Option<Timestamp> {
    let since = match with {
        With::Staff(staff) => customer.friends.get(staff)?.since,
        With::Chat { chat, .. } => customer.chats.get(chat)?.since,
    };
    Some(since).filter(|it| *it != Timestamp::EPOCH)
}

/// Turns a tie by a change; the spell that ended if another one began.
fn turn<T: Tie>(tie: &mut T, change: Change, now: Timestamp) -> Option<T> {
    let before = tie.clone();
    let mut spell = tie.spell();
    let became = match change {
        Change::Came { at, is_sure } => {
            let is_old = now.unix_ms() - at.unix_ms() > FOUND_WITHIN_MS;
            spell.come(at, is_old, is_sure)
        }
        Change::There { at, is_sure } => {
            let is_old = now.unix_ms() - at.unix_ms() > FOUND_WITHIN_MS;
            spell.show(at, is_old, is_sure)
        }
        Change::Went { at } | Change::Dissolved { at } => {
            spell.go(at);
            Became::Same
        }
        Change::Missing { at } => {
            spell.miss(at);
            Became::Same
        }
        Change::Seen => Became::Same,
    };
    // Another beginning is another visit's, and may be another store's.
    let ended = match became {
        Became::Same => None,
        Became::Anew(ended) => {
            *tie = T::default();
            ended.map(|spell| {
                let mut closed = before;
                closed.set_spell(spell);
                closed
            })
        }
    };
    tie.set_spell(spell);
    ended
}

fn counted<T: Tie>(
    before: &T,
    after: &T,
    ended: Option<T>,
    with: &str,
    zone: &jiff::tz::TimeZone,
    counts: &mut Vec<Count>,
) {
    count(before, with, -1, zone, counts);
    count(after, with, 1, zone, counts);
    if let Some(ended) = ended {
        count(&ended, with, 1, zone, counts);
    }
}

/// Keeps a card within its bounds: ties that ended longest ago go first. What they counted for stays counted.
fn forget_old_ties(customer: &mut Customer) {
    let oldest = |ends: Vec<(&String, Option<Timestamp>)>| {
        ends.into_iter().min_by_key(|(_, until)| until.map_or(i64::MAX, Timestamp::unix_ms)).map(|(id, _)| id.clone())
    };
    while customer.friends.len() > TIES_MAX {
        let Some(id) = oldest(customer.friends.iter().map(|(id, it)| (id, it.until)).collect()) else { return };
        customer.friends.remove(&id);
    }
    while customer.chats.len() > TIES_MAX {
        let Some(id) = oldest(customer.chats.iter().map(|(id, it): (_, &Membership)| (id, it.until)).collect()) else {
            return;
        };
        customer.chats.remove(&id);
    }
}
