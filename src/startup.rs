//! The one place that assembles: settings in, a bound and running service out.

mod first;
mod follow;
mod greeter;
mod open;
mod outside;
mod platforms;
mod reload;

pub use open::{open_ip_databases, open_outbox, open_storage, outbox_path, signer};
pub use platforms::{Platforms, open_platforms};
pub use reload::Reloader;

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::app::crm::{Hooks, after_delivery};
use crate::app::{Alerter, App, Chance, Deliverer, Follower, KnownSeats, Lookout, Parts, Retainer, Seater};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::http::tls::Certificates;
use crate::http::{self, Served};
use crate::ipdb::{IpLocator, ReloadOutcome};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::storage::Storage;
use crate::time::{Clock, SystemClock};
use first::First;
use outside::Outside;

/// How often IP databases and certificates are looked at.
const FILES_EVERY: Duration = Duration::from_secs(2);
/// How long records get to reach storage at a stop.
const DRAIN_WAIT: Duration = Duration::from_secs(5);

/// What a test may replace.
pub struct Replaceable {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance for ids.
    pub chance: Chance,
}

impl Default for Replaceable {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), chance: Arc::new(open::chance) }
    }
}

/// A service that is bound and waits to be run.
pub struct Application {
    address: SocketAddr,
    served: Served,
    workers: Workers,
    reloader: Arc<Reloader>,
}

/// What runs beside the server.
struct Workers {
    deliverer: Deliverer,
    follower: Follower,
    retainer: Retainer,
    alerter: Alerter,
    ip: Arc<IpLocator>,
    certificates: Option<Arc<Certificates>>,
    metrics: Arc<Metrics>,
    outbox: Arc<Outbox>,
    outside: Outside,
    reload: Arc<Notify>,
}

impl Application {
    /// Binds the address and assembles the service. Wants a tokio runtime.
    ///
    /// # Errors
    /// What hinders it: an address in use, storage that cannot be opened, a catalog that is not valid, a database that is broken.
    pub async fn build(config: Config, replaced: Replaceable) -> anyhow::Result<Self> {
        let tls = config.tls.clone().map(|(certificate, key)| Certificates::open(certificate, key)).transpose()?;
        let listener = http::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr().context("the bound address is not known")?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let web = http::Settings {
            public_url: config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}")),
            swapped: Arc::new(Live::new(reload::swapped(&config))),
            allowed_origins: config.allowed_origins.clone(),
            privacy: config.privacy.clone(),
            retention: config.retention,
            sharing: sharing(&config),
            join_link_hosts: config.join_link_hosts.clone(),
            groups: config.groups,
            sign_in: config.sign_in,
            wechat_script: config.wechat_script.clone().filter(|_| config.wechat.is_some()),
            workers: config.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            shutdown_s: config.shutdown_s,
        };
        let public_url = web.public_url.clone();
        let (started, swapped) = (config.clone(), Arc::clone(&web.swapped));
        let (app, workers) = tokio::task::spawn_blocking(move || assemble(&config, replaced, &public_url))
            .await
            .context("assembling was broken off")??;
        let server_config = tls.as_ref().map(Certificates::server_config).transpose()?;
        let served = http::serve(listener, app, web, server_config).context("the server cannot be set up")?;
        let workers = Workers { certificates: tls, ..workers };
        let reloader = Reloader::new(started, swapped, Arc::clone(&workers.reload));
        Ok(Self { address, served, workers, reloader: Arc::new(reloader) })
    }

    /// The address it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The scheme it speaks.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.workers.certificates.is_some() { "https" } else { "http" }
    }

    /// Tells the service to read IP databases and certificates again, while it runs.
    #[must_use]
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.workers.reload)
    }

    /// Takes settings over, while it runs.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `shutdown` is ready, finishes what is under way, hands records over and returns.
    ///
    /// # Errors
    /// A worker that ended by itself, or a server that failed: a half-dead service is worse than a restart.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { served: Served { server, handle }, mut workers, .. } = self;
        let mut outside = tokio::spawn(std::mem::take(&mut workers.outside).run());
        let deliver = tokio::spawn({
            let deliverer = workers.deliverer.clone();
            async move { deliverer.run().await }
        });
        let follow = tokio::spawn(follow::follow(workers.follower.clone()));
        let watch = tokio::spawn(watch(
            Arc::clone(&workers.ip),
            workers.certificates.clone(),
            Arc::clone(&workers.metrics),
            Arc::clone(&workers.reload),
        ));
        let retain = tokio::spawn({
            let retainer = workers.retainer.clone();
            async move { retainer.run().await }
        });
        let alert = tokio::spawn({
            let alerter = workers.alerter.clone();
            async move { alerter.run().await }
        });
        let mut server = tokio::spawn(server);
        let mut tasks = [deliver, follow, watch, retain, alert];
        let ended = {
            let [deliver, follow, watch, retain, alert] = &mut tasks;
            tokio::select! {
                () = shutdown => Ok(()),
                it = &mut server => Err(anyhow::anyhow!("the server ended by itself: {it:?}")),
                it = deliver => Err(anyhow::anyhow!("the deliverer ended by itself: {it:?}")),
                it = follow => Err(anyhow::anyhow!("the follower ended by itself: {it:?}")),
                it = retain => Err(anyhow::anyhow!("the purge ended by itself: {it:?}")),
                it = alert => Err(anyhow::anyhow!("the alerter ended by itself: {it:?}")),
                it = &mut outside => Err(anyhow::anyhow!("what works outside ended by itself: {it:?}")),
                it = watch => Err(anyhow::anyhow!("the watcher of files ended by itself: {it:?}")),
            }
        };
        handle.stop(ended.is_ok()).await;
        if !server.is_finished() {
            // The server has been told to stop; what it returns says nothing more.
            let _ = server.await;
        }
        tasks.iter().for_each(JoinHandle::abort);
        outside.abort();
        match tokio::time::timeout(DRAIN_WAIT, workers.deliverer.drain()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "records wait in the outbox for the next start");
            }
            Err(_elapsed) => tracing::warn!("records wait in the outbox for the next start"),
        }
        let outbox = Arc::clone(&workers.outbox);
        let _ = tokio::task::spawn_blocking(move || outbox.close()).await;
        ended
    }
}

/// Who else is told something of visitors with these settings.
fn sharing(config: &Config) -> http::Sharing {
    let wecom = config.wecom.as_ref();
    let (with_wechat, with_wecom) = (config.sign_in.wechat.is_some(), config.sign_in.wecom);
    http::Sharing {
        has_joins: wecom.is_some_and(|it| it.callback.is_some()),
        has_sign_in: with_wechat && config.wechat.is_some() || with_wecom && wecom.is_some(),
        tells_regions: wecom.is_some_and(|it| it.secret.is_some()),
        has_crm: !config.crm.webhooks.is_empty() || config.lookup.is_some(),
    }
}

fn assemble(config: &Config, replaced: Replaceable, public_url: &str) -> anyhow::Result<(Arc<App>, Workers)> {
    let metrics = Arc::new(Metrics::new());
    let outbox = open_outbox(config, Some(&metrics))?;
    let storage = open_storage(config)?;
    open::require_whole(&*storage)?;
    let clock = Arc::clone(&replaced.clock);
    let first = first::first(config, &storage, &metrics, clock)?;
    let ip = Arc::new(open_ip_databases(config)?);
    let platforms = open_platforms(config, Some(&storage), &replaced.clock, Some(&metrics));
    let told = (&replaced.clock, &metrics, public_url);
    let callbacks = outside::callbacks(config, greeter::greeter(config, &first, &storage, &platforms, told)?)?;
    let First { live, follower, signer, secret } = first;
    let known = Arc::new(KnownSeats::new(config.seats, Arc::clone(&replaced.clock), Arc::clone(&metrics)));
    let mut outside = Outside::after(after_delivery(&config.crm, &storage));
    let time = (Arc::clone(&replaced.clock), &replaced.chance);
    let hooks = Hooks::new(Arc::clone(&storage), time, Arc::clone(&metrics), config.crm.clone());
    outside.tell(&hooks).tag(config, &platforms, &storage, &replaced.clock);
    let stores = (Arc::clone(&outbox), Arc::clone(&storage));
    let after = outside.after.clone();
    let deliverer = Deliverer::new(stores, Arc::clone(&known), after, (Arc::clone(&metrics), secret))
        .context("the system gives no thread")?;
    let seats = Seater::new((Arc::clone(&storage), Arc::clone(&outbox)), Arc::clone(&live), known)
        .context("the system gives no thread")?;
    let retainer = Retainer::new(
        (Arc::clone(&storage), Arc::clone(&outbox)),
        Arc::clone(&metrics),
        (Arc::clone(&replaced.clock), config.time_zone.clone()),
        config.retention,
    );
    let stores = (Arc::clone(&storage), Arc::clone(&outbox));
    let lookout = lookout(config, &live, stores, &metrics, &replaced.clock);
    let secret = config.alert_secret.as_ref().map(|it| it.reveal().to_owned());
    let alerter = Alerter::new(Arc::clone(&lookout), config.webhooks.clone(), secret, public_url);
    let app = Arc::new(App::new(Parts {
        catalog: live,
        follower: follower.clone(),
        ip: Arc::clone(&ip),
        outbox: Arc::clone(&outbox),
        hooks,
        seats,
        seat_rules: config.seats,
        lookout,
        storage,
        policy: config.routing.clone(),
        zone: config.time_zone.clone(),
        signer,
        notice: http::notice_version(&config.privacy, &config.retention, sharing(config)),
        clock: replaced.clock,
        chance: replaced.chance,
        metrics: Arc::clone(&metrics),
        wecom: platforms.wecom,
        wechat: platforms.wechat,
        callbacks,
    }));
    outside.work_in_events(config, &app);
    let workers = Workers {
        deliverer,
        follower,
        retainer,
        alerter,
        ip,
        certificates: None,
        metrics,
        outbox,
        outside,
        reload: Arc::new(Notify::new()),
    };
    Ok((app, workers))
}

/// Who looks for what needs a person.
fn lookout(
    config: &Config,
    live: &Arc<Live<Catalog>>,
    stores: (Arc<dyn Storage>, Arc<Outbox>),
    metrics: &Arc<Metrics>,
    clock: &Arc<dyn Clock>,
) -> Arc<Lookout> {
    let rules = (config.seats, config.alerts.clone());
    Arc::new(Lookout::new(Arc::clone(live), stores, Arc::clone(metrics), Arc::clone(clock), rules))
}

async fn watch(
    ip: Arc<IpLocator>,
    certificates: Option<Arc<Certificates>>,
    metrics: Arc<Metrics>,
    reload: Arc<Notify>,
) {
    let mut stamp = certificates.as_ref().map(|it| it.stamp());
    let mut refusing = BTreeSet::new();
    loop {
        let asked = tokio::time::timeout(FILES_EVERY, reload.notified()).await.is_ok();
        let looking = Arc::clone(&ip);
        let Ok(outcomes) = tokio::task::spawn_blocking(move || looking.reload_if_changed()).await else {
            return;
        };
        for outcome in outcomes {
            match outcome {
                ReloadOutcome::Loaded { path } => {
                    refusing.remove(&path);
                    tracing::info!(path = %path.display(), "an IP database was read again");
                }
                ReloadOutcome::Refused { error, keeps_old } => {
                    metrics.ip_database_refused.inc();
                    refusing.insert(error.path.clone());
                    tracing::error!(error = %error, keeps_old, "an IP database was refused");
                }
            }
        }
        metrics.alerting.ip_databases_refusing.set(i64::try_from(refusing.len()).unwrap_or(i64::MAX));
        if let Some(certificates) = &certificates {
            let now = Some(certificates.stamp());
            if asked || now != stamp {
                stamp = now;
                match certificates.reload() {
                    Ok(()) => tracing::info!("the certificate was read again"),
                    Err(error) => {
                        tracing::error!(error = %error, "the certificate was refused; the one before stays in use");
                    }
                }
            }
        }
    }
}
