//! What can be done about an error, by a program and by a person; not which error has which remedy.

use std::time::Duration;

use super::errors::{REPORT, known};

/// How long a limit by the minute blocks (document 90454).
pub const MINUTE_LIMIT_WAIT: Duration = Duration::from_mins(1);

/// What a program does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Fetch another token and make the call once more; if that fails, it is the settings.
    RefreshToken,
    /// Make the call again, not before so long.
    RetryLater {
        /// How long.
        after: Duration,
    },
    /// Make fewer calls at once, and this one again after a while.
    SlowDown {
        /// How long.
        after: Duration,
    },
    /// Make no such call until the limit is over.
    WaitLimit {
        /// How long.
        wait: Duration,
    },
    /// Nothing helps until a person has changed a setting here or in the console.
    FixSettings {
        /// Which.
        what: &'static str,
    },
    /// What was sent is wrong; sending it again is no use.
    BadData,
    /// The ids of tags that are remembered here are out of date: read them again, then make the call once more.
    RefreshTagCache,
    /// It is there already under this name: take that one.
    AdoptExisting,
    /// Member and customer are no friends, or not yet: again after so long, then wait for the friendship.
    NotAFriendYet {
        /// How long.
        after: Duration,
    },
    /// Somebody has done it already; nothing is left to do.
    AlreadyDone,
    /// The person has to sign in again from the start.
    RestartSignIn,
    /// This program makes the call wrongly.
    Bug,
    /// A code that is not in the table.
    Unknown,
}

impl Remedy {
    /// How long to wait before the same call makes sense again; none if waiting does not help.
    #[must_use]
    pub fn wait(self) -> Option<Duration> {
        match self {
            Self::RefreshToken => Some(MINUTE_LIMIT_WAIT),
            Self::RetryLater { after } | Self::SlowDown { after } | Self::NotAFriendYet { after } => Some(after),
            Self::WaitLimit { wait } => Some(wait),
            Self::FixSettings { .. }
            | Self::BadData
            | Self::RefreshTagCache
            | Self::AdoptExisting
            | Self::AlreadyDone
            | Self::RestartSignIn
            | Self::Bug
            | Self::Unknown => None,
        }
    }
}

impl Remedy {
    /// What a program does, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RefreshToken => "another token is fetched, and the call made once more",
            Self::RetryLater { .. } => "up to three attempts where a repeat does no harm, then later",
            Self::SlowDown { .. } => "fewer calls at once, and again",
            Self::WaitLimit { .. } => "none of these calls for a minute, then longer",
            Self::FixSettings { .. } => "nothing: a person is told",
            Self::RefreshTagCache => "tags are read again",
            Self::AdoptExisting => "the one that is there is taken",
            Self::NotAFriendYet { .. } => "again after a minute, then it waits for the friendship",
            Self::AlreadyDone => "nothing is left to do",
            Self::RestartSignIn => "the person is sent to sign in again",
            Self::BadData | Self::Bug | Self::Unknown => "given up, and told",
        }
    }
}

/// One sentence in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

/// A code, what it means, and what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// `errcode`.
    pub code: i64,
    /// What it means.
    pub means: Advice,
    /// What a program does.
    pub remedy: Remedy,
    /// What a person does.
    pub advice: Advice,
}

/// What a person does, by the code if there is one, else by the remedy.
pub(super) fn advice(code: Option<i64>, remedy: Remedy) -> Advice {
    if let Some(known) = code.and_then(known) {
        return known.advice;
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others with a code are in the table")]
    let [zh, en] = match remedy {
        Remedy::Unknown => [
            "这个错误码没有记录:请在企业微信的错误码文档里查找,并报告给开发者。",
            "This code is not known here: look it up among WeCom's error codes, and report it.",
        ],
        Remedy::BadData => ["检查发送的内容。", "Look at what was to be sent."],
        _ if code.is_none() => [
            "无需操作,系统会自动重试;若持续,检查本机能否访问平台的接口地址。",
            "Nothing: it is tried again; if it lasts, see whether this machine reaches the platform's address.",
        ],
        _ => REPORT,
    };
    Advice { zh, en }
}
