//! What a run over codes says: what became of each, how many, and why it ended early.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::app::ImportError;
use crate::platform::ApiError;
use crate::storage::StorageError;

/// What becomes of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncAction {
    /// It is as it is to be.
    Kept,
    /// It is made.
    Made,
    /// It is changed in place; the picture stays.
    Updated,
    /// Nothing can be done about it.
    Problem,
}

impl SyncAction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Made, Self::Updated, Self::Problem];

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Made => "made",
            Self::Updated => "updated",
            Self::Problem => "problem",
        }
    }
}

/// What became of one code, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// `group` or `contact`.
    pub kind: &'static str,
    /// The id of the group or contact.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What.
    pub action: SyncAction,
    /// Why, or what is different.
    pub detail: String,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// How many codes of each kind of action.
    pub counts: BTreeMap<SyncAction, u64>,
    /// The version that is live since; none if nothing was published.
    pub version: Option<u64>,
}

/// Why a run ended early. What was done until then is done.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] ImportError),
    /// Storage does not answer.
    #[error("storage does not answer")]
    Storage(#[from] StorageError),
    /// The platform lets this app do nothing of the kind.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Others publish faster than this could be tried again.
    #[error("others are publishing; try again")]
    Busy,
}
