//! The worker that looks every minute and tells webhooks: once per cause, again after some days, and once when it is over.
//!
//! What was told is in storage, so a restart tells nothing twice, and of several instances one tells. A message that does not
//! arrive is tried again, ever more rarely; a process that dies over a message leaves it to the next look after some minutes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::message::News;
use super::{AlertKind, Alerts, LISTED_MAX, Lookout};
use crate::app::deliver::whole_chain;
use crate::storage::{DeskKind, StorageError, Trouble};
use crate::webhook::Webhook;

/// How often alerts are looked for.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long after the start the first look is: customers come first.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// How long one instance has a message to itself.
const CLAIM_MS: i64 = 5 * 60_000;
/// The longest wait after messages that did not arrive.
const RETRY_MS_MAX: i64 = 60 * 60_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// What a webhook was told.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Book {
    /// Since when somebody is about to tell, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_at: Option<i64>,
    /// By cause.
    told: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// When it was told last, in milliseconds since 1970.
    at: i64,
    /// What was said.
    said: String,
}

/// What one round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Messages that arrived.
    pub sent: u32,
    /// Messages that did not.
    pub failed: u32,
}

/// Messages that did not arrive, one after another.
#[derive(Debug, Clone, Copy)]
struct Failing {
    times: u32,
    next_ms: i64,
}

/// Tells webhooks of alerts.
#[derive(Clone)]
pub struct Alerter {
    lookout: Arc<Lookout>,
    webhooks: Arc<[Webhook]>,
    /// Signs JSON messages.
    secret: Option<Arc<str>>,
    /// Where the pages are.
    public_url: Arc<str>,
    failing: Arc<Mutex<HashMap<String, Failing>>>,
}

impl Alerter {
    /// An alerter for these webhooks; the secret signs messages to those that take JSON.
    #[must_use]
    pub fn new(lookout: Arc<Lookout>, webhooks: Vec<Webhook>, secret: Option<String>, public_url: &str) -> Self {
        let secret = secret.map(Arc::from);
        Self { lookout, webhooks: webhooks.into(), secret, public_url: public_url.into(), failing: Arc::default() }
    }

    /// Looks for ever. Returns only if a look was broken off.
    pub async fn run(&self) {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            let this = self.clone();
            match tokio::task::spawn_blocking(move || this.round()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(error = whole_chain(&error), "nobody can be told of alerts now"),
                Err(_broken_off) => return,
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// One look, and a message to every webhook that has not heard of something. Blocks on storage and on the webhooks.
    ///
    /// # Errors
    /// Storage's; the next round goes on.
    pub fn round(&self) -> Result<Told, StorageError> {
        let alerts = self.lookout.look();
        for kind in AlertKind::ALL {
            let count = alerts.counts.get(&kind).copied().unwrap_or(0);
            self.lookout.metrics.alerts(kind.as_str(), i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.lookout.remember(&alerts)?;
        let mut told = Told::default();
        for webhook in self.webhooks.iter() {
            match self.tell(webhook, &alerts)? {
                Some(true) => told.sent += 1,
                Some(false) => told.failed += 1,
                None => {}
            }
        }
        Ok(told)
    }

    /// Whether a message arrived; none if there was nothing to tell, or it is not this instance's turn.
    fn tell(&self, webhook: &Webhook, alerts: &Alerts) -> Result<Option<bool>, StorageError> {
        let id = id_of(webhook);
        let now = alerts.at.unix_ms();
        if self.failing().get(&id).is_some_and(|it| now < it.next_ms) {
            return Ok(None);
        }
        let storage = &self.lookout.storage;
        let entry = storage.desk(DeskKind::Alert, &id)?;
        let revision = entry.as_ref().map_or(0, |it| it.revision);
        let mut book: Book = entry.and_then(|it| serde_json::from_str(&it.body).ok()).unwrap_or_default();
        if book.claimed_at.is_some_and(|at| now - at < CLAIM_MS) {
            return Ok(None);
        }
        let news = self.news(&book, alerts);
        if news.is_empty() {
            return Ok(None);
        }
        book.claimed_at = Some(now);
        let revision = match self.keep(&id, &book, revision) {
            Ok(revision) => revision,
            // Another instance tells.
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let body = news.body(webhook.format(), &self.public_url);
        let sent = webhook.post(&body, self.signature(webhook, &body).as_deref());
        if sent.is_ok() {
            for it in news.new.iter().chain(&news.still) {
                book.told.insert(it.cause.clone(), Entry { at: now, said: it.said.zh.clone() });
            }
            for (cause, _) in &news.gone {
                book.told.remove(cause);
            }
        }
        book.claimed_at = None;
        self.keep(&id, &book, revision)?;
        self.lookout.metrics.alert_message(sent.is_ok());
        match &sent {
            Ok(()) => drop(self.failing().remove(&id)),
            Err(error) => {
                let times = self.failed(id, now);
                tracing::warn!(error = %error, times, "a webhook was not told of alerts; it is tried again");
            }
        }
        Ok(Some(sent.is_ok()))
    }

    fn news<'a>(&self, book: &Book, alerts: &'a Alerts) -> News<'a> {
        let now = alerts.at.unix_ms();
        let remind_ms = i64::from(self.lookout.settings.remind_days) * DAY_MS;
        let mut news = News { unlisted: alerts.total() - alerts.listed.len(), ..News::default() };
        for it in &alerts.listed {
            match book.told.get(&it.cause) {
                None => news.new.push(it),
                Some(entry) if now - entry.at >= remind_ms => news.still.push(it),
                Some(_) => {}
            }
        }
        let there: HashSet<&str> = alerts.listed.iter().map(|it| it.cause.as_str()).collect();
        // Where more are there than are listed, one that is not listed may be there all the same.
        let is_whole = |cause: &str| {
            let of = |it: &&AlertKind| cause.split(':').next() == Some(it.as_str());
            AlertKind::ALL.iter().find(of).is_none_or(|it| alerts.counts.get(it).is_none_or(|it| *it <= LISTED_MAX))
        };
        let is_gone = |(cause, _): &(&String, &Entry)| !there.contains(cause.as_str()) && is_whole(cause);
        news.gone = book.told.iter().filter(is_gone).map(|(cause, it)| (cause.clone(), it.said.clone())).collect();
        news
    }

    fn keep(&self, id: &str, book: &Book, revision: u64) -> Result<u64, StorageError> {
        let body = serde_json::to_string(book).unwrap_or_default();
        self.lookout.storage.put_desk(DeskKind::Alert, id, Some(&body), Some(revision))
    }

    /// `sha256=` and the HMAC of the body in hexadecimal digits, where there is a secret.
    fn signature(&self, webhook: &Webhook, body: &str) -> Option<String> {
        let secret = self.secret.as_ref().filter(|_| webhook.format() == crate::webhook::WebhookFormat::Json)?;
        let mut keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        keyed.update(body.as_bytes());
        Some(format!("sha256={}", data_encoding::HEXLOWER.encode(&keyed.finalize().into_bytes())))
    }

    fn failing(&self) -> std::sync::MutexGuard<'_, HashMap<String, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a message that did not arrive, and when to try again: after one minute, two, four, up to an hour.
    fn failed(&self, id: String, now: i64) -> u32 {
        let mut failing = self.failing();
        let times = failing.get(&id).map_or(1, |it| it.times.saturating_add(1));
        let wait_ms = (MINUTE_MS << (times - 1).min(6)).min(RETRY_MS_MAX);
        // A little early, so that a look of every minute does not miss its turn.
        failing.insert(id, Failing { times, next_ms: now + wait_ms - MINUTE_MS / 2 });
        times
    }
}

/// The name of a webhook in storage, which says nothing about its address.
fn id_of(webhook: &Webhook) -> String {
    let digest: [u8; 32] = Sha256::digest(webhook.url().as_bytes()).into();
    format!("webhook:{}", data_encoding::HEXLOWER.encode(digest.split_at(12).0))
}
