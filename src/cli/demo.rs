//! `jinqun demo`: everything at once with the bundled fixtures, in a folder of its own. It is not a way to run a service: its
//! password is published, so it never opens the storage of one, and it tells nobody outside anything unless it is asked to.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{End, Printer, command_line, serve};
use crate::app::accounts::{Accounts, NewUser, UserChange};
use crate::app::{ImportOptions, Importer, MapOptions};
use crate::catalog::{Mapping, SheetRules, read_campaigns};
use crate::config::{Config, Flags};
use crate::exchange::RegionRules;
use crate::geo::Datum;
use crate::staff::{Role, StaffName};
use crate::startup;
use crate::storage::{PublishInfo, Storage};
use crate::time::{Clock as _, SystemClock};

const STORES: &[u8] = include_bytes!("../../fixtures/demo/stores.csv");
const CAMPAIGNS: &str = include_str!("../../fixtures/demo/campaigns.toml");
const REGIONS: &[u8] = include_bytes!("../../fixtures/demo/regions.geojson");
const LOGO: &[u8] = include_bytes!("../../fixtures/demo/logo.png");
const IP_DATABASE: &[u8] = include_bytes!("../../fixtures/ip/demo.mmdb");
/// Who signs in to the demo.
const USER: &str = "demo";
/// Their password, where only this machine reaches the demo.
const PASSWORD: &str = "jinqun-demo";
/// Where its data lies within the folder for data.
const FOLDER: &str = "demo";
/// The sample IP database; a folder that holds it is a demo's.
const IP_FILE: &str = "demo.mmdb";
/// The embedded storage of a folder.
const STORAGE_FILE: &str = "jinqun.sqlite";
/// Settings that a demo never takes from the environment: what a service keeps, and what it signs with.
const OF_A_SERVICE: [&str; 3] = ["storage", "storage_ca", "secret"];
/// Settings of others that are told something, by how their names begin.
const OUTSIDE: [&str; 5] = ["wecom.", "wechat.", "crm.", "alerts.webhooks", "alerts.secret"];

/// Serve the bundled sample stores on 127.0.0.1:8080
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  jinqun demo --listen 127.0.0.1:9000")]
pub(super) struct Options {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder for the demo's data [default: demo in the folder for data, data/demo]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Also talk to WeCom, WeChat, a CRM and webhooks, as the environment says; without this nobody outside is told anything
    #[arg(long)]
    outside: bool,
}

impl Options {
    pub(super) fn run(self, printer: &Printer) -> anyhow::Result<End> {
        let mut flags: Flags = self.listen.map(|it| ("listen", it)).into_iter().collect();
        let leave_out =
            |name: &str| OF_A_SERVICE.contains(&name) || !self.outside && OUTSIDE.iter().any(|it| name.starts_with(it));
        let (asked, left_out) = Config::load_without(&leave_out, &flags)?;
        let folder = self.data_dir.unwrap_or_else(|| asked.data_dir.join(FOLDER));
        let database = folder.join(IP_FILE);
        if folder.join(STORAGE_FILE).exists() && !database.exists() {
            let shown = folder.display();
            bail!(
                "{shown} holds the data of a service, where a demo's user has no place: name another with --data-dir"
            );
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        std::fs::write(&database, IP_DATABASE).with_context(|| format!("{} cannot be written", database.display()))?;
        flags.insert("data_dir", folder.display().to_string());
        // The sample addresses are told in a header, as a proxy on this machine would.
        flags.insert("trusted_proxies", "127.0.0.0/8,::1/128".to_owned());
        let (mut config, _) = Config::load_without(&leave_out, &flags)?;
        if config.ip_databases.is_empty() {
            config.ip_databases.push(database);
        }
        fill(&config)?;
        let sign_in = add_user(&config)?;
        // It has no file of settings that could change.
        let same = config.clone();
        serve::run(
            config,
            move || Ok(same.clone()),
            printer,
            |printer, url| print_welcome(printer, url, &sign_in, &left_out),
        )
    }
}

/// Publishes the samples where nothing was published before, so that what somebody changed in the demo stays.
fn fill(config: &Config) -> anyhow::Result<()> {
    let storage = startup::open_storage(config)?;
    let storage: &dyn Storage = &*storage;
    if storage.current_version()? > 0 {
        return Ok(());
    }
    let info = PublishInfo { at: SystemClock.now(), author: "demo".to_owned(), note: "bundled samples".to_owned() };
    let now = info.at;
    let importer = Importer::new(storage, info);
    let hosts = Config::default_link_hosts();
    let map = RegionRules { datum: Some(Datum::Wgs84), ..RegionRules::default() };
    let report = importer.map(REGIONS, "regions.geojson", map, MapOptions::default())?;
    if let Some(problem) = report.problems.first() {
        anyhow::bail!("the bundled regions cannot be used: {}", problem.message);
    }
    let rules = SheetRules {
        datum: None,
        link_hosts: &hosts,
        zone: config.time_zone.clone(),
        mapping: Mapping::default(),
        groups: config.groups,
        now,
    };
    let report = importer.stores(STORES, "stores.csv", &rules, ImportOptions::default(), &mut |_, _| {})?;
    if let Some(problem) = report.problems.first() {
        anyhow::bail!("the bundled stores cannot be used: {}", problem.message);
    }
    let campaigns = read_campaigns(CAMPAIGNS, &hosts, config.groups, &|_| Ok(LOGO.to_vec()));
    let campaigns =
        campaigns.map_err(|problems| anyhow::anyhow!("the bundled campaigns cannot be used: {problems:?}"))?;
    importer.campaigns(campaigns, false)?;
    Ok(())
}

/// Makes the user of the demo, and says how to sign in. Where other machines reach the demo, its password is none that stands in
/// the documentation.
fn add_user(config: &Config) -> anyhow::Result<String> {
    let storage = startup::open_storage(config)?;
    let accounts = Accounts::new(&*storage, SystemClock.now());
    let is_alone = config.listen.ip().is_loopback();
    let is_there = accounts.user(USER)?.is_some();
    let has_known = is_there && accounts.is_password(USER, PASSWORD)?;
    if is_there && (is_alone || !has_known) {
        let password = if has_known { PASSWORD } else { "as it was set" };
        return Ok(format!("name {USER}, password {password}"));
    }
    let password = if is_alone {
        PASSWORD.to_owned()
    } else {
        let mut bytes = [0_u8; 12];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random password can be made: {error}"))?;
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    };
    if is_there {
        let change = UserChange { password: Some(password.clone()), ..UserChange::default() };
        accounts.change_user(&command_line(), USER, &change, &|_| Ok(()))?;
        return Ok(format!("name {USER}, password {password}"));
    }
    let name = StaffName::parse(USER).context("the demo's user has a name")?;
    accounts.add_user(&command_line(), NewUser { name, role: Role::Admin, password: password.clone() })?;
    Ok(format!("name {USER}, password {password}"))
}

fn print_welcome(printer: &Printer, url: &str, sign_in: &str, left_out: &[String]) -> anyhow::Result<()> {
    printer.line(format!(
        "\n\
         Open on a phone or in a browser:\n  \
           {url}/            the landing page\n  \
           {url}/s/demo      a campaign with its own colours\n  \
           {url}/s/default/choose   every store, without any script\n\
         \n\
         Admin sign-in:\n  \
           {url}/admin       {sign_in}\n\
         \n\
         Try in another terminal:\n  \
           curl -s '{url}/api/v1/nearest?lat=31.2304&lng=121.4737&k=3'\n  \
           curl -s {url}/api/v1/scans -d '{{\"position\":{{\"lat\":31.2304,\"lng\":121.4737,\"datum\":\"wgs84\",\"accuracy_m\":35}}}}'\n  \
           curl -s {url}/api/v1/scans -H 'X-Forwarded-For: 203.0.113.9' -d '{{}}'\n\
         \n\
         Press Ctrl-C to stop."
    ))?;
    if !left_out.is_empty() {
        printer
            .line(format!("\nOf the environment a demo leaves out {}: see jinqun demo --help.", left_out.join(", ")))?;
    }
    Ok(())
}
