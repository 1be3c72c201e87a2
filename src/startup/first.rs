//! What a service starts from: a catalog and the secret of the installation, from storage, or from disk while storage that instances
//! share is out of reach.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::open::{make_secret, signer};
use crate::app::{Follower, ImportError, LastGood, Signer, load_last_good};
use crate::catalog::Catalog;
use crate::config::{Config, StorageAt};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::storage::{Storage, Trouble};
use crate::time::Clock;

/// How long the first start of an instance waits for storage; a later one has a catalog on disk and does not wait.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The pause before storage is asked again.
const AGAIN: Duration = Duration::from_millis(300);

/// What a service starts from.
pub(super) struct First {
    pub(super) live: Arc<Live<Catalog>>,
    /// Keeps it in step with storage.
    pub(super) follower: Follower,
    pub(super) signer: Signer,
    /// The secret of the installation, where delivered records are kept.
    pub(super) secret: Option<[u8; 32]>,
}

pub(super) fn first(
    config: &Config,
    storage: &Arc<dyn Storage>,
    metrics: &Arc<Metrics>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<First> {
    let Found { catalog, refused, last_good, signer } = find(config, &**storage)?;
    let secret = last_good.as_ref().map(LastGood::secret);
    let secret = secret.map_or_else(|| keeper_secret(config, &**storage), |it| Ok(Some(it)))?;
    let live = Arc::new(Live::new(catalog));
    let is_on_disk = last_good.as_ref().is_some_and(|it| it.held().is_some());
    let follower = Follower::new(Arc::clone(storage), Arc::clone(&live), Arc::clone(metrics), clock, last_good);
    let version = live.load().value().version();
    if let Some(error) = refused {
        follower.refuse(storage.current_version()?);
        let error = format!("{:#}", anyhow::Error::new(error));
        tracing::error!(error, live = version, "the published catalog is refused; an older one is live");
    }
    if is_on_disk && let Err(error) = follower.catch_up() {
        let error = format!("{:#}", anyhow::Error::new(error));
        tracing::error!(error, live = version, "starting with the catalog on disk");
    }
    Ok(First { live, follower, signer, secret })
}

/// The secret of the installation, if delivered records are kept beside a storage of its own.
fn keeper_secret(config: &Config, storage: &dyn Storage) -> anyhow::Result<Option<[u8; 32]>> {
    if config.outbox.keep_hours == 0 {
        return Ok(None);
    }
    storage.secret(&make_secret).map(Some).context("the secret in storage cannot be read")
}

/// What was found to start from.
struct Found {
    catalog: Catalog,
    /// Why the catalog that is current in storage is not the one above.
    refused: Option<ImportError>,
    /// The catalog on disk, where instances share the storage.
    last_good: Option<LastGood>,
    signer: Signer,
}

fn find(config: &Config, storage: &dyn Storage) -> anyhow::Result<Found> {
    let StorageAt::Redis(at) = &config.storage else {
        let (catalog, refused) = load_last_good(storage).context("the catalog cannot be read")?;
        return Ok(Found { catalog, refused, last_good: None, signer: signer(config, storage)? });
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
    Ok(Found { catalog, refused, last_good: Some(last_good), signer })
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
