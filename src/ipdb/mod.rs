//! Where an IP address is, as far as the operator's IP databases know.
//!
//! It does not turn a city into a position, and it never keeps, logs or prints an address or what was found for it.

mod error;
mod fields;
mod mmdb;
mod mmdb_check;
mod open;
mod watch;
mod xdb;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::geo::Position;

pub use error::{IpdbError, IpdbErrorKind};
pub use fields::{Field, FieldsError, Ip2regionFields};
pub use open::{BYTES_MAX, Database};
pub use watch::{IpLocator, ReloadOutcome};

/// Longest name of a place that is taken over from a database, in bytes. Longer ones count as unknown.
pub const NAME_BYTES_MAX: usize = 256;

/// Coordinates with a radius from here on say no more than the country does, in metres.
///
/// Databases that know only the country give its middle with a radius of about 1,000 km; a province is smaller.
pub const COUNTRY_ACCURACY_M_MIN: f64 = 500_000.0;

/// What databases write where they know nothing: ip2region's `0`, private networks, reserved networks.
const UNKNOWN_NAMES: [&str; 8] = ["", "0", "-", "内网IP", "局域网", "保留地址", "未知", "Reserved"];

/// Which IP databases are asked, and how their fields are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The `.mmdb` and `.xdb` files, in the order in which they are asked.
    pub paths: Vec<PathBuf>,
    /// What the fields of the `.xdb` files mean: `auto`, or names such as `country|skip|province|city`.
    pub ip2region_fields: Ip2regionFields,
}

/// What the databases know about where an address is. Prints nothing of it under `Debug`.
#[derive(Clone, Default, PartialEq)]
pub struct IpPlace {
    /// Name of the country, as the database gives it.
    pub country: Option<Box<str>>,
    /// Name of the province or state, as the database gives it.
    pub province: Option<Box<str>>,
    /// Name of the city, as the database gives it.
    pub city: Option<Box<str>>,
    /// The middle of the area, if the database holds coordinates.
    pub position: Option<Position>,
    /// Radius around `position`, in metres, that the database believes to hold the address.
    pub accuracy_m: Option<f64>,
}

/// How much an [`IpPlace`] says, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Knowledge {
    Nothing,
    Country,
    CountryPosition,
    Place,
}

impl IpPlace {
    fn knowledge(&self) -> Knowledge {
        let is_rough = self.accuracy_m.is_some_and(|radius| radius >= COUNTRY_ACCURACY_M_MIN);
        if self.city.is_some() || self.province.is_some() || (self.position.is_some() && !is_rough) {
            Knowledge::Place
        } else if self.position.is_some() {
            Knowledge::CountryPosition
        } else if self.country.is_some() {
            Knowledge::Country
        } else {
            Knowledge::Nothing
        }
    }

    fn knows_something(&self) -> bool {
        self.knowledge() > Knowledge::Nothing
    }
}

impl fmt::Debug for IpPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IpPlace").finish_non_exhaustive()
    }
}

/// A name worth keeping, or nothing where the database only says that it does not know.
fn known_name(text: &str) -> Option<Box<str>> {
    let name = text.trim();
    (!UNKNOWN_NAMES.contains(&name) && name.len() <= NAME_BYTES_MAX).then(|| name.into())
}

/// The opened databases in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct IpDatabases {
    databases: Vec<Arc<Database>>,
}

impl IpDatabases {
    /// Puts opened databases in the order in which they are asked.
    #[must_use]
    pub fn new(databases: Vec<Arc<Database>>) -> Self {
        Self { databases }
    }

    /// Where an address is, by the first database that knows a city, a province or coordinates.
    ///
    /// If none does, the best of what is left: coordinates that are as rough as a country before a country's bare name.
    /// An IPv4 address in IPv6 form (`::ffff:…`) is looked up as IPv4. Private addresses are looked up like all others;
    /// what comes back is only what a file says.
    #[must_use]
    pub fn locate(&self, ip: IpAddr) -> Option<IpPlace> {
        let ip = ip.to_canonical();
        let mut best: Option<(Knowledge, IpPlace)> = None;
        for place in self.databases.iter().filter_map(|database| database.locate(ip)) {
            let knowledge = place.knowledge();
            if knowledge == Knowledge::Place {
                return Some(place);
            }
            let least = best.as_ref().map_or(Knowledge::Nothing, |(known, _)| *known);
            if knowledge > least {
                best = Some((knowledge, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// How many databases are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.databases.len()
    }

    /// Whether no database is in use, so that every look-up finds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty()
    }
}

#[cfg(test)]
mod tests;
