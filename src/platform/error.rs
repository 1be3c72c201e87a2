//! Why a call did not do what it should. Never with a token, a secret or an address in it.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::errors::known;
use super::remedy::{Advice, Remedy, advice};

/// The pause after which a call that met a busy platform is made again.
pub const BUSY_WAIT: Duration = Duration::from_secs(30);

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// Nobody answered in time.
    #[error("{call}: the platform cannot be reached: {kind}")]
    Unreachable {
        /// Which call.
        call: &'static str,
        /// What hindered it, in a word.
        kind: &'static str,
        /// Whether it may have been carried out all the same.
        may_be_done: bool,
    },
    /// The platform says no.
    #[error("{call}: the platform refuses with error {code}{}", from_ip.map(|it| format!(" (we come from {it})")).unwrap_or_default())]
    Refused {
        /// Which call.
        call: &'static str,
        /// `errcode`.
        code: i64,
        /// The address that the platform sees us at, where it says so (60020).
        from_ip: Option<IpAddr>,
    },
    /// The answer is no answer of the platform.
    #[error("{call}: the answer has status {status}")]
    Status {
        /// Which call.
        call: &'static str,
        /// The status of HTTP.
        status: u16,
    },
    /// The answer lacks what every such answer has, or is too long.
    #[error("{call}: the answer cannot be read")]
    Garbled {
        /// Which call.
        call: &'static str,
    },
    /// A limit is reached; nothing was sent.
    #[error("{call}: its limit is reached for {} s", wait.as_secs())]
    Limited {
        /// Which call.
        call: &'static str,
        /// How long it lasts.
        wait: Duration,
    },
    /// Somebody else fetches the token, or it could not be fetched a moment ago; nothing was sent.
    #[error("{call}: there is no token at the moment")]
    NoToken {
        /// Which call.
        call: &'static str,
        /// Why it could not be fetched a moment ago: the code of the platform.
        code: Option<i64>,
    },
    /// What should be sent is nothing that can be; nothing was sent.
    #[error("{call}: {what}")]
    Unfit {
        /// Which call.
        call: &'static str,
        /// What is wrong.
        what: &'static str,
    },
}

impl ApiError {
    /// The platform's code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NoToken { code, .. } => *code,
            Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::Garbled { .. }
            | Self::Limited { .. }
            | Self::Unfit { .. } => None,
        }
    }

    /// Which call.
    #[must_use]
    pub fn call(&self) -> &'static str {
        match self {
            Self::Unreachable { call, .. }
            | Self::Refused { call, .. }
            | Self::Status { call, .. }
            | Self::Garbled { call }
            | Self::Limited { call, .. }
            | Self::NoToken { call, .. }
            | Self::Unfit { call, .. } => call,
        }
    }

    /// What a program does about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Refused { code, .. } | Self::NoToken { code: Some(code), .. } => {
                known(*code).map_or(Remedy::Unknown, |it| it.remedy)
            }
            Self::Limited { wait, .. } => Remedy::WaitLimit { wait: *wait },
            Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::NoToken { code: None, .. }
            | Self::Garbled { .. } => Remedy::RetryLater { after: BUSY_WAIT },
            Self::Unfit { .. } => Remedy::BadData,
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        advice(self.code(), self.remedy())
    }

    /// Whether the call may have been carried out although it failed.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Unreachable { may_be_done, .. } => *may_be_done,
            Self::Status { .. } | Self::Garbled { .. } => true,
            Self::Refused { .. } | Self::Limited { .. } | Self::NoToken { .. } | Self::Unfit { .. } => false,
        }
    }

    /// What it counts as: one of a handful of words.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Status { .. } | Self::Garbled { .. } => "garbled",
            Self::Limited { .. } => "limited",
            Self::NoToken { .. } => "no_token",
            Self::Unfit { .. } => "unfit",
        }
    }
}
