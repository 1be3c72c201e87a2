//! Regions by what they are called: by the names that an address or a store has, or as a person writes them.

use thiserror::Error;

use super::{Level, Place, Region, RegionMap, RegionNames, comparable};
use crate::id::RegionCode;

/// The most characters of a wrong name that an error repeats.
const NAME_SHOWN_CHARS_MAX: usize = 64;
/// The most codes that an error lists.
const CODES_SHOWN_MAX: usize = 8;

/// Why a text names no region.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegionLookupError {
    /// Neither a code nor a name.
    #[error("no region has the code or the name {0:?}; import the map of regions first")]
    Unknown(String),
    /// A name that several regions bear.
    #[error("several regions bear the name {0:?}; write one of the codes {1}")]
    Ambiguous(String, String),
}

impl RegionLookupError {
    /// The word of reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_region",
            Self::Ambiguous(..) => "ambiguous_region",
        }
    }
}

impl RegionMap {
    /// The regions that bear these names, in whatever way they are spelled ([`comparable`]). A narrower one is found only inside
    /// the wider ones that the names give, and only if no other there has its name.
    #[must_use]
    pub fn place_named(&self, names: &RegionNames) -> Place {
        let mut place = Place::default();
        for (level, name) in
            [(Level::Province, &names.province), (Level::City, &names.city), (Level::District, &names.district)]
        {
            if let Some(key) = self.only_one(level, name, &place) {
                for (level, key) in self.with_parents(key) {
                    place.put(level, key);
                }
            }
        }
        if place.is_empty() {
            // A city that is a province too (上海市) may come without its province.
            place.province = self.only_one(Level::Province, &names.city, &place);
        }
        place.areas = names.areas.iter().filter_map(|it| self.only_one(Level::Area, it, &Place::default())).collect();
        place
    }

    /// The one region of that level and name that lies in a place.
    fn only_one(&self, level: Level, name: &str, place: &Place) -> Option<u32> {
        let inside = |key: &u32| {
            self.with_parents(*key).all(|(level, key)| place.at(level).is_none_or(|known| known == key))
                && self.knows_parents(*key, place)
        };
        let mut keys = self.by_name.get(&(level, comparable(name)))?.iter().copied().filter(inside);
        keys.next().filter(|_| keys.next().is_none())
    }

    /// Whether a region says of the narrowest region of a place that it lies in it; true of areas, and where the place is empty.
    fn knows_parents(&self, key: u32, place: &Place) -> bool {
        let is_area = self.region(key).is_some_and(|it| it.level == Level::Area);
        let narrowest = place.city.or(place.province);
        is_area || narrowest.is_none_or(|known| self.with_parents(key).any(|(_, it)| it == known))
    }

    /// The region that a person means by a code, or by a name that only one region bears.
    ///
    /// # Errors
    /// [`RegionLookupError`] if there is none, or several.
    pub fn find(&self, text: &str) -> Result<&Region, RegionLookupError> {
        let text = text.trim();
        if let Some(region) = RegionCode::parse(text).ok().and_then(|it| self.key(&it)).and_then(|it| self.region(it)) {
            return Ok(region);
        }
        let name = comparable(text);
        let levels = [Level::Province, Level::City, Level::District, Level::Area];
        let keys = levels.into_iter().filter_map(|it| self.by_name.get(&(it, name.clone()))).flatten();
        let mut found: Vec<&Region> = keys.filter_map(|it| self.region(*it)).collect();
        // 吉林市 is meant by its whole name, although 吉林省 is another spelling of what is compared.
        if found.iter().any(|it| *it.name == *text) {
            found.retain(|it| *it.name == *text);
        }
        match found.as_slice() {
            [] => Err(RegionLookupError::Unknown(text.chars().take(NAME_SHOWN_CHARS_MAX).collect())),
            [one] => Ok(one),
            several => Err(RegionLookupError::Ambiguous(
                text.chars().take(NAME_SHOWN_CHARS_MAX).collect(),
                several.iter().take(CODES_SHOWN_MAX).map(|it| it.code.to_string()).collect::<Vec<_>>().join(", "),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::map::tests::{map, region};
    use super::*;

    #[test]
    fn regions_are_found_by_name() {
        let map = map();
        let found = |province: &str, city: &str, district: &str| {
            let (province, city, district) = (province.into(), city.into(), district.into());
            let place = map.place_named(&RegionNames { province, city, district, areas: Vec::new() });
            map.codes(&place).into_iter().map(RegionCode::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found("江苏", "苏州", ""), "320500 320000");
        assert_eq!(found("", "苏州市", ""), "320500 320000");
        assert_eq!(found("上海市", "上海", ""), "310000");
        assert_eq!(found("", "上海", ""), "310000");
        assert_eq!(found("上海市", "上海市", "黄浦区"), "310101 310000");
        assert_eq!(found("江苏省", "无锡", ""), "320000");
        assert_eq!(found("江苏省", "盐城", "虎丘区"), "320900 320000");
        assert_eq!((found("", "", ""), found("浙江", "", "")), (String::new(), String::new()));
    }

    #[test]
    fn a_region_is_meant_by_its_code_or_by_a_name_of_its_own() {
        let square = [0.0, 0.0, 1.0, 1.0];
        let map = RegionMap::build(vec![
            region("110105", "朝阳区", Level::District, None, square),
            region("220104", "朝阳区", Level::District, None, square),
            region("220000", "吉林省", Level::Province, None, square),
            region("220200", "吉林市", Level::City, None, square),
            region("WT", "外滩商圈", Level::Area, None, square),
        ])
        .unwrap();
        let found = |text: &str| map.find(text).map(|it| it.code.to_string()).map_err(|it| it.to_string());
        assert_eq!(found("110105").unwrap(), "110105");
        assert_eq!(found(" 外滩商圈 ").unwrap(), "WT");
        assert_eq!(found("吉林市").unwrap(), "220200");
        assert_eq!(
            found("朝阳区").unwrap_err(),
            "several regions bear the name \"朝阳区\"; write one of the codes 110105, 220104"
        );
        assert_eq!(
            found("吉林").unwrap_err(),
            "several regions bear the name \"吉林\"; write one of the codes 220000, 220200"
        );
        assert_eq!(
            found("Atlantis").unwrap_err(),
            "no region has the code or the name \"Atlantis\"; import the map of regions first"
        );
    }
}
