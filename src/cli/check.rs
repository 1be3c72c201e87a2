//! `jinqun check`: everything that a start would do, without listening.

mod platforms;

use clap::Args;

use super::{Common, End, Printer};
use crate::app::load_catalog;
use crate::catalog::Catalog;
use crate::config::{Config, Flags, StorageAt};
use crate::http::tls::Certificates;
use crate::id::RegionCode;
use crate::ipdb::{self, IpLocator};
use crate::outbox::{OutboxError, Trouble};
use crate::region::{Level, Region};
use crate::startup;
use crate::storage::redis::{RedisAt, Weakness, survey};
use crate::storage::{self, StorageError};
use crate::store::StoreStatus;
use crate::time::{Clock as _, SystemClock, Timestamp};

/// Check settings, catalog, IP databases and storage, without listening
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun check --config /etc/jinqun.toml")]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
}

/// Something to be done, and what.
struct Finding {
    what: String,
    remedy: &'static str,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let mut findings = Vec::new();
        match self.common.load(Flags::new()) {
            Err(error) => findings.extend(error.0.into_iter().map(|what| Finding {
                what,
                remedy: "correct the setting; `jinqun config --example` shows every one",
            })),
            Ok(config) => check(&config, printer, &mut findings)?,
        }
        for it in &findings {
            printer.line(format!("FINDING  {}\n         what to do: {}", it.what, it.remedy))?;
        }
        if findings.is_empty() {
            printer.line("all is well")?;
            return Ok(End::Success);
        }
        printer.line(format!("{} findings", findings.len()))?;
        Ok(End::Problems)
    }
}

fn check(config: &Config, printer: &Printer, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let mut find = |what: String, remedy| findings.push(Finding { what, remedy });
    if let Some((certificate, key)) = config.tls.clone()
        && let Err(error) = Certificates::open(certificate, key)
    {
        find(chain(&error.into()), "give a PEM certificate chain and its private key");
    }
    for line in platforms::check(config, findings) {
        printer.line(line)?;
    }
    let mut find = |what: String, remedy| findings.push(Finding { what, remedy });
    let settings =
        ipdb::Settings { paths: config.ip_databases.clone(), ip2region_fields: config.ip2region_fields.clone() };
    for error in IpLocator::open(settings).1 {
        find(error.to_string(), "fetch the file again, or take it out of ip_databases");
    }
    check_outbox(config, &mut find);
    let storage = match startup::open_storage(config)
        .and_then(|it| it.current_version().map(|_version| it).map_err(Into::into))
    {
        Ok(storage) => storage,
        Err(error) => {
            let remedy = storage_remedy(config, &error);
            find(chain(&error), remedy);
            if let StorageAt::Redis(at) = &config.storage {
                check_redis(at, &mut find);
            }
            return Ok(());
        }
    };
    if let StorageAt::Redis(at) = &config.storage {
        check_redis(at, &mut find);
    }
    match storage.check_tallies() {
        Err(error) => {
            let error = error.into();
            find(chain(&error), storage_remedy(config, &error));
        }
        Ok(it) if it.differing > 0 => find(
            format!("{} cells of the funnel are not what the records say", it.differing),
            "see `jinqun export funnel --check`, and report it: this is a fault of the program",
        ),
        Ok(_) => {}
    }
    match storage.current_version() {
        Err(error) => find(chain(&error.into()), "restore the storage from a backup"),
        Ok(0) => find("no catalog has been published".to_owned(), "jinqun import stores FILE"),
        Ok(version) => match load_catalog(&*storage, version) {
            Err(error) => find(chain(&error.into()), "make an older version current, or import the stores again"),
            Ok(catalog) => {
                printer.line(format!("catalog version {version}: {} stores", catalog.stores().len()))?;
                check_regions(&catalog, printer, findings)?;
                check_codes(&catalog, SystemClock.now(), findings);
            }
        },
    }
    Ok(())
}

fn check_outbox(config: &Config, find: &mut impl FnMut(String, &'static str)) {
    match startup::open_outbox(config, None) {
        Ok(outbox) => {
            let dead = outbox.dead_count().unwrap_or(0);
            if dead > 0 {
                find(
                    format!("{dead} records were set aside because they cannot be delivered"),
                    "see `jinqun outbox list`; mend the cause, then `jinqun outbox retry`",
                );
            }
        }
        Err(error) => {
            let is_in_use = error.downcast_ref::<OutboxError>().is_some_and(|it| it.kind() == Trouble::InUse);
            if !is_in_use {
                find(chain(&error), "make data_dir writable, with room on its disk");
            }
        }
    }
}

fn storage_remedy(config: &Config, error: &anyhow::Error) -> &'static str {
    use storage::Trouble;
    let kind = error.downcast_ref::<StorageError>().map(StorageError::kind);
    match (kind, &config.storage) {
        (Some(Trouble::TooNew { .. }), _) => "update this program",
        (Some(Trouble::Corrupt), _) => "restore the storage from a backup",
        (_, StorageAt::Redis(_)) => {
            "see that Redis runs and that storage (address, user, password) and storage_ca are right; until then scans are answered and records wait in the outbox"
        }
        (_, StorageAt::Sqlite(_)) => "make the storage readable and writable",
    }
}

/// Which servers do not answer, and what about their own settings may lose records. An account that may not ask is no finding.
fn check_redis(at: &RedisAt, find: &mut impl FnMut(String, &'static str)) {
    for (server, weakness) in survey(at).unwrap_or_default() {
        match weakness {
            Weakness::Evicts { policy } => find(
                format!("{server}: Redis drops keys when its memory is full (maxmemory-policy {policy})"),
                "set maxmemory-policy noeviction; records then wait in the outbox until there is room",
            ),
            Weakness::Forgets => find(
                format!("{server}: Redis writes no append-only file, so a restart loses what it was told"),
                "set appendonly yes",
            ),
            Weakness::Replica => find(
                format!("{server}: the server is a replica and takes no writes"),
                "name the primary in storage, or the sentinels as redis+sentinel://",
            ),
            Weakness::Silent { why } => find(
                format!("{server}: a primary of the Cluster does not answer: {why}"),
                "start it, or have a replica take its place; until then the records of some visitors wait in the outbox",
            ),
        }
    }
}

fn check_codes(catalog: &Catalog, now: Timestamp, findings: &mut Vec<Finding>) {
    let active = || (0_u32..).zip(catalog.stores()).filter(|(_, it)| it.status == StoreStatus::Active);
    let has_code = |key: u32| {
        catalog.groups_of(key).any(|(_, it)| it.is_offered(now))
            || catalog.contacts_of(key).any(|(_, it)| it.code.is_usable(now))
    };
    let (all, without) = (active().count(), active().filter(|(key, _)| !has_code(*key)).count());
    if all == 0 {
        findings.push(Finding { what: "no store is active".to_owned(), remedy: "set the status of stores to active" });
    }
    if without > 0 {
        findings.push(Finding {
            what: format!("{without} of {all} active stores have no usable join code"),
            remedy: "fill group_url or contact_url; until then their visitors see the next store",
        });
    }
}

fn check_regions(catalog: &Catalog, printer: &Printer, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let map = catalog.regions();
    let count = |level: Level| map.regions().iter().filter(|it| it.level == level).count();
    let counts = [Level::Province, Level::City, Level::District, Level::Area].map(count);
    let [provinces, cities, districts, areas] = counts;
    let served = catalog.service_areas().areas().len();
    if counts.iter().sum::<usize>() + served > 0 {
        printer.line(format!(
            "regions: {provinces} provinces, {cities} cities, {districts} districts, {areas} areas; {served} service areas"
        ))?;
    }
    let is_cut_off = |it: &&Region| {
        matches!(it.level, Level::City | Level::District) && it.parent.as_ref().is_some_and(|it| map.key(it).is_none())
    };
    let cut_off: Vec<&Region> = map.regions().iter().filter(is_cut_off).collect();
    if let Some(first) = cut_off.first() {
        let parent = first.parent.as_ref().map(RegionCode::as_str).unwrap_or_default();
        findings.push(Finding {
            what: format!(
                "{} regions are part of one that is not on the map; the first is {} {} of {parent}",
                cut_off.len(),
                first.code,
                first.name
            ),
            remedy: "import the map of provinces and cities too; until then tags there lack their names",
        });
    }
    let goes_by_areas = catalog.campaigns().any(|it| it.service_areas);
    if goes_by_areas && served == 0 {
        findings.push(Finding {
            what: "a campaign goes by service areas, and no store has one".to_owned(),
            remedy: "jinqun import regions FILE, with features that have a store",
        });
    }
    Ok(())
}

fn chain(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
