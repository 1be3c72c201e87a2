//! Makes calls: bounded in time, in bytes, in number, repeated only where that does no harm, counted. Knows no interface.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::base::ApiBase;
use super::call::Call;
use super::error::ApiError;
use super::keeper::{Fetched, Lasting};
use super::limit::Limiter;
use super::remedy::Remedy;
use crate::time::Clock;

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How often a call is made at the most.
const ATTEMPTS_MAX: u32 = 3;
/// Connections kept open for the next call.
const IDLE_MAX: usize = 8;

/// How long a call may take, and the pause before it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until there is a connection.
    pub connect: Duration,
    /// From the beginning to the end of one attempt.
    pub total: Duration,
    /// Before the second attempt, about; twice as long before the third.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(8), pause: Duration::from_millis(200) }
    }
}

/// One attempt that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Which platform.
    pub platform: &'static str,
    /// Which call.
    pub call: &'static str,
    /// What became of it: `ok`, or as [`ApiError::outcome`] says.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
}

/// Is told of every attempt.
pub type OnCall = Arc<dyn Fn(Made) + Send + Sync>;

/// What is sent.
pub(crate) enum Sent {
    /// A `GET`.
    Nothing,
    /// A `POST` of JSON.
    Json(String),
    /// A `POST` of one file.
    File {
        /// The type of the whole, with what stands between its parts.
        content_type: String,
        /// All of it.
        bytes: Vec<u8>,
    },
}

/// Makes calls of one account.
pub(crate) struct Caller {
    platform: &'static str,
    base: ApiBase,
    agent: ureq::Agent,
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    patience: Patience,
    on_call: OnCall,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.base)
    }
}

/// What every answer of the platforms may begin with.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

/// An address as a query.
fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A value as the JSON of a call, or why it is none.
pub(crate) fn json(call: &Call, value: &impl Serialize) -> Result<Sent, ApiError> {
    let text = serde_json::to_string(value);
    text.map(Sent::Json).map_err(|_cause| ApiError::Unfit { call: call.name, what: "what is to be sent is no JSON" })
}

impl Caller {
    pub(crate) fn new(
        platform: &'static str,
        base: ApiBase,
        clock: Arc<dyn Clock>,
        patience: Patience,
        on_call: OnCall,
    ) -> Self {
        let builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(IDLE_MAX)
            .max_idle_connections_per_host(IDLE_MAX)
            .timeout_connect(Some(patience.connect))
            .timeout_global(Some(patience.total));
        let config = if base.is_here() { builder.proxy(None) } else { builder }.build();
        Self { platform, base, agent: config.new_agent(), limiter: Limiter::default(), clock, patience, on_call }
    }

    pub(crate) fn base(&self) -> &ApiBase {
        &self.base
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes a call and reads its answer.
    pub(crate) fn ask<A: DeserializeOwned>(
        &self,
        call: &'static Call,
        pairs: &[(&str, &str)],
        sent: &Sent,
    ) -> Result<A, ApiError> {
        let url = format!("{}{}?{}", self.base, call.path, query(pairs));
        let garbled = || ApiError::Garbled { call: call.name };
        self.repeat(call, || {
            let bytes = self.send(call, &url, sent, ANSWER_BYTES_MAX)?;
            let head: Head = serde_json::from_slice(&bytes).map_err(|_cause| garbled())?;
            if head.errcode != 0 {
                return Err(ApiError::Refused { call: call.name, code: head.errcode, from_ip: from_ip(&head.errmsg) });
            }
            serde_json::from_slice(&bytes).map_err(|_cause| garbled())
        })
    }

    /// Fetches what lies at an address, which the caller has looked at.
    pub(crate) fn fetch(&self, call: &'static Call, url: &str, bytes_max: u64) -> Result<Vec<u8>, ApiError> {
        self.repeat(call, || self.send(call, url, &Sent::Nothing, bytes_max))
    }

    /// Attempts until one is good, there is no use, or it is enough.
    fn repeat<A>(&self, call: &'static Call, attempt: impl Fn() -> Result<A, ApiError>) -> Result<A, ApiError> {
        let mut number = 1;
        loop {
            let turn = self.limiter.take(call, self.clock.now());
            let turn = turn.map_err(|wait| ApiError::Limited { call: call.name, wait });
            let begun = Instant::now();
            let answer = turn.and_then(|_turn| attempt());
            let outcome = answer.as_ref().err().map_or("ok", ApiError::outcome);
            (self.on_call)(Made { platform: self.platform, call: call.name, outcome, took: begun.elapsed() });
            let error = match answer {
                Ok(answer) => {
                    self.limiter.passed(call);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            self.heed(call, &error);
            if number >= ATTEMPTS_MAX || !may_repeat(call, &error) {
                return Err(error);
            }
            thread::sleep(self.patience.pause.saturating_mul(number).mul_f64(0.5 + fastrand::f64()));
            number += 1;
        }
    }

    /// Makes fewer calls, if the platform asked for it.
    fn heed(&self, call: &Call, error: &ApiError) {
        let (remedy, now) = (error.remedy(), self.clock.now());
        if matches!(remedy, Remedy::WaitLimit { .. }) && error.code().is_some() {
            let wait_s = self.limiter.pause(call, now).as_secs();
            tracing::warn!(platform = self.platform, call = call.name, wait_s, "a limit is met");
        }
        if matches!(remedy, Remedy::SlowDown { .. }) {
            self.limiter.fewer(now);
        }
    }

    fn send(&self, call: &'static Call, url: &str, sent: &Sent, bytes_max: u64) -> Result<Vec<u8>, ApiError> {
        let answer = match sent {
            Sent::Nothing => self.agent.get(url).call(),
            Sent::Json(text) => self.agent.post(url).header("Content-Type", "application/json").send(text.as_bytes()),
            Sent::File { content_type, bytes } => {
                self.agent.post(url).header("Content-Type", content_type).send(bytes.as_slice())
            }
        };
        let mut answer = answer.map_err(|error| unreachable(call, &error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(ApiError::Status { call: call.name, status: status.as_u16() });
        }
        let read = answer.body_mut().with_config().limit(bytes_max).read_to_vec();
        read.map_err(|error| {
            if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
                return ApiError::Garbled { call: call.name };
            }
            ApiError::Unreachable { call: call.name, kind: kind(&error), may_be_done: true }
        })
    }
}

/// Makes a call that wants a token; with another token once more, if the platform does not take the first.
pub(crate) fn with_token<A>(
    call: &'static Call,
    token: &Lasting,
    fetch: impl Fn(Option<&str>) -> Result<Fetched, ApiError>,
    make: impl Fn(&str) -> Result<A, ApiError>,
) -> Result<A, ApiError> {
    let first = token.get(call.name, None, || fetch(None))?;
    match make(&first) {
        Err(error @ ApiError::Refused { .. }) if error.remedy() == Remedy::RefreshToken => {
            let second = token.get(call.name, Some(&first), || fetch(Some(&first)))?;
            let answer = make(&second);
            if let Err(error @ ApiError::Refused { .. }) = &answer
                && error.remedy() == Remedy::RefreshToken
            {
                token.give_up(error.code());
            }
            answer
        }
        answer => answer,
    }
}

/// Whether one more attempt may help and does no harm.
fn may_repeat(call: &Call, error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { may_be_done, .. } => call.is_repeatable || !may_be_done,
        ApiError::Status { status, .. } => call.is_repeatable && *status >= 500,
        ApiError::Refused { code: -1 | 6_000, .. } => call.is_repeatable,
        // The platform did not look at the call.
        ApiError::Refused { code: 45_033, .. } => true,
        ApiError::Refused { .. }
        | ApiError::Garbled { .. }
        | ApiError::Limited { .. }
        | ApiError::NoToken { .. }
        | ApiError::Unfit { .. } => false,
    }
}

/// The address that the platform sees us at, which 60020 tells in its words: `from ip: 1.2.3.4`.
fn from_ip(message: &str) -> Option<IpAddr> {
    let (_, rest) = message.split_once("from ip:")?;
    rest.trim_start().split([',', ' ']).next()?.parse().ok()
}

/// A call that nobody answered. The error itself may name the address, which holds a token.
fn unreachable(call: &Call, error: &ureq::Error) -> ApiError {
    use ureq::{Error, Timeout};
    let never_left = matches!(
        error,
        Error::HostNotFound
            | Error::ConnectionFailed
            | Error::Tls(_)
            | Error::Rustls(_)
            | Error::Timeout(Timeout::Resolve | Timeout::Connect)
    ) || matches!(error, Error::Io(it) if it.kind() == std::io::ErrorKind::ConnectionRefused);
    ApiError::Unreachable { call: call.name, kind: kind(error), may_be_done: !never_left }
}

/// What hindered a call, in a word.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list of another crate, which grows")]
fn kind(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::HostNotFound => "no such host",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "its certificate is not good",
        ureq::Error::ConnectionFailed | ureq::Error::Io(_) => "no connection",
        _ => "the call failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_the_platform_sees_is_read_from_its_words() {
        let said = "not allow to access from your ip, hint: [16], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com";
        assert_eq!(from_ip(said), "203.0.113.7".parse().ok());
        assert_eq!(from_ip("from ip: <script>"), None);
        assert_eq!(from_ip("ok"), None);
    }
}
