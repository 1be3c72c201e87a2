//! What a caller can do something about.

use thiserror::Error;

/// Why a use case was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AppError {
    /// No campaign has this short name.
    #[error("there is no campaign {0:?}")]
    UnknownCampaign(String),
    /// No store has this id.
    #[error("there is no store {0:?}")]
    UnknownStore(String),
    /// The scan id was not made here.
    #[error("this scan is not known")]
    UnknownScan,
    /// The record could not be put on disk.
    #[error("the step could not be recorded")]
    Unrecorded,
}
