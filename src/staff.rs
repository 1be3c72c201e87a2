//! The people of the operations team and their programs: what they may do, and who did something.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// What somebody may do; each may do what the ones before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, without personal data.
    Viewer,
    /// Everything but people, tokens and settings.
    Ops,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Ops, Self::Admin];

    /// Reads `viewer`, `ops` or `admin`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The word used in the API and in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Ops => "ops",
            Self::Admin => "admin",
        }
    }
}

/// The text is no name of a user or a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not 1 to {NAME_CHARS_MAX} letters, digits, dots, dashes, underscores and at signs")]
pub struct StaffNameError;

/// The name of a user or a token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaffName(Box<str>);

impl StaffName {
    /// Reads a name: letters of any script, digits, `.`, `-`, `_` and `@`.
    ///
    /// # Errors
    /// [`StaffNameError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, StaffNameError> {
        let text = text.trim();
        let fits = |it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '_' | '@');
        if (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && text.chars().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(StaffNameError)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StaffName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for StaffName {
    type Error = StaffNameError;

    fn try_from(text: String) -> Result<Self, StaffNameError> {
        Self::parse(&text)
    }
}

impl From<StaffName> for String {
    fn from(name: StaffName) -> Self {
        name.0.into()
    }
}

/// Who does something: a user, a token, or whoever bears the token of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name in the history and in the audit trail: `li`, `token:ci`, `settings`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The network address that the request came from; none for the command line.
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_what_the_ones_before_may() {
        assert!(Role::Admin > Role::Ops && Role::Ops > Role::Viewer);
        assert_eq!(Role::ALL.map(|it| Role::parse(it.as_str())), Role::ALL.map(Some));
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn a_name_holds_nothing_that_could_be_mistaken() {
        assert_eq!(StaffName::parse(" 李雷 ").unwrap().as_str(), "李雷");
        for bad in ["", "a b", "token:ci", "<b>", &"x".repeat(65)] {
            assert_eq!(StaffName::parse(bad), Err(StaffNameError), "{bad}");
        }
    }
}
