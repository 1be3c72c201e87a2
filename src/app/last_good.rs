//! The catalog that was followed last and the secret of the installation, on disk, so that an instance starts and serves while the
//! storage that all share is out of reach. What is damaged there is set aside and not used.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::load::Reading;
use super::publish::{ImportError, bodies};
use super::put_back::all;
use super::takeover::passed;
use crate::catalog::Catalog;
use crate::storage::embedded::Mirror;
use crate::storage::{Change, PublishInfo, Storage, StorageError, Trouble, VersionInfo};
use crate::time::Timestamp;

/// A version that could not be written is written again after so long.
const FAILED_WAIT: Duration = Duration::from_secs(30);

/// The last good catalog on disk.
#[derive(Debug)]
pub struct LastGood {
    mirror: Mirror,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<VersionInfo>,
    secret: [u8; 32],
    failed: Option<Instant>,
}

impl LastGood {
    /// Opens the file and reads the catalog in it, if there is one that is good.
    ///
    /// # Errors
    /// [`Trouble::Unavailable`] if the file cannot be read or written.
    pub fn open(path: &Path) -> Result<(Self, Option<Catalog>), StorageError> {
        let opened = Mirror::open(path).map_err(ImportError::from).and_then(|it| {
            let found = read(&it)?;
            let secret = it.secret()?;
            Ok((it, found, secret))
        });
        let (mirror, found, secret) = match opened {
            Ok(opened) => opened,
            Err(ImportError::Storage(error)) if error.kind() == Trouble::Unavailable => return Err(error),
            Err(error) => {
                let aside = Mirror::set_aside(path).map_err(|it| StorageError::caused(Trouble::Unavailable, it))?;
                let (error, aside) = (super::whole_chain(&error), aside.display());
                tracing::error!(error, %aside, "the catalog on disk is damaged; it is set aside and not used");
                (Mirror::open(path)?, None, None)
            }
        };
        let (catalog, held) = found.map_or((None, None), |(catalog, info)| (Some(catalog), Some(info)));
        let state = State { held, secret: secret.unwrap_or_default(), failed: None };
        Ok((Self { mirror, state: Mutex::new(state) }, catalog))
    }

    /// The secret of the installation, from storage or, where that does not answer, from disk.
    ///
    /// A storage with another secret is another installation; whoever holds a catalog keeps the secret that belongs to it.
    ///
    /// # Errors
    /// Storage's, if there is none on disk.
    pub fn agree(&self, storage: &dyn Storage, make: &dyn Fn() -> [u8; 32]) -> Result<[u8; 32], StorageError> {
        let ours = self.mirror.secret()?.filter(|_| self.held().is_some());
        let found = match (storage.secret(&|| ours.unwrap_or_else(make)), ours) {
            (Ok(found), None) => found,
            (Ok(_), Some(ours)) => ours,
            (Err(error), Some(ours)) if error.kind() == Trouble::Unavailable => ours,
            (Err(error), _) => return Err(error),
        };
        if ours.is_none() {
            self.mirror.keep_secret(&found)?;
        }
        self.state().secret = found;
        Ok(found)
    }

    /// The secret of the installation.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        self.state().secret
    }

    /// Which version is on disk.
    #[must_use]
    pub fn held(&self) -> Option<VersionInfo> {
        self.state().held.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a catalog down: what is different if that is known or can be asked for, else everything.
    pub(super) fn keep(
        &self,
        storage: &dyn Storage,
        live: &Catalog,
        info: Option<VersionInfo>,
        step: Option<(u64, Vec<Change>)>,
    ) {
        if self.state().failed.is_some_and(|it| it.elapsed() < FAILED_WAIT) {
            return;
        }
        let written = self.write(storage, live, info, step);
        let state = &mut *self.state();
        match written {
            Ok(info) => (state.held, state.failed) = (Some(info), None),
            Err(error) => {
                if state.failed.replace(Instant::now()).is_none() {
                    let error = super::whole_chain(&error);
                    tracing::error!(
                        error,
                        "the catalog on disk cannot be brought up to date; a start without storage would use an older one"
                    );
                }
            }
        }
    }

    fn write(
        &self,
        storage: &dyn Storage,
        live: &Catalog,
        info: Option<VersionInfo>,
        step: Option<(u64, Vec<Change>)>,
    ) -> Result<VersionInfo, StorageError> {
        let (held, after) = (self.held(), live.version());
        let before = held.as_ref().map_or(0, |it| it.version);
        if let (Some(info), Some((_, changes))) = (&info, step.filter(|(from, _)| *from == before && before > 0)) {
            self.mirror.change(before, info, &mut changes.into_iter())?;
            return Ok(info.clone());
        }
        let between = passed(storage, before, after)?;
        let info = info.or(between.after.clone()).unwrap_or_else(|| unknown(after));
        if before > 0 && between.is_short() && between.before == held {
            let mut changes = Vec::new();
            storage.diff(before, after, &mut |kind, id, _, is| {
                changes.push(Change { kind, id: id.to_owned(), body: is.map(ToOwned::to_owned) });
            })?;
            self.mirror.change(before, &info, &mut changes.into_iter())?;
        } else {
            self.mirror.replace(&info, &mut bodies(live, &all(live)))?;
        }
        Ok(info)
    }
}

/// The catalog in the file.
fn read(mirror: &Mirror) -> Result<Option<(Catalog, VersionInfo)>, ImportError> {
    let mut reading = Reading::default();
    let info = mirror.read(&mut |kind, id, body| reading.add(kind, id, body))?;
    info.map(|info| Ok((reading.catalog(info.version)?, info))).transpose()
}

/// What is said of a version of which storage says nothing.
fn unknown(version: u64) -> VersionInfo {
    let info = PublishInfo { at: Timestamp::EPOCH, author: String::new(), note: String::new() };
    VersionInfo { version, info, changes: 0 }
}
