//! Which way was made for a code, and who is making it: of several runs, on one instance or several, one makes it. Not what it is.

use crate::storage::{DeskKind, Storage, StorageError, Trouble};
use crate::time::Timestamp;

/// For how long nobody else makes a way that a run is making, in milliseconds: longer than a run waits for limits. A run that broke
/// off is followed by another one after that.
const CLAIM_MS: i64 = 600_000;
/// What a claim begins with, and no id of a way does.
const MARK: char = '?';

/// Who makes a way.
pub(super) enum Claimed {
    /// Whoever asked.
    Ours(Claim),
    /// Somebody else is at it, or has done it just now.
    Theirs,
}

/// The right to make the way of a code.
pub(super) struct Claim {
    state: String,
    revision: u64,
}

/// The way that was made for a code.
pub(super) fn made(storage: &dyn Storage, state: &str) -> Result<Option<String>, StorageError> {
    let kept = storage.desk(DeskKind::Way, state)?.map(|it| it.body);
    Ok(kept.filter(|it| !it.starts_with(MARK)))
}

/// Takes the right to make the way of a code.
pub(super) fn claim(storage: &dyn Storage, state: &str, now: Timestamp) -> Result<Claimed, StorageError> {
    let kept = storage.desk(DeskKind::Way, state)?;
    let expected = match &kept {
        None => 0,
        Some(kept) => {
            let since = kept.body.strip_prefix(MARK).and_then(|it| it.parse::<i64>().ok());
            if since.is_none_or(|since| (since..since.saturating_add(CLAIM_MS)).contains(&now.unix_ms())) {
                return Ok(Claimed::Theirs);
            }
            kept.revision
        }
    };
    let body = format!("{MARK}{}", now.unix_ms());
    match storage.put_desk(DeskKind::Way, state, Some(&body), Some(expected)) {
        Ok(revision) => Ok(Claimed::Ours(Claim { state: state.to_owned(), revision })),
        Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => Ok(Claimed::Theirs),
        Err(error) => Err(error),
    }
}

impl Claim {
    /// The way is made.
    pub(super) fn keep(&self, storage: &dyn Storage, way: &str) -> Result<(), StorageError> {
        storage.put_desk(DeskKind::Way, &self.state, Some(way), None).map(drop)
    }

    /// It is not made; somebody else may.
    pub(super) fn give_up(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        match storage.put_desk(DeskKind::Way, &self.state, None, Some(self.revision)) {
            Err(error) if !matches!(error.kind(), Trouble::Conflict { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}
