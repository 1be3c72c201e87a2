//! Looks addresses up in a MaxMind DB file (`.mmdb`).
//!
//! The `maxminddb` crate walks the tree and decodes; this module says what to decode. Only the few fields below are
//! decoded, all others are skipped, which bounds depth and work: the crate skips at most 128 levels, does not follow
//! pointers while skipping, and stops decoding after 65,536 values.

use std::fmt;
use std::net::IpAddr;

use maxminddb::Reader;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::geo::{Datum, Position};

use super::{IpPlace, IpdbErrorKind, known_name, mmdb_check};

/// Metres in a kilometre, the unit of `accuracy_radius`.
const M_PER_KM: f64 = 1000.0;

/// A MaxMind database in memory.
pub(super) struct Mmdb {
    reader: Reader<Vec<u8>>,
    is_ipv4_only: bool,
}

impl Mmdb {
    /// Takes over the bytes of a file and checks all of them that look-ups can reach.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, IpdbErrorKind> {
        mmdb_check::check_structure(&bytes)?;
        let reader = Reader::from_source(bytes).map_err(|error| not_a_database(&error))?;
        let is_ipv4_only = reader.metadata().ip_version == 4;
        Ok(Self { reader, is_ipv4_only })
    }

    pub(super) fn locate(&self, ip: IpAddr) -> Option<IpPlace> {
        if self.is_ipv4_only && ip.is_ipv6() {
            return None;
        }
        // A record of another shape is no answer. Opening the file has refused what is damaged.
        let record = self.reader.lookup(ip).ok()?.decode::<Record<'_>>().ok()??;
        let place = record.place();
        place.knows_something().then_some(place)
    }
}

pub(super) fn not_a_database(error: &maxminddb::MaxMindDbError) -> IpdbErrorKind {
    IpdbErrorKind::NotADatabase { format: "MaxMind DB", detail: error.to_string() }
}

/// The part of a City or Country record that is used.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    country: Named<'a>,
    #[serde(borrow, deserialize_with = "first")]
    subdivisions: Named<'a>,
    #[serde(borrow)]
    city: Named<'a>,
    location: Location,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    #[serde(rename = "zh-CN")]
    zh_cn: Option<&'a str>,
    en: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Number,
    longitude: Number,
    accuracy_radius: Number,
}

impl Record<'_> {
    pub(super) fn place(&self) -> IpPlace {
        let position = self.location.position();
        let radius_km = self.location.accuracy_radius.0;
        let accuracy_m = radius_km.map(|km| km * M_PER_KM).filter(|m| m.is_finite() && *m > 0.0);
        IpPlace {
            country: self.country.name(),
            province: self.subdivisions.name(),
            city: self.city.name(),
            position,
            accuracy_m: position.and(accuracy_m),
        }
    }
}

impl Named<'_> {
    fn name(&self) -> Option<Box<str>> {
        let known = |name: Option<&str>| name.and_then(known_name);
        known(self.names.zh_cn).or_else(|| known(self.names.en))
    }
}

impl Location {
    /// The coordinates, unless they are exactly 0, 0: writers put that where they know none.
    fn position(&self) -> Option<Position> {
        let (lat, lon) = (self.latitude.0?, self.longitude.0?);
        if lat.abs() + lon.abs() <= 0.0 {
            return None;
        }
        Position::from_datum(lat, lon, Datum::Wgs84).ok()
    }
}

/// A number of any type. The format has six, and writers differ in which they use for a radius.
#[derive(Default)]
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<f64>, E> {
        Ok(Some(value))
    }

    fn visit_f32<E>(self, value: f32) -> Result<Option<f64>, E> {
        Ok(Some(f64::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<f64>, E> {
        // Coordinates and radii are far below 2^32; anything above is no such number.
        Ok(u32::try_from(value).ok().map(f64::from))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<f64>, E> {
        Ok(i32::try_from(value).ok().map(f64::from))
    }
}

/// Decodes the first element of a list, the largest subdivision, and skips the others.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named<'de>, D::Error> {
    deserializer.deserialize_seq(FirstVisitor)
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = Named<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of subdivisions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Named<'de>, A::Error> {
        let first = list.next_element()?.unwrap_or_default();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}
