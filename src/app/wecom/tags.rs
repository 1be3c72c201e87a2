//! Brings the tags that customers have in `WeCom` up to date: what is set there follows what stands on the customer's card.
//!
//! A job says only whose tags to look at, so that jobs may come twice, late and in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cards;
use super::tag_ids::{Level, TagIds};
use crate::app::crm::FeedKind;
use crate::app::deliver::whole_chain;
use crate::app::jobs::{Work, retry_at};
use crate::customer::{Customer, Friendship};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::platform::{ApiError, Remedy};
use crate::storage::{Card, CardKind, FeedEntry, Settled, Storage, StorageError, Trouble};
use crate::time::{Clock, Timestamp};
use crate::wecom::Wecom;
use crate::wecom::client::TagMark;

/// How often a job is tried before a person has to look at it: with the waits between, more than a day.
const TRIES_MAX: u32 = 36;
/// How often a friendship that does not seem to be there is tried: events come before the data can be read, but not by hours.
const FRIEND_TRIES_MAX: u32 = 8;

/// What a job of the lane of tags holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagJob {
    /// `external_userid`.
    pub customer: String,
}

impl TagJob {
    /// The job that looks at a customer's tags because of this; two jobs for one cause are one.
    #[must_use]
    pub fn of(customer: &str, cause: &str, ready_at: Timestamp) -> Job {
        let body = serde_json::to_string(&Self { customer: customer.to_owned() }).unwrap_or_default();
        Job { id: format!("{customer}:{cause}"), lane: Lane::Tag, body, ready_at, visitor: None }
    }
}

/// Why a customer's tags are not up to date yet.
#[derive(Debug, thiserror::Error)]
enum TagError {
    /// Storage does not answer.
    #[error("storage does not answer")]
    Storage(#[from] StorageError),
    /// The platform says no, or cannot be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Works on the lane of tags.
pub struct Tagger {
    storage: Arc<dyn Storage>,
    wecom: Arc<Wecom>,
    ids: TagIds,
    clock: Arc<dyn Clock>,
}

/// What is to be done about one friendship.
struct Step {
    staff: String,
    /// The labels to set, with the ids of their tags.
    add: BTreeMap<String, String>,
    /// The labels to take away, with the ids of their tags.
    remove: BTreeMap<String, String>,
}

impl Tagger {
    /// One that works over this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, wecom: Arc<Wecom>, ids: TagIds, clock: Arc<dyn Clock>) -> Self {
        Self { storage, wecom, ids, clock }
    }

    fn card(&self, customer: &str) -> Result<Option<(Card, Customer)>, StorageError> {
        let card = self.storage.cards(CardKind::Customer, &[customer])?.pop().flatten();
        let read = |card: Card| match serde_json::from_str(&card.body) {
            Ok(customer) => Ok((card, customer)),
            Err(cause) => Err(StorageError::caused(Trouble::Corrupt, cause)),
        };
        card.map(read).transpose()
    }

    /// Brings all friendships of a customer up to date, one call each.
    fn bring(&self, id: &str) -> Result<(), TagError> {
        let Some((_, customer)) = self.card(id)? else { return Ok(()) };
        let wanted = wanted(&customer);
        let ids = if wanted.is_empty() { BTreeMap::new() } else { self.ids.of(&wanted, self.clock.now())? };
        // One friendship that cannot be tagged holds up no other.
        let mut failed = None;
        for step in steps(&customer, &ids) {
            if let Err(error) = self.mark(id, &step) {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn mark(&self, id: &str, step: &Step) -> Result<(), TagError> {
        let remove: BTreeSet<&String> = step.remove.values().collect();
        let mark = TagMark {
            staff: step.staff.clone(),
            customer: id.to_owned(),
            add: step.add.values().cloned().collect(),
            remove: remove.into_iter().cloned().collect(),
        };
        match self.wecom.mark_tags(&mark) {
            Ok(()) => {}
            // The tags were removed by hand: what is set is not known any more, so it is all set again.
            Err(error) if error.remedy() == Remedy::RefreshTagCache => {
                self.ids.forget();
                self.note(id, &step.staff, |it| it.marked.clear())?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        }
        // Told before it is noted: after a crash between the two it is set and told once more, under the same id.
        if let Some((card, _)) = self.card(id)? {
            self.tell(id, step, &card)?;
        }
        self.note(id, &step.staff, |it| {
            it.marked.retain(|label, _| !step.remove.contains_key(label));
            it.marked.extend(step.add.clone());
        })
    }

    /// Changes what is known of a friendship.
    fn note(&self, id: &str, staff: &str, change: impl Fn(&mut Friendship)) -> Result<(), TagError> {
        let change = |it: &mut Customer, _about: &mut Option<VisitorId>| {
            if let Some(friendship) = it.friends.get_mut(staff) {
                change(friendship);
            }
        };
        Ok(cards::change(&*self.storage, CardKind::Customer, id, change).map(drop)?)
    }

    fn tell(&self, id: &str, step: &Step, card: &Card) -> Result<(), TagError> {
        let now = self.clock.now();
        let labels = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
        let body = serde_json::json!({
            "external_userid": id,
            "staff": step.staff,
            "visitor": card.visitor.map(|it| it.to_string()),
            "added": labels(&step.add),
            "removed": labels(&step.remove),
        });
        let entry = FeedEntry {
            id: format!("tag:{id}:{}:{}", step.staff, card.revision),
            at: now,
            kind: FeedKind::TagSet.as_str().to_owned(),
            visitor: card.visitor,
            body: body.to_string(),
        };
        Ok(self.storage.append_feed(&[entry])?)
    }
}

/// The labels that a customer is to have: none where nothing is known, or the customer wishes none.
fn wanted(customer: &Customer) -> BTreeMap<String, Level> {
    let mut wanted = BTreeMap::new();
    let Some(place) = customer.place.as_ref().filter(|_| !customer.is_silent) else { return wanted };
    let regions = place.regions.iter().enumerate();
    for (label, level) in regions.map(|(at, it)| (it.clone(), if at < 2 { Level::City } else { Level::District })) {
        wanted.entry(label).or_insert(level);
    }
    if let Some(store) = &place.store {
        wanted.entry(store.as_str().to_owned()).or_insert(Level::Store);
    }
    wanted.retain(|label, _| !label.is_empty());
    wanted
}

/// What is to be done about each friendship, so that it has the labels in `ids` and none that were set before. Where a place is not
/// known, what was set stays.
fn steps(customer: &Customer, ids: &BTreeMap<String, String>) -> Vec<Step> {
    let keeps = customer.place.is_none() && !customer.is_silent;
    let live = customer.friends.iter().filter(|(_, it)| it.is_live() && !keeps);
    let step = |(staff, it): (&String, &Friendship)| {
        let add = ids.iter().filter(|(label, id)| it.marked.get(*label) != Some(id));
        let add: BTreeMap<_, _> = add.map(|(label, id)| (label.clone(), id.clone())).collect();
        let remove = it.marked.iter().filter(|(label, _)| !ids.contains_key(*label));
        let remove: BTreeMap<_, _> = remove.map(|(label, id)| (label.clone(), id.clone())).collect();
        (!add.is_empty() || !remove.is_empty()).then(|| Step { staff: staff.clone(), add, remove })
    };
    live.filter_map(step).collect()
}

impl Work for Tagger {
    fn lane(&self) -> Lane {
        Lane::Tag
    }

    fn work(&self, job: &Job, tries: u32) -> Settled {
        let now = self.clock.now();
        let customer = match serde_json::from_str::<TagJob>(&job.body) {
            Ok(job) => job.customer,
            Err(cause) => return Settled::Dead(format!("the job cannot be read: {cause}")),
        };
        let Err(error) = self.bring(&customer) else { return Settled::Done };
        let cause = whole_chain(&error);
        let TagError::Api(api) = error else { return Settled::Again(retry_at(now, tries), cause) };
        let later = |most: u32| {
            if tries >= most {
                return Settled::Dead(cause.clone());
            }
            let wait = api.remedy().wait().map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
            Settled::Again(retry_at(now, tries).max(now.plus_ms(wait)), cause.clone())
        };
        match api.remedy() {
            Remedy::NotAFriendYet { .. } if tries >= FRIEND_TRIES_MAX => {
                // They are no friends: an event of their friendship brings the next job.
                tracing::info!("a customer whose tags wait is nobody's contact");
                Settled::Done
            }
            Remedy::AlreadyDone => Settled::Done,
            Remedy::BadData | Remedy::Bug => Settled::Dead(cause),
            Remedy::NotAFriendYet { .. }
            | Remedy::RefreshToken
            | Remedy::RetryLater { .. }
            | Remedy::SlowDown { .. }
            | Remedy::WaitLimit { .. }
            | Remedy::FixSettings { .. }
            | Remedy::RefreshTagCache
            | Remedy::AdoptExisting
            | Remedy::RestartSignIn
            | Remedy::Unknown => later(TRIES_MAX),
        }
    }
}
