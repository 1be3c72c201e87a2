//! Keeps tokens of the platforms in storage, so that all instances use one and one of them fetches the next; not what a token is for.
//!
//! Storage that does not answer makes an instance keep its own: a token too many is better than none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::platform::{Kept, MemoryKeeper, TokenKeeper};
use crate::storage::{DeskKind, Storage, StorageError, Trouble};
use crate::time::Timestamp;

/// How often a change is tried again that somebody else got in the way of.
const TRIES_MAX: u32 = 5;

/// A keeper over storage.
pub struct SharedTokens {
    storage: Arc<dyn Storage>,
    /// What is used while storage is away.
    alone: MemoryKeeper,
}

/// A document.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    until: i64,
    /// Whoever fetches the next value has until then.
    #[serde(default)]
    claimed_until: i64,
}

impl SharedTokens {
    /// A keeper over this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, alone: MemoryKeeper::default() }
    }

    /// The document of a name, and its revision; one that cannot be read is as good as none.
    fn read(&self, name: &str) -> Result<(u64, Document), StorageError> {
        let entry = self.storage.desk(DeskKind::Platform, name)?;
        Ok(entry.map_or_else(Default::default, |it| (it.revision, serde_json::from_str(&it.body).unwrap_or_default())))
    }

    fn write(&self, name: &str, document: &Document, revision: u64) -> Result<(), StorageError> {
        let body = serde_json::to_string(document).unwrap_or_default();
        self.storage.put_desk(DeskKind::Platform, name, Some(&body), Some(revision)).map(drop)
    }

    /// Changes a document whoever else does; what cannot be kept is told of and let go.
    fn change(&self, name: &str, change: impl Fn(Document) -> Document) {
        for _ in 0..TRIES_MAX {
            let written = self.read(name).and_then(|(revision, it)| self.write(name, &change(it), revision));
            match written {
                Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "a token is not shared with the other instances");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

impl TokenKeeper for SharedTokens {
    fn load(&self, name: &str) -> Option<Kept> {
        match self.read(name) {
            Ok((_, it)) => Some(Kept { value: it.value?, until: Timestamp::from_unix_ms(it.until) }),
            Err(_away) => self.alone.load(name),
        }
    }

    fn claim(&self, name: &str, now: Timestamp, until: Timestamp) -> bool {
        let claimed = self.read(name).and_then(|(revision, it)| {
            if it.claimed_until > now.unix_ms() {
                return Ok(false);
            }
            self.write(name, &Document { claimed_until: until.unix_ms(), ..it }, revision).map(|()| true)
        });
        match claimed {
            Ok(is_ours) => is_ours,
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => false,
            Err(_away) => self.alone.claim(name, now, until),
        }
    }

    fn store(&self, name: &str, kept: &Kept) {
        self.alone.store(name, kept);
        let document = Document { value: Some(kept.value.clone()), until: kept.until.unix_ms(), claimed_until: 0 };
        self.change(name, |_before| document.clone());
    }

    fn release(&self, name: &str) {
        self.alone.release(name);
        self.change(name, |before| Document { claimed_until: 0, ..before });
    }
}
