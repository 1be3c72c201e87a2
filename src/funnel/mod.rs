//! The funnel: the steps of visits, how they are counted, and how two routes are compared; not where counts are kept.

mod interval;
mod report;
mod tally;

pub use interval::{Difference, Rate, difference, rate};
pub use report::{Comparison, ModeRates, Report, ReportRow};
pub use tally::{Cell, Counts, Dimension, Pair, Recount, Stage, Stages, Tallies, Visit, is_further};

use serde::{Deserialize, Serialize};

use crate::id::ScanId;
use crate::time::Timestamp;

/// A step of a visit after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A long press on the join code.
    Pressed,
    /// The customer refused to give the position.
    Refused,
    /// "Not this store".
    NotMine,
    /// The customer came into the group, or added the contact.
    Joined,
    /// The customer went out of it again.
    Left,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 5] = [Self::Pressed, Self::Refused, Self::NotMine, Self::Joined, Self::Left];
    /// The steps that a page can see; who joined and who left is told by others.
    pub const OF_PAGE: [Self; 3] = [Self::Pressed, Self::Refused, Self::NotMine];

    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pressed => "pressed",
            Self::Refused => "refused",
            Self::NotMine => "not_mine",
            Self::Joined => "joined",
            Self::Left => "left",
        }
    }

    /// Reads the word of a step that a page can see.
    #[must_use]
    pub fn parse_of_page(text: &str) -> Option<Self> {
        Self::OF_PAGE.into_iter().find(|it| it.as_str() == text)
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
