//! Asks the operator's CRM whether it knows a customer, while a greeting waits: quickly, bounded, and never at the greeting's cost.
//!
//! Signed as Standard Webhooks are (`webhook-id`, `webhook-timestamp`, `webhook-signature`). Any failure means that nothing is known.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::templates::{Known, Membership};
use crate::time::Timestamp;
use crate::webhook::Webhook;

/// How long the CRM has to answer, from the first byte sent to the last received.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4_096;
/// The longest segment that is heeded, in characters.
const SEGMENT_CHARS_MAX: usize = 64;
/// Failures in a row after which the CRM is left alone.
const FAILURES_MAX: u32 = 5;
/// For how long it is left alone.
const REST: Duration = Duration::from_secs(30);

/// Where the CRM is asked, and what the questions are signed with.
#[derive(Debug, Clone)]
pub struct LookupSettings {
    /// The address.
    pub at: Webhook,
    /// Signs; none: questions are not signed.
    pub secret: Option<String>,
}

/// What the CRM says of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it knows them.
    pub membership: Membership,
    /// The segment they are in.
    pub segment: Option<String>,
}

/// What became of a question, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// It was answered.
    Answered,
    /// It was not, or not in time, or with something else than an answer.
    Failed,
    /// It was not asked, because it has not answered lately.
    Resting,
}

impl LookupOutcome {
    /// The word used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Resting => "resting",
        }
    }
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    rests_until: Option<Instant>,
}

/// Asks the CRM.
pub struct Lookup {
    settings: LookupSettings,
    agent: ureq::Agent,
    breaker: Mutex<Breaker>,
}

#[derive(Deserialize)]
struct Answer {
    registered: bool,
    #[serde(default)]
    segment: Option<String>,
}

/// The signature of a message: `v1,` and the HMAC-SHA256 of id, moment and body in base64 (Standard Webhooks, "Symmetric signatures").
/// A secret that begins with `whsec_` is base64, another one is its bytes.
fn signature(secret: &str, id: &str, timestamp_s: i64, body: &str) -> String {
    let key = secret.strip_prefix("whsec_").and_then(|it| BASE64.decode(it.as_bytes()).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length (RFC 2104)");
    mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

impl Lookup {
    /// Asks at these settings.
    #[must_use]
    pub fn new(settings: LookupSettings) -> Self {
        let builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WAIT));
        let is_here = settings.at.url().starts_with("http://");
        let config = if is_here { builder.proxy(None) } else { builder }.build();
        Self { settings, agent: config.new_agent(), breaker: Mutex::default() }
    }

    /// What the CRM says of a customer; none if it says nothing in time. `id` is the question's own. Blocks for two seconds at most.
    #[must_use]
    pub fn ask(
        &self,
        (customer, unionid): (&str, Option<&str>),
        known: &Known,
        (id, now): (&str, Timestamp),
    ) -> (LookupOutcome, Option<Standing>) {
        if self.is_resting() {
            return (LookupOutcome::Resting, None);
        }
        let body = json!({
            "external_userid": customer,
            "unionid": unionid,
            "store": Some(&known.store).filter(|it| !it.is_empty()),
            "campaign": known.campaign.0,
        });
        let found = self.post(&body.to_string(), id, now.unix_ms().div_euclid(1_000));
        self.note(found.is_some());
        match found {
            Some(it) => (LookupOutcome::Answered, Some(it)),
            None => (LookupOutcome::Failed, None),
        }
    }

    fn post(&self, body: &str, id: &str, timestamp_s: i64) -> Option<Standing> {
        let request = self.agent.post(self.settings.at.url()).header("Content-Type", "application/json");
        let mut request = request.header("webhook-id", id).header("webhook-timestamp", timestamp_s.to_string());
        if let Some(secret) = &self.settings.secret {
            request = request.header("webhook-signature", signature(secret, id, timestamp_s, body));
        }
        let mut answer = request.send(body).ok().filter(|it| it.status().is_success())?;
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().ok()?;
        let Answer { registered, segment } = serde_json::from_slice(&read).ok()?;
        let fits = |it: &String| !it.is_empty() && it.chars().count() <= SEGMENT_CHARS_MAX;
        let membership = if registered { Membership::Registered } else { Membership::Unregistered };
        Some(Standing { membership, segment: segment.filter(fits) })
    }

    fn is_resting(&self) -> bool {
        let breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.rests_until.is_some_and(|it| Instant::now() < it)
    }

    /// After a rest one question decides whether there is another.
    fn note(&self, is_answered: bool) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if is_answered {
            *breaker = Breaker::default();
            return;
        }
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= FAILURES_MAX {
            breaker.rests_until = Some(Instant::now() + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac` over the example of the Standard Webhooks specification.
    #[test]
    fn a_question_is_signed_as_standard_webhooks_are() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_crm_that_fails_is_left_alone_for_a_while() {
        let at = Webhook::parse("http://127.0.0.1:1/").unwrap();
        let lookup = Lookup::new(LookupSettings { at, secret: None });
        let ask = || lookup.ask(("wm1", None), &Known::default(), ("1", Timestamp::from_unix_ms(0))).0;
        for _ in 0..FAILURES_MAX {
            assert_eq!(ask(), LookupOutcome::Failed);
        }
        assert_eq!(ask(), LookupOutcome::Resting);
    }
}
