//! The levels of regions; not which region lies in which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How large a region is, coarse before fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A province, or the first level below the country.
    Province,
    /// A city or prefecture.
    City,
    /// A district or county.
    District,
    /// An area of the operator's own (商圈); areas may overlap.
    Area,
}

impl Level {
    /// Reads the name of a level in any case: `province`, `市`, `county`, `商圈` …
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "province" | "省" | "省级" => Some(Self::Province),
            "city" | "prefecture" | "市" | "市级" | "地级" => Some(Self::City),
            "district" | "county" | "区" | "县" | "区县" | "区县级" => Some(Self::District),
            "area" | "商圈" | "片区" | "区域" => Some(Self::Area),
            _ => None,
        }
    }

    /// The level of a code of GB/T 2260: `310000` is a province, `310100` a city, `310101` a district.
    #[must_use]
    pub fn of_adcode(code: &str) -> Option<Self> {
        if code.len() != 6 || !code.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        Some(match code {
            _ if code.ends_with("0000") => Self::Province,
            _ if code.ends_with("00") => Self::City,
            _ => Self::District,
        })
    }

    /// The one name that is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::City => "city",
            Self::District => "district",
            Self::Area => "area",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
