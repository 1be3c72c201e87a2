//! What can go wrong with storage, as far as a caller can act on it; the backend's own error is only for the log.

use std::error::Error;

use thiserror::Error;

/// What a caller of storage can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Trouble {
    /// It cannot be reached, read or written at the moment; trying again later may help.
    #[error("storage is not available")]
    Unavailable,
    /// Somebody else has published meanwhile.
    #[error("version {current} has been published meanwhile")]
    Conflict {
        /// The current version.
        current: u64,
    },
    /// No such version of the catalog was ever published.
    #[error("there is no version {version} of the catalog")]
    NoSuchVersion {
        /// The version asked for.
        version: u64,
    },
    /// It holds something that this program did not write. A person must look at it.
    #[error("storage is damaged")]
    Corrupt,
    /// A later version of this program wrote it. A person must update this one.
    #[error("storage was written by a later version of this program (format {found}, this program knows {known})")]
    TooNew {
        /// The format found.
        found: i64,
        /// The latest format that this program knows.
        known: i64,
    },
}

/// Why storage did not do what was asked. Callers act on the kind; the source is for the log.
#[derive(Debug, Error)]
#[error("{kind}")]
pub struct StorageError {
    kind: Trouble,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// An error with the backend's own error behind it.
    #[must_use]
    pub fn caused(kind: Trouble, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What a caller can act on.
    #[must_use]
    pub fn kind(&self) -> Trouble {
        self.kind
    }
}

impl From<Trouble> for StorageError {
    fn from(kind: Trouble) -> Self {
        Self { kind, source: None }
    }
}
