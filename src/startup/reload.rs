//! What happens to settings that are read again while the service runs: some are taken over, the others are named for the log. It
//! reads no file itself.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::config::{Config, ConfigError};
use crate::http::{Swapped, TokenDigest};
use crate::live::Live;
use crate::telemetry::LogLevel;

/// Settings that are taken over without a restart. The others have threads, connections or a bound address behind them.
const TAKEN_OVER: [&str; 6] =
    ["admin_token", "log", "map_tiles", "map_tiles_attribution", "map_tiles_datum", "trusted_proxies"];

/// Takes settings over, while the service runs.
#[derive(Debug)]
pub struct Reloader {
    /// What the service was started with, and what it was last told.
    started: Config,
    last: Mutex<Config>,
    swapped: Arc<Live<Swapped>>,
    files: Arc<Notify>,
}

/// What the web takes over of the settings.
pub(super) fn swapped(config: &Config) -> Swapped {
    Swapped {
        admin_token: config.admin_token.as_ref().map(|it| TokenDigest::of(it.reveal())),
        trusted_proxies: config.trusted_proxies.clone(),
        map_tiles: config.map_tiles.clone(),
    }
}

impl Reloader {
    pub(super) fn new(started: Config, swapped: Arc<Live<Swapped>>, files: Arc<Notify>) -> Self {
        Self { last: Mutex::new(started.clone()), started, swapped, files }
    }

    /// Takes over what may be taken over of settings that were read again; of settings that are wrong nothing. IP databases and
    /// certificates are read again in either case.
    pub fn reload(&self, read: Result<Config, ConfigError>, log: &LogLevel) {
        match read {
            Ok(config) => self.take_over(config, log),
            Err(error) => {
                tracing::error!(error = %error, "the settings were refused; those before stay in use");
            }
        }
        self.files.notify_one();
    }

    fn take_over(&self, config: Config, log: &LogLevel) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken_over = |name: &&str| TAKEN_OVER.contains(name);
        let changed: Vec<&str> = last.differing(&config).filter(is_taken_over).collect();
        // Against the start, so that a change that waits for a restart is told of every time.
        let waiting: Vec<&str> = self.started.differing(&config).filter(|it| !is_taken_over(it)).collect();
        log.set(config.log);
        self.swapped.store(swapped(&config));
        tracing::info!(changed = changed.join(", "), "the settings were read again");
        if !waiting.is_empty() {
            tracing::warn!(settings = waiting.join(", "), "these settings have changed and wait for a restart");
        }
        *last = config;
    }
}
