//! Consent to the use of a position: who, to which privacy notice, and when. Not the notice itself.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::VisitorId;
use crate::time::Timestamp;

/// The longest version of a notice, in characters.
pub const NOTICE_CHARS_MAX: usize = 64;

/// Which version of the privacy notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoticeVersion(Arc<str>);

/// The text is no version of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not 1 to {NOTICE_CHARS_MAX} letters, digits, dots, dashes and underscores")]
pub struct NoticeVersionError;

impl NoticeVersion {
    /// Reads a version: letters, digits, `.`, `-` and `_`.
    ///
    /// # Errors
    /// [`NoticeVersionError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NoticeVersionError> {
        let fits = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
        if (1..=NOTICE_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(NoticeVersionError)
        }
    }

    /// The version of a notice that is told by its digest: 48 bits in hexadecimal.
    #[must_use]
    pub fn of_digest(digest: [u8; 32]) -> Self {
        Self(data_encoding::HEXLOWER.encode(digest.split_at(6).0).into())
    }

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for NoticeVersion {
    type Error = NoticeVersionError;

    fn try_from(text: String) -> Result<Self, NoticeVersionError> {
        Self::parse(&text)
    }
}

impl From<NoticeVersion> for String {
    fn from(version: NoticeVersion) -> Self {
        version.0.as_ref().to_owned()
    }
}

/// A visitor's consent to the use of their position. Storage keeps one a visitor and notice, with the first and the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// Who.
    pub visitor: VisitorId,
    /// To which notice.
    pub notice: NoticeVersion,
    /// When, before the position was used.
    pub at: Timestamp,
}

/// What storage keeps of a visitor's consents to one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub visitor: VisitorId,
    /// To which notice.
    pub notice: NoticeVersion,
    /// For the first time.
    pub first_at: Timestamp,
    /// For the last time.
    pub last_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_short_plain_word() {
        assert_eq!(NoticeVersion::parse("2026-07.a_1").unwrap().as_str(), "2026-07.a_1");
        for text in ["", "一", "a b", "<b>", &"x".repeat(65)] {
            assert_eq!(NoticeVersion::parse(text), Err(NoticeVersionError), "{text}");
        }
    }
}
