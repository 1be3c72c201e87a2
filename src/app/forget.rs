//! Forgetting a visitor: everything held about them, wherever it lies; not the counts, which name nobody.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use thiserror::Error;

use super::deliver::erased::align;
use super::wecom::persons::part;
use super::wecom::{Parted, part_person};
use super::{App, Signer, VisitorToken};
use crate::id::{ScanId, VisitorId};
use crate::outbox::{Forgot, Kept, OutboxError};
use crate::storage::{Removed, Storage, StorageError, TagFilter};
use crate::time::Timestamp;

/// What was removed about a visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// From storage.
    pub stored: Removed,
    /// From the outbox.
    pub outbox: Forgot,
    /// `external_userid` of the `WeCom` customers who stay as a silent card until their tags are taken back.
    pub customers: BTreeSet<String>,
}

impl Erased {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let (a, b) = (self.stored, other.stored);
        let stored = Removed {
            tags: a.tags + b.tags,
            steps: a.steps + b.steps,
            consents: a.consents + b.consents,
            seats: a.seats + b.seats,
            book: a.book + b.book,
        };
        let outbox = Forgot {
            waiting: self.outbox.waiting + other.outbox.waiting,
            dead: self.outbox.dead + other.outbox.dead,
            kept: self.outbox.kept + other.outbox.kept,
        };
        self.customers.extend(other.customers);
        Self { stored, outbox, customers: self.customers }
    }
}

impl From<Parted> for Erased {
    fn from(parted: Parted) -> Self {
        let stored = Removed { book: parted.book, ..Removed::default() };
        Self { stored, outbox: Forgot::default(), customers: parted.customers }
    }
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
/// storage leaves, so that it outlives storage. A customer that the visitor is known to be stays as a card that only says so, for
/// their tags to be taken back. Blocks on the disk.
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
    let outbox = outbox(scans)?;
    let parted = part(storage, visitor, now)?;
    let stored = storage.forget(visitor, now)?;
    let erased = Erased { stored, outbox, ..Erased::default() }.and(parted.into());
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

    /// Writes a token for the cookie of a visitor.
    #[must_use]
    pub fn visitor_token(&self, token: &VisitorToken) -> String {
        self.parts.signer.visitor(token)
    }

    /// Lets go of somebody known by `external_userid` or `unionid`; none if nobody is known by that. The visitors are to be forgotten
    /// by themselves. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn part_person(&self, text: &str) -> Result<Option<Parted>, StorageError> {
        part_person(&*self.parts.storage, text, self.now())
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
