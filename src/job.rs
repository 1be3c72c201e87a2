//! Work for the world outside that is done once, later, and by whoever has time; not who does it.

use serde::{Deserialize, Serialize};

use crate::id::VisitorId;
use crate::time::Timestamp;

/// Which kind of work a job is. Each has workers of its own, so that no kind holds up another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// An event of a callback is to be worked in.
    Event,
    /// A customer's tags are to be brought up to date.
    Tag,
    /// What a callback may have lost is to be found: one group chat, one member of staff.
    Reconcile,
}

impl Lane {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Event, Self::Tag, Self::Reconcile];

    /// The word used in storage, in metrics and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Tag => "tag",
            Self::Reconcile => "reconcile",
        }
    }
}

/// Something to be done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, unique within its lane: of two jobs with one id the first stands, also when it is done.
    pub id: String,
    /// Which kind of work it is.
    pub lane: Lane,
    /// JSON.
    pub body: String,
    /// Not before this moment.
    pub ready_at: Timestamp,
    /// The visitor it is about, if that is known: with the visitor it is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
}
