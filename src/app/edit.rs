//! One change of the catalog by somebody of the operations team: checked as a whole, published, live at once, and in the audit trail.

use std::thread;
use std::time::Duration;

use thiserror::Error;

use super::App;
use super::publish::{ImportError, gone, json, stored};
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Change, Edits, Problem};
use crate::group::{Contact, GroupChat};
use crate::staff::Actor;
use crate::storage::{self, AuditRecord, EntryKind, PublishInfo, StorageError, Trouble};
use crate::store::Store;

/// How often a change is tried on what others published meanwhile.
const TRIES_MAX: u32 = 12;
/// The longest pause before the second try, by chance; before each further one it is longer by as much.
const PAUSE: Duration = Duration::from_millis(10);

/// What an entry is to be.
#[derive(Debug, Clone)]
pub enum NewEntry {
    /// This store, in place of the one with its id or beside the others.
    Store(Box<Store>),
    /// This group chat.
    Group(Box<GroupChat>),
    /// This contact.
    Contact(Box<Contact>),
    /// This campaign.
    Campaign(Box<Campaign>),
    /// Gone.
    Gone(Change),
}

impl NewEntry {
    /// As storage takes it.
    pub(super) fn stored(&self) -> storage::Change {
        match self {
            Self::Store(it) => stored(EntryKind::Store, &it.id, Some(json(&**it))),
            Self::Group(it) => stored(EntryKind::Group, &it.id, Some(json(&**it))),
            Self::Contact(it) => stored(EntryKind::Contact, &it.id, Some(json(&**it))),
            Self::Campaign(it) => stored(EntryKind::Campaign, &it.slug, Some(json(&**it))),
            Self::Gone(change) => gone(change),
        }
    }

    /// Which entry it is.
    #[must_use]
    pub fn change(&self) -> Change {
        match self {
            Self::Store(it) => Change::Store(it.id.clone()),
            Self::Group(it) => Change::Group(it.id.clone()),
            Self::Contact(it) => Change::Contact(it.id.clone()),
            Self::Campaign(it) => Change::Campaign(it.slug.clone()),
            Self::Gone(change) => change.clone(),
        }
    }
}

/// Why nothing was changed.
#[derive(Debug, Error)]
pub enum EditError {
    /// The entry is not the one that the change was made for.
    #[error("it has been changed meanwhile")]
    Stale,
    /// There is no such entry.
    #[error("there is no {0}")]
    Missing(String),
    /// There is such an entry already.
    #[error("there is a {0} already")]
    Exists(String),
    /// Other things belong to it.
    #[error("{0}")]
    InUse(String),
    /// What is wrong with the change, by field.
    #[error("the change cannot be used")]
    Invalid(Vec<Problem>),
    /// Others publish faster than this could be tried again.
    #[error("others are publishing; try again")]
    Busy,
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(ImportError),
    /// Storage does not answer.
    #[error("the catalog cannot be read or written")]
    Storage(#[from] StorageError),
}

impl From<ImportError> for EditError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Storage(error) => Self::Storage(error),
            error @ (ImportError::Entry { .. } | ImportError::Invalid(_)) => Self::Catalog(error),
        }
    }
}

/// What was done, for the history and the audit trail.
#[derive(Debug, Clone)]
pub struct Deed {
    /// As a word: `store.update`.
    pub action: &'static str,
    /// To what: an id.
    pub target: String,
    /// What it was, JSON.
    pub before: Option<String>,
    /// What it is now, JSON.
    pub after: Option<String>,
}

/// Makes the new entries out of the catalog that is current, and says what is done.
pub type Making<'a> = &'a mut dyn FnMut(&Catalog) -> Result<(Vec<NewEntry>, Deed), EditError>;

impl App {
    /// Publishes what `edit` makes of the catalog that is current, and makes it live. `edit` is asked again if somebody else
    /// published meanwhile, so it decides each time whether the change still fits. Nothing to change publishes nothing.
    ///
    /// Returns the version that is live then. Blocks.
    ///
    /// # Errors
    /// What `edit` says, or [`EditError`] if the catalog would not be valid or storage does not answer.
    pub fn edit(&self, actor: &Actor, note: &str, edit: Making<'_>) -> Result<u64, EditError> {
        for tries in 0..TRIES_MAX {
            thread::sleep(PAUSE.mul_f64(f64::from(tries) * fastrand::f64()));
            self.catch_up()?;
            let before = self.catalog();
            let (new, deed) = edit(&before)?;
            if new.is_empty() {
                return Ok(before.version());
            }
            let mut changes = new.iter().map(NewEntry::stored).collect::<Vec<_>>().into_iter();
            let catalog = before.with(before.version() + 1, edits(new)).map_err(EditError::Invalid)?;
            let info = PublishInfo { at: self.now(), author: actor.name.clone(), note: note.to_owned() };
            let published = self.parts.storage.publish(before.version(), &info, &mut changes);
            let version = match published {
                Ok(version) => version,
                Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            self.parts.live_now(catalog);
            self.record(actor, deed, Some(version))?;
            return Ok(version);
        }
        Err(EditError::Busy)
    }

    /// Adds to the audit trail. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn record(&self, actor: &Actor, deed: Deed, version: Option<u64>) -> Result<(), StorageError> {
        self.parts.storage.append_audit(&AuditRecord {
            at: self.now(),
            actor: actor.name.clone(),
            address: actor.address.clone().unwrap_or_default(),
            action: deed.action.to_owned(),
            target: deed.target,
            before: deed.before,
            after: deed.after,
            version,
        })
    }

    /// Takes over what another process published.
    pub(super) fn catch_up(&self) -> Result<(), ImportError> {
        self.parts.follower.catch_up().map(drop)
    }
}

impl super::Parts {
    /// Makes a catalog live that was published here, and shows it in the metrics. Somebody else may have published on top of it,
    /// and this instance may know already.
    pub(super) fn live_now(&self, catalog: Catalog) {
        self.catalog.store_if(catalog, |current, new| current.version() < new.version());
        self.follower.note();
    }
}

/// The changes of a few entries, for the catalog.
fn edits(new: Vec<NewEntry>) -> Edits {
    let mut edits = Edits::default();
    for it in new {
        match it {
            NewEntry::Store(it) => edits.stores.push(*it),
            NewEntry::Group(it) => edits.groups.push(*it),
            NewEntry::Contact(it) => edits.contacts.push(*it),
            NewEntry::Campaign(it) => edits.campaigns.push(*it),
            NewEntry::Gone(change) => edits.gone.push(change),
        }
    }
    edits
}
