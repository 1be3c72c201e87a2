//! The rungs of the ladder below a store's own code, and which of them a campaign uses.

use serde::{Deserialize, Serialize};

/// The step of the ladder below the store's own code that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The store's group, where the contact was to be shown.
    Group,
    /// The next store in reach with a usable code.
    NextStore,
    /// The store's contact.
    Contact,
    /// The group of the region.
    Region,
    /// The campaign's own group.
    Campaign,
}

impl Rung {
    /// The rungs that a campaign may do without, in the order of the ladder.
    pub const OPTIONAL: [Self; 4] = [Self::NextStore, Self::Contact, Self::Region, Self::Campaign];

    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::NextStore => "next_store",
            Self::Contact => "contact",
            Self::Region => "region",
            Self::Campaign => "campaign",
        }
    }
}

/// Which rungs are in force; all, unless a campaign names some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fallbacks(Option<Box<[Rung]>>);

impl Fallbacks {
    /// These rungs and no others.
    #[must_use]
    pub fn only(rungs: Vec<Rung>) -> Self {
        Self(Some(rungs.into()))
    }

    /// Whether a rung is in force. The store's own codes always are.
    #[must_use]
    pub fn allow(&self, rung: Rung) -> bool {
        rung == Rung::Group || self.0.as_ref().is_none_or(|named| named.contains(&rung))
    }

    /// The rungs that were named; none where nothing was said.
    #[must_use]
    pub fn named(&self) -> Option<&[Rung]> {
        self.0.as_deref()
    }

    /// Whether this is what a campaign has that says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0.is_none()
    }
}
