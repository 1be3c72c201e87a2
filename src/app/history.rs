//! The versions of the catalog: who published what, what is different between two, and an older one made current again.

use super::App;
use super::edit::{Deed, EditError};
use super::load::load_catalog_as;
use crate::catalog::Catalog;
use crate::staff::Actor;
use crate::storage::{Change, EntryKind, PublishInfo, StorageError, Trouble, VersionInfo};

/// An entry that is different in two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDifference {
    /// Its kind.
    pub kind: EntryKind,
    /// Its id.
    pub id: String,
    /// JSON; none where it was not there.
    pub before: Option<String>,
    /// JSON; none where it is gone.
    pub after: Option<String>,
}

impl App {
    /// Versions, latest first: `limit` of them after the first `skip`. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn versions(&self, skip: u64, limit: usize) -> Result<Vec<VersionInfo>, StorageError> {
        let storage = &self.parts.storage;
        // Versions are numbered without a gap, except where a catalog was put back.
        let below = storage.current_version()?.saturating_add(1).saturating_sub(skip);
        storage.versions(Some(below), limit)
    }

    /// The version with a number; none if it was never published. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn version(&self, version: u64) -> Result<Option<VersionInfo>, StorageError> {
        let found = self.parts.storage.versions(Some(version.saturating_add(1)), 1)?;
        Ok(found.into_iter().find(|it| it.version == version))
    }

    /// What is different between two versions: how many entries, and `limit` of them after the first `skip`. Blocks.
    ///
    /// # Errors
    /// [`Trouble::NoSuchVersion`] if one was never published.
    pub fn differences(
        &self,
        before: u64,
        after: u64,
        (skip, limit): (usize, usize),
    ) -> Result<(usize, Vec<EntryDifference>), StorageError> {
        let (mut total, mut page) = (0, Vec::new());
        self.parts.storage.diff(before, after, &mut |kind, id, was, is| {
            if total >= skip && page.len() < limit {
                let owned = |it: Option<&str>| it.map(ToOwned::to_owned);
                page.push(EntryDifference { kind, id: id.to_owned(), before: owned(was), after: owned(is) });
            }
            total += 1;
        })?;
        Ok((total, page))
    }

    /// Publishes an older version again, as the next one, and makes it live: all that is different goes back, regions included.
    /// With an expected version only if that is current. Returns the version that is live then. Blocks.
    ///
    /// # Errors
    /// [`EditError::Stale`] if another version is current than was expected; [`EditError::Missing`] if the older one was never
    /// published; or the reason why it is no catalog.
    pub fn roll_back(&self, actor: &Actor, version: u64, note: &str, expected: Option<u64>) -> Result<u64, EditError> {
        self.catch_up()?;
        let held = self.catalog();
        let current = held.version();
        if expected.is_some_and(|it| it != current) {
            return Err(EditError::Stale);
        }
        if version == 0 || version > current {
            return Err(EditError::Missing(format!("version {version}")));
        }
        let storage = &*self.parts.storage;
        let mut changes = Vec::new();
        storage.diff(current, version, &mut |kind, id, _, after| {
            changes.push(Change { kind, id: id.to_owned(), body: after.map(ToOwned::to_owned) });
        })?;
        if changes.is_empty() {
            return Ok(current);
        }
        // Checked as a whole before anything is written.
        let catalog: Catalog = load_catalog_as(storage, version, current + 1)?;
        let note = if note.is_empty() { format!("version {version} again") } else { note.to_owned() };
        let info = PublishInfo { at: self.now(), author: actor.name.clone(), note };
        let published = match storage.publish(current, &info, &mut changes.into_iter()) {
            Ok(published) => published,
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => return Err(EditError::Stale),
            Err(error) => return Err(error.into()),
        };
        self.parts.live_now(catalog);
        let deed = Deed {
            action: "catalog.rollback",
            target: version.to_string(),
            before: Some(format!("{{\"version\":{current}}}")),
            after: Some(format!("{{\"version\":{published},\"as\":{version}}}")),
        };
        self.record(actor, deed, Some(published))?;
        Ok(published)
    }
}
