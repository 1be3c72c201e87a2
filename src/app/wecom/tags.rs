//! Brings the tags that customers have in `WeCom` up to date: what is set there follows what stands on the customer's card.
//!
//! A job says only whose tags to look at, so that jobs may come twice, late and in any order.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::cards;
use super::marking::{Caller, Ended, Step, begin, due, end, wanted};
use super::tag_ids::TagIds;
use crate::app::crm::FeedKind;
use crate::app::dead_jobs::advised;
use crate::app::deliver::whole_chain;
use crate::app::jobs::{Work, retry_at};
use crate::customer::{Customer, person_of};
use crate::id::VisitorId;
use crate::job::{Job, Lane};
use crate::platform::{ApiError, Remedy};
use crate::storage::{CardKind, FeedEntry, Settled, Storage, StorageError};
use crate::time::{Clock, Timestamp};
use crate::wecom::Wecom;
use crate::wecom::client::TagMark;

/// How often a job is tried before a person has to look at it: with the waits between, more than a day.
const TRIES_MAX: u32 = 36;
/// How often a friendship that does not seem to be there is tried: events come before the data can be read, but not by hours.
const FRIEND_TRIES_MAX: u32 = 8;
/// From how many tries on the wait for somebody else's call grows no more: some eight seconds.
const BUSY_TRIES_MAX: u32 = 4;
/// How often one try looks whether the customer's tags are as wanted.
const ROUNDS_MAX: u32 = 4;

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
        let visitor = Some(person_of(customer));
        Job { id: format!("{customer}:{cause}"), lane: Lane::Tag, body, ready_at, visitor }
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
    /// Somebody else works on the same friendship, or what is wanted changes faster than it is set.
    #[error("others work on the same customer's tags")]
    Busy,
}

/// Works on the lane of tags.
pub struct Tagger {
    storage: Arc<dyn Storage>,
    wecom: Arc<Wecom>,
    ids: TagIds,
    clock: Arc<dyn Clock>,
}

impl Tagger {
    /// One that works over this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, wecom: Arc<Wecom>, ids: TagIds, clock: Arc<dyn Clock>) -> Self {
        Self { storage, wecom, ids, clock }
    }

    /// Brings all friendships of a customer up to date, one call each, and looks again afterwards: the customer may have moved, opted
    /// out or been forgotten meanwhile.
    fn bring(&self, id: &str) -> Result<(), Vec<TagError>> {
        for _ in 0..ROUNDS_MAX {
            let read = cards::read::<Customer>(&*self.storage, CardKind::Customer, id);
            let customer = read.map_err(|error| vec![error.into()])?.it;
            let wanted = wanted(&customer);
            let ids = if wanted.is_empty() { Ok(BTreeMap::new()) } else { self.ids.of(&wanted, self.clock.now()) };
            let ids = ids.map_err(|error| vec![error.into()])?;
            let due = due(&customer, &ids);
            if due.is_empty() {
                return Ok(());
            }
            // One friendship that cannot be tagged holds up no other.
            let failed: Vec<TagError> = due.iter().filter_map(|it| self.mark(id, it, &ids).err()).collect();
            if !failed.is_empty() {
                return Err(failed);
            }
        }
        Err(vec![TagError::Busy])
    }

    fn mark(&self, id: &str, staff: &str, ids: &BTreeMap<String, String>) -> Result<(), TagError> {
        let caller = Caller { by: fastrand::u64(..), now: self.clock.now() };
        let begun = Cell::new(Ok(None));
        cards::change(&*self.storage, CardKind::Customer, id, |it: &mut Customer, _about| {
            begun.set(begin(it, staff, ids, caller));
        })?;
        let Some(step) = begun.into_inner().map_err(|_taken| TagError::Busy)? else { return Ok(()) };
        let mark = TagMark {
            staff: step.staff.clone(),
            customer: id.to_owned(),
            add: step.add.values().cloned().collect(),
            remove: step.remove.keys().cloned().collect(),
        };
        let Err(error) = self.wecom.mark_tags(&mark) else {
            // Told before it is noted: after a crash between the two it is set and told once more, under the same id.
            self.tell(id, &step)?;
            return self.note(id, &step, Ended::Done, caller);
        };
        match error.remedy() {
            // Somebody has removed tags by hand. Those that are still there stay known, or nobody could take them away.
            Remedy::RefreshTagCache => {
                self.ids.forget();
                let Ok(there) = self.ids.there() else {
                    self.note(id, &step, Ended::Unknown, caller)?;
                    return Err(error.into());
                };
                self.note(id, &step, Ended::Gone(&there), caller)?;
                if step.add.values().chain(step.remove.keys()).any(|it| !there.contains(it)) {
                    return Ok(());
                }
            }
            Remedy::NotAFriendYet { .. } | Remedy::FixSettings { .. } | Remedy::BadData | Remedy::Bug => {
                self.note(id, &step, Ended::Refused, caller)?;
            }
            // An attempt before the last one may have been carried out.
            Remedy::RefreshToken
            | Remedy::RetryLater { .. }
            | Remedy::SlowDown { .. }
            | Remedy::WaitLimit { .. }
            | Remedy::AdoptExisting
            | Remedy::AlreadyDone
            | Remedy::RestartSignIn
            | Remedy::Unknown => self.note(id, &step, Ended::Unknown, caller)?,
        }
        Err(error.into())
    }

    /// Notes how a call ended.
    fn note(&self, id: &str, step: &Step, ended: Ended<'_>, caller: Caller) -> Result<(), TagError> {
        let change = |it: &mut Customer, _about: &mut Option<VisitorId>| {
            if let Some(friendship) = it.friends.get_mut(&step.staff) {
                end(friendship, step, ended, caller);
            }
        };
        Ok(cards::change(&*self.storage, CardKind::Customer, id, change).map(drop)?)
    }

    /// Tells the feed; not of those who wish that nothing is told.
    fn tell(&self, id: &str, step: &Step) -> Result<(), TagError> {
        let card = cards::read::<Customer>(&*self.storage, CardKind::Customer, id)?;
        if card.it.is_silent {
            return Ok(());
        }
        let (added, removed): (Vec<_>, Vec<_>) = (step.add.keys().collect(), step.remove.values().collect());
        let body = serde_json::json!({
            "external_userid": id,
            "staff": step.staff,
            "visitor": card.visitor.map(|it| it.to_string()),
            "added": added,
            "removed": removed,
        });
        let words = serde_json::json!([id, step.staff, step.first, added, removed]).to_string();
        let digest = Sha256::digest(words.as_bytes());
        let entry = FeedEntry {
            id: format!("tag:{}", data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default())),
            at: self.clock.now(),
            kind: FeedKind::TagSet.as_str().to_owned(),
            visitor: Some(person_of(id)),
            body: body.to_string(),
        };
        Ok(self.storage.append_feed(&[entry])?)
    }

    /// What becomes of a job because of this.
    fn settled(&self, error: &TagError, tries: u32) -> Settled {
        let now = self.clock.now();
        let cause = whole_chain(error);
        let api = match error {
            TagError::Api(api) => api,
            TagError::Storage(_) => return Settled::Again(retry_at(now, tries), cause),
            // Not later and later: after a crash the friendship is free after two minutes, and tags may have to be taken back.
            TagError::Busy => return Settled::Again(retry_at(now, tries.min(BUSY_TRIES_MAX)), cause),
        };
        let later = |most: u32| {
            if tries >= most {
                return Settled::Dead(advised(&cause, api.advice()));
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
            Remedy::BadData | Remedy::Bug => Settled::Dead(advised(&cause, api.advice())),
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

impl Work for Tagger {
    fn lane(&self) -> Lane {
        Lane::Tag
    }

    fn work(&self, job: &Job, tries: u32) -> Settled {
        let customer = match serde_json::from_str::<TagJob>(&job.body) {
            Ok(job) => job.customer,
            Err(cause) => return Settled::Dead(format!("the job cannot be read: {cause}")),
        };
        let Err(failed) = self.bring(&customer) else { return Settled::Done };
        // One friendship decides nothing for the others: as long as something may pass it is tried again.
        let mut ends = (None, None);
        for error in &failed {
            match self.settled(error, tries) {
                Settled::Again(at, cause) => {
                    let first = ends.0.get_or_insert((at, cause));
                    first.0 = first.0.min(at);
                }
                Settled::Dead(cause) => drop(ends.1.get_or_insert(cause)),
                Settled::Done => {}
            }
        }
        match ends {
            (Some((at, cause)), _) => Settled::Again(at, cause),
            (None, Some(cause)) => Settled::Dead(cause),
            (None, None) => Settled::Done,
        }
    }
}
