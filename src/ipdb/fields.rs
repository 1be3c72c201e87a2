//! What the fields between the `|` signs of an ip2region record mean.
//!
//! Public files come in three orders: `国家|区域|省份|城市|ISP` until 2025, `国家|省份|城市|ISP` and
//! `国家|省份|城市|ISP|ISO code` since. The file itself does not say which it has.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

use super::{IpPlace, known_name};

/// The most fields a configured order may have.
pub const FIELDS_MAX: usize = 32;

/// What one field of an ip2region record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The country.
    Country,
    /// The province or state.
    Province,
    /// The city.
    City,
    /// Something that is not used.
    Skip,
}

impl Field {
    fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Province => "province",
            Self::City => "city",
            Self::Skip => "skip",
        }
    }
}

/// Why a text is no order of fields.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldsError {
    /// A word that names no field.
    #[error("{0:?} is no field; the fields are country, province, city and skip, joined by |")]
    Unknown(String),
    /// A field that stands twice.
    #[error("{0:?} stands more than once")]
    Repeated(&'static str),
    /// Nothing in it would ever be used.
    #[error("none of country, province and city is in it")]
    Useless,
    /// More fields than a record has.
    #[error("more than {FIELDS_MAX} fields")]
    TooMany,
}

/// The order of the fields in `.xdb` files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Ip2regionFields {
    /// Told apart by the number of fields and their values, for each file.
    #[default]
    Auto,
    /// This order, for all files. Fields that a record does not have are unknown.
    Explicit(Vec<Field>),
}

impl FromStr for Ip2regionFields {
    type Err = FieldsError;

    /// Reads `auto`, or field names joined by `|` or `,`.
    fn from_str(text: &str) -> Result<Self, FieldsError> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let mut fields = Vec::new();
        for word in text.split(['|', ',']).map(str::trim) {
            let field = match word {
                "country" => Field::Country,
                "province" => Field::Province,
                "city" => Field::City,
                "skip" => Field::Skip,
                _ => return Err(FieldsError::Unknown(word.to_owned())),
            };
            if field != Field::Skip && fields.contains(&field) {
                return Err(FieldsError::Repeated(field.as_str()));
            }
            if fields.len() == FIELDS_MAX {
                return Err(FieldsError::TooMany);
            }
            fields.push(field);
        }
        if fields.iter().all(|field| *field == Field::Skip) {
            return Err(FieldsError::Useless);
        }
        Ok(Self::Explicit(fields))
    }
}

impl TryFrom<String> for Ip2regionFields {
    type Error = FieldsError;

    fn try_from(text: String) -> Result<Self, FieldsError> {
        text.parse()
    }
}

impl fmt::Display for Ip2regionFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Explicit(fields) => {
                let words: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
                f.write_str(&words.join("|"))
            }
        }
    }
}

impl Ip2regionFields {
    /// The order to read these records by, or the number of fields (0 if it varies) that no known order has.
    pub(super) fn order(&self, records: &[&str]) -> Result<Vec<Field>, usize> {
        match self {
            Self::Explicit(fields) => Ok(fields.clone()),
            Self::Auto => recognise(records),
        }
    }
}

fn recognise(records: &[&str]) -> Result<Vec<Field>, usize> {
    use Field::{City, Country, Province, Skip};

    let mut counts = records.iter().map(|record| record.split('|').count());
    let count = counts.next().unwrap_or(0);
    if counts.any(|other| other != count) {
        return Err(0);
    }
    match count {
        4 => Ok(vec![Country, Province, City, Skip]),
        5 if ends_in_country_codes(records) => Ok(vec![Country, Province, City, Skip, Skip]),
        5 => Ok(vec![Country, Skip, Province, City, Skip]),
        _ => Err(count),
    }
}

/// Whether the last fields, where known, are nearly all ISO 3166-1 codes of two capital letters. Names of network
/// operators, which stand there otherwise, look like that only now and then.
fn ends_in_country_codes(records: &[&str]) -> bool {
    let mut known = 0_usize;
    let mut codes = 0_usize;
    for last in records.iter().filter_map(|record| record.rsplit('|').next()) {
        if known_name(last).is_some() {
            known += 1;
            codes += usize::from(last.len() == 2 && last.bytes().all(|it| it.is_ascii_uppercase()));
        }
    }
    known > 0 && codes.saturating_mul(10) >= known.saturating_mul(9)
}

/// The place that a record names.
pub(super) fn place(record: &str, order: &[Field]) -> IpPlace {
    let mut place = IpPlace::default();
    for (text, field) in record.split('|').zip(order) {
        match field {
            Field::Country => place.country = known_name(text),
            Field::Province => place.province = known_name(text),
            Field::City => place.city = known_name(text),
            Field::Skip => {}
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(records: &[&str], setting: &str) -> Vec<[Option<String>; 3]> {
        let order = setting.parse::<Ip2regionFields>().unwrap().order(records).unwrap();
        let own = |name: Option<Box<str>>| name.map(String::from);
        records
            .iter()
            .map(|record| place(record, &order))
            .map(|place| [own(place.country), own(place.province), own(place.city)])
            .collect()
    }

    fn some(names: [&str; 3]) -> [Option<String>; 3] {
        names.map(|name| (!name.is_empty()).then(|| name.to_owned()))
    }

    #[test]
    fn the_order_with_a_region_is_recognised() {
        let records = ["中国|0|广东省|广州市|联通", "0|0|0|内网IP|内网IP", "德国|0|0|0|TT"];
        assert_eq!(
            names(&records, "auto"),
            [some(["中国", "广东省", "广州市"]), some(["", "", ""]), some(["德国", "", ""])]
        );
    }

    #[test]
    fn the_order_with_a_country_code_is_recognised() {
        let records =
            ["中国|广东省|深圳市|电信|CN", "United States|California|0|xTom|US", "Reserved|Reserved|Reserved|0|0"];
        assert_eq!(
            names(&records, "auto"),
            [some(["中国", "广东省", "深圳市"]), some(["United States", "California", ""]), some(["", "", ""])]
        );
    }

    #[test]
    fn the_order_of_four_is_recognised() {
        assert_eq!(names(&["中国|上海|上海市|0"], "auto"), [some(["中国", "上海", "上海市"])]);
    }

    #[test]
    fn other_numbers_of_fields_need_the_setting() {
        let records = ["亚洲|中国|浙江省|杭州市|西湖区|电信|330100"];
        assert_eq!(Ip2regionFields::Auto.order(&records), Err(7));
        assert_eq!(Ip2regionFields::Auto.order(&["a|b|c|d", "a|b|c|d|e"]), Err(0));
        assert_eq!(names(&records, "skip|country|province|city"), [some(["中国", "浙江省", "杭州市"])]);
    }

    #[test]
    fn a_setting_reads_back_as_it_prints_and_mistakes_are_named() {
        for text in ["auto", "country|skip|province|city|skip"] {
            assert_eq!(text.parse::<Ip2regionFields>().unwrap().to_string(), text);
        }
        assert_eq!("country, city".parse::<Ip2regionFields>().unwrap().to_string(), "country|city");
        let refused = |text: &str| text.parse::<Ip2regionFields>().unwrap_err();
        assert_eq!(refused("country|town"), FieldsError::Unknown(String::from("town")));
        assert_eq!(refused("city|city"), FieldsError::Repeated("city"));
        assert_eq!(refused("skip"), FieldsError::Useless);
        assert_eq!(refused(&["skip"; 33].join("|")), FieldsError::TooMany);
    }
}
