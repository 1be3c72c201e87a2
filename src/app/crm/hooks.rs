//! Webhooks that follow the feed, signed as the Standard Webhooks specification says (www.standardwebhooks.com, version 1.0).
//!
//! Of all instances one tells a webhook at a time. Messages about one visitor come in order, each at least once; those about different
//! visitors are sent side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CrmSettings, FeedKind, HookSecret};
use crate::app::Chance;
use crate::app::deliver::whole_chain;
use crate::id::VisitorId;
use crate::metrics::Metrics;
use crate::storage::{DeskKind, FeedEntry, Storage, StorageError, Trouble};
use crate::time::{Clock, Timestamp};
use crate::webhook::{Caller, Webhook, WebhookError};

/// Entries that are looked at in one go.
const PAGE: usize = 200;
/// Messages that are under way to one webhook at a time.
const SIDE_BY_SIDE: u64 = 8;
/// For how long one instance may tell a webhook before others may.
const LEASE_MS: i64 = 600_000;
/// When an instance begins no more messages of a page, long before others may: the last one may take as long as it likes.
const PAGE_MS: i64 = LEASE_MS / 2;
/// How long the next look waits where there was nothing to tell.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long the next look waits where storage does not answer.
const AWAY_WAIT: Duration = Duration::from_secs(2);
/// When a message that did not arrive is sent again, in seconds after the time before; the last stands for all later ones. From the
/// specification's example, shortened at the end: an hour is long for who waits behind.
const RETRY_S: [i64; 6] = [5, 30, 120, 600, 1_800, 3_600];
/// How often a message is refused as such before the ones behind it are sent; it stays in the feed.
const REFUSED_MAX: u32 = 5;
/// Messages that were passed over and are remembered.
const PASSED_MAX: usize = 100;

/// How far a webhook has been told, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The number of the last entry that arrived or was passed over.
    after: u64,
    /// Which instance tells, and until when nobody else does.
    #[serde(default)]
    holder: String,
    #[serde(default)]
    until_ms: i64,
    /// How often the next entry has failed, and when it is tried again.
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    next_ms: i64,
    /// The numbers of entries that were refused and passed over, the latest last.
    #[serde(default)]
    passed: Vec<u64>,
}

/// What one look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// This many messages arrived, or were of no interest.
    Some(u64),
    /// There is nothing to tell, it is too early to try again, or another instance tells.
    Nothing,
    /// A message did not arrive.
    Failed,
}

/// Tells webhooks.
#[derive(Clone)]
pub struct Hooks {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    settings: Arc<CrmSettings>,
    /// The name of this instance.
    me: Arc<str>,
}

impl Hooks {
    /// One that tells the webhooks of these settings.
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        (clock, chance): (Arc<dyn Clock>, &Chance),
        metrics: Arc<Metrics>,
        settings: CrmSettings,
    ) -> Self {
        let me = format!("{:032x}", chance()).into();
        Self { storage, clock, metrics, settings: Arc::new(settings), me }
    }

    /// Whether a feed is kept at all.
    #[must_use]
    pub fn has_feed(&self) -> bool {
        self.settings.has_feed
    }

    /// The webhooks.
    #[must_use]
    pub fn webhooks(&self) -> &[Webhook] {
        &self.settings.webhooks
    }

    /// Tells one webhook for ever. Returns only if a look was broken off.
    pub async fn run(self, webhook: Webhook) {
        let caller = webhook.caller();
        loop {
            let (this, to, by) = (self.clone(), webhook.clone(), caller.clone());
            let wait = match tokio::task::spawn_blocking(move || this.round(&to, &by)).await {
                Ok(Ok(Sent::Some(_))) => continue,
                Ok(Ok(Sent::Nothing | Sent::Failed)) => LOOK_EVERY,
                Ok(Err(error)) => {
                    tracing::warn!(error = whole_chain(&error), "webhooks wait: storage does not answer");
                    AWAY_WAIT
                }
                Err(_broken_off) => return,
            };
            tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        }
    }

    /// One look at the feed, and the messages it calls for. Blocks on storage and on the webhook.
    ///
    /// # Errors
    /// Storage's; what was sent may be sent again.
    pub fn round(&self, webhook: &Webhook, caller: &Caller) -> Result<Sent, StorageError> {
        let id = id_of(webhook);
        let now = self.clock.now();
        let kept = self.storage.desk(DeskKind::Hook, &id)?;
        let revision = kept.as_ref().map_or(0, |it| it.revision);
        let mut told: Told = match kept {
            Some(kept) => {
                serde_json::from_str(&kept.body).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?
            }
            // A new webhook hears of what happens from now on.
            None => Told { after: self.storage.feed_end()?, ..Told::default() },
        };
        let is_others = told.holder != *self.me && now.unix_ms() < told.until_ms;
        if is_others || now.unix_ms() < told.next_ms {
            return Ok(Sent::Nothing);
        }
        // After a failure one message shows whether the webhook is well again.
        let limit = if told.failures > 0 { 1 } else { PAGE };
        let page = self.storage.feed(told.after, limit)?;
        if page.is_empty() && revision > 0 {
            return Ok(Sent::Nothing);
        }
        told.holder = self.me.to_string();
        told.until_ms = now.plus_ms(LEASE_MS).unix_ms();
        let Some(revision) = self.keep(&id, &told, revision)? else { return Ok(Sent::Nothing) };
        let sent = self.page(webhook, caller, &page, (&mut told, now.plus_ms(PAGE_MS)));
        told.until_ms = 0;
        self.keep(&id, &told, revision)?;
        Ok(sent)
    }

    /// Keeps it; none if another instance was quicker.
    fn keep(&self, id: &str, told: &Told, revision: u64) -> Result<Option<u64>, StorageError> {
        let body = serde_json::to_string(told).unwrap_or_default();
        match self.storage.put_desk(DeskKind::Hook, id, Some(&body), Some(revision)) {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a page, and notes how far it came.
    fn page(
        &self,
        webhook: &Webhook,
        caller: &Caller,
        page: &[(u64, FeedEntry)],
        (told, until): (&mut Told, Timestamp),
    ) -> Sent {
        let Some((last, _)) = page.last() else { return Sent::Nothing };
        let arrived = |told: &mut Told, last: u64| {
            told.after = last;
            told.failures = 0;
            told.next_ms = 0;
            Sent::Some(u64::try_from(page.iter().filter(|it| it.0 <= last).count()).unwrap_or(u64::MAX))
        };
        let (number, error) = match self.send_side_by_side(webhook, caller, page, until) {
            None => return arrived(told, *last),
            Some((number, Unsent::Cut)) => return arrived(told, number - 1),
            Some((number, Unsent::Failed(error))) => (number, error),
        };
        // Everything before the first that failed has arrived.
        told.failures = if told.after == number - 1 { told.failures + 1 } else { 1 };
        told.after = number - 1;
        let is_refused = matches!(&error, WebhookError::Refused { status, .. }
            if (400..500).contains(status) && !matches!(status, 408 | 425 | 429));
        if is_refused && told.failures >= REFUSED_MAX {
            tracing::error!(number, error = %error, "an entry of the feed is passed over: the webhook refuses it");
            self.metrics.hook("passed_over");
            told.after = number;
            told.failures = 0;
            told.next_ms = 0;
            told.passed.push(number);
            let surplus = told.passed.len().saturating_sub(PASSED_MAX);
            told.passed.drain(..surplus);
            return Sent::Some(1);
        }
        let tries = usize::try_from(told.failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait_ms = RETRY_S.get(tries).or(RETRY_S.last()).copied().unwrap_or_default() * 1_000;
        told.next_ms = self.clock.now().plus_ms(wait_ms + fastrand::i64(0..=wait_ms / 4)).unix_ms();
        tracing::warn!(number, tries = told.failures, error = %error, "a webhook was not told; it is tried again");
        Sent::Failed
    }

    /// Sends what is of interest, and begins nothing after a moment; the first entry that did not arrive, and why.
    fn send_side_by_side(
        &self,
        webhook: &Webhook,
        caller: &Caller,
        page: &[(u64, FeedEntry)],
        until: Timestamp,
    ) -> Option<(u64, Unsent)> {
        let mut lanes: BTreeMap<u64, Vec<&(u64, FeedEntry)>> = BTreeMap::new();
        let wanted = |it: &&(u64, FeedEntry)| {
            FeedKind::parse(&it.1.kind).is_some_and(|kind| self.settings.kinds.contains(&kind))
        };
        for it in page.iter().filter(wanted) {
            lanes.entry(lane_of(&it.1)).or_default().push(it);
        }
        let send = |lane: Vec<&(u64, FeedEntry)>| {
            lane.into_iter().find_map(|(number, it)| {
                if self.clock.now() >= until {
                    return Some((*number, Unsent::Cut));
                }
                let sent = self.send(webhook, caller, it);
                self.metrics.hook(if sent.is_ok() { "sent" } else { "failed" });
                sent.err().map(|error| (*number, Unsent::Failed(error)))
            })
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = lanes.into_values().map(|lane| scope.spawn(|| send(lane))).collect();
            let failed =
                threads.into_iter().filter_map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            failed.min_by_key(|(number, _)| *number)
        })
    }

    fn send(&self, webhook: &Webhook, caller: &Caller, entry: &FeedEntry) -> Result<(), WebhookError> {
        let body = message(entry);
        let id = message_id(entry);
        let at = (self.clock.now().unix_ms() / 1_000).to_string();
        let signed = self.settings.secret.as_ref().map(|it| signature(it, (&id, &at), &body));
        let mut headers = vec![("webhook-id", &*id), ("webhook-timestamp", &*at)];
        headers.extend(signed.as_deref().map(|it| ("webhook-signature", it)));
        webhook.post_by(caller, &body, &headers)
    }

    /// How far each webhook is. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn states(&self) -> Result<Vec<HookState>, StorageError> {
        let end = self.storage.feed_end()?;
        let state = |webhook: &Webhook| -> Result<HookState, StorageError> {
            let kept = self.storage.desk(DeskKind::Hook, &id_of(webhook))?;
            let told: Told = kept.and_then(|it| serde_json::from_str(&it.body).ok()).unwrap_or_default();
            Ok(HookState {
                webhook: webhook.masked(),
                after: told.after,
                behind: end.saturating_sub(told.after),
                failures: told.failures,
                next_at: (told.failures > 0).then(|| Timestamp::from_unix_ms(told.next_ms)),
                passed: told.passed,
            })
        };
        self.settings.webhooks.iter().map(state).collect()
    }
}

/// Why a message did not arrive.
enum Unsent {
    /// It was not the time for it any more.
    Cut,
    Failed(WebhookError),
}

/// How far a webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookState {
    /// Its address without what may be a key.
    pub webhook: String,
    /// The number of the last entry that arrived or was passed over.
    pub after: u64,
    /// How many numbers behind the end of the feed that is.
    pub behind: u64,
    /// How often the next entry has failed.
    pub failures: u32,
    /// When it is tried again.
    pub next_at: Option<Timestamp>,
    /// The numbers of entries that it refused and that were passed over, the latest last.
    pub passed: Vec<u64>,
}

/// The name of a webhook in storage, which says nothing about its address.
fn id_of(webhook: &Webhook) -> String {
    let digest: [u8; 32] = Sha256::digest(webhook.url().as_bytes()).into();
    data_encoding::HEXLOWER.encode(digest.split_at(12).0)
}

/// Entries about one visitor share a lane, as do those about one customer whose visitor is not known, and those about nobody.
fn lane_of(entry: &FeedEntry) -> u64 {
    #[derive(Deserialize)]
    struct Whose {
        visitor: Option<VisitorId>,
    }
    let told = serde_json::from_str(&entry.body).ok().and_then(|it: Whose| it.visitor);
    told.or(entry.visitor).map_or(0, |it| {
        it.to_bytes().iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
    }) % SIDE_BY_SIDE
}

/// The id of a message: the same for every sending of one entry, short, without what may be a name.
fn message_id(entry: &FeedEntry) -> String {
    let digest: [u8; 32] = Sha256::digest(entry.id.as_bytes()).into();
    format!("msg_{}", data_encoding::HEXLOWER.encode(digest.split_at(16).0))
}

fn message(entry: &FeedEntry) -> String {
    let data: serde_json::Value = serde_json::from_str(&entry.body).unwrap_or_default();
    serde_json::json!({ "type": entry.kind, "timestamp": entry.at.to_jiff().to_string(), "data": data }).to_string()
}

/// `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`.
fn signature(secret: &HookSecret, (id, at): (&str, &str), body: &str) -> String {
    let mut keyed = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes keys of any length");
    keyed.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", data_encoding::BASE64.encode(&keyed.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the specification's reference libraries.
        let secret = HookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&secret, ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"), "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_whsec_and_base64() {
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
            assert!(HookSecret::parse(bad).is_err(), "{bad}");
        }
    }
}
