//! Forgetting a visitor: everything held about them, wherever it lies; not the counts, which name nobody.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use thiserror::Error;

use super::deliver::erased::align;
use super::{App, Signer};
use crate::id::{ScanId, VisitorId};
use crate::outbox::{Forgot, Kept, OutboxError};
use crate::storage::{Removed, Storage, StorageError, TagFilter};
use crate::time::Timestamp;

/// What was removed about a visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// From storage.
    pub stored: Removed,
    /// From the outbox.
    pub outbox: Forgot,
}

/// Why a visitor could not be forgotten. Nothing is lost by trying again.
#[derive(Debug, Error)]
pub enum ForgetError {
    /// Storage does not answer.
    #[error("storage does not answer")]
    Storage(#[from] StorageError),
    /// The outbox cannot be written.
    #[error("the outbox cannot be written")]
    Outbox(#[from] OutboxError),
}

/// Removes everything held about a visitor. `outbox` forgets what it holds of a visitor and of these visits; `kept` gets the mark that
/// storage leaves, so that it outlives storage. Blocks on the disk.
///
/// The outbox comes first: what is delivered meanwhile finds the mark, and is let go.
///
/// # Errors
/// [`ForgetError`]; then it may be half done, and doing it again finishes it.
pub fn forget(
    storage: &dyn Storage,
    outbox: impl FnOnce(BTreeSet<ScanId>) -> Result<Forgot, OutboxError>,
    kept: Option<&Kept>,
    visitor: VisitorId,
    now: Timestamp,
) -> Result<Erased, ForgetError> {
    // A storage that has lost its key would make this mark with another one.
    kept.map_or(Ok(()), |it| align(storage, it, now))?;
    let mut scans = BTreeSet::new();
    let theirs = TagFilter { visitor: Some(visitor), ..TagFilter::default() };
    storage.each_tag(&theirs, &mut |record| {
        scans.insert(record.scan);
        ControlFlow::Continue(())
    })?;
    let erased = Erased { outbox: outbox(scans)?, stored: storage.forget(visitor, now)? };
    kept.map_or(Ok(()), |it| align(storage, it, now))?;
    Ok(erased)
}

/// The visitor of a token or of a plain id, as operators have them.
#[must_use]
pub fn find_visitor(text: &str, signer: &Signer) -> Option<VisitorId> {
    signer.read_visitor(text).map(|it| it.visitor).or_else(|| VisitorId::parse(text).ok())
}

impl App {
    /// Whose a token is; none if it was not signed here.
    #[must_use]
    pub fn visitor_of(&self, token: &str) -> Option<VisitorId> {
        self.parts.signer.read_visitor(token).map(|it| it.visitor)
    }

    /// The word that a form of a visitor's own page bears.
    #[must_use]
    pub fn form_word(&self, visitor: VisitorId) -> String {
        self.parts.signer.form(visitor)
    }

    /// Whether that is the word of a form of this visitor's page.
    #[must_use]
    pub fn is_form_word(&self, visitor: VisitorId, word: &str) -> bool {
        self.parts.signer.is_form(visitor, word)
    }

    /// Removes everything held about a visitor. Blocks on the disk.
    ///
    /// # Errors
    /// As [`forget`].
    pub fn forget(&self, visitor: VisitorId) -> Result<Erased, ForgetError> {
        let outbox = |scans| self.parts.outbox.forget(visitor, scans);
        self.parts.seats.known().forget(visitor);
        let kept = self.parts.outbox.kept().map(|it| &**it);
        let erased = forget(&*self.parts.storage, outbox, kept, visitor, self.now())?;
        self.metrics().forgotten.inc();
        Ok(erased)
    }
}
