//! Gathering values from file, environment and flags, and reading them with every error kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use toml::Value;

use super::ConfigError;
use super::keys::{Form, KEYS, Key};
use super::origin::Origin;
use crate::app::crm::{CrmSettings, FeedKind, HookSecret};
use crate::app::{AlertSettings, Retention};
use crate::geo::Datum;
use crate::group::GroupDefaults;
use crate::http::MapTiles;
use crate::routing::Policy;
use crate::storage::{HOLD_MINUTES_DEFAULT, JOIN_RATE_DEFAULT, REMEMBER_DAYS_DEFAULT, SeatRules};
use crate::webhook::Webhook;

/// The largest settings or secret file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Variables of the tests, which are no settings.
const NOT_SETTINGS: [&str; 2] = ["JINQUN_REAL_DATA", "JINQUN_PAGES_OUT"];

/// Webhooks that are told of alerts at the most.
const WEBHOOKS_MAX: usize = 8;

/// Days for which records may be kept: a visit can be refined for a day, and a century is for ever.
const RETENTION_DAYS: std::ops::RangeInclusive<usize> = 2..=36_500;

/// Values from the command line, by the name of the setting.
pub type Flags = BTreeMap<&'static str, String>;

/// Values by the name of the setting, with their origins.
#[derive(Clone, Default)]
pub(super) struct Gathered(BTreeMap<&'static str, (Value, Origin)>);

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets are among the values.
        write!(f, "Gathered({} settings)", self.0.len())
    }
}

pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("JINQUN_"))
        .collect()
}

fn nearest_key(name: &str) -> Option<&'static str> {
    let scored = KEYS.iter().map(|key| (strsim::jaro_winkler(name, key.name), key.name));
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.7).map(|(_, name)| name)
}

fn read_text(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let length = std::fs::metadata(path).map_err(|error| format!("{shown} cannot be read: {error}"))?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("{shown} has {length} bytes, at most {FILE_BYTES_MAX} are read"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))
}

pub(super) fn gather(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    flags: &Flags,
) -> Result<Gathered, ConfigError> {
    let mut errors = Vec::new();
    let mut values = BTreeMap::new();
    for key in KEYS.iter().filter(|it| !it.default.is_empty()) {
        if let Ok(value) = format!("it = {}", key.default).parse::<toml::Table>().map(|mut it| it.remove("it")) {
            values.extend(value.map(|it| (key.name, (it, Origin::Default))));
        }
    }
    if let Some(path) = file {
        match read_text(path)
            .and_then(|text| text.parse::<toml::Table>().map_err(|error| format!("{}: {error}", path.display())))
        {
            Ok(table) => from_table("", &table, path, &mut values, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    for key in KEYS {
        from_environment(key, environment, &mut values, &mut errors);
        if let Some(text) = flags.get(key.name) {
            values.insert(key.name, (typed(key, text), Origin::Flag));
        }
    }
    unknown_variables(environment, &mut errors);
    if errors.is_empty() { Ok(Gathered(values)) } else { Err(ConfigError(errors)) }
}

/// A variable that is misspelt would be silently without effect.
fn unknown_variables(environment: &BTreeMap<String, String>, errors: &mut Vec<String>) {
    let is_known = |name: &str| {
        let of_key =
            |key: &Key| name == key.variable || key.is_secret && name.strip_suffix("_FILE") == Some(key.variable);
        NOT_SETTINGS.contains(&name) || KEYS.iter().any(of_key)
    };
    for name in environment.keys().filter(|name| !is_known(name)) {
        let scored = KEYS.iter().map(|key| (strsim::jaro_winkler(name, key.variable), key.variable));
        let nearest = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.8);
        let hint = nearest.map(|(_, it)| format!("; did you mean {it}?")).unwrap_or_default();
        errors.push(format!("there is no setting for the variable {name}{hint}"));
    }
}

fn from_environment(
    key: &'static Key,
    environment: &BTreeMap<String, String>,
    values: &mut BTreeMap<&'static str, (Value, Origin)>,
    errors: &mut Vec<String>,
) {
    if let Some(text) = environment.get(key.variable).filter(|it| !it.is_empty()) {
        values.insert(key.name, (typed(key, text), Origin::Environment(key.variable.to_owned())));
    }
    let file = format!("{}_FILE", key.variable);
    if let Some(path) = environment.get(&file).filter(|_| key.is_secret) {
        secret_file(key, path, values, errors);
    }
}

fn secret_file(
    key: &'static Key,
    path: &str,
    values: &mut BTreeMap<&'static str, (Value, Origin)>,
    errors: &mut Vec<String>,
) {
    match read_text(Path::new(path)) {
        Ok(text) => {
            let text = text.trim_end_matches(['\r', '\n']).to_owned();
            let value = if key.form == Form::List { typed(key, &text) } else { Value::String(text) };
            values.insert(key.name, (value, Origin::SecretFile(path.to_owned())));
        }
        Err(error) => errors.push(format!("{}: {error}", key.name)),
    }
}

fn from_table(
    prefix: &str,
    table: &toml::Table,
    path: &Path,
    values: &mut BTreeMap<&'static str, (Value, Origin)>,
    errors: &mut Vec<String>,
) {
    for (name, value) in table {
        let full = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let Some(key) = KEYS.iter().find(|it| it.name == full) {
            values.insert(key.name, (value.clone(), Origin::File(path.display().to_string())));
        } else if let Some(key) = KEYS.iter().find(|it| it.is_secret && full.strip_suffix("_file") == Some(it.name)) {
            match value.as_str() {
                Some(file) => secret_file(key, file, values, errors),
                None => errors.push(format!("{full} is not a path")),
            }
        } else if let (Value::Table(inner), "") = (value, prefix)
            && KEYS.iter().any(|it| it.name.starts_with(&format!("{name}.")))
        {
            from_table(name, inner, path, values, errors);
        } else {
            let hint = nearest_key(&full).map(|it| format!("; did you mean {it}?")).unwrap_or_default();
            errors.push(format!("{}: there is no setting {full}{hint}", path.display()));
        }
    }
}

/// A text from the environment or a flag in the form of its setting; a text that does not fit stays a text and fails later.
fn typed(key: &Key, text: &str) -> Value {
    let text = text.trim();
    match key.form {
        Form::Text => Value::String(text.to_owned()),
        Form::List => {
            let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
            Value::Array(items.map(|it| Value::String(it.to_owned())).collect())
        }
        Form::Whole => text.parse().map_or_else(|_cause| Value::String(text.to_owned()), Value::Integer),
        Form::Number => text.parse().map_or_else(|_cause| Value::String(text.to_owned()), Value::Float),
    }
}

impl Gathered {
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { gathered: self, errors: Vec::new() }
    }

    /// The settings that have another value there, in the order in which they are shown.
    pub(super) fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'static str> {
        let value = |of: &'a Self, name: &'static str| of.0.get(name).map(|(value, _)| value);
        KEYS.iter().map(|key| key.name).filter(move |&name| value(self, name) != value(other, name))
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        KEYS.iter().map(|key| match self.0.get(key.name) {
            Some((value, origin)) if key.is_secret && value.as_array().is_some_and(Vec::is_empty) => {
                (key.name, value.to_string(), origin)
            }
            Some((value, origin)) if key.is_secret => {
                let shown = (key.shown)(value.as_str().unwrap_or_default());
                (key.name, Value::String(shown).to_string(), origin)
            }
            Some((value, origin)) => (key.name, value.to_string(), origin),
            None => (key.name, "(none)".to_owned(), &Origin::Default),
        })
    }
}

/// Reads values into types and keeps every error.
pub(super) struct Reader<'a> {
    gathered: &'a Gathered,
    errors: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn fail<T>(&mut self, name: &str, what: impl fmt::Display) -> Option<T> {
        let origin = self.gathered.0.get(name).map(|(_, origin)| format!(" ({origin})")).unwrap_or_default();
        self.errors.push(format!("{name} {what}{origin}"));
        None
    }

    /// Whether somebody said something, right or wrong.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.gathered.0.get(name).is_some_and(|(value, _)| value.as_str() != Some(""))
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.gathered.0.get(name)? {
            (Value::String(text), _) => Some(text.clone()).filter(|it| !it.is_empty()),
            _ => self.fail(name, "is not a text"),
        }
    }

    pub(super) fn parse<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        parse(&text).map_or_else(|what| self.fail(name, what), Some)
    }

    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        let Some((value, _)) = self.gathered.0.get(name) else {
            return Vec::new();
        };
        let items = value.as_array().map(|items| items.iter().map(|it| it.as_str().map(ToOwned::to_owned)).collect());
        match items {
            Some(Some(items)) => items,
            _ => self.fail(name, "is not a list of texts").unwrap_or_default(),
        }
    }

    pub(super) fn networks(&mut self, name: &str) -> Vec<IpNet> {
        let parse = |text: &String| {
            let network = text.parse::<IpNet>().ok();
            network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).ok_or_else(|| text.clone())
        };
        match self.list(name).iter().map(parse).collect::<Result<_, _>>() {
            Ok(networks) => networks,
            Err(text) => self
                .fail(name, format_args!("holds {text:?}, which is no network such as 10.0.0.0/8"))
                .unwrap_or_default(),
        }
    }

    pub(super) fn origins(&mut self, name: &str) -> Vec<String> {
        let list = self.list(name);
        let is_origin = |it: &str| {
            it.strip_prefix("https://")
                .or_else(|| it.strip_prefix("http://"))
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '*']))
        };
        if let Some(bad) = list.iter().find(|it| !is_origin(it)) {
            return self
                .fail(name, format_args!("holds {bad:?}, which is no origin such as https://shop.example.com"))
                .unwrap_or_default();
        }
        list
    }

    pub(super) fn count(&mut self, name: &str, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
        let (value, _) = self.gathered.0.get(name)?;
        let number = value.as_integer().and_then(|it| usize::try_from(it).ok()).filter(|it| range.contains(it));
        number.or_else(|| {
            self.fail(name, format_args!("is not a whole number from {} to {}", range.start(), range.end()))
        })
    }

    fn number(&mut self, name: &str, default: f64) -> f64 {
        let Some((value, _)) = self.gathered.0.get(name) else {
            return default;
        };
        let whole = value.as_integer().and_then(|it| i32::try_from(it).ok()).map(f64::from);
        value.as_float().or(whole).unwrap_or_else(|| self.fail(name, "is not a number").unwrap_or(default))
    }

    pub(super) fn map_tiles(&mut self) -> Option<MapTiles> {
        let tiles: Option<MapTiles> = self.parse("map_tiles", MapTiles::parse);
        let attribution = self.text("map_tiles_attribution").unwrap_or_default();
        let datum = self.parse("map_tiles_datum", |it| match Datum::parse(it) {
            Some(datum @ (Datum::Wgs84 | Datum::Gcj02)) => Ok(datum),
            _ => Err("is neither wgs84 nor gcj02; tiles in other datums have another grid".to_owned()),
        });
        tiles.map(|it| it.drawn(attribution, datum.unwrap_or_default()))
    }

    pub(super) fn policy(&mut self) -> Policy {
        let defaults = Policy::default();
        let policy = Policy {
            reach_m: self.number("routing.reach_m", defaults.reach_m),
            accuracy_trusted_m: self.number("routing.accuracy_trusted_m", defaults.accuracy_trusted_m),
            guess_candidates_max: self
                .count("routing.guess_candidates_max", 1..=50)
                .unwrap_or(defaults.guess_candidates_max),
            candidates_max: self.count("routing.candidates_max", 1..=1_000).unwrap_or(defaults.candidates_max),
            alternatives_max: self.count("routing.alternatives_max", 0..=50).unwrap_or(defaults.alternatives_max),
            prefer_open_detour_m: self.number("routing.prefer_open_detour_m", defaults.prefer_open_detour_m),
            zone: defaults.zone,
        };
        if let Err(error) = policy.check() {
            self.errors.push(error.to_string());
        }
        policy
    }

    pub(super) fn group_defaults(&mut self) -> GroupDefaults {
        let shipped = GroupDefaults::default();
        let whole = |it: Option<usize>| it.and_then(|it| u32::try_from(it).ok());
        GroupDefaults {
            capacity: whole(self.count("groups.capacity_default", 1..=100_000)).unwrap_or(shipped.capacity),
            validity_days: whole(self.count("groups.validity_days", 1..=3_650)).unwrap_or(shipped.validity_days),
        }
    }

    pub(super) fn seats(&mut self) -> SeatRules {
        let whole = |it: Option<usize>| it.and_then(|it| u32::try_from(it).ok());
        let hold = whole(self.count("seats.hold_minutes", 1..=10_080)).unwrap_or(HOLD_MINUTES_DEFAULT);
        let remember = whole(self.count("seats.remember_days", 1..=3_650)).unwrap_or(REMEMBER_DAYS_DEFAULT);
        let rate = self.number("seats.join_rate", JOIN_RATE_DEFAULT);
        let rate = Some(rate).filter(|it| (0.0..=1.0).contains(it));
        let rate = rate.or_else(|| self.fail("seats.join_rate", "is not a share from 0 to 1"));
        SeatRules::new(hold, rate.unwrap_or(JOIN_RATE_DEFAULT), remember)
    }

    pub(super) fn retention(&mut self) -> Retention {
        let defaults = Retention::default();
        let mut days = |name: &str| self.count(name, RETENTION_DAYS).and_then(|it| u32::try_from(it).ok());
        let retention = Retention {
            tags_days: days("retention.tags_days").unwrap_or(defaults.tags_days),
            steps_days: days("retention.steps_days").unwrap_or(defaults.steps_days),
            seats_days: defaults.seats_days,
            dead_days: days("retention.dead_days").unwrap_or(defaults.dead_days),
            feed_days: days("retention.feed_days").unwrap_or(defaults.feed_days),
            tallies_days: days("retention.tallies_days"),
        };
        if retention.tallies_days.is_some_and(|it| it < retention.tags_days) {
            let what = "is less than retention.tags_days: tallies outlast the records they count";
            let _: Option<()> = self.fail("retention.tallies_days", what);
        }
        retention
    }

    /// Webhooks; what is wrong with one is told without its address.
    pub(super) fn webhooks(&mut self, name: &str) -> Vec<Webhook> {
        let parsed: Result<Vec<Webhook>, String> = self.list(name).iter().map(|it| Webhook::parse(it)).collect();
        match parsed {
            Ok(webhooks) if webhooks.len() <= WEBHOOKS_MAX => webhooks,
            Ok(_) => self.fail(name, format_args!("holds more than {WEBHOOKS_MAX} addresses")).unwrap_or_default(),
            Err(what) => self.fail(name, what).unwrap_or_default(),
        }
    }

    /// What a CRM is told.
    pub(super) fn crm(&mut self) -> CrmSettings {
        let has_feed = self.parse("crm.feed", |it| match it {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("is neither on nor off".to_owned()),
        });
        let webhooks = self.webhooks("crm.webhooks");
        let secret = self.parse("crm.webhook_secret", HookSecret::parse);
        if !webhooks.is_empty() && secret.is_none() {
            let what = "is missing, and crm.webhooks is set: nobody could tell its messages from somebody else's";
            let _: Option<()> = self.fail("crm.webhook_secret", what);
        }
        let mut kinds = BTreeSet::new();
        for word in self.list("crm.events") {
            if let Some(kind) = FeedKind::parse(&word) {
                kinds.insert(kind);
            } else {
                let known = FeedKind::ALL.map(FeedKind::as_str).join(", ");
                let _: Option<()> = self.fail("crm.events", format_args!("holds {word:?}, which is none of {known}"));
            }
        }
        CrmSettings { has_feed: has_feed.unwrap_or(true), webhooks, secret, kinds }
    }

    pub(super) fn alerts(&mut self) -> AlertSettings {
        let shipped = AlertSettings::default();
        let mut whole = |name: &str, range| self.count(name, range).and_then(|it| u32::try_from(it).ok());
        AlertSettings {
            expiring_days: whole("alerts.expiring_days", 1..=365).unwrap_or(shipped.expiring_days),
            group_percent: whole("alerts.group_percent", 1..=100).unwrap_or(shipped.group_percent),
            remind_days: whole("alerts.remind_days", 1..=365).unwrap_or(shipped.remind_days),
        }
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.errors
    }
}
