//! Steps of a visit that the page sees after the answer.

use serde::{Deserialize, Serialize};

use crate::id::ScanId;
use crate::time::Timestamp;

/// A step that the page saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A long press on the join code.
    Pressed,
    /// The customer refused to give the position.
    Refused,
    /// "Not this store".
    NotMine,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 3] = [Self::Pressed, Self::Refused, Self::NotMine];

    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pressed => "pressed",
            Self::Refused => "refused",
            Self::NotMine => "not_mine",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A step of one visit. Storage keeps the first of each kind a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The visit.
    pub scan: ScanId,
    /// What happened.
    pub step: Step,
    /// When it was seen.
    pub at: Timestamp,
}
