//! Which stores a campaign sends its visitors to, and what it makes of those that are closed at the hour.
//!
//! Rules only: which stores they mean is worked out once for each catalog.

use serde::{Deserialize, Serialize};

/// Tags and regions that one campaign may name, each.
pub const NAMES_MAX: usize = 200;

/// What a campaign makes of stores that are closed at the hour. Unknown hours are not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenStores {
    /// Nothing: the nearest store is shown, open or closed.
    #[default]
    Ignore,
    /// An open store is taken before a closed one, unless it is much farther.
    Prefer,
    /// Closed stores do not qualify while an open one is in reach.
    Require,
}

impl OpenStores {
    /// Reads `ignore`, `prefer` or `require`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ignore" => Some(Self::Ignore),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            _ => None,
        }
    }

    /// The word used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Prefer => "prefer",
            Self::Require => "require",
        }
    }
}

/// The stores that take part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreSelection {
    /// Those with one of these tags, letter by letter; none: tags do not matter.
    #[serde(default, rename = "store_tags", skip_serializing_if = "<[_]>::is_empty")]
    pub tags: Box<[Box<str>]>,
    /// Of these, those in one of these regions, by name without endings such as 市; none: the place does not matter.
    #[serde(default, rename = "store_regions", skip_serializing_if = "<[_]>::is_empty")]
    pub regions: Box<[Box<str>]>,
}

impl StoreSelection {
    /// Whether all stores take part.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.tags.is_empty() && self.regions.is_empty()
    }
}
