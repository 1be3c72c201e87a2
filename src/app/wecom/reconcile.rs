//! Finds what callbacks have lost: joins, leaves, friendships, chats that are no more, chats that a join way made.
//!
//! Every few hours one plan is made, by whichever instance is first: the plan is a job whose id names the hours. It becomes jobs for
//! single chats, members of staff and join ways, spread over time so that the platform's limits are far away. Ends of friendships,
//! which no list shows, are found by a walk over all cards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chat::Because;
use super::events::settled;
use super::facts::{Change, Facts, News, With};
use super::{Fault, NO_CUSTOMER_CHAT, known, walk};
use crate::app::{App, Deed, Work};
use crate::customer::{Chat, Customer, Friendship};
use crate::job::{Job, Lane};
use crate::platform::{ApiError, Remedy};
use crate::staff::Actor;
use crate::storage::{CardKind, Settled, StorageError};
use crate::time::Timestamp;
use crate::wecom::Wecom;
use crate::wecom::client::ChatQuery;

/// Plans are this far apart, in milliseconds: four hours.
const EVERY_MS: i64 = 4 * 3_600_000;
/// A chat that was read within this time is left out, in milliseconds.
const FRESH_MS: i64 = 3 * 3_600_000;
/// How long a service runs before it plans.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// How often it looks whether a plan is due.
const LOOK_EVERY: Duration = Duration::from_mins(5);
/// The time from one job of a plan to the next, in milliseconds.
pub(super) const PACE_MS: i64 = 100;
/// Jobs that are handed over at a time, and cards that are read at a time.
const BATCH: usize = 500;
/// Pages of a list of chats, a thousand each.
const LIST_PAGES_MAX: usize = 100;
/// Owners that one query for chats names.
const OWNERS_AT_A_TIME: usize = 100;
/// Pages of customers, a hundred each, that one job reads.
const CUSTOMER_PAGES: usize = 10;
/// Chats cannot be listed without naming owners.
const NAME_OWNERS: i64 = 81_017;

/// What one job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task {
    /// Says what is to be looked at; all of it, or what was not looked at lately.
    Plan { all: bool },
    /// Reads a chat. `listed` says whether the platform lists it, where that is known.
    Chat { chat: String, listed: Option<bool> },
    /// Reads the customers of a member of staff.
    Staff { staff: String, cursor: Option<String>, part: u32 },
    /// Looks which chats stand behind a group's join way.
    Way { group: String },
    /// Looks at some cards for friendships that have ended.
    Walk { after: Option<String>, part: u32 },
}

/// Looks for what was lost.
pub struct ReconcileWork {
    app: Arc<App>,
}

impl ReconcileWork {
    /// Looks for what was lost, for this service.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Has plans made when they are due, for ever.
    pub async fn plan(&self) {
        tokio::time::sleep(FIRST_WAIT).await;
        loop {
            let app = Arc::clone(&self.app);
            let slot = app.now().unix_ms().div_euclid(EVERY_MS);
            let planned = tokio::task::spawn_blocking(move || {
                app.add_task(format!("plan:{slot}"), &Task::Plan { all: false }, app.now())
            });
            if let Ok(Err(error)) = planned.await {
                tracing::warn!(error = crate::app::whole_chain(&error), "a reconciliation waits for storage");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn worked(&self, job: &Job) -> Result<(), Fault> {
        let Some(wecom) = self.app.wecom() else { return Ok(()) };
        let catalog = self.app.catalog();
        let facts = Facts { app: &self.app, catalog: &catalog, cause: &job.id, now: self.app.now() };
        match known(&job.body)? {
            Task::Plan { all } => plan(&facts, wecom, all),
            Task::Chat { chat, listed } => chat_of(&facts, wecom, &chat, listed),
            Task::Staff { staff, cursor, part } => staff_of(&facts, wecom, &staff, cursor, part),
            Task::Way { group } => {
                let group = catalog.groups().iter().find(|it| it.id.as_str() == group);
                group.map_or(Ok(()), |it| facts.adopt_of(wecom, it).map(drop))
            }
            Task::Walk { after, part } => walk::go(&facts, wecom, after.as_deref(), part),
        }
    }
}

impl Work for ReconcileWork {
    fn lane(&self) -> Lane {
        Lane::Reconcile
    }

    fn work(&self, job: &Job, tries: u32) -> Settled {
        match self.worked(job) {
            Ok(()) => Settled::Done,
            Err(fault) => settled(&fault, self.app.now(), tries),
        }
    }
}

pub(super) fn job(id: String, task: &Task, ready_at: Timestamp) -> Job {
    let body = serde_json::to_string(task).unwrap_or_default();
    Job { id, lane: Lane::Reconcile, body, ready_at, visitor: None }
}

impl App {
    pub(super) fn add_task(&self, id: String, task: &Task, ready_at: Timestamp) -> Result<(), StorageError> {
        self.parts.storage.enqueue(&[job(id, task, ready_at)], self.now())
    }

    /// Has everything in `WeCom` compared with what is known here, as soon as may be; whether `WeCom` is used at all. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn reconcile(&self, actor: &Actor) -> Result<bool, StorageError> {
        if self.wecom().is_none() {
            return Ok(false);
        }
        let now = self.now();
        self.add_task(format!("plan:{now}"), &Task::Plan { all: true }, now)?;
        let deed = Deed { action: "wecom.reconcile", target: String::new(), before: None, after: None };
        self.record(actor, deed, None)?;
        Ok(true)
    }
}

fn plan(facts: &Facts<'_>, wecom: &Wecom, all: bool) -> Result<(), Fault> {
    let catalog = facts.catalog;
    let chats: BTreeSet<&str> =
        catalog.groups().iter().flat_map(|it| &it.wecom).flat_map(|it| &it.chats).map(|it| &**it).collect();
    let chats: Vec<&str> = chats.into_iter().collect();
    let mut due = Vec::new();
    let mut owners: BTreeSet<String> = BTreeSet::new();
    for some in chats.chunks(BATCH) {
        let cards = facts.app.parts.storage.cards(CardKind::Chat, some)?;
        for (id, card) in some.iter().zip(cards) {
            let kept: Chat = card.map_or(Ok(Chat::default()), |it| known(&it.body))?;
            owners.extend(Some(kept.owner).filter(|it| !it.is_empty()));
            let is_fresh = !all && facts.now.unix_ms() - kept.read_at.unix_ms() < FRESH_MS;
            if kept.dismissed_at.is_some() {
                // It may have come back into the catalog by hand, or from an older one.
                facts.app.drop_chat(id)?;
            } else if !is_fresh {
                due.push(*id);
            }
        }
    }
    owners.extend(catalog.groups().iter().flat_map(|it| &it.wecom).flat_map(|it| &it.staff).map(ToString::to_string));
    let listed = if due.is_empty() { None } else { list(wecom, &owners)? };
    let chat = |id: &str| Task::Chat { chat: id.to_owned(), listed: listed.as_ref().map(|it| it.contains(id)) };
    let staff: BTreeSet<&str> =
        catalog.contacts().iter().flat_map(|it| &it.wecom).flat_map(|it| &it.staff).map(|it| &**it).collect();
    let has_way = |it: &&crate::group::GroupChat| it.wecom.as_ref().is_some_and(|it| it.way.is_some());
    let ways = catalog.groups().iter().filter(has_way);
    let tasks = due
        .into_iter()
        .map(|it| (format!("chat:{it}"), chat(it)))
        .chain(ways.map(|it| (format!("way:{}", it.id), Task::Way { group: it.id.to_string() })))
        .chain(
            staff
                .into_iter()
                .map(|it| (format!("staff:{it}"), Task::Staff { staff: it.to_owned(), cursor: None, part: 0 })),
        );
    let mut ready_at = facts.now;
    let mut jobs: Vec<Job> = Vec::new();
    for (name, task) in tasks {
        jobs.push(job(format!("{}:{name}", facts.cause), &task, ready_at));
        ready_at = ready_at.plus_ms(PACE_MS);
    }
    jobs.extend(walk::begin(facts, all, ready_at)?);
    for some in jobs.chunks(BATCH) {
        facts.app.parts.storage.enqueue(some, facts.now)?;
    }
    Ok(())
}

/// The chats that the platform lists; none if there are more than it tells.
fn list(wecom: &Wecom, owners: &BTreeSet<String>) -> Result<Option<BTreeSet<String>>, ApiError> {
    match list_of(wecom, &[]) {
        Err(error) if error.code() == Some(NAME_OWNERS) => {
            let owners: Vec<String> = owners.iter().cloned().collect();
            let mut all = BTreeSet::new();
            for some in owners.chunks(OWNERS_AT_A_TIME) {
                match list_of(wecom, some)? {
                    Some(found) => all.extend(found),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        other => other,
    }
}

fn list_of(wecom: &Wecom, owners: &[String]) -> Result<Option<BTreeSet<String>>, ApiError> {
    let mut query = ChatQuery { owners: owners.to_vec(), cursor: None };
    let mut found = BTreeSet::new();
    for _ in 0..LIST_PAGES_MAX {
        let page = wecom.group_chats(&query)?;
        found.extend(page.items.into_iter().map(|it| it.chat));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn chat_of(facts: &Facts<'_>, wecom: &Wecom, chat: &str, listed: Option<bool>) -> Result<(), Fault> {
    if facts.catalog.group_of_chat(chat).is_none() {
        return Ok(());
    }
    match facts.read_chat(wecom, chat, &Because::default()) {
        Err(Fault::Api(error)) => {
            // What is not listed and cannot be read is not there; what is listed, something else is wrong with.
            let is_none = error.code() == Some(NO_CUSTOMER_CHAT)
                || listed == Some(false) && error.code().is_some() && error.remedy() == Remedy::BadData;
            if is_none { facts.dissolve(chat, facts.now) } else { Err(error.into()) }
        }
        other => other.map(drop),
    }
}

fn staff_of(facts: &Facts<'_>, wecom: &Wecom, staff: &str, mut cursor: Option<String>, part: u32) -> Result<(), Fault> {
    let staffs = [staff.to_owned()];
    for _ in 0..CUSTOMER_PAGES {
        let page = match wecom.customers_of(&staffs, cursor.as_deref()) {
            Ok(page) => page,
            // Somebody without customers.
            Err(error) if matches!(error.remedy(), Remedy::NotAFriendYet { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let ids: Vec<&str> = page.items.iter().map(|it| it.person.id.as_str()).collect();
        let cards = facts.app.parts.storage.cards(CardKind::Customer, &ids)?;
        for (it, card) in page.items.iter().zip(cards) {
            let kept: Customer = card.map_or(Ok(Customer::default()), |it| known(&it.body))?;
            if kept.friends.get(&it.follow.staff).is_some_and(Friendship::is_live) {
                continue;
            }
            let at = Timestamp::from_unix_ms(it.follow.since.saturating_mul(1_000));
            facts.note(&News {
                customer: &it.person.id,
                with: With::Staff(&it.follow.staff),
                change: Change::There { at, is_sure: false },
                state: it.follow.state.as_deref().unwrap_or_default(),
                unionid: it.person.unionid.as_deref(),
                is_whole: true,
            })?;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
    let part = part + 1;
    let base = facts.cause.split('#').next().unwrap_or_default();
    let task = Task::Staff { staff: staff.to_owned(), cursor, part };
    Ok(facts.app.add_task(format!("{base}#{part}"), &task, facts.now.plus_ms(PACE_MS))?)
}
