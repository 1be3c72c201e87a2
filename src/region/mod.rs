//! Regions: provinces, cities, districts and the operator's own areas; their names, the map that places a position in them,
//! and the areas that stores serve.

mod level;
mod lookup;
mod map;
mod service;

pub use level::Level;
pub use lookup::RegionLookupError;
pub use map::{Place, Region, RegionError, RegionMap};
pub use service::{ServiceArea, ServiceAreaError, ServiceAreas};

use serde::{Deserialize, Serialize};

/// Endings that one source writes and another leaves out, longest first.
const ENDINGS: [&str; 18] = [
    "维吾尔自治区",
    "壮族自治区",
    "回族自治区",
    "特别行政区",
    "布依族苗族自治州",
    "自治区",
    "自治州",
    "地区",
    "省",
    "市",
    "盟",
    " municipality",
    " province",
    " prefecture",
    " district",
    " city",
    " shi",
    " sheng",
];

/// The form in which names of one place from different sources are compared: no ending such as 市, lower case.
///
/// 上海, 上海市 and "Shanghai Shi" against "Shanghai" are the same place; nothing is translated.
#[must_use]
pub fn comparable(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let bare = ENDINGS
        .iter()
        .filter_map(|ending| lower.strip_suffix(ending))
        .find(|bare| bare.chars().count() >= 2)
        .unwrap_or(&lower);
    bare.trim().to_owned()
}

/// Where the names of a tag record come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionSource {
    /// The polygons around the visitor's position.
    Polygon,
    /// The columns of the store that was shown.
    Store,
    /// What the IP database says of the address.
    Ip,
    /// Nobody knows.
    None,
}

impl RegionSource {
    /// The word used in records and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Polygon => "polygon",
            Self::Store => "store",
            Self::Ip => "ip",
            Self::None => "none",
        }
    }
}

/// The region of a visit: names as the chain writes them; empty where unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegionNames {
    /// Province, or the first level below the country.
    pub province: Box<str>,
    /// City.
    pub city: Box<str>,
    /// District or county.
    pub district: Box<str>,
    /// The operator's own areas (商圈).
    pub areas: Vec<Box<str>>,
}

impl RegionNames {
    /// The region as far as it is known, from the widest name on: `上海市/黄浦区`. A name that repeats the one before is left out.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        let mut last = "";
        for name in [&*self.province, &*self.city, &*self.district] {
            if !name.is_empty() && name != last {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(name);
                last = name;
            }
        }
        path
    }

    /// Whether a province, city or district is known, and not only areas of the operator's own.
    #[must_use]
    pub fn names_a_region(&self) -> bool {
        !(self.province.is_empty() && self.city.is_empty() && self.district.is_empty())
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.names_a_region() && self.areas.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_place_compare_equal() {
        for (name, expected) in [
            ("上海市", "上海"),
            ("上海", "上海"),
            ("广西壮族自治区", "广西"),
            ("新疆维吾尔自治区", "新疆"),
            ("内蒙古自治区", "内蒙古"),
            ("香港特别行政区", "香港"),
            ("大理白族自治州", "大理白族"),
            ("Shanghai Shi", "shanghai"),
            ("New York City", "new york"),
            ("沙市", "沙市"),
            ("市", "市"),
            (" Suva ", "suva"),
        ] {
            assert_eq!(comparable(name), expected, "{name}");
        }
    }
}
