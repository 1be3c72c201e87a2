//! Where a visitor is, who says so, and how sure that is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::geo::{Circle, Position};
use crate::id::StoreId;
use crate::region::RegionNames;

/// Who says where the visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixSource {
    /// The phone.
    Gps,
    /// The customer, by choosing a store.
    Chosen,
    /// The store of an earlier visit.
    Previous,
    /// The IP address.
    Ip,
    /// Nobody.
    None,
}

impl FixSource {
    /// All sources, in the order of the ladder.
    pub const ALL: [Self; 5] = [Self::Chosen, Self::Gps, Self::Previous, Self::Ip, Self::None];

    /// The word used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gps => "gps",
            Self::Chosen => "chosen",
            Self::Previous => "previous",
            Self::Ip => "ip",
            Self::None => "none",
        }
    }
}

/// How well the place is known, without naming it. This is what a record keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccuracyClass {
    /// Within 100 m: a building.
    Fine,
    /// Within 3 km: a neighbourhood.
    Coarse,
    /// Wider: a city or more.
    Wide,
    /// Not known, or not a measurement.
    None,
}

impl AccuracyClass {
    /// The class of a radius in metres.
    #[must_use]
    pub fn of(accuracy_m: Option<f64>) -> Self {
        match accuracy_m {
            Some(radius) if radius <= 100.0 => Self::Fine,
            Some(radius) if radius <= 3_000.0 => Self::Coarse,
            Some(_) => Self::Wide,
            None => Self::None,
        }
    }

    /// The word used in records and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Coarse => "coarse",
            Self::Wide => "wide",
            Self::None => "none",
        }
    }
}

/// Where a visitor is taken to be.
#[derive(Clone, PartialEq)]
pub enum Fix {
    /// The phone measured it. `accuracy_m` is none where the phone did not say.
    Gps {
        /// Where.
        position: Position,
        /// Radius in metres of the circle that holds the true place with 95 % confidence (W3C Geolocation).
        accuracy_m: Option<f64>,
    },
    /// The customer chose this store.
    Chosen(StoreId),
    /// The store of the visitor's last visit.
    Previous(StoreId),
    /// The address belongs there.
    Ip {
        /// The circle, if the names or the database give one.
        circle: Option<Circle>,
        /// The names that the database gives.
        names: RegionNames,
    },
    /// Nobody knows.
    Nowhere,
}

impl Fix {
    /// Who says so.
    #[must_use]
    pub fn source(&self) -> FixSource {
        match self {
            Self::Gps { .. } => FixSource::Gps,
            Self::Chosen(_) => FixSource::Chosen,
            Self::Previous(_) => FixSource::Previous,
            Self::Ip { .. } => FixSource::Ip,
            Self::Nowhere => FixSource::None,
        }
    }

    /// The radius in metres that holds the true place, if there is one.
    #[must_use]
    pub fn accuracy_m(&self) -> Option<f64> {
        match self {
            Self::Gps { accuracy_m, .. } => *accuracy_m,
            Self::Ip { circle, .. } => circle.map(|it| it.radius_m),
            Self::Chosen(_) | Self::Previous(_) | Self::Nowhere => None,
        }
    }
}

impl fmt::Debug for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fix({}, …)", self.source().as_str())
    }
}
