//! What a service starts from: a catalog and the secret of the installation, from storage, or from disk while storage that instances
//! share is out of reach.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::open::{make_secret, signer};
use crate::app::{ImportError, LastGood, Signer, load_last_good};
use crate::catalog::Catalog;
use crate::config::{Config, StorageAt};
use crate::storage::{Storage, Trouble};

/// How long the first start of an instance waits for storage; a later one has a catalog on disk and does not wait.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The pause before storage is asked again.
const AGAIN: Duration = Duration::from_millis(300);

/// What a service starts from.
pub(super) struct First {
    pub(super) catalog: Catalog,
    /// Why the catalog that is current in storage is not the one above.
    pub(super) refused: Option<ImportError>,
    /// The catalog on disk, where instances share the storage.
    pub(super) last_good: Option<LastGood>,
    pub(super) signer: Signer,
}

pub(super) fn first(config: &Config, storage: &dyn Storage) -> anyhow::Result<First> {
    let StorageAt::Redis(at) = &config.storage else {
        let (catalog, refused) = load_last_good(storage).context("the catalog cannot be read")?;
        return Ok(First { catalog, refused, last_good: None, signer: signer(config, storage)? });
    };
    let path = config.data_dir.join("catalog.sqlite");
    let (last_good, on_disk) =
        LastGood::open(&path).with_context(|| format!("the catalog on disk {} cannot be used", path.display()))?;
    let nothing = || format!("the storage {at} does not answer, and there is no catalog on disk to start from");
    let secret = waiting(|| Ok(last_good.agree(storage, &make_secret)?)).with_context(nothing)?;
    let (catalog, refused) = match on_disk {
        Some(catalog) => (catalog, None),
        None => waiting(|| load_last_good(storage)).with_context(nothing)?,
    };
    let signer = config.secret.as_ref().map_or_else(|| Signer::new(&secret), |it| Signer::new(it.reveal().as_bytes()));
    Ok(First { catalog, refused, last_good: Some(last_good), signer })
}

/// Asks until storage answers, for a bounded time.
fn waiting<T>(mut ask: impl FnMut() -> Result<T, ImportError>) -> Result<T, ImportError> {
    let end = Instant::now() + FIRST_WAIT;
    loop {
        match ask() {
            Err(ImportError::Storage(error)) if error.kind() == Trouble::Unavailable && Instant::now() < end => {
                thread::sleep(AGAIN);
            }
            answer => return answer,
        }
    }
}
