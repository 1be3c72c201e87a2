//! All regions of a catalog: which of them a position lies in, and what they are called. It reads no files.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Level, RegionNames, comparable};
use crate::geo::{PolygonIndex, Position, Shape};
use crate::id::RegionCode;

/// A piece of the Earth with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its code, unique among all regions.
    pub code: RegionCode,
    /// Its name, as it is shown and put on customers.
    pub name: Box<str>,
    /// How large it is.
    pub level: Level,
    /// The region that it is part of. It need not be on the map: a country never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RegionCode>,
    /// Where it is. Shared, because a catalog's next version mostly has the same regions.
    pub shape: Arc<Shape>,
}

/// Why regions are no map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegionError {
    /// Two regions with one code.
    #[error("region {0} stands twice")]
    Duplicate(RegionCode),
    /// A region is part of one that is no larger.
    #[error("{level} {code} is part of {parent_level} {parent}, but only something larger can hold it")]
    Parent {
        /// The region.
        code: RegionCode,
        /// Its level.
        level: Level,
        /// The region that it says it is part of.
        parent: RegionCode,
        /// The level of that.
        parent_level: Level,
    },
}

impl RegionError {
    /// The word of reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "duplicate_id",
            Self::Parent { .. } => "parent_level",
        }
    }

    /// The region that it is about.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        match self {
            Self::Duplicate(code) | Self::Parent { code, .. } => code,
        }
    }
}

/// The regions around a position, by their keys; none of a level where the map has none there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The province.
    pub province: Option<u32>,
    /// The city.
    pub city: Option<u32>,
    /// The district.
    pub district: Option<u32>,
    /// All of the operator's own areas.
    pub areas: Vec<u32>,
}

impl Place {
    /// Whether the map has nothing there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.narrow_to_wide().next().is_none()
    }

    pub(super) fn at(&self, level: Level) -> Option<u32> {
        match level {
            Level::Province => self.province,
            Level::City => self.city,
            Level::District => self.district,
            Level::Area => None,
        }
    }

    pub(super) fn put(&mut self, level: Level, key: u32) {
        match level {
            Level::Province => self.province = Some(key),
            Level::City => self.city = Some(key),
            Level::District => self.district = Some(key),
            Level::Area => {}
        }
    }

    /// The regions from the narrowest to the widest: areas, district, city, province.
    pub fn narrow_to_wide(&self) -> impl Iterator<Item = u32> {
        self.areas.iter().copied().chain(self.district).chain(self.city).chain(self.province)
    }
}

/// Regions and the index over their shapes. Immutable; a region's place in the order of codes is its key.
#[derive(Default)]
pub struct RegionMap {
    regions: Vec<Region>,
    /// The key of each region's parent, where that is on the map.
    parents: Vec<Option<u32>>,
    /// One index a level: mostly a position is asked for its district alone, which knows its city and province.
    indices: BTreeMap<Level, PolygonIndex<u32>>,
    /// Regions by level and name in comparable form.
    pub(super) by_name: HashMap<(Level, String), Vec<u32>>,
}

impl RegionMap {
    /// Lays out a map.
    ///
    /// # Errors
    /// Every reason why these regions are no map.
    pub fn build(mut regions: Vec<Region>) -> Result<Self, Vec<RegionError>> {
        regions.sort_by(|a, b| a.code.cmp(&b.code));
        let mut errors = Vec::new();
        for pair in regions.windows(2) {
            if let [a, b] = pair
                && a.code == b.code
            {
                errors.push(RegionError::Duplicate(a.code.clone()));
            }
        }
        let parents: Vec<Option<u32>> =
            regions.iter().map(|it| it.parent.as_ref().and_then(|code| find(&regions, code))).collect();
        for (region, parent) in regions.iter().zip(&parents) {
            if let Some(parent) = parent.and_then(|it| get(&regions, it))
                && parent.level >= region.level
            {
                errors.push(RegionError::Parent {
                    code: region.code.clone(),
                    level: region.level,
                    parent: parent.code.clone(),
                    parent_level: parent.level,
                });
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut shapes: BTreeMap<Level, Vec<(u32, Arc<Shape>)>> = BTreeMap::new();
        for (key, it) in (0..).zip(&regions) {
            shapes.entry(it.level).or_default().push((key, Arc::clone(&it.shape)));
        }
        let indices = shapes.into_iter().map(|(level, shapes)| (level, PolygonIndex::build(shapes))).collect();
        let mut by_name: HashMap<(Level, String), Vec<u32>> = HashMap::new();
        for (key, it) in (0..).zip(&regions) {
            by_name.entry((it.level, comparable(&it.name))).or_default().push(key);
        }
        Ok(Self { regions, parents, indices, by_name })
    }

    /// All regions in the order of their codes; a region's place here is its key.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The region with this key.
    #[must_use]
    pub fn region(&self, key: u32) -> Option<&Region> {
        get(&self.regions, key)
    }

    /// The key of the region with this code.
    #[must_use]
    pub fn key(&self, code: &RegionCode) -> Option<u32> {
        find(&self.regions, code)
    }

    /// The keys of all regions of a level that cover a position, in order.
    #[must_use]
    pub fn covering(&self, level: Level, position: Position) -> Vec<u32> {
        self.indices.get(&level).map_or(Vec::new(), |it| it.covering(position))
    }

    /// The regions around a position: one province, one city, one district at most, and all areas.
    ///
    /// The finest of the three that covers the position says which coarser ones it is part of, so that a district never stands beside
    /// another city's name because two maps draw a border differently. What it does not say is what covers the position, unless that
    /// is part of something else. Where maps overlap the smaller code counts.
    #[must_use]
    pub fn place(&self, position: Position) -> Place {
        let mut place = Place { areas: self.covering(Level::Area, position), ..Place::default() };
        for level in [Level::District, Level::City, Level::Province] {
            if place.at(level).is_some() {
                continue;
            }
            let agrees = |key: &u32| {
                self.with_parents(*key).all(|(level, key)| place.at(level).is_none_or(|known| known == key))
            };
            if let Some(key) = self.covering(level, position).into_iter().find(agrees) {
                for (level, key) in self.with_parents(key) {
                    place.put(level, key);
                }
            }
        }
        place
    }

    /// A region and those that it is part of. Each is larger than the one before by [`RegionMap::build`], so this ends.
    pub(super) fn with_parents(&self, key: u32) -> impl Iterator<Item = (Level, u32)> {
        std::iter::successors(Some(key), |key| self.parents.get(usize::try_from(*key).ok()?).copied().flatten())
            .filter_map(|key| Some((self.region(key)?.level, key)))
    }

    /// The names of a place. A district that belongs to a province directly, without a city between, names the province as its
    /// city too: so it is with 上海市, and so do maps and addresses write it.
    #[must_use]
    pub fn names(&self, place: &Place) -> RegionNames {
        let name = |key: Option<u32>| key.and_then(|it| self.region(it)).map_or("".into(), |it| it.name.clone());
        let province = name(place.province);
        let city = match (place.city, place.district) {
            (None, Some(_)) => province.clone(),
            (city, _) => name(city),
        };
        let areas = place.areas.iter().map(|it| name(Some(*it))).collect();
        RegionNames { province, city, district: name(place.district), areas }
    }

    /// The codes of a place's regions, narrowest first.
    #[must_use]
    pub fn codes(&self, place: &Place) -> Vec<&RegionCode> {
        place.narrow_to_wide().filter_map(|it| self.region(it)).map(|it| &it.code).collect()
    }
}

impl fmt::Debug for RegionMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegionMap({} regions)", self.regions.len())
    }
}

fn find(regions: &[Region], code: &RegionCode) -> Option<u32> {
    regions.binary_search_by(|it| it.code.cmp(code)).ok().and_then(|it| u32::try_from(it).ok())
}

fn get(regions: &[Region], key: u32) -> Option<&Region> {
    regions.get(usize::try_from(key).ok()?)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::geo::Datum;
    use crate::geo::polygon::Vertex;

    /// A region that is a box of degrees: south, west, north, east.
    pub(in crate::region) fn region(
        code: &str,
        name: &str,
        level: Level,
        parent: Option<&str>,
        [s, w, n, e]: [f64; 4],
    ) -> Region {
        let ring = [(s, w), (s, e), (n, e), (n, w), (s, w)].map(|(lat, lon)| Vertex { lat, lon }).to_vec();
        let (shape, _) = Shape::from_rings(&[vec![ring]], Datum::Wgs84).unwrap();
        let code = RegionCode::parse(code).unwrap();
        let parent = parent.map(|it| RegionCode::parse(it).unwrap());
        Region { code, name: name.into(), level, parent, shape: Arc::new(shape) }
    }

    pub(in crate::region) fn map() -> RegionMap {
        RegionMap::build(vec![
            region("310000", "上海市", Level::Province, Some("100000"), [30.0, 120.0, 32.0, 122.0]),
            region("310101", "黄浦区", Level::District, Some("310000"), [31.0, 121.0, 31.5, 121.5]),
            region("320000", "江苏省", Level::Province, Some("100000"), [32.0, 118.0, 35.0, 122.0]),
            region("320500", "苏州市", Level::City, Some("320000"), [32.0, 120.0, 33.0, 122.0]),
            region("320505", "虎丘区", Level::District, Some("320500"), [31.9, 121.0, 33.0, 121.5]),
            region("320900", "盐城市", Level::City, Some("320000"), [31.4, 121.0, 31.5, 121.5]),
            region("WT", "外滩商圈", Level::Area, None, [31.2, 121.2, 31.3, 121.3]),
            region("NJ", "南京路", Level::Area, Some("310101"), [31.2, 121.2, 31.3, 121.3]),
        ])
        .unwrap()
    }

    fn named(lat: f64, lon: f64) -> [String; 4] {
        let map = map();
        let it = map.names(&map.place(Position::from_datum(lat, lon, Datum::Wgs84).unwrap()));
        [it.province.into(), it.city.into(), it.district.into(), it.areas.join(" ")]
    }

    #[test]
    fn a_place_is_named_on_every_level() {
        assert_eq!(named(31.25, 121.25), ["上海市", "上海市", "黄浦区", "南京路 外滩商圈"]);
        assert_eq!(named(32.5, 121.25), ["江苏省", "苏州市", "虎丘区", ""]);
        assert_eq!(named(32.5, 120.5), ["江苏省", "苏州市", "", ""]);
        assert_eq!(named(34.5, 120.5), ["江苏省", "", "", ""]);
        assert_eq!(named(30.5, 120.5), ["上海市", "", "", ""]);
        assert_eq!(named(0.0, 0.0), ["", "", "", ""]);
    }

    #[test]
    fn the_finest_region_decides_on_the_coarser_ones() {
        // Here the district's map reaches over the border of the province's.
        assert_eq!(named(31.95, 121.25), ["江苏省", "苏州市", "虎丘区", ""]);
    }

    #[test]
    fn a_city_of_another_province_is_no_city_of_the_district() {
        assert_eq!(named(31.45, 121.25), ["上海市", "上海市", "黄浦区", ""]);
    }

    #[test]
    fn a_place_is_walked_from_narrow_to_wide() {
        let map = map();
        let place = map.place(Position::from_datum(31.25, 121.25, Datum::Wgs84).unwrap());
        let codes: Vec<&str> = place.narrow_to_wide().map(|it| map.region(it).unwrap().code.as_str()).collect();
        assert_eq!(codes, ["NJ", "WT", "310101", "310000"]);
        assert!(map.place(Position::from_datum(0.0, 0.0, Datum::Wgs84).unwrap()).is_empty());
    }

    #[test]
    fn regions_that_are_no_map_are_refused() {
        let square = [0.0, 0.0, 1.0, 1.0];
        let errors = RegionMap::build(vec![
            region("a", "甲", Level::City, Some("b"), square),
            region("b", "乙", Level::District, Some("a"), square),
            region("c", "丙", Level::Area, Some("c"), square),
            region("b", "丁", Level::District, None, square),
        ])
        .unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "region b stands twice",
                "city a is part of district b, but only something larger can hold it",
                "area c is part of area c, but only something larger can hold it"
            ]
        );
    }

    #[test]
    fn a_stored_region_comes_back_the_same() {
        let region = region("310101", "黄浦区", Level::District, Some("310000"), [31.0, 121.0, 31.5, 121.5]);
        let text = serde_json::to_string(&region).unwrap();
        assert!(text.len() < 150, "{text}");
        assert_eq!(serde_json::from_str::<Region>(&text).unwrap(), region);
    }
}
