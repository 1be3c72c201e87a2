//! What can go wrong with the outbox, as far as a caller can act on it.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;
use thiserror::Error;

/// What a caller of the outbox can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Trouble {
    /// As many items wait as are allowed, in memory or on disk. Nothing was recorded.
    #[error("the outbox is full")]
    Full,
    /// Another process has the file open.
    #[error("the outbox is in use by another process")]
    InUse,
    /// The outbox was closed before the item was recorded.
    #[error("the outbox is closed")]
    Closed,
    /// The file cannot be read or written at the moment, for example because the disk is full. Whether an item was
    /// recorded is not known; to append it again is harmless.
    #[error("the outbox cannot be read or written")]
    Unavailable,
    /// The file is not what this program wrote.
    #[error("the outbox is damaged")]
    Corrupt,
    /// A later version of this program wrote the file.
    #[error("the outbox was written by a later version of this program (format {found}, this program knows {known})")]
    TooNew {
        /// The format of the file.
        found: i64,
        /// The latest format that this program knows.
        known: i64,
    },
}

/// Why the outbox did not do what was asked. Everybody whose items were in one failed commit gets the same error.
#[derive(Debug, Clone, Error)]
#[error("{kind}")]
pub struct OutboxError {
    kind: Trouble,
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl OutboxError {
    /// What a caller can act on.
    #[must_use]
    pub fn kind(&self) -> Trouble {
        self.kind
    }

    pub(super) fn caused(kind: Trouble, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind, source: Some(Arc::new(source)) }
    }
}

impl From<Trouble> for OutboxError {
    fn from(kind: Trouble) -> Self {
        Self { kind, source: None }
    }
}

impl From<rusqlite::Error> for OutboxError {
    fn from(source: rusqlite::Error) -> Self {
        let kind = match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Corrupt,
            _ => Trouble::Unavailable,
        };
        Self::caused(kind, source)
    }
}
