//! Opens what the settings name: storage, outbox, secret, IP databases; used by the service and by every command alike.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::app::Signer;
use crate::config::{Config, StorageAt};
use crate::ipdb::{self, IpLocator};
use crate::metrics::Metrics;
use crate::outbox::{Commit, Outbox};
use crate::storage::Storage;
use crate::storage::embedded::Embedded;
use crate::storage::redis::Redis;

/// Bytes that are taken from the operating system at a time: a call costs about as much for these as for sixteen.
const CHANCE_BYTES: usize = 512;

/// 128 bits from the operating system, each given out once.
pub(super) fn chance() -> u128 {
    thread_local! {
        static STOCK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    STOCK.with_borrow_mut(|stock| {
        if stock.len() < 16 {
            stock.resize(CHANCE_BYTES, 0);
            // The system's source fails only before it is seeded at boot; ids need to differ, and the signature keeps them safe.
            if getrandom::fill(stock).is_err() {
                fastrand::fill(stock);
            }
        }
        let rest = stock.len().saturating_sub(16);
        let mut bytes = [0_u8; 16];
        for (byte, taken) in bytes.iter_mut().zip(stock.drain(rest..)) {
            *byte = taken;
        }
        u128::from_ne_bytes(bytes)
    })
}

/// Opens the storage of the settings; makes the folder if it is missing. Redis need not be there yet.
///
/// # Errors
/// What hinders it, with the file or the address named.
pub fn open_storage(config: &Config) -> anyhow::Result<Arc<dyn Storage>> {
    make_folder(&config.data_dir)?;
    match &config.storage {
        StorageAt::Sqlite(path) => {
            if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
                make_folder(folder)?;
            }
            let storage =
                Embedded::open(path).with_context(|| format!("the storage {} cannot be used", path.display()))?;
            Ok(Arc::new(storage))
        }
        StorageAt::Redis(at) => {
            let storage = Redis::open(at).with_context(|| format!("the storage {at} cannot be used"))?;
            Ok(Arc::new(storage))
        }
    }
}

/// Refuses a storage that holds a copy which has not come to its end. One that cannot be asked is none: it was in use before.
///
/// # Errors
/// What to do about it.
pub(super) fn require_whole(storage: &dyn Storage) -> anyhow::Result<()> {
    match storage.copy_mark() {
        Ok(Some(_)) => {
            bail!("the storage holds an unfinished copy: run `jinqun storage copy` again until it ends well")
        }
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Where the outbox of the settings lies.
#[must_use]
pub fn outbox_path(config: &Config) -> PathBuf {
    config.data_dir.join("outbox.sqlite")
}

/// Opens the outbox of the settings.
///
/// # Errors
/// What hinders it; another process may have it open.
pub fn open_outbox(config: &Config, metrics: Option<&Arc<Metrics>>) -> anyhow::Result<Arc<Outbox>> {
    make_folder(&config.data_dir)?;
    let path = outbox_path(config);
    let on_commit = metrics.map(|it| {
        let metrics = Arc::clone(it);
        metrics.standing.outbox_items_max.set(i64::try_from(config.outbox.items_max).unwrap_or(i64::MAX));
        let observe: crate::outbox::OnCommit = Arc::new(move |commit: Commit<'_>| {
            metrics.commit_seconds.observe(commit.took.as_secs_f64());
            metrics.commit_items.observe(f64::from(u32::try_from(commit.waits.len()).unwrap_or(u32::MAX)));
            commit.waits.iter().for_each(|it| metrics.commit_wait_seconds.observe(it.as_secs_f64()));
        });
        observe
    });
    let outbox = Outbox::open(&path, &config.outbox, on_commit)
        .with_context(|| format!("the outbox {} cannot be used", path.display()))?;
    Ok(Arc::new(outbox))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    // Records and the secret lie there; a folder that exists keeps its rights.
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))
}

/// A secret for an installation that has none.
pub(super) fn make_secret() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    let (low, high) = bytes.split_at_mut(16);
    low.copy_from_slice(&chance().to_ne_bytes());
    high.copy_from_slice(&chance().to_ne_bytes());
    bytes
}

/// The signer of the settings' secret, or of the one that storage keeps.
///
/// # Errors
/// Storage's.
pub fn signer(config: &Config, storage: &dyn Storage) -> anyhow::Result<Signer> {
    if let Some(secret) = &config.secret {
        return Ok(Signer::new(secret.reveal().as_bytes()));
    }
    let secret = storage.secret(&make_secret).context("the secret in storage cannot be read")?;
    Ok(Signer::new(&secret))
}

/// The IP databases of the settings; one that cannot be used is an error, because the operator asked for it.
///
/// # Errors
/// Every database that cannot be used, with the reason.
pub fn open_ip_databases(config: &Config) -> anyhow::Result<IpLocator> {
    let settings =
        ipdb::Settings { paths: config.ip_databases.clone(), ip2region_fields: config.ip2region_fields.clone() };
    let (locator, errors) = IpLocator::open(settings);
    if !errors.is_empty() {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        bail!("IP databases cannot be used: {}", all.join("; "));
    }
    Ok(locator)
}
