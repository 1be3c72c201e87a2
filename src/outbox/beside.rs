//! What is done to an outbox beside the process that has it open, and what both do in the same way.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Settings;
use super::error::OutboxError;
use super::file::{DeadItem, File};
use super::item::Whose;
use super::kept::{self, Bounds, Kept};
use crate::id::{ScanId, VisitorId};

const HOUR_MS: i64 = 3_600_000;

/// How many items of a visitor were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgot {
    /// Items that waited.
    pub waiting: u64,
    /// Items that had been set aside.
    pub dead: u64,
    /// Items that were delivered and kept.
    pub kept: u64,
}

/// As [`super::Outbox::forget`], beside the process that has the queue at `path` open.
///
/// # Errors
/// As [`super::Outbox::forget`].
pub fn forget_beside(path: &Path, visitor: VisitorId, scans: BTreeSet<ScanId>) -> Result<Forgot, OutboxError> {
    let mut whose = Whose { visitor, scans };
    let forgot = forget(&File::open(path)?, &mut whose)?;
    let kept = kept_beside(path)?.map(|it| it.forget(visitor, whose.scans)).transpose()?;
    Ok(Forgot { kept: kept.unwrap_or(0), ..forgot })
}

pub(super) fn forget(file: &File, whose: &mut Whose) -> Result<Forgot, OutboxError> {
    let (waiting, dead) = file.forget(whose)?;
    // Where somebody is busy with the file, what was delivered is written over with time.
    drop(file.scrub());
    Ok(Forgot { waiting, dead, kept: 0 })
}

/// What is kept of the outbox at `path`, beside the process that has it open; none if nothing is.
///
/// # Errors
/// As [`super::Outbox::forget`].
pub fn kept_beside(path: &Path) -> Result<Option<Kept>, OutboxError> {
    let path = kept::beside(path);
    // The one whose file it is keeps to its limits.
    let bounds = Bounds { keep_ms: i64::MAX, items_max: u64::MAX };
    if path.exists() { Kept::open(&path, bounds).map(Some) } else { Ok(None) }
}

pub(super) fn open_kept(path: &Path, settings: &Settings) -> Result<Option<Arc<Kept>>, OutboxError> {
    let path = kept::beside(path);
    if settings.keep_hours == 0 || settings.keep_items_max == 0 {
        kept::remove(&path);
        return Ok(None);
    }
    let bounds = Bounds { keep_ms: i64::from(settings.keep_hours) * HOUR_MS, items_max: settings.keep_items_max };
    Kept::open(&path, bounds).map(|it| Some(Arc::new(it)))
}

/// As [`super::Outbox::retry`], beside the process that has the queue at `path` open.
///
/// # Errors
/// As [`super::Outbox::forget`].
pub fn retry_beside(path: &Path, seq: Option<i64>) -> Result<u64, OutboxError> {
    File::open(path)?.retry(seq)
}

/// A look at the queue of another process.
#[derive(Debug)]
pub struct Look(File);

impl Look {
    /// Opens the queue at `path` for looking only.
    ///
    /// # Errors
    /// [`super::Trouble::Unavailable`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        File::look(path).map(Self)
    }

    /// The numbers of the oldest and the newest item that wait; none if nothing waits. Blocks on the disk.
    ///
    /// # Errors
    /// [`super::Trouble::Corrupt`] if the file is damaged, otherwise [`super::Trouble::Unavailable`].
    pub fn waiting(&self) -> Result<Option<(i64, i64)>, OutboxError> {
        self.0.span()
    }

    /// The items that were set aside, latest first, at most `limit`. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Look::waiting`].
    pub fn dead(&self, limit: usize) -> Result<Vec<DeadItem>, OutboxError> {
        self.0.dead(0, limit)
    }
}
