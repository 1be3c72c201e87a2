//! Settings: one TOML file, then the environment, then flags; every value checked once, every finding named.

mod gather;
mod keys;
mod origin;
mod people;
mod platform;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use gather::Flags;
pub use keys::example;
pub use origin::Origin;

use crate::app::crm::CrmSettings;
use crate::app::wecom::{LookupSettings, TagSettings};
use crate::app::{AlertSettings, Retention};
use crate::consent::NoticeVersion;
use crate::group::{GroupDefaults, LINK_HOSTS_DEFAULT};
use crate::http::{MapTiles, Networks, PrivacySettings, SignInWays, WechatScript};
use crate::ipdb::Ip2regionFields;
use crate::outbox;
use crate::routing::Policy;
use crate::storage::SeatRules;
use crate::storage::redis::RedisAt;
use crate::store::Zone;
use crate::telemetry::LogFormat;
use crate::webhook::Webhook;
use crate::wechat::WechatSettings;
use crate::wecom::WecomSettings;
use gather::{Gathered, Reader};
use keys::KEYS;

/// Hours for which delivered records are kept where Redis is the storage.
const KEEP_HOURS_WITH_REDIS: u32 = 48;
/// The longest time for which they are kept: a month, after which marks of the forgotten are let go.
const KEEP_HOURS_MAX: usize = 30 * 24;

/// Everything wrong with the settings.
#[derive(Debug, Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|it| format!("  - {it}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Where records and the catalog are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageAt {
    /// A local file.
    Sqlite(PathBuf),
    /// Redis, which several instances share.
    Redis(RedisAt),
}

/// A text that does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The settings in force, ready for use.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// Where customers reach the service; none means the bound address.
    pub public_url: Option<String>,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Where records and the catalog are kept.
    pub storage: StorageAt,
    /// IP databases, asked in order.
    pub ip_databases: Vec<PathBuf>,
    /// The order of fields in ip2region files.
    pub ip2region_fields: Ip2regionFields,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// Origins whose own pages may call the API.
    pub allowed_origins: Vec<String>,
    /// Lets operators in; none means nobody.
    pub admin_token: Option<Secret>,
    /// For how many days records are kept.
    pub retention: Retention,
    /// What the operator says in the privacy notice.
    pub privacy: PrivacySettings,
    /// The background of the maps of the operations team.
    pub map_tiles: Option<MapTiles>,
    /// Signs visitor tokens; none means the one in storage.
    pub secret: Option<Secret>,
    /// Certificate chain and private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Worker threads; none means one a core.
    pub workers: Option<usize>,
    /// The zone of opening hours that name none.
    pub time_zone: Zone,
    /// Hosts that join links may point to.
    pub join_link_hosts: Vec<String>,
    /// Seconds that requests under way get to finish at a stop.
    pub shutdown_s: u64,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`.
    pub log: tracing::level_filters::LevelFilter,
    /// How it is written.
    pub log_format: LogFormat,
    /// The thresholds of the decision.
    pub routing: Policy,
    /// What a group has whose sheet does not say.
    pub groups: GroupDefaults,
    /// How long seats are held, and what they count for afterwards.
    pub seats: SeatRules,
    /// When something becomes an alert.
    pub alerts: AlertSettings,
    /// Who is told of alerts.
    pub webhooks: Vec<Webhook>,
    /// Signs messages about alerts.
    pub alert_secret: Option<Secret>,
    /// What a CRM is told.
    pub crm: CrmSettings,
    /// The limits of the outbox.
    pub outbox: outbox::Settings,
    /// The corporation and its app in `WeCom`; none means that it is not used.
    pub wecom: Option<WecomSettings>,
    /// How tags are made in `WeCom`.
    pub wecom_tags: TagSettings,
    /// The official account of `WeChat`; none means that it is not used.
    pub wechat: Option<WechatSettings>,
    /// By what customers may be recognised.
    pub sign_in: SignInWays,
    /// The script by which pages in `WeChat` ask for the position.
    pub wechat_script: Option<WechatScript>,
    /// The CRM that is asked before a greeting.
    pub lookup: Option<LookupSettings>,
    /// What was gathered, for showing.
    gathered: Gathered,
}

impl Config {
    /// Reads the file if there is one, then the environment, then the flags.
    ///
    /// # Errors
    /// [`ConfigError`] lists everything that is wrong.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_gathered(&gather::gather(file, &gather::environment(), flags)?)
    }

    /// Reads the environment and the flags, and leaves out of the environment what is not to be heeded, by the names of settings.
    /// Also returns the variables that were left out.
    ///
    /// # Errors
    /// [`ConfigError`] lists everything that is wrong with the rest.
    pub fn load_without(leave_out: &dyn Fn(&str) -> bool, flags: &Flags) -> Result<(Self, Vec<String>), ConfigError> {
        let mut environment = gather::environment();
        let left_out = take_away(&mut environment, leave_out);
        Ok((Self::from_gathered(&gather::gather(None, &environment, flags)?)?, left_out))
    }

    fn from_gathered(gathered: &Gathered) -> Result<Self, ConfigError> {
        let mut read = gathered.reader();
        let data_dir = PathBuf::from(read.text("data_dir").unwrap_or_default());
        let storage = read_storage(&mut read, &data_dir);
        let tls = match (read.text("tls_cert"), read.text("tls_key")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            (Some(_), None) => read.fail("tls_key", "is missing, and tls_cert is set: both or none"),
            (None, Some(_)) => read.fail("tls_cert", "is missing, and tls_key is set: both or none"),
        };
        let time_zone = read
            .parse("time_zone", |it| {
                Zone::parse(it).ok_or_else(|| "is not an IANA time zone such as Asia/Shanghai".to_owned())
            })
            .unwrap_or_default();
        // A file that is lost is lost with what lies beside it.
        let keep_hours = if matches!(storage, StorageAt::Redis(_)) { KEEP_HOURS_WITH_REDIS } else { 0 };
        let seats = read.seats();
        let routing = Policy { zone: time_zone.clone(), ..read.policy() };
        let config = Self {
            listen: read
                .parse("listen", |it| it.parse().map_err(|_cause| "is not an address such as 127.0.0.1:8080".into()))
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: read.parse("public_url", public_url),
            storage,
            data_dir,
            ip_databases: read.list("ip_databases").into_iter().map(PathBuf::from).collect(),
            ip2region_fields: read
                .parse("ip2region_fields", |it| it.parse().map_err(|error: crate::ipdb::FieldsError| error.to_string()))
                .unwrap_or(Ip2regionFields::Auto),
            trusted_proxies: Networks::new(read.networks("trusted_proxies")),
            allowed_origins: read.origins("allowed_origins"),
            admin_token: read.parse("admin_token", secret),
            retention: Retention { seats_days: seats.remember_days(), ..read.retention() },
            privacy: PrivacySettings {
                company: read.text("privacy.company"),
                contact: read.text("privacy.contact"),
                version: read
                    .parse("privacy.version", |it| NoticeVersion::parse(it).map_err(|error| error.to_string())),
            },
            map_tiles: read.map_tiles(),
            secret: read.parse("secret", secret),
            tls,
            workers: read.count("workers", 1..=1024),
            time_zone,
            join_link_hosts: read.list("join_link_hosts").into_iter().map(|it| it.to_ascii_lowercase()).collect(),
            shutdown_s: read.count("shutdown_s", 0..=3_600).and_then(|it| u64::try_from(it).ok()).unwrap_or(30),
            log: read
                .parse("log", |it| it.parse().map_err(|_cause| "is none of error, warn, info, debug, trace".to_owned()))
                .unwrap_or(tracing::level_filters::LevelFilter::INFO),
            log_format: read
                .parse("log_format", |it| LogFormat::parse(it).ok_or_else(|| "is none of auto, text, json".to_owned()))
                .unwrap_or_default(),
            routing,
            groups: read.group_defaults(),
            seats,
            alerts: read.alerts(),
            webhooks: read.webhooks("alerts.webhooks"),
            alert_secret: read.parse("alerts.secret", secret),
            crm: read.crm(),
            outbox: read_outbox(&mut read, keep_hours),
            wecom: platform::wecom(&mut read),
            wecom_tags: platform::tags(&mut read),
            wechat: platform::wechat(&mut read),
            sign_in: people::sign_in(&mut read),
            wechat_script: people::script(&mut read),
            lookup: people::lookup(&mut read),
            gathered: gathered.clone(),
        };
        let errors = read.finish();
        if errors.is_empty() { Ok(config) } else { Err(ConfigError(errors)) }
    }

    /// Every setting: name, value with secrets masked, and where it came from.
    pub fn shown(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        self.gathered.shown()
    }

    /// The names of settings that have another value there, wherever it comes from.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'static str> {
        self.gathered.differing(&other.gathered)
    }

    /// Hosts that join links may point to, as shipped.
    #[must_use]
    pub fn default_link_hosts() -> Vec<String> {
        LINK_HOSTS_DEFAULT.iter().map(|&it| it.to_owned()).collect()
    }
}

/// Takes the variables of such settings away, and returns their names.
fn take_away(environment: &mut BTreeMap<String, String>, is_left_out: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    for key in KEYS.iter().filter(|it| is_left_out(it.name)) {
        let of_file = format!("{}_FILE", key.variable);
        names.extend([key.variable, &of_file].into_iter().filter_map(|it| environment.remove_entry(it)));
    }
    names.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name).collect()
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.len() >= 16 { Ok(Secret(text.to_owned())) } else { Err("has fewer than 16 characters".to_owned()) }
}

fn read_storage(read: &mut Reader<'_>, data_dir: &Path) -> StorageAt {
    let storage = read.parse("storage", |text| storage_at(text, data_dir));
    let ca = read.text("storage_ca").map(PathBuf::from);
    match storage {
        Some(StorageAt::Redis(at)) => {
            if ca.is_some() && !at.is_tls {
                let _: Option<()> = read.fail("storage_ca", "is set, and storage does not speak TLS: write rediss");
            }
            StorageAt::Redis(RedisAt { ca, ..at })
        }
        Some(at) => at,
        None => StorageAt::Sqlite(data_dir.join("jinqun.sqlite")),
    }
}

fn read_outbox(read: &mut Reader<'_>, keep_hours: u32) -> outbox::Settings {
    let mut count = |name, range| read.count(name, range).and_then(|it| u64::try_from(it).ok());
    outbox::Settings {
        items_max: count("outbox_items_max", 1_000..=1_000_000_000).unwrap_or(5_000_000),
        keep_hours: count("outbox_keep_hours", 0..=KEEP_HOURS_MAX).map_or(keep_hours, |it| it.try_into().unwrap_or(0)),
        keep_items_max: count("outbox_keep_items_max", 0..=1_000_000_000).unwrap_or(1_000_000),
        ..outbox::Settings::default()
    }
}

fn storage_at(text: &str, data_dir: &Path) -> Result<StorageAt, String> {
    if RedisAt::is_meant(text) {
        return RedisAt::parse(text).map(StorageAt::Redis).map_err(|error| error.to_string());
    }
    match text.strip_prefix("sqlite:") {
        Some("") => Ok(StorageAt::Sqlite(data_dir.join("jinqun.sqlite"))),
        Some(path) => Ok(StorageAt::Sqlite(path.into())),
        // The text may hold a password.
        None => Err("is not a storage such as sqlite:FILE or redis://HOST:6379".to_owned()),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = |it: &str| {
        !it.is_empty() && it.bytes().all(|b| b.is_ascii_graphic()) && !it.contains(['/', '?', '#', '"', '<', '>', '@'])
    };
    match rest.map(|it| it.trim_end_matches('/')) {
        Some(rest) if fits(rest) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("is not an address without a path, such as https://join.example.com".to_owned()),
    }
}

#[cfg(test)]
mod tests;
