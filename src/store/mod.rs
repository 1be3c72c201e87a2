//! A store is a shop: where it is, whether it takes customers, when it is open.

mod closures;
mod hours;
mod located;
mod opening;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use closures::{Closures, ClosuresError};
pub use hours::{HoursError, OpeningHours};
pub use located::Located;

use crate::id::StoreId;
use crate::time::Timestamp;

/// Whether a store takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreStatus {
    /// Customers are routed there.
    #[default]
    Active,
    /// Out of the rotation for a while, for example during a renovation.
    Paused,
    /// Gone for good; kept so that history can name it.
    Closed,
}

impl StoreStatus {
    /// Reads `active`, `paused` or `closed`, or 营业, 暂停, 关闭.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_lowercase().as_str() {
            "active" | "open" | "营业" | "营业中" => Some(Self::Active),
            "paused" | "暂停" | "暂停营业" => Some(Self::Paused),
            "closed" | "关闭" | "已关闭" | "闭店" => Some(Self::Closed),
            _ => None,
        }
    }

    /// The word used in sheets and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Closed => "closed",
        }
    }
}

const MINUTES_A_DAY: i64 = 24 * 60;

/// An IANA time zone, kept with its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// Looks up a zone such as `Asia/Shanghai`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        jiff::tz::TimeZone::get(name.trim()).ok().filter(|it| it.iana_name().is_some()).map(Self)
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone as `jiff` knows it.
    #[must_use]
    pub fn as_jiff(&self) -> &jiff::tz::TimeZone {
        &self.0
    }

    /// The day there at this moment, counted from 1970-01-01, and the minute of that day.
    #[must_use]
    pub fn day_and_minute(&self, at: Timestamp) -> (i32, u16) {
        let offset_s = i64::from(self.0.to_offset(at.to_jiff()).seconds());
        let minutes = (at.unix_ms().div_euclid(1_000) + offset_s).div_euclid(60);
        let day = i32::try_from(minutes.div_euclid(MINUTES_A_DAY)).unwrap_or(0);
        (day, u16::try_from(minutes.rem_euclid(MINUTES_A_DAY)).unwrap_or(0))
    }
}

impl Default for Zone {
    /// China's, as the setting `time_zone` has it where nobody sets it.
    fn default() -> Self {
        Self::parse("Asia/Shanghai").unwrap_or(Self(jiff::tz::TimeZone::UTC))
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("{name} is not an IANA time zone"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        Self::from(zone.name())
    }
}

/// A shop of the chain. Texts that nobody gave are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// The chain's own code.
    pub id: StoreId,
    /// The name that customers see.
    pub name: Box<str>,
    /// The street address.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub address: Box<str>,
    /// The province, as the chain writes it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub province: Box<str>,
    /// The city, as the chain writes it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub city: Box<str>,
    /// The district, as the chain writes it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub district: Box<str>,
    /// Where it is, as given and as a position.
    pub at: Located,
    /// Whether it takes part.
    #[serde(default)]
    pub status: StoreStatus,
    /// When it is open; none means unknown, which is not closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<OpeningHours>,
    /// Days on which it does not open, whatever its hours.
    #[serde(default, skip_serializing_if = "Closures::is_empty")]
    pub closures: Closures,
    /// The zone of its opening hours; none means the zone of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Labels of the operator.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub tags: Box<[Box<str>]>,
    /// Columns of the sheet that have no meaning here, kept for the way out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<Box<str>, Box<str>>,
}

impl Store {
    /// The zone of its opening hours.
    #[must_use]
    pub fn zone_or<'a>(&'a self, default_zone: &'a Zone) -> &'a Zone {
        self.zone.as_ref().unwrap_or(default_zone)
    }
}

#[cfg(test)]
impl Store {
    /// An active store with nothing but an id, the same name, and a place, for tests.
    pub(crate) fn sample(id: &str, lat: f64, lon: f64) -> Self {
        Self {
            id: StoreId::parse(id).unwrap(),
            name: id.into(),
            address: "".into(),
            province: "".into(),
            city: "".into(),
            district: "".into(),
            at: Located::from_datum(lat, lon, crate::geo::Datum::Wgs84).unwrap(),
            status: StoreStatus::Active,
            hours: None,
            closures: Closures::default(),
            zone: None,
            tags: Box::new([]),
            extra: BTreeMap::new(),
        }
    }
}
